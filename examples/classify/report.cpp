#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <nlohmann/json.hpp>

namespace examples {
namespace {

int as_width(std::size_t n) { return static_cast<int>(n); }

}  // namespace

std::string dims(std::size_t c, const tern::image_shape& s) {
    const std::string size = s.h == 1 && s.w == 1 ? "" : "x" + std::to_string(s.h) + "x" + std::to_string(s.w);
    return std::to_string(c) + size;
}

std::string window(const tern::layer_info& layer) {
    const std::string k = std::to_string(layer.kernel);
    return k + "x" + k + (layer.stride == 1 ? "" : " /" + std::to_string(layer.stride));
}

double macs_per_second(const tern::layer_info& layer, double seconds) {
    return seconds > 0 ? static_cast<double>(layer.macs) / seconds : 0;
}

std::size_t count_correct(const std::vector<image_result>& images) {
    return static_cast<std::size_t>(
        std::count_if(images.begin(), images.end(), [](const auto& i) { return i.correct(); }));
}

double median_of(const std::vector<image_result>& images) {
    std::vector<double> seconds;
    for (const image_result& i : images)
        seconds.push_back(i.seconds);
    return median(std::move(seconds));
}

std::string kind_title(const tern::network_model& model) {
    return model.kind == tern::network_kind::unknown ? "a graph" : tern::network_title(model.kind);
}

std::string preprocessing_title(const tern::network_model& model) {
    const auto input = tern::only_input(model.g);
    const tern::preprocessing p = input.ok() ? tern::find_preprocessing(**input) : tern::preprocessing::unknown;
    return p != tern::preprocessing::unknown ? tern::preprocessing_name(p) : "of its own";
}

std::string class_name(const run_facts& facts, std::size_t number) {
    const std::vector<std::string>& names = facts.model->class_names;
    return number < names.size() ? names[number] : "";
}

image_result classify_logits(const float* logits, std::size_t classes, std::size_t top) {
    std::vector<std::size_t> order(classes);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
    const auto power = [&](std::size_t i) {
        return std::exp(static_cast<double>(logits[i]) - static_cast<double>(logits[order[0]]));
    };
    double sum = 0;
    for (std::size_t i = 0; i < classes; ++i)
        sum += power(i);
    image_result r;
    for (std::size_t k = 0; k < std::min(top, classes); ++k)
        r.top.push_back({order[k], power(order[k]) / sum});
    return r;
}

double median(std::vector<double> values) {
    if (values.empty())
        return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

const std::string& kernel_that_ran(const tern::layer_info& layer) {
    return layer.u8_kernel_name.empty() ? layer.kernel_name : layer.u8_kernel_name;
}

void print_head(const run_facts& facts, bool labelled) {
    const tern::network& net = *facts.network;
    std::printf("model   %s: %s, %zu layers, %zu classes, images of %s, preprocessing %s\n",
                facts.options->model.c_str(), kind_title(*facts.model).c_str(), net.layers().size(), net.classes(),
                dims(net.input_channels(), net.input_shape()).c_str(), preprocessing_title(*facts.model).c_str());
    std::printf("cpu     %s, %zu thread%s, %s%.1f MB for intermediate images\n\n", facts.level, facts.options->threads,
                facts.options->threads == 1 ? "" : "s",
                facts.batch == 1 ? "" : (std::to_string(facts.batch) + " images at once, ").c_str(),
                static_cast<double>(facts.workspace_bytes) * 1e-6);
    std::printf("%*s  class  probability%s         time\n", as_width(facts.name_width), "image",
                labelled ? "  label" : "");
}

void print_image(const run_facts& facts, const image_result& image) {
    std::printf("%*s  %5zu  %10.2f%%", as_width(facts.name_width), image.name.c_str(), image.top[0].number,
                image.top[0].probability * 100);
    if (image.label)
        std::printf("  %5lld", static_cast<long long>(*image.label));
    const std::string name = class_name(facts, image.top[0].number);
    std::printf("  %8.3f ms%s%s%s\n", image.seconds * 1e3, name.empty() ? "" : "  ", name.c_str(),
                image.label && !image.correct() ? "  wrong" : "");
    for (std::size_t k = 1; k < image.top.size(); ++k) {
        const std::string other = class_name(facts, image.top[k].number);
        std::printf("%*s  %5zu  %10.2f%%%s%s\n", as_width(facts.name_width), "", image.top[k].number,
                    image.top[k].probability * 100, other.empty() ? "" : "  ", other.c_str());
    }
}

void print_layers(const run_facts& facts, const std::vector<std::vector<double>>& seconds) {
    std::printf("\n%-18s %-12s %-12s %-8s %11s %10s  kernel\n", "layer", "input", "output", "window", "time", "MAC/s");
    for (std::size_t i = 0; i < seconds.size(); ++i) {
        const tern::layer_info& l = facts.network->layers()[i];
        const double time = median(seconds[i]);
        std::printf("%-18s %-12s %-12s %-8s %8.3f ms %8.2f G  %s\n", l.name.c_str(),
                    dims(l.in_channels, l.input).c_str(), dims(l.out_channels, l.output).c_str(), window(l).c_str(),
                    time * 1e3, macs_per_second(l, time) * 1e-9, kernel_that_ran(l).c_str());
    }
}

void print_summary(const std::vector<image_result>& images) {
    std::printf("\ntime    %.3f ms per image (median of %zu; the network alone)\n", median_of(images) * 1e3,
                images.size());
    if (images.empty() || !images[0].label)
        return;
    const std::size_t correct = count_correct(images), total = images.size();
    std::printf("accuracy: %zu/%zu %.2f%%\n", correct, total,
                100 * static_cast<double>(correct) / static_cast<double>(total));
}

void print_json(const run_facts& facts, const std::vector<image_result>& images,
                const std::vector<std::vector<double>>& layer_seconds) {
    const tern::network& net = *facts.network;
    const auto shape = [](std::size_t c, const tern::image_shape& s) { return nlohmann::json{c, s.h, s.w}; };
    nlohmann::ordered_json document{{"model", facts.options->model},
                                    {"kind", tern::network_word(facts.model->kind)},
                                    {"preprocess", preprocessing_title(*facts.model)},
                                    {"cpu_level", facts.level},
                                    {"threads", facts.options->threads},
                                    {"batch", facts.batch},
                                    {"classes", net.classes()},
                                    {"input", shape(net.input_channels(), net.input_shape())},
                                    {"workspace_bytes", facts.workspace_bytes},
                                    {"milliseconds_median", median_of(images) * 1e3}};
    auto& list = document["images"] = nlohmann::ordered_json::array();
    for (const image_result& i : images) {
        auto& entry = list.emplace_back(nlohmann::ordered_json{{"image", i.name},
                                                               {"class", i.top[0].number},
                                                               {"probability", i.top[0].probability},
                                                               {"milliseconds", i.seconds * 1e3}});
        if (i.label)
            entry["label"] = *i.label;
        if (const std::string name = class_name(facts, i.top[0].number); !name.empty())
            entry["name"] = name;
        for (const prediction& p : facts.options->top > 1 ? i.top : std::vector<prediction>{})
            entry["top"].push_back(
                {{"class", p.number}, {"name", class_name(facts, p.number)}, {"probability", p.probability}});
    }
    if (!images.empty() && images[0].label) {
        const std::size_t correct = count_correct(images);
        document["accuracy"] = {{"correct", correct},
                                {"total", images.size()},
                                {"fraction", static_cast<double>(correct) / static_cast<double>(images.size())}};
    }
    if (facts.options->layers) {
        auto& layers = document["layers"] = nlohmann::ordered_json::array();
        for (std::size_t i = 0; i < layer_seconds.size(); ++i) {
            const tern::layer_info& l = net.layers()[i];
            const double time = median(layer_seconds[i]);
            layers.push_back({{"name", l.name},
                              {"input", shape(l.in_channels, l.input)},
                              {"output", shape(l.out_channels, l.output)},
                              {"window", l.kernel},
                              {"stride", l.stride},
                              {"kernel", kernel_that_ran(l)},
                              {"macs", l.macs},
                              {"milliseconds", time * 1e3},
                              {"macs_per_second", macs_per_second(l, time)}});
        }
    }
    // Names of files need not be UTF-8.
    const std::string text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    std::puts(text.c_str());
}

}  // namespace examples
