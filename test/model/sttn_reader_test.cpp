#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/weight_codes.hpp"
#include "packed_sttn.hpp"
#include "sttn_support.hpp"

using namespace tern_test;
using tern::errc;

namespace {

/// The nearest F16, ties to even.
std::uint16_t f16_bits(float v) {
    const auto sign = static_cast<std::uint16_t>(std::signbit(v) ? 0x8000 : 0);
    const double size = std::fabs(static_cast<double>(v));
    int exponent = 0;
    std::frexp(size, &exponent);  // size = [0.5, 1) * 2^exponent
    const int step = std::max(exponent - 11, -24);
    const auto steps = static_cast<int>(std::nearbyint(std::ldexp(size, -step)));
    return static_cast<std::uint16_t>(sign + steps + (step == -24 ? 0 : (step + 24) * 1024));
}

}  // namespace

TEST_CASE("the structure of a network is inferred from its tensors") {
    const tern::sttn_network small = load(data_path("mnist_small_merged"));
    CHECK(small.stem_shape.out_channels == 32);
    CHECK(small.stem_shape.kh == 3);
    CHECK(small.stem_stride == 1);
    CHECK(small.stem_padding == 1);
    CHECK(small.pool == tern::pool_geometry{3, 2, 1});
    CHECK(small.preprocess == tern::preprocessing::unknown);
    REQUIRE(small.blocks.size() == 3);
    const std::size_t strides[3] = {1, 2, 2}, channels[3] = {32, 64, 128};
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(small.blocks[i].name == "features." + std::to_string(4 + i));
        CHECK(small.blocks[i].stride == strides[i]);
        CHECK(small.blocks[i].units[1].weights.shape.out_channels == channels[i]);
    }
    CHECK(small.classes == 10);
    CHECK(small.features() == 128);
    const tern::sttn_network tiny = load(data_path("mnist_tiny_raw"));
    REQUIRE(tiny.blocks.size() == 2);
    CHECK(tiny.blocks[1].units[0].weights.shape.in_channels == 6);
    CHECK(tiny.blocks[1].units[0].weights.shape.out_channels == 12);
}

TEST_CASE("codes of the raw and the merged form are those of the reference") {
    const auto reference = open_file(data_path("mnist_tiny_reference"));
    for (const std::string name : {"mnist_tiny_raw", "mnist_tiny_merged"}) {
        CAPTURE(name);
        const tern::sttn_network net = load(data_path(name));
        for (const tern::sttn_block& block : net.blocks)
            for (std::size_t k = 0; k < 2; ++k) {
                const std::string conv = block.name + ".conv" + std::to_string(k + 1);
                CAPTURE(conv);
                const tern::ternary_weights& w = block.units[k].weights;
                const auto units = ints(reference, conv + ".codes_alpha_units");
                const auto alpha = floats(reference, conv + ".alpha");
                REQUIRE(units.size() == w.shape.size());
                const auto codes = codes_of(w);
                for (std::size_t i = 0; i < codes.size(); ++i)
                    REQUIRE(2 * codes[i] == units[i]);
                for (std::size_t o = 0; o < alpha.size(); ++o)
                    CHECK(std::abs(w.scale[o] - 2 * alpha[o]) <= (name == "mnist_tiny_merged" ? 0 : 1e-6f * alpha[o]));
            }
    }
}

