// The general epilogue on sums in memory: tiles of any number of channels, every combination of stages.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/code/ternary.hpp>
#include <tern/kernel/reference.hpp>
#include <tern/kernel/table.hpp>

#include "../support/random_epilogue.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern::activation_kind;
using tern::epilogue_params;
using tern::finish_tile_args;
using tern::kernel_table;
using tern::residual_kind;
using tern_test::epilogue_outputs;
using tern_test::exact_array;
using tern_test::random_epilogue;

using finish_function = void (*)(const finish_tile_args&);

/// Sums of one tile; as floats, awkward ones.
struct tile_sums {
    exact_array<std::int32_t> integers;
    exact_array<float> floats;

    tile_sums(std::size_t size, std::mt19937& random)
        : integers(size, [&] { return static_cast<std::int32_t>(random() % 41) - 20; }),
          floats(size, [&] { return tern_test::awkward_float(random); }) {}
};

// One tile [channel, channel + count) of a layer of `channels`, finished in every way.
void every_epilogue(const kernel_table& table, std::size_t channels, std::size_t channel, std::size_t count,
                    std::size_t pixels, std::size_t pitch, std::mt19937& random) {
    CAPTURE(channels);
    CAPTURE(channel);
    CAPTURE(count);
    CAPTURE(pixels);
    const std::size_t residual_channels = random() % 2 == 0 ? channels : 1 + random() % channels;
    random_epilogue e(channels, pixels, residual_channels, random);
    const tile_sums sums(pixels * pitch, random);
    const kernel_table& reference = tern::reference_table();
    const auto compare = [&](finish_function fast, finish_function slow, const void* from) {
        epilogue_outputs got(e), expected(e);
        fast(tile_of(e, got, channel, count, from, pitch));
        slow(tile_of(e, expected, channel, count, from, pitch));
        CHECK(got.guards_intact());
        CHECK(got == expected);
    };
    for (std::size_t quantizers = 0; quantizers <= tern::max_quantizers; ++quantizers) {
        CAPTURE(quantizers);
        e.params.quantizer_count = quantizers;
        compare(table.finish_thresholds, reference.finish_thresholds, sums.integers.data());
        for (const bool store : {false, true})
            for (const auto residual : {residual_kind::none, residual_kind::same, residual_kind::pooled}) {
                CAPTURE(store);
                CAPTURE(static_cast<int>(residual));
                if (residual == residual_kind::same && residual_channels != channels)
                    continue;
                e.params.store = store;
                e.params.residual = residual;
                compare(table.finish_i32, reference.finish_i32, sums.integers.data());
                compare(table.finish_f32, reference.finish_f32, sums.floats.data());
            }
    }
}

void tiles_of_layers(const kernel_table& table) {
    std::mt19937 random(7);
    for (const std::size_t tile : tern_test::sizes{16, 32, 64, 128})
        for (const std::size_t channels : tern_test::channel_counts())
            for (std::size_t channel = 0; channel < channels; channel += tile) {
                const std::size_t count = channels - channel < tile ? channels - channel : tile;
                every_epilogue(table, channels, channel, count, 1 + random() % 7, tile + 16 * (random() % 2), random);
            }
}

void in_place(const kernel_table& table) {
    std::mt19937 random(8);
    for (const std::size_t channels : tern_test::sizes{1, 7, 8, 40}) {
        constexpr std::size_t pixels = 5, pitch = 64;
        random_epilogue e(channels, pixels, channels, random);
        e.params.residual = residual_kind::same;
        e.params.store = true;
        e.params.quantizer_count = 1;
        const tile_sums sums(pixels * pitch, random);
        epilogue_outputs apart(e), got(e);
        table.finish_i32(tile_of(e, apart, 0, channels, sums.integers.data(), pitch));
        std::memcpy(got.floats.data(), e.residual.data(), got.floats.size() * sizeof(float));
        for (std::size_t i = 0; i < pixels; ++i)
            got.residual_rows[i] = got.float_rows[i];
        table.finish_i32(tile_of(e, got, 0, channels, sums.integers.data(), pitch));
        CHECK(got == apart);
    }
}

/// The canonical order, with numbers that show every stage: a wrong order gives another result.
void canonical_order(const kernel_table& table) {
    constexpr std::size_t n = 64;
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> scale(n, 2.0f), shift(n, 1.0f), slope(n, -0.5f), residual_scale(n, 3.0f),
        residual_shift(n, 0.25f), g(n, 0.125f), h(n, 0.5f);
    epilogue_params params{};
    params.scale = scale.data();
    params.shift = shift.data();
    params.first = {activation_kind::prelu, slope.data(), 0.0f, 0.0f};
    params.residual = residual_kind::same;
    params.residual_scale = residual_scale.data();
    params.residual_shift = residual_shift.data();
    params.second = {activation_kind::clamp, nullptr, -10.0f, 8.0f};
    params.store = true;
    params.quantizer_count = 1;
    params.quantizers[0].g = g.data();
    params.quantizers[0].h = h.data();
    params.quantizers[0].levels.at[0] = -0.5f;
    params.quantizers[0].levels.at[1] = 1.5f;
    alignas(64) std::int32_t sums[64] = {-3, 0, 4, -3, 2, 2};
    const float residual[6] = {-2.0f, 1.0f, 1.0f, 1.0f, -7.0f, nan};
    // prelu(2 sum + 1):  2.5  1  9  2.5  5  5;   + 3r + 0.25:  -3.25  4.25  12.25  5.75  -15.75  NaN;   clamped to [-10, 8]
    const float expected[6] = {-3.25f, 4.25f, 8.0f, 5.75f, -10.0f, nan};
    // v / 8 + 0.5:  0.09  1.03  1.5  1.2  -0.75  NaN
    const int codes[6] = {0, 0, 1, 0, -1, 0};
    float out[6];
    std::uint64_t words[2] = {~0ull, ~0ull};
    float* out_row = out;
    const float* residual_row = residual;
    auto* packed_row = reinterpret_cast<unsigned char*>(words);
    finish_tile_args args{};
    args.to.params = &params;
    args.to.sums = sums;
    args.to.out = &out_row;
    args.to.residual = &residual_row;
    args.to.packed[0] = &packed_row;
    args.count = 1;
    args.channels = 6;
    args.zero_bytes = 7;
    args.pitch = 64;
    args.residual_channels = 6;
    table.finish_i32(args);
    for (std::size_t i = 0; i < 6; ++i)
        CHECK(tern_test::same_float(out[i], expected[i]));
    for (unsigned i = 0; i < 64; ++i)
        CHECK(tern::ternary::decode({(words[0] >> i & 1) != 0, (words[1] >> i & 1) != 0}) == (i < 6 ? codes[i] : 0));
    CHECK((words[1] & ~words[0]) == 0);
}

}  // namespace

TEST_CASE("epilogues and thresholds of every tile equal the reference, bit for bit") {
    tern_test::for_each_table(tiles_of_layers);
}
TEST_CASE("an epilogue may write its residual") { tern_test::for_each_table_and_reference(in_place); }
TEST_CASE("the epilogue follows its canonical order") { tern_test::for_each_table_and_reference(canonical_order); }
