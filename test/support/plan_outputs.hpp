// All that a plan of any shape writes, for tests that compare plans and for fuzz targets: no assertions here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <tern/op/conv2d.hpp>

namespace tern_test {

/// Some numbers, the same everywhere.
class number_sequence {
public:
    explicit number_sequence(std::uint32_t seed) : state_(seed) {}
    std::uint32_t next() { return (state_ = state_ * 1664525u + 1013904223u) >> 8; }

private:
    std::uint32_t state_;
};

/// Images of codes for a plan, with the halo that it needs; empty if that is a lot of memory.
inline tern::packed_tensor made_input(const tern::conv2d& plan, const tern::image_shape& in, std::uint32_t seed) {
    const tern::border halo = plan.required_halo(in);
    constexpr std::size_t most = 4096;  // pixels on a side, and channels
    for (const std::size_t side : {halo.top, halo.left, halo.bottom, halo.right, plan.in_channels()})
        if (side > most)
            return {};
    if ((halo.top + in.h + halo.bottom) * (halo.left + in.w + halo.right) * plan.in_channels() > 16 * most)
        return {};
    auto layout = tern::make_packed_layout(plan.input_code(), in, plan.in_channels(), halo);
    if (!layout.ok())
        return {};
    if (plan.zero_point() != 0)
        layout->halo_code = static_cast<std::int16_t>(plan.zero_point());
    auto made = tern::make_packed_tensor(*layout);
    if (!made.ok())
        return {};
    const tern::code_info code = tern::get_code_info(plan.input_code());
    number_sequence random(seed);
    for (std::size_t n = 0; n < in.n; ++n)
        for (std::size_t y = 0; y < in.h; ++y)
            for (std::size_t x = 0; x < in.w; ++x)
                for (std::size_t c = 0; c < plan.in_channels(); ++c)
                    tern::set_code(made->view(), n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x), c,
                                   code.min + code.step * static_cast<int>(random.next() %
                                                                           static_cast<std::uint32_t>(code.levels())));
    return std::move(*made);
}

/// The bytes of accumulators, floats and packed images that a plan with this chain writes for made-up images; none if
/// it takes no such images, or much memory. `s`: what `run` said.
inline std::vector<unsigned char> plan_outputs(const tern::conv2d& plan, const tern::epilogue& chain,
                                               const tern::image_shape& in, std::uint32_t seed, tern::status& s) {
    const auto out = plan.output_shape(in);
    const std::size_t channels = plan.out_channels(), workspace = plan.workspace_bytes(in);
    constexpr std::size_t most = std::size_t{1} << 16;
    if (!out.ok() || workspace > (std::size_t{1} << 26) || out->h > most || out->w > most || channels > most ||
        out->n * out->h * out->w * channels > most)
        return {};
    const tern::packed_tensor input = made_input(plan, in, seed);
    if (input.view().data == nullptr)
        return {};

    const std::size_t count = out->n * out->h * out->w * channels;
    number_sequence random(seed + 1);
    std::vector<std::int32_t> sums(count);
    std::vector<float> floats(count), residual(4 * count);
    for (float& r : residual)
        r = static_cast<float>(static_cast<int>(random.next() % 2001) - 1000) / 100.0f;
    tern::conv2d_args args;
    args.input = input.view();
    args.accumulators = tern::nhwc(sums.data(), out->n, out->h, out->w, channels);
    std::vector<tern::packed_tensor> images;
    for (std::size_t i = 0; i < chain.count; ++i) {
        const tern::stage::any& stage = chain.stages[i];
        if (stage.kind == tern::stage::kind::store)
            args.out = tern::nhwc(floats.data(), out->n, out->h, out->w, channels);
        if (stage.kind == tern::stage::kind::residual) {
            const std::size_t times = stage.residual == tern::residual_kind::pooled ? 2 : 1;
            args.residual = tern::nhwc<const float>(residual.data(), out->n, times * out->h, times * out->w, channels);
        }
        if (stage.kind == tern::stage::kind::quantize) {
            auto image = tern::make_packed_tensor(stage.levels.code, *out, channels, {1, 0, 2, 1});
            if (!image.ok() || images.size() == 2)
                return {};
            images.push_back(std::move(*image));
            args.packed[images.size() - 1] = images.back().view();
        }
    }
    auto scratch = tern::make_buffer<unsigned char>(workspace);
    if (!scratch.ok())
        return {};
    s = plan.run(args, {scratch->data(), scratch->size()});

    std::vector<unsigned char> all;
    const auto append = [&](const void* data, std::size_t bytes) {
        const auto* const from = static_cast<const unsigned char*>(data);
        all.insert(all.end(), from, from + bytes);
    };
    append(sums.data(), sums.size() * sizeof sums[0]);
    append(floats.data(), floats.size() * sizeof floats[0]);
    for (const tern::packed_tensor& image : images)
        append(image.view().data, image.view().layout.total_bytes);
    return all;
}

}  // namespace tern_test
