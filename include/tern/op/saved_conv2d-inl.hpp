// Definitions of op/saved_conv2d.hpp.
#pragma once

#include <cstring>
#include <limits>
#include <utility>

#include "../core/crc32.hpp"
#include "../format/dense_codes.hpp"
#include "saved/checks.hpp"
#include "saved/fields.hpp"
#include "saved/stage_fields.hpp"
#include "saved_conv2d.hpp"

TERN_BEGIN_NAMESPACE
namespace saved_detail {

// The beginning of a saved convolution.
struct conv2d_header {
    char magic[8];
    std::uint32_t version;
    std::uint32_t checksum;  // of everything behind it
    std::uint64_t bytes;     // of all
    std::uint64_t shape[4];  // out channels, in channels of a group, kernel height and width
    std::uint64_t stride[2];
    std::uint64_t padding[4];
    std::uint64_t dilation[2];
    std::uint64_t groups;
    std::uint32_t weight_code, activation_code, border;
    std::int32_t zero_point;       // of the activations
    std::uint32_t biases, stages;  // has_bias, has_sum_bias
};
static_assert(sizeof(conv2d_header) == 152 && sizeof(conv2d_header) % field_alignment == 0, "no gaps in the header");

inline constexpr char conv2d_magic[8] = {'T', 'E', 'R', 'N', 'C', 'O', 'N', 'V'};
inline constexpr std::uint32_t conv2d_version = 1;
inline constexpr std::uint32_t has_bias = 1, has_sum_bias = 2;
inline constexpr std::size_t unsummed_bytes = 16;  // up to the checksum

inline conv2d_header make_header(const conv2d_description& d) noexcept {
    const weight_shape& s = d.weights->shape;
    const conv_geometry& g = d.geometry;
    conv2d_header h{};
    std::memcpy(h.magic, conv2d_magic, sizeof h.magic);
    h.version = conv2d_version;
    const std::size_t shape[] = {s.out_channels, s.in_channels, s.kh, s.kw};
    const std::size_t padding[] = {g.padding.top, g.padding.left, g.padding.bottom, g.padding.right};
    for (std::size_t i = 0; i < 4; ++i) {
        h.shape[i] = shape[i];
        h.padding[i] = padding[i];
    }
    h.stride[0] = g.stride_h;
    h.stride[1] = g.stride_w;
    h.dilation[0] = g.dilation_h;
    h.dilation[1] = g.dilation_w;
    h.groups = g.groups;
    h.weight_code = static_cast<std::uint32_t>(d.weights->code);
    h.activation_code = static_cast<std::uint32_t>(d.activations);
    h.border = d.border_value == border_value::zero ? 1 : 0;
    h.zero_point = d.zero_point;
    h.biases = (d.weights->bias.empty() ? 0 : has_bias) | (d.sum_bias == nullptr ? 0 : has_sum_bias);
    h.stages = static_cast<std::uint32_t>(d.chain.count);
    return h;
}

// In PyTorch's order, a piece at a time.
inline status write_codes(const code_weights& w, field_writer& out) {
    const weight_shape& s = w.shape;
    unsigned char* const at = out.room(dense_bytes(w.code, s.size()));
    constexpr std::size_t piece = 320;  // a whole number of bytes in every code
    std::int8_t codes[piece];
    for (std::size_t first = 0; at != nullptr && first < s.size(); first += piece) {
        const std::size_t count = s.size() - first < piece ? s.size() - first : piece;
        for (std::size_t i = first; i < first + count; ++i)
            codes[i - first] =
                static_cast<std::int8_t>(get_code(w, i / s.fan_in(), i % s.fan_in() / s.taps(), i % s.taps()));
        TERN_TRY(encode_dense(w.code, codes, count, at + dense_bytes(w.code, first).value));
    }
    return {};
}

// Writes a description that has been checked, or, to null, counts its bytes.
inline status write_description(const conv2d_description& d, unsigned char* to, checked_size& bytes) {
    const std::size_t channels = d.weights->shape.out_channels;
    conv2d_header header = make_header(d);
    field_writer out(to);
    TERN_TRY(out.number(header));
    TERN_TRY(out.array(d.weights->scale.data(), channels));
    TERN_TRY(out.pad());
    TERN_TRY(out.array(d.weights->bias.data(), d.weights->bias.size()));
    TERN_TRY(out.pad());
    TERN_TRY(out.array(d.sum_bias, d.sum_bias == nullptr ? 0 : channels));
    TERN_TRY(out.pad());
    TERN_TRY(write_codes(*d.weights, out));
    TERN_TRY(out.pad());
    for (std::size_t i = 0; i < d.chain.count; ++i)
        TERN_TRY(write_stage(out, d.chain.stages[i], channels));
    bytes = out.size();
    if (to == nullptr)
        return {};
    header.bytes = bytes.value;
    std::memcpy(to, &header, sizeof header);
    header.checksum = crc32_of(to + unsummed_bytes, bytes.value - unsummed_bytes);
    std::memcpy(to, &header, sizeof header);
    return {};
}

// What is wrong with an argument elsewhere is wrong with the bytes here.
inline status of_bytes(status s) noexcept {
    if (s.code() == errc::invalid_argument)
        s.set_code(errc::bad_format);
    return s;
}

// The header of bytes that are whole, as far as their size and checksum say.
inline status read_header(const void* bytes, std::size_t size, conv2d_header& h) {
    if (bytes == nullptr)
        return make_error(errc::invalid_argument, "saved conv2d: expected bytes, found a null pointer");
    if (size < sizeof h)
        return make_error(errc::bad_format, "saved conv2d: expected at least %zu bytes, found %zu", sizeof h, size);
    std::memcpy(&h, bytes, sizeof h);
    if (std::memcmp(h.magic, conv2d_magic, sizeof h.magic) != 0)
        return make_error(errc::bad_format, "saved conv2d: expected bytes that begin with TERNCONV, found others");
    if (h.version != conv2d_version)
        return make_error(errc::unsupported, "saved conv2d: expected version %u, found %u", conv2d_version, h.version);
    if (h.bytes != size)
        return make_error(errc::bad_format, "saved conv2d: expected %llu bytes, as it says, found %zu",
                          static_cast<unsigned long long>(h.bytes), size);
    const std::uint32_t sum =
        crc32_of(static_cast<const unsigned char*>(bytes) + unsummed_bytes, size - unsummed_bytes);
    if (h.checksum != sum)
        return make_error(errc::bad_format, "saved conv2d: expected bytes with the checksum %08x, found %08x",
                          h.checksum, sum);
    return {};
}

// Takes over what a header says; sizes are not held against each other yet.
inline status read_fields(const conv2d_header& h, saved_conv2d& to) {
    if (h.weight_code >= code_count || h.activation_code >= code_count || h.border > 1 ||
        h.biases > (has_bias | has_sum_bias) || h.stages > epilogue::capacity)
        return make_error(errc::bad_format,
                          "saved conv2d: expected two codes, a border value, which biases there are and at most %zu "
                          "stages, found the numbers %u, %u, %u, %u and %u",
                          epilogue::capacity, h.weight_code, h.activation_code, h.border, h.biases, h.stages);
    to.zero_point = h.zero_point;
    weight_shape& s = to.weights.shape;
    conv_geometry& g = to.geometry;
    std::size_t* const sizes[] = {&s.out_channels,   &s.in_channels,   &s.kh,          &s.kw,
                                  &g.stride_h,       &g.stride_w,      &g.padding.top, &g.padding.left,
                                  &g.padding.bottom, &g.padding.right, &g.dilation_h,  &g.dilation_w,
                                  &g.groups};
    const std::uint64_t found[] = {h.shape[0],    h.shape[1],    h.shape[2],   h.shape[3],   h.stride[0],
                                   h.stride[1],   h.padding[0],  h.padding[1], h.padding[2], h.padding[3],
                                   h.dilation[0], h.dilation[1], h.groups};
    for (std::size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        if (found[i] > std::numeric_limits<std::size_t>::max())
            return make_error(errc::unsupported, "saved conv2d: expected sizes for this machine, found %llu",
                              static_cast<unsigned long long>(found[i]));
        *sizes[i] = static_cast<std::size_t>(found[i]);
    }
    to.weights.code = static_cast<code_id>(h.weight_code);
    to.activations = static_cast<code_id>(h.activation_code);
    to.border_value = h.border != 0 ? border_value::zero : border_value::from_image;
    TERN_TRY(of_bytes(check_weight_shape(s)));
    return of_bytes(detail::check_weight_code(to.weights.code));
}

template <class T>
status read_numbers(field_reader& in, std::size_t count, buffer<T>& to, const allocator& memory) {
    const unsigned char* from = nullptr;
    TERN_TRY(in.take(checked_size(count) * sizeof(T), from));
    TERN_TRY(in.pad());
    auto made = make_unfilled_buffer<T>(count, memory);
    if (!made.ok())
        return made.status();
    std::memcpy(made->data(), from, made->bytes());
    to = std::move(*made);
    return {};
}

// Memory is asked for once it is known that there are bytes to fill it.
inline status read_weights(field_reader& in, std::uint32_t biases, saved_conv2d& to, const allocator& memory) {
    code_weights& w = to.weights;
    TERN_TRY(read_numbers(in, w.shape.out_channels, w.scale, memory));
    if ((biases & has_bias) != 0)
        TERN_TRY(read_numbers(in, w.shape.out_channels, w.bias, memory));
    if ((biases & has_sum_bias) != 0)
        TERN_TRY(read_numbers(in, w.shape.out_channels, to.sum_bias, memory));
    const unsigned char* stream = nullptr;
    TERN_TRY(in.take(dense_bytes(w.code, w.shape.size()), stream));
    TERN_TRY(in.pad());
    auto planes = make_unfilled_buffer<std::uint64_t>(detail::words_of(w.shape, w.code), memory);
    if (!planes.ok())
        return planes.status();
    auto bytes = make_unfilled_buffer<std::int8_t>(detail::bytes_of(w.shape, w.code), memory);
    if (!bytes.ok())
        return bytes.status();
    w.planes = std::move(*planes);
    w.bytes = std::move(*bytes);
    auto channel = make_unfilled_buffer<std::int8_t>(w.shape.fan_in(), memory);
    if (!channel.ok())
        return channel.status();
    std::size_t o = 0, filled = 0;
    return dense_detail::decode(w.code, stream, w.shape.size(), "saved conv2d: weights", [&](std::size_t, int code) {
        (*channel)[filled++] = static_cast<std::int8_t>(code);
        if (filled == channel->size()) {
            set_channel_codes(w, o++, channel->data());
            filled = 0;
        }
    });
}

// The rest is copied as it is, into aligned memory, where stages then find their arrays.
inline status read_chain(field_reader& in, std::size_t stages, saved_conv2d& to, const allocator& memory) {
    const std::size_t place = in.place(), size = in.left();
    const unsigned char* from = nullptr;
    TERN_TRY(in.take(size, from));
    auto copy = copy_to_buffer(from, size, memory);
    if (!copy.ok())
        return copy.status();
    to.arrays = std::move(*copy);
    field_reader fields(to.arrays.data(), size, place);
    for (std::size_t i = 0; i < stages; ++i) {
        stage::any s;
        TERN_TRY(read_stage(fields, s, to.weights.shape.out_channels));
        to.chain.add(s);
    }
    if (fields.left() != 0)
        return make_error(errc::bad_format, "saved conv2d: byte %zu: expected the end, found %zu more bytes",
                          fields.place(), fields.left());
    return {};
}

}  // namespace saved_detail

