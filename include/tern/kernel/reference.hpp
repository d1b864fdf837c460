// Every entry of the kernel table as obvious loops: the oracle of the fast kernels, never dispatched. Tiles have odd
// sizes, and families formats of their own on purpose, so that code above the table cannot rely on powers of two or on
// what it knows of others.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../code/code.hpp"
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

inline constexpr std::uint32_t tile_pixels = 3, tile_channels = 8;

inline float activate(const activation_params& a, std::size_t channel, float v) {
    if (a.kind == activation_kind::prelu)
        return v < 0.0f ? a.slope[channel] * v : v;
    if (a.kind == activation_kind::clamp) {
        v = v < a.lo ? a.lo : v;
        return a.hi < v ? a.hi : v;
    }
    return v;
}

// Everything an epilogue can do with the sum of pixel i and channel `channel`, but storing.
struct finished {
    float value;
    int codes[max_quantizers];
};
inline finished finish_sum(const epilogue_params& p, float sum, float residual, std::size_t channel) {
    finished f{};
    float v = activate(p.first, channel, multiply_add_rounded(sum, p.scale[channel], p.shift[channel]));
    if (p.residual != residual_kind::none) {
        if (p.residual_scale != nullptr)
            residual = multiply_add_rounded(p.residual_scale[channel], residual, p.residual_shift[channel]);
        v = v + residual;
    }
    f.value = activate(p.second, channel, v);
    for (std::size_t q = 0; q < p.quantizer_count; ++q) {
        const quantizer_params& z = p.quantizers[q];
        f.codes[q] = ternary_thresholds{z.levels.at[1],
                                        z.levels.at[0]}(multiply_add_rounded(z.g[channel], f.value, z.h[channel]));
    }
    return f;
}
inline int threshold_code(const threshold_params& t, std::int32_t sum, std::size_t channel) {
    const std::int32_t a = t.flip[channel] != 0 ? -sum : sum;
    return (a >= t.at[t.pitch + channel] ? 1 : 0) - (a < t.at[channel] ? 1 : 0);
}
inline unsigned char rounded_byte(float w, const level_params& l) {
    const float inside = w != w ? 0.0f : w < l.lo ? l.lo : l.hi < w ? l.hi : w;
    return static_cast<unsigned char>(static_cast<int>(std::nearbyint(inside)) + static_cast<int>(l.zero));
}
// The bits of a value's code, and where integer thresholds replace the float chain, of a sum's.
inline unsigned level_pattern(const level_params& l, float w) {
    unsigned pattern = l.least;
    for (std::size_t t = 0; t < l.count; ++t)
        pattern ^= (((l.strict >> t) & 1u) != 0 ? w > l.at[t] : w >= l.at[t]) ? l.flips[t] : 0u;
    return w != w ? l.nan : pattern;
}
inline unsigned level_pattern(const level_params& l, const threshold_params& at, std::int32_t sum,
                              std::size_t channel) {
    const std::int32_t a = at.flip[channel] != 0 ? -sum : sum;
    unsigned pattern = l.least;
    for (std::size_t t = 0; t < l.count; ++t)
        pattern ^= a >= at.at[t * at.pitch + channel] ? l.flips[t] : 0u;
    return pattern;
}
inline void write_pattern(unsigned char* pixel, std::size_t planes, std::size_t channel, unsigned pattern) {
    for (std::size_t p = 0; p < planes; ++p)
        write_bit(pixel + (channel / 64 * planes + p) * 8, channel % 64, ((pattern >> p) & 1u) != 0);
}
// Zeros from the end of the tile's last byte on.
inline void clear_codes(unsigned char* pixel, std::size_t channel, std::size_t zero_bytes) {
    for (std::size_t c = channel; c < (channel + 7) / 8 * 8 + 8 * zero_bytes; ++c)
        write_code(pixel, c, 0);
}

