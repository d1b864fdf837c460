// classify --html: the page of a run.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <tern/model.hpp>

#include "page_support.hpp"
#include "programs_support.hpp"
#include "support/levels.hpp"
#include "support/weight_codes.hpp"

using namespace tern_test;

namespace {

/// A page, and what the same run printed.
struct reported {
    std::string html;
    page_element page;
    nlohmann::json json;
};

reported report(std::vector<std::string> args) {
    const temporary_folder folder;
    args.insert(args.end(), {"--json", "--layers", "--html", folder / "page.html"});
    const outcome o = succeeded(classify(args));
    CHECK_FALSE(std::filesystem::exists(folder / "page.html.tmp"));
    reported r;
    r.html = read_text(folder / "page.html");
    r.page = parse_page(r.html);
    r.json = nlohmann::json::parse(o.out, nullptr, false);
    REQUIRE(r.json.is_object());
    return r;
}

/// As the shell reads it between the quotes that programs_support.hpp puts around arguments.
std::string quoted(const std::string& argument) {
    std::string out;
    for (const char c : argument)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out;
}

std::string sizes(const nlohmann::json& s) {
    const std::string c = std::to_string(s[0].get<int>()), h = std::to_string(s[1].get<int>());
    return s[1] == 1 && s[2] == 1 ? c : c + "x" + h + "x" + std::to_string(s[2].get<int>());
}

/// All rows agree with the JSON document of the same run, and sum up.
void check_layers(const reported& r) {
    const auto rows = r.page.of_class("layer");
    REQUIRE(rows.size() == r.json["layers"].size());
    double shares = 0, macs = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const page_element& row = *rows[i];
        const nlohmann::json& layer = r.json["layers"][i];
        CAPTURE(row.text);
        CHECK(row.only("name").text == layer["name"]);
        CHECK(row.only("input").text == sizes(layer["input"]));
        CHECK(row.only("output").text == sizes(layer["output"]));
        CHECK(row.only("kernel").text == layer["kernel"]);
        const std::string k = std::to_string(layer["window"].get<int>()),
                          s = std::to_string(layer["stride"].get<int>());
        CHECK(row.only("window").text == k + "x" + k + (s == "1" ? "" : " /" + s));
        CHECK(row.number("macs") == layer["macs"]);
        CHECK(row.number("time") == doctest::Approx(layer["milliseconds"].get<double>()).epsilon(1e-4));
        CHECK(row.number("speed") == doctest::Approx(layer["macs_per_second"].get<double>()).epsilon(1e-4));
        CHECK(row.number("share") >= 0);
        shares += row.number("share");
        macs += row.number("macs");
    }
    CHECK(shares == doctest::Approx(1).epsilon(1e-6));
    CHECK(r.page.only("sum").number("macs") == macs);
}

/// A bar for each layer and number, named after it.
void check_charts(const reported& r) {
    const auto rows = r.page.of_class("layer"), figures = r.page.of_id("charts").of_name("figure");
    REQUIRE(figures.size() == 4);
    for (const std::size_t chart : {0u, 1u, 2u}) {
        const auto bars = figures[chart]->of_class("bar");
        REQUIRE(bars.size() == rows.size());
        for (std::size_t i = 0; i < bars.size(); ++i)
            CHECK(bars[i]->text.find(rows[i]->only("name").text + ": ") == 0);
    }
    const auto with_codes = [&](const char* column) {
        return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [&](const page_element* row) {
            return !row->only(column).of_name("data").empty();
        }));
    };
    const std::size_t weights = with_codes("zero-weights"), inputs = with_codes("zero-inputs");
    CHECK(weights > 0);
    CHECK(inputs > 0);
    CHECK(figures[3]->of_class("bar").size() == weights + inputs);
    for (const page_element* figure : figures) {
        CHECK(contains(figure->only("axis").text, "["));
        CHECK(figure->of_class("tick").size() >= 3);
    }
}

