#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "../support/spoiled_arguments.hpp"
#include "network_support.hpp"
#include "spoiled_networks.hpp"

using tern::code_id;
using tern::errc;
using namespace tern_test;

namespace {

constexpr auto no_type = static_cast<tern::data_type>(tern::data_type_count);

tern::safetensors_file tiny_file() { return open_file(data_path("mnist_tiny_merged")); }

void walk_files(argument_walk& walk) {
    const temporary_folder folder;
    walk.refused("mapped_file::open", "no path", tern::mapped_file::open(nullptr));
    walk.refused("mapped_file::open", "no name", tern::mapped_file::open(""));
    walk.refused("mapped_file::open", "a directory", tern::mapped_file::open((folder / "").c_str()));
    walk.refused("safetensors_file::open", "no path", tern::safetensors_file::open(nullptr));
    walk.gives("recognise_file", "no bytes", tern::recognise_file(nullptr, 0).what, std::string());
    walk.gives("recognise_file", "null bytes", tern::recognise_file(nullptr, 8).what, std::string());
    walk.refused("checkpoint_file::open", "no path", tern::checkpoint_file::open(nullptr));
    walk.refused("checkpoint_file::take", "no file", tern::checkpoint_file::take(tern::mapped_file()));
    walk.refused("checkpoint_file::load", "no bytes", tern::checkpoint_file::load(nullptr, 0));
    walk.refused("checkpoint_file::load", "null bytes", tern::checkpoint_file::load(nullptr, 8));
    walk.gives("is_checkpoint", "null bytes", tern::is_checkpoint(nullptr, 8), false);
    walk.refused("open_tensor_file", "no path", tern::open_tensor_file(nullptr));
    walk.refused("open_tensor_file", "a directory", tern::open_tensor_file((folder / "").c_str()));
    walk.refused("safetensors_file::take", "no file", tern::safetensors_file::take(tern::mapped_file()));
    walk.refused("safetensors_file::load", "no bytes", tern::safetensors_file::load(nullptr, 0));
    walk.refused("safetensors_file::load", "null bytes", tern::safetensors_file::load(nullptr, 8));
    {
        tern::safetensors_file file = tiny_file();
        const tern::safetensors_file taken = std::move(file);
        for (const tern::safetensors_file* empty : {&file, new tern::safetensors_file()}) {
            walk.gives("tensor_file::size", "empty", empty->size(), std::size_t{0});
            walk.gives("tensor_file::tensors", "empty", empty->tensors().empty(), true);
            walk.gives("tensor_file::find", "empty", empty->find("features.0.weight") == nullptr, true);
            walk.gives("tensor_file::find", "no name", empty->find({}) == nullptr, true);
            walk.gives("tensor_file::metadata", "empty", empty->metadata("tern.format") == nullptr, true);
            tern::tensor_source from(*empty, "module.", {});
            walk.refused("tensor_source::get", "empty", from.get("fc.weight"));
            walk.refused("tensor_source::get", "no name", from.get({}));
            walk.refused("tensor_source::claim", "huge", from.claim(huge, ""));
            walk.refused("tensor_source::claim", "an overflow", from.claim(tern::checked_size(huge) * huge, "x"));
            walk.refused("tensor_source::conv_shape", "empty", from.conv_shape(""));
            walk.refused("tensor_source::floats", "empty", from.floats("fc.weight", {}));
            walk.refused("tensor_source::doubles", "empty", from.doubles("fc.weight", {huge, huge}));
            from.ignore("fc.weight");
            walk.gives("tensor_source::has", "empty", from.has("fc.weight"), false);
            walk.gives("tensor_source::check_all_used", "empty", from.check_all_used("x").ok(), true);
            walk.gives("find_tensor_names", "empty", tern::find_tensor_names(*empty, {nullptr, ""}).ok(), true);
            walk.gives("recognise_network", "empty", tern::recognise_network(*empty).kind, tern::network_kind::unknown);
            walk.gives("check_network_kind", "empty",
                       tern::check_network_kind(*empty, behind(tern::network_kind::graph)).ok(), true);
            walk.refused("missing_network", "empty", tern::missing_network(*empty, {nullptr, ""}));
            walk.refused("read_sttn", "empty", tern::read_sttn(*empty));
            walk.refused("read_stqn", "empty", tern::read_stqn(*empty));
            walk.refused("read_twn", "empty", tern::read_twn(*empty));
            walk.refused("read_fatnn", "empty", tern::read_fatnn(*empty));
            walk.refused("read_alexnet", "empty", tern::read_alexnet(*empty));
            walk.refused("read_network", "empty", tern::read_network(*empty));
            walk.refused("read_network_file", "empty", tern::read_network_file(*empty));
            walk.refused("read_code_weights", "empty", tern::read_code_weights(*empty, ""));
            tern::tensor_source nothing(*empty, "", {});
            walk.refused("read_ternary_weights", "empty", tern::read_ternary_weights(nothing, ""));
            if (empty != &file)
                delete empty;
        }
        walk.refused("check_network_kind", "no kind",
                     tern::check_network_kind(taken, behind(tern::network_kind::graph)));
        walk.gives("find_tensor_names", "no anchors", tern::find_tensor_names(taken, {}).ok(), true);
        tern::tensor_source from(taken, "module.", {});
        walk.refused("tensor_source::floats", "another shape", from.floats("fc.weight", {huge, huge}));
        walk.refused("tensor_source::floats", "no shape", from.floats("fc.weight", {}));
        walk.refused("tensor_source::doubles", "another shape", from.doubles("fc.weight", {10}));
        walk.refused("tensor_source::conv_shape", "another rank", from.conv_shape("fc.weight"));
        walk.refused("tensor_source::check_all_used", "no words", from.check_all_used(nullptr));
        tern::tensor_source poor(taken, "module.", no_memory());
        walk.refused("tensor_source::floats", "no memory", poor.floats("fc.bias", {10}));
        walk.refused("tensor_source::doubles", "no memory", poor.doubles("fc.bias", {10}));
    }
    walk.refused("load_sttn", "no path", tern::load_sttn(nullptr));
    walk.refused("load_stqn", "no path", tern::load_stqn(nullptr));
    walk.refused("load_twn", "no path", tern::load_twn(nullptr));
    walk.refused("load_fatnn", "no path", tern::load_fatnn(nullptr));
    walk.refused("load_alexnet", "no path", tern::load_alexnet(nullptr));
    walk.refused("load_network", "no path", tern::load_network(nullptr));
    tern::network_model nothing;
    walk.refused("check_network_model", "no graph", tern::check_network_model(nothing));
    walk.refused("write_network", "no graph", tern::write_network(nothing, "never"));
    walk.refused("only_input", "no graph", tern::only_input(nothing.g));
    walk.refused("set_preprocessing", "no graph", tern::set_preprocessing(nothing.g, {}));
    walk.refused("set_preprocessing", "unknown", tern::set_preprocessing(nothing, tern::preprocessing::unknown));
    walk.refused("set_preprocessing", "no enumerator",
                 tern::set_preprocessing(nothing, behind(tern::preprocessing::imagenet)));
    walk.refused("rule_of", "floats", tern::rule_of(tern::node::input{}));
    walk.refused("network::create", "no graph", tern::network::create(nothing.g, {1, 32, 32}));
}

void walk_tensors(argument_walk& walk) {
    const float four[4] = {1, 2, 3, 4};
    tern::tensor_info good;
    good.name = "t";
    good.shape = {4};
    good.data = reinterpret_cast<const unsigned char*>(four);
    good.bytes = 16;
    float f[8];
    double d[8];
    std::int64_t i[8];
    REQUIRE(tern::read_floats(good, f, 4).ok());
    const auto bad = [&](const char* how, auto&& spoil) {
        tern::tensor_info t = good;
        spoil(t);
        walk.refused("read_floats", how, tern::read_floats(t, f, 4));
        walk.refused("read_doubles", how, tern::read_doubles(t, d, 4));
        if (t.dtype == tern::data_type::f32)
            t.dtype = tern::data_type::i32;
        walk.refused("read_ints", how, tern::read_ints(t, i, 4));
    };
    bad("default-made", [](auto& t) { t = {}; });
    bad("no type", [](auto& t) { t.dtype = no_type; });
    bad("no data", [](auto& t) { t.data = nullptr; });
    bad("fewer bytes", [](auto& t) { t.bytes = 15; });
    bad("more bytes", [](auto& t) { t.bytes = 19; });
    bad("huge", [](auto& t) { t.bytes = huge; });
    bad("no shape", [](auto& t) { t.shape = {}; });
    bad("an invalid shape", [](auto& t) { t.shape = {1, 1, 1, 1, 1, 1, 1, 1, 4}; });
    bad("a huge shape", [](auto& t) { t.shape = {huge, huge}; });
    walk.gives("dtype_name", "no type", *tern::dtype_name(no_type) != '\0', true);
    walk.gives("dtype_size", "no type", tern::dtype_size(no_type), std::size_t{0});
    walk.gives("dtype_from_name", "no name", tern::dtype_from_name({}).has_value(), false);
    for (const std::size_t count : {std::size_t{0}, std::size_t{3}, huge}) {
        walk.refused("read_floats", "count", tern::read_floats(good, f, count));
        walk.refused("read_doubles", "count", tern::read_doubles(good, d, count));
        walk.refused("read_ints", "count", tern::read_ints(good, i, count));
    }
    walk.refused("read_floats", "no room", tern::read_floats(good, nullptr, 4));
    walk.refused("read_doubles", "no room", tern::read_doubles(good, nullptr, 4));
    walk.refused("read_floats", "misaligned", tern::read_floats(good, misaligned(f), 4));
    walk.refused("read_doubles", "misaligned", tern::read_doubles(good, misaligned(d), 4));
    good.dtype = tern::data_type::i32;
    walk.refused("read_ints", "no room", tern::read_ints(good, nullptr, 4));
    walk.refused("read_ints", "misaligned", tern::read_ints(good, misaligned(i), 4));

    tern::safetensors_writer w;
    walk.refused("safetensors_writer::add", "no name", w.add({}, tern::data_type::f32, {4}, four));
    walk.refused("safetensors_writer::add", "no type", w.add("a", no_type, {4}, four));
    walk.refused("safetensors_writer::add", "no data", w.add("a", tern::data_type::f32, {4}, nullptr));
    walk.refused("safetensors_writer::add", "huge", w.add("a", tern::data_type::f32, {huge, huge}, four));
    walk.refused("safetensors_writer::add_owned", "no type", w.add_owned("a", no_type, {4}, {}));
    walk.refused("safetensors_writer::add_owned", "no data", w.add_owned("a", tern::data_type::f32, {4}, {}));
    walk.refused("safetensors_writer::add_owned", "huge", w.add_owned("a", tern::data_type::u8, {huge, huge}, {}));
    walk.refused("safetensors_writer::set_metadata", "no key", w.set_metadata({}, "x"));
    walk.refused("safetensors_writer::set_metadata", "no text", w.set_metadata("x", "\xff"));
    walk.refused("safetensors_writer::write", "no path", w.write(nullptr));
    const tern::safetensors_writer taken = std::move(w);
    std::vector<unsigned char> bytes;
    walk.gives("safetensors_writer::write", "moved-from", w.write(bytes).ok(), true);
}

void walk_codes(argument_walk& walk) {
    tern::safetensors_writer out;
    walk.refused("write_code_weights", "default-made", tern::write_code_weights(out, "w", {}));
    auto w = tern::make_code_weights({2, 3, 3, 3}, code_id::o2);
    REQUIRE(w.ok());
    walk.refused("write_code_weights", "a long name", tern::write_code_weights(out, std::string(5000, 'x'), *w));
    w->shape.in_channels = huge;
    walk.refused("write_code_weights", "a shape that lies", tern::write_code_weights(out, "w", *w));
    w->shape.in_channels = 3;
    w->code = no_code;
    walk.refused("write_code_weights", "no code", tern::write_code_weights(out, "w", *w));
    const tern::code_weights taken = std::move(*w);
    walk.refused("write_code_weights", "moved-from", tern::write_code_weights(out, "w", *w));
}

void walk_options(argument_walk& walk) {
    const tern::safetensors_file file = tiny_file();
    const auto bad = [&](const char* how, auto&& spoil) {
        tern::sttn_options options;
        spoil(options);
        walk.refused("read_sttn", how, tern::read_sttn(file, options));
        tern::stqn_reader_options more;
        more.merged = code_id::ternary;
        more.geometry = options;
        walk.refused("read_stqn", how, tern::read_stqn(file, more));
    };
    bad("stride", [](auto& o) { o.stem_stride = 0; });
    bad("stride", [](auto& o) { o.stem_stride = huge; });
    bad("padding", [](auto& o) { o.stem_padding = huge; });
    bad("pool", [](auto& o) { o.pool = tern::pool_geometry{3, 0, 1}; });
    bad("pool", [](auto& o) { o.pool = tern::pool_geometry{3, 2, 3}; });
    bad("pool", [](auto& o) { o.pool = tern::pool_geometry{huge, huge, huge}; });
    bad("preprocess", [](auto& o) { o.preprocess = behind(tern::preprocessing::imagenet); });
    bad("memory", [](auto& o) { o.memory = no_memory(); });
    bad("zeros", [](auto& o) { o.zeros = behind(tern::zero_rule::zero); });
    const auto bad_stqn = [&](const char* how, auto&& spoil) {
        tern::stqn_reader_options options;
        options.merged = code_id::ternary;
        spoil(options);
        walk.refused("read_stqn", how, tern::read_stqn(file, options));
    };
    bad_stqn("merged", [](auto& o) { o.merged = no_code; });
    bad_stqn("activations", [](auto& o) { o.activations = no_code; });
    for (const double unit : {std::nan(""), 0.0, -1.0, std::numeric_limits<double>::infinity()})
        bad_stqn("unit", [&](auto& o) { o.activation_unit = unit; });
    bad_stqn("kernel name", [](auto& o) { o.kernel_name = ""; });
    const tern::safetensors_file raw = open_file(data_path("mnist_tiny_raw"));
    const auto bad_raw = [&](const char* how, auto&& spoil) {
        tern::stqn_reader_options options;
        spoil(options);
        walk.refused("read_stqn", how, tern::read_stqn(raw, options));
    };
    bad_raw("steps", [](auto& o) { o.steps = behind(tern::kernel_steps::powers_of_two); });
    bad_raw("zeros", [](auto& o) { o.zeros = behind(tern::zero_rule::zero); });
    bad_raw("clamp", [](auto& o) { o.clamp = std::nan(""); });
    bad_raw("factor", [](auto& o) { o.factor = std::nan(""); });
    bad_raw("groups", [](auto& o) { o.groups = huge; });

    // The other readers check options before tensors, or with the first of them.
    const auto bad_twn = [&](const char* how, auto&& spoil) {
        edited_file lenet;
        lenet.set("conv1.weight", tern::data_type::f32, {1, 1, 1, 1}, std::vector<float>{1});
        for (const char* part : {"weight", "bias", "running_mean", "running_var"})
            lenet.set(std::string("bn_conv1.") + part, tern::data_type::f32, {1}, std::vector<float>{1});
        lenet.set("fc1.weight", tern::data_type::f32, {1, 1}, std::vector<float>{1});
        const std::vector<unsigned char> bytes = lenet.bytes();
        const auto loaded = tern::safetensors_file::load(bytes.data(), bytes.size());
        REQUIRE(loaded.ok());
        REQUIRE(tern::read_twn(*loaded).ok());
        tern::twn_reader_options options;
        spoil(options);
        walk.refused("read_twn", how, tern::read_twn(*loaded, options));
    };
    bad_twn("factor", [](auto& o) { o.factor = std::nan(""); });
    bad_twn("granularity", [](auto& o) { o.granularity = behind(tern::twn_granularity::filter); });
    bad_twn("padding", [](auto& o) { o.padding = huge; });
    bad_twn("stride", [](auto& o) { o.block_stride = huge; });
    bad_twn("pool", [](auto& o) { o.pool = tern::pool_geometry{3, 0, 1}; });
    bad_twn("memory", [](auto& o) { o.memory = no_memory(); });
    const auto bad_fatnn = [&](const char* how, const char* word, auto&& spoil) {
        tern::fatnn_reader_options options;
        spoil(options);
        const auto read = tern::read_fatnn(tern::safetensors_file(), options);
        walk.refused("read_fatnn", how, read);
        CHECK_MESSAGE(std::string(read.message()).find(word) != std::string::npos, std::string(read.message()));
    };
    bad_fatnn("quantizer", "fatnn_quantizer", [](auto& o) { o.quantizer = behind(tern::fatnn_quantizer::lsq); });
    bad_fatnn("range", "activation_range", [](auto& o) { o.range = behind(tern::activation_range::full); });
    bad_fatnn("stride", "strides", [](auto& o) { o.stage_stride = huge; });
    bad_fatnn("stride", "strides", [](auto& o) { o.first_stride = 0; });
}

void walk_tuning(argument_walk& walk) {
    const temporary_folder folder;
    tern::tuning t;
    walk.refused("tuning::load", "no path", t.load(nullptr));
    walk.refused("tuning::load", "a directory", t.load((folder / "").c_str()));
    walk.refused("tuning::save", "no path", t.save(nullptr));
    walk.refused("tuning::save", "a directory", t.save((folder / "").c_str()));
    walk.refused("tuning::parse", "null", t.parse(nullptr, 8));
    walk.refused("tuning::parse", "nothing", t.parse("", 0));
    walk.refused("tuning::parse", "huge", t.parse("{}", huge));
    walk.gives("tuning::size", "after errors", t.size(), std::size_t{0});
    walk.gives("tuning::text", "after errors", t.text().empty(), false);
    walk.gives("tuning::store", "empty", static_cast<bool>(t.store()), true);
}

void walk_words(argument_walk& walk) {
    const auto no_preprocessing = behind(tern::preprocessing::imagenet);
    walk.refused("parse_preprocessing", "no text", tern::parse_preprocessing({}));
    walk.refused("parse_pool", "no text", tern::parse_pool({}));
    walk.gives("preprocessing_name", "none", std::string(tern::preprocessing_name(no_preprocessing)), std::string());
    walk.refused("rule_of", "none", tern::rule_of(no_preprocessing));
    walk.refused("rule_of", "unknown", tern::rule_of(tern::preprocessing::unknown));
    walk.gives("preprocessed_shape", "none",
               tern::preprocessed_shape(no_preprocessing, {1, 2, 3}) == tern::image_shape{1, 2, 3}, true);
    std::uint8_t bytes[3 * 4] = {};
    float floats[12];
    const auto in = tern::nhwc<const std::uint8_t>(bytes, 1, 3, 4, 1);
    const auto out = tern::nhwc(floats, 1, 3, 4, 1);
    REQUIRE(tern::preprocess(tern::preprocessing::none, in, out).ok());
    walk.refused("preprocess", "none", tern::preprocess(no_preprocessing, in, out));
    walk.refused("preprocess", "no images", tern::preprocess(tern::preprocessing::none, {}, out));
    walk.refused("preprocess", "no output", tern::preprocess(tern::preprocessing::none, in, {}));
    walk.refused("preprocess", "another size", tern::preprocess(tern::preprocessing::mnist, in, out));
    walk.refused("preprocess", "other channels", tern::preprocess(tern::preprocessing::cifar10, in, out));
    walk.refused("preprocess", "misaligned",
                 tern::preprocess(tern::preprocessing::none, tern::nhwc<const std::uint8_t>(bytes, 1, 1, 1, 1),
                                  tern::nhwc(misaligned(floats), 1, 1, 1, 1)));
    walk.gives("preprocess", "no images at all",
               tern::preprocess(tern::preprocessing::none, tern::nhwc<const std::uint8_t>(nullptr, 0, 3, 4, 1),
                                tern::nhwc<float>(nullptr, 0, 3, 4, 1))
                   .ok(),
               true);
}
}  // namespace

