// Operations on every value of a map of floats, as plain loops: what no epilogue has taken. Internal to planned_graph.
#pragma once

#include <cmath>
#include <cstddef>

#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/rounding.hpp"
#include "../../core/tensor.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// body(image, row) for all rows, divided among the slices.
template <class Body>
void for_each_row(std::size_t n, std::size_t h, const executor& threads, Body&& body) {
    parallel_ranges(threads, n * h, [&](const slice_range& part) {
        for (std::size_t row = part.begin; row < part.end; ++row)
            body(row / h, row % h);
    });
}

/// Channels one behind the other, known when the loops are compiled.
struct dense_channels {
    constexpr operator std::ptrdiff_t() const noexcept { return 1; }
};

/// One operation on the `channels` values of a pixel, `stride` floats apart, in place.
template <class Stride>
void apply(const step::operation& op, float* v, std::size_t channels, Stride stride, const float* other,
           Stride other_stride) {
    using kind = step::operation::kind;
    const auto each = [&](auto&& f) {
        for (std::size_t c = 0; c < channels; ++c)
            v[static_cast<std::ptrdiff_t>(c) * stride] = f(v[static_cast<std::ptrdiff_t>(c) * stride], c);
    };
    switch (op.what) {
        case kind::affine: return each([&](float x, std::size_t c) { return rounded(op.a[c] * x) + op.b[c]; });
        case kind::prelu: return each([&](float x, std::size_t c) { return x >= 0.0f ? x : op.a[c] * x; });
        case kind::clamp: return each([&](float x, std::size_t) { return x < op.lo ? op.lo : x > op.hi ? op.hi : x; });
        case kind::sigmoid: return each([](float x, std::size_t) { return 1.0f / (1.0f + std::exp(-x)); });
        case kind::silu: return each([](float x, std::size_t) { return x / (1.0f + std::exp(-x)); });
        case kind::add:
            return each(
                [&](float x, std::size_t c) { return x + other[static_cast<std::ptrdiff_t>(c) * other_stride]; });
    }
}

/// `floats(value)` gives the other maps of sums. `out` may be exactly `in`.
template <class Floats>
void apply(const step::elementwise& e, const tensor_view<const float>& in, const tensor_view<float>& out,
           Floats&& floats, const executor& threads) {
    for_each_row(out.n, out.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < out.w; ++x) {
            float* const to = &out.at(n, y, x, 0);
            for (std::size_t c = 0; c < out.c; ++c)
                to[static_cast<std::ptrdiff_t>(c) * out.stride_c] = in.at(n, y, x, c);
            for (const step::operation& op : e.operations) {
                const tensor_view<const float> other =
                    op.other != step::none ? floats(op.other) : tensor_view<const float>{};
                const float* const second = other ? &other.at(n, y, x, 0) : nullptr;
                if (out.stride_c == 1 && (!other || other.stride_c == 1))
                    apply(op, to, out.c, dense_channels{}, second, dense_channels{});
                else
                    apply(op, to, out.c, out.stride_c, second, other.stride_c);
            }
        }
    });
}

}  // namespace graph_detail
TERN_END_NAMESPACE