/// Zeros and bytes of a model's weights, and of what a dump shows of the images, against the page's.
void check_zeros(const reported& r, const std::string& model, const tern::safetensors_file& dump,
                 std::size_t layers_of_codes) {
    const auto file = tern::open_tensor_file(model.c_str());
    REQUIRE(file.ok());
    const auto read = tern::read_network(*file);
    REQUIRE_MESSAGE(read.ok(), std::string(read.message()));
    std::size_t found = 0, bytes = 0;
    for (const page_element* row : r.page.of_class("layer")) {
        const std::string name = row->only("name").text;
        CAPTURE(name);
        const auto node = std::find_if(read->g.nodes.begin(), read->g.nodes.end(),
                                       [&](const tern::graph_node& n) { return n.name == name; });
        REQUIRE(node != read->g.nodes.end());
        const tern::layer_weights& weights = *tern::weights_of(*node);
        const std::size_t size = tern::shape_of(weights).size();
        CHECK(row->number("float-bytes") == size * 4);
        if (std::holds_alternative<tern::real_weights>(weights)) {
            CHECK(row->only("zero-weights").text == "\xE2\x80\x93");
            CHECK(row->number("dense-bytes") == size * 4);
            bytes += size * 4;
            continue;
        }
        const auto& packed = std::get<tern::code_weights>(weights);
        const auto codes = codes_of(packed);
        const auto share = [](const auto& list) {
            return static_cast<double>(std::count(list.begin(), list.end(), 0)) / static_cast<double>(list.size());
        };
        CHECK(row->number("zero-weights") == doctest::Approx(share(codes)).epsilon(1e-6));
        const std::size_t dense = tern::dense_bytes(packed.code, size).value;
        CHECK(row->number("dense-bytes") == dense);
        bytes += dense;
        std::string act = name + ".act";
        if (const std::size_t at = name.rfind(".conv"); at != std::string::npos)
            act = name.substr(0, at) + ".act" + name.substr(at + 5);
        const std::vector<std::int64_t> read_codes = ints(dump, act);
        CHECK(row->number("zero-inputs") == doctest::Approx(share(read_codes)).epsilon(1e-6));
        ++found;
    }
    CHECK(found == layers_of_codes);
    CHECK(r.page.only("sum").number("dense-bytes") == bytes);
}

/// As many convolutions of codes as asked for, of all kinds in turn, on colour images of 16x16.
tern::network_model deep_model(std::size_t convolutions) {
    using tern::code_id;
    static constexpr code_id activations[] = {code_id::ternary, code_id::half_ternary, code_id::u2, code_id::binary,
                                              code_id::u4,      code_id::s8,           code_id::u8, code_id::o2};
    static constexpr code_id weights[] = {code_id::ternary, code_id::ternary, code_id::o2, code_id::binary,
                                          code_id::s8,      code_id::s8,      code_id::s8, code_id::o2};
    std::mt19937 random(3);
    const auto floats_of = [&](std::size_t count) {
        std::vector<float> v(count);
        for (float& x : v)
            x = static_cast<float>(static_cast<int>(random() % 201) - 100) / 100;
        return v;
    };
    constexpr std::size_t c = 20;
    tern::graph_builder net;
    auto x = net.convolution("stem", net.input("image", 3, tern::preprocessing::cifar10), floats_of(c * 27).data(),
                             {c, 3, 3, 3}, tern::conv_geometry::square(1, 1));
    for (std::size_t i = 0; i < convolutions; ++i) {
        const code_id code = weights[i % 8];
        const tern::code_info info = tern::get_code_info(code);
        std::vector<std::int8_t> codes(c * c * 9);
        for (std::int8_t& w : codes)
            w = static_cast<std::int8_t>(
                info.weight_min +
                info.step * static_cast<int>(random() % static_cast<unsigned>(std::min(info.levels(), 3))));
        tern::quantizer_thresholds levels = any_levels(activations[i % 8], random);
        levels.zero_point = 0;
        const std::vector<double> factor(c, 0.03), shift(c, 0.1);
        x = net.convolution(("stage" + std::to_string(i / 8 + 1) + ".<b>&\"'." + std::to_string(i)).c_str(),
                            net.quantize(x, levels), tern::pack_code_weights(codes.data(), {c, c, 3, 3}, code),
                            tern::conv_geometry::square(1, 1));
        x = net.affine(x, factor.data(), shift.data());
    }
    net.output("classes", net.linear("head", net.global_mean_pool(x), floats_of(5 * c).data(), {5, c}));
    auto made = net.finish();
    REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
    tern::network_model model;
    model.g = std::move(*made);
    return model;
}

std::string without_times(const std::string& text) {
    std::string out;
    for (const std::string& line : lines(text)) {
        const std::size_t at = line.find(" ms");
        out +=
            (at == std::string::npos ? line : line.substr(0, line.find_last_not_of("0123456789. ", at - 1) + 1)) + "\n";
    }
    return out;
}

}  // namespace

