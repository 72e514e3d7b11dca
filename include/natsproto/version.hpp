// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The version of the headers. CMake refuses to configure when it differs from the project's.

#include <string_view>

#define NATSPROTO_VERSION_MAJOR 0
#define NATSPROTO_VERSION_MINOR 1
#define NATSPROTO_VERSION_PATCH 0

#define NATSPROTO_DETAIL_JOIN_VERSION_(major, minor, patch) #major "." #minor "." #patch
#define NATSPROTO_DETAIL_JOIN_VERSION(major, minor, patch) \
    NATSPROTO_DETAIL_JOIN_VERSION_(major, minor, patch)

/// "major.minor.patch" as a string literal.
#define NATSPROTO_VERSION_STRING                                                    \
    NATSPROTO_DETAIL_JOIN_VERSION(NATSPROTO_VERSION_MAJOR, NATSPROTO_VERSION_MINOR, \
                                  NATSPROTO_VERSION_PATCH)

namespace nats {

/// The version as "major.minor.patch".
inline constexpr std::string_view version = NATSPROTO_VERSION_STRING;

} // namespace nats