// One way of finishing the sums of a strip: int32 or float, [pixel][tile_channels].
template <finish_kind Kind, class Sum>
inline void finish_strip(const finish_args& to, const Sum* sums, std::size_t count) {
    constexpr bool general = Kind == finish_kind::levels || Kind == finish_kind::integer_levels;
    const epilogue_params& p = *to.params;
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t q = 0; Kind != finish_kind::bytes && to.channel % 64 == 0 && q < p.quantizer_count; ++q)
            for (std::size_t c = to.channel; c < to.channel + 64; ++c)
                write_pattern(to.packed[q][i], general ? p.quantizers[q].levels.planes : 2, c, 0);
        for (std::size_t k = 0; k < tile_channels; ++k) {
            const std::size_t c = to.channel + k;
            const Sum sum = sums[i * tile_channels + k];
            if constexpr (Kind == finish_kind::thresholds) {
                for (std::size_t q = 0; q < p.quantizer_count; ++q)
                    write_code(to.packed[q][i], c,
                               threshold_code(p.quantizers[q].thresholds, static_cast<std::int32_t>(sum), c));
            } else if constexpr (Kind == finish_kind::integer_levels) {
                write_pattern(to.packed[0][i], p.quantizers[0].levels.planes, c,
                              level_pattern(p.quantizers[0].levels, p.quantizers[0].thresholds,
                                            static_cast<std::int32_t>(sum), c));
            } else {
                const bool adds = Kind == finish_kind::mixed || Kind == finish_kind::levels;
                const float r = adds && p.residual != residual_kind::none ? to.residual[i][c] : 0.0f;
                const finished f = finish_sum(p, static_cast<float>(sum), r, c);
                const float w = p.quantizer_count == 0
                                    ? 0.0f
                                    : multiply_add_rounded(p.quantizers[0].g[c], f.value, p.quantizers[0].h[c]);
                if (Kind == finish_kind::bytes) {
                    to.packed[0][i][c] = rounded_byte(w, p.quantizers[0].levels);
                    continue;
                }
                if (general)
                    write_pattern(to.packed[0][i], p.quantizers[0].levels.planes, c,
                                  level_pattern(p.quantizers[0].levels, w));
                for (std::size_t q = 0; !general && q < p.quantizer_count; ++q)
                    write_code(to.packed[q][i], c, f.codes[q]);
                if (p.store)
                    to.out[i][c] = f.value;
            }
        }
    }
}

// A strip: Product::sum(args, pixel, channel) each.
template <class Product, finish_kind Kind>
inline void strip(const strip_args& args) {
    using sum_type = typename Product::sum_type;
    for (std::size_t i = 0; i < args.count; ++i) {
        sum_type sums[tile_channels];
        for (std::size_t k = 0; k < tile_channels; ++k)
            sums[k] = Product::sum(args, i, k);
        if constexpr (Kind == finish_kind::sums) {
            std::memcpy(static_cast<sum_type*>(args.finish.sums) + i * tile_channels, sums, sizeof sums);
        } else {
            finish_args to = args.finish;
            to.out += to.out != nullptr ? i : 0;
            to.residual += to.residual != nullptr ? i : 0;
            for (auto& packed : to.packed)
                packed += packed != nullptr ? i : 0;
            finish_strip<Kind>(to, sums, 1);
        }
    }
}
template <class Product>
constexpr void add_strips(strip_kernel (&strips)[finish_kinds]) {
    strips[static_cast<std::size_t>(finish_kind::sums)] = &strip<Product, finish_kind::sums>;
    strips[static_cast<std::size_t>(finish_kind::store)] = &strip<Product, finish_kind::store>;
    strips[static_cast<std::size_t>(finish_kind::mixed)] = &strip<Product, finish_kind::mixed>;
    strips[static_cast<std::size_t>(finish_kind::bytes)] = &strip<Product, finish_kind::bytes>;
    strips[static_cast<std::size_t>(finish_kind::levels)] = &strip<Product, finish_kind::levels>;
    if (std::is_same<typename Product::sum_type, std::int32_t>::value) {
        strips[static_cast<std::size_t>(finish_kind::thresholds)] = &strip<Product, finish_kind::thresholds>;
        strips[static_cast<std::size_t>(finish_kind::integer_levels)] = &strip<Product, finish_kind::integer_levels>;
    }
}

