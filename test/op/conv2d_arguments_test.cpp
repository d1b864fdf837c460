// Arguments of runs that conv2d refuses, in words that name what was expected and found; nothing is written then.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/contains.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/run_plan.hpp"
#include "../support/thread_executor.hpp"

namespace {

namespace stage = tern::stage;
using tern::errc;

using tern_test::any_problem;
using tern_test::contains;

/// A plan with every kind of output, and arguments that fit; tests spoil one of them at a time.
struct valid_run {
    static constexpr std::size_t channels = 12, rows = 4, columns = 5;
    tern_test::conv_problem problem = any_problem({channels, 6, 3, 3}, tern::conv_geometry::square(1, 1));
    tern::residual_kind kind;
    tern::conv2d plan;
    tern_test::packed_input input;
    tern_test::guarded_array<float> out{rows * columns * channels};
    tern_test::guarded_array<std::int32_t> accumulators{rows * columns * channels};
    std::vector<float> residual;
    tern_test::packed_output packed[2]{output(), output()};
    tern_test::guarded_array<unsigned char> scratch;
    tern::conv2d_args args;

    explicit valid_run(tern::residual_kind k = tern::residual_kind::same)
        : kind(k), plan(make_plan(problem, k)), input(layout(problem.in.w, 6, 1), codes()),
          residual(4 * rows * columns * channels), scratch(plan.workspace_bytes({1, rows, columns})) {
        args.input = input.view();
        args.out = tern::nhwc(out.data(), 1, rows, columns, channels);
        args.accumulators = tern::nhwc(accumulators.data(), 1, rows, columns, channels);
        args.residual = kind == tern::residual_kind::same
                            ? tern::nhwc<const float>(residual.data(), 1, rows, columns, channels)
                            : tern::nhwc<const float>(residual.data(), 1, 2 * rows, 2 * columns, 5);
        args.packed[0] = packed[0].view();
        args.packed[1] = packed[1].view();
    }

    tern::workspace workspace() { return {scratch.data(), scratch.size()}; }

    /// Runs, expects an error whose text has the parts, and finds every output as it was.
    void refuses(const std::vector<std::string>& parts) { refuses(parts, workspace()); }
    void refuses(const std::vector<std::string>& parts, const tern::workspace& space,
                 const tern::executor& threads = {}) {
        const tern::status s = plan.run(args, space, threads);
        REQUIRE_FALSE(s.ok());
        CHECK(s.code() == errc::invalid_argument);
        CAPTURE(std::string(s.message()));
        for (const std::string& part : parts)
            CHECK(contains(s.message(), part));
        bool untouched = true;
        for (std::size_t i = 0; i < out.size(); ++i)
            untouched = untouched && out.untouched(i) && accumulators.untouched(i);
        for (const auto& p : packed)
            for (std::size_t i = 0; i < p.size(); ++i)
                untouched = untouched && p.data()[i] == tern_test::guarded_array<unsigned char>::guard;
        CHECK(untouched);
    }

private:
    static tern::packed_layout layout(std::size_t w, std::size_t c, std::size_t halo) {
        return tern_test::loose_layout({1, rows, w}, c, tern::border::uniform(halo), {});
    }
    static tern_test::packed_output output() { return tern_test::packed_output(layout(columns, channels, 1)); }
    const std::int8_t* codes() { return problem.input.data(); }
    static tern::conv2d make_plan(tern_test::conv_problem& p, tern::residual_kind k) {
        std::mt19937 random(2);
        p.in.w = columns;
        p.fill(random);
        return tern_test::make_plan(tern_test::packed_weights(p), p.geometry,
                                    tern::chain(stage::residual(k), stage::store(), stage::ternarize(),
                                                stage::ternarize()));
    }
};

}  // namespace

TEST_CASE("the arguments that the following tests spoil are right") {
    for (const auto kind : {tern::residual_kind::same, tern::residual_kind::pooled}) {
        valid_run run(kind);
        const auto s = run.plan.run(run.args, run.workspace());
        CHECK_MESSAGE(s.ok(), std::string(s.message()));
    }
}

