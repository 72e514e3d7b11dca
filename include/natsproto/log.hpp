// SPDX-License-Identifier: Apache-2.0
//
// What a client has to say about itself, as lines for people, through one sink that the user
// injects. The library writes nowhere by itself.

#pragma once

#include <natsproto/session.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace nats {

enum class log_level : std::uint8_t {
    error, ///< something was lost or is over: messages dropped, a refusal, the end of all attempts
    warning, ///< something went wrong, and the client deals with it: disconnects, failed attempts
    info,    ///< the life of the connection: connected, reconnected, closed
    debug,   ///< what the server tells: INFO, discovered servers, PONGs
    trace,   ///< every operation on the wire, without secrets: `-> SUB a 1`, `<- MSG ...`
};
[[nodiscard]] std::string_view name_of(log_level) noexcept;

/// Where lines go. `write` gets one line without its end, free of control characters and secrets;
/// the view ends when it returns. It must not call the client.
struct log_sink {
    void (*write)(void* context, log_level level,
                  std::string_view line) = nullptr; ///< null: no log
    void* context = nullptr;
    log_level most = log_level::info; ///< levels behind it are left out

    [[nodiscard]] bool wants(log_level level) const noexcept {
        return write != nullptr && level <= most;
    }
};
static_assert(std::is_trivially_destructible_v<log_sink>);

/// The level of an event.
[[nodiscard]] log_level level_of(const event& e) noexcept;
/// An event as a line; empty for those that nobody wants to read about (messages).
[[nodiscard]] std::string describe(const event& e);

} // namespace nats
