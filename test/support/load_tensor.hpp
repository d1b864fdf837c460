// Reads tensors of the test data: safetensors files whose headers have no blanks. Needs no JSON library, so that tests
// run in builds without the model reader. Trusts the file.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <tern/format/ternary_weights.hpp>

namespace test {

class tensor_file {
public:
    /// `name` is a file of the test data, without its ending.
    explicit tensor_file(const std::string& name) {
        std::ifstream in(std::string(TERN_TEST_DATA) + "/" + name + ".safetensors", std::ios::binary);
        REQUIRE_MESSAGE(in.good(), "cannot open test data " << name);
        const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        std::uint64_t length = 0;
        REQUIRE(bytes.size() >= sizeof length);
        std::memcpy(&length, bytes.data(), sizeof length);
        header_ = bytes.substr(sizeof length, static_cast<std::size_t>(length));
        data_ = bytes.substr(sizeof length + header_.size());
    }

    std::vector<std::size_t> shape(const std::string& name) const { return numbers(name, "\"shape\":["); }

    /// Shape [O][I][kh][kw]; a matrix is 1x1.
    tern::weight_shape weights_shape(const std::string& name) const {
        std::vector<std::size_t> s = shape(name);
        s.resize(4, 1);
        return {s[0], s[1], s[2], s[3]};
    }

    /// The elements; T must be the tensor's type.
    template <class T>
    std::vector<T> values(const std::string& name) const {
        const std::string type = sizeof(T) == 8 ? "F64" : sizeof(T) == 4 ? "F32" : "I8";
        REQUIRE_MESSAGE(entry(name).find("\"dtype\":\"" + type + "\"") != std::string::npos,
                        name << " is not " << type);
        const std::vector<std::size_t> range = numbers(name, "\"data_offsets\":[");
        REQUIRE(range.size() == 2);
        REQUIRE(range[1] <= data_.size());
        std::vector<T> v((range[1] - range[0]) / sizeof(T));
        std::memcpy(v.data(), data_.data() + range[0], v.size() * sizeof(T));
        return v;
    }

private:
    std::string entry(const std::string& name) const {
        const std::size_t at = header_.find("\"" + name + "\":{");
        REQUIRE_MESSAGE(at != std::string::npos, "test data has no tensor " << name);
        return header_.substr(at, header_.find('}', at) - at);
    }

    /// The integers of the array that `key` opens.
    std::vector<std::size_t> numbers(const std::string& name, const std::string& key) const {
        const std::string text = entry(name);
        std::size_t at = text.find(key);
        REQUIRE_MESSAGE(at != std::string::npos, name << " has no " << key);
        std::vector<std::size_t> list;
        for (at += key.size(); text[at] != ']';) {
            char* end = nullptr;
            list.push_back(static_cast<std::size_t>(std::strtoull(text.data() + at, &end, 10)));
            at = static_cast<std::size_t>(end - text.data());
            at += text[at] == ',' ? 1 : 0;
        }
        return list;
    }

    std::string header_, data_;
};

}  // namespace test