TERN_FUNC result<conv2d> create_conv2d(const conv2d_description& description, const plan_options& options) {
    TERN_TRY(saved_detail::check_weights(description));
    plan_options all = options;
    all.border_value = description.border_value;
    all.zero_point = description.zero_point;
    all.sum_bias = description.sum_bias;
    return conv2d::create(*description.weights, description.activations, description.geometry, description.chain, all);
}

TERN_FUNC std::size_t saved_bytes(const conv2d_description& description) noexcept {
    checked_size bytes = 0;
    if (!saved_detail::check_description(description).ok() ||
        !saved_detail::write_description(description, nullptr, bytes).ok())
        return 0;
    return bytes.ok() ? bytes.value : 0;
}

TERN_FUNC status save_conv2d(const conv2d_description& description, void* to, std::size_t size) {
    TERN_TRY(saved_detail::check_description(description));
    checked_size bytes = 0;
    TERN_TRY(saved_detail::write_description(description, nullptr, bytes));
    if (to == nullptr || !bytes.ok() || bytes.value != size)
        return make_error(errc::invalid_argument, "saved conv2d: expected room for %zu bytes, found %s of %zu",
                          bytes.value, to == nullptr ? "a null pointer" : "one", size);
    return saved_detail::write_description(description, static_cast<unsigned char*>(to), bytes);
}

TERN_FUNC result<saved_conv2d> read_saved_conv2d(const void* bytes, std::size_t size, const allocator& memory) {
    using namespace saved_detail;
    conv2d_header header;
    TERN_TRY(read_header(bytes, size, header));
    saved_conv2d saved;
    TERN_TRY(read_fields(header, saved));
    field_reader in(static_cast<const unsigned char*>(bytes) + sizeof header, size - sizeof header, sizeof header);
    TERN_TRY(read_weights(in, header.biases, saved, memory));
    TERN_TRY(read_chain(in, header.stages, saved, memory));
    TERN_TRY(of_bytes(check_description(saved.description())));
    return saved;
}

TERN_FUNC result<conv2d> load_conv2d(const void* bytes, std::size_t size, const plan_options& options) {
    const auto saved = read_saved_conv2d(bytes, size, options.memory);
    if (!saved.ok())
        return saved.status();
    return create_conv2d(saved->description(), options);
}

TERN_END_NAMESPACE
