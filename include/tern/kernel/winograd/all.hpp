// The forms that this level has: those with an instruction that sums products of bytes.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../finish/all.hpp"
#include "../product/bytes.hpp"
#include "../tuning.hpp"
#include "../winograd_form.hpp"
#include "forms.hpp"
#include "input.hpp"
#include "multiply.hpp"
#include "output.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if TERN_HAS_BYTE_DOT

template <class Form, class Tuning>
constexpr winograd_form make_winograd_form() {
    using product = byte_product<simd::byte_dot, byte_weights, typename Tuning::sizes, Tuning::blocks>;
    using integers = winograd_outputs<Form, simd::i32v>;
    using floats = winograd_outputs<Form, simd::f32v>;
    static_assert(product::channels % integers::channels == 0, "whole tiles are finished");
    winograd_form f;
    f.outputs = Form::outputs;
    f.input_gain = Form::input_gain;
    f.weight_gain = Form::weight_gain;
    f.scale = Form::scale;
    f.weights = &Form::weights[0][0];
    f.product = make_byte_family<product>("dot", "", Tuning::cost);
    f.transform_input = &transform_winograd_input<Form>;
    f.multiply = &multiply_winograd<product, Form>;
    f.channels = integers::channels;
    const auto add = [&](finish_kind kind, strip_kernel kernel) { f.strips[static_cast<std::size_t>(kind)] = kernel; };
    add(finish_kind::sums, &strip_of_sums<integers>);
    add(finish_kind::store, &strip_in_registers<floats, store_finish>);
    add(finish_kind::mixed, &strip_in_registers<floats, mixed_finish>);
    add(finish_kind::thresholds, &strip_in_registers<integers, thresholds_finish>);
    add(finish_kind::bytes, &strip_in_registers<floats, bytes_finish>);
    add(finish_kind::levels, &strip_in_registers<floats, levels_finish>);
    add(finish_kind::integer_levels, &strip_in_registers<integers, integer_levels_finish>);
    f.cost = Tuning::cost;
    return f;
}

/// The larger tiles first.
inline constexpr winograd_form winograd_forms[] = {make_winograd_form<winograd4, tuning::winograd>(),
                                                   make_winograd_form<winograd2, tuning::winograd>()};
inline constexpr const winograd_form* winograd_forms_of_level = winograd_forms;
inline constexpr std::size_t winograd_form_count = 2;

#else

inline constexpr const winograd_form* winograd_forms_of_level = nullptr;
inline constexpr std::size_t winograd_form_count = 0;

#endif

}  // namespace kernel
TERN_END_NAMESPACE
