// Instruction-set levels: bundles of features with one spelling everywhere (TERN_ISA, CMake, namespaces, benchmarks).
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// A level's place in the list of levels; not an order of speed.
enum class isa : std::uint8_t {
    scalar,       ///< nothing: 64-bit integers
    sse42,        ///< SSSE3, SSE4.2, POPCNT
    avx2,         ///< + AVX2, FMA, BMI1/2, F16C
    avx2_vnni,    ///< + AVX-VNNI
    avx512,       ///< AVX-512 F, BW, DQ, VL, CD
    avx512_vnni,  ///< + AVX-512 VNNI
    avx512_icl,   ///< + VBMI, VBMI2, BITALG, VPOPCNTDQ, GFNI
    neon,         ///< AArch64
    neon_dot,     ///< + DOTPROD
    neon_i8mm,    ///< + I8MM
    count_        ///< number of levels
};

inline constexpr std::size_t isa_count = static_cast<std::size_t>(isa::count_);

/// "?" for a number that is no level.
TERN_INLINE constexpr const char* isa_name(isa level) noexcept {
    constexpr const char* names[isa_count] = {"scalar",      "sse42",      "avx2", "avx2_vnni", "avx512",
                                              "avx512_vnni", "avx512_icl", "neon", "neon_dot",  "neon_i8mm"};
    return static_cast<std::size_t>(level) < isa_count ? names[static_cast<std::size_t>(level)] : "?";
}

/// A set of levels.
struct isa_set {
    std::uint32_t bits = 0;

    TERN_INLINE constexpr bool has(isa level) const noexcept {
        return ((bits >> static_cast<unsigned>(level)) & 1u) != 0;
    }
    TERN_INLINE constexpr void add(isa level) noexcept { bits |= 1u << static_cast<unsigned>(level); }
};

/// Levels from most to least preferred: the first that is built and supported is chosen.
inline constexpr isa isa_preference[isa_count] = {isa::avx512_icl, isa::avx512_vnni, isa::avx512,    isa::avx2_vnni,
                                                  isa::avx2,       isa::sse42,       isa::neon_i8mm, isa::neon_dot,
                                                  isa::neon,       isa::scalar};

TERN_END_VOCABULARY
