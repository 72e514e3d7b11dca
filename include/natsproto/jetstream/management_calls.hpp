// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for streams, consumers and the account.
//
// Errors of every call: what is wrong with its arguments, before anything is sent, such as
// `invalid_name`; `timeout` after the context's; `jetstream_not_enabled`; `jetstream_error`, with
// the server's number in `error::api_code()`, to be compared with `js::api_code`; and
// `invalid_response`. An error of a call that changes something leaves open whether it was done if
// it is `timeout` or about the connection. Text is copied, where it is needed later.

#pragma once

#include <natsproto/jetstream/consumer_requests.hpp>
#include <natsproto/jetstream/stream_requests.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nats::js {

template <class Jetstream>
class management_calls {
public:
    /// What the account uses and may use: `js::account_info`.
    template <class... Token>
    auto account_info(Token&&... token) {
        return ask<js::account_info>(encode_account_info(context_now()),
                                     std::forward<Token>(token)...);
    }

    // --- streams

    /// Makes a stream; one that is there with the same configuration is as good. `stream_info`.
    /// Errors: the API's `stream_name_in_use`; `filters_not_taken` when a server older than 2.10
    /// has left out a subject transform; the stream is there then.
    template <class... Token>
    auto create_stream(stream_config config, Token&&... token) {
        return run(
            [c = context_now(), s = std::move(config)](runtime& rt) mutable {
                return js::create_stream(rt, std::move(c), std::move(s));
            },
            std::forward<Token>(token)...);
    }
    /// Changes a stream to this configuration as a whole: begin with that of `stream_info`.
    template <class... Token>
    auto update_stream(stream_config config, Token&&... token) {
        return run(
            [c = context_now(), s = std::move(config)](runtime& rt) mutable {
                return js::update_stream(rt, std::move(c), std::move(s));
            },
            std::forward<Token>(token)...);
    }
    template <class... Token>
    auto create_or_update_stream(stream_config config, Token&&... token) {
        return run(
            [c = context_now(), s = std::move(config)](runtime& rt) mutable {
                return js::create_or_update_stream(rt, std::move(c), std::move(s));
            },
            std::forward<Token>(token)...);
    }
    /// Configuration and state. With a filter for subjects it may take several requests.
    template <class... Token>
    auto stream_info(std::string_view stream, const stream_info_options& o = {}, Token&&... token) {
        return run(
            [c = context_now(), name = std::string(stream), deleted = o.deleted_details,
             filter = std::string(o.subjects_filter)](runtime& rt) mutable {
                return js::get_stream_info(rt, std::move(c), std::move(name), deleted,
                                           std::move(filter));
            },
            std::forward<Token>(token)...);
    }
    template <class... Token>
    auto delete_stream(std::string_view stream, Token&&... token) {
        return ask<done>(encode_delete_stream(context_now(), stream),
                         std::forward<Token>(token)...);
    }
    /// All streams, or those that listen to what `subject` matches: `std::vector<stream_info>`. Of
    /// a cluster those are left out whose servers do not answer; `stream_names` has them.
    template <class... Token>
    auto streams(std::string_view subject = {}, Token&&... token) {
        return run(
            [c = context_now(), s = std::string(subject)](runtime& rt) mutable {
                return js::list_streams(rt, std::move(c), std::move(s));
            },
            std::forward<Token>(token)...);
    }
    /// Their names only: `std::vector<std::string>`.
    template <class... Token>
    auto stream_names(std::string_view subject = {}, Token&&... token) {
        return run(
            [c = context_now(), s = std::string(subject)](runtime& rt) mutable {
                return js::list_stream_names(rt, std::move(c), std::move(s));
            },
            std::forward<Token>(token)...);
    }
    /// The name of the stream that listens to `subject`. Errors: the API's `stream_not_found`.
    template <class... Token>
    auto stream_name_by_subject(std::string_view subject, Token&&... token) {
        return run(
            [c = context_now(), s = std::string(subject)](runtime& rt) mutable {
                return js::find_stream_name(rt, std::move(c), std::move(s));
            },
            std::forward<Token>(token)...);
    }
    /// Removes messages: `purge_count`.
    template <class... Token>
    auto purge_stream(std::string_view stream, const purge_options& o = {}, Token&&... token) {
        return ask<purge_count>(encode_purge_stream(context_now(), stream, o),
                                std::forward<Token>(token)...);
    }
    /// Nothing can be added or removed any more, for good: `stream_info`.
    template <class... Token>
    auto seal_stream(std::string_view stream, Token&&... token) {
        return run(
            [c = context_now(), name = std::string(stream)](runtime& rt) mutable {
                return js::seal_stream(rt, std::move(c), std::move(name));
            },
            std::forward<Token>(token)...);
    }
    /// Of a cluster: has another server lead, `preferred` if it is given (2.11).
    template <class... Token>
    auto step_down_stream(std::string_view stream, std::string_view preferred = {},
                          Token&&... token) {
        return ask<done>(encode_step_down_stream(context_now(), stream, preferred),
                         std::forward<Token>(token)...);
    }
    /// Of a cluster: the server of this name keeps the stream no longer, and another one does.
    template <class... Token>
    auto remove_peer(std::string_view stream, std::string_view peer, Token&&... token) {
        return ask<done>(encode_remove_peer(context_now(), stream, peer),
                         std::forward<Token>(token)...);
    }

