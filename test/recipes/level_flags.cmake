# The flags of the level that level.patch adds.
cmake_minimum_required(VERSION 3.21)
include("${LEVELS}")
list(JOIN TERN_LEVEL_FLAGS_avx2_gfni " " flags)
if(NOT "avx2_gfni" IN_LIST TERN_LEVELS OR NOT flags MATCHES "-mavx2 .*-mavxvnni -mgfni$")
  message(FATAL_ERROR "expected the new level and its flags, found '${flags}'")
endif()
message("${flags}")
