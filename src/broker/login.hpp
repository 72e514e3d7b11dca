// SPDX-License-Identifier: Apache-2.0
//
// Who may log in, and with which permissions.

#pragma once

#include <natsproto/auth/nkey.hpp>
#include <natsproto/broker/broker_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/session.hpp>
#include <natsproto/wire/connect_request.hpp>

#include "broker/permissions.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace nats::embedded {

/// Somebody who is logged in.
struct identity {
    std::string_view name;                   ///< of the user, or its NKEY; empty: nobody's
    const permission_set* allowed = nullptr; ///< null: everything
};

class login_table {
public:
    /// The options are checked.
    login_table(const broker_options& o, const environment& world);

    /// Whether INFO says `auth_required`.
    [[nodiscard]] bool required() const noexcept { return required_; }
    [[nodiscard]] bool has_nkeys() const noexcept { return !nkeys_.empty(); }
    /// Who a client is before it says anything, when no login is required.
    [[nodiscard]] const identity& anybody() const noexcept { return anybody_; }
    /// False: refused.
    [[nodiscard]] bool log_in(const wire::connect_request& r, std::string_view nonce,
                              identity& who) const;

private:
    struct user {
        secret password;
        nkey_public key;
        identity who;
    };
    using table = std::map<std::string, user, std::less<>>;

    [[nodiscard]] const permission_set* compile(const permissions& p, const environment& world);
    [[nodiscard]] bool is_signed(const user& u, std::string_view nonce,
                                 std::string_view signature) const;

    const crypto_provider* crypto_;
    table users_;
    table nkeys_;
    secret token_;
    std::vector<std::unique_ptr<permission_set>> sets_;
    const permission_set* default_;
    identity anybody_;
    bool required_ = false;
    bool open_; ///< there is nobody to log in as
    bool has_default_user_ = false;
};

} // namespace nats::embedded
