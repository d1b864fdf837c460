// Checkpoints made by hand: what training leaves in them, and views of storages.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <tern/model/checkpoint.hpp>
#include <tern/model/safetensors.hpp>

#include "checkpoint_support.hpp"

using namespace tern_test;
using tern::errc;

namespace {

constexpr std::int64_t huge = PTRDIFF_MAX;

const storages six{{"0", raw_floats({0, 1, 2, 3, 4, 5})}};
const std::string two = py::tensor("0", 6, 0, {2}, {1});

/// The floats of the one tensor in each of the containers.
std::vector<float> one_tensor(const std::string& value, const storages& data = six) {
    std::vector<float> first;
    for (const std::string& bytes : both_kinds(value, data)) {
        const auto file = load_checkpoint(bytes);
        REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
        REQUIRE(file->size() == 1);
        std::vector<float> v(file->tensor(0).count());
        REQUIRE(tern::read_floats(file->tensor(0), v.data(), v.size()).ok());
        CHECK((first.empty() || first == v));
        first = v;
    }
    return first;
}
using floats = std::vector<float>;

/// Its names, in order.
std::vector<std::string> names(const std::string& value, const storages& data = six) {
    std::vector<std::string> all;
    for (const std::string& bytes : both_kinds(value, data)) {
        const auto file = load_checkpoint(bytes);
        REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
        all.clear();
        for (const tern::tensor_info& t : file->tensors())
            all.push_back(t.name);
    }
    return all;
}
using strings = std::vector<std::string>;

void refuses(const std::string& value, errc code, const std::vector<std::string>& words, const storages& data = six) {
    for (const std::string& bytes : both_kinds(value, data))
        check_refused(load_checkpoint(bytes).status(), code, words);
}

}  // namespace

TEST_CASE("views of a storage: offsets, strides, transposed, repeated, shared, empty, scalar") {
    const auto view = [](std::int64_t offset, const std::vector<std::int64_t>& shape,
                         const std::vector<std::int64_t>& strides) {
        return one_tensor(py::dict({{"a", py::tensor("0", 6, offset, shape, strides)}}));
    };
    CHECK(view(0, {6}, {1}) == floats{0, 1, 2, 3, 4, 5});
    CHECK(view(2, {2, 2}, {2, 1}) == floats{2, 3, 4, 5});
    CHECK(view(0, {3, 2}, {1, 3}) == floats{0, 3, 1, 4, 2, 5});
    CHECK(view(1, {2, 2}, {3, 1}) == floats{1, 2, 4, 5});
    CHECK(view(5, {2, 2}, {0, 0}) == floats{5, 5, 5, 5});
    CHECK(view(0, {1, 6, 1}, {99, 1, 77}) == floats{0, 1, 2, 3, 4, 5});
    CHECK(view(3, {}, {}) == floats{3});
    CHECK(view(0, {2, 1, 1, 1, 1, 1, 1, 2}, {3, 1, 1, 1, 1, 1, 1, 2}) == floats{0, 2, 3, 5});
    CHECK(view(0, {3, 0}, {1, 1}) == floats{});
    CHECK(view(huge, {0}, {huge}) == floats{});
    // Two of them, the second from the first in the memo.
    CHECK(names(py::dict({{"a", two + "q\x05"}, {"b", "h\x05"}, {"c", py::tensor("0", 6, 1, {2}, {3})}})) ==
          strings{"a", "b", "c"});
}

