// SPDX-License-Identifier: Apache-2.0
//
// Buckets over a network that breaks at any moment, in virtual time: a watch comes to the state of
// its bucket and tells the end of what was there once and not too early, only one creates a key,
// and no update is lost. A failure names its seed.

#include <natsproto/jetstream/basic_jetstream.hpp>
#include <natsproto/key_value/basic_key_value.hpp>

#include "support/sim_handle.hpp"
#include "support/troubled_network.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using sim_jetstream = basic_jetstream<facade_client>;
using sim_bucket = basic_kv_bucket<sim_jetstream>;
using sim_watch = sim_bucket::watch_type;

constexpr std::uint64_t cases = 4;
constexpr std::string_view prefix = "$KV.b.";

/// A bucket in a cluster, a client of it, others who write too, and what goes wrong.
struct troubled_bucket : troubled_stream {
    explicit troubled_bucket(std::uint64_t seed)
        : troubled_stream(seed, "KV_b", "$KV.b.>"),
          js(sim_jetstream::make(facade_client(client), {.timeout = 1s}).value()) {
        stream.history = 1 + seed % 3;
        lose_consumers();
    }
    [[nodiscard]] sim_bucket bind() {
        while (true) {
            result<sim_bucket> b = basic_key_value(js).bind("b");
            if (b) return std::move(*b);
            EXPECT_EQ(b.error(), errc::timeout) << b.error().message();
        }
    }
    void begin_trouble(duration how_long) { troubled_stream::begin_trouble(how_long, {1, 150}); }

    /// What another client does.
    void write(const std::string& key, const std::string& value, std::string_view operation = {}) {
        std::string header;
        if (!operation.empty())
            header = "NATS/1.0\r\nKV-Operation: " + std::string(operation) +
                     (operation == "PURGE" ? "\r\nNats-Rollup: sub" : "") + "\r\n\r\n";
        (void)net.cluster().route({0, std::string(prefix) + key, {}, header, value});
    }
    void write_anything() {
        const std::string key = "k" + std::to_string(random.below(12));
        switch (random.below(6)) {
        case 0: return write(key, {}, "DEL");
        case 1: return write(key, {}, "PURGE");
        case 2: (void)stream.purge(std::string(prefix) + key); return; // as an expiry does
        default: return write(key, std::to_string(random.below(1000)));
        }
    }

    sim_jetstream js;
};

/// What a watch has seen.
class observer {
public:
    explicit observer(const troubled_bucket& t)
        : bucket_(&t), before_(t.stream.messages().size()) {}

    void note(const kv::watch_event_view& e) {
        if (e.initial_end()) return note_end();
        ASSERT_GT(e.entry->revision, last_) << "a repetition, or out of order";
        last_ = e.entry->revision;
        const model_jetstream::stored& m = bucket_->stream.messages().at(last_ - 1);
        EXPECT_EQ(m.subject, std::string(prefix) + std::string(e.entry->key));
        EXPECT_EQ(m.payload, e.entry->value);
        revisions_[std::string(e.entry->key)] = last_;
        if (e.entry->is_marker())
            values_.erase(std::string(e.entry->key));
        else
            values_[std::string(e.entry->key)] = e.entry->value;
    }
    [[nodiscard]] int ends() const noexcept { return ends_; }
    [[nodiscard]] std::uint64_t last() const noexcept { return last_; }
    /// Of the keys that are there or have a marker: what goes without one cannot be seen.
    void expect_the_state() const {
        for (const model_jetstream::stored& m : bucket_->stream.messages()) {
            if (m.removed || bucket_->stream.last_of(m.subject) != m.sequence) continue;
            const auto it = values_.find(m.subject.substr(prefix.size()));
            if (kv::read_operation(header_view(m.header)) != kv::operation::put)
                EXPECT_TRUE(it == values_.end()) << m.subject << " was deleted";
            else
                EXPECT_TRUE(it != values_.end() && it->second == m.payload) << m.subject;
        }
    }

private:
    /// All that was there, and still is, has come.
    void note_end() {
        ++ends_;
        for (const model_jetstream::stored& m : bucket_->stream.messages()) {
            if (m.sequence > before_ || m.removed) continue;
            if (bucket_->stream.last_of(m.subject) != m.sequence) continue;
            const auto it = revisions_.find(m.subject.substr(prefix.size()));
            EXPECT_TRUE(it != revisions_.end() && it->second >= m.sequence)
                << "the end came before " << m.subject;
        }
    }

