// Every entry of the kernel table as obvious loops: the oracle of the fast kernels, never dispatched. Tiles have odd sizes on
// purpose, so that code above the table cannot rely on powers of two.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../code/ternary.hpp"
#include "../core/config.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {
namespace reference {

/// a*b + c with two roundings, whatever the compiler may fuse.
inline float multiply_add_rounded(float a, float b, float c) {
    volatile float product = a * b;
    return product + c;
}

/// The larger value, the first if they are equal; NaN if one is NaN.
inline float max_nan(float a, float b) { return a >= b || a != a ? a : b; }

inline bool bit(const unsigned char* words, std::size_t i) { return ((words[i / 8] >> (i % 8)) & 1) != 0; }

inline void write_bit(unsigned char* words, std::size_t i, bool value) {
    const unsigned char b = static_cast<unsigned char>(1u << (i % 8));
    words[i / 8] = static_cast<unsigned char>(value ? words[i / 8] | b : words[i / 8] & ~b);
}

inline int get_code(const unsigned char* pixel, std::size_t channel) {
    const unsigned char* word = pixel + channel / 64 * 16;
    return ternary::decode({bit(word, channel % 64), bit(word + 8, channel % 64)});
}

inline void write_code(unsigned char* pixel, std::size_t channel, int code) {
    unsigned char* word = pixel + channel / 64 * 16;
    const ternary::bits b = ternary::encode(code);
    write_bit(word, channel % 64, b.mask);
    write_bit(word + 8, channel % 64, b.sign);
}

inline constexpr std::uint32_t tile_pixels = 3, tile_channels = 8, lanes = 2;

// Products of planes: 64 channels a step. Panel: [tap][step][vector][plane][lane], 64-bit words.
struct plane_products {
    static int of_step(const unsigned char* x, const unsigned char* panel, std::size_t o) {
        const unsigned char* mask = panel + (o / lanes * 2 * lanes + o % lanes) * 8;
        const unsigned char* sign = mask + lanes * 8;
        int sum = 0;
        for (std::size_t i = 0; i < 64; ++i)
            sum += get_code(x, i) * ternary::decode({bit(mask, i), bit(sign, i)});
        return sum;
    }
    static constexpr std::size_t activation_bytes = 16, panel_bytes = tile_channels * 16;
};

inline int code_of_digit(int digit) { return digit == 2 ? -1 : digit; }
inline int digit_of_code(int code) { return code < 0 ? 2 : code; }

// Products of pair codes (kernel/lookup.hpp): 4 channels a step. Panel: [tap][step][output channel], bytes.
struct pair_products {
    static int of_pairs(int a, int b) {  // each d0 + 3 d1
        return code_of_digit(a % 3) * code_of_digit(b % 3) + code_of_digit(a / 3) * code_of_digit(b / 3);
    }
    static int of_step(const unsigned char* x, const unsigned char* panel, std::size_t o) {
        return of_pairs(x[0] / 16, panel[o] % 16) + of_pairs(x[1] / 16, panel[o] / 16);
    }
    static constexpr std::size_t activation_bytes = 2, panel_bytes = tile_channels;
};

inline int code_of_digits(int digits, std::size_t i) {
    for (; i > 0; --i)
        digits /= 3;
    return code_of_digit(digits % 3);
}

// Products of triple codes: 3 channels a step. Panel: [tap][step][output channel], bytes.
struct triple_products {
    static int of_step(const unsigned char* x, const unsigned char* panel, std::size_t o) {
        int sum = 0;
        for (std::size_t i = 0; i < 3; ++i)
            sum += code_of_digits(x[0], i) * code_of_digits(panel[o], i);
        return sum;
    }
    static constexpr std::size_t activation_bytes = 1, panel_bytes = tile_channels;
};

// Products of twins (kernel/twin_tile.hpp); one tile of three pairs of pixels. `lookups` of a step.
inline constexpr std::uint32_t twin_tile_pixels = 6;

struct twin_pair_products {
    static int of_lookup(const unsigned char* x, const unsigned char* panel, std::size_t i, bool twin) {
        const int codes = x[i] / 2, weights = panel[i / 2 * tile_channels];
        return pair_products::of_pairs(twin ? codes / 9 : codes % 9, i % 2 == 0 ? weights % 16 : weights / 16);
    }
    static constexpr std::size_t lookups = 8, activation_bytes = 8, panel_bytes = 4 * tile_channels;
};

struct twin_triple_products {
    static int of_lookup(const unsigned char* x, const unsigned char* panel, std::size_t i, bool twin) {
        std::uint16_t codes;
        std::memcpy(&codes, x + 2 * i, sizeof codes);
        const auto own = static_cast<unsigned char>(twin ? codes / 32 / 27 : codes / 32 % 27);
        return triple_products::of_step(&own, panel + i * tile_channels, 0);
    }
    static constexpr std::size_t lookups = 2, activation_bytes = 4, panel_bytes = 2 * tile_channels;
};

template <class Products>
inline void twin_tile(const dot_tile_args& args) {
    for (std::size_t p = 0; p < twin_tile_pixels; ++p)
        for (std::size_t o = 0; o < tile_channels; ++o) {
            const std::size_t lane = o % lanes, half = lanes / 2;
            const std::size_t at = o - lane + (lane < half ? 2 * lane : 2 * (lane - half) + 1);
            std::int32_t sum = 0;
            for (std::size_t t = 0; t < args.tap_count; ++t)
                for (std::size_t s = 0; s < args.steps; ++s)
                    for (std::size_t i = 0; i < Products::lookups; ++i)
                        sum +=
                            Products::of_lookup(args.pixels[p - p % 2] + args.taps[t].pixel_offset +
                                                    s * Products::activation_bytes,
                                                args.panel + args.taps[t].panel_offset + s * Products::panel_bytes + at,
                                                i, p % 2 == 1);
            args.acc[p * tile_channels + o] = sum;
        }
}

// Products of bytes, the activations of type T: 16 channels a step. Panel: [tap][step][channel / run][output channel]
// [channel % run].
template <class T>
struct byte_products {
    static constexpr std::uint32_t run = 2;

