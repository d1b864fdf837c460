#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/code/ternary.hpp>
#include <tern/kernel/reference.hpp>
#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern::activation_kind;
using tern::epilogue_params;
using tern::epilogue_tile_args;
using tern::kernel_table;
using tern::residual_kind;

/// Everything one epilogue reads, for `channels` output channels in all.
struct problem {
    std::size_t channels, padded, rows, acc_stride, residual_channels;
    std::mt19937& random;
    std::vector<tern_test::exact_array<float>> arrays;
    std::vector<tern_test::exact_array<std::int32_t>> integers;
    tern_test::exact_array<std::int32_t> acc_i32;
    tern_test::exact_array<float> acc_f32;
    tern_test::exact_array<float> residual;  // 2 rows of 2*rows pixels: pixel p of the output is at 2p
    epilogue_params params{};

    const float* floats(bool awkward) {
        arrays.emplace_back(padded, [&] {
            return awkward ? tern_test::awkward_float(random) : tern_test::plain_float(random);
        });
        return arrays.back().data();
    }
    const std::int32_t* thresholds() {
        integers.emplace_back(padded, [&] { return static_cast<std::int32_t>(random() % 41) - 20; });
        return integers.back().data();
    }

    problem(std::size_t channels_, std::size_t rows_, std::size_t acc_stride_, std::size_t residual_channels_,
            std::mt19937& r)
        : channels(channels_), padded((channels_ + 63) / 64 * 64), rows(rows_), acc_stride(acc_stride_),
          residual_channels(residual_channels_), random(r),
          acc_i32(rows * acc_stride, [&] { return static_cast<std::int32_t>(random() % 41) - 20; }),
          acc_f32(rows * acc_stride, [&] { return tern_test::awkward_float(random); }),
          residual(4 * rows * residual_channels, [&] { return tern_test::awkward_float(random); }) {
        params.scale = floats(false);
        params.shift = floats(false);
        for (tern::activation_params* a : {&params.first, &params.second}) {
            a->kind = static_cast<activation_kind>(random() % 3);
            a->slope = floats(false);
            a->lo = -1.0f;
            a->hi = random() % 2 == 0 ? 1.5f : std::numeric_limits<float>::infinity();
        }
        if (random() % 2 == 0) {
            params.residual_scale = floats(false);
            params.residual_shift = floats(false);
        }
        for (std::size_t q = 0; q < 2; ++q) {
            params.quantizers[q] = {floats(true), floats(true), q == 0 ? 0.5f : 0.25f, q == 0 ? -0.5f : -0.75f};
            auto* flip = const_cast<std::int32_t*>(thresholds());
            for (std::size_t c = 0; c < padded; ++c)
                flip[c] = flip[c] < 0 ? -1 : 0;
            const std::int32_t* hi = thresholds();
            params.thresholds[q] = {hi, thresholds(), flip};
        }
    }
};

/// The outputs of one tile, with guard bytes; floats [row][channel], planes [quantizer][row][word].
struct outputs {
    tern_test::guarded_array<float> out;
    tern_test::guarded_array<unsigned char> packed[2];

    explicit outputs(const problem& p)
        : out(p.rows * p.channels), packed{tern_test::guarded_array<unsigned char>(p.rows * p.padded / 4),
                                           tern_test::guarded_array<unsigned char>(p.rows * p.padded / 4)} {}
    bool operator==(const outputs& o) const {
        return tern_test::same_floats(out, o.out, out.size()) && packed[0].same_bytes(o.packed[0]) &&
               packed[1].same_bytes(o.packed[1]);
    }
    bool guards_intact() const { return out.guards_intact() && packed[0].guards_intact() && packed[1].guards_intact(); }
};

void run_tile(tern::epilogue_tile entry, const problem& p, bool integer, bool pooled, std::size_t channel,
              std::size_t count, outputs& to) {
    std::vector<float*> out(p.rows);
    std::vector<const float*> residual(p.rows);
    std::vector<unsigned char*> packed[2];
    for (std::size_t row = 0; row < p.rows; ++row) {
        out[row] = to.out.data() + row * p.channels;
        residual[row] = p.residual.data() + (pooled ? 2 * row : row) * p.residual_channels;
        for (int q = 0; q < 2; ++q)
            packed[q].push_back(to.packed[q].data() + row * p.padded / 4);
    }
    epilogue_tile_args args{};
    args.acc = integer ? static_cast<const void*>(p.acc_i32.data()) : p.acc_f32.data();
    args.acc_stride = p.acc_stride;
    args.rows = p.rows;
    args.channel = channel;
    args.channels = count;
    args.zero_bytes = channel + count == p.channels ? (p.padded - (p.channels + 7) / 8 * 8) / 8 : 0;
    args.params = &p.params;
    args.out = out.data();
    args.residual = residual.data();
    args.pool_right = static_cast<std::ptrdiff_t>(p.residual_channels);
    args.pool_down = static_cast<std::ptrdiff_t>(2 * p.rows * p.residual_channels);
    args.residual_channels = p.residual_channels;
    args.packed[0] = packed[0].data();
    args.packed[1] = packed[1].data();
    entry(args);
}

