// One lane of everything, for any CPU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "popcount.hpp"
#include "../core/rounding.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {

inline constexpr std::size_t f32_lanes = 1;
inline constexpr std::size_t u64_lanes = 1;
inline constexpr std::size_t words_per_sum = 1;  // vectors of 64-bit lanes that become one of 32-bit lanes
inline constexpr bool has_fma = false;

struct f32v {
    float v;
};
struct i32v {
    std::int32_t v;
};
struct u64v {
    std::uint64_t v;
};
struct f32_mask {
    bool v;
};
struct i32_mask {
    bool v;
};

TERN_INLINE f32v load(const float* p) { return {*p}; }
TERN_INLINE void store(float* p, f32v a) { *p = a.v; }
TERN_INLINE f32v broadcast(float v) { return {v}; }
TERN_INLINE f32v add(f32v a, f32v b) { return {a.v + b.v}; }
TERN_INLINE f32v multiply(f32v a, f32v b) { return {a.v * b.v}; }
/// Hides how a value was made, so that nothing is fused or folded across it.
TERN_INLINE f32v opaque(f32v a) { return {rounded(a.v)}; }
/// a*b + c: one rounding where the level has the instruction, two here.
TERN_INLINE f32v multiply_add(f32v a, f32v b, f32v c) { return add(opaque(multiply(a, b)), c); }
TERN_INLINE f32_mask greater_equal(f32v a, f32v b) { return {a.v >= b.v}; }
TERN_INLINE f32_mask less(f32v a, f32v b) { return {a.v < b.v}; }
TERN_INLINE f32_mask is_nan(f32v a) { return {a.v != a.v}; }
TERN_INLINE f32_mask logical_or(f32_mask a, f32_mask b) { return {a.v || b.v}; }
TERN_INLINE f32v select(f32_mask m, f32v a, f32v b) { return m.v ? a : b; }
TERN_INLINE std::uint32_t bits(f32_mask m) { return m.v ? 1u : 0u; }

TERN_INLINE i32v load(const std::int32_t* p) { return {*p}; }
TERN_INLINE void store(std::int32_t* p, i32v a) { *p = a.v; }
TERN_INLINE i32v broadcast_i32(std::int32_t v) { return {v}; }
TERN_INLINE f32v to_float(i32v a) { return {static_cast<float>(a.v)}; }
TERN_INLINE i32v bit_xor(i32v a, i32v b) { return {a.v ^ b.v}; }
TERN_INLINE i32v bit_or(i32v a, i32v b) { return {a.v | b.v}; }
TERN_INLINE i32v add(i32v a, i32v b) {
    return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) + static_cast<std::uint32_t>(b.v))};
}
TERN_INLINE i32v shift_left(i32v a, unsigned bits) {
    return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) << bits)};
}
TERN_INLINE i32v multiply(i32v a, i32v b) {
    return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) * static_cast<std::uint32_t>(b.v))};
}
/// The lowest byte of the bits.
TERN_INLINE void store_low_bytes(unsigned char* p, f32v a) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &a.v, sizeof bits);
    *p = static_cast<unsigned char>(bits);
}
TERN_INLINE i32v subtract(i32v a, i32v b) {
    return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) - static_cast<std::uint32_t>(b.v))};
}
TERN_INLINE i32_mask greater_equal(i32v a, i32v b) { return {a.v >= b.v}; }
TERN_INLINE i32_mask less(i32v a, i32v b) { return {a.v < b.v}; }
TERN_INLINE std::uint32_t bits(i32_mask m) { return m.v ? 1u : 0u; }
/// a where the float mask is set, else 0.
TERN_INLINE i32v keep(f32_mask m, i32v a) { return {m.v ? a.v : 0}; }
TERN_INLINE i32v keep(i32_mask m, i32v a) { return {m.v ? a.v : 0}; }

TERN_INLINE u64v load_words(const void* p) {
    u64v a;
    __builtin_memcpy(&a.v, p, sizeof a.v);
    return a;
}
TERN_INLINE u64v broadcast_word(const void* p) { return load_words(p); }
TERN_INLINE u64v bit_and(u64v a, u64v b) { return {a.v & b.v}; }
TERN_INLINE u64v bit_or(u64v a, u64v b) { return {a.v | b.v}; }
TERN_INLINE u64v bit_xor(u64v a, u64v b) { return {a.v ^ b.v}; }
TERN_INLINE u64v and_xor(u64v a, u64v b, u64v c) { return {a.v & (b.v ^ c.v)}; }
TERN_INLINE u64v opaque(u64v a) { return a; }
template <class T>
TERN_INLINE T* opaque(T* p) {
    return p;
}
/// The low half of the 64-bit lane.
TERN_INLINE i32v narrow(const u64v* a) { return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a->v))}; }
TERN_INLINE u64v shift_left(u64v a, unsigned bits) { return {a.v << bits}; }
TERN_INLINE u64v add(u64v a, u64v b) { return {a.v + b.v}; }
TERN_INLINE u64v zero_words() { return {0}; }

/// Counts set bits.
struct bit_counter {
    static constexpr std::size_t period = 0;
    std::uint64_t sum;

    TERN_INLINE void clear() { sum = 0; }
    TERN_INLINE void add(u64v bits) { sum += popcount(bits.v); }
    TERN_INLINE void shift(unsigned by) { sum <<= by; }
    TERN_INLINE void settle() {}
    TERN_INLINE u64v total() const { return {sum}; }
};

/// Sums popcount(m) - 2 popcount(neg) per step, m = x.mask & mask, neg = m & (x.sign ^ sign).
struct dot_counter {
    static constexpr std::size_t period = 0, excess_of_step = 0;
    static constexpr bool weights_pass_by = false;
    std::uint64_t sum;

    /// One word of a pixel, both planes.
    struct operand {
        u64v mask, sign;
    };
    static TERN_INLINE operand load(const unsigned char* pixel) {
        return {broadcast_word(pixel), broadcast_word(pixel + 8)};
    }

    TERN_INLINE void clear() { sum = 0; }
    TERN_INLINE void add(const operand& x, u64v mask, u64v sign) {
        const u64v m = bit_and(x.mask, mask);
        sum += popcount(m.v) - 2 * popcount(and_xor(m, x.sign, sign).v);
    }
    TERN_INLINE u64v total() const { return {sum}; }
};

/// Adds a pixel's word times a word of several output channels.
template <std::size_t Vectors>
TERN_INLINE void add_products(dot_counter (&counters)[Vectors], const dot_counter::operand& x,
                              const u64v (&mask)[Vectors], const u64v (&sign)[Vectors]) {
    for (std::size_t j = 0; j < Vectors; ++j)
        counters[j].add(x, mask[j], sign[j]);
}

}  // namespace simd
TERN_END_NAMESPACE
