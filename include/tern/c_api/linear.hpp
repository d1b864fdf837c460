// Fully connected layers of floats in C.
#pragma once

#include "../core/config.hpp"
#include "../op/linear.hpp"
#include "calls.hpp"
#include "object.hpp"
#include "structs.hpp"

struct tern_linear : tern::c_api::counted<tern::linear> {
    using counted::counted;
};

extern "C" {

TERN_C_API tern_status tern_linear_create(const float* weights, size_t outputs, size_t inputs, const float* bias,
                                          const tern_plan_options* options, tern_linear** plan) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (plan == nullptr)
            return null_pointer("plan");
        const auto read = options_of(options);
        if (!read.ok())
            return read.status();
        return create_object(read->memory, plan,
                             [&] { return tern::linear::create(weights, outputs, inputs, bias, *read); });
    });
}

TERN_C_API tern_linear* tern_linear_retain(tern_linear* plan) { return tern::c_api::retain(plan); }
TERN_C_API void tern_linear_release(tern_linear* plan) { tern::c_api::release(plan); }

TERN_C_API tern_status tern_linear_run(const tern_linear* plan, const float* in, size_t n, float* out,
                                       const tern_executor* threads) {
    return tern::c_api::with_threads(plan, threads, [&](const tern::linear& value, const tern::executor& run_on) {
        return value.run(in, n, out, run_on);
    });
}
}
