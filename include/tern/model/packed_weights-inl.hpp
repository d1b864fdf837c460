// Definitions of model/packed_weights.hpp.
#pragma once

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "../format/dense_codes.hpp"
#include "decimal.hpp"
#include "packed_weights.hpp"

TERN_BEGIN_NAMESPACE
namespace packed_detail {

inline result<weight_shape> read_shape(const tensor_source& from, const std::string& name) {
    const std::string key = packed_keys::shape + name;
    const std::string* text = from.file().metadata(key);
    if (text == nullptr)
        return make_error(errc::not_found, "metadata %.200s is missing", key.c_str());
    std::string_view rest = *text;
    std::size_t extents[4] = {};
    bool good = true;
    for (std::size_t k = 0; k < 4; ++k)
        good = good && (k == 0 || take_character(rest, 'x')) && take_number(rest, 9, extents[k]);
    if (!good || !rest.empty())
        return make_error(errc::bad_format, "metadata %.200s: expected OxIxKHxKW, found '%.40s'", key.c_str(),
                          text->c_str());
    const weight_shape shape{extents[0], extents[1], extents[2], extents[3]};
    if (status bad = check_weight_shape(shape); !bad.ok())
        return make_error(errc::bad_format, "metadata %.200s: %s", key.c_str(), bad.message());
    return shape;
}

inline result<code_id> read_code(const tensor_source& from, const std::string& name) {
    const std::string key = packed_keys::code + name;
    const std::string* text = from.file().metadata(key);
    code_id code = code_id::ternary;
    if (text != nullptr && (!find_code(text->c_str(), code) || std::strlen(text->c_str()) != text->size() ||
                            !detail::check_weight_code(code).ok()))
        return make_error(errc::bad_format, "metadata %.200s: expected a code of weights as 't' or 'o2', found '%.20s'",
                          key.c_str(), text->c_str());
    return code;
}

/// Packed weights as they lie in the file, checked but for the codes: the stream has the bytes that the shape needs.
struct stored_weights {
    weight_shape shape;
    code_id code = code_id::ternary;
    const tensor_info* codes = nullptr;
};

inline result<stored_weights> find_weights(tensor_source& from, const std::string& name) {
    stored_weights found;
    const auto shape = read_shape(from, name);
    if (!shape.ok())
        return shape.status();
    const auto code = read_code(from, name);
    if (!code.ok())
        return code.status();
    const auto stream = from.get(name + ".codes");
    if (!stream.ok())
        return stream.status();
    const tensor_info& t = **stream;
    const weight_shape& s = *shape;
    const checked_size bytes = dense_bytes(*code, s.size());
    if (t.dtype != data_type::u8 || !bytes.ok() || t.shape.rank() != 1 || t.bytes != bytes.value)
        return make_error(errc::bad_format,
                          "tensor %.200s: expected U8 [%zu] for %zux%zux%zux%zu codes '%s', found %s %s",
                          t.name.c_str(), bytes.value, s.out_channels, s.in_channels, s.kh, s.kw, code_name(*code),
                          dtype_name(t.dtype), to_string(t.shape).c_str());
    found.shape = s;
    found.code = *code;
    found.codes = &t;
    return found;
}

/// Reads scale and bias.
inline status read_constants(tensor_source& from, const std::string& name, code_weights& to) {
    const std::size_t channels = to.shape.out_channels;
    auto scale = from.floats(name + ".scale", {channels});
    TERN_TRY(scale.status());
    to.scale = std::move(*scale);
    if (!from.has(name + ".bias"))
        return {};
    auto bias = from.floats(name + ".bias", {channels});
    TERN_TRY(bias.status());
    to.bias = std::move(*bias);
    return {};
}

/// Reads codes, which lie in rows without padding between them.
inline status decode_codes(const stored_weights& from, const allocator& memory, code_weights& to) {
    const std::size_t channels = to.shape.in_channels, taps = to.shape.taps();
    const char* const name = from.codes->name.c_str();
    if (to.code == code_id::ternary)
        return base3_detail::decode_rows(from.codes->data, to.shape.out_channels * taps, channels, name,
                                         [&](std::size_t row, std::size_t word, std::uint64_t mask,
                                             std::uint64_t sign) {
                                             std::uint64_t* const planes =
                                                 to.planes.data() + 2 * (row * to.shape.words() + word);
                                             planes[0] = mask;
                                             planes[1] = sign;
                                         });
    auto codes = make_unfilled_buffer<std::int8_t>(channels, memory);
    if (!codes.ok())
        return codes.status();
    std::size_t row = 0, filled = 0;
    return dense_detail::decode(to.code, from.codes->data, to.shape.size(), name, [&](std::size_t, int code) {
        (*codes)[filled++] = static_cast<std::int8_t>(code);
        if (filled == channels) {
            set_tap_codes(to, row / taps, row % taps, codes->data());
            ++row;
            filled = 0;
        }
    });
}

inline result<code_weights> read_weights(tensor_source& from, const std::string& name, const stored_weights& stored) {
    const std::size_t row = stored.code == code_id::ternary ? 0 : stored.shape.in_channels;
    TERN_TRY(from.claim(weight_bytes(stored.shape, stored.code) + row, stored.codes->name));
    auto made = make_code_weights(stored.shape, stored.code, from.memory());
    if (!made.ok())
        return made;
    TERN_TRY(decode_codes(stored, from.memory(), *made));
    TERN_TRY(read_constants(from, name, *made));
    return made;
}

}  // namespace packed_detail

