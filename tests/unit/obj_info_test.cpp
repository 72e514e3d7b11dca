// SPDX-License-Identifier: Apache-2.0
//
// Proves what describes objects and buckets: its JSON both ways, what is kept of what is not known,
// and that nothing from a stranger becomes a part of a subject.

#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/bucket_config.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/object_store/transfer_options.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

using obj::object_info;

constexpr std::string_view whole_json =
    R"({"name":"naïve ☃","description":"d","headers":{"A":["1","2"]},"metadata":{"k":"v"},)"
    R"("options":{"link":{"bucket":"other","name":"there"},"max_chunk_size":1000},)"
    R"("bucket":"b","nuid":"abc","size":12345678901,"mtime":"2026-01-02T03:04:05Z","chunks":7,)"
    R"("digest":"SHA-256=AA==","deleted":true})";

object_info whole() {
    object_info i{obj::object_meta("naïve ☃")};
    i.description = "d";
    i.headers["A"] = {"1", "2"};
    i.metadata["k"] = "v";
    i.options.emplace().link.emplace("other", "there");
    i.options->max_chunk_size = 1000;
    i.bucket = "b";
    i.nuid = "abc";
    i.size = 12345678901;
    i.mtime = js::parse_wall_time("2026-01-02T03:04:05Z");
    i.chunks = 7;
    i.digest = "SHA-256=AA==";
    i.deleted = true;
    return i;
}

result<object_info> read(std::string_view json) {
    object_info i;
    if (result<void> ok = obj::decode(json, i); !ok) return ok.error();
    return i;
}

TEST(obj_info, every_field_both_ways) {
    EXPECT_EQ(obj::to_json(whole()).value(), whole_json);
    EXPECT_EQ(read(whole_json).value(), whole());
    ASSERT_NE(whole().link(), nullptr);
}

TEST(obj_info, what_is_empty_is_left_out) {
    object_info i{obj::object_meta("n")};
    EXPECT_EQ(obj::to_json(i).value(),
              R"({"name":"n","bucket":"","nuid":"","size":0,"mtime":"0001-01-01T00:00:00Z",)"
              R"("chunks":0})");
    EXPECT_EQ(read(obj::to_json(i).value()).value(), i) << "no time is never";
}

TEST(obj_info, what_is_not_known_stays) {
    const object_info i =
        read(R"({"name":"n","nuid":"x","chunks":1,"new":[1,{"a":2}],"error":{"code":1},)"
             R"("options":{"max_chunk_size":5,"more":12345678901234567890123},"mtime":"nonsense"})")
            .value();
    EXPECT_EQ(i.mtime, std::nullopt);
    EXPECT_EQ(i.extra, R"({"new":[1,{"a":2}],"error":{"code":1}})");
    const std::string again = obj::to_json(i).value();
    EXPECT_NE(again.find(R"("more":12345678901234567890123)"), std::string::npos) << again;
    EXPECT_NE(again.find(R"("new":[1,{"a":2}])"), std::string::npos) << again;
}

TEST(obj_info, what_is_none) {
    for (const char* bad : {
             "",
             "{}",
             "[]",
             "null",
             "x",
             R"({"name":""})",
             R"({"name":1})",
             R"({"name":"n","nuid":"a.b","chunks":1})",
             R"({"name":"n","nuid":">","chunks":1})",
             R"({"name":"n","nuid":"*","chunks":0})",
             R"({"name":"n","nuid":"a b","chunks":1})",
             R"({"name":"n","nuid":"a\r\nPUB x 0","chunks":1})",
             R"({"name":"n","chunks":1})",
             R"({"name":"n","nuid":"x","size":-1})",
             R"({"name":"n","nuid":"x","size":1.5})",
             R"({"name":"n","nuid":"x","options":[]})",
             R"({"name":"n","nuid":"x","headers":{"a":"b"}})",
             R"({"name":"n","nuid":"x","deleted":"yes"})",
         })
        EXPECT_EQ(read(bad).error(), errc::invalid_response) << bad;
    EXPECT_TRUE(read(R"({"name":"n","chunks":3,"deleted":true})")) << "it has no chunks any more";
}

