// Charts of horizontal bars, drawn as SVG: a row for each name, however many there are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "markup.hpp"

namespace examples {

struct bar_series {
    std::string title;
    std::vector<std::optional<double>> values{};  ///< a row each; none: no bar
};

struct bar_chart {
    std::string title;
    std::string axis;       ///< what the values are, with their unit
    const char* unit = "";  ///< behind each value
    double least_end = 0;   ///< of the axis, which ends at the largest value or behind
    std::vector<std::string> names{};
    std::vector<bar_series> series{};  ///< one, or two with a legend
};

/// A figure. Bars are `rect` of class "bar".
markup draw(const bar_chart& chart);

}  // namespace examples
