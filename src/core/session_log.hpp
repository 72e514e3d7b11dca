// SPDX-License-Identifier: Apache-2.0
//
// What a client's log gets: its events as lines, and on request what goes by on the wire. For
// drivers.

#pragma once

#include <natsproto/log.hpp>
#include <natsproto/session.hpp>
#include <natsproto/wire/trace.hpp>

#include <string_view>

namespace nats {

class session_log {
public:
    /// Gets the lines of the wire as well; null: nobody.
    struct wire_sink {
        void (*write)(void* context, std::string_view line) = nullptr;
        void* context = nullptr;
    };

    session_log(const log_sink& sink, wire_sink also) noexcept : sink_(sink), also_(also) {}
    session_log(const session_log&) = delete;
    session_log& operator=(const session_log&) = delete;

    /// Has the session show what goes by, if anybody wants that. Once.
    void watch(session& s);
    void tell(const event& e) const;
    /// Nothing is written any more.
    void mute() noexcept { muted_ = true; }

private:
    void see(bool sent, bool reset, std::string_view bytes);

    log_sink sink_;
    wire_sink also_;
    bool muted_ = false;
    wire::tracer sent_{wire::sender::client};
    wire::tracer received_{wire::sender::server};
};

} // namespace nats
