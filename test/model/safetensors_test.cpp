#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tern/model/safetensors.hpp>

#if defined(__unix__)
#include <sys/stat.h>
#endif

namespace {

using tern::data_type;
using tern::errc;
using tern::safetensors_file;
using tern::safetensors_writer;
using tern::tensor_dims;
using tern::tensor_info;
using bytes = std::vector<unsigned char>;

/// A file of that header and that many bytes of data, 0, 1, 2, ...
bytes make_file(std::string_view header, std::size_t data_bytes) {
    bytes file(8 + header.size() + data_bytes);
    const std::uint64_t length = header.size();
    std::memcpy(file.data(), &length, sizeof length);
    if (!header.empty())
        std::memcpy(file.data() + 8, header.data(), header.size());
    for (std::size_t i = 0; i < data_bytes; ++i)
        file[8 + header.size() + i] = static_cast<unsigned char>(i);
    return file;
}

tern::result<safetensors_file> load(const bytes& file) { return safetensors_file::load(file.data(), file.size()); }

/// One entry of a header.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape, std::size_t begin,
                  std::size_t end) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" +
           std::to_string(begin) + "," + std::to_string(end) + "]}";
}

void check_refused(const tern::status& s, errc code, const std::vector<std::string>& words) {
    CHECK(s.code() == code);
    const std::string message = s.message();
    for (const std::string& word : words)
        CHECK_MESSAGE(message.find(word) != std::string::npos, "expected '", word, "' in: ", message);
}

/// All of it is within the file, and can be read.
void check_in_range(const safetensors_file& file, const bytes& content) {
    for (const tensor_info& t : file.tensors()) {
        const auto begin = static_cast<std::size_t>(t.data - content.data());
        REQUIRE(begin >= 8);
        REQUIRE(begin <= content.size());
        REQUIRE(t.bytes <= content.size() - begin);
        REQUIRE(t.shape.count().ok());
        REQUIRE(t.shape.count().value * tern::dtype_size(t.dtype) == t.bytes);
        REQUIRE(file.find(t.name) == &t);
        std::vector<double> doubles(t.count());
        std::vector<std::int64_t> ints(t.count());
        const bool real = tern::read_doubles(t, doubles.data(), doubles.size()).ok();
        const bool integer = tern::read_ints(t, ints.data(), ints.size()).ok();
        CHECK(!(real && integer));
    }
}

class temporary_directory {
public:
    temporary_directory() {
        const auto base = std::filesystem::temp_directory_path();
        for (int i = 0; path_.empty(); ++i)
            if (const auto p = base / ("tern_safetensors_" + std::to_string(i)); std::filesystem::create_directory(p))
                path_ = p;
    }
    ~temporary_directory() { std::filesystem::remove_all(path_); }
    std::string operator/(const char* name) const { return (path_ / name).string(); }
    std::vector<std::string> list() const {
        std::vector<std::string> names;
        for (const auto& e : std::filesystem::directory_iterator(path_))
            names.push_back(e.path().filename().string());
        return names;
    }

private:
    std::filesystem::path path_;
};

bytes read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return bytes(std::istreambuf_iterator<char>(in), {});
}

const float some_floats[6] = {1.5f, -0.0f, std::numeric_limits<float>::infinity(), 1e-45f, -2.0f, 3.25f};
const std::int8_t some_codes[3] = {-1, 0, 1};
const std::int64_t some_long = -7;
const double some_doubles[2] = {0.1, -1e300};

safetensors_writer small_writer() {
    safetensors_writer w;
    CHECK(w.add("codes", data_type::i8, {3}, some_codes).ok());
    CHECK(w.add("b.weight", data_type::f32, {2, 3}, some_floats).ok());
    CHECK(w.add("a.doubles", data_type::f64, {2}, some_doubles).ok());
    CHECK(w.add("steps", data_type::i64, {}, &some_long).ok());
    CHECK(w.add("none", data_type::f32, {4, 0, 3}, nullptr).ok());
    CHECK(w.set_metadata("format", "1").ok());
    CHECK(w.set_metadata("text", "line\n\"quoted\" \xC3\xA4 \x01").ok());
    return w;
}

}  // namespace

TEST_CASE("dtype names and sizes belong together") {
    const std::size_t sizes[tern::data_type_count] = {1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8};
    for (std::size_t i = 0; i < tern::data_type_count; ++i) {
        const auto t = static_cast<data_type>(i);
        CHECK(tern::dtype_size(t) == sizes[i]);
        CHECK(tern::dtype_from_name(tern::dtype_name(t)) == t);
    }
    CHECK(std::string(tern::dtype_name(data_type::boolean)) == "BOOL");
    CHECK(std::string(tern::dtype_name(data_type::bf16)) == "BF16");
    CHECK_FALSE(tern::dtype_from_name("f32"));
    CHECK_FALSE(tern::dtype_from_name("?"));
}

TEST_CASE("shapes count their elements and notice overflow") {
    CHECK(tensor_dims{}.count().value == 1);
    CHECK(tensor_dims{2, 3, 4}.count().value == 24);
    CHECK(tensor_dims{2, 0, 4}.count().value == 0);
    constexpr std::size_t huge = std::size_t{1} << (sizeof(std::size_t) * 8 - 2);
    CHECK_FALSE(tensor_dims{huge, 4}.count().ok());
    CHECK_FALSE(tensor_dims{0, huge, 4}.count().ok());
    CHECK_FALSE(tensor_dims{1, 1, 1, 1, 1, 1, 1, 1, 1}.valid());
    CHECK(tensor_dims{2, 3} == tensor_dims{2, 3});
    CHECK(tensor_dims{2, 3} != tensor_dims{2, 3, 1});
    CHECK(tensor_dims{2, 3} != tensor_dims{3, 2});
    CHECK(tern::to_string({6, 1, 3, 3}) == "[6, 1, 3, 3]");
    CHECK(tern::to_string(tensor_dims{}) == "[]");
}

