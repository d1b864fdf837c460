// Epilogue chains that are refused: stages out of order, arrays that are missing, constants that no float holds.
#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <string>

#include <tern/op/conv2d.hpp>

#include "../support/contains.hpp"
#include "../support/oracle.hpp"
#include "../support/run_plan.hpp"

using tern::residual_kind;
using tern_test::contains;

namespace {

std::string refusal(const tern::epilogue& chain) {
    tern_test::conv_problem p;
    p.weights = {2, 1, 1, 1};
    p.codes = {1, 1};
    const auto plan = tern::conv2d::create(tern_test::packed_weights(p), {}, chain);
    CHECK_FALSE(plan.ok());
    CHECK(plan.status().code() == tern::errc::invalid_argument);
    return plan.message();
}

}  // namespace

TEST_CASE("a chain that does not fit the order is refused with its stage") {
    namespace stage = tern::stage;
    const float v[2] = {1.0f, 1.0f};
    const double d[2] = {1.0, 1.0};
    const auto affine = stage::affine(d, d);
    const auto norm = stage::batch_norm(v, v, v, v);
    const auto too_late = [&](const tern::epilogue& chain, const char* which) {
        const std::string text = refusal(chain);
        CAPTURE(text);
        CHECK(contains(text, which));
        CHECK(contains(text, "comes too late"));
        CHECK(contains(text, "the order is"));
    };
    too_late(tern::chain(stage::store(), stage::relu()), "stage 1 (clamp)");
    too_late(tern::chain(stage::store(), stage::prelu(v)), "stage 1 (prelu)");
    too_late(tern::chain(stage::ternarize(), stage::relu()), "stage 1 (clamp)");
    too_late(tern::chain(stage::relu(), stage::relu(), stage::relu(), stage::store()), "stage 2 (clamp)");
    too_late(tern::chain(stage::residual(), stage::relu(), stage::prelu(v), stage::store()), "stage 2 (prelu)");
    too_late(tern::chain(stage::residual(), stage::residual(), stage::store()), "stage 1 (residual)");
    too_late(tern::chain(stage::relu(), stage::relu(), stage::residual(), stage::store()), "stage 2 (residual)");
    too_late(tern::chain(stage::store(), stage::residual()), "stage 1 (residual)");
    too_late(tern::chain(stage::ternarize(), stage::residual()), "stage 1 (residual)");
    too_late(tern::chain(stage::store(), stage::store()), "stage 1 (store)");
    too_late(tern::chain(stage::ternarize(), stage::store()), "stage 1 (store)");

    const auto follows = [&](const tern::epilogue& chain, const char* which) {
        const std::string text = refusal(chain);
        CAPTURE(text);
        CHECK(contains(text, which));
        CHECK(contains(text, "follows an affine stage"));
    };
    follows(tern::chain(stage::relu(), affine, stage::store()), "stage 2 (store)");
    follows(tern::chain(stage::relu(), norm, stage::relu(), stage::store()), "stage 2 (clamp)");
    follows(tern::chain(stage::relu(), stage::scale(v), stage::residual(), stage::store()), "stage 2 (residual)");
    follows(tern::chain(stage::residual(), stage::bias(v), stage::store()), "stage 2 (store)");
    follows(tern::chain(stage::residual(), stage::bias(v), stage::prelu(v), stage::store()), "stage 2 (prelu)");

    CHECK(contains(refusal(tern::chain(stage::ternarize(), stage::ternarize(), stage::ternarize())),
                   "stage 2 (quantize) is the third"));
    CHECK(contains(refusal(tern::chain(stage::relu(), norm)), "must be followed by quantize"));
    CHECK(contains(refusal(tern::chain(stage::store(), affine)), "must be followed by quantize"));

    tern::epilogue many;
    for (std::size_t i = 0; i <= tern::epilogue::capacity; ++i)
        many.add(stage::scale(v));
    CHECK(contains(refusal(many), "more than 24 stages"));
}