TEST_CASE("views of a storage that leave it are refused") {
    const auto leaves = [](std::int64_t offset, const std::vector<std::int64_t>& shape,
                           const std::vector<std::int64_t>& strides, const std::vector<std::string>& words) {
        refuses(py::dict({{"a.b", py::tensor("0", 6, offset, shape, strides)}}), errc::bad_format, words);
    };
    const strings within{"tensor \"a.b\"", "elements within a storage of 6"};
    leaves(0, {7}, {1}, within);
    leaves(6, {1}, {1}, within);
    leaves(1, {2, 3}, {3, 1}, within);
    leaves(0, {2, 2}, {5, 1}, within);
    leaves(huge, {1}, {1}, within);
    leaves(0, {2}, {huge}, within);
    leaves(0, {3, 3, 3}, {huge, huge, huge}, {"tensor \"a.b\"", "and beyond"});
    leaves(-1, {2}, {1}, {"offset", "an integer of -1"});
    leaves(0, {-2}, {1}, {"shape", "an integer of -2"});
    leaves(0, {2}, {-1}, {"strides", "an integer of -1"});
    leaves(0, {2}, {1, 1}, {"as many strides as dimensions", "2 and 1"});
    const strings much{"tensor \"a.b\"", "4 times the file's size"};
    refuses(py::dict({{"a.b", py::tensor("0", 6, 0, {1 << 20}, {0})}}), errc::unsupported, much);
    refuses(py::dict({{"a.b", py::tensor("0", 6, 0, {huge}, {0})}}), errc::unsupported, much);
    refuses(py::dict({{"a.b", py::tensor("0", 6, 0, {huge, huge}, {0, 0})}}), errc::unsupported, much);
    const std::vector<std::int64_t> nine(9, 1);
    refuses(py::dict({{"a.b", py::tensor("0", 6, 0, nine, nine)}}), errc::unsupported, {"at most 8 dimensions", "9"});
    // Storages that are not what the pickle says of them.
    refuses(py::dict({{"a", py::tensor("0", 7, 0, {2}, {1})}}), errc::bad_format,
            {"a storage of 7 elements of 4 bytes", "24 bytes"});
    refuses(py::dict({{"a", py::tensor("0", huge, 0, {2}, {1})}}), errc::bad_format, {"a storage of", "24 bytes"});
    refuses(py::dict({{"a", py::tensor("0", 6, 0, {2}, {1})}, {"b", py::tensor("1", 6, 0, {2}, {1})}}),
            errc::bad_format, {"1'", "found none"});
}

TEST_CASE("many names of one storage count each time") {
    std::vector<std::pair<std::string, std::string>> all{{"0", py::tensor("0", 4096, 0, {4096}, {1}) + "q\x07"}};
    const storages data{{"0", std::string(4 * 4096, '\1')}};
    for (int i = 1; i < 4; ++i)
        all.emplace_back(std::to_string(i), "h\x07");
    CHECK(names(py::dict(all), data).size() == 4);
    for (int i = 4; i < 8; ++i)
        all.emplace_back(std::to_string(i), "h\x07");
    refuses(py::dict(all), errc::unsupported, {"4 times the file's size", "[4096]"}, data);
}

