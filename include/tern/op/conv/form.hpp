// A choice made ready: weights as its kernels read them, and its name.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/memory.hpp"
#include "../../core/status.hpp"
#include "choice.hpp"
#include "panels.hpp"
#include "winograd.hpp"

TERN_BEGIN_NAMESPACE

struct conv_form {
    product_choice choice{};
    char kernel[40] = "";  ///< product_candidate
    weight_panels panels{};
    winograd_weights winograd{};  ///< in their place, if that is the lowering
    char names[2][80] = {};       ///< kernel_name: dense channels, others

    std::size_t weight_bytes() const noexcept { return panels.bytes.size() + winograd.panels.bytes.size(); }
};

inline result<conv_form> make_form(const code_weights& weights, const std::int32_t* sum_bias, const conv_layer& layer,
                                   const product_candidate& candidate, const allocator& memory) {
    conv_form form;
    form.choice = candidate.choice;
    std::memcpy(form.kernel, candidate.name, sizeof form.kernel);
    if (form.choice.winograd != nullptr) {
        auto transformed = make_winograd_weights(weights, sum_bias, layer, form.choice, memory);
        if (!transformed.ok())
            return transformed.status();
        form.winograd = std::move(*transformed);
    } else {
        auto panels = make_panels(weights, sum_bias, layer, form.choice, memory);
        if (!panels.ok())
            return panels.status();
        form.panels = std::move(*panels);
    }
    return form;
}

TERN_END_NAMESPACE
