// SPDX-License-Identifier: Apache-2.0
//
// Shuffles are fair, and none is made without need. And random walks over all that a pool can do,
// with what must hold after each step.

#include <natsproto/server_pool.hpp>

#include "support/pools.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

class unused_random final : public random_source {
public:
    void fill(std::span<std::byte>) noexcept override { ADD_FAILURE() << "nothing to shuffle"; }
};

/// Pearson's statistic of counts that should be equal.
double chi_square(const std::map<std::string, int>& counts, std::size_t kinds, int samples) {
    const double expected = double{1} * samples / static_cast<double>(kinds);
    double sum = expected * static_cast<double>(kinds - counts.size()); // those never seen
    for (const auto& [kind, n] : counts) sum += (n - expected) * (n - expected) / expected;
    return sum;
}

TEST(server_pool_random, the_shuffle_of_a_list_is_fair) {
    seeded_random random(1);
    std::map<std::string, int> counts;
    constexpr int samples = 12000;
    const std::vector<server_url> list = urls("a,b,c,d");
    for (int i = 0; i < samples; ++i) {
        server_pool pool;
        pool.assign(list, &random);
        ++counts[order(pool)];
    }
    // 23 degrees of freedom: more than 60 once in 30,000 runs. Only the 24 permutations appear.
    EXPECT_EQ(counts.size(), 24U);
    EXPECT_LT(chi_square(counts, 24, samples), 60);
    for (const auto& [kind, n] : counts) {
        std::string sorted = kind;
        std::sort(sorted.begin(), sorted.end());
        EXPECT_EQ(sorted, "   abcd");
    }
}

TEST(server_pool_random, the_shuffle_after_a_discovery_is_fair_but_for_the_first) {
    seeded_random random(2);
    std::map<std::string, int> counts;
    constexpr int samples = 12000;
    const std::vector<server_url> list = urls("a,b");
    const std::vector<std::string> told{"c:4222", "d:4222", "e:4222"};
    for (int i = 0; i < samples; ++i) {
        server_pool pool;
        pool.assign(list, nullptr);
        pool.first();
        EXPECT_EQ(joined(pool.discover(told, &random, false)), "c d e");
        ++counts[order(pool)];
    }
    EXPECT_EQ(counts.size(), 24U);
    EXPECT_LT(chi_square(counts, 24, samples), 60);
    for (const auto& [kind, n] : counts) EXPECT_EQ(kind.substr(0, 2), "a ");
}

TEST(server_pool_random, there_is_no_shuffle_without_need) {
    unused_random random;
    server_pool pool;
    pool.assign({}, &random);
    pool.assign(urls("a"), &random);
    pool.first();
    EXPECT_EQ(joined(pool.discover(std::vector<std::string>{"b:4222"}, &random, false)), "b")
        << "one behind the first has one place only";
    pool.assign(urls("a,b,c,d"), nullptr);
    EXPECT_EQ(joined(pool.discover(std::vector<std::string>{"b:4222"}, &random, false)), "")
        << "nothing is new";
    EXPECT_EQ(order(pool), "a b c d");
}

TEST(server_pool_random, put_first_stays_before_a_shuffled_list) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        seeded_random random(seed);
        server_pool pool;
        pool.assign(urls("a,b,c,d,e"), &random);
        put_first(pool, "c");
        EXPECT_EQ(name_of(pool[0].url.where), "c");
        pool.first();
        pool.discover(std::vector<std::string>{"x:1", "y:1"}, &random, false);
        EXPECT_EQ(name_of(pool[0].url.where), "c");
    }
}