    static int of_step(const unsigned char* x, const unsigned char* panel, std::size_t o) {
        int sum = 0;
        for (std::size_t i = 0; i < 16; ++i)
            sum +=
                static_cast<T>(x[i]) * static_cast<std::int8_t>(panel[(i / run * tile_channels + o) * run + i % run]);
        return sum;
    }
    static constexpr std::size_t activation_bytes = 16, panel_bytes = tile_channels * 16;
};

// The same with weights of two bits. Panel: [tap][step][output channel][channel % run], two bits per channel / run.
struct two_bit_products {
    static constexpr std::uint32_t run = 4;

    static int of_step(const unsigned char* x, const unsigned char* panel, std::size_t o) {
        int sum = 0;
        for (std::size_t i = 0; i < 16; ++i) {
            const int bits = (panel[o * run + i % run] >> (2 * (i / run))) & 3;
            sum += x[i] * (bits < 2 ? bits : bits - 4);
        }
        return sum;
    }
    static constexpr std::size_t activation_bytes = 16, panel_bytes = tile_channels * 4;
};

// Products by planes (kernel/bits.hpp): 64 channels a step. Panel: [weight plane][tap][step][vector][mask, sign, or one][lane].
template <bit_form Form>
inline void bits_tile(const dot_tile_args& args) {
    constexpr std::size_t planes = Form == bit_form::weight_mask ? 2 : 1;
    const auto counts = [](const unsigned char* x, const unsigned char* w, std::size_t i) {
        return Form == bit_form::signs             ? bit(x, i) != bit(w, i)
               : Form == bit_form::activation_mask ? bit(x, i) && bit(x + 8, i) != bit(w, i)
                                                   : bit(w, i) && bit(x, i) != bit(w + lanes * 8, i);
    };
    for (std::size_t p = 0; p < tile_pixels; ++p)
        for (std::size_t o = 0; o < tile_channels; ++o) {
            std::int64_t sum = 0;
            for (const bit_pass* pass = args.passes; pass != args.passes + args.pass_count; ++pass) {
                sum *= std::int64_t{1} << pass->shift;
                for (std::size_t t = 0; t < args.tap_count; ++t)
                    for (std::size_t i = 0; i < args.steps * 64; ++i)
                        sum += counts(args.pixels[p] + args.taps[t].pixel_offset + pass->pixel_offset +
                                          i / 64 * args.pixel_step,
                                      args.panel + args.taps[t].panel_offset + pass->panel_offset +
                                          i / 64 * tile_channels * planes * 8 +
                                          (o / lanes * planes * lanes + o % lanes) * 8,
                                      i % 64);
            }
            args.acc[p * tile_channels + o] = static_cast<std::int32_t>(
                args.factor * sum + args.start[o] + (args.pixel_start != nullptr ? args.pixel_start[p] : 0));
        }
}

template <bit_form Form>
inline constexpr dot_family bits_family{
    "bits", tile_pixels, tile_channels, lanes, &bits_tile<Form>, dot_format::bits, 1, 1u << 30, nullptr,
    0,      false,       nullptr,       Form};

// Four bits of two pixels in 16 (kernel/twin_bits.hpp).
inline void twin_bits_tile(const dot_tile_args& args) {
    for (std::size_t p = 0; p < twin_tile_pixels; ++p)
        for (std::size_t o = 0; o < tile_channels; ++o) {
            const std::size_t lane = o % lanes, half = lanes / 2;
            const std::size_t at = o - lane + (lane < half ? 2 * lane : 2 * (lane - half) + 1);
            std::int64_t sum = 0;
            for (const bit_pass* pass = args.passes; pass != args.passes + args.pass_count; ++pass) {
                sum *= std::int64_t{1} << pass->shift;
                for (std::size_t t = 0; t < args.tap_count; ++t)
                    for (std::size_t i = 0; i < args.steps * 64; ++i) {
                        std::uint16_t codes;
                        std::memcpy(&codes,
                                    args.pixels[p - p % 2] + args.taps[t].pixel_offset + pass->pixel_offset +
                                        i / 64 * args.pixel_step + i % 64 / 4 * 2,
                                    sizeof codes);
                        const int x = codes >> ((p % 2 == 0 ? 4 : 8) + i % 4) & 1;
                        const int w =
                            args.panel[args.taps[t].panel_offset + pass->panel_offset + i / 8 * tile_channels + at] >>
                                i % 8 &
                            1;
                        sum += x ^ w;
                    }
            }
            args.acc[p * tile_channels + o] = static_cast<std::int32_t>(
                args.factor * sum + args.start[o] + (args.pixel_start != nullptr ? args.pixel_start[p] : 0));
        }
}

inline void planes_to_twin_bits(const convert_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p)
        for (std::size_t i = 0; i < args.out_pixel_bytes / 2; ++i) {
            const int four = args.planes[p * args.pixel_bytes + i / 2] >> (i % 2 * 4) & 15;
            const auto word = static_cast<std::uint16_t>(16 * four);
            std::memcpy(args.out + p * args.out_pixel_bytes + 2 * i, &word, sizeof word);
        }
}