// Sums of integer products. Format::counts(x, w, depth, channel) is what one pair of steps adds.
template <class Format>
struct integer_product {
    using sum_type = std::int32_t;

    static std::int32_t sum(const strip_args& args, std::size_t pixel, std::size_t channel) {
        std::int64_t sum = 0;
        const std::size_t shared = pixel % Format::shared;
        for (const plane_pass* pass = args.passes; pass != args.passes + args.pass_count; ++pass) {
            sum *= std::int64_t{1} << pass->shift;
            for (const step_run* run = args.runs; run != args.runs + args.run_count; ++run)
                for (std::size_t s = 0; s < run->count; ++s)
                    sum += Format::of_step(args.pixels[pixel - shared] + run->pixel + s * args.pixel_step + pass->pixel,
                                           args.panel + run->panel + s * Format::panel_bytes + pass->panel, channel,
                                           shared);
        }
        return static_cast<std::int32_t>(args.factor * sum + args.start[channel] +
                                         (args.pixel_start != nullptr ? args.pixel_start[pixel] : 0));
    }
};

// Clears the steps of all planes of a panel and calls put(step, channel of the step, output channel, value) for each
// weight.
template <std::size_t StepChannels, std::size_t PanelBytes, class Put>
inline void put_each(const put_args& args, std::size_t planes, Put put) {
    for (std::size_t q = 0; q < planes; ++q)
        std::memset(args.panel + q * args.plane_bytes, 0, args.steps * PanelBytes);
    for (std::size_t o = 0; o < tile_channels; ++o)
        for (std::size_t k = 0; k < args.steps * StepChannels; ++k)
            if (const int value = args.values[o * args.pitch + k]; value != 0)
                put(args.panel + k / StepChannels * PanelBytes, k % StepChannels, o, value);
}

// Ternary planes, 64 channels a step. Panel: [step][output channel][mask, sign], 64-bit words.
struct plane_format {
    static constexpr std::size_t shared = 1, panel_bytes = tile_channels * 16;
    static std::int64_t of_step(const unsigned char* x, const unsigned char* panel, std::size_t o, std::size_t) {
        int sum = 0;
        for (std::size_t i = 0; i < 64; ++i)
            sum += get_code(x, i) * get_code(panel + o * 16, i);
        return sum;
    }
    static void put(const put_args& args) {
        put_each<64, panel_bytes>(args, 1, [](unsigned char* step, std::size_t i, std::size_t o, int value) {
            write_code(step + o * 16, i, value);
        });
    }
};

// One plane of the activations and one of the weights: bits that differ. Panel: [plane][step][output channel], words.
struct sign_format {
    static constexpr std::size_t shared = 1, panel_bytes = tile_channels * 8;
    static std::int64_t of_step(const unsigned char* x, const unsigned char* panel, std::size_t o, std::size_t) {
        int sum = 0;
        for (std::size_t i = 0; i < 64; ++i)
            sum += bit(x, i) != bit(panel + o * 8, i) ? 1 : 0;
        return sum;
    }
    static void put(const put_args& args) {
        const auto planes = static_cast<std::size_t>(get_code_info(args.code).planes);
        put_each<64, panel_bytes>(args, planes, [&](unsigned char* step, std::size_t i, std::size_t o, int value) {
            const unsigned pattern =
                visit_code(args.code, [&](auto d) -> unsigned { return decltype(d)::pattern(value); });
            for (std::size_t q = 0; q < planes; ++q)
                write_bit(step + q * args.plane_bytes + o * 8, i, ((pattern >> q) & 1u) != 0);
        });
    }
};

