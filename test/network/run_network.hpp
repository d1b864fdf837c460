// Where networks run in tests, and comparing what they compute with plain loops.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>
#include <tern/tern.hpp>

#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"
#include "../support/thread_executor.hpp"
#include "plain_network.hpp"

namespace tern_test {

/// What a result holds, or the end of the test.
template <class T>
T must(tern::result<T> r) {
    REQUIRE_MESSAGE(r.ok(), std::string(r.message()));
    return std::move(*r);
}
inline void must(const tern::status& s) { REQUIRE_MESSAGE(s.ok(), std::string(s.message())); }

template <class File>
tern::safetensors_file load_bytes(const File& bytes) {
    return must(tern::safetensors_file::load(bytes.data(), bytes.size()));
}

/// A float tensor, channels last.
struct float_map {
    std::size_t n = 0, h = 0, w = 0, c = 0;
    std::vector<float> v;

    float_map() = default;
    float_map(const tern::image_shape& s, std::size_t channels)
        : n(s.n), h(s.h), w(s.w), c(channels), v(s.n * s.h * s.w * channels) {}
    explicit float_map(const plain_map& x) : float_map(x.shape(), x.c) {
        std::transform(x.v.begin(), x.v.end(), v.begin(), [](double d) { return static_cast<float>(d); });
    }
    tern::image_shape shape() const { return {n, h, w}; }
    tern::tensor_view<float> view() { return tern::nhwc(v.data(), n, h, w, c); }
    tern::tensor_view<const float> view() const { return tern::nhwc(v.data(), n, h, w, c); }
};

/// Within 1e-4 of the largest magnitude there.
inline void check_floats(const std::string& name, const float_map& got, const plain_map& expected) {
    CAPTURE(name);
    REQUIRE(got.v.size() == expected.v.size());
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < got.v.size(); ++i) {
        const double off = std::fabs(static_cast<double>(got.v[i]) - expected.v[i]);
        worst = off <= worst ? worst : off;  // NaN stays
        largest = std::max(largest, std::fabs(expected.v[i]));
    }
    REQUIRE(largest > 0);
    CHECK(worst <= 1e-4 * largest);
}

inline void check_codes(const std::string& name, const tern::const_packed_image& got, const plain_map& expected) {
    CAPTURE(name);
    std::vector<std::int16_t> seen(expected.v.size());
    const auto read = [&](auto type) {
        using T = decltype(type);
        std::vector<T> codes(expected.v.size());
        must(tern::unpack_codes(got, tern::nhwc(codes.data(), expected.n, expected.h, expected.w, expected.c)));
        std::copy(codes.begin(), codes.end(), seen.begin());
    };
    if (got.layout.code == tern::code_id::u8)
        read(std::uint8_t{});
    else
        read(std::int8_t{});
    std::size_t different = 0;
    for (std::size_t i = 0; i < seen.size(); ++i)
        different += static_cast<double>(seen[i]) != expected.v[i];
    CHECK(different == 0);
}

/// Whether every value of a code occurs: a network in which it does not shows little.
inline void check_variety(const plain_map& codes, std::size_t levels) {
    std::vector<double> values = codes.v;
    std::sort(values.begin(), values.end());
    CHECK(std::unique(values.begin(), values.end()) - values.begin() == static_cast<std::ptrdiff_t>(levels));
}

/// One kernel table and some threads.
class network_runner {
public:
    network_runner(const tern::kernel_table& table, const tern::executor& threads) : threads_(threads) {
        options_.kernels = &table;
    }
    const tern::plan_options& options() const { return options_; }
    const tern::executor& threads() const { return threads_; }

private:
    tern::plan_options options_;
    tern::executor threads_;
};

/// body(runner) on every table, one thread and three, and on the reference tables.
template <class Body>
void for_each_runner(Body body) {
    for_each_table([&](const tern::kernel_table& table) {
        body(network_runner(table, {}));
        body(network_runner(table, thread_executor(3)));
    });
    body(network_runner(tern::reference_table(true), {}));
}

}  // namespace tern_test
