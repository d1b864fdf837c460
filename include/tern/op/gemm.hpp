// gemm: rows of packed activations times weights; a fully connected layer. C[m][n] = sum_k A[m][k] * W[n][k].
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/status.hpp"
#include "../core/team.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "../format/code_weights.hpp"
#include "conv2d.hpp"

TERN_BEGIN_VOCABULARY

/// What one `gemm::run` reads and writes: m rows. The caller gives either `rows` or `bytes`.
struct gemm_args {
    const_packed_image rows{};  ///< the layout of `make_packed_rows`: one image of 1 x m pixels with k channels
    tensor_view<float> out{};   ///< [m][n] as `matrix(p, m, n)`, if the chain stores
    tensor_view<const float> residual{};
    packed_image packed[2]{};
    tensor_view<std::int32_t> accumulators{};
    tensor_view<const std::uint8_t> bytes{};  ///< conv2d_args: [m][k] as `matrix(p, m, k)`, or with a larger pitch
    tensor_view<std::uint8_t> byte_out{};     ///< conv2d_args: [m][n]
};

/// A dense row-major matrix as a view: rows are pixels, columns are channels.
template <class T>
TERN_INLINE constexpr tensor_view<T> matrix(T* data, std::size_t rows, std::size_t columns) noexcept {
    return nhwc(data, 1, 1, rows, columns);
}

/// The images that m rows are: one of 1 x m pixels, or none.
TERN_INLINE constexpr image_shape shape_of_rows(std::size_t m) noexcept {
    return m == 0 ? image_shape{0, 1, 1} : image_shape{1, 1, m};
}

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Packed memory for m rows of k codes of any kind.
inline result<packed_tensor> make_packed_rows(code_id code, std::size_t m, std::size_t k,
                                              const allocator& memory = {}) {
    return make_packed_tensor(code, shape_of_rows(m), k, {}, memory);
}

/// Packed memory for m rows of k ternary codes.
inline result<packed_tensor> make_packed_rows(std::size_t m, std::size_t k, const allocator& memory = {}) {
    return make_packed_tensor(shape_of_rows(m), k, {}, memory);
}

/// A plan for C = epilogue(A * W^T): a 1x1 convolution over a row of pixels. Same rules as conv2d.
class gemm {
public:
    /// Makes a plan of weights, whose shape is {n, k, 1, 1}, with activations of any codes. Errors: as conv2d; another
    /// shape.
    static result<gemm> create(const code_weights& weights, activation_code activations, const epilogue& chain = {},
                               const plan_options& options = {}) {
        TERN_TRY(check_no_kernel(weights.shape));
        return from(conv2d::create(weights, activations, {}, chain, options));
    }
    /// Makes a plan for ternary activations.
    static result<gemm> create(const code_weights& weights, const epilogue& chain = {},
                               const plan_options& options = {}) {
        return create(weights, code_id::ternary, chain, options);
    }

    /// Columns of A and columns of C.
    std::size_t k() const noexcept { return plan_.in_channels(); }
    std::size_t n() const noexcept { return plan_.out_channels(); }
    /// The codes that rows must have, and those of packed output number `q`.
    code_id input_code() const noexcept { return plan_.input_code(); }
    code_id output_code(std::size_t q) const noexcept { return plan_.output_code(q); }
    /// Bytes of scratch memory that `run` needs for m rows, as conv2d::workspace_bytes.
    std::size_t workspace_bytes(std::size_t m, std::size_t slices = 1) const noexcept {
        return plan_.workspace_bytes(shape_of_rows(m), slices);
    }
    /// The table in use, also for operators beside the plan; null in a default-made plan.
    const kernel_table* kernels() const noexcept { return plan_.kernels(); }
    /// Bytes of the packed weights that `run` reads.
    std::size_t panel_bytes() const noexcept { return plan_.panel_bytes(); }
    /// The name of the kernels that run for m rows, as conv2d::kernel_name.
    const char* kernel_name(std::size_t m) const noexcept { return plan_.kernel_name(shape_of_rows(m)); }
    /// As conv2d::explain, for m rows.
    std::size_t explain(std::size_t m, char* text, std::size_t size) const {
        return plan_.explain(shape_of_rows(m), text, size);
    }

    /// Computes, as conv2d::run.
    status run(const gemm_args& args, const workspace& scratch, const executor& threads = {}) const {
        return plan_.run(as_images(args), scratch, threads);
    }
    /// As conv2d::run_slice.
    status run_slice(const gemm_args& args, const workspace& scratch, const team& threads, std::size_t index) const {
        return plan_.run_slice(as_images(args), scratch, threads, index);
    }

private:
    static conv2d_args as_images(const gemm_args& args) {
        conv2d_args a;
        a.input = args.rows;
        a.out = args.out;
        a.residual = args.residual;
        a.packed[0] = args.packed[0];
        a.packed[1] = args.packed[1];
        a.accumulators = args.accumulators;
        a.bytes = args.bytes;
        a.byte_out = args.byte_out;
        if (a.bytes.w == 0 && a.bytes.c != 0) {  // no rows are no images
            a.bytes.n = 0;
            a.bytes.w = 1;
        }
        return a;
    }
    static status check_no_kernel(const weight_shape& s) {
        if (s.taps() != 1)
            return make_error(errc::invalid_argument, "gemm: expected weights of %zux%zux1x1, found a %zux%zu kernel",
                              s.out_channels, s.in_channels, s.kh, s.kw);
        return {};
    }
    static result<gemm> from(result<conv2d> plan) {
        if (!plan.ok())
            return plan.status();
        gemm g;
        g.plan_ = std::move(*plan);
        return g;
    }

    conv2d plan_;
};

TERN_END_NAMESPACE
