// Codes do not depend on whether the CPU treats subnormal numbers as zero, while a plan is made, while it runs, or
// both.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/pooling.hpp>
#include <tern/op/quantize_image.hpp>
#include <tern/op/real_conv2d.hpp>
#include <tern/op/ternarize.hpp>
#include <tern/quantize/activation.hpp>
#include <tern/quantize/lsq.hpp>
#include <tern/quantize/uniform.hpp>

#include "../support/flush_to_zero.hpp"
#include "../support/levels.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"

namespace {

using tern::code_id;
using bytes = std::vector<unsigned char>;

constexpr std::size_t pixels = 9, channels = 70;
constexpr float tiny = std::numeric_limits<float>::denorm_min();

template <class Compute>
auto in_mode(bool flush, Compute compute) {
    return flush ? test::in_flush_to_zero_mode(compute) : compute();
}

/// Thresholds of a code, of which those at 0 are strict or not, and written as 0 or as the float beside it.
enum class zero_threshold { reached, strict, float_above, float_below };

tern::quantizer_thresholds levels_around_zero(code_id code, zero_threshold kind) {
    tern::quantizer_thresholds t(code);
    t.count = tern::get_code_info(code).levels() - 1;
    for (int i = 0; i < t.count; ++i) {
        t.at[i] = static_cast<float>(i - t.count / 2) * 0.5f;
        t.strict[i] = i % 3 == 0;
        if (t.at[i] != 0.0f)
            continue;
        t.strict[i] = kind == zero_threshold::strict || kind == zero_threshold::float_below;
        t.at[i] = kind == zero_threshold::float_above ? tiny : kind == zero_threshold::float_below ? -tiny : 0.0f;
    }
    return t;
}

/// What the thresholds mean for a number that is not subnormal.
int code_of_normal(const tern::quantizer_thresholds& t, float v, zero_threshold kind) {
    const tern::code_info c = tern::get_code_info(t.code);
    int steps = 0;
    for (int i = 0; i < t.count; ++i) {
        const float at = static_cast<float>(i - t.count / 2) * 0.5f;
        const bool strict =
            at != 0.0f ? i % 3 == 0 : kind == zero_threshold::strict || kind == zero_threshold::float_above;
        steps += v > at || (v == at && !strict) ? 1 : 0;
    }
    return c.min + c.step * steps;
}

/// Multiples of 0.25 around 0, both zeros most often.
float any_value(std::mt19937& random) {
    const auto r = random() % 12;
    return r < 3 ? 0.0f : r < 6 ? -0.0f : static_cast<float>(static_cast<int>(random() % 41) - 20) * 0.25f;
}

struct quantizer_case {
    const tern::kernel_table& table;
    tern::quantizer_thresholds levels;
    tern::packed_layout layout;
    std::vector<float> values;  // [pixel][channel]
    bytes expected;

    quantizer_case(const tern::kernel_table& t, code_id code, zero_threshold kind, std::mt19937& random)
        : table(t), levels(levels_around_zero(code, kind)),
          layout(*tern::make_packed_layout(code, {1, 1, pixels}, channels)) {
        std::vector<int> codes;
        for (std::size_t i = 0; i < pixels * channels; ++i) {
            values.push_back(any_value(random));
            codes.push_back(code_of_normal(levels, values.back(), kind));
        }
        expected = tern_test::image_bytes(layout, codes);
    }

    tern::tensor_view<const float> view() const {
        return tern::nhwc<const float>(values.data(), 1, 1, pixels, channels);
    }

    /// The bytes that write(image) leaves, in a mode.
    template <class Write>
    bytes written(bool flush, Write&& write) const {
        bytes found(layout.total_bytes + 8, 0xdb);
        const tern::packed_image image{layout, found.data()};
        const tern::status s = in_mode(flush, [&] { return write(image); });
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
        found.resize(layout.total_bytes);
        return found;
    }
};

/// Calls body(case, kind) for every table, code of thresholds and kind of threshold at 0.
template <class Body>
void for_each_case(unsigned seed, Body&& body) {
    REQUIRE((!test::flush_to_zero::available ||
             test::in_flush_to_zero_mode([] { return test::subnormals_are_flushed(); })));
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        std::mt19937 random(seed);
        for (const code_id code : tern_test::all_codes)
            for (const auto kind : {zero_threshold::reached, zero_threshold::strict, zero_threshold::float_above,
                                    zero_threshold::float_below}) {
                if (tern::is_byte_code(code))
                    continue;
                CAPTURE(std::string(tern::code_name(code)));
                CAPTURE(static_cast<int>(kind));
                body(quantizer_case(table, code, kind, random), random);
            }
    });
}

