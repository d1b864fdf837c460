// Where a weight lies in one step of a panel, per format of a kernel family (kernel/table.hpp).
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../kernel/table.hpp"
#include "plan_options.hpp"

TERN_BEGIN_NAMESPACE

/// The option that asks for kernels with this format.
inline kernel_family family_of(dot_format format) noexcept {
    switch (format) {
        case dot_format::planes:
        case dot_format::bits: return kernel_family::popcount;
        case dot_format::bytes:
        case dot_format::bytes_by_two_bits: return kernel_family::dot;
        default: return kernel_family::lookup;
    }
}

/// Where output channel `o` lies in a row of a panel for twins: a vector's first half of channels in its even lanes.
inline std::size_t twin_place(const dot_family& f, std::size_t o) noexcept {
    const std::size_t lane = o % f.lanes, half = f.lanes / 2;
    return o - lane + lane % half * 2 + lane / half;
}

/// Writes the code of output channel `o` of the tile and channel `i` of the step over a 0.
inline void put_weight(const dot_family& f, unsigned char* step, std::size_t o, std::size_t i, int code) noexcept {
    const auto digit = [&](unsigned place) { return place * (code > 0 ? 1u : code < 0 ? 2u : 0u); };
    constexpr unsigned in_pairs[4] = {1, 3, 16, 48}, in_triples[3] = {1, 3, 9};
    switch (f.format) {
        case dot_format::planes: {
            unsigned char* mask = step + (o / f.lanes * 2 * f.lanes + o % f.lanes) * 8 + i / 8;
            unsigned char* sign = mask + f.lanes * 8;
            const unsigned bit = 1u << (i % 8);
            *mask = static_cast<unsigned char>(*mask | (code != 0 ? bit : 0));
            *sign = static_cast<unsigned char>(*sign | (code < 0 ? bit : 0));
            return;
        }
        case dot_format::pairs: step[o] = static_cast<unsigned char>(step[o] + digit(in_pairs[i])); return;
        case dot_format::twins:
        case dot_format::twin_triples: {
            const bool pairs = f.format == dot_format::twins;
            unsigned char* byte = step + i / (pairs ? 4 : 3) * f.tile_channels + twin_place(f, o);
            *byte = static_cast<unsigned char>(*byte + digit(pairs ? in_pairs[i % 4] : in_triples[i % 3]));
            return;
        }
        case dot_format::triples: step[o] = static_cast<unsigned char>(step[o] + digit(in_triples[i])); return;
        case dot_format::bytes:
            step[(i / f.run * f.tile_channels + o) * f.run + i % f.run] = static_cast<unsigned char>(code);
            return;
        case dot_format::bytes_by_two_bits: {
            unsigned char* four = step + o * f.run + i % f.run;
            *four = static_cast<unsigned char>(*four | (static_cast<unsigned>(code) & 3u) << (2 * (i / f.run)));
            return;
        }
        case dot_format::bits:
        case dot_format::twin_bits: return;  // op/bits.hpp
    }
}

TERN_END_NAMESPACE
