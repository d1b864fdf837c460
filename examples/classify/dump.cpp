#include "dump.hpp"

#include <cstdint>
#include <limits>
#include <list>

#include "report.hpp"

namespace examples {
namespace {

// Appends a view's elements in the order [n][c][h][w].
template <class T>
void append(const tern::tensor_view<const T>& view, std::vector<T>& to) {
    for (std::size_t n = 0; n < view.n; ++n)
        for (std::size_t c = 0; c < view.c; ++c)
            for (std::size_t y = 0; y < view.h; ++y)
                for (std::size_t x = 0; x < view.w; ++x)
                    to.push_back(view.at(n, y, x, c));
}

void append_codes(const tern::const_packed_image& image, std::vector<std::int8_t>& to) {
    const tern::packed_layout& l = image.layout;
    for (std::size_t n = 0; n < l.n; ++n)
        for (std::size_t c = 0; c < l.c; ++c)
            for (std::size_t y = 0; y < l.h; ++y)
                for (std::size_t x = 0; x < l.w; ++x)
                    to.push_back(static_cast<std::int8_t>(
                        tern::get_code(image, n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x), c)));
}

}  // namespace

void dump::add_input(const tern::tensor_view<const float>& image) {
    append(image, input_);
    ++images_;
}

void dump::add_layer(const tern::layer_view& view) {
    layer& to = layers_[view.layer];
    if (view.input)
        append_codes(view.input, to.codes);
    append<std::int32_t>(view.accumulators, to.accumulators);
    append<float>(view.out, to.out);
}

tern::status dump::write(const std::string& path, const std::vector<float>& logits) const {
    tern::safetensors_writer out;
    std::list<std::vector<std::int16_t>> narrowed;  // must live until the file is written
    const tern::image_shape& in = network_->input_shape();
    TERN_TRY(out.add("input", tern::data_type::f32, {images_, network_->input_channels(), in.h, in.w}, input_.data()));
    TERN_TRY(out.add("logits", tern::data_type::f32, {images_, network_->classes()}, logits.data()));
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const tern::layer_info& info = network_->layers()[i];
        TERN_TRY(out.set_metadata("kernel." + info.name, kernel_that_ran(info)));
        const layer& from = layers_[i];
        const tern::tensor_dims outputs{images_, info.out_channels, info.output.h, info.output.w};
        if (!info.ternary) {
            const bool stem = i == 0;
            TERN_TRY(out.add(stem ? "features.3.out" : "avgpool.out", tern::data_type::f32,
                             stem ? outputs : tern::tensor_dims{images_, info.in_channels}, from.out.data()));
            continue;
        }
        const std::string block = info.name.substr(0, info.name.rfind('.') + 1),
                          digit = info.name.substr(info.name.size() - 1);
        TERN_TRY(out.add(block + "act" + digit, tern::data_type::i8,
                         {images_, info.in_channels, info.input.h, info.input.w}, from.codes.data()));
        TERN_TRY(out.add(block + "out" + digit, tern::data_type::f32, outputs, from.out.data()));
        const std::string name = block + "acc" + digit;
        if (info.in_channels * info.kernel * info.kernel >
            static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max())) {
            TERN_TRY(out.add(name, tern::data_type::i32, outputs, from.accumulators.data()));
            continue;
        }
        auto& narrow = narrowed.emplace_back();
        narrow.reserve(from.accumulators.size());
        for (const std::int32_t a : from.accumulators)
            narrow.push_back(static_cast<std::int16_t>(a));
        TERN_TRY(out.add(name, tern::data_type::i16, outputs, narrow.data()));
    }
    return out.write(path.c_str());
}

}  // namespace examples