TEST_CASE("an input that is no image of the plan's channels with the halo it needs") {
    valid_run run;
    tern::packed_layout& l = run.args.input.layout;
    const tern::packed_layout good = l;
    run.args.input.data = nullptr;
    run.refuses({"input", "no data"});
    run.args.input = run.input.view();

    l.format = tern::image_format::none;
    run.refuses({"expected planes of code t, found image format 0"});
    l = good;
    l.c = 7;
    run.refuses({"expected 6 input channels, found 7"});
    l = good;
    l.halo = {0, 1, 1, 1};
    run.refuses({"needs a halo of 1,1,1,1", "found 0,1,1,1"});
    l.halo = {1, 0, 1, 1};
    run.refuses({"needs a halo of 1,1,1,1", "found 1,0,1,1"});
    l.halo = {1, 1, 0, 1};
    run.refuses({"needs a halo of 1,1,1,1", "found 1,1,0,1"});
    l.halo = {1, 1, 1, 0};
    run.refuses({"needs a halo of 1,1,1,1", "found 1,1,1,0"});
    l = good;
    l.row_bytes -= 8;
    run.refuses({"input", "do not hold"});
    l = good;
    l.pixel_bytes = 0;
    run.refuses({"input", "do not hold"});
    l = good;
    l.row_bytes = l.image_bytes = l.total_bytes = 0;
    run.refuses({"input", "do not hold"});
    l = {};
    l.format = tern::image_format::planes;
    run.refuses({"input", "do not hold"});
    l = good;
    l.n = 2;
    run.refuses({"input", "do not hold 2x4x5x6"});
    l = good;
    ++run.args.input.data;
    run.refuses({"input", "multiples of 8"});
}

TEST_CASE("an input that is smaller than the kernel") {
    tern::conv_geometry g;
    g.dilation_h = 2;
    const auto p = any_problem({1, 1, 3, 3}, g);
    const auto plan = tern_test::make_plan(tern_test::packed_weights(p), g);
    CHECK_FALSE(plan.output_shape({1, 4, 4}).ok());
    CHECK(contains(plan.output_shape({1, 4, 4}).message(), "3x3 kernel (dilation 2x1) does not fit 1 images of 4x4"));
    CHECK_FALSE(plan.output_shape({0, 4, 4}).ok());
    CHECK(plan.output_shape({1, 5, 3}).ok());
    const tern_test::packed_input input(tern_test::loose_layout(p.in, 1, {}, {}), p.input.data());
    std::int32_t out = 5;
    tern::conv2d_args args;
    args.input = input.view();
    args.accumulators = tern::nhwc(&out, 1, 1, 1, 1);
    const auto s = tern_test::run_plan(plan, args);
    CHECK(contains(s.message(), "does not fit"));
    CHECK(out == 5);
}

TEST_CASE("a workspace that is missing, too small or misaligned") {
    valid_run run;
    const tern::workspace good = run.workspace();
    run.refuses({"workspace must hold", std::to_string(good.bytes), "found 0 bytes"}, {});
    run.refuses({"workspace must hold"}, {nullptr, good.bytes});
    run.refuses({"workspace must hold", std::to_string(good.bytes - 1)}, {good.data, good.bytes - 1});
    run.refuses({"workspace must hold", "aligned to 64"}, {static_cast<unsigned char*>(good.data) + 32, good.bytes});
    run.refuses({"workspace must hold", std::to_string(run.plan.workspace_bytes({1, 4, 5}, 2))}, good,
                tern_test::thread_executor(2));
    CHECK(run.plan.workspace_bytes({1, 4, 5}, std::numeric_limits<std::size_t>::max() / 2) ==
          std::numeric_limits<std::size_t>::max());
    CHECK(run.plan.workspace_bytes({1, 4, 5}, 0) == good.bytes);
}

