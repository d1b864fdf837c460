// Checkpoints that mean no good: every opcode that is refused, stacks that are empty, sizes that lie, bombs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tern/model/checkpoint.hpp>
#include <tern/model/safetensors.hpp>

#include "../support/allocation_counters.hpp"
#include "checkpoint_support.hpp"

using namespace tern_test;
using namespace std::string_literals;
using tern::errc;

namespace {

const storages six{{"0", raw_floats({0, 1, 2, 3, 4, 5})}};
const std::string state = py::dict({{"w", py::tensor("0", 6, 0, {2}, {1})}});

/// What docs/formats.md promises of reading a file of this size.
std::size_t promise(std::size_t file_bytes) { return 4 * file_bytes + (64u << 20); }

/// Reads it within the promised memory; what was said.
tern::status read(const std::string& bytes) {
    tern::status said;
    const std::size_t peak = peak_of([&] { said = load_checkpoint(bytes).status(); });
    CHECK(peak <= promise(bytes.size()));  // 0 where operator new is not counted
    return said;
}
/// A pickle without its end, as that of a checkpoint of the old kind.
tern::status read_pickle(const std::string& pickle) { return read(legacy_head() + "\x80\x02" + pickle); }

void refuses(const std::string& pickle, errc code, const std::vector<std::string>& words) {
    check_refused(read_pickle(pickle), code, words);
}
/// The same part many times.
std::string many(std::size_t times, const std::string& part) {
    std::string all;
    all.reserve(times * part.size());
    for (std::size_t i = 0; i < times; ++i)
        all += part;
    return all;
}

constexpr std::size_t too_many = tern::checkpoint_limits::values + 1;

}  // namespace

TEST_CASE("opcodes that are not for data are refused by name") {
    // Those of protocol 0 and 1 that write numbers and texts as lines, classes of old, extensions, buffers out of band.
    const std::string refused = "FILSVPgpio\x82\x83\x84\x97\x98";
    const std::string known =
        "(.012N\x88\x89JKM\x8a\x8bGX\x8c\x8dTUBC\x8e\x96]lae)t\x85\x86\x87}dsu\x8f\x90\x91"
        "c\x93R\x81\x92"
        "bQqr\x94hj\x80\x95";
    for (int i = 0; i < 256; ++i) {
        const auto c = static_cast<char>(i);
        CAPTURE(i);
        const tern::status s = read_pickle(std::string("NN") + c);
        const bool is_refused = std::string(s.message()).find("expected an opcode") != std::string::npos;
        CHECK(is_refused == (known.find(c) == std::string::npos));
        CHECK((refused.find(c) == std::string::npos || is_refused));
    }
    refuses("I01\n.", errc::bad_format, {"pickle, byte", "protocols 2 to 5", "0x49 'I'"});
    refuses("\xff.", errc::bad_format, {"0xff"});
    check_refused(read(legacy_head() + "\x80\x01N."), errc::unsupported, {"protocol 2 to 5", "found 1"});
    check_refused(read(legacy_head() + "\x80\x06N."), errc::unsupported, {"protocol 2 to 5", "found 6"});
}

