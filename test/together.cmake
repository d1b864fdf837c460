# cmake -DOUTPUT=<file> "-DSOURCES=<file>;..." -P together.cmake
#
# Writes OUTPUT, one source that compiles SOURCES together, so that what they share is compiled once. Each is in a
# namespace of its own, where helpers of equal names do not meet; what they include is included before, outside of it,
# and is not seen again. Paths are relative to this folder, so that a compiler cache knows the source in another clone.
set(includes)
set(bodies)
foreach(source IN LISTS SOURCES)
  get_filename_component(folder "${source}" DIRECTORY)
  get_filename_component(name "${source}" NAME_WE)
  file(STRINGS "${source}" lines REGEX "^#include ")
  foreach(line IN LISTS lines)
    if(line MATCHES "^#include \"([^\"]+)\"")
      get_filename_component(header "${folder}/${CMAKE_MATCH_1}" ABSOLUTE)
      file(RELATIVE_PATH header "${CMAKE_CURRENT_LIST_DIR}" "${header}")
      set(line "#include \"${header}\"")
    endif()
    list(APPEND includes "${line}")
  endforeach()
  file(RELATIVE_PATH source "${CMAKE_CURRENT_LIST_DIR}" "${source}")
  string(APPEND bodies "namespace ${name} {\n#include \"${source}\"\n}\n")
endforeach()
list(REMOVE_DUPLICATES includes)
list(JOIN includes "\n" includes)
file(WRITE "${OUTPUT}" "${includes}\n${bodies}")
