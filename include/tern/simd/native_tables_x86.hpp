// Tables in registers of x86, looked up by nibbles: their rows, their indices, and fields of two pixels in a byte.
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
TERN_INLINE u64_register subtract_bytes(u64_register a, u64_register b) { return _mm512_sub_epi8(a, b); }
TERN_INLINE u64_register low_nibbles(u64_register a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
TERN_INLINE u64_register high_nibbles(u64_register a) {
    return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15));
}
TERN_INLINE u64_register widen_first_bytes(u64_register v) { return _mm512_cvtepi8_epi16(_mm512_castsi512_si256(v)); }
TERN_INLINE u64_register widen_second_bytes(u64_register v) {
    return _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(v, 1));
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
TERN_INLINE u64_register subtract_bytes(u64_register a, u64_register b) { return _mm256_sub_epi8(a, b); }
TERN_INLINE u64_register low_nibbles(u64_register a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
TERN_INLINE u64_register high_nibbles(u64_register a) {
    return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15));
}
TERN_INLINE u64_register widen_first_bytes(u64_register v) { return _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v)); }
TERN_INLINE u64_register widen_second_bytes(u64_register v) {
    return _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1));
}

#else

TERN_INLINE u64_register broadcast_row(const void* p) { return _mm_load_si128(static_cast<const __m128i*>(p)); }
TERN_INLINE u64_register look_up(u64_register rows, u64_register nibbles) { return _mm_shuffle_epi8(rows, nibbles); }
TERN_INLINE u64_register add_bytes(u64_register a, u64_register b) { return _mm_add_epi8(a, b); }
TERN_INLINE u64_register subtract_bytes(u64_register a, u64_register b) { return _mm_sub_epi8(a, b); }
TERN_INLINE u64_register low_nibbles(u64_register a) { return _mm_and_si128(a, _mm_set1_epi8(15)); }
TERN_INLINE u64_register high_nibbles(u64_register a) { return _mm_and_si128(_mm_srli_epi16(a, 4), _mm_set1_epi8(15)); }
TERN_INLINE u64_register widen_first_bytes(u64_register v) { return _mm_cvtepi8_epi16(v); }
TERN_INLINE u64_register widen_second_bytes(u64_register v) { return _mm_cvtepi8_epi16(_mm_srli_si128(v, 8)); }

#endif

// Two pixels share a byte, as its low and its high four bits: `bytes` sums whole bytes mod 256, `shifted` the high
// fields or, without GFNI, the words moved right by four bits mod 256: that leaves the low field of the odd bytes in
// the even ones, so fields come out one by one.
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

// One word of both planes (16 bytes) to 32 bytes of Unit * (d0 + 3 d1), d = mask + sign bit: every byte of a plane goes
// to four places, which keep two bits each and look up what these are worth.
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

// 48 bits of both planes to 16 words of 32 * (d0 + 3 d1 + 9 d2), d = mask + sign bit: each byte takes three bits of the
// plane and looks up what they are worth. Writes `size` bytes, at most 32.
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

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