    const troubled_bucket* bucket_;
    std::uint64_t before_;
    std::map<std::string, std::string> values_;
    std::map<std::string, std::uint64_t> revisions_;
    std::uint64_t last_ = 0;
    int ends_ = 0;
};

void watch_to_the_end(troubled_bucket& t, sim_watch* pulled, observer& seen) {
    const auto rest = [&](duration how_long) {
        const time_point end = t.net.now() + how_long;
        while (t.net.now() < end) {
            if (pulled == nullptr) {
                t.client.advance(end - t.net.now());
                continue;
            }
            const result<std::optional<kv::watch_event>> e = pulled->next(end - t.net.now());
            if (!e) {
                ASSERT_EQ(e.error(), errc::timeout) << e.error().message();
                continue;
            }
            ASSERT_TRUE(e->has_value()) << "it has ended: " << pulled->why()->message();
            kv::watch_event_view v;
            if ((*e)->entry) {
                const kv::entry& of = *(*e)->entry;
                v.entry.emplace();
                v.entry->key = of.key;
                v.entry->value = of.value;
                v.entry->revision = of.revision;
                v.entry->operation = of.operation;
            }
            seen.note(v);
        }
    };
    rest(3s); // the trouble
    t.stream.copies = nullptr;
    t.write("last", "one"); // that something is missing can only be seen by what follows
    const std::uint64_t last = t.stream.messages().size();
    for (int rounds = 0; rounds < 200 && (seen.last() < last || seen.ends() == 0); ++rounds)
        rest(500ms);
    rest(1s); // and nothing behind it
    EXPECT_EQ(seen.last(), last);
    EXPECT_EQ(seen.ends(), 1);
    seen.expect_the_state();
}

void a_watch_comes_to_the_state(std::uint64_t seed, std::size_t& trouble) {
    troubled_bucket t(seed);
    for (int i = 0; i < 40; ++i) t.write_anything();
    ASSERT_TRUE(t.client.connect());
    sim_bucket b = t.bind();
    t.begin_trouble(2s);
    t.lose_and_repeat(3, 3);
    t.now_and_then(2s, {1, 20}, [&t] { t.write_anything(); });
    observer seen(t);
    const kv::watch_options o{
        .include_history = seed % 3 == 0, .max_pending = 1 + seed % 7, .heartbeat = 300ms};
    if (seed % 2 == 0) {
        sim_watch w = b.watch({}, o).value();
        watch_to_the_end(t, &w, seen);
    } else {
        const sim_watch w =
            b.watch([&seen](const kv::watch_event_view& e) { seen.note(e); }, {}, o).value();
        watch_to_the_end(t, nullptr, seen);
        EXPECT_FALSE(w.ended());
    }
    trouble += static_cast<std::size_t>(t.stream.made());
}

/// Whether the key had no value just before that revision.
bool was_free(const troubled_bucket& t, std::uint64_t revision) {
    const model_jetstream::stored& of = t.stream.messages().at(revision - 1);
    for (std::uint64_t s = revision - 1; s != 0; --s) {
        const model_jetstream::stored& m = t.stream.messages().at(s - 1);
        if (m.subject != of.subject) continue;
        return kv::read_operation(header_view(m.header)) != kv::operation::put;
    }
    return true;
}

void only_one_creates_a_key(std::uint64_t seed, std::size_t& trouble) {
    troubled_bucket t(seed);
    ASSERT_TRUE(t.client.connect());
    sim_bucket b = t.bind();
    t.begin_trouble(2s);
    t.now_and_then(4s, {1, 8}, [&t] {
        switch (t.random.below(4)) {
        case 0: return t.write("lock", "theirs");
        case 1: return t.write("lock", {}, "PURGE");
        default: return t.write("lock", {}, "DEL");
        }
    });
    std::size_t created = 0;
    std::size_t lost = 0;
    for (int i = 0; i < 60; ++i) {
        const std::string mine = "mine " + std::to_string(i);
        const result<std::uint64_t> r = b.create("lock", mine);
        if (!r) {
            const errc why = r.error().code();
            EXPECT_TRUE(why == errc::key_exists || why == errc::wrong_revision ||
                        why == errc::timeout)
                << r.error().message();
            if (why != errc::timeout) ++lost;
            continue;
        }
        ++created;
        EXPECT_EQ(t.stream.messages().at(*r - 1).payload, mine);
        EXPECT_TRUE(was_free(t, *r)) << "it belonged to somebody else";
    }
    EXPECT_GT(created, 0U);
    trouble += lost;
}

