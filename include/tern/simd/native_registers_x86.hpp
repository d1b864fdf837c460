// Whole registers of x86: what every kernel asks of them, per width.
#pragma once

// GCC 12 warns of operands that its own AVX-512 headers leave undefined (GCC bug 105593), wherever they are inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

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
/// The low halves of the 64-bit lanes.
TERN_INLINE u64_register narrow(u64_register a, u64_register b) {
    return _mm512_permutex2var_epi32(a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
                                     b);
}
/// The first and the second half of signed 16-bit lanes.
TERN_INLINE u64_register widen_first(u64_register v) { return _mm512_cvtepi16_epi32(_mm512_castsi512_si256(v)); }
TERN_INLINE u64_register widen_second(u64_register v) { return _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(v, 1)); }
TERN_INLINE u64_register multiply(u64_register a, u64_register b) { return _mm512_mullo_epi32(a, b); }
/// The lowest byte of each 32-bit lane.
TERN_INLINE void store_low_bytes(unsigned char* out, u64_register v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(v));
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
TERN_INLINE u64_register narrow(u64_register a, u64_register b) {
    const __m256 even = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(even), 0xd8);
}
TERN_INLINE u64_register widen_first(u64_register v) { return _mm256_cvtepi16_epi32(_mm256_castsi256_si128(v)); }
TERN_INLINE u64_register widen_second(u64_register v) { return _mm256_cvtepi16_epi32(_mm256_extracti128_si256(v, 1)); }
TERN_INLINE u64_register multiply(u64_register a, u64_register b) { return _mm256_mullo_epi32(a, b); }
TERN_INLINE void store_low_bytes(unsigned char* out, u64_register v) {
    const __m256i bytes =
        _mm256_shuffle_epi8(v, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                                -1, -1, -1, -1, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out),
                     _mm_or_si128(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
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
TERN_INLINE u64_register narrow(u64_register a, u64_register b) {
    return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), 0x88));
}
TERN_INLINE u64_register widen_first(u64_register v) { return _mm_cvtepi16_epi32(v); }
TERN_INLINE u64_register widen_second(u64_register v) { return _mm_cvtepi16_epi32(_mm_srli_si128(v, 8)); }
TERN_INLINE u64_register multiply(u64_register a, u64_register b) { return _mm_mullo_epi32(a, b); }
TERN_INLINE void store_low_bytes(unsigned char* out, u64_register v) {
    const __m128i bytes =
        _mm_shuffle_epi8(v, _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const std::int32_t four = _mm_cvtsi128_si32(bytes);
    __builtin_memcpy(out, &four, sizeof four);
}
TERN_INLINE u64_register shift_left(u64_register v, unsigned bits) {
    return _mm_sll_epi64(v, _mm_cvtsi32_si128(static_cast<int>(bits)));
}

#endif

}  // namespace native
}  // namespace simd
TERN_END_NAMESPACE

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
