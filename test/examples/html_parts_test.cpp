// What pages of classify are made of: text, numbers, charts, counts of zeros.
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "classify/bar_chart.hpp"
#include "classify/markup.hpp"
#include "classify/quantity.hpp"
#include "classify/zeros.hpp"
#include "page_support.hpp"

using namespace tern_test;

namespace {

const std::string bad = "\xEF\xBF\xBD", dots = "\xE2\x80\xA6";

page_element drawn(const examples::bar_chart& chart) {
    return parse_page("<!DOCTYPE html>\n" + examples::draw(chart).str() + "\n");
}

bool contains_title(const page_element& bar, const std::string& words) {
    return bar.of_name("title").size() == 1 && bar.text.find(words) != std::string::npos;
}

double value_of(const page_element& e, const char* key) { return std::stod(e.attribute(key)); }

}  // namespace

TEST_CASE("text is valid UTF-8 that XML takes, whatever it was") {
    using examples::valid_text;
    for (const std::string good : {"", "plain", "tab\tline\n", "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xA6", "\xC2\xA0"})
        CHECK(valid_text(good) == good);
    CHECK(valid_text(std::string("a\0b", 3)) == "a" + bad + "b");
    for (const char* one : {"\xFF", "\x80", "\xC3", "\x01", "\x7F", "\r", "\x1B", "\xC2\x85", "\xEF\xBF\xBE",
                            "\xEF\xBF\xBF", "\xEF\xB7\x90", "\xF0\x9F\xBF\xBF"})
        CHECK_MESSAGE(valid_text("a" + std::string(one) + "b") == "a" + bad + "b", one);
    // Longer than need be, surrogates, behind the last character, cut off.
    CHECK(valid_text("\xC0\xAF") == bad + bad);
    CHECK(valid_text("\xE0\x80\xAF") == bad + bad + bad);
    CHECK(valid_text("\xED\xA0\x80") == bad + bad + bad);
    CHECK(valid_text("\xF4\x90\x80\x80") == bad + bad + bad + bad);
    CHECK(valid_text("\xF8\x88") == bad + bad);
    CHECK(valid_text("x\xE2\x82") == "x" + bad + bad);
    CHECK(valid_text("\xE2\x82<") == bad + bad + "<");
}

TEST_CASE("elements escape what they hold") {
    using namespace examples;
    CHECK(text("<script>&\"'").str() == "&lt;script&gt;&amp;&quot;&#39;");
    CHECK(element("p", {{"title", "a\"b<"}}, text("&amp;")).str() == "<p title=\"a&quot;b&lt;\">&amp;amp;</p>");
    CHECK(element("meta", {{"charset", "utf-8"}}).str() == "<meta charset=\"utf-8\"/>");
    CHECK(element("td").str() == "<td></td>");
    CHECK(shortened("features", 8) == "features");
    CHECK(shortened("features.4", 8) == dots + "tures.4");
    CHECK(shortened("\xC3\xA4\xC3\xB6\xC3\xBC", 2) == dots + "\xC3\xBC");
}

TEST_CASE("quantities have a prefix that fits") {
    using namespace examples;
    CHECK(quantity(0, "s") == "0 s");
    CHECK(quantity(2.917e-4, "s") == "292 \xC2\xB5s");
    CHECK(quantity(0.04567, "s") == "45.7 ms");
    CHECK(quantity(1.234, "s") == "1.23 s");
    CHECK(quantity(1179648, "") == "1.18 M");
    CHECK(quantity(4.1e9, "MAC/s") == "4.10 GMAC/s");
    CHECK(bytes_text(999) == "999 B");
    CHECK(bytes_text(65300) == "65.3 kB");
    CHECK(percent(0.0123) == "1.2 %");
    CHECK(digits(0.00128) == "0.001");
}

