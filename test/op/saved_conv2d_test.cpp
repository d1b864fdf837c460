// Saved convolutions: bytes as docs/formats.md has them, and the same plans when they are loaded.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <tern/op/saved_conv2d.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/plan_outputs.hpp"
#include "../support/run_plan.hpp"
#include "../support/saved_layers.hpp"

using tern::code_id;
using tern_test::byte_list;
using tern_test::described_layer;
using tern_test::read_counted;
using tern_test::seal;
using tern_test::small_layer;

TEST_CASE("loaded plans give the bits of the plans that were described, for all codes and stages") {
    const std::vector<const tern::kernel_table*> tables = tern_test::all_tables();
    std::mt19937 random(1);
    std::set<std::string> stages;
    int compared = 0;
    for (std::size_t code = 0; code < tern::code_count; ++code)
        for (std::size_t activations = 0; activations < tern::code_count; ++activations)
            for (int i = 0; i < 4; ++i) {
                if (static_cast<code_id>(code) == code_id::u8)
                    continue;  // no weights
                const described_layer layer(static_cast<code_id>(code), static_cast<code_id>(activations), random);
                const tern::conv2d_description& d = layer.description;
                tern::plan_options options;
                options.kernels = tables[random() % tables.size()];
                const auto plan = tern::create_conv2d(d, options);
                REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                const byte_list bytes = tern_test::save(d);
                options.border_value = tern::border_value::zero;  // the saved one counts
                const auto loaded = tern::load_conv2d(bytes.data(), bytes.size(), options);
                REQUIRE_MESSAGE(loaded.ok(), std::string(loaded.message()));

                const tern::image_shape in{1 + random() % 2, 5 + random() % 4, 5 + random() % 4};
                CHECK(std::string(plan->kernel_name(in)) == loaded->kernel_name(in));
                CHECK(plan->uses_integer_thresholds() == loaded->uses_integer_thresholds());
                tern::status first, second;
                const auto seed = static_cast<std::uint32_t>(random());
                const auto wanted = tern_test::plan_outputs(*plan, d.chain, in, seed, first);
                const auto found = tern_test::plan_outputs(*loaded, d.chain, in, seed, second);
                CHECK_MESSAGE(first.ok(), std::string(first.message()));
                CHECK(!wanted.empty());
                CHECK(wanted == found);
                ++compared;
                for (std::size_t k = 0; k < d.chain.count; ++k) {
                    const tern::stage::any& s = d.chain.stages[k];
                    stages.insert(
                        std::string(tern::stage::name(s.kind)) + (s.a != nullptr ? "+" : "-") +
                        (s.b != nullptr ? "+" : "-") +
                        (s.kind == tern::stage::kind::quantize && s.levels.code == code_id::ternary ? "t" : ""));
                }

                // Both read and saved again they are the same bytes.
                const auto saved = read_counted(bytes);
                REQUIRE_MESSAGE(saved.ok(), std::string(saved.message()));
                CHECK(tern_test::save(saved->description()) == bytes);
                CHECK(tern_test::save(d) == bytes);
            }
    CHECK(compared > 600);
    CHECK(stages == std::set<std::string>{"scale+-", "bias+-", "affine--", "batch_norm--", "batch_norm+-",
                                          "batch_norm-+", "batch_norm++", "prelu+-", "clamp--", "residual--",
                                          "residual++", "store--", "quantize--t", "quantize--"});
}

