// SPDX-License-Identifier: Apache-2.0
//
// Proves what an entry is read from, and that messages which are none, or say what they like, do
// no harm.

#include <natsproto/key_value/entry.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace nats::test {
namespace {

constexpr std::string_view reply = "$JS.ACK.KV_b.c.1.42.7.1700000000000000005.3";

kv::operation operation_of(const std::string& lines) {
    const std::string block = "NATS/1.0\r\n" + lines + "\r\n";
    return kv::read_operation(header_view(block));
}

std::optional<kv::entry_view> read(std::string_view subject, std::string_view from = reply,
                                   std::string_view value = "v", std::string_view header = {},
                                   bool without_values = false) {
    nats::message_view m;
    m.subject = subject;
    m.reply = from;
    m.payload = value;
    m.headers = header_view(header);
    return kv::read_entry(m, "b", "$KV.b.", without_values);
}

TEST(kv_entry, operations) {
    using kv::operation;
    EXPECT_EQ(kv::read_operation({}), operation::put);
    EXPECT_EQ(operation_of("a: b\r\n"), operation::put);
    EXPECT_EQ(operation_of("KV-Operation: PUT\r\n"), operation::put);
    EXPECT_EQ(operation_of("KV-Operation: DEL\r\n"), operation::del);
    EXPECT_EQ(operation_of("KV-Operation: PURGE\r\n"), operation::purge);
    EXPECT_EQ(operation_of("KV-Operation: SOMETHING\r\n"), operation::del) << "not put";
    EXPECT_EQ(operation_of("kv-operation: DEL\r\n"), operation::put) << "another header";
    EXPECT_EQ(operation_of("Nats-Marker-Reason: MaxAge\r\n"), operation::purge);
    EXPECT_EQ(operation_of("Nats-Marker-Reason: Purge\r\n"), operation::purge);
    EXPECT_EQ(operation_of("Nats-Marker-Reason: Remove\r\n"), operation::del);
    EXPECT_EQ(operation_of("Nats-Marker-Reason: else\r\n"), operation::del);
    EXPECT_EQ(operation_of("Nats-Marker-Reason: MaxAge\r\nKV-Operation: DEL\r\n"), operation::del);
    EXPECT_EQ(kv::to_string(operation::put), "PUT");
    EXPECT_EQ(kv::to_string(operation::del), "DEL");
    EXPECT_EQ(kv::to_string(operation::purge), "PURGE");
}

TEST(kv_entry, of_a_message) {
    const std::optional<kv::entry_view> e = read("$KV.b.a.b");
    ASSERT_TRUE(e);
    EXPECT_EQ(e->bucket, "b");
    EXPECT_EQ(e->key, "a.b");
    EXPECT_EQ(e->value, "v");
    EXPECT_EQ(e->size, 1U);
    EXPECT_EQ(e->revision, 42U);
    EXPECT_EQ(e->delta, 3U);
    EXPECT_EQ(e->created.time_since_epoch().count(), 1700000000000000005);
    EXPECT_FALSE(e->is_marker());
    const kv::entry owned(*e);
    EXPECT_EQ(owned.key, "a.b");
    EXPECT_EQ(owned, kv::entry(*e));
}

TEST(kv_entry, without_its_value) {
    constexpr std::string_view sizes = "NATS/1.0\r\nNats-Msg-Size: 1\r\nNats-Msg-Size: 99\r\n\r\n";
    EXPECT_EQ(read("$KV.b.k", reply, "", sizes, true)->size, 99U) << "the server's is the last";
    EXPECT_EQ(read("$KV.b.k", reply, "v", sizes, false)->size, 1U) << "a header of the user's";
    EXPECT_EQ(read("$KV.b.k", reply, "", "NATS/1.0\r\nNats-Msg-Size: x\r\n\r\n", true)->size, 0U);
    EXPECT_EQ(read("$KV.b.k", reply, "", {}, true)->size, 0U);
}

TEST(kv_entry, what_is_none) {
    EXPECT_FALSE(read("$KV.b."));
    EXPECT_FALSE(read("$KV.c.k"));
    EXPECT_FALSE(read(""));
    EXPECT_FALSE(read("$KV.b.k", ""));
    EXPECT_FALSE(read("$KV.b.k", "$JS.ACK.KV_b.c.1.x.7.1700000000000000005.3"));
    EXPECT_TRUE(read("$KV.b.\xc3\xa4 key")) << "of a client with other rules";
}

} // namespace
} // namespace nats::test