TEST_CASE("a raw pair of the same values, names without prefix and other orders give the same network") {
    for (const std::string name : {"mnist_tiny_merged", "mnist_small_merged"}) {
        CAPTURE(name);
        const tern::sttn_network expected = load(data_path(name));
        edited_file file(data_path(name));
        file.rename([](const std::string& n) { return n.substr(std::string("module.").size()); });
        auto bare = file.read();
        REQUIRE_MESSAGE(bare.ok(), std::string(bare.message()));
        CHECK(same_network(*bare, expected));
        split_into_raw_pairs(file);
        auto raw = file.read();
        REQUIRE_MESSAGE(raw.ok(), std::string(raw.message()));
        CHECK(same_network(*raw, expected));
    }
    // Blocks are in the order of their numbers, not of their names.
    edited_file numbered(data_path("mnist_tiny_merged"));
    numbered.rename([](const std::string& n) {
        const std::size_t at = n.find("features.5.");
        return at == std::string::npos ? n : n.substr(0, at) + "features.10." + n.substr(at + 11);
    });
    const auto net = numbered.read();
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    CHECK(net->blocks[0].name == "features.4");
    CHECK(net->blocks[1].name == "features.10");
}

TEST_CASE("the packed form gives the same network, bit for bit, and is small") {
    for (const std::string name : {"mnist_tiny_raw", "mnist_tiny_merged", "mnist_small_merged"}) {
        CAPTURE(name);
        tern::sttn_options options;
        options.preprocess = tern::preprocessing::mnist;
        const tern::sttn_network expected = load(data_path(name));
        edited_file packed = packed_form(name, options);
        auto net = packed.read();
        REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
        CHECK(same_network(*net, expected));
        CHECK(net->preprocess == tern::preprocessing::mnist);
        // Codes, scales and bias against weights and bias as floats.
        for (const tern::sttn_block& block : expected.blocks)
            for (std::size_t k = 0; k < 2; ++k) {
                const std::string conv = block.name + ".conv" + std::to_string(k + 1);
                const tern::weight_shape& s = block.units[k].weights.shape;
                const std::size_t after = packed.at(conv + ".codes").bytes.size() +
                                          packed.at(conv + ".scale").bytes.size() +
                                          packed.at(conv + ".bias").bytes.size();
                const std::size_t before = (s.size() + s.out_channels) * sizeof(float);
                CAPTURE(conv);
                if (s.in_channels >= 16)
                    CHECK(before >= 12 * after);
            }
        // Written again, it is the same file.
        CHECK(packed_sttn_writer::write(*net).bytes() == packed.bytes());
    }
}

TEST_CASE("what the demo ships is the packed form of the trained network") {
    const tern::sttn_network demo = load(demo_path("mnist_small.tern"));
    CHECK(same_network(demo, load(data_path("mnist_small_merged"))));
    CHECK(demo.preprocess == tern::preprocessing::mnist);
}

TEST_CASE("geometry and preprocessing: options before metadata before defaults") {
    edited_file file(data_path("mnist_tiny_merged"));
    file.metadata()["tern.stem_stride"] = "3";
    file.metadata()["tern.stem_padding"] = "0";
    file.metadata()["tern.pool"] = "2x2s2p0";
    file.metadata()["tern.preprocess"] = "cifar10";
    file.metadata()["somebody.else"] = "x";
    auto net = file.read();
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    CHECK(net->stem_stride == 3);
    CHECK(net->stem_padding == 0);
    CHECK(net->pool == tern::pool_geometry{2, 2, 0});
    CHECK(net->preprocess == tern::preprocessing::cifar10);
    tern::sttn_options options;
    options.stem_stride = 1;
    options.stem_padding = 2;
    options.pool = tern::pool_geometry{0, 1, 0};
    options.preprocess = tern::preprocessing::none;
    net = file.read(options);
    REQUIRE(net.ok());
    CHECK(net->stem_stride == 1);
    CHECK(net->stem_padding == 2);
    CHECK(net->pool.kernel == 0);
    CHECK(net->preprocess == tern::preprocessing::none);

    // A stem of 5x5 or larger has stride 2 by default, and padding k/2.
    edited_file large(data_path("mnist_tiny_merged"));
    large.set("module.features.0.weight", tern::data_type::f32, {6, 3, 7, 7}, std::vector<float>(6 * 3 * 49, 0.5f));
    net = large.read();
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    CHECK(net->stem_stride == 2);
    CHECK(net->stem_padding == 3);
    CHECK(net->input_channels() == 3);

    const auto bad = [&](const char* key, const std::string& value) {
        edited_file changed(data_path("mnist_tiny_merged"));
        changed.metadata()[key] = value;
        return changed.read().status();
    };
    check_refused(bad("tern.stem_stride", "two"), errc::bad_format, {"tern.stem_stride", "two"});
    check_refused(bad("tern.stem_stride", "0"), errc::invalid_argument, {"stride", "0"});
    CHECK_FALSE(bad("tern.stem_stride", "-1").ok());
    CHECK_FALSE(bad("tern.stem_stride", "99999").ok());
    CHECK_FALSE(bad("tern.stem_padding", "1 ").ok());
    check_refused(bad("tern.stem_padding", "+1"), errc::bad_format, {"tern.stem_padding", "+1"});
    check_refused(bad("tern.pool", "3x2s2p1"), errc::bad_format, {"tern.pool", "3x2s2p1", "3x3s2p1"});
    check_refused(bad("tern.preprocess", "coco"), errc::bad_format,
                  {"tern.preprocess", "coco", "mnist, cifar10, imagenet or none"});
    // Text behind a zero byte is text.
    for (const char* key : {"tern.pool", "tern.preprocess"})
        CHECK_FALSE(bad(key, std::string("none") + '\0' + "x").ok());
    check_refused(bad("tern.format", "onnx"), errc::unsupported, {"tern.format", "onnx"});
}

