// An epilogue of random parameters with everything it reads and writes, for tests of kernels that finish sums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <tern/kernel/table.hpp>

#include "arrays.hpp"

namespace tern_test {

/// Parameters for `channels` output channels and residuals of `pixels` pixels.
struct random_epilogue {
    std::size_t channels, padded, pixels, residual_channels;
    tern::epilogue_params params{};
    exact_array<float> residual;  // 2 rows of 2 * pixels: pixel p of the output is at 2 p where it is pooled, else at p

    random_epilogue(std::size_t channels_, std::size_t pixels_, std::size_t residual_channels_, std::mt19937& r)
        : channels(channels_), padded((channels_ + 63) / 64 * 64), pixels(pixels_),
          residual_channels(residual_channels_),
          residual(4 * pixels * residual_channels, [&] { return awkward_float(r); }), random(r) {
        params.scale = floats(false);
        params.shift = floats(false);
        for (tern::activation_params* a : {&params.first, &params.second}) {
            a->kind = static_cast<tern::activation_kind>(random() % 3);
            a->slope = floats(false);
            a->lo = random() % 2 == 0 ? 0.0f : -1.0f;
            a->hi = random() % 2 == 0 ? 1.5f : std::numeric_limits<float>::infinity();
        }
        if (random() % 2 == 0) {
            params.residual_scale = floats(false);
            params.residual_shift = floats(false);
        }
        for (std::size_t q = 0; q < tern::max_quantizers; ++q) {
            tern::quantizer_params& z = params.quantizers[q];
            z.g = floats(true);
            z.h = floats(true);
            z.levels.at[0] = q == 0 ? -0.5f : -0.75f;
            z.levels.at[1] = q == 0 ? 0.5f : 0.25f;
            const std::int32_t* const at = integers(-20, 20, 2);
            z.thresholds = {at, integers(-1, 0), padded};
        }
    }
    random_epilogue(const random_epilogue&) = delete;
    random_epilogue& operator=(const random_epilogue&) = delete;

    const float* floats(bool awkward) {
        arrays.emplace_back(padded, [&] { return awkward ? awkward_float(random) : plain_float(random); });
        return arrays.back().data();
    }
    const std::int32_t* integers(std::int32_t least, std::int32_t last, std::size_t rows = 1) {
        numbers.emplace_back(rows * padded, [&] {
            return least + static_cast<std::int32_t>(static_cast<std::uint32_t>(random()) %
                                                     static_cast<std::uint32_t>(last - least + 1));
        });
        return numbers.back().data();
    }

private:
    std::mt19937& random;
    std::vector<exact_array<float>> arrays;
    std::vector<exact_array<std::int32_t>> numbers;
};

/// The outputs of all channels of some pixels, with guard bytes, and their addresses: floats [pixel][channel], packed
/// pixels of both quantizers.
struct epilogue_outputs {
    guarded_array<float> floats;
    guarded_array<unsigned char> packed[tern::max_quantizers];
    std::vector<float*> float_rows;
    std::vector<const float*> residual_rows;
    std::vector<unsigned char*> packed_rows[tern::max_quantizers];

    explicit epilogue_outputs(const random_epilogue& e)
        : floats(e.pixels * e.channels), packed{guarded_array<unsigned char>(e.pixels * e.padded),
                                                guarded_array<unsigned char>(e.pixels * e.padded)} {
        const bool pooled = e.params.residual == tern::residual_kind::pooled;
        for (std::size_t i = 0; i < e.pixels; ++i) {
            float_rows.push_back(floats.data() + i * e.channels);
            residual_rows.push_back(e.residual.data() + (pooled ? 2 * i : i) * e.residual_channels);
            for (std::size_t q = 0; q < tern::max_quantizers; ++q)
                packed_rows[q].push_back(packed[q].data() + i * e.padded);
        }
    }
    /// Where a tile puts what becomes of its sums.
    tern::finish_args to(const random_epilogue& e, std::size_t channel, const void* sums) {
        tern::finish_args args{};
        args.params = &e.params;
        args.channel = channel;
        args.out = float_rows.data();
        args.residual = residual_rows.data();
        for (std::size_t q = 0; q < tern::max_quantizers; ++q)
            args.packed[q] = packed_rows[q].data();
        args.sums = const_cast<void*>(sums);
        return args;
    }
    bool operator==(const epilogue_outputs& o) const {
        return same_floats(floats, o.floats, floats.size()) && packed[0].same_bytes(o.packed[0]) &&
               packed[1].same_bytes(o.packed[1]);
    }
    bool guards_intact() const {
        return floats.guards_intact() && packed[0].guards_intact() && packed[1].guards_intact();
    }
};

/// The general epilogue's arguments for sums [pixel][pitch] of `count` channels.
inline tern::finish_tile_args tile_of(const random_epilogue& e, epilogue_outputs& to, std::size_t channel,
                                      std::size_t count, const void* sums, std::size_t pitch) {
    tern::finish_tile_args args{};
    args.to = to.to(e, channel, sums);
    args.count = e.pixels;
    args.channels = count;
    args.zero_bytes = channel + count == e.channels ? (e.padded - (e.channels + 7) / 8 * 8) / 8 : 0;
    args.pitch = pitch;
    args.pool_right = static_cast<std::ptrdiff_t>(e.residual_channels);
    args.pool_down = static_cast<std::ptrdiff_t>(2 * e.pixels * e.residual_channels);
    args.residual_channels = e.residual_channels;
    return args;
}

}  // namespace tern_test
