// Costs of families on AMD's cores. Rates of level avx2 (kernel/tuning/) were measured on Zen 3.
#pragma once

#include "row.hpp"

TERN_BEGIN_VOCABULARY

inline constexpr char scaled_to_zen4[] = "rates of Zen 4 (docs/performance.md), what surrounds them of Emerald Rapids";
inline constexpr char on_zen5[] = "tern-bench --calibrate twice, GCC 12; misjudged layers adjusted";

inline constexpr core_cost_row amd_costs[] = {
    {core_kind::zen4, "avx512_icl", "popcount", "", {178, 163, 28, 61, 1600, 0, 0, 3.8f, 2.2f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "bits", "", {310, 203, 64, 52, 1600, 0, 0, 2.5f, 0.9f}, scaled_to_zen4},
    {core_kind::zen4,
     "avx512_icl",
     "bits",
     "activation_mask",
     {290, 290, 72, 51, 1600, 0, 0, 2.6f, 0.6f},
     scaled_to_zen4},
    {core_kind::zen4,
     "avx512_icl",
     "bits",
     "weight_mask",
     {300, 260, 56, 68, 1600, 0, 0.7f, 3.1f, 1.8f},
     scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "dot", "", {64, 19, 98, 0, 1600, 12, 0, 2, 1.4f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "dot", "row", {50, 50, 49, 204, 1600, 10, 0.7f, 2.7f, 1.4f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "dot", "winograd4", {46, 15, 0, 0, 2000, 4, 0, 4.2f, 0, 36.5f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "dot", "winograd2", {56, 18, 0, 0, 2000, 14, 0, 5, 0, 25.3f, 4.8f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "dot_2bit", "", {54, 11, 72, 40, 1600, 10, 0, 4.1f, 1.6f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "dot_2bit", "row", {31, 31, 48, 241, 1600, 10, 0.1f, 3.7f, 0.7f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "lookup3", "", {150, 144, 438, 0, 1600, 19, 0, 4.8f, 2.6f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "lookup3", "wide", {150, 150, 486, 0, 1600, 18, 0, 6.6f, 3.3f}, scaled_to_zen4},
    {core_kind::zen4, "avx512_icl", "lookup3", "narrow", {100, 57, 235, 0, 1600, 17, 0, 7.1f, 1.2f}, scaled_to_zen4},
    {core_kind::zen5, "avx512_icl", "popcount", "", {310, 240, 31, 58, 1700, 0, 0.15f, 1.65f, 0.15f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "bits", "", {660, 350, 70, 90, 1700, 0, 0, 1.1f, 0.3f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "bits", "activation_mask", {498, 360, 80, 27, 1700, 0, 0.35f, 1.2f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "bits", "weight_mask", {530, 190, 67, 46, 1700, 0, 0.35f, 1.6f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "dot", "", {126, 51, 125, 156, 1700, 9, 0, 1.4f, 1}, on_zen5},
    {core_kind::zen5, "avx512_icl", "dot", "row", {89, 89, 62, 244, 1700, 3, 1.4f, 2.7f, 3.5f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "dot", "winograd4", {105, 25, 14, 0, 1000, 0, 0, 0.7f, 3.4f, 5, 24}, on_zen5},
    {core_kind::zen5, "avx512_icl", "dot", "winograd2", {117, 26, 60, 0, 1000, 13, 0, 0, 4, 3, 10.5f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "dot_2bit", "", {123, 37, 123, 88, 1700, 6, 0, 1.9f, 0.3f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "dot_2bit", "row", {82, 82, 50, 275, 1700, 7, 0, 0.7f, 3}, on_zen5},
    {core_kind::zen5, "avx512_icl", "lookup3", "", {244, 231, 380, 0, 1700, 20, 0, 1.7f, 2.4f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "lookup3", "wide", {280, 252, 430, 0, 1700, 16, 0, 1.5f, 1.1f}, on_zen5},
    {core_kind::zen5, "avx512_icl", "lookup3", "narrow", {184, 105, 252, 0, 1700, 15, 0, 2.2f, 1.2f}, on_zen5},
};

TERN_END_VOCABULARY
