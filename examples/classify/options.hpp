// What the command line of classify asks for.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <tern/model.hpp>

namespace examples {

struct classify_options {
    std::string model;
    std::vector<std::string> images;
    tern::sttn_options network{};
    std::string logits, dump;  // files to write, or ""
    std::size_t limit = 0;     // images; 0: all
    std::size_t threads = 1;
    bool floats = false;  // normalise images before the network sees them
    bool layers = false, json = false;
};

}  // namespace examples
