// Instruction-set levels: bundles of features with one spelling everywhere (TERN_ISA, CMake, namespaces, benchmarks).
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// A level's place in the list of levels (core/levels.hpp), which says what each needs; not an order of speed.
enum class isa : std::uint8_t {
#define TERN_LEVEL_ENUMERATOR(level, architecture, registers) level,
    TERN_LEVELS(TERN_LEVEL_ENUMERATOR)
#undef TERN_LEVEL_ENUMERATOR
        count_  ///< number of levels
};

inline constexpr std::size_t isa_count = static_cast<std::size_t>(isa::count_);

/// "?" for a number that is no level.
TERN_INLINE constexpr const char* isa_name(isa level) noexcept {
#define TERN_LEVEL_NAME(level, architecture, registers) #level,
    constexpr const char* names[isa_count] = {TERN_LEVELS(TERN_LEVEL_NAME)};
#undef TERN_LEVEL_NAME
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

/// Levels from most (0) to least preferred: the first that is built and supported is chosen.
TERN_INLINE constexpr isa preferred_isa(std::size_t i) noexcept { return static_cast<isa>(isa_count - 1 - i); }

TERN_END_VOCABULARY
