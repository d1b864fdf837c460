#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include <tern/model/safetensors.hpp>

#include "safetensors_support.hpp"

using tern::data_type;
using tern::errc;
using tern::safetensors_writer;
using tern::tensor_dims;
using tern::tensor_info;
using namespace tern_test;

TEST_CASE("a written file reads back the same from memory") {
    bytes out;
    REQUIRE(small_writer().write(out).ok());
    const auto file = load(out);
    REQUIRE_MESSAGE(file.ok(), file.message());
    REQUIRE(file->size() == 5);
    check_in_range(*file, out);

    const tensor_info* w = file->find("b.weight");
    REQUIRE(w != nullptr);
    CHECK(w->dtype == data_type::f32);
    CHECK(w->shape == tensor_dims{2, 3});
    CHECK(w->count() == 6);
    float floats[6];
    REQUIRE(tern::read_floats(*w, floats, 6).ok());
    CHECK(std::memcmp(floats, stored_floats, sizeof floats) == 0);

    double doubles[2];
    REQUIRE(tern::read_doubles(*file->find("a.doubles"), doubles, 2).ok());
    CHECK(doubles[0] == 0.1);
    CHECK(doubles[1] == -1e300);

    std::int64_t ints[3];
    REQUIRE(tern::read_ints(*file->find("codes"), ints, 3).ok());
    CHECK((ints[0] == -1 && ints[1] == 0 && ints[2] == 1));
    const tensor_info* steps = file->find("steps");
    CHECK(steps->shape.rank() == 0);
    REQUIRE(tern::read_ints(*steps, ints, 1).ok());
    CHECK(ints[0] == -7);
    CHECK(file->find("none")->bytes == 0);
    CHECK(tern::read_floats(*file->find("none"), nullptr, 0).ok());

    CHECK(file->find("b.weigh") == nullptr);
    CHECK(file->find("b.weight2") == nullptr);
    CHECK(file->find("") == nullptr);
    CHECK(file->find("zzz") == nullptr);
    REQUIRE(file->metadata("format") != nullptr);
    CHECK(*file->metadata("format") == "1");
    CHECK(*file->metadata("text") == "line\n\"quoted\" \xC3\xA4 \x01");
    CHECK(file->metadata("forma") == nullptr);
    REQUIRE(file->metadata().size() == 2);
    CHECK(file->metadata()[0].key == "format");
}

TEST_CASE("the writer's bytes are as the format describes them") {
    bytes out;
    const unsigned char u8 = 9;
    const float f = 1.0f;
    safetensors_writer w;
    REQUIRE(w.add("b", data_type::u8, {}, &u8).ok());
    REQUIRE(w.add("c", data_type::f32, {1}, &f).ok());
    REQUIRE(w.add("a", data_type::f32, {1, 1}, &f).ok());
    REQUIRE(w.set_metadata("k", "v").ok());
    REQUIRE(w.write(out).ok());
    std::string header =
        R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},)"
        R"("c":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}})";
    header.append((8 - header.size() % 8) % 8, ' ');
    bytes expected = make_file(header, 9);
    std::memcpy(expected.data() + 8 + header.size(), &f, 4);
    std::memcpy(expected.data() + 12 + header.size(), &f, 4);
    expected.back() = 9;
    CHECK(out == expected);

    bytes empty;
    REQUIRE(safetensors_writer().write(empty).ok());
    CHECK(empty == make_file("{}      ", 0));
    CHECK(load(empty).ok());
}

TEST_CASE("the writer's bytes do not depend on the order of the calls") {
    const float f[2] = {1, 2};
    safetensors_writer a, b;
    for (const char* name : {"x", "y", "z"})
        CHECK(a.add(name, data_type::f32, {2}, f).ok());
    for (const char* name : {"z", "x", "y"})
        CHECK(b.add(name, data_type::f32, {2}, f).ok());
    CHECK(a.set_metadata("p", "1").ok());
    CHECK(a.set_metadata("q", "2").ok());
    CHECK(b.set_metadata("q", "replaced").ok());
    CHECK(b.set_metadata("q", "2").ok());
    CHECK(b.set_metadata("p", "1").ok());
    bytes first, second, again;
    REQUIRE(a.write(first).ok());
    REQUIRE(b.write(second).ok());
    REQUIRE(a.write(again).ok());
    CHECK(first == second);
    CHECK(first == again);
}

