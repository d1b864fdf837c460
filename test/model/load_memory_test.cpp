#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "../support/allocation_counters.hpp"
#include "network_support.hpp"

using namespace tern_test;
using tern::errc;

namespace {

using bytes = std::vector<unsigned char>;

/// What docs/formats.md promises of a file of this size.
std::size_t promise(std::size_t file_bytes) { return 8 * file_bytes + (64u << 20); }

/// Counts what the library's own buffers take.
class tracking_allocator {
public:
    tern::allocator get() { return {this, allocate, deallocate}; }
    std::size_t peak() const { return peak_; }

private:
    static void* allocate(void* ctx, std::size_t size, std::size_t alignment) {
        auto& self = *static_cast<tracking_allocator*>(ctx);
        self.peak_ = std::max(self.peak_, self.held_ += size);
        return ::operator new (size, std::align_val_t{alignment});
    }
    static void deallocate(void* ctx, void* p, std::size_t size, std::size_t alignment) {
        static_cast<tracking_allocator*>(ctx)->held_ -= size;
        ::operator delete (p, std::align_val_t{alignment});
    }

    std::size_t held_ = 0, peak_ = 0;
};

/// Reads `file` and checks what that took, at most; what the reader said. `read(file, allocator)` gives a status.
template <class Read>
tern::status read_within(std::size_t most, const bytes& file, Read&& read) {
    tern::status said;
    tracking_allocator memory;
    const std::size_t peak = peak_of([&] {
        const auto opened = tern::safetensors_file::load(file.data(), file.size());
        said = opened.ok() ? read(*opened, memory.get()) : opened.status();
    });
    CAPTURE(std::string(said.message()));
    CHECK(memory.peak() <= most);
    CHECK(peak <= most);  // 0 where operator new is not counted
    return said;
}
tern::status read_sttn_within(std::size_t most, const bytes& file) {
    return read_within(most, file, [](const tern::safetensors_file& f, const tern::allocator& memory) {
        tern::sttn_options options;
        options.memory = memory;
        return tern::read_sttn(f, options).status();
    });
}

void add_floats(tern::safetensors_writer& w, const std::string& name, const tern::tensor_dims& shape, float value = 1) {
    const std::vector<float> values(shape.count().value, value);
    bytes data(values.size() * sizeof(float));
    std::memcpy(data.data(), values.data(), data.size());
    REQUIRE(w.add_owned(name, tern::data_type::f32, shape, std::move(data)).ok());
}
void add_f16(tern::safetensors_writer& w, const std::string& name, const tern::tensor_dims& shape) {
    bytes data(2 * shape.count().value);
    for (std::size_t i = 1; i < data.size(); i += 2)
        data[i] = 0x3C;  // 1
    REQUIRE(w.add_owned(name, tern::data_type::f16, shape, std::move(data)).ok());
}
void add_norm(tern::safetensors_writer& w, const std::string& name) {
    bytes data(16);
    const double one = 1;
    std::memcpy(data.data(), &one, 8);
    REQUIRE(w.add_owned(name + ".folded", tern::data_type::f64, {2, 1}, std::move(data)).ok());
}

/// A packed STTN of one channel: blocks of two convolutions of k x k weights, five to a byte in the file and 16 bytes
/// each as planes.
bytes one_channel_network(std::size_t blocks, std::size_t k) {
    tern::safetensors_writer w;
    add_floats(w, "features.0.weight", {1, 1, 3, 3});
    add_norm(w, "features.1");
    add_floats(w, "features.2.weight", {1});
    for (std::size_t b = 0; b < blocks; ++b)
        for (const char* digit : {"1", "2"}) {
            const std::string block = "features." + std::to_string(3 + b) + ".", conv = block + "conv" + digit;
            add_norm(w, block + "bn" + digit);
            add_norm(w, block + "bn_add" + digit);
            add_floats(w, block + "prelu" + digit + ".weight", {1});
            const std::size_t n = k * k;
            bytes codes(tern::base3_bytes(n), 242);  // +1
            if (n % 5 != 0) {
                unsigned last = 0;
                for (std::size_t i = 0; i < n % 5; ++i)
                    last = last * 3 + 2;
                codes.back() = static_cast<unsigned char>(last);
            }
            const std::size_t size = codes.size();
            REQUIRE(w.add_owned(conv + ".codes", tern::data_type::u8, {size}, std::move(codes)).ok());
            add_floats(w, conv + ".scale", {1});
            add_floats(w, conv + ".bias", {1});
            const std::string side = std::to_string(k);
            REQUIRE(w.set_metadata("tern.shape." + conv, "1x1x" + side + "x" + side).ok());
        }
    add_floats(w, "fc.weight", {10, 1});
    add_floats(w, "fc.bias", {10});
    REQUIRE(w.set_metadata("tern.format", "sttn").ok());
    REQUIRE(w.set_metadata("tern.version", "1").ok());
    bytes file;
    REQUIRE(w.write(file).ok());
    return file;
}

/// A file with that header and no data.
bytes header_only(const std::string& header) {
    bytes file(8 + header.size());
    const std::uint64_t length = header.size();
    std::memcpy(file.data(), &length, 8);
    std::memcpy(file.data() + 8, header.data(), header.size());
    return file;
}

}  // namespace

