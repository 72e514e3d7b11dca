// SPDX-License-Identifier: Apache-2.0
//
// Proves what stream a bucket becomes, what bucket a stream is, what an update leaves alone, and
// where a bucket is read and written: with prefixes, mirrors and sources.

#include <natsproto/jetstream/stream_config.hpp>
#include <natsproto/key_value/bucket_config.hpp>
#include <natsproto/key_value/location.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

kv::bucket_status status_of(const js::stream_config& s) {
    js::stream_info i;
    i.config = s;
    return kv::bucket_status::make(std::move(i)).value();
}

kv::location located(const js::stream_config& s, const js::context_options& o = {}) {
    return kv::locate(js::context::make(o).value(), status_of(s)).value();
}

kv::bucket_config mirror_of(const std::string& origin) {
    kv::bucket_config c("m");
    c.mirror.emplace(origin);
    return c;
}

TEST(kv_bucket_config, the_usual_stream) {
    const js::stream_config s = kv::to_stream_config(kv::bucket_config("b")).value();
    EXPECT_EQ(
        js::to_json(s).value(),
        R"({"name":"KV_b","subjects":["$KV.b.>"],"retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msgs_per_subject":1,"max_msg_size":-1,"discard":"new","storage":"file","num_replicas":1,"duplicate_window":120000000000,"allow_direct":true,"deny_delete":true,"allow_rollup_hdrs":true})")
        << "and nothing that a 2.9 server does not know";
}

TEST(kv_bucket_config, every_option) {
    kv::bucket_config c("b");
    c.description = "d";
    c.history = 64;
    c.ttl = 30s;
    c.max_bytes = 1000;
    c.max_value_size = 10;
    c.storage = js::storage_type::memory;
    c.replicas = 3;
    c.compression = true;
    c.placement.emplace().tags = {"t"};
    c.republish.emplace("$KV.b.>", "out.>");
    c.metadata["k"] = "v";
    c.limit_marker_ttl = 5s;
    const js::stream_config s = kv::to_stream_config(c).value();
    EXPECT_EQ(s.max_age, 30s);
    EXPECT_EQ(s.duplicate_window, 30s) << "it must not be longer than max_age";
    EXPECT_EQ(s.compression, js::store_compression::s2);
    EXPECT_TRUE(s.allow_msg_ttl);
    EXPECT_EQ(s.subject_delete_marker_ttl, 5s);
    EXPECT_EQ(kv::to_bucket_config(s).value(), c) << "and back";
    c.ttl = 1h;
    EXPECT_EQ(kv::to_stream_config(c).value().duplicate_window, 2min);
}

TEST(kv_bucket_config, what_is_refused) {
    const auto refused = [](auto change) {
        kv::bucket_config c("b");
        change(c);
        const result<js::stream_config> s = kv::to_stream_config(c);
        return s ? errc{} : s.error().code();
    };
    using config = kv::bucket_config;
    EXPECT_EQ(refused([](config& c) { c.bucket = "a.b"; }), errc::invalid_name);
    EXPECT_EQ(refused([](config& c) { c.bucket = ""; }), errc::invalid_name);
    EXPECT_EQ(refused([](config& c) { c.history = 0; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.history = 65; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.ttl = -1s; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.ttl = 1ms; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.limit_marker_ttl = 10ms; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.replicas = 6; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.max_bytes = -2; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.max_value_size = -2; }), errc::invalid_argument);
    EXPECT_EQ(refused([](config& c) { c.mirror.emplace("a.b"); }), errc::invalid_name);
    EXPECT_EQ(refused([](config& c) { c.sources.emplace_back(""); }), errc::invalid_name);
    EXPECT_EQ(refused([](config& c) {
                  c.mirror.emplace("a");
                  c.sources.emplace_back("c");
              }),
              errc::invalid_argument);
}

TEST(kv_bucket_config, streams_that_are_none) {
    js::stream_config s = kv::to_stream_config(kv::bucket_config("b")).value();
    for (const char* name : {"b", "KV_", "KV_a=b"}) {
        s.name = name;
        EXPECT_EQ(kv::to_bucket_config(s).error(), errc::not_a_bucket) << name;
    }
    s.name = "KV_b";
    for (const std::int64_t history : {0, -1}) {
        s.max_msgs_per_subject = history;
        EXPECT_EQ(kv::to_bucket_config(s).error(), errc::not_a_bucket);
    }
}

TEST(kv_bucket_config, sources) {
    kv::bucket_config c("b");
    c.sources.emplace_back("x");
    c.sources.emplace_back("KV_y");
    c.sources.emplace_back("b", "hub");
    c.sources.emplace_back("ORDERS").subject_transforms.emplace_back("o.>", "$KV.b.>");
    c.sources.emplace_back("z").filter_subject = "$KV.z.only";
    const js::stream_config s = kv::to_stream_config(c).value();
    EXPECT_EQ(s.subjects, std::vector<std::string>{"$KV.b.>"});
    ASSERT_EQ(s.sources.size(), 5U);
    EXPECT_EQ(s.sources[0].name, "KV_x");
    EXPECT_EQ(s.sources[0].subject_transforms,
              std::vector{js::subject_transform("$KV.x.>", "$KV.b.>")});
    EXPECT_EQ(s.sources[1].name, "KV_y");
    EXPECT_EQ(s.sources[2].name, "KV_b");
    EXPECT_TRUE(s.sources[2].subject_transforms.empty()) << "the keys have this name already";
    EXPECT_EQ(s.sources[3].name, "ORDERS") << "as it is";
    EXPECT_TRUE(s.sources[4].subject_transforms.empty()) << "servers take one of the two";
    const js::stream_config again = kv::to_stream_config(kv::to_bucket_config(s).value()).value();
    EXPECT_EQ(again, s);
}

