// x86 operations that xsimd has no word for, per register width. Included by simd/vec.hpp alone.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {
namespace native {

#if TERN_HAS_AVX512

using u64_register = __m512i;
using f32_mask = __mmask16;

TERN_INLINE std::uint32_t bits(f32_mask m) { return static_cast<std::uint32_t>(m); }
TERN_INLINE __m512 multiply_add(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
// The second of equal operands, and where there is a NaN.
TERN_INLINE __m512 max_or_second(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
TERN_INLINE __m512 min_or_second(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
TERN_INLINE u64_register broadcast(const void* p) {
    std::int64_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return _mm512_set1_epi64(v);
}
// a & (b ^ c)
TERN_INLINE u64_register and_xor(u64_register a, u64_register b, u64_register c) {
    return _mm512_ternarylogic_epi64(a, b, c, 0x60);
}
TERN_INLINE void store_narrow(std::int32_t* out, u64_register v) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi64_epi32(v));
}
TERN_INLINE void store_affine(std::int32_t* out, u64_register v, std::int32_t factor, const std::int32_t* start,
                              std::int32_t more) {
    const __m256i product = _mm256_mullo_epi32(_mm512_cvtepi64_epi32(v), _mm256_set1_epi32(factor));
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(start));
    const __m256i sum = _mm256_add_epi32(product, _mm256_add_epi32(first, _mm256_set1_epi32(more)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(out), sum);
}
TERN_INLINE u64_register shift_left(u64_register v, unsigned bits) {
    return _mm512_sll_epi64(v, _mm_cvtsi32_si128(static_cast<int>(bits)));
}

#elif TERN_HAS_AVX2

using u64_register = __m256i;
using f32_mask = __m256;

TERN_INLINE std::uint32_t bits(f32_mask m) { return static_cast<std::uint32_t>(_mm256_movemask_ps(m)); }
TERN_INLINE __m256 multiply_add(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
// The second of equal operands, and where there is a NaN.
TERN_INLINE __m256 max_or_second(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
TERN_INLINE __m256 min_or_second(__m256 a, __m256 b) { return _mm256_min_ps(a, b); }
TERN_INLINE u64_register broadcast(const void* p) {
    long long v;
    __builtin_memcpy(&v, p, sizeof v);
    return _mm256_set1_epi64x(v);
}
TERN_INLINE u64_register and_xor(u64_register a, u64_register b, u64_register c) {
    return _mm256_and_si256(a, _mm256_xor_si256(b, c));
}
TERN_INLINE void store_narrow(std::int32_t* out, u64_register v) {
    const __m256i low = _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    _mm_store_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(low));
}
TERN_INLINE void store_affine(std::int32_t* out, u64_register v, std::int32_t factor, const std::int32_t* start,
                              std::int32_t more) {
    const __m256i low = _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    const __m128i product = _mm_mullo_epi32(_mm256_castsi256_si128(low), _mm_set1_epi32(factor));
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(start));
    const __m128i sum = _mm_add_epi32(product, _mm_add_epi32(first, _mm_set1_epi32(more)));
    _mm_store_si128(reinterpret_cast<__m128i*>(out), sum);
}
TERN_INLINE u64_register shift_left(u64_register v, unsigned bits) {
    return _mm256_sll_epi64(v, _mm_cvtsi32_si128(static_cast<int>(bits)));
}

#else

using u64_register = __m128i;
using f32_mask = __m128;

TERN_INLINE std::uint32_t bits(f32_mask m) { return static_cast<std::uint32_t>(_mm_movemask_ps(m)); }
// The second of equal operands, and where there is a NaN.
TERN_INLINE __m128 max_or_second(__m128 a, __m128 b) { return _mm_max_ps(a, b); }
TERN_INLINE __m128 min_or_second(__m128 a, __m128 b) { return _mm_min_ps(a, b); }
TERN_INLINE u64_register broadcast(const void* p) {
    long long v;
    __builtin_memcpy(&v, p, sizeof v);
    return _mm_set1_epi64x(v);
}
TERN_INLINE u64_register and_xor(u64_register a, u64_register b, u64_register c) {
    return _mm_and_si128(a, _mm_xor_si128(b, c));
}
TERN_INLINE void store_narrow(std::int32_t* out, u64_register v) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi32(v, 0x88));
}
TERN_INLINE void store_affine(std::int32_t* out, u64_register v, std::int32_t factor, const std::int32_t* start,
                              std::int32_t more) {
    const __m128i product = _mm_mullo_epi32(_mm_shuffle_epi32(v, 0x88), _mm_set1_epi32(factor));
    const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(start));
    const __m128i sum = _mm_add_epi32(product, _mm_add_epi32(first, _mm_set1_epi32(more)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), sum);
}
TERN_INLINE u64_register shift_left(u64_register v, unsigned bits) {
    return _mm_sll_epi64(v, _mm_cvtsi32_si128(static_cast<int>(bits)));
}

