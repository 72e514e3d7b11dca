// SPDX-License-Identifier: Apache-2.0
//
// A message that a consumer has delivered, in two forms as `nats::message`: `js::message` owns its
// bytes, `js::message_view` borrows them and is what handlers get. Both know whether they were
// acknowledged. And what an acknowledgement says.

#pragma once

#include <natsproto/jetstream/metadata.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nats::js {

/// What acknowledging needs to know of a message.
class delivery {
public:
    /// Whether a final acknowledgement was sent: an `ack`, `nak` or `terminate`.
    [[nodiscard]] bool acknowledged() const noexcept { return acknowledged_; }
    /// For those who acknowledge by themselves.
    void set_acknowledged(bool sent = true) noexcept { acknowledged_ = sent; }

private:
    bool acknowledged_ = false;
};

/// Lives as long as the view that it was made of: in a handler, until that returns or waits.
class message_view : public delivery {
public:
    explicit message_view(const nats::message_view& m) noexcept : view_(m) {}
    message_view(const message_view&) = delete;
    message_view& operator=(const message_view&) = delete;

    [[nodiscard]] std::string_view subject() const noexcept { return view_.subject; }
    [[nodiscard]] std::string_view reply() const noexcept { return view_.reply; }
    [[nodiscard]] header_view headers() const noexcept { return view_.headers; }
    [[nodiscard]] std::string_view payload() const noexcept { return view_.payload; }
    [[nodiscard]] std::span<const std::byte> payload_bytes() const noexcept {
        return view_.payload_bytes();
    }
    [[nodiscard]] const nats::message_view& view() const noexcept { return view_; }
    /// Errors: `not_jetstream`.
    [[nodiscard]] result<js::metadata> metadata() const { return parse_metadata(view_.reply); }

private:
    nats::message_view view_;
};

/// Movable. Views of it live as long as it, or what it was moved to.
class message : public delivery {
public:
    message() noexcept = default; ///< no message
    explicit message(nats::message m) noexcept : message_(std::move(m)) {}
    explicit message(const nats::message_view& m) : message_(m) {}

    [[nodiscard]] std::string_view subject() const noexcept { return message_.subject(); }
    [[nodiscard]] std::string_view reply() const noexcept { return message_.reply(); }
    [[nodiscard]] header_view headers() const noexcept { return message_.headers(); }
    [[nodiscard]] std::string_view payload() const noexcept { return message_.payload(); }
    [[nodiscard]] std::span<const std::byte> payload_bytes() const noexcept {
        return message_.payload_bytes();
    }
    [[nodiscard]] nats::message_view view() const noexcept { return message_.view(); }
    /// Errors: `not_jetstream`.
    [[nodiscard]] result<js::metadata> metadata() const { return parse_metadata(message_.reply()); }

private:
    nats::message message_;
};

/// The bodies of acknowledgements.
inline constexpr std::string_view ack_body = "+ACK";
inline constexpr std::string_view in_progress_body = "+WPI";
/// `delay`: the server delivers it again after that and not at once.
[[nodiscard]] std::string encode_nak(duration delay);
/// `reason`: goes into the server's advisory; one before 2.10.4 would not understand it.
[[nodiscard]] std::string encode_terminate(std::string_view reason);

/// Whether an acknowledgement can be sent. Errors: `no_reply` for a message without a reply
/// subject, `not_jetstream` for another's, `already_acknowledged`.
[[nodiscard]] result<void> check_ack(const delivery& d, std::string_view reply);

} // namespace nats::js