TEST(kv_bucket_config, an_update_keeps_what_is_not_of_a_bucket) {
    js::stream_config there = kv::to_stream_config(kv::bucket_config("b")).value();
    there.allow_atomic = true;
    there.allow_msg_ttl = true;
    there.extra = R"({"future":1})";
    kv::bucket_config c("b");
    c.history = 5;
    ASSERT_TRUE(kv::apply(c, there));
    EXPECT_EQ(there.max_msgs_per_subject, 5);
    EXPECT_TRUE(there.allow_atomic);
    EXPECT_TRUE(there.allow_msg_ttl) << "no server switches it off";
    EXPECT_EQ(there.extra, R"({"future":1})");
    const js::stream_config before = there;
    c.history = 0;
    EXPECT_FALSE(kv::apply(c, there));
    EXPECT_EQ(there, before) << "an error changes nothing";
}

TEST(kv_bucket_config, one_of_an_old_client) {
    const js::stream_config wanted = kv::to_stream_config(kv::bucket_config("b")).value();
    js::stream_config old = wanted;
    EXPECT_FALSE(kv::differs_by_age(old, wanted)) << "it does not differ";
    old.discard = js::discard_policy::old;
    old.allow_direct = false;
    old.metadata["_nats.ver"] = "2.15.0";
    old.consumer_limits.emplace();
    old.extra = R"({"future":1})";
    EXPECT_TRUE(kv::differs_by_age(old, wanted));
    old.max_msgs_per_subject = 2;
    EXPECT_FALSE(kv::differs_by_age(old, wanted));
}

TEST(kv_location, of_a_bucket) {
    const js::stream_config s = kv::to_stream_config(kv::bucket_config("b")).value();
    const kv::location here = located(s);
    EXPECT_EQ(here.bucket, "b");
    EXPECT_EQ(here.stream, "KV_b");
    EXPECT_EQ(here.read_prefix, "$KV.b.");
    EXPECT_EQ(here.write_prefix, "$KV.b.");
    EXPECT_EQ(here.origin_stream, "KV_b");
    EXPECT_TRUE(here.direct);
    EXPECT_FALSE(here.expiring);
    const kv::location domain = located(s, {.domain = "hub"});
    EXPECT_EQ(domain.read_prefix, "$KV.b.");
    EXPECT_EQ(domain.write_prefix, "$JS.hub.API.$KV.b.");
    EXPECT_EQ(located(s, {.api_prefix = "from.a"}).write_prefix, "from.a.$KV.b.");
}

TEST(kv_location, of_a_mirror) {
    js::stream_config s = kv::to_stream_config(mirror_of("o")).value();
    EXPECT_TRUE(s.mirror_direct);
    EXPECT_TRUE(s.subjects.empty());
    EXPECT_EQ(s.mirror->name, "KV_o");
    kv::location at = located(s);
    EXPECT_EQ(at.stream, "KV_m");
    EXPECT_EQ(at.read_prefix, "$KV.o.") << "it has the subjects of its origin";
    EXPECT_EQ(at.write_prefix, "$KV.o.");
    EXPECT_EQ(at.origin_stream, "KV_o");
    EXPECT_EQ(at.origin_prefix, "$KV.o.");
    EXPECT_EQ(located(s, {.domain = "leaf"}).write_prefix, "$JS.leaf.API.$KV.o.");
    s.mirror->external.emplace("$JS.hub.API");
    at = located(s, {.domain = "leaf"});
    EXPECT_EQ(at.write_prefix, "$JS.hub.API.$KV.o.") << "the origin's prefix, and not ours";
    EXPECT_EQ(at.read_prefix, "$KV.o.");
    EXPECT_EQ(at.settings.prefix(), "$JS.leaf.API.");
    EXPECT_EQ(at.origin_settings.prefix(), "$JS.hub.API.");
}

TEST(kv_location, of_a_mirror_that_renames) {
    js::stream_config s = kv::to_stream_config(mirror_of("KV_o")).value();
    s.mirror->subject_transforms.emplace_back("$KV.o.>", "$KV.m.>");
    const kv::location at = located(s);
    EXPECT_EQ(at.read_prefix, "$KV.m.");
    EXPECT_EQ(at.write_prefix, "$KV.o.");
}

TEST(kv_location, origins_that_are_none) {
    js::stream_config s = kv::to_stream_config(mirror_of("o")).value();
    s.mirror->name = "KV_a.b";
    const js::context c;
    EXPECT_EQ(kv::locate(c, status_of(s)).error(), errc::not_a_bucket);
    s.mirror->name = "KV_o";
    s.mirror->external.emplace("not > a prefix");
    EXPECT_EQ(kv::locate(c, status_of(s)).error(), errc::invalid_argument);
}

} // namespace
} // namespace nats::test
