// SPDX-License-Identifier: Apache-2.0
//
// Who may log in, what they may do then, and options that make no sense.

#include <natsproto/auth/nkey.hpp>
#include <natsproto/broker/broker.hpp>

#include "support/conversation.hpp"
#include "support/fake_crypto.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace nats {
namespace {

using namespace std::chrono_literals;
using test::broker_world;
using test::talker;

const test::fake_crypto crypto;

broker_user named(std::string name, std::string_view password, permissions allowed = {}) {
    broker_user u;
    u.name = std::move(name);
    u.password = secret(password);
    u.allowed = std::move(allowed);
    return u;
}

nkey_pair key_of(std::uint64_t seed) {
    seeded_random random(seed);
    return nkey_pair::create(nkey_kind::user, random);
}
std::string public_text(const nkey_pair& k) {
    return encode_nkey(k.public_key(crypto).value());
}

broker_options with_everybody() {
    broker_options o;
    o.users.push_back(named("ann", "secret"));
    o.users.push_back(named("bob", "secrets"));
    broker_user key;
    key.nkey = public_text(key_of(7));
    o.users.push_back(std::move(key));
    o.token = secret("t0k3n");
    return o;
}

std::string value_of(const std::string& info, const std::string& name) {
    const std::string start = '"' + name + "\":\"";
    const std::size_t at = info.find(start);
    if (at == std::string::npos) return {};
    return info.substr(at + start.size(), info.find('"', at + start.size()) - at - start.size());
}

struct attempt {
    const char* fields;
    const char* user; ///< null: refused
};

TEST(BrokerLogin, NamesAndTokens) {
    broker_world w(with_everybody(), &crypto);
    const attempt table[] = {
        {R"("user":"ann","pass":"secret")", "ann"},
        {R"("user":"bob","pass":"secrets")", "bob"},
        {R"("auth_token":"t0k3n")", ""},
        {R"("user":"ann","pass":"secret","auth_token":"wrong")", "ann"},
        {R"("user":"ann","pass":"secrets")", nullptr},
        {R"("user":"ann","pass":"secre")", nullptr},
        {R"("user":"ann","pass":"")", nullptr},
        {R"("user":"ann")", nullptr},
        {R"("user":"ann","pass":"secretsecret")", nullptr},
        {R"("user":"eve","pass":"secret")", nullptr},
        {R"("user":"eve","pass":"?")", nullptr},
        {R"("user":"ann","pass":"wrong","auth_token":"t0k3n")", nullptr},
        {R"("auth_token":"t0k3")", nullptr},
        {R"("auth_token":"t0k3nt0k3n")", nullptr},
        {R"("user":"t0k3n")", nullptr},
        {R"("jwt":"x.y.z")", nullptr},
        {R"("verbose":false)", nullptr},
    };
    std::uint64_t refused = 0;
    for (const attempt& a : table) {
        talker t(w);
        const std::string info = t.hear();
        EXPECT_NE(info.find(R"("auth_required":true)"), std::string::npos);
        EXPECT_EQ(value_of(info, "nonce").size(), 15U);
        EXPECT_FALSE(t.status().logged_in);
        const std::string heard = t.say("CONNECT {" + std::string(a.fields) + "}|PING|");
        if (a.user != nullptr) {
            EXPECT_TRUE(heard.ends_with("PONG|")) << a.fields << ": " << heard;
            EXPECT_TRUE(t.status().logged_in);
            EXPECT_EQ(t.status().user, a.user);
        } else {
            EXPECT_EQ(heard, "-ERR 'Authorization Violation'|") << a.fields;
            EXPECT_TRUE(t.ended());
            ++refused;
        }
    }
    EXPECT_EQ(w.b->stats().refused_logins, refused);
    talker without(w);
    without.hear();
    EXPECT_EQ(without.say("PING|"), "-ERR 'Authorization Violation'|");
    EXPECT_TRUE(without.ended());
}

TEST(BrokerLogin, NkeysSignTheNonce) {
    broker_world w(with_everybody(), &crypto);
    const nkey_pair right = key_of(7);
    const nkey_pair wrong = key_of(8);
    const auto log_in = [&](const std::string& key, const nkey_pair& signer, bool own_nonce,
                            const std::function<std::string(std::string)>& change) {
        talker t(w);
        const std::string nonce = value_of(t.hear(), "nonce");
        const std::string signature =
            encode_signature(signer.sign(own_nonce ? nonce : "another", crypto).value());
        return t.say(R"(CONNECT {"verbose":false,"nkey":")" + key + R"(","sig":")" +
                     change(signature) + "\"}|PING|");
    };
    const auto same = [](std::string s) { return s; };
    const auto standard = [](std::string s) {
        for (char& c : s) c = c == '-' ? '+' : c == '_' ? '/' : c;
        return s + "==";
    };
    const std::string key = public_text(right);
    constexpr const char* violation = "-ERR 'Authorization Violation'|";
    EXPECT_EQ(log_in(key, right, true, same), "PONG|");
    EXPECT_EQ(log_in(key, right, true, standard), "PONG|");
    EXPECT_EQ(log_in(key, right, false, same), violation);
    EXPECT_EQ(log_in(key, wrong, true, same), violation);
    EXPECT_EQ(log_in(public_text(wrong), wrong, true, same), violation);
    EXPECT_EQ(log_in(key, right, true, [](const std::string&) { return std::string(); }),
              violation);
    EXPECT_EQ(log_in(key, right, true, [](const std::string& s) { return s + "A"; }), violation);
    EXPECT_EQ(log_in(key, right, true, [](const std::string& s) { return '!' + s.substr(1); }),
              violation);
}

