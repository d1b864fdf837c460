// What plans with an epilogue check about the tensors of a run before they write.
#pragma once

#include <cstddef>
#include <cstdio>

#include "../core/config.hpp"
#include "../core/float_tensor.hpp"
#include "../core/geometry.hpp"
#include "../core/overlap.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "epilogue.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE

namespace output_checks_detail {

template <class View>
status check_input(const View& input, std::size_t channels, const char* op) {
    if (!input && (input.n != 0 || input.c == 0))
        return make_error(errc::invalid_argument, "%s: no input", op);
    if (input.c != channels)
        return make_error(errc::invalid_argument, "%s: expected %zu input channels, found %zu", op, channels, input.c);
    return check_tensor(input, op, "input");
}

}  // namespace output_checks_detail

/// An error unless there is an input of so many channels, which may be null if it has no images. `op` names the plan.
template <class T>
status check_input(const tensor_view<const T>& input, std::size_t channels, const char* op) {
    return output_checks_detail::check_input(input, channels, op);
}
inline status check_input(const const_float_view& input, std::size_t channels, const char* op) {
    return output_checks_detail::check_input(input, channels, op);
}

/// An error unless the chain's one quantizer writes bytes and the tensor has the sizes of `shape` and the chain's
/// channels, which lie side by side. `op` names the plan.
inline status check_byte_output(const lowered_epilogue& chain, const image_shape& shape,
                                const tensor_view<std::uint8_t>& bytes, const char* op) {
    if (chain.params.quantizer_count != 1 || !is_byte_code(chain.codes[0]))
        return make_error(
            errc::invalid_argument,
            "%s: bytes are written by a chain whose one quantizer is requantize, found %zu quantizers%s%s", op,
            chain.params.quantizer_count, chain.params.quantizer_count == 1 ? " to " : "",
            chain.params.quantizer_count == 1 ? get_code_info(chain.codes[0]).title : "");
    if (!(image_shape{bytes.n, bytes.h, bytes.w} == shape) || bytes.c != chain.channels)
        return make_error(errc::invalid_argument,
                          "%s: byte output: expected %zux%zux%zux%zu (n, h, w, c), found %zux%zux%zux%zu", op, shape.n,
                          shape.h, shape.w, chain.channels, bytes.n, bytes.h, bytes.w, bytes.c);
    TERN_TRY(check_dense_channels(bytes, op, "byte output"));
    return check_written_tensor(bytes, op, "byte output");
}

namespace output_checks_detail {

inline status wrong_shape(const lowered_epilogue& chain, const image_shape& shape, const char* op, const char* what,
                          const image_shape& found, std::size_t channels) {
    return make_error(errc::invalid_argument, "%s: %s: expected %zux%zux%zux%zu (n, h, w, c), found %zux%zux%zux%zu",
                      op, what, shape.n, shape.h, shape.w, chain.channels, found.n, found.h, found.w, channels);
}

/// An error unless the tensor has the sizes of `shape` and the chain's channels.
template <class View>
status check_shape(const lowered_epilogue& chain, const image_shape& shape, const View& v, const char* op,
                   const char* what) {
    const image_shape found{v.n, v.h, v.w};
    if (!(found == shape) || v.c != chain.channels)
        return wrong_shape(chain, shape, op, what, found, v.c);
    return {};
}

inline status check_residual(const lowered_epilogue& chain, const image_shape& shape, const const_float_view& residual,
                             const char* op) {
    const residual_kind kind = chain.params.residual;
    if (bool(residual) != (kind != residual_kind::none))
        return make_error(errc::invalid_argument, "%s: the epilogue %s a residual, found %s", op,
                          residual ? "does not have" : "has", residual ? "one" : "none");
    if (kind == residual_kind::same)
        TERN_TRY(check_shape(chain, shape, residual, op, "residual"));
    const std::size_t c = chain.channels;
    if (kind == residual_kind::pooled && (residual.n != shape.n || residual.h != 2 * shape.h ||
                                          residual.w != 2 * shape.w || residual.c > c || residual.c == 0))
        return make_error(
            errc::invalid_argument,
            "%s: pooled residual: expected %zux%zux%zu (n, h, w) and at most %zu channels, found %zux%zux%zux%zu", op,
            shape.n, 2 * shape.h, 2 * shape.w, c, residual.n, residual.h, residual.w, residual.c);
    return check_tensor(residual, op, "residual");
}

/// `count`: how many packed outputs there must be; `beside`: words that say why there are none.
inline status check_packed_outputs(const lowered_epilogue& chain, const image_shape& shape,
                                   const packed_image (&packed)[2], std::size_t count, const char* beside,
                                   const char* op) {
    for (std::size_t q = 0; q < 2; ++q) {
        const packed_image& p = packed[q];
        if (bool(p) != (q < count))
            return make_error(errc::invalid_argument,
                              "%s: the epilogue has %zu packed outputs%s, found %s for number %zu", op, count, beside,
                              p ? "one" : "none", q);
        if (!p)
            continue;
        char name[32];
        std::snprintf(name, sizeof name, "%s: packed[%zu]", op, q);
        TERN_TRY(check_packed_image(p, chain.codes[q], name));
        if (!(p.layout.shape() == shape) || p.layout.c != chain.channels)
            return wrong_shape(chain, shape, op, "packed output", p.layout.shape(), p.layout.c);
    }
    return {};
}

}  // namespace output_checks_detail