/// A plan made and run in every pair of modes; `chain` may end in the quantizer, `run` sets what the plan reads.
void check_plan(const quantizer_case& q, const tern::ternary_weights& weights, const tern::epilogue& chain,
                bool integers, const tern::conv2d_args& args) {
    tern::plan_options options;
    options.kernels = &q.table;
    options.integer_thresholds = integers;
    for (const bool create : {false, true}) {
        const auto plan = in_mode(create, [&] { return tern::conv2d::create(weights, {}, chain, options); });
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        CHECK(plan->uses_integer_thresholds() == integers);
        for (const bool run : {false, true}) {
            CAPTURE(create);
            CAPTURE(run);
            CHECK(q.written(run, [&](const tern::packed_image& image) {
                tern::conv2d_args a = args;
                a.packed[0] = image;
                return tern_test::run_plan(*plan, a);
            }) == q.expected);
        }
    }
}

/// Weights [channels][channels] whose product with codes is the codes.
tern::ternary_weights identity(const float* scale) {
    std::vector<std::int8_t> codes(channels * channels);
    for (std::size_t c = 0; c < channels; ++c)
        codes[c * channels + c] = 1;
    auto w = tern::pack_weights(codes.data(), {channels, channels, 1, 1}, scale);
    REQUIRE(w.ok());
    return std::move(*w);
}

}  // namespace

TEST_CASE("quantizers of images give the same codes with and without flushing") {
    for_each_case(1, [](const quantizer_case& q, std::mt19937&) {
        for (const bool run : {false, true}) {
            CAPTURE(run);
            CHECK(q.written(run, [&](auto& image) { return tern::pack_activations(q.view(), image, q.levels); }) ==
                  q.expected);
            tern::quantize_image_options options;
            options.kernels = &q.table;
            CHECK(q.written(run, [&](auto& image) {
                return tern::quantize_image(q.view(), image, q.levels, options);
            }) == q.expected);
        }
    });
}

TEST_CASE("convolutions give the same codes with and without flushing, as float chains and by integers") {
    for_each_case(2, [](const quantizer_case& given, std::mt19937& random) {
        for (const float size : {0.5f, -0.5f}) {  // rising and falling with the sums
            quantizer_case q = given;
            std::vector<std::int8_t> in;
            for (float& v : q.values) {
                in.push_back(static_cast<std::int8_t>(static_cast<int>(random() % 3) - 1));
                v = size * in.back();
            }
            q.expected =
                q.written(false, [&](auto& image) { return tern::pack_activations(q.view(), image, q.levels); });
            auto input = tern::make_packed_tensor({1, 1, pixels}, channels);
            REQUIRE(input.ok());
            REQUIRE(
                tern::pack_codes(tern::nhwc<const std::int8_t>(in.data(), 1, 1, pixels, channels), input->view()).ok());
            tern::conv2d_args args;
            args.input = input->view();
            const std::vector<float> scale(channels, size);
            for (const bool integers : {false, true})
                check_plan(q, identity(scale.data()), tern::chain(tern::stage::quantize(q.levels)), integers, args);
        }
    });
}