TEST_CASE("outputs that are missing, unexpected or of another shape") {
    valid_run run;
    const tern::conv2d_args good = run.args;
    run.args.out = {};
    run.refuses({"the epilogue stores a float output, found none"});
    run.args = good;
    run.args.packed[0] = {};
    run.refuses({"has 2 packed outputs, found none for number 0"});
    run.args = good;
    run.args.packed[1] = {};
    run.refuses({"has 2 packed outputs, found none for number 1"});

    const auto shapes = [&](const char* what, std::size_t& extent, const std::string& expected,
                            const std::string& found) {
        ++extent;
        run.refuses({what, "expected " + expected, "found " + found});
        run.args = good;
    };
    run.args = good;
    shapes("out", run.args.out.n, "1x4x5x12", "2x4x5x12");
    shapes("out", run.args.out.h, "1x4x5x12", "1x5x5x12");
    shapes("out", run.args.out.w, "1x4x5x12", "1x4x6x12");
    shapes("out", run.args.out.c, "1x4x5x12", "1x4x5x13");
    shapes("accumulators", run.args.accumulators.n, "1x4x5x12", "2x4x5x12");
    shapes("accumulators", run.args.accumulators.h, "1x4x5x12", "1x5x5x12");
    shapes("accumulators", run.args.accumulators.w, "1x4x5x12", "1x4x6x12");
    shapes("accumulators", run.args.accumulators.c, "1x4x5x12", "1x4x5x13");
    shapes("packed output", run.args.packed[0].layout.c, "1x4x5x12", "1x4x5x13");
    --run.args.packed[1].layout.w;
    run.refuses({"packed output", "expected 1x4x5x12", "found 1x4x4x12"});
    run.args = good;
    run.args.packed[1].layout.format = tern::image_format::none;
    run.refuses({"packed[1]", "expected planes of code t"});
    run.args = good;
    run.args.packed[0].layout.row_bytes = 16;
    run.refuses({"packed[0]", "do not hold"});
}

TEST_CASE("outputs of a plan without an epilogue") {
    const auto p = any_problem({4, 3, 1, 1});
    const auto plan = tern_test::make_plan(tern_test::packed_weights(p));
    const tern_test::packed_input input(tern_test::loose_layout(p.in, 3, {}, {}), p.input.data());
    tern_test::packed_output packed(tern_test::loose_layout(p.in, 4, {}, {}));
    std::vector<std::int32_t> accumulators(64, 5);
    std::vector<float> floats(64, 5.0f);
    tern::conv2d_args args;
    args.input = input.view();
    CHECK(contains(tern_test::run_plan(plan, args).message(), "nothing to write"));
    args.accumulators = tern::nhwc(accumulators.data(), 1, 4, 4, 4);
    args.out = tern::nhwc(floats.data(), 1, 4, 4, 4);
    CHECK(contains(tern_test::run_plan(plan, args).message(), "does not store a float output, found one"));
    args.out = {};
    args.residual = tern::nhwc<const float>(floats.data(), 1, 4, 4, 4);
    CHECK(contains(tern_test::run_plan(plan, args).message(), "does not have a residual, found one"));
    args.residual = {};
    args.packed[1] = packed.view();
    CHECK(contains(tern_test::run_plan(plan, args).message(), "has 0 packed outputs, found one for number 1"));
    args.packed[1] = {};
    CHECK(accumulators == std::vector<std::int32_t>(64, 5));
    CHECK(tern_test::run_plan(plan, args).ok());
}

