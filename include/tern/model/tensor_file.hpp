// What files of trained networks have in common, whatever their format: named tensors and metadata.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "dtype.hpp"
#include "mapped_file.hpp"

TERN_BEGIN_NAMESPACE

/// One tensor of a file. `data` points into the file's bytes and may be misaligned for the type: use memcpy or
/// read_*(). Those of a file agree with themselves; others may not, and read_*() say so.
struct tensor_info {
    std::string name;
    data_type dtype = data_type::f32;
    tensor_dims shape;
    const unsigned char* data = nullptr;
    std::size_t bytes = 0;

    /// Elements in `bytes`; 0 if the type is none.
    std::size_t count() const noexcept { return dtype_size(dtype) != 0 ? bytes / dtype_size(dtype) : 0; }
};

struct metadata_entry {
    std::string key, value;
};

/// Named tensors and metadata of a file, checked by what read it (safetensors.hpp, checkpoint.hpp). Immutable; reading
/// from many threads is safe.
class tensor_file {
public:
    /// A file without tensors.
    tensor_file() = default;

    /// Tensors in the order of the file.
    std::size_t size() const noexcept { return tensors_.size(); }
    const tensor_info& tensor(std::size_t i) const noexcept { return tensors_[i]; }
    const std::vector<tensor_info>& tensors() const noexcept { return tensors_; }
    /// The tensor of that name or null; O(log size()).
    TERN_FUNC const tensor_info* find(std::string_view name) const noexcept;

    /// Metadata in ascending order of the keys.
    const std::vector<metadata_entry>& metadata() const noexcept { return metadata_; }
    /// The value of a metadata key or null.
    TERN_FUNC const std::string* metadata(std::string_view key) const noexcept;
    /// Says what the file does not, or says otherwise: readers see it as the file's own.
    TERN_FUNC void set_metadata(std::string_view key, std::string_view value);

    /// Bytes of the whole file, and of tensors that were copied because they do not lie in it as they are.
    std::size_t file_bytes() const noexcept { return file_bytes_; }
    std::size_t copied_bytes() const noexcept {
        std::size_t bytes = 0;
        for (const buffer<unsigned char>& copy : copies_)
            bytes += copy.bytes();
        return bytes;
    }

protected:
    /// Puts names and keys in order, once all of them are there. Errors: two of one name.
    TERN_FUNC status index(std::size_t file_bytes);

    mapped_file file_;
    std::vector<buffer<unsigned char>> copies_;
    std::vector<tensor_info> tensors_;
    std::vector<metadata_entry> metadata_;

private:
    std::vector<std::uint32_t> by_name_;  // indices of tensors_, ascending names
    std::size_t file_bytes_ = 0;
};

/// Text for messages: "[6, 1, 3, 3]", "[]" for a scalar.
TERN_FUNC std::string to_string(const tensor_dims& shape);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "tensor_file-inl.hpp"
#endif