TERN_FUNC status write_code_weights(safetensors_writer& out, const std::string& name, const code_weights& w) {
    TERN_TRY(check_code_weights(w));
    const weight_shape& s = w.shape;
    std::vector<std::int8_t> codes(s.size());  // [o][tap][i]
    for (std::size_t row = 0, taps = s.taps(); row < s.out_channels * taps; ++row)
        get_tap_codes(w, row / taps, row % taps, codes.data() + row * s.in_channels);
    std::vector<unsigned char> stream(dense_bytes(w.code, codes.size()).value);
    TERN_TRY(encode_dense(w.code, codes.data(), codes.size(), stream.data()));
    const std::size_t bytes = stream.size();
    TERN_TRY(out.add_owned(name + ".codes", data_type::u8, {bytes}, std::move(stream)));
    const auto floats = [&](const char* part, const buffer<float>& values) {
        const auto* p = reinterpret_cast<const unsigned char*>(values.data());
        return out.add_owned(name + part, data_type::f32, {s.out_channels}, {p, p + values.bytes()});
    };
    TERN_TRY(floats(".scale", w.scale));
    if (!w.bias.empty())
        TERN_TRY(floats(".bias", w.bias));
    if (w.code != code_id::ternary)
        TERN_TRY(out.set_metadata(packed_keys::code + name, code_name(w.code)));
    return out.set_metadata(packed_keys::shape + name, std::to_string(s.out_channels) + "x" +
                                                           std::to_string(s.in_channels) + "x" + std::to_string(s.kh) +
                                                           "x" + std::to_string(s.kw));
}

TERN_FUNC result<code_weights> read_code_weights(tensor_source& from, const std::string& name) {
    const auto stored = packed_detail::find_weights(from, name);
    if (!stored.ok())
        return stored.status();
    return packed_detail::read_weights(from, name, *stored);
}

TERN_FUNC result<ternary_weights> read_ternary_weights(tensor_source& from, const std::string& name) {
    const auto stored = packed_detail::find_weights(from, name);
    if (!stored.ok())
        return stored.status();
    if (stored->code != code_id::ternary)
        return make_error(errc::bad_format, "metadata %s%.200s: expected 't', found '%s'", packed_keys::code,
                          name.c_str(), code_name(stored->code));
    return packed_detail::read_weights(from, name, *stored);
}

TERN_END_NAMESPACE