TEST_CASE("a written file reads back the same from memory") {
    bytes out;
    REQUIRE(small_writer().write(out).ok());
    const auto file = load(out);
    REQUIRE_MESSAGE(file.ok(), file.message());
    REQUIRE(file->size() == 5);
    check_in_range(*file, out);

    const tensor_info* w = file->find("b.weight");
    REQUIRE(w != nullptr);
    CHECK(w->dtype == data_type::f32);
    CHECK(w->shape == tensor_dims{2, 3});
    CHECK(w->count() == 6);
    float floats[6];
    REQUIRE(tern::read_floats(*w, floats, 6).ok());
    CHECK(std::memcmp(floats, some_floats, sizeof floats) == 0);

    double doubles[2];
    REQUIRE(tern::read_doubles(*file->find("a.doubles"), doubles, 2).ok());
    CHECK(doubles[0] == 0.1);
    CHECK(doubles[1] == -1e300);

    std::int64_t ints[3];
    REQUIRE(tern::read_ints(*file->find("codes"), ints, 3).ok());
    CHECK((ints[0] == -1 && ints[1] == 0 && ints[2] == 1));
    const tensor_info* steps = file->find("steps");
    CHECK(steps->shape.rank() == 0);
    REQUIRE(tern::read_ints(*steps, ints, 1).ok());
    CHECK(ints[0] == -7);
    CHECK(file->find("none")->bytes == 0);
    CHECK(tern::read_floats(*file->find("none"), nullptr, 0).ok());

    CHECK(file->find("b.weigh") == nullptr);
    CHECK(file->find("b.weight2") == nullptr);
    CHECK(file->find("") == nullptr);
    CHECK(file->find("zzz") == nullptr);
    REQUIRE(file->metadata("format") != nullptr);
    CHECK(*file->metadata("format") == "1");
    CHECK(*file->metadata("text") == "line\n\"quoted\" \xC3\xA4 \x01");
    CHECK(file->metadata("forma") == nullptr);
    REQUIRE(file->metadata().size() == 2);
    CHECK(file->metadata()[0].key == "format");
}

TEST_CASE("the writer's bytes are as the format describes them") {
    bytes out;
    const unsigned char u8 = 9;
    const float f = 1.0f;
    safetensors_writer w;
    REQUIRE(w.add("b", data_type::u8, {}, &u8).ok());
    REQUIRE(w.add("c", data_type::f32, {1}, &f).ok());
    REQUIRE(w.add("a", data_type::f32, {1, 1}, &f).ok());
    REQUIRE(w.set_metadata("k", "v").ok());
    REQUIRE(w.write(out).ok());
    std::string header =
        R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},)"
        R"("c":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}})";
    header.append((8 - header.size() % 8) % 8, ' ');
    bytes expected = make_file(header, 9);
    std::memcpy(expected.data() + 8 + header.size(), &f, 4);
    std::memcpy(expected.data() + 12 + header.size(), &f, 4);
    expected.back() = 9;
    CHECK(out == expected);

    bytes empty;
    REQUIRE(safetensors_writer().write(empty).ok());
    CHECK(empty == make_file("{}      ", 0));
    CHECK(load(empty).ok());
}

TEST_CASE("the writer's bytes do not depend on the order of the calls") {
    const float f[2] = {1, 2};
    safetensors_writer a, b;
    for (const char* name : {"x", "y", "z"})
        CHECK(a.add(name, data_type::f32, {2}, f).ok());
    for (const char* name : {"z", "x", "y"})
        CHECK(b.add(name, data_type::f32, {2}, f).ok());
    CHECK(a.set_metadata("p", "1").ok());
    CHECK(a.set_metadata("q", "2").ok());
    CHECK(b.set_metadata("q", "replaced").ok());
    CHECK(b.set_metadata("q", "2").ok());
    CHECK(b.set_metadata("p", "1").ok());
    bytes first, second, again;
    REQUIRE(a.write(first).ok());
    REQUIRE(b.write(second).ok());
    REQUIRE(a.write(again).ok());
    CHECK(first == second);
    CHECK(first == again);
}

TEST_CASE("every tensor of a written file is aligned for its type") {
    bytes out;
    REQUIRE(small_writer().write(out).ok());
    const auto file = load(out);
    REQUIRE(file.ok());
    for (const tensor_info& t : file->tensors())
        CHECK(static_cast<std::size_t>(t.data - out.data()) % tern::dtype_size(t.dtype) == 0);
}

