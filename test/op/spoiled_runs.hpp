// Runs plans on tensors, images, workspaces and executors that are wrong, and plans that are none.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../support/spoiled_arguments.hpp"
#include "small_plans.hpp"
#include "spoiled_tensors.hpp"

namespace tern_test::small_plans {

/// What a run of one of the plans reads and writes.
struct memory {
    std::vector<float> values = ones(height * width * inputs), residual = ones(height * width * outputs),
                       out = ones(height * width * outputs + 1);
    std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(height * width * inputs);
    std::vector<std::uint16_t> half_values = std::vector<std::uint16_t>(height * width * outputs + 1);
    std::vector<std::int32_t> sums = std::vector<std::int32_t>(height * width * outputs + 1);
    tern::packed_tensor input, packed;
    tern::buffer<unsigned char> scratch = std::move(*tern::make_buffer<unsigned char>(1 << 18));

    explicit memory(const tern::image_shape& s, const tern::border& halo)
        : input(std::move(*tern::make_packed_tensor(s, inputs, halo))),
          packed(std::move(*tern::make_packed_tensor(s, outputs))) {}
    tern::workspace space() { return {scratch.data(), scratch.bytes()}; }
    tern::tensor_view<std::uint16_t> halves(std::size_t channels) {
        return tern::nhwc(half_values.data(), 1, height, width, channels);
    }
};

inline const tern::epilogue everything = tern::chain(stage::residual(), stage::store(), stage::ternarize());

inline tern::tensor_view<float> floats_of(const tern::tensor_view<float>& v) { return v; }
inline tern::tensor_view<float> floats_of(const tern::float_view& v) { return v.floats(); }

template <class Args, class = void>
struct writes_codes : std::false_type {};
template <class Args>
struct writes_codes<Args, std::void_t<decltype(Args::packed)>> : std::true_type {};

/// Runs with each part of args spoiled in turn. `Args` has out, and packed if it writes codes; visit_others spoils what
/// else it has.
template <class Plan, class Args, class Others>
void walk_run(argument_walk& walk, const std::string& name, const Plan& plan, const Args& good, memory& m,
              Others&& visit_others) {
    const auto run = [&](const std::string& how, const Args& args) {
        walk.refused(name, how, plan.run(args, m.space()));
    };
    REQUIRE_MESSAGE(plan.run(good, m.space()).ok(), std::string(plan.run(good, m.space()).message()));
    run("nothing", Args());
    const auto spoil = [&](const std::string& what, const auto& views, auto Args::*member) {
        for (const auto& [how, view] : views) {
            Args args = good;
            args.*member = view;
            run(what + ", " + how, args);
        }
    };
    spoil("out", bad_views(floats_of(good.out), false), &Args::out);
    Args args = good;
    if constexpr (writes_codes<Args>::value) {
        for (const auto& [how, image] : bad_images(good.packed[0])) {
            args.packed[0] = image;
            run("packed, " + how, args);
        }
        args = good;
        args.packed[1] = m.packed.view();
        run("an image that no stage writes", args);
        args = good;
    }
    args.out.data = reinterpret_cast<float*>(m.scratch.data());
    run("out in the workspace", args);
    visit_others(spoil);

    walk.refused(name, "no workspace", plan.run(good, {}));
    walk.refused(name, "a workspace of no memory", plan.run(good, {nullptr, huge}));
    walk.refused(name, "a small workspace", plan.run(good, {m.scratch.data(), 64}));
    walk.refused(name, "a misaligned workspace", plan.run(good, {m.scratch.data() + 8, m.scratch.bytes() - 8}));
    tern::executor threads;
    for (const std::size_t slices : {std::size_t{1} << 20, huge, SIZE_MAX}) {
        threads.slices = slices;
        walk.refused(name, "slices", plan.run(good, m.space(), threads));
    }
}

/// Runs plans that are none: default-made, moved-from, and such as a larger and a smaller plan were moved into and out
/// of.
template <class Plan, class Make, class Run>
void walk_unmade(argument_walk& walk, const std::string& name, Make&& make, Run&& run) {
    const Plan nothing;
    walk.refused(name, "default-made", run(nothing));
    Plan plan = make();
    REQUIRE(run(plan).ok());
    Plan taken = std::move(plan);
    walk.refused(name, "moved-from", run(plan));
    CHECK(run(taken).ok());
    Plan other = make();
    other = std::move(taken);
    walk.refused(name, "moved into another", run(taken));
    CHECK(run(other).ok());
    plan = std::move(other);
    CHECK(run(plan).ok());
    walk.refused(name, "moved back", run(other));
}

template <class Plan>
void walk_unmade_facts(argument_walk& walk, const std::string& name) {
    const Plan nothing;
    walk.gives(name + "::kernel_name", "default-made", std::string(nothing.kernel_name(one_image)), std::string());
    walk.gives(name + "::kernels", "default-made", nothing.kernels() == nullptr, true);
    walk.gives(name + "::in_channels", "default-made", nothing.in_channels(), std::size_t{0});
    walk.gives(name + "::out_channels", "default-made", nothing.out_channels(), std::size_t{0});
    walk.gives(name + "::panel_bytes", "default-made", nothing.panel_bytes(), std::size_t{0});
    walk.gives(name + "::macs_per_output", "default-made", nothing.macs_per_output(), std::size_t{0});
    (void)nothing.workspace_bytes(one_image);
    walk.gives(name + "::geometry", "default-made", nothing.geometry().groups, std::size_t{1});
    walk.gives(name + "::weights", "default-made", nothing.weights().out_channels, std::size_t{0});
    for (const tern::image_shape& s : {tern::image_shape{1, 0, 1}, {1, 1, 0}, {1, SIZE_MAX, 1}, {1, 1, SIZE_MAX}, {}}) {
        walk.refused(name + "::output_shape", "a bad shape", nothing.output_shape(s));
        (void)nothing.workspace_bytes(s, huge);
    }
}

/// Parts of teams that are none.
template <class Plan, class Args>
void walk_teams(argument_walk& walk, const std::string& name, const Plan& plan, const Args& good,
                const tern::workspace& space) {
    REQUIRE(plan.run_slice(good, space, {}, 0).ok());
    walk.refused(name, "nothing", plan.run_slice(Args(), space, {}, 0));
    walk.refused(name, "a number behind the last", plan.run_slice(good, space, {}, 1));
    walk.refused(name, "a team of none", plan.run_slice(good, space, {0, nullptr, nullptr}, 0));
    for (const std::size_t size : {std::size_t{2}, huge, SIZE_MAX})
        walk.refused(name, "no barrier", plan.run_slice(good, space, {size, nullptr, nullptr}, 1));
    // The same by way of the executor, which has no other way to say so.
    const tern::team lonely{2, nullptr, nullptr};
    tern::team_member member(lonely, 0), behind_last(tern::team(), 1);
    walk.refused(name, "no barrier", plan.run(good, space, member.executor()));
    walk.refused(name, "a number behind the last", plan.run(good, space, behind_last.executor()));
}

inline void walk_conv2d(argument_walk& walk) {
    memory m(one_image, tern::border::uniform(1));
    const auto plan = make_conv2d(padded, everything, {});
    REQUIRE(plan.ok());
    tern::conv2d_args good;
    good.input = m.input.view();
    good.out = tern::nhwc(m.out.data(), 1, height, width, outputs);
    good.residual = tern::nhwc<const float>(m.residual.data(), 1, height, width, outputs);
    good.packed[0] = m.packed.view();
    good.accumulators = tern::nhwc(m.sums.data(), 1, height, width, outputs);
    walk_run(walk, "conv2d::run", *plan, good, m, [&](auto&& spoil) {
        spoil("residual", bad_views(good.residual, true), &tern::conv2d_args::residual);
        auto sums = bad_views(good.accumulators, false);
        sums.erase(sums.begin(), sums.begin() + 2);  // without data nobody asks for them
        spoil("accumulators", sums, &tern::conv2d_args::accumulators);
        spoil("input", bad_images(m.input.view()), &tern::conv2d_args::input);
    });
    tern::conv2d_args args = good;
    args.out = {};
    for (const auto& [how, view] : bad_halves<tern::float_view>(m.halves(outputs), false)) {
        args.half_out = view;
        walk.refused("conv2d::run", "out, " + how, plan->run(args, m.space()));
    }
    args = good;
    args.residual = {};
    for (const auto& [how, view] : bad_halves<tern::const_float_view>(m.halves(outputs), true)) {
        args.half_residual = view;
        walk.refused("conv2d::run", "residual, " + how, plan->run(args, m.space()));
    }
    walk_teams(walk, "conv2d::run_slice", *plan, good, m.space());
    for (auto how = tern::lowering::automatic; how <= tern::lowering::winograd2; how = behind(how)) {
        tern::plan_options options;
        options.lowering = how;
        if (make_conv2d(padded, everything, options).ok())
            walk_unmade<tern::conv2d>(
                walk, "conv2d::run", [&] { return std::move(*make_conv2d(padded, everything, options)); },
                [&](const tern::conv2d& p) { return p.run(good, m.space()); });
    }
    walk_unmade_facts<tern::conv2d>(walk, "conv2d");
    walk.gives("conv2d::workspace_bytes", "slices", plan->workspace_bytes(one_image, huge), SIZE_MAX);
    walk.gives("conv2d::workspace_bytes", "default-made", tern::conv2d().workspace_bytes(one_image), std::size_t{0});
    walk.gives("conv2d::explain", "default-made", tern::conv2d().explain(one_image, nullptr, 0), std::size_t{8});
    for (const tern::image_shape& s : {tern::image_shape{}, {huge, huge, huge}, {1, SIZE_MAX, 1}, {1, 1, 1 << 20}})
        walk.gives("conv2d::explain", "a bad shape", plan->explain(s, nullptr, 100) != 0, true);
    walk.gives("conv2d::required_halo", "default-made", tern::conv2d().required_halo(one_image), tern::border{});
    walk.gives("conv2d::required_halo", "huge", plan->required_halo({huge, huge, huge}), tern::border::uniform(1));
    walk.gives("conv2d::input_code", "default-made", tern::conv2d().input_code(), code_id::ternary);
    walk.gives("conv2d::uses_integer_thresholds", "default-made", tern::conv2d().uses_integer_thresholds(), false);
}

inline void walk_float_conv2d(argument_walk& walk) {
    memory m(one_image, {});
    const tern::epilogue adds = tern::chain(stage::residual(), stage::store());
    const auto plan = make_float_conv2d(padded, adds, {});
    REQUIRE(plan.ok());
    const auto in = tern::nhwc<const float>(m.values.data(), 1, height, width, inputs);
    const auto residual = tern::nhwc<const float>(m.residual.data(), 1, height, width, outputs);
    tern::float_conv2d_args good;
    good.input = in;
    good.out = tern::nhwc(m.out.data(), 1, height, width, outputs);
    good.residual = residual;
    walk_run(walk, "float_conv2d::run", *plan, good, m, [&](auto&& spoil) {
        spoil("residual", bad_views(residual, true), &tern::float_conv2d_args::residual);
        spoil("input", bad_views(in, true), &tern::float_conv2d_args::input);
        using tern::const_float_view;
        spoil("residual", bad_halves<const_float_view>(m.halves(outputs), true), &tern::float_conv2d_args::residual);
        spoil("input", bad_halves<const_float_view>(m.halves(inputs), true), &tern::float_conv2d_args::input);
        spoil("out", bad_halves<tern::float_view>(m.halves(outputs), false), &tern::float_conv2d_args::out);
    });
    walk_unmade<tern::float_conv2d>(
        walk, "float_conv2d::run", [&] { return std::move(*make_float_conv2d(padded, adds, {})); },
        [&](const tern::float_conv2d& p) { return p.run(good, m.space()); });
    const tern::float_conv2d nothing;
    walk.gives("float_conv2d::kernels", "default-made", nothing.kernels() == nullptr, true);
    walk.gives("float_conv2d::conv", "default-made", nothing.conv().kernels() == nullptr, true);
    walk.gives("float_conv2d::in_channels", "default-made", nothing.in_channels(), std::size_t{0});
    walk.gives("float_conv2d::out_channels", "default-made", nothing.out_channels(), std::size_t{0});
    walk.gives("float_conv2d::kernel_name", "default-made", std::string(nothing.kernel_name(one_image)), std::string());
    walk.gives("float_conv2d::workspace_bytes", "default-made", nothing.workspace_bytes(one_image), std::size_t{0});
    walk.gives("float_conv2d::workspace_bytes", "slices", plan->workspace_bytes(one_image, huge), SIZE_MAX);
    for (const tern::image_shape& s : {tern::image_shape{1, 0, 1}, {1, 1, 0}, {1, SIZE_MAX, 1}, {1, 1, SIZE_MAX}}) {
        walk.refused("float_conv2d::output_shape", "a bad shape", plan->output_shape(s));
        walk.gives("float_conv2d::workspace_bytes", "a bad shape", plan->workspace_bytes(s, huge), std::size_t{0});
    }
    for (const std::size_t n : {huge, SIZE_MAX})
        CHECK(plan->workspace_bytes({n, height, width}) != 0);
}

inline void walk_conv2d_of_bytes(argument_walk& walk) {
    memory m(one_image, tern::border::uniform(1));
    tern::plan_options options;
    options.zero_point = 5;
    const auto plan =
        tern::conv2d::create(codes(), code_id::u8, padded, tern::chain(stage::requantize(code_id::u8)), options);
    REQUIRE(plan.ok());
    std::vector<std::uint8_t> out(height * width * outputs + 1);
    tern::conv2d_args good;
    good.bytes = tern::nhwc<const std::uint8_t>(m.bytes.data(), 1, height, width, inputs);
    good.byte_out = tern::nhwc(out.data(), 1, height, width, outputs);
    REQUIRE_MESSAGE(plan->run(good, m.space()).ok(), std::string(plan->run(good, m.space()).message()));
    for (const auto& [how, view] : bad_views(good.bytes, true)) {
        tern::conv2d_args args = good;
        args.bytes = view;
        walk.refused("conv2d::run", "bytes, " + how, plan->run(args, m.space()));
    }
    for (const auto& [how, view] : bad_views(good.byte_out, false)) {
        tern::conv2d_args args = good;
        args.byte_out = view;
        walk.refused("conv2d::run", "byte output, " + how, plan->run(args, m.space()));
    }
    tern::conv2d_args args = good;
    args.input = m.input.view();
    walk.refused("conv2d::run", "two inputs", plan->run(args, m.space()));
    args = good;
    args.packed[0] = m.packed.view();
    walk.refused("conv2d::run", "two outputs of one quantizer", plan->run(args, m.space()));
    args = good;
    args.byte_out.data = m.scratch.data();
    walk.refused("conv2d::run", "bytes in the workspace", plan->run(args, m.space()));
    walk_unmade<tern::conv2d>(
        walk, "conv2d::run",
        [&] {
            return std::move(*tern::conv2d::create(codes(), code_id::u8, padded,
                                                   tern::chain(stage::requantize(code_id::u8)), options));
        },
        [&](const tern::conv2d& p) { return p.run(good, m.space()); });
    walk.gives("conv2d::zero_point", "default-made", tern::conv2d().zero_point(), 0);
    walk.gives("conv2d::quantizers", "default-made", tern::conv2d().quantizers(), std::size_t{0});
    walk.gives("conv2d::output_code", "no such output", plan->output_code(huge) == code_id::ternary, true);
    CHECK(plan->output_code(0) == code_id::u8);
}

inline void walk_real_conv2d(argument_walk& walk) {
    memory m(one_image, {});
    const auto plan = make_real_conv2d(padded, everything, {});
    REQUIRE(plan.ok());
    tern::real_conv2d_args good;
    good.input = tern::nhwc<const float>(m.values.data(), 1, height, width, inputs);
    good.out = tern::nhwc(m.out.data(), 1, height, width, outputs);
    good.residual = tern::nhwc<const float>(m.residual.data(), 1, height, width, outputs);
    good.packed[0] = m.packed.view();
    walk_run(walk, "real_conv2d::run", *plan, good, m, [&](auto&& spoil) {
        spoil("residual", bad_views(good.residual, true), &tern::real_conv2d_args::residual);
        spoil("input", bad_views(good.input, true), &tern::real_conv2d_args::input);
    });
    walk_unmade<tern::real_conv2d>(
        walk, "real_conv2d::run", [&] { return std::move(*make_real_conv2d(padded, everything, {})); },
        [&](const tern::real_conv2d& p) { return p.run(good, m.space()); });
    walk_unmade_facts<tern::real_conv2d>(walk, "real_conv2d");
    walk.gives("real_conv2d::workspace_bytes", "slices", plan->workspace_bytes(one_image, huge), SIZE_MAX);
    walk.gives("real_conv2d::workspace_bytes", "default-made", tern::real_conv2d().workspace_bytes(one_image),
               SIZE_MAX);
}

template <class Make>
void walk_image_conv2d(argument_walk& walk, Make&& make) {
    memory m(one_image, {});
    const tern::epilogue chain = tern::chain(stage::store(), stage::ternarize());
    const auto plan = make(padded, chain, {});
    REQUIRE(plan.ok());
    tern::image_conv2d_args good;
    good.input = tern::nhwc<const std::uint8_t>(m.bytes.data(), 1, height, width, inputs);
    good.out = tern::nhwc(m.out.data(), 1, height, width, outputs);
    good.packed[0] = m.packed.view();
    walk_run(walk, "image_conv2d::run", *plan, good, m,
             [&](auto&& spoil) { spoil("input", bad_views(good.input, true), &tern::image_conv2d_args::input); });
    walk_unmade<tern::image_conv2d>(
        walk, "image_conv2d::run", [&] { return std::move(*make(padded, chain, {})); },
        [&](const tern::image_conv2d& p) { return p.run(good, m.space()); });
    walk_unmade_facts<tern::image_conv2d>(walk, "image_conv2d");
    walk.gives("image_conv2d::workspace_bytes", "slices", plan->workspace_bytes(one_image, huge), SIZE_MAX);
    walk.gives("image_conv2d::workspace_bytes", "default-made", tern::image_conv2d().workspace_bytes(one_image),
               SIZE_MAX);
}

inline void walk_gemm(argument_walk& walk) {
    constexpr std::size_t rows = height * width;
    memory m({1, 1, rows}, {});
    const auto plan = make_gemm({}, everything, {});
    REQUIRE(plan.ok());
    tern::gemm_args good;
    good.rows = m.input.view();
    good.out = tern::matrix(m.out.data(), rows, outputs);
    good.residual = tern::matrix<const float>(m.residual.data(), rows, outputs);
    good.packed[0] = m.packed.view();
    good.accumulators = tern::matrix(m.sums.data(), rows, outputs);
    walk_run(walk, "gemm::run", *plan, good, m, [&](auto&& spoil) {
        spoil("residual", bad_views(good.residual, true), &tern::gemm_args::residual);
        spoil("rows", bad_images(m.input.view()), &tern::gemm_args::rows);
    });
    walk_teams(walk, "gemm::run_slice", *plan, good, m.space());
    walk_unmade<tern::gemm>(
        walk, "gemm::run", [&] { return std::move(*make_gemm({}, everything, {})); },
        [&](const tern::gemm& p) { return p.run(good, m.space()); });
    const tern::gemm nothing;
    walk.gives("gemm::input_code", "default-made", nothing.input_code() == code_id::ternary, true);
    walk.gives("gemm::output_code", "no such output", nothing.output_code(huge) == code_id::ternary, true);
    walk.gives("gemm::k", "default-made", nothing.k(), std::size_t{0});
    walk.gives("gemm::n", "default-made", nothing.n(), std::size_t{0});
    walk.gives("gemm::workspace_bytes", "default-made", nothing.workspace_bytes(rows), std::size_t{0});
    walk.gives("gemm::workspace_bytes", "huge", plan->workspace_bytes(SIZE_MAX), std::size_t{0});
    walk.gives("gemm::panel_bytes", "default-made", nothing.panel_bytes(), std::size_t{0});
    walk.gives("gemm::kernel_name", "default-made", std::string(nothing.kernel_name(rows)), std::string());
    walk.gives("gemm::explain", "default-made", nothing.explain(rows, nullptr, 0), std::size_t{8});
    for (const std::size_t bad : {std::size_t{0}, huge, SIZE_MAX})
        walk.gives("gemm::explain", "bad rows", plan->explain(bad, nullptr, 100) != 0, true);
    walk.gives("gemm::kernels", "default-made", nothing.kernels() == nullptr, true);
    for (const std::size_t bad : {std::size_t{0}, huge, SIZE_MAX}) {
        walk.refused("make_packed_rows", "k", tern::make_packed_rows(1, bad == huge ? SIZE_MAX : bad));
        walk.refused("make_packed_rows", "m", tern::make_packed_rows(code_id::s8, bad == 0 ? huge : bad, 64));
    }
    walk.refused("make_packed_rows", "code", tern::make_packed_rows(no_code, 1, 1));
    walk.refused("make_packed_rows", "no memory", tern::make_packed_rows(1, 1, no_memory()));
}

inline void walk_linear(argument_walk& walk) {
    std::vector<float> in = ones(2 * inputs + 1), out = ones(2 * outputs + 1);
    const auto plan = make_linear({}, {}, {});
    REQUIRE(plan.ok());
    walk.refused("linear::run", "no input", plan->run(nullptr, 2, out.data()));
    walk.refused("linear::run", "no output", plan->run(in.data(), 2, nullptr));
    walk.refused("linear::run", "misaligned", plan->run(misaligned(in.data()), 2, out.data()));
    walk.refused("linear::run", "misaligned", plan->run(in.data(), 2, misaligned(out.data())));
    walk.refused("linear::run", "overlap", plan->run(in.data(), 2, in.data() + 1));
    for (const std::size_t rows : {huge, SIZE_MAX})
        walk.refused("linear::run", "huge", plan->run(in.data(), rows, out.data()));
    walk_unmade<tern::linear>(
        walk, "linear::run", [&] { return std::move(*make_linear({}, {}, {})); },
        [&](const tern::linear& p) { return p.run(in.data(), 2, out.data()); });
    tern::executor threads;
    threads.slices = huge;
    CHECK(plan->run(in.data(), 2, out.data(), threads).ok());
    walk.gives("linear::inputs", "default-made", tern::linear().inputs(), std::size_t{0});
    walk.gives("linear::outputs", "default-made", tern::linear().outputs(), std::size_t{0});
    walk.gives("linear::kernel_name", "default-made", std::string(tern::linear().kernel_name()), std::string());
    walk.gives("linear::kernels", "default-made", tern::linear().kernels() == nullptr, true);
}

}  // namespace tern_test::small_plans
