// Convolutions of any weight code with any activation code, as plain loops, and run by every family and lowering.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "arrays.hpp"
#include "dirty_memory.hpp"
#include "oracle.hpp"
#include "run_plan.hpp"
#include "thread_executor.hpp"

namespace tern_test {

/// Any value of a code, the ends of its range more often than the others.
inline int any_value(tern::code_id code, bool of_weights, std::mt19937& random) {
    const tern::code_info c = tern::get_code_info(code);
    const int first = of_weights ? c.weight_min : c.min;
    const int count = (c.max - first) / c.step + 1;
    const auto r = static_cast<int>(random() % 4096);
    return r % 8 == 0 ? first : r % 8 == 1 ? c.max : first + r / 8 % count * c.step;
}

/// A convolution over values of any code; padding has the value `border`.
struct code_problem {
    conv_problem shape;
    tern::code_id weights, activations;
    int border = 0;
    std::vector<int> input, values;  // [n][y][x][c], [o][i][ky][kx]

    code_problem(const conv_problem& p, tern::code_id w, tern::code_id a, std::mt19937& random)
        : shape(p), weights(w), activations(a), input(p.in.n * p.in.h * p.in.w * p.in_channels()),
          values(p.weights.size()) {
        for (int& v : input)
            v = any_value(a, false, random);
        for (int& v : values)
            v = any_value(w, true, random);
    }

    std::vector<std::int32_t> convolve() const { return tern_test::convolve(shape, input, values, border); }
    std::string text() const {
        return std::string("w") + tern::code_name(weights) + "a" + tern::code_name(activations) + ", border " +
               std::to_string(border) + ", " + shape.text();
    }
};

inline tern::code_weights make_weights(const code_problem& p) {
    const std::vector<std::int8_t> codes(p.values.begin(), p.values.end());
    auto w = tern::pack_code_weights(codes.data(), p.shape.weights, p.weights);
    REQUIRE_MESSAGE(w.ok(), std::string(w.message()));
    return std::move(*w);
}

/// An image in loose memory: pitches larger than need be, garbage wherever no code lies.
struct code_image {
    tern::packed_layout layout;
    exact_array<std::uint64_t> memory;

    code_image(const code_problem& p, const tern::border& halo, std::mt19937& random)
        : layout(loose(p, halo, random)), memory(layout.total_bytes / 8) {
        unsigned char* bytes = reinterpret_cast<unsigned char*>(memory.data());
        std::memset(bytes, 0xdb, layout.total_bytes);
        const tern::packed_image view{layout, bytes};
        const auto above = static_cast<std::ptrdiff_t>(halo.top), left = static_cast<std::ptrdiff_t>(halo.left);
        for (std::size_t n = 0; n < layout.n; ++n)
            for (std::ptrdiff_t y = -above; y < static_cast<std::ptrdiff_t>(layout.h + halo.bottom); ++y)
                for (std::ptrdiff_t x = -left; x < static_cast<std::ptrdiff_t>(layout.w + halo.right); ++x) {
                    std::memset(bytes + layout.offset(n, y, x), 0, layout.used_bytes());
                    const auto row = static_cast<std::size_t>(y), column = static_cast<std::size_t>(x);
                    for (std::size_t c = 0; c < layout.c; ++c)
                        tern::set_code(view, n, y, x, c,
                                       row < layout.h && column < layout.w
                                           ? p.input[((n * layout.h + row) * layout.w + column) * layout.c + c]
                                           : layout.halo_code);
                }
    }

