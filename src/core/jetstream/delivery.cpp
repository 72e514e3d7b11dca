// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: an acknowledgement is a publish to the reply subject with a short text. The
// server answers none of them unless it is asked to by a reply subject of our own, so mistakes have
// to be found here.

#include <natsproto/jetstream/delivery.hpp>

#include <chrono>

namespace nats::js {

std::string encode_nak(duration delay) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(delay).count();
    if (ns <= 0) return "-NAK";
    return "-NAK {\"delay\": " + std::to_string(ns) + '}';
}

std::string encode_terminate(std::string_view reason) {
    if (reason.empty()) return "+TERM";
    return "+TERM " + std::string(reason);
}

result<void> check_ack(const delivery& d, std::string_view reply) {
    if (reply.empty()) return error{errc::no_reply};
    if (!is_ack_subject(reply))
        return error{errc::not_jetstream, "reply subject \"" + printable(reply) + '"'};
    if (d.acknowledged()) return error{errc::already_acknowledged};
    return {};
}

} // namespace nats::js