    // --- messages of a stream

    /// The message with this number: `stored_message`. Asks the stream's leader. Errors: the API's
    /// `message_not_found`.
    template <class... Token>
    auto get_message(std::string_view stream, std::uint64_t seq, Token&&... token) {
        return ask<stored_message>(encode_get_message(context_now(), stream, seq),
                                   std::forward<Token>(token)...);
    }
    /// The last one of a subject, which may hold wildcards.
    template <class... Token>
    auto get_last_message(std::string_view stream, std::string_view subject, Token&&... token) {
        return ask<stored_message>(encode_get_last_message(context_now(), stream, subject),
                                   std::forward<Token>(token)...);
    }
    /// The first one of a subject, which may hold wildcards, from `seq` on.
    template <class... Token>
    auto get_next_message(std::string_view stream, std::string_view subject, std::uint64_t seq,
                          Token&&... token) {
        return ask<stored_message>(encode_get_next_message(context_now(), stream, subject, seq),
                                   std::forward<Token>(token)...);
    }
    template <class... Token>
    auto delete_message(std::string_view stream, std::uint64_t seq, Token&&... token) {
        return ask<done>(encode_delete_message(context_now(), stream, seq, false),
                         std::forward<Token>(token)...);
    }
    /// The same, and its bytes are overwritten where it was stored, which takes longer.
    template <class... Token>
    auto erase_message(std::string_view stream, std::uint64_t seq, Token&&... token) {
        return ask<done>(encode_delete_message(context_now(), stream, seq, true),
                         std::forward<Token>(token)...);
    }

    // --- consumers

