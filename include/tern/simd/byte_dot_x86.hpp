// byte_dot (simd/byte_dot.hpp) for x86: vpdpbusd where there is VNNI, else vpmaddubsw of |x| and the weights with x's sign.
// Weights are never -128, so no pair of products leaves int16: 2 * 128 * 127 < 2^15.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "native_x86.hpp"
#include "vec.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {
namespace native {

TERN_INLINE u64_register broadcast_i32(const void* p) {
    std::int32_t v;
    __builtin_memcpy(&v, p, sizeof v);
#if TERN_HAS_AVX512
    return _mm512_set1_epi32(v);
#elif TERN_HAS_AVX2
    return _mm256_set1_epi32(v);
#else
    return _mm_set1_epi32(v);
#endif
}

TERN_INLINE u64_register add_i32(u64_register a, u64_register b) {
#if TERN_HAS_AVX512
    return _mm512_add_epi32(a, b);
#elif TERN_HAS_AVX2
    return _mm256_add_epi32(a, b);
#else
    return _mm_add_epi32(a, b);
#endif
}

/// Computed where it stands: compilers otherwise make the operands of a step's later products first and spill sums.
TERN_INLINE u64_register in_place(u64_register v) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__ volatile("" : TERN_IN_VECTOR_REGISTER(v));
#endif
    return v;
}

}  // namespace native

struct byte_dot {
    static constexpr std::size_t run = 4, lanes = sizeof(native::u64_register) / run, rows = 1;
    static constexpr bool holds_activations = false;
    static constexpr bool unsigned_bytes = TERN_HAS_AVX512_VNNI || TERN_HAS_AVX2_VNNI;
    static constexpr std::uint32_t rate = (unsigned_bytes ? 7 : TERN_HAS_AVX512 ? 2 : 3) * lanes;  // MAC per cycle

#if TERN_HAS_AVX512_VNNI || TERN_HAS_AVX2_VNNI
    using operand_type = native::u64_register;
#else
    struct operand_type {
        native::u64_register magnitude;
#if TERN_HAS_AVX512
        __mmask64 negative;
#else
        native::u64_register sign;
#endif
    };
#endif
    using weights_type = native::u64_register;

    struct activations {
        const unsigned char* p;

        TERN_INLINE void load(const unsigned char* const* pixels, std::ptrdiff_t offset) { p = *pixels + offset; }
        template <std::size_t Group>
        TERN_INLINE operand_type operand() const {
            const native::u64_register x = native::in_place(native::broadcast_i32(p + Group * run));
#if TERN_HAS_AVX512_VNNI || TERN_HAS_AVX2_VNNI
            return x;
#elif TERN_HAS_AVX512
            return {_mm512_abs_epi8(x), _mm512_movepi8_mask(x)};
#elif TERN_HAS_AVX2
            return {_mm256_abs_epi8(x), x};
#else
            return {_mm_abs_epi8(x), x};
#endif
        }
    };

    native::u64_register sum;

    static TERN_INLINE weights_type load_weights(const unsigned char* p) {
        weights_type w;
        __builtin_memcpy(&w, p, sizeof w);
        return native::in_place(w);
    }
    TERN_INLINE void clear() { sum = native::u64_register{}; }
    TERN_INLINE void add(const operand_type& x, weights_type w) {
#if TERN_HAS_AVX512_VNNI
        sum = _mm512_dpbusd_epi32(sum, x, w);
#elif TERN_HAS_AVX2_VNNI
        sum = _mm256_dpbusd_avx_epi32(sum, x, w);
#elif TERN_HAS_AVX512
        const __m512i signed_w = _mm512_mask_sub_epi8(w, x.negative, _mm512_setzero_si512(), w);
        const __m512i pairs = _mm512_maddubs_epi16(x.magnitude, signed_w);
        sum = native::add_i32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
#elif TERN_HAS_AVX2
        const __m256i pairs = _mm256_maddubs_epi16(x.magnitude, _mm256_sign_epi8(w, x.sign));
        sum = native::add_i32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#else
        const __m128i pairs = _mm_maddubs_epi16(x.magnitude, _mm_sign_epi8(w, x.sign));
        sum = native::add_i32(sum, _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
#endif
        if constexpr (!unsigned_bytes)
            sum = native::in_place(sum);
    }
    /// Writes [blocks] x lanes sums of `rows` pixels, `channels` apart, each plus its start.
    template <std::size_t Blocks>
    static TERN_INLINE void store(const byte_dot (&sums)[Blocks], std::int32_t* acc, std::size_t,
                                  const std::int32_t* start) {
        TERN_UNROLL
        for (std::size_t j = 0; j < Blocks; ++j) {
            native::u64_register s;
            __builtin_memcpy(&s, start + j * lanes, sizeof s);
            s = native::add_i32(s, sums[j].sum);
            __builtin_memcpy(acc + j * lanes, &s, sizeof s);
        }
    }
};

}  // namespace simd
TERN_END_NAMESPACE