    static tern::packed_layout loose(const code_problem& p, const tern::border& halo, std::mt19937& random) {
        auto l = tern::make_packed_layout(p.activations, p.shape.in, p.shape.in_channels(), halo);
        REQUIRE(l.ok());
        l->halo_code = static_cast<std::int16_t>(p.border);
        l->pixel_bytes = (l->used_bytes() + 7) / 8 * 8 + random() % 3 * 8;
        l->row_bytes = (halo.left + l->w + halo.right) * l->pixel_bytes + random() % 3 * 8;
        l->image_bytes = (halo.top + l->h + halo.bottom) * l->row_bytes + random() % 3 * 8;
        l->total_bytes = l->n * l->image_bytes;
        return *l;
    }
    tern::const_packed_image view() const { return {layout, reinterpret_cast<const unsigned char*>(memory.data())}; }
};

/// Runs a plan of a problem and compares all accumulators.
inline void check_plan(const code_problem& p, const tern::conv2d& plan, const std::vector<std::int32_t>& expected,
                       std::mt19937& random) {
    const tern::image_shape out = p.shape.out();
    tern::border halo = plan.required_halo(p.shape.in);  // at least
    halo.top += random() % 2;
    halo.left += random() % 2;
    halo.bottom += random() % 2;
    halo.right += random() % 2;
    const code_image image(p, halo, random);
    guarded_array<std::int32_t> found(expected.size());
    tern::conv2d_args args;
    args.input = image.view();
    args.accumulators = tern::nhwc(found.data(), out.n, out.h, out.w, p.shape.out_channels());
    const auto threads = any_executor(static_cast<unsigned>(random()));
    const tern::status s = run_plan(plan, args, threads);
    const bool equal =
        s.ok() && found.guards_intact() && std::memcmp(found.data(), expected.data(), expected.size() * 4) == 0;
    if (!equal)
        FAIL_CHECK(std::string(plan.kernel_name(p.shape.in)), ": ", p.text(), ": ", std::string(s.message()));
}

/// Runs a problem by every family and lowering that takes its codes, and compares all accumulators. Names what ran.
inline int run_all_ways(const code_problem& p, const tern::kernel_table& table, tern::border_value border_value,
                        std::mt19937& random, std::string* names = nullptr) {
    const tern::code_weights weights = make_weights(p);
    code_problem exact = p;  // what the products must be; the image's halo stays p.border
    if (border_value == tern::border_value::zero && !tern::code_has_zero(p.activations))
        exact.border = 0;
    const std::vector<std::int32_t> expected = exact.convolve();
    int ran = 0;
    std::vector<tern::plan_options> choices = winograd_choices(table);
    const std::size_t optional = choices.size();
    for (const tern::plan_options& o : all_choices(table, p.shape.weights.fan_in()))
        choices.push_back(o);
    for (std::size_t i = 0; i < choices.size(); ++i) {
        tern::plan_options& options = choices[i];
        options.border_value = border_value;
        options.memory = dirty_memory();
        auto plan = tern::conv2d::create(weights, p.activations, p.shape.geometry, {}, options);
        if (!plan.ok()) {
            if (i >= optional &&
                (options.family == tern::kernel_family::automatic || options.family == tern::kernel_family::dot))
                FAIL_CHECK(p.text(), ": ", std::string(plan.message()));
            continue;
        }
        check_plan(p, *plan, expected, random);
        if (names != nullptr)
            *names += std::string(plan->kernel_name(p.shape.in)) + " ";
        ++ran;
    }
    return ran;
}

/// Runs a problem by each family of the table as if there were no other, so by such as no plan would choose, with some
/// lowering. Adds to `ran`, one count per family, where the family multiplies these codes.
inline void run_each_family(const code_problem& p, const tern::kernel_table& table, std::mt19937& random,
                            std::vector<int>& ran) {
    const tern::code_weights weights = make_weights(p);
    const std::vector<std::int32_t> expected = p.convolve();
    constexpr tern::lowering lowerings[] = {tern::lowering::automatic, tern::lowering::implicit, tern::lowering::merged,
                                            tern::lowering::im2col};
    for (std::size_t i = 0; i < table.family_count; ++i) {
        tern::kernel_table alone = table;
        alone.families = table.families + i;
        alone.family_count = 1;
        tern::plan_options options;
        options.kernels = &alone;
        options.memory = dirty_memory();
        options.lowering = lowerings[random() % 4];
        const auto plan = tern::conv2d::create(weights, p.activations, p.shape.geometry, {}, options);
        if (!plan.ok())
            continue;
        CHECK(plan->kernels() == &alone);
        check_plan(p, *plan, expected, random);
        ++ran[i];
    }
}

}  // namespace tern_test
