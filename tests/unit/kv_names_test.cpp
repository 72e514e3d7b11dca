// SPDX-License-Identifier: Apache-2.0
//
// Proves what buckets, keys and filters of keys may be called: nothing else gets into a subject.

#include <natsproto/key_value/names.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace nats::test {
namespace {

constexpr std::string_view with_nul("a\0b", 3);

TEST(kv_names, buckets) {
    for (const char* good : {"a", "A-b_9", "_", "-"}) EXPECT_TRUE(kv::check_bucket(good)) << good;
    for (const char* bad : {"", "a.b", "a b", "a*", ">", "a/b", "a=b", "\xc3\xa4", "a\r\nPUB"})
        EXPECT_EQ(kv::check_bucket(bad).error(), errc::invalid_name) << bad;
    EXPECT_FALSE(kv::check_bucket(with_nul));
    EXPECT_EQ(kv::check_bucket("a\tb").error().detail(), "bucket \"a\\x09b\"");
}

TEST(kv_names, keys) {
    for (const char* good : {"a", "a.b.c", "A-b_9/=", "/", "_kvx", "=.="})
        EXPECT_TRUE(kv::check_key(good)) << good;
    for (const char* bad :
         {"", ".", ".a", "a.", "a..b", "a b", "a.*", ">", "a>", "\xc3\xa4", "a\n"})
        EXPECT_EQ(kv::check_key(bad).error(), errc::invalid_key) << bad;
    EXPECT_FALSE(kv::check_key(with_nul));
}

TEST(kv_names, keys_that_are_written) {
    EXPECT_TRUE(kv::check_new_key("a._kv"));
    for (const char* bad : {"_kv", "_kv.a", "_kvx"})
        EXPECT_EQ(kv::check_new_key(bad).error(), errc::invalid_key) << bad;
    EXPECT_FALSE(kv::check_new_key("a b"));
}

TEST(kv_names, filters) {
    for (const char* good : {"a", ">", "*", "a.*", "*.b", "a.>", "*.*.>", "a.*.c"})
        EXPECT_TRUE(kv::check_filter(good)) << good;
    for (const char* bad : {"", "a*", "*a", "a>", ">.a", "a.>.b", "a..b", ".", "a. ", "**"})
        EXPECT_EQ(kv::check_filter(bad).error(), errc::invalid_key) << bad;
}

TEST(kv_names, streams) {
    EXPECT_EQ(kv::stream_name("b"), "KV_b");
    EXPECT_EQ(kv::bucket_name("KV_b"), "b");
    EXPECT_EQ(kv::bucket_name("KV_"), "");
    EXPECT_EQ(kv::bucket_name("OBJ_b"), "");
}

TEST(kv_names, ways_to_say_which_keys) {
    EXPECT_TRUE(kv::key_filters().all().empty());
    const std::string text = "a";
    EXPECT_EQ(kv::key_filters(text).all(), std::vector<std::string>{"a"});
    EXPECT_EQ(kv::key_filters("a").all(), kv::key_filters(std::string_view("a")).all());
    EXPECT_EQ(kv::key_filters({"a", "b"}).all(), (std::vector<std::string>{"a", "b"}));
}

} // namespace
} // namespace nats::test
