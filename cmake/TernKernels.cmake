# tern_add_kernels: run-time choice of the instruction set.
#
#   tern_add_kernels(<target> [ISAS <level>...])
#
# Adds to <target> one generated source per instruction-set level, each compiled with its own flags and exporting one
# symbol, and the source that defines the functions of <tern/tern.hpp>. <target> and what links to it then use the
# run-time mode (TERN_RUNTIME=1). Default ISAS: every level that the headers implement and the compiler can build; a
# level named in ISAS that cannot be built is an error. A program may have one such target: tern::runtime, or one of its
# own.
#
#   tern_add_model(<target>)
#
# Adds the source that defines the functions of <tern/model.hpp>; <target> must link to a target with kernels.

include_guard(GLOBAL)
include(CheckCXXSourceCompiles)

# Sets TERN_CAN_BUILD_<level>, cached: whether compiler and target architecture have the level.
function(tern_check_level level)
  if(DEFINED TERN_CAN_BUILD_${level})
    return()
  endif()
  include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/TernLevels.cmake")
  if(level STREQUAL scalar)
    set(TERN_CAN_BUILD_scalar TRUE CACHE INTERNAL "")
    return()
  endif()
  if(CMAKE_CXX_COMPILER_FRONTEND_VARIANT STREQUAL MSVC OR NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    set(TERN_CAN_BUILD_${level} FALSE CACHE INTERNAL "") # only flags of GCC's driver are known here
    return()
  endif()
  _tern_level_flags(${level} flags)
  list(JOIN flags " " CMAKE_REQUIRED_FLAGS)
  set(macro ${TERN_LEVEL_MACRO_${level}})
  check_cxx_source_compiles("#ifndef ${macro}\n#error another architecture\n#endif\nint main() { return 0; }\n" TERN_CAN_BUILD_${level})
endfunction()

# The flags that select a level, with the baseline of its architecture first.
function(_tern_level_flags level out)
  include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/TernLevels.cmake")
  set(flags)
  if(NOT CMAKE_CXX_COMPILER_FRONTEND_VARIANT STREQUAL MSVC AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    foreach(macro IN ITEMS __x86_64__ __aarch64__)
      if(NOT DEFINED TERN_TARGET_HAS${macro})
        check_cxx_source_compiles("#ifndef ${macro}\n#error another architecture\n#endif\nint main() { return 0; }\n" TERN_TARGET_HAS${macro})
      endif()
      if(TERN_TARGET_HAS${macro})
        set(flags ${TERN_LEVEL_BASELINE_${macro}})
      endif()
    endforeach()
    list(APPEND flags ${TERN_LEVEL_FLAGS_${level}})
  endif()
  set(${out} "${flags}" PARENT_SCOPE)
endfunction()

# Makes `source` of `target` a kernel source of `level`: its flags, and none of the target's that would undo them.
function(_tern_kernel_source target source level)
  _tern_level_flags(${level} flags)
  if(NOT CMAKE_CXX_COMPILER_FRONTEND_VARIANT STREQUAL MSVC)
    # -ffp-contract: epilogues round alike on all levels. -fno-lto: link-time inlining would mix flags. -O2: unoptimised
    # vector code is useless, and GCC's and xsimd's inline functions would be emitted as shared symbols. -Og with
    # sanitizers: GCC 12 works on instrumented kernels for three times as long at -O2, and tests gain a fifth.
    set(optimise $<$<NOT:$<CONFIG:Release>>:-O2>)
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
      set(optimise -Og)
    endif()
    list(APPEND flags -ffp-contract=off -fno-exceptions -fno-rtti -fvisibility=hidden -fno-lto ${optimise})
  endif()
  set_property(SOURCE "${source}" TARGET_DIRECTORY ${target} APPEND PROPERTY COMPILE_OPTIONS ${flags})
  set_source_files_properties("${source}" TARGET_DIRECTORY ${target}
                              PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON SKIP_AUTOGEN ON)
endfunction()

function(tern_add_kernels target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" ISAS)
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tern_add_kernels: unexpected arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT TARGET tern::xsimd)
    message(FATAL_ERROR "tern_add_kernels: xsimd 8.1 or later was not found; TERN_XSIMD_INCLUDE_DIR names the folder of its headers")
  endif()
  include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/TernLevels.cmake")
  set(wanted ${TERN_LEVELS})
  if(arg_ISAS)
    set(wanted ${arg_ISAS})
  endif()

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}_sources")
  set(built)
  foreach(level IN LISTS wanted)
    if(NOT level IN_LIST TERN_LEVELS)
      list(JOIN TERN_LEVELS " " known)
      message(FATAL_ERROR "tern_add_kernels: there is no level '${level}'; expected one of: ${known}")
    endif()
    tern_check_level(${level})
    if(TERN_CAN_BUILD_${level})
      set(source "${folder}/kernels_${level}.cpp")
      file(CONFIGURE OUTPUT "${source}" CONTENT "#define TERN_TARGET ${level}\n#include <tern/kernel/target_tu.hpp>\n")
      target_sources(${target} PRIVATE "${source}")
      _tern_kernel_source(${target} "${source}" ${level})
      list(APPEND built ${level})
    elseif(arg_ISAS)
      message(FATAL_ERROR "tern_add_kernels: compiler or architecture cannot build level '${level}'")
    endif()
  endforeach()

  set(source "${folder}/runtime.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#define TERN_RUNTIME_SOURCE 1\n#include <tern/tern.hpp>\n")
  list(TRANSFORM built REPLACE "(.+)" "TERN_HAS_KERNELS_\\1=1" OUTPUT_VARIABLE definitions)
  set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES
                              COMPILE_DEFINITIONS "${definitions}" SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE "${source}")
  # Who links to <target> compiles declarations only. BUILD_INTERFACE: an installed <target> does not name what it was
  # built with.
  target_link_libraries(${target} PUBLIC tern::api PRIVATE $<BUILD_INTERFACE:tern::xsimd>)
  target_compile_definitions(${target} PUBLIC TERN_RUNTIME=1)

  list(JOIN built " " text)
  message(STATUS "tern: ${target} has kernels for: ${text}")
endfunction()

function(tern_add_model target)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${target}_sources/model.cpp")
  # The target with kernels defines what <tern/tern.hpp> declares; only the rest is defined here.
  file(CONFIGURE OUTPUT "${source}" CONTENT
       "#include <tern/tern.hpp>\n#undef TERN_RUNTIME_SOURCE\n#define TERN_RUNTIME_SOURCE 1\n#include <tern/model.hpp>\n")
  set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES
                              SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE "${source}")
  target_link_libraries(${target} PUBLIC tern::api PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
endfunction()
