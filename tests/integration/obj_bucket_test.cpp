// SPDX-License-Identifier: Apache-2.0
//
// Proves buckets of objects against real servers: what they are made of, found, changed and sealed;
// lists and watches of what is in them; and what is no bucket.

#include <natsproto/openssl/provider.hpp> // for the digests

#include "integration/object_test.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

class obj_bucket : public object_test {};
NATSPROTO_ON_NATS_SERVERS(obj_bucket);

TEST_P(obj_bucket, made_changed_and_deleted) {
    object_store s = store();
    obj::bucket_config c("b");
    c.description = "first";
    c.storage = js::storage_type::memory;
    c.ttl = 1h;
    c.max_bytes = 1 << 20;
    EXPECT_EQ(s.create(c).value().name(), "b");
    EXPECT_TRUE(s.create(c)) << "the same";
    c.description = "second";
    EXPECT_EQ(s.create(c).error(), errc::bucket_exists);
    EXPECT_TRUE(s.update(c));
    const obj::bucket_status is = s.status("b").value();
    EXPECT_EQ(is.description, "second");
    EXPECT_EQ(is.ttl, 1h);
    EXPECT_EQ(is.max_bytes, 1 << 20);
    EXPECT_EQ(is.storage, js::storage_type::memory);
    EXPECT_EQ(is.replicas, 1);
    EXPECT_FALSE(is.sealed);
    EXPECT_EQ(is.size, 0U);
    EXPECT_EQ(obj::config_of(is), c);
    EXPECT_EQ(s.update(obj::bucket_config("c")).error(), errc::bucket_not_found);
    EXPECT_TRUE(s.create_or_update(obj::bucket_config("c")));
    c.description = "third";
    EXPECT_TRUE(s.create_or_update(c));
    EXPECT_EQ(s.status("b").value().description, "third");
    EXPECT_TRUE(s.remove("b"));
    EXPECT_EQ(s.remove("b").error(), errc::bucket_not_found);
    EXPECT_EQ(s.bind("b").error(), errc::bucket_not_found);
    EXPECT_EQ(nats::code_of(s.bind("b").error()), errc::bucket_not_found) << "as an error_code too";
}

TEST_P(obj_bucket, what_newer_servers_know) {
    if (!at_least(2, 10)) GTEST_SKIP();
    obj::bucket_config c("b");
    c.compressed = true;
    c.metadata["k"] = "v";
    ASSERT_TRUE(store().create(c));
    const obj::bucket_status is = store().status("b").value();
    EXPECT_TRUE(is.compressed);
    EXPECT_EQ(is.metadata.at("k"), "v");
    EXPECT_EQ(obj::config_of(is), c);
}

TEST_P(obj_bucket, lists) {
    object_store s = store();
    EXPECT_TRUE(s.names().value().empty());
    EXPECT_TRUE(s.list().value().empty());
    make(js::stream_config("ORDERS", {"orders"}));
    make(js::stream_config("wide", {"$O.wide.C.x"}));
    (void)bucket("a");
    (void)bucket("b");
    std::vector<std::string> names = s.names().value();
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(s.list().value().size(), 2U);
}

TEST_P(obj_bucket, what_is_none) {
    object_store s = store();
    for (const char* bad : {"", "a.b", "a b", "*", ">", "ä"}) {
        EXPECT_EQ(s.bind(bad).error(), errc::invalid_name) << bad;
        EXPECT_EQ(s.create(obj::bucket_config(bad)).error(), errc::invalid_name) << bad;
        EXPECT_EQ(s.update(obj::bucket_config(bad)).error(), errc::invalid_name) << bad;
        EXPECT_EQ(s.remove(bad).error(), errc::invalid_name) << bad;
        EXPECT_EQ(s.status(bad).error(), errc::invalid_name) << bad;
    }
    make(js::stream_config("OBJ_not", {"other"}));
    EXPECT_EQ(s.bind("not").error(), errc::not_a_bucket);
    EXPECT_EQ(s.status("not").error(), errc::not_a_bucket);
}

TEST_P(obj_bucket, a_bucket_that_goes) {
    object_bucket b = bucket();
    ASSERT_TRUE(b.put_bytes("o", "x"));
    ASSERT_TRUE(store().remove("b"));
    EXPECT_EQ(b.status().error(), errc::bucket_not_found);
    EXPECT_EQ(b.remove("o").error(), errc::bucket_not_found);
    EXPECT_FALSE(b.list());
    EXPECT_FALSE(b.put_bytes("o", "x", {.timeout = 1s}));
}

TEST_P(obj_bucket, without_direct_gets) {
    js::stream_config c("OBJ_b", {"$O.b.C.>", "$O.b.M.>"});
    c.allow_rollup_hdrs = true; // as old clients have made them
    make(c);
    object_bucket b = store().bind("b").value();
    EXPECT_FALSE(b.where().direct());
    ASSERT_TRUE(b.put_bytes("o", "x"));
    EXPECT_EQ(b.get_bytes("o").value(), "x");
    EXPECT_EQ(b.info("p").error(), errc::object_not_found);
}

