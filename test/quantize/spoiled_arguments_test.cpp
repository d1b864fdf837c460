#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tern/code/code.hpp>
#include <tern/quantize/activation.hpp>
#include <tern/quantize/check.hpp>
#include <tern/quantize/fatnn.hpp>
#include <tern/quantize/lsq.hpp>
#include <tern/quantize/sttn.hpp>
#include <tern/quantize/stqn.hpp>
#include <tern/quantize/twn.hpp>
#include <tern/quantize/uniform.hpp>

#include "../support/check_refused.hpp"
#include "../support/spoiled_arguments.hpp"

using tern::code_id;
using tern::errc;
using namespace tern_test;

namespace {

const double no_number = std::nan("");
const double inf = std::numeric_limits<double>::infinity();
constexpr tern::weight_shape shape{4, 4, 3, 3};
const tern::weight_shape bad_shapes[] = {{}, {0, 1, 1, 1}, {1, 1, 0, 1}, {huge, huge, huge, huge}, {1, 1, huge, 8}};

/// Of one magnitude, so that they may be merged ones too.
std::vector<float> weights() {
    std::vector<float> w(shape.size());
    for (std::size_t i = 0; i < w.size(); ++i)
        w[i] = i % 2 == 0 ? 0.5f : -0.5f;
    return w;
}

/// What every quantizer of a layer refuses: `quantize(w, shape, name, bias, memory)`.
template <class Quantize>
void walk_layer(argument_walk& walk, const char* function, Quantize&& quantize_layer) {
    const auto quantize = [&](const float* p, const tern::weight_shape& s, const char* name, const float* bias,
                              const tern::allocator& memory) {
        return quantize_layer(p, s, name, bias, memory).status();
    };
    const std::vector<float> w = weights(), bias(4);
    REQUIRE(quantize(w.data(), shape, "w", bias.data(), tern::allocator{}).ok());
    REQUIRE(quantize(w.data(), shape, nullptr, nullptr, tern::allocator{}).ok());
    walk.refused(function, "no weights", quantize(nullptr, shape, nullptr, nullptr, tern::allocator{}));
    walk.refused(function, "misaligned weights", quantize(misaligned(w.data()), {1, 1, 1, 1}, "w", nullptr, {}));
    walk.refused(function, "misaligned bias", quantize(w.data(), {1, 4, 3, 3}, "w", misaligned(bias.data()), {}));
    for (const tern::weight_shape& bad : bad_shapes)
        walk.refused(function, "a bad shape", quantize(w.data(), bad, nullptr, nullptr, tern::allocator{}));
    walk.refused(function, "no memory", quantize(w.data(), shape, "w", bias.data(), no_memory()));
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
        std::vector<float> spoiled = w;
        spoiled[17] = bad;
        walk.refused(function, "a weight that is not finite", quantize(spoiled.data(), shape, nullptr, nullptr, {}));
        const std::vector<float> worse(4, bad);
        walk.refused(function, "a bias that is not finite", quantize(w.data(), shape, nullptr, worse.data(), {}));
    }
}

/// What every quantizer of a channel refuses: `quantize(w, shape, o, codes, name)`.
template <class Quantize>
void walk_channel(argument_walk& walk, const char* function, Quantize&& quantize_channel) {
    const auto quantize = [&](const float* p, const tern::weight_shape& s, std::size_t o, std::int8_t* to,
                              const char* name) { return quantize_channel(p, s, o, to, name).status(); };
    const std::vector<float> w = weights();
    std::vector<std::int8_t> codes(shape.fan_in());
    REQUIRE(quantize(w.data(), shape, 3, codes.data(), "w").ok());
    REQUIRE(quantize(w.data(), shape, 3, codes.data(), nullptr).ok());
    walk.refused(function, "no weights", quantize(nullptr, shape, 0, codes.data(), nullptr));
    walk.refused(function, "misaligned weights", quantize(misaligned(w.data()), {1, 1, 1, 1}, 0, codes.data(), "w"));
    walk.refused(function, "no room for codes", quantize(w.data(), shape, 0, nullptr, nullptr));
    walk.refused(function, "a channel that is not there", quantize(w.data(), shape, 4, codes.data(), nullptr));
    for (const tern::weight_shape& bad : bad_shapes)
        walk.refused(function, "a bad shape", quantize(w.data(), bad, 0, codes.data(), nullptr));
}

