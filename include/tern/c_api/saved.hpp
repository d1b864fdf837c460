// Saved convolutions in C.
#pragma once

#include "../core/config.hpp"
#include "../op/saved_conv2d.hpp"
#include "conv2d.hpp"

extern "C" {

TERN_C_API tern_status tern_conv2d_save(const tern_conv2d_desc* desc, const tern_plan_options* options, void* bytes,
                                        size_t* size) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (size == nullptr)
            return null_pointer("size");
        conv2d_parts parts;
        TERN_TRY(parts.read(desc, options));
        tern::conv2d_description d;
        d.weights = &parts.weights;
        d.activations = parts.activations;
        d.geometry = parts.geometry;
        d.chain = parts.chain;
        d.border_value = parts.options.border_value;
        d.zero_point = parts.options.zero_point;
        d.sum_bias = parts.options.sum_bias;
        const std::size_t needed = tern::saved_bytes(d);
        if (bytes != nullptr && needed != 0 && *size < needed)
            return tern::make_error(tern::errc::invalid_argument,
                                    "tern_conv2d_save: expected memory of %zu bytes, found %zu", needed, *size);
        if (bytes != nullptr || needed == 0)  // which says what is wrong
            TERN_TRY(tern::save_conv2d(d, bytes, needed));
        *size = needed;
        return {};
    });
}

TERN_C_API tern_status tern_conv2d_load(const void* bytes, size_t size, const tern_plan_options* options,
                                        tern_conv2d** plan) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (plan == nullptr)
            return null_pointer("plan");
        const auto read = options_of(options);
        if (!read.ok())
            return read.status();
        return create_object(read->memory, plan, [&] { return tern::load_conv2d(bytes, size, *read); });
    });
}
}
