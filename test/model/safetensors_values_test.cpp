#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <tern/model/safetensors.hpp>

#include "safetensors_support.hpp"

using tern::data_type;
using tern::errc;
using tern::safetensors_file;
using tern::safetensors_writer;
using tern::tensor_dims;
using tern::tensor_info;
using namespace tern_test;

TEST_CASE("dtype names and sizes belong together") {
    const std::size_t sizes[tern::data_type_count] = {1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8};
    for (std::size_t i = 0; i < tern::data_type_count; ++i) {
        const auto t = static_cast<data_type>(i);
        CHECK(tern::dtype_size(t) == sizes[i]);
        CHECK(tern::dtype_from_name(tern::dtype_name(t)) == t);
    }
    CHECK(std::string(tern::dtype_name(data_type::boolean)) == "BOOL");
    CHECK(std::string(tern::dtype_name(data_type::bf16)) == "BF16");
    CHECK_FALSE(tern::dtype_from_name("f32"));
    CHECK_FALSE(tern::dtype_from_name("?"));
}

TEST_CASE("shapes count their elements and notice overflow") {
    CHECK(tensor_dims{}.count().value == 1);
    CHECK(tensor_dims{2, 3, 4}.count().value == 24);
    CHECK(tensor_dims{2, 0, 4}.count().value == 0);
    constexpr std::size_t huge = std::size_t{1} << (sizeof(std::size_t) * 8 - 2);
    CHECK_FALSE(tensor_dims{huge, 4}.count().ok());
    CHECK_FALSE(tensor_dims{0, huge, 4}.count().ok());
    CHECK_FALSE(tensor_dims{1, 1, 1, 1, 1, 1, 1, 1, 1}.valid());
    CHECK(tensor_dims{2, 3} == tensor_dims{2, 3});
    CHECK(tensor_dims{2, 3} != tensor_dims{2, 3, 1});
    CHECK(tensor_dims{2, 3} != tensor_dims{3, 2});
    CHECK(tern::to_string({6, 1, 3, 3}) == "[6, 1, 3, 3]");
    CHECK(tern::to_string(tensor_dims{}) == "[]");
}

