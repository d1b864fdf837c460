// Definitions of file_kind.hpp.
#pragma once

#include <algorithm>
#include <string_view>

#include "file_kind.hpp"

TERN_BEGIN_NAMESPACE
namespace file_kind_detail {

using namespace std::string_view_literals;

/// The first bytes of files of one kind.
struct magic {
    std::size_t at;
    std::string_view bytes;
    const char* what;
    const char* advice;
};

inline constexpr const char* unpack = "unpack it first";
inline constexpr const char* recipe =
    "write its state dict as a safetensors file first, as README.md shows (\"A checkpoint as safetensors\")";
inline constexpr const char* checkpoint = "open_tensor_file() reads it, as load_sttn() and the like do";
inline constexpr const char* arrays =
    "write its arrays as a safetensors file, with the names that docs/formats.md lists";

inline constexpr magic magics[] = {
    {0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv, "a PyTorch checkpoint of the old kind (pickle)",
     checkpoint},
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file, as Keras writes", arrays},
    {0, "\x93NUMPY"sv, "a NumPy array (npy)", arrays},
    {0, "GGUF"sv, "a GGUF model", "those are no networks that are read here"},
    {4, "TFL3"sv, "a TensorFlow Lite model", "take the checkpoint that it was made from"},
    {0, "\x89PNG"sv, "a PNG picture", ""},
    {0, "\xff\xd8\xff"sv, "a JPEG picture", ""},
    {0, "GIF8"sv, "a GIF picture", ""},
    {0, "II*\0"sv, "a TIFF picture", ""},
    {0, "MM\0*"sv, "a TIFF picture", ""},
    {8, "WEBP"sv, "a WebP picture", ""},
    {4, "ftypavif"sv, "an AVIF picture", ""},
    {4, "ftyphei"sv, "a HEIC picture", ""},
    {4, "ftypmif1"sv, "a HEIC picture", ""},
    {0, "\x1f\x8b"sv, "a file compressed with gzip", unpack},
    {0, "BZh"sv, "a file compressed with bzip2", unpack},
    {0,
     "\xfd"
     "7zXZ"sv,
     "a file compressed with xz", unpack},
    {0, "\x28\xb5\x2f\xfd"sv, "a file compressed with zstd", unpack},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", unpack},
    {0, "Rar!"sv, "a RAR archive", unpack},
    {257, "ustar"sv, "a tar archive", unpack},
};

/// A text without blanks and a byte order mark in front.
inline std::string_view trimmed(std::string_view text) noexcept {
    if (text.substr(0, 3) == "\xef\xbb\xbf")
        text.remove_prefix(3);
    while (!text.empty() && (text[0] == ' ' || text[0] == '\n' || text[0] == '\r' || text[0] == '\t'))
        text.remove_prefix(1);
    return text;
}

inline bool starts_with_word(std::string_view text, std::string_view lower_case) noexcept {
    if (text.size() < lower_case.size())
        return false;
    for (std::size_t i = 0; i < lower_case.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower_case[i])
            return false;
    }
    return true;
}

inline bool is_text(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto b = static_cast<unsigned char>(c);
        const bool utf8 = (b >= 0x80 && b < 0xC0) || (b >= 0xC2 && b < 0xF5);
        return (b >= 0x20 && b < 0x7F) || utf8 || b == '\n' || b == '\r' || b == '\t';
    });
}

/// What a zip archive is, by the names in it: the first one is in front, the directory of all at the end.
inline file_kind recognise_zip(std::string_view file) {
    const std::string_view end = file.substr(file.size() - std::min<std::size_t>(file.size(), 1u << 20));
    const auto has = [&](std::string_view name) {
        return end.find(name) != std::string_view::npos || file.substr(0, 4096).find(name) != std::string_view::npos;
    };
    if (has("/constants.pkl"))
        return {"a TorchScript model (zip)", "load it with torch.jit.load and save its state_dict() with torch.save"};
    if (has("/data.pkl"))
        return {"a PyTorch checkpoint (zip)", checkpoint};
    if (has(".npy"))
        return {"an archive of NumPy arrays (npz)", arrays};
    return {"a zip archive", unpack};
}

/// An ONNX model: a protobuf message that begins with field 1, the version of the format, and another of its fields.
inline bool is_onnx(std::string_view file) noexcept {
    constexpr std::string_view fields = "\x12\x1a\x22\x28\x32\x3a\x42";
    return file.size() > 4 && file[0] == '\x08' && file[1] > 0 && file[1] < 0x20 &&
           fields.find(file[2]) != std::string_view::npos;
}

inline file_kind recognise_text(std::string_view file) {
    const std::string_view text = trimmed(file);
    if (starts_with_word(text, "version https://git-lfs"))
        return {"a Git LFS pointer", "the file itself comes with 'git lfs pull'"};
    if (starts_with_word(text, "/annex/objects/"))
        return {"a git-annex pointer", "the file itself comes with 'git annex get'"};
    if (starts_with_word(text, "<!doctype html") || starts_with_word(text, "<html"))
        return {"an HTML page", "download the file itself: this may be a page about it, a login or an error"};
    if (starts_with_word(text, "<svg"))
        return {"an SVG picture", ""};
    if (!text.empty() && text[0] == '{') {
        if (text.substr(0, 1u << 20).find("\"weight_map\"") != std::string_view::npos)
            return {"the index of a model in several files (index.json)",
                    "the tensors are in the files that it names; write them into one"};
        return {"a JSON text", ""};
    }
    std::string start(text.substr(0, std::min<std::size_t>(text.find_first_of("\r\n"), 40)));
    return {"a text that begins '" + start + "'", ""};
}

}  // namespace file_kind_detail

TERN_FUNC file_kind recognise_file(const unsigned char* data, std::size_t size) {
    using namespace file_kind_detail;
    if (data == nullptr || size == 0)
        return {};
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    if (file.substr(0, 4) == "PK\x03\x04" || file.substr(0, 4) == "PK\x05\x06")
        return recognise_zip(file);
    for (const magic& m : magics)
        if (size >= m.at && file.substr(m.at, m.bytes.size()) == m.bytes)
            return {m.what, m.advice};
    if (size > 14 && file.substr(0, 2) == "BM" && file.substr(6, 4) == "\0\0\0\0"sv)
        return {"a BMP picture", ""};
    if (size > 2 && file[0] == '\x80' && file[1] >= 2 && file[1] <= 5)
        return {"a Python pickle", recipe};
    if (is_onnx(file))
        return {"an ONNX model", "take the PyTorch checkpoint that it was made from"};
    const std::string_view start = file.substr(0, 512);
    if (is_text(start))
        return recognise_text(file);
    if (size >= 64 && std::all_of(start.begin(), start.end(), [](char c) { return c == '\0'; }))
        return {"zero bytes", "the download may not be complete"};
    return {};
}

TERN_END_NAMESPACE
