// The JSON header of safetensors files, read as events: nothing is kept but what the header is allowed to say.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "printable.hpp"
#include "safetensors.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

inline constexpr std::string_view metadata_name = "__metadata__";

/// Bounds what the JSON parser holds at a time: it keeps a whole token, and copies it several times to describe an
/// error. Zero bytes outside strings are refused because the parser takes them for the end. `objects` counts
/// opening braces.
inline status check_header_tokens(const char* text, std::size_t size, std::size_t& objects) {
    bool in_string = false;
    std::size_t run = 0;
    objects = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const char c = text[i];
        if (c == '"') {
            in_string = !in_string;
            run = 0;
            continue;
        }
        if (in_string) {
            if (c == '\\') {  // takes the next character with it
                ++i;
                ++run;
            }
        } else if (c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',') {
            objects += c == '{';
            run = 0;
            continue;
        } else if (c == '\0') {
            return make_error(errc::bad_format, "header: expected JSON, found a zero byte at byte %zu", i);
        }
        const std::size_t limit = in_string ? safetensors_limits::string_bytes : safetensors_limits::unquoted_bytes;
        if (++run > limit)
            return make_error(errc::bad_format, "header: expected at most %zu bytes in %s, found more before byte %zu",
                              limit, in_string ? "a string" : "a number or between tokens", i);
    }
    return {};
}

/// Event handler for nlohmann::json::sax_parse. Events return false to stop; error() then says why.
class safetensors_header {
public:
    /// `data` are the bytes behind the header.
    safetensors_header(const unsigned char* data, std::size_t data_bytes, std::vector<tensor_info>& tensors,
                       std::vector<metadata_entry>& metadata)
        : data_(data), data_bytes_(data_bytes), tensors_(tensors), metadata_(metadata) {}

    const status& error() const noexcept { return error_; }

    bool null() { return refuse("null"); }
    bool boolean(bool v) { return refuse(v ? "true" : "false"); }
    bool number_integer(nlohmann::json::number_integer_t v) { return refuse(std::to_string(v)); }
    // Fractions, exponents and integers beyond 64 bits.
    bool number_float(nlohmann::json::number_float_t, const std::string& text) { return refuse(printable(text)); }
    bool binary(nlohmann::json::binary_t&) { return refuse("binary data"); }

    bool number_unsigned(nlohmann::json::number_unsigned_t v) {
        if (at_ == place::dimension) {
            const auto d = static_cast<std::size_t>(v);
            if (d != v)
                return fail("dimension %s does not fit the address space", std::to_string(v).c_str());
            if (!tensors_.back().shape.push(d))
                return fail("expected at most %zu dimensions, found more", tensor_dims::max_rank);
            return true;
        }
        if (at_ != place::offset)
            return refuse(std::to_string(v));
        if (offset_count_ == 2)
            return fail("expected two integers, found more");
        offsets_[offset_count_++] = v;
        return true;
    }

    bool string(std::string& v) {
        if (at_ == place::metadata_value) {
            metadata_.back().value.assign(v.data(), v.size());  // a copy: the parser's string has spare capacity
            return true;
        }
        if (at_ != place::dtype)
            return refuse("the string \"" + printable(v) + '"');
        const auto dtype = dtype_from_name(v);
        if (!dtype)
            return fail(
                "unknown dtype \"%s\", expected one of BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, "
                "F32, F64, I64, U64",
                printable(v, 40).c_str());
        tensors_.back().dtype = *dtype;
        return true;
    }

    bool start_object(std::size_t) {
        if (at_ != place::header && at_ != place::entry && at_ != place::metadata)
            return refuse("an object");
        inside_ = at_;
        return true;
    }

    bool key(std::string& k) {
        switch (inside_) {
            case place::header: return top_key(k);
            case place::entry: return entry_key(k);
            default: return metadata_key(k);
        }
    }

    bool end_object() {
        const bool fine = inside_ != place::entry || finish_tensor();
        at_ = inside_ = place::header;
        return fine;
    }

    bool start_array(std::size_t) {
        if (at_ == place::shape)
            at_ = place::dimension;
        else if (at_ == place::offsets)
            at_ = place::offset;
        else
            return refuse("an array");
        return true;
    }

    bool end_array() {
        if (at_ == place::offset && offset_count_ != 2)
            return fail("expected two integers, found %zu", offset_count_);
        return true;
    }

    bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception&) {
        error_ = make_error(errc::bad_format, "header: not valid JSON at byte %zu, found '%s'", position,
                            printable(token).c_str());
        return false;
    }

