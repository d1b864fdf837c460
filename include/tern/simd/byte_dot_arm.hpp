// byte_dot (simd/byte_dot.hpp) for AArch64: SMMLA with I8MM, SDOT with DOTPROD, else widening multiplies.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "vec.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {
namespace native {

TERN_INLINE int8x16_t load_bytes(const unsigned char* p) { return vld1q_s8(reinterpret_cast<const std::int8_t*>(p)); }

/// Loaded where it stands: GCC otherwise loads all weights of a step first and spills sums.
TERN_INLINE int8x16_t load_in_place(const unsigned char* p) {
    int8x16_t v = load_bytes(p);
#if defined(__GNUC__) && !defined(__clang__)
    __asm__ volatile("" : "+w"(v));
#endif
    return v;
}

}  // namespace native

/// Codes of bit planes, 8 bytes apart, to 16 bytes: offset + the weights of the planes whose bit is set.
TERN_INLINE void bits_to_bytes(const unsigned char* planes, std::size_t count, const unsigned char* weights,
                               unsigned char offset, unsigned char* out) {
    const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    uint8x16_t values = vdupq_n_u8(offset);
    for (std::size_t p = 0; p < count; ++p) {
        const uint8x16_t spread = vcombine_u8(vld1_dup_u8(planes + p * 8), vld1_dup_u8(planes + p * 8 + 1));
        values = vaddq_u8(values, vandq_u8(vtstq_u8(spread, bits), vdupq_n_u8(weights[p])));
    }
    vst1q_u8(out, values);
}

/// What all kinds share.
struct byte_dot_base {
    static constexpr bool holds_activations = true;
    static constexpr bool unsigned_bytes = false;
    static constexpr std::uint32_t pairs = 0;
    static constexpr bool is_short = false;

    using weights_type = int8x16_t;

    /// 16 channels of one pixel.
    struct pixel {
        int8x16_t v;

        TERN_INLINE void load(const unsigned char* const* pixels, std::ptrdiff_t offset) {
            v = native::load_bytes(*pixels + offset);
        }
    };

    int32x4_t sum;

    static TERN_INLINE weights_type load_weights(const unsigned char* p) { return native::load_in_place(p); }
};

#if TERN_HAS_NEON_I8MM

// Two pixels by two output channels by 8 channels an instruction.
struct byte_dot : byte_dot_base {
    static constexpr std::size_t run = 8, lanes = 2, rows = 2;

    using operand_type = int8x16_t;
    struct activations {
        int8x16_t half[2];  // 8 channels of both pixels

        TERN_INLINE void load(const unsigned char* const* pixels, std::ptrdiff_t offset) {
            const int64x2_t a = vreinterpretq_s64_s8(native::load_bytes(pixels[0] + offset));
            const int64x2_t b = vreinterpretq_s64_s8(native::load_bytes(pixels[1] + offset));
            half[0] = vreinterpretq_s8_s64(vzip1q_s64(a, b));
            half[1] = vreinterpretq_s8_s64(vzip2q_s64(a, b));
        }
        template <std::size_t Group>
        TERN_INLINE operand_type operand() const {
            return half[Group];
        }
    };

    // Lanes of the sum: [pixel][output channel].
    TERN_INLINE void begin(const std::int32_t* start) { sum = vcombine_s32(vld1_s32(start), vld1_s32(start)); }
    TERN_INLINE void add(operand_type x, weights_type w) { sum = vmmlaq_s32(sum, x, w); }
    /// Vector j of the sums of one of the two pixels.
    template <std::size_t Blocks>
    static TERN_INLINE i32v total(const byte_dot (&sums)[Blocks], std::size_t row, std::size_t j) {
        const int32x4_t a = sums[2 * j].sum, b = sums[2 * j + 1].sum;
        return i32v(row == 0 ? vcombine_s32(vget_low_s32(a), vget_low_s32(b))
                             : vcombine_s32(vget_high_s32(a), vget_high_s32(b)));
    }
};

#elif TERN_HAS_NEON_DOT

// Four output channels by 4 channels an instruction; the pixel's four bytes are a lane of its register.
struct byte_dot : byte_dot_base {
    static constexpr std::size_t run = 4, lanes = 4, rows = 1;

    struct lane {
        int8x16_t v;
        std::size_t index;
    };
    using operand_type = lane;
    struct activations : pixel {
        template <std::size_t Group>
        TERN_INLINE operand_type operand() const {
            return {v, Group};
        }
    };

    TERN_INLINE void begin(const std::int32_t* start) { sum = vld1q_s32(start); }
    TERN_INLINE void add(operand_type x, weights_type w) {
        // The index is a constant once this is inlined.
        sum = x.index == 0   ? vdotq_laneq_s32(sum, w, x.v, 0)
              : x.index == 1 ? vdotq_laneq_s32(sum, w, x.v, 1)
              : x.index == 2 ? vdotq_laneq_s32(sum, w, x.v, 2)
                             : vdotq_laneq_s32(sum, w, x.v, 3);
    }
    /// Vector j of the sums of a pixel.
    template <std::size_t Blocks>
    static TERN_INLINE i32v total(const byte_dot (&sums)[Blocks], std::size_t /*row*/, std::size_t j) {
        return i32v(sums[j].sum);
    }
};

#else

// One output channel by 16 channels in three instructions. Two products of at most 128 * 127 fit 16 bits.
struct byte_dot : byte_dot_base {
    static constexpr std::size_t run = 16, lanes = 1, rows = 1;

    using operand_type = int8x16_t;
    struct activations : pixel {
        template <std::size_t Group>
        TERN_INLINE operand_type operand() const {
            return v;
        }
    };

    // Lanes of the sum: four parts of one.
    TERN_INLINE void begin(const std::int32_t* start) { sum = vsetq_lane_s32(*start, vdupq_n_s32(0), 0); }
    TERN_INLINE void add(operand_type x, weights_type w) {
        const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
        sum = vpadalq_s16(sum, vmlal_high_s8(low, x, w));
#if defined(__clang__)
        __asm__ volatile("" : "+w"(sum));  // else Clang keeps all products of a step and spills sums
#endif
    }
    /// Vector j of the sums of a pixel.
    template <std::size_t Blocks>
    static TERN_INLINE i32v total(const byte_dot (&sums)[Blocks], std::size_t /*row*/, std::size_t j) {
        return i32v(vpaddq_s32(vpaddq_s32(sums[4 * j].sum, sums[4 * j + 1].sum),
                               vpaddq_s32(sums[4 * j + 2].sum, sums[4 * j + 3].sum)));
    }
};

#endif

}  // namespace simd
TERN_END_NAMESPACE
