// SPDX-License-Identifier: Apache-2.0
//
// Holds each conversation of conversations.txt with nats-server 2.9, 2.10 and the newest, and with
// our broker, in memory and (those without logins) on TCP: what they say is the same, but for the
// differences that are listed here by name. A difference that is listed and not seen fails too.

#include <natsproto/auth/nkey.hpp>
#include <natsproto/broker/broker.hpp>
#include <natsproto/openssl/provider.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include "integration/conversations.hpp"
#include "integration/nats_server.hpp"
#include "integration/scratch.hpp"
#include "support/certificates.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view user_key = "UD7HE7FWDW7X6GMILQK4NC2PBY7WT2HB5UWELCNWAYBX622NRWW262HA";
constexpr std::string_view user_seed = "SUABJUL5XH2VXA43HTTZ326JQPFLPOF47E6TN2IBODVNT57ABX3AACRISU";

std::string sign(std::string_view nonce) {
    const openssl::provider crypto;
    return encode_signature(nkey_pair::from_seed(user_seed).value().sign(nonce, crypto).value());
}

// --- configurations, in both languages

broker_user with_password(std::string_view name, permissions p = {}) {
    broker_user u;
    u.name = name;
    u.password.assign(std::string(name) + "-pass");
    u.allowed = std::move(p);
    return u;
}

constexpr std::string_view users_config = R"(
authorization {
  default_permissions: { publish: "default.>", subscribe: { allow: "default.>" } }
  users: [
    { user: joe, password: joe-pass, permissions: { publish: ">", subscribe: ">" } }
    { user: plain, password: plain-pass }
    { user: tight, password: tight-pass, permissions: {
        publish: [ "pub.ok", "req.>" ]
        subscribe: [ "sub.ok", "sub.*.x", "in.>", "jobs workers", "jobs w.*" ] } }
    { user: denied, password: denied-pass, permissions: {
        publish: { deny: [ "deny.>", "*.secret" ] }
        subscribe: { deny: [ "deny.>", "*.secret", "jobs bad" ] } } }
    { user: service, password: service-pass, permissions: {
        publish: { deny: ">" }, subscribe: "svc", allow_responses: true } }
    { user: two, password: two-pass, permissions: {
        publish: { deny: [ "in.>", "deny.>" ] }, subscribe: "svc"
        allow_responses: { max: 2, expires: "1m" } } }
  ]
})";

void users_options(broker_options& o) {
    o.default_permissions = {{{"default.>"}, {}}, {{"default.>"}, {}}, {}};
    o.users.push_back(with_password("joe", {{{">"}, {}}, {{">"}, {}}, {}}));
    o.users.push_back(with_password("plain"));
    o.users.push_back(
        with_password("tight", {{{"pub.ok", "req.>"}, {}},
                                {{"sub.ok", "sub.*.x", "in.>", "jobs workers", "jobs w.*"}, {}},
                                {}}));
    o.users.push_back(with_password(
        "denied", {{{}, {"deny.>", "*.secret"}}, {{}, {"deny.>", "*.secret", "jobs bad"}}, {}}));
    o.users.push_back(
        with_password("service", {{{}, {">"}}, {{"svc"}, {}}, response_permission{}}));
    o.users.push_back(with_password(
        "two", {{{}, {"in.>", "deny.>"}}, {{"svc"}, {}}, response_permission{2, 1min}}));
}

struct part {
    const char* name;
    std::string config;
    void (*fill)(broker_options& o);
    bool with_certificate = false; ///< both get the same one
};

