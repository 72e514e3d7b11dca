// SPDX-License-Identifier: Apache-2.0
//
// A request to a service's endpoint, as its handler sees it, on any client.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/services/responses.hpp>
#include <natsproto/services/service_error.hpp>
#include <natsproto/services/service_state.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nats {

/// Borrowed: what it shows of the request lives until the handler returns or makes a waiting call.
/// Answering works as long as the handler runs.
template <class Handle>
class basic_service_request {
public:
    basic_service_request(const message_view& m, Handle client, services::request_record& record)
        : view_(m), reply_(m.reply), client_(std::move(client)), record_(&record) {}

    [[nodiscard]] std::string_view subject() const noexcept { return view_.subject; }
    [[nodiscard]] std::string_view reply() const noexcept { return reply_; }
    [[nodiscard]] header_view headers() const noexcept { return view_.headers; }
    [[nodiscard]] std::string_view payload() const noexcept { return view_.payload; }
    [[nodiscard]] std::span<const std::byte> payload_bytes() const noexcept {
        return view_.payload_bytes();
    }
    [[nodiscard]] const message_view& view() const noexcept { return view_; }

    /// Answers. There may be several answers, if who asked wants that. Errors: `no_reply` for a
    /// request that expects none, and those of a publish.
    result<void> respond(bytes payload = {}, header_view with = {}) {
        if (reply_.empty()) return error{errc::no_reply};
        result<void> sent = client_.publish(reply_, payload, {.reply = {}, .headers = with});
        if (sent) record_->answered = true;
        return sent;
    }
    /// The same with JSON as text: `invalid_argument` for what is none.
    result<void> respond_json(std::string_view json, header_view with = {}) {
        if (!services::is_json(json)) return error{errc::invalid_argument, "not JSON"};
        return respond(json, with);
    }
    /// The same with what a `serialize` found by its type makes text of, such as
    /// `boost::json::value`.
    template <class Value>
        requires(!std::convertible_to<const Value&, std::string_view>) &&
                requires(const Value& v) { std::string(serialize(v)); }
    result<void> respond_json(const Value& value, header_view with = {}) {
        const std::string text(serialize(value));
        return respond(text, with);
    }
    /// Answers that it has failed; counts as an error, also when it cannot be sent. `code`: by the
    /// habit of HTTP. Errors: `invalid_argument` for code 0 and an empty description,
    /// `invalid_header` for one with a line break; those of `respond`.
    result<void> respond_error(std::uint16_t code, std::string_view description, bytes payload = {},
                               header_view with = {}) {
        const result<nats::headers> h = services::error_headers(code, description, with);
        if (!h) return h.error();
        record_->failure = std::to_string(code) + ':' + std::string(description);
        return respond(payload, h->view());
    }

private:
    message_view view_;
    std::string reply_; ///< the view may end before the answer
    Handle client_;
    services::request_record* record_;
};

/// The same, owning: for handlers that go on after they have waited. Movable.
template <class Handle>
class basic_service_call : public basic_service_request<Handle> {
public:
    basic_service_call(message m, Handle client, std::shared_ptr<services::request_record> record)
        : basic_service_request<Handle>(m.view(), std::move(client), *record),
          message_(std::move(m)),
          record_(std::move(record)) {}

private:
    message message_; ///< which the base's views are of, wherever it moves
    std::shared_ptr<services::request_record> record_;
};

} // namespace nats