inline void count_bits(const count_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        args.counts[p] = 0;
        for (std::size_t i = 0; i < args.words * 64; ++i)
            args.counts[p] += bit(args.plane + p * args.pixel_bytes + i / 64 * args.word_bytes, i % 64) ? 1 : 0;
    }
}

template <class Products>
inline void dot_tile(const dot_tile_args& args) {
    for (std::size_t p = 0; p < tile_pixels; ++p)
        for (std::size_t o = 0; o < tile_channels; ++o) {
            std::int32_t sum = args.start != nullptr ? args.start[o] : 0;
            for (std::size_t t = 0; t < args.tap_count; ++t)
                for (std::size_t s = 0; s < args.steps; ++s)
                    sum +=
                        Products::of_step(args.pixels[p] + args.taps[t].pixel_offset + s * Products::activation_bytes,
                                          args.panel + args.taps[t].panel_offset + s * Products::panel_bytes, o);
            args.acc[p * tile_channels + o] = sum;
        }
}

// The code of a channel, 0 behind the last.
inline int get_code(const convert_args& args, std::size_t pixel, std::size_t channel) {
    return channel < args.channels ? get_code(args.planes + pixel * args.pixel_bytes, channel) : 0;
}

inline void planes_to_pairs(const convert_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p)
        for (std::size_t i = 0; i < args.out_pixel_bytes; ++i) {
            const int digits =
                digit_of_code(get_code(args, p, 2 * i)) + 3 * digit_of_code(get_code(args, p, 2 * i + 1));
            args.out[p * args.out_pixel_bytes + i] = static_cast<unsigned char>(16 * digits);
        }
}

