#include "html_layers.hpp"

#include <algorithm>
#include <string>

#include "bar_chart.hpp"
#include "quantity.hpp"

namespace examples {
namespace {

const std::string none = "\xE2\x80\x93";

double largest_of(const std::vector<layer_row>& layers, double (*value)(const layer_row&)) {
    double largest = 0;
    for (const layer_row& l : layers)
        largest = std::max(largest, value(l));
    return largest;
}

double seconds_of(const layer_row& l) { return l.seconds; }
double macs_of(const layer_row& l) { return static_cast<double>(l.info->macs); }
double speed_of(const layer_row& l) { return macs_per_second(*l.info, l.seconds); }

bar_chart chart_of(const std::vector<layer_row>& layers, const char* title, double (*value)(const layer_row&),
                   const std::string& axis, const std::string& unit) {
    const si_prefix prefix = prefix_of(largest_of(layers, value));
    bar_chart chart;
    chart.title = title;
    chart.axis = axis + " [" + prefix.name + unit + "]";
    chart.series.push_back({title});
    for (const layer_row& l : layers) {
        chart.names.push_back(l.info->name);
        chart.series[0].values.push_back(value(l) * prefix.factor);
    }
    return chart;
}

std::optional<double> percent_of(const zero_count& count) {
    return count.all == 0 ? std::optional<double>() : count.share() * 100;
}

bar_chart zeros_chart(const std::vector<layer_row>& layers) {
    bar_chart chart;
    chart.title = "Zeros per layer";
    chart.axis = "share of zeros among codes [%]";
    chart.unit = " %";
    chart.least_end = 100;
    chart.series = {{"weights"}, {"activations read"}};
    for (const layer_row& l : layers) {
        chart.names.push_back(l.info->name);
        chart.series[0].values.push_back(percent_of(l.weights));
        chart.series[1].values.push_back(percent_of(l.activations));
    }
    return chart;
}

/// A number as people read it, and in full for programs.
markup cell(const char* column, const std::string& shown, const std::string& value) {
    return element("td", {{"class", std::string("number ") + column}},
                   element("data", {{"value", value}}, text(shown)));
}

markup zeros_cell(const char* column, const zero_count& count) {
    if (count.all == 0)
        return element("td", {{"class", std::string("number ") + column}, {"title", "floats"}}, text(none));
    return cell(column, percent(count.share()), fixed(count.share(), 9));
}

markup share_cell(double share) {
    const markup bar = element("div", {{"class", "share-bar"}, {"style", "width:" + fixed(share * 100, 2) + "%"}});
    return element("td", {{"class", "share"}},
                   element("div", element("div", {{"class", "share-track"}}, bar) +
                                      element("data", {{"value", fixed(share, 9)}}, text(percent(share)))));
}

markup size_cell(const char* column, std::size_t channels, const tern::image_shape& size) {
    return element("td", {{"class", column}}, text(dims(channels, size)));
}

/// The columns that a layer and the sum of all have.
markup number_cells(const layer_row& l, std::size_t macs, const si_prefix& time, double speed) {
    return cell("macs", quantity(static_cast<double>(macs), ""), std::to_string(macs)) +
           cell("time", fixed(l.seconds * time.factor, 2), fixed(l.seconds * 1e3, 9)) + share_cell(l.share) +
           cell("speed", quantity(speed, ""), fixed(speed, 0)) + zeros_cell("zero-weights", l.weights) +
           zeros_cell("zero-inputs", l.activations) +
           cell("dense-bytes", bytes_text(l.dense_bytes), std::to_string(l.dense_bytes)) +
           cell("float-bytes", bytes_text(l.float_bytes), std::to_string(l.float_bytes));
}

/// A kernel's name, which may go on in another line behind each slash.
markup kernel_cell(const std::string& name) {
    markup parts;
    for (std::size_t at = 0, end = 0; at < name.size(); at = end) {
        end = std::min(name.find('/', at), name.size() - 1) + 1;
        parts += text(name.substr(at, end - at));
        if (end < name.size())
            parts += element("wbr");
    }
    return element("td", {{"class", "kernel"}}, parts);
}

markup layer_line(const layer_row& l, const si_prefix& time) {
    const tern::layer_info& i = *l.info;
    return element("tr", {{"class", "layer"}},
                   element("th", {{"scope", "row"}, {"class", "name"}}, text(i.name)) +
                       size_cell("input", i.in_channels, i.input) + size_cell("output", i.out_channels, i.output) +
                       element("td", {{"class", "window"}}, text(window(i))) + kernel_cell(kernel_that_ran(i)) +
                       number_cells(l, i.macs, time, speed_of(l)));
}

markup sum_line(const std::vector<layer_row>& layers, const si_prefix& time) {
    std::size_t macs = 0;
    for (const layer_row& l : layers)
        macs += l.info->macs;
    const layer_row sum = total(layers);
    const double speed = sum.seconds > 0 ? static_cast<double>(macs) / sum.seconds : 0;
    return element("tr", {{"class", "sum"}},
                   element("th", {{"scope", "row"}, {"colspan", "5"}}, text("all")) +
                       number_cells(sum, macs, time, speed));
}

markup heading(const std::string& words, bool is_number) {
    return element("th", {{"scope", "col"}, {"class", is_number ? "number" : "words"}}, text(words));
}

}  // namespace

markup layer_charts(const std::vector<layer_row>& layers) {
    return element("section", {{"id", "charts"}},
                   element("h2", text("Charts")) +
                       element("div", {{"class", "charts"}},
                               draw(chart_of(layers, "Time per layer", seconds_of, "median time of an image", "s")) +
                                   draw(chart_of(layers, "Products per second", speed_of,
                                                 "multiply-accumulates per second", "MAC/s")) +
                                   draw(chart_of(layers, "Products per image", macs_of,
                                                 "multiply-accumulates of an image", "MAC")) +
                                   draw(zeros_chart(layers))));
}

markup layer_table(const std::vector<layer_row>& layers) {
    const si_prefix time = prefix_of(largest_of(layers, seconds_of));
    markup head;
    for (const char* words : {"layer", "input", "output", "window", "kernel"})
        head += heading(words, false);
    for (const std::string& words :
         {std::string("MACs"), "time [" + std::string(time.name) + "s]", std::string("share of time"),
          std::string("MAC/s"), std::string("zeros in weights"), std::string("zeros in input"),
          std::string("packed weights"), std::string("as floats")})
        head += heading(words, true);
    markup lines;
    for (const layer_row& l : layers)
        lines += layer_line(l, time);
    const markup note =
        text("Times are medians of an image. Sizes are channels x height x width. Zeros are shares of codes; " + none +
             " stands for floats. Packed weights are the codes as a file of tern's holds them, without scales.");
    return element("section", {{"id", "layers"}},
                   element("h2", text("Layers")) +
                       element("div", {{"class", "wide"}},
                               element("table", element("thead", element("tr", head)) + element("tbody", lines) +
                                                    element("tfoot", sum_line(layers, time)))) +
                       element("p", {{"class", "note"}}, note));
}

}  // namespace examples
