// Writes what node_fields.hpp says of a node: members of a JSON object and tensors "NODE.part". Internal to
// network_file.
#pragma once

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <variant>

#include <nlohmann/json.hpp>

#include "../../core/config.hpp"
#include "../../core/status.hpp"
#include "../network_limits.hpp"
#include "../packed_weights.hpp"
#include "../safetensors.hpp"
#include "node.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

class node_writer {
public:
    template <class T>
    using ref = const T&;

    /// Tensors are kept by pointer, but for codes.
    node_writer(nlohmann::json& to, safetensors_writer& tensors, const std::string& name)
        : to_(to), tensors_(tensors), name_(name) {}

    const status& state() const noexcept { return state_; }

    void count(const char* member, std::size_t v) { put_count(member, v, network_file_limits::channels); }
    void extent(const char* member, std::size_t v) { put_count(member, v, network_file_limits::extent); }
    void flag(const char* member, bool v) { to_[member] = v; }
    template <class T>
    void number(const char* member, T v) {
        to_[member] = number_of(static_cast<double>(v));
    }
    void pair(const char* member, std::size_t a, std::size_t b) { put_extents(member, {a, b}); }
    void border_of(const char* member, const border& b) { put_extents(member, {b.top, b.left, b.bottom, b.right}); }
    template <class Enum>
    void choice(const char* member, Enum v, std::initializer_list<const char*> names) {
        to_[member] = names.begin()[static_cast<std::size_t>(v)];  // check_graph has seen it
    }
    void levels(const quantizer_thresholds& t) {
        to_["code"] = code_name(t.code);
        to_["thresholds"] = nlohmann::json::array();
        to_["strict"] = nlohmann::json::array();
        for (int i = 0; i < t.count; ++i) {
            to_["thresholds"].push_back(number_of(static_cast<double>(t.at[i])));
            to_["strict"].push_back(t.strict[i]);
        }
    }
    template <class T>
    void array(const char* part, const buffer<T>& values) {
        if (!values.empty())
            add(part, std::is_same_v<T, double> ? data_type::f64 : data_type::f32, {values.size()}, values.data());
    }
    void weights(const layer_weights& w) {
        std::visit([&](const auto& kind) { put(kind); }, w);
    }

private:
    /// JSON has no infinity.
    static nlohmann::json number_of(double v) {
        return std::isinf(v) ? nlohmann::json(v > 0 ? "inf" : "-inf") : nlohmann::json(v);
    }
    void put_count(const char* member, std::size_t v, std::size_t most) {
        if (v > most)
            keep(make_error(errc::unsupported, "%.100s: expected at most %zu as %s, found %zu", name_.c_str(), most,
                            member, v));
        to_[member] = v;
    }
    void put_extents(const char* member, std::initializer_list<std::size_t> values) {
        for (const std::size_t v : values)
            put_count(member, v, network_file_limits::extent);
        to_[member] = values;
    }
    void keep(const status& s) {
        if (state_.ok())
            state_ = s;
    }
    void add(const char* part, data_type type, const tensor_dims& shape, const void* data) {
        keep(tensors_.add(name_ + "." + part, type, shape, data));
    }
    void put(const real_weights& w) {
        to_["weights"] = "floats";
        add("weight", data_type::f32, {w.shape.out_channels, w.shape.in_channels, w.shape.kh, w.shape.kw},
            w.values.data());
        array("bias", w.bias);
    }
    void put(const code_weights& w) {
        to_["weights"] = w.code == code_id::ternary ? "ternary" : "codes";
        keep(write_code_weights(tensors_, name_, w));
    }

    nlohmann::json& to_;
    safetensors_writer& tensors_;
    const std::string& name_;
    status state_{};
};

}  // namespace graph_detail
TERN_END_NAMESPACE
