# `./dev package`: a relocatable .tar.gz and a .deb (CPack). LibTorch comes along in both (lib/nas,
# found by run path): Debian's own is another version. Other libraries are the .deb's dependencies,
# and lie beside LibTorch in the .tar.gz, which asks for glibc and libstdc++ of Debian 12 or newer.

# Pages and completions are written by the program itself.
install(CODE "set(_nas_program \"$<TARGET_FILE:nas>\")")
install(CODE [[
  set(_nas_share "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share")
  execute_process(COMMAND ${_nas_program} man -q ${_nas_share}/man RESULT_VARIABLE _nas_failed)
  foreach(_nas_shell bash zsh fish)
    set(_nas_to_bash bash-completion/completions/nas)
    set(_nas_to_zsh zsh/vendor-completions/_nas)
    set(_nas_to_fish fish/vendor_completions.d/nas.fish)
    execute_process(COMMAND ${_nas_program} completion ${_nas_shell}
      OUTPUT_VARIABLE _nas_script RESULT_VARIABLE _nas_code)
    file(WRITE ${_nas_share}/${_nas_to_${_nas_shell}} "${_nas_script}")
    math(EXPR _nas_failed "${_nas_failed} + ${_nas_code}")
  endforeach()
  if(NOT _nas_failed EQUAL 0)
    message(FATAL_ERROR "${_nas_program} could not write its manual pages and completions")
  endif()
]])

if(NAS_TORCH)
  get_filename_component(_nas_wheels ${NAS_LIBTORCH} DIRECTORY)
  file(GLOB _nas_licenses ${_nas_wheels}/*.dist-info/licenses)
  foreach(_nas_folder ${_nas_licenses})
    get_filename_component(_nas_wheel ${_nas_folder} DIRECTORY)
    get_filename_component(_nas_wheel ${_nas_wheel} NAME)
    string(REPLACE ".dist-info" "" _nas_wheel ${_nas_wheel})
    install(DIRECTORY ${_nas_folder}/ DESTINATION share/doc/nas/licenses/${_nas_wheel})
  endforeach()
endif()
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION share/doc/nas)

set(CPACK_PACKAGE_NAME nas)
set(CPACK_PACKAGE_VENDOR nas)
set(CPACK_PACKAGE_CONTACT "nas maintainers <nas@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "neural architecture search with weight-sharing supernets")
set(CPACK_PACKAGE_DESCRIPTION "Trains weight-sharing supernets, searches them under hardware limits and exports the winner.")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_FILE_NAME nas-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME nas_${PROJECT_VERSION}_amd64.deb)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${NAS_LIBTORCH}/lib)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS graphviz)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/BundleLibraries.cmake)
include(CPack)
