# What the project needs from elsewhere: find_package first, a pinned release by FetchContent second. Macros, because
# find_package and FetchContent set variables that their caller needs.

include_guard(GLOBAL)
include(FetchContent)
list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

# Fetches headers only: the dependency's own build files are not run.
macro(_tern_fetch_headers name url hash)
  message(STATUS "tern: ${name} was not found; fetching ${url}")
  FetchContent_Declare(${name} URL ${url} URL_HASH SHA256=${hash} SOURCE_SUBDIR no_build_files)
  FetchContent_MakeAvailable(${name})
endmacro()

macro(tern_need_xsimd)
  find_package(XsimdHeaders 8.1 QUIET)
  if(NOT XsimdHeaders_FOUND)
    _tern_fetch_headers(xsimd https://github.com/xtensor-stack/xsimd/archive/refs/tags/13.2.0.tar.gz
                        edd8cd3d548c185adc70321c53c36df41abe64c1fe2c67bc6d93c3ecda82447a)
    set(TERN_XSIMD_INCLUDE_DIR "${xsimd_SOURCE_DIR}/include" CACHE PATH "" FORCE)
    find_package(XsimdHeaders 8.1 REQUIRED)
  endif()
  message(STATUS "tern: xsimd ${XsimdHeaders_VERSION} in ${TERN_XSIMD_INCLUDE_DIR}")
endmacro()

macro(tern_need_json)
  tern_find_json()
  if(NOT TARGET nlohmann_json::nlohmann_json)
    _tern_fetch_headers(nlohmann_json https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
                        d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d)
    add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED GLOBAL)
    set_target_properties(nlohmann_json::nlohmann_json PROPERTIES
                          INTERFACE_INCLUDE_DIRECTORIES "${nlohmann_json_SOURCE_DIR}/include")
  endif()
endmacro()

macro(tern_find_json)
  if(NOT TARGET nlohmann_json::nlohmann_json)
    find_package(nlohmann_json 3.10 CONFIG QUIET)
    if(TARGET nlohmann_json::nlohmann_json)
      set_target_properties(nlohmann_json::nlohmann_json PROPERTIES IMPORTED_GLOBAL TRUE) # parent folders link to it too
    endif()
  endif()
endmacro()

# Sets TERN_READS_ZIP, as TERN_ZIP says. Not fetched: who wants another library to link to installs it.
macro(tern_find_minizip)
  set(TERN_READS_ZIP OFF) # whoever has this project in their tree may have tern::minizip for themselves
  if(NOT TERN_ZIP STREQUAL AUTO)
    set(TERN_READS_ZIP ${TERN_ZIP})
    if(TERN_READS_ZIP)
      find_package(Minizip REQUIRED)
    endif()
  elseif(PROJECT_IS_TOP_LEVEL)
    find_package(Minizip QUIET)
    set(TERN_READS_ZIP ${Minizip_FOUND})
  endif()
  if(TERN_READS_ZIP)
    message(STATUS "tern: zip archives are read by ${TERN_MINIZIP_LIBRARY}")
  else()
    message(STATUS "tern: zip archives, as PyTorch checkpoints are, will not be read (TERN_ZIP is ${TERN_ZIP})")
  endif()
endmacro()

macro(tern_need_doctest)
  find_package(doctest 2.4 CONFIG QUIET)
  if(NOT TARGET doctest::doctest)
    _tern_fetch_headers(doctest https://github.com/doctest/doctest/archive/refs/tags/v2.4.11.tar.gz
                        632ed2c05a7f53fa961381497bf8069093f0d6628c5f26286161fbd32a560186)
    add_library(doctest::doctest INTERFACE IMPORTED)
    set_target_properties(doctest::doctest PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${doctest_SOURCE_DIR}")
  endif()
endmacro()

macro(tern_need_stb)
  find_package(StbHeaders QUIET)
  if(NOT StbHeaders_FOUND)
    _tern_fetch_headers(stb https://github.com/nothings/stb/archive/8b5f1f37b5b75829fc72d38e7b5d4bcbf8a26d55.tar.gz
                        c47cf5abe21e1d620afccd159c23fe71dfa86eb270015a7646a4f79e9bfd5503)
    set(TERN_STB_INCLUDE_DIR "${stb_SOURCE_DIR}" CACHE PATH "" FORCE)
    find_package(StbHeaders REQUIRED)
  endif()
endmacro()

macro(tern_need_benchmark)
  find_package(benchmark CONFIG QUIET)
  if(NOT TARGET benchmark::benchmark)
    message(STATUS "tern: Google Benchmark was not found; fetching it")
    set(BENCHMARK_ENABLE_TESTING OFF CACHE BOOL "" FORCE)
    set(BENCHMARK_ENABLE_INSTALL OFF CACHE BOOL "" FORCE)
    FetchContent_Declare(benchmark URL https://github.com/google/benchmark/archive/refs/tags/v1.8.3.tar.gz
                         URL_HASH SHA256=6bc180a57d23d4d9515519f92b0c83d61b05b5bab188961f08a9d7047293e6ce)
    FetchContent_MakeAvailable(benchmark)
  endif()
endmacro()
