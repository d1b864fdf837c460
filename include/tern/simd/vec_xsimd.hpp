// Vectors of the widest kind the file's flags allow, on xsimd 8.1 up to the newest release.
#pragma once

// GCC 12 warns of operands that its own AVX-512 headers leave undefined (GCC bug 105593), wherever they are inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

// Flags between two levels give the lower one (config.hpp), but for these, which are more likely forgotten than meant.
#if defined(__AVX2__) && !TERN_HAS_AVX2 && !TERN_HAS_AVX512
#ifndef __FMA__
#error "tern: -mavx2 without -mfma: add it (-march=haswell has what level avx2 needs), or -mno-avx2 for sse42"
#endif
#ifndef __BMI__
#error "tern: -mavx2 without -mbmi: add it (-march=haswell has what level avx2 needs), or -mno-avx2 for sse42"
#endif
#ifndef __BMI2__
#error "tern: -mavx2 without -mbmi2: add it (-march=haswell has what level avx2 needs), or -mno-avx2 for sse42"
#endif
#ifndef __F16C__
#error "tern: -mavx2 without -mf16c: add it (-march=haswell has what level avx2 needs), or -mno-avx2 for sse42"
#endif
#endif

#include <xsimd/xsimd.hpp>

#if TERN_HAS_SSE42
#include "native_x86.hpp"
#elif TERN_HAS_NEON
#include "native_arm.hpp"
#else
#error "tern: no vector operations for this architecture; its level is scalar"
#endif

// The constraint of an asm operand.
#if TERN_HAS_NEON
#define TERN_IN_VECTOR_REGISTER(x) "+w"(x)
#elif TERN_HAS_AVX512
#define TERN_IN_VECTOR_REGISTER(x) "+v"(x)
#else
#define TERN_IN_VECTOR_REGISTER(x) "+x"(x)
#endif

TERN_BEGIN_NAMESPACE
namespace simd {

// xsimd would take the widest vectors of the flags, also where they are between two levels.
#if TERN_IS_ABOVE_AVX2
using architecture = xsimd::avx2;
#elif TERN_IS_ABOVE_SSE42
using architecture = xsimd::sse4_2;
#else
using architecture = xsimd::default_arch;
#endif

using f32v = xsimd::batch<float, architecture>;
using i32v = xsimd::batch<std::int32_t, architecture>;
using f32_mask = xsimd::batch_bool<float, architecture>;
using i32_mask = xsimd::batch_bool<std::int32_t, architecture>;
struct u64v {
    native::u64_register v;
};

inline constexpr std::size_t f32_lanes = f32v::size;
inline constexpr std::size_t u64_lanes = f32_lanes / 2;
inline constexpr std::size_t words_per_sum = 2;  // vectors of 64-bit lanes that become one of 32-bit lanes
inline constexpr bool has_fma = TERN_HAS_AVX2 || TERN_HAS_AVX512 || TERN_HAS_NEON;
static_assert(sizeof(native::u64_register) == u64_lanes * 8,
              "xsimd and the native operations disagree about the width");

TERN_INLINE f32v load(const float* p) { return f32v::load_unaligned(p); }
TERN_INLINE void store(float* p, f32v a) { a.store_unaligned(p); }
TERN_INLINE f32v broadcast(float v) { return f32v(v); }
TERN_INLINE f32v add(f32v a, f32v b) { return a + b; }
TERN_INLINE f32v subtract(f32v a, f32v b) { return a - b; }
TERN_INLINE f32v multiply(f32v a, f32v b) { return a * b; }
/// Hides how a value was made, so that nothing is fused or folded across it.
TERN_INLINE f32v opaque(f32v a) {
    typename f32v::register_type r = a;
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : TERN_IN_VECTOR_REGISTER(r));
#endif
    return f32v(r);
}
/// a*b + c: one rounding where the level has the instruction.
TERN_INLINE f32v multiply_add(f32v a, f32v b, f32v c) {
#if TERN_HAS_AVX512 || TERN_HAS_AVX2 || TERN_HAS_NEON
    // Not xsimd::fma: version 8.1 rounds twice on AVX-512.
    const typename f32v::register_type x = a, y = b, z = c;
    return f32v(native::multiply_add(x, y, z));
#else
    return add(opaque(multiply(a, b)), c);
#endif
}
TERN_INLINE f32_mask greater_equal(f32v a, f32v b) { return a >= b; }
TERN_INLINE f32_mask less(f32v a, f32v b) { return a < b; }
TERN_INLINE f32_mask is_nan(f32v a) { return xsimd::isnan(a); }  // `a != a` is an ordered comparison on AVX
TERN_INLINE f32_mask logical_or(f32_mask a, f32_mask b) { return a | b; }
TERN_INLINE f32v select(f32_mask m, f32v a, f32v b) { return xsimd::select(m, a, b); }
TERN_INLINE std::uint32_t bits(f32_mask m) {
    typename f32_mask::register_type r = m;
    return native::bits(r);
}