TEST_CASE("--html: the page is well-formed, says what --json says, and loads nothing") {
    const reported r = report({demo_model, demo_images, "--threads", "2", "--batch", "3"});
    check_layers(r);
    check_charts(r);
    CHECK(r.page.of_id("model").text == demo_model);
    CHECK(r.page.of_id("kind").text == "an STTN network");
    CHECK(r.page.of_id("level").text == r.json["cpu_level"]);
    CHECK(r.page.of_id("threads").text == "2");
    CHECK(r.page.of_id("batch").text == "3");
    CHECK(r.page.of_id("image-count").text == "64 from mnist_64.safetensors");
    CHECK(r.page.of_id("layer-count").text == "8");
    CHECK(r.page.of_id("classes").text == "10");
    CHECK(r.page.of_id("input").text == "1x32x32");
    CHECK(r.page.of_id("preprocessing").text == "mnist");
    CHECK(contains(r.page.of_id("accuracy").text, "100.00 %"));
    CHECK(contains(r.page.of_id("accuracy").text, "64 of 64"));
    CHECK(contains(r.page.of_id("time").text, "s"));
    CHECK(contains(r.page.of_id("workspace").text, "B"));
    CHECK(contains(r.page.of_id("weight-bytes").text, "as floats 1.19 MB"));
    for (const char* outside : {"<script", "src=", "href=", "url(", "@import", "://", "<link", "<img"})
        CHECK_FALSE_MESSAGE(contains(r.html, outside), outside);
    CHECK(contains(r.html, "prefers-color-scheme: dark"));
    CHECK(contains(r.html, "content=\"default-src &#39;none&#39;"));

    const auto images = r.page.of_id("images").of_name("tr");
    REQUIRE(images.size() == 65);
    for (std::size_t i = 0; i < 64; ++i) {
        const page_element& row = *images[i + 1];
        const nlohmann::json& image = r.json["images"][i];
        CHECK(row.only("image").text == image["image"]);
        CHECK(row.only("class").text == std::to_string(image["class"].get<int>()));
        CHECK(row.only("label").text == std::to_string(image["label"].get<int>()));
        CHECK(row.only("verdict").text == "right");
        CHECK(std::stod(row.only("probability").text) ==
              doctest::Approx(image["probability"].get<double>() * 100).epsilon(0.001));
    }
}

TEST_CASE("--html counts zeros as the library and a dump have them") {
    const temporary_folder folder;
    const reported r = report({demo_model, demo_images, "--limit", "5", "--batch", "2", "--dump", folder / "dump"});
    check_zeros(r, demo_model, open_file(folder / "dump"), 6);
}

TEST_CASE("--html of 60 layers of all codes") {
    const temporary_folder folder;
    const std::string model = folder / "deep.safetensors", images = folder / "images.safetensors";
    tern::network_model deep = deep_model(58);
    REQUIRE(tern::write_network(deep, model.c_str()).ok());
    std::mt19937 random(5);
    std::vector<std::uint8_t> pixels(3 * 3 * 16 * 16);
    for (std::uint8_t& p : pixels)
        p = static_cast<std::uint8_t>(random());
    write_images(images, pixels, {3, 3, 16, 16});
    const reported r = report({model, images, "--dump", folder / "dump"});
    REQUIRE(r.page.of_class("layer").size() == 60);
    check_layers(r);
    check_charts(r);
    check_zeros(r, model, open_file(folder / "dump"), 58);
    // Without labels nothing is said of them.
    CHECK(r.page.of_class("verdict").empty());
    CHECK(r.page.of_class("label").empty());
    CHECK_FALSE(contains(r.html, "accuracy"));
}

TEST_CASE("--html escapes what names hold, and replaces what is no UTF-8") {
    const temporary_folder folder;
    const std::string evil = "<script>&\"'", bad = "\xEF\xBF\xBD";
    const std::string model = folder / (evil + " model"), images = folder / (evil + " images\xFF");
    std::filesystem::copy_file(demo_model, model);
    std::filesystem::copy_file(demo_images, images);
    std::ofstream(folder / "classes", std::ios::binary)
        << "zero\none\ntwo\nthree\n"
        << evil << "four\nfive\nsix\nse\xC3ven\neight\nni\xC3\xA4ne\x01\n";
    const reported r =
        report({quoted(model), quoted(images), "--classes", folder / "classes", "--limit", "4", "--top", "2"});
    CHECK(r.page.of_id("model").text == model);
    CHECK(r.page.of_name("h1")[0]->text == evil + " model");
    CHECK(r.page.of_id("image-count").text == "4 from " + evil + " images" + bad);
    CHECK(r.page.of_name("title")[0]->text == "classify: " + evil + " model");
    const auto classes = r.page.of_class("class"), labels = r.page.of_class("label");
    REQUIRE(classes.size() == 4);
    REQUIRE(labels.size() == 4);
    const std::vector<std::string> expected = {"9 ni\xC3\xA4ne" + bad, "1 one", "4 " + evil + "four",
                                               "7 se" + bad + "ven"};
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(labels[i]->text == expected[i]);
        REQUIRE(classes[i]->children.size() == 2);  // of --top
        CHECK(classes[i]->children[0].text == expected[i]);
        CHECK(classes[i]->children[1].text != expected[i]);
    }
    CHECK_FALSE(contains(r.html, "<script"));
    CHECK(contains(r.html, "&lt;script&gt;&amp;&quot;&#39;"));
}

