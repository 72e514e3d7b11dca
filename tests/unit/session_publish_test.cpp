// SPDX-License-Identifier: Apache-2.0
//
// Proves publishing at the session: exact bytes, what is refused at the call and leaves nothing
// behind, the limits of the server and of the output, counters, writes that take only a part, and
// payloads that are lent.

#include <natsproto/session.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace nats::test {
namespace {

struct open_session : stepper {
    explicit open_session(const options& o = {}, std::string_view info = info_2_10) : stepper(o) {
        EXPECT_TRUE(open(info));
    }
};

header_view one_header() {
    return header_view("NATS/1.0\r\na: b\r\n\r\n");
}

TEST(session_publish, bytes_of_each_form) {
    open_session c;
    ASSERT_TRUE(c.s.publish("foo", "hello"));
    ASSERT_TRUE(c.s.publish("foo", ""));
    ASSERT_TRUE(c.s.publish("foo.bar", "x", "reply.1"));
    ASSERT_TRUE(c.s.publish("foo", "hi", {}, one_header()));
    ASSERT_TRUE(c.s.publish("foo", "", "r", one_header()));
    EXPECT_EQ(c.drain(),
              "> PUB foo 5\\r\\nhello\\r\\n"
              "PUB foo 0\\r\\n\\r\\n"
              "PUB foo.bar reply.1 1\\r\\nx\\r\\n"
              "HPUB foo 18 20\\r\\nNATS/1.0\\r\\na: b\\r\\n\\r\\nhi\\r\\n"
              "HPUB foo r 18 18\\r\\nNATS/1.0\\r\\na: b\\r\\n\\r\\n\\r\\n\n");
}

TEST(session_publish, payloads_are_not_looked_at) {
    open_session c;
    ASSERT_TRUE(c.s.publish("foo", std::string_view("\0\r\nPUB x 0\r\n\xff", 13)));
    EXPECT_EQ(c.drain(), "> PUB foo 13\\r\\n\\x00\\r\\nPUB x 0\\r\\n\xff\\r\\n\n");
}

TEST(session_publish, counters) {
    open_session c;
    const statistics before = c.s.stats();
    ASSERT_TRUE(c.s.publish("a", "12345"));
    ASSERT_TRUE(c.s.publish("a", "12", {}, one_header()));
    EXPECT_FALSE(c.s.publish("a b", "12345"));
    EXPECT_EQ(c.s.stats().out_messages, before.out_messages + 2);
    EXPECT_EQ(c.s.stats().out_bytes, before.out_bytes + 5 + 2 + 18);
    EXPECT_EQ(c.s.stats().socket_out, before.socket_out) << "nothing was written yet";
    const std::size_t waiting = c.s.untransmitted();
    (void)c.drain();
    EXPECT_EQ(c.s.stats().socket_out, before.socket_out + waiting);
}

TEST(session_publish, bad_subjects_leave_nothing_behind) {
    open_session c;
    for (const char* bad :
         {"", ".", "a.", ".a", "a..b", "a b", "a\tb", "a\r\nPING", "*", "a.*", ">", "a.>", "\n"}) {
        EXPECT_EQ(c.s.publish(bad, "x").error(), errc::invalid_subject) << bad;
        EXPECT_EQ(c.s.publish_borrowed(bad, "x").error(), errc::invalid_subject) << bad;
        if (*bad != '\0') {
            EXPECT_EQ(c.s.publish("ok", "x", bad).error(), errc::invalid_subject) << bad;
        }
    }
    EXPECT_EQ(c.s.publish(std::string_view("a\0b", 3), "x").error(), errc::invalid_subject);
    EXPECT_EQ(c.drain(), "");
    EXPECT_EQ(c.s.stats().out_messages, 0U);
}

TEST(session_publish, subjects_may_hold_any_letter) {
    open_session c;
    ASSERT_TRUE(c.s.publish("caf\xc3\xa9.\xff", ""));
    ASSERT_TRUE(c.s.publish("a*b.c>", ""));
    EXPECT_EQ(c.drain(), "> PUB caf\xc3\xa9.\xff 0\\r\\n\\r\\nPUB a*b.c> 0\\r\\n\\r\\n\n");
}

TEST(session_publish, max_payload_counts_headers_and_is_exact) {
    open_session c({}, "INFO {\"proto\":1,\"headers\":true,\"max_payload\":20}\r\n");
    EXPECT_TRUE(c.s.publish("a", std::string(20, 'x')));
    EXPECT_TRUE(c.s.publish("a", "12", {}, one_header()));
    (void)c.drain();
    const result<void> over = c.s.publish("a", std::string(21, 'x'));
    EXPECT_EQ(over.error(), errc::payload_too_large);
    EXPECT_EQ(over.error().detail(), "21 bytes, max_payload is 20");
    EXPECT_EQ(c.s.publish("a", "123", {}, one_header()).error(), errc::payload_too_large);
    EXPECT_EQ(c.drain(), "");
    EXPECT_EQ(c.s.status(), session_status::connected);
}

TEST(session_publish, max_payload_of_a_later_info_takes_effect) {
    open_session c;
    ASSERT_TRUE(c.s.publish("a", std::string(100, 'x')));
    (void)c.drain();
    EXPECT_EQ(c.receive("INFO {\"proto\":1,\"headers\":true,\"max_payload\":99}\r\n"),
              "info max_payload 99\n");
    EXPECT_EQ(c.s.publish("a", std::string(100, 'x')).error(), errc::payload_too_large);
    EXPECT_EQ(c.receive("INFO {\"proto\":1,\"headers\":true}\r\n"), "info max_payload 0\n");
    EXPECT_TRUE(c.s.publish("a", std::string(2'000'000, 'x'))) << "no limit was named";
}

TEST(session_publish, headers_need_a_server_that_has_them) {
    open_session c({}, "INFO {\"proto\":1}\r\n");
    EXPECT_EQ(c.s.publish("a", "x", {}, one_header()).error(), errc::headers_not_supported);
    EXPECT_EQ(c.drain(), "");
    EXPECT_TRUE(c.s.publish("a", "x"));
}

TEST(session_publish, the_control_line_limit_is_exact) {
    options o;
    o.bounds.max_control_line = 20;
    open_session c(o);
    EXPECT_TRUE(c.s.publish(std::string(18, 's'), "x")) << "18, a blank, one digit";
    EXPECT_EQ(c.s.publish(std::string(18, 's'), "0123456789").error(), errc::control_line_too_long);
    EXPECT_EQ(c.s.publish(std::string(9, 's'), "x", std::string(9, 'r')).error(),
              errc::control_line_too_long);
    EXPECT_TRUE(c.s.publish(std::string(9, 's'), "x", std::string(8, 'r')));
    (void)c.drain();
}

TEST(session_publish, a_full_output_refuses_and_recovers) {
    options o;
    o.bounds.max_output_bytes = 1000;
    open_session c(o);
    std::size_t sent = 0;
    result<void> last;
    while ((last = c.s.publish("a", std::string(100, 'x')))) ++sent;
    EXPECT_EQ(last.error(), errc::output_full);
    EXPECT_EQ(sent, 9U) << "113 bytes each, and the one that crosses the limit is the last";
    EXPECT_EQ(c.s.stats().out_messages, sent);
    EXPECT_EQ(c.s.ping(c.now).error(), errc::output_full);
    EXPECT_EQ(c.s.untransmitted(), sent * 113);
    c.s.transmitted(113);
    EXPECT_TRUE(c.s.publish("a", "x"));
}

TEST(session_publish, writes_of_any_size_keep_the_stream) {
    for (const std::size_t step : {1U, 2U, 7U, 1000U, 65'537U}) {
        open_session c;
        std::string expected;
        std::string written;
        for (int i = 0; i < 300; ++i) {
            const std::string payload(static_cast<std::size_t>(i * 7 % 900),
                                      static_cast<char>('a' + i % 26));
            ASSERT_TRUE(c.s.publish("some.subject", payload));
            expected +=
                "PUB some.subject " + std::to_string(payload.size()) + "\r\n" + payload + "\r\n";
            if (i % 3 != 0) continue;
            std::array<const_buffer, 2> pieces;
            if (c.s.poll_transmit(pieces) == 0) continue;
            const std::size_t n = std::min(step, pieces[0].size);
            written.append(pieces[0].data, n);
            c.s.transmitted(n);
        }
        std::array<const_buffer, 2> pieces;
        while (c.s.poll_transmit(pieces) != 0) {
            const std::size_t n = std::min(step, pieces[0].size);
            written.append(pieces[0].data, n);
            c.s.transmitted(n);
        }
        EXPECT_EQ(written, expected) << step;
        EXPECT_EQ(c.s.untransmitted(), 0U);
    }
}

TEST(session_publish, what_was_offered_stays_in_place_until_it_is_transmitted) {
    open_session c;
    ASSERT_TRUE(c.s.publish("first", "payload"));
    std::array<const_buffer, 1> offered;
    ASSERT_EQ(c.s.poll_transmit(offered), 1U);
    const const_buffer before = offered[0];
    const std::string bytes(before.data, before.size);
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(c.s.publish("more", std::string(100, 'y')));
    const std::string_view pings = "PING\r\nPING\r\n";
    std::copy(pings.begin(), pings.end(), c.s.prepare(pings.size()).begin());
    c.s.commit(pings.size(), c.now);
    event e;
    EXPECT_FALSE(c.s.next(e));
    EXPECT_EQ(std::string(before.data, before.size), bytes) << "a write may be in flight";
}

TEST(session_publish, a_borrowed_payload_is_not_copied_until_asked) {
    open_session c;
    std::string payload(8192, 'a');
    ASSERT_TRUE(c.s.publish_borrowed("s", payload));
    std::array<const_buffer, 4> pieces;
    const std::size_t n = c.s.poll_transmit(pieces);
    ASSERT_GE(n, 2U);
    EXPECT_EQ(pieces[1].data, payload.data());
    c.s.transmitted(pieces[0].size + 100);
    c.s.own_borrowed();
    payload.assign(8192, 'b');
    EXPECT_EQ(c.drain(), "> " + std::string(8092, 'a') + "\\r\\n\n");
}

TEST(session_publish, needs_a_connection) {
    stepper c;
    EXPECT_EQ(c.s.publish("a", "").error(), errc::not_connected);
    (void)c.start();
    EXPECT_EQ(c.s.publish("a", "").error(), errc::not_connected);
    EXPECT_EQ(c.s.publish_borrowed("a", "").error(), errc::not_connected);
    (void)c.connected();
    (void)c.receive(info_2_10);
    EXPECT_EQ(c.s.publish("a", "").error(), errc::not_connected);
    (void)c.receive("PONG\r\n");
    EXPECT_TRUE(c.s.publish("a", ""));
    (void)c.close();
    EXPECT_EQ(c.s.publish("a", "").error(), errc::connection_closed);
}

} // namespace
} // namespace nats::test