    /// Makes a consumer: `consumer_info`. It gets a new name if it has none; one that is there with
    /// the same configuration is as good. Errors: the API's `consumer_exists` (servers before 2.10
    /// change it instead); `filters_not_taken` when such a server has left out `filter_subjects`;
    /// the consumer is there then, and gets everything.
    template <class... Token>
    auto create_consumer(std::string_view stream, consumer_config config, Token&&... token) {
        return make_consumer(stream, std::move(config), consumer_action::create,
                             std::forward<Token>(token)...);
    }
    /// Changes a consumer to this configuration as a whole: begin with that of `consumer_info`.
    /// Errors: the API's `consumer_does_not_exist` (servers before 2.10 create it instead).
    template <class... Token>
    auto update_consumer(std::string_view stream, consumer_config config, Token&&... token) {
        return make_consumer(stream, std::move(config), consumer_action::update,
                             std::forward<Token>(token)...);
    }
    template <class... Token>
    auto create_or_update_consumer(std::string_view stream, consumer_config config,
                                   Token&&... token) {
        return make_consumer(stream, std::move(config), consumer_action::create_or_update,
                             std::forward<Token>(token)...);
    }
    template <class... Token>
    auto consumer_info(std::string_view stream, std::string_view consumer, Token&&... token) {
        return ask<js::consumer_info>(encode_consumer_info(context_now(), stream, consumer),
                                      std::forward<Token>(token)...);
    }
    template <class... Token>
    auto delete_consumer(std::string_view stream, std::string_view consumer, Token&&... token) {
        return ask<done>(encode_delete_consumer(context_now(), stream, consumer),
                         std::forward<Token>(token)...);
    }
    /// All of a stream: `std::vector<consumer_info>`; as `streams` in a cluster.
    template <class... Token>
    auto consumers(std::string_view stream, Token&&... token) {
        return run(
            [c = context_now(), name = std::string(stream)](runtime& rt) mutable {
                return js::list_consumers(rt, std::move(c), std::move(name));
            },
            std::forward<Token>(token)...);
    }
    template <class... Token>
    auto consumer_names(std::string_view stream, Token&&... token) {
        return run(
            [c = context_now(), name = std::string(stream)](runtime& rt) mutable {
                return js::list_consumer_names(rt, std::move(c), std::move(name));
            },
            std::forward<Token>(token)...);
    }
    /// It delivers nothing until then: `pause_state` (2.11).
    template <class... Token>
    auto pause_consumer(std::string_view stream, std::string_view consumer, wall_time until,
                        Token&&... token) {
        return ask<pause_state>(encode_pause_consumer(context_now(), stream, consumer, until),
                                std::forward<Token>(token)...);
    }
    template <class... Token>
    auto resume_consumer(std::string_view stream, std::string_view consumer, Token&&... token) {
        return ask<pause_state>(encode_pause_consumer(context_now(), stream, consumer, {}),
                                std::forward<Token>(token)...);
    }
    /// Whoever is pinned in that priority group is no longer, and somebody else can be (2.11).
    template <class... Token>
    auto unpin_consumer(std::string_view stream, std::string_view consumer, std::string_view group,
                        Token&&... token) {
        return ask<done>(encode_unpin_consumer(context_now(), stream, consumer, group),
                         std::forward<Token>(token)...);
    }
    /// Delivers once more from `seq` on, or from what was acknowledged: `consumer_info` (2.14).
    template <class... Token>
    auto reset_consumer(std::string_view stream, std::string_view consumer, std::uint64_t seq = 0,
                        Token&&... token) {
        return ask<js::consumer_info>(encode_reset_consumer(context_now(), stream, consumer, seq),
                                      std::forward<Token>(token)...);
    }
    /// As `step_down_stream`.
    template <class... Token>
    auto step_down_consumer(std::string_view stream, std::string_view consumer,
                            std::string_view preferred = {}, Token&&... token) {
        return ask<done>(encode_step_down_consumer(context_now(), stream, consumer, preferred),
                         std::forward<Token>(token)...);
    }

private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
    [[nodiscard]] const context& context_now() noexcept { return self().settings(); }
    template <class T, class... Token>
    auto ask(result<api_request> r, Token&&... token) {
        return self().template call<T>(std::move(r), std::forward<Token>(token)...);
    }
    template <class Make, class... Token>
    auto run(Make make, Token&&... token) {
        return self().client().run(std::move(make), std::forward<Token>(token)...);
    }
    template <class... Token>
    auto make_consumer(std::string_view stream, consumer_config config, consumer_action action,
                       Token&&... token) {
        return run(
            [c = context_now(), name = std::string(stream), config = std::move(config),
             action](runtime& rt) mutable {
                return js::create_consumer(rt, std::move(c), std::move(name), std::move(config),
                                           action);
            },
            std::forward<Token>(token)...);
    }
};

} // namespace nats::js
