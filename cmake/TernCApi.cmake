# The C API (tern/c_api.h) as libtern: tern::c, shared, and tern::c_static. Both hold the kernels of all levels, and networks where
# tern::runtime_model is built. The shared one needs nothing but the C library, and minizip where zip archives are read.

add_library(tern_c_objects OBJECT ${tern_exclude})
set(source "${PROJECT_BINARY_DIR}/tern_c_sources/c_api.cpp")
file(CONFIGURE OUTPUT "${source}" CONTENT "#include <tern/c_api/define.hpp>\n")
target_sources(tern_c_objects PRIVATE "${source}")
target_link_libraries(tern_c_objects PUBLIC tern::api)
target_compile_definitions(tern_c_objects PRIVATE TERN_RUNTIME=1 TERN_C_API_DEFINE=1 TERN_C_NETWORKS=$<TARGET_EXISTS:tern_runtime_model>)
set_target_properties(tern_c_objects PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
if(PROJECT_IS_TOP_LEVEL)
  tern_own_target(tern_c_objects)
endif()

set(tern_c_all_objects $<TARGET_OBJECTS:tern_c_objects> $<TARGET_OBJECTS:tern_runtime>)
if(TARGET tern_runtime_model)
  list(APPEND tern_c_all_objects $<TARGET_OBJECTS:tern_runtime_model>)
endif()

# The standard library's code goes into the shared library where the linker can do that: C programs have none of their own.
include(CheckCXXSourceCompiles)
if(NOT DEFINED TERN_CAN_LINK_STDCXX_STATICALLY AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize" AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang"
   AND UNIX AND NOT APPLE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static-libstdc++ -static-libgcc)
  check_cxx_source_compiles("#include <string>\nint main(int n, char**) { return static_cast<int>(std::string(static_cast<unsigned>(n), 'x').size()); }\n"
                            TERN_CAN_LINK_STDCXX_STATICALLY)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
endif()

# The interface has a version of its own: newer libraries read the structs of older callers.
file(STRINGS "${PROJECT_SOURCE_DIR}/include/tern/c_api.h" tern_c_version REGEX "^#define TERN_C_API_VERSION [0-9]+$")
string(REGEX MATCH "[0-9]+$" tern_c_version "${tern_c_version}")

# What C programs link to beside the static library.
set(TERN_CXX_LIBRARIES ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER TERN_CXX_LIBRARIES INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi|m)$")
list(REMOVE_DUPLICATES TERN_CXX_LIBRARIES)

add_library(tern_c_static STATIC ${tern_exclude} ${tern_c_all_objects})
add_library(tern::c_static ALIAS tern_c_static)
set_target_properties(tern_c_static PROPERTIES OUTPUT_NAME tern EXPORT_NAME c_static LINKER_LANGUAGE CXX)
if(WIN32)
  set_target_properties(tern_c_static PROPERTIES OUTPUT_NAME tern_static) # tern.lib is the import library
endif()
target_link_libraries(tern_c_static INTERFACE tern::api)
if(TARGET tern_zip)
  target_link_libraries(tern_c_static PRIVATE tern::zip) # who links to it has to link to minizip
endif()

get_property(tern_can_share GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS)
if(tern_can_share)
  add_library(tern_c SHARED ${tern_exclude} ${tern_c_all_objects})
  add_library(tern::c ALIAS tern_c)
  set_target_properties(tern_c PROPERTIES OUTPUT_NAME tern EXPORT_NAME c LINKER_LANGUAGE CXX SOVERSION ${tern_c_version}
                        VERSION ${tern_c_version}.${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_link_libraries(tern_c INTERFACE tern::api)
  if(TARGET tern_zip)
    target_link_libraries(tern_c PRIVATE $<BUILD_INTERFACE:tern::minizip>)
  endif()
  if(TERN_CAN_LINK_STDCXX_STATICALLY)
    target_link_options(tern_c PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  if(APPLE)
    target_link_options(tern_c PRIVATE "LINKER:-exported_symbol,_tern_*")
  elseif(UNIX)
    set(map "${PROJECT_SOURCE_DIR}/cmake/c_exports.map")
    target_link_options(tern_c PRIVATE "LINKER:--version-script=${map}")
    set_property(TARGET tern_c APPEND PROPERTY LINK_DEPENDS "${map}")
  endif()
endif()