TERN_INLINE i32v load(const std::int32_t* p) { return i32v::load_unaligned(p); }
TERN_INLINE void store(std::int32_t* p, i32v a) { a.store_unaligned(p); }
TERN_INLINE i32v broadcast_i32(std::int32_t v) { return i32v(v); }
TERN_INLINE f32v to_float(i32v a) { return xsimd::to_float(a); }
TERN_INLINE i32v bit_xor(i32v a, i32v b) { return a ^ b; }
TERN_INLINE i32v bit_or(i32v a, i32v b) { return a | b; }
TERN_INLINE i32v add(i32v a, i32v b) { return a + b; }
TERN_INLINE i32v subtract(i32v a, i32v b) { return a - b; }
TERN_INLINE i32v shift_left(i32v a, unsigned bits) { return a << static_cast<std::int32_t>(bits); }
/// Keeps the sign.
TERN_INLINE i32v shift_right(i32v a, unsigned bits) { return a >> static_cast<std::int32_t>(bits); }
TERN_INLINE i32v multiply(i32v a, i32v b) {
    const typename i32v::register_type x = a, y = b;
    return i32v(native::multiply(x, y));
}
/// The lowest byte of each lane's bits.
TERN_INLINE void store_low_bytes(unsigned char* p, f32v a) {
    const typename f32v::register_type r = a;
#if TERN_HAS_NEON
    native::store_low_bytes(p, vreinterpretq_u32_f32(r));
#elif TERN_HAS_AVX512
    native::store_low_bytes(p, _mm512_castps_si512(r));
#elif TERN_HAS_AVX2
    native::store_low_bytes(p, _mm256_castps_si256(r));
#else
    native::store_low_bytes(p, _mm_castps_si128(r));
#endif
}
TERN_INLINE i32_mask greater_equal(i32v a, i32v b) { return a >= b; }
TERN_INLINE i32_mask less(i32v a, i32v b) { return a < b; }
TERN_INLINE std::uint32_t bits(i32_mask m) {
    typename i32_mask::register_type r = m;
#if TERN_HAS_AVX512 || TERN_HAS_NEON
    return native::bits(r);
#elif TERN_HAS_AVX2
    return native::bits(_mm256_castsi256_ps(r));
#else
    return native::bits(_mm_castsi128_ps(r));
#endif
}
/// a where the mask is set, else 0.
TERN_INLINE i32v keep(f32_mask m, i32v a) {
    typename f32_mask::register_type r = m;
    typename i32v::register_type x = a;
#if TERN_HAS_NEON
    return i32v(native::keep(r, x));
#elif TERN_HAS_AVX512
    return i32v(_mm512_maskz_mov_epi32(r, x));
#elif TERN_HAS_AVX2
    return i32v(_mm256_and_si256(_mm256_castps_si256(r), x));
#else
    return i32v(_mm_and_si128(_mm_castps_si128(r), x));
#endif
}
TERN_INLINE i32v keep(i32_mask m, i32v a) {
    typename i32_mask::register_type r = m;
    typename i32v::register_type x = a;
#if TERN_HAS_NEON
    return i32v(native::keep(r, x));
#elif TERN_HAS_AVX512
    return i32v(_mm512_maskz_mov_epi32(r, x));
#elif TERN_HAS_AVX2
    return i32v(_mm256_and_si256(r, x));
#else
    return i32v(_mm_and_si128(r, x));
#endif
}

#if TERN_HAS_NEON
/// See the generic ones in simd/vec.hpp.
template <std::size_t Vectors>
struct code_bits : native::code_bits<Vectors> {
    template <class Mask>
    TERN_INLINE void add(Mask plus, Mask minus, std::size_t j) {
        const uint32x4_t p = plus, m = minus;
        native::code_bits<Vectors>::add(p, m, j);
    }
};
struct mask_word {
    static constexpr bool in_order = true;
    native::mask_word collected;

    TERN_INLINE void add(f32_mask m, std::size_t vector) { collected.add(m, vector); }
    TERN_INLINE std::uint64_t bits() const { return collected.bits(); }
};
#endif

