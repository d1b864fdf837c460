// Networks in C give the logits that those in C++ give, bit for bit, on threads of every kind.
#include <cstdio>
#include <string>
#include <thread>

#include <tern/c_api.h>
#include <tern/model.hpp>

#include "c_support.hpp"

using namespace tern_test;

namespace {

std::string demo_network() { return std::string(TERN_TEST_DATA) + "/../../examples/data/mnist_small.tern.safetensors"; }

std::vector<std::uint8_t> any_image(std::size_t n) {
    std::mt19937 random(95);
    std::vector<std::uint8_t> image(n * 28 * 28);
    for (auto& v : image)
        v = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
    return image;
}

std::vector<float> expected_logits(const std::vector<std::uint8_t>& image, std::size_t n) {
    auto model = tern::load_network(demo_network().c_str());
    REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
    tern::network_options options;
    options.u8_images = true;
    auto net = tern::network::create(model->g, {n, 32, 32}, options);
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    std::vector<float> logits(n * net->classes());
    auto memory = tern::make_buffer<unsigned char>(net->workspace_bytes(n));
    REQUIRE(memory.ok());
    REQUIRE(net->run(tern::nhwc<const std::uint8_t>(image.data(), n, 28, 28, 1), logits.data(),
                     {memory->data(), memory->bytes()})
                .ok());
    return logits;
}

struct c_network {
    tern_network* network = nullptr;
    std::size_t n, classes = 0, bytes = 0;

    explicit c_network(std::size_t images, std::size_t slices = 1) : n(images) {
        REQUIRE_C(tern_network_load(demo_network().c_str(), nullptr, &network));
        tern_network_shape shape = init<tern_network_shape>();
        REQUIRE_C(tern_network_reshape(network, TERN_TYPE_U8, n, 28, 28, 0, slices, &shape));
        CHECK(shape.n == n);
        CHECK(shape.h * shape.w == 1);
        classes = shape.c;
        bytes = shape.workspace_bytes;
    }
    c_network(const c_network&) = delete;
    c_network& operator=(const c_network&) = delete;
    ~c_network() { tern_network_release(network); }

    std::vector<float> run(const std::vector<std::uint8_t>& image, tern_workspace memory,
                           const tern_executor* threads = nullptr) const {
        std::vector<float> logits(n * classes);
        run_to(image, logits.data(), memory, threads);
        return logits;
    }
    void run_to(const std::vector<std::uint8_t>& image, float* logits, tern_workspace memory,
                const tern_executor* threads) const {
        const tern_tensor images = tern_nhwc(image.data(), TERN_TYPE_U8, n, 28, 28, 1);
        const tern_tensor out = tern_nhwc(logits, TERN_F32, n, 1, 1, classes);
        const tern_status s = tern_network_run(network, &images, &out, 1, memory, threads);
        if (s != TERN_OK)
            std::printf("%s\n", tern_last_error());
        CHECK(s == TERN_OK);
    }
};

}  // namespace

TEST_CASE("a network from a file in C has the logits of C++") {
    const auto image = any_image(3);
    const c_network net(3);
    CHECK(tern_network_input_channels(net.network) == 1);
    CHECK(tern_network_output_count(net.network) == 1);
    CHECK(tern_network_reads_u8(net.network) == 1);
    c_memory memory(net.bytes);
    const auto expected = expected_logits(image, 3);
    CHECK(net.run(image, memory.get()) == expected);

    // The same from memory.
    std::FILE* f = std::fopen(demo_network().c_str(), "rb");
    REQUIRE(f != nullptr);
    std::vector<unsigned char> bytes(1 << 22);
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), f));
    std::fclose(f);
    tern_network* other = nullptr;
    REQUIRE_C(tern_network_load_memory(bytes.data(), bytes.size(), nullptr, &other));
    bytes.assign(bytes.size(), 0xff);
    std::vector<float> logits(expected.size());
    const tern_tensor images = tern_nhwc(image.data(), TERN_TYPE_U8, 3, 28, 28, 1);
    const tern_tensor out = tern_nhwc(logits.data(), TERN_F32, 3, 1, 1, net.classes);
    REQUIRE_C(tern_network_run(other, &images, &out, 1, memory.get(), nullptr));
    CHECK(logits == expected);
    tern_network_release(other);
}

