// int8 x int8 products with the CPU's dot-product instructions. Lane = output channel. Ternary codes run on it too, expanded
// to bytes: where the instructions are fast (I8MM) that is the fastest family.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/byte_dot.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <std::size_t Pixels, std::size_t Blocks>
struct dot_tile {
    using dot = simd::byte_dot;
    static constexpr std::size_t rows = dot::rows, channels = Blocks * dot::lanes, step = 16;
    static constexpr std::size_t groups = step / dot::run, register_bytes = dot::lanes * dot::run;
    static_assert(Pixels % rows == 0, "instructions take `rows` pixels at once");

    dot sums[Pixels / rows][Blocks];

    template <std::size_t Group>
    TERN_INLINE void add_group(const typename dot::activations (&x)[Pixels / rows], const unsigned char* step_panel) {
        const unsigned char* panel = step_panel + Group * Blocks * register_bytes;
        if constexpr (dot::holds_activations) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j) {
                const auto w = dot::load_weights(panel + j * register_bytes);
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels / rows; ++i)
                    sums[i][j].add(x[i].template operand<Group>(), w);
            }
        } else {
            typename dot::weights_type w[Blocks];
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j)
                w[j] = dot::load_weights(panel + j * register_bytes);
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels / rows; ++i) {
                const auto operand = x[i].template operand<Group>();
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Blocks; ++j)
                    sums[i][j].add(operand, w[j]);
            }
        }
        if constexpr (Group + 1 < groups)
            add_group<Group + 1>(x, step_panel);
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        const unsigned char* pixels[Pixels];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i)
            pixels[i] = args.pixels[i];
        dot_tile tile;
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels / rows; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j)
                tile.sums[i][j].clear();
        }
        for (std::size_t t = 0; t < args.tap_count; ++t) {
            std::ptrdiff_t offset = args.taps[t].pixel_offset;
            const unsigned char* panel = args.panel + args.taps[t].panel_offset;
            for (std::size_t s = 0; s < args.steps; ++s, offset += step, panel += channels * step) {
                typename dot::activations x[Pixels / rows];
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels / rows; ++i)
                    x[i].load(pixels + i * rows, offset);
                tile.template add_group<0>(x, panel);
            }
        }
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels / rows; ++i)
            dot::store(tile.sums[i], args.acc + i * rows * channels, channels, args.start);
    }
};

/// Tile sizes by what registers hold: sums, one group of weights and an operand.
struct dot_traits {
    static constexpr std::size_t lanes = simd::byte_dot::lanes;
#if TERN_LEVEL_IS_SCALAR
    static constexpr std::size_t pixels = 1, blocks = 8;
#elif TERN_HAS_AVX512_VNNI
    static constexpr std::size_t pixels = 6, blocks = 4;  // 24 sums, 4 weights of 32 registers
#elif TERN_HAS_AVX512
    static constexpr std::size_t pixels = 4, blocks = 4;  // 16 sums, 4 weights, and what a product takes
#elif TERN_HAS_AVX2_VNNI
    static constexpr std::size_t pixels = 6, blocks = 2;  // 12 sums, 2 weights of 16 registers
#elif TERN_HAS_AVX2
    static constexpr std::size_t pixels = 4, blocks = 2;  // 8 sums, 2 weights, an activation and its magnitude, ones
#elif TERN_HAS_SSE42
    static constexpr std::size_t pixels = 3, blocks = 2;  // two-operand instructions take copies
#else
    static constexpr std::size_t pixels = simd::byte_dot::tile_pixels, blocks = simd::byte_dot::tile_blocks;
#endif
    using tile = dot_tile<pixels, blocks>;
};

inline void dot_tile_entry(const dot_tile_args& args) { dot_traits::tile::run(args); }

// 8 bits to 8 bytes of 0 or 1.
struct spread_bits {
    std::uint64_t of_byte[256];

    constexpr spread_bits() : of_byte() {
        for (unsigned b = 0; b < 256; ++b)
            for (unsigned k = 0; k < 8; ++k)
                of_byte[b] |= static_cast<std::uint64_t>((b >> k) & 1u) << (8 * k);
    }
};
inline constexpr spread_bits spread{};

inline void planes_to_bytes(const convert_args& args) {
    constexpr std::uint64_t flip = simd::byte_dot::unsigned_bytes ? 0x8080808080808080u : 0;
    for (std::size_t i = 0; i < args.pixels; ++i) {
        const unsigned char* from = args.planes + i * args.pixel_bytes;
        unsigned char* to = args.out + i * args.out_pixel_bytes;
        for (std::size_t done = 0; done < args.out_pixel_bytes; done += 8) {
            const std::size_t byte = done / 64 * 16 + done / 8 % 8;
            // -1 is 1 from the mask and 0xfe from the sign.
            const std::uint64_t eight = (spread.of_byte[from[byte]] | spread.of_byte[from[byte + 8]] * 0xfe) ^ flip;
            __builtin_memcpy(to + done, &eight, 8);
        }
    }
}

inline constexpr dot_family byte_dot_family{"dot",
                                            dot_traits::pixels,
                                            dot_traits::tile::channels,
                                            simd::byte_dot::lanes,
                                            &dot_tile_entry,
                                            dot_format::bytes,
                                            simd::byte_dot::rate,
                                            1u << 30,
                                            &planes_to_bytes,
                                            simd::byte_dot::run,
                                            simd::byte_dot::unsigned_bytes};

}  // namespace kernel
TERN_END_NAMESPACE
