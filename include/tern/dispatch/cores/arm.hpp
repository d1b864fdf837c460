// Costs of families on Arm's cores.
#pragma once

#include "row.hpp"

TERN_BEGIN_VOCABULARY

// Tiles of many pixels; what surrounds them is the level's (kernel/tuning/).
inline constexpr char modelled_on_arm[] = "bench/model, GCC 12, llvm-mca 19";

inline constexpr core_cost_row arm_costs[] = {
    {core_kind::cortex_a53, "neon", "popcount", "", {8}, modelled_on_arm},
    {core_kind::cortex_a53, "neon", "dot", "", {2}, modelled_on_arm},
    {core_kind::cortex_a53, "neon", "bits", "", {17}, modelled_on_arm},
    {core_kind::cortex_a55, "neon_dot", "popcount", "", {9}, modelled_on_arm},
    {core_kind::cortex_a55, "neon_dot", "lookup3", "", {10}, modelled_on_arm},
    {core_kind::cortex_a55, "neon_dot", "lookup3", "narrow", {9}, modelled_on_arm},
    {core_kind::cortex_a55, "neon_dot", "dot", "", {12}, modelled_on_arm},
    {core_kind::cortex_a55, "neon_dot", "bits", "", {23}, modelled_on_arm},
    {core_kind::cortex_a72, "neon", "popcount", "", {30}, modelled_on_arm},
    {core_kind::cortex_a72, "neon", "dot", "", {8}, modelled_on_arm},
    {core_kind::cortex_a72, "neon", "bits", "", {71}, modelled_on_arm},
    {core_kind::neoverse_n1, "neon_dot", "popcount", "", {41}, modelled_on_arm},
    {core_kind::neoverse_n1, "neon_dot", "lookup3", "", {65}, modelled_on_arm},
    {core_kind::neoverse_n1, "neon_dot", "lookup3", "narrow", {55}, modelled_on_arm},
    {core_kind::neoverse_n1, "neon_dot", "dot", "", {32}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_dot", "popcount", "", {41}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_dot", "lookup3", "", {66}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_dot", "lookup3", "narrow", {55}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_dot", "dot", "", {32}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_dot", "bits", "", {70}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_i8mm", "popcount", "", {41}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_i8mm", "lookup3", "", {66}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_i8mm", "lookup3", "narrow", {55}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_i8mm", "dot", "", {53}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_i8mm", "bits", "", {70}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_dot", "popcount", "", {82}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_dot", "lookup3", "", {79}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_dot", "lookup3", "narrow", {66}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_dot", "dot", "", {64}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_dot", "bits", "", {141}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_i8mm", "popcount", "", {82}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_i8mm", "lookup3", "", {79}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_i8mm", "lookup3", "narrow", {66}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_i8mm", "dot", "", {102}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_i8mm", "bits", "", {141}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_dot", "popcount", "", {82}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_dot", "lookup3", "", {112}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_dot", "lookup3", "narrow", {94}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_dot", "dot", "", {64}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_dot", "bits", "", {140}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_i8mm", "popcount", "", {82}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_i8mm", "lookup3", "", {112}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_i8mm", "lookup3", "narrow", {94}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_i8mm", "dot", "", {105}, modelled_on_arm},
    {core_kind::neoverse_v2, "neon_i8mm", "bits", "", {140}, modelled_on_arm},
    {core_kind::neoverse_n2, "neon_i8mm", "dot", "winograd4", {55, 0, 0, 0, 0, 0, 0, 0, 0, 20, 84}, modelled_on_arm},
    {core_kind::neoverse_v1, "neon_i8mm", "dot", "winograd4", {102, 0, 0, 0, 0, 0, 0, 0, 0, 11, 46}, modelled_on_arm},
};

TERN_END_VOCABULARY
