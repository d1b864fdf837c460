// Definitions of model/sttn_reader.hpp.
#pragma once

#include <string>
#include <utility>

#include "../quantize/sttn.hpp"
#include "residual_reader.hpp"
#include "sttn_convolution.hpp"
#include "sttn_reader.hpp"

TERN_BEGIN_NAMESPACE
TERN_FUNC result<residual_network> read_sttn(const tensor_file& file, const sttn_options& options) {
    TERN_TRY(detail::check_zeros(options.zeros, "latent weights"));
    return read_residual(file, options, network_kind::sttn,
                         [&](tensor_source& from, const std::string& name, residual_unit& unit) -> status {
                             auto weights = sttn_detail::read_conv(from, name, options.zeros);
                             TERN_TRY(weights.status());
                             unit.weights = std::move(*weights);
                             return {};
                         });
}

TERN_END_NAMESPACE