TEST_CASE("files that are none, options that are none and sizes that do not fit are errors in C") {
    tern_network* net = nullptr;
    check_c_error(tern_network_load("no such file", nullptr, &net), TERN_NOT_FOUND, "no such file");
    check_c_error(tern_network_load_memory("nonsense", 8, nullptr, &net), TERN_BAD_FORMAT, "");
    tern_network_options options = init<tern_network_options>();
    options.kind = "transformer";
    check_c_error(tern_network_load(demo_network().c_str(), &options, &net), TERN_INVALID_ARGUMENT, "transformer");
    options.kind = nullptr;
    options.preprocess = "sepia";
    check_c_error(tern_network_load(demo_network().c_str(), &options, &net), TERN_INVALID_ARGUMENT, "sepia");
    const c_network loaded(1);
    tern_network_shape shape = init<tern_network_shape>();
    check_c_error(tern_network_reshape(loaded.network, TERN_F32, 1, 2, 2, 5, 1, &shape), TERN_INVALID_ARGUMENT, "");
    CHECK(tern_network_class_name(loaded.network, 1000) == nullptr);
    check_c_error(tern_network_reshape(loaded.network, TERN_F16, 1, 32, 32, 0, 1, &shape), TERN_INVALID_ARGUMENT,
                  "f16");
}

TEST_CASE("one network is run by threads of a pool, of a team, and by many callers at once") {
    constexpr std::size_t threads = 8;
    const auto image = any_image(2);
    const auto expected = expected_logits(image, 2);
    const c_network net(2, threads);

    // A pool.
    tern_executor pool = init<tern_executor>();
    pool.slices = threads;
    pool.parallel_for = [](void*, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
        std::vector<std::thread> started;
        for (std::size_t i = 0; i < n; ++i)
            started.emplace_back([=] { task(arg, i); });
        for (auto& t : started)
            t.join();
    };
    c_memory memory(net.bytes);
    CHECK(net.run(image, memory.get(), &pool) == expected);

    // A pool that fails.
    pool.failed = [](void*) { return 1; };
    std::vector<float> logits(expected.size());
    const tern_tensor images = tern_nhwc(image.data(), TERN_TYPE_U8, 2, 28, 28, 1);
    const tern_tensor out = tern_nhwc(logits.data(), TERN_F32, 2, 1, 1, net.classes);
    check_c_error(tern_network_run(net.network, &images, &out, 1, memory.get(), &pool), TERN_NOT_RUN, "");

    // A team: all threads call.
    tern_barrier* barrier = nullptr;
    REQUIRE_C(tern_barrier_create(threads, &barrier));
    logits.assign(logits.size(), -1.0f);
    std::vector<std::thread> team;
    for (std::size_t i = 0; i < threads; ++i)
        team.emplace_back([&, i] {
            tern_executor member = init<tern_executor>();
            member.ctx = barrier;
            member.barrier = tern_barrier_wait;
            member.slices = threads;
            member.index = i;
            net.run_to(image, logits.data(), memory.get(), &member);
        });
    for (auto& t : team)
        t.join();
    tern_barrier_release(barrier);
    CHECK(logits == expected);

    // Callers with a workspace each.
    std::vector<std::vector<float>> results(threads);
    std::vector<std::thread> callers;
    for (std::size_t i = 0; i < threads; ++i)
        callers.emplace_back([&, i] {
            c_memory mine(net.bytes);
            results[i] = net.run(image, mine.get());
        });
    for (auto& t : callers)
        t.join();
    for (const auto& r : results)
        CHECK(r == expected);
}