TEST_CASE("nothing in a checkpoint is executed, and where it matters it is named") {
    const std::string call = py::call(py::global("os", "system"), {py::text("false")});
    for (const std::string& bytes : both_kinds(call, {}))
        check_refused(load_checkpoint(bytes).status(), errc::bad_format,
                      {"expected a state dict", "an object of os.system"});
    for (const std::string& bytes : both_kinds(py::dict({{"w", call}}), {}))
        check_refused(load_checkpoint(bytes).status(), errc::bad_format, {"entry \"w\"", "an object of os.system"});
    for (const std::string& bytes : both_kinds(py::global("builtins", "exec"), {}))
        check_refused(load_checkpoint(bytes).status(), errc::bad_format, {"the class or function builtins.exec"});
    refuses("N)R.", errc::bad_format, {"a class or function and a tuple", "None and a tuple"});
    refuses(py::global("os", "system") + "NR.", errc::bad_format, {"the class or function os.system and None"});
    refuses("NQ.", errc::bad_format, {"persistent id of a storage", "None"});
    refuses(py::tuple({py::text("module"), "N", "N", "N", "N"}) + "Q.", errc::bad_format,
            {"persistent id", "another tuple"});
    refuses(py::tuple({py::text("storage"), "N", "N", "N", "N"}) + "Q.", errc::unsupported,
            {"classes of storages", "None"});
    refuses(py::tuple({py::text("storage"), py::global("torch", "FloatStorage"), "N", "N", "N"}) + "Q.",
            errc::bad_format, {"a text as its key"});
    refuses(py::storage("FloatStorage", "0", -1) + ".", errc::bad_format, {"a size", "-1"});
    refuses(py::storage("FloatStorage", std::string(tern::checkpoint_limits::name_bytes + 1, 'k'), 6) + ".",
            errc::unsupported, {"a key of at most 4096 bytes", "4097"});
    refuses(py::storage("FloatStorage", std::string(tern::checkpoint_limits::name_bytes, 'k'), 6) + "Q",
            errc::bad_format, {"persistent id", "a storage"});  // as a key it would do
    refuses(py::tuple({py::text("storage"), py::global("os", "FloatStorage"), py::text("0"), "N", "K\1"}) + "Q.",
            errc::unsupported, {"os.FloatStorage"});
}

TEST_CASE("opcodes that find too little on the stack, or something else, are refused") {
    for (const std::string& op : {"."s, "0"s, "2"s, "\x85"s, "\x86"s, "\x87"s, "a"s, "s"s, "R"s, "\x81"s, "\x92"s, "b"s,
                                  "Q"s, "q\0"s, "\x94"s, "\x93"s}) {
        CAPTURE(op);
        refuses(op + ".", errc::bad_format, {"on the stack"});
        refuses("N(" + op + ".", errc::bad_format,
                op == "0" ? std::vector<std::string>{"found only 0"} : std::vector<std::string>{"on the stack"});
    }
    for (const std::string& op : {"t"s, "l"s, "d"s, "e"s, "u"s, "1"s, "\x90"s, "\x91"s})
        refuses("N" + op + ".", errc::bad_format, {"a mark on the stack"});
    for (const std::string& op : {"e"s, "u"s, "\x90"s})
        refuses("(" + op + ".", errc::bad_format, {"on the stack"});
    refuses("NNa.", errc::bad_format, {"a list to put elements into", "None"});
    refuses("]NNs.", errc::bad_format, {"a dict to put elements into", "a list"});
    refuses(
        "}NN\x86"
        "a.",
        errc::bad_format, {"a list to put elements into", "a dict"});
    refuses(")(Ne.", errc::bad_format, {"a list to put elements into", "a tuple"});
    refuses("}(Nu.", errc::bad_format, {"a value for each key", "1 values"});
    refuses("(Nd.", errc::bad_format, {"a value for each key"});
    refuses("NN\x93.", errc::bad_format, {"a module and a name as texts", "None and None"});
    refuses("h\0."s, errc::bad_format, {"the memo", "slot 0 empty"});
    refuses("Nq\x05h\x04.", errc::bad_format, {"slot 4 empty"});
    refuses("j\xff\xff\xff\xff.", errc::bad_format, {"slot 4294967295 empty"});
    refuses("cos\n", errc::bad_format, {"a line with a name"});
    refuses("cos", errc::bad_format, {"a line with a name"});
}

