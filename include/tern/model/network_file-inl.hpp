// Definitions of model/network_file.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "graph/node_fields.hpp"
#include "graph/node_reader.hpp"
#include "graph/node_writer.hpp"
#include "metadata_keys.hpp"
#include "network_file.hpp"

TERN_BEGIN_NAMESPACE
namespace network_file_detail {

using nlohmann::json;

inline constexpr int version = 1;

/// Makes node data of a kind by its name; false if there is none.
template <std::size_t i = 0>
bool make_node(const std::string& kind, node_data& data) {
    if constexpr (i < std::variant_size_v<node_data>) {
        node_data made{std::in_place_index<i>};
        if (kind != kind_name(made))
            return make_node<i + 1>(kind, data);
        data = std::move(made);
        return true;
    }
    return false;
}

inline status write_node(const graph& g, const graph_node& n, json& nodes, safetensors_writer& out) {
    json to{{"name", n.name}, {"is", kind_name(n.data)}};
    for (const std::size_t i : n.inputs)
        to["inputs"].push_back(g.nodes[i].name);
    graph_detail::node_writer io(to, out, n.name);
    std::visit([&](const auto& d) { graph_detail::describe(io, d); }, n.data);
    nodes.push_back(std::move(to));
    return io.state();
}

inline json text_of(const network_model& model) {
    json all{{"version", version}, {"nodes", json::array()}, {"outputs", json::array()}};
    for (const graph_output& o : model.g.outputs)
        all["outputs"].push_back({{"name", o.name}, {"node", model.g.nodes[o.node].name}});
    if (model.kind != network_kind::unknown && model.kind != network_kind::graph)
        all["kind"] = network_word(model.kind);
    if (model.pictures.resize != 0 || model.pictures.crop != 0)
        all["pictures"] = {{"resize", model.pictures.resize}, {"crop", model.pictures.crop}};
    if (!model.class_names.empty())
        all["classes"] = model.class_names;
    return all;
}

using node_numbers = std::unordered_map<std::string, std::size_t>;

inline status read_node(const json& from, tensor_source& tensors, node_numbers& numbers, graph& g) {
    const auto name = from.is_object() ? from.find("name") : from.end();
    const bool has_name = from.is_object() && name != from.end() && name->is_string();
    graph_node n;
    n.name = has_name ? name->get<std::string>() : std::string();
    const std::string what =
        has_name ? "node " + detail::printable(n.name, 60) : "node " + std::to_string(g.nodes.size());
    graph_detail::node_reader io(from, what, tensors, n.name);
    io.text("name");
    const std::string kind = io.text("is");
    if (io.state().ok() && !make_node(kind, n.data))
        io.fail("is", "the kind of a node, as convolution", kind);
    if (const json* const inputs = io.find("inputs")) {
        if (!inputs->is_array())
            io.fail("inputs", "an array of names", *inputs);
        for (std::size_t i = 0; io.state().ok() && i < inputs->size(); ++i) {
            const json& input = (*inputs)[i];
            const auto found = input.is_string() ? numbers.find(input.get_ref<const std::string&>()) : numbers.end();
            if (found == numbers.end())
                io.fail("inputs", "names of nodes before it", input);
            else
                n.inputs.push_back(found->second);
        }
    }
    TERN_TRY(io.state());
    std::visit([&](auto& d) { graph_detail::describe(io, d); }, n.data);
    io.finish();
    TERN_TRY(io.state());
    numbers.emplace(n.name, g.nodes.size());  // of equal ones the first: check_graph refuses them
    g.nodes.push_back(std::move(n));
    return {};
}

inline status read_output(const json& from, const node_numbers& numbers, graph& g) {
    const std::string what = "output " + std::to_string(g.outputs.size());
    graph_detail::json_members io(from, what);
    graph_output o;
    o.name = io.text("name");
    const std::string node = io.text("node");
    io.finish();
    TERN_TRY(io.state());
    const auto found = numbers.find(node);
    if (found == numbers.end())
        io.fail("node", "the name of a node", node);
    else
        o.node = found->second;
    g.outputs.push_back(std::move(o));
    return io.state();
}

inline status read_facts(graph_detail::json_members& io, network_model& model) {
    if (const json* const pictures = io.find("pictures")) {
        const std::string what = "pictures";
        graph_detail::json_members members(*pictures, what);
        members.extent("resize", model.pictures.resize);
        members.extent("crop", model.pictures.crop);
        members.finish();
        TERN_TRY(members.state());
    }
    if (const json* const classes = io.find("classes")) {
        bool good = classes->is_array();
        for (std::size_t i = 0; good && i < classes->size(); ++i) {
            good = (*classes)[i].is_string();
            if (good)
                model.class_names.push_back((*classes)[i].get<std::string>());
        }
        if (!good)
            io.fail("classes", "an array of texts", *classes);
    }
    if (io.find("kind") != nullptr) {
        const std::string word = io.text("kind");
        model.kind = network_kind_of(word);
        if (model.kind == network_kind::unknown || model.kind == network_kind::graph)
            io.fail("kind", "sttn, stqn, twn, fatnn or sttn_alexnet", word);
    }
    return io.state();
}

/// UTF-8, as JSON is, that no terminal takes for a command.
inline bool is_plain(const std::string& name) {
    for (const char c : name)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return false;
    return detail::is_utf8(name);
}

/// An error unless all names are plain, and pictures within the limits.
inline status check_texts(const network_model& model) {
    bool good = true;
    for (const graph_node& n : model.g.nodes)
        good = good && is_plain(n.name);
    for (const graph_output& o : model.g.outputs)
        good = good && is_plain(o.name);
    for (const std::string& name : model.class_names)
        good = good && is_plain(name);
    if (!good)
        return make_error(errc::invalid_argument,
                          "graph: expected names of nodes, outputs and classes in UTF-8 without control characters, "
                          "found other bytes");
    if (model.pictures.resize > network_file_limits::extent || model.pictures.crop > network_file_limits::extent)
        return make_error(errc::unsupported, "pictures: expected at most %zu pixels, found %zu and %zu",
                          network_file_limits::extent, model.pictures.resize, model.pictures.crop);
    return {};
}

/// The text as JSON without what lies too deep.
inline result<json> parse_text(const tensor_file& file) {
    const std::string* const text = file.metadata(graph_keys::graph);
    if (text == nullptr)
        return make_error(errc::not_found, "metadata %s is missing", graph_keys::graph);
    if (text->size() > network_file_limits::text_bytes)
        return make_error(errc::unsupported, "metadata %s: expected at most %zu bytes, found %zu", graph_keys::graph,
                          network_file_limits::text_bytes, text->size());
    bool deep = false;
    std::string twice;
    std::vector<std::set<std::string>> keys;  // of the objects that are open
    const auto look = [&](int depth, json::parse_event_t event, const json& value) {
        deep = deep || depth > static_cast<int>(network_file_limits::depth);
        if (event == json::parse_event_t::object_start)
            keys.emplace_back();
        else if (event == json::parse_event_t::object_end && !keys.empty())
            keys.pop_back();
        else if (event == json::parse_event_t::key && !keys.empty() && twice.empty() &&
                 !keys.back().insert(value.get_ref<const std::string&>()).second)
            twice = value.get_ref<const std::string&>();
        return !deep;
    };
    json all = json::parse(*text, look, false);
    if (!twice.empty() && !deep)
        return make_error(errc::bad_format, "metadata %s: expected every member once, found '%s' twice",
                          graph_keys::graph, detail::printable(twice, 60).c_str());
    if (deep || !all.is_object())
        return make_error(errc::bad_format, "metadata %s: expected a JSON object of at most %zu levels, found %s",
                          graph_keys::graph, network_file_limits::depth,
                          deep                 ? "more"
                          : all.is_discarded() ? "no JSON"
                                               : all.type_name());
    return all;
}

/// Reads nodes and outputs, which must be arrays, into a graph; every tensor of the file belongs to one of them.
inline status read_graph(const tensor_file& file, const json& nodes, const json& outputs, const allocator& memory,
                         graph& g) {
    tensor_source tensors(file, "", memory);
    node_numbers numbers;
    for (const json& n : nodes)
        TERN_TRY(read_node(n, tensors, numbers, g));
    for (const json& o : outputs)
        TERN_TRY(read_output(o, numbers, g));
    return tensors.check_all_used("the graph");
}

}  // namespace network_file_detail

