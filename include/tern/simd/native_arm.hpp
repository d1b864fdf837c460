// AArch64 operations that xsimd has no word for, or none that compiles to one instruction. Included by simd/vec.hpp
// alone.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {
namespace native {

using u64_register = uint64x2_t;
using f32_mask = uint32x4_t;

/// Bit i: lane i of a mask.
TERN_INLINE std::uint32_t bits(uint32x4_t m) {
    static constexpr std::uint32_t place[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, vld1q_u32(place)));
}
/// Bits of two masks per vector, four vectors through one sum across lanes: lane i of vector j is bit 4 j + i.
template <std::size_t Vectors>
struct code_bits {
    static constexpr std::size_t groups = (Vectors + 3) / 4;
    uint32x4_t both[groups];  // minus in the upper halves

    TERN_INLINE void clear() {
        TERN_UNROLL
        for (std::size_t g = 0; g < groups; ++g)
            both[g] = vdupq_n_u32(0);
    }
    TERN_INLINE void add(uint32x4_t plus, uint32x4_t minus, std::size_t j) {
        alignas(16) static constexpr std::uint32_t place[4] = {1, 2, 4, 8};
        const int32x4_t shift = vdupq_n_s32(static_cast<std::int32_t>(4 * (j % 4)));
        const uint32x4_t here = vshlq_u32(vld1q_u32(place), shift);
        both[j / 4] = vorrq_u32(both[j / 4], vorrq_u32(vandq_u32(plus, here), vandq_u32(minus, vshlq_n_u32(here, 16))));
    }
    TERN_INLINE void get(std::uint64_t& plus, std::uint64_t& minus) const {
        plus = minus = 0;
        TERN_UNROLL
        for (std::size_t g = 0; g < groups; ++g) {
            const std::uint64_t all = vaddvq_u32(both[g]);
            plus |= (all & 0xffffu) << (16 * g);
            minus |= (all >> 16) << (16 * g);
        }
    }
};
/// 64 masked lanes as the bits of a word: vectors come in order, so that 16 lanes narrow to bytes.
struct mask_word {
    uint32x4_t pending[4];
    uint8x16_t sixteen[4];

    TERN_INLINE void add(uint32x4_t m, std::size_t vector) {
        pending[vector % 4] = m;
        if (vector % 4 != 3)
            return;
        const uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(pending[0]), vreinterpretq_u16_u32(pending[1]));
        const uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(pending[2]), vreinterpretq_u16_u32(pending[3]));
        const uint8x16_t place = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
        sixteen[vector / 4] = vandq_u8(vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high)), place);
    }
    TERN_INLINE std::uint64_t bits() const {
        const uint8x16_t four = vpaddq_u8(vpaddq_u8(sixteen[0], sixteen[1]), vpaddq_u8(sixteen[2], sixteen[3]));
        return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(four, four)), 0);
    }
};
TERN_INLINE float32x4_t multiply_add(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
TERN_INLINE float32x4_t select(uint32x4_t m, float32x4_t a, float32x4_t b) { return vbslq_f32(m, a, b); }
TERN_INLINE uint32x4_t is_nan(float32x4_t a) { return vmvnq_u32(vceqq_f32(a, a)); }
TERN_INLINE int32x4_t keep(uint32x4_t m, int32x4_t a) { return vandq_s32(vreinterpretq_s32_u32(m), a); }
TERN_INLINE u64_register broadcast(const void* p) {
    std::uint64_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return vdupq_n_u64(v);
}
// a & (b ^ c)
TERN_INLINE u64_register and_xor(u64_register a, u64_register b, u64_register c) {
    return vandq_u64(a, veorq_u64(b, c));
}
/// The low halves of the 64-bit lanes.
TERN_INLINE int32x4_t narrow(u64_register a, u64_register b) {
    return vreinterpretq_s32_u32(vuzp1q_u32(vreinterpretq_u32_u64(a), vreinterpretq_u32_u64(b)));
}
/// The first and the second half of signed 16-bit lanes.
TERN_INLINE int32x4_t widen_first(u64_register v) { return vmovl_s16(vget_low_s16(vreinterpretq_s16_u64(v))); }
TERN_INLINE int32x4_t widen_second(u64_register v) { return vmovl_high_s16(vreinterpretq_s16_u64(v)); }
TERN_INLINE int32x4_t multiply(int32x4_t a, int32x4_t b) { return vmulq_s32(a, b); }
/// The lowest byte of each lane.
TERN_INLINE void store_low_bytes(unsigned char* out, uint32x4_t v) {
    const uint16x4_t shorts = vmovn_u32(v);
    const std::uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(shorts, shorts))), 0);
    __builtin_memcpy(out, &four, sizeof four);
}
TERN_INLINE u64_register shift_left(u64_register v, unsigned bits) {
    return vshlq_u64(v, vdupq_n_s64(static_cast<std::int64_t>(bits)));
}