TEST(BrokerLogin, NonceOnlyForNkeys) {
    broker_options o;
    o.token = secret("x");
    broker_world w(std::move(o));
    const std::string info = talker(w).hear();
    EXPECT_EQ(info.find("nonce"), std::string::npos);
}

TEST(BrokerLogin, NobodyNeedsToWithADefaultUser) {
    broker_options o = with_everybody();
    o.users.push_back(
        named("guest", "", {.publish = {}, .subscribe = {{"public.>"}, {}}, .responses = {}}));
    o.no_auth_user = "guest";
    broker_world w(std::move(o), &crypto);
    talker t(w);
    EXPECT_EQ(t.hear().find("auth_required"), std::string::npos);
    EXPECT_EQ(t.say("SUB a 1|"), "-ERR 'Permissions Violation for Subscription to \"a\"'|")
        << "also before CONNECT";
    EXPECT_EQ(t.say(talker::connect_line() + "SUB public.a 1|SUB a 2|"),
              "-ERR 'Permissions Violation for Subscription to \"a\"'|");
    EXPECT_EQ(t.status().user, "guest");
    talker other(w);
    other.hear();
    EXPECT_EQ(other.say(R"(CONNECT {"verbose":false,"user":"ann","pass":"secret"}|SUB a 1|PING|)"),
              "PONG|");
    talker wrong(w);
    wrong.hear();
    EXPECT_EQ(wrong.say(R"(CONNECT {"user":"ann","pass":"x"}|)"),
              "-ERR 'Authorization Violation'|");
    talker by_name(w);
    by_name.hear();
    EXPECT_EQ(by_name.say(R"(CONNECT {"user":"guest","pass":""}|)"),
              "-ERR 'Authorization Violation'|")
        << "it has no password";
}

TEST(BrokerLogin, ASecondConnectIsALoginToo) {
    broker_options o = with_everybody();
    o.users[1].allowed.publish.deny = {"a"};
    broker_world w(std::move(o), &crypto);
    talker t(w);
    t.hear();
    EXPECT_EQ(t.say(R"(CONNECT {"verbose":false,"user":"ann","pass":"secret"}|PUB a 0||PING|)"),
              "PONG|");
    EXPECT_EQ(t.say(R"(CONNECT {"echo":false}|PING|)"), "PONG|") << "who it is, is known";
    EXPECT_EQ(t.say(R"(CONNECT {"user":"bob","pass":"secrets"}|PUB a 0||)"),
              "-ERR 'Permissions Violation for Publish to \"a\"'|");
    EXPECT_EQ(t.say(R"(CONNECT {"user":"eve"}|)"), "-ERR 'Authorization Violation'|");
    EXPECT_TRUE(t.ended());
}

TEST(BrokerLogin, HasToComeInTime) {
    broker_options o = with_everybody();
    o.auth_timeout = 3s;
    broker_world w(std::move(o), &crypto);
    talker late(w);
    late.hear();
    late.tell("CON");
    talker logged_in(w);
    logged_in.hear();
    logged_in.say(R"(CONNECT {"verbose":false,"user":"ann","pass":"secret"}|)");
    w.wait(2999ms);
    EXPECT_FALSE(late.ended());
    w.wait(1ms);
    EXPECT_EQ(late.hear(), "-ERR 'Authentication Timeout'|");
    EXPECT_TRUE(late.ended());
    EXPECT_FALSE(logged_in.ended());
}

