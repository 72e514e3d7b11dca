// SPDX-License-Identifier: Apache-2.0
//
// Names to addresses, by the system's resolver.

#pragma once

#include <natsproto/blocking/address_options.hpp>
#include <natsproto/random.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_url.hpp>

#include <string>
#include <vector>

#include <sys/socket.h>

namespace nats::blocking {

struct address {
    sockaddr_storage where{};
    socklen_t size = 0;

    [[nodiscard]] int family() const noexcept { return where.ss_family; }
    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&where);
    }
};

/// Where the outgoing socket is bound; `size` 0: nowhere.
struct local_end {
    address v4;
    address v6;
};

/// All addresses of a host, in the order in which they are to be tried. `shuffle`: null keeps the
/// resolver's order. Waits as long as the resolver does.
[[nodiscard]] result<std::vector<address>> resolve(const endpoint& to, address_order order,
                                                   random_source* shuffle);
/// An IP address to bind to. `invalid_argument`.
[[nodiscard]] result<local_end> parse_local_end(std::string_view text);
/// `127.0.0.1:4222`, `[::1]:4222`.
[[nodiscard]] std::string text_of(const address& a);

} // namespace nats::blocking
