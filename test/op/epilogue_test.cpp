// Epilogue chains against their meaning, element by element and byte by byte, on every table.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/chain_model.hpp"
#include "../support/compare.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"
#include "../support/thread_executor.hpp"

namespace {

using tern::residual_kind;
using tern_test::chain_model;
using values = std::vector<float>;

/// Per-channel constants: from a coarse grid, so that values meet thresholds exactly, or of any digits.
class constants {
public:
    constants(std::mt19937& random, std::size_t channels)
        : random_(random), channels_(channels), grid_(random() % 2 == 0) {}

    float one() {
        if (grid_)
            return static_cast<float>(static_cast<int>(random_() % 17) - 8) * 0.125f;
        return tern_test::plain_float(random_);
    }
    values list() {
        values v(channels_);
        for (float& x : v)
            x = one();
        return v;
    }
    std::vector<double> doubles() {
        std::vector<double> v(channels_);
        for (double& x : v)
            x = static_cast<double>(one()) * (grid_ ? 1.0 : 1.0000000123);
        return v;
    }
    values variances() {
        values v(channels_);
        for (float& x : v)
            x = grid_ ? static_cast<float>(1 << random_() % 3) : std::fabs(one());
        return v;
    }
    void batch_norm(chain_model& model) {
        const bool plain = random_() % 4 == 0;
        model.batch_norm(plain ? values{} : list(), plain ? values{} : list(), list(), variances(), grid_ ? 0.0 : 1e-5);
    }

private:
    std::mt19937& random_;
    std::size_t channels_;
    bool grid_;
};

void add_products(chain_model& model, constants& any, unsigned which) {
    if (which == 1)
        model.scale(any.list()).bias(any.list());
    if (which == 2)
        model.affine(any.doubles(), any.doubles());
    if (which >= 3)
        any.batch_norm(model);
    if (which == 4) {
        model.bias(any.list());
        any.batch_norm(model);
    }
}

void add_activation(chain_model& model, constants& any, unsigned which) {
    if (which == 1)
        model.prelu(any.list());
    if (which == 2)
        model.relu();
    if (which == 3)
        model.clamp(-0.75f, 1.5f);
}

void add_residual(chain_model& model, constants& any, unsigned which) {
    if (which == 0)
        return;
    const residual_kind kind = which <= 2 ? residual_kind::same : residual_kind::pooled;
    if (which % 2 == 1)
        model.residual(kind);
    else
        model.residual(kind, any.list(), any.list());
}

void add_outputs(chain_model& model, constants& any, bool store, unsigned quantizers, std::mt19937& random) {
    if (store)
        model.store();
    for (unsigned q = 0; q < quantizers; ++q) {
        if (random() % 3 != 0)
            any.batch_norm(model);
        if (random() % 3 == 0)
            model.bias(any.list());
        // 0 may be any code, so bits of channels that do not exist show.
        constexpr tern::ternary_thresholds limits[] = {{}, {0.625f, -0.125f}, {1.0f, 0.25f}, {-0.25f, -0.5f}};
        model.ternarize(limits[random() % 4]);
    }
}

/// A float tensor between guard bytes, in one of three layouts; the last one has gaps.
struct float_tensor {
    tern_test::guarded_array<float> memory;
    tern::tensor_view<float> view;