TEST_CASE("null arrays and contradictory limits are refused") {
    namespace stage = tern::stage;
    const float v[2] = {1.0f, 1.0f}, nan = std::numeric_limits<float>::quiet_NaN();
    const double d[2] = {1.0, 1.0};
    CHECK(contains(refusal(tern::chain(stage::scale(nullptr))), "scale: null"));
    CHECK(contains(refusal(tern::chain(stage::bias(nullptr))), "bias: null"));
    CHECK(contains(refusal(tern::chain(stage::affine(nullptr, d))), "affine: null"));
    CHECK(contains(refusal(tern::chain(stage::affine(d, nullptr))), "affine: null"));
    CHECK(contains(refusal(tern::chain(stage::batch_norm(v, v, nullptr, v))), "batch_norm: null"));
    CHECK(contains(refusal(tern::chain(stage::batch_norm(v, v, v, nullptr))), "batch_norm: null"));
    CHECK(contains(refusal(tern::chain(stage::prelu(nullptr), stage::store())), "null PReLU slope"));
    CHECK(contains(refusal(tern::chain(stage::clamp(2.0f, 1.0f), stage::store())), "expected lo <= hi, found 2 and 1"));
    CHECK(contains(refusal(tern::chain(stage::clamp(nan, 1.0f), stage::store())), "expected lo <= hi"));
    CHECK(contains(refusal(tern::chain(stage::ternarize({-1.0f, 1.0f}))),
                   "stage 0 (quantize): expected ascending thresholds, found -1 after 1"));
    CHECK(contains(refusal(tern::chain(stage::ternarize({0.5f, nan}))), "expected ascending thresholds, found nan"));
    CHECK(contains(refusal(tern::chain(stage::residual(residual_kind::none), stage::store())), "expected a kind"));
    CHECK(contains(refusal(tern::chain(stage::residual(residual_kind::same, v, nullptr), stage::store())),
                   "both or neither"));
    CHECK(contains(refusal(tern::chain(stage::residual(residual_kind::same, nullptr, v), stage::store())),
                   "both or neither"));
}

TEST_CASE("constants that are not finite, or become so, are refused with their channel") {
    namespace stage = tern::stage;
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const float one[3] = {1, 1, 1};
    const auto bad = [&](const tern::epilogue& chain, float weight_scale = 1.0f, float weight_bias = 0.0f) {
        tern_test::conv_problem p;
        p.weights = {3, 1, 1, 1};
        p.codes = {1, 1, 1};
        const float scale[3] = {1, 1, weight_scale}, bias[3] = {0, 0, weight_bias};
        const auto plan = tern::conv2d::create(tern_test::packed_weights(p, scale, bias), {}, chain);
        REQUIRE_FALSE(plan.ok());
        CHECK(plan.status().code() == tern::errc::bad_value);
        CHECK(contains(plan.message(), "channel 2"));
        return std::string(plan.message());
    };
    for (const float x : {nan, inf, -inf}) {
        const float v[3] = {1, 1, x};
        const double d[3] = {1, 1, x}, ones[3] = {1, 1, 1};
        bad({}, x);
        bad({}, 1.0f, x);
        bad(tern::chain(stage::scale(v)));
        bad(tern::chain(stage::bias(v)));
        bad(tern::chain(stage::affine(d, ones)));
        bad(tern::chain(stage::affine(ones, d)));
        bad(tern::chain(stage::batch_norm(v, one, one, one)));
        bad(tern::chain(stage::batch_norm(one, v, one, one)));
        bad(tern::chain(stage::batch_norm(one, one, v, one)));
        CHECK(contains(bad(tern::chain(stage::batch_norm(one, one, one, v))), "must be finite and above 0"));
        bad(tern::chain(stage::prelu(v), stage::store()));
        bad(tern::chain(stage::residual(residual_kind::same, v, one), stage::store()));
        bad(tern::chain(stage::residual(residual_kind::same, one, v), stage::store()));
        bad(tern::chain(stage::relu(), stage::bias(v), stage::ternarize()));
    }
    const float variance[3] = {1, 1, -1e-5f}, zero[3] = {1, 1, 0}, large[3] = {1, 1, 3e38f};
    CHECK(contains(bad(tern::chain(stage::batch_norm(one, one, one, variance, 1e-6))), "must be finite and above 0"));
    CHECK(contains(bad(tern::chain(stage::batch_norm(one, one, one, zero, 0.0))), "variance 0 + epsilon 0"));
    CHECK(contains(bad(tern::chain(stage::scale(large), stage::scale(large), stage::store())), "folded scale"));
    CHECK(contains(bad(tern::chain(stage::bias(large), stage::scale(large), stage::store())), "folded shift"));
    CHECK(contains(bad(tern::chain(stage::store(), stage::scale(large), stage::scale(large), stage::ternarize())),
                   "quantizer factor"));
}