const part parts[] = {
    {"open", "", [](broker_options&) {}},
    {"users", std::string(users_config), users_options},
    {"token", "authorization { token: s3cr3t }",
     [](broker_options& o) { o.token.assign("s3cr3t"); }},
    {"no_auth_user",
     R"(no_auth_user: guest
        authorization { users: [
          { user: joe, password: joe-pass }
          { user: guest, password: guest-pass, permissions: { publish: "guest.>" } } ] })",
     [](broker_options& o) {
         o.no_auth_user = "guest";
         o.users.push_back(with_password("joe"));
         o.users.push_back(with_password("guest", {{{"guest.>"}, {}}, {}, {}}));
     }},
    {"nkey",
     "authorization { users: [ { user: joe, password: joe-pass }, { nkey: " +
         std::string(user_key) + " } ] }",
     [](broker_options& o) {
         o.users.push_back(with_password("joe"));
         o.users.emplace_back().nkey = user_key;
     }},
    {"limits", "max_payload: 100\nmax_control_line: 512\nmax_subscriptions: 3",
     [](broker_options& o) {
         o.max_payload = 100;
         o.max_control_line = 512;
         o.max_subscriptions = 3;
     }},
    {"connections", "max_connections: 1", [](broker_options& o) { o.max_connections = 1; }},
    {"timers", "ping_interval: 100ms\nping_max: 2",
     [](broker_options& o) {
         o.ping_interval = 100ms;
         o.first_ping = 100ms;
         o.max_pings_out = 2;
     }},
    {"slow_login", "authorization { user: joe, password: joe-pass, timeout: 0.2 }",
     [](broker_options& o) {
         o.auth_timeout = 200ms;
         o.users.push_back(with_password("joe"));
     }},
    {"lame_duck", "lame_duck_duration: 30s\nlame_duck_grace_period: 10s", [](broker_options&) {}},
    {"tls", "", [](broker_options&) {}, true},
    {"tls_available", "allow_non_tls: true",
     [](broker_options& o) { o.tls->how = broker_tls::mode::available; }, true},
};

// --- the parties

class nats_server_party final : public party {
public:
    nats_server_party(generation g, std::string_view config)
        : server_(find_server(g).value(), config) {}
    std::unique_ptr<raw_client> connect() override { return connect_to(server_.port()); }
    void retire() override { server_.retire(); }

private:
    nats_server server_;
};

class tcp_party final : public party {
public:
    explicit tcp_party(broker_options o) : server_(tcp_broker::listen(std::move(o)).value()) {}
    tcp_party(const tcp_party&) = delete;
    tcp_party& operator=(const tcp_party&) = delete;
    ~tcp_party() override {
        server_->stop();
        thread_.join();
    }
    std::unique_ptr<raw_client> connect() override { return connect_to(server_->port()); }
    void retire() override { server_->retire(); }

private:
    std::unique_ptr<tcp_broker> server_;
    std::thread thread_{[this] { server_->run().value(); }};
};

/// Time goes on when a client waits and there is nothing for it.
class memory_party final : public party {
public:
    explicit memory_party(broker_options o)
        : broker_(broker::create(std::move(o), {&random_, &crypto_, nullptr}, now_).value()) {}
    std::unique_ptr<raw_client> connect() override {
        return std::make_unique<client>(*this, broker_->connect(now_));
    }
    void retire() override { broker_->lame_duck(now_); }

private:
    class client final : public raw_client {
    public:
        client(memory_party& p, memory_transport t) : party_(p), transport_(std::move(t)) {}
        void send(std::string_view bytes) override {
            while (!bytes.empty()) {
                std::size_t taken = 0;
                if (!transport_.write(bytes, taken, party_.now_)) return;
                bytes.remove_prefix(taken);
                if (taken == 0) party_.wait();
            }
        }
        bool receive(std::string& into) override {
            std::array<char, 65536> part{};
            for (;; party_.wait()) {
                const std::size_t n = transport_.read(part, party_.now_);
                into.append(part.data(), n);
                if (n != 0) return true;
                if (transport_.ended()) return false;
            }
        }
        void leave() override { transport_.close(party_.now_); }

    private:
        memory_party& party_;
        memory_transport transport_;
    };

    /// Until the broker has something to do.
    void wait() {
        const std::optional<time_point> next = broker_->poll_timeout();
        if (!next || *next > now_ + 5s) throw std::runtime_error("silence");
        now_ = std::max(now_, *next);
        broker_->handle_timeout(now_);
    }