TEST_CASE("lengths that leave the file, and pickles that never end, are refused") {
    for (const std::string& op : {"X"s, "T"s, "B"s, "\x8b"s})
        for (const std::uint32_t size : {1u, 0x7FFFFFFFu, 0xFFFFFFFFu})
            refuses(op + raw(size), errc::bad_format, {"more bytes, found only 0"});
    for (const std::string& op : {"\x8d"s, "\x8e"s, "\x96"s})
        for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{1} << 62, ~std::uint64_t{0}})
            refuses(op + raw(size), errc::bad_format, {"expected"});
    for (const std::string& op : {"U"s, "C"s, "\x8c"s, "\x8a"s})
        refuses(op + "\x05"
                     "abc",
                errc::bad_format, {"5 more bytes, found only 3"});
    for (const std::string& op : {"J"s, "K"s, "M"s, "G"s, "X"s, "\x8d"s, "q"s, "r"s, "h"s, "j"s, "\x80"s, "\x95"s})
        refuses("N" + op, errc::bad_format, {"more bytes, found only 0"});
    refuses("", errc::bad_format, {"1 more bytes, found only 0"});
    refuses(many(1000, "N0"), errc::bad_format, {"1 more bytes"});
}

TEST_CASE("bombs are refused within the memory that is promised: depth, memo, containers, classes, storages, tensors") {
    refuses(many(too_many, "N"), errc::unsupported, {"at most 262144 values", "the stack"});
    refuses(many(too_many, "("), errc::unsupported, {"at most 262144 values", "marks"});
    refuses(many(too_many, "]0"), errc::unsupported, {"containers"});
    refuses("]" + many(too_many, "Na"), errc::unsupported, {"elements of containers"});
    refuses(many(100000, "(l") + many(100000, "t"), errc::bad_format, {"mark"});
    refuses("N" + many(too_many, "\x85"), errc::unsupported, {"containers"});  // tuples in tuples
    refuses("Nr\xff\xff\xff\xff.", errc::unsupported, {"the memo"});
    refuses("Nr\xff\xff\x03\0"s, errc::bad_format, {"found only 0"});  // the last slot
    refuses("N" + many(too_many, "\x94"), errc::unsupported, {"the memo"});
    refuses(many(70000, "ca\nb\n0"), errc::unsupported, {"at most 65536 classes"});
    const std::string storage = py::storage("FloatStorage", "0", 6), tensor = py::tensor("0", 6, 0, {2}, {1});
    // Through the memo, so that containers are few.
    const std::string id = storage.substr(0, storage.size() - 1) +
                           "q\1"
                           "0",
                      numbers =
                          "K\1\x85q\2"
                          "0";
    refuses(id + many(70000, "h\1Q0"), errc::unsupported, {"at most 65536 storages"});
    const std::string arguments = "(" + storage + "K\0"s +
                                  "h\2h\2tq\3"
                                  "0" +
                                  py::global("torch._utils", "_rebuild_tensor") +
                                  "q\4"
                                  "0";
    refuses(numbers + arguments + many(70000, "h\4h\3R0"), errc::unsupported, {"at most 65536 tensors"});
    // Lists that hold one list twice, which holds one list twice ...: 2^60 elements to who counts them.
    std::string laughs = "]q\0"s;
    for (int i = 0; i < 60; ++i)
        laughs += "](h\0h\0eq\0"s;
    refuses(laughs + ".", errc::bad_format, {"found only 0"});
    check_refused(read(legacy_checkpoint(laughs, {})), errc::bad_format, {"a state dict", "a list"});
    // A list in itself, a dict in itself.
    check_refused(read(legacy_checkpoint("]q\0h\0a"s, {})), errc::bad_format, {"a list"});
    check_refused(read(legacy_checkpoint("}q\0"s + py::text("state_dict") + "h\0s"s, {})), errc::bad_format,
                  {"entry \"state_dict\"", "a dict"});
    // Pairs that take more than there is.
    const std::string pairs =
        "NN\x86q\1"
        "0](" +
        many(100000, "h\1") +
        "e\x85q\2"
        "0" +
        py::global("collections", "OrderedDict") +
        "q\3"
        "0";
    refuses(pairs + "h\3h\2R0h\3h\2R0.", errc::unsupported, {"elements of containers"});
    // One long name many times.
    const std::string name = "X" + raw(4096) + std::string(4096, 'n') +
                             "q\5"
                             "0",
                      one = "(" +
                            many(60000,
                                 "h\5"
                                 "h\6") +
                            "u";
    check_refused(read(legacy_checkpoint(name + tensor +
                                             "q\6"
                                             "0}" +
                                             one,
                                         six)),
                  errc::unsupported, {"4 times the file's size"});
}

