// What the command line of classify asks for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/model_options.hpp"
#include "picture.hpp"

namespace examples {

struct classify_options {
    std::string model;
    std::vector<std::string> images;
    model_options network{};
    std::string logits, dump, html;  // files to write, or ""
    std::string tune;                // measured choices of kernels; ""
    std::size_t limit = 0;           // images; 0: all
    std::size_t top = 1;             // classes to show of each image
    std::size_t threads = 1;
    std::size_t batch = 1;                                 // images a run
    std::optional<colour> background{};                    // of transparent pixels; white
    bool floats = false;                                   // normalise images before the network sees them
    tern::image_weights stem = tern::image_weights::fp32;  // of images that come as bytes
    bool layers = false, json = false;
};

}  // namespace examples
