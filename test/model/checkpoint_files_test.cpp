// Checkpoints that PyTorch wrote, whole and damaged, against the same tensors in safetensors files.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/allocation_counters.hpp"
#include "checkpoint_support.hpp"
#include "network_support.hpp"

using namespace tern_test;
using tern::errc;

namespace {

std::string checkpoint_path(const std::string& name) { return std::string(TERN_TEST_DATA) + "/" + name + ".pth.tar"; }

struct pair_of_files {
    std::string checkpoint, twin;
    bool zip;
};
/// Those that this build reads.
std::vector<pair_of_files> pairs() {
    std::vector<pair_of_files> all;
    for (const pair_of_files& p : {pair_of_files{"mnist_tiny_full", "mnist_tiny_raw", true},
                                   {"mnist_tiny_legacy", "mnist_tiny_raw", false},
                                   {"torch_mixed", "torch_mixed", true},
                                   {"torch_mixed_legacy", "torch_mixed", false}})
        if (reads_zip || !p.zip)
            all.push_back(p);
    return all;
}

/// All elements can be read.
void touch(const tern::tensor_file& file) {
    for (const tern::tensor_info& t : file.tensors()) {
        REQUIRE(t.shape.count().ok());
        REQUIRE(t.count() == t.shape.count().value);
        std::vector<double> doubles(t.count());
        std::vector<std::int64_t> ints(t.count());
        const bool real = tern::read_doubles(t, doubles.data(), doubles.size()).ok();
        const bool integer = tern::read_ints(t, ints.data(), ints.size()).ok();
        CHECK(!(real && integer));
    }
}

/// What a damaged file gives: an error with words, or tensors; never more memory than there is reason for.
template <class Check>
void read_damaged(const std::string& bytes, Check&& check) {
    // What a flipped byte can ask for at most is a slot of the memo far away.
    constexpr std::size_t most = 16u << 20;
    const std::size_t peak = peak_of([&] {
        const auto file = load_checkpoint(bytes);
        if (file.ok()) {
            touch(*file);
            check(*file);
        } else {
            CHECK(file.message()[0] != '\0');
        }
    });
    CHECK(peak <= most);  // 0 where operator new is not counted
}

}  // namespace

TEST_CASE("checkpoints hold the tensors of their safetensors twins, bit for bit") {
    for (const pair_of_files& p : pairs()) {
        CAPTURE(p.checkpoint);
        const tern::safetensors_file twin = open_file(data_path(p.twin));
        const auto file = tern::checkpoint_file::open(checkpoint_path(p.checkpoint).c_str());
        REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
        CHECK(same_tensors(twin, *file));
        touch(*file);
        const auto any = tern::open_tensor_file(checkpoint_path(p.checkpoint).c_str());
        REQUIRE(any.ok());
        CHECK(same_tensors(twin, *any));
        CHECK(any->file_bytes() == read_whole(checkpoint_path(p.checkpoint)).size());
        CHECK(any->metadata().empty());
        CHECK(any->copied_bytes() == (p.twin == "torch_mixed" ? 248u : 0u));
        // Tensors that lie in the file as they are stay there.
        const std::string bytes = read_whole(checkpoint_path(p.checkpoint));
        const auto loaded = load_checkpoint(bytes);
        REQUIRE(loaded.ok());
        std::size_t copied = 0;
        for (const tern::tensor_info& t : loaded->tensors()) {
            const auto* begin = reinterpret_cast<const unsigned char*>(bytes.data());
            copied += t.bytes != 0 && (t.data < begin || t.data >= begin + bytes.size());
        }
        CHECK(copied == (p.twin == "torch_mixed" ? 5 : 0));
    }
    const auto any = tern::open_tensor_file(data_path("torch_mixed").c_str());
    REQUIRE(any.ok());
    CHECK(same_tensors(open_file(data_path("torch_mixed")), *any));
    CHECK(!tern::open_tensor_file("/nowhere/file").ok());
}

TEST_CASE("a network from a checkpoint gives the logits of its safetensors twin, bit for bit") {
    const tern::safetensors_file images = open_file(data_path("mnist_tiny_reference"));
    const std::vector<float> pixels = floats(images, "input_first4");
    const auto logits = [&](const std::string& path) {
        auto model = tern::load_sttn(path.c_str());
        REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
        auto net = tern::network::create(*model, {1, 32, 32});
        REQUIRE(net.ok());
        std::vector<float> all(4 * net->classes());
        for (std::size_t i = 0; i < 4; ++i)
            REQUIRE(net->run(tern::nhwc(pixels.data() + i * 1024, 1, 32, 32, 1), all.data() + i * net->classes(),
                             network_memory(*net, 1))
                        .ok());
        return all;
    };
    const std::vector<float> expected = logits(data_path("mnist_tiny_raw"));
    for (const pair_of_files& p : pairs())
        if (p.twin == "mnist_tiny_raw")
            CHECK(std::memcmp(logits(checkpoint_path(p.checkpoint)).data(), expected.data(),
                              expected.size() * sizeof(float)) == 0);
}

TEST_CASE("checkpoints cut at random places are refused, or hold the right tensors") {
    std::mt19937 random(1);
    for (const pair_of_files& p : pairs()) {
        CAPTURE(p.checkpoint);
        const tern::safetensors_file twin = open_file(data_path(p.twin));
        const std::string bytes = read_whole(checkpoint_path(p.checkpoint));
        for (int i = 0; i < 200; ++i) {
            const std::size_t size = i < 40 ? static_cast<std::size_t>(i) : random() % bytes.size();
            CAPTURE(size);
            // Right tensors: where only the last record is cut, which says in archives of PyTorch what another has
            // said.
            constexpr std::size_t last_record = 22;
            read_damaged(bytes.substr(0, size), [&](const tern::checkpoint_file& file) {
                CHECK((p.zip && size > bytes.size() - last_record && same_tensors(twin, file)));
            });
        }
    }
}

TEST_CASE("checkpoints with a flipped byte are refused or hold the right tensors") {
    std::mt19937 random(2);
    for (const pair_of_files& p : pairs()) {
        CAPTURE(p.checkpoint);
        const tern::safetensors_file twin = open_file(data_path(p.twin));
        std::string bytes = read_whole(checkpoint_path(p.checkpoint));
        const bool small = bytes.size() < 10000;
        for (int i = 0; i < (small ? 2000 : 300); ++i) {
            const std::size_t at = random() % bytes.size();
            const auto flip = static_cast<char>(1 + random() % 255);
            CAPTURE(at);
            CAPTURE(static_cast<int>(flip));
            bytes[at] = static_cast<char>(bytes[at] ^ flip);
            // Archives have checksums; the old container has none, and names and numbers may be others.
            read_damaged(bytes,
                         [&](const tern::checkpoint_file& file) { CHECK((!p.zip || same_tensors(twin, file))); });
            bytes[at] = static_cast<char>(bytes[at] ^ flip);
        }
    }
}