TEST_CASE("residuals that are missing or of another shape") {
    valid_run run;
    const tern::conv2d_args good = run.args;
    run.args.residual = {};
    run.refuses({"the epilogue has a residual, found none"});
    run.args = good;
    --run.args.residual.c;
    run.refuses({"residual", "expected 1x4x5x12", "found 1x4x5x11"});
    run.args = good;
    ++run.args.residual.h;
    run.refuses({"residual", "expected 1x4x5x12", "found 1x5x5x12"});

    valid_run pooled(tern::residual_kind::pooled);
    const tern::conv2d_args fine = pooled.args;
    for (std::size_t tern::tensor_view<const float>::*extent :
         {&tern::tensor_view<const float>::n, &tern::tensor_view<const float>::h, &tern::tensor_view<const float>::w}) {
        pooled.args = fine;
        ++(pooled.args.residual.*extent);
        pooled.refuses({"pooled residual", "expected 1x8x10", "at most 12 channels"});
    }
    pooled.args = fine;
    pooled.args.residual.c = 13;
    pooled.refuses({"pooled residual", "at most 12 channels", "found 1x8x10x13"});
    pooled.args.residual.c = 0;
    pooled.refuses({"pooled residual", "found 1x8x10x0"});
}

TEST_CASE("views that share memory") {
    valid_run run;
    const tern::conv2d_args good = run.args;
    const auto out = tern::nhwc(run.out.data(), 1, 4, 5, 12);
    const auto as_input = [](const void* p) { return static_cast<const unsigned char*>(p); };

    run.args.residual = tern::nchw<const float>(run.out.data(), 1, 12, 4, 5);  // the same memory in another order
    run.refuses({"overlaps an input", "only out and residual"});
    run.args.residual = tern::nhwc<const float>(run.out.data() + 12, 1, 4, 5, 12);
    run.refuses({"overlaps an input"});
    run.args = good;
    run.args.accumulators.data = reinterpret_cast<std::int32_t*>(run.out.data());
    run.refuses({"two outputs overlap"});
    run.args = good;
    run.args.packed[1] = run.args.packed[0];
    run.refuses({"two outputs overlap"});
    run.args = good;
    run.args.packed[0].data = reinterpret_cast<unsigned char*>(run.out.data());
    run.refuses({"two outputs overlap"});
    run.args = good;
    run.args.input.data = as_input(run.out.data());
    run.refuses({"overlaps an input"});
    run.args.input.data = run.args.packed[0].data;
    run.refuses({"overlaps an input"});
    run.args.input.data = as_input(run.accumulators.data());
    run.refuses({"overlaps an input"});

    run.args = good;
    run.args.out = tern::nhwc(reinterpret_cast<float*>(run.scratch.data()), 1, 4, 5, 12);
    run.refuses({"workspace"});
    run.args = good;
    run.args.input.data = run.scratch.data();
    run.refuses({"workspace overlaps an input"});
    run.args = good;
    run.args.residual = tern::nhwc<const float>(reinterpret_cast<float*>(run.scratch.data()), 1, 4, 5, 12);
    run.refuses({"workspace overlaps an input"});

    valid_run pooled(tern::residual_kind::pooled);
    pooled.args.out = tern::nhwc(pooled.residual.data(), 1, 4, 5, 12);
    pooled.refuses({"overlaps an input"});

    run.args = good;
    run.args.residual = out;
    const auto s = run.plan.run(run.args, run.workspace());
    CHECK_MESSAGE(s.ok(), std::string(s.message()));
}

TEST_CASE("views with negative strides are placed by their lowest and highest elements") {
    valid_run run;
    const auto upside_down = [](auto* p) {
        using element = std::remove_reference_t<decltype(*p)>;
        return tern::tensor_view<element>(p + 3 * 60, 1, 4, 5, 12, 240, -60, 12, 1);
    };
    run.args.out = upside_down(run.out.data());
    run.args.residual = tern::nhwc<const float>(run.out.data(), 1, 4, 5, 12);
    run.refuses({"overlaps an input"});
    run.args.residual = tern::nhwc<const float>(run.residual.data(), 1, 4, 5, 12);
    const auto s = run.plan.run(run.args, run.workspace());
    CHECK_MESSAGE(s.ok(), std::string(s.message()));
    CHECK(run.out.guards_intact());
}
