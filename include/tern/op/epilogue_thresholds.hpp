// Integer thresholds of accumulators that give the codes of a chain in floats, where there are any.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include "../core/config.hpp"
#include "../core/rounding.hpp"
#include "../kernel/epilogue_params.hpp"
#include "../quantize/float_bits.hpp"

TERN_BEGIN_NAMESPACE
namespace epilogue_detail {

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
        for (std::size_t t = 0; t < p.quantizers[q].levels.count; ++t)
            at[t * pitch + c] = first_to_reach(p.quantizers[q].levels, t, limit, value);
        flip[c] = falling ? -1 : 0;
    }
    return true;
}

}  // namespace epilogue_detail
TERN_END_NAMESPACE
