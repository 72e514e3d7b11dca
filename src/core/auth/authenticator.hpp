// SPDX-License-Identifier: Apache-2.0
//
// Logging in: what the options say, and what a URL, files and the user's handlers add, becomes the
// fields of one connection's CONNECT.

#pragma once

#include <natsproto/auth/login.hpp>
#include <natsproto/auth/nkey.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/file_reader.hpp>
#include <natsproto/result.hpp>
#include <natsproto/secret.hpp>
#include <natsproto/server_info.hpp>
#include <natsproto/server_url.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nats {

/// Fields of CONNECT. All of them are wiped with it.
struct login {
    secret user;
    secret password;
    secret token;
    secret jwt;
    secret nkey;
    secret signature;
};

/// The part of the options that is about logging in. JWTs and seeds, in memory and in files, may be
/// bare or decorated as in a .creds file.
struct login_settings {
    std::string_view user{};
    std::string_view password{};
    std::string_view token{};
    std::string_view nkey{};      ///< a user's public key; `handlers.sign` has the seed
    std::string_view nkey_seed{}; ///< a user's
    std::string_view nkey_seed_file{};
    std::string_view jwt{};
    std::string_view jwt_file{}; ///< of a .creds file only the JWT is taken
    std::string_view credentials{};
    std::string_view credentials_file{};
    login_handlers handlers{};
};
static_assert(std::is_trivially_destructible_v<login_settings>);

/// Keeps what was set in memory as secrets, and of files the names only.
class authenticator {
public:
    explicit authenticator(const login_settings& s);

    /// All that can be checked without a file or a server. Errors: `invalid_argument` for settings
    /// that exclude each other, that lack their other half or that are not UTF-8 (JSON cannot carry
    /// those), and for files without `files`; `invalid_nkey`, `invalid_credentials` for texts in
    /// memory; `crypto_unavailable` for seeds without `crypto`.
    [[nodiscard]] result<void> check(const crypto_provider* crypto, const file_reader* files) const;

    /// The login for one connection. User info of the URL replaces user, password, token and their
    /// handlers; a key or JWT is sent in addition. Files are read now, and what was read is wiped.
    /// `exposed` gets the name of each file that others can read.
    ///
    /// Errors: those of `check`; `nkeys_not_supported` if there is something to sign with and no
    /// nonce (no handler was called then, and no file read); `signing_failed`; `invalid_nkey` and
    /// `invalid_credentials` for files; those of `files` and of the handlers.
    [[nodiscard]] result<login> log_in(const server_url& server, const server_info& info,
                                       const crypto_provider* crypto, file_reader* files,
                                       std::vector<std::string>& exposed) const;

private:
    /// Reads files, and notes those that are exposed.
    class option_files;

    [[nodiscard]] bool has_credentials() const noexcept;
    [[nodiscard]] bool has_jwt() const noexcept;
    [[nodiscard]] bool has_seed() const noexcept;
    [[nodiscard]] bool signs() const noexcept;

    [[nodiscard]] result<void> check_conflicts() const;
    [[nodiscard]] result<void> check_halves() const;
    [[nodiscard]] result<void> check_texts() const;
    [[nodiscard]] result<void> check_needs(const crypto_provider* crypto,
                                           const file_reader* files) const;

    [[nodiscard]] result<void> add_user(const server_url& server, const login_request& r,
                                        login& out) const;
    [[nodiscard]] result<void> add_jwt(const login_request& r, option_files& files,
                                       login& out) const;
    [[nodiscard]] result<void> add_credentials(option_files& files, login& out,
                                               std::optional<nkey_pair>& pair) const;
    [[nodiscard]] result<void> find_pair(option_files& files, std::optional<nkey_pair>& pair) const;
    [[nodiscard]] result<void> add_signature(const login_request& r, const crypto_provider* crypto,
                                             const std::optional<nkey_pair>& pair,
                                             login& out) const;

    secret user_;
    secret password_;
    secret token_;
    std::string nkey_;
    secret nkey_seed_;
    std::string nkey_seed_file_;
    secret jwt_;
    std::string jwt_file_;
    secret credentials_;
    std::string credentials_file_;
    login_handlers handlers_;
};

} // namespace nats
