// Kinds of cores that run the same level at different speeds. Plans choose by them; what is computed never depends on
// one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// A core whose speed is known, or that is told apart because it will be (dispatch/cores/).
enum class core_kind : std::uint8_t {
    automatic,  ///< TERN_CORE, else this CPU's
    generic,    ///< any but those below: rates of its level (kernel/tuning/)
    zen2,
    zen3,
    zen4,
    zen5,
    skylake_x,  ///< Skylake and its kin without VNNI
    cascade_lake,
    ice_lake,         ///< Tiger Lake and Rocket Lake, too
    sapphire_rapids,  ///< Emerald Rapids and Granite Rapids, too
    alder_lake_p,     ///< the performance cores of Alder Lake and of what followed it
    alder_lake_e,     ///< the efficiency cores
    cortex_a53,
    cortex_a55,
    cortex_a72,
    cortex_a76,
    cortex_a78,
    cortex_a510,
    cortex_a710,
    cortex_x1,
    cortex_x2,
    cortex_x3,
    cortex_x4,
    neoverse_n1,
    neoverse_n2,
    neoverse_v1,
    neoverse_v2,
    apple_m1,
    apple_m2,
    apple_m3,
    apple_m4,
};

/// What is known of a kind of core whatever it runs.
struct core_facts {
    core_kind kind;
    const char* name;  ///< as TERN_CORE spells it
    core_kind like;    ///< whose rates hold where it has none of its own
    std::uint32_t l1;  ///< bytes of data
    std::uint32_t l2;
};

inline constexpr core_facts core_list[] = {
    {core_kind::generic, "generic", core_kind::generic, 32u << 10, 512u << 10},
    {core_kind::zen2, "zen2", core_kind::zen3, 32u << 10, 512u << 10},
    {core_kind::zen3, "zen3", core_kind::generic, 32u << 10, 512u << 10},
    {core_kind::zen4, "zen4", core_kind::zen3, 32u << 10, 1u << 20},
    {core_kind::zen5, "zen5", core_kind::generic, 48u << 10, 1u << 20},
    {core_kind::skylake_x, "skylake_x", core_kind::sapphire_rapids, 32u << 10, 1u << 20},
    {core_kind::cascade_lake, "cascade_lake", core_kind::sapphire_rapids, 32u << 10, 1u << 20},
    {core_kind::ice_lake, "ice_lake", core_kind::sapphire_rapids, 48u << 10, 1280u << 10},
    {core_kind::sapphire_rapids, "sapphire_rapids", core_kind::generic, 48u << 10, 2u << 20},
    {core_kind::alder_lake_p, "alder_lake_p", core_kind::sapphire_rapids, 48u << 10, 1280u << 10},
    {core_kind::alder_lake_e, "alder_lake_e", core_kind::generic, 32u << 10, 2u << 20},
    {core_kind::cortex_a53, "cortex_a53", core_kind::generic, 32u << 10, 512u << 10},
    {core_kind::cortex_a55, "cortex_a55", core_kind::generic, 32u << 10, 128u << 10},
    {core_kind::cortex_a72, "cortex_a72", core_kind::generic, 32u << 10, 1u << 20},
    {core_kind::cortex_a76, "cortex_a76", core_kind::neoverse_n1, 64u << 10, 256u << 10},
    {core_kind::cortex_a78, "cortex_a78", core_kind::neoverse_n1, 64u << 10, 512u << 10},
    {core_kind::cortex_a510, "cortex_a510", core_kind::cortex_a55, 32u << 10, 256u << 10},
    {core_kind::cortex_a710, "cortex_a710", core_kind::neoverse_n2, 64u << 10, 512u << 10},
    {core_kind::cortex_x1, "cortex_x1", core_kind::neoverse_v1, 64u << 10, 1u << 20},
    {core_kind::cortex_x2, "cortex_x2", core_kind::neoverse_v2, 64u << 10, 1u << 20},
    {core_kind::cortex_x3, "cortex_x3", core_kind::neoverse_v2, 64u << 10, 1u << 20},
    {core_kind::cortex_x4, "cortex_x4", core_kind::neoverse_v2, 64u << 10, 2u << 20},
    {core_kind::neoverse_n1, "neoverse_n1", core_kind::generic, 64u << 10, 1u << 20},
    {core_kind::neoverse_n2, "neoverse_n2", core_kind::generic, 64u << 10, 1u << 20},
    {core_kind::neoverse_v1, "neoverse_v1", core_kind::generic, 64u << 10, 1u << 20},
    {core_kind::neoverse_v2, "neoverse_v2", core_kind::generic, 64u << 10, 2u << 20},
    {core_kind::apple_m1, "apple_m1", core_kind::generic, 128u << 10, 12u << 20},
    {core_kind::apple_m2, "apple_m2", core_kind::apple_m1, 128u << 10, 16u << 20},
    {core_kind::apple_m3, "apple_m3", core_kind::apple_m1, 128u << 10, 16u << 20},
    {core_kind::apple_m4, "apple_m4", core_kind::apple_m1, 128u << 10, 16u << 20},
};
inline constexpr std::size_t core_count = sizeof core_list / sizeof core_list[0];  ///< without `automatic`

TERN_INLINE constexpr bool is_core(core_kind core) noexcept { return static_cast<std::size_t>(core) <= core_count; }

/// Of a kind other than `automatic`.
TERN_INLINE constexpr const core_facts& facts_of(core_kind core) noexcept {
    return core_list[static_cast<std::size_t>(core) - 1];
}

/// "?" for a number that is no kind.
TERN_INLINE constexpr const char* core_name(core_kind core) noexcept {
    return core == core_kind::automatic ? "automatic" : is_core(core) ? facts_of(core).name : "?";
}

TERN_END_VOCABULARY
