// byte_dot (simd/byte_dot.hpp) for x86: vpdpbusd where there is VNNI, else vpmaddubsw, whose sums of two products
// saturate at 16 bits. Of |x| and the weights with x's sign they never do, as weights are never -128: 2 * 128 * 127 <
// 2^15. Of unsigned activations and small weights they do not either, and that takes fewer instructions (pair_dot,
// narrow_dot).
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

#if TERN_HAS_AVX512
#define TERN_BYTE_DOT(op) _mm512_##op
#elif TERN_HAS_AVX2
#define TERN_BYTE_DOT(op) _mm256_##op
#else
#define TERN_BYTE_DOT(op) _mm_##op
#endif

TERN_INLINE u64_register add_i16(u64_register a, u64_register b) { return TERN_BYTE_DOT(add_epi16)(a, b); }
/// Sums of two products of unsigned and signed bytes, saturated at 16 bits.
TERN_INLINE u64_register pair_products(u64_register x, u64_register w) { return TERN_BYTE_DOT(maddubs_epi16)(x, w); }
/// Sums of two 16-bit numbers.
TERN_INLINE u64_register add_pairs(u64_register pairs) {
    return TERN_BYTE_DOT(madd_epi16)(pairs, TERN_BYTE_DOT(set1_epi16)(1));
}

#undef TERN_BYTE_DOT

/// Computed where it stands: compilers otherwise make the operands of a step's later products first and spill sums.
TERN_INLINE u64_register in_place(u64_register v) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__ volatile("" : TERN_IN_VECTOR_REGISTER(v));
#endif
    return v;
}

}  // namespace native

/// Codes of bit planes, 8 bytes apart, to 16 bytes: offset + the weights of the planes whose bit is set.
TERN_INLINE void bits_to_bytes(const unsigned char* planes, std::size_t count, const unsigned char* weights,
                               unsigned char offset, unsigned char* out) {
    const __m128i places = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    const __m128i bits = _mm_set1_epi64x(static_cast<long long>(0x8040201008040201u));
    __m128i values = _mm_set1_epi8(static_cast<char>(offset));
    for (std::size_t p = 0; p < count; ++p) {
        std::int16_t word;
        __builtin_memcpy(&word, planes + p * 8, sizeof word);
        const __m128i spread = _mm_shuffle_epi8(_mm_set1_epi16(word), places);
        const __m128i set = _mm_cmpeq_epi8(_mm_and_si128(spread, bits), bits);
        values = _mm_add_epi8(values, _mm_and_si128(set, _mm_set1_epi8(static_cast<char>(weights[p]))));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), values);
}

#if TERN_HAS_AVX2 || TERN_HAS_AVX512
#define TERN_HAS_WORD_SPREADER 1

/// The same for whole words of 64 channels.
template <std::size_t Planes>
struct word_spreader {
    native::u64_register weight[Planes], offset;

    TERN_INLINE word_spreader(const unsigned char* weights, unsigned char least) : offset(all_bytes(least)) {
        TERN_UNROLL_ALWAYS
        for (std::size_t p = 0; p < Planes; ++p)
            weight[p] = all_bytes(weights[p]);
    }
    TERN_INLINE void run(const unsigned char* planes, unsigned char* out) const {
        constexpr std::size_t parts = 64 / sizeof(native::u64_register);
        native::u64_register values[parts];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < parts; ++i)
            values[i] = offset;
        TERN_UNROLL_ALWAYS
        for (std::size_t p = 0; p < Planes; ++p) {
#if TERN_HAS_AVX512
            std::uint64_t word;
            __builtin_memcpy(&word, planes + p * 8, sizeof word);
            values[0] = _mm512_mask_add_epi8(values[0], word, values[0], weight[p]);
#else
            const __m256i bits = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
            const __m256i places = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2,
                                                    2, 3, 3, 3, 3, 3, 3, 3, 3);
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < parts; ++i) {
                const __m256i spread = _mm256_shuffle_epi8(native::broadcast_i32(planes + p * 8 + i * 4), places);
                const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bits), bits);
                values[i] = _mm256_add_epi8(values[i], _mm256_and_si256(set, weight[p]));
            }
#endif
        }
        __builtin_memcpy(out, values, sizeof values);
    }

private:
    static TERN_INLINE native::u64_register all_bytes(unsigned char v) {
#if TERN_HAS_AVX512
        return _mm512_set1_epi8(static_cast<char>(v));
#else
        return _mm256_set1_epi8(static_cast<char>(v));
#endif
    }
};
#endif

/// What all kinds share: a lane has `run` channels of one output channel, of which the activations are the same in all
/// lanes.
struct byte_dot_base {
    static constexpr std::size_t run = 4, lanes = sizeof(native::u64_register) / run, rows = 1;
    static constexpr bool holds_activations = false;
    static constexpr bool unsigned_bytes = true;
    static constexpr std::uint32_t pairs = 0;  // of products in a 16-bit sum
    static constexpr bool is_short = false;    // whether that sum is kept, so that somebody must empty it

    using operand_type = native::u64_register;
    using weights_type = native::u64_register;

    struct activations {
        const unsigned char* p;

