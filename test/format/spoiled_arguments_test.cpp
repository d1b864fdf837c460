#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tern/format/argument.hpp>
#include <tern/format/base3.hpp>
#include <tern/format/code_planes.hpp>
#include <tern/format/code_weights.hpp>
#include <tern/format/dense_codes.hpp>
#include <tern/format/halo.hpp>
#include <tern/format/packed_image.hpp>
#include <tern/format/ternary_weights.hpp>

#include "../support/check_refused.hpp"
#include "../support/spoiled_arguments.hpp"

using tern::code_id;
using tern::errc;
using namespace tern_test;

namespace {

tern::code_weights weights_4x70(code_id code) {
    const std::vector<std::int8_t> codes(4 * 70 * 9, 1);
    auto made = tern::pack_code_weights(codes.data(), {4, 70, 3, 3}, code, nullptr, std::vector<float>(4).data());
    REQUIRE(made.ok());
    return std::move(*made);
}

/// Shapes that are none.
const tern::weight_shape bad_shapes[] = {{},
                                         {0, 1, 1, 1},
                                         {1, 0, 1, 1},
                                         {1, 1, 0, 1},
                                         {1, 1, 1, 0},
                                         {huge, 1, 1, 1},
                                         {huge, huge, huge, huge},
                                         {1, 1, huge, 8}};

/// Ways to spoil a layout that make_packed_layout made.
std::vector<std::pair<std::string, tern::packed_layout>> bad_layouts(const tern::packed_layout& good) {
    std::vector<std::pair<std::string, tern::packed_layout>> all{{"default-made", {}}};
    const auto add = [&](const char* how, auto&& spoil) {
        all.emplace_back(how, good);
        spoil(all.back().second);
    };
    using layout = tern::packed_layout;
    add("no format", [](layout& l) { l.format = tern::image_format::none; });
    add("the other format", [](layout& l) {
        l.format = tern::is_byte_code(l.code) ? tern::image_format::planes : tern::image_format::bytes;
    });
    add("a format behind the last", [](layout& l) { l.format = behind(tern::image_format::bytes); });
    add("a code behind the last", [](layout& l) { l.code = no_code; });
    add("a halo code it does not have", [](layout& l) { l.halo_code = l.code == code_id::u8 ? -1 : 17; });
    for (std::size_t layout::*extent : {&layout::n, &layout::h, &layout::w, &layout::c}) {
        if (extent != &layout::n)  // no images are no error
            add("an extent of 0", [&](layout& l) { l.*extent = 0; });
        add("a larger extent", [&](layout& l) { l.*extent += 64; });
        add("a huge extent", [&](layout& l) { l.*extent = huge; });
    }
    for (std::size_t layout::*pitch : {&layout::pixel_bytes, &layout::row_bytes, &layout::image_bytes}) {
        add("a pitch of 0", [&](layout& l) { l.*pitch = 0; });
        add("a small pitch", [&](layout& l) { l.*pitch = 8; });
        add("an odd pitch", [&](layout& l) { l.*pitch += 1; });
        add("a huge pitch", [&](layout& l) { l.*pitch = huge; });
    }
    add("no bytes", [](layout& l) { l.total_bytes = 0; });
    add("too few bytes", [](layout& l) { l.total_bytes -= 1; });
    add("a larger halo", [](layout& l) { l.halo.bottom += 1; });
    add("a huge halo", [](layout& l) { l.halo.left = huge; });
    return all;
}

void walk_streams(argument_walk& walk) {
    std::int8_t codes[9] = {};
    unsigned char bytes[9] = {};
    walk.refused("encode_base3", "no codes", tern::encode_base3(nullptr, 9, bytes));
    unsigned char* volatile nowhere = nullptr;  // GCC 12 warns of one that it sees, refused or not
    walk.refused("encode_base3", "no bytes", tern::encode_base3(codes, 9, nowhere));
    walk.refused("decode_base3", "no bytes", tern::decode_base3(nullptr, 9, codes, nullptr));
    walk.refused("decode_base3", "no codes", tern::decode_base3(bytes, 9, nullptr, nullptr));
    for (const int middle : {-1, 2, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
        walk.refused("encode_base3", "middle", tern::encode_base3(codes, 9, bytes, middle));
        walk.refused("decode_base3", "middle", tern::decode_base3(bytes, 9, codes, nullptr, middle));
    }
    for (const code_id code : {code_id::ternary, code_id::o2}) {
        walk.refused("encode_dense", "no codes", tern::encode_dense(code, nullptr, 9, bytes));
        walk.refused("encode_dense", "no bytes", tern::encode_dense(code, codes, 9, nullptr));
        walk.refused("decode_dense", "no bytes", tern::decode_dense(code, nullptr, 9, codes, nullptr));
        walk.refused("decode_dense", "no codes", tern::decode_dense(code, bytes, 9, nullptr, nullptr));
    }
    for (const code_id code : {no_code, code_id::u8}) {
        walk.refused("encode_dense", "code", tern::encode_dense(code, codes, 9, bytes));
        walk.refused("decode_dense", "code", tern::decode_dense(code, bytes, 9, codes, nullptr));
    }
    walk.gives("dense_bytes", "no code", tern::dense_bytes(no_code, 9).ok(), false);
    walk.gives("dense_bytes", "huge", tern::dense_bytes(code_id::s8, SIZE_MAX).ok(), false);
    codes[4] = 2;
    walk.refused("encode_base3", "a code that is none", tern::encode_base3(codes, 9, bytes));
    walk.refused("encode_dense", "a code that is none", tern::encode_dense(code_id::ternary, codes, 9, bytes));
    walk.refused("encode_dense", "a code that is none", tern::encode_dense(code_id::o2, codes, 9, bytes));
    walk.unchecked({"base3_bytes"});
}

void walk_weights(argument_walk& walk) {
    std::int8_t codes[128] = {};
    std::vector<std::int8_t> many(4 * 70 * 9);
    std::vector<float> values(4 * 70 * 9);
    for (const tern::weight_shape& shape : bad_shapes) {
        walk.refused("check_weight_shape", "bad", tern::check_weight_shape(shape));
        walk.refused("make_ternary_weights", "bad shape", tern::make_ternary_weights(shape));
        walk.refused("pack_weights", "bad shape", tern::pack_weights(codes, shape));
        walk.refused("make_code_weights", "bad shape", tern::make_code_weights(shape, code_id::o2));
        walk.refused("pack_code_weights", "bad shape", tern::pack_code_weights(codes, shape, code_id::s8));
    }
    for (const code_id code : {code_id::ternary, code_id::s8})
        walk.gives("weight_bytes", "huge", tern::weight_bytes({huge, huge, huge, 1}, code).ok(), false);
    walk.refused("make_ternary_weights", "no memory", tern::make_ternary_weights({4, 3, 3, 3}, no_memory()));
    walk.refused("pack_weights", "no codes", tern::pack_weights(nullptr, {4, 3, 3, 3}));
    walk.refused("pack_weights", "no memory", tern::pack_weights(codes, {4, 3, 1, 1}, nullptr, nullptr, no_memory()));
    for (const code_id code : {no_code, code_id::u8}) {
        walk.refused("make_code_weights", "code", tern::make_code_weights({4, 3, 3, 3}, code));
        walk.refused("pack_code_weights", "code", tern::pack_code_weights(codes, {4, 3, 1, 1}, code));
    }
    walk.refused("make_code_weights", "no memory", tern::make_code_weights({4, 3, 3, 3}, code_id::o2, no_memory()));
    walk.refused("pack_code_weights", "no codes", tern::pack_code_weights(nullptr, {4, 3, 3, 3}, code_id::o2));

    const auto bad = [&](const char* how, const tern::code_weights& w) {
        walk.refused("check_code_weights", how, tern::check_code_weights(w));
        walk.refused("check_ternary_weights", how, tern::check_ternary_weights(w));
        walk.refused("copy_weights", how, tern::copy_weights(w));
        walk.refused("unpack_weights", how, tern::unpack_weights(w, many.data()));
        walk.refused("dequantize_weights", how, tern::dequantize_weights(w, values.data()));
        walk.refused("to_ternary_weights", how, tern::to_ternary_weights(w));
    };
    bad("default-made", {});
    for (const code_id code : {code_id::ternary, code_id::o2, code_id::s8}) {
        const auto good = [&] { return weights_4x70(code); };
        tern::code_weights w;
        w.shape = {4, 64, 3, 3};
        w.code = code;
        bad("a shape alone", w);
        w = good();
        CHECK(tern::check_code_weights(w).ok());
        CHECK(tern::code_sum(w, 3) == 70 * 9);
        walk.gives("code_sum", "a channel that is not there", tern::code_sum(w, 4), std::int64_t{0});
        walk.refused("copy_weights", "no memory", tern::copy_weights(w, no_memory()));
        walk.refused("unpack_weights", "no room", tern::unpack_weights(w, nullptr));
        walk.refused("dequantize_weights", "no room", tern::dequantize_weights(w, nullptr));
        walk.refused("dequantize_weights", "misaligned", tern::dequantize_weights(w, misaligned(values.data())));
        walk.refused("to_ternary_weights", "no memory", tern::to_ternary_weights(w, no_memory()));
        for (std::size_t tern::weight_shape::*extent :
             {&tern::weight_shape::out_channels, &tern::weight_shape::in_channels, &tern::weight_shape::kh,
              &tern::weight_shape::kw})
            for (const std::size_t lie : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{300}, huge}) {
                tern::code_weights lying = good();
                lying.shape.*extent = lie;
                bad("a shape that lies", lying);
                walk.gives("code_sum", "a shape that lies", tern::code_sum(lying, 0), std::int64_t{0});
            }
        w.scale = {};
        bad("no scale", w);
        w = good();
        w.bias = std::move(*tern::make_buffer<float>(3));
        bad("too few biases", w);
        w = good();
        w.code = code == code_id::s8 ? code_id::o2 : code_id::s8;
        bad("what another code has", w);
        w.code = no_code;
        bad("a code behind the last", w);
        walk.gives("code_sum", "a code behind the last", tern::code_sum(w, 0), std::int64_t{0});
        w = good();
        if (code == code_id::s8)
            w.bytes[7] = -128;
        else
            w.planes[2] |= std::uint64_t{1} << 6;
        bad("a value or a bit that is none", w);
        w = good();
        if (code == code_id::s8)
            w.planes = std::move(*tern::make_buffer<std::uint64_t>(4));
        else
            w.bytes = std::move(*tern::make_buffer<std::int8_t>(4));
        bad("planes and bytes", w);
        w = good();
        const tern::code_weights taken = std::move(w);
        bad("moved-from", w);
        walk.gives("code_sum", "moved-from", tern::code_sum(w, 0), std::int64_t{0});
    }
    tern::code_weights w = weights_4x70(code_id::ternary);
    w.planes[0] = 0;
    w.planes[1] = 1;
    bad("a sign without a mask", w);
    check_refused(tern::check_ternary_weights(w), errc::bad_value, {"channel 0, tap 0, input channel 0", "ternary"});
    walk.refused("check_ternary_weights", "another code", tern::check_ternary_weights(weights_4x70(code_id::o2)));
    walk.refused("to_ternary_weights", "another code", tern::to_ternary_weights(weights_4x70(code_id::o2)));
    walk.unchecked({"get_tap_codes", "set_tap_codes", "get_channel_codes", "set_channel_codes"});
}

}  // namespace

