// The layers of a network on a page.
#pragma once

#include <vector>

#include "layer_rows.hpp"
#include "markup.hpp"

namespace examples {

/// A section of charts: time, products, zeros.
markup layer_charts(const std::vector<layer_row>& layers);
/// A section with the table of all numbers.
markup layer_table(const std::vector<layer_row>& layers);

}  // namespace examples
