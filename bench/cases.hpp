// Everything that can be benchmarked: each function adds cases of its kind, of one layer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <tern/tern.hpp>

#include "layers.hpp"
#include "options.hpp"
#include "runner.hpp"

namespace bench {

/// What all cases share; lives as long as the program's benchmarks.
struct setup {
    options flags;
    std::vector<const tern::kernel_table*> levels;
};

/// Ternary weights x ternary activations, for every level, family, output and lowering, and our own int8 x int8.
void add_ternary(const setup& s, const layer& l);
/// The pairs of codes that were asked for, for every level and family that multiplies them.
void add_codes(const setup& s, const layer& l);
/// First layers, for every level: fp32 x fp32, u8 images x 16- and 8-bit weights.
void add_stem(const setup& s, const layer& l);
/// Creating plans of ternary weights, for every level and family.
void add_create(const setup& s, const layer& l);
/// Ternarizing and packing float images, for every level.
void add_pack(const setup& s);

#if defined(TERN_BENCH_ONEDNN)
/// Caps oneDNN's instruction set and threads; must come before anything else of oneDNN. Throws std::runtime_error.
void prepare_onednn(const options& o);
/// Version and threading of oneDNN in words.
std::string describe_onednn();
/// int8 and fp32 of the same layer by oneDNN.
void add_onednn(const setup& s, const layer& l);
/// A convolution of u8 with int8 weights to u8.
std::unique_ptr<experiment> make_onednn_int8(const layer& l);
/// A convolution of floats.
std::unique_ptr<experiment> make_onednn_fp32(const layer& l);
#endif

#if defined(TERN_BENCH_XNNPACK)
/// int8 of the same layer by XNNPACK, whose instruction set cannot be capped.
void add_xnnpack(const setup& s, const layer& l);
std::unique_ptr<experiment> make_xnnpack(const layer& l, std::size_t threads);
#endif

#if defined(TERN_BENCH_MODEL)
/// Whole ternary networks, for every level, and the convolutions of the same shapes by the peers.
void add_networks(const setup& s);
#endif

}  // namespace bench