// The first of two pixels.
inline void planes_to_twins(const convert_args& args) {
    planes_to_pairs(args);
    for (std::size_t i = 0; i < args.pixels * args.out_pixel_bytes; ++i)
        args.out[i] = static_cast<unsigned char>(args.out[i] / 8);
}

inline void join_pairs(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
        pixels[i] = static_cast<unsigned char>(pixels[i] + 9 * twins[i]);
}

inline void planes_to_triples(const convert_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p)
        for (std::size_t i = 0; i < args.out_pixel_bytes; ++i) {
            const int digits = digit_of_code(get_code(args, p, 3 * i)) +
                               3 * digit_of_code(get_code(args, p, 3 * i + 1)) +
                               9 * digit_of_code(get_code(args, p, 3 * i + 2));
            args.out[p * args.out_pixel_bytes + i] = static_cast<unsigned char>(digits);
        }
}

inline void planes_to_twin_triples(const convert_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p)
        for (std::size_t i = 0; i < args.out_pixel_bytes / 2; ++i) {
            int digits = 0;
            for (std::size_t k = 3; k-- > 0;)
                digits = 3 * digits + digit_of_code(get_code(args, p, 3 * i + k));
            const auto word = static_cast<std::uint16_t>(32 * digits);
            std::memcpy(args.out + p * args.out_pixel_bytes + 2 * i, &word, sizeof word);
        }
}

template <int Factor>
inline void join_words(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += 2) {
        std::uint16_t one, other;
        std::memcpy(&one, pixels + i, sizeof one);
        std::memcpy(&other, twins + i, sizeof other);
        one = static_cast<std::uint16_t>(one + Factor * other);
        std::memcpy(pixels + i, &one, sizeof one);
    }
}

inline void planes_to_bytes(const expand_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p)
        for (std::size_t i = 0; i < args.out_pixel_bytes; ++i) {
            int value = args.offset;
            for (std::size_t k = 0; k < args.count; ++k)
                if (bit(args.planes + p * args.pixel_bytes + (i / 64 * args.count + k) * 8, i % 64))
                    value += args.weights[k];
            args.out[p * args.out_pixel_bytes + i] = static_cast<unsigned char>(value);
        }
}

inline float activate(const activation_params& a, std::size_t channel, float v) {
    if (a.kind == activation_kind::prelu)
        return v < 0.0f ? a.slope[channel] * v : v;
    if (a.kind == activation_kind::clamp) {
        v = v < a.lo ? a.lo : v;
        return a.hi < v ? a.hi : v;
    }
    return v;
}

// What tiles write themselves.
inline float finished(const epilogue_params& params, std::size_t channel, float v) {
    return activate(params.first, channel, multiply_add_rounded(params.scale[channel], v, params.shift[channel]));
}

