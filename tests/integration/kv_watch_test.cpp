// SPDX-License-Identifier: Apache-2.0
//
// Proves watches of buckets against real servers: what is there, its end exactly once, then each
// change; all options; and that a watch comes to the bucket's state whatever happens to its
// consumers, its server and its connection.

#include "integration/kv_test.hpp"

#include <map>
#include <string>
#include <vector>

namespace nats::test {
namespace {

class kv_watching : public kv_test {
protected:
    [[nodiscard]] std::string of_three_keys(const kv::watch_options& o,
                                            const kv::key_filters& keys = {}) {
        kv_bucket b = kv().bind("b").value();
        kv_watch w = b.watch(keys, o).value();
        std::string text = initial(w);
        (void)b.put("z", "new").value();
        return text + (keys.all().empty() ? take(w, 1) : "and no more");
    }
};
NATSPROTO_ON_NATS_SERVERS(kv_watching);

TEST_P(kv_watching, a_bucket) {
    kv_bucket b = make_bucket();
    kv_watch w = b.watch().value();
    EXPECT_EQ(take(w, 1), "| ") << "at once: it is empty";
    EXPECT_EQ(w.next(20ms).error(), errc::timeout);
    // Each by itself: what is overwritten before it was delivered is not delivered at all.
    ASSERT_TRUE(b.put("a", "1"));
    EXPECT_EQ(take(w, 1), "a=1 ");
    ASSERT_TRUE(b.put("b", "2"));
    EXPECT_EQ(take(w, 1), "b=2 ");
    ASSERT_TRUE(b.remove("a"));
    EXPECT_EQ(take(w, 1), "a- ");
    ASSERT_TRUE(b.purge("b"));
    EXPECT_EQ(take(w, 1), "b- ");
    w.stop();
    EXPECT_FALSE(w.next(long_enough).value());
    EXPECT_EQ(w.why()->code(), errc::consumption_stopped);
}

TEST_P(kv_watching, options) {
    kv_bucket b = make_bucket(with_history(5));
    for (const char* k : {"x", "y", "x", "z"}) ASSERT_TRUE(b.put(k, "v"));
    ASSERT_TRUE(b.remove("y"));
    EXPECT_EQ(of_three_keys({}), "x=v z=v y- | z=new ");
    EXPECT_EQ(of_three_keys({.ignore_deletes = true}), "x=v z=new | z=new ");
    EXPECT_EQ(of_three_keys({.updates_only = true}), "| z=new ");
    EXPECT_EQ(of_three_keys({.include_history = true}, "x"), "x=v x=v | and no more");
}

TEST_P(kv_watching, sizes_and_revisions) {
    kv_bucket b = make_bucket(with_history(5));
    for (const char* v : {"1", "22", "333"}) ASSERT_TRUE(b.put("x", v));
    kv_watch sizes = b.watch({}, {.meta_only = true}).value();
    const kv::watch_event e = sizes.next(long_enough).value().value();
    EXPECT_EQ(e.entry->value, "");
    EXPECT_EQ(e.entry->size, 3U);
    kv_watch later = b.watch({}, {.from_revision = 2}).value();
    EXPECT_EQ(initial(later), "x=22 x=333 | ");
    kv_watch list = b.watch({}, {.include_history = true, .initial_only = true}).value();
    EXPECT_EQ(initial(list), "x=1 x=22 x=333 | ");
    EXPECT_FALSE(list.next(long_enough).value()) << "and nothing behind it";
    EXPECT_EQ(list.why()->code(), errc::consumption_stopped);
    EXPECT_EQ(code_of(b.watch({}, {.include_history = true, .updates_only = true})),
              errc::invalid_argument);
    EXPECT_EQ(code_of(b.watch("a b")), errc::invalid_key);
}

TEST_P(kv_watching, several_keys) {
    kv_bucket b = make_bucket();
    for (const char* k : {"a.1", "b.1", "c.1"}) ASSERT_TRUE(b.put(k, "v"));
    kv_watch w = b.watch({"a.*", "c.1"}).value();
    if (!at_least(2, 10)) {
        EXPECT_FALSE(w.next(long_enough).value());
        EXPECT_EQ(w.why()->code(), errc::jetstream_error) << "it sees no filter";
        return;
    }
    EXPECT_EQ(initial(w), "a.1=v c.1=v | ");
    for (const char* k : {"b.2", "a.2"}) ASSERT_TRUE(b.put(k, "v"));
    EXPECT_EQ(take(w, 1), "a.2=v ");
}

TEST_P(kv_watching, with_a_handler) {
    kv_bucket b = make_bucket();
    for (const char* k : {"a", "b"}) ASSERT_TRUE(b.put(k, "v"));
    std::string seen;
    const auto note = [&seen](const kv::watch_event_view& e) {
        seen += e.initial_end() ? "|" : std::string(e.entry->key);
    };
    kv_watch w = b.watch(note).value();
    const auto until = [&](std::string_view text) {
        const stopwatch watch;
        while (seen != text && watch.elapsed() < long_enough) (void)nc().poll(20ms);
        EXPECT_EQ(seen, text);
    };
    until("ab|");
    ASSERT_TRUE(b.put("c", "v"));
    until("ab|c");
    w = kv_watch();
    seen.clear();
    kv_watch none = b.watch(note, "nothing").value();
    until("|");
    kv_watch list = b.watch(note, {}, {.initial_only = true}).value();
    until("|abc|");
    EXPECT_TRUE(list.ended());
    EXPECT_EQ(code_of(b.watch(kv::watch_handler())), errc::invalid_argument);
}

TEST_P(kv_watching, a_handler_that_ends_its_watch) {
    kv_bucket b = make_bucket();
    std::optional<kv_watch> w;
    int calls = 0;
    w = b.watch([&](const kv::watch_event_view&) {
             ++calls;
             w.reset();
         }).value();
    const stopwatch watch;
    while (w && watch.elapsed() < long_enough) (void)nc().poll(20ms);
    EXPECT_FALSE(w);
    ASSERT_TRUE(b.put("k", "v"));
    (void)nc().poll(50ms);
    EXPECT_EQ(calls, 1);
}

/// What a watch has seen: the newest value of each key.
class mirror_of_a_bucket {
public:
    void note(const kv::watch_event_view& e) {
        if (e.initial_end()) {
            ++ends;
            return;
        }
        EXPECT_GT(e.entry->revision, last) << "in order, and once";
        last = e.entry->revision;
        if (e.entry->is_marker())
            values.erase(std::string(e.entry->key));
        else
            values[std::string(e.entry->key)] = e.entry->value;
    }
    std::map<std::string, std::string> values;
    std::uint64_t last = 0;
    int ends = 0;
};

TEST_P(kv_watching, comes_to_the_state_of_the_bucket) {
    client other = connect(patient());
    kv_bucket b = make_bucket();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(b.put("k" + std::to_string(i), "0"));
    jetstream watching(other);
    kv_bucket watched = key_value(watching).bind("b").value();
    mirror_of_a_bucket seen;
    kv_watch w = watched
                     .watch([&](const kv::watch_event_view& e) { seen.note(e); }, {},
                            {.max_pending = 20, .heartbeat = 200ms})
                     .value();
    const auto write = [&](int round) {
        for (int i = 0; i < 50; ++i) {
            const std::string key = "k" + std::to_string((i * 7 + round) % 200);
            if (i % 5 == 0)
                ASSERT_TRUE(b.remove(key));
            else
                ASSERT_TRUE(b.put(key, std::to_string(round)));
            (void)other.poll(0ms);
        }
    };
    for (int round = 1; round <= 4; ++round) {
        write(round);
        for (const std::string& name : js().consumer_names("KV_b").value())
            EXPECT_TRUE(js().delete_consumer("KV_b", name));
        write(round + 10);
    }
    const kv::entry last = b.get("k" + std::to_string((49 * 7 + 14) % 200)).value();
    const stopwatch watch;
    while ((seen.last < last.revision || seen.ends == 0) && watch.elapsed() < long_enough)
        (void)other.poll(20ms);
    EXPECT_EQ(seen.ends, 1);
    std::map<std::string, std::string> there;
    for (const std::string& key : b.keys().value()) there[key] = b.get(key).value().value;
    EXPECT_EQ(seen.values, there);
}

TEST_P(kv_watching, over_a_restart) {
    client other = connect(patient());
    jetstream on_other = jetstream::make(other, {.timeout = 500ms}).value();
    kv_bucket b = key_value(on_other).create(kv::bucket_config("b")).value();
    ASSERT_TRUE(b.put("a", "1"));
    kv_watch w = b.watch().value();
    EXPECT_EQ(take(w, 2), "a=1 | ");
    server().kill();
    server().restart();
    ASSERT_TRUE(wait_until([&] { return b.put("b", "2").has_value(); }, long_enough));
    EXPECT_EQ(take(w, 1), "b=2 ") << "no second end";
    ASSERT_TRUE(key_value(on_other).remove("b"));
    EXPECT_FALSE(w.next(long_enough).value());
    EXPECT_EQ(w.why()->code(), errc::jetstream_error);
}

TEST_P(kv_watching, the_last_values_are_purged_before_they_come) {
    kv_bucket b = make_bucket();
    for (const char* k : {"a", "b", "c"}) ASSERT_TRUE(b.put(k, "v"));
    kv_watch w = b.watch({}, {.max_pending = 1, .heartbeat = 200ms}).value();
    std::vector<std::string> consumers;
    const auto is_waiting = [&] { // with the first one delivered, and no further pull
        consumers = js().consumer_names("KV_b").value();
        return !consumers.empty() &&
               js().consumer_info("KV_b", consumers.front()).value().num_pending == 2;
    };
    ASSERT_TRUE(wait_until(is_waiting, long_enough));
    for (const char* k : {"b", "c"}) {
        const std::string subject = "$KV.b." + std::string(k);
        ASSERT_TRUE(js().purge_stream("KV_b", {.filter = subject}));
    }
    EXPECT_EQ(initial(w), "a=v | ") << "no message brings the end: a heartbeat does";
}

} // namespace
} // namespace nats::test