// Bytes of codes, of two neighbouring pixels side by side: 5 channels a step. Panel: [step][channel][output channel],
// int8.
struct twin_format {
    static constexpr std::size_t shared = 2, channels = 5, panel_bytes = channels * tile_channels;
    static std::int64_t of_step(const unsigned char* x, const unsigned char* panel, std::size_t o, std::size_t second) {
        int sum = 0;
        for (std::size_t i = 0; i < channels; ++i)
            sum += static_cast<std::int8_t>(x[2 * i + second]) * static_cast<std::int8_t>(panel[i * tile_channels + o]);
        return sum;
    }
    static void put(const put_args& args) {
        put_each<channels, panel_bytes>(args, 1, [](unsigned char* step, std::size_t i, std::size_t o, int value) {
            step[i * tile_channels + o] = static_cast<unsigned char>(value);
        });
    }
};

// Bytes, 16 channels a step. Panel: [step][output channel][channel], int8.
template <class Byte>
struct byte_format {
    static constexpr std::size_t shared = 1, panel_bytes = tile_channels * 16;
    static std::int64_t of_step(const unsigned char* x, const unsigned char* panel, std::size_t o, std::size_t) {
        int sum = 0;
        for (std::size_t i = 0; i < 16; ++i)
            sum += static_cast<Byte>(x[i]) * static_cast<std::int8_t>(panel[o * 16 + i]);
        return sum;
    }
    static void put(const put_args& args) {
        put_each<16, panel_bytes>(args, 1, [](unsigned char* step, std::size_t i, std::size_t o, int value) {
            step[o * 16 + i] = static_cast<unsigned char>(value);
        });
    }
};

// The value of channel c of a pixel of an image whose codes are at most {-1, 0, 1}; 0 behind the last.
inline int ternary_value(const convert_args& args, std::size_t pixel, std::size_t c) {
    if (c >= args.channels)
        return 0;
    const unsigned char* p = args.pixels + pixel * args.pixel_bytes;
    return args.rule->planes == 2 ? get_code(p, c) : args.rule->value[bit(p + c / 64 * 8, c % 64) ? 1 : 0];
}
inline void to_ternary_planes(const convert_args& args) {
    for (std::size_t i = 0; i < args.count; ++i)
        for (std::size_t c = 0; c < args.out_pixel_bytes * 4; ++c)
            write_code(args.out + i * args.out_pixel_bytes, c, ternary_value(args, i, c));
}
inline void to_twins(const convert_args& args) {
    for (std::size_t i = 0; i < args.count; ++i)
        for (std::size_t b = 0; b < args.out_pixel_bytes; ++b)
            args.out[i * args.out_pixel_bytes + b] =
                static_cast<unsigned char>(b % 2 == 0 ? ternary_value(args, i, b / 2) : 0);
}
inline void join_twins(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    for (std::size_t b = 0; b < bytes; b += 2)
        pixels[b + 1] = twins[b];
}
inline void to_bytes(const convert_args& args) {
    const convert_rule& rule = *args.rule;
    for (std::size_t i = 0; i < args.count; ++i)
        for (std::size_t c = 0; c < args.out_pixel_bytes; ++c) {
            const unsigned char* pixel = args.pixels + i * args.pixel_bytes;
            unsigned value = rule.offset;
            for (std::size_t p = 0; !rule.bytes && p < rule.planes && c < args.channels; ++p)
                value += bit(pixel + (c / 64 * rule.planes + p) * 8, c % 64) ? rule.weights[p] : 0u;
            if (rule.bytes && c < args.channels)
                value += pixel[c];
            args.out[i * args.out_pixel_bytes + c] = static_cast<unsigned char>(value);
        }
}