#endif

#if TERN_HAS_AVX512_ICL

/// Counts set bits per 64-bit lane: dot = popcount(m) - 2 popcount(m where signs differ).
struct dot_counter {
    static constexpr std::size_t period = 0;  // never overflows
    u64_register nonzero, negative;

    TERN_INLINE void clear() { nonzero = negative = _mm512_setzero_si512(); }
    TERN_INLINE void add(u64_register m, u64_register neg) {
        nonzero = _mm512_add_epi64(nonzero, _mm512_popcnt_epi64(m));
        negative = _mm512_add_epi64(negative, _mm512_popcnt_epi64(neg));
    }
    TERN_INLINE u64_register total() const {
        u64_register plus = nonzero;
#if defined(__GNUC__) && !defined(__clang__)
        __asm__("" : "+v"(plus));  // else GCC copies every counter into a second register in each step of the loop
#endif
        return _mm512_sub_epi64(plus, _mm512_slli_epi64(negative, 1));
    }
};

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
    u64_register sum;

    TERN_INLINE void clear() { sum = TERN_BYTES(set1)(0); }
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

// Bytes: table rows of 16, selected by nibbles.
#if TERN_HAS_AVX512

TERN_INLINE u64_register broadcast_row(const void* p) {
    return _mm512_broadcast_i32x4(_mm_load_si128(static_cast<const __m128i*>(p)));
}
TERN_INLINE u64_register join_rows(const void* low, const void* high) {
    return _mm512_mask_broadcast_i32x4(broadcast_row(low), 0xff00, _mm_load_si128(static_cast<const __m128i*>(high)));
}
TERN_INLINE u64_register load_in_halves(const void* p) {
    return _mm512_broadcast_i64x4(_mm256_load_si256(static_cast<const __m256i*>(p)));
}
TERN_INLINE u64_register look_up(u64_register rows, u64_register nibbles) { return _mm512_shuffle_epi8(rows, nibbles); }
TERN_INLINE u64_register add_bytes(u64_register a, u64_register b) { return _mm512_add_epi8(a, b); }
TERN_INLINE u64_register low_nibbles(u64_register a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
TERN_INLINE u64_register high_nibbles(u64_register a) {
    return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15));
}
TERN_INLINE void add_widened(std::int16_t* sums, u64_register v) {
    __m512i* p = reinterpret_cast<__m512i*>(sums);
    _mm512_store_si512(p, _mm512_add_epi16(_mm512_load_si512(p), _mm512_cvtepi8_epi16(_mm512_castsi512_si256(v))));
    _mm512_store_si512(p + 1, _mm512_add_epi16(_mm512_load_si512(p + 1),
                                               _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(v, 1))));
}

#elif TERN_HAS_AVX2

TERN_INLINE u64_register broadcast_row(const void* p) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(static_cast<const __m128i*>(p)));
}
TERN_INLINE u64_register join_rows(const void* low, const void* high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_load_si128(static_cast<const __m128i*>(low))),
                                   _mm_load_si128(static_cast<const __m128i*>(high)), 1);
}
TERN_INLINE u64_register load_in_halves(const void* p) { return broadcast_row(p); }
TERN_INLINE u64_register look_up(u64_register rows, u64_register nibbles) { return _mm256_shuffle_epi8(rows, nibbles); }
TERN_INLINE u64_register add_bytes(u64_register a, u64_register b) { return _mm256_add_epi8(a, b); }
TERN_INLINE u64_register low_nibbles(u64_register a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
TERN_INLINE u64_register high_nibbles(u64_register a) {
    return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15));
}
TERN_INLINE void add_widened(std::int16_t* sums, u64_register v) {
    __m256i* p = reinterpret_cast<__m256i*>(sums);
    _mm256_store_si256(p, _mm256_add_epi16(_mm256_load_si256(p), _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v))));
    _mm256_store_si256(p + 1, _mm256_add_epi16(_mm256_load_si256(p + 1),
                                               _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1))));
}