TEST_CASE("the writer refuses names, shapes and pointers that no file may have") {
    safetensors_writer w;
    const float f[4] = {};
    REQUIRE(w.add("x", data_type::f32, {4}, f).ok());
    check_refused(w.add("x", data_type::f32, {4}, f), errc::invalid_argument, {"\"x\"", "taken"});
    check_refused(w.add("", data_type::f32, {4}, f), errc::invalid_argument, {"name", "1 to 4096", "found 0"});
    check_refused(w.add(std::string(4097, 'n'), data_type::f32, {4}, f), errc::invalid_argument, {"4096", "4097"});
    check_refused(w.add("__metadata__", data_type::f32, {4}, f), errc::invalid_argument, {"reserved"});
    check_refused(w.add("a\nb", data_type::f32, {4}, f), errc::invalid_argument, {"a?b", "0x0a"});
    check_refused(w.add(std::string_view("a\0b", 3), data_type::f32, {4}, f), errc::invalid_argument, {"0x00"});
    for (const char* bad : {"\xFF", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\x80", "\xE2\x82"})
        check_refused(w.add(bad, data_type::f32, {4}, f), errc::invalid_argument, {"UTF-8"});
    check_refused(w.add("y", data_type::f32, {4}, nullptr), errc::invalid_argument, {"\"y\"", "16 bytes", "null"});
    check_refused(w.add("y", static_cast<data_type>(99), {4}, f), errc::invalid_argument, {"data_type", "99"});
    check_refused(w.add("y", data_type::f32, {1, 1, 1, 1, 1, 1, 1, 1, 4}, f), errc::invalid_argument,
                  {"\"y\"", "8 dimensions"});
    check_refused(w.add("y", data_type::f32, {std::numeric_limits<std::size_t>::max() / 4}, f), errc::invalid_argument,
                  {"\"y\"", "overflows"});
    check_refused(w.set_metadata("", "v"), errc::invalid_argument, {"metadata key"});
    check_refused(w.set_metadata("k", "\xFE"), errc::invalid_argument, {"\"k\"", "UTF-8"});

    // None of that left a trace.
    bytes out;
    REQUIRE(w.write(out).ok());
    const auto file = load(out);
    REQUIRE(file.ok());
    CHECK(file->size() == 1);
    CHECK(file->metadata().empty());

    // Names that are fine, however odd.
    CHECK(w.add("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 \"\\/", data_type::f32, {4}, f).ok());
    REQUIRE(w.write(out).ok());
    const auto odd = load(out);
    REQUIRE_MESSAGE(odd.ok(), odd.message());
    CHECK(odd->find("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 \"\\/") != nullptr);
}

TEST_CASE("the writer makes nothing that the reader refuses as too long") {
    const float f = 1;
    safetensors_writer w;
    REQUIRE(w.set_metadata("long", std::string((4u << 20) + 1, 'x')).ok());
    bytes out = {1, 2, 3};
    check_refused(w.write(out), errc::invalid_argument, {"4194304", "string"});
    CHECK(out == bytes{1, 2, 3});
    REQUIRE(w.set_metadata("long", std::string(4u << 20, 'x')).ok());
    REQUIRE(w.add(std::string(4096, 'n'), data_type::f32, {}, &f).ok());
    REQUIRE(w.write(out).ok());
    const auto file = load(out);
    REQUIRE_MESSAGE(file.ok(), file.message());
    CHECK(file->metadata("long")->size() == 4u << 20);
}

TEST_CASE("many tensors are found by name, in the order of the header") {
    const unsigned char one = 1;
    safetensors_writer w;
    for (int i = 0; i < 20000; ++i)
        REQUIRE(w.add("tensor." + std::to_string(i), data_type::u8, {1}, &one).ok());
    bytes out;
    REQUIRE(w.write(out).ok());
    const auto file = load(out);
    REQUIRE(file.ok());
    REQUIRE(file->size() == 20000);
    bool all = true;
    for (int i = 0; i < 20000; ++i)
        all = all && file->find("tensor." + std::to_string(i)) != nullptr;
    CHECK(all);
    CHECK(file->find("tensor.20000") == nullptr);

    const bytes unsorted =
        make_file("{" + entry("z", "U8", "[1]", 2, 3) + "," + entry("a", "U8", "[2]", 0, 2) + "}", 3);
    const auto other = load(unsorted);
    REQUIRE_MESSAGE(other.ok(), other.message());
    CHECK(other->tensor(0).name == "z");
    CHECK(other->tensor(0).data[0] == 2);
    CHECK(other->tensor(1).name == "a");
    CHECK(other->find("a") == &other->tensor(1));
}

TEST_CASE("what the format allows is accepted") {
    // Padding, blanks between tokens, escapes in names, keys in any order, metadata last, misaligned data.
    const auto ok = [](const std::string& header, std::size_t data_bytes) {
        const bytes file = make_file(header, data_bytes);
        const auto f = load(file);
        CHECK_MESSAGE(f.ok(), header, ": ", f.message());
        if (f.ok())
            check_in_range(*f, file);
    };
    ok("{}", 0);
    ok("{}" + std::string(100000, ' '), 0);
    ok("{\n\t\"a\" : { \"dtype\" : \"U8\" , \"shape\" : [ 1 ] , \"data_offsets\" : [ 0 , 1 ] }\r\n} ", 1);
    ok(R"({"a":{"data_offsets":[0,4],"shape":[2,2],"dtype":"U8"},"__metadata__":{}})", 4);
    ok(R"({"__metadata__":{"a":"","":"b"}})", 0);
    ok("{" + entry("scalar", "F32", "[]", 1, 5) + "," + entry("first", "U8", "[1]", 0, 1) + "}", 5);
    ok("{" + entry("empty", "F32", "[0]", 0, 0) + "," + entry("a", "U8", "[2]", 0, 2) + "," +
           entry("e", "I64", "[3,0]", 2, 2) + "}",
       2);
    ok("{" + entry("a", "U8", "[1,1,1,1,1,1,1,2]", 0, 2) + "}", 2);
    ok("{" + entry("caf\\u00e9 \\\"\\\\\\n", "U8", "[1]", 0, 1) + "}", 1);
    ok("{" + entry(std::string(4096, 'x'), "U8", "[1]", 0, 1) + "}", 1);

    const bytes escaped = make_file("{" + entry("caf\\u00e9", "U8", "[1]", 0, 1) + "}", 1);
    const auto file = load(escaped);
    REQUIRE(file.ok());
    CHECK(file->find("caf\xC3\xA9") != nullptr);
}

TEST_CASE("malformed files are refused with what was expected and found") {
    struct row {
        bytes file;
        std::vector<std::string> words;
    };
    const std::string a = entry("a", "U8", "[2]", 0, 2);
    const auto length_only = [](std::uint64_t length, std::size_t more) {
        bytes file(8 + more, ' ');
        std::memcpy(file.data(), &length, sizeof length);
        return file;
    };
    std::string deep;
    for (int i = 0; i < 100000; ++i)
        deep += "[";
    for (int i = 0; i < 100000; ++i)
        deep += "]";
    const auto header = [](const std::string& text) { return make_file(text, 2); };
    const auto tensor = [&](const std::string& body) { return make_file("{\"a\":" + body + "}", 2); };
    const row rows[] = {
        // the frame
        {{}, {"at least 8 bytes", "found 0"}},
        {bytes(7), {"at least 8 bytes", "found 7"}},
        {length_only(0, 0), {"'{'", "nothing"}},
        {length_only(100000001, 0), {"at most 100000000", "100000001"}},
        {length_only(100000000, 10), {"100000000", "only 10"}},
        {length_only(~std::uint64_t{0}, 10), {"at most 100000000", "18446744073709551615"}},
        {length_only(11, 10), {"11 bytes", "only 10"}},
        {length_only(10, 10), {"'{'", "nothing"}},
        // not JSON, or not an object
        {header("null"), {"header", "'{'", "'null'"}},
        {header("[]"), {"header", "'{'", "'[]'"}},
        {header(" {}"), {"header", "'{'"}},
        {header("\xEF\xBB\xBF{}"), {"header", "'{'"}},
        {header("{" + a + "}\n"), {"'}'", "'?'"}},
        {header("{" + a + "}x"), {"'}'", "'x'"}},
        {header("{" + a + "}x}"), {"not valid JSON"}},
        {header("{" + a + "}{}"), {"not valid JSON"}},
        {header("{" + a + "},{}"), {"not valid JSON"}},
        {header(std::string("{}\0{}", 5)), {"zero byte at byte 2"}},
        {header("{" + a), {"not valid JSON"}},
        {header("{" + a + ",}"), {"not valid JSON"}},
        {header("{a:1}"), {"not valid JSON at byte 2", "'{a'"}},
        {header("{'a':1}"), {"not valid JSON"}},
        {header("{/**/}"), {"not valid JSON"}},
        {header("{\"a\"}"), {"not valid JSON"}},
        {header("{\"a}"), {"not valid JSON"}},
        {header("{\"\xFF\":1}"), {"not valid JSON"}},
        {header("{\"\\ud800\":1}"), {"not valid JSON"}},
        {header("{\"\\x\":1}"), {"not valid JSON"}},
        {header("{\"a\nb\":1}"), {"not valid JSON"}},
        {header("{\"a\\"), {"'}'", "'\\'"}},
        // too deep, too long
        {header("{\"a\":" + deep + "}"), {"\"a\"", "expected an object", "an array"}},
        {header("{\"__metadata__\":" + deep + "}"), {"__metadata__", "expected an object", "an array"}},
        {header("{" + std::string(5000, '\n') + "}"), {"4096 bytes", "byte 4097"}},
        {tensor("{\"dtype\":\"U8\",\"shape\":[" + std::string(5000, '1') + "],\"data_offsets\":[0,2]}"),
         {"4096 bytes"}},
        {header("{\"" + std::string((4u << 20) + 1, 'x') + "\":1}"), {"4194304 bytes", "string"}},
        {header("{" + entry(std::string(4097, 'x'), "U8", "[2]", 0, 2) + "}"), {"4097", "at most 4096"}},
        {header("{\"__metadata__\":{\"" + std::string(4097, 'x') + "\":\"\"}}"),
         {"__metadata__", "4097", "at most 4096"}},
        {header("{" + entry("a\\u0000b", "U8", "[2]", 0, 2) + "}"), {"a?b", "zero byte"}},
        // keys
        {header("{" + a + "," + a + "}"), {"\"a\"", "overlap"}},
        {make_file("{" + a + "," + entry("a", "U8", "[2]", 2, 4) + "}", 4), {"\"a\"", "found two"}},
        {make_file("{" + entry("e", "U8", "[0]", 0, 0) + "," + a + "," + entry("\\u0065", "U8", "[0]", 2, 2) + "}", 2),
         {"\"e\"", "found two"}},
        {tensor(R"({"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]})"), {"\"a\"", "\"dtype\"", "twice"}},
        {tensor(R"({"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]})"), {"\"a\"", "\"shape\"", "twice"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[0,2],"data_offsets":[0,2]})"),
         {"\"data_offsets\"", "twice"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[0,2],"extra":0})"),
         {"\"a\"", "expected the keys", "\"extra\""}},
        {tensor(R"({"dtype":"U8","shape":[2],"Data_offsets":[0,2]})"),
         {"\"a\"", "expected the keys", "\"Data_offsets\""}},
        {tensor(R"({"shape":[2],"data_offsets":[0,2]})"), {"\"a\"", "\"dtype\"", "missing"}},
        {tensor(R"({"dtype":"U8","data_offsets":[0,2]})"), {"\"a\"", "\"shape\"", "missing"}},
        {tensor(R"({"dtype":"U8","shape":[2]})"), {"\"a\"", "\"data_offsets\"", "missing"}},
        {tensor("{}"), {"\"a\"", "missing"}},
        {header("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," + a + "}"), {"__metadata__", "\"k\"", "twice"}},
        {header("{\"__metadata__\":{},\"__metadata__\":{}," + a + "}"), {"\"__metadata__\"", "twice"}},
        // kinds of values
        {tensor("1"), {"\"a\"", "expected an object", "found 1"}},
        {tensor("-1"), {"\"a\"", "expected an object", "found -1"}},
        {tensor("null"), {"\"a\"", "expected an object", "found null"}},
        {tensor("\"F32\""), {"\"a\"", "expected an object", "string \"F32\""}},
        {tensor("[]"), {"\"a\"", "expected an object", "found an array"}},
        {header("{\"__metadata__\":[]}"), {"__metadata__", "expected an object", "found an array"}},
        {header("{\"__metadata__\":null}"), {"__metadata__", "expected an object", "found null"}},
        {header("{\"__metadata__\":{\"k\":1}}"), {"__metadata__", "\"k\"", "expected a string", "found 1"}},
        {header("{\"__metadata__\":{\"k\":null}}"), {"\"k\"", "expected a string", "found null"}},
        {header("{\"__metadata__\":{\"k\":true}}"), {"\"k\"", "expected a string", "found true"}},
        {header("{\"__metadata__\":{\"k\":{}}}"), {"\"k\"", "expected a string", "found an object"}},
        {header("{\"__metadata__\":{\"k\":[\"v\"]}}"), {"\"k\"", "expected a string", "found an array"}},
        // dtype
        {tensor(R"({"dtype":"F31","shape":[2],"data_offsets":[0,2]})"),
         {"\"a\"", "dtype", "\"F31\"", "expected one of"}},
        {tensor(R"({"dtype":"u8","shape":[2],"data_offsets":[0,2]})"), {"\"a\"", "\"u8\""}},
        {tensor(R"({"dtype":"","shape":[2],"data_offsets":[0,2]})"), {"\"a\"", "\"\""}},
        {tensor(R"({"dtype":8,"shape":[2],"data_offsets":[0,2]})"), {"\"a\", dtype", "expected a string", "found 8"}},
        {tensor(R"({"dtype":["U8"],"shape":[2],"data_offsets":[0,2]})"), {"\"a\", dtype", "found an array"}},
        // shape
        {tensor(R"({"dtype":"U8","shape":2,"data_offsets":[0,2]})"), {"\"a\", shape", "expected an array", "found 2"}},
        {tensor(R"({"dtype":"U8","shape":{},"data_offsets":[0,2]})"),
         {"\"a\", shape", "expected an array", "an object"}},
        {tensor(R"({"dtype":"U8","shape":[-2],"data_offsets":[0,2]})"), {"\"a\", shape", "non-negative", "found -2"}},
        {tensor(R"({"dtype":"U8","shape":[-0],"data_offsets":[0,2]})"), {"\"a\", shape", "non-negative"}},
        {tensor(R"({"dtype":"U8","shape":[2.0],"data_offsets":[0,2]})"), {"\"a\", shape", "integer", "found 2.0"}},
        {tensor(R"({"dtype":"U8","shape":[2e0],"data_offsets":[0,2]})"), {"\"a\", shape", "integer", "found 2e0"}},
        {tensor(R"({"dtype":"U8","shape":[1e999],"data_offsets":[0,2]})"), {"not valid JSON", "1e999"}},
        {tensor(R"({"dtype":"U8","shape":[02],"data_offsets":[0,2]})"), {"not valid JSON"}},
        {tensor(R"({"dtype":"U8","shape":["2"],"data_offsets":[0,2]})"), {"\"a\", shape", "integer", "string \"2\""}},
        {tensor(R"({"dtype":"U8","shape":[[2]],"data_offsets":[0,2]})"), {"\"a\", shape", "integer", "an array"}},
        {tensor(R"({"dtype":"U8","shape":[null],"data_offsets":[0,2]})"), {"\"a\", shape", "integer", "null"}},
        {tensor(R"({"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,2]})"),
         {"\"a\", shape", "64 bits", "18446744073709551616"}},
        {tensor(R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,2]})"),
         {"\"a\"", "18446744073709551615"}},
        {tensor(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"), {"\"a\"", "4294967296"}},
        {tensor(R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]})"),
         {"\"a\"", "2305843009213693952"}},
        {tensor(R"({"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})"), {"\"a\"", "4294967296"}},
        {tensor(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,2]})"),
         {"\"a\", shape", "8 dimensions"}},
        {tensor(R"({"dtype":"U8","shape":[3],"data_offsets":[0,2]})"),
         {"\"a\"", "expected 3 bytes", "U8", "[3]", "found 2"}},
        {tensor(R"({"dtype":"U16","shape":[2],"data_offsets":[0,2]})"),
         {"\"a\"", "expected 4 bytes", "U16", "found 2"}},
        {tensor(R"({"dtype":"U8","shape":[],"data_offsets":[0,2]})"), {"\"a\"", "expected 1 bytes", "[]", "found 2"}},
        // offsets
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":2})"), {"\"a\", data_offsets", "array of two", "found 2"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[]})"), {"\"a\", data_offsets", "two", "found 0"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[0]})"), {"\"a\", data_offsets", "two", "found 1"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[0,1,2]})"), {"\"a\", data_offsets", "two", "more"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[0,2.5]})"), {"\"a\", data_offsets", "integer", "2.5"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[-1,1]})"), {"\"a\", data_offsets", "non-negative", "-1"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[[0],2]})"),
         {"\"a\", data_offsets", "integer", "an array"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[2,0]})"), {"\"a\"", "[2, 0]", "end before"}},
        {tensor(R"({"dtype":"U8","shape":[3],"data_offsets":[0,3]})"), {"\"a\"", "[0, 3]", "at most 2"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[1,3]})"), {"\"a\"", "[1, 3]", "at most 2"}},
        {tensor(R"({"dtype":"U8","shape":[0],"data_offsets":[3,3]})"), {"\"a\"", "[3, 3]", "at most 2"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[18446744073709551614,18446744073709551615]})"),
         {"\"a\"", "18446744073709551615", "at most 2"}},
        {tensor(R"({"dtype":"U8","shape":[2],"data_offsets":[0,18446744073709551616]})"),
         {"\"a\", data_offsets", "64 bits"}},
        // overlap and holes
        {make_file("{" + a + "," + entry("b", "U8", "[2]", 1, 3) + "}", 3),
         {"\"b\"", "[1, 3]", "overlap", "\"a\"", "2"}},
        {make_file("{" + entry("b", "U8", "[1]", 1, 2) + "," + entry("a", "U8", "[4]", 0, 4) + "}", 4),
         {"\"b\"", "[1, 2]", "overlap", "\"a\"", "4"}},
        {make_file("{" + entry("b", "U8", "[0]", 1, 1) + "," + entry("a", "U8", "[4]", 0, 4) + "}", 4),
         {"\"b\"", "[1, 1]", "overlap", "\"a\""}},
        {make_file("{" + a + "," + entry("b", "U8", "[2]", 3, 5) + "}", 5), {"\"b\"", "[3, 5]", "begin at 2"}},
        {make_file("{" + entry("a", "U8", "[2]", 1, 3) + "}", 3), {"\"a\"", "[1, 3]", "begin at 0"}},
        {make_file("{" + a + "}", 10), {"expected 2 bytes", "found 10"}},
        {make_file("{}", 1), {"expected 0 bytes", "found 1"}},
    };
    for (const row& r : rows) {
        const auto file = load(r.file);
        INFO("header: ",
             std::string(r.file.begin() + std::min<std::ptrdiff_t>(8, static_cast<std::ptrdiff_t>(r.file.size())),
                         r.file.begin() + std::min<std::ptrdiff_t>(120, static_cast<std::ptrdiff_t>(r.file.size()))));
        REQUIRE_FALSE(file.ok());
        check_refused(file.status(), errc::bad_format, r.words);
        // One line of plain text.
        for (const char* p = file.message(); *p != '\0'; ++p)
            CHECK(static_cast<unsigned char>(*p) >= 0x20);
    }
}

