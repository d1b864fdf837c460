#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "programs_support.hpp"

using namespace tern_test;

TEST_CASE("stem options reach the network") {
    const temporary_folder folder;
    const std::string model = folder / "model.safetensors", path = folder / "images.safetensors",
                      dumped = folder / "dump.safetensors";
    write_colour_model(model);
    write_images(path, std::vector<std::uint8_t>(3 * 32 * 32, 7), {1, 3, 32, 32});
    const auto stem = [&](const std::vector<std::string>& options) {
        std::vector<std::string> args{model, path, "--preprocess", "none", "--dump", dumped};
        args.insert(args.end(), options.begin(), options.end());
        succeeded(classify(args));
        const tern::safetensors_file file = open_file(dumped);
        CHECK(floats(file, "input")[0] == 7.0f);
        return tensor(file, "features.3.out").shape;
    };
    CHECK(stem({}) == tern::tensor_dims{1, 6, 8, 8});  // 7x7: stride 2, padding 3; pooled
    CHECK(stem({"--pool", "none"}) == tern::tensor_dims{1, 6, 16, 16});
    CHECK(stem({"--pool", "none", "--stem-stride", "1"}) == tern::tensor_dims{1, 6, 32, 32});
    CHECK(stem({"--pool=none", "--stem-stride=1", "--stem-pad=0"}) == tern::tensor_dims{1, 6, 26, 26});
    CHECK(stem({"--pool", "2x2s2p0", "--stem-stride", "1"}) == tern::tensor_dims{1, 6, 16, 16});
    // convert keeps them.
    const std::string packed = folder / "packed.safetensors";
    succeeded(
        convert({model, packed, "--pool=none", "--stem-stride", "1", "--stem-pad", "0", "--preprocess", "cifar10"}));
    succeeded(classify({packed, path, "--dump", dumped}));
    CHECK(tensor(open_file(dumped), "features.3.out").shape == tern::tensor_dims{1, 6, 26, 26});
}

TEST_CASE("a file of another kind of network is refused, and nothing is written") {
    const temporary_folder folder;
    const std::string model = folder / "stqn.safetensors", out = folder / "out.safetensors";
    edited_file two_bits(data_path("mnist_tiny_raw"));  // as ternary networks have them: two kernels to a convolution
    two_bits.metadata()["tern.kernel_steps"] = "powers_of_two";
    two_bits.write(model);
    const std::vector<std::string> words{"stqn.safetensors", "tern.kernel_steps", "an STTN network", "an STQN network"};
    failed(convert({model, out}), words);
    CHECK_FALSE(std::filesystem::exists(out));
    failed(classify({model, demo_images, "--preprocess", "mnist"}), words);
}

TEST_CASE("--zeros says what a latent weight of exactly 0 is, in both programs") {
    const temporary_folder folder;
    const std::string out = folder / "out.safetensors", logits = folder / "logits.safetensors";
    const std::string model = data_path("mnist_tiny_edge_raw"), images = data_path("mnist_tiny_reference");
    failed(convert({model, out}), {"features.4.conv1", "option zeros"});
    failed(convert({model, out, "--zeros", "refuse"}), {"features.4.conv1", "option zeros"});
    CHECK_FALSE(std::filesystem::exists(out));
    const auto logits_with = [&](const std::string& rule) {
        succeeded(classify({model, images, "--preprocess", "mnist", "--zeros", rule, "--logits", logits}));
        return floats(open_file(logits), "logits");
    };
    const auto positive = logits_with("positive"), negative = logits_with("negative");
    CHECK(positive != negative);
    succeeded(convert({model, out, "--zeros=negative", "--preprocess=mnist"}));
    succeeded(classify({out, images, "--logits", logits}));
    CHECK(floats(open_file(logits), "logits") == negative);
    const outcome wrong = convert({model, out, "--zeros", "zero"});
    CHECK(wrong.code == 2);
    CHECK(contains(wrong.err, "--zeros: expected positive, negative or refuse, found 'zero'"));
}

TEST_CASE("convert reports on every layer, and its output can be converted again, in place too") {
    const temporary_folder folder;
    const std::string a = folder / "a.safetensors", b = folder / "b.safetensors";
    const outcome o = succeeded(convert({data_path("mnist_small_merged"), a, "--preprocess", "mnist"}));
    CHECK(contains(o.out, "features.4.conv1   32x32x3x3"));
    CHECK(contains(o.out, "features.6.conv2   128x128x3x3"));
    CHECK(contains(o.out, "5.4 %"));  // zeros of features.4.conv1
    CHECK(contains(o.out, "36992"));  // (32*32*9 + 32) * 4 bytes
    CHECK(contains(o.out, "2100"));   // 32*32*9 / 5 rounded up + 32 * 8
    CHECK(contains(o.out, "1211408 bytes"));
    CHECK(read_text(a) == read_text(demo_model));
    succeeded(convert({a, b}));
    CHECK(read_text(a) == read_text(b));
    succeeded(convert({b, b, "--preprocess=none"}));
    CHECK(load(b).preprocess == tern::preprocessing::none);
}

TEST_CASE("a PyTorch checkpoint is read as it is, by its content: the same packed file, the same logits") {
    const temporary_folder folder;
    const std::string data = std::string(TERN_TEST_DATA) + "/", images = data_path("mnist_tiny_reference"),
                      expected = folder / "expected", out = folder / "out", logits = folder / "logits",
                      other_name = folder / "model.safetensors";
    succeeded(convert({data_path("mnist_tiny_raw"), expected, "--preprocess", "mnist"}));
    succeeded(classify({data_path("mnist_tiny_raw"), images, "--preprocess", "mnist", "--logits", logits}));
    const std::string wanted = read_text(logits);
    for (const char* name : {"mnist_tiny_full.pth.tar", "mnist_tiny_legacy.pth.tar"}) {
        CAPTURE(name);
        std::filesystem::copy_file(data + name, other_name, std::filesystem::copy_options::overwrite_existing);
        if (TERN_TEST_ZIP == 0 && std::string(name) == "mnist_tiny_full.pth.tar") {
            failed(convert({data + name, out}), {name, "reads zip archives"});
            continue;
        }
        for (const std::string& path : {data + name, other_name}) {
            succeeded(convert({path, out, "--preprocess=mnist"}));
            CHECK(read_text(out) == read_text(expected));
            succeeded(classify({path, images, "--preprocess", "mnist", "--logits", logits}));
            CHECK(read_text(logits) == wanted);
        }
    }
    // Checkpoints are no images.
    failed(classify({demo_model, data + "mnist_tiny_legacy.pth.tar"}), {"mnist_tiny_legacy.pth.tar"});
}
