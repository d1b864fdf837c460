// Counters of set bits and of the products of ternary planes, for x86: with a vector popcount, and without.
#pragma once

// GCC 12 warns of operands that its own AVX-512 headers leave undefined (GCC bug 105593), wherever they are inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "native_registers_x86.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {
namespace native {

#if TERN_HAS_AVX512_ICL

/// Products plus one are 0, 1 or 2. They are added bit by bit to a running parity, the state; what leaves it has weight
/// 2 and is one bit:
///
///   state' = state ^ ~(x.mask & w.mask),  y = x.sign ^ w.sign,
///   carry = state == state' ? ~y : state,  sum += popcount(carry)
///
/// (state == state' exactly where the product is not 0), so that dot + products = 2 sum + popcount(state): five
/// instructions for 512 products.
struct dot_counter {
    static constexpr std::size_t period = 0;  // never overflows
    static constexpr bool weights_pass_by = false;
    static constexpr std::size_t excess_of_step = 64;  // what a step sums too much
    u64_register sum, state;

    struct operand {
        u64_register mask, sign;
    };
    static TERN_INLINE operand load(const unsigned char* pixel) { return {broadcast(pixel), broadcast(pixel + 8)}; }
    TERN_INLINE void clear() { sum = state = _mm512_setzero_si512(); }
    TERN_INLINE u64_register total() const {
        return _mm512_add_epi64(_mm512_slli_epi64(sum, 1), _mm512_popcnt_epi64(state));
    }
};

/// Adds the products of a pixel's word with a word of every lane of several vectors, in lockstep: chains that wait for
/// nothing.
template <class Counter, class Words, std::size_t Vectors>
TERN_INLINE void add_products(Counter (&counters)[Vectors], const dot_counter::operand& x, const Words (&mask)[Vectors],
                              const Words (&sign)[Vectors]) {
    u64_register state[Vectors], carry[Vectors];
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j)
        state[j] = _mm512_ternarylogic_epi64(counters[j].state, x.mask, mask[j].v, 0x87);
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j) {
        carry[j] = _mm512_xor_si512(x.sign, sign[j].v);
#if defined(__GNUC__) || defined(__clang__)
        __asm__("" : "+v"(carry[j]));  // else compilers make two instructions of the next one
#endif
    }
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j) {
        carry[j] = _mm512_ternarylogic_epi64(counters[j].state, state[j], carry[j], 0x71);
        counters[j].state = state[j];
    }
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j)
        counters[j].sum = _mm512_add_epi64(counters[j].sum, _mm512_popcnt_epi64(carry[j]));
}

/// Counts set bits per 64-bit lane.
struct bit_counter {
    static constexpr std::size_t period = 0;  // never overflows
    u64_register sum;

    TERN_INLINE void clear() { sum = _mm512_setzero_si512(); }
    TERN_INLINE void add(u64_register bits) { sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(bits)); }
    TERN_INLINE void shift(unsigned by) { sum = shift_left(sum, by); }
    TERN_INLINE void settle() {}
    TERN_INLINE u64_register total() const { return sum; }
};

#else

// Without a vector popcount: nibble tables, bytes of popcount(m) - 2 popcount(neg) in [-8, 8] a step, so 15 steps fit a
// signed byte; the bias of 128 turns the horizontal sum into an unsigned one (psadbw).
#if TERN_HAS_AVX512
#define TERN_BYTES(op) _mm512_##op##_epi8
#define TERN_WIDE(op) _mm512_##op
#define TERN_AND _mm512_and_si512
#elif TERN_HAS_AVX2
#define TERN_BYTES(op) _mm256_##op##_epi8
#define TERN_WIDE(op) _mm256_##op
#define TERN_AND _mm256_and_si256
#else
#define TERN_BYTES(op) _mm_##op##_epi8
#define TERN_WIDE(op) _mm_##op
#define TERN_AND _mm_and_si128
#endif

TERN_INLINE u64_register nibble_table(const std::int8_t (&t)[16]) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(t));
#if TERN_HAS_AVX512
    return _mm512_broadcast_i32x4(v);
#elif TERN_HAS_AVX2
    return _mm256_broadcastsi128_si256(v);
#else
    return v;
#endif
}