// --- permissions

struct permission_case {
    const char* name;
    permissions allowed;
    const char* said;
    const char* heard;
};

permissions publish(std::vector<std::string> allow, std::vector<std::string> deny = {}) {
    return {.publish = {std::move(allow), std::move(deny)}, .subscribe = {}, .responses = {}};
}
permissions subscribe(std::vector<std::string> allow, std::vector<std::string> deny = {}) {
    return {.publish = {}, .subscribe = {std::move(allow), std::move(deny)}, .responses = {}};
}

/// `ann` has them; a second client without any says PUB for what she hears.
TEST(BrokerPermissions, Table) {
    const std::string no = "-ERR 'Permissions Violation for ";
    const std::vector<std::pair<permission_case, std::string>> table = [&] {
        std::vector<std::pair<permission_case, std::string>> t;
        const auto add = [&](const char* name, permissions p, const char* said,
                             const std::string& heard) {
            t.push_back({{name, std::move(p), said, nullptr}, heard});
        };
        add("allowed", publish({"a.*"}), "SUB > 1|PUB a.b 0||", "MSG a.b 1 0||");
        add("not allowed", publish({"a.*"}), "PUB a 0||", no + R"(Publish to "a"'|)");
        add("denied", publish({}, {"a.>"}), "PUB a.b 0||PUB a 0||PING|",
            no + R"(Publish to "a.b"'|PONG|)");
        add("denied of what is allowed", publish({"a.>"}, {"a.b"}), "PUB a.b 0||PUB a.c 0||PING|",
            no + R"(Publish to "a.b"'|PONG|)");
        add("no 503 for what is refused", publish({"a"}), "SUB r 1|PUB b r 0||PING|",
            no + R"(Publish to "b"'|PONG|)");
        add("subscribe allowed", subscribe({"a.*"}), "SUB a.b 1|SUB a.* 2|PING|", "PONG|");
        add("subscribe to more than is allowed", subscribe({"a.*"}), "SUB a.> 1|SUB > 2|",
            no + R"(Subscription to "a.>"'|)" + no + R"(Subscription to ">"'|)");
        add("subscribe denied", subscribe({}, {"a.*"}), "SUB a.b 1|SUB a.* 2|SUB a 3|PING|",
            no + R"(Subscription to "a.b"'|)" + no + R"(Subscription to "a.*"'|PONG|)");
        add("in a queue group", subscribe({"a"}), "SUB b q 1|",
            no + R"(Subscription to "b" using queue "q"'|)");
        add("filtered", subscribe({}, {"a.b"}), "SUB a.* 1|SUB > 2|PUB a.b 0||PING|", "PONG|");
        add("filtered by a wildcard", subscribe({}, {"*.b"}), "SUB a.* 1|PUB a.b 0||PUB a.c 0||",
            "MSG a.c 1 0||");
        add("only as of a queue group", subscribe({"a q.*"}), "SUB a 1|SUB a q.1 2|SUB a p 3|PING|",
            no + R"(Subscription to "a"'|)" + no + R"(Subscription to "a" using queue "p"'|PONG|)");
        add("the subject denied, whatever is said of a group", subscribe({}, {"a", "a q"}),
            "SUB a p 1|PING|", no + R"(Subscription to "a" using queue "p"'|PONG|)");
        add("filtered in a queue group", subscribe({}, {"a.b q.*"}),
            "SUB a.* q.1 1|SUB a.* p 2|PUB a.b 0||PING|", "MSG a.b 2 0||PONG|");
        add("filtered for a queue group only", subscribe({}, {"a.b q"}),
            "SUB a.* 1|PUB a.b 0||PING|", "MSG a.b 1 0||PONG|");
        add("a queue group denied", subscribe({}, {"a q"}), "SUB a 1|SUB a q 2|SUB a p 3|PING|",
            no + R"(Subscription to "a" using queue "q"'|PONG|)");
        return t;
    }();
    for (const auto& [c, heard] : table) {
        broker_options o;
        o.users.push_back(named("ann", "x", c.allowed));
        broker_world w(std::move(o));
        talker t(w);
        t.hear();
        t.say(talker::connect_line(R"(,"user":"ann","pass":"x")"));
        EXPECT_EQ(t.say(c.said), heard) << c.name;
        EXPECT_FALSE(t.ended()) << c.name;
    }
}