TEST_CASE("--html shows the first 100 images, and what is wrong") {
    const temporary_folder folder;
    const tern::safetensors_file file = open_file(demo_images);
    const tern::tensor_info& from = tensor(file, "images");
    std::vector<std::uint8_t> pixels(from.data, from.data + from.bytes);
    pixels.insert(pixels.end(), from.data, from.data + from.bytes);
    std::vector<std::int64_t> labels = ints(file, "labels");
    labels.insert(labels.end(), labels.begin(), labels.begin() + 64);
    labels[5] = (labels[5] + 1) % 10;
    edited_file twice;
    twice.set("images", tern::data_type::u8, {128, 28, 28}, pixels);
    twice.set("labels", tern::data_type::i64, {128}, labels);
    twice.write(folder / "images");
    const reported r = report({demo_model, folder / "images", "--batch", "50"});
    const page_element& images = r.page.of_id("images");
    CHECK(images.of_name("h2")[0]->text == "The first 100 of 128 images");
    REQUIRE(images.of_class("verdict").size() == 100);
    for (std::size_t i = 0; i < 100; ++i)
        CHECK(images.of_class("verdict")[i]->text == (i == 5 ? "wrong" : "right"));
    CHECK(contains(r.page.of_id("accuracy").text, "127 of 128"));
}

TEST_CASE("--html changes nothing that is printed or written besides") {
    const temporary_folder folder;
    const auto run = [&](std::vector<std::string> args, const char* logits) {
        args.insert(args.begin(), {demo_model, demo_images, "--limit", "5", "--logits", folder / logits});
        return succeeded(classify(args)).out;
    };
    CHECK(without_times(run({"--layers"}, "a")) == without_times(run({"--layers", "--html", folder / "page"}, "b")));
    CHECK(read_text(folder / "a") == read_text(folder / "b"));
    // Times alone differ in JSON, too.
    const auto untimed = [](const std::string& text) {
        nlohmann::json j = nlohmann::json::parse(text, nullptr, false);
        j.erase("milliseconds_median");
        for (nlohmann::json& image : j["images"])
            image.erase("milliseconds");
        return j;
    };
    CHECK(untimed(run({"--json"}, "a")) == untimed(run({"--json", "--html", folder / "page"}, "b")));
}

TEST_CASE("--html replaces a page whole, or says that it cannot be written and leaves what is there") {
    const temporary_folder folder;
    const std::string page = folder / "page.html";
    const auto run = [&](const std::string& path) {
        return classify({demo_model, demo_images, "--limit", "1", "--json", "--html", path});
    };
    std::ofstream(page) << "an older page";
    succeeded(run(page));
    CHECK(read_text(page).substr(0, 15) == "<!DOCTYPE html>");
    for (const std::string& path : {folder / "no/page.html", folder / "", std::string("/dev/null")}) {
        CAPTURE(path);
        failed(run(path), {"'" + path + "': cannot be written"});
    }
    CHECK_FALSE(std::filesystem::exists(folder / "no"));
    CHECK(std::filesystem::exists("/dev/null"));
    // A disk that is full, as good as: files may not grow beyond a block.
    std::ofstream(page) << "an older page";
    const std::string command = std::string("trap '' XFSZ; ulimit -f 1; ") + TERN_TEST_EMULATOR + " " +
                                TERN_TEST_CLASSIFY + " '" + demo_model + "' '" + demo_images + "' --limit 1 --html '" +
                                page + "' 2>&1 >/dev/null | cat > '" + (folder / "err") + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    CHECK(contains(read_text(folder / "err"), "'" + page + "': cannot be written"));
    CHECK(read_text(page) == "an older page");
    CHECK_FALSE(std::filesystem::exists(page + ".tmp"));
    CHECK(classify({demo_model, demo_images, "--html="}).code == 2);
    CHECK(contains(succeeded(classify({"--help"})).out, "--html FILE"));
}

#ifdef TERN_TEST_PYTHON
TEST_CASE("--html: Python's XML parser takes the page") {
    const temporary_folder folder;
    const std::string page = folder / "page.html", said = folder / "said";
    succeeded(classify({demo_model, demo_images, "--limit", "2", "--html", page}));
    const std::string script =
        "import sys, xml.etree.ElementTree as t; "
        "print(sum(e.tag == \"rect\" for e in t.parse(sys.argv[1]).iter()))";
    const std::string command =
        std::string("'") + TERN_TEST_PYTHON + "' -c '" + script + "' '" + page + "' > '" + said + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    CHECK(read_text(said) == "36\n");  // three charts of 8 layers, one of twice 6
}
#endif