private:
    // The value that comes next.
    enum class place { header, entry, metadata, metadata_value, dtype, shape, dimension, offsets, offset };
    enum field : unsigned { has_dtype = 1, has_shape = 2, has_offsets = 4 };

    bool top_key(const std::string& k) {
        at_ = place::header;
        if (k == metadata_name) {
            if (metadata_seen_)
                return fail("the key \"__metadata__\" appears twice");
            at_ = place::metadata;
            return metadata_seen_ = true;
        }
        if (!check_name(k, "a tensor's name"))
            return false;
        if (tensors_.size() == safetensors_limits::tensors)
            return fail("expected at most %zu tensors, found more", safetensors_limits::tensors);
        tensors_.emplace_back();
        tensors_.back().name.assign(k.data(), k.size());
        at_ = place::entry;
        fields_ = 0;
        offset_count_ = 0;
        return true;
    }

    bool entry_key(const std::string& k) {
        unsigned f = 0;
        if (k == "dtype") {
            f = has_dtype;
            at_ = place::dtype;
        } else if (k == "shape") {
            f = has_shape;
            at_ = place::shape;
        } else if (k == "data_offsets") {
            f = has_offsets;
            at_ = place::offsets;
        } else {
            at_ = place::entry;
            return fail("expected the keys dtype, shape and data_offsets, found \"%s\"", printable(k).c_str());
        }
        if ((fields_ & f) != 0) {
            at_ = place::entry;
            return fail("the key \"%s\" appears twice", k.c_str());
        }
        fields_ |= f;
        return true;
    }

    bool metadata_key(const std::string& k) {
        at_ = place::metadata;
        if (!check_name(k, "a key"))
            return false;
        if (metadata_.size() == safetensors_limits::metadata_entries)
            return fail("expected at most %zu entries, found more", safetensors_limits::metadata_entries);
        metadata_.emplace_back();
        metadata_.back().key.assign(k.data(), k.size());
        at_ = place::metadata_value;
        return true;
    }

    bool check_name(const std::string& k, const char* what) {
        if (k.size() > safetensors_limits::name_bytes)
            return fail("%s has %zu bytes, expected at most %zu", what, k.size(), safetensors_limits::name_bytes);
        // So that names can be compared and printed as C strings.
        if (k.find('\0') != std::string::npos)
            return fail("%s \"%s\" has a zero byte", what, printable(k).c_str());
        return true;
    }

    bool finish_tensor() {
        tensor_info& t = tensors_.back();
        at_ = place::entry;
        const char* const missing = (fields_ & has_dtype) == 0     ? "dtype"
                                    : (fields_ & has_shape) == 0   ? "shape"
                                    : (fields_ & has_offsets) == 0 ? "data_offsets"
                                                                   : nullptr;
        if (missing != nullptr)
            return fail("the key \"%s\" is missing", missing);
        const checked_size bytes = t.shape.count() * dtype_size(t.dtype);
        if (!bytes.ok())
            return fail("shape %s of %s overflows the address space", to_string(t.shape).c_str(), dtype_name(t.dtype));
        const auto begin = static_cast<unsigned long long>(offsets_[0]);
        const auto end = static_cast<unsigned long long>(offsets_[1]);
        if (begin > end)
            return fail("data_offsets [%llu, %llu] end before they begin", begin, end);
        if (end > data_bytes_)
            return fail(
                "data_offsets [%llu, %llu] reach beyond the data, expected at most %zu, the bytes behind the header",
                begin, end, data_bytes_);
        if (end - begin != bytes.value)
            return fail("expected %zu bytes for %s of shape %s, found %llu, data_offsets [%llu, %llu]", bytes.value,
                        dtype_name(t.dtype), to_string(t.shape).c_str(), end - begin, begin, end);
        t.data = data_ + static_cast<std::size_t>(begin);
        t.bytes = bytes.value;
        return true;
    }

    /// Where in the header the parser is.
    std::string where() const {
        switch (at_) {
            case place::header: return "header";
            case place::metadata: return "__metadata__";
            case place::metadata_value: return "__metadata__, key \"" + printable(metadata_.back().key) + '"';
            default: break;
        }
        const char* const part = at_ == place::dtype                              ? ", dtype"
                                 : at_ == place::shape || at_ == place::dimension ? ", shape"
                                 : at_ == place::offsets || at_ == place::offset  ? ", data_offsets"
                                                                                  : "";
        return "tensor \"" + printable(tensors_.back().name) + '"' + part;
    }

    const char* wanted() const noexcept {
        switch (at_) {
            case place::metadata_value:
            case place::dtype: return "a string";
            case place::shape: return "an array of non-negative integers";
            case place::offsets: return "an array of two non-negative integers";
            case place::dimension:
            case place::offset: return "a non-negative integer of at most 64 bits";
            default: return "an object";
        }
    }

    bool refuse(const std::string& found) { return fail("expected %s, found %s", wanted(), found.c_str()); }

    /// Sets the error, with the place in front; false, as the events return it.
    TERN_PRINTF(2, 3) bool fail(const char* format, ...) {
        char text[status::text_capacity];
        std::va_list args;
        va_start(args, format);
        std::vsnprintf(text, sizeof text, format, args);
        va_end(args);
        error_ = make_error(errc::bad_format, "%s: %s", where().c_str(), text);
        return false;
    }

    const unsigned char* data_;
    std::size_t data_bytes_;
    std::vector<tensor_info>& tensors_;
    std::vector<metadata_entry>& metadata_;
    status error_;

    place at_ = place::header;
    place inside_ = place::header;  // the object whose keys are read
    bool metadata_seen_ = false;
    unsigned fields_ = 0;  // of the current tensor
    std::uint64_t offsets_[2] = {};
    std::size_t offset_count_ = 0;
};

}  // namespace detail

TERN_END_NAMESPACE