TERN_INLINE u64v load_words(const void* p) {
    u64v a;
    __builtin_memcpy(&a.v, p, sizeof a.v);
    return a;
}
TERN_INLINE u64v broadcast_word(const void* p) { return {native::broadcast(p)}; }
TERN_INLINE u64v bit_and(u64v a, u64v b) { return {a.v & b.v}; }
TERN_INLINE u64v bit_or(u64v a, u64v b) { return {a.v | b.v}; }
TERN_INLINE u64v bit_xor(u64v a, u64v b) { return {a.v ^ b.v}; }
TERN_INLINE u64v and_xor(u64v a, u64v b, u64v c) { return {native::and_xor(a.v, b.v, c.v)}; }
/// Keeps a loaded value in its register: GCC otherwise folds the load into every use of it.
TERN_INLINE u64v opaque(u64v a) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : TERN_IN_VECTOR_REGISTER(a.v));
#endif
    return a;
}
/// Keeps what p points to in memory: a compiler that knows the whole array may put it in registers that a loop needs.
template <class T>
TERN_INLINE T* opaque(T* p) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : "+r"(p) : : "memory");
#endif
    return p;
}
/// The low halves of the 64-bit lanes of two vectors.
TERN_INLINE i32v narrow(const u64v* v) { return i32v(native::narrow(v[0].v, v[1].v)); }
/// The first and the second half of signed 16-bit lanes.
TERN_INLINE i32v widen_first(u64v v) { return i32v(native::widen_first(v.v)); }
TERN_INLINE i32v widen_second(u64v v) { return i32v(native::widen_second(v.v)); }
/// The first and the second half of signed bytes, as 16-bit lanes.
TERN_INLINE u64v widen_first_bytes(u64v v) { return {native::widen_first_bytes(v.v)}; }
TERN_INLINE u64v widen_second_bytes(u64v v) { return {native::widen_second_bytes(v.v)}; }
TERN_INLINE u64v shift_left(u64v v, unsigned bits) { return {native::shift_left(v.v, bits)}; }
TERN_INLINE u64v add(u64v a, u64v b) { return {a.v + b.v}; }
TERN_INLINE u64v zero_words() { return {native::u64_register{}}; }

// Bytes of a register as signed 8-bit lanes; 16-byte rows are looked up within each 128 bits.
inline constexpr std::size_t byte_lanes = u64_lanes * 8;
/// As many bytes as a part of a register has, in each of 1 or 2 parts.
template <std::size_t Parts>
TERN_INLINE u64v load_for_parts(const void* p) {
#if TERN_HAS_AVX2 || TERN_HAS_AVX512
    if constexpr (Parts == 2)
        return {native::load_in_halves(p)};
#endif
    return load_words(p);
}
TERN_INLINE u64v zero_bytes() { return zero_words(); }
/// The same 16 bytes (aligned) in every 128 bits.
TERN_INLINE u64v broadcast_row(const void* p) { return {native::broadcast_row(p)}; }
TERN_INLINE u64v load_rows(const unsigned char* const (&p)[1]) { return broadcast_row(p[0]); }
#if TERN_HAS_AVX2 || TERN_HAS_AVX512
/// The first 16 bytes in the lower half, the second in the upper one.
TERN_INLINE u64v load_rows(const unsigned char* const (&p)[2]) { return {native::join_rows(p[0], p[1])}; }
#endif
TERN_INLINE u64v look_up(u64v rows, u64v nibbles) { return {native::look_up(rows.v, nibbles.v)}; }
TERN_INLINE u64v add_bytes(u64v a, u64v b) { return {native::add_bytes(a.v, b.v)}; }
TERN_INLINE u64v subtract_bytes(u64v a, u64v b) { return {native::subtract_bytes(a.v, b.v)}; }
/// The same byte in all lanes.
TERN_INLINE u64v broadcast_byte(unsigned char v) {
    const std::uint64_t word = v * std::uint64_t{0x0101010101010101};
    return broadcast_word(&word);
}
TERN_INLINE u64v low_nibbles(u64v a) { return {native::low_nibbles(a.v)}; }
TERN_INLINE u64v high_nibbles(u64v a) { return {native::high_nibbles(a.v)}; }
/// sum += v, in the register that holds sum. GCC otherwise moves loads of later steps up until it runs out of
/// registers.
TERN_INLINE void add_bytes_to(u64v& sum, u64v v) {
    sum = add_bytes(sum, v);
#if defined(__GNUC__) && !defined(__clang__)
    __asm__ volatile("" : TERN_IN_VECTOR_REGISTER(sum.v) : : "memory");
#endif
}
/// The high fields of all bytes moved to the low ones. Without an instruction for that, words are shifted: the low
/// field of each odd byte comes to lie above the even one's.
TERN_INLINE u64v shift_fields(u64v v) { return {native::shift_fields(v.v)}; }
/// The totals of the two unsigned 4-bit fields of many bytes as 16-bit lanes, [field][even bytes, odd bytes], from the
/// sums mod 256 of the bytes and of their `shift_fields`, if each total is below 256.
struct fields {
    u64v total[4];
};
TERN_INLINE fields separate(u64v bytes, u64v shifted) {
    const native::fields f = native::separate(bytes.v, shifted.v);
    return {{{f.low_even}, {f.low_odd}, {f.high_even}, {f.high_odd}}};
}
/// 16-bit lanes.
TERN_INLINE u64v add_shorts(u64v a, u64v b) { return {native::add_shorts(a.v, b.v)}; }
TERN_INLINE u64v broadcast_short(std::int16_t v) { return {native::broadcast_short(v)}; }
TERN_INLINE u64v multiply_shorts(u64v a, u64v b) { return {native::multiply_shorts(a.v, b.v)}; }
TERN_INLINE void store_words(void* p, u64v v) { __builtin_memcpy(p, &v.v, sizeof v.v); }
#if !TERN_HAS_NEON
/// A word of 64 bits to 32 bytes, 16 words of 16 * four bits.
using native::store_nibbles;
/// One word of both planes (16 bytes) to 32 bytes of Unit * (d0 + 3 d1), where d = mask + sign bit of a channel.
template <int Unit>
TERN_INLINE void store_pairs(unsigned char* out, const unsigned char* planes) {
    native::store_pairs<Unit>(out, planes);
}
template <int Unit>
TERN_INLINE void store_pairs(unsigned char* out, std::uint64_t mask, std::uint64_t sign) {
    native::store_pairs<Unit>(out, mask, sign);
}
#endif

