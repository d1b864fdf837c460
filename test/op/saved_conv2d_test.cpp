// Saved convolutions: bytes as docs/formats.md has them, and the same plans when they are loaded.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <tern/op/saved_conv2d.hpp>

#include "../support/check_refused.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/plan_outputs.hpp"
#include "../support/run_plan.hpp"
#include "../support/saved_layers.hpp"

namespace {

using tern::code_id;
using tern::errc;
using tern_test::byte_list;
using tern_test::described_layer;
using tern_test::seal;

/// Memory that counts what is asked for.
struct counted_memory {
    std::size_t bytes = 0;
    tern::allocator get() {
        return {this,
                [](void* ctx, std::size_t size, std::size_t alignment) {
                    static_cast<counted_memory*>(ctx)->bytes += size;
                    return ::operator new (size, std::align_val_t{alignment}, std::nothrow);
                },
                [](void*, void* p, std::size_t, std::size_t alignment) {
                    ::operator delete (p, std::align_val_t{alignment});
                }};
    }
};

/// Reads bytes of exactly their size, and counts memory.
tern::result<tern::saved_conv2d> read_counted(const byte_list& bytes) {
    const tern_test::exact_array<unsigned char> exact(bytes.size(),
                                                      [i = std::size_t{0}, &bytes]() mutable { return bytes[i++]; });
    counted_memory memory;
    auto saved = tern::read_saved_conv2d(exact.data(), exact.size(), memory.get());
    if (memory.bytes > 8 * bytes.size())
        FAIL_CHECK(memory.bytes, " bytes to read ", bytes.size());
    return saved;
}

/// A layer of few bytes with stages of several kinds.
std::unique_ptr<described_layer> small_layer() {
    std::mt19937 random(3);
    for (;;) {
        auto layer = std::make_unique<described_layer>(code_id::ternary, code_id::ternary, random);
        if (layer->description.chain.count >= 4 && layer->weights.shape.size() < 100 && !layer->weights.bias.empty())
            return layer;
    }
}

}  // namespace

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
                    stages.insert(std::string(tern::stage::name(s.kind)) + (s.a != nullptr ? "+" : "-") +
                                  (s.b != nullptr ? "+" : "-"));
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
                                          "residual++", "store--", "ternarize--", "quantize--"});
}

TEST_CASE("ternary weights give the same bytes as planes and as codes") {
    std::mt19937 random(2);
    for (int i = 0; i < 40; ++i) {
        const described_layer layer(code_id::ternary, code_id::ternary, random);
        const auto planes = tern::to_ternary_weights(layer.weights);
        REQUIRE(planes.ok());
        tern::conv2d_description d = layer.description;
        d.codes = nullptr;
        d.planes = &*planes;
        CHECK(tern_test::save(d) == tern_test::save(layer.description));
        const auto plan = tern::create_conv2d(d), same = tern::create_conv2d(layer.description);
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        REQUIRE_MESSAGE(same.ok(), std::string(same.message()));
        tern::status s;
        const auto outputs = tern_test::plan_outputs(*plan, d.chain, {1, 6, 7}, 5, s);
        CHECK(!outputs.empty());
        CHECK(outputs == tern_test::plan_outputs(*same, d.chain, {1, 6, 7}, 5, s));
    }
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
    d.codes = &*weights;
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

TEST_CASE("bytes that are cut, lengthened or changed are refused") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    const byte_list whole = tern_test::save(layer.description);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        byte_list cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(read_counted(cut).ok());
        if (size >= 24)
            seal(cut);  // so that the parser meets the end
        CHECK_FALSE(read_counted(cut).ok());
    }
    byte_list longer = whole;
    for (std::size_t more = 1; more <= 24; ++more) {
        longer.push_back(0);
        CHECK_FALSE(read_counted(longer).ok());
        byte_list sealed = longer;
        seal(sealed);
        CHECK_FALSE(read_counted(sealed).ok());
    }
    std::mt19937 random(4);
    for (int i = 0; i < 10000; ++i) {
        byte_list changed = whole;
        for (auto flips = 1 + random() % 3; flips > 0; --flips)
            changed[random() % whole.size()] ^= static_cast<unsigned char>(1u << random() % 8);
        if (read_counted(changed).ok() != (changed == whole))
            FAIL_CHECK("change ", i, " was not noticed");
    }
}