inline bool match_ternary(const product_query& query, product_rule& rule) {
    const code_info a = get_code_info(query.activations);
    const bool half = query.activations == code_id::half_ternary;
    if (get_code_info(query.weights).max_abs_weight() != 1 || (a.max_abs() != 1 && !half))
        return false;
    rule.converts = a.planes != 2;
    rule.input.planes = static_cast<std::size_t>(a.planes);
    for (unsigned b = 0; b < 2 && a.planes == 1; ++b)
        rule.input.value[b] = static_cast<std::int8_t>(a.value(b));
    rule.per_value = half ? 1 : 0;
    return true;
}
inline bool match_twins(const product_query& query, product_rule& rule) {
    if (!match_ternary(query, rule))
        return false;
    rule.converts = true;
    return true;
}
// x . w = e sum w + c sum 2^(p+q) (P(x_p ^ w_q) - P(w_q)), see product/bit_rules.hpp.
inline bool match_signs(const product_query& query, product_rule& rule) {
    const code_info w = get_code_info(query.weights), a = get_code_info(query.activations);
    const auto doubling = [](const code_info& c) {  // each plane is worth twice the one below it
        bool all = !c.is_bytes();
        for (int p = 0; p < c.planes; ++p)
            all = all && c.plane_weight[p] == c.plane_weight[0] * (1 << p);
        return all;
    };
    if (query.zero_border || w.has_zero || !doubling(w) || !doubling(a))
        return false;
    rule.zero_weights = false;
    rule.activation_planes = static_cast<std::size_t>(a.planes);
    rule.weight_planes = static_cast<std::size_t>(w.planes);
    rule.input.planes = static_cast<std::size_t>(a.planes);
    rule.factor = a.plane_weight[0];
    rule.per_value = a.offset;
    rule.per_sign = -a.plane_weight[0] * ((1 << a.planes) - 1);
    rule.largest = w.max;
    rule.skips_zeros = a.has_zero;
    rule.pass_count = 0;
    for (int k = a.planes + w.planes - 2, last = k; k >= 0; --k)
        for (int q = 0; q < w.planes; ++q)
            if (k - q >= 0 && k - q < a.planes) {
                rule.passes[rule.pass_count++] = {static_cast<std::size_t>(k - q), static_cast<std::size_t>(q),
                                                  static_cast<std::uint32_t>(last - k)};
                last = k;
            }
    return true;
}
template <bool Unsigned>
inline bool match_bytes(const product_query& query, product_rule& rule) {
    const code_info a = get_code_info(query.activations);
    const int offset = Unsigned ? -a.min : a.id == code_id::u8 ? -128 : 0;
    rule.converts = true;
    rule.input.bytes = a.is_bytes();
    rule.input.planes = static_cast<std::size_t>(a.planes);
    rule.input.offset = static_cast<unsigned char>((rule.input.bytes ? 0 : a.offset) + offset);
    for (int p = 0; p < a.planes && !rule.input.bytes; ++p)
        rule.input.weights[p] = static_cast<unsigned char>(a.plane_weight[p]);
    rule.zero = static_cast<unsigned char>(offset);
    rule.per_value = -offset;
    return true;
}

template <class Format>
constexpr product_family make_family(const char* name, kernel_family group, std::uint32_t step_channels,
                                     std::uint32_t step_bytes, bool (*match)(const product_query&, product_rule&),
                                     void (*convert)(const convert_args&)) {
    product_family f;
    f.name = name;
    f.group = group;
    f.tile_pixels = tile_pixels;
    f.tile_channels = tile_channels;
    f.step_channels = step_channels;
    f.step_bytes = step_bytes;
    f.panel_step_bytes = Format::panel_bytes;
    f.shared_pixels = Format::shared;
    f.match = match;
    f.put = &Format::put;
    f.convert = convert;
    f.join = Format::shared == 2 ? &join_twins : nullptr;
    add_strips<integer_product<Format>>(f.strips);
    return f;
}
inline constexpr product_family families[] = {
    make_family<sign_format>("bits", kernel_family::popcount, 64, 8, &match_signs, nullptr),
    make_family<plane_format>("popcount", kernel_family::popcount, 64, 16, &match_ternary, &to_ternary_planes),
    make_family<twin_format>("lookup", kernel_family::lookup, twin_format::channels, 2 * twin_format::channels,
                             &match_twins, &to_twins),
    make_family<byte_format<std::uint8_t>>("dot", kernel_family::dot, 16, 16, &match_bytes<true>, &to_bytes),
    make_family<byte_format<std::int8_t>>("dot", kernel_family::dot, 16, 16, &match_bytes<false>, &to_bytes),
};

template <bool Fused>
struct real_product {
    using sum_type = float;

