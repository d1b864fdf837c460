#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/op/linear.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"

namespace {

void layers(const tern::kernel_table& table) {
    std::mt19937 random(14);
    CAPTURE(std::string(table.level));
    tern::plan_options options;
    options.kernels = &table;
    for (const std::size_t outputs : tern_test::sizes{1, 7, 10, 64, 65, 100})
        for (const std::size_t inputs : tern_test::sizes{1, 3, 64, 129})
            for (const std::size_t rows : tern_test::sizes{1, 2, 6, 13}) {
                CAPTURE(outputs);
                CAPTURE(inputs);
                CAPTURE(rows);
                const auto plain = [&] { return tern_test::plain_float(random); };
                const tern_test::exact_array<float> weights(outputs * inputs, plain), bias(outputs, plain);
                const tern_test::exact_array<float> in(rows * inputs, [&] { return tern_test::awkward_float(random); });
                const bool with_bias = random() % 2 == 0;
                const auto plan =
                    tern::linear::create(weights.data(), outputs, inputs, with_bias ? bias.data() : nullptr, options);
                REQUIRE(plan.ok());
                CHECK(plan->inputs() == inputs);
                CHECK(plan->outputs() == outputs);
                std::vector<float> expected;
                for (std::size_t i = 0; i < rows; ++i)
                    for (std::size_t o = 0; o < outputs; ++o) {
                        float sum = 0.0f;
                        for (std::size_t k = 0; k < inputs; ++k) {
                            const float x = in[i * inputs + k], w = weights[o * inputs + k];
                            sum = table.fused_multiply_add ? std::fma(x, w, sum) : tern::rounded(x * w) + sum;
                        }
                        expected.push_back(sum + (with_bias ? bias[o] : 0.0f));
                    }
                tern_test::guarded_array<float> out(rows * outputs);
                const tern::status s =
                    plan->run(in.data(), rows, out.data(), tern_test::any_executor(static_cast<unsigned>(random())));
                CHECK(std::string(s.message()) == "");
                CHECK(out.guards_intact());
                CHECK(tern_test::first_difference(out, expected) == "");
            }
}

}  // namespace

TEST_CASE("a fully connected layer equals plain loops, bit for bit, for any number of rows and threads") {
    tern_test::for_each_table_and_reference(layers);
}

TEST_CASE("a fully connected layer refuses bad weights and arguments") {
    std::vector<float> weights(6, 1.0f), in(4), out(6);
    CHECK(tern::linear::create(nullptr, 2, 3).status().code() == tern::errc::invalid_argument);
    CHECK(tern::linear::create(weights.data(), 0, 3).status().code() == tern::errc::invalid_argument);
    CHECK(tern::linear::create(weights.data(), 2, std::numeric_limits<std::size_t>::max() / 4 + 1).status().code() ==
          tern::errc::invalid_argument);
    weights[4] = std::numeric_limits<float>::quiet_NaN();
    CHECK(tern::linear::create(weights.data(), 2, 3).status().code() == tern::errc::bad_value);
    weights[4] = 1.0f;
    const float bias[2] = {0.0f, std::numeric_limits<float>::infinity()};
    CHECK(tern::linear::create(weights.data(), 2, 3, bias).status().code() == tern::errc::bad_value);
    tern::plan_options options;
    options.level = "no such level";
    CHECK(tern::linear::create(weights.data(), 2, 3, nullptr, options).status().code() == tern::errc::invalid_argument);

    const auto plan = tern::linear::create(weights.data(), 2, 2);
    REQUIRE(plan.ok());
    CHECK(std::string(plan->kernel_name()).find("/fp32") != std::string::npos);
    CHECK(plan->run(nullptr, 1, out.data()).code() == tern::errc::invalid_argument);
    CHECK(plan->run(in.data(), 1, nullptr).code() == tern::errc::invalid_argument);
    CHECK(plan->run(nullptr, 0, nullptr).ok());  // no rows
    CHECK(plan->run(in.data(), 2, in.data() + 3).code() == tern::errc::invalid_argument);
    CHECK(plan->run(in.data(), ~std::size_t{0} / 4, out.data()).code() == tern::errc::invalid_argument);
}

TEST_CASE("a fully connected layer needs two allocations and reports a refused one") {
    const float weights[6] = {}, bias[2] = {};
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        tern::plan_options options;
        options.memory = memory;
        return tern::linear::create(weights, 2, 3, bias, options);
    });
    CHECK(allocations == 2);
}
