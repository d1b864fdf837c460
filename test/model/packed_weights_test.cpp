// Weights of every code through safetensors files.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/check_refused.hpp"
#include "../support/codes.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/weight_codes.hpp"
#include "network_support.hpp"

using namespace tern_test;
using tern::code_id;
using tern::errc;

namespace {

tern::code_weights any_weights(code_id code, const tern::weight_shape& shape, bool bias, std::mt19937& random) {
    const tern::code_info info = tern::get_code_info(code);
    const auto values = static_cast<unsigned>((info.max - info.weight_min) / info.step + 1);
    std::vector<std::int8_t> codes(shape.size());
    for (auto& c : codes)
        c = static_cast<std::int8_t>(info.weight_min + info.step * static_cast<int>(random() % values));
    std::vector<float> scale(shape.out_channels), b(shape.out_channels);
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        scale[o] = static_cast<float>(random() % 1000) / 7.0f;
        b[o] = static_cast<float>(random() % 1000) / -3.0f;
    }
    auto w = tern::pack_code_weights(codes.data(), shape, code, scale.data(), bias ? b.data() : nullptr);
    REQUIRE_MESSAGE(w.ok(), std::string(w.message()));
    return std::move(*w);
}

template <class T>
bool same(const tern::buffer<T>& a, const tern::buffer<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

std::vector<unsigned char> file_of(const std::string& name, const tern::code_weights& w) {
    tern::safetensors_writer out;
    std::vector<unsigned char> bytes;
    REQUIRE(tern::write_code_weights(out, name, w).ok());
    REQUIRE(out.write(bytes).ok());
    return bytes;
}

tern::safetensors_file open_bytes(const std::vector<unsigned char>& bytes) {
    auto file = tern::safetensors_file::load(bytes.data(), bytes.size());
    REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
    return std::move(*file);
}

/// A file that can be edited, with weights "w" of this code.
edited_file editable(const tern::code_weights& w) {
    edited_file made;
    const auto bytes = file_of("w", w);
    const tern::safetensors_file file = open_bytes(bytes);
    for (const tern::tensor_info& t : file.tensors())
        made.set(t.name, t.dtype, t.shape, std::vector<unsigned char>(t.data, t.data + t.bytes));
    for (const tern::metadata_entry& m : file.metadata())
        made.metadata()[m.key] = m.value;
    return made;
}

tern::result<tern::code_weights> read(const edited_file& file) {
    const auto bytes = file.bytes();
    return tern::read_code_weights(open_bytes(bytes), "w");
}

}  // namespace

TEST_CASE("weights of every code go through a file bit for bit") {
    std::mt19937 random(41);
    for (const code_id code : codes_of_weights())
        for (const tern::weight_shape& shape : {tern::weight_shape{1, 1, 1, 1},
                                                {2, 3, 3, 3},
                                                {5, 7, 1, 1},
                                                {3, 65, 2, 3},
                                                {1, 13, 3, 1},
                                                {8, 8, 1, 1},
                                                {6, 1, 5, 5}}) {
            CAPTURE(std::string(tern::code_name(code)));
            CAPTURE(shape.size());
            const tern::code_weights w = any_weights(code, shape, random() % 2 == 0, random);
            const auto bytes = file_of("features.4.conv1", w);
            const tern::safetensors_file file = open_bytes(bytes);
            const auto again = tern::read_code_weights(file, "features.4.conv1");
            REQUIRE_MESSAGE(again.ok(), std::string(again.message()));
            CHECK(again->code == code);
            CHECK(again->shape.out_channels == shape.out_channels);
            CHECK(again->shape.in_channels == shape.in_channels);
            CHECK(again->shape.kh == shape.kh);
            CHECK(again->shape.kw == shape.kw);
            CHECK(same(again->planes, w.planes));
            CHECK(same(again->bytes, w.bytes));
            CHECK(same(again->scale, w.scale));
            CHECK(same(again->bias, w.bias));
            const std::size_t stream = file.find("features.4.conv1.codes")->bytes;
            CHECK(stream == tern::dense_bytes(code, shape.size()).value);
            if (code == code_id::o3)
                CHECK(stream == (3 * shape.size() + 7) / 8);

            // The order is [o][ky][kx][i].
            std::vector<std::int8_t> codes(shape.size());
            REQUIRE(tern::decode_dense(code, file.find("features.4.conv1.codes")->data, codes.size(), codes.data(), "t")
                        .ok());
            for (std::size_t o = 0; o < shape.out_channels; ++o)
                for (std::size_t tap = 0; tap < shape.taps(); ++tap)
                    for (std::size_t i = 0; i < shape.in_channels; ++i)
                        REQUIRE(codes[(o * shape.taps() + tap) * shape.in_channels + i] ==
                                tern::get_code(w, o, i, tap));
        }
}

