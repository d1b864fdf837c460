// Runs the example programs as a user does. Needs a POSIX shell.
#pragma once

#include <doctest/doctest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "model/network_support.hpp"
#include "support/contains.hpp"

namespace tern_test {

inline std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct outcome {
    int code;
    std::string out, err;
};

/// Runs what the shell makes of `command`, with those arguments.
inline outcome run_command(std::string command, const std::vector<std::string>& args) {
    const temporary_folder folder;
    for (const std::string& a : args)
        command += " '" + a + "'";
    command += " > " + (folder / "out") + " 2> " + (folder / "err");
    const int status = std::system(command.c_str());
    REQUIRE_MESSAGE(WIFEXITED(status), command);
    return {WEXITSTATUS(status), read_text(folder / "out"), read_text(folder / "err")};
}
/// Runs a program that was built here; `environment` as in "TERN_ISA=scalar".
inline outcome run_program(const char* program, const std::vector<std::string>& args,
                           const std::string& environment = "") {
    return run_command(environment + " " + TERN_TEST_EMULATOR + " " + program, args);
}
inline outcome classify(const std::vector<std::string>& args, const std::string& environment = "") {
    return run_program(TERN_TEST_CLASSIFY, args, environment);
}
inline outcome convert(const std::vector<std::string>& args) { return run_program(TERN_TEST_CONVERT, args); }

inline std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        all.push_back(line);
    return all;
}

/// Exit status 0, nothing on stderr.
inline outcome succeeded(const outcome& o) {
    CHECK(o.code == 0);
    CHECK(o.err == "");
    return o;
}

/// Exit status 1 and one line on stderr that holds these words.
inline void failed(const outcome& o, const std::vector<std::string>& words) {
    CHECK(o.code == 1);
    CHECK(lines(o.err).size() == 1);
    CHECK((!o.err.empty() && o.err.back() == '\n'));
    CHECK(o.out == "");
    for (const std::string& w : words)
        CHECK_MESSAGE(contains(o.err, w), "expected '", w, "' in: ", o.err);
}

inline const std::string demo_model = demo_path("mnist_small.tern"), demo_images = demo_path("mnist_64");

inline std::vector<std::string> levels() {
    std::vector<std::string> names;
    for (const tern::level_report& level : tern::cpu_report().levels)
        if (level.built && level.supported)
            names.push_back(std::string("TERN_ISA=") + level.name);
#if defined(__SANITIZE_ADDRESS__)
    if (names.size() > 2)  // programs are slow there, and the library's own tests run every level
        names.erase(names.begin() + 1, names.end() - 1);
#endif
    return names;
}

inline double largest_difference(const std::vector<float>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
    return largest;
}

/// A file of images and perhaps labels.
inline void write_images(const std::string& path, const std::vector<std::uint8_t>& pixels,
                         const tern::tensor_dims& shape) {
    tern::safetensors_writer w;
    REQUIRE(w.add("images", tern::data_type::u8, shape, pixels.data()).ok());
    REQUIRE(w.write(path.c_str()).ok());
}

/// A network for colour images.
inline void write_colour_model(const std::string& path) { colour_model().write(path); }

}  // namespace tern_test
