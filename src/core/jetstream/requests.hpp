// SPDX-License-Identifier: Apache-2.0
//
// What encoders of requests share.

#pragma once

#include <natsproto/jetstream/api.hpp>

#include "core/jetstream/writer.hpp"

#include <utility>

namespace nats::js {

/// A request whose body is an object with what `write(writer&)` adds; none if that is nothing.
template <class Write>
result<api_request> make_request(const context& c, std::string name, Write write) {
    codec::writer w;
    w.open();
    write(w);
    w.end();
    result<std::string> body = w.take();
    if (!body) return body.error();
    if (*body == "{}") body->clear();
    return api_request(c, name, std::move(*body));
}

/// The same about a stream, whose name is checked: `verb` ends in a dot, as in `STREAM.INFO.`.
template <class Write>
result<api_request> make_stream_request(const context& c, std::string_view verb,
                                        std::string_view stream, Write write) {
    if (result<void> ok = check_name("stream", stream); !ok) return ok.error();
    return make_request(c, std::string(verb) + std::string(stream), write);
}

/// The same about a consumer.
template <class Write>
result<api_request> make_consumer_request(const context& c, std::string_view verb,
                                          std::string_view stream, std::string_view consumer,
                                          Write write) {
    if (result<void> ok = check_name("stream", stream); !ok) return ok.error();
    if (result<void> ok = check_name("consumer", consumer); !ok) return ok.error();
    return make_request(c, std::string(verb) + std::string(stream) + '.' + std::string(consumer),
                        write);
}

inline constexpr auto without_body = [](codec::writer&) {};

/// Who is to lead then.
[[nodiscard]] inline auto preferring(std::string_view preferred) {
    return [preferred](codec::writer& w) {
        if (preferred.empty()) return;
        w.open("placement");
        w.always("preferred", preferred);
        w.end();
    };
}

} // namespace nats::js
