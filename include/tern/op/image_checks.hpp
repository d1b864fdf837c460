// What operators that turn a float tensor into a packed image check before they write.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/overlap.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE

/// An error unless `values` has data (or no images) and the image's shape, all arrays are aligned, and neither it nor
/// the per-channel arrays g and h (or null) overlap the image. `op` names the operator.
inline status check_values_of_image(const tensor_view<const float>& values, const packed_image& out, const float* g,
                                    const float* h, const char* op) {
    const packed_layout& l = out.layout;
    if (!values && (values.n != 0 || values.c == 0))
        return make_error(errc::invalid_argument, "%s: no values", op);
    if (values.n != l.n || values.h != l.h || values.w != l.w || values.c != l.c)
        return make_error(
            errc::invalid_argument,
            "%s: expected values of %zux%zux%zux%zu (n, h, w, c) as in the packed image, found %zux%zux%zux%zu", op,
            l.n, l.h, l.w, l.c, values.n, values.h, values.w, values.c);
    TERN_TRY(check_tensor(values, op, "values"));
    TERN_TRY(check_array(g, op, "factors"));
    TERN_TRY(check_array(h, op, "shifts"));
    const byte_range written = range_of(out.data, l.total_bytes);
    if (written.overlaps(range_of(values)) || written.overlaps(range_of(g, g != nullptr ? l.c * sizeof(float) : 0)) ||
        written.overlaps(range_of(h, h != nullptr ? l.c * sizeof(float) : 0)))
        return make_error(errc::invalid_argument, "%s: the packed image overlaps an input", op);
    return {};
}

TERN_END_NAMESPACE
