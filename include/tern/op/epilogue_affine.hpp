// Affine stages of an epilogue, folded in double and rounded once.
#pragma once

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <utility>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/rounding.hpp"
#include "../core/status.hpp"
#include "../quantize/float_bits.hpp"
#include "stage.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE
namespace epilogue_detail {

// v = a*v + b per channel, in double, until it is rounded: the same constants whether the CPU flushes subnormal numbers
// or not.
struct affine {
    buffer<double> a, b;
    bool identity = true;

    status make(std::size_t channels, const allocator& memory) {
        auto x = make_buffer<double>(channels, memory);
        auto y = make_buffer<double>(channels, memory);
        if (!x.ok() || !y.ok())
            return !x.ok() ? x.status() : y.status();
        a = std::move(*x);
        b = std::move(*y);
        reset();
        return {};
    }

    void reset() noexcept {
        for (std::size_t c = 0; c < a.size(); ++c) {
            a[c] = 1.0;
            b[c] = 0.0;
        }
        identity = true;
    }

    status apply(const stage::any& s) {
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
        for (std::size_t c = 0; c < a.size(); ++c) {
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

}  // namespace epilogue_detail
TERN_END_NAMESPACE
