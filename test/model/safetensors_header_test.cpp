#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <tern/model/safetensors.hpp>

#include "safetensors_support.hpp"

using tern::errc;
using namespace tern_test;

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
