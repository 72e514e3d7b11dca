// SPDX-License-Identifier: Apache-2.0
//
// The numbers by which a JetStream server says what is wrong (its `err_code`). These are the ones
// that a program may want to tell apart; there are over 200 (server/errors.json of nats-server
// 2.15), and `error::api_code()` has whatever came.

#pragma once

#include <natsproto/error.hpp>

#include <cstdint>
#include <system_error>
#include <type_traits>

namespace nats::js {

enum class api_code : std::uint16_t {
    bad_request = 10003,
    temporarily_unavailable = 10008, ///< no leader now, usually
    consumer_name_exists = 10013,
    consumer_not_found = 10014,
    invalid_json = 10025, ///< also a field that the server does not know (2.12)
    max_consumers_reached = 10026,
    message_not_found = 10037,
    not_enabled_for_account = 10039,
    invalid_stream_config = 10052,
    stream_name_in_use = 10058, ///< with another configuration
    stream_not_found = 10059,
    wrong_stream = 10060, ///< the subject belongs to another one than was expected
    wrong_last_message_id = 10070,
    wrong_last_sequence = 10071,
    not_enabled = 10076,
    headers_too_large = 10097, ///< over 64 KiB
    stream_sealed = 10109,
    both_filters = 10136,
    filters_in_subject = 10137,
    overlapping_filters = 10138,
    consumer_exists = 10148,
    consumer_does_not_exist = 10149,
    pedantic = 10157,                     ///< the server would have corrected the configuration
    duplicate_in_process = 10158,         ///< see `pub_ack::duplicate`
    wrong_last_sequence_constant = 10164, ///< 10071 of a replicated stream
    invalid_ttl = 10165,
    ttl_disabled = 10166,
    too_many_requests = 10167,
    counter_disabled = 10168,
    counter_missing_increment = 10169,
    counter_with_payload = 10170,
    counter_invalid_increment = 10171,
    counter_broken = 10172,
    batch_disabled = 10174,
    batch_missing_sequence = 10175,
    batch_incomplete = 10176,
    batch_unsupported_header = 10177,
    required_api_level = 10185, ///< the server's is lower
    ingest_disabled = 10205,
    ingest_invalid_pattern = 10206,
    ingest_invalid_id = 10207,
    ingest_unknown_id = 10208, ///< the server has forgotten it
};

/// The category of `api_code`, named "nats.jetstream".
[[nodiscard]] const std::error_category& api_category() noexcept;
[[nodiscard]] std::error_code make_error_code(api_code) noexcept;

[[nodiscard]] inline bool operator==(const error& e, api_code c) noexcept {
    return e.api_code() == static_cast<std::uint16_t>(c);
}

} // namespace nats::js

template <>
struct std::is_error_code_enum<nats::js::api_code> : std::true_type {};
