# Finds the headers of xsimd and makes the target tern::xsimd of them. xsimd's own CMake package is not used: the one in
# Debian 12 asks the linker for a library that does not exist, and its version file refuses newer majors.
#
# Input: TERN_XSIMD_INCLUDE_DIR (the folder that holds xsimd/xsimd.hpp), xsimd_ROOT, CMAKE_PREFIX_PATH.

find_path(TERN_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp
          HINTS "${xsimd_SOURCE_DIR}" "${xsimd_ROOT}" ENV xsimd_ROOT PATH_SUFFIXES include
          DOC "Folder that holds xsimd/xsimd.hpp")
mark_as_advanced(TERN_XSIMD_INCLUDE_DIR)

set(XsimdHeaders_VERSION)
if(EXISTS "${TERN_XSIMD_INCLUDE_DIR}/xsimd/config/xsimd_config.hpp")
  set(_tern_parts)
  foreach(_tern_part IN ITEMS MAJOR MINOR PATCH)
    file(STRINGS "${TERN_XSIMD_INCLUDE_DIR}/xsimd/config/xsimd_config.hpp" _tern_line
         REGEX "#define XSIMD_VERSION_${_tern_part} +[0-9]+")
    string(REGEX MATCH "[0-9]+$" _tern_number "${_tern_line}")
    list(APPEND _tern_parts "${_tern_number}")
  endforeach()
  list(JOIN _tern_parts "." XsimdHeaders_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(XsimdHeaders REQUIRED_VARS TERN_XSIMD_INCLUDE_DIR VERSION_VAR XsimdHeaders_VERSION)

if(XsimdHeaders_FOUND AND NOT TARGET tern::xsimd)
  add_library(tern::xsimd INTERFACE IMPORTED GLOBAL) # imported: its headers are system headers
  set_target_properties(tern::xsimd PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${TERN_XSIMD_INCLUDE_DIR}")
endif()
