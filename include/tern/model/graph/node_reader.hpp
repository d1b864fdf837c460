// Reads what node_fields.hpp says of a node. Internal to network_file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "../../core/config.hpp"
#include "../../core/status.hpp"
#include "../network_limits.hpp"
#include "../packed_weights.hpp"
#include "../printable.hpp"
#include "../tensor_source.hpp"
#include "node.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// A JSON object, member by member. The first thing that does not fit is kept; members that nobody asked for are an
/// error.
class json_members {
public:
    using json = nlohmann::json;

    /// `what` names the object in errors and outlives this.
    json_members(const json& from, const std::string& what) : from_(from), what_(what) {
        if (!from.is_object())
            fail(nullptr, "an object", from);
    }

    const status& state() const noexcept { return state_; }
    void keep(const status& s) {
        if (state_.ok())
            state_ = s;
    }
    void fail(const char* member, const std::string& expected, const json& found) {
        keep(make_error(errc::bad_format, "%.100s%s%s: expected %s, found %s", what_.c_str(),
                        member != nullptr ? ", " : "", member != nullptr ? member : "", expected.c_str(),
                        detail::printable(found.dump(-1, ' ', true, json::error_handler_t::replace), 60).c_str()));
    }
    /// The member, or null if it is not there or something did not fit before.
    const json* find(const char* member) {
        if (!state_.ok())
            return nullptr;
        const auto found = from_.find(member);
        if (found == from_.end())
            return nullptr;
        known_.push_back(member);
        return &*found;
    }
    const json* need(const char* member, const char* expected) {
        const json* const found = find(member);
        if (found == nullptr)
            fail(member, expected, json("nothing"));
        return found;
    }
    void count(const char* member, std::size_t& v) { count(member, v, network_file_limits::channels); }
    void extent(const char* member, std::size_t& v) { count(member, v, network_file_limits::extent); }
    void flag(const char* member, bool& v) {
        if (const json* j = find(member); j != nullptr && j->is_boolean())
            v = j->get<bool>();
        else if (j != nullptr)
            fail(member, "true or false", *j);
    }
    std::string text(const char* member) {
        const json* const j = need(member, "a text");
        if (j != nullptr && j->is_string())
            return j->get_ref<const std::string&>();
        if (j != nullptr)
            fail(member, "a text", *j);
        return {};
    }
    /// Extents in an array of as many.
    void counts(const char* member, std::initializer_list<std::size_t*> to) {
        const json* const j = find(member);
        if (j == nullptr)
            return;
        bool good = j->is_array() && j->size() == to.size();
        for (std::size_t i = 0; good && i < to.size(); ++i)
            good = take_count((*j)[i], *to.begin()[i], network_file_limits::extent);
        if (!good)
            fail(member,
                 std::to_string(to.size()) + " whole numbers of at most " + std::to_string(network_file_limits::extent),
                 *j);
    }
    void finish() {
        for (auto m = from_.begin(); state_.ok() && m != from_.end(); ++m)
            if (std::find(known_.begin(), known_.end(), m.key()) == known_.end())
                keep(make_error(errc::bad_format, "%.100s: expected members that are known, found '%s'", what_.c_str(),
                                detail::printable(m.key(), 60).c_str()));
    }

private:
    void count(const char* member, std::size_t& v, std::size_t most) {
        if (const json* j = find(member); j != nullptr && !take_count(*j, v, most))
            fail(member, "a whole number of at most " + std::to_string(most), *j);
    }
    static bool take_count(const json& j, std::size_t& v, std::size_t most) {
        if (!j.is_number_unsigned() || j.get<std::uint64_t>() > most)
            return false;
        v = j.get<std::size_t>();
        return true;
    }

    const json& from_;
    const std::string& what_;
    std::vector<std::string> known_{};
    status state_{};
};

class node_reader : public json_members {
public:
    template <class T>
    using ref = T&;

    node_reader(const json& from, const std::string& what, tensor_source& tensors, const std::string& name)
        : json_members(from, what), tensors_(tensors), name_(name) {}