TEST_CASE("changed bytes with a good checksum are refused, or are a convolution") {
    std::mt19937 random(5);
    constexpr std::uint32_t awkward[] = {0,           1,           2,           3,           0xffffffffu,
                                         0x7fffffffu, 0x80000000u, 0x7fc00000u, 0x7f800000u, 256};
    int refused = 0, read = 0, made = 0, ran = 0;
    for (int layers = 0; layers < 100; ++layers) {
        const described_layer layer(tern_test::all_codes[random() % 11], tern_test::all_codes[random() % 12], random);
        const byte_list whole = tern_test::save(layer.description);
        if (whole.size() > 4000)
            continue;
        for (int i = 0; i < 200; ++i) {
            byte_list changed = whole;
            for (auto changes = 1 + random() % 2; changes > 0; --changes) {
                const std::size_t end = random() % 2 == 0 ? 152 : whole.size();  // the header, or anywhere
                if (random() % 2 == 0)
                    changed[16 + random() % (end - 16)] ^= static_cast<unsigned char>(1u << random() % 8);
                else
                    std::memcpy(changed.data() + 16 + random() % ((end - 16) / 4) * 4, &awkward[random() % 10], 4);
            }
            seal(changed);
            const auto saved = read_counted(changed);
            if (!saved.ok()) {
                if (std::string(saved.message()).empty())
                    FAIL_CHECK("no message");
                ++refused;
                continue;
            }
            ++read;
            if (tern_test::save(saved->description()) != changed)
                FAIL_CHECK("bytes that were read are not those that are written");
            const auto plan = tern::create_conv2d(saved->description());
            if (!plan.ok())
                continue;
            ++made;
            tern::status s;
            if (!tern_test::plan_outputs(*plan, saved->chain, {1, 5, 5}, 1, s).empty())
                ran += s.ok() ? 1 : 0;
        }
    }
    CHECK(refused > 1000);
    CHECK(read > 1000);
    CHECK(made > 1000);
    CHECK(ran > 1000);
}

TEST_CASE("numbers in headers that cannot be are refused, before memory is asked for") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    const byte_list whole = tern_test::save(layer.description);
    const auto refused = [&](std::size_t at, std::uint64_t value, std::size_t bytes, const char* part, errc code) {
        byte_list changed = whole;
        std::memcpy(changed.data() + at, &value, bytes);
        if (at >= 24)
            seal(changed);
        counted_memory memory;
        const auto saved = tern::read_saved_conv2d(changed.data(), changed.size(), memory.get());
        CAPTURE(at);
        CAPTURE(value);
        tern_test::check_refused(saved.status(), code, {part});
        CHECK(memory.bytes <= 8 * changed.size());
    };
    refused(0, 'X', 1, "TERNCONV", errc::bad_format);
    for (const std::uint32_t version : {0u, 2u, 256u, 0xffffffffu})
        refused(8, version, 4, "expected version 1, found", errc::unsupported);
    refused(12, 1, 4, "the checksum", errc::bad_format);
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{whole.size() + 8}, ~std::uint64_t{0}})
        refused(16, size, 8, "bytes, as it says", errc::bad_format);
    for (std::size_t extent = 0; extent < 4; ++extent)
        for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1} << 32, std::uint64_t{1} << 61,
                                         std::uint64_t{1} << 63, ~std::uint64_t{0}})
            refused(24 + 8 * extent, size, 8, "", errc::bad_format);
    for (const std::size_t at : {56u, 64u, 104u, 112u, 120u})  // strides, dilations, groups
        refused(at, 0, 8, "0", errc::bad_format);
    refused(120, ~std::uint64_t{0}, 8, "groups", errc::bad_format);
    for (const std::uint64_t code :
         {std::uint64_t{13}, std::uint64_t{256}, std::uint64_t{257}, std::uint64_t{0xffffffffu}}) {
        refused(128, code, 4, "two codes", errc::bad_format);
        refused(132, code, 4, "two codes", errc::bad_format);
    }
    refused(128, 12, 4, "for weights", errc::bad_format);
    refused(136, 2, 4, "a border value", errc::bad_format);
    refused(140, 1, 4, "a zero point of", errc::bad_format);  // these activations have none
    refused(144, 4, 4, "which biases", errc::bad_format);
    for (const std::uint32_t stages : {25u, 256u, 0xffffffffu})
        refused(148, stages, 4, "at most 24 stages", errc::bad_format);
    refused(148, 0, 4, "expected the end", errc::bad_format);
    refused(148, 24, 4, "bytes, found 0", errc::bad_format);
}

