// SPDX-License-Identifier: Apache-2.0
//
// What buckets of keys and of objects have in common, which are streams both.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/jetstream/api_code.hpp>

#include <string>
#include <string_view>

namespace nats::js {

/// What an error about a bucket's stream means. It has the bucket's code alone, and not the
/// server's number, which would be what `std::error_code`s have.
[[nodiscard]] inline error bucket_error(const error& e, const std::string& name) {
    if (e == api_code::stream_not_found)
        return {errc::bucket_not_found, '"' + printable(name) + '"'};
    if (e == api_code::stream_name_in_use)
        return {errc::bucket_exists, '"' + printable(name) + "\" with another configuration"};
    return e;
}

/// Whether a member of a stream's metadata is of the server (2.12), which knows it better.
[[nodiscard]] inline bool is_of_server(std::string_view key) noexcept {
    return key.starts_with("_nats.");
}

} // namespace nats::js
