// Maximum and mean over windows of float tensors.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/geometry.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../kernel/table.hpp"

TERN_BEGIN_VOCABULARY

/// A window and how it moves. Padding is no value: a maximum ignores it (-infinity if there is nothing
/// else), a mean divides by the pixels that are there (0 if there are none).
struct pool_options {
    std::size_t kernel_h = 1, kernel_w = 1;
    conv_geometry geometry{};               ///< stride, padding, dilation; groups are ignored
    const kernel_table* kernels = nullptr;  ///< null: select_kernels() at every call; see kernels() of plans
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Output sizes of a pooling, or an error that names what does not fit.
TERN_FUNC result<image_shape> pool_output_shape(const image_shape& in, const pool_options& options);

/// out[n][y][x][c] = the largest value of the window (of equal ones the first in row-major order); NaN if one is NaN.
/// Any strides; tensors with both channels dense go through the kernels. Errors: shapes, padding, overlap, misaligned
/// tensors, outputs that share memory; nothing is written. No images (n = 0): does nothing.
TERN_FUNC status max_pool(const tensor_view<const float>& in, const tensor_view<float>& out,
                          const pool_options& options, const executor& threads = {});

/// out[n][y][x][c] = the sum of the window in row-major order times the float nearest to 1/count. Otherwise as
/// max_pool.
TERN_FUNC status mean_pool(const tensor_view<const float>& in, const tensor_view<float>& out,
                           const pool_options& options, const executor& threads = {});

/// Takes the mean over whole images: out is [n][1][1][c]. Otherwise as mean_pool.
TERN_FUNC status global_mean_pool(const tensor_view<const float>& in, const tensor_view<float>& out,
                                  const executor& threads = {}, const kernel_table* kernels = nullptr);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "pooling-inl.hpp"
#endif
