// Half-precision floats in 16 bits: IEEE 754's binary16 (f16) and bfloat16 (bf16), to and from float. Without branches,
// so that compilers vectorise loops over them; the same results whether the CPU flushes subnormal numbers or not.
#pragma once

#include <cstdint>

#include "config.hpp"
#include "float_casts.hpp"

TERN_BEGIN_VOCABULARY

namespace half_detail {

/// Less, for numbers below 2^31: CPUs compare signed ones faster.
TERN_INLINE bool less(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a) < static_cast<std::int32_t>(b);
}

inline constexpr std::uint32_t infinity = 0x7f800000u;          // of float
inline constexpr std::uint32_t least_normal_f16 = 0x38800000u;  // 2^-14 as a float

}  // namespace half_detail

/// Exact; NaN keeps its payload.
TERN_INLINE float from_f16(std::uint16_t h) noexcept {
    using namespace half_detail;
    const std::uint32_t size = h & 0x7fffu, sign = (h & 0x8000u) << 16;
    const float subnormal = static_cast<float>(static_cast<std::int32_t>(size)) * 0x1p-24f;  // a normal float, or 0
    const std::uint32_t rebias = less(size, 0x7c00u) ? 0x38000000u : 0x70000000u;
    return float_from_bits(sign | (less(size, 0x400u) ? float_bits(subnormal) : (size << 13) + rebias));
}

/// To the nearest, halves to even; too large becomes infinity, NaN a quiet NaN with the upper bits of its payload.
TERN_INLINE std::uint16_t to_f16(float v) noexcept {
    using namespace half_detail;
    const std::uint32_t bits = float_bits(v), size = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
    // The last bit of floats from 0.5 to 1 is that of subnormal halves, so this sum rounds to it.
    const float small = float_from_bits(less(size, least_normal_f16) ? size : least_normal_f16);
    const std::uint32_t subnormal = float_bits(small + 0.5f) - float_bits(0.5f);
    const std::uint32_t larger = (size + 0xfffu + (size >> 13 & 1u) - 0x38000000u) >> 13;
    const std::uint32_t normal = less(larger, 0x7c00u) ? larger : 0x7c00u;
    const std::uint32_t number = less(size, least_normal_f16) ? subnormal : normal;
    const std::uint32_t nan = 0x7e00u | (size >> 13 & 0x3ffu);
    return static_cast<std::uint16_t>(sign | (less(infinity, size) ? nan : number));
}

/// Exact; NaN keeps its payload.
TERN_INLINE float from_bf16(std::uint16_t h) noexcept { return float_from_bits(static_cast<std::uint32_t>(h) << 16); }

/// To the nearest, halves to even; too large becomes infinity, NaN a quiet NaN with the upper bits of its payload.
TERN_INLINE std::uint16_t to_bf16(float v) noexcept {
    using namespace half_detail;
    const std::uint32_t bits = float_bits(v), nan = bits >> 16 | 0x40u;
    const std::uint32_t number = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return static_cast<std::uint16_t>(less(infinity, bits & 0x7fffffffu) ? nan : number);
}

TERN_END_VOCABULARY
