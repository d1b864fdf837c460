# Install rules: headers, libraries, CMake package, pkg-config files.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
include("${CMAKE_CURRENT_LIST_DIR}/TernArchitecture.cmake")
set(tern_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tern")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tern" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
# One export a set of needs: ternConfig.cmake includes those that are met.
function(tern_install_target target export)
  if(TARGET ${target})
    install(TARGETS ${target} EXPORT ${export} INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
    install(EXPORT ${export} NAMESPACE tern:: DESTINATION "${tern_package_dir}")
  endif()
endfunction()
tern_install_target(tern_api ternApiTargets)
tern_install_target(tern ternTargets)
tern_install_target(tern_model ternModelTargets)
tern_install_target(tern_zip ternZipTargets)
tern_install_target(tern_runtime ternRuntimeTargets)
tern_install_target(tern_runtime_model ternRuntimeModelTargets)
tern_install_target(tern_c ternCTargets)
tern_install_target(tern_c_static ternCStaticTargets)

tern_architecture(tern_built_for)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/ternConfig.cmake.in" "${PROJECT_BINARY_DIR}/ternConfig.cmake"
                              INSTALL_DESTINATION "${tern_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ternVersion.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file("${PROJECT_SOURCE_DIR}/cmake/ternConfigVersion.cmake.in" "${PROJECT_BINARY_DIR}/ternConfigVersion.cmake" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/ternConfig.cmake" "${PROJECT_BINARY_DIR}/ternConfigVersion.cmake"
              "${PROJECT_BINARY_DIR}/ternVersion.cmake" "${PROJECT_SOURCE_DIR}/cmake/TernArchitecture.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/TernKernels.cmake" "${PROJECT_SOURCE_DIR}/cmake/TernLevels.cmake"
              "${PROJECT_SOURCE_DIR}/include/tern/core/levels.hpp" # which the latter reads
              "${PROJECT_SOURCE_DIR}/cmake/FindXsimdHeaders.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindMinizip.cmake"
        DESTINATION "${tern_package_dir}")

# pkg-config: tern is the headers; tern-runtime and tern-runtime-model are compiled and need nothing else, but for
# minizip where the latter is static and reads zip archives; tern-c is the C API.
set(TERN_PC_ZIP)
set(TERN_PC_C_ZIP)
set(TERN_PC_CXX)
foreach(library IN LISTS TERN_CXX_LIBRARIES)
  string(APPEND TERN_PC_CXX " -l${library}")
endforeach()
if(TERN_READS_ZIP)
  foreach(library IN LISTS TERN_MINIZIP_LIBRARY TERN_ZLIB_LIBRARY)
    get_filename_component(folder "${library}" DIRECTORY)
    get_filename_component(name "${library}" NAME_WLE)
    if(folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
      string(REGEX REPLACE "^lib" "-l" library "${name}")
    endif() # else by its path: linkers would not find it
    string(APPEND TERN_PC_C_ZIP " ${library}")
  endforeach()
endif()
if(TERN_MODEL_LINKS_ZIP)
  set(TERN_PC_ZIP "${TERN_PC_C_ZIP}")
endif()
set(tern_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH TERN_PC_PREFIX "/prefix/${tern_pc_dir}" "/prefix")
get_filename_component(root "${TERN_XSIMD_INCLUDE_DIR}/.." ABSOLUTE)
file(GLOB xsimd_pc "${root}/lib*/pkgconfig/xsimd.pc" "${root}/lib/*/pkgconfig/xsimd.pc" "${root}/share/pkgconfig/xsimd.pc")
set(TERN_PC_NOTE "headers; xsimd >= 8.1 must be on the include path")
set(TERN_PC_REQUIRES)
if(xsimd_pc)
  set(TERN_PC_NOTE "headers")
  set(TERN_PC_REQUIRES "\nRequires: xsimd >= 8.1")
endif()
set(names tern tern-runtime tern-c)
if(TARGET tern_runtime_model)
  list(APPEND names tern-runtime-model)
endif()
foreach(name IN LISTS names)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION "${tern_pc_dir}")
endforeach()
