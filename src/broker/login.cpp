// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: as in nats-server, an NKEY in CONNECT decides alone, then a user name, then
// a token. What a stranger sends is compared with a secret in a time that depends on what was sent
// alone. A signature is over the text of the nonce, in base64 of either alphabet.

#include "broker/login.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace nats::embedded {

namespace {

/// In a time that depends on the size of `given` only.
bool same_secret(std::string_view given, std::string_view expected) noexcept {
    static constexpr char nothing[] = {'\0'};
    const char* const other = expected.empty() ? nothing : expected.data();
    const std::size_t size = std::max<std::size_t>(expected.size(), 1);
    volatile std::size_t difference = given.size() ^ expected.size();
    for (std::size_t i = 0, j = 0; i < given.size(); ++i, j = j + 1 == size ? 0 : j + 1) {
        const auto a = static_cast<unsigned char>(given[i]);
        const auto b = static_cast<unsigned char>(other[j]);
        difference = difference | static_cast<std::size_t>(a ^ b);
    }
    return difference == 0;
}

constexpr int digit_of(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-' || c == '+') return 62;
    if (c == '_' || c == '/') return 63;
    return -1;
}

/// 64 bytes are 86 digits, whose last 4 bits say nothing, and two signs of padding or none.
bool decode_signature(std::string_view text, ed25519_signature& out) noexcept {
    if (text.size() == 88 && text.ends_with("==")) text.remove_suffix(2);
    if (text.size() != 86) return false;
    unsigned bits = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (const char c : text) {
        const int digit = digit_of(c);
        if (digit < 0) return false;
        bits = (bits << 6 | static_cast<unsigned>(digit)) & 0x3fffU;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[at++] = static_cast<unsigned char>(bits >> held & 0xffU);
    }
    return true;
}

bool is_empty(const permissions& p) noexcept {
    return p.publish.allow.empty() && p.publish.deny.empty() && p.subscribe.allow.empty() &&
           p.subscribe.deny.empty() && !p.responses;
}

} // namespace

login_table::login_table(const broker_options& o, const environment& world)
    : crypto_(world.crypto),
      token_(o.token.clone()),
      default_(compile(o.default_permissions, world)),
      open_(o.users.empty() && token_.empty()) {
    for (const broker_user& u : o.users) {
        const bool has_key = u.name.empty();
        const auto added = (has_key ? nkeys_ : users_).try_emplace(has_key ? u.nkey : u.name).first;
        user& stored = added->second;
        stored.password = u.password.clone();
        if (has_key) stored.key = decode_nkey(u.nkey).value();
        stored.who.name = added->first;
        stored.who.allowed = is_empty(u.allowed) ? default_ : compile(u.allowed, world);
    }
    anybody_.allowed = default_;
    if (const auto found = users_.find(o.no_auth_user); found != users_.end()) {
        anybody_ = found->second.who;
        has_default_user_ = true;
    }
    required_ = !open_ && !has_default_user_;
}

const permission_set* login_table::compile(const permissions& p, const environment& world) {
    if (is_empty(p)) return nullptr;
    return sets_.emplace_back(std::make_unique<permission_set>(p, *world.random)).get();
}

bool login_table::is_signed(const user& u, std::string_view nonce,
                            std::string_view signature) const {
    ed25519_signature decoded{};
    return crypto_ != nullptr && decode_signature(signature, decoded) &&
           verify(u.key, nonce, decoded, *crypto_);
}

bool login_table::log_in(const wire::connect_request& r, std::string_view nonce,
                         identity& who) const {
    if (open_) {
        who = anybody_;
        return true;
    }
    // A kind of login that nobody here has is not looked at.
    if (!r.nkey.empty() && !nkeys_.empty()) {
        const auto found = nkeys_.find(r.nkey.view());
        if (found == nkeys_.end() || !is_signed(found->second, nonce, r.signature.view()))
            return false;
        who = found->second.who;
        return true;
    }
    if (!r.user.empty() && !users_.empty()) {
        const auto found = users_.find(r.user.view());
        const bool exists = found != users_.end() && !found->second.password.empty();
        // For a name that nobody has: the same work.
        const bool same = same_secret(
            r.password.view(), exists ? found->second.password.view() : std::string_view("?"));
        if (!exists || !same) return false;
        who = found->second.who;
        return true;
    }
    if (!r.token.empty()) {
        if (token_.empty() || !same_secret(r.token.view(), token_.view())) return false;
        who = {{}, default_};
        return true;
    }
    if (!has_default_user_ || !r.password.empty()) return false;
    who = anybody_;
    return true;
}

} // namespace nats::embedded
