// Names in the metadata of files that hold networks.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Keys of a file's metadata; values are plain text. In any form the geometry and preprocessing keys are honoured.
struct sttn_keys {
    static constexpr const char* format = "tern.format";    ///< packed form: "sttn"
    static constexpr const char* version = "tern.version";  ///< packed form: "1"
    static constexpr const char* stem_stride = "tern.stem_stride";
    static constexpr const char* stem_padding = "tern.stem_padding";
    static constexpr const char* pool = "tern.pool";              ///< as parse_pool reads it
    static constexpr const char* preprocess = "tern.preprocess";  ///< as parse_preprocessing reads it
};

/// Version of the packed form that is written, and the only one that is read.
inline constexpr const char* sttn_version = "1";

TERN_END_VOCABULARY