    template <class T>
    void number(const char* member, T& v) {
        if (const json* j = find(member); j != nullptr && !take_number(*j, v))
            fail(member, "a number, \"inf\" or \"-inf\"", *j);
    }
    void pair(const char* member, std::size_t& a, std::size_t& b) { counts(member, {&a, &b}); }
    void border_of(const char* member, border& b) { counts(member, {&b.top, &b.left, &b.bottom, &b.right}); }
    template <class Enum>
    void choice(const char* member, Enum& v, std::initializer_list<const char*> names) {
        const std::string found = text(member);
        std::string expected;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (found == names.begin()[i]) {
                v = static_cast<Enum>(i);
                return;
            }
            expected += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string(names.begin()[i]);
        }
        fail(member, expected, found);
    }
    void levels(quantizer_thresholds& t) {
        const std::string code = text("code");
        if (state().ok() && !find_code(code.c_str(), t.code))
            fail("code", "the name of a code as 't' or 'u2'", code);
        const json* const at = need("thresholds", "an array");
        const json* const strict = need("strict", "an array");
        if (strict == nullptr)
            return;
        bool good = at->is_array() && strict->is_array() && at->size() == strict->size() &&
                    at->size() <= static_cast<std::size_t>(quantizer_thresholds::max_count);
        for (std::size_t i = 0; good && i < at->size(); ++i) {
            good = take_number((*at)[i], t.at[i]) && (*strict)[i].is_boolean();
            if (good)
                t.strict[i] = (*strict)[i].get<bool>();
        }
        if (!good)
            return fail("thresholds", "at most 15 numbers, and as many times true or false as 'strict'", *at);
        t.count = static_cast<int>(at->size());
    }
    /// A tensor of one dimension, or nothing.
    template <class T>
    void array(const char* part, buffer<T>& values) {
        const std::string full = name_ + "." + part;
        if (!state().ok() || !tensors_.has(full))
            return;
        const auto t = tensors_.get(full);
        const std::size_t count = (*t)->shape.rank() == 1 ? (*t)->count() : 1;  // of other ranks: an error that says so
        auto read = read_values(full, count, static_cast<T*>(nullptr));
        if (!read.ok())
            return keep(read.status());
        values = std::move(*read);
    }
    void weights(layer_weights& w) {
        const std::string kind = text("weights");
        if (!state().ok())
            return;
        if (kind == "floats")
            take(read_floats_of_layer(), w);
        else if (kind == "ternary")
            take(read_ternary_weights(tensors_, name_), w);
        else if (kind == "codes")
            take(read_code_weights(tensors_, name_), w);
        else
            fail("weights", "floats, ternary or codes", kind);
    }

private:
    result<buffer<float>> read_values(const std::string& full, std::size_t count, float*) {
        return tensors_.floats(full, {count});
    }
    result<buffer<double>> read_values(const std::string& full, std::size_t count, double*) {
        return tensors_.doubles(full, {count});
    }
    result<real_weights> read_floats_of_layer() {
        const std::string full = name_ + ".weight";
        const auto shape = tensors_.conv_shape(full);
        TERN_TRY(shape.status());
        auto values = tensors_.floats(full, {shape->out_channels, shape->in_channels, shape->kh, shape->kw});
        TERN_TRY(values.status());
        real_weights w;
        w.shape = *shape;
        w.values = std::move(*values);
        array("bias", w.bias);
        TERN_TRY(state());
        return w;
    }
    template <class Weights>
    void take(result<Weights> read, layer_weights& w) {
        if (read.ok())
            w = std::move(*read);
        else
            keep(read.status());
    }
    template <class T>
    static bool take_number(const json& j, T& v) {
        const double infinity = std::numeric_limits<double>::infinity();
        if (!j.is_number() && j != "inf" && j != "-inf")
            return false;
        const double d = j.is_number() ? j.get<double>() : j == "inf" ? infinity : -infinity;
        v = static_cast<T>(d);
        return !j.is_number() || std::isfinite(v);
    }

    tensor_source& tensors_;
    const std::string& name_;
};

}  // namespace graph_detail
TERN_END_NAMESPACE