/// A count of each of several writers in one key: "3 5 4". Each adds to its own.
std::vector<int> counts_in(const std::string& value) {
    std::vector<int> all;
    for (std::size_t at = 0; at < value.size();) {
        all.push_back(std::stoi(value.substr(at)));
        at = std::min(value.find(' ', at), value.size() - 1) + 1;
    }
    return all;
}
std::string text_of(const std::vector<int>& counts) {
    std::string text;
    for (const int n : counts) text += (text.empty() ? "" : " ") + std::to_string(n);
    return text;
}

void no_update_is_lost(std::uint64_t seed, std::size_t& trouble) {
    troubled_bucket t(seed);
    ASSERT_TRUE(t.client.connect());
    sim_bucket b = t.bind();
    t.write("counts", "0 0");
    t.begin_trouble(2s);
    int theirs = 0;
    t.now_and_then(3s, {1, 12}, [&t, &theirs] { // another client, that has no trouble
        const std::uint64_t at = t.stream.last_of("$KV.b.counts");
        std::vector<int> counts = counts_in(t.stream.messages().at(at - 1).payload);
        counts.at(1) = ++theirs;
        t.write("counts", text_of(counts));
    });
    std::size_t conflicts = 0;
    constexpr int goal = 40;
    for (int mine = 1; mine <= goal;) {
        const result<kv::entry> e = b.get("counts");
        if (!e) {
            ASSERT_EQ(e.error(), errc::timeout) << e.error().message();
            continue;
        }
        std::vector<int> counts = counts_in(e->value);
        if (counts.at(0) == mine) { // of an update whose answer was lost
            ++mine;
            continue;
        }
        ASSERT_EQ(counts.at(0), mine - 1);
        counts.at(0) = mine;
        const result<std::uint64_t> r = b.update("counts", text_of(counts), e->revision);
        if (r) ++mine;
        if (!r && r.error() == errc::wrong_revision) ++conflicts;
    }
    t.client.advance(4s);
    const std::uint64_t last = t.stream.last_of("$KV.b.counts");
    EXPECT_EQ(t.stream.messages().at(last - 1).payload, text_of({goal, theirs}));
    trouble += conflicts;
}

class kv_sweep : public seed_sweep<10> {};

TEST_P(kv_sweep, a_watch_comes_to_the_state) {
    each_seed(a_watch_comes_to_the_state);
}

TEST_P(kv_sweep, only_one_creates_a_key) {
    each_seed(only_one_creates_a_key);
}

TEST_P(kv_sweep, no_update_is_lost) {
    each_seed(no_update_is_lost);
}

INSTANTIATE_TEST_SUITE_P(ranges, kv_sweep, testing::Range(std::uint64_t{0}, cases));

/// A list is as long as is allowed, or an error.
TEST(kv_sim, a_bucket_that_has_too_much) {
    troubled_bucket t(1);
    ASSERT_TRUE(t.client.connect());
    kv::location at;
    at.bucket = "b";
    at.stream = at.origin_stream = "KV_b";
    at.read_prefix = at.write_prefix = at.origin_prefix = prefix;
    t.stream.history = 2;
    for (const char* key : {"a", "b", "c"}) {
        t.write(key, "old");
        t.write(key, {}, "DEL");
    }
    for (const char* key : {"k", "l", "m", "n"}) t.write(key, "1");
    runtime& rt = *facade_client(t.client).handle().rt();
    const auto keys = [&](std::size_t most) {
        return t.client.run(kv::list_keys(rt, at, {}, most));
    };
    const auto revisions = [&](std::size_t most) {
        return t.client.run(kv::history(rt, at, {}, most));
    };
    const auto purge = [&](std::size_t most) {
        const kv::purge_deletes_options all{.keep_younger_than = -1ns, .now = js::wall_time()};
        return t.client.run(kv::purge_deletes(rt, at, all, most));
    };
    EXPECT_EQ(keys(3).error(), errc::invalid_response);
    EXPECT_EQ(keys(4).value().size(), 4U);
    EXPECT_EQ(revisions(9).error(), errc::invalid_response);
    EXPECT_EQ(revisions(10).value().size(), 10U);
    EXPECT_EQ(purge(2).error(), errc::invalid_response);
    EXPECT_EQ(revisions(10).value().size(), 10U) << "nothing was removed";
    EXPECT_EQ(purge(3).value(), 6U);
    EXPECT_EQ(revisions(4).value().size(), 4U);
}

} // namespace
} // namespace nats::test