TEST(obj_info, cut_at_every_byte_and_with_every_type) {
    for (std::size_t n = 0; n < whole_json.size(); ++n)
        EXPECT_FALSE(read(whole_json.substr(0, n))) << n;
    const boost::json::value all = boost::json::parse(std::string(whole_json));
    for (const auto& member : all.as_object()) {
        for (const char* other : {"null", "1", "-1", "1e300", "true", "\"\"", "[]", "{}", "[[]]"}) {
            boost::json::value changed = all;
            changed.as_object()[member.key()] = boost::json::parse(other);
            (void)read(boost::json::serialize(changed)); // a value, or an error
        }
    }
    std::string deep = R"({"name":"n","x":)";
    deep += std::string(100'000, '[') + std::string(100'000, ']') + '}';
    EXPECT_FALSE(read(deep));
}

TEST(obj_info, the_time_is_that_of_the_message) {
    js::stored_message m;
    m.payload = whole_json;
    m.time = js::parse_wall_time("2027-01-01T00:00:00Z");
    EXPECT_EQ(obj::info_of(m).value().mtime, m.time);
}

TEST(obj_info, text_that_is_none) {
    EXPECT_EQ(obj::to_json(object_info(obj::object_meta("\xff"))).error(), errc::invalid_argument);
}

TEST(obj_info, digests) {
    std::array<unsigned char, 32> hash{};
    hash.fill(0xfb);
    const std::string text = obj::digest_text(hash);
    EXPECT_EQ(text, "SHA-256=-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=");
    EXPECT_TRUE(obj::same_digest(text, text));
    EXPECT_TRUE(obj::same_digest(text, text.substr(0, text.size() - 1))) << "padding";
    EXPECT_TRUE(obj::same_digest(text, "SHA-256=+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s="));
    EXPECT_FALSE(obj::same_digest(text, "SHA-256="));
    EXPECT_FALSE(obj::same_digest("", ""));
    EXPECT_FALSE(obj::same_digest("SHA-256=", "SHA-256="));
    EXPECT_FALSE(obj::same_digest(text, "SHA-512" + text.substr(7)));
    EXPECT_FALSE(obj::same_digest(text, "SHA-256=A" + text.substr(9)));
}

// --- buckets

TEST(obj_bucket, names) {
    for (const char* good : {"a", "A-Z_09", "_", "-"}) EXPECT_TRUE(obj::check_bucket(good)) << good;
    for (const char* bad : {"", "a.b", "a b", "*", ">", "ä", "a/b", "a\r\n"})
        EXPECT_EQ(obj::check_bucket(bad).error(), errc::invalid_name) << bad;
    EXPECT_FALSE(obj::check_bucket(std::string(252, 'a')));
    EXPECT_TRUE(obj::check_bucket(std::string(251, 'a')));
    EXPECT_EQ(obj::bucket_of_stream("OBJ_b"), "b");
    EXPECT_EQ(obj::bucket_of_stream("KV_b"), "");
    EXPECT_EQ(obj::bucket_of_stream("OBJ_"), "");
    EXPECT_EQ(obj::bucket_of_stream("OBJ_a.b"), "");
}

TEST(obj_bucket, subjects) {
    const obj::bucket b(js::context(), "b", true);
    EXPECT_EQ(b.stream(), "OBJ_b");
    EXPECT_EQ(b.chunk_subject("n"), "$O.b.C.n");
    EXPECT_EQ(b.meta_subject("a"), "$O.b.M.YQ==");
    EXPECT_EQ(b.meta_subject("a.b > *\n"), "$O.b.M.YS5iID4gKgo=");
    EXPECT_EQ(b.meta_subject("???"), "$O.b.M.Pz8_") << "the alphabet for URLs";
}

TEST(obj_bucket, the_stream_of_a_new_one) {
    obj::bucket_config c("b");
    c.description = "d";
    c.ttl = std::chrono::hours(1);
    c.max_bytes = 0;
    c.storage = js::storage_type::memory;
    c.replicas = 3;
    c.placement.emplace().cluster = "east";
    c.compressed = true;
    c.metadata["k"] = "v";
    const js::stream_config s = obj::stream_of(c).value();
    EXPECT_EQ(js::to_json(s).value(),
              R"({"name":"OBJ_b","description":"d","subjects":["$O.b.C.>","$O.b.M.>"],)"
              R"("retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,)"
              R"("max_age":3600000000000,"discard":"new","storage":"memory","num_replicas":3,)"
              R"("placement":{"cluster":"east"},"compression":"s2","allow_direct":true,)"
              R"("allow_rollup_hdrs":true,"metadata":{"k":"v"}})");
    EXPECT_EQ(obj::stream_of(obj::bucket_config("a.b")).error(), errc::invalid_name);
    const js::stream_config plain = obj::stream_of(obj::bucket_config("b")).value();
    EXPECT_EQ(js::to_json(plain).value(),
              R"({"name":"OBJ_b","subjects":["$O.b.C.>","$O.b.M.>"],"retention":"limits",)"
              R"("max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"discard":"new",)"
              R"("storage":"file","num_replicas":1,"allow_direct":true,"allow_rollup_hdrs":true})")
        << "nothing that a server of 2.9 does not know";
}