TEST_CASE("too many tensors or metadata entries are refused") {
    std::string header = "{";
    for (int i = 0; i <= 65536; ++i)
        header += (i == 0 ? "\"__metadata__\":{\"" : ",\"") + std::to_string(i) + "\":\"\"";
    header += "}}";
    const auto file = load(make_file(header, 0));
    REQUIRE_FALSE(file.ok());
    check_refused(file.status(), errc::bad_format, {"__metadata__", "at most 65536"});

    header = "{";
    for (int i = 0; i <= 1000000; ++i)
        header += "\"" + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
    header.back() = '}';
    const auto many = load(make_file(header, 0));
    REQUIRE_FALSE(many.ok());
    check_refused(many.status(), errc::bad_format, {"at most 1000000 tensors"});
}

TEST_CASE("no single changed byte and no truncation gets past the checks") {
    bytes valid;
    REQUIRE(small_writer().write(valid).ok());
    std::uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, valid.data(), sizeof header_bytes);
    const std::size_t front = 8 + static_cast<std::size_t>(header_bytes);

    std::size_t accepted = 0, refused = 0;
    const auto attempt = [&](const bytes& content) {
        const auto file = load(content);
        if (file.ok()) {
            check_in_range(*file, content);
            ++accepted;
        } else {
            CHECK(file.status().code() == errc::bad_format);
            CHECK(std::strlen(file.message()) > 10);
            ++refused;
        }
        return file.ok();
    };

    const char interesting[] = "\0\xFF\x80 \"\\{}[],:0129-.eatnu\n";
    for (std::size_t i = 0; i < front; ++i) {
        bytes changed = valid;
        for (const char c : std::string_view(interesting, sizeof interesting - 1)) {
            changed[i] = static_cast<unsigned char>(c);
            attempt(changed);
        }
        for (unsigned bit = 0; bit < 8; ++bit) {
            changed[i] = static_cast<unsigned char>(valid[i] ^ (1u << bit));
            attempt(changed);
        }
        // One byte less, and one twice: the length in front stays.
        changed = valid;
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
        CHECK_FALSE(attempt(changed));
        changed = valid;
        changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), valid[i]);
        attempt(changed);
    }
    CHECK(refused > 5000);
    CHECK(accepted > 100);  // letters of names and metadata

    for (std::size_t n = 0; n < valid.size(); ++n)
        CHECK_FALSE(attempt(bytes(valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(n))));
    bytes longer = valid;
    longer.push_back(0);
    CHECK_FALSE(attempt(longer));
}

