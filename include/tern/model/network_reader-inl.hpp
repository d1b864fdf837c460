// Definitions of model/network_reader.hpp.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "graph/to_graph.hpp"
#include "metadata_keys.hpp"
#include "network_file.hpp"
#include "network_reader.hpp"

TERN_BEGIN_NAMESPACE
namespace network_reader_detail {

/// The options of a kind with what all kinds have in common.
template <class Options>
Options with_common(Options own, const sttn_options& common) {
    const auto put = [](auto& to, const auto& from) {
        if (from)
            to = *from;
    };
    put(own.stem_stride, common.stem_stride);
    put(own.stem_padding, common.stem_padding);
    put(own.pool, common.pool);
    if constexpr (std::is_same_v<Options, sttn_options>)
        own.zeros = common.zeros != zero_rule::refuse ? common.zeros : own.zeros;
    own.memory = common.memory;
    return own;
}

inline stqn_reader_options with_common(stqn_reader_options own, const sttn_options& common) {
    own.geometry = with_common(own.geometry, common);
    return own;
}

inline alexnet_reader_options with_common(alexnet_reader_options own, const sttn_options& common) {
    own.common = with_common(own.common, common);
    return own;
}

/// Whether options or metadata say what only tensors of a state dict leave open.
inline bool says_geometry(const tensor_file& file, const sttn_options& common) {
    return common.stem_stride || common.stem_padding || common.pool || common.zeros != zero_rule::refuse ||
           file.metadata(sttn_keys::stem_stride) != nullptr || file.metadata(sttn_keys::stem_padding) != nullptr ||
           file.metadata(sttn_keys::pool) != nullptr;
}

template <class Network>
result<graph> graph_of(const result<Network>& read, const allocator& memory) {
    TERN_TRY(read.status());
    return to_graph(*read, memory);
}

inline result<graph> read_graph(const tensor_file& file, network_kind kind, const network_reader_options& options) {
    const allocator& memory = options.common.memory;
    switch (kind) {
        case network_kind::sttn: return graph_of(read_sttn(file, options.common), memory);
        case network_kind::stqn: return graph_of(read_stqn(file, with_common(options.stqn, options.common)), memory);
        case network_kind::twn: return graph_of(read_twn(file, with_common(options.twn, options.common)), memory);
        case network_kind::fatnn: return graph_of(read_fatnn(file, with_common(options.fatnn, options.common)), memory);
        case network_kind::sttn_alexnet: return read_alexnet(file, with_common(options.alexnet, options.common));
        case network_kind::graph:
        case network_kind::unknown: break;
    }
    return make_error(errc::invalid_argument, "expected a kind of network to read, found number %d",
                      static_cast<int>(kind));
}

/// What is known of a file without reading it: metadata of one kind, names of tensors.
inline network_kind kind_of(const tensor_file& file) {
    if (is_network_file(file))
        return network_kind::graph;
    const std::string* const format = file.metadata(sttn_keys::format);
    if (format != nullptr && *format == "sttn")
        return network_kind::sttn;
    const network_kind found = recognise_network(file).kind;
    const bool is_stqn = file.metadata(stqn_keys::weights) != nullptr ||
                         file.metadata(stqn_keys::activations) != nullptr ||
                         file.metadata(stqn_keys::steps) != nullptr || file.metadata(stqn_keys::unit) != nullptr;
    return found == network_kind::sttn && is_stqn ? network_kind::stqn : found;
}

inline result<preprocessing> preprocessing_of(const tensor_file& file, const sttn_options& common) {
    const std::string* const text = file.metadata(sttn_keys::preprocess);
    if (common.preprocess || text == nullptr)
        return common.preprocess.value_or(preprocessing::unknown);
    const auto read = parse_preprocessing(*text);
    if (!read.ok())
        return make_error(errc::bad_format, "metadata %s: %s", sttn_keys::preprocess, read.message());
    return read;
}

}  // namespace network_reader_detail

TERN_FUNC result<network_model> read_network(const tensor_file& file, const network_reader_options& options) {
    using namespace network_reader_detail;
    const network_kind kind = options.kind.value_or(kind_of(file));
    if (kind == network_kind::unknown)
        return missing_network(file, {"features.0.weight", "conv1.0.weight", "conv1_1.weight", "conv1.weight"});
    const auto how = preprocessing_of(file, options.common);
    TERN_TRY(how.status());
    network_model model;
    if (kind == network_kind::graph && says_geometry(file, options.common))
        return make_error(errc::invalid_argument,
                          "expected a state dict for options of its stem, poolings and zeros, found a network file, "
                          "which knows them");
    if (kind == network_kind::graph) {
        auto read = read_network_file(file, options.common.memory);
        TERN_TRY(read.status());
        model = std::move(*read);
    } else {
        auto read = read_graph(file, kind, options);
        TERN_TRY(read.status());
        model.g = std::move(*read);
        model.kind = kind;
    }
    if (*how != preprocessing::unknown)
        TERN_TRY(set_preprocessing(model, *how, options.common.memory));
    return model;
}

TERN_END_NAMESPACE