    seeded_random random_{1};
    openssl::provider crypto_;
    time_point now_{std::chrono::hours(1)};
    std::unique_ptr<broker> broker_;
};

// --- differences between the generations of nats-server

using transcript = std::vector<std::string>;

/// 2.12 and later: INFO once more behind the first PONG of a client of protocol 1.
bool without_second_info(transcript& t) {
    return std::erase_if(t, [](const std::string& line) {
               return line.find(" connect_info=true") != std::string::npos;
           }) != 0;
}

/// 2.12 and later: the answer for want of responders names the subject that was asked.
bool without_nats_subject(transcript& t) {
    bool seen = false;
    for (std::size_t i = 2; i < t.size(); ++i) {
        if (!t[i].substr(1).starts_with(" Nats-Subject: ") || !t[i - 1].ends_with(" NATS/1.0 503"))
            continue;
        std::string& head = t[i - 2];
        head.replace(head.rfind(' ', head.rfind(' ') - 1), std::string::npos, " 16 16");
        t.erase(t.begin() + static_cast<std::ptrdiff_t>(i));
        seen = true;
    }
    return seen;
}

// --- differences of ours

/// What somebody says where nats-server 2.10 says something else.
struct difference {
    const char* who; ///< names of parties begin so; several are separated by |
    const char* part;
    const char* conversation;
    const char* says; ///< INFO is left out, lines are joined by |
    const char* reason;
};

const difference differences[] = {
    {"broker", "open", "size with leading zeros", "a MSG foo 1 5|a hello|a PONG",
     "zeros in front of a size are not passed on: it is the same number"},
    {"broker", "open", "size of nine digits with leading zeros", "a MSG foo 1 5|a hello|a PONG",
     "as above"},
    {"broker", "open", "sizes of hpub with leading zeros",
     "a HMSG foo 1 12 14|a NATS/1.0|a |a hi|a PONG", "as above"},
    {"broker", "open", "invalid subject with a taken sid", "a -ERR 'Invalid Subject'|a PONG",
     "a subject is checked before its sid is looked up"},
    {"broker", "open", "cr in a subject", "a EOF",
     "a CR inside of a control line is not the protocol, and would be passed on to others"},
    {"broker", "open", "cr in a sub", "a EOF", "as above"},
    {"broker", "open", "pub with a blank and a bare lf", "a EOF",
     "a line ends where it ends: nats-server goes on to the next one for the arguments"},
    {"broker", "open", "connect that nests deeply", "a EOF", "no deeper than max_json_depth"},
    {"broker", "open", "connect that is not utf-8", "a EOF",
     "nothing is put in the place of what is not text"},
    {"broker", "open", "connect with half of a surrogate pair", "a EOF", "as above"},
    {"broker", "open", "blanks in front of the arguments",
     "a -ERR 'maximum control line exceeded'|a EOF",
     "of the blanks behind a name only one does not count for max_control_line"},
    {"broker", "open", "ping with much behind it", "a -ERR 'maximum control line exceeded'|a EOF",
     "max_control_line holds for what is ignored too"},
    {"broker", "open", "ping without an end", "a -ERR 'maximum control line exceeded'|a EOF",
     "as above"},
    {"broker", "users", "subscribe what is no subject, under permissions",
     "a -ERR 'Invalid Subject'|a -ERR 'Invalid Subject'|a PONG",
     "a subject is checked before permissions are"},
    {"broker|nats-server v2_9", "users", "a service asked twice for one subject",
     "a PONG|b PONG|a MSG svc 1 in.1 0|a |a MSG svc 1 in.1 0|a |a PONG"
     "|a -ERR 'Permissions Violation for Publish to \"in.1\"'"
     "|a -ERR 'Permissions Violation for Publish to \"in.1\"'|a PONG|b PONG",
     "since 2.10 a second request with the same reply uses up the answer to the first"},
    {"broker", "limits", "max_subscriptions, verbose",
     "a +OK|a +OK|a +OK|a +OK|a -ERR 'maximum subscriptions exceeded'"
     "|a -ERR 'maximum subscriptions exceeded'|a -ERR 'Invalid Subject'|a PONG",
     "a subject is checked before subscriptions are counted"},
};

