// SPDX-License-Identifier: Apache-2.0
//
// Logging in: what one connection sends is made of the right sources, anew each time, without
// leaving anything behind. What is refused before that is in authenticator_check_test.cpp.

#include "core/auth/authenticator.hpp"
#include "unit/freed_memory.hpp"
#include "unit/logins.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats::test {

namespace {

using namespace logins;

/// All fields that are not empty.
std::string shown(const login& l) {
    std::string out;
    const std::pair<const char*, const secret*> fields[] = {
        {"user", &l.user}, {"password", &l.password}, {"token", &l.token},
        {"jwt", &l.jwt},   {"nkey", &l.nkey},         {"signature", &l.signature}};
    for (const auto& [name, value] : fields) {
        if (!value->empty()) out += std::string(name) + '=' + std::string(value->view()) + ' ';
    }
    return out;
}
std::string shown(const result<login>& l) {
    return l ? shown(*l) : l.error().message();
}

// --- users and tokens

TEST(authenticator, nothing_is_sent_without_settings) {
    attempt a;
    EXPECT_EQ(shown(a.log_in({})), "");
    a.info.nonce.clear();
    EXPECT_EQ(shown(a.log_in({})), "");
}

TEST(authenticator, user_and_token_of_the_options) {
    attempt a;
    a.info.nonce.clear(); // none is needed
    EXPECT_EQ(shown(a.log_in({.user = "u", .password = "p"})), "user=u password=p ");
    EXPECT_EQ(shown(a.log_in({.token = "t"})), "token=t ");
}

TEST(authenticator, user_info_of_the_url_replaces_the_options) { // AUT-01, AUT-03
    handler_state state;
    const login_settings all[] = {{.user = "u", .password = "p"},
                                  {.token = "t"},
                                  {.handlers = handlers("user", &state)},
                                  {.handlers = handlers("token", &state)}};
    for (const login_settings& s : all) {
        attempt a;
        a.server.user = "url";
        EXPECT_EQ(shown(a.log_in(s)), "user=url ");
        a.server.password = "pw";
        EXPECT_EQ(shown(a.log_in(s)), "user=url password=pw ");
        a.server.user.clear();
        EXPECT_EQ(shown(a.log_in(s)), "password=pw ");
        a.server.password.clear();
        a.server.token = "tok";
        EXPECT_EQ(shown(a.log_in(s)), "token=tok ");
    }
    EXPECT_EQ(state.calls, "");
}

TEST(authenticator, handlers_are_asked_for_each_connection) { // AUT-03
    handler_state state;
    state.answer = "first";
    attempt a;
    const authenticator users({.handlers = handlers("user", &state)});
    const auto once = [&](const authenticator& x) {
        return shown(x.log_in(a.server, a.info, nullptr, nullptr, a.exposed));
    };
    EXPECT_EQ(once(users), "user=handled password=first ");
    EXPECT_EQ(state.seen, "host:4222 ID n0nce");
    state.answer = "second";
    a.server.where.host = "other";
    EXPECT_EQ(once(users), "user=handled password=second ");
    EXPECT_EQ(state.seen, "other:4222 ID n0nce");
    const authenticator tokens({.handlers = handlers("token", &state)});
    EXPECT_EQ(once(tokens), "token=second ");
    EXPECT_EQ(state.calls, "user user token ");
}

TEST(authenticator, an_error_of_a_handler_is_the_error_of_the_login) { // AUT-09
    handler_state state;
    state.fails = true;
    state.answer = jwt;
    attempt a;
    for (const login_settings& s :
         {login_settings{.handlers = handlers("user", &state)},
          login_settings{.handlers = handlers("token", &state)},
          login_settings{.nkey_seed = seed, .handlers = handlers("jwt", &state)},
          login_settings{.jwt = jwt, .handlers = handlers("sign", &state)},
          login_settings{.nkey = public_key, .handlers = handlers("sign", &state)}}) {
        const result<login> l = a.log_in(s);
        ASSERT_FALSE(l);
        EXPECT_EQ(l.error(), (error{errc::timeout, "the user's own reason"}));
    }
    EXPECT_EQ(state.calls, "user token jwt sign sign ");
}

TEST(authenticator, answers_of_handlers_that_are_not_utf8) {
    handler_state state;
    state.answer = "s3cret\xff";
    attempt a;
    for (const char* name : {"user", "token"}) {
        const result<login> l = a.log_in({.handlers = handlers(name, &state)});
        ASSERT_FALSE(l);
        EXPECT_EQ(l.error(), errc::invalid_argument);
        EXPECT_EQ(l.error().message().find("s3cret"), std::string::npos);
    }
}

// --- keys and JWTs

TEST(authenticator, a_seed_alone_sends_its_public_key) {
    attempt a;
    const std::string expected =
        "nkey=" + seed_public_key() + " signature=" + seed_signature("n0nce") + ' ';
    EXPECT_EQ(shown(a.log_in({.nkey_seed = seed})), expected);
    a.files.files["f"] = {std::string(seed)};
    EXPECT_EQ(shown(a.log_in({.nkey_seed_file = "f"})), expected);
    a.files.files["f"] = {"# mine\r\n  " + std::string(seed) + "\r\n"};
    EXPECT_EQ(shown(a.log_in({.nkey_seed_file = "f"})), expected);
    a.files.files["f"] = {std::string(creds)};
    EXPECT_EQ(shown(a.log_in({.nkey_seed_file = "f"})), expected);
}

TEST(authenticator, a_public_key_and_a_signer) {
    handler_state state;
    attempt a;
    a.provider = nullptr; // the signer is enough
    EXPECT_EQ(shown(a.log_in({.nkey = public_key, .handlers = handlers("sign", &state)})),
              "nkey=" + std::string(public_key) + " signature=" + handler_signature + ' ');
    EXPECT_EQ(state.seen, "host:4222 ID n0nce");
}

TEST(authenticator, a_jwt_goes_without_a_public_key) {
    attempt a;
    const std::string with_seed =
        "jwt=" + std::string(jwt) + " signature=" + seed_signature("n0nce") + ' ';
    a.files.files["creds"] = {std::string(creds)};
    a.files.files["jwt"] = {' ' + std::string(jwt) + "\r\n"};
    a.files.files["seed"] = {std::string(seed)};
    handler_state state;
    state.answer = std::string(jwt) + '\n';
    EXPECT_EQ(shown(a.log_in({.credentials = creds})), with_seed); // AUT-07
    EXPECT_EQ(shown(a.log_in({.credentials_file = "creds"})), with_seed);
    EXPECT_EQ(shown(a.log_in({.nkey_seed = seed, .jwt = jwt})), with_seed);
    EXPECT_EQ(shown(a.log_in({.nkey_seed = seed, .jwt = creds})), with_seed);
    EXPECT_EQ(shown(a.log_in({.nkey_seed_file = "seed", .jwt_file = "jwt"})), with_seed);
    EXPECT_EQ(shown(a.log_in({.nkey_seed_file = "creds", .jwt_file = "creds"})), with_seed);
    EXPECT_EQ(shown(a.log_in({.nkey_seed = seed, .handlers = handlers("jwt", &state)})), with_seed);
    const std::string by_handler =
        "jwt=" + std::string(jwt) + " signature=" + handler_signature + ' ';
    a.provider = nullptr;
    EXPECT_EQ(shown(a.log_in({.jwt = jwt, .handlers = handlers("sign", &state)})), by_handler);
    EXPECT_EQ(shown(a.log_in({.jwt_file = "creds", .handlers = handlers("sign", &state)})),
              by_handler);
    EXPECT_EQ(shown(a.log_in({.handlers = handlers("jwt sign", &state)})), by_handler);
}

TEST(authenticator, keys_and_jwts_are_sent_in_addition) {
    attempt a;
    const std::string jwt_part =
        "jwt=" + std::string(jwt) + " signature=" + seed_signature("n0nce") + ' ';
    EXPECT_EQ(shown(a.log_in({.user = "u", .password = "p", .credentials = creds})),
              "user=u password=p " + jwt_part);
    a.server.token = "url";
    EXPECT_EQ(shown(a.log_in({.user = "u", .password = "p", .credentials = creds})),
              "token=url " + jwt_part);
}

TEST(authenticator, each_connection_has_its_own_signature) { // SEC-C5
    attempt a;
    const authenticator x({.nkey_seed = seed});
    for (const char* nonce : {"one", "two", " exactly\nthese bytes\x7f "}) {
        a.info.nonce = nonce;
        const result<login> l = x.log_in(a.server, a.info, &crypto, nullptr, a.exposed);
        ASSERT_TRUE(l);
        EXPECT_EQ(l->signature.view(), seed_signature(nonce));
    }
}

TEST(authenticator, without_a_nonce_nothing_is_read_asked_or_signed) { // AUT-05, SEC-C5
    handler_state state;
    attempt a;
    a.info.nonce.clear();
    for (const login_settings& s :
         {login_settings{.nkey_seed = seed}, login_settings{.nkey_seed_file = "f"},
          login_settings{.credentials = creds}, login_settings{.credentials_file = "f"},
          login_settings{.nkey = public_key, .handlers = handlers("user sign", &state)},
          login_settings{.handlers = handlers("token jwt sign", &state)}}) {
        const result<login> l = a.log_in(s);
        ASSERT_FALSE(l);
        EXPECT_EQ(l.error(), errc::nkeys_not_supported);
        EXPECT_EQ(l.error().detail(), "host:4222");
    }
    EXPECT_EQ(state.calls, "");
    EXPECT_TRUE(a.files.read_paths.empty());
}

TEST(authenticator, a_provider_that_fails) {
    fake_crypto broken;
    attempt a;
    a.provider = &broken;
    const auto expect_failed = [&](const login_settings& s) {
        const result<login> l = a.log_in(s);
        ASSERT_FALSE(l);
        EXPECT_EQ(l.error().message(), "signing failed: the cryptographic library failed: no luck");
    };
    broken.no_signatures = true;
    expect_failed({.nkey_seed = seed});
    expect_failed({.credentials = creds});
    broken.no_signatures = false;
    broken.no_keys = true;
    expect_failed({.nkey_seed = seed});
    EXPECT_TRUE(a.log_in({.credentials = creds})); // needs no public key
}

TEST(authenticator, an_answer_of_the_jwt_handler_that_is_none) {
    handler_state state;
    attempt a;
    for (const std::string_view answer : {std::string_view(), seed, std::string_view("a.b.c.d")}) {
        state.answer = answer;
        const result<login> l = a.log_in({.handlers = handlers("jwt sign", &state)});
        ASSERT_FALSE(l);
        EXPECT_EQ(l.error(), errc::invalid_credentials);
        EXPECT_EQ(l.error().detail(), "the JWT handler's answer: not a JWT");
    }
    EXPECT_EQ(state.calls, "jwt jwt jwt "); // nothing was signed
}

// --- files

TEST(authenticator, files_are_read_for_each_connection) { // AUT-07, AUT-10
    attempt a;
    const authenticator x({.credentials_file = "f"});
    EXPECT_TRUE(x.check(&crypto, &a.files));
    EXPECT_TRUE(a.files.read_paths.empty());
    const auto once = [&] {
        return shown(x.log_in(a.server, a.info, &crypto, &a.files, a.exposed));
    };
    EXPECT_EQ(once(), "a file cannot be read: f: gone");
    std::string text(creds);
    a.files.files["f"] = {text};
    EXPECT_TRUE(once().starts_with("jwt=eyJ0eXAi.eyJqdGki.c2ln "));
    a.files.files["f"] = {text.replace(text.find(jwt), jwt.size(), "new.jwt.now")};
    EXPECT_TRUE(once().starts_with("jwt=new.jwt.now "));
    a.files.files.clear();
    EXPECT_EQ(once(), "a file cannot be read: f: gone");
    EXPECT_EQ(a.files.read_paths, std::vector<std::string>(4, "f"));
}

TEST(authenticator, files_that_hold_something_else) { // AUT-06, AUT-08
    handler_state state;
    attempt a;
    const auto expect_bad = [&](const login_settings& s, errc code, std::string_view detail) {
        const result<login> l = a.log_in(s);
        ASSERT_FALSE(l) << detail;
        EXPECT_EQ(l.error(), code);
        EXPECT_EQ(l.error().detail(), detail);
    };
    a.files.files["seed"] = {"garbage"};
    expect_bad({.nkey_seed_file = "seed"}, errc::invalid_nkey, "seed: a seed has 58 characters");
    a.files.files["seed"] = {std::string(account_seed)};
    expect_bad({.nkey_seed_file = "seed"}, errc::invalid_nkey, "seed: a seed that is not a user's");
    a.files.files["jwt"] = {std::string(seed)};
    const login_handlers sign = handlers("sign", &state);
    expect_bad({.jwt_file = "jwt", .handlers = sign}, errc::invalid_credentials, "jwt: not a JWT");
    expect_bad({.jwt_file = "none", .handlers = sign}, errc::file_unreadable, "none: gone");
    expect_bad({.nkey_seed_file = "none"}, errc::file_unreadable, "none: gone");
    a.files.files["creds"] = {std::string(jwt)};
    expect_bad({.credentials_file = "creds"}, errc::invalid_credentials,
               "creds: no block with a JWT");
    a.files.files["creds"] = {account_creds()};
    expect_bad({.credentials_file = "creds"}, errc::invalid_credentials,
               "creds: a seed that is not a user's");
    EXPECT_EQ(state.calls, "");
}

TEST(authenticator, exposed_files_are_named_once) { // SEC-C3
    attempt a;
    a.files.files["creds"] = {std::string(creds), true};
    a.files.files["closed"] = {std::string(creds), false};
    EXPECT_TRUE(a.log_in({.credentials_file = "creds"}));
    EXPECT_EQ(a.exposed, std::vector<std::string>{"creds"});
    a.exposed.clear();
    EXPECT_TRUE(a.log_in({.nkey_seed_file = "creds", .jwt_file = "creds"}));
    EXPECT_EQ(a.exposed, std::vector<std::string>{"creds"});
    a.exposed.clear();
    EXPECT_TRUE(a.log_in({.credentials_file = "closed"}));
    EXPECT_TRUE(a.log_in({.nkey_seed_file = "closed", .jwt_file = "closed"}));
    EXPECT_TRUE(a.exposed.empty());
    a.files.files["seed"] = {std::string(seed), true};
    EXPECT_TRUE(a.log_in({.nkey_seed_file = "seed", .jwt_file = "creds"}));
    EXPECT_EQ(a.exposed, (std::vector<std::string>{"creds", "seed"}));
}

// --- what is left behind

TEST(authenticator, copies_its_settings) {
    std::string user = "u";
    std::string text(creds);
    const authenticator x({.user = user, .credentials = text});
    user = "?";
    text.assign(text.size(), '?');
    attempt a;
    EXPECT_EQ(shown(x.log_in(a.server, a.info, &crypto, nullptr, a.exposed)),
              "user=u jwt=" + std::string(jwt) + " signature=" + seed_signature("n0nce") + ' ');
}

/// Reads the credentials without any copy that a test's own strings would make.
class plain_files final : public file_reader {
public:
    result<void> read(std::string_view /*path*/, std::size_t /*max_size*/, secret& content,
                      bool& others_can_read) override {
        content.assign(creds);
        others_can_read = false;
        return {};
    }
};

TEST(authenticator, leaves_no_seed_in_freed_memory) { // SEC-C3
    plain_files files;
    attempt a;
    // Seed, JWT and password are looked for one after the other.
    for (const std::string_view needle : {seed, jwt, std::string_view("a needle as a password")}) {
        const freed_memory memory(needle);
        for (const login_settings& s : {login_settings{.password = needle, .credentials = creds},
                                        login_settings{.token = needle, .credentials_file = "f"},
                                        login_settings{.nkey_seed = seed, .jwt = jwt},
                                        login_settings{.nkey_seed_file = "f", .jwt_file = "f"}}) {
            const authenticator x(s);
            EXPECT_TRUE(x.log_in(a.server, a.info, &crypto, &files, a.exposed));
        }
        EXPECT_GT(memory.blocks(), 10U);
        EXPECT_EQ(memory.found(), 0U);
    }
}

TEST(authenticator, mutated_files_never_send_a_seed) {
    seeded_random random(11);
    handler_state state;
    attempt a;
    int sent = 0;
    for (int round = 0; round < 10'000; ++round) {
        std::string text = round % 3 == 0 ? std::string(seed) : std::string(creds);
        for (std::uint64_t n = random.below(4); n-- > 0 && !text.empty();) {
            const std::size_t at = random.below(text.size());
            if (random.below(2) == 0) {
                text[at] = static_cast<char>(random.below(256));
            } else {
                text.erase(at, random.below(60));
            }
        }
        a.files.files["f"] = {text};
        for (const login_settings& s :
             {login_settings{.credentials_file = "f"}, login_settings{.nkey_seed_file = "f"},
              login_settings{.jwt_file = "f", .handlers = handlers("sign", &state)}}) {
            const result<login> l = a.log_in(s);
            if (!l) continue;
            ++sent;
            EXPECT_EQ(shown(*l).find(seed.substr(0, 20)), std::string::npos);
        }
    }
    EXPECT_GT(sent, 3000);
}

} // namespace

} // namespace nats::test
