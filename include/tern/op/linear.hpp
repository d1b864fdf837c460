// linear: a fully connected layer in fp32: the last layer of most networks.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../kernel/table.hpp"
#include "plan_options.hpp"

TERN_BEGIN_NAMESPACE

/// A plan for out[i][o] = sum_k in[i][k] * weights[o][k] + bias[o], summed in the order of k, with fused multiply-add
/// where the level has it, the bias added last. Immutable after `create`; `run` needs no memory and can be called by
/// many threads.
class linear {
public:
    /// Copies `weights`, [outputs][inputs], and `bias`, [outputs] or null. Errors: null, empty or not finite weights,
    /// an instruction-set level that cannot be had.
    static TERN_FUNC result<linear> create(const float* weights, std::size_t outputs, std::size_t inputs,
                                           const float* bias = nullptr, const plan_options& options = {});

    std::size_t inputs() const noexcept { return inputs_; }
    std::size_t outputs() const noexcept { return outputs_; }
    /// The table in use, also for operators beside the plan; null in a default-made plan.
    const kernel_table* kernels() const noexcept { return kernels_; }
    /// The name of the kernels: level and family (docs/kernel_names.md).
    const char* kernel_name() const noexcept { return name_; }

    /// Computes `n` rows: in [n][inputs], out [n][outputs], both dense. Work is split by tiles of rows and outputs. No
    /// rows: does nothing. Errors: null or misaligned pointers, sizes that overflow, input and output that overlap, a
    /// default-made or moved-from plan; nothing has been written then.
    TERN_FUNC status run(const float* in, std::size_t n, float* out, const executor& threads = {}) const;

private:
    TERN_FUNC status make_panels(const float* weights, const allocator& memory);

    std::size_t inputs_ = 0, outputs_ = 0;
    const kernel_table* kernels_ = nullptr;
    buffer<float> panels_{};  // [tile of outputs][input][tile_channels]
    buffer<float> bias_{};
    char name_[64] = {};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "linear-inl.hpp"
#endif
