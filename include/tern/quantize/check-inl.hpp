// Definitions of check.hpp.
#pragma once

#include <cstdio>

#include "../format/argument.hpp"
#include "check.hpp"
#include "float_bits.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC index_text format_index(const std::size_t* extents, std::size_t rank, std::size_t flat) noexcept {
    index_text out{};
    if (rank == 0)
        return out;
    bool known = rank <= 4 && extents != nullptr;
    for (std::size_t d = 0; known && d < rank; ++d)
        known = extents[d] != 0;
    if (!known) {
        std::snprintf(out.text, sizeof out.text, "[%zu]", flat);
        return out;
    }
    std::size_t index[4] = {};
    for (std::size_t d = rank; d-- > 0; flat /= extents[d])
        index[d] = flat % extents[d];
    int used = std::snprintf(out.text, sizeof out.text, "[%zu", index[0]);
    for (std::size_t d = 1; d < rank; ++d)
        used += std::snprintf(out.text + used, sizeof out.text - static_cast<std::size_t>(used), ",%zu", index[d]);
    std::snprintf(out.text + used, sizeof out.text - static_cast<std::size_t>(used), "]");
    return out;
}

TERN_FUNC index_text format_index(const weight_shape& shape, std::size_t flat) noexcept {
    const std::size_t extents[] = {shape.out_channels, shape.in_channels, shape.kh, shape.kw};
    return format_index(extents, 4, flat);
}

TERN_FUNC status not_finite_error(const char* name, const index_text& where, float found) noexcept {
    const bool is_nan = magnitude_bits(found) > float_infinity_bits;
    return make_error(errc::bad_value, "%s%.95s: expected a finite value, found %s", name_or(name, "tensor"),
                      where.text,
                      is_nan               ? "NaN"
                      : sign_of(found) < 0 ? "-infinity"
                                           : "infinity");
}

TERN_FUNC status check_finite(const float* data, const std::size_t* extents, std::size_t rank, const char* name) {
    name = name_or(name, "tensor");
    if (extents == nullptr && rank != 0)
        return make_error(errc::invalid_argument, "%s: expected %zu extents, found a null pointer", name, rank);
    checked_size size = 1;
    for (std::size_t d = 0; d < rank; ++d)
        size = size * extents[d];
    if (!(size * sizeof(float)).ok())
        return make_error(errc::invalid_argument, "%s: the number of elements overflows", name);
    if (data == nullptr && size.value != 0)
        return make_error(errc::invalid_argument, "%s: expected %zu floats, found a null pointer", name, size.value);
    if (!is_aligned(data))
        return make_error(errc::invalid_argument, "%s: expected floats at a multiple of %zu bytes, found %p", name,
                          alignof(float), static_cast<const void*>(data));
    for (std::size_t i = 0; i < size.value; ++i)
        if (!is_finite(data[i]))
            return not_finite_error(name, format_index(extents, rank, i), data[i]);
    return {};
}

TERN_FUNC status check_finite(const float* data, std::size_t n, const char* name) {
    return check_finite(data, &n, 1, name);
}

TERN_FUNC status check_finite(const float* data, const weight_shape& shape, const char* name) {
    TERN_TRY(check_weight_shape(shape));
    const std::size_t extents[] = {shape.out_channels, shape.in_channels, shape.kh, shape.kw};
    return check_finite(data, extents, 4, name);
}

TERN_END_NAMESPACE
