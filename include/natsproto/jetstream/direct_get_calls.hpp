// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for reading stored messages without a consumer and without the
// stream's leader: see direct_get.hpp. The stream must have `allow_direct`.
//
// Errors of every call: `message_not_found`; `no_responders`, or `timeout` with servers before
// 2.10, from a stream that is not there or does not allow it; `invalid_argument` with status 408
// for what the server does not understand; those of the arguments; `invalid_response`.

#pragma once

#include <natsproto/jetstream/direct_get.hpp>
#include <natsproto/jetstream/wall_time.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::js {

template <class Jetstream>
class direct_get_calls {
public:
    /// The message with this sequence: a `stored_message`.
    template <class... Token>
    auto direct_get(std::string_view stream, std::uint64_t sequence,
                    const direct_get_options& o = {}, Token&&... token) {
        return get_one(encode_direct_get(self().settings(), stream, sequence, o), o,
                       std::forward<Token>(token)...);
    }
    /// The last message of a subject, which may have wildcards: a `stored_message`.
    template <class... Token>
    auto direct_get_last(std::string_view stream, std::string_view subject,
                         const direct_get_options& o = {}, Token&&... token) {
        return get_one(encode_direct_last(self().settings(), stream, subject, o), o,
                       std::forward<Token>(token)...);
    }
    /// The first message that the options describe: a `stored_message`.
    template <class... Token>
    auto direct_get_next(std::string_view stream, const direct_next_options& o = {},
                         Token&&... token) {
        return get_one(encode_direct_next(self().settings(), stream, o), {},
                       std::forward<Token>(token)...);
    }
    /// Many messages with one request (2.11): a `direct_batch`. An older server sends one message,
    /// and `single` is set. To go on, ask again from `last_sequence + 1`.
    template <class... Token>
    auto direct_get_batch(std::string_view stream, const direct_batch_options& o = {},
                          Token&&... token) {
        return self().client().run(
            [r = encode_direct_batch(self().settings(), stream, o), most = o.batch](
                runtime& rt) mutable { return get_direct_batch(rt, std::move(r), most); },
            std::forward<Token>(token)...);
    }
    /// The last message of each subject that is in `subjects` or matched by one of them, all as of
    /// one moment (2.11): a `direct_batch`. `jetstream_error` with status 413 for more than 1024.
    template <class... Token>
    auto direct_get_last_for(std::string_view stream, std::vector<std::string> subjects,
                             const direct_last_options& o = {}, Token&&... token) {
        return self().client().run(
            [c = self().settings(), name = std::string(stream), s = std::move(subjects),
             o](runtime& rt) mutable {
                return get_direct_last_for(rt, std::move(c), std::move(name), std::move(s), o);
            },
            std::forward<Token>(token)...);
    }

private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
    template <class... Token>
    auto get_one(result<api_request> r, const direct_get_options& o, Token&&... token) {
        return self().client().run(
            [r = std::move(r), o](runtime& rt) mutable {
                return js::direct_get(rt, std::move(r), o);
            },
            std::forward<Token>(token)...);
    }
};

} // namespace nats::js