TEST_CASE("a saved convolution is what the format says, byte for byte") {
    // What an exporter would write, with nothing of the library.
    byte_list bytes;
    const auto put = [&](auto value) {
        unsigned char raw[sizeof value];
        std::memcpy(raw, &value, sizeof value);
        bytes.insert(bytes.end(), raw, raw + sizeof value);
    };
    const auto u32 = [&](std::uint32_t v) { put(v); };
    const auto pad = [&] { bytes.resize((bytes.size() + 7) / 8 * 8); };
    const auto three = [&](float a, float b, float c) {
        put(a);
        put(b);
        put(c);
        pad();
    };
    for (const char c : {'T', 'E', 'R', 'N', 'C', 'O', 'N', 'V'})
        put(c);
    u32(1);
    u32(0);                 // the checksum
    put(std::uint64_t{0});  // and the size come last
    for (const std::uint64_t v : {3u, 2u, 1u, 3u, 2u, 1u, 4u, 5u, 6u, 7u, 1u, 2u, 1u})
        put(v);
    u32(8);  // o2
    u32(4);  // u2
    u32(1);
    u32(0);
    u32(1);
    u32(10);
    three(0.5f, -2.0f, 0.25f);
    three(1.0f, 2.0f, 3.0f);
    // +3 +1 -1 -3 a byte, from the right: 11'10'01'00; 18 codes
    for (int i = 0; i < 4; ++i)
        bytes.push_back(0xe4);
    bytes.push_back(0x04);
    pad();
    u32(0), u32(0), three(1, 2, 3);  // scale
    u32(1), u32(0), three(4, 5, 6);  // bias
    u32(2), u32(0);                  // affine
    for (const double v : {1.5, 2.5, 3.5, 4.5, 5.5, 6.5})
        put(v);
    u32(3), u32(2), put(1e-3), three(7, 8, 9), three(1, 0, 1), three(2, 2, 2);  // batch_norm: no gamma
    u32(4), u32(0), three(-1, 0, 1);                                            // prelu
    u32(6), u32(1), u32(2), u32(0), three(1, 1, 2), three(3, 5, 8);             // residual, pooled, scaled
    u32(5), u32(0), put(0.0f), put(std::numeric_limits<float>::infinity());     // clamp
    u32(7), u32(0);                                                             // store
    u32(8), u32(0), u32(1), u32(2), u32(2), u32(0), put(-0.5f), put(0.25f);     // ternarize, second strict
    u32(9), u32(0), u32(12), u32(0), u32(0), u32(128);                          // quantize to u8
    seal(bytes);

    std::vector<std::int8_t> codes;
    for (int i = 0; i < 18; ++i)
        codes.push_back(std::int8_t{3} - static_cast<std::int8_t>(i % 4 * 2));
    const float scale[] = {0.5f, -2.0f, 0.25f}, bias[] = {1.0f, 2.0f, 3.0f};
    auto weights = tern::pack_code_weights(codes.data(), {3, 2, 1, 3}, code_id::o2, scale, bias);
    REQUIRE_MESSAGE(weights.ok(), std::string(weights.message()));
    const float numbers[][3] = {{1, 2, 3}, {4, 5, 6},  {7, 8, 9}, {1, 0, 1},
                                {2, 2, 2}, {-1, 0, 1}, {1, 1, 2}, {3, 5, 8}};
    const double factor[] = {1.5, 2.5, 3.5}, shift[] = {4.5, 5.5, 6.5};
    namespace stage = tern::stage;
    tern::conv2d_description d;
    d.weights = &*weights;
    d.activations = code_id::u2;
    d.border_value = tern::border_value::zero;
    d.geometry.stride_h = 2;
    d.geometry.padding = {4, 5, 6, 7};
    d.geometry.dilation_w = 2;
    d.chain =
        tern::chain(stage::scale(numbers[0]), stage::bias(numbers[1]), stage::affine(factor, shift),
                    stage::batch_norm(nullptr, numbers[2], numbers[3], numbers[4], 1e-3), stage::prelu(numbers[5]),
                    stage::residual(tern::residual_kind::pooled, numbers[6], numbers[7]), stage::relu(), stage::store(),
                    stage::ternarize({0.25f, -0.5f, true, false}), stage::requantize(code_id::u8, 128));
    CHECK(tern_test::save(d) == bytes);
    const auto plan = tern::load_conv2d(bytes.data(), bytes.size());
    CHECK_MESSAGE(plan.ok(), std::string(plan.message()));

    // A quantizer to ternary codes has a number of its own.
    byte_list other = bytes;
    const std::size_t place = bytes.size() - 24 - 32;
    REQUIRE(other[place] == 8);
    other[place] = 9;
    seal(other);
    CHECK(read_counted(other).status().code() == tern::errc::bad_format);
}

TEST_CASE("saved convolutions are written and read at any address") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    const byte_list bytes = tern_test::save(layer.description);
    for (std::size_t offset = 0; offset < 9; ++offset) {
        tern_test::guarded_array<unsigned char> memory(bytes.size() + 9);
        unsigned char* const at = memory.data() + offset;
        REQUIRE(tern::save_conv2d(layer.description, at, bytes.size()).ok());
        CHECK(std::memcmp(at, bytes.data(), bytes.size()) == 0);
        CHECK((offset == 0 || memory.untouched(offset - 1)));
        CHECK(memory.untouched(offset + bytes.size()));
        const auto saved = tern::read_saved_conv2d(at, bytes.size());
        REQUIRE_MESSAGE(saved.ok(), std::string(saved.message()));
        CHECK(tern_test::save(saved->description()) == bytes);
    }
}

TEST_CASE("a saved convolution outlives its bytes and may be moved") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    byte_list bytes = tern_test::save(layer.description);
    const byte_list wanted = bytes;
    auto first = tern::read_saved_conv2d(bytes.data(), bytes.size());
    REQUIRE(first.ok());
    std::fill(bytes.begin(), bytes.end(), static_cast<unsigned char>(0xff));
    tern::saved_conv2d second = std::move(*first);
    CHECK(tern_test::save(second.description()) == wanted);
    CHECK(tern::saved_bytes(first->description()) == 0);
}

TEST_CASE("loading reports refused memory and keeps none") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    const byte_list bytes = tern_test::save(layer.description);
    CHECK(test::refuse_each_allocation([&](const tern::allocator& memory) {
              return tern::read_saved_conv2d(bytes.data(), bytes.size(), memory);
          }) == 5);  // planes, a channel of codes, scales, biases, arrays
    CHECK(test::refuse_each_allocation([&](const tern::allocator& memory) {
              tern::plan_options options;
              options.memory = memory;
              return tern::load_conv2d(bytes.data(), bytes.size(), options);
          }) > 4);
}
