// What a plan of packed activations consists of.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "../../core/memory.hpp"
#include "../epilogue.hpp"
#include "choice.hpp"
#include "form.hpp"

TERN_BEGIN_NAMESPACE

/// What `create` measured.
struct measured_kernel {
    char name[sizeof product_candidate::name];
    image_shape in;
    double seconds;
};

struct conv_plan {
    choice_query query{};
    char wanted_kernel[sizeof product_candidate::name] = "";  ///< plan_options::kernel, whose text may be gone
    conv_form forms[2] = {};                                  ///< weights for different kernels; most plans have one
    std::size_t form_count = 0;
    lowered_epilogue epilogue{};
    buffer<measured_kernel> measured{};

    std::size_t weight_bytes() const noexcept { return forms[0].weight_bytes() + forms[1].weight_bytes(); }
    bool is_made() const noexcept { return weight_bytes() != 0; }
    /// The query with the kernel that was wanted.
    choice_query whole_query() const noexcept {
        choice_query q = query;
        q.kernel = wanted_kernel[0] != '\0' ? wanted_kernel : nullptr;
        return q;
    }
    const conv_form& form_for(const image_shape& in) const noexcept {
        return form_count < 2 || cycles_for(query, forms[0].choice, in) <= cycles_for(query, forms[1].choice, in)
                   ? forms[0]
                   : forms[1];
    }
};

TERN_END_NAMESPACE
