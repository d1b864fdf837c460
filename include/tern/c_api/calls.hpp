// What the functions of all plans do alike: look at pointers, read structs, call.
#pragma once

#include <cstdio>

#include "../core/config.hpp"
#include "../core/geometry.hpp"
#include "object.hpp"
#include "structs.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

/// Makes `*plan` of make(parts), a result. Parts: what a desc and options say; it has read() and `options`.
template <class Parts, class Desc, class Handle, class Make>
tern_status create_plan(const Desc* desc, const tern_plan_options* options, Handle** plan, Make&& make) {
    return guarded([&]() -> status {
        if (plan == nullptr)
            return null_pointer("plan");
        Parts parts;
        TERN_TRY(parts.read(desc, options));
        return create_object(parts.options.memory, plan, [&] { return make(parts); });
    });
}

/// body(plan), which returns a status.
template <class Handle, class Body>
tern_status with_plan(const Handle* plan, Body&& body) {
    return guarded([&]() -> status { return plan == nullptr ? null_pointer("plan") : body(plan->value); });
}

/// body(plan, executor), which returns a status.
template <class Handle, class Body>
tern_status with_threads(const Handle* plan, const tern_executor* threads, Body&& body) {
    return with_plan(plan, [&](const auto& value) -> status {
        threads_of_c run_on;
        TERN_TRY(run_on.read(threads));
        return body(value, run_on.threads());
    });
}

/// One run with the arguments that read(plan, args) makes of a caller's.
template <class Args, class Handle, class Read>
tern_status run_plan(const Handle* plan, tern_workspace workspace, const tern_executor* threads, Read&& read) {
    return with_threads(plan, threads, [&](const auto& value, const executor& run_on) -> status {
        Args args;
        TERN_TRY(read(value, args));
        return value.run(args, workspace_of(workspace), run_on);
    });
}

/// The output sizes of a plan for an input; `workspace_bytes` and `kernel` too.
template <class Plan>
status shape_of_plan(const Plan& plan, const image_shape& in, std::size_t slices, tern_conv2d_shape& to) {
    const auto out = plan.output_shape(in);
    if (!out.ok())
        return out.status();
    to.n = out->n;
    to.h = out->h;
    to.w = out->w;
    to.c = plan.out_channels();
    to.workspace_bytes = plan.workspace_bytes(in, one_of(slices));
    if (to.workspace_bytes == static_cast<std::size_t>(-1))
        return make_error(errc::invalid_argument, "%zu images of %zux%zu need more memory than there can be", in.n,
                          in.h, in.w);
    std::snprintf(to.kernel, sizeof to.kernel, "%s", plan.kernel_name(in));
    return {};
}

/// The same for a caller.
template <class Handle>
tern_status reshape_plan(const Handle* plan, const image_shape& in, std::size_t slices, tern_conv2d_shape* shape) {
    return with_plan(plan, [&](const auto& value) -> status {
        tern_conv2d_shape to{};
        TERN_TRY(shape_of_plan(value, in, slices, to));
        return write_struct(to, shape, "tern_conv2d_shape");
    });
}

}  // namespace c_api
TERN_END_NAMESPACE