TEST_CASE(
    "element types, by class and by dtype; others are refused where they are asked for, and stepped over elsewhere") {
    using tern::data_type;
    const auto type_of = [](const std::string& storage, std::size_t size) {
        const storages data{{"k", std::string(2 * size, '\0')}};
        const std::string value = py::dict({{"a", py::tensor_of(py::storage(storage, "k", 2), 0, {2}, {1})}});
        const auto file = load_checkpoint(legacy_checkpoint(value, data, size));
        REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
        CHECK(file->tensor(0).bytes == 2 * size);
        return file->tensor(0).dtype;
    };
    CHECK(type_of("FloatStorage", 4) == data_type::f32);
    CHECK(type_of("DoubleStorage", 8) == data_type::f64);
    CHECK(type_of("HalfStorage", 2) == data_type::f16);
    CHECK(type_of("BFloat16Storage", 2) == data_type::bf16);
    CHECK(type_of("LongStorage", 8) == data_type::i64);
    CHECK(type_of("IntStorage", 4) == data_type::i32);
    CHECK(type_of("ShortStorage", 2) == data_type::i16);
    CHECK(type_of("CharStorage", 1) == data_type::i8);
    CHECK(type_of("ByteStorage", 1) == data_type::u8);
    CHECK(type_of("BoolStorage", 1) == data_type::boolean);
    // _rebuild_tensor_v3 has a dtype for bytes without one.
    const auto v3 = [](const std::string& dtype, std::int64_t bytes) {
        return py::dict({{"a", py::call(py::global("torch._utils", "_rebuild_tensor_v3"),
                                        {py::storage("UntypedStorage", "0", bytes), py::number(1), py::numbers({2}),
                                         py::numbers({1}), "\x89", "}", py::global("torch", dtype)})}});
    };
    for (const auto& [dtype, type, size] :
         {std::tuple{"uint16", data_type::u16, 2}, {"float32", data_type::f32, 4}, {"uint64", data_type::u64, 8}}) {
        const storages data{{"0", std::string(static_cast<std::size_t>(3 * size), '\1')}};
        const auto file = load_checkpoint(legacy_checkpoint(v3(dtype, 3 * size), data, 1));
        REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
        CHECK(file->tensor(0).dtype == type);
        CHECK(file->tensor(0).bytes == static_cast<std::size_t>(2 * size));
        check_refused(
            load_checkpoint(legacy_checkpoint(v3(dtype, 3 * size - 1), {{"0", data.at("0").substr(1)}}, 1)).status(),
            errc::bad_format, {"elements within a storage of 2"});
    }
    refuses(v3("int3", 24), errc::unsupported, {"one of torch's dtypes", "torch.int3"});
    const storages bytes{{"0", std::string(16, '\0')}};
    const std::string complex = py::tensor_of(py::storage("ComplexFloatStorage", "0", 2), 0, {2}, {1});
    check_refused(load_checkpoint(legacy_checkpoint(py::dict({{"a", complex}}), bytes, 8)).status(), errc::unsupported,
                  {"tensor \"a\"", "float, integer or bool", "complex64"});
    const std::string beside =
        py::dict({{"state_dict", py::dict({{"a", py::tensor_of(py::storage("ByteStorage", "1", 3), 0, {3}, {1})}})},
                  {"optimizer", complex}});
    std::string both = legacy_head() + py::pickle(beside) + py::pickle("](" + py::text("0") + py::text("1") + "e");
    both += raw(std::int64_t{2}) + std::string(16, '\0') + raw(std::int64_t{3}) + "abc";
    const auto file = load_checkpoint(both);
    REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
    CHECK(std::memcmp(file->tensor(0).data, "abc", 3) == 0);
    refuses(py::dict({{"a", py::tensor_of(py::storage("NoStorage", "0", 6), 0, {2}, {1})}}), errc::unsupported,
            {"classes of storages", "torch.NoStorage"});
}

TEST_CASE("tensors yet to be negated are refused where they are asked for, and stepped over elsewhere") {
    const std::vector<std::string> begin{
        py::storage("FloatStorage", "0", 6), py::number(1), py::numbers({2}), py::numbers({1}), "\x89", "}"};
    const auto v2 = [&](const std::string& metadata) {
        std::vector<std::string> arguments = begin;
        arguments.push_back(metadata);
        return py::call(py::global("torch._utils", "_rebuild_tensor_v2"), arguments);
    };
    const auto v3 = [&](const std::string& metadata) {
        std::vector<std::string> arguments = begin;
        arguments.insert(arguments.end(), {py::global("torch", "float32"), metadata});
        return py::call(py::global("torch._utils", "_rebuild_tensor_v3"), arguments);
    };
    for (const std::string& metadata : {py::dict({{"neg", "\x88"}}), py::dict({{"conj", "\x88"}}), py::text("neg")})
        for (const std::string& tensor : {v2(metadata), v3(metadata)}) {
            const std::string parameter =
                py::call(py::global("torch._utils", "_rebuild_parameter"), {tensor, "\x88", "}"});
            for (const std::string& asked : {tensor, parameter})
                refuses(py::dict({{"a", two}, {"w", asked}}), errc::unsupported,
                        {"tensor \"w\"", "expected no metadata", "resolve_neg"});
            CHECK(names(py::dict({{"optimizer", tensor}, {"state_dict", py::dict({{"w", two}})}})) == strings{"w"});
        }
    for (const char* none : {"N", "}"})
        for (const std::string& tensor : {v2(none), v3(none)})
            CHECK(one_tensor(py::dict({{"w", tensor}})) == floats{1, 2});
}

