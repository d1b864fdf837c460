// Descriptions of convolutions of every kind, made at random, with everything that they point at.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tern/core/crc32.hpp>
#include <tern/op/saved_conv2d.hpp>

#include "arrays.hpp"
#include "levels.hpp"

namespace tern_test {

using byte_list = std::vector<unsigned char>;

/// A layer whose chain has, with enough tries, stages of every kind, with and without their optional arrays.
struct described_layer {
    tern::code_weights weights;
    std::deque<std::vector<float>> floats;
    std::deque<std::vector<double>> doubles;
    std::vector<std::int32_t> sums;
    tern::conv2d_description description;

    described_layer(tern::code_id code, tern::code_id activations, std::mt19937& random) {
        constexpr std::size_t channels[] = {1, 3, 8, 9, 20, 64, 66};
        const tern::weight_shape shape{channels[random() % 7], 1 + random() % 20, 1 + random() % 3, 1 + random() % 3};
        const tern::code_info info = tern::get_code_info(code);
        const auto values = static_cast<unsigned>((info.max - info.weight_min) / info.step + 1);
        std::vector<std::int8_t> codes(shape.size());
        for (std::int8_t& c : codes)
            c = static_cast<std::int8_t>(info.weight_min + info.step * static_cast<int>(random() % values));
        count = shape.out_channels;
        auto made = tern::pack_code_weights(codes.data(), shape, code, any_floats(random),
                                            random() % 2 == 0 ? any_floats(random) : nullptr);
        REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
        weights = std::move(*made);

        tern::conv_geometry& g = description.geometry;
        g.stride_h = 1 + random() % 2;
        g.stride_w = 1 + random() % 2;
        g.dilation_h = 1 + random() % 2;
        g.dilation_w = 1 + random() % 2;
        g.padding = {random() % 3, random() % 3, random() % 3, random() % 3};
        g.groups = shape.out_channels % 2 == 0 && random() % 3 == 0 ? 2 : 1;
        description.weights = &weights;
        description.activations = activations;
        description.border_value = random() % 2 == 0 ? tern::border_value::zero : tern::border_value::from_image;
        if (tern::is_byte_code(activations) && random() % 2 == 0)
            description.zero_point = tern::code_min(activations) + static_cast<int>(random() % 256);
        if (random() % 3 == 0) {
            for (std::size_t o = 0; o < count; ++o)
                sums.push_back(static_cast<std::int32_t>(random() % 2001) - 1000);
            description.sum_bias = sums.data();
        }
        add_values(random);
        for (auto q = random() % 3; q > 0; --q) {
            if (random() % 2 == 0)
                add_affine(random);
            add_quantizer(random);
        }
    }
    described_layer(const described_layer&) = delete;
    described_layer& operator=(const described_layer&) = delete;

private:
    std::size_t count = 0;

    const float* any_floats(std::mt19937& random, bool positive = false) {
        floats.emplace_back(count);
        for (float& v : floats.back())
            v = positive ? 2.5f + plain_float(random) : plain_float(random);
        return floats.back().data();
    }
    const double* any_doubles(std::mt19937& random) {
        doubles.emplace_back(count);
        for (double& v : doubles.back())
            v = static_cast<double>(plain_float(random)) / 3.0;
        return doubles.back().data();
    }
    const float* perhaps(std::mt19937& random) { return random() % 2 == 0 ? any_floats(random) : nullptr; }

