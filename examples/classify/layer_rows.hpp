// What a page says of each layer, in numbers.
#pragma once

#include <cstddef>
#include <vector>

#include <tern/model.hpp>

#include "report.hpp"
#include "zeros.hpp"

namespace examples {

struct layer_row {
    const tern::layer_info* info = nullptr;
    double seconds = 0;  ///< of an image, the median
    double share = 0;    ///< of the sum of all layers' seconds
    zero_count weights{}, activations{};
    std::size_t dense_bytes = 0, float_bytes = 0;  ///< of the weights, without scales and biases
};

/// A row for each layer; `seconds` and `activations` are those of a run, by layer.
std::vector<layer_row> make_layer_rows(const run_facts& facts, const std::vector<std::vector<double>>& seconds,
                                       const std::vector<zero_count>& activations);

/// The sums; `info` stays null.
layer_row total(const std::vector<layer_row>& rows);

}  // namespace examples
