// What kind of network a file holds: what its metadata says, what its tensors are called, and what stands before their
// names.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "safetensors.hpp"

TERN_BEGIN_VOCABULARY

/// Networks that readers know.
enum class network_kind : std::uint8_t { unknown, sttn, stqn, twn, fatnn, sttn_alexnet, graph };

/// A kind in words: "an STTN network"; "an unknown network" if it is none.
TERN_INLINE constexpr const char* network_title(network_kind kind) noexcept {
    switch (kind) {
        case network_kind::unknown: break;
        case network_kind::sttn: return "an STTN network";
        case network_kind::stqn: return "an STQN network";
        case network_kind::twn: return "a TWN network";
        case network_kind::fatnn: return "a FATNN network";
        case network_kind::sttn_alexnet: return "an STTN AlexNet";
        case network_kind::graph: return "a graph of tern's";
    }
    return "an unknown network";
}

/// The function that reads a kind: "read_sttn"; "no reader" if it is none.
TERN_INLINE constexpr const char* network_reader(network_kind kind) noexcept {
    switch (kind) {
        case network_kind::unknown: break;
        case network_kind::sttn: return "read_sttn";
        case network_kind::stqn: return "read_stqn";
        case network_kind::twn: return "read_twn";
        case network_kind::fatnn: return "read_fatnn";
        case network_kind::sttn_alexnet: return "read_alexnet";
        case network_kind::graph: return "read_network_file";
    }
    return "no reader";
}

/// A kind in a word, for options and files: "sttn"; "" if it is none.
TERN_INLINE constexpr const char* network_word(network_kind kind) noexcept {
    switch (kind) {
        case network_kind::unknown: break;
        case network_kind::sttn: return "sttn";
        case network_kind::stqn: return "stqn";
        case network_kind::twn: return "twn";
        case network_kind::fatnn: return "fatnn";
        case network_kind::sttn_alexnet: return "sttn_alexnet";
        case network_kind::graph: return "graph";
    }
    return "";
}
/// The inverse; unknown for other words.
TERN_INLINE constexpr network_kind network_kind_of(std::string_view word) noexcept {
    for (const network_kind kind : {network_kind::sttn, network_kind::stqn, network_kind::twn, network_kind::fatnn,
                                    network_kind::sttn_alexnet, network_kind::graph})
        if (word == network_word(kind))
            return kind;
    return network_kind::unknown;
}

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// What the names of a file's tensors look like.
struct recognised_network {
    network_kind kind = network_kind::unknown;  ///< what reads them
    const char* title = "";                     ///< as in "a TWN ResNet"; "" if they look like nothing known
};

/// How names in a file differ from those of the papers.
struct tensor_names {
    std::string prefix;  ///< before all names: "module." of PyTorch's DataParallel, "_orig_mod." of torch.compile, ...
    std::string nested;  ///< behind "features.", where only that part was wrapped

    /// A paper's name as it stands in the file.
    TERN_FUNC std::string full(std::string_view name) const;
    /// The inverse: what follows the prefix, without what is nested; none if a name is not of this kind.
    TERN_FUNC std::optional<std::string> plain(std::string_view full) const;
};

/// The names in a file that has one of the `anchors`, tensors of every network of a kind; the first that is there
/// counts. Known are "module.", "_orig_mod.", "model.", "net.", "network.", "state_dict." and "model_state_dict.",
/// also one behind the other, and "features.module.". Without an anchor: no prefix. Errors (bad_format): one anchor
/// with two different prefixes.
TERN_FUNC result<tensor_names> find_tensor_names(const tensor_file& file, std::initializer_list<const char*> anchors);

/// Which network has tensors of such names, with any known prefix.
TERN_FUNC recognised_network recognise_network(const tensor_file& file);

/// An error (unsupported) if metadata or tensors are those of another kind than `expected`, naming both kinds;
/// bad_format for a key "tern.*" that is not known. An STTN network is an STQN network, too.
TERN_FUNC status check_network_kind(const tensor_file& file, network_kind expected);

/// The error (not_found) for a file that has none of these tensors, one of which every network of the kind has: what
/// else its tensors are.
TERN_FUNC status missing_network(const tensor_file& file, std::initializer_list<const char*> names);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "network_kind-inl.hpp"
#endif
