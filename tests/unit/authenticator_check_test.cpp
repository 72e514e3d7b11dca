// SPDX-License-Identifier: Apache-2.0
//
// What can be said of settings before connecting: every conflict, every half without its other, and
// every text that is not what it should be.

#include "core/auth/authenticator.hpp"
#include "unit/logins.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats::test {

namespace {

using namespace logins;

void expect_refused(const result<void>& r, errc code, std::string_view detail) {
    ASSERT_FALSE(r) << detail;
    EXPECT_EQ(r.error(), code) << r.error().message();
    EXPECT_EQ(r.error().detail(), detail);
}
void expect_misuse(const login_settings& s, std::string_view why) {
    fake_files files;
    const authenticator a(s);
    expect_refused(a.check(&crypto, &files), errc::invalid_argument, why);
    // Nothing is made of them either.
    std::vector<std::string> exposed;
    const result<login> l = a.log_in({}, info_with("n"), &crypto, &files, exposed);
    ASSERT_FALSE(l);
    EXPECT_EQ(l.error().detail(), why);
    EXPECT_TRUE(files.read_paths.empty());
}
void expect_bad_text(const login_settings& s, errc code, std::string_view why) {
    fake_files files;
    expect_refused(authenticator(s).check(&crypto, &files), code, why);
}
void expect_fine(const login_settings& s) {
    fake_files files;
    const result<void> ok = authenticator(s).check(&crypto, &files);
    EXPECT_TRUE(ok) << ok.error().message();
}

// --- what can be said before connecting

TEST(authenticator, settings_that_are_fine) {
    expect_fine({});
    expect_fine({.user = "u"});
    expect_fine({.user = "u", .password = "p"});
    expect_fine({.token = "t"});
    expect_fine({.handlers = handlers("user")});
    expect_fine({.handlers = handlers("token")});
    expect_fine({.nkey = public_key, .handlers = handlers("sign")});
    expect_fine({.nkey_seed = seed});
    expect_fine({.nkey_seed_file = "f"});
    expect_fine({.nkey_seed = seed, .jwt = jwt});
    expect_fine({.nkey_seed_file = "f", .jwt_file = "f"});
    expect_fine({.jwt = jwt, .handlers = handlers("sign")});
    expect_fine({.jwt_file = "f", .handlers = handlers("sign")});
    expect_fine({.nkey_seed = seed, .handlers = handlers("jwt")});
    expect_fine({.handlers = handlers("jwt sign")});
    expect_fine({.credentials = creds});
    expect_fine({.credentials_file = "f"});
    // A key or JWT is sent in addition to a user or token.
    expect_fine({.user = "u", .password = "p", .credentials = creds});
    expect_fine({.token = "t", .nkey_seed = seed});
    expect_fine({.nkey_seed = seed, .handlers = handlers("user")});
    expect_fine({.user = "\xc3\xa9", .password = "\xe2\x82\xac"});
}

TEST(authenticator, two_sources_for_user_or_token) { // AUT-04, AUT-16
    constexpr auto tokens = "both a token and a token handler";
    constexpr auto users = "both a user and a user handler";
    constexpr auto both = "both a token and a user";
    expect_misuse({.token = "t", .handlers = handlers("token")}, tokens);
    expect_misuse({.user = "u", .handlers = handlers("user")}, users);
    expect_misuse({.password = "p", .handlers = handlers("user")}, users);
    expect_misuse({.user = "u", .token = "t"}, both);
    expect_misuse({.password = "p", .token = "t"}, both);
    expect_misuse({.token = "t", .handlers = handlers("user")}, both);
    expect_misuse({.user = "u", .handlers = handlers("token")}, both);
    expect_misuse({.handlers = handlers("user token")}, both);
}

TEST(authenticator, two_sources_for_a_jwt) {
    constexpr auto why =
        "more than one of jwt, jwt_file, credentials, credentials_file and a JWT handler";
    const auto set = [](int which, login_settings& s) {
        if (which == 0) s.jwt = jwt;
        if (which == 1) s.jwt_file = "f";
        if (which == 2) s.credentials = creds;
        if (which == 3) s.credentials_file = "f";
        if (which == 4) s.handlers.jwt = jwt_handler;
    };
    for (int a = 0; a < 5; ++a) {
        for (int b = a + 1; b < 5; ++b) {
            login_settings s;
            set(a, s);
            set(b, s);
            expect_misuse(s, why);
            s.nkey_seed = seed;
            expect_misuse(s, why);
        }
    }
}

TEST(authenticator, two_sources_for_a_key) {
    constexpr auto keys = "more than one of nkey, nkey_seed and nkey_seed_file";
    expect_misuse({.nkey = public_key, .nkey_seed = seed}, keys);
    expect_misuse({.nkey = public_key, .nkey_seed_file = "f"}, keys);
    expect_misuse({.nkey_seed = seed, .nkey_seed_file = "f"}, keys);
    expect_misuse({.nkey_seed = seed, .nkey_seed_file = "f", .jwt = jwt}, keys);
    constexpr auto signers = "both a seed and a signing handler";
    expect_misuse({.nkey_seed = seed, .handlers = handlers("sign")}, signers);
    expect_misuse({.nkey_seed_file = "f", .handlers = handlers("sign")}, signers);
    expect_misuse({.nkey_seed = seed, .jwt = jwt, .handlers = handlers("sign")}, signers);
}

TEST(authenticator, an_nkey_and_a_jwt) { // AUT-04
    constexpr auto why = "both an nkey and a JWT";
    const login_handlers sign = handlers("sign");
    expect_misuse({.nkey = public_key, .jwt = jwt, .handlers = sign}, why);
    expect_misuse({.nkey = public_key, .jwt_file = "f", .handlers = sign}, why);
    expect_misuse({.nkey = public_key, .credentials = creds}, why);
    expect_misuse({.nkey = public_key, .credentials_file = "f"}, why);
    expect_misuse({.nkey = public_key, .handlers = handlers("jwt sign")}, why);
}

TEST(authenticator, credentials_and_another_key) {
    constexpr auto why = "credentials, which have a seed, and another way to sign";
    for (const bool file : {false, true}) {
        login_settings s;
        (file ? s.credentials_file : s.credentials) = file ? "f" : creds;
        s.nkey_seed = seed;
        expect_misuse(s, why);
        s.nkey_seed = {};
        s.nkey_seed_file = "g";
        expect_misuse(s, why);
        s.nkey_seed_file = {};
        s.handlers = handlers("sign");
        expect_misuse(s, why);
    }
}

TEST(authenticator, one_half_without_the_other) {
    expect_misuse({.nkey = public_key}, "an nkey without a signing handler");
    constexpr auto why = "a JWT without a seed or a signing handler";
    expect_misuse({.jwt = jwt}, why);
    expect_misuse({.jwt_file = "f"}, why);
    expect_misuse({.handlers = handlers("jwt")}, why);
    expect_misuse({.handlers = handlers("sign")}, "a signing handler without an nkey or a JWT");
    expect_misuse({.user = "u", .handlers = handlers("sign")},
                  "a signing handler without an nkey or a JWT");
}

TEST(authenticator, texts_that_are_not_utf8) {
    expect_misuse({.user = "s3cret\xff"}, "user: not UTF-8");
    expect_misuse({.user = "u", .password = "s3cret\xff"}, "password: not UTF-8");
    expect_misuse({.token = "s3cret\xff"}, "token: not UTF-8");
}

TEST(authenticator, keys_in_memory_that_are_none) { // AUT-06
    const login_handlers sign = handlers("sign");
    expect_bad_text({.nkey = "U", .handlers = sign}, errc::invalid_nkey,
                    "nkey: a public key has 56 characters");
    expect_bad_text({.nkey = seed, .handlers = sign}, errc::invalid_nkey,
                    "nkey: a seed instead of a public key");
    expect_bad_text({.nkey = account_key, .handlers = sign}, errc::invalid_nkey,
                    "nkey: a key that is not a user's");
    expect_bad_text({.nkey_seed = "garbage"}, errc::invalid_nkey,
                    "nkey_seed: a seed has 58 characters");
    expect_bad_text({.nkey_seed = public_key}, errc::invalid_nkey,
                    "nkey_seed: a public key instead of a seed");
    expect_bad_text({.nkey_seed = account_seed}, errc::invalid_nkey,
                    "nkey_seed: a seed that is not a user's");
}

TEST(authenticator, jwts_and_credentials_in_memory_that_are_none) {
    const login_handlers sign = handlers("sign");
    expect_bad_text({.jwt = seed, .handlers = sign}, errc::invalid_credentials, "jwt: not a JWT");
    expect_bad_text({.jwt = "a.b", .handlers = sign}, errc::invalid_credentials, "jwt: not a JWT");
    expect_bad_text({.credentials = "x"}, errc::invalid_credentials,
                    "credentials: no block with a JWT");
    expect_bad_text({.credentials = account_creds()}, errc::invalid_credentials,
                    "credentials: a seed that is not a user's");
    std::string wrong(creds);
    wrong.replace(wrong.find(seed) + 20, 1, "7");
    expect_bad_text({.credentials = wrong}, errc::invalid_credentials,
                    "credentials: wrong checksum");
}

TEST(authenticator, seeds_need_a_crypto_provider) {
    fake_files files;
    for (const login_settings& s :
         {login_settings{.nkey_seed = seed}, login_settings{.nkey_seed_file = "f"},
          login_settings{.credentials = creds}, login_settings{.credentials_file = "f"},
          login_settings{.nkey_seed = seed, .jwt = jwt}}) {
        const authenticator a(s);
        EXPECT_TRUE(a.check(&crypto, &files));
        expect_refused(a.check(nullptr, &files), errc::crypto_unavailable, "to sign with a seed");
        std::vector<std::string> exposed;
        EXPECT_EQ(a.log_in({}, info_with("n"), nullptr, &files, exposed).error(),
                  errc::crypto_unavailable);
    }
    const login_handlers sign = handlers("jwt sign");
    EXPECT_TRUE(authenticator({.handlers = sign}).check(nullptr, nullptr));
    EXPECT_TRUE(authenticator({.user = "u"}).check(nullptr, nullptr));
}

TEST(authenticator, files_need_a_reader) {
    const login_handlers sign = handlers("sign");
    expect_refused(authenticator({.nkey_seed_file = "f"}).check(&crypto, nullptr),
                   errc::invalid_argument, "nkey_seed_file: nothing here can read files");
    expect_refused(authenticator({.jwt_file = "f", .handlers = sign}).check(&crypto, nullptr),
                   errc::invalid_argument, "jwt_file: nothing here can read files");
    expect_refused(authenticator({.credentials_file = "f"}).check(&crypto, nullptr),
                   errc::invalid_argument, "credentials_file: nothing here can read files");
    std::vector<std::string> exposed;
    EXPECT_EQ(authenticator({.credentials_file = "f"})
                  .log_in({}, info_with("n"), &crypto, nullptr, exposed)
                  .error(),
              errc::invalid_argument);
}

} // namespace

} // namespace nats::test
