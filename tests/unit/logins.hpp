// SPDX-License-Identifier: Apache-2.0
//
// What the tests of logging in share: keys and credentials, files in memory, handlers that note
// their calls, and one login with all that it needs around it.

#pragma once

#include "core/auth/authenticator.hpp"
#include "support/fake_crypto.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test::logins {

inline constexpr std::string_view seed =
    "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y";
inline constexpr std::string_view account_seed =
    "SAAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4HYMHI";
inline constexpr std::string_view public_key =
    "UAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D7DP2";
inline constexpr std::string_view account_key =
    "AAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D6H4F";
inline constexpr std::string_view jwt = "eyJ0eXAi.eyJqdGki.c2ln";
inline constexpr std::string_view creds =
    "-----BEGIN NATS USER JWT-----\neyJ0eXAi.eyJqdGki.c2ln\n------END NATS USER JWT------\n\n"
    "-----BEGIN USER NKEY SEED-----\n"
    "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y\n"
    "------END USER NKEY SEED------\n";

inline std::string account_creds() {
    std::string text(creds);
    return text.replace(text.find(seed), seed.size(), account_seed);
}

inline const fake_crypto crypto;

class fake_files final : public file_reader {
public:
    struct file {
        std::string content;
        bool exposed = false;
    };
    std::map<std::string, file, std::less<>> files;
    std::vector<std::string> read_paths;

    result<void> read(std::string_view path, std::size_t max_size, secret& content,
                      bool& others_can_read) override {
        EXPECT_EQ(max_size, max_option_file);
        read_paths.emplace_back(path);
        const auto found = files.find(path);
        if (found == files.end()) return error{errc::file_unreadable, std::string(path) + ": gone"};
        content.assign(found->second.content);
        others_can_read = found->second.exposed;
        return {};
    }
};

/// What the handlers below were told, and what they answer.
struct handler_state {
    std::string calls;
    std::string seen; ///< of the last request
    std::string answer;
    bool fails = false;

    result<void> note(const char* name, const login_request& r) {
        calls += name;
        seen = r.server.text() + ' ' + r.info.server_id + ' ' + std::string(r.nonce);
        if (fails) return error{errc::timeout, "the user's own reason"};
        return {};
    }
};
inline handler_state& state_of(void* context) {
    return *static_cast<handler_state*>(context);
}
inline result<void> user_handler(void* context, const login_request& r, secret& user,
                                 secret& password) {
    user.assign("handled");
    password.assign(state_of(context).answer);
    return state_of(context).note("user ", r);
}
inline result<void> token_handler(void* context, const login_request& r, secret& token) {
    token.assign(state_of(context).answer);
    return state_of(context).note("token ", r);
}
inline result<void> jwt_handler(void* context, const login_request& r, secret& text) {
    text.assign(state_of(context).answer);
    return state_of(context).note("jwt ", r);
}
inline result<void> sign_handler(void* context, const login_request& r,
                                 ed25519_signature& signature) {
    signature.fill(0xff);
    return state_of(context).note("sign ", r);
}
inline const std::string handler_signature = std::string(85, '_') + 'w';

/// The handlers that are named.
inline login_handlers handlers(std::string_view names, handler_state* state = nullptr) {
    login_handlers h;
    if (names.find("user") != std::string_view::npos) h.user = user_handler;
    if (names.find("token") != std::string_view::npos) h.token = token_handler;
    if (names.find("jwt") != std::string_view::npos) h.jwt = jwt_handler;
    if (names.find("sign") != std::string_view::npos) h.sign = sign_handler;
    h.context = state;
    return h;
}

/// What `fake_crypto` makes of the seed above and a nonce.
inline std::string seed_signature(std::string_view nonce) {
    const nkey_pair pair = nkey_pair::from_seed(seed).value();
    return encode_signature(pair.sign(nonce, crypto).value());
}
inline std::string seed_public_key() {
    return encode_nkey(nkey_pair::from_seed(seed).value().public_key(crypto).value());
}

inline server_info info_with(std::string_view nonce) {
    server_info info;
    info.server_id = "ID";
    info.nonce = nonce;
    return info;
}

/// One login with all that it needs around it.
struct attempt {
    server_url server = parse_server_url("host:4222").value();
    server_info info = info_with("n0nce");
    const crypto_provider* provider = &crypto;
    fake_files files;
    std::vector<std::string> exposed;

    result<login> log_in(const login_settings& s) {
        const authenticator a(s);
        EXPECT_TRUE(a.check(provider, &files));
        return a.log_in(server, info, provider, &files, exposed);
    }
};

} // namespace nats::test::logins
