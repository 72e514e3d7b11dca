// SPDX-License-Identifier: Apache-2.0
//
// Proves what acknowledgements say, and which are refused.

#include <natsproto/jetstream/delivery.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

nats::message_view delivered(std::string_view reply) {
    nats::message_view m;
    m.subject = "orders.1";
    m.reply = reply;
    m.payload = "body";
    return m;
}

TEST(js_delivery, bodies) {
    EXPECT_EQ(js::encode_nak(0s), "-NAK");
    EXPECT_EQ(js::encode_nak(-1s), "-NAK");
    EXPECT_EQ(js::encode_nak(1500ms), "-NAK {\"delay\": 1500000000}");
    EXPECT_EQ(js::encode_terminate(""), "+TERM");
    EXPECT_EQ(js::encode_terminate("bad order"), "+TERM bad order");
}

TEST(js_delivery, views) {
    js::message m(delivered("$JS.ACK.S.C.1.2.3.4.5"));
    const js::message moved = std::move(m);
    EXPECT_EQ(moved.subject(), "orders.1");
    EXPECT_EQ(moved.payload(), "body");
    EXPECT_EQ(moved.metadata().value().stream_sequence, 2U);
    const js::message_view view(moved.view());
    EXPECT_EQ(view.payload(), "body");
    EXPECT_EQ(view.metadata().value().consumer, "C");
    EXPECT_EQ(js::message().payload(), "");
    static_assert(std::is_nothrow_move_constructible_v<js::message>);
}

TEST(js_delivery, guards) {
    js::message m(delivered("$JS.ACK.S.C.1.2.3.4.5"));
    EXPECT_TRUE(js::check_ack(m, m.reply()));
    m.set_acknowledged();
    EXPECT_EQ(js::check_ack(m, m.reply()).error(), errc::already_acknowledged);
    const js::message plain(delivered("_INBOX.x"));
    EXPECT_EQ(js::check_ack(plain, plain.reply()).error(), errc::not_jetstream);
    const js::message none(delivered(""));
    EXPECT_EQ(js::check_ack(none, none.reply()).error(), errc::no_reply);
}

} // namespace
} // namespace nats::test