TERN_FUNC bool is_network_file(const tensor_file& file) { return file.metadata(graph_keys::graph) != nullptr; }

TERN_FUNC status write_network(const network_model& model, const char* path) {
    using namespace network_file_detail;
    TERN_TRY(check_network_model(model));
    TERN_TRY(check_texts(model));
    safetensors_writer out;
    json all = text_of(model);
    for (const graph_node& n : model.g.nodes)
        TERN_TRY(write_node(model.g, n, all["nodes"], out));
    const std::string text = all.dump(-1, ' ', true);
    if (text.size() > network_file_limits::text_bytes)
        return make_error(errc::unsupported, "graph: expected at most %zu bytes of text, found %zu",
                          network_file_limits::text_bytes, text.size());
    TERN_TRY(out.set_metadata(graph_keys::format, graph_keys::format_value));
    TERN_TRY(out.set_metadata(graph_keys::graph, text));
    return out.write(path);
}

TERN_FUNC result<network_model> read_network_file(const tensor_file& file, const allocator& memory) {
    using namespace network_file_detail;
    TERN_TRY(check_network_kind(file, network_kind::graph));
    const auto all = parse_text(file);
    TERN_TRY(all.status());
    const std::string what = std::string("metadata ") + graph_keys::graph;
    graph_detail::json_members io(*all, what);
    if (const json* const found = io.need("version", "a version");
        found == nullptr || !found->is_number_unsigned() || *found != version)
        io.fail("version", std::to_string(version), found == nullptr ? json() : *found);
    TERN_TRY(io.state());
    network_model model;
    TERN_TRY(read_facts(io, model));
    const json *const nodes = io.need("nodes", "an array"), *const outputs = io.need("outputs", "an array");
    io.finish();
    TERN_TRY(io.state());
    if (!nodes->is_array() || !outputs->is_array())
        io.fail("nodes and outputs", "arrays", nodes->is_array() ? *outputs : *nodes);
    TERN_TRY(io.state());
    TERN_TRY(read_graph(file, *nodes, *outputs, memory, model.g));
    TERN_TRY(check_network_model(model));
    TERN_TRY(check_texts(model));
    return model;
}

TERN_END_NAMESPACE
