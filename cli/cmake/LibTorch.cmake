# LibTorch as an imported target: libc10 and libtorch_cpu by name. find_package(Torch) of the
# official wheel insists on an installed CUDA toolkit, which a CPU machine does not have.
# NAS_LIBTORCH=DIR (cache variable or environment) names an unpacked LibTorch or an installed
# Python package `torch` (its folder, with include/ and lib/), 2.6 or newer.
set(NAS_LIBTORCH_MINIMUM 2.6)
if(NOT NAS_LIBTORCH)
  if(DEFINED ENV{NAS_LIBTORCH} AND NOT "$ENV{NAS_LIBTORCH}" STREQUAL "")
    set(NAS_LIBTORCH $ENV{NAS_LIBTORCH})
  else()
    set(_nas_cache $ENV{XDG_CACHE_HOME})
    if(NOT _nas_cache)
      set(_nas_cache $ENV{HOME}/.cache)
    endif()
    set(NAS_LIBTORCH ${_nas_cache}/nas/libtorch-2.11.0/torch)
  endif()
endif()
set(NAS_LIBTORCH ${NAS_LIBTORCH} CACHE PATH "Unpacked LibTorch (or Python torch package) folder" FORCE)
if(NOT EXISTS ${NAS_LIBTORCH}/lib/libtorch_cpu.so OR NOT EXISTS ${NAS_LIBTORCH}/include/torch/csrc/api/include/torch/version.h)
  message(FATAL_ERROR "No LibTorch in '${NAS_LIBTORCH}' (looked for lib/libtorch_cpu.so and the headers "
    "in include/torch). Run './dev setup', or name one with NAS_LIBTORCH=DIR.")
endif()
# Up to 2.9 the numbers stand in the C++ API's header, later in the header-only part.
set(_nas_version_h ${NAS_LIBTORCH}/include/torch/headeronly/version.h)
if(NOT EXISTS ${_nas_version_h})
  set(_nas_version_h ${NAS_LIBTORCH}/include/torch/csrc/api/include/torch/version.h)
endif()
file(STRINGS ${_nas_version_h} _nas_version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" NAS_LIBTORCH_VERSION "${_nas_version_lines}")
if(NAS_LIBTORCH_VERSION VERSION_LESS NAS_LIBTORCH_MINIMUM)
  message(FATAL_ERROR "LibTorch in '${NAS_LIBTORCH}' is ${NAS_LIBTORCH_VERSION}; ${NAS_LIBTORCH_MINIMUM} or newer is needed.")
endif()
message(STATUS "LibTorch ${NAS_LIBTORCH_VERSION}: ${NAS_LIBTORCH}")

add_library(nas_libtorch INTERFACE)
add_library(nas::libtorch ALIAS nas_libtorch)
target_include_directories(nas_libtorch SYSTEM INTERFACE
  ${NAS_LIBTORCH}/include ${NAS_LIBTORCH}/include/torch/csrc/api/include)
target_link_libraries(nas_libtorch INTERFACE ${NAS_LIBTORCH}/lib/libtorch_cpu.so ${NAS_LIBTORCH}/lib/libc10.so)
if(NAS_PACKAGE)
  target_compile_options(nas_libtorch INTERFACE
    -fmacro-prefix-map=${NAS_LIBTORCH}=libtorch -fmacro-prefix-map=${PROJECT_SOURCE_DIR}=nas)
endif()
# CMake itself adds the run path of the build tree, and replaces it on installing.
target_link_options(nas_libtorch INTERFACE "LINKER:--disable-new-dtags")