TEST(obj_bucket, an_update_keeps_what_is_not_ours) {
    js::stream_config now = obj::stream_of(obj::bucket_config("b")).value();
    now.max_msg_size = 5;
    now.extra = R"({"new":1})";
    now.metadata = {{"_nats.level", "2"}, {"old", "x"}};
    obj::bucket_config c("b");
    c.description = "more";
    c.metadata["k"] = "v";
    const js::stream_config s = obj::stream_of(c, now).value();
    EXPECT_EQ(s.description, "more");
    EXPECT_EQ(s.max_msg_size, 5);
    EXPECT_EQ(s.extra, R"({"new":1})");
    EXPECT_EQ(s.metadata, (js::metadata_map{{"_nats.level", "2"}, {"k", "v"}}));
}

TEST(obj_bucket, status) {
    js::stream_info i;
    i.config = obj::stream_of(obj::bucket_config("b")).value();
    i.config.sealed = true;
    i.state.bytes = 77;
    const obj::bucket_status s = obj::status_of(i).value();
    EXPECT_EQ(s.bucket, "b");
    EXPECT_TRUE(s.sealed);
    EXPECT_EQ(s.size, 77U);
    EXPECT_EQ(obj::config_of(s), obj::bucket_config("b"));
    EXPECT_NE(obj::to_json(s).value().find(R"("backing_store":"JetStream")"), std::string::npos);
    i.config.subjects = {"$O.b.>"};
    EXPECT_TRUE(obj::status_of(i)) << "wide enough";
    i.config.subjects = {"$O.c.C.>", "$O.c.M.>"};
    EXPECT_EQ(obj::status_of(i).error(), errc::not_a_bucket);
    i.config.subjects.clear();
    EXPECT_EQ(obj::status_of(i).error(), errc::not_a_bucket);
    i.config.mirror.emplace("OBJ_a");
    EXPECT_TRUE(obj::status_of(i)) << "a mirror has no subjects";
    i.config.name = "S";
    EXPECT_EQ(obj::status_of(i).error(), errc::not_a_bucket);
}

TEST(obj_bucket, options_of_transfers) {
    EXPECT_TRUE(obj::check(obj::put_options()));
    EXPECT_EQ(obj::check(obj::put_options{.timeout = duration::zero()}).error(),
              errc::invalid_argument);
    EXPECT_EQ(obj::check(obj::get_options{.timeout = duration::zero()}).error(),
              errc::invalid_argument);
}

} // namespace
} // namespace nats::test