TEST_CASE("words for pooling and preprocessing") {
    for (const char* text : {"3x3s2p1", "none", "2x2s2p0", "1x1s1p0", "64x64s9999p63"}) {
        const auto pool = tern::parse_pool(text);
        REQUIRE_MESSAGE(pool.ok(), std::string(pool.message()));
        CHECK(tern::to_string(*pool) == text);
    }
    for (const char* text :
         {"", "3x3", "3x3s0p0", "0x0s1p0", "3x2s1p0", "3x3s2p3", "65x65s1p0", "3x3s2p1x", "-3x-3s1p0", "3x3s2p99999",
          "None", "3x3s-1p1", "+3x3s2p1", "3x 3s2p1", " 3x3s2p1", "3x3s2p1 "})
        CHECK_MESSAGE(!tern::parse_pool(text).ok(), text);
    for (const char* text : {"mnist", "cifar10", "imagenet", "none"})
        CHECK(std::string(tern::preprocessing_name(*tern::parse_preprocessing(text))) == text);
    CHECK_FALSE(tern::parse_preprocessing("").ok());
    CHECK_FALSE(tern::parse_preprocessing("MNIST").ok());
}

TEST_CASE("a channel with half steps is refused with tensor, channel and values") {
    for (const std::string name : {"mnist_tiny_edge_raw", "mnist_tiny_edge_merged"}) {
        CAPTURE(name);
        const auto net = tern::load_sttn(data_path(name).c_str());
        REQUIRE_FALSE(net.ok());
        const float alpha = floats(open_file(data_path("mnist_tiny_edge_reference")), "features.4.conv1.alpha")[0];
        char full[32], half[32];
        std::snprintf(full, sizeof full, "%.6g", static_cast<double>(2 * alpha));
        std::snprintf(half, sizeof half, "%.6g", static_cast<double>(alpha));
        check_refused(net.status(), errc::bad_value, {"module.features.4.conv1", "channel 0"});
        // The magnitudes, to the digits that float rounding leaves.
        const std::string message = net.message();
        CHECK_MESSAGE(message.find(std::string(full).substr(0, 6)) != std::string::npos, full, " in: ", message);
        if (name == "mnist_tiny_edge_merged")
            CHECK_MESSAGE(message.find(std::string(half).substr(0, 6)) != std::string::npos, half, " in: ", message);
    }
}