struct dot_counter {
    static constexpr std::size_t period = 15;
    static constexpr bool weights_pass_by = false;
    static constexpr std::size_t excess_of_step = 0;
    u64_register sum;

    struct operand {
        u64_register mask, sign;
    };
    static TERN_INLINE operand load(const unsigned char* pixel) { return {broadcast(pixel), broadcast(pixel + 8)}; }
    TERN_INLINE void clear() { sum = TERN_BYTES(set1)(0); }
    TERN_INLINE void add(const operand& x, u64_register mask, u64_register sign) {
        const u64_register m = TERN_AND(x.mask, mask);
        add(m, and_xor(m, x.sign, sign));
    }
    TERN_INLINE void add(u64_register m, u64_register neg) {
        static constexpr std::int8_t plus[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
        static constexpr std::int8_t minus[16] = {0, -2, -2, -4, -2, -4, -4, -6, -2, -4, -4, -6, -4, -6, -6, -8};
        const u64_register low = TERN_BYTES(set1)(15), p = nibble_table(plus), n = nibble_table(minus);
        const u64_register m1 = TERN_BYTES(shuffle)(p, TERN_AND(m, low));
        const u64_register m2 = TERN_BYTES(shuffle)(p, TERN_AND(TERN_WIDE(srli_epi16)(m, 4), low));
        const u64_register n1 = TERN_BYTES(shuffle)(n, TERN_AND(neg, low));
        const u64_register n2 = TERN_BYTES(shuffle)(n, TERN_AND(TERN_WIDE(srli_epi16)(neg, 4), low));
        sum = TERN_BYTES(add)(sum, TERN_BYTES(add)(TERN_BYTES(add)(m1, m2), TERN_BYTES(add)(n1, n2)));
    }
    TERN_INLINE u64_register total() const {
        const u64_register biased = TERN_BYTES(add)(sum, TERN_BYTES(set1)(-128));
#if TERN_HAS_AVX512
        return _mm512_sub_epi64(_mm512_sad_epu8(biased, _mm512_setzero_si512()), _mm512_set1_epi64(8 * 128));
#elif TERN_HAS_AVX2
        return _mm256_sub_epi64(_mm256_sad_epu8(biased, _mm256_setzero_si256()), _mm256_set1_epi64x(8 * 128));
#else
        return _mm_sub_epi64(_mm_sad_epu8(biased, _mm_setzero_si128()), _mm_set1_epi64x(8 * 128));
#endif
    }
};

template <class Counter, class Words, std::size_t Vectors>
TERN_INLINE void add_products(Counter (&counters)[Vectors], const dot_counter::operand& x, const Words (&mask)[Vectors],
                              const Words (&sign)[Vectors]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j)
        counters[j].add(x, mask[j].v, sign[j].v);
}

// Up to 8 a byte and step, unsigned.
struct bit_counter {
    static constexpr std::size_t period = 31;
    u64_register sum;

    TERN_INLINE void clear() { sum = TERN_BYTES(set1)(0); }
    TERN_INLINE void add(u64_register bits) {
        static constexpr std::int8_t counts[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
        const u64_register low = TERN_BYTES(set1)(15), table = nibble_table(counts);
        const u64_register first = TERN_BYTES(shuffle)(table, TERN_AND(bits, low));
        const u64_register second = TERN_BYTES(shuffle)(table, TERN_AND(TERN_WIDE(srli_epi16)(bits, 4), low));
        sum = TERN_BYTES(add)(sum, TERN_BYTES(add)(first, second));
    }
    TERN_INLINE void settle() {
#if defined(__GNUC__) && !defined(__clang__)
        __asm__ volatile("" : "+v"(sum));
#endif
    }
    TERN_INLINE u64_register total() const {
#if TERN_HAS_AVX512
        return _mm512_sad_epu8(sum, _mm512_setzero_si512());
#elif TERN_HAS_AVX2
        return _mm256_sad_epu8(sum, _mm256_setzero_si256());
#else
        return _mm_sad_epu8(sum, _mm_setzero_si128());
#endif
    }
};

#undef TERN_BYTES
#undef TERN_WIDE
#undef TERN_AND

#endif

}  // namespace native
}  // namespace simd
TERN_END_NAMESPACE

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