TEST_CASE("the state dict is found in a checkpoint, under its usual names, or is all there is") {
    const std::string state = py::dict({{"w", two}});
    CHECK(names(state) == strings{"w"});
    for (const char* name : {"state_dict", "model_state_dict", "model", "net", "network"})
        CHECK(names(py::dict({{"epoch", py::number(3)}, {name, state}, {"optimizer", "}"}})) == strings{"w"});
    CHECK(names(py::dict({{"model", py::dict({{"state_dict", state}, {"ema", "N"}})}})) == strings{"w"});
    CHECK(names(py::dict({{"state_dict", "N"}, {"model", py::text("resnet")}, {"net", state}})) == strings{"w"});
    // A tensor of such a name is one of the state dict's.
    CHECK(names(py::dict({{"model", two}})) == strings{"model"});
    CHECK(
        names(py::dict({{"ema", py::dict({{"x", two}})}, {"model", py::dict({{"y", two}})}, {"state_dict", state}})) ==
        strings{"w"});
    const strings expected{"expected a state dict, as torch.save(model.state_dict(), ...) writes"};
    refuses(two, errc::bad_format, {expected[0], "a tensor"});
    refuses("N", errc::bad_format, {expected[0], "None"});
    refuses(py::call(py::global("models.resnet", "ResNet"), {}) + "}b", errc::bad_format,
            {expected[0], "an object of models.resnet.ResNet"});
    refuses(py::dict({{"state_dict", "]"}}), errc::bad_format, {"entry \"state_dict\"", "a list"}, {});
    refuses(py::dict({{"epoch", "N"}, {"model", py::call(py::global("models.resnet", "ResNet"), {})}}),
            errc::bad_format, {"checkpoint model", expected[0], "an object of models.resnet.ResNet"});
    refuses("}", errc::bad_format, {"an empty dict"}, {});
    refuses(py::dict({{"w", two}, {"epoch", py::number(1)}}), errc::bad_format, {"entry \"epoch\"", "an integer"});
    refuses("}(" + py::number(1) + two + "u", errc::bad_format, {"names of tensors as keys", "an integer"});
    refuses(py::dict({{"w", two}, {"w", two}}), errc::bad_format, {"tensor \"w\"", "found two"});
    refuses(py::dict({{"", two}}), errc::bad_format, {"1 to 4096 bytes", "0"});
    refuses(py::dict({{std::string(5000, 'n'), two}}), errc::bad_format, {"1 to 4096 bytes", "5000"});
    CHECK(names(py::dict({{std::string(4096, 'n'), two}})).size() == 1);
}

TEST_CASE("what training leaves in a checkpoint is stepped over, whatever it is") {
    const auto beside = [](const std::string& value) {
        return names(py::dict({{"x", value}, {"state_dict", py::dict({{"w", two}})}, {"y", "N"}})) == strings{"w"};
    };
    for (const std::string& value :
         std::vector<std::string>{"N",
                                  "\x88",
                                  "\x89",
                                  "J\xff\xff\xff\xff",
                                  "K\x01",
                                  "M\x01\x02",
                                  std::string("\x8a\x00", 2),
                                  std::string("\x8a\x0a"
                                              "0123456789"),
                                  std::string("\x8b\x02\x00\x00\x00\x01\x02", 7),
                                  "G01234567",
                                  "T" + raw(3) + "abc",
                                  "U\x03"
                                  "abc",
                                  "B" + raw(3) + "abc",
                                  "C\x03"
                                  "abc",
                                  "\x8c\x03"
                                  "abc",
                                  "\x8d" + raw(std::int64_t{3}) + "abc",
                                  "\x8e" + raw(std::int64_t{3}) + "abc",
                                  "\x96" + raw(std::int64_t{3}) + "abc",
                                  "]",
                                  ")",
                                  "}",
                                  "\x8f",
                                  "(K\x01l",
                                  "(K\x01K\x02"
                                  "d",
                                  "(K\x01\x91",
                                  "\x8f(K\x01\x90",
                                  "K\x01\x85",
                                  "K\x01K\x02\x86",
                                  "K\x01K\x02K\x03\x87",
                                  "]K\x01"
                                  "a",
                                  "](K\x01"
                                  "e",
                                  "K\x01"
                                  "2\x86",
                                  "K\x01K\x02"
                                  "0",
                                  "(K\x01K\x02"
                                  "1N",
                                  "((0"
                                  "0N",
                                  "\x95"
                                  "01234567N",
                                  py::text("os") + py::text("system") + "\x93",
                                  "K\x01\x94",
                                  py::call(py::global("argparse", "Namespace"), {}) + py::dict({{"lr", "G01234567"}}) +
                                      "b",
                                  py::global("numpy", "dtype") + ")\x81" +
                                      "N"
                                      "b",
                                  py::global("a", "b") + ")}\x92" +
                                      "(K\x01K\x02"
                                      "u"
                                      "K\x01K\x02"
                                      "s"
                                      "(K\x01"
                                      "eK\x01"
                                      "a",
                                  py::call(py::global("collections", "defaultdict"), {py::global("builtins", "list")}) +
                                      py::text("k") + "Ns",
                                  py::call(py::global("os", "system"), {py::text("false")}),
                                  py::call(py::call(py::global("a", "b"), {}), {"N"})}) {
        CAPTURE(value);
        CHECK(beside(value));
    }
}