/// Products plus one are 0, 1 or 2: ones wait in a plane until a second one makes a two of them, and only twos are
/// counted.
///
///   n = ~m,  twos = n ? waiting : ~(x.sign ^ w.sign),  waiting ^= n,
///   dot + products = 2 popcount(twos) + popcount(waiting)
///
/// Six instructions for 128 products.
struct dot_counter {
    static constexpr std::size_t period = 31;      // steps of up to 8 that a byte holds
    static constexpr bool weights_pass_by = true;  // counters fill the registers: one vector of weights after the other
    static constexpr std::size_t excess_of_step = 64;  // what a step sums too much
    uint8x16_t twos;
    u64_register waiting;

    /// One word of a pixel, both planes inverted.
    struct operand {
        u64_register zero, plus;
    };
    // Inverted in general registers, which are idle.
    static TERN_INLINE operand load(const unsigned char* pixel) {
        std::uint64_t planes[2];
        __builtin_memcpy(planes, pixel, sizeof planes);
        std::uint64_t zero = ~planes[0], plus = ~planes[1];
#if defined(__GNUC__) || defined(__clang__)
        __asm__("" : "+r"(zero), "+r"(plus));
#endif
        return {vdupq_n_u64(zero), vdupq_n_u64(plus)};
    }
    TERN_INLINE void clear() {
        twos = vdupq_n_u8(0);
        waiting = vdupq_n_u64(0);
    }
    TERN_INLINE void add(operand x, u64_register mask, u64_register sign) {
        const u64_register n = vornq_u64(x.zero, mask);
        const u64_register two = vbslq_u64(n, waiting, veorq_u64(x.plus, sign));
        waiting = veorq_u64(waiting, n);
        twos = vaddq_u8(twos, vcntq_u8(vreinterpretq_u8_u64(two)));
    }
    /// Keeps compilers from mixing what follows with this step, which takes more registers than there are.
    TERN_INLINE void settle() {
#if defined(__GNUC__) || defined(__clang__)
        __asm__ volatile("" : "+w"(twos));
#endif
    }
    /// Sums of byte pairs: 4 per 64-bit lane.
    TERN_INLINE uint16x8_t pairs() const {
        const uint16x8_t ones = vpaddlq_u8(vcntq_u8(vreinterpretq_u8_u64(waiting)));
        return vpadalq_u8(vpadalq_u8(ones, twos), twos);
    }
};

/// Counts set bits per byte, up to 8 a step.
struct bit_counter {
    static constexpr std::size_t period = 31;
    uint8x16_t sum;

    TERN_INLINE void clear() { sum = vdupq_n_u8(0); }
    TERN_INLINE void add(u64_register bits) { sum = vaddq_u8(sum, vcntq_u8(vreinterpretq_u8_u64(bits))); }
    TERN_INLINE void settle() {
#if defined(__GNUC__) && !defined(__clang__)
        __asm__ volatile("" : "+w"(sum));
#endif
    }
    TERN_INLINE u64_register total() const { return vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(sum))); }
};

/// Sums of a row of counters, one 32-bit lane per 64-bit lane of the counters.
template <std::size_t Vectors>
struct dot_sums {
    static_assert(Vectors % 2 == 0, "counters are emptied two at a time");
    uint32x4_t sums[Vectors / 2];

    TERN_INLINE void clear() {
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors / 2; ++j)
            sums[j] = vdupq_n_u32(0);
    }
    template <class Counter>
    TERN_INLINE void empty(Counter (&row)[Vectors]) {
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors / 2; ++j)
            sums[j] = vpadalq_u16(sums[j], vpaddq_u16(row[2 * j].pairs(), row[2 * j + 1].pairs()));
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j)
            row[j].clear();
    }
    /// Sums of vector j of int32 lanes.
    TERN_INLINE int32x4_t total(std::size_t j) const { return vreinterpretq_s32_u32(sums[j]); }
};

// Bytes: table rows of 16, selected by nibbles.
TERN_INLINE uint8x16_t bytes(u64_register a) { return vreinterpretq_u8_u64(a); }
TERN_INLINE u64_register words(uint8x16_t a) { return vreinterpretq_u64_u8(a); }