void walk_activations(argument_walk& walk) {
    using tern::nhwc;
    float values[2 * 3 * 4 * 5] = {};
    std::int8_t codes[2 * 3 * 4 * 5] = {};
    std::uint8_t bytes[2 * 3 * 4 * 5] = {};
    auto image = tern::make_packed_tensor(code_id::ternary, {2, 3, 4}, 5);
    auto levels = tern::make_packed_tensor(code_id::u2, {2, 3, 4}, 5);
    REQUIRE((image.ok() && levels.ok()));
    const auto to_levels = tern::uniform_thresholds({});
    REQUIRE(to_levels.ok());
    const auto each = [&](const char* how, const tern::tensor_view<float>& v, const tern::tensor_view<std::int8_t>& s,
                          const tern::tensor_view<std::uint8_t>& u, const tern::packed_image& t,
                          const tern::packed_image& l) {
        walk.refused("pack_activations", how, tern::pack_activations(v, t));
        walk.refused("pack_levels", how, tern::pack_levels(v, l, *to_levels));
        walk.refused("pack_codes", how, tern::pack_codes(tern::tensor_view<const std::int8_t>(s), t));
        walk.refused("pack_codes", how, tern::pack_codes(tern::tensor_view<const std::uint8_t>(u), l));
        walk.refused("unpack_codes", how, tern::unpack_codes(t, s));
        walk.refused("unpack_codes", how, tern::unpack_codes(l, u));
        walk.refused("dequantize_codes", how, tern::dequantize_codes(t, 1.0f, v));
    };
    const auto v = nhwc(values, 2, 3, 4, 5);
    const auto s = nhwc(codes, 2, 3, 4, 5);
    const auto u = nhwc(bytes, 2, 3, 4, 5);
    each("no tensors", {}, {}, {}, image->view(), levels->view());
    each("no images", v, s, u, {}, {});
    each("null tensors with sizes", nhwc<float>(nullptr, 2, 3, 4, 5), nhwc<std::int8_t>(nullptr, 2, 3, 4, 5),
         nhwc<std::uint8_t>(nullptr, 2, 3, 4, 5), image->view(), levels->view());
    each("other sizes", nhwc(values, 2, 3, 4, 4), nhwc(codes, 1, 3, 4, 5), nhwc(bytes, 2, 4, 3, 5), image->view(),
         levels->view());
    for (const int lie : {0, 1, 2}) {
        tern::packed_image t = image->view(), l = levels->view();
        for (tern::packed_image* i : {&t, &l})
            if (lie == 0)
                i->layout.total_bytes = 8;
            else if (lie == 1)
                i->layout.row_bytes = 0;
            else
                i->layout.code = no_code;
        each("an image that lies", v, s, u, t, l);
    }
    const auto off = nhwc(misaligned(values), 1, 1, 1, 1);
    auto one = tern::make_packed_tensor(code_id::ternary, {1, 1, 1}, 1);
    REQUIRE(one.ok());
    walk.refused("pack_activations", "misaligned", tern::pack_activations(off, one->view()));
    walk.refused("dequantize_codes", "misaligned", tern::dequantize_codes(one->view(), 1, off));
    walk.refused("pack_activations", "a misaligned affine map",
                 tern::pack_activations(v, image->view(), {}, {misaligned(values), nullptr}));
    walk.refused("pack_activations", "NaN thresholds",
                 tern::pack_activations(v, image->view(), tern::ternary_thresholds{std::nanf(""), std::nanf("")}));
    walk.refused("pack_activations", "another code", tern::pack_activations(v, levels->view()));
    walk.refused("pack_levels", "another code", tern::pack_levels(v, image->view(), *to_levels));
    const auto bad_levels = [&](const char* how, auto&& spoil) {
        tern::quantizer_thresholds t = *to_levels;
        spoil(t);
        walk.refused("check_thresholds", how, tern::check_thresholds(t));
        walk.refused("pack_levels", how, tern::pack_levels(v, levels->view(), t));
    };
    bad_levels("none", [](auto& t) { t = tern::quantizer_thresholds(code_id::u2); });
    bad_levels("too many", [](auto& t) { t.count = 100; });
    bad_levels("a negative count", [](auto& t) { t.count = -1; });
    bad_levels("no code", [](auto& t) { t.code = no_code; });
    bad_levels("a code of 256 values", [](auto& t) { t.code = code_id::u8, t.count = 255; });
    bad_levels("NaN", [](auto& t) { t.at[1] = std::nanf(""); });
    const tern::packed_tensor taken = std::move(*image), taken_too = std::move(*levels);
    each("moved-from images", v, s, u, image->view(), levels->view());
}

}  // namespace