template <bool Fused>
inline void real_tile(const real_tile_args& args) {
    for (std::size_t p = 0; p < args.tiles * tile_pixels; ++p)
        for (std::size_t o = 0; o < tile_channels; ++o) {
            float sum = 0.0f;
            for (std::size_t t = 0; t < args.tap_count; ++t)
                for (std::size_t d = 0; d < args.depth; ++d) {
                    const float x =
                        args.pixels[p][args.taps[t].pixel_offset / static_cast<std::ptrdiff_t>(sizeof(float)) +
                                       static_cast<std::ptrdiff_t>(d)];
                    const float w = args.panel[args.taps[t].panel_offset / sizeof(float) + d * tile_channels + o];
                    sum = Fused ? std::fma(x, w, sum) : multiply_add_rounded(x, w, sum);
                }
            if (args.finish != nullptr)
                args.out[p][args.channel + o] = finished(*args.finish, args.channel + o, sum);
            else
                args.acc[p * tile_channels + o] = sum;
        }
}

// Products of u8 images. Panel: [row][step][vector][value / run][lane][value % run].
template <class Value, class Weight, std::size_t Run, std::size_t Step>
inline void image_tile(const image_tile_args& args) {
    for (std::size_t p = 0; p < args.count; ++p)
        for (std::size_t o = 0; o < tile_channels; ++o) {
            std::uint32_t sum = static_cast<std::uint32_t>(args.start[p][args.channel + o]);
            for (std::size_t y = 0; y < args.rows; ++y)
                for (std::size_t i = 0; i < args.steps * Step; ++i) {
                    Value x;
                    Weight w;
                    const std::size_t vector = (y * args.steps + i / Step) * tile_channels / lanes + o / lanes;
                    const std::size_t run = vector * (Step / Run) + i % Step / Run;
                    std::memcpy(&x, args.pixels + p * args.pixel_step + y * args.row_step + i * sizeof x, sizeof x);
                    std::memcpy(&w, args.panel + ((run * lanes + o % lanes) * Run + i % Run) * sizeof w, sizeof w);
                    sum += static_cast<std::uint32_t>(static_cast<int>(x) * static_cast<int>(w));
                }
            const auto exact = static_cast<std::int32_t>(sum);
            if (args.finish != nullptr)
                args.out[static_cast<std::ptrdiff_t>(p) * args.out_step +
                         static_cast<std::ptrdiff_t>(args.channel + o)] =
                    finished(*args.finish, args.channel + o, static_cast<float>(exact));
            else
                args.acc[p * tile_channels + o] = exact;
        }
}

inline float residual_at(residual_kind kind, const epilogue_tile_args& args, std::size_t row, std::size_t channel) {
    if (channel >= args.residual_channels)
        return 0.0f;
    const float* p = args.residual[row] + channel;
    if (kind == residual_kind::same)
        return *p;
    return max_nan(max_nan(p[0], p[args.pool_right]), max_nan(p[args.pool_down], p[args.pool_down + args.pool_right]));
}

inline void clear_rest(const epilogue_tile_args& args, int quantizers) {
    const std::size_t first = (args.channel + args.channels + 7) / 8 * 8;
    for (int q = 0; q < quantizers; ++q)
        for (std::size_t row = 0; row < args.rows; ++row)
            for (std::size_t i = 0; i < args.zero_bytes * 8; ++i)
                write_code(args.packed[q][row], first + i, 0);
}

// Channels up to the end of the last byte are written: 0 behind the tile's.
template <class CodeOf>
inline void write_codes(const epilogue_tile_args& args, int quantizer, std::size_t row, CodeOf&& code_of) {
    const std::size_t end = (args.channels + 7) / 8 * 8;
    for (std::size_t i = 0; i < end; ++i)
        write_code(args.packed[quantizer][row], args.channel + i, i < args.channels ? code_of(i) : 0);
}

