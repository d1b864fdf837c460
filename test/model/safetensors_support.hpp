// What tests of safetensors files share: files made by hand, a small written one, and what must hold for every file.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <tern/model/safetensors.hpp>

#include "../support/check_refused.hpp"

namespace tern_test {

using bytes = std::vector<unsigned char>;

/// A file of that header and that many bytes of data, 0, 1, 2, ...
inline bytes make_file(std::string_view header, std::size_t data_bytes) {
    bytes file(8 + header.size() + data_bytes);
    const std::uint64_t length = header.size();
    std::memcpy(file.data(), &length, sizeof length);
    if (!header.empty())
        std::memcpy(file.data() + 8, header.data(), header.size());
    for (std::size_t i = 0; i < data_bytes; ++i)
        file[8 + header.size() + i] = static_cast<unsigned char>(i);
    return file;
}

inline tern::result<tern::safetensors_file> load(const bytes& file) {
    return tern::safetensors_file::load(file.data(), file.size());
}

/// One entry of a header.
inline std::string entry(const std::string& name, const std::string& dtype, const std::string& shape, std::size_t begin,
                         std::size_t end) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" +
           std::to_string(begin) + "," + std::to_string(end) + "]}";
}

/// All of it is within the file, and can be read.
inline void check_in_range(const tern::safetensors_file& file, const bytes& content) {
    for (const tern::tensor_info& t : file.tensors()) {
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

inline bytes read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return bytes(std::istreambuf_iterator<char>(in), {});
}

inline const float stored_floats[6] = {1.5f, -0.0f, std::numeric_limits<float>::infinity(), 1e-45f, -2.0f, 3.25f};
inline const std::int8_t stored_codes[3] = {-1, 0, 1};
inline const std::int64_t some_long = -7;
inline const double some_doubles[2] = {0.1, -1e300};

inline tern::safetensors_writer small_writer() {
    tern::safetensors_writer w;
    CHECK(w.add("codes", tern::data_type::i8, {3}, stored_codes).ok());
    CHECK(w.add("b.weight", tern::data_type::f32, {2, 3}, stored_floats).ok());
    CHECK(w.add("a.doubles", tern::data_type::f64, {2}, some_doubles).ok());
    CHECK(w.add("steps", tern::data_type::i64, {}, &some_long).ok());
    CHECK(w.add("none", tern::data_type::f32, {4, 0, 3}, nullptr).ok());
    CHECK(w.set_metadata("format", "1").ok());
    CHECK(w.set_metadata("text", "line\n\"quoted\" \xC3\xA4 \x01").ok());
    return w;
}

}  // namespace tern_test