// --- the comparison

const std::filesystem::path file =
    std::filesystem::path(NATSPROTO_TESTS_DIR) / "integration/conversations.txt";

std::string text_of(const transcript& t) {
    std::string out;
    for (const std::string& line : t) out += "    " + line + '\n';
    return out;
}

/// As in the table of differences.
std::string joined(const transcript& t) {
    std::string out;
    for (const std::string& line : t) {
        if (line.substr(1).starts_with(" INFO ")) continue;
        if (!out.empty()) out += '|';
        out += line;
    }
    return out;
}

/// What one server says in all conversations of a part, in a thread of its own.
class witness {
public:
    using maker = std::function<std::unique_ptr<party>()>;
    witness(std::string name, const std::vector<conversation>& all, maker make)
        : name_(std::move(name)), thread_([this, &all, make = std::move(make)] {
              try {
                  const std::unique_ptr<party> server = make();
                  for (const conversation& c : all) said_.push_back(hold(c, *server, sign));
              } catch (const std::exception& failure) {
                  said_.resize(all.size(), {std::string("! ") + failure.what()});
              }
          }) {}
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::vector<transcript>& said() {
        if (thread_.joinable()) thread_.join();
        return said_;
    }
    witness(const witness&) = delete;
    witness& operator=(const witness&) = delete;
    ~witness() {
        if (thread_.joinable()) thread_.join();
    }

private:
    std::string name_;
    std::vector<transcript> said_;
    std::thread thread_;
};

/// Whether one of the beginnings in `who` is this name's.
bool names(std::string_view who, std::string_view name) {
    for (std::size_t end = 0; end != std::string_view::npos; who.remove_prefix(end + 1)) {
        end = who.find('|');
        if (name.starts_with(who.substr(0, end))) return true;
        if (end == std::string_view::npos) break;
    }
    return false;
}

void PrintTo(const part& p, std::ostream* out) {
    *out << p.name;
}

class differential : public testing::TestWithParam<part> {
protected:
    void SetUp() override {
        const part& p = GetParam();
        conversations = read_conversations(file, p.name);
        for (const generation g : {generation::v2_10, generation::v2_9, generation::newest}) {
            if (!find_server(g)) GTEST_SKIP() << "no nats-server " << name_of(g);
            add("nats-server " + name_of(g), [g, config = p.config + tls_config()] {
                return std::make_unique<nats_server_party>(g, config);
            });
        }
        add("broker in memory", [this] { return std::make_unique<memory_party>(options()); });
        add("broker on TCP", [this] { return std::make_unique<tcp_party>(options()); });
    }

    [[nodiscard]] static const difference* find_difference(const conversation& c,
                                                           const witness& w) {
        for (const difference& d : differences) {
            if (d.part == std::string_view(GetParam().name) && d.conversation == c.name &&
                names(d.who, w.name()))
                return &d;
        }
        return nullptr;
    }

    void compare(const conversation& c, const transcript& expected, witness& w,
                 const transcript& said) {
        const difference* const d = find_difference(c, w);
        const std::string where = "conversations.txt:" + std::to_string(c.line) + ": " + c.name +
                                  "\n  nats-server 2.10:\n" + text_of(expected) + "  " + w.name() +
                                  ":\n" + text_of(said);
        if (d == nullptr) {
            EXPECT_TRUE(said == expected) << where;
        } else {
            EXPECT_EQ(joined(said), d->says) << d->reason << '\n' << where;
            EXPECT_NE(joined(expected), d->says) << "no difference any more: " << d->reason;
        }
    }