TEST_CASE("every tensor of a written file is aligned for its type") {
    bytes out;
    REQUIRE(small_writer().write(out).ok());
    const auto file = load(out);
    REQUIRE(file.ok());
    for (const tensor_info& t : file->tensors())
        CHECK(static_cast<std::size_t>(t.data - out.data()) % tern::dtype_size(t.dtype) == 0);
}

TEST_CASE("the writer refuses names, shapes and pointers that no file may have") {
    safetensors_writer w;
    const float f[4] = {};
    REQUIRE(w.add("x", data_type::f32, {4}, f).ok());
    check_refused(w.add("x", data_type::f32, {4}, f), errc::invalid_argument, {"\"x\"", "taken"});
    check_refused(w.add("", data_type::f32, {4}, f), errc::invalid_argument, {"name", "1 to 4096", "found 0"});
    check_refused(w.add(std::string(4097, 'n'), data_type::f32, {4}, f), errc::invalid_argument, {"4096", "4097"});
    check_refused(w.add("__metadata__", data_type::f32, {4}, f), errc::invalid_argument, {"reserved"});
    check_refused(w.add("a\nb", data_type::f32, {4}, f), errc::invalid_argument, {"a?b", "0x0a"});
    check_refused(w.add(std::string_view("a\0b", 3), data_type::f32, {4}, f), errc::invalid_argument, {"0x00"});
    for (const char* bad : {"\xFF", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\x80", "\xE2\x82"})
        check_refused(w.add(bad, data_type::f32, {4}, f), errc::invalid_argument, {"UTF-8"});
    check_refused(w.add("y", data_type::f32, {4}, nullptr), errc::invalid_argument, {"\"y\"", "16 bytes", "null"});
    check_refused(w.add("y", static_cast<data_type>(99), {4}, f), errc::invalid_argument, {"data_type", "99"});
    check_refused(w.add("y", data_type::f32, {1, 1, 1, 1, 1, 1, 1, 1, 4}, f), errc::invalid_argument,
                  {"\"y\"", "8 dimensions"});
    check_refused(w.add("y", data_type::f32, {std::numeric_limits<std::size_t>::max() / 4}, f), errc::invalid_argument,
                  {"\"y\"", "overflows"});
    check_refused(w.set_metadata("", "v"), errc::invalid_argument, {"metadata key"});
    check_refused(w.set_metadata("k", "\xFE"), errc::invalid_argument, {"\"k\"", "UTF-8"});

    // None of that left a trace.
    bytes out;
    REQUIRE(w.write(out).ok());
    const auto file = load(out);
    REQUIRE(file.ok());
    CHECK(file->size() == 1);
    CHECK(file->metadata().empty());

    // Names that are fine, however odd.
    CHECK(w.add("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 \"\\/", data_type::f32, {4}, f).ok());
    REQUIRE(w.write(out).ok());
    const auto odd = load(out);
    REQUIRE_MESSAGE(odd.ok(), odd.message());
    CHECK(odd->find("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 \"\\/") != nullptr);
}

TEST_CASE("the writer makes nothing that the reader refuses as too long") {
    const float f = 1;
    safetensors_writer w;
    REQUIRE(w.set_metadata("long", std::string((4u << 20) + 1, 'x')).ok());
    bytes out = {1, 2, 3};
    check_refused(w.write(out), errc::invalid_argument, {"4194304", "string"});
    CHECK(out == bytes{1, 2, 3});
    REQUIRE(w.set_metadata("long", std::string(4u << 20, 'x')).ok());
    REQUIRE(w.add(std::string(4096, 'n'), data_type::f32, {}, &f).ok());
    REQUIRE(w.write(out).ok());
    const auto file = load(out);
    REQUIRE_MESSAGE(file.ok(), file.message());
    CHECK(file->metadata("long")->size() == 4u << 20);
}
