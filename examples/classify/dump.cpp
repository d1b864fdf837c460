#include "dump.hpp"

#include <cstdint>
#include <limits>
#include <list>

#include "report.hpp"

namespace examples {
namespace {

/// Values as another, narrower type, kept in `memory` until the file is written.
template <class Narrow, class T>
const Narrow* narrowed(const std::vector<T>& values, std::list<std::vector<Narrow>>& memory) {
    auto& to = memory.emplace_back();
    to.reserve(values.size());
    for (const T v : values)
        to.push_back(static_cast<Narrow>(v));
    return to.data();
}

}  // namespace

template <class T>
void dump::append(const tern::tensor_view<const T>& view, values<T>& to) {
    to.c = view.c;
    to.h = view.h;
    to.w = view.w;
    for (std::size_t n = 0; n < view.n; ++n)
        for (std::size_t c = 0; c < view.c; ++c)
            for (std::size_t y = 0; y < view.h; ++y)
                for (std::size_t x = 0; x < view.w; ++x)
                    to.list.push_back(view.at(n, y, x, c));
}

void dump::add_input(const tern::tensor_view<const float>& images) {
    append(images, input_);
    images_ += images.n;
}

void dump::add_layer(const tern::layer_view& view) {
    layer& to = layers_[view.layer];
    const tern::packed_layout& l = view.input.layout;
    if (view.input) {
        to.codes.c = l.c;
        to.codes.h = l.h;
        to.codes.w = l.w;
        to.are_bytes = tern::code_max(l.code) <= 127;
        for (std::size_t n = 0; n < l.n; ++n)
            for (std::size_t c = 0; c < l.c; ++c)
                for (std::size_t y = 0; y < l.h; ++y)
                    for (std::size_t x = 0; x < l.w; ++x)
                        to.codes.list.push_back(
                            static_cast<std::int16_t>(tern::get_code(view.input, n, static_cast<std::ptrdiff_t>(y),
                                                                     static_cast<std::ptrdiff_t>(x), c)));
    }
    append(view.accumulators, to.accumulators);
    append(view.out, to.out);
}

// "features.4.conv1" has "features.4.act1"; other layers have NAME.act. What residual networks of STTN and STQN have
// around their blocks is called as in PyTorch's model.
std::string dump::name_of(std::size_t number, const char* part) const {
    const std::string& name = network_->layers()[number].name;
    const bool residual = kind_ == tern::network_kind::sttn || kind_ == tern::network_kind::stqn;
    if (residual && number == 0)
        return std::string("features.3.") + part;
    if (residual && number + 1 == layers_.size())
        return std::string("avgpool.") + part;
    const std::size_t at = name.rfind(".conv");
    if (at == std::string::npos)
        return name + "." + part;
    return name.substr(0, at + 1) + part + name.substr(at + 5);
}

tern::status dump::write(const std::string& path, const std::vector<float>& logits) const {
    tern::safetensors_writer out;
    std::list<std::vector<std::int8_t>> bytes;
    std::list<std::vector<std::int16_t>> shorts;
    const auto dims = [&](const auto& v) { return tern::tensor_dims{images_, v.c, v.h, v.w}; };
    TERN_TRY(out.add("input", tern::data_type::f32, dims(input_), input_.list.data()));
    TERN_TRY(out.add("logits", tern::data_type::f32, {images_, network_->classes()}, logits.data()));
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const tern::layer_info& info = network_->layers()[i];
        TERN_TRY(out.set_metadata("kernel." + info.name, kernel_that_ran(info)));
        const layer& from = layers_[i];
        const auto& codes = from.codes.list;
        const auto& sums = from.accumulators.list;
        if (!codes.empty() && from.are_bytes)
            TERN_TRY(out.add(name_of(i, "act"), tern::data_type::i8, dims(from.codes), narrowed(codes, bytes)));
        else if (!codes.empty())
            TERN_TRY(out.add(name_of(i, "act"), tern::data_type::i16, dims(from.codes), codes.data()));
        const bool narrow = info.ternary && info.in_channels * info.kernel * info.kernel <=
                                                static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max());
        if (!sums.empty() && narrow)
            TERN_TRY(out.add(name_of(i, "acc"), tern::data_type::i16, dims(from.accumulators), narrowed(sums, shorts)));
        else if (!sums.empty())
            TERN_TRY(out.add(name_of(i, "acc"), tern::data_type::i32, dims(from.accumulators), sums.data()));
        const bool is_row = from.out.h == 1 && from.out.w == 1 && i + 1 == layers_.size();
        if (!from.out.list.empty())
            TERN_TRY(out.add(name_of(i, "out"), tern::data_type::f32,
                             is_row ? tern::tensor_dims{images_, from.out.c} : dims(from.out), from.out.list.data()));
    }
    return out.write(path.c_str());
}

}  // namespace examples
