// Definitions of op/epilogue.hpp.
#pragma once

#include <cmath>

#include "../core/rounding.hpp"
#include "../quantize/float_bits.hpp"
#include "epilogue.hpp"
#include "levels.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE
namespace epilogue_detail {

// v = a*v + b per channel, in double, until it is rounded: the same constants whether the CPU flushes subnormal numbers
// or not.
struct affine {
    buffer<double> a, b;
    bool identity = true;

    status reset(std::size_t channels, const allocator& memory) {
        if (a.empty()) {
            auto x = make_buffer<double>(channels, memory);
            auto y = make_buffer<double>(channels, memory);
            if (!x.ok() || !y.ok())
                return !x.ok() ? x.status() : y.status();
            a = std::move(*x);
            b = std::move(*y);
        }
        for (std::size_t c = 0; c < channels; ++c) {
            a[c] = 1.0;
            b[c] = 0.0;
        }
        identity = true;
        return {};
    }

    status apply(const stage::any& s, std::size_t channels) {
        identity = false;
        const char* name = stage::name(s.kind);
        const bool is_norm = s.kind == stage::kind::batch_norm, is_affine = s.kind == stage::kind::affine;
        if (is_norm     ? s.mean == nullptr || s.variance == nullptr
            : is_affine ? s.factor == nullptr || s.shift == nullptr
                        : s.a == nullptr)
            return make_error(errc::invalid_argument, "epilogue stage %s: null array", name);
        for (const float* array : {s.a, s.b, s.mean, s.variance})
            TERN_TRY(check_array(array, "epilogue stage", name));
        for (const double* array : {s.factor, s.shift})
            TERN_TRY(check_array(array, "epilogue stage", name));
        for (std::size_t c = 0; c < channels; ++c) {
            double factor = 1.0, shift = 0.0;
            if (s.kind == stage::kind::scale) {
                factor = exact_double(s.a[c]);
            } else if (s.kind == stage::kind::bias) {
                shift = exact_double(s.a[c]);
            } else if (is_affine) {
                factor = s.factor[c];
                shift = s.shift[c];
            } else {
                const double spread = exact_double(s.variance[c]) + s.epsilon;
                if (!(spread > 0.0) || !std::isfinite(spread))
                    return make_error(
                        errc::bad_value,
                        "epilogue stage %s, channel %zu: variance %g + epsilon %g must be finite and above 0", name, c,
                        exact_double(s.variance[c]), s.epsilon);
                factor = (s.a != nullptr ? exact_double(s.a[c]) : 1.0) / std::sqrt(spread);
                shift = (s.b != nullptr ? exact_double(s.b[c]) : 0.0) - rounded(exact_double(s.mean[c]) * factor);
            }
            if (!std::isfinite(factor) || !std::isfinite(shift))
                return make_error(errc::bad_value,
                                  "epilogue stage %s, channel %zu: expected finite values, found factor %g, shift %g",
                                  name, c, factor, shift);
            a[c] *= factor;
            b[c] = rounded(b[c] * factor) + shift;
        }
        return {};
    }
};

// Rounds one folded array into its padded place; an overflow of float is an error.
inline status round_to_float(const buffer<double>& from, float* to, const char* what) {
    for (std::size_t c = 0; c < from.size(); ++c) {
        to[c] = nearest_float(from[c]);
        if (!std::isfinite(to[c]))
            return make_error(errc::bad_value, "epilogue: folded %s of channel %zu is %g, which no float holds", what,
                              c, from[c]);
    }
    return {};
}

inline status copy_finite(const float* from, std::size_t channels, float* to, const char* what) {
    if (from == nullptr)
        return make_error(errc::invalid_argument, "epilogue: null %s array", what);
    TERN_TRY(check_array(from, "epilogue", what));
    for (std::size_t c = 0; c < channels; ++c) {
        if (!std::isfinite(from[c]))
            return make_error(errc::bad_value, "epilogue: %s of channel %zu: expected a finite value, found %g", what,
                              c, static_cast<double>(from[c]));
        to[c] = from[c];
    }
    return {};
}

// One activation of one value, exactly as the kernels do it.
inline float activate(const activation_params& p, std::size_t channel, float v) {
    if (p.kind == activation_kind::prelu)
        return v < 0.0f ? rounded(p.slope[channel] * v) : v;
    if (p.kind == activation_kind::clamp) {
        v = v < p.lo ? p.lo : v;
        return p.hi < v ? p.hi : v;
    }
    return v;
}

// The value that quantizer q compares, for one accumulator.
inline float quantizer_input(const epilogue_params& p, std::size_t q, std::size_t channel, std::int32_t acc) {
    float v = rounded(p.scale[channel] * static_cast<float>(acc)) + p.shift[channel];
    v = activate(p.first, channel, v);
    v = activate(p.second, channel, v);
    return rounded(p.quantizers[q].g[channel] * v) + p.quantizers[q].h[channel];
}

inline bool non_decreasing(const activation_params& p, std::size_t channel) {
    if (p.kind == activation_kind::prelu)
        return p.slope[channel] >= 0.0f;
    return p.kind == activation_kind::none || p.lo <= p.hi;
}

// A bound of the magnitude of a chain's values that are not 0, step by step, and whether all are normal numbers: then
// they are the same whether the CPU flushes subnormal ones or not.
class smallest_value {
public:
    bool is_normal() const noexcept { return is_normal_; }
    void multiply(float factor) noexcept {
        const double size = magnitude(factor);
        least_ = size != 0.0 ? least_ * size : std::numeric_limits<double>::infinity();
        check(size);
    }
    // A sum is a multiple of what the last bits of both are worth.
    void add(float constant) noexcept {
        const double size = magnitude(constant);
        if (size != 0.0)
            least_ = std::fmin(least_, size) * 0x1p-24;
        check(size);
    }
    void activate(const activation_params& p, std::size_t channel) noexcept {
        const double before = least_;
        if (p.kind == activation_kind::prelu)
            multiply(p.slope[channel]);
        for (const float limit : {p.lo, p.hi})
            if (const double size = magnitude(limit); p.kind == activation_kind::clamp && size != 0.0) {
                least_ = std::fmin(least_, size);
                check(size);
            }
        least_ = std::fmin(least_, before);
    }

private:
    void check(double constant) noexcept {
        constexpr auto normal = static_cast<double>(std::numeric_limits<float>::min());
        is_normal_ = is_normal_ && least_ >= 2 * normal && (constant == 0.0 || constant >= normal);
    }
    double least_ = 1.0;  // of an accumulator
    bool is_normal_ = true;
};

inline bool stays_normal(const epilogue_params& p, std::size_t q, std::size_t c) {
    smallest_value v;
    v.multiply(p.scale[c]);
    v.add(p.shift[c]);
    v.activate(p.first, c);
    v.activate(p.second, c);
    v.multiply(p.quantizers[q].g[c]);
    v.add(p.quantizers[q].h[c]);
    return v.is_normal();
}

// Smallest a in [-limit, limit] whose value reaches threshold t, or limit + 1; value does not decrease.
template <class Value>
std::int32_t first_to_reach(const level_params& levels, std::size_t t, std::int32_t limit, const Value& value) {
    const bool strict = ((levels.strict >> t) & 1u) != 0;
    std::int64_t low = -static_cast<std::int64_t>(limit), high = static_cast<std::int64_t>(limit) + 1;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        const float v = value(static_cast<std::int32_t>(middle));
        if (strict ? v > levels.at[t] : v >= levels.at[t])
            high = middle;
        else
            low = middle + 1;
    }
    return static_cast<std::int32_t>(low);
}

