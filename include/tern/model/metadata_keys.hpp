// Names in the metadata of files that hold networks; values are plain text. Options of the readers override them.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Keys of STTN networks. In any form the geometry and preprocessing keys are honoured, and those hold for other
/// networks too.
struct sttn_keys {
    static constexpr const char* format = "tern.format";    ///< packed form: "sttn"
    static constexpr const char* version = "tern.version";  ///< packed form: "1"
    static constexpr const char* stem_stride = "tern.stem_stride";
    static constexpr const char* stem_padding = "tern.stem_padding";
    static constexpr const char* pool = "tern.pool";              ///< as parse_pool reads it
    static constexpr const char* preprocess = "tern.preprocess";  ///< as parse_preprocessing reads it
};

/// Keys of packed weights, each followed by the name of the weights.
struct packed_keys {
    static constexpr const char* shape = "tern.shape.";  ///< "OxIxKHxKW", I of one group
    static constexpr const char* code = "tern.code.";    ///< the code's name: "b", "o2", ..; absent: "t"
};

/// Keys of STQN networks. The stem's and `preprocess` are those of sttn_keys.
struct stqn_keys {
    static constexpr const char* steps = "tern.kernel_steps";           ///< "equal" or "powers_of_two"
    static constexpr const char* weights = "tern.weight_code";          ///< merged form: "b", "o1" .. "o4"
    static constexpr const char* activations = "tern.activation_code";  ///< "t", "u2", ...
    static constexpr const char* unit = "tern.activation_unit";         ///< as 0.5
};

/// Keys of TWN networks.
struct twn_keys {
    static constexpr const char* factor = "tern.twn_factor";            ///< a number, as "0.75"
    static constexpr const char* granularity = "tern.twn_granularity";  ///< "layer" or "filter"
    static constexpr const char* padding = "tern.padding";              ///< of the convolutions of a plain network
    static constexpr const char* block_stride = "tern.block_stride";    ///< of blocks with a shortcut convolution
    static constexpr const char* stem_stride = sttn_keys::stem_stride;
    static constexpr const char* stem_padding = sttn_keys::stem_padding;
    static constexpr const char* pool = sttn_keys::pool;  ///< behind the stem, or behind each stage of a plain network
};

/// Keys of FATNN networks. The stem's are those of sttn_keys.
struct fatnn_keys {
    static constexpr const char* quantizer = "tern.quantizer";          ///< "fatnn" or "lsq"
    static constexpr const char* range = "tern.activation_range";       ///< "half" or "full"
    static constexpr const char* normalize = "tern.normalize_weights";  ///< "var-mean" or "none"
    static constexpr const char* norm_groups = "tern.norm_groups";      ///< a count
};

/// Keys of networks of any topology (network_file.hpp). Weights have packed_keys.
struct graph_keys {
    static constexpr const char* format = sttn_keys::format;
    static constexpr const char* format_value = "graph";
    static constexpr const char* graph = "tern.graph";  ///< nodes, outputs, pictures and classes as JSON
};

/// Version of the packed form that is written, and the only one that is read.
inline constexpr const char* sttn_version = "1";

TERN_END_VOCABULARY