    void add_affine(std::mt19937& random) {
        tern::epilogue& chain = description.chain;
        const auto kind = random() % 4;
        if (kind == 0)
            chain.add(tern::stage::scale(any_floats(random)));
        if (kind == 1)
            chain.add(tern::stage::bias(any_floats(random)));
        if (kind == 2) {
            const double* const factor = any_doubles(random);
            chain.add(tern::stage::affine(factor, any_doubles(random)));
        }
        if (kind == 3) {
            const float* const gamma = perhaps(random);
            const float* const beta = perhaps(random);
            const float* const mean = any_floats(random);
            chain.add(
                tern::stage::batch_norm(gamma, beta, mean, any_floats(random, true), random() % 2 == 0 ? 1e-5 : 0.1));
        }
    }
    void add_activation(std::mt19937& random) {
        const auto kind = random() % 4;
        if (kind == 0)
            description.chain.add(tern::stage::prelu(any_floats(random)));
        if (kind == 1)
            description.chain.add(tern::stage::relu());
        if (kind == 2)
            description.chain.add(tern::stage::clamp(-0.0f, 6.5f));
    }
    void add_values(std::mt19937& random) {
        for (auto i = random() % 3; i > 0; --i)
            add_affine(random);
        add_activation(random);
        if (random() % 2 == 0) {
            const auto kind = random() % 2 == 0 ? tern::residual_kind::same : tern::residual_kind::pooled;
            const float* const scale = perhaps(random);
            description.chain.add(tern::stage::residual(kind, scale, scale != nullptr ? any_floats(random) : nullptr));
            add_activation(random);
        }
        if (random() % 2 == 0)
            description.chain.add(tern::stage::store());
    }
    void add_quantizer(std::mt19937& random) {
        if (random() % 2 == 0)
            description.chain.add(tern::stage::ternarize({0.75f, -0.25f, random() % 2 == 0, random() % 2 == 0}));
        else
            description.chain.add(stage_of(any_levels(all_codes[random() % std::size(all_codes)], random)));
        tern::stage::any& last = description.chain.stages[description.chain.count - 1];
        if (tern::is_byte_code(last.levels.code) && random() % 2 == 0)
            last.order = tern::rounding::after_zero_point;
    }
};

/// What save_conv2d writes; the end of the test if it refuses.
inline byte_list save(const tern::conv2d_description& d) {
    byte_list bytes(tern::saved_bytes(d), 0xee);
    const tern::status s = tern::save_conv2d(d, bytes.data(), bytes.size());
    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
    return bytes;
}

/// Makes bytes that were changed say their own size, and have their checksum.
inline void seal(byte_list& bytes) {
    const std::uint64_t size = bytes.size();
    std::memcpy(bytes.data() + 16, &size, sizeof size);
    const std::uint32_t sum = tern::crc32_of(bytes.data() + 16, bytes.size() - 16);
    std::memcpy(bytes.data() + 12, &sum, sizeof sum);
}

/// Memory that counts what is asked for.
struct counted_memory {
    std::size_t bytes = 0;
    tern::allocator get() {
        return {this,
                [](void* ctx, std::size_t size, std::size_t alignment) {
                    static_cast<counted_memory*>(ctx)->bytes += size;
                    return ::operator new (size, std::align_val_t{alignment}, std::nothrow);
                },
                [](void*, void* p, std::size_t, std::size_t alignment) {
                    ::operator delete (p, std::align_val_t{alignment});
                }};
    }
};

/// Reads bytes of exactly their size, and counts memory: planes of few channels take words all the same.
inline tern::result<tern::saved_conv2d> read_counted(const byte_list& bytes) {
    const exact_array<unsigned char> exact(bytes.size(), [i = std::size_t{0}, &bytes]() mutable { return bytes[i++]; });
    counted_memory memory;
    auto saved = tern::read_saved_conv2d(exact.data(), exact.size(), memory.get());
    const bool fills_words = saved.ok() && saved->weights.shape.in_channels >= 64;
    if (memory.bytes > (fills_words ? 10 : 90) * bytes.size())
        FAIL_CHECK(memory.bytes, " bytes to read ", bytes.size());
    return saved;
}

/// A layer of few bytes with stages of several kinds.
inline std::unique_ptr<described_layer> small_layer() {
    std::mt19937 random(3);
    for (;;) {
        auto layer = std::make_unique<described_layer>(tern::code_id::ternary, tern::code_id::ternary, random);
        if (layer->description.chain.count >= 4 && layer->weights.shape.size() < 100 && !layer->weights.bias.empty())
            return layer;
    }
}

}  // namespace tern_test
