// SPDX-License-Identifier: Apache-2.0
//
// JWTs of an operator, its accounts and their users, as nats-server wants them, made and signed in
// memory.

#pragma once

#include <natsproto/auth/nkey.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

/// A key pair that knows its text.
class named_key {
public:
    explicit named_key(nkey_kind kind);
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] std::string seed() const { return std::string(pair_.seed().view()); }
    [[nodiscard]] ed25519_signature sign(std::string_view message) const;

private:
    nkey_pair pair_;
    std::string id_;
};

/// A user, and the JWT that its account has issued.
struct jwt_user {
    named_key key{nkey_kind::user};
    std::string jwt;

    /// The text of a .creds file.
    [[nodiscard]] std::string creds() const;
};

/// An operator with one account.
class jwt_operator {
public:
    jwt_operator();

    /// What a server's configuration needs: operator, system account, memory resolver. `revoked`:
    /// public keys of users that the account takes back.
    [[nodiscard]] std::string config(const std::vector<std::string>& revoked = {}) const;

    /// `lifetime`: 0 for ever; negative: over already. `denied`: what it may not publish to.
    [[nodiscard]] jwt_user user(std::string_view name, std::chrono::seconds lifetime = {},
                                std::string_view denied = {}) const;

private:
    [[nodiscard]] std::string account_jwt(const named_key& account, std::string_view name,
                                          std::string_view more) const;

    named_key operator_{nkey_kind::operator_};
    named_key system_{nkey_kind::account};
    named_key account_{nkey_kind::account};
};

} // namespace nats::test