TEST_CASE("quantize: every function refuses null pointers, lying sizes and enumerators behind the last") {
    argument_walk walk;
    walk.unchecked({"float_bits", "float_from_bits", "magnitude_bits", "is_finite", "sign_of", "magnitude",
                    "exact_double", "nearest_float", "next_float", "float_at_least", "float_above", "bound_of",
                    "is_subnormal", "bound_at_least", "bound_above", "ascends", "to_bounds", "caffe_twn_words",
                    "is_zero_rule"});
    const std::vector<float> w = weights(), ones(4, 1.0f);
    std::int8_t codes[36];

    // Checks.
    const std::size_t extents[] = {4, 0, 3};
    walk.gives("format_index", "no extents", std::string(tern::format_index(nullptr, 3, 7).text), std::string("[7]"));
    walk.gives("format_index", "an extent of 0", std::string(tern::format_index(extents, 3, 7).text),
               std::string("[7]"));
    walk.gives("format_index", "no shape", std::string(tern::format_index(tern::weight_shape{}, 7).text),
               std::string("[7]"));
    walk.refused("not_finite_error", "no name", tern::not_finite_error(nullptr, {}, std::nanf("")));
    walk.refused("check_finite", "no floats", tern::check_finite(nullptr, 3, nullptr));
    walk.refused("check_finite", "no extents", tern::check_finite(w.data(), nullptr, 2, "w"));
    walk.refused("check_finite", "huge", tern::check_finite(w.data(), huge, nullptr));
    walk.refused("check_finite", "misaligned", tern::check_finite(misaligned(w.data()), 1, "w"));
    for (const tern::weight_shape& bad : bad_shapes)
        walk.refused("check_finite", "a bad shape", tern::check_finite(w.data(), bad, nullptr));

    walk_activations(walk);

    // STTN.
    walk_channel(walk, "quantize_sttn_channel", [&](auto p, auto& s, auto o, auto to, auto name) {
        return tern::quantize_sttn_channel(p, w.data(), s, o, to, name, name);
    });
    walk_channel(walk, "quantize_sttn_channel", [&](auto p, auto& s, auto o, auto to, auto name) {
        return tern::quantize_sttn_channel(w.data(), p, s, o, to, name, name);
    });
    walk_layer(walk, "quantize_sttn_pair", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_sttn_pair(p, w.data(), s, name, name, bias, nullptr, {}, memory);
    });
    walk_layer(walk, "quantize_sttn_pair", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_sttn_pair(w.data(), p, s, name, name, nullptr, bias, {}, memory);
    });
    walk_channel(walk, "quantize_merged_channel", [&](auto p, auto& s, auto o, auto to, auto name) {
        return tern::quantize_merged_channel(p, s, o, to, name);
    });
    std::vector<float> spoiled = w;
    spoiled[17] = std::nanf("");
    walk.refused("quantize_merged_channel", "NaN", tern::quantize_merged_channel(spoiled.data(), shape, 0, codes));
    for (const double bad : {no_number, -1.0, 0.5, inf}) {
        walk.refused("quantize_merged_channel", "tolerance",
                     tern::quantize_merged_channel(w.data(), shape, 0, codes, "w", {bad, {}}));
        walk.refused("quantize_merged", "tolerance", tern::quantize_merged(w.data(), shape, "w", nullptr, {bad, {}}));
        walk.refused("quantize_merged_odd", "tolerance",
                     tern::quantize_merged_odd(w.data(), shape, code_id::o2, "w", nullptr, {bad, {}}));
    }
    walk_layer(walk, "quantize_merged", [](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_merged(p, s, name, bias, {}, memory);
    });
    walk_layer(walk, "quantize_merged_odd", [](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_merged_odd(p, s, code_id::o3, name, bias, {}, memory);
    });
    for (const code_id code : {no_code, code_id::u2, code_id::s8})
        walk.refused("quantize_merged_odd", "code", tern::quantize_merged_odd(w.data(), shape, code, nullptr));

    for (const auto zeros : {tern::zero_rule::zero, behind(tern::zero_rule::zero)}) {
        walk.refused("quantize_sttn_channel", "zeros",
                     tern::quantize_sttn_channel(w.data(), w.data(), shape, 0, codes, nullptr, nullptr, {zeros}));
        walk.refused("quantize_sttn_pair", "zeros",
                     tern::quantize_sttn_pair(w.data(), w.data(), shape, nullptr, nullptr, nullptr, nullptr, {zeros}));
        walk.refused("quantize_merged_channel", "zeros",
                     tern::quantize_merged_channel(w.data(), shape, 0, codes, nullptr, {0, zeros}));
        walk.refused("quantize_merged", "zeros", tern::quantize_merged(w.data(), shape, nullptr, nullptr, {0, zeros}));
        walk.refused("quantize_merged_odd", "zeros",
                     tern::quantize_merged_odd(w.data(), shape, code_id::o2, nullptr, nullptr, {0, zeros}));
    }

    // STQN.
    walk_layer(walk, "quantize_stqn", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        const float *kernels[] = {w.data(), p}, *biases[] = {nullptr, bias};
        const char* names[] = {nullptr, name};
        return tern::quantize_stqn(kernels, 2, s, names, biases, {}, memory);
    });
    walk_layer(walk, "quantize_binary", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_binary(p, s, name, bias, {}, memory);
    });
    const float* two[] = {w.data(), w.data()};
    const char* names[] = {"a", "b"};
    walk.refused("quantize_stqn", "no kernels", tern::quantize_stqn(nullptr, 2, shape, names));
    walk.refused("quantize_stqn", "no names", tern::quantize_stqn(two, 2, shape, nullptr));
    for (const std::size_t count : {std::size_t{0}, std::size_t{8}, huge})
        walk.refused("quantize_stqn", "count", tern::quantize_stqn(two, count, shape, names));
    const auto bad_stqn = [&](const char* how, auto&& spoil) {
        tern::stqn_options options;
        spoil(options);
        walk.refused("quantize_stqn", how, tern::quantize_stqn(two, 2, shape, names, nullptr, options));
        options.steps = tern::kernel_steps::equal;  // has no effect there
        if (std::string(how) != "steps")
            walk.refused("quantize_binary", how, tern::quantize_binary(w.data(), shape, nullptr, nullptr, options));
    };
    bad_stqn("steps", [](auto& o) { o.steps = behind(tern::kernel_steps::powers_of_two); });
    bad_stqn("zeros", [](auto& o) { o.zeros = behind(tern::zero_rule::zero); });
    bad_stqn("groups", [](auto& o) { o.groups = 3; });
    bad_stqn("groups", [](auto& o) { o.groups = huge; });
    for (const double bad : {no_number, -1.0, 0.0}) {
        bad_stqn("clamp", [&](auto& o) { o.clamp = bad; });
        bad_stqn("factor", [&](auto& o) { o.factor = bad; });
    }
    bad_stqn("factor", [&](auto& o) { o.factor = inf; });

    // TWN.
    walk_channel(walk, "quantize_twn_channel", [&](auto p, auto& s, auto o, auto to, auto name) {
        return tern::quantize_twn_channel(p, s, o, to, name);
    });
    walk.refused("quantize_twn_channel", "factor",
                 tern::quantize_twn_channel(w.data(), shape, 0, codes, nullptr, no_number));
    walk_layer(walk, "quantize_twn", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_twn(p, s, name, bias, {}, memory);
    });
    const auto bad_twn = [&](const char* how, auto&& spoil) {
        tern::twn_options options;
        spoil(options);
        walk.refused("quantize_twn", how, tern::quantize_twn(w.data(), shape, nullptr, nullptr, options));
    };
    bad_twn("granularity", [](auto& o) { o.granularity = behind(tern::twn_granularity::filter); });
    for (const double bad : {no_number, -1.0}) {
        bad_twn("factor", [&](auto& o) { o.factor = bad; });
        bad_twn("epsilon", [&](auto& o) { o.denominator_epsilon = bad; });
        bad_twn("limit", [&](auto& o) { o.limit = bad; });
    }
    std::uint32_t words[9] = {};
    const auto unpack = [&](const std::uint32_t* from, std::size_t count, const tern::weight_shape& s,
                            float alpha = 1) {
        return tern::unpack_caffe_twn(from, count, s, alpha, nullptr, nullptr, {});
    };
    REQUIRE(unpack(words, 9, shape).ok());
    walk.refused("unpack_caffe_twn", "no words", unpack(nullptr, 9, shape));
    walk.refused("unpack_caffe_twn", "misaligned", unpack(misaligned(words), 1, {1, 1, 1, 1}));
    walk.refused("unpack_caffe_twn", "count", unpack(words, 8, shape));
    walk.refused("unpack_caffe_twn", "huge", unpack(words, huge, {huge / 64, 1, 1, 1}));
    for (const tern::weight_shape& bad : bad_shapes)
        walk.refused("unpack_caffe_twn", "a bad shape", unpack(words, 9, bad));
    for (const float bad : {std::nanf(""), -1.0f, std::numeric_limits<float>::infinity()})
        walk.refused("unpack_caffe_twn", "alpha", unpack(words, 9, shape, bad));
    walk.refused("unpack_caffe_twn", "a bias that is not finite",
                 tern::unpack_caffe_twn(words, 9, shape, 1, nullptr, std::vector<float>(4, std::nanf("")).data()));
    walk.refused("unpack_caffe_twn", "no memory",
                 tern::unpack_caffe_twn(words, 9, shape, 1, "w", nullptr, no_memory()));
    auto caffe = unpack(words, 9, shape);
    walk.refused("pack_caffe_twn", "no room", tern::pack_caffe_twn(*caffe, nullptr));
    walk.refused("pack_caffe_twn", "misaligned", tern::pack_caffe_twn(*caffe, misaligned(words)));
    walk.refused("pack_caffe_twn", "default-made", tern::pack_caffe_twn({}, words));
    const tern::ternary_weights taken = std::move(*caffe);
    walk.refused("pack_caffe_twn", "moved-from", tern::pack_caffe_twn(*caffe, words));

    // FATNN and LSQ.
    walk_layer(walk, "quantize_fatnn", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_fatnn(p, s, ones.data(), ones.data(), 1, name, {}, nullptr, bias, memory);
    });
    walk_layer(walk, "quantize_lsq", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_lsq(p, s, ones.data(), 1, name, bias, memory);
    });
    for (const std::size_t groups : {std::size_t{3}, std::size_t{8}, huge}) {
        walk.refused("quantize_fatnn", "groups",
                     tern::quantize_fatnn(w.data(), shape, ones.data(), ones.data(), groups, nullptr));
        walk.refused("quantize_fatnn", "norm groups",
                     tern::quantize_fatnn(w.data(), shape, ones.data(), ones.data(), 1, nullptr, {true, groups, 0}));
        walk.refused("quantize_lsq", "groups", tern::quantize_lsq(w.data(), shape, ones.data(), groups, nullptr));
    }
    const std::vector<float> no_numbers(4, std::nanf(""));
    for (const float* bad : {static_cast<const float*>(nullptr), misaligned(ones.data()), no_numbers.data()}) {
        walk.refused("quantize_fatnn", "alpha0", tern::quantize_fatnn(w.data(), shape, bad, ones.data(), 1, nullptr));
        walk.refused("quantize_fatnn", "alpha1", tern::quantize_fatnn(w.data(), shape, ones.data(), bad, 1, nullptr));
        if (bad != nullptr)
            walk.refused("quantize_fatnn", "gamma",
                         tern::quantize_fatnn(w.data(), shape, ones.data(), ones.data(), 1, nullptr, {}, bad));
        walk.refused("quantize_lsq", "clip", tern::quantize_lsq(w.data(), shape, bad, 1, nullptr));
        walk.refused("fatnn_thresholds", "alphas", tern::fatnn_thresholds(bad, 2, nullptr));
    }
    for (const double bad : {no_number, -1.0, inf})
        walk.refused("quantize_fatnn", "epsilon",
                     tern::quantize_fatnn(w.data(), shape, ones.data(), ones.data(), 1, nullptr, {true, 0, bad}));
    for (const std::size_t count : {std::size_t{0}, std::size_t{4}, std::size_t{16}, huge})
        walk.refused("fatnn_thresholds", "count", tern::fatnn_thresholds(ones.data(), count, nullptr));
    walk.refused("fatnn_full_range_thresholds", "0", tern::fatnn_full_range_thresholds(0, 1, nullptr));
    walk.refused("fatnn_full_range_thresholds", "NaN", tern::fatnn_full_range_thresholds(1, std::nanf(""), nullptr));
    for (const float bad : {std::nanf(""), -1.0f, 0.0f})
        walk.refused("lsq_thresholds", "clip", tern::lsq_thresholds(bad, nullptr));

    // Uniform.
    const auto bad_activation = [&](const char* how, auto&& spoil) {
        tern::uniform_activation q;
        spoil(q);
        walk.refused("uniform_thresholds", how, tern::uniform_thresholds(q));
    };
    bad_activation("no code", [](auto& q) { q.code = no_code; });
    bad_activation("a code of 256 values", [](auto& q) { q.code = code_id::u8; });
    for (const double bad : {no_number, -1.0, 0.0, inf})
        bad_activation("scale", [&](auto& q) { q.scale = bad; });
    bad_activation("divisor", [](auto& q) { q.divisor = 0; });
    bad_activation("zero point", [](auto& q) { q.zero_point = 4; });
    bad_activation("ties", [](auto& q) { q.ties = behind(tern::round_ties::down); });
    walk_layer(walk, "quantize_uniform", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_uniform(p, s, name, bias, {}, memory);
    });
    const auto bad_uniform = [&](const char* how, auto&& spoil) {
        tern::uniform_weight_options options;
        spoil(options);
        walk.refused("quantize_uniform", how, tern::quantize_uniform(w.data(), shape, nullptr, nullptr, options));
    };
    for (const code_id code : {no_code, code_id::half_ternary, code_id::u8})
        bad_uniform("code", [&](auto& o) { o.code = code; });
    for (const int top : {-1, 128, std::numeric_limits<int>::min()})
        bad_uniform("max_code", [&](auto& o) { o.max_code = top; });
    bad_uniform("kind", [](auto& o) { o.kind = behind(tern::weight_range::given); });
    bad_uniform("ties", [](auto& o) { o.ties = behind(tern::round_ties::down); });
    for (const double bad : {no_number, -1.0, 0.0, inf})
        bad_uniform("range", [&](auto& o) { o.range = bad; });
    bad_uniform("groups", [](auto& o) { o.groups = huge; });
    walk_layer(walk, "quantize_dorefa", [&](auto p, auto& s, auto name, auto bias, auto& memory) {
        return tern::quantize_dorefa(p, s, 2, name, bias, tern::round_ties::even, memory);
    });
    for (const int bits : {0, 5, -1, std::numeric_limits<int>::max()})
        walk.refused("quantize_dorefa", "bits", tern::quantize_dorefa(w.data(), shape, bits, nullptr));
    walk.refused("quantize_dorefa", "ties",
                 tern::quantize_dorefa(w.data(), shape, 2, nullptr, nullptr, behind(tern::round_ties::down)));

    walk.check_complete(TERN_TEST_DATA "/../../include/tern/quantize");
}

TEST_CASE("codes: numbers that are no code, and no names") {
    code_id found{};
    CHECK_FALSE(tern::find_code(nullptr, found));
    CHECK_FALSE(tern::is_code(no_code));
    CHECK(tern::get_code_info(no_code).planes == 0);
    CHECK(std::string(tern::code_name(no_code)) == "");
    CHECK_FALSE(tern::code_has_zero(no_code));
}