#else

TERN_INLINE u64_register broadcast_row(const void* p) { return _mm_load_si128(static_cast<const __m128i*>(p)); }
TERN_INLINE u64_register look_up(u64_register rows, u64_register nibbles) { return _mm_shuffle_epi8(rows, nibbles); }
TERN_INLINE u64_register add_bytes(u64_register a, u64_register b) { return _mm_add_epi8(a, b); }
TERN_INLINE u64_register low_nibbles(u64_register a) { return _mm_and_si128(a, _mm_set1_epi8(15)); }
TERN_INLINE u64_register high_nibbles(u64_register a) { return _mm_and_si128(_mm_srli_epi16(a, 4), _mm_set1_epi8(15)); }
TERN_INLINE void add_widened(std::int16_t* sums, u64_register v) {
    __m128i* p = reinterpret_cast<__m128i*>(sums);
    _mm_store_si128(p, _mm_add_epi16(_mm_load_si128(p), _mm_cvtepi8_epi16(v)));
    _mm_store_si128(p + 1, _mm_add_epi16(_mm_load_si128(p + 1), _mm_cvtepi8_epi16(_mm_srli_si128(v, 8))));
}

#endif

// Two pixels share a byte, as its low and its high four bits: `bytes` sums whole bytes mod 256, `shifted` the high fields or,
// without GFNI, the words moved right by four bits mod 256: that leaves the low field of the odd bytes in the even ones, so
// fields come out one by one.
#if TERN_HAS_AVX512
#define TERN_WORDS(op) _mm512_##op##_epi16
#define TERN_LOW_BYTES(v) _mm512_and_si512(v, _mm512_set1_epi16(255))
#elif TERN_HAS_AVX2
#define TERN_WORDS(op) _mm256_##op##_epi16
#define TERN_LOW_BYTES(v) _mm256_and_si256(v, _mm256_set1_epi16(255))
#else
#define TERN_WORDS(op) _mm_##op##_epi16
#define TERN_LOW_BYTES(v) _mm_and_si128(v, _mm_set1_epi16(255))
#endif

struct fields {
    u64_register low_even, low_odd, high_even, high_odd;
};
#if TERN_HAS_AVX512_ICL
TERN_INLINE u64_register shift_fields(u64_register v) {
    return _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64(0x1020408000000000), 0);
}
TERN_INLINE fields separate(u64_register bytes, u64_register shifted) {
    const u64_register high = _mm512_and_si512(_mm512_slli_epi16(shifted, 4), _mm512_set1_epi8(-16));
    const u64_register low = _mm512_sub_epi8(bytes, high);
    return {TERN_LOW_BYTES(low), TERN_WORDS(srli)(low, 8), TERN_LOW_BYTES(shifted), TERN_WORDS(srli)(shifted, 8)};
}
#else
TERN_INLINE u64_register shift_fields(u64_register v) { return TERN_WORDS(srli)(v, 4); }
TERN_INLINE fields separate(u64_register bytes, u64_register shifted) {
    fields f;
    f.high_odd = TERN_WORDS(srli)(shifted, 8);
    f.low_odd = TERN_WORDS(srli)(TERN_WORDS(sub)(bytes, TERN_WORDS(slli)(f.high_odd, 12)), 8);
    f.high_even = TERN_LOW_BYTES(TERN_WORDS(sub)(shifted, TERN_WORDS(slli)(f.low_odd, 4)));
    f.low_even = TERN_LOW_BYTES(TERN_WORDS(sub)(bytes, TERN_WORDS(slli)(f.high_even, 4)));
    return f;
}
#endif
TERN_INLINE u64_register multiply_shorts(u64_register a, u64_register b) { return TERN_WORDS(mullo)(a, b); }
TERN_INLINE u64_register add_shorts(u64_register a, u64_register b) { return TERN_WORDS(add)(a, b); }
TERN_INLINE u64_register broadcast_short(std::int16_t v) { return TERN_WORDS(set1)(v); }
TERN_INLINE void store_widened(std::int32_t* low, std::int32_t* high, u64_register v) {
#if TERN_HAS_AVX512
    _mm512_store_si512(low, _mm512_cvtepi16_epi32(_mm512_castsi512_si256(v)));
    _mm512_store_si512(high, _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(v, 1)));
