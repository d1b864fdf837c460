// What is saved of a stage: for each kind the fields that it has, for the writer and the reader alike.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../code/thresholds.hpp"
#include "../../core/config.hpp"
#include "../../core/status.hpp"
#include "../../format/packed_image.hpp"
#include "../stage.hpp"
#include "fields.hpp"

TERN_BEGIN_NAMESPACE
namespace saved_detail {

// Kinds by the numbers that they have in files, which never change; new ones go to the end.
inline constexpr stage::kind stage_kinds[] = {stage::kind::scale,      stage::kind::bias,  stage::kind::affine,
                                              stage::kind::batch_norm, stage::kind::prelu, stage::kind::clamp,
                                              stage::kind::residual,   stage::kind::store, stage::kind::quantize,
                                              stage::kind::quantize};
inline constexpr std::uint32_t kind_numbers = sizeof stage_kinds / sizeof stage_kinds[0];
static_assert(kind_numbers == stage::kind_count + 1, "every kind has a number in files");
// The first number of quantize stages is for those to ternary codes.
inline constexpr std::uint32_t ternarize_number = 8;
static_assert(stage_kinds[ternarize_number] == stage::kind::quantize, "it is said twice");

inline std::uint32_t number_of(const stage::any& s) noexcept {
    std::uint32_t number = 0;
    while (stage_kinds[number] != s.kind)
        ++number;
    return number == ternarize_number && s.levels.code != code_id::ternary ? number + 1 : number;
}

// Optional arrays, as bits; of quantize: whether the zero point is added first.
inline constexpr std::uint32_t has_first = 1, has_second = 2, adds_first = 1;

inline std::uint32_t possible_arrays(std::uint32_t number) noexcept {
    switch (stage_kinds[number]) {
        case stage::kind::batch_norm: return has_first | has_second;
        case stage::kind::residual: return has_first;
        case stage::kind::quantize: return number == ternarize_number ? 0 : adds_first;
        default: return 0;
    }
}
inline std::uint32_t present_arrays(const stage::any& s) noexcept {
    if (s.kind == stage::kind::quantize)
        return s.order == rounding::after_zero_point ? adds_first : 0;
    return possible_arrays(number_of(s)) & ((s.a != nullptr ? has_first : 0) | (s.b != nullptr ? has_second : 0));
}

template <class Fields, class T>
status exchange_array(Fields& f, const T*& values, std::size_t channels) {
    TERN_TRY(f.array(values, channels));
    return f.pad();
}

template <class Fields>
status exchange_levels(Fields& f, quantizer_thresholds& levels) {
    auto code = static_cast<std::uint32_t>(levels.code), count = static_cast<std::uint32_t>(levels.count);
    std::uint32_t strict = 0;
    for (int i = 0; i < levels.count; ++i)
        strict |= levels.strict[i] ? std::uint32_t{1} << i : 0;
    std::int32_t zero_point = is_byte_code(levels.code) ? levels.zero_point : 0;
    TERN_TRY(f.number(code));
    TERN_TRY(f.number(count));
    TERN_TRY(f.number(strict));
    TERN_TRY(f.number(zero_point));
    if (code >= code_count || count > quantizer_thresholds::max_count || strict >> count != 0 ||
        (zero_point != 0 && !is_byte_code(static_cast<code_id>(code))))
        return make_error(errc::bad_format,
                          "saved conv2d: expected a code, at most %d thresholds, strict ones among them, and no zero "
                          "point but of bytes, found the numbers %u, %u, %#x and %d",
                          quantizer_thresholds::max_count, code, count, strict, zero_point);
    levels.code = static_cast<code_id>(code);
    levels.count = static_cast<int>(count);
    levels.zero_point = zero_point;
    for (std::uint32_t i = 0; i < count; ++i) {
        levels.strict[i] = (strict >> i & 1u) != 0;
        TERN_TRY(f.number(levels.at[i]));
    }
    return f.pad();
}

template <class Fields>
status exchange_residual(Fields& f, stage::any& s, bool scaled, std::size_t channels) {
    std::uint32_t which = s.residual == residual_kind::same ? 1 : 2;
    TERN_TRY(f.number(which));
    TERN_TRY(f.pad());
    if (which != 1 && which != 2)
        return make_error(errc::bad_format,
                          "saved conv2d: residual: expected number 1 (same) or 2 (pooled), found number %u", which);
    s.residual = which == 1 ? residual_kind::same : residual_kind::pooled;
    if (!scaled)
        return {};
    TERN_TRY(exchange_array(f, s.a, channels));
    return exchange_array(f, s.b, channels);
}

/// The fields of a stage whose kind is known; `arrays`: which of the optional ones there are (quantize: adds_first).
template <class Fields>
status exchange_stage(Fields& f, stage::any& s, std::uint32_t arrays, std::size_t channels) {
    switch (s.kind) {
        case stage::kind::scale:
        case stage::kind::bias:
        case stage::kind::prelu: return exchange_array(f, s.a, channels);
        case stage::kind::affine:
            TERN_TRY(exchange_array(f, s.factor, channels));
            return exchange_array(f, s.shift, channels);
        case stage::kind::batch_norm:
            TERN_TRY(f.number(s.epsilon));
            if ((arrays & has_first) != 0)
                TERN_TRY(exchange_array(f, s.a, channels));
            if ((arrays & has_second) != 0)
                TERN_TRY(exchange_array(f, s.b, channels));
            TERN_TRY(exchange_array(f, s.mean, channels));
            return exchange_array(f, s.variance, channels);
        case stage::kind::clamp: TERN_TRY(f.number(s.lo)); return f.number(s.hi);
        case stage::kind::residual: return exchange_residual(f, s, (arrays & has_first) != 0, channels);
        case stage::kind::store: return {};
        case stage::kind::quantize: return exchange_levels(f, s.levels);
    }
    return {};
}

/// Writes a stage that has been checked.
inline status write_stage(field_writer& out, const stage::any& s, std::size_t channels) {
    const std::uint32_t arrays = present_arrays(s);
    TERN_TRY(out.number(number_of(s)));
    TERN_TRY(out.number(arrays));
    stage::any copy = s;
    return exchange_stage(out, copy, arrays, channels);
}

/// Reads a stage, whose arrays stay where they are. Its values are not checked yet.
inline status read_stage(field_reader& in, stage::any& s, std::size_t channels) {
    std::uint32_t number = 0, arrays = 0;
    const std::size_t place = in.place();
    TERN_TRY(in.number(number));
    TERN_TRY(in.number(arrays));
    if (number >= kind_numbers || (arrays & ~possible_arrays(number)) != 0)
        return make_error(
            errc::bad_format,
            "saved conv2d: byte %zu: expected a kind of stage and which optional arrays it has, found the "
            "numbers %u and %#x",
            place, number, arrays);
    s = {};
    s.kind = stage_kinds[number];
    TERN_TRY(exchange_stage(in, s, arrays, channels));
    if (s.kind == stage::kind::quantize && arrays == adds_first)
        s.order = rounding::after_zero_point;
    if (number != number_of(s))  // there is one number for each, so that equal convolutions have equal bytes
        return make_error(errc::bad_format,
                          "saved conv2d: byte %zu: expected the number %u of a quantizer to %s, found %u", place,
                          number_of(s), get_code_info(s.levels.code).title, number);
    return {};
}

}  // namespace saved_detail
TERN_END_NAMESPACE
