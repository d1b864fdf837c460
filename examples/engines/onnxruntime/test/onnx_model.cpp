#include "onnx_model.hpp"

namespace onnx_model {
namespace {

/// A protobuf message in the making.
class message {
public:
    message& number(unsigned field, std::int64_t value) {
        varint(std::uint64_t{field} << 3);
        varint(static_cast<std::uint64_t>(value));
        return *this;
    }
    message& text(unsigned field, const std::string& value) {
        varint((std::uint64_t{field} << 3) | 2);
        varint(value.size());
        bytes_ += value;
        return *this;
    }
    message& part(unsigned field, const message& value) { return text(field, value.bytes_); }
    const std::string& bytes() const { return bytes_; }

private:
    void varint(std::uint64_t value) {
        for (; value >= 128; value >>= 7)
            bytes_ += static_cast<char>(value | 128);
        bytes_ += static_cast<char>(value);
    }

    std::string bytes_;
};

message to_message(const tensor& t) {
    message m;
    for (const std::int64_t d : t.dims)
        m.number(1, d);
    return m.number(2, static_cast<std::int64_t>(t.type)).text(8, t.name).text(9, t.bytes);
}

message to_message(const attribute& a) {
    constexpr std::int64_t type_int = 2, type_string = 3, type_ints = 7;
    message m;
    m.text(1, a.name);
    if (!a.text.empty())
        return m.text(4, a.text).number(20, type_string);
    for (const std::int64_t i : a.ints)
        m.number(a.single ? 3 : 8, i);
    return m.number(20, a.single ? type_int : type_ints);
}

message to_message(const node& n) {
    message m;
    for (const std::string& name : n.inputs)
        m.text(1, name);
    for (const std::string& name : n.outputs)
        m.text(2, name);
    m.text(4, n.type);
    for (const attribute& a : n.attributes)
        m.part(5, to_message(a));
    return m.text(7, n.domain);
}

message to_message(const value& v) {
    message shape;
    for (const char* dimension : {"a", "b", "c", "d"})
        shape.part(1, message().text(2, v.name + dimension));
    const message type = message().number(1, static_cast<std::int64_t>(v.type)).part(2, shape);
    return message().text(1, v.name).part(2, message().part(1, type));
}

}  // namespace

std::string to_bytes(const model& m) {
    message graph;
    for (const node& n : m.nodes)
        graph.part(1, to_message(n));
    graph.text(2, "graph");
    for (const tensor& t : m.initializers)
        graph.part(5, to_message(t));
    for (const value& v : m.inputs)
        graph.part(11, to_message(v));
    for (const value& v : m.outputs)
        graph.part(12, to_message(v));
    return message()
        .number(1, 8)  // ir_version
        .part(7, graph)
        .part(8, message().text(1, "").number(2, 13))
        .part(8, message().text(1, "tern").number(2, 1))
        .bytes();
}

}  // namespace onnx_model