TEST_CASE("dicts and tensors in other words") {
    // Python 2's OrderedDict is a list of pairs.
    const std::string pairs = py::call(py::global("collections", "OrderedDict"), {"](](" + py::text("w") + two + "ee"});
    CHECK(names(pairs) == strings{"w"});
    refuses(py::call(py::global("collections", "OrderedDict"), {"](](Nee"}), errc::bad_format,
            {"pairs of key and value", "a list"});
    // Attributes of a state dict.
    CHECK(names(py::dict({{"w", two}}) + py::dict({{"_metadata", "}"}}) + "b") == strings{"w"});
    const std::string utils = "torch._utils";
    CHECK(names(py::dict({{"w", py::call(py::global(utils, "_rebuild_parameter"), {two, "\x88", "}"})}})) ==
          strings{"w"});
    CHECK(names(py::dict({{"w", py::call(py::global(utils, "_rebuild_parameter_with_state"),
                                         {two, "\x88", "}", "N"})}})) == strings{"w"});
    CHECK(names(py::dict({{"w", py::call(py::global("torch._tensor", "_rebuild_from_type_v2"),
                                         {py::global(utils, "_rebuild_parameter"), py::global("torch.nn", "Parameter"),
                                          py::tuple({two, "\x88", "}"}), "}"})}})) == strings{"w"});
    const std::string old = py::call(py::global(utils, "_rebuild_tensor"),
                                     {py::storage("FloatStorage", "0", 6), py::number(1), py::numbers({2}),
                                      py::call(py::global("torch", "Size"), {py::numbers({3})})});
    CHECK(one_tensor(py::dict({{"w", old}})) == floats{1, 4});
    refuses(py::dict({{"w", py::call(py::global(utils, "_rebuild_sparse_tensor"), {"N"})}}), errc::bad_format,
            {"entry \"w\"", "an object of torch._utils._rebuild_sparse_tensor"}, {});
    refuses(py::dict({{"w", py::call(py::global(utils, "_rebuild_tensor_v2"), {"N", "N", "N", "N"})}}),
            errc::bad_format, {"a storage", "None"});
    refuses(py::dict({{"w", py::call(py::global(utils, "_rebuild_tensor_v2"), {})}}), errc::bad_format,
            {"0 values", "nothing"});
    // A view of a storage, as the old container has them.
    const auto viewed = [](const std::string& view) {
        const std::string s = py::tuple({py::text("storage"), py::global("torch", "FloatStorage"), py::text("0"),
                                         py::text("cpu"), py::number(6), view}) +
                              "Q";
        return py::dict({{"w", py::tensor_of(s, 1, {2}, {1})}});
    };
    const auto part = [](std::int64_t begin, std::int64_t size) {
        return py::tuple({py::text("v"), py::number(begin), py::number(size)});
    };
    CHECK(one_tensor(viewed("N")) == floats{1, 2});
    CHECK(one_tensor(viewed(part(2, 3))) == floats{3, 4});
    refuses(viewed(part(2, 2)), errc::bad_format, {"within a storage of 2"});
    refuses(viewed(part(2, 5)), errc::bad_format, {"within 6 elements", "5 from 2"});
    refuses(viewed(part(7, 0)), errc::bad_format, {"within 6 elements"});
    refuses(viewed("]"), errc::bad_format, {"a view of three values"});
}
