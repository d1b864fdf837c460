// Typed access to the tensors of a state dict: names without their prefix, shapes and types checked, every tensor
// accounted for, so that nothing in a file is silently ignored.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/weight_shape.hpp"
#include "network_kind.hpp"
#include "safetensors.hpp"

TERN_BEGIN_VOCABULARY

/// What reading a network may allocate, beside the file itself: `factor` bytes for each byte of its tensors, and
/// `slack`; the header takes at most as much again for its bytes. So no file takes more than 8 times its size and 64
/// MiB.
struct load_limits {
    static constexpr std::size_t factor = 8;
    static constexpr std::size_t slack = 32u << 20;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

class tensor_source {
public:
    /// `prefix` is put before every name, as "module." of PyTorch's DataParallel.
    tensor_source(const tensor_file& file, std::string prefix, const allocator& memory)
        : tensor_source(file, tensor_names{std::move(prefix), {}}, memory) {}
    /// The same for any difference of names.
    tensor_source(const tensor_file& file, tensor_names names, const allocator& memory)
        : file_(&file), names_(std::move(names)), memory_(memory), used_(file.size(), false),
          claimed_(file.copied_bytes()) {
        checked_size bytes = 0;
        for (const tensor_info& t : file.tensors())
            bytes = bytes + t.bytes;
        if (!bytes.ok() || bytes.value > file.file_bytes())
            bytes = file.file_bytes();  // tensors that share memory
        allowed_ = allowed_ + bytes * load_limits::factor;
    }

    const tensor_file& file() const noexcept { return *file_; }
    const allocator& memory() const noexcept { return memory_; }
    const tensor_names& names() const noexcept { return names_; }
    std::string full_name(std::string_view name) const { return names_.full(name); }

    bool has(std::string_view name) const { return file_->find(full_name(name)) != nullptr; }
    /// Counts `bytes` that are about to be allocated for tensor `name`, floats() and doubles() their own. Errors
    /// (unsupported): more in all than load_limits allow for the bytes of the file's tensors. What is freed again is
    /// counted all the same.
    TERN_FUNC status claim(checked_size bytes, const std::string& name);
    /// The tensor, marked as used, or `not_found` naming it.
    TERN_FUNC result<const tensor_info*> get(std::string_view name);
    /// Its shape as convolution weights [O][I][kh][kw], or an error that names the rank found. `matrix`: [O][I] is one
    /// of 1x1, too.
    TERN_FUNC result<weight_shape> conv_shape(std::string_view name, bool matrix = false);
    /// All values of a tensor of exactly this shape; NaN and infinity are errors.
    TERN_FUNC result<buffer<float>> floats(std::string_view name, std::initializer_list<std::size_t> shape);
    TERN_FUNC result<buffer<double>> doubles(std::string_view name, std::initializer_list<std::size_t> shape);
    /// Marks a tensor that has no effect.
    void ignore(std::string_view name) {
        if (const auto* t = file_->find(full_name(name)))
            used_[static_cast<std::size_t>(t - file_->tensors().data())] = true;
    }
    /// An error that names the first tensor nobody asked for.
    TERN_FUNC status check_all_used(const char* what) const;

private:
    TERN_FUNC status check_shape(const tensor_info& t, std::initializer_list<std::size_t> shape) const;

    const tensor_file* file_;
    tensor_names names_;
    allocator memory_;
    std::vector<bool> used_;
    checked_size allowed_ = load_limits::slack, claimed_;
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "tensor_source-inl.hpp"
#endif