TEST_CASE("floats are read by exact rules") {
    const auto info = [](data_type t, const void* data, std::size_t n) {
        tensor_info i;
        i.name = "t";
        i.dtype = t;
        i.shape = {n};
        i.data = static_cast<const unsigned char*>(data);
        i.bytes = n * tern::dtype_size(t);
        return i;
    };
    const auto bits = [](float v) {
        std::uint32_t b;
        std::memcpy(&b, &v, sizeof b);
        return b;
    };
    SUBCASE("F16: zero, subnormals, normals, infinity, NaN") {
        const std::uint16_t in[] = {0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00,
                                    0x3555, 0xC000, 0x7BFF, 0x7C00, 0xFC00, 0x7E01};
        const std::uint32_t expected[] = {0x00000000, 0x80000000, 0x33800000, 0xB87FC000, 0x38800000, 0x3F800000,
                                          0x3EAAA000, 0xC0000000, 0x477FE000, 0x7F800000, 0xFF800000, 0x7FC02000};
        float out[12];
        double wide[12];
        REQUIRE(tern::read_floats(info(data_type::f16, in, 12), out, 12).ok());
        REQUIRE(tern::read_doubles(info(data_type::f16, in, 12), wide, 12).ok());
        for (int i = 0; i < 12; ++i) {
            CHECK(bits(out[i]) == expected[i]);
            CHECK((wide[i] == static_cast<double>(out[i]) || std::isnan(out[i])));
        }
        CHECK(std::isnan(wide[11]));
        CHECK(out[2] == 0x1p-24f);
    }
    SUBCASE("BF16 is the upper half of a float") {
        const std::uint16_t in[] = {0x3F80, 0x8001, 0x7F80, 0xFFC1};
        float out[4];
        REQUIRE(tern::read_floats(info(data_type::bf16, in, 4), out, 4).ok());
        for (int i = 0; i < 4; ++i)
            CHECK(bits(out[i]) == std::uint32_t{in[i]} << 16);
        double wide[4];
        REQUIRE(tern::read_doubles(info(data_type::bf16, in, 4), wide, 4).ok());
        CHECK(wide[0] == 1.0);
    }
    SUBCASE("F32 keeps every bit, of signalling NaNs too") {
        const std::uint32_t in[] = {0x7F800001, 0x80000000, 0x00000001};
        float out[3];
        REQUIRE(tern::read_floats(info(data_type::f32, in, 3), out, 3).ok());
        CHECK(std::memcmp(in, out, sizeof in) == 0);
    }
    SUBCASE("F64 rounds to nearest even; beyond the floats is an error") {
        const double fine[] = {0.1,
                               1.0 + 0x1p-24,
                               1.0 + 0x1.8p-23,
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN(),
                               0x1.fffffefffffffp127,
                               1e-300};
        float out[7];
        REQUIRE(tern::read_floats(info(data_type::f64, fine, 7), out, 7).ok());
        CHECK(out[0] == 0.1f);
        CHECK(out[1] == 1.0f);
        CHECK(out[2] == 1.0f + 0x1p-22f);
        CHECK(out[3] == -std::numeric_limits<float>::infinity());
        CHECK(std::isnan(out[4]));
        CHECK(out[5] == std::numeric_limits<float>::max());
        CHECK(out[6] == 0.0f);
        for (const double bad : {0x1.ffffffp127, -1e300}) {
            const double in[] = {1.0, bad};
            check_refused(tern::read_floats(info(data_type::f64, in, 2), out, 2), errc::bad_value,
                          {"\"t\"", "element 1", "found"});
            double wide[2];
            REQUIRE(tern::read_doubles(info(data_type::f64, in, 2), wide, 2).ok());
            CHECK(wide[1] == bad);
        }
    }
    SUBCASE("other types and counts name both sides") {
        const float in[4] = {};
        float out[4];
        double wide[4];
        std::int64_t ints[4];
        check_refused(tern::read_floats(info(data_type::f32, in, 4), out, 3), errc::bad_format,
                      {"\"t\"", "expected 3", "found 4", "[4]"});
        check_refused(tern::read_doubles(info(data_type::f32, in, 4), wide, 5), errc::bad_format,
                      {"expected 5", "found 4"});
        check_refused(tern::read_ints(info(data_type::i8, in, 4), ints, 5), errc::bad_format,
                      {"expected 5", "found 4"});
        check_refused(tern::read_floats(info(data_type::i32, in, 4), out, 4), errc::bad_format,
                      {"\"t\"", "F32", "found I32"});
        check_refused(tern::read_doubles(info(data_type::u8, in, 4), wide, 4), errc::bad_format,
                      {"\"t\"", "F64", "found U8"});
        check_refused(tern::read_ints(info(data_type::f32, in, 4), ints, 4), errc::bad_format,
                      {"\"t\"", "integer", "found F32"});
        check_refused(tern::read_floats(info(data_type::f8_e4m3, in, 4), out, 4), errc::bad_format, {"F8_E4M3"});
    }
    SUBCASE("integers of every width, misaligned") {
        const auto widened = [&](data_type t, std::int64_t v) {
            unsigned char raw[9] = {};
            std::memcpy(raw + 1, &v, sizeof v);
            std::int64_t out = 99;
            CHECK(tern::read_ints(info(t, raw + 1, 1), &out, 1).ok());
            return out;
        };
        CHECK(widened(data_type::i8, -128) == -128);
        CHECK(widened(data_type::u8, 255) == 255);
        CHECK(widened(data_type::i16, -32768) == -32768);
        CHECK(widened(data_type::u16, 65535) == 65535);
        CHECK(widened(data_type::i32, -2147483647) == -2147483647);
        CHECK(widened(data_type::u32, 4294967295) == 4294967295);
        CHECK(widened(data_type::i64, std::numeric_limits<std::int64_t>::min()) ==
              std::numeric_limits<std::int64_t>::min());
        CHECK(widened(data_type::u64, std::numeric_limits<std::int64_t>::max()) ==
              std::numeric_limits<std::int64_t>::max());
        CHECK(widened(data_type::boolean, 1) == 1);
        CHECK(widened(data_type::boolean, 0) == 0);

        std::int64_t out[2];
        const unsigned char two[2] = {1, 2};
        check_refused(tern::read_ints(info(data_type::boolean, two, 2), out, 2), errc::bad_value,
                      {"\"t\"", "element 1", "BOOL", "found 2"});
        const std::uint64_t big = std::uint64_t{1} << 63;
        check_refused(tern::read_ints(info(data_type::u64, &big, 1), out, 1), errc::bad_value,
                      {"\"t\"", "9223372036854775808"});
    }
    SUBCASE("floats at an odd address") {
        unsigned char raw[17];
        std::memcpy(raw + 1, stored_floats, 16);
        float out[4];
        REQUIRE(tern::read_floats(info(data_type::f32, raw + 1, 4), out, 4).ok());
        CHECK(std::memcmp(out, stored_floats, sizeof out) == 0);
        double wide[2];
        std::memcpy(raw + 1, some_doubles, 16);
        REQUIRE(tern::read_doubles(info(data_type::f64, raw + 1, 2), wide, 2).ok());
        CHECK(wide[1] == some_doubles[1]);
    }
}