/// An error unless the float output, the residual and both packed outputs are there if the chain has them, and have the
/// sizes of `shape` and the chain's channels. `bytes`: may take the place of packed[0]. `op` names the plan.
inline status check_epilogue_tensors(const lowered_epilogue& chain, const image_shape& shape, const float_view& out,
                                     const const_float_view& residual, const packed_image (&packed)[2], const char* op,
                                     const tensor_view<std::uint8_t>& bytes = {}) {
    using namespace output_checks_detail;
    if (bool(out) != chain.params.store)
        return make_error(errc::invalid_argument, "%s: the epilogue %s a float output, found %s", op,
                          chain.params.store ? "stores" : "does not store", out ? "one" : "none");
    if (out)
        TERN_TRY(check_shape(chain, shape, out, op, "out"));
    TERN_TRY(check_written_tensor(out, op, "out"));
    TERN_TRY(check_residual(chain, shape, residual, op));
    if (bytes)
        TERN_TRY(check_byte_output(chain, shape, bytes, op));
    return check_packed_outputs(chain, shape, packed, bytes ? 0 : chain.params.quantizer_count,
                                bytes ? " beside its bytes" : "", op);
}

/// What a run reads and writes beside the tensors of its epilogue.
struct run_memory {
    byte_range input, scratch, accumulators{}, bytes{};
};

inline bool same_view(const float_view& a, const const_float_view& b) {
    return a.data == b.data && a.type == b.type && a.stride_n == b.stride_n && a.stride_h == b.stride_h &&
           a.stride_w == b.stride_w && a.stride_c == b.stride_c && a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c;
}

/// An error if anything written overlaps anything else, but `out` that is exactly the residual, unpooled.
inline status check_overlaps(const lowered_epilogue& chain, const run_memory& memory, const float_view& out,
                             const const_float_view& residual, const packed_image (&packed)[2], const char* op) {
    const auto range_of_image = [](const packed_image& p) { return range_of(p.data, p.layout.total_bytes); };
    const byte_range outputs[5] = {range_of(out), memory.accumulators, range_of_image(packed[0]),
                                   range_of_image(packed[1]), memory.bytes};
    const byte_range inputs[3] = {memory.input, range_of(residual), memory.scratch};
    if (inputs[2].overlaps(inputs[0]) || inputs[2].overlaps(inputs[1]))
        return make_error(errc::invalid_argument, "%s: the workspace overlaps an input", op);
    const bool in_place = chain.params.residual == residual_kind::same && same_view(out, residual);
    for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t j = 0; j < 3; ++j)
            if (outputs[i].overlaps(inputs[j]) && !(in_place && i == 0 && j == 1))
                return make_error(
                    errc::invalid_argument,
                    "%s: an output overlaps an input or the workspace; only out and residual may be the same view", op);
        for (std::size_t j = 0; j < i; ++j)
            if (outputs[i].overlaps(outputs[j]))
                return make_error(errc::invalid_argument, "%s: two outputs overlap", op);
    }
    return {};
}

TERN_END_NAMESPACE
