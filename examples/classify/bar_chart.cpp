#include "bar_chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "quantity.hpp"

namespace examples {
namespace {

// Units of the drawing, which the page scales to its column.
constexpr double name_width = 168, plot_width = 322, value_width = 70, bar_height = 9, axis_height = 20;
constexpr std::size_t name_characters = 26, many_rows = 16;

std::string number(double v) { return fixed(v, 1); }

/// The axis: ticks at 0, step, 2 step, ... end.
struct scale {
    double step = 1, end = 1;

    explicit scale(double largest) {
        if (largest <= 0)
            return;
        const double power = std::pow(10, std::floor(std::log10(largest / 4)));
        for (const double factor : {1.0, 2.0, 2.5, 5.0, 10.0})
            if (step = factor * power; step * 4 >= largest)
                break;
        end = step * std::ceil(largest / step - 1e-9);
    }
    double x(double value) const { return name_width + plot_width * value / end; }
    std::size_t ticks() const { return static_cast<std::size_t>(std::lround(end / step)) + 1; }
    int decimals() const {
        int d = 0;
        for (double s = step; d < 6 && std::abs(s - std::round(s)) > 1e-6; s *= 10)
            ++d;
        return d;
    }
};

markup label(const char* kind, double x, double y, const std::string& words, const markup& more = {}) {
    return element("text", {{"class", kind}, {"x", number(x)}, {"y", number(y)}}, text(words) + more);
}

markup tick_labels(const scale& s, double y) {
    markup out;
    for (std::size_t i = 0; i < s.ticks(); ++i) {
        const double v = static_cast<double>(i) * s.step;
        out += label("tick", s.x(v), y, fixed(v, s.decimals()));
    }
    return out;
}

markup lines(const scale& s, double top, double bottom) {
    markup out;
    for (std::size_t i = 0; i < s.ticks(); ++i) {
        const std::string x = number(s.x(static_cast<double>(i) * s.step));
        out += element(
            "line",
            {{"class", i == 0 ? "base" : "grid"}, {"x1", x}, {"x2", x}, {"y1", number(top)}, {"y2", number(bottom)}});
    }
    return out;
}

markup bar(const bar_chart& chart, const scale& s, std::size_t series, std::size_t row, double y) {
    const std::optional<double>& value = chart.series[series].values[row];
    const double height = chart.series.size() == 1 ? bar_height + 2 : bar_height;
    if (!value)
        return label("value", s.x(0) + 4, y + height - 1, "\xE2\x80\x93");
    const std::string shown = digits(*value) + chart.unit;
    const std::string about = chart.names[row] + (chart.series.size() > 1 ? ", " + chart.series[series].title : "");
    return element("rect",
                   {{"class", series == 0 ? "bar first" : "bar second"},
                    {"x", number(s.x(0))},
                    {"y", number(y)},
                    {"width", fixed(std::max(s.x(*value) - s.x(0), 0.0), 2)},
                    {"height", number(height)},
                    {"rx", "1.5"}},
                   element("title", text(about + ": " + shown))) +
           label("value", s.x(*value) + 4, y + height - 1, shown);
}

markup legend(const bar_chart& chart) {
    markup out;
    for (std::size_t i = 0; chart.series.size() > 1 && i < chart.series.size(); ++i)
        out += element("span", {{"class", i == 0 ? "key first" : "key second"}}, text(chart.series[i].title));
    return out;
}

}  // namespace

markup draw(const bar_chart& chart) {
    double largest = chart.least_end;
    for (const bar_series& series : chart.series)
        for (const auto& v : series.values)
            largest = std::max(largest, v.value_or(0));
    const scale s(largest);
    const double row = static_cast<double>(chart.series.size()) * (bar_height + 1) + 7;
    // Behind many rows the axis is far from the first of them.
    const bool two_axes = chart.names.size() > many_rows;
    const double top = two_axes ? axis_height : 4, bottom = top + row * static_cast<double>(chart.names.size());
    markup body = lines(s, top, bottom);
    if (two_axes)
        body += tick_labels(s, top - 6);
    for (std::size_t i = 0; i < chart.names.size(); ++i) {
        const double y = top + row * static_cast<double>(i);
        body += label("name", name_width - 8, y + row / 2 + 4, shortened(valid_text(chart.names[i]), name_characters),
                      element("title", text(chart.names[i])));
        for (std::size_t k = 0; k < chart.series.size(); ++k)
            body += bar(chart, s, k, i, y + 3 + static_cast<double>(k) * (bar_height + 1));
    }
    body +=
        tick_labels(s, bottom + 14) + label("axis", name_width + plot_width / 2, bottom + 14 + axis_height, chart.axis);
    const std::string size = "0 0 " + number(name_width + plot_width + value_width) + " " + number(bottom + 42);
    return element("figure",
                   element("figcaption", element("strong", text(chart.title)) + legend(chart)) +
                       element("svg", {{"viewBox", size}, {"role", "img"}, {"aria-label", chart.title}}, body));
}

}  // namespace examples
