// SPDX-License-Identifier: Apache-2.0
//
// Proves buckets against real servers: making, changing, finding and removing them with every
// option; and single keys: what is written is read, and who comes too late is told so.

#include "integration/kv_test.hpp"

#include <string>
#include <vector>

namespace nats::test {
namespace {

class kv_buckets : public kv_test {};
NATSPROTO_ON_NATS_SERVERS(kv_buckets);

TEST_P(kv_buckets, a_life) {
    kv::bucket_config c("b");
    c.description = "of a test";
    c.history = 5;
    c.ttl = 1h;
    c.max_bytes = 1 << 20;
    c.max_value_size = 100;
    c.storage = js::storage_type::memory;
    ASSERT_EQ(kv().create(c).value().name(), "b");
    EXPECT_EQ(kv().create(c).value().name(), "b") << "the same once more";
    kv::bucket_status s = kv().status("b").value();
    EXPECT_EQ(s.config(), kv::bucket_config(s.config()));
    EXPECT_EQ(s.history(), 5);
    EXPECT_EQ(s.ttl(), 1h);
    EXPECT_EQ(s.values(), 0U);
    EXPECT_EQ(s.config().max_value_size, 100);
    EXPECT_EQ(s.config().description, "of a test");
    EXPECT_EQ(s.config().storage, js::storage_type::memory);
    kv::bucket_config other = c;
    other.history = 6;
    EXPECT_EQ(code_of(kv().create(other)), errc::bucket_exists);
    other = s.config();
    other.history = 7;
    ASSERT_TRUE(kv().update(other));
    EXPECT_EQ(kv().status("b").value().history(), 7);
    kv_bucket b = kv().bind("b").value();
    ASSERT_TRUE(b.put("k", "12345"));
    s = b.status().value();
    EXPECT_EQ(s.values(), 1U);
    EXPECT_GT(s.bytes(), 5U);
    const result<std::uint64_t> large = b.put("k", std::string(101, 'x'));
    EXPECT_EQ(code_of(large), errc::jetstream_error) << "over max_value_size";
    ASSERT_TRUE(kv().remove("b"));
    EXPECT_EQ(code_of(kv().remove("b")), errc::bucket_not_found);
    EXPECT_EQ(code_of(kv().bind("b")), errc::bucket_not_found);
    EXPECT_EQ(code_of(kv().status("b")), errc::bucket_not_found);
    EXPECT_EQ(code_of(b.status()), errc::bucket_not_found);
    EXPECT_EQ(code_of(kv().update(c)), errc::bucket_not_found);
    EXPECT_TRUE(kv().create_or_update(c));
    EXPECT_TRUE(kv().create_or_update(c));
}

TEST_P(kv_buckets, lists) {
    EXPECT_TRUE(kv().names().value().empty());
    EXPECT_TRUE(kv().list().value().empty());
    (void)make_bucket(kv::bucket_config("x"));
    (void)make_bucket(kv::bucket_config("y"));
    make(js::stream_config("KV_none", {"$KV.none.>"}));
    make(js::stream_config("other", {"other"}));
    kv::bucket_config mirror("m");
    mirror.mirror.emplace("x");
    (void)make_bucket(mirror);
    std::vector<std::string> names;
    for (const kv::bucket_status& s : kv().list().value()) names.push_back(s.bucket());
    EXPECT_EQ(names, (std::vector<std::string>{"x", "y"})) << "KV_none has no history";
    EXPECT_EQ(kv().names().value().size(), 3U) << "by its name it is one";
    EXPECT_EQ(kv().list(true).value().size(), 3U) << "with the mirror";
    EXPECT_EQ(code_of(kv().bind("none")), errc::not_a_bucket);
    EXPECT_EQ(code_of(kv().bind("a.b")), errc::invalid_name);
}

TEST_P(kv_buckets, newer_options) {
    kv::bucket_config c("b");
    c.compression = true;
    c.metadata["team"] = "a";
    c.republish.emplace("$KV.b.>", "copy.>");
    c.limit_marker_ttl = 1s;
    if (!at_least(2, 11)) {
        EXPECT_EQ(code_of(kv().create(c)), errc::ttl_not_supported);
        c.limit_marker_ttl = {};
    }
    kv_bucket b = make_bucket(c);
    subscription copies = subscribed(nc(), "copy.>");
    ASSERT_TRUE(b.put("k", "v"));
    EXPECT_EQ(next_payload(copies), "v");
    const kv::bucket_status s = b.status().value();
    if (at_least(2, 10)) {
        EXPECT_TRUE(s.compressed());
        EXPECT_EQ(s.metadata().at("team"), "a");
    }
    EXPECT_EQ(s.limit_marker_ttl(), c.limit_marker_ttl);
    kv::bucket_config changed = s.config();
    changed.description = "changed";
    ASSERT_TRUE(kv().update(changed)) << "what a status says can be sent back";
    EXPECT_EQ(b.status().value().config().description, "changed");
}

TEST_P(kv_buckets, of_an_old_client) {
    js::stream_config old = kv::to_stream_config(kv::bucket_config("b")).value();
    old.discard = js::discard_policy::old;
    old.allow_direct = false;
    make(old);
    kv_bucket bound = kv().bind("b").value();
    ASSERT_TRUE(bound.put("k", "v"));
    EXPECT_EQ(bound.get("k").value().value, "v") << "without direct reads";
    EXPECT_EQ(bound.get("k", {.revision = 1}).value().value, "v");
    EXPECT_EQ(code_of(bound.get("none")), errc::key_not_found);
    EXPECT_EQ(bound.get_many({"k", "none"}).value().size(), 1U);
    const result<kv_bucket> made = kv().create(kv::bucket_config("b"));
    ASSERT_TRUE(made) << js::to_json(bound.status().value().info().config).value();
    kv_bucket b = *made;
    EXPECT_TRUE(b.status().value().info().config.allow_direct) << "it was brought up to date";
    EXPECT_EQ(b.get("k").value().value, "v");
}

class kv_keys : public kv_test {};
NATSPROTO_ON_NATS_SERVERS(kv_keys);

TEST_P(kv_keys, put_and_get) {
    kv_bucket b = make_bucket(with_history(3));
    EXPECT_EQ(code_of(b.get("k")), errc::key_not_found);
    EXPECT_EQ(b.put("k", "1").value(), 1U);
    EXPECT_EQ(b.put("a.b/c=d_e-f", "2").value(), 2U);
    EXPECT_EQ(b.put("k", "3").value(), 3U);
    EXPECT_EQ(b.put("empty", "").value(), 4U);
    const kv::entry e = b.get("k").value();
    EXPECT_EQ(e.value, "3");
    EXPECT_EQ(e.revision, 3U);
    EXPECT_EQ(e.bucket, "b");
    EXPECT_EQ(e.operation, kv::operation::put);
    EXPECT_GT(e.created.time_since_epoch(), 0s);
    EXPECT_EQ(b.get("a.b/c=d_e-f").value().value, "2");
    EXPECT_EQ(b.get("empty").value().value, "");
    EXPECT_EQ(b.get("k", {.revision = 1}).value().value, "1");
    EXPECT_EQ(b.get("k", {.from_leader = true}).value().value, "3");
    EXPECT_EQ(code_of(b.get("k", {.revision = 2})), errc::key_not_found) << "of another key";
    EXPECT_EQ(code_of(b.get("k", {.revision = 9})), errc::key_not_found);
    const std::string binary("\0\r\n\xff", 4);
    ASSERT_TRUE(b.put("binary", binary));
    EXPECT_EQ(b.get("binary").value().value, binary);
    EXPECT_EQ(code_of(b.put("a b", "")), errc::invalid_key);
    EXPECT_EQ(code_of(b.put("a.*", "")), errc::invalid_key);
    EXPECT_EQ(code_of(b.put("_kv.x", "")), errc::invalid_key);
    EXPECT_EQ(code_of(b.get(">")), errc::invalid_key);
}

TEST_P(kv_keys, update_is_for_one_revision_only) {
    kv_bucket b = make_bucket();
    const std::uint64_t first = b.put("k", "1").value();
    const std::uint64_t second = b.update("k", "2", first).value();
    EXPECT_EQ(code_of(b.update("k", "3", first)), errc::wrong_revision);
    EXPECT_EQ(code_of(b.update("other", "3", first)), errc::wrong_revision);
    EXPECT_EQ(code_of(b.update("k", "3", 0)), errc::wrong_revision);
    EXPECT_TRUE(b.update("other", "3", 0)) << "it is not there";
    EXPECT_EQ(b.get("k").value().value, "2");
    EXPECT_EQ(code_of(b.remove("k", {.revision = first})), errc::wrong_revision);
    EXPECT_EQ(code_of(b.purge("k", {.revision = first})), errc::wrong_revision);
    EXPECT_TRUE(b.remove("k", {.revision = second}));
}

TEST_P(kv_keys, create) {
    kv_bucket b = make_bucket(with_history(5));
    EXPECT_EQ(b.create("k", "1").value(), 1U);
    EXPECT_EQ(code_of(b.create("k", "2")), errc::key_exists);
    ASSERT_TRUE(b.remove("k"));
    EXPECT_TRUE(b.create("k", "3"));
    ASSERT_TRUE(b.purge("k"));
    EXPECT_TRUE(b.create("k", "4"));
    EXPECT_EQ(b.get("k").value().value, "4");
    EXPECT_EQ(text_of(b.history("k").value()), "k- k=4 ");
}

TEST_P(kv_keys, remove_and_purge) {
    kv_bucket b = make_bucket(with_history(5));
    for (const char* v : {"1", "2"}) ASSERT_TRUE(b.put("k", v));
    ASSERT_TRUE(b.remove("k"));
    const result<kv::entry> gone = b.get("k");
    EXPECT_EQ(code_of(gone), errc::key_not_found);
    EXPECT_EQ(gone.error().detail(), "\"k\" was deleted at revision 3");
    EXPECT_EQ(b.get("k", {.markers = true}).value().operation, kv::operation::del);
    EXPECT_EQ(b.get("k", {.revision = 2}).value().value, "2");
    EXPECT_EQ(text_of(b.history("k").value()), "k=1 k=2 k- ");
    ASSERT_TRUE(b.purge("k"));
    EXPECT_EQ(b.get("k", {.markers = true}).value().operation, kv::operation::purge);
    EXPECT_EQ(text_of(b.history("k").value()), "k- ");
    EXPECT_EQ(code_of(b.history("none")), errc::key_not_found);
    EXPECT_TRUE(b.remove("none")) << "a marker for what was never there";
}

TEST_P(kv_keys, history_and_keys) {
    kv_bucket b = make_bucket(with_history(2));
    EXPECT_TRUE(b.keys().value().empty());
    for (const char* k : {"a.1", "b.1", "a.2", "a.1", "a.1", "b.2"}) ASSERT_TRUE(b.put(k, "v"));
    ASSERT_TRUE(b.remove("b.2"));
    EXPECT_EQ(b.keys().value(), (std::vector<std::string>{"a.1", "a.2", "b.1"}));
    EXPECT_EQ(b.keys("a.*").value(), (std::vector<std::string>{"a.1", "a.2"}));
    EXPECT_TRUE(b.keys("none.>").value().empty());
    EXPECT_EQ(text_of(b.history("a.1").value()), "a.1=v a.1=v ") << "no more than two are kept";
    EXPECT_EQ(b.history("a.*").value().size(), 3U);
    EXPECT_EQ(code_of(b.keys("a..b")), errc::invalid_key);
    if (at_least(2, 10)) {
        EXPECT_EQ(b.keys({"a.1", "b.*"}).value(), (std::vector<std::string>{"a.1", "b.1"}));
    } else {
        EXPECT_EQ(code_of(b.keys({"a.1", "b.*"})), errc::jetstream_error) << "it sees no filter";
    }
    EXPECT_TRUE(
        wait_until([&] { return js().consumer_names("KV_b").value().empty(); }, long_enough))
        << "nothing is left behind";
}

TEST_P(kv_keys, many_in_one_request) {
    kv_bucket b = make_bucket();
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) {
        keys.push_back("k." + std::to_string(i));
        if (i % 3 != 0) continue;
        ASSERT_TRUE(b.put(keys.back(), std::to_string(i)));
    }
    ASSERT_TRUE(b.remove("k.0"));
    const std::vector<kv::entry> all = b.get_many(keys).value();
    ASSERT_EQ(all.size(), 99U);
    for (std::size_t i = 0; i < all.size(); ++i)
        EXPECT_EQ(all[i].value, std::to_string(3 * (i + 1))) << "in the order that was asked for";
    EXPECT_TRUE(b.get_many({"none"}).value().empty());
}

TEST_P(kv_keys, purging_what_deleted_keys_leave) {
    kv_bucket b = make_bucket(with_history(5));
    for (const char* k : {"a", "b", "c"}) {
        ASSERT_TRUE(b.put(k, "1"));
        ASSERT_TRUE(b.put(k, "2"));
    }
    ASSERT_TRUE(b.remove("a"));
    ASSERT_TRUE(b.purge("b"));
    EXPECT_EQ(b.purge_deletes().value(), 2U) << "the values; the markers are young";
    EXPECT_EQ(b.status().value().values(), 4U);
    EXPECT_EQ(b.get("a", {.markers = true}).value().operation, kv::operation::del);
    const js::wall_time later = std::chrono::system_clock::now() + 31min;
    EXPECT_EQ(b.purge_deletes({.now = later}).value(), 2U);
    EXPECT_EQ(code_of(b.get("a", {.markers = true})), errc::key_not_found);
    ASSERT_TRUE(b.remove("c"));
    EXPECT_EQ(b.purge_deletes({.keep_younger_than = -1s}).value(), 3U);
    EXPECT_EQ(b.status().value().values(), 0U);
    EXPECT_EQ(b.purge_deletes().value(), 0U);
}

TEST_P(kv_keys, keys_that_expire) {
    kv::bucket_config c("b");
    c.limit_marker_ttl = 10s;
    if (!at_least(2, 11)) {
        kv_bucket plain = make_bucket();
        EXPECT_EQ(code_of(plain.create("k", "v", {.ttl = 1s})), errc::ttl_not_supported)
            << "and not a key that never expires";
        return;
    }
    kv_bucket b = make_bucket(c);
    kv_watch w = b.watch().value();
    EXPECT_EQ(take(w, 1), "| ");
    ASSERT_TRUE(b.create("k", "v", {.ttl = 1s}));
    ASSERT_TRUE(b.put("stays", "v"));
    EXPECT_EQ(take(w, 3), "k=v stays=v k- ");
    const kv::entry marker = b.get("k", {.markers = true}).value();
    EXPECT_EQ(marker.operation, kv::operation::purge) << "as the server says: MaxAge";
    EXPECT_TRUE(b.create("k", "again")) << "over the server's marker";
    ASSERT_TRUE(b.purge("k", {.ttl = 1s}));
    EXPECT_TRUE(wait_until(
        [&] { return b.get("k", {.markers = true}).error() == errc::key_not_found; }, long_enough))
        << "the marker goes too";
    EXPECT_EQ(code_of(b.create("x", "v", {.ttl = 1ms})), errc::invalid_argument);
}

TEST_P(kv_keys, a_reader_reads) {
    kv_bucket b = make_bucket();
    ASSERT_TRUE(b.put("k", "v"));
    kv_reader r = kv().bind_reader("b").value();
    EXPECT_EQ(r.get("k").value().value, "v");
    EXPECT_EQ(r.keys().value().size(), 1U);
    r = b.reader();
    EXPECT_EQ(r.name(), "b");
    EXPECT_EQ(r.status().value().values(), 1U);
}

} // namespace
} // namespace nats::test
