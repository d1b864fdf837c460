// Every kind of network of the four papers from a checkpoint of its training code to logits, by the programs alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "programs_support.hpp"

using namespace tern_test;

namespace {

/// A network of make_checkpoints.py, and what its file does not say.
struct made_kind {
    std::string name, kind;
    std::vector<std::string> options;
};

std::vector<made_kind> made_kinds() {
    const std::string imagenet = "--mean=.485,.456,.406", deviations = "--deviation=.229,.224,.225",
                      cifar = "--preprocess=cifar10", unpooled = "--pool=none";
    return {
        {"sttn_resnet18", "sttn", {imagenet, deviations}},
        {"sttn_resnet34", "sttn", {imagenet, deviations}},
        {"sttn_resnet20", "sttn", {cifar, unpooled}},
        {"sttn_alexnet", "sttn_alexnet", {imagenet, deviations}},
        {"stqn2_equal", "stqn", {imagenet, deviations}},
        {"stqn2_powers", "stqn", {cifar, unpooled, "--set=kernel_steps=powers_of_two"}},
        {"stqn3_equal", "stqn", {cifar, unpooled, "--set=activation_unit=0.375"}},
        {"stqn3_powers", "stqn", {imagenet, deviations, "--set=kernel_steps=powers_of_two,activation_unit=0.375"}},
        {"stqn4_equal", "stqn", {cifar, unpooled, "--set=activation_unit=0.15"}},
        {"stqn4_powers", "stqn", {cifar, unpooled, "--set=kernel_steps=powers_of_two,activation_unit=0.15"}},
        {"twn_lenet5", "twn", {"--mean=.1307", "--deviation=.3081"}},
        {"twn_vgg7", "twn", {cifar}},
        {"twn_resnet18", "twn", {imagenet, deviations}},
        {"fatnn_half", "fatnn", {imagenet, deviations}},
        {"fatnn_full", "fatnn", {imagenet, deviations, "--set=activation_range=full"}},
    };
}

/// Emulated and sanitized programs are slow: they run one kind in three, others all.
bool is_left_out(std::size_t number) {
#if defined(__SANITIZE_ADDRESS__)
    return number % 3 != 0;
#else
    return *TERN_TEST_EMULATOR != '\0' && number % 3 != 0;
#endif
}

/// Logits of a model of that kind, as a file.
std::string classified(const std::string& model, const std::string& images, const std::vector<std::string>& options,
                       const std::string& logits, const std::string& kind) {
    std::vector<std::string> args{model, images, "--json", "--logits", logits};
    args.insert(args.end(), options.begin(), options.end());
    const auto document = nlohmann::json::parse(succeeded(classify(args)).out, nullptr, false);
    REQUIRE(document.is_object());
    CHECK(document["kind"] == kind);
    return read_text(logits);
}

/// The largest magnitude; a network whose logits are the same for two images shows little.
double check_variety(const std::vector<double>& logits, std::size_t classes) {
    double largest = 0, least_difference = INFINITY;
    for (const double v : logits)
        largest = std::max(largest, std::abs(v));
    for (std::size_t a = 0; a < logits.size(); a += classes)
        for (std::size_t b = 0; b < a; b += classes) {
            double difference = 0;
            for (std::size_t i = 0; i < classes; ++i)
                difference = std::max(difference, std::abs(logits[a + i] - logits[b + i]));
            least_difference = std::min(least_difference, difference);
        }
    CHECK(least_difference > 0.01 * largest);
    return largest;
}

}  // namespace

TEST_CASE("every kind of network: a checkpoint, and the packed file of it, give the logits of a plain pass in double") {
    if (TERN_TEST_ZIP == 0 || *TERN_TEST_PYTHON == '\0') {
        MESSAGE("left out: ", TERN_TEST_ZIP == 0 ? "this build reads no zip archives" : "no Python 3.9 was found");
        return;
    }
    const temporary_folder folder;
    succeeded(run_command("'" TERN_TEST_PYTHON "'", {TERN_TEST_DATA "/make_checkpoints.py", folder / ""}));
    std::size_t made = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / ""))
        made += entry.path().extension() == ".pth" ? 1 : 0;
    CHECK(made == made_kinds().size());
    const std::vector<made_kind> kinds = made_kinds();
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const made_kind& k = kinds[i];
        if (is_left_out(i))
            continue;
        CAPTURE(k.name);
        const std::string path = folder / k.name, model = path + ".pth", packed = path + ".tern.safetensors",
                          images = path + ".images.safetensors", logits = path + ".found";
        const std::string found = classified(model, images, k.options, logits, k.kind);
        std::vector<std::string> args{model, packed};
        args.insert(args.end(), k.options.begin(), k.options.end());
        succeeded(convert(args));
        CHECK((classified(packed, images, {}, path + ".again", k.kind) == found));

        const tern::safetensors_file reference = open_file(path + ".logits.safetensors");
        const std::vector<double> expected = doubles(reference, "logits");
        const double largest = check_variety(expected, tensor(reference, "logits").shape[1]);
        CHECK(largest_difference(floats(open_file(logits), "logits"), expected) <= 1e-4 * largest);
    }
}
