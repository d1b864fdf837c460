// Definitions of model/packed_weights.hpp.
#pragma once

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "decimal.hpp"
#include "dense_codes.hpp"
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

}  // namespace packed_detail

TERN_FUNC status write_code_weights(safetensors_writer& out, const std::string& name, const code_weights& w) {
    TERN_TRY(check_code_weights(w));
    const weight_shape& s = w.shape;
    std::vector<std::int8_t> codes(s.size());  // [o][tap][i]
    std::size_t next = 0;
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t tap = 0; tap < s.taps(); ++tap)
            for (std::size_t i = 0; i < s.in_channels; ++i)
                codes[next++] = w.channel(o)[i * s.taps() + tap];
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
    const auto shape = packed_detail::read_shape(from, name);
    if (!shape.ok())
        return shape.status();
    const auto code = packed_detail::read_code(from, name);
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
    auto scale = from.floats(name + ".scale", {s.out_channels});
    if (!scale.ok())
        return scale.status();
    auto made = make_code_weights(s, *code, from.memory());
    auto row = make_buffer<std::int8_t>(s.fan_in(), from.memory());
    if (!made.ok() || !row.ok())
        return !made.ok() ? made.status() : row.status();
    TERN_TRY(decode_dense(*code, t.data, s.size(), made->codes.data(), t.name.c_str()));
    for (std::size_t o = 0; o < s.out_channels; ++o) {  // [tap][i], in place to [i][tap]
        std::memcpy(row->data(), made->channel(o), s.fan_in());
        for (std::size_t j = 0; j < s.fan_in(); ++j)
            made->channel(o)[j] = (*row)[j % s.taps() * s.in_channels + j / s.taps()];
    }
    made->scale = std::move(*scale);
    if (from.has(name + ".bias")) {
        auto bias = from.floats(name + ".bias", {s.out_channels});
        if (!bias.ok())
            return bias.status();
        made->bias = std::move(*bias);
    }
    return made;
}

TERN_END_NAMESPACE
