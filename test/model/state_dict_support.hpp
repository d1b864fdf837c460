// State dicts made from a seeded generator, as training code would save them.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "network_support.hpp"

namespace tern_test {

class state_dict_maker {
public:
    explicit state_dict_maker(unsigned seed) : random_(seed) {}

    edited_file file;

    float uniform(float low, float high) {
        return low + (high - low) * static_cast<float>(static_cast<double>(random_() >> 8) * 0x1p-24);
    }
    void tensor(const std::string& name, const tern::tensor_dims& shape, std::size_t count, float low, float high) {
        std::vector<float> v(count);
        for (float& x : v)
            x = uniform(low, high);
        file.set(name, tern::data_type::f32, shape, v);
    }
    void conv(const std::string& name, std::size_t o, std::size_t i, std::size_t k, bool bias) {
        tensor(name + ".weight", {o, i, k, k}, o * i * k * k, -1, 1);
        if (bias)
            tensor(name + ".bias", {o}, o, -1, 1);
    }
    void norm(const std::string& name, std::size_t c) {
        tensor(name + ".weight", {c}, c, 0.5f, 1.5f);
        tensor(name + ".bias", {c}, c, -0.5f, 0.5f);
        tensor(name + ".running_mean", {c}, c, -2, 2);
        tensor(name + ".running_var", {c}, c, 0.5f, 4);
        file.set(name + ".num_batches_tracked", tern::data_type::i64, {}, std::vector<std::int64_t>{7});
    }

private:
    std::mt19937 random_;
};

/// A file's bytes with the file on them.
struct loaded_file {
    std::vector<unsigned char> bytes;
    tern::safetensors_file file;

    explicit loaded_file(const edited_file& from) : bytes(from.bytes()) {
        auto read = tern::safetensors_file::load(bytes.data(), bytes.size());
        REQUIRE_MESSAGE(read.ok(), std::string(read.message()));
        file = std::move(*read);
    }
};

/// Whether a folded norm is that of the four tensors `name`.
inline void check_norm(edited_file& file, const std::string& name, const tern::folded_norm& norm) {
    CAPTURE(name);
    const auto weight = file.floats(name + ".weight"), bias = file.floats(name + ".bias"),
               mean = file.floats(name + ".running_mean"), var = file.floats(name + ".running_var");
    REQUIRE(norm.channels() == weight.size());
    for (std::size_t c = 0; c < weight.size(); ++c) {
        const double factor = static_cast<double>(weight[c]) / std::sqrt(static_cast<double>(var[c]) + 1e-5);
        CHECK(std::fabs(norm.factor[c] - factor) <= 1e-14 * std::fabs(factor));
        CHECK(std::fabs(norm.shift[c] - (static_cast<double>(bias[c]) - static_cast<double>(mean[c]) * factor)) <=
              1e-13);
    }
}

}  // namespace tern_test