TEST_CASE("floats are read by exact rules") {
    const auto info = [](data_type t, const void* data, std::size_t n) {
        tensor_info i;
        i.name = "t";
        i.dtype = t;
        i.shape = {n};
        i.data = static_cast<const unsigned char*>(data);
        i.bytes = n * tern::dtype_size(t);
        return i;
    };
    const auto bits = [](float v) {
        std::uint32_t b;
        std::memcpy(&b, &v, sizeof b);
        return b;
    };
    SUBCASE("F16: zero, subnormals, normals, infinity, NaN") {
        const std::uint16_t in[] = {0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00,
                                    0x3555, 0xC000, 0x7BFF, 0x7C00, 0xFC00, 0x7E01};
        const std::uint32_t expected[] = {0x00000000, 0x80000000, 0x33800000, 0xB87FC000, 0x38800000, 0x3F800000,
                                          0x3EAAA000, 0xC0000000, 0x477FE000, 0x7F800000, 0xFF800000, 0x7FC02000};
        float out[12];
        double wide[12];
        REQUIRE(tern::read_floats(info(data_type::f16, in, 12), out, 12).ok());
        REQUIRE(tern::read_doubles(info(data_type::f16, in, 12), wide, 12).ok());
        for (int i = 0; i < 12; ++i) {
            CHECK(bits(out[i]) == expected[i]);
            CHECK((wide[i] == static_cast<double>(out[i]) || std::isnan(out[i])));
        }
        CHECK(std::isnan(wide[11]));
        CHECK(out[2] == 0x1p-24f);
    }
    SUBCASE("BF16 is the upper half of a float") {
        const std::uint16_t in[] = {0x3F80, 0x8001, 0x7F80, 0xFFC1};
        float out[4];
        REQUIRE(tern::read_floats(info(data_type::bf16, in, 4), out, 4).ok());
        for (int i = 0; i < 4; ++i)
            CHECK(bits(out[i]) == std::uint32_t{in[i]} << 16);
        double wide[4];
        REQUIRE(tern::read_doubles(info(data_type::bf16, in, 4), wide, 4).ok());
        CHECK(wide[0] == 1.0);
    }
    SUBCASE("F32 keeps every bit, of signalling NaNs too") {
        const std::uint32_t in[] = {0x7F800001, 0x80000000, 0x00000001};
        float out[3];
        REQUIRE(tern::read_floats(info(data_type::f32, in, 3), out, 3).ok());
        CHECK(std::memcmp(in, out, sizeof in) == 0);
    }
    SUBCASE("F64 rounds to nearest even; beyond the floats is an error") {
        const double fine[] = {0.1,
                               1.0 + 0x1p-24,
                               1.0 + 0x1.8p-23,
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN(),
                               0x1.fffffefffffffp127,
                               1e-300};
        float out[7];
        REQUIRE(tern::read_floats(info(data_type::f64, fine, 7), out, 7).ok());
        CHECK(out[0] == 0.1f);
        CHECK(out[1] == 1.0f);
        CHECK(out[2] == 1.0f + 0x1p-22f);
        CHECK(out[3] == -std::numeric_limits<float>::infinity());
        CHECK(std::isnan(out[4]));
        CHECK(out[5] == std::numeric_limits<float>::max());
        CHECK(out[6] == 0.0f);
        for (const double bad : {0x1.ffffffp127, -1e300}) {
            const double in[] = {1.0, bad};
            check_refused(tern::read_floats(info(data_type::f64, in, 2), out, 2), errc::bad_value,
                          {"\"t\"", "element 1", "found"});
            double wide[2];
            REQUIRE(tern::read_doubles(info(data_type::f64, in, 2), wide, 2).ok());
            CHECK(wide[1] == bad);
        }
    }
    SUBCASE("other types and counts name both sides") {
        const float in[4] = {};
        float out[4];
        double wide[4];
        std::int64_t ints[4];
        check_refused(tern::read_floats(info(data_type::f32, in, 4), out, 3), errc::bad_format,
                      {"\"t\"", "expected 3", "found 4", "[4]"});
        check_refused(tern::read_doubles(info(data_type::f32, in, 4), wide, 5), errc::bad_format,
                      {"expected 5", "found 4"});
        check_refused(tern::read_ints(info(data_type::i8, in, 4), ints, 5), errc::bad_format,
                      {"expected 5", "found 4"});
        check_refused(tern::read_floats(info(data_type::i32, in, 4), out, 4), errc::bad_format,
                      {"\"t\"", "F32", "found I32"});
        check_refused(tern::read_doubles(info(data_type::u8, in, 4), wide, 4), errc::bad_format,
                      {"\"t\"", "F64", "found U8"});
        check_refused(tern::read_ints(info(data_type::f32, in, 4), ints, 4), errc::bad_format,
                      {"\"t\"", "integer", "found F32"});
        check_refused(tern::read_floats(info(data_type::f8_e4m3, in, 4), out, 4), errc::bad_format, {"F8_E4M3"});
    }
    SUBCASE("integers of every width, misaligned") {
        const auto widened = [&](data_type t, std::int64_t v) {
            unsigned char raw[9] = {};
            std::memcpy(raw + 1, &v, sizeof v);
            std::int64_t out = 99;
            CHECK(tern::read_ints(info(t, raw + 1, 1), &out, 1).ok());
            return out;
        };
        CHECK(widened(data_type::i8, -128) == -128);
        CHECK(widened(data_type::u8, 255) == 255);
        CHECK(widened(data_type::i16, -32768) == -32768);
        CHECK(widened(data_type::u16, 65535) == 65535);
        CHECK(widened(data_type::i32, -2147483647) == -2147483647);
        CHECK(widened(data_type::u32, 4294967295) == 4294967295);
        CHECK(widened(data_type::i64, std::numeric_limits<std::int64_t>::min()) ==
              std::numeric_limits<std::int64_t>::min());
        CHECK(widened(data_type::u64, std::numeric_limits<std::int64_t>::max()) ==
              std::numeric_limits<std::int64_t>::max());
        CHECK(widened(data_type::boolean, 1) == 1);
        CHECK(widened(data_type::boolean, 0) == 0);

        std::int64_t out[2];
        const unsigned char two[2] = {1, 2};
        check_refused(tern::read_ints(info(data_type::boolean, two, 2), out, 2), errc::bad_value,
                      {"\"t\"", "element 1", "BOOL", "found 2"});
        const std::uint64_t big = std::uint64_t{1} << 63;
        check_refused(tern::read_ints(info(data_type::u64, &big, 1), out, 1), errc::bad_value,
                      {"\"t\"", "9223372036854775808"});
    }
    SUBCASE("floats at an odd address") {
        unsigned char raw[17];
        std::memcpy(raw + 1, some_floats, 16);
        float out[4];
        REQUIRE(tern::read_floats(info(data_type::f32, raw + 1, 4), out, 4).ok());
        CHECK(std::memcmp(out, some_floats, sizeof out) == 0);
        double wide[2];
        std::memcpy(raw + 1, some_doubles, 16);
        REQUIRE(tern::read_doubles(info(data_type::f64, raw + 1, 2), wide, 2).ok());
        CHECK(wide[1] == some_doubles[1]);
    }
}