TEST(server_pool_random, a_pass_tries_each_once_while_the_pool_is_shuffled) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        seeded_random random(seed);
        server_pool pool;
        pool.assign(urls("a,b,c,d"), &random);
        std::vector<std::string> told;
        std::multiset<std::string> tried;
        for (pool_server* s = pool.first(); s != nullptr; s = pool.next_of_pass()) {
            tried.insert(name_of(s));
            if (told.size() < 5) {
                told.push_back("x:" + std::to_string(told.size() + 1));
                pool.discover(told, &random, false);
            }
        }
        EXPECT_EQ(tried, (std::multiset<std::string>{"a", "b", "c", "d", "x:1", "x:2", "x:3", "x:4",
                                                     "x:5"}));
    }
}

// --- random walks

/// A pool in which everything is done at random, with what must hold afterwards.
class walk {
public:
    explicit walk(std::uint64_t seed) : random_(seed) {}

    void step() {
        before_ = records();
        current_ = pool_.current();
        const std::string current_was = name_of(current_);
        switch (random_.below(9)) {
        case 0: assign_some(); break;
        case 1: first_one(); break;
        case 2:
        case 3: discover_some(); break;
        case 4: choose_one(); break;
        case 5: pass(); break;
        case 6: drop(); break;
        default: reconnect(); break;
        }
        check_always();
        if (current_stays_) {
            EXPECT_EQ(pool_.current(), current_);
            EXPECT_EQ(name_of(pool_.current()), current_was);
        }
    }

private:
    struct record {
        bool discovered;
        std::uint32_t failures;
    };

    std::map<std::string, record> records() const {
        std::map<std::string, record> out;
        for (std::size_t i = 0; i < pool_.size(); ++i)
            out[name_of(pool_[i].url.where)] = {pool_[i].discovered, pool_[i].failures};
        return out;
    }

    std::vector<std::string> order_now() const {
        std::vector<std::string> out;
        out.reserve(pool_.size());
        for (std::size_t i = 0; i < pool_.size(); ++i) out.push_back(name_of(pool_[i].url.where));
        return out;
    }

    /// Up to `most` of twelve names, some of them more than once.
    std::vector<std::string> some_names(std::uint64_t most) {
        std::vector<std::string> out(random_.below(most + 1));
        for (std::string& s : out) s = std::string(1, static_cast<char>('a' + random_.below(12)));
        return out;
    }

    random_source* maybe() { return random_.below(2) == 0 ? nullptr : &random_; }

    void expect_records_kept(const std::map<std::string, record>& now) const {
        for (const auto& [name, r] : now) {
            const auto was = before_.find(name);
            if (was != before_.end()) {
                EXPECT_EQ(r.failures, was->second.failures) << name;
            }
        }
    }

    void assign_some() {
        const std::vector<std::string> names = some_names(6);
        std::vector<server_url> list;
        list.reserve(names.size());
        for (const std::string& n : names) list.push_back(parse_server_url(n).value());
        pool_.assign(std::move(list), maybe());
        const std::map<std::string, record> now = records();
        const std::set<std::string> wanted(names.begin(), names.end());
        EXPECT_EQ(now.size(), wanted.size());
        for (const auto& [name, r] : now) {
            EXPECT_TRUE(wanted.contains(name)) << name;
            EXPECT_FALSE(r.discovered) << name;
        }
        expect_records_kept(now);
        current_stays_ = true;
    }

    void first_one() {
        const std::string name(1, static_cast<char>('a' + random_.below(12)));
        std::vector<std::string> wanted = order_now();
        std::erase(wanted, name);
        wanted.insert(wanted.begin(), name);
        pool_.put_first(parse_server_url(name).value());
        EXPECT_EQ(order_now(), wanted);
        EXPECT_FALSE(pool_[0].discovered);
        expect_records_kept(records());
        current_stays_ = true;
    }

