// Convolutions of any two codes against plain loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <tern/format/code_weights.hpp>
#include <tern/op/conv2d.hpp>
#include <tern/quantize/activation.hpp>

namespace recipe {

constexpr std::size_t outputs = 5, inputs = 70, size = 4, taps = 9;

inline std::vector<std::int8_t> any_codes(tern::code_id code, int least, std::size_t count) {
    static unsigned random = 7;
    const tern::code_info info = tern::get_code_info(code);
    std::vector<std::int8_t> codes(count);
    for (auto& c : codes) {
        random = random * 1664525u + 1013904223u;
        const auto levels = static_cast<unsigned>((info.max - least) / info.step + 1);
        c = static_cast<std::int8_t>(least + info.step * static_cast<int>((random >> 8) % levels));
    }
    return codes;
}

inline int expected(const std::vector<std::int8_t>& x, const std::vector<std::int8_t>& w, std::size_t o, std::size_t y,
                    std::size_t column) {
    int sum = 0;
    for (std::size_t i = 0; i < inputs; ++i)
        for (std::size_t t = 0; t < taps; ++t) {
            const std::size_t row = y + t / 3 - 1, at = column + t % 3 - 1;
            if (row < size && at < size)
                sum += x[(row * size + at) * inputs + i] * w[(o * inputs + i) * taps + t];
        }
    return sum;
}

/// Whether a convolution of two codes gives the sums that it should; by which kernels, if the options say so.
inline bool multiplies(tern::code_id w, tern::code_id a, const tern::plan_options& options = {}) {
    const auto weights = any_codes(w, tern::get_code_info(w).weight_min, outputs * inputs * taps);
    const auto x = any_codes(a, tern::get_code_info(a).min, size * size * inputs);
    const auto packed = tern::pack_code_weights(weights.data(), {outputs, inputs, 3, 3}, w);
    if (!packed.ok())
        return std::puts(packed.message()), false;
    const auto plan = tern::conv2d::create(*packed, a, tern::conv_geometry::square(1, 1), {}, options);
    auto image = tern::make_packed_tensor(a, {1, size, size}, inputs, tern::border::uniform(1));
    if (!plan.ok() || !image.ok())
        return std::puts(plan.ok() ? image.message() : plan.message()), false;
    if (!tern::pack_codes(tern::nhwc<const std::int8_t>(x.data(), 1, size, size, inputs), image->view()).ok())
        return false;
    std::vector<std::int32_t> sums(size * size * outputs);
    tern::conv2d_args args;
    args.input = image->view();
    args.accumulators = tern::nhwc(sums.data(), 1, size, size, outputs);
    const auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes({1, size, size}));
    if (!scratch.ok() || !plan->run(args, {const_cast<unsigned char*>(scratch->data()), scratch->size()}).ok())
        return false;
    int wrong = 0;
    for (std::size_t k = 0; k < sums.size(); ++k)
        wrong += sums[k] != expected(x, weights, k % outputs, k / outputs / size, k / outputs % size);
    std::printf("%s times %s by %s: %d sums differ\n", tern::code_name(w), tern::code_name(a),
                plan->kernel_name({1, size, size}), wrong);
    return wrong == 0;
}

}  // namespace recipe
