#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tern/model/safetensors.hpp>

#include "safetensors_support.hpp"

#if defined(__unix__)
#include <sys/stat.h>
#endif

using tern::errc;
using tern::safetensors_file;
using tern::safetensors_writer;
using tern::tensor_info;
using namespace tern_test;

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
    CHECK(std::memcmp(second->tensor(0).data, stored_floats, sizeof stored_floats) == 0);
    CHECK(std::memcmp(weight->data, stored_floats, sizeof stored_floats) == 0);
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
    refused(directory / "text", errc::bad_format, {"text", "found a zip archive"});
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
