#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/quantize/activation.hpp>

namespace {

using tern::border;
using tern::errc;
using tern::ternary_thresholds;

/// An image whose bytes are all 0xff before something writes it, with pitches larger than needed if `slack`.
struct dirty_image {
    std::vector<std::uint64_t> words;
    tern::packed_image view{};

    dirty_image(const tern::image_shape& shape, std::size_t c, const border& halo, bool slack) {
        auto layout = tern::make_packed_layout(shape, c, halo);
        REQUIRE(layout.ok());
        if (slack) {
            layout->pixel_bytes += 16;
            layout->row_bytes = layout->pixel_bytes * (shape.w + halo.left + halo.right) + 24;
            layout->image_bytes = layout->row_bytes * (shape.h + halo.top + halo.bottom) + 8;
            layout->total_bytes = layout->image_bytes * shape.n + 40;
        }
        words.assign(layout->total_bytes / 8 + 1, ~std::uint64_t{0});
        view = {*layout, reinterpret_cast<unsigned char*>(words.data())};
    }
};

/// Bits that are set anywhere in the image's memory, and a check that nothing behind it was written.
std::size_t set_bits(const dirty_image& image) {
    CHECK(image.words.back() == ~std::uint64_t{0});
    std::size_t count = 0;
    for (std::size_t i = 0; i + 1 < image.words.size(); ++i)
        for (std::uint64_t w = image.words[i]; w != 0; w &= w - 1)
            ++count;
    return count;
}

struct test_shape {
    std::size_t n, h, w, c;
};

std::vector<test_shape> odd_images() {
    std::vector<test_shape> shapes;
    for (std::size_t c : {1u, 2u, 63u, 64u, 65u, 127u, 128u}) {
        shapes.push_back({1, 1, 1, c});
        shapes.push_back({2, 3, 5, c});
    }
    return shapes;
}

const border halos[] = {{0, 0, 0, 0}, {1, 1, 1, 1}, {0, 2, 3, 1}};

/// Values around the default thresholds, both neighbours of each, zeros, subnormals, infinities and NaN.
std::vector<float> special_values() {
    const float inf = std::numeric_limits<float>::infinity();
    return {0.5f,
            std::nextafter(0.5f, 0.0f),
            std::nextafter(0.5f, 1.0f),
            -0.5f,
            std::nextafter(-0.5f, 0.0f),
            std::nextafter(-0.5f, -1.0f),
            0.0f,
            -0.0f,
            1e-45f,
            -1e-45f,
            inf,
            -inf,
            NAN,
            -NAN,
            3e38f,
            -3e38f};
}

TEST_CASE("ties and special values: 0.5 gives +1, -0.5 gives 0, NaN gives 0") {
    const std::vector<float> v = special_values();
    const std::vector<std::int8_t> expected = {1, 0, 1, 0, 0, -1, 0, 0, 0, 0, 1, -1, 0, 0, 1, -1};
    auto image = tern::make_packed_tensor({1, 1, 1}, v.size());
    REQUIRE(image.ok());
    REQUIRE(tern::pack_activations(tern::nhwc(v.data(), 1, 1, 1, v.size()), image->view()).ok());
    std::vector<std::int8_t> codes(v.size());
    REQUIRE(tern::unpack_codes(image->view(), tern::nhwc(codes.data(), 1, 1, 1, v.size())).ok());
    CHECK(codes == expected);
}

TEST_CASE("random activations, NHWC and NCHW, with affine and thresholds, equal the formula; the halo is zero") {
    std::mt19937 random(6);
    const auto uniform = [&] { return static_cast<float>(random() >> 8) * 0x1p-23f - 1; };
    const std::vector<float> special = special_values();
    for (const test_shape& s : odd_images())
        for (const border& halo : halos)
            for (int variant = 0; variant < 8; ++variant) {
                CAPTURE(s.c);
                CAPTURE(variant);
                const bool channels_first = (variant & 1) != 0, slack = (variant & 2) != 0, affine = (variant & 4) != 0;
                std::vector<float> v(s.n * s.h * s.w * s.c), g(s.c), h(s.c);
                for (float& x : v)
                    x = random() % 8 == 0 ? special[random() % special.size()] : 1.5f * uniform();
                for (std::size_t c = 0; c < s.c; ++c) {
                    g[c] = c % 7 == 3 ? 0.0f : 2 * uniform();
                    h[c] = uniform();
                }
                const ternary_thresholds t = affine ? ternary_thresholds{0.25f, -0.75f} : ternary_thresholds{};
                const auto in = channels_first ? tern::nchw<const float>(v.data(), s.n, s.c, s.h, s.w)
                                               : tern::nhwc<const float>(v.data(), s.n, s.h, s.w, s.c);
                dirty_image image({s.n, s.h, s.w}, s.c, halo, slack);
                const tern::channel_affine norm =
                    affine ? tern::channel_affine{g.data(), h.data()} : tern::channel_affine{};
                REQUIRE(tern::pack_activations(in, image.view, t, norm).ok());
                std::size_t bits = 0;
                for (std::size_t n = 0; n < s.n; ++n)
                    for (std::size_t y = 0; y < s.h; ++y)
                        for (std::size_t x = 0; x < s.w; ++x)
                            for (std::size_t c = 0; c < s.c; ++c) {
                                float u = v[channels_first ? ((n * s.c + c) * s.h + y) * s.w + x
                                                           : ((n * s.h + y) * s.w + x) * s.c + c];
                                if (affine) {
                                    volatile float product = g[c] * u;
                                    u = product + h[c];
                                }
                                const int expected = u >= t.hi ? 1 : u < t.lo ? -1 : 0;
                                REQUIRE(tern::get_code(image.view, n, static_cast<std::ptrdiff_t>(y),
                                                       static_cast<std::ptrdiff_t>(x), c) == expected);
                                bits += expected > 0 ? 1 : expected < 0 ? 2 : 0;
                            }
                // Every other bit, of the halo, of channels beyond the last and of the slack, is zero.
                REQUIRE(set_bits(image) == bits);
            }
}

// A function of its own: where the product has another use as well, compilers do not fuse it.
[[gnu::noinline]] float rounded_multiply_add(float a, float b, float c) { return tern::rounded(a * b) + c; }

TEST_CASE("a rounded product is not fused with the sum that follows, whatever the flags") {
    std::mt19937 random(3);
    int sensitive = 0;  // sums that a fused multiply-add would change
    for (int i = 0; i < 10000; ++i) {
        const float a = 1 + static_cast<float>(random() >> 8) * 0x1p-24f;
        const float b = 1 + static_cast<float>(random() >> 8) * 0x1p-24f;
        volatile float product = a * b;
        const float c = 0.001f - product;
        volatile float expected = product + c;
        REQUIRE(rounded_multiply_add(a, b, c) == expected);
        sensitive += std::fma(a, b, c) != expected;
    }
    CHECK(sensitive > 5000);
}

TEST_CASE("the product is rounded before the sum, never fused with it") {
    // Cases in which a fused multiply-add would give another code.
    std::mt19937 random(7);
    std::vector<float> v, g, h;
    while (v.size() < 500) {
        const float a = 1 + static_cast<float>(random() >> 8) * 0x1p-24f;
        const float b = 1000 * (1 + static_cast<float>(random() >> 8) * 0x1p-24f);
        volatile float product = a * b;
        const float shift = 0.5f - product;
        volatile float sum = product + shift;
        if ((sum >= 0.5f) != (std::fma(a, b, shift) >= 0.5f)) {
            v.push_back(a);
            g.push_back(b);
            h.push_back(shift);
        }
    }
    auto image = tern::make_packed_tensor({1, 1, 1}, v.size());
    REQUIRE(image.ok());
    REQUIRE(
        tern::pack_activations(tern::nhwc(v.data(), 1, 1, 1, v.size()), image->view(), {}, {g.data(), h.data()}).ok());
    for (std::size_t c = 0; c < v.size(); ++c) {
        volatile float product = g[c] * v[c];
        volatile float sum = product + h[c];
        REQUIRE(tern::get_code(image->view(), 0, 0, 0, c) == (sum >= 0.5f ? 1 : 0));
    }
}

TEST_CASE("a scale or a shift may be missing") {
    const std::vector<float> v = {0.4f, -0.4f}, g = {2, 3}, h = {-1, 1};
    auto image = tern::make_packed_tensor({1, 1, 1}, 2);
    REQUIRE(image.ok());
    const auto codes = [&](const tern::channel_affine& affine) {
        REQUIRE(tern::pack_activations(tern::nhwc(v.data(), 1, 1, 1, 2), image->view(), {}, affine).ok());
        return std::vector<int>{tern::get_code(image->view(), 0, 0, 0, 0), tern::get_code(image->view(), 0, 0, 0, 1)};
    };
    CHECK(codes({}) == std::vector<int>{0, 0});
    CHECK(codes({g.data(), nullptr}) == std::vector<int>{1, -1});
    CHECK(codes({nullptr, h.data()}) == std::vector<int>{-1, 1});
    CHECK(codes({g.data(), h.data()}) == std::vector<int>{0, 0});
}

TEST_CASE("codes are packed, unpacked and dequantized, NHWC, NCHW and strided") {
    std::mt19937 random(8);
    for (const test_shape& s : odd_images())
        for (const border& halo : halos)
            for (bool slack : {false, true}) {
                CAPTURE(s.c);
                const std::size_t size = s.n * s.h * s.w * s.c;
                std::vector<std::int8_t> codes(size), back(size, 9);
                std::size_t bits = 0;
                for (auto& c : codes) {
                    c = static_cast<std::int8_t>(static_cast<int>(random() % 3) - 1);
                    bits += c > 0 ? 1 : c < 0 ? 2 : 0;
                }
                dirty_image image({s.n, s.h, s.w}, s.c, halo, slack);
                REQUIRE(
                    tern::pack_codes(tern::nhwc<const std::int8_t>(codes.data(), s.n, s.h, s.w, s.c), image.view).ok());
                REQUIRE(set_bits(image) == bits);
                REQUIRE(tern::unpack_codes(image.view, tern::nhwc(back.data(), s.n, s.h, s.w, s.c)).ok());
                CHECK(back == codes);

                std::vector<std::int8_t> planar(size, 9);
                REQUIRE(tern::unpack_codes(image.view, tern::nchw(planar.data(), s.n, s.c, s.h, s.w)).ok());
                dirty_image other({s.n, s.h, s.w}, s.c, halo, slack);
                REQUIRE(tern::pack_codes(tern::nchw<const std::int8_t>(planar.data(), s.n, s.c, s.h, s.w), other.view)
                            .ok());
                CHECK(other.words == image.words);

                // Every second channel of a wider tensor; what lies between is left alone.
                std::vector<float> wide(2 * size, 7.0f);
                auto view = tern::nhwc(wide.data(), s.n, s.h, s.w, 2 * s.c);
                view.c = s.c;
                view.stride_c = 2;
                REQUIRE(tern::dequantize_codes(image.view, 0.375f, view).ok());
                for (std::size_t i = 0; i < size; ++i) {
                    REQUIRE(wide[2 * i] == 0.375f * static_cast<float>(codes[i]));
                    REQUIRE_FALSE((codes[i] == 0 && std::signbit(wide[2 * i])));
                    REQUIRE(wide[2 * i + 1] == 7.0f);
                }
            }
}

TEST_CASE("values that are no ternary codes are refused by position, and nothing is written") {
    for (int bad : {2, -2, 127, -128}) {
        std::vector<std::int8_t> codes(2 * 3 * 4 * 5, 1);
        codes[((1 * 3 + 2) * 4 + 2) * 5 + 1] = static_cast<std::int8_t>(bad);
        codes[((1 * 3 + 2) * 4 + 3) * 5 + 4] = 3;
        dirty_image image({2, 3, 4}, 5, {1, 1, 1, 1}, false);
        const auto before = image.words;
        const auto s = tern::pack_codes(tern::nhwc<const std::int8_t>(codes.data(), 2, 3, 4, 5), image.view);
        CHECK(s.code() == errc::bad_value);
        CHECK(std::string(s.message()) ==
              "code at [1,2,2,1] (n, y, x, c): expected ternary {-1, 0, 1}, found " + std::to_string(bad));
        CHECK(image.words == before);
    }
}

TEST_CASE("shapes that differ, missing data and bad thresholds are statuses") {
    auto image = tern::make_packed_tensor({2, 3, 4}, 5, border::uniform(1));
    REQUIRE(image.ok());
    std::vector<float> v(200);
    std::vector<std::int8_t> codes(200);
    const auto invalid = [](const tern::status& s) { return s.code() == errc::invalid_argument; };
    const tern::packed_image out = image->view();
    CHECK(tern::pack_activations(tern::nhwc(v.data(), 2, 3, 4, 5), out).ok());
    const test_shape wrong[] = {{1, 3, 4, 5}, {2, 2, 4, 5}, {2, 3, 5, 5}, {2, 3, 4, 4}, {2, 3, 4, 6}};
    for (const test_shape& s : wrong) {
        CHECK(invalid(tern::pack_activations(tern::nhwc(v.data(), s.n, s.h, s.w, s.c), out)));
        CHECK(invalid(tern::pack_codes(tern::nhwc(codes.data(), s.n, s.h, s.w, s.c), out)));
        CHECK(invalid(tern::unpack_codes(out, tern::nhwc(codes.data(), s.n, s.h, s.w, s.c))));
        CHECK(invalid(tern::dequantize_codes(out, 1.0f, tern::nhwc(v.data(), s.n, s.h, s.w, s.c))));
    }
    const auto found = tern::pack_activations(tern::nhwc(v.data(), 2, 3, 4, 6), out);
    CHECK(std::string(found.message()) ==
          "expected a tensor of 2x3x4x5 (n, h, w, c), as the packed image, found 2x3x4x6");
    CHECK(invalid(tern::pack_activations(tern::nhwc<const float>(nullptr, 2, 3, 4, 5), out)));
    tern::packed_image none = out;
    none.data = nullptr;
    CHECK(invalid(tern::pack_activations(tern::nhwc(v.data(), 2, 3, 4, 5), none)));
    none = out;
    none.layout.format = tern::image_format::none;
    CHECK(invalid(tern::unpack_codes(none, tern::nhwc(codes.data(), 2, 3, 4, 5))));
    for (ternary_thresholds t :
         {ternary_thresholds{-0.5f, 0.5f}, ternary_thresholds{NAN, 0.0f}, ternary_thresholds{0.0f, NAN}})
        CHECK(invalid(tern::pack_activations(tern::nhwc(v.data(), 2, 3, 4, 5), out, t)));
    CHECK(tern::pack_activations(tern::nhwc(v.data(), 2, 3, 4, 5), out, ternary_thresholds{0.5f, 0.5f}).ok());
}

/// One threshold fewer than a code has values, on a grid that random values and the special ones meet.
tern::quantizer_thresholds grid_thresholds(tern::code_id code) {
    tern::quantizer_thresholds t(code);
    t.count = tern::get_code_info(code).levels() - 1;
    for (int i = 0; i < t.count; ++i)
        t.at[i] = 0.5f * static_cast<float>(i - t.count / 2);
    return t;
}

TEST_CASE("activations of every code go through thresholds into images, whose halo and slack are written too") {
    std::mt19937 random(71);
    const auto special = special_values();
    for (std::size_t number = 0; number < tern::code_count; ++number)
        for (const test_shape& s : odd_images())
            for (bool affine : {false, true}) {
                const auto code = static_cast<tern::code_id>(number);
                const tern::code_info c = tern::get_code_info(code);
                if (c.levels() > 16)
                    continue;
                CAPTURE(c.title);
                CAPTURE(s.c);
                const tern::quantizer_thresholds t = grid_thresholds(code);
                std::vector<float> values(s.n * s.h * s.w * s.c), scale(s.c), shift(s.c);
                for (float& v : values)
                    v = random() % 4 == 0 ? special[random() % special.size()]
                                          : static_cast<float>(static_cast<int>(random() % 64) - 32) * 0.25f;
                for (std::size_t i = 0; i < s.c; ++i) {
                    scale[i] = static_cast<float>(static_cast<int>(random() % 9) - 4) * 0.5f;
                    shift[i] = static_cast<float>(static_cast<int>(random() % 9) - 4) * 0.25f;
                }
                const tern::channel_affine map{affine ? scale.data() : nullptr, affine ? shift.data() : nullptr};
                const border halo{1, 2, 0, 1};
                auto made = tern::make_packed_tensor(code, {s.n, s.h, s.w}, s.c, halo);
                REQUIRE(made.ok());
                const tern::packed_image image = made->view();
                std::memset(image.data, 0xff, image.layout.total_bytes);
                REQUIRE(
                    tern::pack_levels(tern::nchw<const float>(values.data(), s.n, s.c, s.h, s.w), image, t, map).ok());
                // The same image, code by code, over fresh memory.
                auto expected = tern::make_packed_tensor(code, {s.n, s.h, s.w}, s.c, halo);
                REQUIRE(expected.ok());
                for (std::size_t n = 0; n < s.n; ++n)
                    for (std::size_t y = 0; y < s.h; ++y)
                        for (std::size_t x = 0; x < s.w; ++x)
                            for (std::size_t i = 0; i < s.c; ++i) {
                                volatile float v = values[((n * s.c + i) * s.h + y) * s.w + x];
                                if (affine) {
                                    v = scale[i] * v;
                                    v = v + shift[i];
                                }
                                const float w = v;
                                int value = c.min;
                                for (int k = 0; k < t.count; ++k)
                                    value += w >= t.at[k] ? c.step : 0;
                                if (w != w)
                                    value = c.has_zero ? 0 : c.min;
                                tern::set_code(expected->view(), n, static_cast<std::ptrdiff_t>(y),
                                               static_cast<std::ptrdiff_t>(x), i, value);
                            }
                REQUIRE(std::memcmp(image.data, expected->bytes.data(), image.layout.total_bytes) == 0);
            }
}

TEST_CASE("thresholds that are not ascending, too few or for another code are refused") {
    const float values[] = {1, 2};
    const auto in = tern::nhwc<const float>(values, 1, 1, 1, 2);
    auto image = tern::make_packed_tensor(tern::code_id::u2, {1, 1, 1}, 2);
    REQUIRE(image.ok());
    const tern::quantizer_thresholds good = grid_thresholds(tern::code_id::u2);
    CHECK(tern::pack_levels(in, image->view(), good).ok());
    const auto refused = [&](const tern::quantizer_thresholds& t) {
        return tern::pack_levels(in, image->view(), t).code() == errc::invalid_argument;
    };
    tern::quantizer_thresholds bad = good;
    std::swap(bad.at[0], bad.at[2]);
    CHECK(refused(bad));
    bad = good;
    bad.at[0] = std::numeric_limits<float>::quiet_NaN();
    CHECK(refused(bad));
    bad.at[1] = bad.at[0];
    CHECK(refused(bad));
    bad = good;
    bad.count = 2;
    CHECK(refused(bad));
    bad.code = static_cast<tern::code_id>(99);
    CHECK(refused(bad));
    bad = good;
    bad.at[1] = bad.at[0];  // skips a value
    bad.at[2] = std::numeric_limits<float>::infinity();
    CHECK(tern::pack_levels(in, image->view(), bad).ok());
    CHECK(refused(grid_thresholds(tern::code_id::u1)));
    CHECK(tern::pack_levels(tern::nhwc<const float>(values, 1, 1, 1, 1), image->view(), good).code() ==
          errc::invalid_argument);
    CHECK(tern::pack_levels(tern::nhwc<const float>(nullptr, 1, 1, 1, 2), image->view(), good).code() ==
          errc::invalid_argument);
}

}  // namespace
