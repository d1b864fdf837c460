// One file of the program, with nothing but tern_single.hpp: defines TERN_TEST_CONVOLUTION.
#include "convolution.hpp"

#include <cstdint>
#include <cstdio>

#include <tern_single.hpp>

namespace {

constexpr std::size_t height = 4, width = 5, channels = 70, outputs = 6, taps = 3;

struct layer {
    std::int8_t weights[outputs][channels][taps][taps];
    std::int8_t image[height][width][channels];
};

void fill(layer& l) {
    std::uint32_t state = 1;
    const auto code = [&state] {
        state = state * 1664525u + 1013904223u;
        return static_cast<std::int8_t>(static_cast<int>((state >> 24) % 3) - 1);
    };
    for (auto& output : l.weights)
        for (auto& channel : output)
            for (auto& row : channel)
                for (std::int8_t& w : row)
                    w = code();
    for (auto& row : l.image)
        for (auto& pixel : row)
            for (std::int8_t& x : pixel)
                x = code();
}

std::int32_t sum_of(const layer& l, std::size_t o, std::size_t y, std::size_t x) {
    std::int32_t sum = 0;
    for (std::size_t dy = 0; dy < taps; ++dy)
        for (std::size_t dx = 0; dx < taps; ++dx)
            if (y + dy >= 1 && y + dy <= height && x + dx >= 1 && x + dx <= width)
                for (std::size_t c = 0; c < channels; ++c)
                    sum += l.weights[o][c][dy][dx] * l.image[y + dy - 1][x + dx - 1][c];
    return sum;
}

tern::status convolve(const layer& l, convolution& r) {
    auto weights = tern::pack_weights(&l.weights[0][0][0][0], {outputs, channels, taps, taps});
    TERN_TRY(weights.status());
    const tern::image_shape shape{1, height, width};
    auto image = tern::make_packed_tensor(shape, channels, {1, 1, 1, 1});
    TERN_TRY(image.status());
    for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x)
            for (std::size_t c = 0; c < channels; ++c)
                tern::set_code(image->view(), 0, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x), c,
                               l.image[y][x][c]);

    auto plan = tern::conv2d::create(*weights, tern::conv_geometry::square(1, 1));
    TERN_TRY(plan.status());
    std::snprintf(r.kernel, sizeof r.kernel, "%s", plan->kernel_name(shape));
    auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes(shape));
    TERN_TRY(scratch.status());
    std::int32_t sums[height][width][outputs] = {};
    tern::conv2d_args args;
    args.input = image->view();
    args.accumulators = tern::nhwc(&sums[0][0][0], 1, height, width, outputs);
    TERN_TRY(plan->run(args, {scratch->data(), scratch->bytes()}));

    r.wrong = 0;
    for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x)
            for (std::size_t o = 0; o < outputs; ++o)
                r.wrong += sums[y][x][o] != sum_of(l, o, y, x);
    return {};
}

}  // namespace

convolution TERN_TEST_CONVOLUTION() {
    convolution r;
    layer l;
    fill(l);
    const tern::status s = convolve(l, r);
    std::snprintf(r.error, sizeof r.error, "%s", s.message());
    return r;
}
