// What the readers of trained networks share: batch norms, convolutions, scalars, metadata and the geometry of a stem.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/rounding.hpp"
#include "../core/status.hpp"
#include "decimal.hpp"
#include "metadata_keys.hpp"
#include "residual_network.hpp"
#include "safetensors.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE
namespace state_dict {

/// PyTorch's default, which all official networks have.
inline constexpr double batch_norm_epsilon = 1e-5;

/// A batch norm as four tensors, or folded in the packed form. Errors: a variance that is not above -epsilon.
inline result<folded_norm> read_norm(tensor_source& from, const std::string& name, std::size_t channels,
                                     double epsilon = batch_norm_epsilon) {
    folded_norm norm;
    TERN_TRY(from.claim(checked_size(channels) * (2 * sizeof(double)), from.full_name(name)));
    auto factor = make_buffer<double>(channels, from.memory());
    auto shift = make_buffer<double>(channels, from.memory());
    if (!factor.ok() || !shift.ok())
        return !factor.ok() ? factor.status() : shift.status();
    norm.factor = std::move(*factor);
    norm.shift = std::move(*shift);
    if (from.has(name + ".folded")) {
        const auto folded = from.doubles(name + ".folded", {2, channels});
        if (!folded.ok())
            return folded.status();
        std::copy_n(folded->data(), channels, norm.factor.data());
        std::copy_n(folded->data() + channels, channels, norm.shift.data());
        return norm;
    }
    const char* parts[4] = {".weight", ".bias", ".running_mean", ".running_var"};
    buffer<float> values[4];
    for (std::size_t i = 0; i < 4; ++i) {
        auto read = from.floats(name + parts[i], {channels});
        if (!read.ok())
            return read.status();
        values[i] = std::move(*read);
    }
    from.ignore(name + ".num_batches_tracked");
    for (std::size_t c = 0; c < channels; ++c) {
        const double spread = static_cast<double>(values[3][c]) + epsilon;
        if (!(spread > 0.0))
            return make_error(errc::bad_value, "tensor %.200s[%zu]: expected a variance above -%g, found %g",
                              from.full_name(name + parts[3]).c_str(), c, epsilon, static_cast<double>(values[3][c]));
        norm.factor[c] = static_cast<double>(values[0][c]) / std::sqrt(spread);
        norm.shift[c] = static_cast<double>(values[1][c]) - rounded(static_cast<double>(values[2][c]) * norm.factor[c]);
    }
    return norm;
}

/// An error of a quantizer, with a word on F16 if it is about latent weights of 0 and one of the tensors is F16.
inline status explain_zeros(const status& error, const tensor_info* const* tensors, std::size_t count) {
    if (std::strstr(error.message(), "option zeros") == nullptr)
        return error;
    for (std::size_t i = 0; i < count; ++i)
        if (tensors[i] != nullptr && tensors[i]->dtype == data_type::f16)
            return make_error(error.code(), "%s (it is F16, in which weights below 3e-8 are 0: better save F32)",
                              error.message());
    return error;
}

/// Claims what a quantizer makes of weights of this shape: planes, a row of codes and constants per output channel.
inline status claim_planes(tensor_source& from, const std::string& name, const weight_shape& s) {
    return from.claim(weight_bytes(s, code_id::ternary) + s.fan_in() +
                          checked_size(s.out_channels) * (2 * sizeof(double)),
                      name);
}
/// The same for weights of any code, which is not known yet, and the sums that they come from.
inline status claim_codes(tensor_source& from, const std::string& name, const weight_shape& s) {
    const checked_size planes = weight_bytes(s, code_id::o4), bytes = weight_bytes(s, code_id::s8);
    return from.claim((planes.value > bytes.value ? planes : bytes) + s.size(), name);
}

/// Convolution weights of this shape; of 1x1 also as a matrix.
inline result<buffer<float>> read_conv_floats(tensor_source& from, const std::string& name, const weight_shape& s) {
    const tensor_info* const t = from.file().find(from.full_name(name));
    if (t != nullptr && t->shape.rank() == 2 && s.taps() == 1)
        return from.floats(name, {s.out_channels, s.in_channels});
    return from.floats(name, {s.out_channels, s.in_channels, s.kh, s.kw});
}

/// Weights over a flattened map of `channels` as the side x side convolution without padding that they are; the order
/// of both is the same. Errors: inputs that are no square number of maps.
inline result<weight_shape> unflattened(const tensor_source& from, const std::string& name, const weight_shape& stored,
                                        std::size_t channels) {
    std::size_t side = 1;
    while (channels * (side + 1) * (side + 1) <= stored.in_channels && side < 1024)
        ++side;
    if (stored.taps() != 1 || channels * side * side != stored.in_channels)
        return make_error(errc::bad_format,
                          "tensor %.200s: expected a multiple of %zu channels by a square number, found %zu",
                          from.full_name(name).c_str(), channels, stored.in_channels);
    return weight_shape{stored.out_channels, channels, side, side};
}

/// A count in the metadata, or `fallback`.
inline result<std::size_t> metadata_count(const tensor_file& file, const char* key, std::size_t fallback) {
    const std::string* text = file.metadata(key);
    if (text == nullptr)
        return fallback;
    std::string_view rest = *text;
    std::size_t value = 0;
    if (!take_number(rest, 4, value) || !rest.empty())
        return make_error(errc::bad_format, "metadata %s: expected a number of at most 4 digits, found '%.40s'", key,
                          text->c_str());
    return value;
}

/// A pooling in the metadata, or `fallback`.
inline result<pool_geometry> metadata_pool(const tensor_file& file, const char* key, const pool_geometry& fallback) {
    const std::string* text = file.metadata(key);
    if (text == nullptr)
        return fallback;
    const auto pool = parse_pool(*text);
    return pool.ok() ? pool : make_error(errc::bad_format, "metadata %s: %s", key, pool.message());
}

/// Whether the metadata says `first` (0) or `second` (1); `fallback` if it is silent.
inline result<int> metadata_choice(const tensor_file& file, const char* key, const char* first, const char* second,
                                   int fallback) {
    const std::string* text = file.metadata(key);
    if (text == nullptr)
        return fallback;
    if (*text == first || *text == second)
        return *text == first ? 0 : 1;
    return make_error(errc::bad_format, "metadata %s: expected '%s' or '%s', found '%.40s'", key, first, second,
                      text->c_str());
}

/// A decimal number of at most 15 digits in the metadata, as "0.75", or `fallback`. Whatever the locale, rounded once.
inline result<double> metadata_number(const tensor_file& file, const char* key, double fallback) {
    const std::string* text = file.metadata(key);
    if (text == nullptr)
        return fallback;
    double digits = 0, unit = 1;
    std::size_t count = 0;
    bool good = true, point = false;
    for (const char c : *text) {
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        good = good && c >= '0' && c <= '9' && ++count <= 15;
        digits = digits * 10 + (c - '0');
        unit *= point ? 10 : 1;
        if (!good)
            break;
    }
    if (!good || count == 0)
        return make_error(errc::bad_format,
                          "metadata %s: expected a number of at most 15 digits as 0.75, found '%.40s'", key,
                          text->c_str());
    return digits / unit;
}

/// An error unless it is "none" or a window that parse_pool would read.
inline status check_pool(const pool_geometry& p, const char* layer) {
    if (p.kernel != 0 && (p.kernel > 64 || p.stride == 0 || p.stride > 9999 || p.padding >= p.kernel))
        return make_error(
            errc::invalid_argument,
            "%s: expected a pooling window of at most 64 with a stride of 1 to 9999 and less padding than "
            "window, found %zu, %zu and %zu",
            layer, p.kernel, p.stride, p.padding);
    return {};
}

struct stem_options {
    std::optional<std::size_t> stride, padding;
    std::optional<pool_geometry> pool;
};
struct stem_geometry {
    std::size_t stride = 1, padding = 0;
    pool_geometry pool;
};

/// Geometry of a stem with a k x k kernel: from options, else from metadata (sttn_keys), else stride 2 for kernels
/// from 5x5 on, padding k / 2, pooling 3x3s2p1.
inline result<stem_geometry> read_stem_geometry(const tensor_file& file, std::size_t k, const stem_options& options) {
    const auto stride = metadata_count(file, sttn_keys::stem_stride, k >= 5 ? 2 : 1);
    const auto padding = metadata_count(file, sttn_keys::stem_padding, k / 2);
    TERN_TRY(stride.status());
    TERN_TRY(padding.status());
    stem_geometry stem;
    stem.stride = options.stride.value_or(*stride);
    stem.padding = options.padding.value_or(*padding);
    if (stem.stride == 0 || stem.stride > 64 || stem.padding > 64)
        return make_error(errc::invalid_argument,
                          "stem: expected a stride of 1 to 64 and a padding of at most 64, found %zu and %zu",
                          stem.stride, stem.padding);
    const auto pool = metadata_pool(file, sttn_keys::pool, stem.pool);
    TERN_TRY(pool.status());
    stem.pool = options.pool.value_or(*pool);
    TERN_TRY(check_pool(stem.pool, "stem"));
    return stem;
}

/// The float convolution of a network's stem: a square kernel of at most 64x64.
template <class Network>
status read_stem(tensor_source& from, const char* name, Network& net) {
    const auto shape = from.conv_shape(name);
    TERN_TRY(shape.status());
    if (shape->kh != shape->kw || shape->kh > 64)
        return make_error(errc::bad_format, "tensor %s: expected a square kernel of at most 64x64, found %zux%zu",
                          from.full_name(name).c_str(), shape->kh, shape->kw);
    auto values = read_conv_floats(from, name, *shape);
    TERN_TRY(values.status());
    net.stem_shape = *shape;
    net.stem = std::move(*values);
    return {};
}

/// The float classifier `fc` behind `features` channels.
template <class Network>
status read_classifier(tensor_source& from, std::size_t features, Network& net) {
    const auto fc = from.get("fc.weight");
    TERN_TRY(fc.status());
    if ((*fc)->shape.rank() != 2 || (*fc)->shape[1] != features || (*fc)->shape[0] == 0)
        return make_error(errc::bad_format, "tensor %s: expected [classes, %zu], found %s", (*fc)->name.c_str(),
                          features, to_string((*fc)->shape).c_str());
    net.classes = static_cast<std::size_t>((*fc)->shape[0]);
    auto weight = from.floats("fc.weight", {net.classes, features});
    TERN_TRY(weight.status());
    net.fc_weight = std::move(*weight);
    auto bias = from.floats("fc.bias", {net.classes});
    TERN_TRY(bias.status());
    net.fc_bias = std::move(*bias);
    return {};
}

/// All values of a tensor of any shape, between 1 and `most` of them; NaN and infinity are errors.
inline result<buffer<float>> read_constants(tensor_source& from, const std::string& name, std::size_t most) {
    const auto t = from.get(name);
    if (!t.ok())
        return t.status();
    if ((*t)->count() == 0 || (*t)->count() > most)
        return make_error(errc::bad_format, "tensor %.200s: expected at least 1 value and at most %zu, found shape %s",
                          (*t)->name.c_str(), most, to_string((*t)->shape).c_str());
    TERN_TRY(from.claim(checked_size((*t)->count()) * sizeof(float), (*t)->name));
    auto values = make_buffer<float>((*t)->count(), from.memory());
    if (!values.ok())
        return values;
    TERN_TRY(read_floats(**t, values->data(), values->size()));
    for (std::size_t i = 0; i < values->size(); ++i)
        if (!std::isfinite((*values)[i]))
            return make_error(errc::bad_value, "tensor %.200s[%zu]: expected a finite value, found %g",
                              (*t)->name.c_str(), i, static_cast<double>((*values)[i]));
    return values;
}

}  // namespace state_dict
TERN_END_NAMESPACE