    void discover_some() {
        const std::vector<std::string> names = some_names(6);
        const std::set<std::string> told(names.begin(), names.end());
        const std::string front = pool_.empty() ? "" : name_of(pool_[0].url.where);
        const std::vector<endpoint> added = pool_.discover(names, maybe(), false);
        std::set<std::string> wanted_new;
        std::map<std::string, bool> wanted; // and whether it is discovered
        for (const auto& [name, r] : before_) {
            const bool is_current = current_ != nullptr && name == name_of(current_);
            if (!r.discovered || is_current || told.empty() || told.contains(name))
                wanted[name] = r.discovered;
        }
        for (const std::string& name : told) {
            if (wanted.emplace(name, true).second) wanted_new.insert(name);
        }
        const std::map<std::string, record> now = records();
        EXPECT_EQ(now.size(), wanted.size());
        for (const auto& [name, r] : now) {
            ASSERT_TRUE(wanted.contains(name)) << name;
            EXPECT_EQ(r.discovered, wanted[name]) << name;
        }
        std::set<std::string> is_new;
        for (const endpoint& e : added) is_new.insert(name_of(e));
        EXPECT_EQ(is_new, wanted_new);
        EXPECT_EQ(added.size(), wanted_new.size());
        if (wanted.contains(front) && !wanted_new.contains(front)) {
            EXPECT_EQ(name_of(pool_[0].url.where), front);
        }
        expect_records_kept(now);
        current_stays_ = true;
    }

    void choose_one() {
        const std::vector<std::string> wanted = order_now();
        const auto i = static_cast<std::size_t>(random_.below(pool_.size() + 1));
        pool_server* const s = pool_.choose(i);
        EXPECT_EQ(s, i < pool_.size() ? &pool_[i] : nullptr);
        EXPECT_EQ(order_now(), wanted);
        current_stays_ = s == nullptr;
    }

    void pass() {
        std::vector<std::string> tried;
        const std::vector<std::string> wanted = order_now();
        for (pool_server* s = pool_.first(); s != nullptr; s = pool_.next_of_pass()) {
            EXPECT_EQ(s, pool_.current());
            tried.push_back(name_of(s));
        }
        EXPECT_EQ(tried, wanted);
        EXPECT_EQ(order_now(), wanted);
        current_stays_ = false;
    }

    void drop() {
        const int most = static_cast<int>(random_.below(5)) - 1;
        std::vector<std::string> wanted = order_now();
        std::erase_if(wanted, [&](const std::string& name) {
            return most >= 0 && before_.at(name).failures >= static_cast<std::uint32_t>(most);
        });
        pool_.drop_failed(most);
        EXPECT_EQ(order_now(), wanted);
        current_stays_ = true;
    }

    void reconnect() {
        const int most = static_cast<int>(random_.below(5)) - 1;
        std::vector<std::string> wanted = order_now();
        const std::string name = name_of(pool_.current());
        const auto it = std::find(wanted.begin(), wanted.end(), name);
        if (it != wanted.end()) {
            wanted.erase(it);
            if (most < 0 || pool_.current()->failures < static_cast<std::uint32_t>(most))
                wanted.push_back(name);
        }
        pool_server* const s = pool_.next(most);
        EXPECT_EQ(order_now(), wanted);
        EXPECT_EQ(s, wanted.empty() ? nullptr : &pool_[0]);
        EXPECT_EQ(pool_.current(), s);
        if (s != nullptr) ++s->failures;
        current_stays_ = false;
    }

    void check_always() const {
        EXPECT_EQ(records().size(), pool_.size()) << "one is in it twice";
        std::size_t is_current = 0;
        for (std::size_t i = 0; i < pool_.size(); ++i) {
            if (&pool_[i] == pool_.current()) {
                ++is_current;
            } else {
                EXPECT_NE(name_of(pool_[i].url.where), name_of(pool_.current()))
                    << "two records of one server";
            }
        }
        EXPECT_LE(is_current, 1U);
    }

    server_pool pool_;
    seeded_random random_;
    std::map<std::string, record> before_;
    pool_server* current_ = nullptr;
    bool current_stays_ = false;
};

TEST(server_pool_random, walks) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        walk w(seed);
        for (int i = 0; i < 200; ++i) {
            w.step();
            ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << ", step " << i;
        }
    }
}

} // namespace
} // namespace nats::test
