// Version of the library. The inline namespace `tern::v1` (config.hpp) is the generation of its interface
// (docs/versioning.md).
#pragma once

#define TERN_VERSION_MAJOR 0
#define TERN_VERSION_MINOR 1
#define TERN_VERSION_PATCH 0
#define TERN_VERSION_STRING "0.1.0"
