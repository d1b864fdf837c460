// short_dot and image_byte_dot (simd/image_dot.hpp) for AArch64: SMLAL by element; SUDOT with I8MM.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "byte_dot_arm.hpp"
#include "vec.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {
namespace native {

/// Loaded where it stands: GCC otherwise loads the values of all pixels first and spills sums.
template <class Vector>
TERN_INLINE Vector in_place(Vector v) {
#if defined(__GNUC__) && !defined(__clang__)
    __asm__ volatile("" : "+w"(v));
#endif
    return v;
}

}  // namespace native

struct short_dot {
    static constexpr std::size_t step = 2, run = 1, lanes = 8, value_bytes = 2;

    using operand_type = int16x4_t;  // two values
    struct weights_type {
        int16x8_t of_value[2];
    };

    int32x4_t low, high;

    static TERN_INLINE weights_type load_weights(const unsigned char* p) {
        return {{vreinterpretq_s16_s8(native::load_in_place(p)), vreinterpretq_s16_s8(native::load_in_place(p + 16))}};
    }
    static TERN_INLINE operand_type load(const unsigned char* p) {
        std::int32_t v;
        __builtin_memcpy(&v, p, sizeof v);
        return native::in_place(vreinterpret_s16_s32(vdup_n_s32(v)));
    }
    TERN_INLINE void begin(const std::int32_t* start) {
        low = vld1q_s32(start);
        high = vld1q_s32(start + 4);
    }
    TERN_INLINE void add(operand_type x, const weights_type& w) {
        low = vmlal_lane_s16(low, vget_low_s16(w.of_value[0]), x, 0);
        high = vmlal_high_lane_s16(high, w.of_value[0], x, 0);
        low = vmlal_lane_s16(low, vget_low_s16(w.of_value[1]), x, 1);
        high = vmlal_high_lane_s16(high, w.of_value[1], x, 1);
    }
    TERN_INLINE i32v total(std::size_t part) const { return i32v(part == 0 ? low : high); }
};

#if TERN_HAS_IMAGE_BYTES
struct image_byte_dot {
    static constexpr std::size_t step = 4, run = 4, lanes = 4, value_bytes = 1;

    using operand_type = uint8x8_t;  // four values, twice
    using weights_type = int8x16_t;

    int32x4_t sum;

    static TERN_INLINE weights_type load_weights(const unsigned char* p) { return native::load_in_place(p); }
    static TERN_INLINE operand_type load(const unsigned char* p) {
        std::uint32_t v;
        __builtin_memcpy(&v, p, sizeof v);
        return native::in_place(vreinterpret_u8_u32(vdup_n_u32(v)));
    }
    TERN_INLINE void begin(const std::int32_t* start) { sum = vld1q_s32(start); }
    TERN_INLINE void add(operand_type x, weights_type w) { sum = vsudotq_lane_s32(sum, w, x, 0); }
    TERN_INLINE i32v total(std::size_t /*part*/) const { return i32v(sum); }
};
#endif

}  // namespace simd
TERN_END_NAMESPACE
