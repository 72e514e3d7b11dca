// SPDX-License-Identifier: Apache-2.0
//
// Proves what is read from the reply subjects of consumers' messages, in both forms, and that
// nothing else is taken for one.

#include <natsproto/jetstream/metadata.hpp>

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

TEST(js_metadata, nine_tokens) {
    const js::metadata m =
        js::parse_metadata("$JS.ACK.ORDERS.new.3.17.5.1700000000000000042.9").value();
    EXPECT_EQ(m.domain, "");
    EXPECT_EQ(m.account_hash, "");
    EXPECT_EQ(m.stream, "ORDERS");
    EXPECT_EQ(m.consumer, "new");
    EXPECT_EQ(m.delivered, 3U);
    EXPECT_EQ(m.stream_sequence, 17U);
    EXPECT_EQ(m.consumer_sequence, 5U);
    EXPECT_EQ(m.timestamp.time_since_epoch().count(), 1700000000000000042);
    EXPECT_EQ(m.pending, 9U);
}

TEST(js_metadata, with_domain_and_account) {
    for (const char* tail : {"", ".random", ".random.more.of.it"}) {
        const std::string subject =
            std::string("$JS.ACK.hub.AbC123.ORDERS.new.1.18446744073709551615.2.0.0") + tail;
        const js::metadata m = js::parse_metadata(subject).value();
        EXPECT_EQ(m.domain, "hub");
        EXPECT_EQ(m.account_hash, "AbC123");
        EXPECT_EQ(m.stream, "ORDERS");
        EXPECT_EQ(m.consumer, "new");
        EXPECT_EQ(m.delivered, 1U);
        EXPECT_EQ(m.stream_sequence, 18446744073709551615U);
        EXPECT_EQ(m.consumer_sequence, 2U);
        EXPECT_EQ(m.timestamp.time_since_epoch().count(), 0);
        EXPECT_EQ(m.pending, 0U);
    }
    EXPECT_EQ(js::parse_metadata("$JS.ACK._.h.S.C.1.2.3.4.5").value().domain, "")
        << "an underscore is none";
}

TEST(js_metadata, broken_ones) {
    for (const char* subject : {
             "", "$JS.ACK", "$JS.ACK.", "$JS.NAK.S.C.1.2.3.4.5", "x$JS.ACK.S.C.1.2.3.4.5",
             "_INBOX.S.C.1.2.3.4.5.6",
             "$JS.ACK.S.C.1.2.3.4",                      // 8 tokens
             "$JS.ACK.S.C.1.2.3.4.5.6",                  // 10
             "$JS.ACK.S.C.1.2.3.4.5.",                   // an empty token
             "$JS.ACK..C.1.2.3.4.5",                     //
             "$JS.ACK.S.C.x.2.3.4.5",                    //
             "$JS.ACK.S.C.1.2.3.4.-5",                   //
             "$JS.ACK.S.C.1.2.3.4.+5",                   //
             "$JS.ACK.S.C.1.2.3.4.5x",                   //
             "$JS.ACK.S.C.1.18446744073709551616.3.4.5", // over 64 bits
             "$JS.ACK.S.C.1.2.3.9223372036854775808.5",  // a time over 63 bits
             "$JS.ACK.d.h.S.C.1.2.3.4.y",                //
             "$JS.ACK.d.h.S.C.1.2.3.4..r",               //
         }) {
        const result<js::metadata> m = js::parse_metadata(subject);
        ASSERT_FALSE(m) << subject;
        EXPECT_EQ(m.error(), errc::not_jetstream) << subject;
    }
}

} // namespace
} // namespace nats::test