TEST_CASE("the old container: every part is checked") {
    const std::string keys = py::pickle("](" + py::text("0") + "e"), data = raw(std::int64_t{6}) + six.at("0"),
                      all = py::pickle(state) + keys + data;
    CHECK(load_checkpoint(legacy_head() + all).ok());
    check_refused(read(legacy_head(1002) + all), errc::unsupported, {"version 1001", "1002"});
    check_refused(read(legacy_head(1001, false) + all), errc::unsupported, {"little-endian"});
    check_refused(read(legacy_head() + all + "x"), errc::bad_format,
                  {"the end of the file behind 1 storages", "1 more bytes"});
    check_refused(read(legacy_head() + all.substr(0, all.size() - 1)), errc::bad_format, {"storage '0'", "found only"});
    check_refused(read(legacy_head() + py::pickle(state) + keys), errc::bad_format,
                  {"storage '0'", "found only 0 bytes"});
    check_refused(read(legacy_head() + py::pickle(state) + py::pickle("N") + data), errc::bad_format,
                  {"a list of the storages' keys", "None"});
    check_refused(read(legacy_head() + py::pickle(state) + py::pickle("]") + ""), errc::bad_format,
                  {"a storage '0'", "found none"});
    check_refused(read(legacy_head() + py::pickle(state) + py::pickle("](Ne") + data), errc::bad_format,
                  {"keys that tensors have", "None"});
    check_refused(read(legacy_head() + py::pickle(state) + py::pickle("](" + py::text("1") + "e") + data),
                  errc::bad_format, {"keys that tensors have", "'1'"});
    for (const std::uint64_t count : {std::uint64_t{7}, ~std::uint64_t{0}, std::uint64_t{1} << 62})
        check_refused(read(legacy_head() + py::pickle(state) + keys + raw(count) + six.at("0")), errc::bad_format,
                      {"storage '0'", "found only"});
    check_refused(read(legacy_head() + py::pickle(state) + keys + raw(std::int64_t{5}) + six.at("0").substr(4)),
                  errc::bad_format, {"a storage of 6 elements", "20 bytes"});
    const std::string magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    check_refused(read("\x80\x02"
                       "C\x0b" +
                       magic.substr(1) + "."),
                  errc::bad_format, {"magic number", "bytes"});
    check_refused(read("\x80\x02" + magic + "0N."), errc::bad_format, {"magic number", "None"});
    check_refused(read("\x80\x02" + magic + "." + py::pickle("N")), errc::unsupported, {"version 1001", "None"});
    check_refused(read("\x80\x02" + magic + "." + py::pickle(py::number(1001)) + py::pickle("N") + all),
                  errc::unsupported, {"little-endian"});
}

