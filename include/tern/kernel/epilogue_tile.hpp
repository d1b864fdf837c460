// The epilogue of one tile, in its canonical order, on an int32 or float tile that lies in L1. Products with constants and
// the sums behind them round separately (no fused multiply-add), so all levels agree bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

// Channels handled together: at least one byte of packed output.
inline constexpr std::size_t epilogue_chunk = simd::f32_lanes > 8 ? simd::f32_lanes : 8;
inline constexpr std::size_t epilogue_vectors = epilogue_chunk / simd::f32_lanes;
// Without vectors, unrolled epilogues would be most of the code.
inline constexpr int unrolled_vectors = simd::f32_lanes > 1 ? 32 : 1;

TERN_INLINE simd::f32v load_as_float(const std::int32_t* p) { return simd::to_float(simd::load(p)); }
TERN_INLINE simd::f32v load_as_float(const float* p) { return simd::load(p); }

// One activation stage of a vector of channels.
struct vector_activation {
    simd::f32v slope, lo, hi;

    TERN_INLINE void load(const activation_params& a, std::size_t channel) {
        slope = a.kind == activation_kind::prelu ? simd::load(a.slope + channel) : simd::broadcast(0.0f);
        lo = simd::broadcast(a.lo);
        hi = simd::broadcast(a.hi);
    }
    TERN_INLINE simd::f32v apply(activation_kind kind, simd::f32v v) const {
        if (kind == activation_kind::prelu) {
            const simd::f32v scaled = simd::multiply(slope, v);
            return simd::select(simd::less(v, simd::broadcast(0.0f)), simd::opaque(scaled), v);
        }
        return kind == activation_kind::clamp ? simd::at_most(simd::at_least(v, lo), hi) : v;
    }
};

// What an epilogue does beside scaling: known when compiled, or, for chunks that lack channels, not.
template <residual_kind Residual, bool Store, int Quantizers>
struct fixed_steps {
    static constexpr residual_kind residual = Residual;
    static constexpr bool store = Store;
    static constexpr int quantizers = Quantizers;
};
struct any_steps {
    residual_kind residual;
    bool store;
    int quantizers;
};

// r of one vector of channels.
template <class Load>
TERN_INLINE simd::f32v load_residual(const epilogue_tile_args& args, residual_kind kind, const float* p, Load&& load) {
    if (kind == residual_kind::same)
        return load(p);
    const simd::f32v top = simd::max_nan(load(p), load(p + args.pool_right));
    p += args.pool_down;
    return simd::max_nan(top, simd::max_nan(load(p), load(p + args.pool_right)));
}

struct plane_bits {
    std::uint32_t mask, sign;

    TERN_INLINE static plane_bits of(const simd::code_bits& codes) {
        std::uint32_t plus, minus;
        codes.get(plus, minus);
        return {plus ^ minus, minus & ~plus};
    }
};

// Writes one chunk's bits as bytes of the two planes; bits of channels beyond `valid` are cleared.
TERN_INLINE void store_planes(unsigned char* pixel, std::size_t channel, plane_bits b, std::size_t valid) {
    if (valid < epilogue_chunk) {
        const std::uint32_t keep = (1u << valid) - 1u;
        b.mask &= keep;
        b.sign &= keep;
    }
    unsigned char* p = pixel + channel / 64 * 16 + channel % 64 / 8;
    const std::size_t bytes = (valid + 7) / 8;
    for (std::size_t i = 0; i < epilogue_chunk / 8; ++i) {
        if (i == bytes)
            break;
        p[i] = static_cast<unsigned char>(b.mask >> (8 * i));
        p[8 + i] = static_cast<unsigned char>(b.sign >> (8 * i));
    }
}

// Fewer than 8 bytes, in at most three stores: a loop would become a call of memset.
TERN_INLINE void clear_bytes(unsigned char* p, std::size_t count) {
    if ((count & 4) != 0) {
        __builtin_memset(p, 0, 4);
        p += 4;
    }
    if ((count & 2) != 0) {
        __builtin_memset(p, 0, 2);
        p += 2;
    }
    if ((count & 1) != 0)
        *p = 0;
}

TERN_INLINE void clear_planes(const epilogue_tile_args& args, std::size_t quantizers) {
    if (args.zero_bytes == 0)
        return;
    const std::size_t first = (args.channel + args.channels + 7) / 8 * 8;  // the channel of the first byte to clear
    for (std::size_t q = 0; q < quantizers; ++q)
        for (std::size_t row = 0; row < args.rows; ++row) {
            unsigned char* p = args.packed[q][row] + first / 64 * 16 + first % 64 / 8;
            clear_bytes(p, args.zero_bytes);
            clear_bytes(p + 8, args.zero_bytes);
        }
}

