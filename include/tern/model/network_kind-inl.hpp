// Definitions of network_kind.hpp.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>

#include "../format/argument.hpp"
#include "metadata_keys.hpp"
#include "network_kind.hpp"

TERN_BEGIN_NAMESPACE
namespace network_kind_detail {

inline bool starts_with(std::string_view text, std::string_view start) noexcept {
    return text.substr(0, start.size()) == start;
}
inline bool ends_with(std::string_view text, std::string_view end) noexcept {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

inline constexpr std::string_view features = "features.";

/// Takes one of the words off the front of `text`.
template <std::size_t count>
bool take_one(std::string_view& text, const std::string_view (&words)[count]) noexcept {
    for (const std::string_view word : words)
        if (starts_with(text, word)) {
            text.remove_prefix(word.size());
            return true;
        }
    return false;
}

/// Takes known prefixes off the front of `name`: what training code and checkpoints wrap a network in.
inline void take_prefixes(std::string_view& name) noexcept {
    constexpr std::string_view known[] = {"module.",  "_orig_mod.",  "model.",           "net.",
                                          "network.", "state_dict.", "model_state_dict."};
    for (int i = 0; i < 6 && take_one(name, known); ++i) {
    }
}

/// Takes what is nested behind "features.".
inline void take_nested(std::string_view& name) noexcept {
    constexpr std::string_view known[] = {"module.", "_orig_mod."};
    for (int i = 0; i < 4 && take_one(name, known); ++i) {
    }
}

/// How `name` is made from `anchor`, if it is.
inline std::optional<tensor_names> names_of(std::string_view name, std::string_view anchor) {
    std::string_view rest = name;
    take_prefixes(rest);
    tensor_names names;
    names.prefix = name.substr(0, name.size() - rest.size());
    if (rest == anchor)
        return names;
    if (!starts_with(rest, features) || !starts_with(anchor, features))
        return {};
    rest.remove_prefix(features.size());
    const std::string_view nested = rest;
    take_nested(rest);
    names.nested = nested.substr(0, nested.size() - rest.size());
    if (rest != anchor.substr(features.size()))
        return {};
    return names;
}

/// Parts of names that tell networks apart.
struct marks {
    bool bn_add = false, third_kernel = false, second_kernel = false, first_kernel = false, quantizer = false;
    bool residual_function = false, bn_conv1_1 = false, bn_conv1 = false, torchvision_block = false, classifier = false;
    bool features = false, xnor_layer = false;
};

inline marks find_marks(const tensor_file& file) {
    marks m;
    for (const tensor_info& t : file.tensors()) {
        const std::string_view name = t.name;
        const auto has = [&](const char* part) { return name.find(part) != std::string_view::npos; };
        std::string_view plain = name;
        take_prefixes(plain);
        m.bn_add = m.bn_add || has(".bn_add1.");
        m.first_kernel = m.first_kernel || has(".conv1_1.weight");
        m.second_kernel = m.second_kernel || has(".conv1_2.weight");
        m.third_kernel = m.third_kernel || has(".conv1_3.weight");
        m.quantizer = m.quantizer || has(".quant_weight.") || has(".quant_activation.");
        m.residual_function = m.residual_function || has(".residual_function.0.weight");
        m.bn_conv1_1 = m.bn_conv1_1 || plain == "bn_conv1_1.weight";
        m.bn_conv1 = m.bn_conv1 || plain == "bn_conv1.weight";
        m.torchvision_block = m.torchvision_block || plain == "layer1.0.conv1.weight";
        m.classifier = m.classifier || starts_with(plain, "classifier.");
        m.features = m.features || starts_with(plain, "features.");
        m.xnor_layer = m.xnor_layer || (starts_with(plain, "features.") && has(".bn.running_mean"));
    }
    return m;
}

/// The kind that a key of the metadata belongs to; none: any kind's. `known` is false for other keys.
inline network_kind kind_of_key(std::string_view key, std::string_view value, bool is_graph, bool& known) noexcept {
    struct entry {
        const char* key;
        network_kind kind;
    };
    constexpr entry entries[] = {
        {sttn_keys::stem_stride, network_kind::unknown}, {sttn_keys::stem_padding, network_kind::unknown},
        {sttn_keys::pool, network_kind::unknown},        {sttn_keys::preprocess, network_kind::unknown},
        {sttn_keys::format, network_kind::sttn},         {sttn_keys::version, network_kind::sttn},
        {stqn_keys::steps, network_kind::stqn},          {stqn_keys::weights, network_kind::stqn},
        {stqn_keys::activations, network_kind::stqn},    {stqn_keys::unit, network_kind::stqn},
        {twn_keys::factor, network_kind::twn},           {twn_keys::granularity, network_kind::twn},
        {twn_keys::padding, network_kind::twn},          {twn_keys::block_stride, network_kind::twn},
        {fatnn_keys::quantizer, network_kind::fatnn},    {fatnn_keys::range, network_kind::fatnn},
        {fatnn_keys::normalize, network_kind::fatnn},    {fatnn_keys::norm_groups, network_kind::fatnn},
    };
    known = true;
    if (key == graph_keys::graph || (is_graph && key == graph_keys::format))
        return network_kind::graph;
    for (const entry& e : entries)
        if (key == e.key)
            return e.kind;
    const bool packed = starts_with(key, packed_keys::shape);
    if (is_graph && (packed || starts_with(key, packed_keys::code)))
        return network_kind::graph;
    if (packed)
        return network_kind::sttn;
    if (starts_with(key, packed_keys::code))
        return value == "t" ? network_kind::sttn : network_kind::stqn;
    known = false;
    return network_kind::unknown;
}

/// An error if the file says that it is of another format, or of a version that is not known.
inline status check_format(const tensor_file& file) {
    const std::string* format = file.metadata(sttn_keys::format);
    if (format == nullptr)
        return {};
    if (*format == graph_keys::format_value)
        return {};
    const std::string* version = file.metadata(sttn_keys::version);
    if (*format == "sttn" && version != nullptr && *version == sttn_version)
        return {};
    return make_error(errc::unsupported,
                      "metadata %s: expected 'graph', or 'sttn' of version %s, found '%.40s' of version '%.20s'",
                      sttn_keys::format, sttn_version, format->c_str(), version != nullptr ? version->c_str() : "");
}

inline bool accepts(network_kind expected, network_kind found) noexcept {
    return found == network_kind::unknown || found == expected ||
           (expected == network_kind::stqn && found == network_kind::sttn);
}

}  // namespace network_kind_detail

TERN_FUNC std::string tensor_names::full(std::string_view name) const {
    using namespace network_kind_detail;
    if (nested.empty() || !starts_with(name, features))
        return prefix + std::string(name);
    return prefix + std::string(features) + nested + std::string(name.substr(features.size()));
}

TERN_FUNC std::optional<std::string> tensor_names::plain(std::string_view full) const {
    using namespace network_kind_detail;
    if (!starts_with(full, prefix))
        return {};
    full.remove_prefix(prefix.size());
    if (nested.empty() || !starts_with(full, features))
        return std::string(full);
    full.remove_prefix(features.size());
    if (!starts_with(full, nested))
        return {};
    full.remove_prefix(nested.size());
    return std::string(features) + std::string(full);
}

TERN_FUNC result<tensor_names> find_tensor_names(const tensor_file& file, std::initializer_list<const char*> anchors) {
    for (const char* anchor : anchors) {
        std::optional<tensor_names> found;
        for (const tensor_info& t : file.tensors()) {
            if (anchor == nullptr || !network_kind_detail::ends_with(t.name, anchor + std::strcspn(anchor, ".")))
                continue;
            auto names = network_kind_detail::names_of(t.name, anchor);
            if (names && found)
                return make_error(errc::bad_format,
                                  "tensors %.100s and %.100s: expected the names of one network, found two",
                                  found->full(anchor).c_str(), t.name.c_str());
            if (names)
                found = std::move(names);
        }
        if (found)
            return std::move(*found);
    }
    return tensor_names{};
}

TERN_FUNC recognised_network recognise_network(const tensor_file& file) {
    const auto m = network_kind_detail::find_marks(file);
    if (m.features && m.bn_add) {
        const bool more = m.third_kernel || (m.first_kernel && !m.second_kernel);
        return more ? recognised_network{network_kind::stqn, "an STQN residual network"}
                    : recognised_network{network_kind::sttn, "an STTN residual network"};
    }
    if (m.residual_function)
        return {network_kind::twn, "a TWN ResNet"};
    if (m.bn_conv1_1)
        return {network_kind::twn, "a TWN VGG-7"};
    if (m.bn_conv1)
        return {network_kind::twn, "a TWN LeNet-5"};
    if (m.torchvision_block)
        return {network_kind::fatnn, m.quantizer ? "a FATNN ResNet" : "a float ResNet as torchvision has it"};
    if (m.classifier && m.xnor_layer)
        return {network_kind::sttn_alexnet, "an AlexNet in the layers of XNOR-Net"};
    if (m.features && m.classifier)
        return {network_kind::unknown, "a float AlexNet or VGG as torchvision has it"};
    return {};
}

TERN_FUNC status check_network_kind(const tensor_file& file, network_kind expected) {
    using namespace network_kind_detail;
    TERN_TRY(check_format(file));
    const std::string* const format = file.metadata(graph_keys::format);
    const bool is_graph = format != nullptr && *format == graph_keys::format_value;
    for (const metadata_entry& m : file.metadata()) {
        if (!starts_with(m.key, "tern."))
            continue;
        bool known = false;
        const network_kind kind = kind_of_key(m.key, m.value, is_graph, known);
        if (!known)
            return make_error(errc::bad_format, "metadata %.100s: expected a key that is known, found value '%.40s'",
                              m.key.c_str(), m.value.c_str());
        if (!accepts(expected, kind))
            return make_error(errc::unsupported, "metadata %.100s ('%.40s'): expected %s, found %s, which %s reads",
                              m.key.c_str(), m.value.c_str(), network_title(expected), network_title(kind),
                              network_reader(kind));
    }
    const recognised_network found = recognise_network(file);
    if (!is_graph && !accepts(expected, found.kind))
        return make_error(errc::unsupported, "expected %s, found the tensors of %s, which %s reads",
                          network_title(expected), found.title, network_reader(found.kind));
    return {};
}

TERN_FUNC status missing_network(const tensor_file& file, std::initializer_list<const char*> names) {
    std::string missing = "tensor ";
    for (const char* const* name = names.begin(); name != names.end(); ++name)
        missing += std::string(name == names.begin()     ? ""
                               : name + 1 == names.end() ? " or "
                                                         : ", ") +
                   std::string(name_or(*name, "?")).substr(0, 100);
    missing += " is missing";
    const recognised_network found = recognise_network(file);
    if (found.kind == network_kind::unknown && *found.title != '\0')
        return make_error(errc::not_found, "%s: these are the tensors of %s, which no reader reads", missing.c_str(),
                          found.title);
    for (const tensor_info& t : file.tensors())
        for (const char* name : names)
            if (name != nullptr && network_kind_detail::ends_with(t.name, std::string(".") + name))
                return make_error(errc::not_found, "%s; there is %.100s, but '%.60s' is no prefix that readers know",
                                  missing.c_str(), t.name.c_str(),
                                  t.name.substr(0, t.name.size() - std::strlen(name)).c_str());
    if (file.size() == 0)
        return make_error(errc::not_found, "%s: the file has no tensors", missing.c_str());
    return make_error(errc::not_found, "%s; the file has %zu others, the first %.100s %s", missing.c_str(), file.size(),
                      file.tensor(0).name.c_str(), to_string(file.tensor(0).shape).c_str());
}

TERN_END_NAMESPACE
