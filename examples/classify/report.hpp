// What classify prints: lines of text, or one JSON document.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "options.hpp"

namespace examples {

/// A class and the softmax of its logit.
struct prediction {
    std::size_t number = 0;
    double probability = 0;
};

struct image_result {
    std::string name;
    std::vector<prediction> top{};  ///< the most likely first; at least one
    double seconds = 0;             ///< the network alone, without reading and preprocessing
    std::optional<std::int64_t> label{};

    bool correct() const { return label && *label == static_cast<std::int64_t>(top[0].number); }
};

/// What a run is about; outlives nothing.
struct run_facts {
    const classify_options* options = nullptr;
    const tern::network_model* model = nullptr;
    const tern::network* network = nullptr;
    const char* level = "";  ///< instruction-set level
    std::size_t batch = 1;   ///< images of a run
    std::size_t workspace_bytes = 0;
    std::size_t name_width = 0;  ///< of the longest image name
};

/// The `top` most likely classes of an image from its logits; of equal ones the first.
image_result classify_logits(const float* logits, std::size_t classes, std::size_t top);

/// The middle one of the values; 0 if there are none.
double median(std::vector<double> values);

/// Of a network that was made for the images as they come.
const std::string& kernel_that_ran(const tern::layer_info& layer);

/// Channels and pixels: "32x16x16"; "10" of one pixel.
std::string dims(std::size_t c, const tern::image_shape& s);
/// Of a network's layer: "3x3", "3x3 /2".
std::string window(const tern::layer_info& layer);
double macs_per_second(const tern::layer_info& layer, double seconds);
std::size_t count_correct(const std::vector<image_result>& images);
/// Of the images' seconds.
double median_of(const std::vector<image_result>& images);
/// What kind of network a model is, in words.
std::string kind_title(const tern::network_model& model);
/// How images become the input, in words.
std::string preprocessing_title(const tern::network_model& model);
/// The name of a class behind its number; "" if it has none.
std::string class_name(const run_facts& facts, std::size_t number);

void print_head(const run_facts& facts, bool labelled);
void print_image(const run_facts& facts, const image_result& image);
/// `seconds`: per layer, the times of all images.
void print_layers(const run_facts& facts, const std::vector<std::vector<double>>& seconds);
/// The last line is the accuracy if there are labels.
void print_summary(const std::vector<image_result>& images);
void print_json(const run_facts& facts, const std::vector<image_result>& images,
                const std::vector<std::vector<double>>& layer_seconds);

}  // namespace examples
