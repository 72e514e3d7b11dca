// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/jetstream/api_code.hpp>

#include <string>

namespace nats::obj {

/// What an error about a bucket's stream means.
[[nodiscard]] inline error bucket_error(const error& e, const std::string& name) {
    if (e == js::api_code::stream_not_found)
        return {errc::bucket_not_found, e.status(), '"' + name + '"', e.api_code()};
    return e;
}

} // namespace nats::obj
