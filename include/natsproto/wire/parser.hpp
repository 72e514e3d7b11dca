// SPDX-License-Identifier: Apache-2.0
//
// One parser for both directions of the protocol. It takes the bytes that are there, yields one
// frame of views into them, or says that it needs more; it owns no buffer and allocates nothing.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/limits.hpp>
#include <natsproto/message.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nats::wire {

/// The operations of the protocol. `msg` stands for MSG and HMSG, `pub` for PUB and HPUB: a frame
/// says if it has headers.
enum class op : std::uint8_t { info, connect, pub, sub, unsub, msg, ping, pong, ok, err };

/// Whose bytes are parsed.
enum class sender : std::uint8_t { server, client };

/// One operation. The views point into the input and live as long as it does. Members that an
/// operation does not have are not defined, except where said. A msg and a pub are a message where
/// it stands: its subject (which a sub has, too), reply, headers and payload are the base's, so
/// that nobody has to copy them.
struct frame : message_view {
    op kind = op::ping;
    bool has_headers = false;  ///< msg, pub: it was HMSG or HPUB
    bool has_max = false;      ///< unsub
    std::uint64_t sid = 0;     ///< msg: the sid as a number
    std::uint64_t max = 0;     ///< unsub: 0 where the text is no number of at most nine digits
    std::size_t size = 0;      ///< bytes that the whole frame takes in the input
    std::string_view queue;    ///< sub: empty if there is none
    std::string_view sid_text; ///< msg, sub, unsub
    std::string_view text;     ///< info, connect: the JSON; err: the text, without its quotes
};

class parser {
public:
    enum class status : std::uint8_t { need_more, frame, failed };

    explicit parser(sender from, const limits& bounds = {}) noexcept;

    /// Looks at `input`, which starts where the last frame ended and has grown, or is the same,
    /// since the last call.
    /// - `frame`: `out` is the next operation; drop `out.size` bytes of the input before the next
    /// call.
    /// - `need_more`: nothing is lost; call again with more. The work done is remembered, so
    /// feeding byte by byte costs
    ///   no more than linear time.
    /// - `failed`: the bytes are not the protocol, `failure()` says why, and it stays that way.
    [[nodiscard]] status next(std::string_view input, frame& out) noexcept;

    [[nodiscard]] errc failure() const noexcept { return failure_; }

    /// Bytes of the frame that is being received, when its control line has been seen; otherwise 0.
    [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }

    /// Forgets everything, for the next connection.
    void reset() noexcept;

private:
    friend class client_connection; // these take the short way themselves
    friend class server_connection;
    struct verb;
    struct argument_ends;
    template <sender From>
    bool plain_message(std::string_view input, frame& out) const noexcept;
    template <sender From, bool Headers>
    bool plain_arguments(std::string_view input, frame& out) const noexcept;
    template <sender From, bool Headers>
    static bool find_ends_at_once(std::string_view input, argument_ends& out) noexcept;
    template <sender From, bool Headers>
    static argument_ends find_ends(std::string_view input) noexcept;
    template <sender From, bool Headers, class NextEnd>
    static bool assign_ends(NextEnd next_end, std::size_t none, argument_ends& out) noexcept;
    struct line;
    static constexpr std::size_t max_tokens = 6;
    status parse_line(std::string_view input, std::size_t line_size, frame& out) noexcept;
    status parse_message(std::string_view input, std::size_t op_size, std::size_t line_end,
                         std::size_t line_size, frame& out) noexcept;
    static bool split(const char* p, const char* end, line& out) noexcept;
    status parse_simple(std::string_view args, op kind, frame& out) noexcept;
    status incomplete_line(std::string_view input) noexcept;
    status incomplete_payload(std::string_view input) noexcept;
    [[nodiscard]] std::size_t line_limit(op kind) const noexcept;
    status fail(errc why) noexcept;

    limits limits_;
    std::size_t scanned_ = 0; ///< bytes of the control line that hold no LF
    std::size_t line_size_ =
        0; ///< of a message whose payload is still coming: the control line with its LF
    std::size_t wanted_ = 0; ///< of the same: the whole frame
    errc failure_{};
    sender from_;
    bool failed_ = false;
    bool headers_refused_ = false; ///< HPUB is none of the operations
};

} // namespace nats::wire
