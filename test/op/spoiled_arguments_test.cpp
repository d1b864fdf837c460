#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/gemm.hpp>
#include <tern/op/image_checks.hpp>
#include <tern/op/image_conv2d.hpp>
#include <tern/op/levels.hpp>
#include <tern/op/linear.hpp>
#include <tern/op/output_checks.hpp>
#include <tern/op/plan_checks.hpp>
#include <tern/op/pooling.hpp>
#include <tern/op/quantize_image.hpp>
#include <tern/op/real_conv2d.hpp>
#include <tern/op/ternarize.hpp>

#include "../support/check_refused.hpp"
#include "../support/spoiled_arguments.hpp"

namespace stage = tern::stage;
using tern::code_id;
using tern::errc;
using namespace tern_test;

namespace {

constexpr std::size_t huge = SIZE_MAX / 2;
constexpr auto no_code = static_cast<code_id>(tern::code_count);
const float not_a_number = std::nanf("");

// All plans here: 6 channels to 8, 3x3 with a padding of 1, 4x5 pixels. Of gemm: 6 to 8, 20 rows.
constexpr std::size_t inputs = 6, outputs = 8, height = 4, width = 5;
const tern::weight_shape kernel{outputs, inputs, 3, 3}, matrix_shape{outputs, inputs, 1, 1};
const tern::conv_geometry padded = tern::conv_geometry::square(1, 1);
constexpr tern::image_shape one_image{1, height, width};

std::vector<float> ones(std::size_t count) { return std::vector<float>(count, 1.0f); }
const std::vector<float> weights = ones(kernel.size()), channel_ones = ones(64);
const std::vector<double> channel_doubles(64, 1.0);

tern::ternary_weights ternary(const tern::weight_shape& s = kernel) {
    return std::move(*tern::pack_weights(std::vector<std::int8_t>(s.size(), 1).data(), s));
}
tern::code_weights codes(const tern::weight_shape& s = kernel) {
    return std::move(*tern::pack_code_weights(std::vector<std::int8_t>(s.size(), 1).data(), s, code_id::o2));
}

using geometry_of = const tern::conv_geometry&;
using chain_of = const tern::epilogue&;
using options_of = const tern::plan_options&;

tern::result<tern::conv2d> make_conv2d(geometry_of g, chain_of c, options_of o) {
    return tern::conv2d::create(ternary(), g, c, o);
}
tern::result<tern::conv2d> make_conv2d_of_codes(geometry_of g, chain_of c, options_of o) {
    return tern::conv2d::create(codes(), code_id::ternary, g, c, o);
}
tern::result<tern::real_conv2d> make_real_conv2d(geometry_of g, chain_of c, options_of o) {
    return tern::real_conv2d::create(weights.data(), kernel, g, c, o);
}
tern::result<tern::real_conv2d> make_real_conv2d_of_codes(geometry_of g, chain_of c, options_of o) {
    return tern::real_conv2d::create(codes(), g, c, o);
}
tern::result<tern::image_conv2d> make_image_conv2d(geometry_of g, chain_of c, options_of o) {
    return tern::image_conv2d::create(weights.data(), kernel, {}, g, c, tern::image_weights::fp32, o);
}
tern::result<tern::image_conv2d> make_image_conv2d_of_integers(geometry_of g, chain_of c, options_of o) {
    return tern::image_conv2d::create(weights.data(), kernel, {}, g, c, tern::image_weights::bits8, o);
}
tern::result<tern::gemm> make_gemm(geometry_of, chain_of c, options_of o) {
    return tern::gemm::create(ternary(matrix_shape), c, o);
}
tern::result<tern::gemm> make_gemm_of_codes(geometry_of, chain_of c, options_of o) {
    return tern::gemm::create(codes(matrix_shape), code_id::ternary, c, o);
}
tern::result<tern::linear> make_linear(geometry_of, chain_of, options_of o) {
    return tern::linear::create(weights.data(), outputs, inputs, nullptr, o);
}

// Calls visit(name, create) for the plans that have an epilogue.
template <class Visit>
void for_each_create(Visit&& visit) {
    visit("conv2d::create", make_conv2d);
    visit("conv2d::create", make_conv2d_of_codes);
    visit("real_conv2d::create", make_real_conv2d);
    visit("real_conv2d::create", make_real_conv2d_of_codes);
    visit("image_conv2d::create", make_image_conv2d);
    visit("image_conv2d::create", make_image_conv2d_of_integers);
    visit("gemm::create", make_gemm);
    visit("gemm::create", make_gemm_of_codes);
}

void walk_weights(argument_walk& walk) {
    const tern::epilogue stores = tern::chain(stage::store());
    const auto bad_ternary = [&](const char* how, const tern::ternary_weights& w) {
        walk.refused("conv2d::create", how, tern::conv2d::create(w));
        walk.refused("gemm::create", how, tern::gemm::create(w));
        walk.refused("real_conv2d::create", how, tern::real_conv2d::create(w, {}, stores));
    };
    const auto bad_codes = [&](const char* how, const tern::code_weights& w) {
        walk.refused("conv2d::create", how, tern::conv2d::create(w, code_id::ternary));
        walk.refused("gemm::create", how, tern::gemm::create(w, code_id::ternary));
        walk.refused("real_conv2d::create", how, tern::real_conv2d::create(w, {}, stores));
    };
    bad_ternary("default-made", {});
    bad_codes("default-made", {});
    using shape = tern::weight_shape;
    for (std::size_t shape::*extent : {&shape::out_channels, &shape::in_channels, &shape::kh, &shape::kw})
        for (const std::size_t lie : {std::size_t{0}, std::size_t{2}, std::size_t{400}, huge}) {
            tern::ternary_weights w = ternary(matrix_shape);
            w.shape.*extent = lie;
            bad_ternary("a shape that lies", w);
            tern::code_weights c = codes(matrix_shape);
            c.shape.*extent = lie;
            bad_codes("a shape that lies", c);
        }
    tern::ternary_weights w = ternary(matrix_shape);
    w.planes[1] = std::uint64_t{1} << 63;
    bad_ternary("a sign behind the last channel", w);
    w = ternary(matrix_shape);
    w.scale[3] = not_a_number;
    walk.refused("conv2d::create", "a scale that is no number", tern::conv2d::create(w, {}, stores));
    const tern::ternary_weights taken = std::move(w);
    bad_ternary("moved-from", w);
    tern::code_weights c = codes(matrix_shape);
    c.code = no_code;
    bad_codes("no code", c);
    const tern::code_weights taken_codes = std::move(c);
    bad_codes("moved-from", c);
    walk.refused("conv2d::create", "no activations", tern::conv2d::create(codes(), no_code));
    walk.refused("gemm::create", "no activations", tern::gemm::create(codes(matrix_shape), no_code));
    walk.refused("gemm::create", "a kernel", tern::gemm::create(ternary()));

    const auto bad_floats = [&](const char* how, const float* p, const shape& s) {
        walk.refused("real_conv2d::create", how, tern::real_conv2d::create(p, s, {}, stores));
        walk.refused("image_conv2d::create", how, tern::image_conv2d::create(p, s, {}, {}, stores));
        walk.refused("linear::create", how, tern::linear::create(p, s.out_channels, s.fan_in()));
        walk.refused("check_float_weights", how, tern::check_float_weights(p, s, {}, "x"));
    };
    std::vector<float> spoiled = weights;
    spoiled[7] = not_a_number;
    bad_floats("null", nullptr, kernel);
    bad_floats("misaligned", misaligned(weights.data()), {1, 1, 1, 1});
    bad_floats("NaN", spoiled.data(), kernel);
    for (const shape& bad : {shape{}, shape{0, 1, 1, 1}, shape{1, 0, 1, 1}, shape{huge, huge, 1, 1}})
        bad_floats("a bad shape", weights.data(), bad);
    walk.refused("linear::create", "misaligned bias",
                 tern::linear::create(weights.data(), 8, 6, misaligned(weights.data())));
    walk.refused("linear::create", "a bias that is no number",
                 tern::linear::create(weights.data(), 8, 6, spoiled.data()));

    const auto bad_image = [&](const char* how, const tern::image_normalization& n, tern::image_weights precision) {
        walk.refused("image_conv2d::create", how,
                     tern::image_conv2d::create(weights.data(), kernel, n, padded, stores, precision));
    };
    bad_image("precision", {}, behind(tern::image_weights::bits7));
    bad_image("precision", {}, static_cast<tern::image_weights>(255));
    for (const auto precision : {tern::image_weights::fp32, tern::image_weights::bits16}) {
        bad_image("misaligned mean", {misaligned(weights.data()), nullptr, 255.0f}, precision);
        bad_image("misaligned deviation", {nullptr, misaligned(weights.data()), 255.0f}, precision);
        bad_image("mean", {spoiled.data() + 7, nullptr, 255.0f}, precision);
        bad_image("deviation", {nullptr, spoiled.data() + 7, 255.0f}, precision);
        for (const float divisor : {0.0f, -1.0f, not_a_number})
            bad_image("divisor", {nullptr, nullptr, divisor}, precision);
    }
    walk.gives("largest_weight", "no precision", tern::largest_weight(static_cast<tern::image_weights>(255)) > 0, true);
}

void walk_geometry_and_options(argument_walk& walk) {
    using geometry = tern::conv_geometry;
    const tern::epilogue stores = tern::chain(stage::store());
    for (std::size_t geometry::*field :
         {&geometry::stride_h, &geometry::stride_w, &geometry::dilation_h, &geometry::dilation_w, &geometry::groups}) {
        geometry g = padded;
        g.*field = 0;
        for_each_create([&](const std::string& name, auto make) {
            if (name != "gemm::create")
                walk.refused(name, "geometry of 0", make(g, stores, {}).status());
        });
        walk.refused("check_geometry", "0", tern::check_geometry(kernel, g, "x"));
        walk.refused("check_float_weights", "geometry of 0", tern::check_float_weights(weights.data(), kernel, g, "x"));
    }
    for (const std::size_t groups : {std::size_t{3}, huge, SIZE_MAX}) {
        geometry g = padded;
        g.groups = groups;
        for_each_create([&](const std::string& name, auto make) {
            if (name != "gemm::create")
                walk.refused(name, "groups", make(g, stores, {}).status());
        });
    }
    // Huge paddings, strides and dilations are of no harm until there is an image.
    for (std::size_t geometry::*field : {&geometry::dilation_h, &geometry::dilation_w}) {
        geometry g = padded;
        g.*field = huge;
        const auto plan = make_conv2d(g, stores, {});
        CHECK((!plan.ok() || !plan->output_shape(one_image).ok()));
    }
    for (std::size_t tern::border::*side :
         {&tern::border::top, &tern::border::left, &tern::border::bottom, &tern::border::right}) {
        geometry g = padded;
        g.padding.*side = huge;
        const auto plan = make_conv2d(g, stores, {});
        REQUIRE(plan.ok());
        walk.refused("conv2d::output_shape", "huge padding", plan->output_shape(one_image));
        walk.gives("conv2d::workspace_bytes", "huge padding", plan->workspace_bytes(one_image), std::size_t{0});
        (void)plan->required_halo(one_image);
    }

    const auto bad_options = [&](const char* how, auto&& spoil) {
        tern::plan_options options;
        spoil(options);
        for_each_create(
            [&](const char* name, auto make) { walk.refused(name, how, make(padded, stores, options).status()); });
        walk.refused("linear::create", how, make_linear({}, {}, options));
        if (std::string(how) == "an enumerator")
            walk.refused("check_options", how, tern::check_options(options, "x"));
        else if (std::string(how) == "level")
            walk.refused("plan_kernels", how, tern::plan_kernels(options));
    };
    bad_options("an enumerator", [](auto& o) { o.core = behind(tern::core_kind::intel); });
    bad_options("an enumerator", [](auto& o) { o.lowering = behind(tern::lowering::winograd2); });
    bad_options("an enumerator", [](auto& o) { o.family = behind(tern::kernel_family::dot); });
    bad_options("an enumerator", [](auto& o) { o.border_value = behind(tern::border_value::zero); });
    bad_options("level", [](auto& o) { o.level = "none"; });
    bad_options("no memory", [](auto& o) { o.memory = no_memory(); });
    for (const std::size_t pixels : {huge, SIZE_MAX}) {
        tern::plan_options options;
        options.expected_pixels = pixels;
        for_each_create([&](const char*, auto make) { CHECK(make(padded, stores, options).ok()); });
    }
}

void walk_chains(argument_walk& walk) {
    const auto bad_chain = [&](const std::string& how, const tern::epilogue& chain) {
        for_each_create(
            [&](const char* name, auto make) { walk.refused(name, how, make(padded, chain, {}).status()); });
        walk.refused("lower_epilogue", how, tern::lower_epilogue(chain, outputs, nullptr, nullptr, 100));
    };
    const auto bad_stage = [&](const std::string& how, const stage::any& s) {
        bad_chain(how, tern::chain(s, stage::store()));
    };
    const float* const f = channel_ones.data();
    const double* const d = channel_doubles.data();
    std::vector<float> spoiled = channel_ones;
    spoiled[3] = not_a_number;
    std::vector<double> spoiled_doubles = channel_doubles;
    spoiled_doubles[3] = std::nan("");
    for (const float* p :
         {static_cast<const float*>(nullptr), misaligned(f), static_cast<const float*>(spoiled.data())}) {
        bad_stage("scale", stage::scale(p));
        bad_stage("bias", stage::bias(p));
        bad_stage("norm, mean", stage::batch_norm(f, f, p, f));
        bad_stage("norm, variance", stage::batch_norm(f, f, f, p));
        bad_stage("PReLU", stage::prelu(p));
        bad_stage("residual, scale", stage::residual(tern::residual_kind::same, p, f));
        bad_stage("residual, shift", stage::residual(tern::residual_kind::same, f, p));
        if (p == nullptr)
            continue;
        bad_stage("norm, gamma", stage::batch_norm(p, f, f, f));
        bad_stage("norm, beta", stage::batch_norm(f, p, f, f));
        walk.refused("lower_epilogue", "scale", tern::lower_epilogue({}, outputs, p, nullptr, 0));
        walk.refused("lower_epilogue", "bias", tern::lower_epilogue({}, outputs, nullptr, p, 0));
    }
    for (const double* p :
         {static_cast<const double*>(nullptr), misaligned(d), static_cast<const double*>(spoiled_doubles.data())}) {
        bad_stage("affine, factor", stage::affine(p, d));
        bad_stage("affine, shift", stage::affine(d, p));
    }
    bad_stage("norm, epsilon", stage::batch_norm(f, f, f, f, -5.0));
    bad_stage("norm, epsilon", stage::batch_norm(f, f, f, f, std::nan("")));
    bad_stage("clamp", stage::clamp(1.0f, 0.0f));
    bad_stage("clamp", stage::clamp(not_a_number, 0.0f));
    for (const auto kind :
         {tern::residual_kind::none, behind(tern::residual_kind::pooled), static_cast<tern::residual_kind>(7)})
        bad_stage("residual kind", stage::residual(kind));
    for (const int number : {static_cast<int>(stage::kind::quantize) + 1, 99, 255}) {
        stage::any s;
        s.kind = static_cast<stage::kind>(number);
        bad_stage("stage kind", s);
        CHECK(std::string(stage::name(s.kind)) == "?");
    }
    bad_chain("thresholds", tern::chain(stage::ternarize({0.0f, 1.0f})));
    bad_chain("thresholds", tern::chain(stage::ternarize({not_a_number, 0.0f})));
    const auto bad_levels = [&](const char* how, auto&& spoil) {
        tern::level_thresholds levels;
        levels.code = code_id::u2;
        levels.count = 3;
        spoil(levels);
        tern::level_params params;
        walk.refused("lower_levels", how, tern::lower_levels(levels, params));
        bad_chain(how, tern::chain(stage::quantize(levels)));
        auto image = tern::make_packed_tensor(code_id::u2, one_image, inputs);
        const std::vector<float> values = ones(height * width * inputs);
        walk.refused("quantize_image", how,
                     tern::quantize_image(tern::nhwc(values.data(), 1, height, width, inputs), image->view(), levels));
    };
    bad_levels("default-made", [](auto& l) { l = {}; });
    bad_levels("no code", [](auto& l) { l.code = no_code; });
    for (const int count : {-1, 0, 2, 4, 1000000})
        bad_levels("count", [&](auto& l) { l.count = count; });
    bad_levels("thresholds of bytes", [](auto& l) { l.code = code_id::u8; });
    for (const int zero : {-1, 256, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()})
        bad_levels("zero point", [&](auto& l) {
            l = {};
            l.code = code_id::u8;
            l.zero_point = zero;
        });
    bad_levels("falling", [](auto& l) { l.at[2] = -1.0f; });
    bad_levels("NaN", [](auto& l) { l.at[1] = not_a_number; });

    tern::epilogue chain = tern::chain(stage::store());
    for (const std::size_t count : {tern::epilogue::capacity + 1, huge}) {
        chain.count = count;
        bad_chain("a count that lies", chain);
    }
    chain = {};
    for (std::size_t i = 0; i <= tern::epilogue::capacity; ++i)
        chain.add(stage::scale(f));
    bad_chain("too many stages", chain);
    for (const std::size_t channels : {std::size_t{0}, huge, SIZE_MAX})
        walk.refused("lower_epilogue", "channels", tern::lower_epilogue({}, channels, nullptr, nullptr, 0));
    walk.refused("lower_epilogue", "no memory", tern::lower_epilogue({}, 8, nullptr, nullptr, 0, no_memory()));
}

/// Ways to spoil a view; of an input, whose number of images nothing contradicts, or of an output.
template <class T>
std::vector<std::pair<std::string, tern::tensor_view<T>>> bad_views(const tern::tensor_view<T>& good, bool is_input) {
    using view = tern::tensor_view<T>;
    std::vector<std::pair<std::string, view>> all{{"default-made", {}}};
    const auto add = [&](const std::string& how, auto&& spoil) {
        all.emplace_back(how, good);
        spoil(all.back().second);
    };
    add("null", [](view& v) { v.data = nullptr; });
    if (alignof(T) > 1)
        add("misaligned", [](view& v) { v.data = misaligned(v.data); });
    for (std::size_t view::*extent : {&view::n, &view::h, &view::w, &view::c}) {
        if (!is_input || extent != &view::n) {
            add("an extent of 0", [&](view& v) { v.*extent = 0; });
            add("a smaller extent", [&](view& v) { v.*extent -= 1; });
            add("a larger extent", [&](view& v) { v.*extent += 1; });
        }
        add("a huge extent", [&](view& v) { v.*extent = huge; });
        add("a huge extent", [&](view& v) { v.*extent = SIZE_MAX; });
    }
    for (std::ptrdiff_t view::*stride : {&view::stride_n, &view::stride_h, &view::stride_w, &view::stride_c}) {
        add("a huge stride", [&](view& v) { v.*stride = PTRDIFF_MAX; });
        add("a huge stride backwards", [&](view& v) { v.*stride = PTRDIFF_MIN; });
        if (sizeof(T) > 1)
            add("a huge stride backwards", [&](view& v) { v.*stride = PTRDIFF_MIN / 2 - 1; });
        if (is_input || (stride == &view::stride_n && good.n == 1) || (stride == &view::stride_h && good.h == 1))
            continue;
        add("elements that share memory", [&](view& v) { v.*stride = 0; });
        if (stride != &view::stride_c)
            add("elements that share memory", [&](view& v) { v.*stride = static_cast<std::ptrdiff_t>(v.c) - 1; });
    }
    return all;
}

std::vector<std::pair<std::string, tern::packed_image>> bad_images(const tern::packed_image& good) {
    using image = tern::packed_image;
    std::vector<std::pair<std::string, image>> all{{"default-made", {}}};
    const auto add = [&](const std::string& how, auto&& spoil) {
        all.emplace_back(how, good);
        spoil(all.back().second);
    };
    add("null", [](image& p) { p.data = nullptr; });
    add("misaligned", [](image& p) { p.data += 4; });
    add("no format", [](image& p) { p.layout.format = tern::image_format::none; });
    add("no code", [](image& p) { p.layout.code = no_code; });
    add("another code", [](image& p) { p.layout.code = code_id::u2; });
    add("too few bytes", [](image& p) { p.layout.total_bytes -= 1; });
    for (std::size_t tern::packed_layout::*extent :
         {&tern::packed_layout::h, &tern::packed_layout::w, &tern::packed_layout::c}) {
        add("an extent of 0", [&](image& p) { p.layout.*extent = 0; });
        add("a huge extent", [&](image& p) { p.layout.*extent = huge; });
    }
    add("a huge number of images", [](image& p) { p.layout.n = huge; });
    add("a huge halo", [](image& p) { p.layout.halo.left = SIZE_MAX; });
    return all;
}

/// What a run of one of the plans reads and writes.
struct memory {
    std::vector<float> values = ones(height * width * inputs), residual = ones(height * width * outputs),
                       out = ones(height * width * outputs + 1);
    std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(height * width * inputs);
    std::vector<std::int32_t> sums = std::vector<std::int32_t>(height * width * outputs + 1);
    tern::packed_tensor input, packed;
    tern::buffer<unsigned char> scratch = std::move(*tern::make_buffer<unsigned char>(1 << 18));

