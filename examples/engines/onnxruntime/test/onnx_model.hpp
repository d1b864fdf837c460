// ONNX models of a few nodes, written as bytes: the fields of ONNX's protobuf messages that these tests need.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onnx_model {

enum class element : std::int64_t { f32 = 1, u8 = 2, i8 = 3 };

/// An initializer.
struct tensor {
    std::string name;
    element type = element::f32;
    std::vector<std::int64_t> dims;
    std::string bytes;
};

struct attribute {
    std::string name;
    std::vector<std::int64_t> ints;
    bool single = false;    ///< a number, not a list
    std::string text = {};  ///< if not empty, the attribute is this
};

struct node {
    std::string domain, type;
    std::vector<std::string> inputs, outputs;
    std::vector<attribute> attributes;
};

/// An input or output of the graph with four dimensions of any size.
struct value {
    std::string name;
    element type = element::f32;
};

struct model {
    std::vector<node> nodes;
    std::vector<tensor> initializers;
    std::vector<value> inputs, outputs;
};

/// The file's bytes: opset 13 and version 1 of the domain "tern".
std::string to_bytes(const model& m);

template <class T>
std::string bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace onnx_model