TEST_CASE("files are written whole and replaced by renaming") {
    const temporary_directory directory;
    const std::string path = directory / "model.safetensors";
    bytes expected;
    REQUIRE(small_writer().write(expected).ok());
    {
        const auto s = small_writer().write(path.c_str());
        REQUIRE_MESSAGE(s.ok(), s.message());
    }
    CHECK(read_file(path) == expected);
    CHECK(directory.list() == std::vector<std::string>{"model.safetensors"});

    auto opened = safetensors_file::open(path.c_str());
    REQUIRE_MESSAGE(opened.ok(), opened.message());
    static_assert(!std::is_copy_constructible_v<safetensors_file> &&
                  std::is_nothrow_move_constructible_v<safetensors_file>);
    safetensors_file moved = std::move(*opened);
    safetensors_file file;
    CHECK(file.size() == 0);
    file = std::move(moved);

    // Convert in place: the new file is made of the old one's mapped data.
    safetensors_writer w;
    const tensor_info* weight = file.find("b.weight");
    REQUIRE(weight != nullptr);
    REQUIRE(w.add("renamed", weight->dtype, weight->shape, weight->data).ok());
    // Somebody's file is in the way and stays as it is.
    std::ofstream(directory / "model.safetensors.tmp") << "mine";
    REQUIRE(w.write(path.c_str()).ok());
    CHECK(read_file(directory / "model.safetensors.tmp") == bytes{'m', 'i', 'n', 'e'});
    CHECK(directory.list().size() == 2);
    const auto second = safetensors_file::open(path.c_str());
    REQUIRE(second.ok());
    REQUIRE(second->size() == 1);
    CHECK(std::memcmp(second->tensor(0).data, some_floats, sizeof some_floats) == 0);
    CHECK(std::memcmp(weight->data, some_floats, sizeof some_floats) == 0);
}

