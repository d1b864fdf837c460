# Finds stb_image.h and makes the target tern::stb of its folder.

find_path(TERN_STB_INCLUDE_DIR stb_image.h PATH_SUFFIXES stb DOC "Folder that holds stb_image.h")
mark_as_advanced(TERN_STB_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(StbHeaders REQUIRED_VARS TERN_STB_INCLUDE_DIR)

if(StbHeaders_FOUND AND NOT TARGET tern::stb)
  add_library(tern::stb INTERFACE IMPORTED GLOBAL)
  set_target_properties(tern::stb PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${TERN_STB_INCLUDE_DIR}")
endif()