#elif TERN_HAS_AVX2
    _mm256_store_si256(reinterpret_cast<__m256i*>(low), _mm256_cvtepi16_epi32(_mm256_castsi256_si128(v)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(high), _mm256_cvtepi16_epi32(_mm256_extracti128_si256(v, 1)));
#else
    _mm_store_si128(reinterpret_cast<__m128i*>(low), _mm_cvtepi16_epi32(v));
    _mm_store_si128(reinterpret_cast<__m128i*>(high), _mm_cvtepi16_epi32(_mm_srli_si128(v, 8)));
#endif
}

// sums = (sums << shift) + the signed 16-bit lanes; aligned.
TERN_INLINE void shift_and_add_widened(std::int32_t* sums, u64_register v, std::uint32_t shift) {
    const __m128i count = _mm_cvtsi32_si128(static_cast<int>(shift));
#if TERN_HAS_AVX512
    for (int half = 0; half < 2; ++half, sums += 16) {
        const __m256i part = half == 0 ? _mm512_castsi512_si256(v) : _mm512_extracti64x4_epi64(v, 1);
        _mm512_store_si512(sums, _mm512_add_epi32(_mm512_sll_epi32(_mm512_load_si512(sums), count),
                                                  _mm512_cvtepi16_epi32(part)));
    }
#elif TERN_HAS_AVX2
    __m256i* p = reinterpret_cast<__m256i*>(sums);
    for (int half = 0; half < 2; ++half, ++p) {
        const __m128i part = half == 0 ? _mm256_castsi256_si128(v) : _mm256_extracti128_si256(v, 1);
        _mm256_store_si256(p, _mm256_add_epi32(_mm256_sll_epi32(_mm256_load_si256(p), count),
                                               _mm256_cvtepi16_epi32(part)));
    }
#else
    __m128i* p = reinterpret_cast<__m128i*>(sums);
    for (int half = 0; half < 2; ++half, ++p) {
        const __m128i part = half == 0 ? v : _mm_srli_si128(v, 8);
        _mm_store_si128(p, _mm_add_epi32(_mm_sll_epi32(_mm_load_si128(p), count), _mm_cvtepi16_epi32(part)));
    }
#endif
}

// 64 bits to 16 words of 16 * four bits.
TERN_INLINE void store_nibbles(unsigned char* out, const unsigned char* word) {
    const __m128i bits = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(word)), low = _mm_set1_epi8(15);
    const __m128i fours = _mm_unpacklo_epi8(_mm_and_si128(bits, low), _mm_and_si128(_mm_srli_epi16(bits, 4), low));
    __m128i* p = reinterpret_cast<__m128i*>(out);
    _mm_storeu_si128(p, _mm_slli_epi16(_mm_unpacklo_epi8(fours, _mm_setzero_si128()), 4));
    _mm_storeu_si128(p + 1, _mm_slli_epi16(_mm_unpackhi_epi8(fours, _mm_setzero_si128()), 4));
}

#undef TERN_WORDS
#undef TERN_LOW_BYTES