TEST_CASE("residuals and pooled residuals give the same codes with and without flushing") {
    for_each_case(3, [](const quantizer_case& q, std::mt19937&) {
        // Sums of 0 and the residual, which the quantizer's values are.
        auto input = tern::make_packed_tensor({1, 1, pixels}, channels);
        REQUIRE(input.ok());
        const std::vector<float> half(channels, 0.5f);
        const auto weights = identity(half.data());
        tern::conv2d_args args;
        args.input = input->view();
        args.residual = q.view();
        check_plan(q, weights, tern::chain(tern::stage::residual(), tern::stage::quantize(q.levels)), false, args);

        // Every pixel four times.
        std::vector<float> large;
        for (int row = 0; row < 2; ++row)
            for (std::size_t x = 0; x < 2 * pixels; ++x)
                large.insert(large.end(), q.values.begin() + static_cast<std::ptrdiff_t>(x / 2 * channels),
                             q.values.begin() + static_cast<std::ptrdiff_t>((x / 2 + 1) * channels));
        args.residual = tern::nhwc<const float>(large.data(), 1, 2, 2 * pixels, channels);
        check_plan(q, weights,
                   tern::chain(tern::stage::residual(tern::residual_kind::pooled), tern::stage::quantize(q.levels)),
                   false, args);

        tern::pool_options pool;
        pool.kernel_h = pool.kernel_w = 2;
        pool.geometry.stride_h = pool.geometry.stride_w = 2;
        pool.kernels = &q.table;
        tern::quantize_image_options options;
        options.kernels = &q.table;
        for (const bool run : {false, true})
            for (const auto pooling : {&tern::max_pool, &tern::mean_pool})
                CHECK(q.written(run, [&](auto& image) -> tern::status {
                    std::vector<float> pooled(pixels * channels);
                    TERN_TRY(pooling(args.residual, tern::nhwc(pooled.data(), 1, 1, pixels, channels), pool, {}));
                    return tern::quantize_image(tern::nhwc<const float>(pooled.data(), 1, 1, pixels, channels), image,
                                                q.levels, options);
                }) == q.expected);
    });
}

TEST_CASE("fp32 convolutions give the same codes with and without flushing") {
    for_each_case(4, [](const quantizer_case& q, std::mt19937&) {
        std::vector<float> weights(channels * channels);
        for (std::size_t c = 0; c < channels; ++c)
            weights[c * channels + c] = 1.0f;
        tern::plan_options options;
        options.kernels = &q.table;
        for (const bool create : {false, true}) {
            const auto plan = in_mode(create, [&] {
                return tern::real_conv2d::create(weights.data(), {channels, channels, 1, 1}, {},
                                                 tern::chain(tern::stage::quantize(q.levels)), options);
            });
            REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
            for (const bool run : {false, true})
                CHECK(q.written(run, [&](auto& image) {
                    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes({1, 1, pixels}));
                    tern::real_conv2d_args args;
                    args.input = q.view();
                    args.packed[0] = image;
                    return plan->run(args, {scratch.data(), scratch.size()});
                }) == q.expected);
        }
    });
}

