// safetensors files: named tensors with a JSON header (https://github.com/huggingface/safetensors, "Format").
//
//   8 bytes   length N of the header, little-endian
//   N bytes   a JSON object {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...} that starts
//             with { and may end with spaces; "__metadata__" is an object of strings; offsets count from the first
//             byte of the data
//   rest      data, row-major, little-endian, every byte in exactly one tensor
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "dtype.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_VOCABULARY

/// What the reader accepts and the writer produces at most.
struct safetensors_limits {
    static constexpr std::size_t header_bytes = 100000000;
    static constexpr std::size_t tensors = 1000000;
    static constexpr std::size_t metadata_entries = 65536;
    static constexpr std::size_t name_bytes = 4096;        ///< names of tensors and keys of metadata
    static constexpr std::size_t string_bytes = 4u << 20;  ///< any string as written in the header, escapes included
    static constexpr std::size_t unquoted_bytes = 4096;    ///< any run of blanks or digits in the header
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The tensors of a safetensors file, checked: every tensor lies within the data, has as many bytes as its type and
/// shape need, and tensors neither overlap nor leave bytes over.
class safetensors_file : public tensor_file {
public:
    /// A file without tensors.
    safetensors_file() = default;

    /// Maps a file into memory; the object keeps the mapping alive. Errors: `not_found`, `io`, or `bad_format`
    /// naming the tensor, what was expected and what was found; for files of other formats what they are
    /// (file_kind.hpp).
    static TERN_FUNC result<safetensors_file> open(const char* path);
    /// Takes a file that is mapped already. Errors as open(), without the path.
    static TERN_FUNC result<safetensors_file> take(mapped_file file);
    /// Reads the bytes of a whole file from memory; the caller keeps them alive and unchanged.
    static TERN_FUNC result<safetensors_file> load(const unsigned char* data, std::size_t size);

private:
    TERN_FUNC status parse(const unsigned char* data, std::size_t size);
};

/// Copies all elements of a tensor to `out`, which holds `count`. F32 is copied bit for bit; F16 and BF16 convert
/// exactly (NaN payloads too); F64 is rounded to nearest even, NaN stays NaN, and a finite value that rounds beyond
/// the floats is `bad_value`. Another type or another number of elements is `bad_format` naming both, null pointers and
/// bytes that do not fit the shape are `invalid_argument`. After an error `out` is unspecified.
TERN_FUNC status read_floats(const tensor_info& tensor, float* out, std::size_t count);
/// As read_floats, from F64 bit for bit, and from F32, F16 and BF16 exactly.
TERN_FUNC status read_doubles(const tensor_info& tensor, double* out, std::size_t count);
/// As read_floats, from BOOL (a byte other than 0 and 1 is `bad_value`), U8, I8, I16, U16, I32, U32, I64, and U64
/// (beyond INT64_MAX is `bad_value`).
TERN_FUNC status read_ints(const tensor_info& tensor, std::int64_t* out, std::size_t count);

/// Collects tensors and metadata and writes them as one file. The bytes depend on names, types, shapes, data and
/// metadata only, not on the order of the calls: tensors lie in descending order of type (so that each is aligned),
/// then of names, and the data starts at a multiple of 8 bytes, as in files of the reference implementation.
class safetensors_writer {
public:
    /// Adds a tensor of row-major elements at `data`, which is kept by pointer: it must stay alive until the last
    /// write. `data` may be null if the tensor is empty. `invalid_argument` for a name that is taken, empty, too
    /// long, "__metadata__", not UTF-8 or has control characters, and for a shape of too many dimensions or that
    /// overflows.
    TERN_FUNC status add(std::string_view name, data_type dtype, const tensor_dims& shape, const void* data);
    /// The same with data that the writer keeps: exactly the bytes of the tensor.
    TERN_FUNC status add_owned(std::string_view name, data_type dtype, const tensor_dims& shape,
                               std::vector<unsigned char> data);
    /// Sets a metadata entry; an earlier value of the key is replaced. `invalid_argument` for a key as in add() or
    /// a value that is not UTF-8.
    TERN_FUNC status set_metadata(std::string_view key, std::string_view value);

    /// Writes a file: to PATH.tmp (or PATH.tmp1 and so on if that exists) and then renamed, so that PATH is always
    /// either the old or the complete new file; a symbolic link is replaced, a device or directory refused. Open
    /// mappings of the old file stay valid.
    TERN_FUNC status write(const char* path) const;
    /// Replaces `out` by the bytes of the file; unchanged if there is an error.
    TERN_FUNC status write(std::vector<unsigned char>& out) const;

private:
    struct entry {
        data_type dtype;
        tensor_dims shape;
        const unsigned char* data;  // null: `owned`
        std::size_t bytes;
        std::vector<unsigned char> owned;

        const unsigned char* begin() const noexcept { return data != nullptr ? data : owned.data(); }
    };
    using item = std::pair<const std::string, entry>;

    TERN_FUNC status add(std::string_view name, entry made);
    TERN_FUNC status lay_out(std::string& header, std::vector<const item*>& order, std::size_t& total_bytes) const;

    std::map<std::string, entry, std::less<>> tensors_;
    std::map<std::string, std::string, std::less<>> metadata_;
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "safetensors-inl.hpp"
#include "safetensors_writer-inl.hpp"
#endif