TEST_CASE("values that cannot be are refused when they are read") {
    const float scale[] = {1.0f, 2.0f}, slopes[] = {0.5f, 0.25f};
    const std::int8_t codes[] = {1, -1, 0, 1, 1, 1};
    const auto weights = tern::pack_code_weights(codes, {2, 3, 1, 1}, code_id::ternary, scale);
    REQUIRE(weights.ok());
    tern::conv2d_description d;
    d.codes = &*weights;
    d.chain = tern::chain(tern::stage::prelu(slopes), tern::stage::ternarize());
    const byte_list whole = tern_test::save(d);
    REQUIRE(whole.size() == 152 + 8 + 8 + 16 + 32);
    const auto refused = [&](std::size_t at, const std::vector<unsigned char>& bytes, const char* part) {
        byte_list changed = whole;
        std::memcpy(changed.data() + at, bytes.data(), bytes.size());
        seal(changed);
        const auto saved = read_counted(changed);
        CAPTURE(at);
        REQUIRE_FALSE(saved.ok());
        CHECK_MESSAGE(std::string(saved.message()).find(part) != std::string::npos, std::string(saved.message()));
    };
    refused(152, {0, 0, 0x80, 0x7f}, "scale of channel 0: expected a finite number, found inf");
    refused(156, {0, 0, 0xc0, 0x7f}, "scale of channel 1: expected a finite number, found ");
    refused(160, {243}, "at most 242");
    refused(161, {3}, "zero digits behind the last code");
    refused(162, {1}, "byte 162: expected a zero of padding, found 1");
    refused(168, {10}, "byte 168: expected a kind of stage");
    refused(172, {1}, "optional arrays");
    refused(176, {0, 0, 0x80, 0xff}, "slope of channel 0: expected a finite number, found -inf");
    refused(192, {2}, "ternarize: expected thresholds of code ternary");
    refused(192, {13}, "expected a code, at most 15 thresholds");
    refused(196, {16}, "at most 15 thresholds");
    refused(196, {1}, "");
    refused(200, {4}, "strict ones among them, and");
    refused(204, {1}, "no zero point but of bytes");
    refused(208, {0, 0, 0x80, 0x3f}, "ternarize: ");  // 1 and 0.5
}

TEST_CASE("loading reports refused memory and keeps none") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    const byte_list bytes = tern_test::save(layer.description);
    CHECK(test::refuse_each_allocation([&](const tern::allocator& memory) {
              return tern::read_saved_conv2d(bytes.data(), bytes.size(), memory);
          }) == 4);  // codes, scales, biases, arrays
    CHECK(test::refuse_each_allocation([&](const tern::allocator& memory) {
              tern::plan_options options;
              options.memory = memory;
              return tern::load_conv2d(bytes.data(), bytes.size(), options);
          }) > 4);
}
