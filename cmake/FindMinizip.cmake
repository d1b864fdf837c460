# Finds minizip (the one of zlib) and makes the target tern::minizip of it and zlib. Neither has a CMake package
# everywhere.

find_path(TERN_MINIZIP_INCLUDE_DIR minizip/unzip.h DOC "Folder that holds minizip/unzip.h")
find_library(TERN_MINIZIP_LIBRARY minizip)
find_library(TERN_ZLIB_LIBRARY NAMES z zlib)
mark_as_advanced(TERN_MINIZIP_INCLUDE_DIR TERN_MINIZIP_LIBRARY TERN_ZLIB_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Minizip REQUIRED_VARS TERN_MINIZIP_LIBRARY TERN_ZLIB_LIBRARY TERN_MINIZIP_INCLUDE_DIR)

if(Minizip_FOUND AND NOT TARGET tern::minizip)
  add_library(tern::minizip INTERFACE IMPORTED GLOBAL)
  set_target_properties(tern::minizip PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${TERN_MINIZIP_INCLUDE_DIR}"
                        INTERFACE_LINK_LIBRARIES "${TERN_MINIZIP_LIBRARY};${TERN_ZLIB_LIBRARY}")
endif()
