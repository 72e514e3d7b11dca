// SPDX-License-Identifier: Apache-2.0
//
// The servers that a session may connect to, in the order in which it tries them: those that the
// user named, and those that the cluster told of.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/random.hpp>
#include <natsproto/server_url.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nats {

/// One server of the pool.
struct pool_server {
    server_url url;             ///< its `tls` is that of the pool
    std::string tls_name;       ///< what its certificate must be for, unless an option says else
    bool discovered = false;    ///< told by a server, not by the user
    bool was_connected = false; ///< once at least
    bool tried = false;         ///< in the pass that `first` began
    std::uint32_t failures = 0; ///< attempts since it was last connected
    /// The refused login of its last attempt, if that was one.
    std::optional<errc> refusal;

    /// As that of `server_url`.
    template <class T>
        requires std::is_same_v<T, pool_server>
    friend void PrintTo(const T& server, std::ostream* out) {
        *out << server.url.where.text();
    }
};

/// Rules of nats.go (specification 1.2, ADR-40), as told in docs/reconnect.md. No I/O, no clock.
/// `current` is the server of the attempt or connection that is going on: its address and endpoint
/// stay the same until `first`, `next_of_pass`, `next` or `choose` make another one current, also
/// when it is removed from the pool meanwhile.
class server_pool {
public:
    server_pool() = default;
    server_pool(const server_pool&) = delete;
    server_pool& operator=(const server_pool&) = delete;

    /// Replaces all servers, discovered ones included; repeated endpoints are left out. `shuffle`:
    /// null keeps the order. A server that was in the pool before keeps its record (failures,
    /// refusal, was_connected) and takes its login from the new URL; if that is another login, the
    /// refusal of the old one is forgotten. If one of them is `tls://`, TLS is required of all of
    /// them, those discovered later included (`tls()`), and so it stays: no later list takes TLS
    /// back.
    void assign(std::vector<server_url> servers, random_source* shuffle);
    /// Puts one before all others, whatever the shuffle; if it is there already it moves, and is
    /// treated as by `assign`.
    void put_first(server_url server);

    [[nodiscard]] std::size_t size() const noexcept { return servers_.size(); }
    [[nodiscard]] bool empty() const noexcept { return servers_.empty(); }
    [[nodiscard]] const pool_server& operator[](std::size_t i) const { return *servers_[i]; }
    [[nodiscard]] bool tls() const noexcept { return tls_; }
    [[nodiscard]] pool_server* current() noexcept { return current_; }
    [[nodiscard]] const pool_server* current() const noexcept { return current_; }

    // --- walks
    /// The first pass: each server once, in order. Makes the first one current; null when the pool
    /// is empty.
    pool_server* first() noexcept;
    /// Makes the first one current that was not tried in this pass, without moving any: the one
    /// behind the current one, unless the pool has changed. Null when there is none left; the
    /// current one stays then.
    pool_server* next_of_pass() noexcept;
    /// Reconnecting: the current server goes to the end, or out of the pool when it has failed
    /// `max_failures` times or more (negative: never); the first one becomes current. Null when the
    /// pool is empty; there is no current one then.
    pool_server* next(int max_failures) noexcept;
    /// Makes the i-th current, without moving any. Null, and no change, when there is none.
    pool_server* choose(std::size_t i) noexcept;
    /// Takes out all that have failed `max_failures` times or more (negative: none). For a user who
    /// chooses the next server, since `choose` takes out none.
    void drop_failed(int max_failures) noexcept;

    // --- discovery
    /// The cluster's servers as INFO tells them, `host:port` each. Discovered servers that are not
    /// among them go, but for the current one; new ones come in at the end, as discovered. They
    /// inherit the login of the current server's URL (percent-decoded already), and its tls_name
    /// when that is a name and they are bare IP addresses. What cannot be parsed, or has a scheme
    /// or user info, is left out; if nothing is left, nothing changes.
    ///
    /// `only_addresses`: INFO was read in plain text before TLS, so anybody can have written it. A
    /// new server comes in only if it inherits a tls_name: one that was to prove nothing but its
    /// own name or address, which the attacker chose, would prove nothing.
    ///
    /// With `shuffle`, and when something was added, the pool is shuffled but for its first server.
    /// Returns the ones that are new, which is: not in the pool when this was called.
    std::vector<endpoint> discover(std::span<const std::string> connect_urls,
                                   random_source* shuffle, bool only_addresses);

private:
    using list = std::vector<std::unique_ptr<pool_server>>;

    [[nodiscard]] static bool has_failed(const pool_server& s, int max_failures) noexcept;
    std::unique_ptr<pool_server> take(list& from, const endpoint& where);
    std::unique_ptr<pool_server> named_by_user(list& from, server_url url);
    std::unique_ptr<pool_server> told_by_server(endpoint where, bool only_addresses);
    void keep_current(list& from) noexcept;
    void spread_tls() noexcept;
    pool_server* make_current(std::size_t i) noexcept;

    list servers_;
    std::unique_ptr<pool_server> removed_; ///< the current one, when it is not in the list any more
    pool_server* current_ = nullptr;
    bool tls_ = false;
};

/// Whether a host, without brackets, is an IPv4 or IPv6 address and not a name. An IPv6 address may
/// have a zone: `fe80::1%eth0`.
[[nodiscard]] bool is_ip_address(std::string_view host) noexcept;

} // namespace nats