// Whether quantizer q can use integers in channel c, and whether its input falls with the accumulator.
inline bool is_monotone(const epilogue_params& p, std::size_t q, std::size_t c, std::int32_t limit, bool& falling) {
    if (!non_decreasing(p.first, c) || !non_decreasing(p.second, c))
        return false;
    falling = (p.scale[c] < 0.0f) != (p.quantizers[q].g[c] < 0.0f);
    return std::isfinite(quantizer_input(p, q, c, -limit)) && std::isfinite(quantizer_input(p, q, c, limit)) &&
           std::isfinite(std::fabs(p.scale[c]) * static_cast<float>(limit) + std::fabs(p.shift[c]));
}

// Fills [level][pitch] thresholds of quantizer q, and which channels fall; false if some channel is not monotone,
// leaves the finite numbers, or may have subnormal ones.
inline bool find_thresholds(const epilogue_params& p, std::size_t q, std::size_t channels, std::int32_t limit,
                            std::int32_t* at, std::size_t pitch, std::int32_t* flip) {
    for (std::size_t c = 0; c < channels; ++c) {
        bool falling = false;
        if (!stays_normal(p, q, c) || !is_monotone(p, q, c, limit, falling))
            return false;
        const auto value = [&](std::int32_t a) { return quantizer_input(p, q, c, falling ? -a : a); };
        for (std::size_t t = 0; t < p.levels[q].count; ++t)
            at[t * pitch + c] = first_to_reach(p.levels[q], t, limit, value);
        flip[c] = falling ? -1 : 0;
    }
    return true;
}

inline status does_not_fit(const stage::any& s, std::size_t index, const char* why) {
    return make_error(
        errc::invalid_argument,
        "epilogue stage %zu (%s) %s; the order is: scale/bias/batch_norm, activation, residual, activation, store, "
        "then up to two times scale/bias/batch_norm and ternarize or quantize",
        index, stage::name(s.kind), why);
}

