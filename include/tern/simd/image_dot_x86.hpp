// short_dot and image_byte_dot (simd/image_dot.hpp) for x86: vpdpwssd and vpdpbusd where there is VNNI, else vpmaddwd.
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
#include "byte_dot_x86.hpp"
#include "vec.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {

// What both kinds share: one register of weights, one value run broadcast.
struct image_dot {
    static constexpr std::size_t lanes = sizeof(native::u64_register) / 4;
    using operand_type = native::u64_register;
    using weights_type = native::u64_register;

    native::u64_register sum;

    static TERN_INLINE weights_type load_weights(const unsigned char* p) {
        weights_type w;
        __builtin_memcpy(&w, p, sizeof w);
        return native::in_place(w);
    }
    static TERN_INLINE operand_type load(const unsigned char* p) { return native::in_place(native::broadcast_i32(p)); }
    TERN_INLINE void begin(const std::int32_t* start) { __builtin_memcpy(&sum, start, sizeof sum); }
    TERN_INLINE i32v total(std::size_t /*part*/) const { return i32v(sum); }
};

struct short_dot : image_dot {
    static constexpr std::size_t step = 2, run = 2, value_bytes = 2;

    TERN_INLINE void add(operand_type x, weights_type w) {
#if TERN_HAS_AVX512_VNNI
        sum = _mm512_dpwssd_epi32(sum, x, w);
#elif TERN_HAS_AVX2_VNNI
        sum = _mm256_dpwssd_avx_epi32(sum, x, w);
#elif TERN_HAS_AVX512
        sum = native::in_place(native::add_i32(sum, _mm512_madd_epi16(x, w)));
#elif TERN_HAS_AVX2
        sum = native::add_i32(sum, _mm256_madd_epi16(x, w));
#if defined(__clang__)
        sum = native::in_place(sum);  // where GCC, which needs no telling, copies it
#endif
#else
        sum = native::in_place(native::add_i32(sum, _mm_madd_epi16(x, w)));
#endif
    }
};

#if TERN_HAS_IMAGE_PAIRS
/// Exact for weights of at most 64: two products fit 16 bits.
struct image_pair_dot : image_dot {
    static constexpr std::size_t step = 4, run = 4, value_bytes = 1;

    TERN_INLINE void add(operand_type x, weights_type w) {
        sum = native::add_i32(sum, native::add_pairs(native::pair_products(x, w)));
#if defined(__clang__)
        sum = native::in_place(sum);
#endif
    }
};
#endif

#if TERN_HAS_IMAGE_BYTES
struct image_byte_dot : image_dot {
    static constexpr std::size_t step = 4, run = 4, value_bytes = 1;

    TERN_INLINE void add(operand_type x, weights_type w) {
#if TERN_HAS_AVX512_VNNI
        sum = _mm512_dpbusd_epi32(sum, x, w);
#else
        sum = _mm256_dpbusd_avx_epi32(sum, x, w);
#endif
    }
};
#endif

}  // namespace simd
TERN_END_NAMESPACE

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