// One word of both planes (16 bytes) to 32 bytes of Unit * (d0 + 3 d1), d = mask + sign bit: every byte of a plane goes to
// four places, which keep two bits each and look up what these are worth.
template <int Unit>
TERN_INLINE __m128i pair_values() {
    constexpr char a = Unit, b = static_cast<char>(3 * Unit), c = static_cast<char>(4 * Unit);
    return _mm_setr_epi8(0, a, b, c, a, 0, 0, 0, b, 0, 0, 0, c, 0, 0, 0);
}
template <int Unit>
TERN_INLINE void store_pairs(unsigned char* out, __m128i planes) {
    const __m128i low = planes, high = _mm_srli_epi16(low, 4);
    const __m128i mask = _mm_unpacklo_epi64(low, high), sign = _mm_unpackhi_epi64(low, high);
    const __m128i first = _mm_setr_epi8(0, 0, 8, 8, 1, 1, 9, 9, 2, 2, 10, 10, 3, 3, 11, 11);
    const __m128i second = _mm_setr_epi8(4, 4, 12, 12, 5, 5, 13, 13, 6, 6, 14, 14, 7, 7, 15, 15);
#if TERN_HAS_AVX2 || TERN_HAS_AVX512
    const __m256i places = _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
    const __m256i bits = _mm256_set1_epi16(0x0c03), values = _mm256_broadcastsi128_si256(pair_values<Unit>());
    const auto of = [&](__m128i plane) {
        const __m256i spread = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(plane), places);
        return _mm256_shuffle_epi8(values, _mm256_and_si256(spread, bits));
    };
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_add_epi8(of(mask), of(sign)));
#else
    const __m128i bits = _mm_set1_epi16(0x0c03), values = pair_values<Unit>();
    const auto of = [&](__m128i plane, __m128i places) {
        return _mm_shuffle_epi8(values, _mm_and_si128(_mm_shuffle_epi8(plane, places), bits));
    };
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_add_epi8(of(mask, first), of(sign, first)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16), _mm_add_epi8(of(mask, second), of(sign, second)));
#endif
}

template <int Unit>
TERN_INLINE void store_pairs(unsigned char* out, const unsigned char* planes) {
    store_pairs<Unit>(out, _mm_loadu_si128(reinterpret_cast<const __m128i*>(planes)));
}
template <int Unit>
TERN_INLINE void store_pairs(unsigned char* out, std::uint64_t mask, std::uint64_t sign) {
    store_pairs<Unit>(out, _mm_set_epi64x(static_cast<long long>(sign), static_cast<long long>(mask)));
}

#if TERN_HAS_AVX512_ICL

// Rows of 32 bytes.
struct long_row {
    __m512i v;
};
TERN_INLINE long_row load_long_row(const void* p) {
    return {_mm512_broadcast_i64x4(_mm256_load_si256(static_cast<const __m256i*>(p)))};
}
// Two rows, each for the indices of its half.
TERN_INLINE long_row join_long_rows(const void* low, const void* high) {
    const __m256i first = _mm256_load_si256(static_cast<const __m256i*>(low));
    return {_mm512_inserti64x4(_mm512_castsi256_si512(first), _mm256_load_si256(static_cast<const __m256i*>(high)), 1)};
}
TERN_INLINE u64_register into_long_rows(u64_register indices) {
    return _mm512_or_si512(indices, _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi8(32), 1));
}
TERN_INLINE u64_register look_up(const long_row& row, u64_register indices) {
    return _mm512_permutexvar_epi8(indices, row.v);
}

// 48 bits of both planes to 16 words of 32 * (d0 + 3 d1 + 9 d2), d = mask + sign bit: each byte takes three bits of the plane
// and looks up what they are worth. Writes `size` bytes, at most 32.
TERN_INLINE void store_triples(unsigned char* out, std::uint64_t mask, std::uint64_t sign, std::size_t size) {
    const __m256i places = _mm256_setr_epi8(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45,  //
                                            0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45);
    const __m256i worth = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 3, 4, 9, 10, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0));
    const auto m = static_cast<long long>(mask), s = static_cast<long long>(sign);
    const __m256i threes =
        _mm256_and_si256(_mm256_multishift_epi64_epi8(places, _mm256_setr_epi64x(m, m, s, s)), _mm256_set1_epi8(7));
    const __m256i digits = _mm256_shuffle_epi8(worth, threes);
    const __m128i sum = _mm_add_epi8(_mm256_castsi256_si128(digits), _mm256_extracti128_si256(digits, 1));
    const __m256i words = _mm256_slli_epi16(_mm256_cvtepu8_epi16(sum), 5);
    _mm256_mask_storeu_epi8(out, static_cast<__mmask32>((std::uint64_t{1} << size) - 1), words);
}

#endif

}  // namespace native
}  // namespace simd
TERN_END_NAMESPACE