TEST_CASE("integers stand for the float chain in every mode, whatever becomes subnormal in it") {
    constexpr float magnitudes[] = {1e-45f, 1e-41f, 1e-39f, 1.2e-38f, 1e-37f, 1e-30f, 1e-20f, 1e-3f, 1.0f, 1e10f};
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        std::mt19937 random(5);
        int by_integers = 0, by_floats = 0;
        for (int round = 0; round < 150; ++round) {
            // All channels alike in size, or one small number would decide for all.
            const auto array = [&](bool positive) {
                const float size = magnitudes[random() % 10];
                std::vector<float> v(channels);
                for (float& x : v)
                    x = random() % 8 == 0 ? 0.0f
                                          : size * (positive || random() % 2 == 0 ? 1.0f : -1.0f) *
                                                static_cast<float>(1 + random() % 4);
                return v;
            };
            const auto scale = array(false), shift = array(false), slope = array(true), g = array(false),
                       h = array(false);
            const code_id codes[] = {code_id::ternary, code_id::binary, code_id::u2};
            const auto levels = levels_around_zero(codes[random() % 3], random() % 2 == 0 ? zero_threshold::strict
                                                                                          : zero_threshold::reached);
            tern::epilogue chain;
            if (random() % 2 == 0)
                chain.add(tern::stage::bias(shift.data()));
            if (random() % 3 == 0)
                chain.add(tern::stage::prelu(slope.data()));
            else if (random() % 2 == 0)
                chain.add(tern::stage::clamp(random() % 2 == 0 ? 0.0f : -1e-39f, random() % 2 == 0 ? 1e-39f : 1e30f));
            if (random() % 2 == 0)
                chain.add(tern::stage::scale(g.data()));
            if (random() % 3 == 0)
                chain.add(tern::stage::bias(h.data()));
            chain.add(tern::stage::quantize(levels));

            std::vector<std::int8_t> in(pixels * channels);
            for (auto& v : in)
                v = static_cast<std::int8_t>(static_cast<int>(random() % 3) - 1);
            auto input = tern::make_packed_tensor({1, 1, pixels}, channels);
            REQUIRE(input.ok());
            REQUIRE(
                tern::pack_codes(tern::nhwc<const std::int8_t>(in.data(), 1, 1, pixels, channels), input->view()).ok());
            auto weights = identity(scale.data());
            auto layout = tern::make_packed_layout(levels.code, {1, 1, pixels}, channels);
            for (const bool run : {false, true}) {
                std::vector<bytes> found;
                for (const bool create : {false, true})
                    for (const bool integers : {false, true}) {
                        tern::plan_options options;
                        options.kernels = &table;
                        options.integer_thresholds = integers;
                        const auto plan =
                            in_mode(create, [&] { return tern::conv2d::create(weights, {}, chain, options); });
                        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                        if (integers)
                            ++(plan->uses_integer_thresholds() ? by_integers : by_floats);
                        bytes image(layout->total_bytes + 8, 0xdb);
                        tern::conv2d_args args;
                        args.input = input->view();
                        args.packed[0] = {*layout, image.data()};
                        const tern::status s = in_mode(run, [&] { return tern_test::run_plan(*plan, args); });
                        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
                        found.push_back(image);
                    }
                CHECK(found[0] == found[1]);
                CHECK(found[0] == found[2]);
                CHECK(found[0] == found[3]);
            }
        }
        CHECK(by_integers > 20);
        CHECK(by_floats > 20);
    });
}

TEST_CASE("thresholds are no subnormal numbers, and the same with and without flushing") {
    for (const code_id code : {code_id::binary, code_id::ternary, code_id::u2, code_id::o2})
        for (const auto ties : {tern::round_ties::even, tern::round_ties::up, tern::round_ties::down})
            for (const double scale : {1.0, 1e-38, 1e-45, 1e-60}) {
                tern::uniform_activation a;
                a.code = code;
                a.scale = scale;
                a.ties = ties;
                const auto t = tern::uniform_thresholds(a);
                const auto flushed = test::in_flush_to_zero_mode([&] { return tern::uniform_thresholds(a); });
                REQUIRE(t.ok());
                REQUIRE(flushed.ok());
                CHECK(tern::check_thresholds(*t).ok());
                for (int i = 0; i < t->count; ++i) {
                    CHECK(std::fpclassify(t->at[i]) != FP_SUBNORMAL);
                    CHECK(t->at[i] == flushed->at[i]);
                    CHECK(t->strict[i] == flushed->strict[i]);
                }
            }
    // The sign with ties to even, as torch.round has them: 0 gives the lower code.
    tern::uniform_activation sign;
    sign.code = code_id::binary;
    const auto t = tern::uniform_thresholds(sign);
    REQUIRE(t.ok());
    CHECK(t->at[0] == 0.0f);
    CHECK(t->strict[0]);
}

TEST_CASE("thresholds that fall are refused, strict ones too") {
    tern::quantizer_thresholds t = tern::ternary_thresholds{0.0f, 0.0f, false, true};
    CHECK_FALSE(tern::check_thresholds(t).ok());  // 0 would be below the first and above the second
    t.strict[1] = true;
    CHECK(tern::check_thresholds(t).ok());
    t.strict[0] = false;
    CHECK(tern::check_thresholds(t).ok());
    auto image = tern::make_packed_tensor({1, 1, 1}, 1);
    REQUIRE(image.ok());
    const float v = 0.5f;
    const tern::ternary_thresholds falling{0.5f, 0.5f, false, true};
    CHECK_FALSE(tern::quantize_image(tern::nhwc(&v, 1, 1, 1, 1), image->view(), falling).ok());
}
