# One library target per folder: nas_library(name SOURCES ... LINKS ... [PRIVATE_LINKS ...]).
# The folder rules of the design are checked by the linker: a folder sees only what it links.
find_program(NAS_CCACHE ccache)
if(NAS_CCACHE)
  # Without these it does not keep what was compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${NAS_CCACHE})
endif()

add_compile_options(-Wall -Wextra -fPIC)
# GCC 12 sees overlapping copies in std::string at -O3 that are none (GCC bug 105329).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)
endif()
if(NAS_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(NAS_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  # Eigen aligns what it allocates by hand under ASan, and Debian's libpagmo, which is built without, frees it as is.
  add_compile_definitions(EIGEN_MALLOC_ALREADY_ALIGNED=1)
  add_link_options(-fsanitize=address,undefined)
endif()
if(NAS_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

function(nas_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(nas_${name} STATIC ${ARG_SOURCES})
  add_library(nas::${name} ALIAS nas_${name})
  target_include_directories(nas_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(nas_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()