// Whether a stage makes bytes and adds the zero point before it rounds.
inline bool rounds_last(const stage::any& s) {
    return is_byte_code(s.levels.code) && s.order == rounding::after_zero_point;
}

// Where rounding comes last, the zero point is part of the shift and no part of the levels.
inline status order_rounding(const stage::any& s, std::size_t index, level_params& levels) {
    if (s.order != rounding::before_zero_point && s.order != rounding::after_zero_point)
        return make_error(errc::invalid_argument,
                          "epilogue stage %zu (%s): expected an order of rounding, found number %d", index,
                          stage::name(s.kind), static_cast<int>(s.order));
    if (!rounds_last(s) && s.order != rounding::before_zero_point)
        return make_error(errc::invalid_argument, "epilogue stage %zu (%s): only bytes have an order of rounding",
                          index, stage::name(s.kind));
    if (!rounds_last(s))
        return {};
    level_thresholds without = s.levels;
    without.zero_point = 0;
    return lower_levels(without, levels);
}

// Integer thresholds in place of the float chain, where all quantizers and channels can have them.
inline status add_thresholds(lowered_epilogue& low, checked_size padded, std::int32_t limit, const allocator& memory) {
    epilogue_params& p = low.params;
    checked_size arrays = 0;
    for (std::size_t q = 0; q < p.quantizer_count; ++q) {
        if (p.levels[q].planes == 0)
            return {};  // values that are rounded have no thresholds
        arrays = arrays + p.levels[q].count + 1;
    }
    auto integers = make_buffer<std::int32_t>(padded * arrays, memory);
    if (!integers.ok())
        return integers.status();
    low.integers = std::move(*integers);
    low.threshold_pitch = padded.value;
    low.thresholds = true;
    std::int32_t* next = low.integers.data();
    for (std::size_t q = 0; q < p.quantizer_count && low.thresholds; ++q) {
        std::int32_t* const flip = next + p.levels[q].count * padded.value;
        low.thresholds = find_thresholds(p, q, low.channels, limit, next, padded.value, flip);
        low.level_thresholds[q] = next;
        if (!low.general)
            p.thresholds[q] = {next + padded.value, next, flip};
        next = flip + padded.value;
    }
    return {};
}

}  // namespace epilogue_detail