TEST_CASE(
    "model: every function refuses null pointers, lying sizes, moved-from objects and enumerators behind the last") {
    argument_walk walk;
    walk.unchecked({"network_title",
                    "network_word",
                    "network_kind_of",
                    "picture_rule_of",
                    "find_preprocessing",
                    "is_network_file",
                    "tensor_file::set_metadata",
                    "network_reader",
                    "tensor_source::names",
                    "tensor_dims::push",
                    "tensor_dims::valid",
                    "tensor_dims::rank",
                    "tensor_dims::begin",
                    "tensor_dims::end",
                    "tensor_dims::count",
                    "read_residual",  // by read_sttn and read_stqn
                    "take_number",
                    "take_character",
                    "to_string",
                    "mapped_file::data",
                    "mapped_file::size",
                    "tensor_source::file",
                    "tensor_source::memory",
                    "tensor_source::full_name",
                    "tensor_source::ignore",
                    "network::input_shape",
                    "network::u8_shape",
                    "network::input_channels",
                    "network::classes",
                    "network::layers"});
    walk.unchecked({"tensor_file::tensor", "tensor_file::file_bytes", "tensor_file::copied_bytes"});
    walk_files(walk);
    walk_tensors(walk);
    walk_codes(walk);
    walk_options(walk);
    walk_tuning(walk);
    walk_words(walk);
    walk_networks(walk);
    walk.check_complete(TERN_TEST_DATA "/../../include/tern/model");
}