// The most frequent case, scaled and stored, without the tests that others need in every row and by whole cache lines.
// Returns the channels done, a multiple of a line.
inline constexpr std::size_t line_channels = 64 / sizeof(float);

template <class Acc>
TERN_INLINE std::size_t scale_and_store(const epilogue_tile_args& args, const epilogue_params& p) {
    constexpr std::size_t vectors = line_channels / simd::f32_lanes;
    std::size_t done = 0;
    for (; done + line_channels <= args.channels; done += line_channels) {
        simd::f32v scale[vectors], shift[vectors];
        TERN_UNROLL
        for (std::size_t j = 0; j < vectors; ++j) {
            scale[j] = simd::load(p.scale + args.channel + done + j * simd::f32_lanes);
            shift[j] = simd::load(p.shift + args.channel + done + j * simd::f32_lanes);
        }
        const Acc* acc = static_cast<const Acc*>(args.acc) + done;
        for (std::size_t row = 0; row < args.rows; ++row, acc += args.acc_stride) {
            float* out = args.out[row] + args.channel + done;
            TERN_UNROLL
            for (std::size_t j = 0; j < vectors; ++j)
                simd::store(out + j * simd::f32_lanes,
                            simd::multiply_add_rounded(load_as_float(acc + j * simd::f32_lanes), scale[j], shift[j]));
        }
    }
    return done;
}

// A chunk of channels, of which `valid` exist. `Full`: all do, and the residual has as many.
template <class Acc, bool Full, class Steps>
TERN_INLINE void epilogue_rows(const epilogue_tile_args& args, const epilogue_params& p, const Steps& steps,
                               std::size_t chunk, std::size_t valid) {
    constexpr std::size_t lanes = simd::f32_lanes;
    struct constants {
        simd::f32v scale, shift, residual_scale, residual_shift, g[max_quantizers], h[max_quantizers];
        vector_activation first, second;
    };
    const std::size_t begin = args.channel + chunk;
    const bool scales_residual = steps.residual != residual_kind::none && p.residual_scale != nullptr;
    constants of[epilogue_vectors];
    TERN_UNROLL_UP_TO(unrolled_vectors)
    for (std::size_t j = 0; j < epilogue_vectors; ++j) {  // the arrays are padded
        const std::size_t channel = begin + j * lanes;
        of[j].scale = simd::load(p.scale + channel);
        of[j].shift = simd::load(p.shift + channel);
        of[j].residual_scale = scales_residual ? simd::load(p.residual_scale + channel) : simd::broadcast(1.0f);
        of[j].residual_shift = scales_residual ? simd::load(p.residual_shift + channel) : simd::broadcast(0.0f);
        TERN_UNROLL_UP_TO(unrolled_vectors)
        for (int q = 0; q < max_quantizers; ++q) {
            const bool used = q < steps.quantizers;
            of[j].g[q] = used ? simd::load(p.quantizers[q].g + channel) : simd::broadcast(0.0f);
            of[j].h[q] = used ? simd::load(p.quantizers[q].h + channel) : simd::broadcast(0.0f);
        }
        of[j].first.load(p.first, channel);
        of[j].second.load(p.second, channel);
    }
    const activation_kind first = p.first.kind, second = p.second.kind;
    const Acc* acc = static_cast<const Acc*>(args.acc) + chunk;
    for (std::size_t row = 0; row < args.rows; ++row, acc += args.acc_stride) {
        simd::code_bits codes[max_quantizers];
        TERN_UNROLL_UP_TO(unrolled_vectors)
        for (int q = 0; q < max_quantizers; ++q)
            codes[q].clear();
        TERN_UNROLL_UP_TO(unrolled_vectors)
        for (std::size_t j = 0; j < epilogue_vectors; ++j) {
            if (!Full && j * lanes >= valid)
                break;
            const constants& c = of[j];
            const std::size_t channel = begin + j * lanes, here = Full ? lanes : valid - j * lanes;
            simd::f32v v = simd::multiply_add_rounded(load_as_float(acc + j * lanes), c.scale, c.shift);
            v = c.first.apply(first, v);
            if (steps.residual != residual_kind::none) {
                const float* from = args.residual[row] + channel;
                simd::f32v r = simd::broadcast(0.0f);
                if constexpr (Full) {
                    r = load_residual(args, steps.residual, from, [](const float* at) { return simd::load(at); });
                } else if (channel < args.residual_channels) {
                    const std::size_t behind = args.residual_channels - channel;
                    const std::size_t count = behind < here ? behind : here;
                    r = load_residual(args, steps.residual, from,
                                      [=](const float* at) { return simd::load_partial(at, count); });
                }
                if (scales_residual)
                    r = simd::multiply_add_rounded(c.residual_scale, r, c.residual_shift);
                v = simd::add(v, r);
            }
            v = c.second.apply(second, v);
            if (steps.store)
                simd::store_partial(args.out[row] + channel, v, here);
            TERN_UNROLL_UP_TO(unrolled_vectors)
            for (int q = 0; q < max_quantizers; ++q)
                if (q < steps.quantizers) {
                    const simd::f32v w = simd::multiply_add_rounded(c.g[q], v, c.h[q]);
                    codes[q].add(simd::greater_equal(w, simd::broadcast(p.quantizers[q].hi)),
                                 simd::less(w, simd::broadcast(p.quantizers[q].lo)), j);
                }
        }
        TERN_UNROLL_UP_TO(unrolled_vectors)
        for (int q = 0; q < max_quantizers; ++q)
            if (q < steps.quantizers)
                store_planes(args.packed[q][row], begin, plane_bits::of(codes[q]), Full ? epilogue_chunk : valid);
    }
}