TEST_P(obj_bucket, sealed) {
    object_bucket b = bucket();
    ASSERT_TRUE(b.put_bytes("o", "x"));
    EXPECT_TRUE(b.seal().value().sealed);
    EXPECT_TRUE(b.status().value().sealed);
    EXPECT_EQ(b.get_bytes("o").value(), "x");
    EXPECT_EQ(api_code_of(b.put_bytes("p", "y")), number(js::api_code::stream_sealed));
    EXPECT_EQ(api_code_of(b.remove("o")), number(js::api_code::stream_sealed));
    EXPECT_EQ(b.list().value().size(), 1U);
}

// --- lists and watches of objects

std::string names_of(const std::vector<obj::object_info>& all) {
    std::string text;
    for (const obj::object_info& i : all) text += i.name + (i.deleted ? "- " : " ");
    return text;
}

/// The next `n` updates: names, `-` behind those that are deleted, `.` for the end of what was
/// there.
template <class Watch>
std::string take(Watch& w, int n) {
    std::string text;
    for (int i = 0; i < n; ++i) {
        const result<std::optional<obj::watch_update>> u = w.next(long_enough);
        if (!u) return text + u.error().message();
        if (!*u) return text + "end: " + w.why()->message();
        if ((*u)->initial_end())
            text += ". ";
        else
            text += (*u)->object->name + ((*u)->object->deleted ? "- " : " ");
    }
    return text;
}

TEST_P(obj_bucket, what_is_in_it) {
    object_bucket b = bucket();
    EXPECT_TRUE(b.list().value().empty());
    for (const char* name : {"one", "two", "three"}) ASSERT_TRUE(b.put_bytes(name, name));
    ASSERT_TRUE(b.put_bytes("one", "again"));
    ASSERT_TRUE(b.remove("two"));
    EXPECT_EQ(names_of(b.list().value()), "three one ");
    EXPECT_EQ(names_of(b.list({.show_deleted = true}).value()), "three one two- ");
    const obj::object_info first = b.list().value().front();
    EXPECT_EQ(first, b.info("three").value()) << "the time too";
    EXPECT_TRUE(wait_until([&] { return js().consumer_names("OBJ_b").value().empty(); }, at_once))
        << "lists leave nothing behind";
}

TEST_P(obj_bucket, watches) {
    object_bucket b = bucket();
    auto empty = b.watch().value();
    EXPECT_EQ(take(empty, 1), ". ");
    for (const char* name : {"one", "two"}) ASSERT_TRUE(b.put_bytes(name, name));
    auto all = b.watch().value();
    auto news = b.watch({.updates_only = true}).value();
    auto kept = b.watch({.ignore_deletes = true}).value();
    auto old = b.watch({.include_history = true}).value();
    EXPECT_EQ(take(all, 3), "one two . ");
    EXPECT_EQ(take(news, 1), ". ");
    EXPECT_EQ(take(kept, 3), "one two . ");
    EXPECT_EQ(take(old, 3), "one two . ");
    ASSERT_TRUE(b.remove("one"));
    ASSERT_TRUE(b.put_bytes("three", "3"));
    EXPECT_EQ(take(empty, 4), "one two one- three ");
    EXPECT_EQ(take(all, 2), "one- three ");
    EXPECT_EQ(take(news, 2), "one- three ");
    EXPECT_EQ(take(kept, 1), "three ");
    EXPECT_EQ(take(old, 2), "one- three ");
    EXPECT_EQ(all.next(50ms).error(), errc::timeout);
    EXPECT_EQ(b.watch({.include_history = true, .updates_only = true}).error(),
              errc::invalid_argument);
    EXPECT_FALSE(all.ended());
    all.stop();
    EXPECT_TRUE(all.ended());
    EXPECT_EQ(all.why().value(), errc::consumption_stopped);
}

TEST_P(obj_bucket, a_watch_with_a_handler) {
    object_bucket b = bucket();
    ASSERT_TRUE(b.put_bytes("one", "1"));
    std::string seen;
    const auto note = [&](const obj::watch_update& u) {
        seen += u.initial_end() ? ". " : u.object->name + ' ';
    };
    auto w = b.watch(note).value();
    const auto sees = [&](std::string_view what) {
        const stopwatch watch;
        while (seen != what && watch.elapsed() < long_enough) (void)nc().poll(50ms);
        EXPECT_EQ(seen, what);
    };
    sees("one . ");
    ASSERT_TRUE(b.put_bytes("two", "2"));
    sees("one . two ");
    EXPECT_EQ(b.watch(nullptr).error(), errc::invalid_argument);
}

TEST_P(obj_bucket, a_watch_of_what_strangers_write) {
    object_bucket b = bucket();
    describe(b, "bad", "no JSON");
    describe(b, "worse", R"({"name":"worse","nuid":"*","chunks":1})");
    ASSERT_TRUE(b.put_bytes("good", "x"));
    auto w = b.watch().value();
    EXPECT_EQ(take(w, 2), "good . ");
    EXPECT_EQ(names_of(b.list().value()), "good ");
    EXPECT_EQ(b.info("bad").error(), errc::invalid_response);
    EXPECT_EQ(b.remove("worse").error(), errc::invalid_response);
}

} // namespace
} // namespace nats::test
