// SPDX-License-Identifier: Apache-2.0
//
// What an account has of JetStream, and may have.

#pragma once

#include <natsproto/result.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace nats::js {

/// -1: no limit.
struct account_limits {
    account_limits() = default;

    std::int64_t max_memory = 0;
    std::int64_t max_storage = 0;
    std::int64_t max_streams = 0;
    std::int64_t max_consumers = 0;
    std::int64_t max_ack_pending = 0;
    std::int64_t memory_max_stream_bytes = 0;
    std::int64_t storage_max_stream_bytes = 0;
    bool max_bytes_required = false; ///< a stream must have a `max_bytes`

    friend bool operator==(const account_limits&, const account_limits&) = default;
};

/// Of the whole account, or of the streams with one number of replicas.
struct account_tier {
    account_tier() = default;

    std::uint64_t memory = 0; ///< bytes in use
    std::uint64_t storage = 0;
    std::uint64_t reserved_memory = 0;
    std::uint64_t reserved_storage = 0;
    std::uint64_t streams = 0;
    std::uint64_t consumers = 0;
    account_limits limits;

    friend bool operator==(const account_tier&, const account_tier&) = default;
};

struct api_stats {
    api_stats() = default;

    std::uint32_t level = 0; ///< what the server's API can do: 1 from 2.11 on, 2 from 2.12 on
    std::uint64_t total = 0; ///< requests
    std::uint64_t errors = 0;
    std::uint64_t inflight = 0;

    friend bool operator==(const api_stats&, const api_stats&) = default;
};

struct account_info : account_tier {
    account_info() = default;

    std::string domain;
    api_stats api;
    std::map<std::string, account_tier, std::less<>> tiers; ///< by their names: "R1", "R3"

    friend bool operator==(const account_info&, const account_info&) = default;
};

[[nodiscard]] result<void> decode(std::string_view json, account_info& into);
[[nodiscard]] result<std::string> to_json(const account_info& i);

} // namespace nats::js
