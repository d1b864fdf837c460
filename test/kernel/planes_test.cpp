// What kernels do with words of planes besides multiplying them: counting set bits, merging taps.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <vector>

#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern_test::exact_array;
using tern_test::guarded_array;

bool bit_of(const unsigned char* words, std::size_t i) { return (words[i / 8] >> (i % 8) & 1) != 0; }

void counts(const tern::kernel_table& table) {
    std::mt19937 random(6);
    for (int i = 0; i < 50; ++i) {
        const std::size_t pixels = random() % 20, words = 1 + random() % 5, planes = 1 + random() % 4;
        const std::size_t pixel_words = words * planes + random() % 2;
        const exact_array<std::uint64_t> image((pixels + 1) * pixel_words,
                                               [&] { return std::uint64_t{random()} << 32 | random(); });
        guarded_array<std::int32_t> got(pixels);
        table.count_bits({reinterpret_cast<const unsigned char*>(image.data()), planes * 8, words, pixel_words * 8,
                          pixels, got.data()});
        CHECK(got.guards_intact());
        for (std::size_t p = 0; p < pixels; ++p) {
            std::int32_t count = 0;
            for (std::size_t k = 0; k < words * 64; ++k)
                count += image[p * pixel_words + k / 64 * planes] >> (k % 64) & 1 ? 1 : 0;
            CHECK(got[p] == count);
        }
    }
}

void merges(const tern::kernel_table& table) {
    std::mt19937 random(7);
    for (const std::size_t channels : tern_test::sizes{1, 2, 4, 8, 16, 32, 64})
        for (int i = 0; i < 20; ++i) {
            const std::size_t planes = 1 + random() % 4, taps = 1 + random() % 9, cells = random() % 12;
            const std::size_t step = 1 + random() % 3, dilation = 1 + random() % 2, words = (taps * channels + 63) / 64;
            const std::size_t pixels = cells * step + taps * dilation;
            exact_array<std::uint64_t> image(pixels * planes, [&] {
                const std::uint64_t any = std::uint64_t{random()} << 32 | random();
                return channels == 64 ? any : any & ((std::uint64_t{1} << channels) - 1);
            });
            guarded_array<std::uint64_t> out(cells * words * planes);
            const auto* const from = reinterpret_cast<const unsigned char*>(image.data());
            table.merge_taps({from, step * planes * 8, cells, planes, taps, dilation * planes * 8, channels,
                              reinterpret_cast<unsigned char*>(out.data()), words * planes * 8});
            CHECK(out.guards_intact());
            std::size_t wrong = 0;
            for (std::size_t c = 0; c < cells; ++c)
                for (std::size_t p = 0; p < planes; ++p)
                    for (std::size_t b = 0; b < words * 64; ++b) {
                        const std::size_t tap = b / channels;
                        const bool expected =
                            tap < taps && bit_of(from + ((c * step + tap * dilation) * planes + p) * 8, b % channels);
                        const auto* const word = reinterpret_cast<const unsigned char*>(out.data()) +
                                                 (c * words * planes + b / 64 * planes + p) * 8;
                        wrong += bit_of(word, b % 64) != expected;
                    }
            CHECK(wrong == 0);
        }
}

}  // namespace

TEST_CASE("set bits of pixels are counted") { tern_test::for_each_table_and_reference(counts); }
TEST_CASE("taps side by side become one cell") { tern_test::for_each_table_and_reference(merges); }
