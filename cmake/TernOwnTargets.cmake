# Settings of the targets that belong to this project; consumers never get them.

include_guard(GLOBAL)

# Warnings, as errors with TERN_WERROR.
function(tern_own_target target)
  if(CMAKE_CXX_COMPILER_FRONTEND_VARIANT STREQUAL MSVC)
    target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${TERN_WERROR}>:/WX>)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow -Wpedantic $<$<BOOL:${TERN_WERROR}>:-Werror>)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    target_compile_options(${target} PRIVATE -fira-region=one) # GCC allocates registers of instrumented code by loops for minutes
  endif()
endfunction()

# A program of the project: with its siblings in bin/.
function(tern_own_program target)
  tern_own_target(${target})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()