    std::vector<conversation> conversations;

private:
    scratch files_;
    identity self_ = GetParam().with_certificate
                         ? certificate_authority().issue({.ips = {"127.0.0.1"}})
                         : identity();

protected:
    std::vector<std::unique_ptr<witness>> witnesses; // threads: gone before what they look at

private:
    [[nodiscard]] std::string tls_config() const {
        if (!GetParam().with_certificate) return {};
        return "\ntls { cert_file: \"" + files_.write("server.pem", self_.certificate) +
               "\", key_file: \"" + files_.write("server.key", self_.key) + "\", timeout: 0.3 }";
    }
    [[nodiscard]] broker_options options() const {
        broker_options o;
        if (GetParam().with_certificate) {
            o.tls.emplace().certificate = self_.certificate;
            o.tls->key.assign(self_.key);
            o.tls->timeout = 300ms;
        }
        GetParam().fill(o);
        return o;
    }
    void add(std::string name, witness::maker make) {
        witnesses.push_back(
            std::make_unique<witness>(std::move(name), conversations, std::move(make)));
    }
};

TEST_P(differential, all_say_the_same) {
    bool second_info = false;
    bool nats_subject = false;
    for (std::size_t i = 0; i < conversations.size(); ++i) {
        const transcript expected = witnesses.front()->said()[i];
        for (auto& w : witnesses) {
            transcript said = w->said()[i];
            for (const std::string& line : said)
                ASSERT_FALSE(line.starts_with('!'))
                    << conversations[i].name << ", " << w->name() << ":\n"
                    << text_of(said);
            if (w->name() == "nats-server newest") {
                second_info = without_second_info(said) || second_info;
                nats_subject = without_nats_subject(said) || nats_subject;
            }
            compare(conversations[i], expected, *w, said);
        }
    }
    if (GetParam().name == std::string_view("open")) {
        EXPECT_TRUE(second_info) << "no difference any more";
        EXPECT_TRUE(nats_subject) << "no difference any more";
    }
}

INSTANTIATE_TEST_SUITE_P(conversations, differential, testing::ValuesIn(parts),
                         [](const auto& p) { return std::string(p.param.name); });

// --- the tables

TEST(differential_tables, each_part_of_the_file_is_held_and_each_difference_is_of_a_conversation) {
    std::set<std::string> in_file; // "part: conversation"
    std::set<std::string> held;
    std::ifstream in(file);
    std::string title;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("@ ")) title = line.substr(2) + ": ";
        if (!line.starts_with("== ")) continue;
        EXPECT_TRUE(in_file.insert(title + line.substr(3)).second) << "twice: " << line;
    }
    for (const part& p : parts) {
        for (const conversation& c : read_conversations(file, p.name))
            held.insert(std::string(p.name) + ": " + c.name);
    }
    EXPECT_EQ(held, in_file);
    for (const difference& d : differences)
        EXPECT_TRUE(held.contains(std::string(d.part) + ": " + d.conversation)) << d.conversation;
}

// --- INFO

/// Its members, with an example of what their values look like: text, number, or the truth itself.
std::map<std::string, std::string> members_of_info(party& server) {
    std::string line;
    const std::unique_ptr<raw_client> c = server.connect();
    while (line.find("\r\n") == std::string::npos && c->receive(line)) continue;
    c->leave();
    std::map<std::string, std::string> out;
    const std::size_t begin = line.find('{');
    const std::size_t size = line.rfind('}') - begin + 1;
    const boost::json::value info = boost::json::parse(line.substr(begin, size));
    for (const auto& [name, v] : info.as_object())
        out[name] = v.is_bool() ? boost::json::serialize(v) : std::string(to_string(v.kind()));
    return out;
}

/// What nats-server 2.10 says and the broker does not.
const std::map<std::string, std::string> left_out_of_info = {
    {"go", "it is not written in Go"},
    {"xkey", "for servers that ask others about logins"},
};

TEST(differential_info, members_are_those_of_2_10) {
    if (!find_server(generation::v2_10)) GTEST_SKIP() << "no nats-server 2.10";
    nats_server_party theirs(generation::v2_10, "");
    tcp_party ours({});
    std::map<std::string, std::string> expected = members_of_info(theirs);
    for (const auto& [name, reason] : left_out_of_info)
        EXPECT_EQ(expected.erase(name), 1U) << "no difference any more: " << reason;
    EXPECT_EQ(members_of_info(ours), expected);
}

} // namespace
} // namespace nats::test
