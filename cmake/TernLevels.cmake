# The instruction-set levels as CMake needs them, read from the one list, include/tern/core/levels.hpp:
#
#   TERN_LEVELS                      names, in the order of `tern::isa`
#   TERN_LEVEL_FLAGS_<level>         for compilers with GCC's driver
#   TERN_LEVEL_MACRO_<level>         the macro of its architecture; empty: any
#   TERN_LEVEL_BASELINE_<macro>      flags of the architecture's baseline, at which each level starts, so that a project's own
#                                    -march=native does not reach kernels that must run elsewhere

set(TERN_LEVEL_BASELINE___x86_64__ -march=x86-64)
set(TERN_LEVEL_BASELINE___aarch64__ -march=armv8-a)

set(_tern_list "${CMAKE_CURRENT_LIST_DIR}/levels.hpp") # as installed
if(NOT EXISTS "${_tern_list}")
  set(_tern_list "${CMAKE_CURRENT_LIST_DIR}/../include/tern/core/levels.hpp")
endif()

# Features of each level: those of its parent and its own.
file(STRINGS "${_tern_list}" _tern_lines REGEX "^#define TERN_FEATURES_[a-z0-9_]+\\(F\\)")
foreach(_tern_line IN LISTS _tern_lines)
  string(REGEX MATCH "TERN_FEATURES_([a-z0-9_]+)\\(F\\)(.*)" _tern_match "${_tern_line}")
  set(_tern_level "${CMAKE_MATCH_1}")
  set(_tern_rest "${CMAKE_MATCH_2}")
  set(_tern_features_${_tern_level})
  if(_tern_rest MATCHES "TERN_FEATURES_([a-z0-9_]+)\\(F\\)")
    set(_tern_features_${_tern_level} ${_tern_features_${CMAKE_MATCH_1}})
  endif()
  string(REGEX MATCHALL " F\\([a-z0-9_]+\\)" _tern_own "${_tern_rest}")
  list(TRANSFORM _tern_own REPLACE " F\\((.+)\\)" "\\1")
  list(APPEND _tern_features_${_tern_level} ${_tern_own})
endforeach()

set(TERN_LEVELS)
file(READ "${_tern_list}" _tern_text) # lines that end in a backslash are no list
string(REGEX MATCHALL "  X\\([a-z0-9_]+, [a-z0-9]+, [a-z]+\\)" _tern_lines "${_tern_text}")
foreach(_tern_line IN LISTS _tern_lines)
  string(REGEX MATCH "X\\(([a-z0-9_]+), ([a-z0-9]+)," _tern_match "${_tern_line}")
  set(_tern_level "${CMAKE_MATCH_1}")
  set(_tern_architecture "${CMAKE_MATCH_2}")
  list(APPEND TERN_LEVELS ${_tern_level})
  set(TERN_LEVEL_FLAGS_${_tern_level} ${_tern_features_${_tern_level}})
  set(TERN_LEVEL_MACRO_${_tern_level})
  if(_tern_architecture STREQUAL x86)
    set(TERN_LEVEL_MACRO_${_tern_level} __x86_64__)
    list(TRANSFORM TERN_LEVEL_FLAGS_${_tern_level} PREPEND "-m")
    list(TRANSFORM TERN_LEVEL_FLAGS_${_tern_level} REPLACE "_" ".")
  elseif(_tern_architecture STREQUAL arm)
    set(TERN_LEVEL_MACRO_${_tern_level} __aarch64__)
    list(JOIN TERN_LEVEL_FLAGS_${_tern_level} "+" _tern_joined)
    set(TERN_LEVEL_FLAGS_${_tern_level} "-march=armv8.2-a+${_tern_joined}")
    if(_tern_joined STREQUAL simd)
      set(TERN_LEVEL_FLAGS_${_tern_level} "-march=armv8-a+simd")
    endif()
  elseif(NOT _tern_architecture STREQUAL any)
    message(FATAL_ERROR "Level ${_tern_level} is of architecture ${_tern_architecture}, whose flags are not known here")
  endif()
endforeach()