TERN_INLINE u64_register broadcast_row(const void* p) { return words(vld1q_u8(static_cast<const std::uint8_t*>(p))); }
TERN_INLINE u64_register look_up(u64_register rows, u64_register nibbles) {
    return words(vqtbl1q_u8(bytes(rows), bytes(nibbles)));
}
// Rows of 32.
using long_row = uint8x16x2_t;
TERN_INLINE long_row load_long_row(const void* p) { return vld1q_u8_x2(static_cast<const std::uint8_t*>(p)); }
TERN_INLINE u64_register look_up(const long_row& row, u64_register indices) {
    return words(vqtbl2q_u8(row, bytes(indices)));
}
TERN_INLINE u64_register add_bytes(u64_register a, u64_register b) { return words(vaddq_u8(bytes(a), bytes(b))); }
TERN_INLINE u64_register subtract_bytes(u64_register a, u64_register b) { return words(vsubq_u8(bytes(a), bytes(b))); }
TERN_INLINE u64_register low_nibbles(u64_register a) { return words(vandq_u8(bytes(a), vdupq_n_u8(15))); }
TERN_INLINE u64_register high_nibbles(u64_register a) { return words(vshrq_n_u8(bytes(a), 4)); }
TERN_INLINE u64_register widen_first_bytes(u64_register v) {
    return vreinterpretq_u64_s16(vmovl_s8(vget_low_s8(vreinterpretq_s8_u64(v))));
}
TERN_INLINE u64_register widen_second_bytes(u64_register v) {
    return vreinterpretq_u64_s16(vmovl_high_s8(vreinterpretq_s8_u64(v)));
}
// Two pixels share a byte, as its low and its high four bits: `bytes` sums whole bytes mod 256, `shifted` the high
// fields.
TERN_INLINE u64_register shift_fields(u64_register v) { return words(vshrq_n_u8(bytes(v), 4)); }
TERN_INLINE uint16x8_t shorts(u64_register a) { return vreinterpretq_u16_u64(a); }
TERN_INLINE u64_register words(uint16x8_t a) { return vreinterpretq_u64_u16(a); }
struct fields {
    u64_register low_even, low_odd, high_even, high_odd;
};
TERN_INLINE fields separate(u64_register bytes, u64_register shifted) {
    const uint16x8_t low = vreinterpretq_u16_u8(vsubq_u8(native::bytes(bytes), vshlq_n_u8(native::bytes(shifted), 4)));
    const uint16x8_t high = shorts(shifted), even = vdupq_n_u16(255);
    return {words(vandq_u16(low, even)), words(vshrq_n_u16(low, 8)), words(vandq_u16(high, even)),
            words(vshrq_n_u16(high, 8))};
}
TERN_INLINE u64_register add_shorts(u64_register a, u64_register b) { return words(vaddq_u16(shorts(a), shorts(b))); }
TERN_INLINE u64_register multiply_shorts(u64_register a, u64_register b) {
    return words(vmulq_u16(shorts(a), shorts(b)));
}
TERN_INLINE u64_register broadcast_short(std::int16_t v) { return vreinterpretq_u64_s16(vdupq_n_s16(v)); }
// 24 bits to 8 bytes of 3.
TERN_INLINE std::uint64_t spread_triples(std::uint64_t x) {
    x = (x | x << 20) & 0x00000fff00000fffu;
    x = (x | x << 10) & 0x003f003f003f003fu;
    return (x | x << 5) & 0x0707070707070707u;
}
// 48 bits of both planes to 16 words of 32 * (d0 + 3 d1 + 9 d2), d = mask + sign bit. Writes `size` bytes, at most 32.
TERN_INLINE void store_triples(unsigned char* out, std::uint64_t mask, std::uint64_t sign, std::size_t size) {
    alignas(16) static constexpr std::uint8_t worth[16] = {0, 1, 3, 4, 9, 10, 12, 13};
    const auto spread = [](std::uint64_t plane) {
        return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(spread_triples(plane & 0xffffffu)),
                                                 vcreate_u64(spread_triples(plane >> 24 & 0xffffffu))));
    };
    const uint8x16_t table = vld1q_u8(worth);
    const uint8x16_t digits = vaddq_u8(vqtbl1q_u8(table, spread(mask)), vqtbl1q_u8(table, spread(sign)));
    std::uint16_t triples[16];
    vst1q_u16(triples, vshll_n_u8(vget_low_u8(digits), 5));
    vst1q_u16(triples + 8, vshll_n_u8(vget_high_u8(digits), 5));
    if (size == sizeof triples)
        __builtin_memcpy(out, triples, sizeof triples);
    else
        __builtin_memcpy(out, triples, size);
}

}  // namespace native
}  // namespace simd
TERN_END_NAMESPACE
