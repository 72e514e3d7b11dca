// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for publishing into streams.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/basic_batch.hpp>
#include <natsproto/jetstream/basic_ingest.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/publish_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstddef>
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

    /// For publishing many messages without waiting for each: a `basic_js_publisher`, whose results
    /// `on_ack` gets, if it is given. Errors: `invalid_argument`.
    template <class Handler = std::nullptr_t>
    [[nodiscard]] auto make_publisher(const publisher_options& o = {}, Handler on_ack = {}) {
        using publisher = basic_js_publisher<typename Jetstream::handle_type>;
        return publisher::make(self().client(), o, std::move(on_ack));
    }

    /// For messages that are stored all together or not at all (2.12): a `basic_js_batch`.
    [[nodiscard]] auto make_batch() {
        return basic_js_batch<typename Jetstream::handle_type>(self().client());
    }

    /// For any number of messages of one stream, stored as they arrive at the speed that it can
    /// take (2.14): a `basic_js_ingest`. `on_warning` gets what went wrong and did not end it.
    /// Errors: `invalid_argument`.
    template <class Handler = std::nullptr_t>
    [[nodiscard]] auto make_ingest(const ingest_options& o = {}, Handler on_warning = {}) {
        using ingest = basic_js_ingest<typename Jetstream::handle_type>;
        return ingest::make(self().client(), o, std::move(on_warning));
    }

    /// Adds `n`, a whole number of any size such as `5` or `-12`, to the counter of a subject
    /// (2.12): a `std::string`, its value then. Errors: as of `publish`; `invalid_response` when
    /// the stream has no counters.
    template <class... Token>
    auto increment(std::string_view subject, std::string_view n, Token&&... token) {
        publish_options o;
        o.increment = n.empty() ? std::string_view(" ") : n; // which is refused
        return self().client().run(
            [r = publish_request::make(subject, {}, o)](runtime& rt) mutable {
                return js::increment(rt, std::move(r));
            },
            std::forward<Token>(token)...);
    }

private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
};

} // namespace nats::js