template <class Acc, residual_kind Residual, bool Store, int Quantizers>
inline void epilogue(const epilogue_tile_args& args) {
    const epilogue_params& p = *args.params;
    const auto value = [&](std::size_t row, std::size_t i) {
        const std::size_t channel = args.channel + i;
        const float acc = static_cast<float>(static_cast<const Acc*>(args.acc)[row * args.acc_stride + i]);
        float v = multiply_add_rounded(acc, p.scale[channel], p.shift[channel]);
        v = activate(p.first, channel, v);
        if (Residual != residual_kind::none) {
            float r = residual_at(Residual, args, row, channel);
            if (p.residual_scale != nullptr)
                r = multiply_add_rounded(p.residual_scale[channel], r, p.residual_shift[channel]);
            v = v + r;
        }
        return activate(p.second, channel, v);
    };
    for (std::size_t row = 0; row < args.rows; ++row) {
        for (int q = 0; q < Quantizers; ++q)
            write_codes(args, q, row, [&](std::size_t i) {
                const quantizer_params& z = p.quantizers[q];
                const std::size_t channel = args.channel + i;
                const float w = multiply_add_rounded(z.g[channel], value(row, i), z.h[channel]);
                return ternary_thresholds{z.hi, z.lo}(w);
            });
        // Last, since `out` may be the residual.
        for (std::size_t i = 0; Store && i < args.channels; ++i)
            args.out[row][args.channel + i] = value(row, i);
    }
    clear_rest(args, Quantizers);
}

template <int Quantizers>
inline void threshold_epilogue(const epilogue_tile_args& args) {
    for (std::size_t row = 0; row < args.rows; ++row)
        for (int q = 0; q < Quantizers; ++q)
            write_codes(args, q, row, [&](std::size_t i) {
                const threshold_params& t = args.params->thresholds[q];
                const std::size_t channel = args.channel + i;
                const std::int32_t acc = static_cast<const std::int32_t*>(args.acc)[row * args.acc_stride + i];
                const std::int32_t a = t.flip[channel] != 0 ? -acc : acc;
                return (a >= t.hi[channel] ? 1 : 0) - (a < t.lo[channel] ? 1 : 0);
            });
    clear_rest(args, Quantizers);
}

inline void ternarize_row(const ternarize_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        unsigned char* out = args.out + p * args.pixel_bytes;
        for (std::size_t c = 0; c < (args.channels + 63) / 64 * 64; ++c) {
            if (c >= args.channels) {
                write_code(out, c, 0);
                continue;
            }
            float v = args.values[static_cast<std::ptrdiff_t>(p) * args.stride_pixel +
                                  static_cast<std::ptrdiff_t>(c) * args.stride_channel];
            if (args.g != nullptr || args.h != nullptr)
                v = multiply_add_rounded(args.g != nullptr ? args.g[c] : 1.0f, v, args.h != nullptr ? args.h[c] : 0.0f);
            write_code(out, c, ternary_thresholds{args.hi, args.lo}(v));
        }
    }
}

inline void quantize_tile(const quantize_tile_args& args) {
    const level_params& l = *args.levels;
    for (std::size_t row = 0; row < args.rows; ++row) {
        for (std::size_t i = 0; i < args.channels; ++i) {
            const std::size_t c = args.channel + i;
            const bool integers = args.acc != nullptr;
            const std::int32_t sum = integers ? args.acc[row * args.stride + i] : 0;
            const std::int32_t a = integers && args.flip[c] != 0 ? -sum : sum;
            const float w =
                integers ? 0.0f : multiply_add_rounded(args.g[c], args.values[row * args.stride + i], args.h[c]);
            if (l.planes == 0) {
                const float inside = w != w ? 0.0f : w < l.lo ? l.lo : l.hi < w ? l.hi : w;
                args.packed[row][c] = static_cast<unsigned char>(static_cast<int>(std::nearbyint(inside)));
                continue;
            }
            unsigned pattern = l.least;
            for (std::size_t t = 0; t < l.count; ++t)
                pattern ^=
                    (integers ? a >= args.thresholds[t * args.threshold_pitch + c] : w >= l.at[t]) ? l.flips[t] : 0u;
            for (std::size_t p = 0; p < l.planes; ++p)
                write_bit(args.packed[row] + (c / 64 * l.planes + p) * 8, c % 64,
                          (((w != w ? l.nan : pattern) >> p) & 1u) != 0);
        }
        const std::size_t first = args.channel + args.channels;
        for (std::size_t c = first; c < (first + 7) / 8 * 8 + 8 * args.zero_bytes; ++c)
            for (std::size_t p = 0; p < l.planes; ++p)
                write_bit(args.packed[row] + (c / 64 * l.planes + p) * 8, c % 64, false);
    }
}

