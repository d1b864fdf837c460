# cmake -DOUTPUT=<file> "-DSOURCES=<file>;..." -P together.cmake
#
# Writes OUTPUT, one source that compiles SOURCES together, for programs whose every file would compile the whole library.
# Each is in a namespace of its own, so that helpers of equal names do not meet; what they include is included before,
# outside of it, and is not seen again.
set(includes)
set(bodies)
foreach(source IN LISTS SOURCES)
  get_filename_component(folder "${source}" DIRECTORY)
  get_filename_component(name "${source}" NAME_WE)
  file(STRINGS "${source}" lines REGEX "^#include ")
  foreach(line IN LISTS lines)
    if(line MATCHES "^#include \"([^\"]+)\"")
      get_filename_component(header "${folder}/${CMAKE_MATCH_1}" ABSOLUTE)
      set(line "#include \"${header}\"")
    endif()
    list(APPEND includes "${line}")
  endforeach()
  string(APPEND bodies "namespace ${name} {\n#include \"${source}\"\n}\n")
endforeach()
list(REMOVE_DUPLICATES includes)
list(JOIN includes "\n" includes)
file(WRITE "${OUTPUT}" "${includes}\n${bodies}")
