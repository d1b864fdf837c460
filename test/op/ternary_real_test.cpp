// Ternary and odd-level weights with fp32 activations (TWN as published) against sums in double.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <tern/op/real_conv2d.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"

namespace {

void random_problems(const tern::kernel_table& table) {
    std::mt19937 random(21);
    constexpr std::size_t channels[] = {1, 2, 3, 8, 33, 64, 65, 127};
    for (int i = 0; i < 60; ++i) {
        const tern::code_id code = i % 3 == 0   ? tern::code_id::o2
                                   : i % 3 == 1 ? tern::code_id::s8
                                                : tern::code_id::ternary;
        tern::weight_shape shape{channels[random() % 8], channels[random() % 8], 1 + random() % 3, 1 + random() % 3};
        const tern::image_shape in{1 + random() % 2, 3 + random() % 4, 3 + random() % 4};
        auto geometry = tern::conv_geometry::square(1 + random() % 2, random() % 2);
        geometry.groups = 1 + random() % 3;
        shape.out_channels *= geometry.groups;
        const std::size_t in_channels = shape.in_channels * geometry.groups,
                          per_group = shape.out_channels / geometry.groups;
        const tern::code_info info = tern::get_code_info(code);
        std::vector<std::int8_t> codes(shape.size());
        const auto values = static_cast<unsigned>((info.max - info.weight_min) / info.step + 1);
        for (auto& c : codes)
            c = static_cast<std::int8_t>(info.weight_min + info.step * static_cast<int>(random() % values));
        std::vector<float> scale(shape.out_channels), bias(shape.out_channels), input(in.n * in.h * in.w * in_channels);
        for (auto* v : {&scale, &bias, &input})
            for (float& x : *v)
                x = tern_test::plain_float(random);
        const auto weights = tern::pack_code_weights(codes.data(), shape, code, scale.data(), bias.data());
        REQUIRE_MESSAGE(weights.ok(), std::string(weights.message()));
        tern::plan_options options;
        options.kernels = &table;
        const auto plan = tern::real_conv2d::create(*weights, geometry, tern::chain(tern::stage::store()), options);
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        const auto out = *plan->output_shape(in);
        const auto threads = tern_test::any_executor(static_cast<unsigned>(random()));
        tern_test::guarded_array<float> found(out.n * out.h * out.w * shape.out_channels);
        tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(in, threads.slices));
        tern::real_conv2d_args args;
        args.input = tern::nhwc(static_cast<const float*>(input.data()), in.n, in.h, in.w, in_channels);
        args.out = tern::nhwc(found.data(), out.n, out.h, out.w, shape.out_channels);
        const tern::status s = plan->run(args, {scratch.data(), scratch.size()}, threads);
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
        if (code == tern::code_id::ternary) {  // the other holder of ternary codes gives the same bits
            const auto planes = tern::pack_weights(codes.data(), shape, scale.data(), bias.data());
            const auto same = tern::real_conv2d::create(*planes, geometry, tern::chain(tern::stage::store()), options);
            REQUIRE(same.ok());
            std::vector<float> again(found.size());
            args.out.data = again.data();
            REQUIRE(same->run(args, {scratch.data(), scratch.size()}).ok());
            CHECK(std::memcmp(again.data(), found.data(), again.size() * sizeof(float)) == 0);

            // Two bits a weight, and the sums of floats: scale and bias round by themselves.
            const std::vector<float> whole(codes.begin(), codes.end());
            const std::vector<double> factors(scale.begin(), scale.end()), shifts(bias.begin(), bias.end());
            const auto floats =
                tern::real_conv2d::create(whole.data(), shape, geometry,
                                          tern::chain(tern::stage::affine(factors.data(), shifts.data()),
                                                      tern::stage::store()),
                                          options);
            REQUIRE_MESSAGE(floats.ok(), std::string(floats.message()));
            CHECK(16 * plan->panel_bytes() == floats->panel_bytes());
            REQUIRE(floats->run(args, {scratch.data(), scratch.size()}).ok());
            CHECK(std::memcmp(again.data(), found.data(), again.size() * sizeof(float)) == 0);
        }

        std::size_t wrong = 0, next = 0;
        for (std::size_t n = 0; n < out.n; ++n)
            for (std::size_t oy = 0; oy < out.h; ++oy)
                for (std::size_t ox = 0; ox < out.w; ++ox)
                    for (std::size_t o = 0; o < shape.out_channels; ++o) {
                        double sum = 0.0, size = 0.0;
                        for (std::size_t c = 0; c < shape.in_channels; ++c)
                            for (std::size_t ky = 0; ky < shape.kh; ++ky)
                                for (std::size_t kx = 0; kx < shape.kw; ++kx) {
                                    const std::size_t y = oy * geometry.stride_h + ky - geometry.padding.top,
                                                      x = ox * geometry.stride_w + kx - geometry.padding.left;
                                    if (y >= in.h || x >= in.w)
                                        continue;
                                    const double product =
                                        static_cast<double>(input[((n * in.h + y) * in.w + x) * in_channels +
                                                                  o / per_group * shape.in_channels + c]) *
                                        codes[((o * shape.in_channels + c) * shape.kh + ky) * shape.kw + kx];
                                    sum += product;
                                    size += std::fabs(product);
                                }
                        const double expected = static_cast<double>(scale[o]) * sum + static_cast<double>(bias[o]);
                        const double unit = std::ldexp(1.0, -23);
                        const double bound = std::fabs(static_cast<double>(scale[o])) * size * unit *
                                                 static_cast<double>(shape.fan_in() + 2) +
                                             unit * std::fabs(expected) +
                                             unit * std::fabs(static_cast<double>(bias[o]));
                        wrong += !(std::fabs(static_cast<double>(found.data()[next++]) - expected) <= bound) ? 1 : 0;
                    }
        CHECK(wrong == 0);
    }
}

}  // namespace

TEST_CASE("integer weights with fp32 activations are within rounding of sums in double") {
    tern_test::for_each_table_and_reference(random_problems);
}
