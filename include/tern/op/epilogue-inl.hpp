// Definitions of op/epilogue.hpp.
#pragma once

#include <utility>

#include "epilogue.hpp"
#include "epilogue_affine.hpp"
#include "epilogue_thresholds.hpp"
#include "levels.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE
namespace epilogue_detail {

inline status does_not_fit(const stage::any& s, std::size_t index, const char* why) {
    return make_error(
        errc::invalid_argument,
        "epilogue stage %zu (%s) %s; the order is: scale/bias/batch_norm, activation, residual, activation, store, "
        "then up to two times scale/bias/batch_norm and quantize",
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
    quantizer_thresholds without = s.levels;
    without.zero_point = 0;
    return lower_levels(without, levels);
}

// Reads a chain stage by stage into the one canonical order: products, activation, residual, activation, store,
// quantizers. Affine stages collect until one of the others takes them in.
class chain_reader {
public:
    chain_reader(lowered_epilogue& low, std::size_t padded) : low_(low), padded_(padded) {}

    // The chain begins with v = scale*acc + bias.
    status start(const float* scale, const float* bias, const allocator& memory) {
        auto floats = make_buffer<float>(checked_size(padded_) * array_count, memory);
        if (!floats.ok())
            return floats.status();
        low_.floats = std::move(*floats);
        TERN_TRY(current_.make(low_.channels, memory));
        for (std::size_t c = 0; c < low_.channels; ++c) {
            current_.a[c] = scale != nullptr ? exact_double(scale[c]) : 1.0;
            current_.b[c] = bias != nullptr ? exact_double(bias[c]) : 0.0;
        }
        return {};
    }

    status add(const stage::any& s, std::size_t index) {
        switch (s.kind) {
            case stage::kind::scale:
            case stage::kind::bias:
            case stage::kind::affine:
            case stage::kind::batch_norm: return current_.apply(s);
            case stage::kind::prelu:
            case stage::kind::clamp: return add_activation(s, index);
            case stage::kind::residual: return add_residual(s, index);
            case stage::kind::store: return add_store(s, index);
            case stage::kind::quantize: return add_quantizer(s, index);
        }
        return make_error(errc::invalid_argument, "epilogue stage %zu: expected a kind of stage, found number %d",
                          index, static_cast<int>(s.kind));
    }

    status finish() {
        TERN_TRY(close_products());
        if (!current_.identity)
            return make_error(errc::invalid_argument,
                              "epilogue: an affine stage behind an activation, residual or store must be followed by "
                              "quantize");
        return {};
    }

private:
    enum class part { products, first_activation, residual, second_activation, store, quantizers };
    // What `floats` holds; g and h of each quantizer come last.
    enum class array { scale, shift, first_slope, second_slope, residual_scale, residual_shift, quantizers };
    static constexpr std::size_t array_count = static_cast<std::size_t>(array::quantizers) + 2 * max_quantizers;

    float* values_of(array which) { return low_.floats.data() + static_cast<std::size_t>(which) * padded_; }

    // At the first stage of another kind, everything affine so far becomes v = scale*acc + shift.
    status close_products() {
        if (at_ != part::products)
            return {};
        TERN_TRY(round_to_float(current_.a, values_of(array::scale), "scale"));
        TERN_TRY(round_to_float(current_.b, values_of(array::shift), "shift"));
        low_.params.scale = values_of(array::scale);
        low_.params.shift = values_of(array::shift);
        current_.reset();
        return {};
    }

    status add_activation(const stage::any& s, std::size_t index) {
        if (at_ > part::residual)
            return does_not_fit(s, index, "comes too late");
        const bool is_first = at_ == part::products;
        TERN_TRY(close_products());
        if (!current_.identity)
            return does_not_fit(s, index, "follows an affine stage that follows an activation or residual");
        activation_params& act = is_first ? low_.params.first : low_.params.second;
        act.kind = s.kind == stage::kind::prelu ? activation_kind::prelu : activation_kind::clamp;
        if (s.kind == stage::kind::prelu) {
            float* slope = values_of(is_first ? array::first_slope : array::second_slope);
            TERN_TRY(copy_finite(s.a, low_.channels, slope, "PReLU slope"));
            act.slope = slope;
        } else if (!(s.lo <= s.hi)) {
            return make_error(errc::invalid_argument, "epilogue stage %zu (clamp): expected lo <= hi, found %g and %g",
                              index, static_cast<double>(s.lo), static_cast<double>(s.hi));
        }
        act.lo = s.lo;
        act.hi = s.hi;
        at_ = is_first ? part::first_activation : part::second_activation;
        return {};
    }

    status add_residual(const stage::any& s, std::size_t index) {
        if (at_ > part::first_activation)
            return does_not_fit(s, index, "comes too late");
        TERN_TRY(close_products());
        if (!current_.identity)
            return does_not_fit(s, index, "follows an affine stage that follows an activation");
        if ((s.residual != residual_kind::same && s.residual != residual_kind::pooled) ||
            (s.a == nullptr) != (s.b == nullptr))
            return make_error(errc::invalid_argument,
                              "epilogue stage %zu (residual): expected a kind, and scale and shift both or neither, "
                              "found number %d, scale %p and shift %p",
                              index, static_cast<int>(s.residual), static_cast<const void*>(s.a),
                              static_cast<const void*>(s.b));
        epilogue_params& p = low_.params;
        p.residual = s.residual;
        if (s.a != nullptr) {
            TERN_TRY(copy_finite(s.a, low_.channels, values_of(array::residual_scale), "residual scale"));
            TERN_TRY(copy_finite(s.b, low_.channels, values_of(array::residual_shift), "residual shift"));
            p.residual_scale = values_of(array::residual_scale);
            p.residual_shift = values_of(array::residual_shift);
        }
        at_ = part::residual;
        return {};
    }

    status add_store(const stage::any& s, std::size_t index) {
        if (at_ >= part::store)
            return does_not_fit(s, index, "comes too late");
        TERN_TRY(close_products());
        if (!current_.identity)
            return does_not_fit(s, index, "follows an affine stage that follows an activation or residual");
        low_.params.store = true;
        at_ = part::store;
        return {};
    }

    status add_quantizer(const stage::any& s, std::size_t index) {
        epilogue_params& p = low_.params;
        const std::size_t q = p.quantizer_count;
        if (q == max_quantizers)
            return does_not_fit(s, index, "is the third");
        TERN_TRY(close_products());
        quantizer_params& to = p.quantizers[q];
        float* const g = values_of(array::quantizers) + 2 * q * padded_;
        float* const h = g + padded_;
        TERN_TRY(round_to_float(current_.a, g, "quantizer factor"));
        for (std::size_t c = 0; rounds_last(s) && c < low_.channels; ++c)
            current_.b[c] += static_cast<double>(s.levels.zero_point);
        TERN_TRY(round_to_float(current_.b, h, "quantizer shift"));
        current_.reset();
        if (const status bad = lower_levels(s.levels, to.levels); !bad.ok())
            return make_error(bad.code(), "epilogue stage %zu (%s): %.400s", index, stage::name(s.kind), bad.message());
        TERN_TRY(order_rounding(s, index, to.levels));
        low_.codes[q] = s.levels.code;
        to.g = g;
        to.h = h;
        ++p.quantizer_count;
        at_ = part::quantizers;
        return {};
    }

    lowered_epilogue& low_;
    std::size_t padded_;
    affine current_;
    part at_ = part::products;
};

// Integer thresholds in place of the float chain, where all quantizers and channels can have them.
inline status add_thresholds(lowered_epilogue& low, checked_size padded, std::int32_t limit, const allocator& memory) {
    epilogue_params& p = low.params;
    checked_size arrays = 0;
    for (std::size_t q = 0; q < p.quantizer_count; ++q) {
        if (p.quantizers[q].levels.planes == 0)
            return {};  // values that are rounded have no thresholds
        arrays = arrays + p.quantizers[q].levels.count + 1;
    }
    auto integers = make_buffer<std::int32_t>(padded * arrays, memory);
    if (!integers.ok())
        return integers.status();
    low.integers = std::move(*integers);
    low.thresholds = true;
    std::int32_t* next = low.integers.data();
    for (std::size_t q = 0; q < p.quantizer_count && low.thresholds; ++q) {
        std::int32_t* const flip = next + p.quantizers[q].levels.count * padded.value;
        low.thresholds = find_thresholds(p, q, low.channels, limit, next, padded.value, flip);
        p.quantizers[q].thresholds = {next, flip, padded.value};
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
    lowered_epilogue low;
    low.channels = channels;
    const checked_size padded = round_up(channels, 64);
    chain_reader reader(low, padded.value);
    TERN_TRY(reader.start(scale, bias, memory));
    for (std::size_t i = 0; i < chain.count; ++i)
        TERN_TRY(reader.add(chain.stages[i], i));
    TERN_TRY(reader.finish());

    epilogue_params& p = low.params;
    const bool may_use_integers =
        max_accumulator > 0 && !p.store && p.residual == residual_kind::none && p.quantizer_count != 0;
    if (may_use_integers)
        TERN_TRY(add_thresholds(low, padded, max_accumulator, memory));
    return low;
}

TERN_END_NAMESPACE
