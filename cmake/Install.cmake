# SPDX-License-Identifier: Apache-2.0
#
# Install rules: libraries, headers, CMake package, pkg-config file, command line tool.

include(CMakePackageConfigHelpers)

set(natsproto_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/natsproto")

set(natsproto_libraries natsproto_core natsproto_blocking natsproto_broker natsproto_tcp)
foreach(optional IN ITEMS natsproto_openssl natsproto_asio)
  if(TARGET ${optional})
    list(APPEND natsproto_libraries ${optional})
  endif()
endforeach()
install(
  TARGETS ${natsproto_libraries}
  EXPORT natsprotoTargets
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET natsproto_cli)
  install(TARGETS natsproto_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

install(
  EXPORT natsprotoTargets
  NAMESPACE natsproto::
  DESTINATION "${natsproto_cmake_dir}")

# A static library needs its private dependencies when it is linked, a shared one only its public headers.
if(BUILD_SHARED_LIBS)
  set(natsproto_boost_components "")
else()
  set(natsproto_boost_components "COMPONENTS json url")
endif()
set(natsproto_find_openssl "")
if(TARGET natsproto_openssl AND NOT BUILD_SHARED_LIBS)
  set(natsproto_find_openssl "find_dependency(OpenSSL 3.0 COMPONENTS SSL Crypto)")
endif()
set(natsproto_find_threads "")
if(TARGET natsproto_asio)
  set(natsproto_find_threads "find_dependency(Threads)")
endif()
configure_package_config_file(cmake/natsprotoConfig.cmake.in "${PROJECT_BINARY_DIR}/natsprotoConfig.cmake"
                              INSTALL_DESTINATION "${natsproto_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/natsprotoConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/natsprotoConfig.cmake" "${PROJECT_BINARY_DIR}/natsprotoConfigVersion.cmake"
        DESTINATION "${natsproto_cmake_dir}")

# pkg-config: the prefix follows from the place of the .pc file, so that an installed tree can be moved.
set(natsproto_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(natsproto_pc_prefix "${CMAKE_INSTALL_PREFIX}")
  set(natsproto_pc_libdir "${CMAKE_INSTALL_LIBDIR}")
else()
  file(RELATIVE_PATH natsproto_pc_up "/prefix/${natsproto_pc_dir}" "/prefix")
  string(REGEX REPLACE "/$" "" natsproto_pc_up "${natsproto_pc_up}")
  set(natsproto_pc_prefix "\${pcfiledir}/${natsproto_pc_up}")
  set(natsproto_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(natsproto_pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(natsproto_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
set(natsproto_pc_libs "-lnatsproto_tcp -lnatsproto_broker -lnatsproto_blocking -lnatsproto_core")
set(natsproto_pc_cflags "")
set(natsproto_pc_private "-lboost_json -lboost_url")
if(TARGET natsproto_asio)
  # Asio locks, and resolves names in a thread.
  string(PREPEND natsproto_pc_libs "-lnatsproto_asio ")
  string(APPEND natsproto_pc_libs " -pthread")
  string(APPEND natsproto_pc_cflags " -pthread")
  if(NATSPROTO_ASIO_HANDLER_TRACKING)
    string(APPEND natsproto_pc_cflags " -DBOOST_ASIO_ENABLE_HANDLER_TRACKING=1")
  endif()
endif()
if(TARGET natsproto_openssl)
  string(REPLACE "-lnatsproto_core" "-lnatsproto_openssl -lnatsproto_core" natsproto_pc_libs "${natsproto_pc_libs}")
  string(APPEND natsproto_pc_private " -lssl -lcrypto")
endif()
if(BUILD_SHARED_LIBS)
  set(natsproto_pc_libs_private "${natsproto_pc_private}")
else()
  string(APPEND natsproto_pc_libs " ${natsproto_pc_private}")
  set(natsproto_pc_libs_private "")
endif()
configure_file(cmake/natsproto.pc.in "${PROJECT_BINARY_DIR}/natsproto.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/natsproto.pc" DESTINATION "${natsproto_pc_dir}")

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