    static float sum(const strip_args& args, std::size_t pixel, std::size_t channel) {
        float sum = 0.0f;
        for (std::size_t r = 0; r < args.run_count; ++r)
            for (std::size_t d = 0; d < args.runs[r].count; ++d) {
                float x, w;
                std::memcpy(&x, args.pixels[pixel] + args.runs[r].pixel + d * sizeof x, sizeof x);
                std::memcpy(&w, args.panel + args.runs[r].panel + (d * tile_channels + channel) * sizeof w, sizeof w);
                sum = Fused ? std::fma(x, w, sum) : multiply_add_rounded(x, w, sum);
            }
        return sum;
    }
};
template <bool Fused>
constexpr real_family make_real_family() {
    real_family f;
    f.name = "fp32";
    f.tile_pixels = tile_pixels;
    f.tile_channels = tile_channels;
    add_strips<real_product<Fused>>(f.strips);
    return f;
}

// Products of u8 images. Panel: [run][step][vector][value / run][lane][value % run].
inline constexpr std::uint32_t image_lanes = 2;

template <class Value, class Weight, std::size_t Run, std::size_t Step>
struct image_product {
    using sum_type = std::int32_t;

    static std::int32_t sum(const strip_args& args, std::size_t pixel, std::size_t channel) {
        auto sum = static_cast<std::uint32_t>(args.starts[pixel][args.finish.channel + channel]);
        for (std::size_t r = 0; r < args.run_count; ++r)
            for (std::size_t i = 0; i < args.runs[r].count * Step; ++i) {
                Value x;
                Weight w;
                const std::size_t vector = i / Step * tile_channels / image_lanes + channel / image_lanes;
                const std::size_t run = vector * (Step / Run) + i % Step / Run;
                std::memcpy(&x, args.pixels[pixel] + args.runs[r].pixel + i * sizeof x, sizeof x);
                std::memcpy(&w,
                            args.panel + args.runs[r].panel +
                                ((run * image_lanes + channel % image_lanes) * Run + i % Run) * sizeof w,
                            sizeof w);
                sum += static_cast<std::uint32_t>(static_cast<int>(x) * static_cast<int>(w));
            }
        return static_cast<std::int32_t>(sum);
    }
};
template <class Value, class Weight, std::size_t Run, std::size_t Step>
constexpr image_family make_image_family(const char* name, std::int32_t largest) {
    image_family f;
    f.name = name;
    f.tile_pixels = tile_pixels;
    f.tile_channels = tile_channels;
    f.lanes = image_lanes;
    f.value_bytes = sizeof(Value);
    f.run = Run;
    f.step = Step;
    f.largest = largest;
    add_strips<image_product<Value, Weight, Run, Step>>(f.strips);
    return f;
}
inline constexpr image_family images[] = {
    make_image_family<std::int16_t, std::int16_t, 2, 4>("image16", 32767),
    make_image_family<std::uint8_t, std::int8_t, 3, 3>("image8", 127),
};

inline float residual_at(const finish_tile_args& args, std::size_t i, std::size_t channel) {
    const residual_kind kind = args.to.params->residual;
    if (kind == residual_kind::none || channel >= args.residual_channels)
        return 0.0f;
    const float* p = args.to.residual[i] + channel;
    if (kind == residual_kind::same)
        return *p;
    return max_nan(max_nan(p[0], p[args.pool_right]), max_nan(p[args.pool_down], p[args.pool_down + args.pool_right]));
}

