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

# Half of what a source takes to compile is its headers: with NAS_UNITY those of a room (a folder with
# what lies below it) are compiled together, 8 at a time, which halves the time of a build from nothing. By room, so
# that a new file disturbs its neighbours alone; there two helpers of one name are one helper too many. Files that have
# `Options` or a `Section` of their own (commands, strategies, samplers) are alike on purpose and stay alone.
function(nas_compile_together target)
  if(NOT NAS_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # GCC takes a class of an included source for one of a header, which must not hold anything anonymous.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(IS_ABSOLUTE ${source} OR NOT source MATCHES "[.]cpp$")
      continue()
    endif()
    file(STRINGS ${source} alone REGEX "^struct (Options|Section) " LIMIT_COUNT 1)
    if(alone)
      continue()
    endif()
    string(REGEX MATCH "^[^/]+/" room "${source}")
    string(MAKE_C_IDENTIFIER "${target}_${room}" room)
    if(NOT DEFINED number_${room})
      set(number_${room} 0)
    endif()
    math(EXPR part "${number_${room}} / 8")
    math(EXPR number_${room} "${number_${room}} + 1")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${room}_${part})
  endforeach()
endfunction()

function(nas_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(nas_${name} STATIC ${ARG_SOURCES})
  add_library(nas::${name} ALIAS nas_${name})
  target_include_directories(nas_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(nas_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  nas_compile_together(nas_${name})
endfunction()
