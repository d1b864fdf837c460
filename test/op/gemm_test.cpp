// gemm against plain loops.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/op/gemm.hpp>

#include "../support/chain_model.hpp"
#include "../support/compare.hpp"
#include "../support/packed.hpp"
#include "../support/run_plan.hpp"
#include "../support/thread_executor.hpp"

namespace {

using values = std::vector<float>;

/// C[m][n] = sum over k of A[m][k] * W[n][k].
struct product_problem {
    std::size_t m, n, k;
    std::vector<std::int8_t> a, w;
    std::vector<std::int32_t> c;

    product_problem(std::size_t rows, std::size_t columns, std::size_t depth, std::mt19937& random)
        : m(rows), n(columns), k(depth), a(m * k), w(n * k), c(m * n) {
        for (auto& code : a)
            code = static_cast<std::int8_t>(tern_test::random_code(random));
        for (auto& code : w)
            code = static_cast<std::int8_t>(tern_test::random_code(random));
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j)
                for (std::size_t d = 0; d < k; ++d)
                    c[i * n + j] += a[i * k + d] * w[j * k + d];
    }
    tern::ternary_weights weights(const float* scale = nullptr) const {
        auto packed = tern::pack_weights(w.data(), {n, k, 1, 1}, scale);
        REQUIRE_MESSAGE(packed.ok(), std::string(packed.message()));
        return std::move(*packed);
    }
    tern::packed_tensor rows() const {
        auto packed = tern::make_packed_rows(m, k);
        REQUIRE_MESSAGE(packed.ok(), std::string(packed.message()));
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t d = 0; d < k; ++d)
                tern_test::put_code(tern_test::pixel_at(packed->bytes.data(), packed->layout, 0, 0, i), d,
                                    a[i * k + d]);
        return std::move(*packed);
    }
};

tern::status run(const tern::gemm& plan, const tern::gemm_args& args, const tern::executor& threads = {}) {
    tern_test::guarded_array<unsigned char> scratch(plan.workspace_bytes(args.rows.layout.w, threads.slices));
    const tern::status s = plan.run(args, {scratch.data(), scratch.size()}, threads);
    CHECK(scratch.guards_intact());
    return s;
}

}  // namespace

TEST_CASE("gemm: accumulators equal a plain loop") {
    std::mt19937 random(1);
    for (const std::size_t m : tern_test::sizes{1, 2, 3, 7, 200})
        for (const std::size_t k : tern_test::sizes{1, 21, 64, 65, 127, 576, 1001})
            for (const std::size_t n : tern_test::sizes{1, 7, 8, 33, 64, 130}) {
                if (m * n * k > 4000000)
                    continue;
                const product_problem p(m, n, k, random);
                const auto rows = p.rows();
                tern_test::for_each_table([&](const tern::kernel_table& table) {
                    for (const tern::plan_options& options : tern_test::all_choices(table, k)) {
                        const auto plan = tern::gemm::create(p.weights(), {}, options);
                        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                        CHECK(plan->k() == k);
                        CHECK(plan->n() == n);
                        CHECK(std::string(plan->kernel_name(m)).rfind(table.level, 0) == 0);
                        tern_test::guarded_array<std::int32_t> found(m * n);
                        tern::gemm_args args;
                        args.rows = rows.view();
                        args.accumulators = tern::matrix(found.data(), m, n);
                        const auto s = run(*plan, args, tern_test::any_executor(static_cast<unsigned>(random())));
                        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
                        CHECK(tern_test::first_difference(found, p.c) == "");
                        CHECK(found.guards_intact());
                    }
                });
            }
}

TEST_CASE("gemm: floats, residual and codes through the epilogue") {
    std::mt19937 random(2);
    const product_problem p(9, 70, 100, random);
    const auto rows = p.rows();
    values scale(70), shift(70), slope(70), residual(9 * 70);
    for (auto* list : {&scale, &shift, &slope, &residual})
        for (float& v : *list)
            v = tern_test::plain_float(random);
    tern_test::chain_model model(scale);
    model.bias(shift).prelu(slope).residual(tern::residual_kind::same).store().ternarize();

    values stored;
    std::vector<std::int8_t> codes;
    for (std::size_t i = 0; i < p.c.size(); ++i) {
        const auto wanted = model.evaluate(p.c[i], i % 70, residual[i]);
        stored.push_back(wanted.stored);
        codes.push_back(static_cast<std::int8_t>(wanted.codes[0]));
    }
    const auto plan = tern::gemm::create(p.weights(scale.data()), model.chain());
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    for (const bool in_place : {false, true}) {
        values found = residual;
        tern_test::packed_output packed(tern_test::loose_layout({1, 1, 9}, 70, {}, {}));
        tern::gemm_args args;
        args.rows = rows.view();
        args.out = tern::matrix(found.data(), 9, 70);
        args.residual = tern::matrix<const float>(in_place ? found.data() : residual.data(), 9, 70);
        args.packed[0] = packed.view();
        const auto s = run(*plan, args);
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
        CHECK(tern_test::first_difference(found, stored) == "");
        CHECK(tern_test::first_difference(packed, tern_test::packed_bytes(packed.layout(), codes.data())) == "");
    }
}

TEST_CASE("gemm refuses kernels that are not 1x1 and rows of another length") {
    const std::int8_t codes[9] = {};
    const auto kernel = tern::pack_weights(codes, {1, 1, 3, 3});
    const auto refused = tern::gemm::create(*kernel);
    CHECK_FALSE(refused.ok());
    CHECK(refused.status().code() == tern::errc::invalid_argument);
    CHECK(std::string(refused.message()).find("found a 3x3 kernel") != std::string::npos);

    const auto plan = tern::gemm::create(*tern::pack_weights(codes, {1, 9, 1, 1}));
    REQUIRE(plan.ok());
    const auto rows = tern::make_packed_rows(2, 8);
    std::int32_t out[2] = {5, 5};
    tern::gemm_args args;
    args.rows = rows->view();
    args.accumulators = tern::matrix(out, 2, 1);
    CHECK(std::string(run(*plan, args).message()).find("expected 9 input channels, found 8") != std::string::npos);
    CHECK(out[0] == 5);
}

TEST_CASE("without a code of activations, or with braces in its place, plans are for ternary ones") {
    const std::int8_t codes[9] = {1, -1, 1, 1, 3, -3, 1, 1, 1};
    const auto weights = tern::pack_code_weights(codes, {1, 9, 1, 1}, tern::code_id::o2);
    REQUIRE(weights.ok());
    const auto check = [](const auto& plan, tern::code_id code) {
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        CHECK(plan->input_code() == code);
    };
    check(tern::conv2d::create(*weights), tern::code_id::ternary);
    check(tern::conv2d::create(*weights, {}), tern::code_id::ternary);
    check(tern::conv2d::create(*weights, {}, {}, {}), tern::code_id::ternary);
    check(tern::conv2d::create(*weights, tern::code_id::u2, {}), tern::code_id::u2);
    check(tern::gemm::create(*weights), tern::code_id::ternary);
    check(tern::gemm::create(*weights, {}), tern::code_id::ternary);
    check(tern::gemm::create(*weights, {}, {}), tern::code_id::ternary);
    check(tern::gemm::create(*weights, tern::code_id::u2), tern::code_id::u2);
    CHECK(tern::conv2d::create(*weights, {})->geometry().stride_h == 1);
}
