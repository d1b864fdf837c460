// Every operator that takes an executor, as something that can be run over and over and whose whole output is bytes.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tern/tern.hpp>

#include "../support/code_problem.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/run_plan.hpp"

namespace tern_test {

/// Runs may be called by several threads at once, each with memory of its own or as one team.
struct operator_case {
    std::string name;
    std::size_t out_bytes;
    std::function<std::size_t(std::size_t slices)> workspace_bytes;
    std::function<tern::status(unsigned char* out, const tern::workspace&, const tern::executor&)> run;
};

/// Memory of one run, full of garbage at first.
struct case_memory {
    guarded_array<unsigned char> out, scratch;

    case_memory(const operator_case& c, std::size_t slices) : out(c.out_bytes), scratch(c.workspace_bytes(slices)) {}
    tern::status run(const operator_case& c, const tern::executor& threads) {
        return c.run(out.data(), {scratch.data(), scratch.size()}, threads);
    }
    bool guards_intact() const { return out.guards_intact() && scratch.guards_intact(); }
};

/// What a case gives on one thread.
inline std::unique_ptr<case_memory> serial_run(const operator_case& c) {
    auto m = std::make_unique<case_memory>(c, 1);
    const tern::status s = m->run(c, {});
    REQUIRE_MESSAGE(s.ok(), c.name, ": ", std::string(s.message()));
    REQUIRE(m->guards_intact());
    return m;
}

/// Floats and, behind them, one packed image with a halo.
struct mixed_output {
    std::size_t n, h, w, c;
    tern::packed_layout layout;

    mixed_output(const tern::image_shape& s, std::size_t channels, tern::code_id code = tern::code_id::ternary)
        : n(s.n), h(s.h), w(s.w), c(channels),
          layout(*tern::make_packed_layout(code, s, channels, tern::border::uniform(1))) {}
    std::size_t float_bytes() const { return (n * h * w * c * sizeof(float) + 63) / 64 * 64; }
    std::size_t bytes() const { return float_bytes() + layout.total_bytes; }
    tern::tensor_view<float> floats(unsigned char* out, bool channels_last = true) const {
        auto* p = reinterpret_cast<float*>(out);
        return channels_last ? tern::nhwc(p, n, h, w, c) : tern::nchw(p, n, c, h, w);
    }
    tern::packed_image image(unsigned char* out) const { return {layout, out + float_bytes()}; }
};

inline std::vector<float> random_floats(std::size_t count, std::mt19937& random) {
    std::vector<float> v(count);
    for (float& x : v)
        x = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 500.0f;
    return v;
}

class operator_cases {
public:
    /// All operators; convolutions on each table, in each way that it has.
    operator_cases() {
        add_convolutions();
        add_code_convolutions();
        add_first_layers();
        add_gemm_and_linear();
        add_pixel_operators();
    }
    std::vector<operator_case>::const_iterator begin() const { return cases_.begin(); }
    std::vector<operator_case>::const_iterator end() const { return cases_.end(); }

private:
    template <class Plan>
    void add(const std::string& name, std::size_t out_bytes, const std::shared_ptr<Plan>& plan, tern::image_shape in,
             std::function<tern::status(unsigned char* out, const tern::workspace&, const tern::executor&)> run) {
        cases_.push_back(
            {name, out_bytes, [plan, in](std::size_t slices) { return plan->workspace_bytes(in, slices); }, run});
    }
    static std::size_t no_workspace(std::size_t) { return 0; }

    static std::vector<conv_problem> problems() {
        std::vector<conv_problem> all(6);
        all[0].weights = {70, 70, 3, 3};  // words are mostly padding
        all[0].in = {2, 7, 9};
        all[0].geometry = tern::conv_geometry::square(1, 1);
        all[1].weights = {130, 96, 1, 1};  // pointwise
        all[1].in = {3, 6, 11};
        all[2].weights = {40, 5, 3, 3};  // merged
        all[2].in = {1, 12, 13};
        all[2].geometry = tern::conv_geometry::square(2, 1);
        all[3].weights = {48, 12, 3, 3};
        all[3].geometry = tern::conv_geometry::square(1, 1);
        all[3].geometry.groups = 3;
        all[3].in = {1, 5, 5};
        all[4].weights = {200, 64, 5, 5};  // fewer rows than threads: channels are divided
        all[4].geometry = tern::conv_geometry::square(3, 2);
        all[4].in = {1, 4, 5};
        all[5].weights = {64, 300, 3, 3};  // more cells than are made at a time
        all[5].geometry = tern::conv_geometry::square(1, 1);
        all[5].in = {5, 20, 20};
        return all;
    }