    float_tensor(unsigned layout, const tern::image_shape& s, std::size_t c) : memory(elements(layout, s, c)) {
        float* p = memory.data();
        if (layout == 0)
            view = tern::nhwc(p, s.n, s.h, s.w, c);
        else if (layout == 1)
            view = tern::nchw(p, s.n, c, s.h, s.w);
        else {
            const auto pixel = static_cast<std::ptrdiff_t>(c + 3), row = static_cast<std::ptrdiff_t>(s.w) * pixel + 1;
            view = {p, s.n, s.h, s.w, c, static_cast<std::ptrdiff_t>(s.h) * row, row, pixel, 1};
        }
    }
    static std::size_t elements(unsigned layout, const tern::image_shape& s, std::size_t c) {
        return layout < 2 ? s.n * s.h * s.w * c : s.n * s.h * (s.w * (c + 3) + 1);
    }
};

/// One chain behind one convolution.
class chain_case {
public:
    chain_case(const chain_model& model, std::size_t channels, std::mt19937& random) : model_(model), random_(random) {
        tern_test::conv_problem& p = problem_;
        p.in = {1 + random() % 2, 1 + random() % 3, 1 + random() % 6};
        p.weights = {channels, 1 + random() % 20, 1, 1};
        if (random() % 3 == 0) {
            p.weights = {channels, 1 + random() % 5, 3, 3};
            p.geometry = tern::conv_geometry::square(1, 1);
        }
        p.fill(random);
        out_ = p.out();
        accumulators_ = tern_test::convolve(p);
        make_residual();
        stored_.resize(accumulators_.size());
        for (auto& codes : codes_)
            codes.resize(accumulators_.size());
        std::size_t i = 0;
        for (std::size_t n = 0; n < out_.n; ++n)
            for (std::size_t y = 0; y < out_.h; ++y)
                for (std::size_t x = 0; x < out_.w; ++x)
                    for (std::size_t c = 0; c < channels; ++c, ++i) {
                        const auto expected = model.evaluate(accumulators_[i], c, residual_at(n, y, x, c));
                        stored_[i] = expected.stored;
                        for (std::size_t q = 0; q < 2; ++q)
                            codes_[q][i] = static_cast<std::int8_t>(expected.codes[q]);
                    }
    }

    void run(const tern::kernel_table& table, bool integer_thresholds) {
        tern::plan_options options;
        options.kernels = &table;
        if (random_() % 2 == 0)
            options.family = tern::kernel_family::popcount;
        else if (problem_.weights.taps() == 9 && table.winograd_count != 0 && random_() % 4 != 0)
            options = tern_test::winograd_choices(table)[random_() % 2];
        options.integer_thresholds = integer_thresholds;
        const auto weights = tern_test::packed_weights(problem_, model_.weight_scale(), model_.weight_bias());
        const auto plan = tern_test::make_plan(weights, problem_.geometry, model_.chain(), options);
        const std::size_t channels = problem_.out_channels();
        CAPTURE(std::string(plan.kernel_name(problem_.in)));
        CAPTURE(problem_.text());

        const tern_test::packed_input input(tern_test::loose_layout(problem_.in, problem_.in_channels(),
                                                                    plan.required_halo(problem_.in), {}),
                                            problem_.input.data());
        tern::conv2d_args args;
        args.input = input.view();

        const auto layout = static_cast<unsigned>(random_() % 3);
        float_tensor found(layout, out_, channels), wanted(layout, out_, channels);
        float_tensor residual(static_cast<unsigned>(random_() % 3), residual_shape_, residual_channels_);
        fill(residual.view, residual_);
        const bool in_place = model_.stores() && model_.residual() == residual_kind::same && random_() % 2 == 0;
        if (model_.residual() != residual_kind::none)
            args.residual = residual.view;
        if (in_place) {
            fill(found.view, residual_);
            args.residual = found.view;
        }
        if (model_.stores()) {
            args.out = found.view;
            fill(wanted.view, stored_);
        }
        std::deque<tern_test::packed_output> packed;
        for (std::size_t q = 0; q < model_.quantizers(); ++q) {
            const tern::border halo{random_() % 3, random_() % 3, random_() % 3, random_() % 3};
            packed.emplace_back(tern_test::loose_layout(out_, channels, halo, tern_test::any_slack(random_)));
            args.packed[q] = packed[q].view();
        }
        tern_test::guarded_array<std::int32_t> raw(accumulators_.size());
        if (random_() % 4 == 0)
            args.accumulators = tern::nhwc(raw.data(), out_.n, out_.h, out_.w, channels);

        const tern::executor threads = tern_test::any_executor(static_cast<unsigned>(random_()));
        CAPTURE(layout);
        CAPTURE(in_place);
        CAPTURE(threads.slices);
        const tern::status s = tern_test::run_plan(plan, args, threads);
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
        if (model_.stores()) {
            CHECK(tern_test::first_difference(found.memory, wanted.memory) == "");
            CHECK(found.memory.guards_intact());
        }
        for (std::size_t q = 0; q < packed.size(); ++q) {
            CHECK(tern_test::first_difference(packed[q],
                                              tern_test::packed_bytes(packed[q].layout(), codes_[q].data())) == "");
            CHECK(packed[q].guards_intact());
        }
        if (args.accumulators) {
            CHECK(tern_test::first_difference(raw, accumulators_) == "");
            CHECK(raw.guards_intact());
        }
        CHECK(residual.memory.guards_intact());
        if (plan.uses_integer_thresholds())
            run(table, false);
    }

private:
    void make_residual() {
        const std::size_t pool = model_.residual() == residual_kind::pooled ? 2 : 1, channels = problem_.out_channels();
        residual_shape_ = {out_.n, pool * out_.h, pool * out_.w};
        residual_channels_ = pool == 1 ? channels : 1 + random_() % channels;
        residual_.resize(out_.n * residual_shape_.h * residual_shape_.w * residual_channels_);
        const bool awkward = random_() % 3 == 0;
        for (float& r : residual_)
            r = awkward              ? tern_test::awkward_float(random_)
                : random_() % 2 == 0 ? tern_test::plain_float(random_)
                                     : static_cast<float>(static_cast<int>(random_() % 33) - 16) * 0.125f;
    }
    float residual_element(std::size_t n, std::size_t y, std::size_t x, std::size_t c) const {
        return residual_[((n * residual_shape_.h + y) * residual_shape_.w + x) * residual_channels_ + c];
    }
    float residual_at(std::size_t n, std::size_t y, std::size_t x, std::size_t c) const {
        if (c >= residual_channels_)
            return 0.0f;
        if (model_.residual() != residual_kind::pooled)
            return residual_element(n, y, x, c);
        return tern_test::larger(tern_test::larger(residual_element(n, 2 * y, 2 * x, c),
                                                   residual_element(n, 2 * y, 2 * x + 1, c)),
                                 tern_test::larger(residual_element(n, 2 * y + 1, 2 * x, c),
                                                   residual_element(n, 2 * y + 1, 2 * x + 1, c)));
    }
    static void fill(const tern::tensor_view<float>& to, const values& from) {
        std::size_t i = 0;
        for (std::size_t n = 0; n < to.n; ++n)
            for (std::size_t y = 0; y < to.h; ++y)
                for (std::size_t x = 0; x < to.w; ++x)
                    for (std::size_t c = 0; c < to.c; ++c)
                        to.at(n, y, x, c) = from[i++];
    }

