// SPDX-License-Identifier: Apache-2.0
//
// The router against the specification (2.1, 2.4), against a model that asks each pattern one by
// one, and against patterns that a stranger chooses to hurt it; and the sets of subjects that
// patterns stand for.

#include <natsproto/routing/subject_router.hpp>

#include <natsproto/random.hpp>
#include <natsproto/subject.hpp>

#include "core/routing/siphash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace std::string_literals;

namespace nats::test {

namespace {

/// A subscription of the tests.
struct sub {
    sub(std::string p, std::string q) : pattern(std::move(p)), queue(std::move(q)) {}
    std::string pattern;
    std::string queue;
    subject_router::route route{this};
};

const sub& owner_of(const subject_router::route* r) {
    return *static_cast<const sub*>(r->owner());
}

using plain_set = std::multiset<const sub*>;
using queue_set = std::map<std::string, plain_set, std::less<>>; ///< members of all parts

struct found {
    plain_set plain;
    queue_set queues;
    friend bool operator==(const found&, const found&) = default;
};

/// What is in `m`; it also checks that parts of one group are neighbours.
found contents(const subject_router::matches& m) {
    found out;
    for (const auto span : m.plain) {
        EXPECT_FALSE(span.empty());
        for (const auto* r : span) out.plain.insert(&owner_of(r));
    }
    std::string_view before;
    for (const auto& q : m.queues) {
        EXPECT_FALSE(q.members.empty());
        if (q.name != before) {
            EXPECT_FALSE(out.queues.contains(q.name)) << q.name << " is in two places";
        }
        before = q.name;
        for (const auto* r : q.members) {
            EXPECT_EQ(owner_of(r).queue, q.name);
            out.queues[std::string(q.name)].insert(&owner_of(r));
        }
    }
    return out;
}

/// A router with the model beside it.
class pair {
public:
    explicit pair(std::uint64_t seed = 1) : random_(seed) {}
    pair(const pair&) = delete;
    pair& operator=(const pair&) = delete;
    ~pair() {
        for (sub& s : subs) router.erase(s.route);
    }

