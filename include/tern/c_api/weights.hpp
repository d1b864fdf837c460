// Weights of C as codes.
#pragma once

#include <utility>

#include "../core/config.hpp"
#include "../format/code_weights.hpp"
#include "../quantize/sttn.hpp"
#include "../quantize/stqn.hpp"
#include "../quantize/twn.hpp"
#include "../quantize/uniform.hpp"
#include "structs.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

inline weight_shape shape_of(const tern_weights& w) noexcept {
    return {w.out_channels, w.in_channels, one_of(w.kernel_h), one_of(w.kernel_w)};
}

/// An error unless there are floats to quantize.
inline status check_values(const tern_weights& w) {
    TERN_TRY(check_weight_shape(shape_of(w)));
    if (w.values == nullptr)
        return null_pointer("tern_weights.values");
    if (w.scale != nullptr)
        return make_error(errc::invalid_argument, "tern_weights.scale: expected null beside values, which have scales");
    return {};
}

template <class T>
status take(result<T> made, T& to) {
    if (!made.ok())
        return made.status();
    to = std::move(*made);
    return {};
}

inline status read_merged(const tern_weights& w, code_id code, const allocator& memory, code_weights& to) {
    TERN_TRY(check_values(w));
    return code == code_id::ternary
               ? take(quantize_merged(w.values, shape_of(w), "values", w.bias, {}, memory), to)
               : take(quantize_merged_odd(w.values, shape_of(w), code, "values", w.bias, {}, memory), to);
}

inline status read_twn(const tern_weights& w, twn_granularity granularity, const allocator& memory, code_weights& to) {
    TERN_TRY(check_values(w));
    twn_options options;
    options.granularity = granularity;
    auto made = quantize_twn(w.values, shape_of(w), "values", w.bias, options, memory);
    if (!made.ok())
        return made.status();
    to = std::move(made->weights);
    return {};
}

inline status read_uniform(const tern_weights& w, code_id code, const allocator& memory, code_weights& to) {
    TERN_TRY(check_values(w));
    uniform_weight_options options;
    options.code = code;
    auto made = quantize_uniform(w.values, shape_of(w), "values", w.bias, options, memory);
    if (!made.ok())
        return made.status();
    for (const std::int32_t zero : made->zero_point)
        if (zero != 0)
            return make_error(errc::unsupported, "tern_weights: uniform weights of %s have zero points",
                              get_code_info(code).title);
    to = std::move(made->weights);
    return {};
}

inline status read_weights(const tern_weights* given, const allocator& memory, code_weights& to) {
    tern_weights w;
    TERN_TRY(need_struct(given, w, "tern_weights"));
    const auto code = code_of(w.code, "tern_weights.code");
    if (!code.ok())
        return code.status();
    switch (w.source) {
        case TERN_WEIGHTS_CODES:
            return take(pack_code_weights(w.codes, shape_of(w), *code, w.scale, w.bias, memory), to);
        case TERN_WEIGHTS_MERGED: return read_merged(w, *code, memory, to);
        case TERN_WEIGHTS_STTN:
            TERN_TRY(check_values(w));
            return take(quantize_sttn_pair(w.values, w.values2, shape_of(w), "values", "values2", w.bias, nullptr, {},
                                           memory),
                        to);
        case TERN_WEIGHTS_TWN: return read_twn(w, twn_granularity::layer, memory, to);
        case TERN_WEIGHTS_TWN_FILTER: return read_twn(w, twn_granularity::filter, memory, to);
        case TERN_WEIGHTS_BINARY:
            TERN_TRY(check_values(w));
            return take(quantize_binary(w.values, shape_of(w), "values", w.bias, {}, memory), to);
        case TERN_WEIGHTS_UNIFORM: return read_uniform(w, *code, memory, to);
        default:
            return make_error(errc::invalid_argument, "tern_weights: expected a tern_weight_source, found %d",
                              static_cast<int>(w.source));
    }
}

}  // namespace c_api
TERN_END_NAMESPACE