TEST_CASE(
    "format: every function refuses null pointers, lying sizes, moved-from weights and enumerators behind the last") {
    argument_walk walk;
    walk.unchecked({"name_or", "is_aligned", "plane_words", "is_byte_code", "fill_pixels", "get_code", "set_code",
                    "clear_halo_rows", "copy_plane_bits", "copy_bytes", "to_ternary_planes"});

    // Packed images.
    for (const code_id code : {code_id::binary, code_id::ternary, code_id::half_ternary, code_id::o3, code_id::u8}) {
        auto good = tern::make_packed_tensor(code, {2, 3, 4}, 70, tern::border::uniform(1));
        REQUIRE(good.ok());
        for (const auto& [how, layout] : bad_layouts(good->layout)) {
            walk.refused("check_packed_layout", how, tern::check_packed_layout(layout, "x"));
            walk.refused("make_packed_tensor", how, tern::make_packed_tensor(layout));
            const tern::packed_image image{layout, good->bytes.data()};
            walk.refused("check_packed_image", how, tern::check_packed_image(image, nullptr));
            walk.refused("clear_halo", how, tern::clear_halo(image));
        }
        walk.refused("make_packed_tensor", "no memory", tern::make_packed_tensor(good->layout, no_memory()));
        const tern::packed_layout layout = good->layout;
        walk.refused("check_packed_image", "misaligned",
                     tern::check_packed_image(tern::packed_image{layout, good->bytes.data() + 4}, "x"));
        walk.refused("check_packed_image", "another code",
                     tern::check_packed_image(good->view(), code_id::u4, nullptr));
        const tern::packed_tensor taken = std::move(*good);
        walk.refused("check_packed_image", "moved-from", tern::check_packed_image(good->view(), "x"));
        walk.refused("clear_halo", "moved-from", tern::clear_halo(good->view()));
    }
    walk.refused("check_packed_layout", "no name", tern::check_packed_layout({}, nullptr));
    walk.refused("make_packed_layout", "no code", tern::make_packed_layout(no_code, {1, 2, 3}, 4));
    walk.refused("make_packed_layout", "no shape", tern::make_packed_layout({}, 4));
    walk.refused("make_packed_layout", "no channels", tern::make_packed_layout({1, 2, 3}, 0));
    for (const tern::image_shape& shape : {tern::image_shape{huge, 1, 1}, {1, huge, 1}, {1, 1, huge}, {1, huge, huge}})
        for (const code_id code : {code_id::ternary, code_id::s8}) {
            walk.refused("make_packed_layout", "a huge shape", tern::make_packed_layout(code, shape, 64));
            walk.refused("make_packed_tensor", "a huge shape", tern::make_packed_tensor(code, shape, 64));
        }
    walk.refused("make_packed_layout", "huge channels", tern::make_packed_layout(code_id::s8, {1, 1, 1}, SIZE_MAX));
    walk.refused("make_packed_layout", "a huge halo", tern::make_packed_layout({1, 1, 1}, 1, {SIZE_MAX, 0, 0, 0}));

    // Planes.
    std::int8_t codes[128] = {};
    std::uint64_t planes[16] = {};
    walk.refused("pack_planes", "no codes", tern::pack_planes<std::int8_t>(code_id::u2, nullptr, 1, 8, planes));
    walk.refused("pack_planes", "no planes", tern::pack_planes(code_id::u2, codes, 1, 8, nullptr));
    walk.refused("pack_planes", "no code", tern::pack_planes(no_code, codes, 1, 8, planes));
    walk.refused("pack_planes", "huge", tern::pack_planes(code_id::u2, codes, huge, 8, planes));
    walk.refused("pack_planes", "misaligned", tern::pack_planes(code_id::u2, codes, 1, 8, misaligned(planes)));
    walk.refused("unpack_planes", "no codes", tern::unpack_planes<std::int8_t>(code_id::u2, planes, 1, 8, nullptr));
    walk.refused("unpack_planes", "no planes", tern::unpack_planes(code_id::u2, nullptr, 1, 8, codes));
    walk.refused("unpack_planes", "no code", tern::unpack_planes(no_code, planes, 1, 8, codes));
    walk.refused("unpack_planes", "huge", tern::unpack_planes(code_id::u2, planes, huge, huge, codes));
    walk.refused("unpack_planes", "misaligned", tern::unpack_planes(code_id::u2, misaligned(planes), 1, 8, codes));

    walk_weights(walk);
    walk_streams(walk);
    walk.check_complete(TERN_TEST_DATA "/../../include/tern/format");
}

TEST_CASE("memory that an image is made in is not written behind its end by a layout that lies") {
    tern::packed_layout layout = *tern::make_packed_layout(code_id::binary, {1, 8, 8}, 64);
    layout.total_bytes = 8;
    check_refused(tern::make_packed_tensor(layout).status(), errc::invalid_argument,
                  {"8 bytes do not hold", "1x8x8x64"});
}
