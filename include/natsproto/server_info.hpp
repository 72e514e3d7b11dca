// SPDX-License-Identifier: Apache-2.0
//
// What a server says of itself in INFO. Every INFO replaces the one before it; members that a
// server does not send keep their defaults (specification 2.5, servers 2.0 to 2.15).

#pragma once

#include <natsproto/limits.hpp>
#include <natsproto/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nats {

struct server_info {
    std::string server_id;
    std::string server_name;
    std::string version;
    std::string
        host; ///< what the server thinks it listens on; never a name to verify certificates against
    std::string cluster;
    std::string domain;
    std::string client_ip;
    std::string nonce; ///< to be signed when NKEYs or JWTs are used; empty otherwise
    std::vector<std::string> connect_urls; ///< `host:port` of the cluster's servers, as advertised
    std::uint64_t client_id = 0;
    std::int64_t max_payload =
        0; ///< bytes of headers and payload; 0 means that the server named no limit
    std::int32_t proto = 0;
    std::uint16_t port = 0;
    std::int32_t api_level = 0; ///< JetStream's `api_lvl`, since 2.12
    bool headers = false;
    bool auth_required = false;
    bool tls_required = false;
    bool tls_verify = false;
    bool tls_available = false;
    bool jetstream = false;
    bool lame_duck = false;
    bool connect_info =
        false; ///< since 2.12: this INFO is the answer to CONNECT, with the account's limits

    /// Whether the server is at least this version. A version that cannot be read counts as 0.0.0.
    [[nodiscard]] bool version_at_least(int major, int minor, int patch) const noexcept;
};

/// Reads the JSON of INFO. Unknown members are skipped without being kept, the last of repeated
/// members counts, and a member of the wrong type is an error. Bounded by `limits::max_json_depth`
/// and `limits::max_discovered`.
[[nodiscard]] result<server_info> parse_server_info(std::string_view text,
                                                    const limits& bounds = {});

/// The JSON of INFO, from which `parse_server_info` makes the same again. Texts that are empty,
/// flags that are not set and numbers that are 0 are left out, but for those that nats-server
/// always sends. `invalid_argument` for texts that are not UTF-8 and numbers below 0.
[[nodiscard]] result<std::string> write_info_json(const server_info& info);

} // namespace nats