    sub& add(const std::string& pattern, const std::string& queue = {}) {
        sub& s = subs.emplace_back(pattern, queue);
        EXPECT_TRUE(router.insert(s.route, pattern, queue).has_value()) << pattern;
        EXPECT_TRUE(s.route.inserted());
        return s;
    }
    void remove(std::list<sub>::iterator s) {
        router.erase(s->route);
        EXPECT_FALSE(s->route.inserted());
        subs.erase(s);
    }
    [[nodiscard]] found expected(const std::string& subject) const {
        found out;
        if (subject.empty() || ("."s + subject + ".").find("..") != std::string::npos) return out;
        for (const sub& s : subs) {
            if (!subject_matches(s.pattern, subject)) continue;
            if (s.queue.empty())
                out.plain.insert(&s);
            else
                out.queues[s.queue].insert(&s);
        }
        return out;
    }
    void check(const std::string& subject) {
        router.match(subject, matches_);
        const found got = contents(matches_);
        ASSERT_EQ(got, expected(subject)) << subject;
        ASSERT_EQ(router.size(), subs.size());
    }

private:
    seeded_random random_;
    subject_router::matches matches_;

public:
    subject_router router{random_};
    std::list<sub> subs;
};

std::string joined(std::size_t tokens, const std::string& token) {
    std::string out = token;
    for (std::size_t i = 1; i < tokens; ++i) out += '.' + token;
    return out;
}

} // namespace

// --- what matches what

TEST(subject_router, matching) {
    const std::string patterns[] = {
        "foo",     "bar",   "foo.bar",   "foo.*",  "foo.>",  "*",       ">",        "*.*",
        "*.bar",   "*.>",   "foo*",      "f>o",    "foo.**", "foo.>>",  "foo.b*",   "*.*.baz",
        "a.*.c",   "a.*.d", "a.*.c.>",   "a.b.c",  "a.*",    "a.*.*.*", "a.*.c.d",  "a.b.*.d",
        "a\0b.c"s, "\f",    "\x01.\x7f", "\xff.*", "FOO",    "foo.BAR", "foo.bar.", "foo.ba"};
    const std::string subjects[] = {
        "foo",       "bar",       "foo.bar", "foo.baz",   "foo.bar.baz", "foo*",    "f>o",
        "fxo",       "foox",      "foo.**",  "foo.>>",    "foo.b*",      "foo.bx",  "foo.*",
        "foo.>",     "*",         ">",       "foo.>.b",   "a",           "a.b",     "a.b.c",
        "a.x.c",     "a.b.d",     "a.b.c.d", "a.x.c.e",   "a\0b.c"s,     "a.b.x.d", "\f",
        "\x01.\x7f", "\xff.\xc3", "FOO",     "foo.BAR",   "foo..bar",    "foo.",    ".foo",
        ".",         "",          "..",      "foo.bar..", ".foo.bar",    "x",       "x.y.z.w",
        "foo.ba",    "a b",       "a.*.c",   "a.*.c.>"};
    pair p;
    for (const std::string& pattern : patterns) {
        if (!is_server_subject(pattern)) continue;
        p.add(pattern);
        p.add(pattern, "q1");
        p.add(pattern, pattern);
    }
    EXPECT_EQ(p.subs.size(), (std::size(patterns) - 1) * 3);
    for (const std::string& subject : subjects) p.check(subject);
    while (!p.subs.empty()) {
        p.remove(p.subs.begin());
        for (const std::string& subject : subjects) p.check(subject);
    }
}

TEST(subject_router, a_published_wildcard_is_a_token_like_any_other) {
    pair p;
    const sub& all = p.add(">");
    const sub& star = p.add("foo.*");
    const sub& rest = p.add("foo.>");
    p.add("foo.bar");
    subject_router::matches m;
    for (const char* subject : {"foo.*", "foo.>"}) {
        p.router.match(subject, m);
        EXPECT_EQ(contents(m).plain, (plain_set{&all, &star, &rest})) << subject;
    }
    p.router.match("foo..bar", m);
    EXPECT_TRUE(m.empty());
}

TEST(subject_router, errors_change_nothing) {
    pair p;
    sub& s = p.add("a.b");
    sub other("", "");
    for (const char* bad :
         {"", ".", "a.", ".a", "a..b", "a.>.b", ">.a", "a b", "a\t", "\r", "\n.a"}) {
        const result<void> r = p.router.insert(other.route, bad);
        ASSERT_FALSE(r) << bad;
        EXPECT_EQ(r.error().code(), errc::invalid_subject);
        EXPECT_FALSE(other.route.inserted());
    }
    const result<void> again = p.router.insert(s.route, "c");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code(), errc::in_use);
    p.router.erase(other.route); // not inserted: nothing
    p.check("a.b");
    p.check("c");
    p.router.erase(s.route);
    EXPECT_TRUE(p.router.insert(s.route, "c").has_value()) << "a route can be used again";
    s.pattern = "c";
    p.check("c");
    p.check("a.b");
}

TEST(subject_router, groups_of_one_name_stand_together) {
    pair p;
    // In the order in which patterns are found the names would be mixed.
    for (const char* pattern : {"a.b", "*.b", "a.*", ">", "a.>", "*.*"}) {
        for (const char* queue : {"z", "m", "a", "zz", "m"}) p.add(pattern, queue);
    }
    p.add("a.*", "only.here");
    subject_router::matches m;
    p.router.match("a.b", m);
    EXPECT_EQ(m.queues.size(), 6U * 4 + 1);
    p.check("a.b");
    p.check("c.b");
}

// The order, which a broker's choice depends on, must not come from addresses or hashes.
TEST(subject_router, the_order_depends_on_history_only) {
    const auto order = [](std::uint64_t seed) {
        pair p(seed);
        for (int i = 0; i < 300; ++i) {
            const char* const patterns[] = {"a.b", "*.b", "a.*", ">", "a.>", "*.*"};
            const char* const queues[] = {"", "q", "r", "s"};
            p.add(patterns[i % 6], queues[i % 4]);
            if (i % 3 == 0) p.remove(p.subs.begin());
        }
        subject_router::matches m;
        p.router.match("a.b", m);
        std::vector<std::string> out;
        for (const auto span : m.plain) {
            for (const auto* r : span) out.push_back(owner_of(r).pattern);
        }
        for (const auto& q : m.queues) {
            for (const auto* r : q.members)
                out.push_back(owner_of(r).pattern + ' ' + std::string(q.name));
        }
        return out;
    };
    EXPECT_EQ(order(1), order(2));
}

// --- against the model

class subject_router_model : public testing::TestWithParam<std::uint64_t> {};