TEST_CASE("bars are as long as their values, in rows that do not touch") {
    for (const std::size_t rows : {1u, 8u, 60u}) {
        CAPTURE(rows);
        examples::bar_chart chart;
        chart.title = "A chart";
        chart.axis = "time [ms]";
        chart.series.push_back({"time"});
        for (std::size_t i = 0; i < rows; ++i) {
            chart.names.push_back("layer<" + std::to_string(i));
            chart.series[0].values.push_back(0.37 * static_cast<double>(i + 1));
        }
        const page_element figure = drawn(chart);
        const auto bars = figure.of_class("bar"), names = figure.of_class("name"), values = figure.of_class("value");
        REQUIRE(bars.size() == rows);
        REQUIRE(names.size() == rows);
        REQUIRE(values.size() == rows);
        const double unit = value_of(*bars[0], "width");
        CHECK(unit > 1);
        for (std::size_t i = 0; i < rows; ++i) {
            CHECK(value_of(*bars[i], "width") == doctest::Approx(unit * static_cast<double>(i + 1)).epsilon(0.01));
            CHECK(contains_title(*bars[i], chart.names[i]));
            if (i > 0) {
                CHECK(value_of(*bars[i], "y") > value_of(*bars[i - 1], "y") + value_of(*bars[i - 1], "height") + 3);
                CHECK(value_of(*names[i], "y") >= value_of(*names[i - 1], "y") + 12);
            }
        }
        // The longest bar stays on the axis; ticks stand under lines and say what they are.
        const auto ticks = figure.of_class("tick");
        CHECK(ticks.size() == (rows > 16 ? 2 : 1) * (figure.of_class("grid").size() + 1));
        CHECK(value_of(*ticks.back(), "x") + 0.1 >= value_of(*bars.back(), "x") + value_of(*bars.back(), "width"));
        CHECK(std::stod(ticks.back()->text) >= 0.37 * static_cast<double>(rows));
        CHECK(ticks[0]->text.substr(0, 1) == "0");
        CHECK(figure.only("axis").text == "time [ms]");
        CHECK(figure.of_class("key").empty());
    }
}

TEST_CASE("charts of two series have a legend, and no bar where there is no value; all zeros are a chart too") {
    examples::bar_chart chart;
    chart.title = "Zeros";
    chart.names = {"a", "b"};
    chart.series = {{"weights", {std::nullopt, 12.5}}, {"inputs", {50.0, 0.0}}};
    chart.least_end = 100;
    chart.unit = " %";
    const page_element figure = drawn(chart);
    CHECK(figure.of_class("bar").size() == 3);
    CHECK(figure.of_class("key").size() == 2);
    REQUIRE(figure.of_class("value").size() == 4);
    CHECK(figure.of_class("value")[1]->text == "50.0 %");
    CHECK(figure.of_class("tick").back()->text == "100");
    chart.series = {{"nothing", {0.0, 0.0}}};
    chart.least_end = 0;
    const page_element flat = drawn(chart);
    REQUIRE(flat.of_class("bar").size() == 2);
    CHECK(value_of(*flat.of_class("bar")[0], "width") == 0);
}

TEST_CASE("zeros are those that get_code sees, of every code, without padding") {
    std::mt19937 random(7);
    for (std::size_t number = 0; number < tern::code_count; ++number) {
        const auto code = static_cast<tern::code_id>(number);
        const tern::code_info info = tern::get_code_info(code);
        CAPTURE(info.title);
        for (const std::size_t channels : {1u, 63u, 64u, 130u}) {
            auto image = tern::make_packed_tensor(code, {2, 3, 5}, channels, {1, 1, 1, 1});
            REQUIRE(image.ok());
            std::size_t zeros = 0;
            for (std::size_t n = 0; n < 2; ++n)
                for (std::ptrdiff_t y = 0; y < 3; ++y)
                    for (std::ptrdiff_t x = 0; x < 5; ++x)
                        for (std::size_t c = 0; c < channels; ++c) {
                            const int level = static_cast<int>(random() % static_cast<unsigned>(info.levels()));
                            const bool is_zero = info.has_zero && random() % 4 == 0;
                            tern::set_code(image->view(), n, y, x, c, is_zero ? 0 : info.min + info.step * level);
                            zeros += tern::get_code(image->view(), n, y, x, c) == 0 ? 1 : 0;
                        }
            const examples::zero_count found = examples::count_zeros(tern::const_packed_image(image->view()));
            CHECK(found.zeros == zeros);
            CHECK(found.all == 2 * 3 * 5 * channels);
            CHECK((zeros != 0) == info.has_zero);
        }
    }
    CHECK(examples::count_zeros(tern::const_packed_image{}).all == 0);
}

TEST_CASE("zeros of weights, in planes and in bytes") {
    const std::int8_t codes[12] = {0, 1, -1, 0, 0, 1, 1, 1, -1, 0, 1, 1};
    const tern::weight_shape shape{2, 6, 1, 1};
    auto bytes = tern::pack_code_weights(codes, shape, tern::code_id::s8);
    auto planes = tern::pack_weights(codes, shape);
    REQUIRE(bytes.ok());
    REQUIRE(planes.ok());
    const tern::layer_weights both[] = {std::move(*bytes), std::move(*planes)};
    for (const tern::layer_weights& w : both) {
        CHECK(examples::count_zeros(w).zeros == 4);
        CHECK(examples::count_zeros(w).all == 12);
        CHECK(examples::count_zeros(w).share() == doctest::Approx(1.0 / 3));
    }
    CHECK(examples::count_zeros(tern::layer_weights(tern::real_weights{})).all == 0);
}