TEST_CASE("the zip container: every part is checked") {
    if (!reads_zip) {
        check_refused(load_checkpoint(zip_checkpoint(state, six)).status(), errc::unsupported,
                      {"reads zip archives", "TERN_ZIP"});
        return;
    }
    CHECK(load_checkpoint(zip_checkpoint(state, six)).ok());
    const auto with = [](void (*change)(std::vector<zip_entry>&)) {
        std::vector<zip_entry> entries = zip_entries(state, six);
        change(entries);
        return read(make_zip(entries));
    };
    using list = std::vector<zip_entry>;
    CHECK(with([](list& e) { std::reverse(e.begin(), e.end()); }).ok());
    CHECK(with([](list& e) { e.push_back({"archive/byteorder", "little"}); }).ok());
    CHECK(with([](list& e) { e.push_back({"archive/.data/serialization_id", "1"}); }).ok());
    check_refused(with([](list& e) {
                      e.push_back({"archive/byteorder", "big"});
                  }),
                  errc::unsupported, {"little-endian", "'big'"});
    check_refused(with([](list& e) {
                      e.push_back({"archive/constants.pkl", ""});
                  }),
                  errc::bad_format, {"a TorchScript model"});
    check_refused(with([](list& e) { e.push_back(e[1]); }), errc::bad_format,
                  {"one member 'archive/data/0'", "found two"});
    check_refused(with([](list& e) { e.erase(e.begin()); }), errc::bad_format, {"a member data.pkl"});
    check_refused(with([](list& e) { e.erase(e.begin() + 1); }), errc::bad_format,
                  {"tensor \"w\"", "a member 'archive/data/0'", "found none"});
    check_refused(with([](list& e) { e[1].name = "archive/0"; }), errc::bad_format,
                  {"a member 'archive/data/0'", "found none"});
    check_refused(with([](list& e) { e[0].name = "a/b/data.pkl"; }), errc::bad_format, {"a member data.pkl"});
    check_refused(with([](list& e) { e[1].bytes += "1234"; }), errc::bad_format, {"6 elements of 4 bytes", "28 bytes"});
    for (std::size_t i = 0; i < 2; ++i) {
        std::vector<zip_entry> entries = zip_entries(state, six);
        entries[i].checksum_error = 1;
        check_refused(read(make_zip(entries)), errc::bad_format, {entries[i].name, "checksum", "damaged"});
        entries[i].checksum_error = 0;
        entries[i].method = 8;
        check_refused(read(make_zip(entries)), errc::unsupported, {entries[i].name, "compressed"});
        entries[i].method = 0;
        entries[i].flags = 1;
        check_refused(read(make_zip(entries)), errc::unsupported, {entries[i].name, "encrypted"});
    }
    // What is not needed may be damaged or compressed.
    CHECK(with([](list& e) { e[2].checksum_error = 1; }).ok());
    CHECK(with([](list& e) { e[2].method = 8; }).ok());
    check_refused(read(make_zip({})), errc::bad_format, {"a zip archive"});
    check_refused(read("PK\x03\x04"), errc::bad_format, {"the directory of a zip archive"});
    check_refused(read("PK\x05\x06"), errc::bad_format, {"the directory of a zip archive"});
    check_refused(read(make_zip({{"document.xml", "x"}})), errc::bad_format, {"a member data.pkl", "a zip archive"});
    // Entries of the directory that mean one member's bytes, all of which would be checked once for each of them. Their
    // names are as long as its own, else headers would not agree.
    for (const int more : {1, 9}) {
        std::vector<zip_entry> shared = zip_entries(state, six);
        shared[1].bytes.resize(8192);
        for (int i = 0; i < more; ++i) {
            shared.push_back({"archive/data/" + std::string(1, static_cast<char>('1' + i)), ""});
            shared.back().same_as = 1;
        }
        check_refused(read(make_zip(shared)), errc::bad_format, {"zip archive", "members that share bytes"});
    }
    // Many members, each with its own bytes, that nothing needs.
    std::vector<zip_entry> entries = zip_entries(state, six);
    for (int i = 0; i < 60000; ++i)
        entries.push_back({"archive/data/x" + std::to_string(i), ""});
    CHECK(read(make_zip(entries)).ok());
}

TEST_CASE("other files are no checkpoints, and say what they are") {
    check_refused(read(""), errc::bad_format, {"a PyTorch checkpoint", "neither"});
    check_refused(read("GGUF" + std::string(99, '\0')), errc::bad_format, {"a PyTorch checkpoint", "a GGUF model"});
    check_refused(read("\x80\x02}q\0."s), errc::bad_format, {"a PyTorch checkpoint", "a Python pickle"});
    CHECK_FALSE(tern::is_checkpoint(nullptr, 0));
}
