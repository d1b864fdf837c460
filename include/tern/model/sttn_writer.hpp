// Writes the packed form of an STTN: base-3 codes, scales, biases, norms folded in double, geometry in the metadata.
// Reading it back gives the same network, bit for bit. docs/formats.md describes it.
#pragma once

#include <string>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "sttn.hpp"

TERN_BEGIN_NAMESPACE

/// Writes `net` to `path`, replacing an old file only when the new one is complete. Errors: a network whose parts do
/// not fit together (check_network) or that a reader would not find in the file again: names of blocks other than
/// features.N, strides that channels do not show, convolutions without bias, values that are not finite; what the
/// system says.
TERN_FUNC status write_sttn(const sttn_network& net, const char* path);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "sttn_writer-inl.hpp"
#endif
