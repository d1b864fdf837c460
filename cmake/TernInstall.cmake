# Install rules: headers, libraries, CMake package, pkg-config file for the headers.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(tern_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tern")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tern" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS tern tern_runtime EXPORT ternTargets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT ternTargets NAMESPACE tern:: DESTINATION "${tern_package_dir}")
if(TARGET tern_model)
  install(TARGETS tern_model tern_runtime_model EXPORT ternModelTargets)
  install(EXPORT ternModelTargets NAMESPACE tern:: DESTINATION "${tern_package_dir}")
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/ternConfig.cmake.in" "${PROJECT_BINARY_DIR}/ternConfig.cmake"
                              INSTALL_DESTINATION "${tern_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ternConfigVersion.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/ternConfig.cmake" "${PROJECT_BINARY_DIR}/ternConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/TernKernels.cmake" "${PROJECT_SOURCE_DIR}/cmake/TernLevels.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindXsimdHeaders.cmake"
        DESTINATION "${tern_package_dir}")

set(tern_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH TERN_PC_PREFIX "/prefix/${tern_pc_dir}" "/prefix")
configure_file("${PROJECT_SOURCE_DIR}/cmake/tern.pc.in" "${PROJECT_BINARY_DIR}/tern.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/tern.pc" DESTINATION "${tern_pc_dir}")
