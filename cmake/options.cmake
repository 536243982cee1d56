# Language level, warnings, sanitizers and linker; litestream_options carries what a target must link.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(BUILD_SHARED_LIBS "Build libreplica and libcontrol as shared libraries" OFF)
option(LITESTREAM_WERROR "Warnings are errors" OFF)
set(LITESTREAM_SANITIZE "" CACHE STRING "Comma list for -fsanitize=, e.g. address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# What the tests run: optimised, with assertions (no NDEBUG), and only the debug information a backtrace needs.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -D_GLIBCXX_ASSERTIONS")

add_library(litestream_options INTERFACE)
target_compile_options(litestream_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
  -fstack-protector-strong $<$<CONFIG:Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlaps in std::string's operator+ that are not there (GCC bug 105329).
  target_compile_options(litestream_options INTERFACE -Wno-restrict)
endif()
if(LITESTREAM_WERROR)
  target_compile_options(litestream_options INTERFACE -Werror)
endif()
if(LITESTREAM_SANITIZE)
  target_compile_options(litestream_options INTERFACE
    -fsanitize=${LITESTREAM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(litestream_options INTERFACE -fsanitize=${LITESTREAM_SANITIZE})
endif()

# A fast linker where there is one; the result is the same without.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  find_program(MOLD mold)
  if(MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(LLD NAMES ld.lld-19 ld.lld)
  if(LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