/// Every entry of the table on one tile [channel, channel + count) of a layer of `channels`.
void every_entry(const kernel_table& table, std::size_t channels, std::size_t channel, std::size_t count,
                 std::size_t rows, std::size_t acc_stride, std::mt19937& random) {
    CAPTURE(std::string(table.level));
    CAPTURE(channels);
    CAPTURE(channel);
    CAPTURE(count);
    CAPTURE(rows);
    const std::size_t residual_channels = random() % 2 == 0 ? channels : 1 + random() % channels;
    const problem p(channels, rows, acc_stride, residual_channels, random);
    const kernel_table& reference = tern::reference_table();
    const auto compare = [&](tern::epilogue_tile fast, tern::epilogue_tile slow, bool integer, bool pooled) {
        REQUIRE((fast == nullptr) == (slow == nullptr));
        if (fast == nullptr)
            return;
        outputs got(p), expected(p);
        run_tile(fast, p, integer, pooled, channel, count, got);
        run_tile(slow, p, integer, pooled, channel, count, expected);
        CHECK(got.guards_intact());
        CHECK(got == expected);
    };
    for (std::size_t store = 0; store < 2; ++store)
        for (std::size_t q = 0; q < 3; ++q) {
            CAPTURE(store);
            CAPTURE(q);
            for (std::size_t r = 0; r < 3; ++r) {
                CAPTURE(r);
                if (r == 1 && residual_channels != channels)
                    continue;
                compare(table.epilogue_i32[r][store][q], reference.epilogue_i32[r][store][q], true, r == 2);
                compare(table.epilogue_f32[r][store][q], reference.epilogue_f32[r][store][q], false, r == 2);
            }
        }
    for (std::size_t q = 0; q < 3; ++q)
        compare(table.thresholds[q], reference.thresholds[q], true, false);
}

void tiles_of_layers(const kernel_table& table) {
    std::mt19937 random(7);
    for (const std::uint32_t tile : {table.popcount.tile_channels, table.real.tile_channels})
        for (const std::size_t channels : tern_test::channel_counts())
            for (std::size_t channel = 0; channel < channels; channel += tile) {
                const std::size_t count = channels - channel < tile ? channels - channel : tile;
                const std::size_t rows = 1 + random() % 7, acc_stride = tile + 16 * (random() % 2);
                every_entry(table, channels, channel, count, rows, acc_stride, random);
            }
}

void in_place(const kernel_table& table) {
    std::mt19937 random(8);
    CAPTURE(std::string(table.level));
    const std::size_t tile = table.popcount.tile_channels;
    for (const std::size_t channels : tern_test::sizes{1, 7, 8}) {
        const problem p(channels, 5, tile, channels, random);
        outputs apart(p), got(p);
        run_tile(table.epilogue_i32[1][1][1], p, true, false, 0, channels, apart);
        std::memcpy(got.out.data(), p.residual.data(), got.out.size() * sizeof(float));
        std::vector<float*> rows(p.rows);
        std::vector<const float*> residual(p.rows);
        std::vector<unsigned char*> packed(p.rows);
        for (std::size_t row = 0; row < p.rows; ++row) {
            residual[row] = rows[row] = got.out.data() + row * channels;
            packed[row] = got.packed[0].data() + row * p.padded / 4;
        }
        epilogue_tile_args args{};
        args.acc = p.acc_i32.data();
        args.acc_stride = tile;
        args.rows = p.rows;
        args.channels = channels;
        args.zero_bytes = 7;
        args.params = &p.params;
        args.out = rows.data();
        args.residual = residual.data();
        args.residual_channels = channels;
        args.packed[0] = packed.data();
        table.epilogue_i32[1][1][1](args);
        CHECK(got == apart);
    }
}

/// The canonical order, with numbers that show every stage: a wrong order gives another result.
void canonical_order(const kernel_table& table) {
    CAPTURE(std::string(table.level));
    constexpr std::size_t n = 64;
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> scale(n, 2.0f), shift(n, 1.0f), slope(n, -0.5f), residual_scale(n, 3.0f),
        residual_shift(n, 0.25f), g(n, 0.125f), h(n, 0.5f);
    epilogue_params params{};
    params.scale = scale.data();
    params.shift = shift.data();
    params.first = {activation_kind::prelu, slope.data(), 0.0f, 0.0f};
    params.residual_scale = residual_scale.data();
    params.residual_shift = residual_shift.data();
    params.second = {activation_kind::clamp, nullptr, -10.0f, 8.0f};
    params.quantizers[0] = {g.data(), h.data(), 1.5f, -0.5f};
    alignas(64) std::int32_t acc[64] = {-3, 0, 4, -3, 2, 2};
    const float residual[6] = {-2.0f, 1.0f, 1.0f, 1.0f, -7.0f, nan};
    // prelu(2 acc + 1):  2.5  1  9  2.5  5  5;   + 3r + 0.25:  -3.25  4.25  12.25  5.75  -15.75  NaN;   clamped to [-10, 8]
    const float expected[6] = {-3.25f, 4.25f, 8.0f, 5.75f, -10.0f, nan};
    // v / 8 + 0.5:  0.09  1.03  1.5  1.2  -0.75  NaN
    const int codes[6] = {0, 0, 1, 0, -1, 0};
    float out[6];
    std::uint64_t words[2] = {~0ull, ~0ull};
    float* out_row = out;
    const float* residual_row = residual;
    auto* packed_row = reinterpret_cast<unsigned char*>(words);
    epilogue_tile_args args{};
    args.acc = acc;
    args.acc_stride = 64;
    args.rows = 1;
    args.channels = 6;
    args.zero_bytes = 7;
    args.params = &params;
    args.out = &out_row;
    args.residual = &residual_row;
    args.residual_channels = 6;
    args.packed[0] = &packed_row;
    table.epilogue_i32[static_cast<int>(residual_kind::same)][1][1](args);
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
