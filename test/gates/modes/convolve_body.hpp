// Defines the function TERN_TEST_CONVOLVE in the mode of the including file.
#include <cstdint>
#include <cstdio>

#include <tern/tern.hpp>

#include "convolve.hpp"

namespace {

// The same sequence of codes in every file.
struct generator {
    std::uint32_t state = 1;
    int code() {
        state = state * 1664525u + 1013904223u;
        return static_cast<int>((state >> 24) % 3) - 1;
    }
};

tern::status convolve(convolution& r) {
    generator next;
    std::int8_t codes[convolution::outputs * convolution::channels * 9];
    for (std::int8_t& c : codes)
        c = static_cast<std::int8_t>(next.code());
    auto weights = tern::pack_weights(codes, {convolution::outputs, convolution::channels, 3, 3});
    TERN_TRY(weights.status());

    const tern::image_shape shape{1, convolution::height, convolution::width};
    auto image = tern::make_packed_tensor(shape, convolution::channels, {1, 1, 1, 1});
    TERN_TRY(image.status());
    for (std::size_t y = 0; y < shape.h; ++y)
        for (std::size_t x = 0; x < shape.w; ++x)
            for (std::size_t c = 0; c < convolution::channels; ++c)
                tern::set_code(image->view(), 0, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x), c,
                               next.code());

    tern::conv_geometry geometry;
    geometry.padding = {1, 1, 1, 1};
    auto plan = tern::conv2d::create(*weights, geometry);
    TERN_TRY(plan.status());
    std::snprintf(r.kernel, sizeof r.kernel, "%s", plan->kernel_name(shape));
    auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes(shape));
    TERN_TRY(scratch.status());
    tern::conv2d_args args;
    args.input = image->view();
    args.accumulators = tern::nhwc(r.accumulators, 1, shape.h, shape.w, convolution::outputs);
    return plan->run(args, {scratch->data(), scratch->bytes()});
}

}  // namespace

convolution TERN_TEST_CONVOLVE() {
    convolution r;
    const tern::status s = convolve(r);
    std::snprintf(r.error, sizeof r.error, "%s", s.message());
    return r;
}