TEST_CASE("a load stays within 8 times the file and 64 MiB: planes of one channel") {
    // One huge kernel, which is refused, and many small ones.
    const bytes huge = one_channel_network(1, 4001);
    check_refused(read_sttn_within(promise(huge.size()), huge), errc::unsupported,
                  {"features.3.conv1.codes", "8 times", "32 MiB"});
    check_refused(read_sttn_within(1u << 20, one_channel_network(1, 65)), errc::bad_format,
                  {"features.3.conv1", "an odd k below 64", "[1, 1, 65, 65]"});
    const bytes many = one_channel_network(1000, 63);
    check_refused(read_sttn_within(promise(many.size()), many), errc::unsupported,
                  {"features.", ".codes", "8 times", "32 MiB"});
    // As many tensors with less in them are no problem, nor are a few large kernels.
    for (const bytes& small : {one_channel_network(1000, 3), one_channel_network(20, 63)}) {
        const tern::status s = read_sttn_within(promise(small.size()), small);
        CHECK_MESSAGE(s.ok(), std::string(s.message()));
    }
}

TEST_CASE("a load stays within 8 times the file and 64 MiB: binary codes of one output channel") {
    for (const std::size_t count : {std::size_t{8} << 20, std::size_t{80000000}}) {
        tern::safetensors_writer w;
        REQUIRE(w.add_owned("X.codes", tern::data_type::u8, {count / 8}, bytes(count / 8, 0x55)).ok());
        add_floats(w, "X.scale", {1});
        REQUIRE(w.set_metadata("tern.shape.X", "1x" + std::to_string(count / 4) + "x2x2").ok());
        REQUIRE(w.set_metadata("tern.code.X", "b").ok());
        bytes file;
        REQUIRE(w.write(file).ok());
        tern::result<tern::code_weights> weights = tern::code_weights{};
        // Planes, and a byte for each bit of a row.
        const tern::status s = read_within(4 * file.size() + (1u << 20), file,
                                           [&](const tern::safetensors_file& f, const tern::allocator& memory) {
                                               weights = tern::read_code_weights(f, "X", memory);
                                               const tern::status said = weights.status();
                                               CHECK(tern::get_code(*weights, 0, 0, 0) == -1);
                                               CHECK(tern::get_code(*weights, 0, 1, 0) == 1);  // bit 1
                                               weights = tern::code_weights{};
                                               return said;
                                           });
        CHECK_MESSAGE(s.ok(), std::string(s.message()));
    }
}

TEST_CASE("a load stays within 8 times the file and 64 MiB: F16 weights on a flattened map of one channel") {
    tern::safetensors_writer w;
    const auto norm = [&](const std::string& name, std::size_t channels) {
        for (const char* part : {"weight", "bias", "running_mean", "running_var"})
            add_floats(w, name + "." + part, {channels});
    };
    constexpr std::size_t features = 4600;
    add_f16(w, "conv1.weight", {1, 1, 1, 1});
    norm("bn_conv1", 1);
    add_f16(w, "fc1.weight", {features, 64 * 64, 1, 1});
    norm("bn_fc1", features);
    add_f16(w, "fc2.weight", {10, features});
    bytes file;
    REQUIRE(w.write(file).ok());
    const tern::status s =
        read_within(promise(file.size()), file, [](const tern::safetensors_file& f, const tern::allocator& memory) {
            tern::twn_reader_options options;
            options.memory = memory;
            return tern::read_twn(f, options).status();
        });
    check_refused(s, errc::unsupported, {"fc1.weight", "8 times"});
}

TEST_CASE("a load stays within 8 times the file and 64 MiB: headers") {
    const auto read = [](const std::string& header) {
        const bytes file = header_only(header);
        return read_sttn_within(promise(file.size()), file);
    };
    std::string tensors = "{", metadata = "{\"__metadata__\":{";
    for (std::size_t i = 0; i < 200000; ++i)
        tensors += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
    check_refused(read(tensors + "}"), errc::not_found, {"features.0.weight"});
    for (std::size_t i = 0; i < 60000; ++i)
        metadata += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":"0123456789012345")";
    check_refused(read(metadata + "}}"), errc::not_found, {"features.0.weight"});
    check_refused(read("{\"" + std::string(4u << 20, 'x') + "\":{}}"), errc::bad_format, {"name"});
    check_refused(read("{\"__metadata__\":{\"a\":\"" + std::string((4u << 20) - 2, 'x') + "\"}}"), errc::not_found, {});
    check_refused(read("{" + std::string(1u << 20, ' ') + "}"), errc::bad_format, {"4096"});
}

TEST_CASE("trained networks take a few times their files") {
    for (const std::string& path :
         {data_path("mnist_small_merged"), data_path("mnist_tiny_raw"), demo_path("mnist_small.tern")}) {
        CAPTURE(path);
        const edited_file file(path);
        const tern::status s = read_sttn_within(4 * file.bytes().size() + (1u << 18), file.bytes());
        CHECK_MESSAGE(s.ok(), std::string(s.message()));
    }
}