template <class Sum>
inline void finish_tile(const finish_tile_args& args) {
    const epilogue_params& p = *args.to.params;
    for (std::size_t i = 0; i < args.count; ++i) {
        for (std::size_t k = 0; k < args.channels; ++k) {
            const std::size_t c = args.to.channel + k;
            const finished f =
                finish_sum(p, static_cast<float>(static_cast<const Sum*>(args.to.sums)[i * args.pitch + k]),
                           residual_at(args, i, c), c);
            for (std::size_t q = 0; q < p.quantizer_count; ++q)
                write_code(args.to.packed[q][i], c, f.codes[q]);
            if (p.store)
                args.to.out[i][c] = f.value;
        }
        for (std::size_t q = 0; q < p.quantizer_count; ++q)
            clear_codes(args.to.packed[q][i], args.to.channel + args.channels, args.zero_bytes);
    }
}
inline void finish_thresholds_tile(const finish_tile_args& args) {
    const epilogue_params& p = *args.to.params;
    for (std::size_t i = 0; i < args.count; ++i)
        for (std::size_t q = 0; q < p.quantizer_count; ++q) {
            for (std::size_t k = 0; k < args.channels; ++k) {
                const std::size_t c = args.to.channel + k;
                const std::int32_t sum = static_cast<const std::int32_t*>(args.to.sums)[i * args.pitch + k];
                write_code(args.to.packed[q][i], c, threshold_code(p.quantizers[q].thresholds, sum, c));
            }
            clear_codes(args.to.packed[q][i], args.to.channel + args.channels, args.zero_bytes);
        }
}

inline void quantize_tile(const quantize_tile_args& args) {
    const level_params& l = *args.levels;
    for (std::size_t row = 0; row < args.count; ++row) {
        for (std::size_t i = 0; i < args.channels; ++i) {
            const std::size_t c = args.channel + i;
            if (args.acc != nullptr) {
                write_pattern(args.packed[row], l.planes, c,
                              level_pattern(l, args.thresholds, args.acc[row * args.pitch + i], c));
                continue;
            }
            const float w = multiply_add_rounded(args.g[c], args.values[row * args.pitch + i], args.h[c]);
            if (l.planes == 0)
                args.packed[row][c] = rounded_byte(w, l);
            else
                write_pattern(args.packed[row], l.planes, c, level_pattern(l, w));
        }
        const std::size_t first = args.channel + args.channels;
        for (std::size_t c = first; c < (first + 7) / 8 * 8 + 8 * args.zero_bytes; ++c)
            write_pattern(args.packed[row], l.planes, c, 0);
    }
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

inline void count_bits(const count_args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        args.counts[p] = 0;
        for (std::size_t i = 0; i < args.words * 64; ++i)
            args.counts[p] += bit(args.plane + p * args.pixel_bytes + i / 64 * args.word_bytes, i % 64) ? 1 : 0;
    }
}

inline void merge_taps(const merge_args& args) {
    for (std::size_t i = 0; i < args.count; ++i) {
        unsigned char* cell = args.out + i * args.out_bytes;
        std::memset(cell, 0, args.out_bytes);
        for (std::size_t b = 0; b < args.taps * args.channels; ++b)
            for (std::size_t p = 0; p < args.planes; ++p)
                write_bit(cell + (b / 64 * args.planes + p) * 8, b % 64,
                          bit(args.pixels + i * args.pixel_bytes + b / args.channels * args.tap_bytes + p * 8,
                              b % args.channels));
    }
}

template <bool Fused>
constexpr kernel_table make_table() {
    kernel_table t{};  // without Winograd
    t.level = "reference";
    t.fused_multiply_add = Fused;
    t.families = families;
    t.family_count = sizeof families / sizeof families[0];
    t.real = make_real_family<Fused>();
    t.images = images;
    t.image_count = sizeof images / sizeof images[0];
    t.finish_i32 = &finish_tile<std::int32_t>;
    t.finish_f32 = &finish_tile<float>;
    t.finish_thresholds = &finish_thresholds_tile;
    t.quantize_tile = &quantize_tile;
    t.ternarize_row = &ternarize_row;
    t.max_pool = &max_pool;
    t.mean_pool = &mean_pool;
    t.count_bits = &count_bits;
    t.merge_taps = &merge_taps;
    return t;
}
template <bool Fused>
inline constexpr kernel_table table = make_table<Fused>();

}  // namespace reference
}  // namespace kernel

/// The table of obvious loops; fp32 products with two roundings, or one (`fused`), as the levels have them.
inline const kernel_table& reference_table(bool fused = false) {
    return fused ? kernel::reference::table<true> : kernel::reference::table<false>;
}

TERN_END_NAMESPACE
