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

TERN_INLINE simd::f32v load_as_float(const std::int32_t* p) { return simd::to_float(simd::load(p)); }
TERN_INLINE simd::f32v load_as_float(const float* p) { return simd::load(p); }

TERN_INLINE simd::f32v activate(const activation_params& a, std::size_t channel, simd::f32v v) {
    if (a.kind == activation_kind::prelu) {
        const simd::f32v scaled = simd::multiply(simd::load(a.slope + channel), v);
        return simd::select(simd::less(v, simd::broadcast(0.0f)), simd::opaque(scaled), v);
    }
    if (a.kind == activation_kind::clamp) {
        return simd::at_most(simd::at_least(v, simd::broadcast(a.lo)), simd::broadcast(a.hi));
    }
    return v;
}

// r of one vector of channels; channels at or above `count` are 0.
template <residual_kind Kind>
TERN_INLINE simd::f32v load_residual(const epilogue_tile_args& args, std::size_t row, std::size_t channel,
                                     std::size_t count) {
    const float* p = args.residual[row] + channel;
    if constexpr (Kind == residual_kind::same) {
        return simd::load_partial(p, count);
    } else {
        const simd::f32v top =
            simd::max_nan(simd::load_partial(p, count), simd::load_partial(p + args.pool_right, count));
        p += args.pool_down;
        const simd::f32v low =
            simd::max_nan(simd::load_partial(p, count), simd::load_partial(p + args.pool_right, count));
        return simd::max_nan(top, low);
    }
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

template <class Acc, residual_kind Residual, bool Store, int Quantizers>
inline void epilogue(const epilogue_tile_args& tile) {
    // Copies: what is stored could otherwise change them, as far as the compiler knows.
    const epilogue_tile_args args = tile;
    const epilogue_params p = *tile.params;
    const Acc* acc = static_cast<const Acc*>(args.acc);
    std::size_t chunk = 0;
    if constexpr (Store && Quantizers == 0 && Residual == residual_kind::none)
        if (p.first.kind == activation_kind::none && p.second.kind == activation_kind::none)
            chunk = scale_and_store<Acc>(args, p);
    for (; chunk < args.channels; chunk += epilogue_chunk) {
        const std::size_t rest = args.channels - chunk;
        const std::size_t valid = rest < epilogue_chunk ? rest : epilogue_chunk;
        simd::f32v scale[epilogue_vectors], shift[epilogue_vectors];  // the arrays are padded
        TERN_UNROLL
        for (std::size_t j = 0; j < epilogue_vectors; ++j) {
            scale[j] = simd::load(p.scale + args.channel + chunk + j * simd::f32_lanes);
            shift[j] = simd::load(p.shift + args.channel + chunk + j * simd::f32_lanes);
        }
        for (std::size_t row = 0; row < args.rows; ++row) {
            simd::code_bits codes[2];
            TERN_UNROLL
            for (int q = 0; q < Quantizers; ++q)
                codes[q].clear();
            TERN_UNROLL
            for (std::size_t j = 0; j < epilogue_vectors; ++j) {
                const std::size_t in_tile = chunk + j * simd::f32_lanes;
                const std::size_t channel = args.channel + in_tile;
                if (j * simd::f32_lanes >= valid)
                    break;
                simd::f32v v = simd::multiply_add_rounded(load_as_float(acc + row * args.acc_stride + in_tile),
                                                          scale[j], shift[j]);
                v = activate(p.first, channel, v);
                if constexpr (Residual != residual_kind::none) {
                    const std::size_t behind = channel < args.residual_channels ? args.residual_channels - channel : 0;
                    const std::size_t here = valid - j * simd::f32_lanes;
                    const std::size_t count = behind < here ? behind : here;
                    simd::f32v r = simd::broadcast(0.0f);
                    if (count != 0)
                        r = load_residual<Residual>(args, row, channel, count);
                    if (p.residual_scale != nullptr)
                        r = simd::multiply_add_rounded(simd::load(p.residual_scale + channel), r,
                                                       simd::load(p.residual_shift + channel));
                    v = simd::add(v, r);
                }
                v = activate(p.second, channel, v);
                if constexpr (Store)
                    simd::store_partial(args.out[row] + channel, v, valid - j * simd::f32_lanes);
                TERN_UNROLL
                for (int q = 0; q < Quantizers; ++q) {
                    const quantizer_params& z = p.quantizers[q];
                    const simd::f32v w =
                        simd::multiply_add_rounded(simd::load(z.g + channel), v, simd::load(z.h + channel));
                    codes[q].add(simd::greater_equal(w, simd::broadcast(z.hi)), simd::less(w, simd::broadcast(z.lo)),
                                 j);
                }
            }
            TERN_UNROLL
            for (int q = 0; q < Quantizers; ++q)
                store_planes(args.packed[q][row], args.channel + chunk, plane_bits::of(codes[q]), valid);
        }
    }
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
