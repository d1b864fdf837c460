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
    const char* level = "";      ///< instruction-set level
    std::size_t batch = 1;       ///< images of a run
    std::size_t name_width = 0;  ///< of the longest image name
};

/// The `top` most likely classes of an image from its logits; of equal ones the first.
image_result classify_logits(const float* logits, std::size_t classes, std::size_t top);

/// The middle one of the values; 0 if there are none.
double median(std::vector<double> values);

/// Of a network that was made for the images as they come.
const std::string& kernel_that_ran(const tern::layer_info& layer);

void print_head(const run_facts& facts, bool labelled);
void print_image(const run_facts& facts, const image_result& image);
/// `seconds`: per layer, the times of all images.
void print_layers(const run_facts& facts, const std::vector<std::vector<double>>& seconds);
/// The last line is the accuracy if there are labels.
void print_summary(const std::vector<image_result>& images);
void print_json(const run_facts& facts, const std::vector<image_result>& images,
                const std::vector<std::vector<double>>& layer_seconds);

}  // namespace examples
