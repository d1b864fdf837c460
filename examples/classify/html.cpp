#include "html.hpp"

#include <algorithm>

#include "../support/whole_file.hpp"
#include "html_layers.hpp"
#include "html_style.hpp"
#include "markup.hpp"
#include "quantity.hpp"

namespace examples {
namespace {

constexpr std::size_t shown_images = 100;

std::string file_name(const std::string& path) {
    const std::size_t slash = path.find_last_of("/\\");
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

markup tile(const char* id, const std::string& value, const std::string& about) {
    return element("div", {{"class", "tile"}, {"id", id}},
                   element("strong", text(value)) + element("span", text(about)));
}

markup fact(const char* id, const char* name, const std::string& value) {
    return element("div", element("dt", text(name)) + element("dd", {{"id", id}}, text(value)));
}

markup tiles(const run_facts& facts, const std::vector<image_result>& images, const layer_row& sum) {
    markup out = tile("time", quantity(median_of(images), "s"), "median time per image, the network alone");
    if (!images.empty() && images[0].label) {
        const std::size_t correct = count_correct(images);
        out +=
            tile("accuracy", fixed(100 * static_cast<double>(correct) / static_cast<double>(images.size()), 2) + " %",
                 "accuracy: " + std::to_string(correct) + " of " + std::to_string(images.size()));
    }
    return out +
           tile("weight-bytes", bytes_text(sum.dense_bytes),
                "of packed weights; as floats " + bytes_text(sum.float_bytes)) +
           tile("workspace", bytes_text(facts.workspace_bytes), "of memory for intermediate images");
}

std::string images_title(const run_facts& facts, std::size_t count) {
    const std::vector<std::string>& paths = facts.options->images;
    return std::to_string(count) + " from " + file_name(paths[0]) +
           (paths.size() > 1 ? " and " + std::to_string(paths.size() - 1) + " more" : "");
}

markup head(const run_facts& facts, const std::vector<image_result>& images, const std::vector<layer_row>& layers) {
    const tern::network& net = *facts.network;
    const layer_row sum = total(layers);
    const markup list = fact("kind", "network", kind_title(*facts.model)) +
                        fact("layer-count", "layers", std::to_string(layers.size())) +
                        fact("classes", "classes", std::to_string(net.classes())) +
                        fact("input", "input", dims(net.input_channels(), net.input_shape())) +
                        fact("preprocessing", "preprocessing", preprocessing_title(*facts.model)) +
                        fact("image-count", "images", images_title(facts, images.size())) +
                        fact("level", "instruction set", facts.level) +
                        fact("threads", "threads", std::to_string(facts.options->threads)) +
                        fact("batch", "images at once", std::to_string(facts.batch));
    return element("header", element("h1", text(file_name(facts.options->model))) +
                                 element("p", {{"class", "path"}, {"id", "model"}}, text(facts.options->model)) +
                                 element("div", {{"class", "tiles"}}, tiles(facts, images, sum)) + element("dl", list));
}

std::string class_title(const run_facts& facts, std::size_t number) {
    const std::string name = class_name(facts, number);
    return std::to_string(number) + (name.empty() ? "" : " " + name);
}

markup image_line(const run_facts& facts, const image_result& image) {
    markup classes, probabilities;
    for (const prediction& p : image.top) {
        classes += element("div", text(class_title(facts, p.number)));
        probabilities += element("div", text(fixed(p.probability * 100, 2) + " %"));
    }
    markup line = element("th", {{"scope", "row"}, {"class", "image"}}, text(image.name)) +
                  element("td", {{"class", "class"}}, classes) +
                  element("td", {{"class", "number probability"}}, probabilities);
    if (image.label)
        line += element("td", {{"class", "label"}}, text(class_title(facts, static_cast<std::size_t>(*image.label)))) +
                element("td", {{"class", image.correct() ? "verdict right" : "verdict wrong"}},
                        text(image.correct() ? "right" : "wrong"));
    return element("tr", line + element("td", {{"class", "number time"}}, text(fixed(image.seconds * 1e3, 3) + " ms")));
}

markup image_table(const run_facts& facts, const std::vector<image_result>& images) {
    const std::size_t shown = std::min(images.size(), shown_images);
    const bool labelled = !images.empty() && images[0].label.has_value();
    markup heads, lines;
    for (const char* words : {"image", "class", "probability", "label", "", "time"}) {
        const std::string word = words;
        if (labelled || (word != "label" && !word.empty()))
            heads +=
                element("th",
                        {{"scope", "col"}, {"class", word == "probability" || word == "time" ? "number" : "words"}},
                        text(word));
    }
    for (std::size_t i = 0; i < shown; ++i)
        lines += image_line(facts, images[i]);
    const std::string title = shown == images.size() ? "Images"
                                                     : "The first " + std::to_string(shown) + " of " +
                                                           std::to_string(images.size()) + " images";
    return element("section", {{"id", "images"}},
                   element("h2", text(title)) +
                       element("div", {{"class", "wide"}},
                               element("table", element("thead", element("tr", heads)) + element("tbody", lines))));
}

markup page(const run_facts& facts, const std::vector<image_result>& images, const std::vector<layer_row>& layers) {
    // The policy: nothing is loaded, whatever a name of a file or class may hold.
    const markup about = element("meta", {{"charset", "utf-8"}}) +
                         element("meta", {{"http-equiv", "Content-Security-Policy"},
                                          {"content", "default-src 'none'; style-src 'unsafe-inline'"}}) +
                         element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
                         element("title", text("classify: " + file_name(facts.options->model))) +
                         style_element(html_style);
    const markup body =
        element("main", head(facts, images, layers) + layer_charts(layers) + layer_table(layers) +
                            image_table(facts, images) +
                            element("footer", text("Made by classify of tern " TERN_VERSION_STRING ".")));
    return element("html", {{"lang", "en"}}, element("head", about) + element("body", body));
}

}  // namespace

tern::status write_html(const std::string& path, const run_facts& facts, const std::vector<image_result>& images,
                        const std::vector<layer_row>& layers) {
    return write_whole_file(path, "<!DOCTYPE html>\n" + page(facts, images, layers).str() + "\n");
}

}  // namespace examples