TEST_CASE("latent weights of exactly 0 are read as the option says, and F16 is named as the likely cause") {
    // The planted channel of both forms: half steps beside full ones.
    for (const tern::zero_rule zeros : {tern::zero_rule::positive, tern::zero_rule::negative}) {
        tern::sttn_options options;
        options.zeros = zeros;
        const tern::sttn_network raw = load(data_path("mnist_tiny_edge_raw"), options),
                                 merged = load(data_path("mnist_tiny_edge_merged"), options);
        const tern::ternary_weights &x = raw.blocks[0].units[0].weights, &y = merged.blocks[0].units[0].weights;
        CHECK(same_values(x.planes, y.planes));
        // [0,0,0,0..2]: W1 = +0, W2 = 0.25; -0.25, -0; +0, -0.
        const bool up = zeros == tern::zero_rule::positive;
        CHECK(tern::get_code(x, 0, 0, 0) == (up ? 1 : 0));
        CHECK(tern::get_code(x, 0, 0, 1) == (up ? 0 : -1));
        CHECK(tern::get_code(x, 0, 0, 2) == 0);
    }
    tern::sttn_options zero;
    zero.zeros = tern::zero_rule::zero;
    refuses_sttn(edited_file(data_path("mnist_tiny_raw")), errc::invalid_argument, {"option zeros", "read_stqn"}, zero);

    // A checkpoint saved as fp16, with one weight that is too small for it.
    edited_file half(data_path("mnist_tiny_raw"));
    for (const std::string& name : half.names()) {
        if (half.at(name).dtype != tern::data_type::f32)
            continue;
        std::vector<float> values = half.floats(name);
        if (name == "module.features.5.conv2_1.weight")
            values[7] = 1e-8f;
        std::vector<std::uint16_t> bits;
        for (const float v : values)
            bits.push_back(f16_bits(v));
        half.set(name, tern::data_type::f16, half.at(name).shape, bits);
    }
    refuses_sttn(half, errc::bad_value,
                 {"module.features.5.conv2_1.weight", "channel 0", "[0,0,2,1]", "option zeros", "F16", "F32"});
    tern::sttn_options options;
    options.zeros = tern::zero_rule::negative;
    const auto net = half.read(options);
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    // The same in F32 is not blamed on F16.
    edited_file full(data_path("mnist_tiny_raw"));
    full.set_float("module.features.5.conv2_1.weight", 7, 0);
    const auto said = full.read();
    REQUIRE_FALSE(said.ok());
    CHECK(std::string(said.message()).find("F16") == std::string::npos);
    CHECK(std::string(said.message()).find("option zeros") != std::string::npos);
    REQUIRE(full.read(options).ok());
}

TEST_CASE("the other planted cases of mnist_tiny_edge are read") {
    // Channel 0 made an ordinary one; then zeros, clamping, half steps throughout and subnormals remain.
    edited_file raw(data_path("mnist_tiny_edge_raw")), merged(data_path("mnist_tiny_edge_merged"));
    for (const std::string name : {"module.features.4.conv1_1.weight", "module.features.4.conv1_2.weight"})
        for (std::size_t i = 0; i < 6 * 9; ++i)
            raw.set_float(name, i, 0.25f);
    for (std::size_t i = 0; i < 6 * 9; ++i)
        merged.set_float("module.features.4.conv1.weight", i, 0.5f);
    const auto a = raw.read(), b = merged.read();
    REQUIRE_MESSAGE(a.ok(), std::string(a.message()));
    REQUIRE_MESSAGE(b.ok(), std::string(b.message()));
    const tern::ternary_weights &x = a->blocks[0].units[0].weights, &y = b->blocks[0].units[0].weights;
    CHECK(same_values(x.planes, y.planes));
    for (std::size_t o = 0; o < 6; ++o)
        CHECK(std::abs(x.scale[o] - y.scale[o]) <= 1e-6f * y.scale[o]);
    CHECK(x.scale[0] == 0.5f);
    CHECK(x.scale[1] == 0);
    CHECK(y.scale[1] == 0);
}