// The chunks from `chunk` on, which lack channels or whose residual does. One function per kind of sum: they are few, and
// code for each combination of steps would be a quarter of a level's kernels.
template <class Acc>
TERN_NOINLINE void epilogue_rest(const epilogue_tile_args& tile, const any_steps& steps, std::size_t chunk) {
    const epilogue_tile_args args = tile;
    const epilogue_params p = *tile.params;
    for (; chunk < args.channels; chunk += epilogue_chunk) {
        const std::size_t rest = args.channels - chunk;
        epilogue_rows<Acc, false>(args, p, steps, chunk, rest < epilogue_chunk ? rest : epilogue_chunk);
    }
}

template <class Acc, residual_kind Residual, bool Store, int Quantizers>
inline void epilogue(const epilogue_tile_args& tile) {
    // Copies: what is stored could otherwise change them, as far as the compiler knows.
    const epilogue_tile_args args = tile;
    const epilogue_params p = *tile.params;
    std::size_t chunk = 0;
    if constexpr (Store && Quantizers == 0 && Residual == residual_kind::none)
        if (p.first.kind == activation_kind::none && p.second.kind == activation_kind::none)
            chunk = scale_and_store<Acc>(args, p);
    const std::size_t behind = args.residual_channels > args.channel ? args.residual_channels - args.channel : 0;
    const std::size_t full = Residual == residual_kind::none || behind > args.channels ? args.channels : behind;
    for (; chunk + epilogue_chunk <= full; chunk += epilogue_chunk)
        epilogue_rows<Acc, true>(args, p, fixed_steps<Residual, Store, Quantizers>(), chunk, epilogue_chunk);
    if (chunk < args.channels)
        epilogue_rest<Acc>(tile, any_steps{Residual, Store, Quantizers}, chunk);
    clear_planes(args, Quantizers);
}

/// Integer thresholds in place of the float chain: code = [a >= hi] - [a < lo], a = acc or -acc.
template <int Quantizers>
inline void threshold_epilogue(const epilogue_tile_args& tile) {
    const epilogue_tile_args args = tile;
    threshold_params thresholds[Quantizers];
    for (int q = 0; q < Quantizers; ++q)
        thresholds[q] = tile.params->thresholds[q];
    const std::int32_t* acc = static_cast<const std::int32_t*>(args.acc);
    for (std::size_t chunk = 0; chunk < args.channels; chunk += epilogue_chunk) {
        const std::size_t rest = args.channels - chunk;
        const std::size_t valid = rest < epilogue_chunk ? rest : epilogue_chunk;
        TERN_UNROLL
        for (int q = 0; q < Quantizers; ++q) {
            const threshold_params& t = thresholds[q];
            simd::i32v hi[epilogue_vectors], lo[epilogue_vectors], flip[epilogue_vectors];  // the arrays are padded
            TERN_UNROLL
            for (std::size_t j = 0; j < epilogue_vectors; ++j) {
                const std::size_t channel = args.channel + chunk + j * simd::f32_lanes;
                hi[j] = simd::load(t.hi + channel);
                lo[j] = simd::load(t.lo + channel);
                flip[j] = simd::load(t.flip + channel);
            }
            for (std::size_t row = 0; row < args.rows; ++row) {
                simd::code_bits codes;
                codes.clear();
                TERN_UNROLL
                for (std::size_t j = 0; j < epilogue_vectors; ++j) {
                    if (j * simd::f32_lanes >= valid)
                        break;
                    const std::size_t in_tile = chunk + j * simd::f32_lanes;
                    const simd::i32v a =
                        simd::subtract(simd::bit_xor(simd::load(acc + row * args.acc_stride + in_tile), flip[j]),
                                       flip[j]);
                    codes.add(simd::greater_equal(a, hi[j]), simd::less(a, lo[j]), j);
                }
                store_planes(args.packed[q][row], args.channel + chunk, plane_bits::of(codes), valid);
            }
        }
    }
    clear_planes(args, Quantizers);
}

}  // namespace kernel
TERN_END_NAMESPACE
