// Costs of families on Apple's cores.
#pragma once

#include "row.hpp"

TERN_BEGIN_VOCABULARY

// LLVM describes M1 as its ancestor Cyclone, with three vector pipes; the real one has four.
inline constexpr char modelled_on_apple[] = "bench/model, GCC 12, llvm-mca 19";

inline constexpr core_cost_row apple_costs[] = {
    {core_kind::apple_m1, "neon_dot", "popcount", "", {48}, modelled_on_apple},
    {core_kind::apple_m1, "neon_dot", "lookup3", "", {80}, modelled_on_apple},
    {core_kind::apple_m1, "neon_dot", "lookup3", "narrow", {67}, modelled_on_apple},
    {core_kind::apple_m1, "neon_dot", "bits", "", {91}, modelled_on_apple},
    {core_kind::apple_m1, "neon_i8mm", "popcount", "", {48}, modelled_on_apple},
    {core_kind::apple_m1, "neon_i8mm", "lookup3", "", {80}, modelled_on_apple},
    {core_kind::apple_m1, "neon_i8mm", "lookup3", "narrow", {67}, modelled_on_apple},
    {core_kind::apple_m1, "neon_i8mm", "bits", "", {91}, modelled_on_apple},
    {core_kind::apple_m1, "neon_dot", "dot", "", {48}, modelled_on_apple},
};

TERN_END_VOCABULARY