TEST_CASE("ternary weights are read to planes, whatever the number of channels; damaged streams are refused") {
    std::mt19937 random(43);
    for (std::size_t channels = 1; channels < 140; channels += channels < 70 ? 1 : 13)
        for (const std::size_t side : {std::size_t{1}, std::size_t{3}}) {
            const tern::weight_shape shape{1 + channels % 4, channels, side, 1};
            CAPTURE(channels);
            const tern::code_weights w = any_weights(code_id::ternary, shape, false, random);
            std::vector<unsigned char> bytes = file_of("w", w);
            const auto read = [&] {
                const tern::safetensors_file file = open_bytes(bytes);
                tern::tensor_source from(file, "", {});
                return tern::read_ternary_weights(from, "w");
            };
            const auto planes = read();
            REQUIRE_MESSAGE(planes.ok(), std::string(planes.message()));
            CHECK(same(planes->planes, w.planes));

            const tern::safetensors_file file = open_bytes(bytes);
            const tern::tensor_info& stream = *file.find("w.codes");
            const std::size_t at = static_cast<std::size_t>(stream.data - bytes.data()), last = stream.bytes - 1;
            const unsigned char first = bytes[at], end = bytes[at + last];
            bytes[at] = 243;
            check_refused(read().status(), tern::errc::bad_value, {"w.codes", "byte 0", "242", "243"});
            bytes[at] = first;
            const std::size_t in_last = shape.size() - 5 * last;
            for (std::size_t digit = in_last, power = in_last == 1   ? 3
                                                      : in_last == 2 ? 9
                                                      : in_last == 3 ? 27
                                                                     : 81;
                 digit < 5; ++digit, power *= 3) {
                bytes[at + last] = static_cast<unsigned char>(end + power);
                check_refused(read().status(), tern::errc::bad_value,
                              {"w.codes", "byte " + std::to_string(last), "behind the last code"});
            }
            bytes[at + last] = end;
            CHECK(read().ok());
        }
}

TEST_CASE("a scale may be negative, as a trained factor is") {
    std::mt19937 random(5);
    tern::code_weights w = any_weights(code_id::ternary, {3, 5, 3, 3}, false, random);
    w.scale[1] = -w.scale[1] - 0.5f;
    const auto again = read(editable(w));
    REQUIRE_MESSAGE(again.ok(), std::string(again.message()));
    CHECK(same(again->scale, w.scale));
    tern::code_weights plain = any_weights(code_id::ternary, {3, 5, 3, 3}, false, random);
    std::memcpy(plain.planes.data(), w.planes.data(), w.planes.bytes());
    std::memcpy(plain.scale.data(), w.scale.data(), w.scale.bytes());
    plain.scale[1] = -w.scale[1];
    std::vector<float> values(4 * 4 * 5), out[2];
    for (float& v : values)
        v = static_cast<float>(static_cast<int>(random() % 3) - 1);
    auto image = tern::make_packed_tensor(code_id::ternary, {1, 4, 4}, 5, tern::border::uniform(1));
    REQUIRE(image.ok());
    REQUIRE(tern::ternarize(tern::nhwc<const float>(values.data(), 1, 4, 4, 5), image->view()).ok());
    for (const bool negative : {true, false}) {
        const auto plan = tern::conv2d::create(negative ? *again : plain, code_id::ternary,
                                               tern::conv_geometry::square(1, 1), tern::chain(tern::stage::store()));
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes({1, 4, 4}));
        REQUIRE(scratch.ok());
        std::vector<float>& to = out[negative ? 1 : 0];
        to.resize(4 * 4 * 3);
        tern::conv2d_args args;
        args.input = image->view();
        args.out = tern::nhwc(to.data(), 1, 4, 4, 3);
        REQUIRE(plan->run(args, {scratch->data(), scratch->bytes()}).ok());
    }
    for (std::size_t i = 0; i < out[0].size(); ++i)
        CHECK(out[1][i] == (i % 3 == 1 ? -out[0][i] : out[0][i]));
}

