// Definitions of safetensors.hpp: the reader.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "../format/argument.hpp"
#include "file_kind.hpp"
#include "safetensors_header-inl.hpp"
#include "safetensors.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC result<safetensors_file> safetensors_file::open(const char* path) { return detail::open_mapped(path, take); }

TERN_FUNC result<safetensors_file> safetensors_file::take(mapped_file mapped) {
    safetensors_file file;
    file.file_ = std::move(mapped);
    TERN_TRY(file.parse(file.file_.data(), file.file_.size()));
    return file;
}

TERN_FUNC result<safetensors_file> safetensors_file::load(const unsigned char* data, std::size_t size) {
    if (data == nullptr && size != 0)
        return make_error(errc::invalid_argument, "expected %zu bytes of a safetensors file, found a null pointer",
                          size);
    safetensors_file file;
    if (const status s = file.parse(data, size); !s.ok())
        return s;
    return file;
}

namespace detail {

/// Finds the JSON of the header, without its padding: `text` and `text_bytes`; `header_bytes` with it.
inline status find_header(const unsigned char* data, std::size_t size, const char*& text, std::size_t& text_bytes,
                          std::size_t& header_bytes) {
    std::uint64_t length = 0;
    if (size < sizeof length)
        return make_error(errc::bad_format, "expected a safetensors file of at least 8 bytes, found %zu", size);
    std::memcpy(&length, data, sizeof length);
    const auto length_text = static_cast<unsigned long long>(length);
    if (length > safetensors_limits::header_bytes)
        return make_error(errc::bad_format,
                          "expected a safetensors header of at most %zu bytes, found a length of %llu",
                          safetensors_limits::header_bytes, length_text);
    if (length > size - sizeof length)
        return make_error(errc::bad_format, "expected a header of %llu bytes, found only %zu in the file", length_text,
                          size - sizeof length);
    header_bytes = static_cast<std::size_t>(length);
    text = reinterpret_cast<const char*>(data) + sizeof length;
    text_bytes = header_bytes;
    while (text_bytes != 0 && text[text_bytes - 1] == ' ')
        --text_bytes;
    if (text_bytes == 0 || text[0] != '{')
        return make_error(errc::bad_format, "header: expected a JSON object starting with '{', found %s",
                          text_bytes == 0 ? "nothing" : ("'" + printable({text, text_bytes}, 20) + "'").c_str());
    if (text[text_bytes - 1] != '}')
        return make_error(errc::bad_format, "header: expected '}' and spaces at the end, found '%s'",
                          printable({text + text_bytes - 1, 1}).c_str());
    return {};
}

/// Every byte of the data must be in exactly one tensor. `order` is scratch for the tensors' indices.
inline status check_coverage(const std::vector<tensor_info>& tensors, const unsigned char* data, std::size_t data_bytes,
                             std::vector<std::uint32_t>& order) {
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const tensor_info &s = tensors[a], &t = tensors[b];
        return s.data != t.data ? s.data < t.data : s.bytes != t.bytes ? s.bytes < t.bytes : a < b;
    });
    std::size_t covered = 0;
    const tensor_info* last = nullptr;
    for (const std::uint32_t i : order) {
        const tensor_info& t = tensors[i];
        const auto begin = static_cast<std::size_t>(t.data - data);
        if (begin < covered)
            return make_error(errc::bad_format,
                              "tensor \"%s\": data_offsets [%zu, %zu] overlap tensor \"%s\", which ends at %zu",
                              printable(t.name).c_str(), begin, begin + t.bytes, printable(last->name).c_str(),
                              covered);
        if (begin > covered)
            return make_error(
                errc::bad_format,
                "tensor \"%s\": data_offsets [%zu, %zu], expected to begin at %zu: the bytes between are in no tensor",
                printable(t.name).c_str(), begin, begin + t.bytes, covered);
        covered += t.bytes;
        last = &t;
    }
    if (covered != data_bytes)
        return make_error(errc::bad_format, "expected %zu bytes of data, as many as the tensors need, found %zu",
                          covered, data_bytes);
    return {};
}

}  // namespace detail

