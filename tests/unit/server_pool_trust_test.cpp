// SPDX-License-Identifier: Apache-2.0
//
// Who gets which login, and what its certificate is for: random walks in which the user names
// servers with logins and a cluster, perhaps a forged one, tells of others. A model with one line
// for each rule says what each record must hold after each step.

#include <natsproto/server_pool.hpp>

#include "support/pools.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

constexpr std::array<std::string_view, 8> places{"a:4222",        "b:4222",         "c.example:1",
                                                 "10.0.0.1:4222", "10.0.0.2:4222",  "10.0.0.3:7",
                                                 "[::1]:4222",    "[2001:db8::7]:1"};
constexpr std::array<std::string_view, 4> logins{"", "u:p@", "u:q@", "t@"};

/// What a record is trusted with.
struct trust {
    std::string login;
    std::string tls_name;
    std::optional<errc> refusal;
    std::uint32_t failures = 0;
    bool discovered = false;
    friend bool operator==(const trust&, const trust&) = default;
};

std::ostream& operator<<(std::ostream& out, const trust& t) {
    return out << t.login << " tls_name=" << t.tls_name << " refused=" << t.refusal.has_value()
               << " failures=" << t.failures << " discovered=" << t.discovered;
}

trust of(const pool_server& s) {
    return {login_of(s), s.tls_name, s.refusal, s.failures, s.discovered};
}

class trust_walk {
public:
    explicit trust_walk(std::uint64_t seed) : random_(seed) {}

    void step() {
        before_ = records();
        current_ = pool_.current() == nullptr ? std::nullopt : std::optional(of(*pool_.current()));
        known_ = before_; // and the current one, which may have left the list
        if (current_) known_[pool_.current()->url.where.text()] = *current_;
        switch (random_.below(6)) {
        case 0: name_some(); break;
        case 1: name_first(); break;
        case 2:
        case 3: tell_some(); break;
        case 4: (void)pool_.choose(static_cast<std::size_t>(random_.below(places.size()))); break;
        default: (void)pool_.next(static_cast<int>(random_.below(6)) - 1); break;
        }
        check_tls();
        attempt();
    }

private:
    std::map<std::string, trust> records() const {
        std::map<std::string, trust> out;
        for (std::size_t i = 0; i < pool_.size(); ++i)
            out[pool_[i].url.where.text()] = of(pool_[i]);
        return out;
    }

    template <std::size_t N>
    std::string one_of(const std::array<std::string_view, N>& all) {
        return std::string(all[static_cast<std::size_t>(random_.below(N))]);
    }

    server_url some_url() {
        std::string text = random_.below(60) == 0 ? "tls://" : "nats://";
        text += one_of(logins);
        server_url out = parse_server_url(text + one_of(places)).value();
        tls_ = tls_ || out.tls;
        return out;
    }

    random_source* maybe() { return random_.below(2) == 0 ? nullptr : &random_; }

    /// What a server is that the user has named: it keeps its record, but for a refusal of another
    /// login, and gets the login of this URL alone.
    trust named(const server_url& url) const {
        pool_server fresh;
        fresh.url = url;
        fresh.tls_name = url.where.host;
        trust out = of(fresh);
        const auto was = known_.find(url.where.text());
        if (was == known_.end()) return out;
        out.failures = was->second.failures;
        if (was->second.login == out.login) out.refusal = was->second.refusal;
        return out;
    }

    void name_some() {
        std::vector<server_url> list(static_cast<std::size_t>(random_.below(5)));
        std::map<std::string, trust> wanted;
        for (server_url& url : list) {
            url = some_url();
            wanted.emplace(url.where.text(), named(url)); // the first of two counts
        }
        pool_.assign(list, maybe());
        EXPECT_EQ(records(), wanted);
    }

    void name_first() {
        const server_url url = some_url();
        std::map<std::string, trust> wanted = before_;
        wanted[url.where.text()] = named(url);
        pool_.put_first(url);
        EXPECT_EQ(records(), wanted);
    }

    /// What a server is that is new: it has the login of who told of it.
    std::optional<trust> told(const endpoint& where, bool only_addresses) const {
        trust out{current_ ? current_->login : "//", where.host, std::nullopt, 0, true};
        if (current_ && is_ip_address(where.host) && !is_ip_address(current_->tls_name))
            out.tls_name = current_->tls_name;
        if (only_addresses && out.tls_name == where.host) return std::nullopt;
        const auto was = known_.find(where.text());
        if (was == known_.end()) return out;
        trust again = was->second; // the current one, which the user has taken out
        again.discovered = true;
        return again;
    }

    void tell_some() {
        const bool only_addresses = random_.below(2) == 0;
        std::vector<std::string> list(1 + static_cast<std::size_t>(random_.below(4)));
        std::map<std::string, trust> wanted;
        for (std::string& text : list) {
            text = one_of(places);
            const endpoint where = parse_server_url(text).value().where;
            const std::optional<trust> is_new = told(where, only_addresses);
            if (before_.contains(text))
                wanted[text] = before_[text];
            else if (is_new)
                wanted[text] = *is_new;
        }
        for (const auto& [text, t] : before_) {
            const bool is_current = current_ && pool_.current()->url.where.text() == text;
            if (!t.discovered || is_current) wanted[text] = t;
        }
        (void)pool_.discover(list, maybe(), only_addresses);
        EXPECT_EQ(records(), wanted) << "only_addresses: " << only_addresses;
    }

    void check_tls() const {
        EXPECT_EQ(pool_.tls(), tls_);
        for (std::size_t i = 0; i < pool_.size(); ++i) EXPECT_EQ(pool_[i].url.tls, tls_);
    }

    /// What an attempt may leave behind.
    void attempt() {
        pool_server* const s = pool_.current();
        if (s == nullptr) return;
        switch (random_.below(4)) {
        case 0: s->refusal = errc::authorization_violation; break;
        case 1: ++s->failures; break;
        case 2:
            s->failures = 0;
            s->refusal.reset();
            break;
        default: break;
        }
    }

    server_pool pool_;
    seeded_random random_;
    std::map<std::string, trust> before_;
    std::map<std::string, trust> known_;
    std::optional<trust> current_;
    bool tls_ = false;
};

TEST(server_pool_trust, walks) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        trust_walk w(seed);
        for (int i = 0; i < 200; ++i) {
            w.step();
            ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << ", step " << i;
        }
    }
}

} // namespace
} // namespace nats::test