TEST_CASE("files that cannot be written or opened leave nothing and say why") {
    const temporary_directory directory;
    const safetensors_writer w = small_writer();
    check_refused(w.write((directory / "no/such/file").c_str()), errc::io, {"no/such/file.tmp", "No such file"});
    std::filesystem::create_directory(directory / "folder");
    check_refused(w.write((directory / "folder").c_str()), errc::io, {"folder", "regular file"});
    CHECK(directory.list() == std::vector<std::string>{"folder"});
    check_refused(w.write(static_cast<const char*>(nullptr)), errc::invalid_argument, {"null"});

    const auto refused = [](const std::string& path, errc code, const std::vector<std::string>& words) {
        const auto file = safetensors_file::open(path.c_str());
        REQUIRE_FALSE(file.ok());
        check_refused(file.status(), code, words);
    };
    refused(directory / "missing", errc::not_found, {"missing", "No such file"});
    refused(directory / "folder", errc::io, {"folder", "regular file"});
    std::ofstream(directory / "empty").close();
    refused(directory / "empty", errc::bad_format, {"empty", "at least 8 bytes", "found 0"});
    std::ofstream(directory / "text") << "PK\x03\x04 this is no safetensors file";
    refused(directory / "text", errc::bad_format, {"text", "at most 100000000"});
    CHECK(safetensors_file::open(nullptr).status().code() == errc::invalid_argument);
    CHECK(safetensors_file::load(nullptr, 8).status().code() == errc::invalid_argument);
    CHECK(safetensors_file::load(nullptr, 0).status().code() == errc::bad_format);
}