    // Floats in both orders and ternary codes.
    void add_convolutions() {
        std::mt19937 random(701);
        const tern::epilogue chain = tern::chain(tern::stage::relu(), tern::stage::store(), tern::stage::ternarize());
        for (conv_problem& p : problems()) {
            p.fill(random);
            const auto weights = packed_weights(p);
            const auto input =
                std::make_shared<packed_input>(loose_layout(p.in, p.in_channels(), tern::border::uniform(2), {}),
                                               p.input.data());
            const mixed_output to(p.out(), p.out_channels());
            for (const tern::kernel_table* table : all_tables()) {
                auto choices = all_choices(*table, p.weights.fan_in());
                for (const tern::plan_options& o : winograd_choices(*table))
                    choices.push_back(o);
                const bool large = p.in.n == 5;  // by the table's own choice alone
                for (std::size_t i = 0; i < (large ? 1 : choices.size()); ++i) {
                    auto made = tern::conv2d::create(weights, p.geometry, chain, choices[i]);
                    if (!made.ok())
                        continue;
                    const auto plan = std::make_shared<tern::conv2d>(std::move(*made));
                    const bool last = i % 2 == 0;
                    add("conv2d, " + std::string(plan->kernel_name(p.in, last)) + ", " + p.text(), to.bytes(), plan,
                        p.in,
                        [plan, input, to, last](unsigned char* out, const tern::workspace& space,
                                                const tern::executor& threads) {
                            tern::conv2d_args args;
                            args.input = input->view();
                            args.out = to.floats(out, last);
                            args.packed[0] = to.image(out);
                            return plan->run(args, space, threads);
                        });
                }
            }
        }
    }

    // Products of codes whose kernels count masks or read bytes; accumulators.
    void add_code_convolutions() {
        using tern::code_id;
        std::mt19937 random(702);
        const std::pair<code_id, code_id> codes[] = {{code_id::binary, code_id::ternary},
                                                     {code_id::o2, code_id::u2},
                                                     {code_id::ternary, code_id::half_ternary},
                                                     {code_id::s8, code_id::s8}};
        for (const auto& [w, a] : codes)
            for (conv_problem shape : problems()) {
                if (shape.in.n == 5)
                    continue;
                shape.fill(random);
                const code_problem p(shape, w, a, random);
                auto made = tern::conv2d::create(make_weights(p), a, shape.geometry);
                REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
                const auto plan = std::make_shared<tern::conv2d>(std::move(*made));
                const auto input = std::make_shared<code_image>(p, tern::border::uniform(2), random);
                const tern::image_shape to = shape.out();
                const std::size_t channels = shape.out_channels();
                add("conv2d, " + std::string(plan->kernel_name(shape.in)) + ", " + p.text(), shape.outputs() * 4, plan,
                    shape.in,
                    [plan, input, to, channels](unsigned char* out, const tern::workspace& space,
                                                const tern::executor& threads) {
                        tern::conv2d_args args;
                        args.input = input->view();
                        args.accumulators =
                            tern::nhwc(reinterpret_cast<std::int32_t*>(out), to.n, to.h, to.w, channels);
                        return plan->run(args, space, threads);
                    });
            }
    }

    void add_first_layers() {
        std::mt19937 random(703);
        const tern::image_shape in{2, 9, 14}, small{2, 9, 7};
        const tern::weight_shape shape{20, 3, 7, 7};
        const auto weights = random_floats(shape.size(), random);
        const auto values = std::make_shared<std::vector<float>>(random_floats(in.n * in.h * in.w * 3, random));
        const auto bytes = std::make_shared<std::vector<std::uint8_t>>(values->size());
        for (auto& b : *bytes)
            b = static_cast<std::uint8_t>(random());
        tern::conv_geometry geometry = tern::conv_geometry::square(1, 3);
        geometry.stride_w = 2;
        const mixed_output to(small, shape.out_channels);
        const tern::epilogue chain = tern::chain(tern::stage::store(), tern::stage::ternarize());
        const auto floats = std::make_shared<tern::real_conv2d>(
            std::move(*tern::real_conv2d::create(weights.data(), shape, geometry, chain)));
        add("real_conv2d", to.bytes(), floats, in,
            [floats, values, in, to](unsigned char* out, const tern::workspace& space, const tern::executor& threads) {
                tern::real_conv2d_args args;
                args.input = tern::nhwc<const float>(values->data(), in.n, in.h, in.w, 3);
                args.out = to.floats(out);
                args.packed[0] = to.image(out);
                return floats->run(args, space, threads);
            });
        for (const auto precision :
             {tern::image_weights::fp32, tern::image_weights::bits16, tern::image_weights::bits8}) {
            const auto plan = std::make_shared<tern::image_conv2d>(
                std::move(*tern::image_conv2d::create(weights.data(), shape, {}, geometry, chain, precision)));
            add("image_conv2d, " + std::string(plan->kernel_name(in)), to.bytes(), plan, in,
                [plan, bytes, in, to](unsigned char* out, const tern::workspace& space, const tern::executor& threads) {
                    tern::image_conv2d_args args;
                    args.input = tern::nhwc<const std::uint8_t>(bytes->data(), in.n, in.h, in.w, 3);
                    args.out = to.floats(out);
                    args.packed[0] = to.image(out);
                    return plan->run(args, space, threads);
                });
        }
    }