TERN_FUNC result<lowered_epilogue> lower_epilogue(const epilogue& chain, std::size_t channels, const float* scale,
                                                  const float* bias, std::int32_t max_accumulator,
                                                  const allocator& memory) {
    using namespace epilogue_detail;
    if (chain.overflow || chain.count > epilogue::capacity)
        return make_error(errc::invalid_argument, "epilogue: more than %zu stages", epilogue::capacity);
    if (channels == 0)
        return make_error(errc::invalid_argument, "epilogue: expected output channels, found none");
    TERN_TRY(check_array(scale, "epilogue", "scale of the weights"));
    TERN_TRY(check_array(bias, "epilogue", "bias of the weights"));
    // Arrays: scale, shift, two slopes, residual scale and shift, g and h of two quantizers.
    constexpr std::size_t float_arrays = 10;
    lowered_epilogue low;
    low.channels = channels;
    const checked_size padded = round_up(channels, 64);
    auto floats = make_buffer<float>(padded * float_arrays, memory);
    if (!floats.ok())
        return floats.status();
    low.floats = std::move(*floats);
    const auto array = [&](std::size_t i) { return low.floats.data() + i * padded.value; };
    epilogue_params& p = low.params;

    affine current;
    TERN_TRY(current.reset(channels, memory));
    for (std::size_t c = 0; c < channels; ++c) {
        current.a[c] = scale != nullptr ? exact_double(scale[c]) : 1.0;
        current.b[c] = bias != nullptr ? exact_double(bias[c]) : 0.0;
    }
    const auto close_products = [&]() -> status {  // everything affine so far becomes v = scale*acc + shift
        TERN_TRY(round_to_float(current.a, array(0), "scale"));
        TERN_TRY(round_to_float(current.b, array(1), "shift"));
        p.scale = array(0);
        p.shift = array(1);
        return current.reset(channels, memory);
    };

    enum class part { products, first_activation, residual, second_activation, store, quantizers };
    part at = part::products;
    for (std::size_t i = 0; i < chain.count; ++i) {
        const stage::any& s = chain.stages[i];
        switch (s.kind) {
            case stage::kind::scale:
            case stage::kind::bias:
            case stage::kind::affine:
            case stage::kind::batch_norm: TERN_TRY(current.apply(s, channels)); break;
            case stage::kind::prelu:
            case stage::kind::clamp: {
                if (at > part::residual)
                    return does_not_fit(s, i, "comes too late");
                if (at == part::products)
                    TERN_TRY(close_products());
                if (!current.identity)
                    return does_not_fit(s, i, "follows an affine stage that follows an activation or residual");
                const bool is_first = at == part::products;
                activation_params& act = is_first ? p.first : p.second;
                act.kind = s.kind == stage::kind::prelu ? activation_kind::prelu : activation_kind::clamp;
                if (s.kind == stage::kind::prelu) {
                    float* slope = array(is_first ? 2 : 3);
                    TERN_TRY(copy_finite(s.a, channels, slope, "PReLU slope"));
                    act.slope = slope;
                } else if (!(s.lo <= s.hi)) {
                    return make_error(errc::invalid_argument,
                                      "epilogue stage %zu (clamp): expected lo <= hi, found %g and %g", i,
                                      static_cast<double>(s.lo), static_cast<double>(s.hi));
                }
                act.lo = s.lo;
                act.hi = s.hi;
                at = is_first ? part::first_activation : part::second_activation;
                break;
            }
            case stage::kind::residual:
                if (at > part::first_activation)
                    return does_not_fit(s, i, "comes too late");
                if (at == part::products)
                    TERN_TRY(close_products());
                if (!current.identity)
                    return does_not_fit(s, i, "follows an affine stage that follows an activation");
                if ((s.residual != residual_kind::same && s.residual != residual_kind::pooled) ||
                    (s.a == nullptr) != (s.b == nullptr))
                    return make_error(errc::invalid_argument,
                                      "epilogue stage %zu (residual): expected a kind, and scale and shift both or "
                                      "neither, found number %d, scale %p and shift %p",
                                      i, static_cast<int>(s.residual), static_cast<const void*>(s.a),
                                      static_cast<const void*>(s.b));
                p.residual = s.residual;
                if (s.a != nullptr) {
                    TERN_TRY(copy_finite(s.a, channels, array(4), "residual scale"));
                    TERN_TRY(copy_finite(s.b, channels, array(5), "residual shift"));
                    p.residual_scale = array(4);
                    p.residual_shift = array(5);
                }
                at = part::residual;
                break;
            case stage::kind::store:
                if (at >= part::store)
                    return does_not_fit(s, i, "comes too late");
                if (at == part::products)
                    TERN_TRY(close_products());
                if (!current.identity)
                    return does_not_fit(s, i, "follows an affine stage that follows an activation or residual");
                p.store = true;
                at = part::store;
                break;
            case stage::kind::quantize:
            case stage::kind::ternarize: {
                if (p.quantizer_count == max_quantizers)
                    return does_not_fit(s, i, "is the third");
                if (at == part::products)
                    TERN_TRY(close_products());
                quantizer_params& q = p.quantizers[p.quantizer_count];
                float* g = array(6 + 2 * p.quantizer_count);
                float* h = g + padded.value;
                TERN_TRY(round_to_float(current.a, g, "quantizer factor"));
                for (std::size_t c = 0; rounds_last(s) && c < channels; ++c)
                    current.b[c] += static_cast<double>(s.levels.zero_point);
                TERN_TRY(round_to_float(current.b, h, "quantizer shift"));
                TERN_TRY(current.reset(channels, memory));
                if (s.kind == stage::kind::ternarize && !check_thresholds(s.levels).ok())
                    return make_error(errc::invalid_argument,
                                      "epilogue stage %zu (ternarize): expected lo <= hi, found %g and %g", i,
                                      static_cast<double>(s.lo), static_cast<double>(s.hi));
                level_params& levels = p.levels[p.quantizer_count];
                TERN_TRY(lower_levels(s.levels, levels));
                TERN_TRY(order_rounding(s, i, levels));
                low.codes[p.quantizer_count] = s.levels.code;
                low.general = low.general || s.levels.code != code_id::ternary;
                q = {g, h, levels.at[1], levels.at[0]};
                ++p.quantizer_count;
                at = part::quantizers;
                break;
            }
            default:
                return make_error(errc::invalid_argument,
                                  "epilogue stage %zu: expected a kind of stage, found number %d", i,
                                  static_cast<int>(s.kind));
        }
    }
    if (at == part::products)
        TERN_TRY(close_products());
    if (!current.identity)
        return make_error(errc::invalid_argument,
                          "epilogue: an affine stage behind an activation, residual or store must be followed by "
                          "ternarize or quantize");

    const bool may_use_integers =
        max_accumulator > 0 && !p.store && p.residual == residual_kind::none && p.quantizer_count != 0;
    if (may_use_integers)
        TERN_TRY(add_thresholds(low, padded, max_accumulator, memory));
    // Kernels that write ternary codes themselves compare with >= alone.
    for (std::size_t q = 0; q < p.quantizer_count && !low.thresholds; ++q)
        low.general = low.general || p.levels[q].strict != 0;
    return low;
}

TERN_END_NAMESPACE
