#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

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

TEST_CASE("networks of another kind are recognised, and --kind and --set say what tensors do not") {
    const temporary_folder folder;
    const std::string model = folder / "stqn.safetensors", out = folder / "out.safetensors",
                      path = folder / "logits.safetensors";
    edited_file two_bits(data_path("mnist_tiny_raw"));  // as ternary networks have them: two kernels to a convolution
    two_bits.metadata()["tern.kernel_steps"] = "powers_of_two";
    two_bits.write(model);
    const auto logits = [&](const std::vector<std::string>& args) {
        std::vector<std::string> all{args[0], data_path("mnist_tiny_reference"), "--logits", path};
        all.insert(all.end(), args.begin() + 1, args.end());
        const outcome o = succeeded(classify(all));
        CHECK(contains(o.out, "an STQN network"));
        return floats(open_file(path), "logits");
    };
    const auto expected = logits({model, "--preprocess", "mnist"});
    CHECK(contains(succeeded(convert({model, out, "--preprocess", "mnist"})).out, " o2 "));
    CHECK(logits({out}) == expected);
    CHECK(logits({data_path("mnist_tiny_raw"), "--set", "kernel_steps=powers_of_two,preprocess=mnist"}) == expected);
    CHECK(logits({data_path("mnist_tiny_raw"), "--kind=stqn", "--preprocess=mnist"}) != expected);  // of equal steps
    std::filesystem::remove(out);
    const std::vector<std::string> words{"stqn.safetensors", "tern.kernel_steps", "an STTN network", "an STQN network"};
    failed(convert({model, out, "--kind", "sttn"}), words);
    failed(classify({model, demo_images, "--kind", "sttn"}), words);
    failed(convert({model, out, "--set", "kernel_step=equal"}), {"tern.kernel_step"});
    CHECK_FALSE(std::filesystem::exists(out));
    for (const std::string bad : {"--kind=onnx", "--kind=graph", "--set=x", "--set==1", "--mean=a", "--mean=1,,2"}) {
        const outcome o = convert({model, out, bad});
        CHECK(o.code == 2);
        CHECK(contains(o.err, bad.substr(0, bad.find('='))));
    }
}

TEST_CASE("numbers of a preprocessing, names of classes and the most likely ones are kept and shown") {
    const temporary_folder folder;
    const std::string out = folder / "out.safetensors", names = folder / "names.txt", path = folder / "logits";
    const std::string model = data_path("mnist_tiny_raw"), images = data_path("mnist_tiny_reference");
    std::ofstream(names) << "zero\none\r\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";
    const auto logits = [&](std::vector<std::string> args) {
        args.insert(args.begin() + 1, {images, "--limit", "4", "--logits", path});
        succeeded(classify(args));
        return floats(open_file(path), "logits");
    };
    const std::vector<std::string> numbers{"--mean=0.1307", "--deviation", "0.3081", "--border=2"};
    const auto expected = logits({model, "--preprocess", "mnist"});
    CHECK(logits({model, numbers[0], numbers[1], numbers[2], numbers[3]}) == expected);
    CHECK(logits({model, "--mean=0.5", "--border=2"}) != expected);
    succeeded(convert({model, out, numbers[0], numbers[1], numbers[2], numbers[3], "--classes", names}));
    CHECK(logits({out}) == expected);
    CHECK(logits({out, "--border", "2"}) == expected);
    const outcome o = succeeded(classify({out, images, "--limit", "2", "--top", "3"}));
    CHECK(contains(o.out, "preprocessing mnist"));
    CHECK(lines(o.out).size() == 4 + 2 * 3 + 3);
    const std::vector<float> first(expected.begin(), expected.begin() + 10);
    const auto best = std::max_element(first.begin(), first.end()) - first.begin();
    const char* words[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    CHECK(contains(lines(o.out)[4], words[best]));
    const auto json = nlohmann::json::parse(succeeded(classify({out, images, "--limit=1", "--top=3", "--json"})).out);
    REQUIRE(json["images"][0]["top"].size() == 3);
    CHECK(json["images"][0]["top"][0]["name"] == words[best]);
    CHECK(json["images"][0]["top"][0]["probability"] >= json["images"][0]["top"][1]["probability"]);
    CHECK(json["kind"] == "sttn");
    std::ofstream(names) << "zero\none\n";
    failed(convert({model, out, "--preprocess=mnist", "--classes", names}), {"10 names", "found 2"});
    failed(convert({model, out, "--classes", folder / "none"}), {"none", "cannot be read"});
    failed(convert({model, out, "--classes", folder / ""}), {"cannot be read"});
    std::ofstream(names) << "";
    failed(convert({model, out, "--classes", names}), {"names.txt", "found nothing"});
    failed(convert({model, out, "--mean=1,2"}), {"--mean", "1 number or 1", "found 2"});
    failed(convert({model, out, "--border=2"}), {"preprocessing is not known"});
    failed(classify({model, images, "--mean=0", "--crop", "40"}), {"40x40", "28x28"});
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
    succeeded(convert({demo_model, b}));  // of the packed form before network files
    CHECK(read_text(a) == read_text(b));
    succeeded(convert({a, b}));
    CHECK(read_text(a) == read_text(b));
    succeeded(convert({b, b, "--preprocess=none"}));
    const auto again = tern::load_network(b.c_str());
    REQUIRE(again.ok());
    CHECK(tern::find_preprocessing(**tern::only_input(again->g)) == tern::preprocessing::none);
    failed(convert({a, b, "--stem-pad", "1"}), {a, "stem"});
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
