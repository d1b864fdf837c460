// `run` allocates nothing: every operator new of this program counts its calls.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/float_conv2d.hpp>
#include <tern/op/image_conv2d.hpp>
#include <tern/op/real_conv2d.hpp>

#include "../support/chain_model.hpp"
#include "../support/count_allocations.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/run_plan.hpp"
#include "../support/thread_executor.hpp"

#if TERN_TEST_COUNTS_ALLOCATIONS

TEST_CASE("running a plan allocates nothing") {
    std::mt19937 random(1);
    tern_test::conv_problem p;
    p.in = {2, 6, 7};
    p.weights = {70, 21, 3, 3};
    p.geometry = tern::conv_geometry::square(1, 1);
    p.fill(random);
    const auto weights = tern_test::packed_weights(p);
    const tern_test::packed_input input(tern_test::loose_layout(p.in, 21, tern::border::uniform(1), {}),
                                        p.input.data());
    std::vector<float> values(p.outputs());
    std::vector<std::int32_t> accumulators(p.outputs());
    tern_test::packed_output packed(tern_test::loose_layout(p.in, 70, tern::border::uniform(1), {}));
    const auto chain =
        tern::chain(tern::stage::residual(), tern::stage::relu(), tern::stage::store(), tern::stage::ternarize());

    for (const tern::kernel_table* table : tern_test::all_tables())
        for (const tern::plan_options& options : tern_test::all_choices(*table, p.weights.fan_in())) {
            std::size_t before = allocations;
            const auto plan = tern_test::make_plan(weights, p.geometry, chain, options);
            CHECK(allocations > before);
            auto scratch = tern::make_buffer<unsigned char>(plan.workspace_bytes(p.in, 4));
            for (const bool channels_last : {true, false}) {
                tern::conv2d_args args;
                args.input = input.view();
                args.out =
                    channels_last ? tern::nhwc(values.data(), 2, 6, 7, 70) : tern::nchw(values.data(), 2, 70, 6, 7);
                args.residual = args.out;
                args.accumulators = tern::nhwc(accumulators.data(), 2, 6, 7, 70);
                args.packed[0] = packed.view();
                before = allocations;
                const tern::status s =
                    plan.run(args, {scratch->data(), scratch->size()}, tern_test::backward_executor(4));
                const std::size_t during = allocations - before;
                CHECK_MESSAGE(s.ok(), std::string(s.message()));
                CHECK(during == 0);
            }
        }
}

TEST_CASE("running a convolution of floats allocates nothing") {
    const std::vector<float> image(2 * 9 * 11 * 20, 0.7f), ones(20, 1.0f);
    std::vector<float> values(2 * 9 * 11 * 20);
    std::vector<std::uint16_t> halves(values.size()), half_out(values.size());
    const auto weights = tern::pack_weights(std::vector<std::int8_t>(20 * 20 * 9, 1).data(), {20, 20, 3, 3});
    const auto chain = tern::chain(tern::stage::residual(), tern::stage::store());
    REQUIRE(weights.ok());
    for (const tern::kernel_table* table : tern_test::all_tables())
        for (const tern::code_id code : {tern::code_id::ternary, tern::code_id::s8})
            for (const bool channels_last : {true, false}) {
                tern::plan_options options;
                options.kernels = table;
                tern::input_quantizer q;
                q.levels.code = code;
                q.levels.count = code == tern::code_id::ternary ? 2 : 0;
                q.g = ones.data();
                const auto plan =
                    tern::float_conv2d::create(*weights, q, tern::conv_geometry::square(1, 1), chain, options);
                REQUIRE(plan.ok());
                auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes({2, 9, 11}, 4));
                tern::float_conv2d_args args;
                args.input =
                    channels_last ? tern::nhwc(image.data(), 2, 9, 11, 20) : tern::nchw(image.data(), 2, 20, 9, 11);
                args.out =
                    channels_last ? tern::nchw(values.data(), 2, 20, 9, 11) : tern::nhwc(values.data(), 2, 9, 11, 20);
                if (code == tern::code_id::s8) {
                    args.input = {tern::nchw(halves.data(), 2, 20, 9, 11), tern::float_type::f16};
                    args.out = {tern::nhwc(half_out.data(), 2, 9, 11, 20), tern::float_type::bf16};
                }
                args.residual = args.out;
                const std::size_t before = allocations;
                const tern::status s =
                    plan->run(args, {scratch->data(), scratch->size()}, tern_test::backward_executor(4));
                const std::size_t during = allocations - before;
                CHECK_MESSAGE(s.ok(), std::string(s.message()));
                CHECK(during == 0);
            }
}

TEST_CASE("running a first layer allocates nothing") {
    const std::vector<float> weights(20 * 3 * 3 * 3, 0.5f), image(2 * 9 * 11 * 3);
    const std::vector<std::uint8_t> bytes(image.size());
    const tern::weight_shape shape{20, 3, 3, 3};
    const tern::conv_geometry geometry = tern::conv_geometry::square(1, 1);
    const auto chain = tern::chain(tern::stage::store(), tern::stage::ternarize());
    std::vector<float> values(2 * 9 * 11 * 20);
    tern_test::packed_output packed(tern_test::loose_layout({2, 9, 11}, 20, tern::border::uniform(1), {}));
    for (const tern::kernel_table* table : tern_test::all_tables())
        for (const auto precision : {tern::image_weights::fp32, tern::image_weights::bits8}) {
            tern::plan_options options;
            options.kernels = table;
            const auto on_bytes =
                tern::image_conv2d::create(weights.data(), shape, {}, geometry, chain, precision, options);
            const auto on_floats = tern::real_conv2d::create(weights.data(), shape, geometry, chain, options);
            REQUIRE(on_bytes.ok());
            REQUIRE(on_floats.ok());
            const std::size_t needed =
                std::max(on_bytes->workspace_bytes({2, 9, 11}, 4), on_floats->workspace_bytes({2, 9, 11}, 4));
            auto scratch = tern::make_buffer<unsigned char>(needed);
            const tern::workspace space{scratch->data(), scratch->size()};
            for (const bool channels_last : {true, false}) {
                const auto out =
                    channels_last ? tern::nhwc(values.data(), 2, 9, 11, 20) : tern::nchw(values.data(), 2, 20, 9, 11);
                tern::image_conv2d_args b;
                b.input = tern::nhwc(bytes.data(), 2, 9, 11, 3);
                tern::real_conv2d_args f;
                f.input = tern::nhwc(image.data(), 2, 9, 11, 3);
                b.out = f.out = out;
                b.packed[0] = f.packed[0] = packed.view();
                const std::size_t before = allocations;
                const tern::status s = on_bytes->run(b, space, tern_test::backward_executor(4));
                const tern::status t = on_floats->run(f, space, tern_test::backward_executor(4));
                const std::size_t during = allocations - before;
                CHECK_MESSAGE(s.ok(), std::string(s.message()));
                CHECK_MESSAGE(t.ok(), std::string(t.message()));
                CHECK(during == 0);
            }
        }
}

#endif