TEST_CASE("several weights share a file, and the writer keeps what it needs") {
    std::mt19937 random(42);
    tern::safetensors_writer out;
    std::vector<std::vector<std::int8_t>> codes;
    for (const code_id code : codes_of_weights()) {
        const tern::code_weights w = any_weights(code, {3, 5, 3, 3}, true, random);
        codes.push_back(codes_of(w));
        REQUIRE(tern::write_code_weights(out, tern::code_name(code), w).ok());
        CHECK(tern::write_code_weights(out, tern::code_name(code), w).code() == errc::invalid_argument);
    }
    const tern::safetensors_writer copy = out;
    out = {};
    std::vector<unsigned char> bytes;
    REQUIRE(copy.write(bytes).ok());
    const tern::safetensors_file file = open_bytes(bytes);
    tern::tensor_source from(file, "", {});
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const auto w = tern::read_code_weights(from, tern::code_name(codes_of_weights()[i]));
        REQUIRE_MESSAGE(w.ok(), std::string(w.message()));
        CHECK(codes_of(*w) == codes[i]);
    }
    CHECK(from.check_all_used("the test").ok());
}

TEST_CASE("packed weights that contradict themselves are refused with what was expected and found") {
    std::mt19937 random(43);
    const tern::code_weights w =
        any_weights(code_id::o3, {2, 3, 3, 1}, true, random);  // 18 codes, 7 bytes, 2 bits over
    const auto refused = [&](errc code, const std::vector<std::string>& words, auto&& edit) {
        edited_file file = editable(w);
        edit(file);
        const auto got = read(file);
        REQUIRE_FALSE(got.ok());
        check_refused(got.status(), code, words);
    };
    const auto set_codes = [](edited_file& f, std::size_t count) {
        f.set("w.codes", tern::data_type::u8, {count}, std::vector<unsigned char>(count));
    };
    refused(errc::not_found, {"w.codes", "missing"}, [](edited_file& f) { f.erase("w.codes"); });
    refused(errc::not_found, {"w.scale", "missing"}, [](edited_file& f) { f.erase("w.scale"); });
    refused(errc::not_found, {"tern.shape.w", "missing"}, [](edited_file& f) { f.metadata().erase("tern.shape.w"); });
    refused(errc::bad_format, {"w.codes", "U8 [7]", "2x3x3x1", "'o3'", "[6]"},
            [&](edited_file& f) { set_codes(f, 6); });
    refused(errc::bad_format, {"U8 [7]", "[8]"}, [&](edited_file& f) { set_codes(f, 8); });
    refused(errc::bad_format, {"U8 [7]", "I8"}, [](edited_file& f) { f.at("w.codes").dtype = tern::data_type::i8; });
    refused(errc::bad_format, {"U8 [7]", "[7, 1]"}, [](edited_file& f) { f.at("w.codes").shape = {7, 1}; });
    refused(errc::bad_format, {"w.scale", "[2]"},
            [](edited_file& f) { f.set("w.scale", tern::data_type::f32, {3}, std::vector<float>(3)); });
    refused(errc::bad_format, {"w.bias", "[2]"},
            [](edited_file& f) { f.set("w.bias", tern::data_type::f32, {1}, std::vector<float>(1)); });
    refused(errc::bad_value, {"w.scale", "finite"},
            [](edited_file& f) { f.set_float("w.scale", 1, std::numeric_limits<float>::quiet_NaN()); });
    refused(errc::bad_format, {"U8 [3]", "'b'"}, [](edited_file& f) { f.metadata()["tern.code.w"] = "b"; });
    refused(errc::bad_format, {"U8 [4]", "'t'"}, [](edited_file& f) { f.metadata().erase("tern.code.w"); });
    for (const char* bad : {"", "u8", "o5", "O3", "o3 ", "ternary"})
        refused(errc::bad_format, {"tern.code.w", "a code of weights"},
                [&](edited_file& f) { f.metadata()["tern.code.w"] = bad; });
    for (const char* bad : {"", "2x3x3", "2x3x3x1x", "2x3x3x1 ", "2x3x3x-1", "ax3x3x1", "2x3x3x0", "0x3x3x1",
                            "999999999x999999999x999999999x999999999", "4294967296x4294967296x1x1"})
        refused(errc::bad_format, {"tern.shape.w"}, [&](edited_file& f) { f.metadata()["tern.shape.w"] = bad; });
    refused(errc::bad_format, {"w.codes", "999999999x1x1x1"},
            [](edited_file& f) { f.metadata()["tern.shape.w"] = "999999999x1x1x1"; });
    refused(errc::bad_value, {"w.codes", "byte 6", "zero bits"},
            [](edited_file& f) { f.at("w.codes").bytes[6] |= 0x40; });
    refused(errc::bad_value, {"w.codes", "byte 6", "zero bits"},
            [](edited_file& f) { f.at("w.codes").bytes[6] |= 0x80; });

    edited_file bytes = editable(any_weights(code_id::s8, {1, 4, 1, 1}, false, random));
    bytes.at("w.codes").bytes[2] = 0x80;
    check_refused(read(bytes).status(), errc::bad_value, {"w.codes", "code 2", "-128"});
    edited_file trits = editable(any_weights(code_id::half_ternary, {1, 6, 1, 1}, false, random));
    trits.at("w.codes").bytes[0] = 243;
    check_refused(read(trits).status(), errc::bad_value, {"w.codes", "byte 0", "242", "243"});
    trits.at("w.codes").bytes = {0, 3};
    check_refused(read(trits).status(), errc::bad_value, {"byte 1", "zero digits"});

    tern::code_weights wrong = any_weights(code_id::s8, {2, 3, 1, 1}, false, random);
    wrong.bytes[4] = -128;
    tern::safetensors_writer out;
    check_refused(tern::write_code_weights(out, "w", wrong), errc::bad_value,
                  {"output channel 1, tap 0, input channel 1", "found -128"});
}

