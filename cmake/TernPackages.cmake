# tern_single.hpp, and packages of what is installed: cpack makes a .tar.gz, and a .deb where dpkg is.

find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_FOUND)
  set(tern_single "${PROJECT_BINARY_DIR}/tern_single.hpp")
  file(GLOB_RECURSE tern_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/tern/*.hpp")
  add_custom_command(OUTPUT "${tern_single}"
    COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/cmake/amalgamate" "${tern_single}"
    DEPENDS cmake/amalgamate LICENSE ${tern_headers} VERBATIM)
  add_custom_target(tern_single_header ALL DEPENDS "${tern_single}")
  # Of the archive alone: who has the headers installed needs no copy of them.
  install(FILES "${tern_single}" DESTINATION . COMPONENT tern_archive EXCLUDE_FROM_ALL)
endif()
foreach(file IN ITEMS README.md LICENSE CHANGELOG.md)
  install(FILES "${PROJECT_SOURCE_DIR}/${file}" DESTINATION . COMPONENT tern_archive EXCLUDE_FROM_ALL)
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION share/doc/tern-dev RENAME copyright COMPONENT tern_deb EXCLUDE_FROM_ALL)

set(CPACK_PACKAGE_CONTACT "The tern authors")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_PACKAGE_FILE_NAME "tern-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/cmake/packages/cpack.cmake")
set(tern_packages TGZ)
set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME "tern-${PROJECT_VERSION}-source")
# Of the sources, what is no build folder.
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_SOURCE_IGNORE_FILES "/\\.git/" "/\\.git$")
foreach(folder IN ITEMS "${PROJECT_SOURCE_DIR}/build" "${PROJECT_BINARY_DIR}")
  string(REGEX REPLACE "([^A-Za-z0-9_/-])" "\\\\\\1" folder "${folder}")
  list(APPEND CPACK_SOURCE_IGNORE_FILES "^${folder}/")
endforeach()

# One package with headers, static libraries and what finds them. What shared libraries need is another matter.
find_program(TERN_DPKG dpkg)
mark_as_advanced(TERN_DPKG)
get_target_property(tern_type tern_runtime TYPE)
if(TERN_DPKG AND tern_type STREQUAL STATIC_LIBRARY)
  list(APPEND tern_packages DEB)
  set(CPACK_DEBIAN_PACKAGE_NAME tern-dev)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libxsimd-dev (>= 8.1)") # of the headers; the libraries need neither
  if(TARGET tern_model)
    string(APPEND CPACK_DEBIAN_PACKAGE_RECOMMENDS ", nlohmann-json3-dev (>= 3.10)")
  endif()
  if(TERN_MODEL_LINKS_ZIP)
    set(CPACK_DEBIAN_PACKAGE_DEPENDS "libminizip-dev, zlib1g-dev")
  endif()
  foreach(pair IN ITEMS x86_64/amd64 aarch64/arm64 arm/armhf riscv64/riscv64)
    if(CMAKE_CROSSCOMPILING AND pair MATCHES "^${CMAKE_SYSTEM_PROCESSOR}/(.*)")
      set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${CMAKE_MATCH_1}) # else what dpkg says of this machine
    endif()
  endforeach()
endif()
set(CPACK_GENERATOR ${tern_packages}) # which CPack overwrites
include(CPack)