    explicit memory(const tern::image_shape& s, const tern::border& halo)
        : input(std::move(*tern::make_packed_tensor(s, inputs, halo))),
          packed(std::move(*tern::make_packed_tensor(s, outputs))) {}
    tern::workspace space() { return {scratch.data(), scratch.bytes()}; }
};

const tern::epilogue everything = tern::chain(stage::residual(), stage::store(), stage::ternarize());

/// Runs with each part of args spoiled in turn. `Args` has out and packed; visit_others spoils what else it has.
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
    spoil("out", bad_views(good.out, false), &Args::out);
    for (const auto& [how, image] : bad_images(good.packed[0])) {
        Args args = good;
        args.packed[0] = image;
        run("packed, " + how, args);
    }
    Args args = good;
    args.packed[1] = m.packed.view();
    run("an image that no stage writes", args);
    args = good;
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

/// Runs plans that are none: default-made, moved-from, and such as a larger and a smaller plan were moved into and out of.
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

void walk_conv2d(argument_walk& walk) {
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
    walk.gives("conv2d::required_halo", "default-made", tern::conv2d().required_halo(one_image), tern::border{});
    walk.gives("conv2d::required_halo", "huge", plan->required_halo({huge, huge, huge}), tern::border::uniform(1));
    walk.gives("conv2d::input_code", "default-made", tern::conv2d().input_code(), code_id::ternary);
    walk.gives("conv2d::uses_integer_thresholds", "default-made", tern::conv2d().uses_integer_thresholds(), false);
}

void walk_real_conv2d(argument_walk& walk) {
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

void walk_gemm(argument_walk& walk) {
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
    walk_unmade<tern::gemm>(
        walk, "gemm::run", [&] { return std::move(*make_gemm({}, everything, {})); },
        [&](const tern::gemm& p) { return p.run(good, m.space()); });
    const tern::gemm nothing;
    walk.gives("gemm::k", "default-made", nothing.k(), std::size_t{0});
    walk.gives("gemm::n", "default-made", nothing.n(), std::size_t{0});
    walk.gives("gemm::workspace_bytes", "default-made", nothing.workspace_bytes(rows), std::size_t{0});
    walk.gives("gemm::workspace_bytes", "huge", plan->workspace_bytes(SIZE_MAX), std::size_t{0});
    walk.gives("gemm::panel_bytes", "default-made", nothing.panel_bytes(), std::size_t{0});
    walk.gives("gemm::kernel_name", "default-made", std::string(nothing.kernel_name(rows)), std::string());
    walk.gives("gemm::kernels", "default-made", nothing.kernels() == nullptr, true);
    for (const std::size_t bad : {std::size_t{0}, huge, SIZE_MAX}) {
        walk.refused("make_packed_rows", "k", tern::make_packed_rows(1, bad == huge ? SIZE_MAX : bad));
        walk.refused("make_packed_rows", "m", tern::make_packed_rows(code_id::s8, bad == 0 ? huge : bad, 64));
    }
    walk.refused("make_packed_rows", "code", tern::make_packed_rows(no_code, 1, 1));
    walk.refused("make_packed_rows", "no memory", tern::make_packed_rows(1, 1, no_memory()));
}

void walk_linear(argument_walk& walk) {
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

void walk_pooling(argument_walk& walk) {
    std::vector<float> values = ones(2 * 4 * 6 * 3 + 1), pooled = ones(2 * 2 * 3 * 3 + 1);
    const auto in = tern::nhwc<const float>(values.data(), 2, 4, 6, 3);
    const auto out = tern::nhwc(pooled.data(), 2, 2, 3, 3), means = tern::nhwc(pooled.data(), 2, 1, 1, 3);
    tern::pool_options halves;
    halves.kernel_h = halves.kernel_w = 2;
    halves.geometry = tern::conv_geometry::square(2, 0);
    const auto bad = [&](const std::string& how, auto from, auto to, const tern::pool_options& options) {
        walk.refused("max_pool", how, tern::max_pool(from, to, options));
        walk.refused("mean_pool", how, tern::mean_pool(from, to, options));
    };
    REQUIRE(tern::max_pool(in, out, halves).ok());
    for (const auto& [how, view] : bad_views(in, true)) {
        const bool other_size = how == "a smaller extent" || how == "a larger extent";
        if (how != "a larger extent")  // which has the same output
            bad("input, " + how, view, out, halves);
        if (!other_size)  // which have, too
            walk.refused("global_mean_pool", "input, " + how, tern::global_mean_pool(view, means));
    }
    for (const auto& [how, view] : bad_views(out, false))
        bad("output, " + how, in, view, halves);
    for (const auto& [how, view] : bad_views(means, false))
        if (how != "elements that share memory")  // of one pixel
            walk.refused("global_mean_pool", "output, " + how, tern::global_mean_pool(in, view));
    bad("overlap", in, tern::nhwc(values.data(), 2, 2, 3, 3), halves);
    const auto bad_options = [&](const char* how, auto&& spoil) {
        tern::pool_options options = halves;
        spoil(options);
        bad(how, in, out, options);
        walk.refused("pool_output_shape", how, tern::pool_output_shape({2, 4, 6}, options));
    };
    using options_type = tern::pool_options;
    using geometry = tern::conv_geometry;
    for (std::size_t options_type::*size : {&options_type::kernel_h, &options_type::kernel_w}) {
        bad_options("no window", [&](auto& o) { o.*size = 0; });
        bad_options("a huge window", [&](auto& o) { o.*size = SIZE_MAX; });
    }
    for (std::size_t geometry::*field :
         {&geometry::stride_h, &geometry::stride_w, &geometry::dilation_h, &geometry::dilation_w})
        bad_options("geometry of 0", [&](auto& o) { o.geometry.*field = 0; });
    bad_options("a huge dilation", [](auto& o) { o.geometry.dilation_w = huge; });
    bad_options("a huge padding", [](auto& o) { o.geometry.padding.left = SIZE_MAX; });
    for (const tern::image_shape& s : {tern::image_shape{}, {1, 0, 4}, {1, 4, 0}, {1, SIZE_MAX, 4}, {1, 4, SIZE_MAX}})
        walk.refused("pool_output_shape", "a bad shape", tern::pool_output_shape(s, halves));
}

void walk_quantizers(argument_walk& walk) {
    std::vector<float> values = ones(2 * 4 * 6 * 3 + 1), factors = ones(4);
    auto made = tern::make_packed_tensor(code_id::ternary, {2, 4, 6}, 3, tern::border::uniform(1));
    const tern::packed_image out = made->view();
    const auto in = tern::nhwc<const float>(values.data(), 2, 4, 6, 3);
    const tern::level_thresholds levels = tern::to_levels(tern::ternary_thresholds{});
    const auto bad = [&](const std::string& how, const auto& from, const tern::packed_image& to, const float* g,
                         const float* h) {
        walk.refused("ternarize", how, tern::ternarize(from, to, {g, h, {}, nullptr}));
        walk.refused("quantize_image", how, tern::quantize_image(from, to, levels, {g, h, nullptr}));
        if (to.data == out.data && to.layout.code == out.layout.code && to.layout.total_bytes == out.layout.total_bytes)
            walk.refused("check_values_of_image", how, tern::check_values_of_image(from, out, g, h, "x"));
    };
    REQUIRE(tern::ternarize(in, out).ok());
    for (const auto& [how, view] : bad_views(in, false))
        if (how != "elements that share memory")  // which is no harm in an input
            bad("values, " + how, view, out, nullptr, nullptr);
    for (const auto& [how, image] : bad_images(out)) {
        walk.refused("ternarize", "image, " + how, tern::ternarize(in, image));
        walk.refused("quantize_image", "image, " + how, tern::quantize_image(in, image, levels));
    }
    bad("misaligned factors", in, out, misaligned(factors.data()), nullptr);
    bad("misaligned shifts", in, out, nullptr, misaligned(factors.data()));
    bad("factors in the image", in, out, reinterpret_cast<const float*>(out.data), nullptr);
    tern::ternarize_options options;
    for (const tern::ternary_thresholds& t : {tern::ternary_thresholds{0.0f, 1.0f}, {not_a_number, 0.0f}}) {
        options.thresholds = t;
        walk.refused("ternarize", "thresholds", tern::ternarize(in, out, options));
    }
}

void walk_checks(argument_walk& walk) {
    walk.refused("check_workspace", "nothing", tern::check_workspace({}, 0, "x"));
    walk.refused("check_made", "not made", tern::check_made(false, "x"));
    float values[9] = {};
    walk.refused("check_array", "misaligned", tern::check_array(misaligned(values), "x", "y"));
    for (const auto& [how, view] : bad_views(tern::nhwc(values, 1, 2, 2, 2), false)) {
        if (how == "misaligned" || how == "a huge extent" || how.find("huge stride") == 0)
            walk.refused("check_tensor", how, tern::check_tensor(view, "x", "y"));
        if (how == "elements that share memory")
            walk.refused("check_written_tensor", how, tern::check_written_tensor(view, "x", "y"));
    }
    walk.refused("check_input", "none", tern::check_input(tern::tensor_view<const float>{}, 0, "x"));
    walk.unchecked({"chain", "normalize_bytes", "matrix", "shape_of_rows", "check_epilogue_tensors", "same_view",
                    "check_overlaps"});  // of runs
}

}  // namespace

TEST_CASE(
    "op: every function refuses null pointers, lying sizes, unmade plans, enumerators behind the last and misaligned "
    "memory") {
    argument_walk walk;
    walk_weights(walk);
    walk_geometry_and_options(walk);
    walk_chains(walk);
    walk_conv2d(walk);
    walk_real_conv2d(walk);
    walk_image_conv2d(walk, make_image_conv2d);
    walk_image_conv2d(walk, make_image_conv2d_of_integers);
    walk_gemm(walk);
    walk_linear(walk);
    walk_pooling(walk);
    walk_quantizers(walk);
    walk_checks(walk);
    walk.check_complete(TERN_TEST_DATA "/../../include/tern/op");
}

TEST_CASE("no images and no rows: nothing is done, and that is no error") {
    const tern::epilogue stores = tern::chain(stage::store());
    const auto none = tern::make_packed_tensor({0, height, width}, inputs, tern::border::uniform(1));
    REQUIRE(none.ok());
    const auto conv = make_conv2d(padded, stores, {});
    CHECK(*conv->output_shape({0, height, width}) == tern::image_shape{0, height, width});
    tern::conv2d_args args;
    args.input = none->view();
    CHECK(conv->run(args, {}).ok());
    CHECK(conv->workspace_bytes({0, height, width}) != SIZE_MAX);
    args.input.layout.c = 7;
    CHECK_FALSE(conv->run(args, {}).ok());

    tern::real_conv2d_args real;
    real.input = tern::nhwc<const float>(nullptr, 0, height, width, inputs);
    CHECK(make_real_conv2d(padded, stores, {})->run(real, {}).ok());
    tern::image_conv2d_args image;
    image.input = tern::nhwc<const std::uint8_t>(nullptr, 0, height, width, inputs);
    CHECK(make_image_conv2d(padded, stores, {})->run(image, {}).ok());
    CHECK(make_image_conv2d_of_integers(padded, stores, {})->run(image, {}).ok());

    const auto rows = tern::make_packed_rows(0, inputs);
    REQUIRE(rows.ok());
    tern::gemm_args product;
    product.rows = rows->view();
    CHECK(make_gemm({}, stores, {})->run(product, {}).ok());
    CHECK(make_linear({}, {}, {})->run(nullptr, 0, nullptr).ok());

    tern::pool_options halves;
    halves.kernel_h = halves.kernel_w = 2;
    halves.geometry = tern::conv_geometry::square(2, 0);
    const auto from = tern::nhwc<const float>(nullptr, 0, 4, 6, 3);
    CHECK(tern::max_pool(from, tern::nhwc<float>(nullptr, 0, 2, 3, 3), halves).ok());
    CHECK(tern::mean_pool(from, tern::nhwc<float>(nullptr, 0, 2, 3, 3), halves).ok());
    CHECK(tern::global_mean_pool(from, tern::nhwc<float>(nullptr, 0, 1, 1, 3)).ok());
    const auto values = tern::nhwc<const float>(nullptr, 0, height, width, inputs);
    tern::packed_image out;
    out.layout = none->layout;
    CHECK(tern::ternarize(values, out).ok());
    CHECK(tern::quantize_image(values, out, tern::to_levels(tern::ternary_thresholds{})).ok());
}

TEST_CASE("a plan tells the table it runs on") {
    for_each_create([&](const char*, auto make) {
        const auto plan = make(padded, tern::chain(stage::store()), {});
        REQUIRE(plan.ok());
        CHECK(plan->kernels() == *tern::select_kernels());
    });
    CHECK(make_linear({}, {}, {})->kernels() == *tern::select_kernels());
}

TEST_CASE("axes of views that lie apart in any order, and such as do not") {
    using view = tern::tensor_view<const float>;
    const auto apart = [](const view& v) { return tern::tensor_axes(v).are_apart(); };
    CHECK(apart(tern::nhwc<const float>(nullptr, 2, 3, 4, 5)));
    CHECK(apart(tern::nchw<const float>(nullptr, 2, 5, 3, 4)));
    CHECK(apart({nullptr, 2, 3, 4, 5, -60, 20, -5, 1}));  // images and columns backwards
    CHECK(apart({nullptr, 1, 1, 4, 1, 0, 0, 5, 0}));      // axes of one place
    CHECK_FALSE(apart({nullptr, 1, 3, 4, 5, 0, 19, 5, 1}));
    CHECK_FALSE(apart({nullptr, 1, 1, 4, 5, 0, 0, 0, 1}));
    CHECK_FALSE(apart({nullptr, 2, 1, 1, 5, 4, 0, 0, -1}));
}