TEST_CASE("no changed byte and no truncation of packed weights does harm") {
    std::mt19937 random(44);
    for (const code_id code : {code_id::binary, code_id::ternary, code_id::o2, code_id::o3, code_id::s8}) {
        const auto valid = file_of("w", any_weights(code, {3, 5, 1, 3}, true, random));
        std::size_t accepted = 0, refused = 0;
        const auto attempt = [&](const std::vector<unsigned char>& bytes) {
            const auto file = tern::safetensors_file::load(bytes.data(), bytes.size());
            if (!file.ok())
                return;
            const auto w = tern::read_code_weights(*file, "w");
            ++(w.ok() ? accepted : refused);
            if (w.ok())
                CHECK(tern::check_code_weights(*w).ok());
            else
                CHECK(std::strlen(w.message()) > 10);
        };
        for (std::size_t i = 0; i < valid.size(); ++i) {
            auto changed = valid;
            for (int k = 0; k < 12; ++k) {
                changed[i] = static_cast<unsigned char>(k < 8 ? valid[i] ^ (1u << k) : random());
                attempt(changed);
            }
            attempt({valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(i)});
        }
        CHECK(accepted > 50);
        CHECK(refused > 50);
    }
}

TEST_CASE("reading packed weights reports every refused allocation and leaks nothing") {
    std::mt19937 random(45);
    const auto bytes = file_of("w", any_weights(code_id::o4, {3, 5, 3, 3}, true, random));
    const tern::safetensors_file file = open_bytes(bytes);
    test::refuse_each_allocation(
        [&](const tern::allocator& memory) { return tern::read_code_weights(file, "w", memory); });
}
