# Both libraries as CMake package components and pkg-config modules. Headers go to include/litestream/{replica,control}:
# "replica" and "control" alone are too common for a directory that is shared with everybody.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Litestream)
set(header_dir ${CMAKE_INSTALL_INCLUDEDIR}/litestream)

# install_library(<target> <description> REQUIRES <pkg-config modules> LIBS <link flags without a module>
#   INTERFACE <link flags of what the public headers use>)
function(install_library target description)
  cmake_parse_arguments(ARG "" "" "REQUIRES;LIBS;INTERFACE" ${ARGN})
  # No promise about the binary interface before 1.0: every minor version is its own.
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  install(TARGETS ${target} EXPORT Litestream_${target}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${header_dir})
  install(EXPORT Litestream_${target} NAMESPACE Litestream:: DESTINATION ${package_dir})

  set(PC_NAME ${target})
  set(PC_DESCRIPTION ${description})
  list(JOIN ARG_REQUIRES ", " PC_REQUIRES)
  list(JOIN ARG_LIBS " " PC_LIBS)
  list(TRANSFORM ARG_INTERFACE PREPEND " " OUTPUT_VARIABLE PC_INTERFACE)
  list(JOIN PC_INTERFACE "" PC_INTERFACE)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/library.pc.in lib${target}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lib${target}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# libcurl by its name only: its module would ask for all that a static libcurl needs.
install_library(replica "Replicates SQLite databases to object stores and restores them"
  REQUIRES sqlite3 liblz4 pugixml libcrypto libssh libnats LIBS -lcurl -lboost_json -lboost_container -pthread)
install_library(control "JSON-RPC 2.0 control plane: codec, method table, server and client"
  REQUIRES libssl libcrypto INTERFACE -lboost_json LIBS -lboost_container -pthread)

configure_package_config_file(cmake/LitestreamConfig.cmake.in LitestreamConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(LitestreamConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/LitestreamConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/LitestreamConfigVersion.cmake
  DESTINATION ${package_dir})
