// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for publishing into streams.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/publish_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <string_view>
#include <utility>

namespace nats::js {

template <class Jetstream>
class publish_calls {
public:
    /// Publishes, and waits until the message is stored: a `pub_ack`. Copies its arguments. Errors:
    /// those of `append_headers` and of a publish, and nothing was sent; `no_stream_response`;
    /// `jetstream_error` with the server's number, such as `api_code::wrong_last_sequence`;
    /// `timeout` and `connection_closed`, and then it may be stored or not.
    template <class... Token>
    auto publish(std::string_view subject, bytes payload = {}, const publish_options& o = {},
                 Token&&... token) {
        return self().client().run(
            [r = publish_request::make(subject, payload, o)](runtime& rt) mutable {
                return js::publish(rt, std::move(r));
            },
            std::forward<Token>(token)...);
    }

private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
};

} // namespace nats::js