TEST(BrokerPermissions, OfEverybody) {
    broker_options o;
    o.default_permissions.publish.deny = {"a"};
    broker_world w(std::move(o));
    EXPECT_EQ(talker::connected(w).say("PUB a 0||"),
              "-ERR 'Permissions Violation for Publish to \"a\"'|");
}

TEST(BrokerPermissions, OfARefusalInVerboseMode) {
    broker_options o;
    o.default_permissions = publish({"a"});
    broker_world w(std::move(o));
    talker t = talker::connected(w, R"(,"verbose":true)");
    EXPECT_EQ(t.say("PUB a 0||PUB b 0||PUB a 0||"),
              "+OK|-ERR 'Permissions Violation for Publish to \"b\"'|+OK|");
}

/// A denied subject in a queue group: another member gets it.
TEST(BrokerPermissions, AFilteredMessageGoesToAnotherMember) {
    broker_options o;
    o.users.push_back(named("ann", "x", subscribe({}, {"a.b"})));
    o.users.push_back(named("bob", "x"));
    broker_world w(std::move(o));
    talker ann(w);
    talker bob(w);
    ann.hear();
    bob.hear();
    ann.say(talker::connect_line(R"(,"user":"ann","pass":"x")") + "SUB a.* q 1|");
    bob.say(talker::connect_line(R"(,"user":"bob","pass":"x")") + "SUB a.* q 1|");
    for (int i = 0; i < 20; ++i) bob.tell("PUB a.b 0||");
    const std::string heard = bob.hear();
    EXPECT_EQ(std::count(heard.begin(), heard.end(), 'M'), 20);
    EXPECT_EQ(ann.hear(), "");
}

TEST(BrokerPermissions, Responses) {
    broker_options o;
    permissions p;
    p.responses = response_permission{2, 10s};
    o.users.push_back(named("ann", "x", p));
    o.users.push_back(named("bob", "x"));
    broker_world w(std::move(o));
    talker ann(w);
    talker bob(w);
    ann.hear();
    bob.hear();
    ann.say(talker::connect_line(R"(,"user":"ann","pass":"x")") + "SUB job 1|");
    bob.say(talker::connect_line(R"(,"user":"bob","pass":"x")") + "SUB r.* 1|");
    const auto refused = [](const std::string& s) {
        return "-ERR 'Permissions Violation for Publish to \"" + s + "\"'|";
    };
    EXPECT_EQ(ann.say("PUB r.1 0||"), refused("r.1")) << "nobody has asked";
    EXPECT_EQ(ann.say("PUB other 0||"), refused("other")) << "no list allows it";
    bob.say("PUB job r.1 0||PUB job r.2 0||");
    EXPECT_EQ(ann.hear(), "MSG job 1 r.1 0||MSG job 1 r.2 0||");
    EXPECT_EQ(ann.say("PUB r.1 1|a|PUB r.1 1|b|PUB r.1 1|c|"), refused("r.1"));
    EXPECT_EQ(bob.hear(), "MSG r.1 1 1|a|MSG r.1 1 1|b|");
    w.wait(10s);
    ann.hear(); // a PING
    EXPECT_EQ(ann.say("PUB r.2 0||PING|"), "PONG|");
    w.wait(1ms);
    EXPECT_EQ(ann.say("PUB r.2 0||"), refused("r.2")) << "too late";
}

