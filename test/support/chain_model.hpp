// An epilogue chain and, side by side, what it means: element by element, one rounding for every float operation.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include <tern/op/stage.hpp>

namespace tern_test {

// A product in an object of its own cannot become part of a fused multiply-add.
template <class T>
T product(T a, T b) {
    volatile T p = a * b;
    return p;
}

/// The larger of two floats, the first of equal ones; NaN if one is NaN.
inline float larger(float a, float b) {
    if (std::isnan(a) || std::isnan(b))
        return std::numeric_limits<float>::quiet_NaN();
    return a >= b ? a : b;
}

/// Builds a chain; `evaluate` says what it gives for one accumulator.
class chain_model {
public:
    using values = std::vector<float>;

    struct outcome {
        float stored = 0.0f;
        int codes[2] = {0, 0};
    };

    /// The chain starts with weight_scale * accumulator + weight_bias; an empty bias is 0.
    explicit chain_model(values weight_scale, values weight_bias = {})
        : scale_(std::move(weight_scale)), bias_(std::move(weight_bias)) {}
    chain_model(const chain_model&) = delete;
    chain_model& operator=(const chain_model&) = delete;

    chain_model& scale(values v) { return add(tern::stage::kind::scale, std::move(v)); }
    chain_model& bias(values v) { return add(tern::stage::kind::bias, std::move(v)); }
    chain_model& affine(std::vector<double> factor, std::vector<double> shift) {
        step& s = push(tern::stage::kind::affine);
        s.factor = std::move(factor);
        s.shift = std::move(shift);
        chain_.add(tern::stage::affine(s.factor.data(), s.shift.data()));
        return *this;
    }
    /// gamma and beta may be empty: 1 and 0.
    chain_model& batch_norm(values gamma, values beta, values mean, values variance, double epsilon) {
        step& s = push(tern::stage::kind::batch_norm);
        s.a = std::move(gamma);
        s.b = std::move(beta);
        s.mean = std::move(mean);
        s.variance = std::move(variance);
        s.epsilon = epsilon;
        chain_.add(tern::stage::batch_norm(s.a.empty() ? nullptr : s.a.data(), s.b.empty() ? nullptr : s.b.data(),
                                           s.mean.data(), s.variance.data(), epsilon));
        return *this;
    }
    chain_model& prelu(values slope) { return add(tern::stage::kind::prelu, std::move(slope)); }
    chain_model& clamp(float lo, float hi) {
        step& s = push(tern::stage::kind::clamp);
        s.lo = lo;
        s.hi = hi;
        chain_.add(tern::stage::clamp(lo, hi));
        return *this;
    }
    chain_model& relu() {
        step& s = push(tern::stage::kind::clamp);
        s.hi = std::numeric_limits<float>::infinity();
        chain_.add(tern::stage::relu());
        return *this;
    }
    /// Factor and shift for the residual, or both empty.
    chain_model& residual(tern::residual_kind kind, values factor = {}, values shift = {}) {
        step& s = push(tern::stage::kind::residual);
        s.a = std::move(factor);
        s.b = std::move(shift);
        chain_.add(s.a.empty() ? tern::stage::residual(kind) : tern::stage::residual(kind, s.a.data(), s.b.data()));
        residual_ = kind;
        return *this;
    }
    chain_model& store() {
        push(tern::stage::kind::store);
        chain_.add(tern::stage::store());
        stores_ = true;
        return *this;
    }
    chain_model& ternarize(tern::ternary_thresholds t = {}) {
        step& s = push(tern::stage::kind::quantize);
        s.thresholds = t;
        chain_.add(tern::stage::ternarize(t));
        ++quantizers_;
        return *this;
    }

    const tern::epilogue& chain() const { return chain_; }
    const float* weight_scale() const { return scale_.data(); }
    const float* weight_bias() const { return bias_.empty() ? nullptr : bias_.data(); }
    bool stores() const { return stores_; }
    std::size_t quantizers() const { return quantizers_; }
    tern::residual_kind residual() const { return residual_; }

    /// What becomes of an accumulator of channel `c`; `r` is the residual there.
    outcome evaluate(std::int32_t accumulator, std::size_t c, float r = 0.0f) const {
        outcome result;
        double a = static_cast<double>(scale_[c]),
               b = bias_.empty() ? 0.0 : static_cast<double>(bias_[c]);  // v = a*v + b, open
        bool products_are_done = false;
        float v = 0.0f;
        int quantizer = 0;
        for (const step& s : steps_) {
            if (s.kind <= tern::stage::kind::batch_norm) {
                double factor = 1.0, shift = 0.0;
                if (s.kind == tern::stage::kind::scale)
                    factor = s.a[c];
                if (s.kind == tern::stage::kind::bias)
                    shift = s.a[c];
                if (s.kind == tern::stage::kind::affine) {
                    factor = s.factor[c];
                    shift = s.shift[c];
                }
                if (s.kind == tern::stage::kind::batch_norm) {
                    factor = (s.a.empty() ? 1.0 : s.a[c]) / std::sqrt(s.variance[c] + s.epsilon);
                    shift = (s.b.empty() ? 0.0 : s.b[c]) - product<double>(s.mean[c], factor);
                }
                a = product(a, factor);
                b = product(b, factor) + shift;
                continue;
            }
            if (!products_are_done) {
                v = product(static_cast<float>(accumulator), static_cast<float>(a)) + static_cast<float>(b);
                products_are_done = true;
                a = 1.0;
                b = 0.0;
            }
            switch (s.kind) {
                case tern::stage::kind::prelu:
                    if (v < 0.0f)
                        v = product(s.a[c], v);
                    break;
                case tern::stage::kind::clamp:
                    if (v < s.lo)
                        v = s.lo;
                    if (v > s.hi)
                        v = s.hi;
                    break;
                case tern::stage::kind::residual: v += s.a.empty() ? r : product(s.a[c], r) + s.b[c]; break;
                case tern::stage::kind::store: result.stored = v; break;
                default: {  // ternarize; what follows starts from v again
                    const float w = product(static_cast<float>(a), v) + static_cast<float>(b);
                    const tern::ternary_thresholds& t = s.thresholds;
                    result.codes[quantizer++] = w > t.hi || (w == t.hi && !t.hi_strict)  ? 1
                                                : w < t.lo || (w == t.lo && t.lo_strict) ? -1
                                                                                         : 0;
                    a = 1.0;
                    b = 0.0;
                }
            }
        }
        return result;
    }

private:
    struct step {
        tern::stage::kind kind = tern::stage::kind::store;
        values a, b, mean, variance;
        std::vector<double> factor, shift;
        double epsilon = 0.0;
        float lo = 0.0f, hi = 0.0f;
        tern::ternary_thresholds thresholds;
    };

    step& push(tern::stage::kind kind) {
        steps_.emplace_back();
        steps_.back().kind = kind;
        return steps_.back();
    }
    chain_model& add(tern::stage::kind kind, values v) {
        step& s = push(kind);
        s.a = std::move(v);
        chain_.add(kind == tern::stage::kind::scale  ? tern::stage::scale(s.a.data())
                   : kind == tern::stage::kind::bias ? tern::stage::bias(s.a.data())
                                                     : tern::stage::prelu(s.a.data()));
        return *this;
    }

    values scale_, bias_;
    std::deque<step> steps_;  // stages point at their arrays
    tern::epilogue chain_;
    bool stores_ = false;
    std::size_t quantizers_ = 0;
    tern::residual_kind residual_ = tern::residual_kind::none;
};

}  // namespace tern_test