#if TERN_HAS_AVX512_ICL || TERN_HAS_NEON
/// Rows of 32 bytes, which indices of any lane reach.
using native::load_long_row;
using native::long_row;
TERN_INLINE long_row load_long_rows(const unsigned char* const (&p)[1]) { return native::load_long_row(p[0]); }
/// Indices into rows of 32 bytes, as `load_for_parts`.
template <std::size_t Parts>
TERN_INLINE u64v load_long_indices(const void* p) {
#if TERN_HAS_AVX512_ICL
    if constexpr (Parts == 2)
        return {native::into_long_rows(native::load_in_halves(p))};
#endif
    return load_for_parts<Parts>(p);
}
#if TERN_HAS_AVX512_ICL
TERN_INLINE long_row load_long_rows(const unsigned char* const (&p)[2]) { return native::join_long_rows(p[0], p[1]); }
#endif
TERN_INLINE u64v look_up(const long_row& row, u64v indices) { return {native::look_up(row, indices.v)}; }
/// 48 channels, 16 words of 32 * (d0 + 3 d1 + 9 d2), where d = mask + sign bit; `size` bytes of them, at most 32.
using native::store_triples;
#endif

#if TERN_HAS_NEON
/// Keeps Clang from mixing what follows with what made `sums`, which takes more registers than there are.
template <std::size_t Count>
TERN_INLINE void settle([[maybe_unused]] u64v (&sums)[Count]) {
#if defined(__clang__)
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Count; ++j)
        __asm__ volatile("" : TERN_IN_VECTOR_REGISTER(sums[j].v));
#endif
}
#endif

/// Counts set bits per 64-bit lane; at most `period` steps (0: no limit) before it is emptied.
struct bit_counter {
    static constexpr std::size_t period = native::bit_counter::period;
    native::bit_counter count;

    TERN_INLINE void clear() { count.clear(); }
    TERN_INLINE void add(u64v bits) { count.add(bits.v); }
#if TERN_HAS_AVX512_ICL
    TERN_INLINE void shift(unsigned by) { count.shift(by); }
#endif
    /// Keeps GCC from beginning with what follows until it runs out of registers.
    TERN_INLINE void settle() { count.settle(); }
    TERN_INLINE u64v total() const { return {count.total()}; }
};

/// Sums the products of 64 channels a step per 64-bit lane; at most `period` steps (0: no limit) before it is emptied.
/// What it sums is `excess_of_step` too much for each step.
#if TERN_HAS_NEON
using native::dot_counter;
/// Adds a pixel's word times a word of every lane of several vectors.
template <std::size_t Vectors>
TERN_INLINE void add_products(dot_counter (&counters)[Vectors], const dot_counter::operand& x,
                              const u64v (&mask)[Vectors], const u64v (&sign)[Vectors]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j)
        counters[j].add(x, mask[j].v, sign[j].v);
}
template <std::size_t Vectors>
struct dot_sums : native::dot_sums<Vectors> {
    TERN_INLINE i32v total(std::size_t j) const { return i32v(native::dot_sums<Vectors>::total(j)); }
};
#else
struct dot_counter : native::dot_counter {
    TERN_INLINE u64v total() const { return {native::dot_counter::total()}; }
};
/// Adds a pixel's word times a word of every lane of several vectors.
using native::add_products;
#endif

}  // namespace simd
TERN_END_NAMESPACE

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