TERN_FUNC status safetensors_file::parse(const unsigned char* data, std::size_t size) {
    const char* text = nullptr;
    std::size_t text_bytes = 0, header_bytes = 0, objects = 0;
    if (const status s = detail::find_header(data, size, text, text_bytes, header_bytes); !s.ok()) {
        const file_kind kind = recognise_file(data, size);
        if (kind.what.empty())
            return s;
        return make_error(errc::bad_format, "expected a safetensors file, found %s%s%s", kind.what.c_str(),
                          kind.advice.empty() ? "" : ": ", kind.advice.c_str());
    }
    if (const status s = detail::check_header_tokens(text, text_bytes, objects); !s.ok())
        return s;

    const std::size_t prefix = sizeof(std::uint64_t) + header_bytes;
    const unsigned char* const payload = data + prefix;
    // Growing by doubling would cost three times the memory. No entry is shorter than 49 bytes.
    tensors_.reserve(std::min({objects, text_bytes / 49, safetensors_limits::tensors}));
    detail::safetensors_header events(payload, size - prefix, tensors_, metadata_);
    if (!nlohmann::json::sax_parse(text, text + text_bytes, &events))
        return events.error();

    std::vector<std::uint32_t> order(tensors_.size());
    std::iota(order.begin(), order.end(), 0u);
    TERN_TRY(detail::check_coverage(tensors_, payload, size - prefix, order));
    return index(size);
}

