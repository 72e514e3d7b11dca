// SPDX-License-Identifier: Apache-2.0
//
// Requests to JetStream's API about consumers: as stream_requests.hpp.

#pragma once

#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/consumer_config.hpp>
#include <natsproto/jetstream/consumer_info.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::js {

/// What the server is to do when the consumer is there already, or is not (2.10; older servers
/// always create or update).
enum class consumer_action : std::uint8_t { create, update, create_or_update };

/// Whether a consumer is paused.
struct pause_state {
    bool paused = false;
    std::optional<wall_time> pause_until;
    std::chrono::nanoseconds pause_remaining{};
};
[[nodiscard]] result<void> decode(std::string_view json, pause_state& into);

// --- one request

/// `consumer_info`. It must have a name, or be durable.
[[nodiscard]] result<api_request> encode_create_consumer(const context& c, std::string_view stream,
                                                         const consumer_config& config,
                                                         consumer_action action);
/// `consumer_info`
[[nodiscard]] result<api_request> encode_consumer_info(const context& c, std::string_view stream,
                                                       std::string_view consumer);
/// `done`
[[nodiscard]] result<api_request> encode_delete_consumer(const context& c, std::string_view stream,
                                                         std::string_view consumer);
/// `pause_state`. Without a time it goes on.
[[nodiscard]] result<api_request> encode_pause_consumer(const context& c, std::string_view stream,
                                                        std::string_view consumer,
                                                        std::optional<wall_time> until);
/// `done`
[[nodiscard]] result<api_request> encode_unpin_consumer(const context& c, std::string_view stream,
                                                        std::string_view consumer,
                                                        std::string_view group);
/// `consumer_info`. `seq` 0: where its acknowledgements have come to.
[[nodiscard]] result<api_request> encode_reset_consumer(const context& c, std::string_view stream,
                                                        std::string_view consumer,
                                                        std::uint64_t seq);
/// `done`
[[nodiscard]] result<api_request> encode_step_down_consumer(const context& c,
                                                            std::string_view stream,
                                                            std::string_view consumer,
                                                            std::string_view preferred = {});

// --- sequences

/// Makes up a name where there is none. Errors: also `filters_not_taken` when the server, older
/// than 2.10, has left out the several filters; the consumer is there then, and gets everything.
[[nodiscard]] op<result<consumer_info>> create_consumer(runtime& rt, context c, std::string stream,
                                                        consumer_config config,
                                                        consumer_action action);
/// Asks whether it still exists by an `encode_consumer_info`: `consumer_deleted` if the server says
/// that it does not, or its stream; empty in any other case, also if nobody answers.
[[nodiscard]] op<result<std::optional<error>>> find_loss(runtime& rt, api_request info);
[[nodiscard]] op<result<std::vector<consumer_info>>> list_consumers(runtime& rt, context c,
                                                                    std::string stream);
[[nodiscard]] op<result<std::vector<std::string>>> list_consumer_names(runtime& rt, context c,
                                                                       std::string stream);

} // namespace nats::js
