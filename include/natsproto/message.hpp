// SPDX-License-Identifier: Apache-2.0
//
// A message in two forms. `message_view` borrows: it points into the connection's input and lives
// until the next call that reads input (docs/lifetimes.md). `message` owns its bytes in one
// allocation and may be kept and moved to another thread.

#pragma once

#include <natsproto/headers.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace nats {

/// A received message, borrowed.
struct message_view {
    std::string_view subject;
    std::string_view reply; ///< empty when the sender expects no answer
    header_view headers;
    std::string_view payload;

    [[nodiscard]] std::span<const std::byte> payload_bytes() const noexcept {
        return std::as_bytes(std::span(payload.data(), payload.size()));
    }
    /// Headers and payload: what max_payload, statistics and pending limits count.
    [[nodiscard]] std::size_t size() const noexcept {
        return headers.raw().size() + payload.size();
    }
    /// The status of the header block, or 0.
    [[nodiscard]] std::uint16_t status() const noexcept {
        return headers.empty() ? std::uint16_t{0} : headers.status();
    }
    /// The server's answer to a request that nobody is subscribed to: status 503 and no payload.
    /// Only meaningful on an inbox of our own, since any publisher can send a header block.
    [[nodiscard]] bool is_no_responders() const noexcept {
        return payload.empty() && !headers.empty() && headers.status() == 503;
    }
};

/// A received message that owns its bytes: one allocation, movable, not copyable (see `clone`).
class message {
public:
    message() noexcept = default; ///< no message: all views are empty
    explicit message(const message_view& view);
    message(message&&) noexcept = default;
    message& operator=(message&&) noexcept = default;
    message(const message&) = delete;
    message& operator=(const message&) = delete;
    ~message() = default;

    [[nodiscard]] message clone() const { return message(view()); }
    /// Becomes a copy of `view`, in the memory that it has, if that is enough. `view` must not be
    /// of this message.
    void assign(const message_view& view);

    [[nodiscard]] std::string_view subject() const noexcept { return view_of().subject; }
    [[nodiscard]] std::string_view reply() const noexcept { return view_of().reply; }
    [[nodiscard]] header_view headers() const noexcept { return view_of().headers; }
    [[nodiscard]] std::string_view payload() const noexcept { return view_of().payload; }
    [[nodiscard]] std::span<const std::byte> payload_bytes() const noexcept {
        return view_of().payload_bytes();
    }
    [[nodiscard]] std::uint16_t status() const noexcept { return view_of().status(); }
    [[nodiscard]] bool is_no_responders() const noexcept { return view_of().is_no_responders(); }
    [[nodiscard]] std::size_t size() const noexcept { return view_of().size(); }

    /// Valid as long as this object (or the one it was moved to) lives.
    [[nodiscard]] message_view view() const noexcept { return view_of(); }
    operator message_view() const noexcept { return view_of(); }

private:
    friend class mailbox;
    struct block {
        block* next = nullptr; ///< links messages that wait in a mailbox
        message_view view;
        std::size_t room = 0; ///< bytes behind it
    };
    struct release {
        void operator()(block* b) const noexcept;
    };
    [[nodiscard]] static block* make(const message_view& view);
    explicit message(block* adopted) noexcept : block_(adopted) {}
    [[nodiscard]] message_view view_of() const noexcept {
        return block_ ? block_->view : message_view{};
    }

    std::unique_ptr<block, release> block_;
};

} // namespace nats