TEST_CASE("many tensors are found by name, in the order of the header") {
    const unsigned char one = 1;
    safetensors_writer w;
    for (int i = 0; i < 20000; ++i)
        REQUIRE(w.add("tensor." + std::to_string(i), data_type::u8, {1}, &one).ok());
    bytes out;
    REQUIRE(w.write(out).ok());
    const auto file = load(out);
    REQUIRE(file.ok());
    REQUIRE(file->size() == 20000);
    bool all = true;
    for (int i = 0; i < 20000; ++i)
        all = all && file->find("tensor." + std::to_string(i)) != nullptr;
    CHECK(all);
    CHECK(file->find("tensor.20000") == nullptr);

    const bytes unsorted =
        make_file("{" + entry("z", "U8", "[1]", 2, 3) + "," + entry("a", "U8", "[2]", 0, 2) + "}", 3);
    const auto other = load(unsorted);
    REQUIRE_MESSAGE(other.ok(), other.message());
    CHECK(other->tensor(0).name == "z");
    CHECK(other->tensor(0).data[0] == 2);
    CHECK(other->tensor(1).name == "a");
    CHECK(other->find("a") == &other->tensor(1));
}

TEST_CASE("trained networks are read as they are") {
    const auto merged = safetensors_file::open(TERN_TEST_DATA "/mnist_tiny_merged.safetensors");
    REQUIRE_MESSAGE(merged.ok(), merged.message());
    const tensor_info* stem = merged->find("module.features.0.weight");
    REQUIRE(stem != nullptr);
    CHECK(stem->shape == tensor_dims{6, 1, 3, 3});
    CHECK(stem->dtype == data_type::f32);
    const tensor_info* batches = merged->find("module.features.1.num_batches_tracked");
    REQUIRE(batches != nullptr);
    CHECK(batches->dtype == data_type::i64);
    CHECK(batches->shape.rank() == 0);
    std::int64_t count = 0;
    REQUIRE(tern::read_ints(*batches, &count, 1).ok());
    CHECK(count > 0);

    // Merged: one magnitude per channel.
    const tensor_info* conv = merged->find("module.features.4.conv1.weight");
    REQUIRE(conv != nullptr);
    CHECK(conv->shape == tensor_dims{6, 6, 3, 3});
    std::vector<float> t(conv->count());
    REQUIRE(tern::read_floats(*conv, t.data(), t.size()).ok());
    for (std::size_t o = 0; o < 6; ++o) {
        float s = 0;
        for (std::size_t k = 0; k < 54; ++k)
            s = std::fmax(s, std::fabs(t[o * 54 + k]));
        for (std::size_t k = 0; k < 54; ++k)
            CHECK((t[o * 54 + k] == 0 || std::fabs(t[o * 54 + k]) == s));
        CHECK(s > 0);
    }

    // Raw: a pair of filters, biases that add up to the merged ones, all else the same.
    const auto raw = safetensors_file::open(TERN_TEST_DATA "/mnist_tiny_raw.safetensors");
    REQUIRE_MESSAGE(raw.ok(), raw.message());
    CHECK(raw->find("module.features.4.conv1.weight") == nullptr);
    const tensor_info* w1 = raw->find("module.features.5.conv2_1.weight");
    REQUIRE(w1 != nullptr);
    CHECK(w1->shape == tensor_dims{12, 12, 3, 3});
    float b1[6], b2[6], b[6];
    REQUIRE(tern::read_floats(*raw->find("module.features.4.conv1_1.bias"), b1, 6).ok());
    REQUIRE(tern::read_floats(*raw->find("module.features.4.conv1_2.bias"), b2, 6).ok());
    REQUIRE(tern::read_floats(*merged->find("module.features.4.conv1.bias"), b, 6).ok());
    for (int i = 0; i < 6; ++i)
        CHECK(b[i] == doctest::Approx(b1[i] + b2[i]).epsilon(1e-6));
    std::size_t shared = 0;
    for (const tensor_info& info : merged->tensors())
        if (const tensor_info* same = raw->find(info.name)) {
            ++shared;
            REQUIRE(same->bytes == info.bytes);
            CHECK(std::memcmp(same->data, info.data, info.bytes) == 0);
        }
    CHECK(shared == merged->size() - 8);  // four convolutions, weight and bias

    // Through the writer and back.
    safetensors_writer w;
    for (const tensor_info& info : merged->tensors())
        REQUIRE(w.add(info.name, info.dtype, info.shape, info.data).ok());
    bytes out;
    REQUIRE(w.write(out).ok());
    const auto copy = load(out);
    REQUIRE(copy.ok());
    REQUIRE(copy->size() == merged->size());
    for (const tensor_info& info : merged->tensors()) {
        const tensor_info* same = copy->find(info.name);
        REQUIRE(same != nullptr);
        CHECK(same->shape == info.shape);
        REQUIRE(same->bytes == info.bytes);
        CHECK(std::memcmp(same->data, info.data, info.bytes) == 0);
    }
}