TEST_P(subject_router_model, random_steps) {
    seeded_random random(GetParam());
    pair p(GetParam());
    const auto pick = [&](std::uint64_t n) { return random.below(n); };
    // Few tokens, so that patterns share, split and join branches all the time.
    const auto token = [&](bool pattern) {
        static const char* const words[] = {"a", "b", "aa", "a*", "*a", ">a", "*", "*", ">"};
        return std::string(words[pick(pattern ? 8 : 9)]);
    };
    const auto subject = [&](bool pattern) {
        std::string s = token(pattern);
        for (std::uint64_t n = pick(6); n != 0; --n) s += '.' + token(pattern);
        if (pattern && pick(4) == 0) s += ".>";
        if (!pattern && pick(50) == 0) s.insert(pick(s.size() + 1), ".");
        return s;
    };
    for (int step = 0; step < 4000; ++step) {
        const std::uint64_t wanted = 10 + (static_cast<std::uint64_t>(step) / 500 % 2) * 150;
        if (pick(wanted * 2) >= p.subs.size()) {
            static const char* const queues[] = {"", "", "q", "qq", "*", "other"};
            p.add(subject(true), queues[pick(6)]);
        } else {
            p.remove(std::next(p.subs.begin(), static_cast<std::ptrdiff_t>(pick(p.subs.size()))));
        }
        p.check(subject(false));
        if (testing::Test::HasFatalFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(seeds, subject_router_model, testing::Range<std::uint64_t>(1, 5));

// --- strangers' patterns

TEST(subject_router, as_many_tokens_as_a_line_has_room_for) {
    pair p;
    const std::size_t most = 2048;
    const std::string subject = joined(most, "a");
    p.add(subject);
    p.add(joined(most, "*"));
    p.add(joined(most - 1, "*") + ".>");
    p.add(joined(most, "*") + ".>"); // one token too many
    for (std::size_t i = 0; i < most; i += 31) {
        std::string stars = subject; // two wildcards at different places
        stars[2 * i] = '*';
        stars[2 * (most - 1 - i / 2)] = '*';
        p.add(stars, i % 2 == 0 ? "q" : "");
        stars[2 * (i / 3)] = 'b';
        p.add(stars);
    }
    p.check(subject);
    p.check(joined(most - 1, "a"));
    p.check(joined(most + 1, "a"));
    p.check(joined(100000, "a")); // longer than any pattern
    p.check(subject + ".");
}

// Each level doubles the branches; each existing branch may be visited, no more than that.
TEST(subject_router, all_combinations_of_a_wildcard_and_a_token) {
    pair p;
    constexpr unsigned levels = 10;
    for (unsigned bits = 0; bits < 1U << levels; ++bits) {
        std::string pattern;
        for (unsigned i = 0; i < levels; ++i) pattern += (bits >> i & 1U) != 0 ? "*." : "a.";
        p.add(pattern + ">");
    }
    p.check(joined(levels + 1, "a"));
    p.check(joined(levels, "a"));
    p.check(joined(levels / 2, "a") + ".b." + joined(levels, "a"));
}

TEST(subject_router, many_subscriptions_and_groups_of_one_subject) {
    pair p;
    for (int i = 0; i < 5000; ++i) {
        p.add("a.b");
        p.add("a.*", "q" + std::to_string(i));
        p.add("*.b", "q" + std::to_string(4999 - i));
    }
    p.check("a.b");
    for (int i = 0; i < 14000; ++i) p.remove(i % 2 == 0 ? p.subs.begin() : std::prev(p.subs.end()));
    p.check("a.b");
}

// --- sets of subjects

TEST(subject_sets, what_can_be_subscribed_to) {
    for (const std::string& s :
         {"a"s,    "a.b"s,  "*"s,   ">"s,    "a.*"s,      "*.a"s,       "a.>"s,
          "*.>"s,  "foo*"s, "f>o"s, ">>"s,   "**"s,       "*>"s,        "a\0b"s,
          "\x01"s, "\x7f"s, "\f"s,  "\v.a"s, "\xff\xfe"s, "gr\xc3\xbc"s})
        EXPECT_TRUE(is_server_subject(s)) << s;
    for (const std::string& s : {""s, "."s, ".."s, ".a"s, "a."s, "a..b"s, ">.a"s, "a.>.b"s, ">.>"s,
                                 "a b"s, " "s, "a\t"s, "\ra"s, "a.\n"s, "*."s, ".>"s})
        EXPECT_FALSE(is_server_subject(s)) << s;
}

namespace {

/// All subjects of up to `most` tokens of `alphabet`.
std::vector<std::string> all_subjects(const std::vector<std::string>& alphabet, std::size_t most) {
    std::vector<std::string> out;
    std::vector<std::string> last{""};
    for (std::size_t n = 1; n <= most; ++n) {
        std::vector<std::string> next;
        for (const std::string& s : last) {
            for (const std::string& token : alphabet)
                next.push_back(s.empty() ? token : s + '.' + token);
        }
        out.insert(out.end(), next.begin(), next.end());
        last = std::move(next);
    }
    return out;
}

} // namespace

// A literal that no pattern has stands for all others; one token more than the patterns have
// stands for all that `>` reaches.
TEST(subject_sets, contained_and_overlapping) {
    const std::vector<std::string> subjects = all_subjects({"a", "b", "other"}, 4);
    std::vector<std::string> patterns = all_subjects({"a", "b", "*", ">"}, 3);
    std::erase_if(patterns, [](const std::string& s) { return !is_server_subject(s); });
    std::map<std::string, std::vector<bool>> matched;
    for (const std::string& p : patterns) {
        for (const std::string& s : subjects) matched[p].push_back(subject_matches(p, s));
    }
    for (const std::string& x : patterns) {
        for (const std::string& y : patterns) {
            bool contains = true;
            bool overlap = false;
            for (std::size_t i = 0; i < subjects.size(); ++i) {
                if (matched[y][i] && !matched[x][i]) contains = false;
                if (matched[y][i] && matched[x][i]) overlap = true;
            }
            ASSERT_EQ(subject_contains(x, y), contains) << x << ' ' << y;
            ASSERT_EQ(subjects_overlap(x, y), overlap) << x << ' ' << y;
        }
    }
}

// --- the hash

// The published vectors: n bytes 0, 1, ... n-1 under the key 0, 1, ... 15.
TEST(siphash, published_vectors) {
    const routing::siphash_key key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
    std::string bytes(63, '\0');
    std::iota(bytes.begin(), bytes.end(), '\0');
    const auto hash = [&](std::size_t n) {
        return routing::siphash<2, 4>(key).finish(std::string_view(bytes).substr(0, n));
    };
    const auto short_hash = [&](std::size_t n) {
        return routing::siphash<1, 3>(key).finish(std::string_view(bytes).substr(0, n));
    };
    // Of the authors: SipHash-2-4.
    const std::uint64_t paper[] = {
        0x726fdb47dd0e0e31U, 0x74f839c593dc67fdU, 0x0d6c8009d9a94f5aU, 0x85676696d7fb7e2dU,
        0xcf2794e0277187b7U, 0x18765564cd99a68dU, 0xcbc9466e58fee3ceU, 0xab0200f58b01d137U,
        0x93f5f5799a932462U, 0x9e0082df0ba9e4b0U, 0x7a5dbbc594ddb9f3U, 0xf4b32f46226bada7U,
        0x751e8fbc860ee5fbU, 0x14ea5627c0843d90U, 0xf723ca908e7af2eeU, 0xa129ca6149be45e5U};
    for (std::size_t n = 0; n < std::size(paper); ++n) EXPECT_EQ(hash(n), paper[n]) << n;
    EXPECT_EQ(hash(63), 0x958a324ceb064572U);
    // Of Rust's standard library: SipHash-1-3.
    const std::uint64_t tables[] = {0xabac0158050fc4dcU, 0xc9f49bf37d57ca93U, 0x82cb9b024dc7d44dU,
                                    0x8bf80ab8e7ddf7fbU, 0xcf75576088d38328U, 0xdef9d52f49533b67U,
                                    0xc50d2b50c59f22a7U, 0xd3927d989bb11140U, 0x369095118d299a8eU};
    for (std::size_t n = 0; n < std::size(tables); ++n) EXPECT_EQ(short_hash(n), tables[n]) << n;
    EXPECT_EQ(short_hash(63), 0x9d199062b7bbb3a8U);
    // Words in front are bytes like others.
    for (std::size_t n = 8; n < bytes.size(); ++n) {
        routing::siphash<1, 3> h(key);
        h.word(routing::load_little<std::uint64_t>(bytes.data()));
        EXPECT_EQ(h.finish(std::string_view(bytes).substr(8, n - 8)), short_hash(n)) << n;
    }
}

} // namespace nats::test