        TERN_INLINE void load(const unsigned char* const* pixels, std::ptrdiff_t offset) { p = *pixels + offset; }
        template <std::size_t Group>
        TERN_INLINE operand_type operand() const {
            return native::in_place(native::broadcast_i32(p + Group * run));
        }
    };

    native::u64_register sum;

    static TERN_INLINE weights_type load_weights(const unsigned char* p) {
        weights_type w;
        __builtin_memcpy(&w, p, sizeof w);
        return native::in_place(w);
    }
    TERN_INLINE void begin(const std::int32_t* start) { __builtin_memcpy(&sum, start, sizeof sum); }
    /// Vector j of the sums of a pixel.
    template <class Dot, std::size_t Blocks>
    static TERN_INLINE i32v total(const Dot (&sums)[Blocks], std::size_t /*row*/, std::size_t j) {
        return i32v(sums[j].sum);
    }
};

#if TERN_HAS_AVX512_VNNI || TERN_HAS_AVX2_VNNI

/// Exact for all bytes.
struct byte_dot : byte_dot_base {
    TERN_INLINE void add(operand_type x, weights_type w) {
#if TERN_HAS_AVX512_VNNI
        sum = _mm512_dpbusd_epi32(sum, x, w);
#else
        sum = _mm256_dpbusd_avx_epi32(sum, x, w);
#endif
    }
};

#else

/// Exact for all int8: |x|, and the weights with x's sign.
struct byte_dot : byte_dot_base {
    static constexpr bool unsigned_bytes = false;

    struct operand_type {
        native::u64_register magnitude;
#if TERN_HAS_AVX512
        __mmask64 negative;
#else
        native::u64_register sign;
#endif
    };
    struct activations : byte_dot_base::activations {
        template <std::size_t Group>
        TERN_INLINE operand_type operand() const {
            const native::u64_register x = byte_dot_base::activations::operand<Group>();
#if TERN_HAS_AVX512
            return {_mm512_abs_epi8(x), _mm512_movepi8_mask(x)};
#elif TERN_HAS_AVX2
            return {_mm256_abs_epi8(x), x};
#else
            return {_mm_abs_epi8(x), x};
#endif
        }
    };

    TERN_INLINE void add(const operand_type& x, weights_type w) {
#if TERN_HAS_AVX512
        const native::u64_register signed_w = _mm512_mask_sub_epi8(w, x.negative, _mm512_setzero_si512(), w);
#elif TERN_HAS_AVX2
        const native::u64_register signed_w = _mm256_sign_epi8(w, x.sign);
#else
        const native::u64_register signed_w = _mm_sign_epi8(w, x.sign);
#endif
        sum = native::in_place(native::add_i32(sum, native::add_pairs(native::pair_products(x.magnitude, signed_w))));
    }
};

/// Exact where a pair of products fits 16 bits.
struct pair_dot : byte_dot_base {
    static constexpr std::uint32_t pairs = 1;

    TERN_INLINE void add(operand_type x, weights_type w) {
        sum = native::in_place(native::add_i32(sum, native::add_pairs(native::pair_products(x, w))));
    }
};

/// 16-bit sums, two a lane, which somebody empties in time: exact where the pairs of products of a step fit one.
struct narrow_dot : byte_dot_base {
    static constexpr std::uint32_t pairs = 4;
    static constexpr bool is_short = true;

    TERN_INLINE void clear() { sum = native::u64_register{}; }
    TERN_INLINE void add(operand_type x, weights_type w) {
        sum = native::in_place(native::add_i16(sum, native::pair_products(x, w)));
    }
    template <std::size_t Blocks>
    static TERN_INLINE i32v total(const narrow_dot (&sums)[Blocks], std::size_t /*row*/, std::size_t j) {
        return i32v(native::add_pairs(sums[j].sum));
    }
};

#endif

/// Weights of two bits each, two's complement: a byte of the panel holds those of four groups, the first in its lowest
/// bits.
struct two_bit_weights {
    template <std::size_t Group>
    static TERN_INLINE native::u64_register load(const unsigned char* p) {
        native::u64_register four;
        __builtin_memcpy(&four, p, sizeof four);
#if TERN_HAS_AVX512_ICL
        // Bit 0 of a byte is the field's low bit, all others its high bit. The matrix has the row of bit 0 in its last
        // byte.
        constexpr std::uint64_t low = std::uint64_t{1} << (2 * Group), high = 2 * low;
        const __m512i matrix = _mm512_set1_epi64(static_cast<long long>((low << 56) | high * 0x01010101010101u));
        return native::in_place(_mm512_gf2p8affine_epi64_epi8(four, matrix, 0));
#else
        alignas(16) static constexpr std::int8_t of_nibble[2][16] = {{0, 1, -2, -1, 0, 1, -2, -1, 0, 1, -2, -1, 0, 1,
                                                                      -2, -1},
                                                                     {0, 0, 0, 0, 1, 1, 1, 1, -2, -2, -2, -2, -1, -1,
                                                                      -1, -1}};
        const native::u64_register nibbles = Group < 2 ? native::low_nibbles(four) : native::high_nibbles(four);
        return native::in_place(native::look_up(native::broadcast_row(of_nibble[Group % 2]), nibbles));
#endif
    }
};

}  // namespace simd
TERN_END_NAMESPACE

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
