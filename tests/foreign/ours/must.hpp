// SPDX-License-Identifier: Apache-2.0
//
// What our programs do with an error that is not to be.

#pragma once

#include <natsproto/result.hpp>

#include <cstdlib>
#include <iostream>
#include <string_view>
#include <type_traits>
#include <utility>

/// Ends the program with the error, if it is one.
template <class T>
T must(nats::result<T> r, std::string_view what) {
    if (!r) {
        std::cerr << what << ": " << r.error().message() << '\n';
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) return std::move(*r);
}