#if defined(__unix__)
// A pipe, not /dev/null: if this check is lost, tests run as root would replace the device.
TEST_CASE("pipes and devices are neither read nor replaced") {
    const temporary_directory directory;
    const std::string pipe = directory / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    check_refused(small_writer().write(pipe.c_str()), errc::io, {"pipe", "expected a regular file"});
    CHECK(std::filesystem::is_fifo(pipe));
    check_refused(safetensors_file::open(pipe.c_str()).status(), errc::io, {"pipe", "expected a regular file"});
    CHECK_FALSE(safetensors_file::open("/dev/zero").ok());
}
#endif

TEST_CASE("trained networks are read as they are") {
    const auto merged = safetensors_file::open(TERN_TEST_DATA "/mnist_tiny_merged.safetensors");
    REQUIRE_MESSAGE(merged.ok(), merged.message());
    const tensor_info* stem = merged->find("module.features.0.weight");
    REQUIRE(stem != nullptr);
    CHECK(stem->shape == tensor_dims{6, 1, 3, 3});
    CHECK(stem->dtype == data_type::f32);
    const tensor_info* batches = merged->find("module.features.1.num_batches_tracked");
    REQUIRE(batches != nullptr);
    CHECK(batches->dtype == data_type::i64);
    CHECK(batches->shape.rank() == 0);
    std::int64_t count = 0;
    REQUIRE(tern::read_ints(*batches, &count, 1).ok());
    CHECK(count > 0);

    // Merged: one magnitude per channel.
    const tensor_info* conv = merged->find("module.features.4.conv1.weight");
    REQUIRE(conv != nullptr);
    CHECK(conv->shape == tensor_dims{6, 6, 3, 3});
    std::vector<float> t(conv->count());
    REQUIRE(tern::read_floats(*conv, t.data(), t.size()).ok());
    for (std::size_t o = 0; o < 6; ++o) {
        float s = 0;
        for (std::size_t k = 0; k < 54; ++k)
            s = std::fmax(s, std::fabs(t[o * 54 + k]));
        for (std::size_t k = 0; k < 54; ++k)
            CHECK((t[o * 54 + k] == 0 || std::fabs(t[o * 54 + k]) == s));
        CHECK(s > 0);
    }

    // Raw: a pair of filters, biases that add up to the merged ones, all else the same.
    const auto raw = safetensors_file::open(TERN_TEST_DATA "/mnist_tiny_raw.safetensors");
    REQUIRE_MESSAGE(raw.ok(), raw.message());
    CHECK(raw->find("module.features.4.conv1.weight") == nullptr);
    const tensor_info* w1 = raw->find("module.features.5.conv2_1.weight");
    REQUIRE(w1 != nullptr);
    CHECK(w1->shape == tensor_dims{12, 12, 3, 3});
    float b1[6], b2[6], b[6];
    REQUIRE(tern::read_floats(*raw->find("module.features.4.conv1_1.bias"), b1, 6).ok());
    REQUIRE(tern::read_floats(*raw->find("module.features.4.conv1_2.bias"), b2, 6).ok());
    REQUIRE(tern::read_floats(*merged->find("module.features.4.conv1.bias"), b, 6).ok());
    for (int i = 0; i < 6; ++i)
        CHECK(b[i] == doctest::Approx(b1[i] + b2[i]).epsilon(1e-6));
    std::size_t shared = 0;
    for (const tensor_info& info : merged->tensors())
        if (const tensor_info* same = raw->find(info.name)) {
            ++shared;
            REQUIRE(same->bytes == info.bytes);
            CHECK(std::memcmp(same->data, info.data, info.bytes) == 0);
        }
    CHECK(shared == merged->size() - 8);  // four convolutions, weight and bias

    // Through the writer and back.
    safetensors_writer w;
    for (const tensor_info& info : merged->tensors())
        REQUIRE(w.add(info.name, info.dtype, info.shape, info.data).ok());
    bytes out;
    REQUIRE(w.write(out).ok());
    const auto copy = load(out);
    REQUIRE(copy.ok());
    REQUIRE(copy->size() == merged->size());
    for (const tensor_info& info : merged->tensors()) {
        const tensor_info* same = copy->find(info.name);
        REQUIRE(same != nullptr);
        CHECK(same->shape == info.shape);
        REQUIRE(same->bytes == info.bytes);
        CHECK(std::memcmp(same->data, info.data, info.bytes) == 0);
    }
}