    const chain_model& model_;
    std::mt19937& random_;
    tern_test::conv_problem problem_;
    tern::image_shape out_, residual_shape_;
    std::size_t residual_channels_ = 0;
    std::vector<std::int32_t> accumulators_;
    values residual_, stored_;
    std::vector<std::int8_t> codes_[2];
};

/// Output channels around the borders of bytes, tiles and words.
constexpr std::size_t output_channels[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 200};
constexpr std::size_t output_channel_counts = sizeof output_channels / sizeof output_channels[0];

}  // namespace

TEST_CASE("every shape of chain gives the floats and codes it means, bit for bit") {
    const auto tables = tern_test::all_tables();
    std::mt19937 random(42);
    constexpr unsigned kinds_of_products = 5, activations = 4, residuals = 5, outputs = 5, times = 2;
    for (unsigned number = 0; number < times * kinds_of_products * activations * residuals * activations * outputs;
         ++number) {
        unsigned digits = number;
        const auto next = [&](unsigned base) {
            const unsigned digit = digits % base;
            digits /= base;
            return digit;
        };
        const std::size_t channels = output_channels[random() % output_channel_counts];
        constants any(random, channels);
        chain_model model(any.list(), random() % 2 == 0 ? any.list() : values{});
        add_products(model, any, next(kinds_of_products));
        add_activation(model, any, next(activations));
        add_residual(model, any, next(residuals));
        add_activation(model, any, next(activations));
        const unsigned writes = 1 + next(outputs);
        add_outputs(model, any, writes % 2 != 0, writes / 2, random);
        CAPTURE(number);
        chain_case test(model, channels, random);
        for (const tern::kernel_table* table : tables)
            test.run(*table, true);
    }
}

TEST_CASE("every count of output channels fills its last byte and word, on the reference table too") {
    std::mt19937 random(43);
    for (const std::size_t channels : output_channels)
        for (unsigned outputs = 1; outputs < 6; ++outputs)
            for (const unsigned residual : {0u, 1u, 4u}) {
                CAPTURE(channels);
                CAPTURE(outputs);
                constants any(random, channels);
                chain_model model(any.list());
                add_residual(model, any, residual);
                add_outputs(model, any, outputs % 2 != 0, outputs / 2, random);
                chain_case test(model, channels, random);
                tern_test::for_each_table_and_reference(
                    [&](const tern::kernel_table& table) { test.run(table, true); });
            }
}
