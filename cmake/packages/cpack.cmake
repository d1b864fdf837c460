# Read by cpack once a generator: what its packages have beside what is installed (cmake/TernPackages.cmake).
if(CPACK_INSTALL_CMAKE_PROJECTS) # none in an archive of the sources
  list(GET CPACK_INSTALL_CMAKE_PROJECTS 0 tern_build)
  if(CPACK_GENERATOR STREQUAL TGZ)
    list(APPEND CPACK_INSTALL_CMAKE_PROJECTS "${tern_build}" tern tern_archive /)
  elseif(CPACK_GENERATOR STREQUAL DEB)
    list(APPEND CPACK_INSTALL_CMAKE_PROJECTS "${tern_build}" tern tern_deb /)
  endif()
endif()