    void add_gemm_and_linear() {
        std::mt19937 random(704);
        conv_problem p;
        p.weights = {90, 130, 1, 1};
        for (const std::size_t rows : sizes{1, 37}) {
            p.in = {1, 1, rows};
            p.fill(random);
            const auto plan = std::make_shared<tern::gemm>(
                std::move(*tern::gemm::create(packed_weights(p), tern::chain(tern::stage::store()))));
            const auto input = std::make_shared<packed_input>(loose_layout(p.in, 130, {}, {}), p.input.data());
            cases_.push_back(
                {"gemm of " + std::to_string(rows), rows * 90 * sizeof(float),
                 [plan, rows](std::size_t slices) { return plan->workspace_bytes(rows, slices); },
                 [plan, input, rows](unsigned char* out, const tern::workspace& space, const tern::executor& threads) {
                     tern::gemm_args args;
                     args.rows = input->view();
                     args.out = tern::matrix(reinterpret_cast<float*>(out), rows, 90);
                     return plan->run(args, space, threads);
                 }});
            const auto weights = random_floats(45 * 130, random), bias = random_floats(45, random);
            const auto fc =
                std::make_shared<tern::linear>(std::move(*tern::linear::create(weights.data(), 45, 130, bias.data())));
            const auto values = std::make_shared<std::vector<float>>(random_floats(rows * 130, random));
            cases_.push_back(
                {"linear of " + std::to_string(rows), rows * 45 * sizeof(float), no_workspace,
                 [fc, values, rows](unsigned char* out, const tern::workspace&, const tern::executor& threads) {
                     return fc->run(values->data(), rows, reinterpret_cast<float*>(out), threads);
                 }});
        }
    }

    void add_pixel_operators() {
        std::mt19937 random(705);
        const tern::image_shape in{3, 7, 8}, half{3, 3, 4}, one{3, 1, 1};
        const std::size_t c = 70;
        const auto values = std::make_shared<std::vector<float>>(random_floats(in.n * in.h * in.w * c, random));
        tern::pool_options window;
        window.kernel_h = window.kernel_w = 2;
        window.geometry = tern::conv_geometry::square(2, 0);
        const auto add_pool = [&](const char* name, const tern::image_shape& to, auto pool) {
            cases_.push_back({name, to.n * to.h * to.w * c * sizeof(float), no_workspace,
                              [=](unsigned char* out, const tern::workspace&, const tern::executor& threads) {
                                  return pool(tern::nhwc<const float>(values->data(), in.n, in.h, in.w, c),
                                              tern::nhwc(reinterpret_cast<float*>(out), to.n, to.h, to.w, c), threads);
                              }});
        };
        using view_in = tern::tensor_view<const float>;
        using view_out = tern::tensor_view<float>;
        using executor = tern::executor;
        add_pool("max_pool", half, [window](const view_in& a, const view_out& b, const executor& e) {
            return tern::max_pool(a, b, window, e);
        });
        add_pool("mean_pool", half, [window](const view_in& a, const view_out& b, const executor& e) {
            return tern::mean_pool(a, b, window, e);
        });
        add_pool("global_mean_pool", one, [](const view_in& a, const view_out& b, const executor& e) {
            return tern::global_mean_pool(a, b, e);
        });
        for (const auto code : {tern::code_id::ternary, tern::code_id::u2, tern::code_id::s8}) {
            const auto layout = *tern::make_packed_layout(code, in, c, tern::border::uniform(1));
            tern::quantizer_thresholds levels(code);
            levels.count = tern::is_byte_code(code) ? 0 : tern::get_code_info(code).levels() - 1;
            for (int k = 0; k < levels.count; ++k)
                levels.at[k] = 0.3f * static_cast<float>(k);
            cases_.push_back({std::string("quantizing to ") + tern::code_name(code), layout.total_bytes, no_workspace,
                              [=](unsigned char* out, const tern::workspace&, const tern::executor& threads) {
                                  const auto from = tern::nhwc<const float>(values->data(), in.n, in.h, in.w, c);
                                  return tern::quantize_image(from, {layout, out}, levels, {}, threads);
                              }});
        }
    }

    std::vector<operator_case> cases_;
};

/// Made once for all tests of a program.
inline const operator_cases& all_operator_cases() {
    static const operator_cases cases;
    return cases;
}

}  // namespace tern_test