TEST(BrokerPermissions, RepliesThatAreRememberedAreBounded) {
    broker_options o;
    permissions p;
    p.responses = response_permission{0, 0s};
    o.users.push_back(named("ann", "x", p));
    o.token = secret("t");
    o.max_control_line = 200'000;
    broker_world w(std::move(o));
    talker ann(w);
    talker bob(w);
    ann.hear();
    bob.hear();
    ann.say(talker::connect_line(R"(,"user":"ann","pass":"x")") + "SUB job 1|");
    bob.say(talker::connect_line(R"(,"auth_token":"t")"));
    const std::string tail(100'000, 'x');
    for (int i = 0; i < 200; ++i) { // 20 MB of reply subjects
        bob.tell("PUB job r." + std::to_string(i) + tail + " 0||");
        ann.hear();
    }
    EXPECT_NE(ann.say("PUB r.0" + tail + " 0||"), "") << "the oldest are forgotten";
    EXPECT_EQ(ann.say("PUB r.199" + tail + " 0||PUB r.199" + tail + " 0||"), "");
}

// --- options

struct bad_options {
    const char* expected; ///< a part of the message
    std::function<void(broker_options&)> change;
    bool has_crypto = true;
};

TEST(BrokerOptions, AreChecked) {
    const std::string key = public_text(key_of(7));
    const std::vector<bad_options> table = {
        {"server_name", [](broker_options& o) { o.server_name = ""; }},
        {"version", [](broker_options& o) { o.version = "\xff"; }},
        {"host", [](broker_options& o) { o.host = "\xff"; }},
        {"connect_urls", [](broker_options& o) { o.connect_urls = {"a:1", ""}; }},
        {"max_payload", [](broker_options& o) { o.max_payload = 0; }},
        {"max_payload", [](broker_options& o) { o.max_payload = 64 * 1024 * 1024 + 1; }},
        {"max_control_line", [](broker_options& o) { o.max_control_line = 0; }},
        {"max_connections", [](broker_options& o) { o.max_connections = 0; }},
        {"max_pending", [](broker_options& o) { o.max_pending = 1024 * 1024 - 1; }},
        {"write_deadline", [](broker_options& o) { o.write_deadline = 0s; }},
        {"first_ping", [](broker_options& o) { o.first_ping = -1s; }},
        {"ping_interval", [](broker_options& o) { o.ping_interval = 0s; }},
        {"max_pings_out", [](broker_options& o) { o.max_pings_out = 0; }},
        {"auth_timeout", [](broker_options& o) { o.auth_timeout = 0s; }},
        {"lame duck", [](broker_options& o) { o.lame_duck_grace = -1s; }},
        {"lame duck", [](broker_options& o) { o.lame_duck_duration = -1s; }},
        {"\"ann\" has no password", [](broker_options& o) { o.users.push_back(named("ann", "")); }},
        {"either a name or an nkey", [](broker_options& o) { o.users.push_back(named("", "x")); }},
        {"either a name or an nkey",
         [&](broker_options& o) {
             o.users.push_back(named("ann", "x"));
             o.users.back().nkey = key;
         }},
        {"\"ann\" is listed twice",
         [](broker_options& o) {
             o.users.push_back(named("ann", "x"));
             o.users.push_back(named("ann", "y"));
         }},
        {"UTF-8", [](broker_options& o) { o.users.push_back(named("\xff", "x")); }},
        {"\"SUAB\"",
         [](broker_options& o) {
             o.users.emplace_back();
             o.users.back().nkey = "SUAB";
         }},
        {"not a user's public key",
         [](broker_options& o) {
             o.users.emplace_back();
             o.users.back().nkey = "AAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D6H4F";
         }},
        {key.c_str(),
         [&](broker_options& o) {
             o.users.emplace_back();
             o.users.back().nkey = key;
         },
         false},
        {R"(no_auth_user "eve")", [](broker_options& o) { o.no_auth_user = "eve"; }},
        {R"(publish permission "a..b" of user "ann")",
         [](broker_options& o) { o.users.push_back(named("ann", "x", publish({"a..b"}))); }},
        {"publish permission \"a q\" of everybody",
         [](broker_options& o) { o.default_permissions = publish({}, {"a q"}); }},
        {"subscribe permission \"a \"",
         [](broker_options& o) { o.default_permissions = subscribe({"a "}); }},
        {"subscribe permission \"a q x\"",
         [](broker_options& o) { o.default_permissions = subscribe({}, {"a q x"}); }},
        {"responses",
         [](broker_options& o) { o.default_permissions.responses = response_permission{1, -1s}; }},
        {"tls", [](broker_options& o) { o.tls.emplace(); }, false},
        {"certificate", [](broker_options& o) { o.tls.emplace(); }},
        {"key", [](broker_options& o) { o.tls.emplace().certificate = "x"; }},
        {"tls.ca",
         [](broker_options& o) {
             o.tls.emplace().certificate = "x";
             o.tls->key = secret("x");
             o.tls->require_client_certificate = true;
         }},
        {"tls.timeout",
         [](broker_options& o) {
             o.tls.emplace().certificate = "x";
             o.tls->key = secret("x");
             o.tls->timeout = 0s;
         }},
    };
    seeded_random random(1);
    for (const bad_options& bad : table) {
        broker_options o;
        bad.change(o);
        const auto made = broker::create(
            std::move(o), environment{&random, bad.has_crypto ? &crypto : nullptr, nullptr},
            time_point{});
        ASSERT_FALSE(made) << bad.expected;
        EXPECT_NE(made.error().message().find(bad.expected), std::string::npos)
            << made.error().message();
    }
    const auto without = broker::create({}, environment{}, time_point{});
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error(), errc::invalid_argument);
}

} // namespace
} // namespace nats