namespace detail {

template <class T>
T load_element(const unsigned char* data, std::size_t i) noexcept {
    T v;
    std::memcpy(&v, data + i * sizeof(T), sizeof v);
    return v;
}

inline float float_of_bits(std::uint32_t bits) noexcept {
    float v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

/// IEEE 754 binary16. Bits, not arithmetic, where there are NaNs; 2^-24, the least subnormal, is a normal float.
inline float float_of_f16(std::uint16_t h) noexcept {
    const std::uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 0x3FFu;
    if (exponent == 0) {
        const float v = static_cast<float>(fraction) * 0x1p-24f;
        return sign != 0 ? -v : v;
    }
    return float_of_bits(sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | fraction << 13);
}

inline float float_of_bf16(std::uint16_t h) noexcept { return float_of_bits(std::uint32_t{h} << 16); }

inline status wrong_dtype(const tensor_info& t, const char* wanted) {
    return make_error(errc::bad_format, "tensor \"%s\": expected %s, found %s", printable(t.name).c_str(), wanted,
                      dtype_name(t.dtype));
}

template <class Out>
status check_count(const tensor_info& t, std::size_t count, const Out* out) {
    const checked_size bytes = t.shape.count() * dtype_size(t.dtype);
    if (!bytes.ok() || bytes.value != t.bytes || dtype_size(t.dtype) == 0 || (t.data == nullptr && t.bytes != 0))
        return make_error(errc::invalid_argument, "tensor \"%s\": expected bytes of shape %s and a type, found %zu%s",
                          printable(t.name).c_str(), to_string(t.shape).c_str(), t.bytes,
                          t.data == nullptr ? " at a null pointer" : "");
    if ((out == nullptr && count != 0) || !is_aligned(out))
        return make_error(errc::invalid_argument, "tensor \"%s\": expected room for %zu elements, found a %s pointer",
                          printable(t.name).c_str(), count, out == nullptr ? "null" : "misaligned");
    if (t.count() != count)
        return make_error(errc::bad_format, "tensor \"%s\": expected %zu elements, found %zu: %s of shape %s",
                          printable(t.name).c_str(), count, t.count(), dtype_name(t.dtype), to_string(t.shape).c_str());
    return {};
}

/// Writes convert(element) for every element; T is the type in the file.
template <class T, class Out, class Convert>
status convert_elements(const tensor_info& t, Out* out, const Convert& convert) {
    for (std::size_t i = 0, n = t.count(); i < n; ++i)
        out[i] = convert(load_element<T>(t.data, i));
    return {};
}

template <class T>
status copy_elements(const tensor_info& t, T* out) {
    if (t.bytes != 0)
        std::memcpy(out, t.data, t.bytes);
    return {};
}

template <class T>
status widen_integers(const tensor_info& t, std::int64_t* out) {
    return convert_elements<T>(t, out, [](T v) { return static_cast<std::int64_t>(v); });
}

}  // namespace detail

TERN_FUNC status read_floats(const tensor_info& t, float* out, std::size_t count) {
    if (const status s = detail::check_count(t, count, out); !s.ok())
        return s;
    switch (t.dtype) {
        case data_type::f32: return detail::copy_elements(t, out);
        case data_type::f16: return detail::convert_elements<std::uint16_t>(t, out, detail::float_of_f16);
        case data_type::bf16: return detail::convert_elements<std::uint16_t>(t, out, detail::float_of_bf16);
        case data_type::f64: break;
        default: return detail::wrong_dtype(t, "F32, F64, F16 or BF16");
    }
    // Half an ulp above the largest float: from here on rounding to nearest gives infinity.
    constexpr double too_large = 0x1.ffffffp127;
    for (std::size_t i = 0; i < count; ++i) {
        const auto v = detail::load_element<double>(t.data, i);
        if (std::fabs(v) >= too_large && !std::isinf(v))
            return make_error(errc::bad_value,
                              "tensor \"%s\", element %zu: expected a value within the floats, found %g",
                              detail::printable(t.name).c_str(), i, v);
        out[i] = static_cast<float>(v);
    }
    return {};
}

TERN_FUNC status read_doubles(const tensor_info& t, double* out, std::size_t count) {
    if (const status s = detail::check_count(t, count, out); !s.ok())
        return s;
    const auto widen_f16 = [](std::uint16_t h) { return static_cast<double>(detail::float_of_f16(h)); };
    const auto widen_bf16 = [](std::uint16_t h) { return static_cast<double>(detail::float_of_bf16(h)); };
    switch (t.dtype) {
        case data_type::f64: return detail::copy_elements(t, out);
        case data_type::f32:
            return detail::convert_elements<float>(t, out, [](float v) { return static_cast<double>(v); });
        case data_type::f16: return detail::convert_elements<std::uint16_t>(t, out, widen_f16);
        case data_type::bf16: return detail::convert_elements<std::uint16_t>(t, out, widen_bf16);
        default: return detail::wrong_dtype(t, "F64, F32, F16 or BF16");
    }
}

TERN_FUNC status read_ints(const tensor_info& t, std::int64_t* out, std::size_t count) {
    if (const status s = detail::check_count(t, count, out); !s.ok())
        return s;
    switch (t.dtype) {
        case data_type::u8: return detail::widen_integers<std::uint8_t>(t, out);
        case data_type::i8: return detail::widen_integers<std::int8_t>(t, out);
        case data_type::i16: return detail::widen_integers<std::int16_t>(t, out);
        case data_type::u16: return detail::widen_integers<std::uint16_t>(t, out);
        case data_type::i32: return detail::widen_integers<std::int32_t>(t, out);
        case data_type::u32: return detail::widen_integers<std::uint32_t>(t, out);
        case data_type::i64: return detail::copy_elements(t, out);
        case data_type::boolean:
        case data_type::u64: break;
        default: return detail::wrong_dtype(t, "an integer type");
    }
    const bool is_bool = t.dtype == data_type::boolean;
    const std::uint64_t largest = is_bool ? 1 : static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t v = is_bool ? t.data[i] : detail::load_element<std::uint64_t>(t.data, i);
        if (v > largest)
            return make_error(errc::bad_value, "tensor \"%s\", element %zu: expected %s of at most %llu, found %llu",
                              detail::printable(t.name).c_str(), i, dtype_name(t.dtype),
                              static_cast<unsigned long long>(largest), static_cast<unsigned long long>(v));
        out[i] = static_cast<std::int64_t>(v);
    }
    return {};
}

TERN_END_NAMESPACE
