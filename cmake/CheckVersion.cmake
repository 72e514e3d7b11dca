# SPDX-License-Identifier: Apache-2.0
#
# The version stands twice: in project() and, for code, in <natsproto/version.hpp>. Refuse to configure when they differ.

set(natsproto_version_header "${PROJECT_SOURCE_DIR}/include/natsproto/version.hpp")
set_property(
  DIRECTORY
  APPEND
  PROPERTY CMAKE_CONFIGURE_DEPENDS "${natsproto_version_header}")
file(READ "${natsproto_version_header}" natsproto_version_text)

set(natsproto_header_version "")
foreach(part IN ITEMS MAJOR MINOR PATCH)
  if(NOT natsproto_version_text MATCHES "#define NATSPROTO_VERSION_${part} ([0-9]+)")
    message(FATAL_ERROR "${natsproto_version_header} does not define NATSPROTO_VERSION_${part}")
  endif()
  list(APPEND natsproto_header_version "${CMAKE_MATCH_1}")
endforeach()
list(JOIN natsproto_header_version "." natsproto_header_version)

if(NOT natsproto_header_version STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "include/natsproto/version.hpp says ${natsproto_header_version}, "
                      "project() says ${PROJECT_VERSION}: change them together")
endif()
