#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "programs_support.hpp"

using namespace tern_test;

TEST_CASE("--help prints the usage and succeeds") {
    for (const char* program : {TERN_TEST_CLASSIFY, TERN_TEST_CONVERT})
        for (const std::vector<std::string>& args :
             {std::vector<std::string>{"--help"}, {"-h"}, {"a", "b", "--help"}, {"--wrong", "--help"}}) {
            const outcome o = succeeded(run_program(program, args));
            CHECK(o.out.substr(0, 7) == "usage: ");
            CHECK(contains(o.out, "--preprocess"));
        }
}

TEST_CASE("a wrong command line exits with 2 and shows the usage on stderr") {
    const auto wrong = [](const outcome& o, const std::string& word) {
        CHECK(o.code == 2);
        CHECK(o.out == "");
        CHECK(contains(o.err, "usage: "));
        CHECK_MESSAGE(contains(lines(o.err)[0], word), "expected '", word, "' in: ", lines(o.err)[0]);
    };
    wrong(classify({}), "expected a model and images");
    wrong(classify({demo_model}), "expected a model and images");
    const auto with = [&](std::vector<std::string> args) {
        args.insert(args.begin(), {demo_model, demo_images});
        return classify(args);
    };
    wrong(with({"--wrong"}), "--wrong");
    wrong(with({"-j"}), "-j");
    wrong(with({"--limit"}), "--limit expects a value");
    wrong(with({"--limit", "--json"}), "--limit expects a value");
    wrong(with({"--logits="}), "--logits expects a value");
    wrong(with({"--json=1"}), "--json takes no value");
    for (const char* n : {"0", "-1", "x", "1x", "", "99999999999999999999"})
        wrong(with({std::string("--limit=") + n}), "--limit");
    for (const char* n : {"0", "1025", "two"})
        wrong(with({"--threads", n}), "--threads");
    wrong(with({"--preprocess", "coco"}), "mnist, cifar10, imagenet or none");
    wrong(with({"--stem-bits", "9"}), "expected 16, 8 or 7, found '9'");
    wrong(with({"--stem-bits", "16", "--floats"}), "found both");
    wrong(with({"--pool", "3"}), "3x3s2p1");
    wrong(with({"--stem-stride", "0"}), "--stem-stride");
    wrong(with({"--stem-pad", "65"}), "--stem-pad");
    wrong(convert({}), "expected a model");
    wrong(convert({"a"}), "expected a model");
    wrong(convert({"a", "b", "c"}), "expected a model");
    wrong(convert({"a", "b", "--limit", "1"}), "--limit");
}

TEST_CASE("preprocessing must be known") {
    failed(classify({data_path("mnist_small_merged"), demo_images}), {"--preprocess", "mnist_small_merged"});
    // The option overrides the file: a border is missing without mnist's, and so is a size that fits.
    failed(classify({demo_model, demo_images, "--preprocess", "none"}), {"7x7", "28x28"});
    failed(classify({demo_model, demo_images, "--preprocess", "cifar10"}), {"3 channels", "found 1"});
}

TEST_CASE("files that are missing, cut off or of the wrong kind exit with 1 and one line") {
    const temporary_folder folder;
    const auto cut = [&](const std::string& from, std::size_t bytes) {
        const std::string content = read_text(from), path = folder / "cut.safetensors";
        std::ofstream(path, std::ios::binary) << content.substr(0, bytes);
        return path;
    };
    failed(classify({folder / "none", demo_images}), {folder / "none"});
    failed(classify({demo_model, folder / "none"}), {folder / "none"});
    failed(classify({folder / "", demo_images}), {"regular file"});
    failed(classify({demo_model, folder / ""}), {"regular file"});
    for (const std::size_t bytes : {0u, 7u, 100u, 30000u}) {
        failed(classify({cut(demo_model, bytes), demo_images}), {"cut.safetensors"});
        failed(classify({demo_model, cut(demo_images, bytes)}), {"cut.safetensors"});
        failed(convert({cut(demo_model, bytes), folder / "o"}), {"cut.safetensors"});
    }
    failed(classify({demo_images, demo_images}), {"mnist_64", "features.0.weight", "missing"});
    failed(classify({demo_model, demo_model}), {"mnist_small.tern", "tensor images is missing"});
    failed(classify({data_path("mnist_tiny_edge_merged"), demo_images, "--preprocess", "mnist"}),
           {"mnist_tiny_edge_merged", "features.4.conv1", "channel 0"});
    failed(convert({data_path("mnist_tiny_edge_raw"), folder / "o"}), {"features.4.conv1", "channel 0"});
    CHECK_FALSE(std::filesystem::exists(folder / "o"));
    failed(convert({folder / "none", folder / "o"}), {folder / "none"});
    failed(convert({data_path("mnist_tiny_merged"), folder / "no/folder/o"}), {"no/folder"});
    failed(classify({demo_model, demo_images}, "TERN_ISA=pentium"), {"pentium", "scalar"});
    failed(classify({demo_model, demo_images, "--json", "--limit", "1", "--logits", folder / "no/folder"}),
           {"no/folder"});
    failed(classify({demo_model, demo_images, "--json", "--limit", "1", "--dump", folder / ""}), {"directory"});
    failed(classify({demo_model, demo_images, demo_images}), {"expected a PNG or JPEG file"});
    if (std::filesystem::exists("/dev/full")) {
        const std::string command = std::string(TERN_TEST_EMULATOR) + " " + TERN_TEST_CLASSIFY + " " + demo_model +
                                    " " + demo_images + " > /dev/full 2> " + (folder / "err");
        const int status = std::system(command.c_str());
        CHECK(WEXITSTATUS(status) == 1);
        CHECK(lines(read_text(folder / "err")).size() == 1);
    }
}