inline void max_pool(const pool_args& args) {
    for (std::size_t c = 0; c < args.channels; ++c) {
        float v = args.window[0][c];
        for (std::size_t k = 1; k < args.count; ++k)
            v = max_nan(v, args.window[k][c]);
        args.out[c] = v;
    }
}

inline void mean_pool(const pool_args& args) {
    for (std::size_t c = 0; c < args.channels; ++c) {
        float sum = args.window[0][c];
        for (std::size_t k = 1; k < args.count; ++k)
            sum += args.window[k][c];
        args.out[c] = sum * args.scale;
    }
}

template <bool Fused>
inline constexpr kernel_table table{
    "reference",
    Fused,
    {"popcount", tile_pixels, tile_channels, lanes, &dot_tile<plane_products>},
    {"fp32", tile_pixels, tile_channels, &real_tile<Fused>},
    TERN_EPILOGUES(std::int32_t),
    TERN_EPILOGUES(float),
    {nullptr, &threshold_epilogue<1>, &threshold_epilogue<2>},
    &ternarize_row,
    &max_pool,
    &mean_pool,
    {{"lookup", tile_pixels, tile_channels, lanes, &dot_tile<pair_products>, dot_format::pairs, 1, 32767,
      &planes_to_pairs},
     {"lookup", twin_tile_pixels, tile_channels, lanes, &twin_tile<twin_pair_products>, dot_format::twins, 1, 32767,
      &planes_to_twins, 0, false, &join_pairs},
     {"lookup", twin_tile_pixels, tile_channels, lanes, &twin_tile<twin_triple_products>, dot_format::twin_triples, 1,
      32767, &planes_to_twin_triples, 0, false, &join_words<27>},
     {"lookup", tile_pixels, tile_channels, lanes, &dot_tile<triple_products>, dot_format::triples, 1, 32767,
      &planes_to_triples}},
    {"dot", tile_pixels, tile_channels, lanes, &dot_tile<byte_products<std::int8_t>>, dot_format::bytes, 1, 1u << 30,
     nullptr, byte_products<std::int8_t>::run},
    {{"dot_narrow", tile_pixels, tile_channels, lanes, &dot_tile<byte_products<std::uint8_t>>, dot_format::bytes, 1,
      1u << 30, nullptr, byte_products<std::uint8_t>::run, true, nullptr, bit_form::signs, 4},
     {"dot_2bit", tile_pixels, tile_channels, lanes, &dot_tile<two_bit_products>, dot_format::bytes_by_two_bits, 1,
      1u << 30, nullptr, two_bit_products::run, true}},
    &planes_to_bytes,
    &quantize_tile,
    {bits_family<bit_form::signs>, bits_family<bit_form::activation_mask>, bits_family<bit_form::weight_mask>},
    &count_bits,
    {"lookup", twin_tile_pixels, tile_channels, lanes, &twin_bits_tile, dot_format::twin_bits, 1, 32767,
     &planes_to_twin_bits, 0, false, &join_words<16>},
    {},
    {{"image16", tile_pixels, tile_channels, lanes, 2, 2, 4, 32767, &image_tile<std::int16_t, std::int16_t, 2, 4>},
     {"image8", tile_pixels, tile_channels, lanes, 1, 3, 3, 127, &image_tile<std::uint8_t, std::int8_t, 3, 3>}},
};

}  // namespace reference
}  // namespace kernel

/// The table of obvious loops; fp32 products with two roundings, or one (`fused`), as the levels have them.
inline const kernel_table& reference_table(bool fused = false) {
    return fused ? kernel::reference::table<true> : kernel::reference::table<false>;
}

TERN_END_NAMESPACE
