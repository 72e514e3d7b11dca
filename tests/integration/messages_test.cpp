// SPDX-License-Identifier: Apache-2.0
//
// Proves that what is published arrives: every byte of payload, reply and headers, to whom it
// belongs; that what must not be sent is refused at the call and leaves no trace; and that verbose,
// pedantic and no-echo mean what they say.

#include "integration/server_test.hpp"

#include <vector>

namespace nats::test {
namespace {

class messages : public server_test {};
NATSPROTO_ON_EVERY_SERVER(messages);

TEST_P(messages, every_byte_arrives) {
    client a = connect();
    client b = connect();
    subscription sub = subscribed(a, "bytes");
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    all += "\r\nMSG bytes 1 3\r\nabc\r\n";
    for (const std::string& payload : {std::string("hello"), std::string(), all}) {
        ASSERT_TRUE(b.publish("bytes", payload));
        const message m = sub.next(long_enough).value();
        EXPECT_EQ(m.subject(), "bytes");
        EXPECT_EQ(m.payload(), payload);
        EXPECT_EQ(m.reply(), "");
        EXPECT_TRUE(m.headers().empty());
    }
}

TEST_P(messages, the_reply_subject_arrives_and_can_be_answered) {
    client a = connect();
    client b = connect();
    subscription sub = subscribed(a, "question");
    subscription answers = subscribed(b, "answers.b");
    ASSERT_TRUE(b.publish("question", "why?", {.reply = "answers.b", .headers = {}}));
    const message m = sub.next(long_enough).value();
    EXPECT_EQ(m.reply(), "answers.b");
    EXPECT_TRUE(a.respond(m, "because"));
    EXPECT_EQ(next_payload(answers), "because");

    ASSERT_TRUE(b.publish("question", "no answer, please"));
    EXPECT_EQ(code_of(a.respond(sub.next(long_enough).value(), "x")), errc::no_reply);
}

TEST_P(messages, headers_keep_case_order_and_several_values) {
    client a = connect();
    client b = connect();
    subscription sub = subscribed(a, "h");
    headers h;
    ASSERT_TRUE(h.add("Accept", "text/plain"));
    ASSERT_TRUE(h.add("accept", "lower"));
    ASSERT_TRUE(h.add("Accept", "text/html; q=0.5"));
    ASSERT_TRUE(h.add("Empty", ""));
    ASSERT_TRUE(b.publish("h", "body", {.reply = "r", .headers = h}));
    const message m = sub.next(long_enough).value();
    EXPECT_EQ(m.payload(), "body");
    EXPECT_EQ(m.reply(), "r");
    EXPECT_EQ(m.headers().raw(), h.view().raw());
    EXPECT_EQ(m.headers().values("Accept"),
              (std::vector<std::string_view>{"text/plain", "text/html; q=0.5"}));
    EXPECT_EQ(m.headers().get("accept"), "lower");
    EXPECT_EQ(m.headers().get("Empty"), "");
    EXPECT_EQ(m.status(), 0);
}

TEST_P(messages, a_received_message_can_be_forwarded_unchanged) {
    client nc = connect();
    subscription from = subscribed(nc, "from");
    subscription to = subscribed(nc, "to");
    const std::string odd = "NATS/1.0\r\nA:  two blanks \r\nno colon\r\n\r\n";
    ASSERT_TRUE(nc.publish("from", "body", {.reply = {}, .headers = header_view(odd)}));
    const message m = from.next(long_enough).value();
    ASSERT_TRUE(nc.publish("to", m.payload(), {.reply = {}, .headers = m.headers()}));
    const message forwarded = to.next(long_enough).value();
    EXPECT_EQ(forwarded.headers().raw(), odd);
    EXPECT_EQ(forwarded.payload(), "body");
}

TEST_P(messages, wildcards_and_repeated_subscriptions) {
    client nc = connect();
    subscription star = subscribed(nc, "a.*.c");
    subscription rest = subscribed(nc, "a.>");
    subscription exact = subscribed(nc, "a.b.c");
    subscription again = subscribed(nc, "a.b.c");
    ASSERT_TRUE(nc.publish("a.b.c", "1"));
    ASSERT_TRUE(nc.publish("a.b", "2"));
    for (subscription* s : {&star, &rest, &exact, &again}) EXPECT_EQ(next_payload(*s), "1");
    EXPECT_EQ(next_payload(rest), "2");
    ASSERT_TRUE(nc.flush());
    for (subscription* s : {&star, &rest, &exact, &again})
        EXPECT_EQ(code_of(s->next(0s)), errc::timeout);
}

TEST_P(messages, subjects_of_any_bytes) {
    client nc = connect();
    for (const std::string& subject :
         {std::string("gr\xC3\xBC\xC3\x9F.\xE4\xB8\xAD"), std::string("\xFF\xFE.\x80"),
          std::string("a*b.>c.*d"), std::string("quote\"'\\.{}")}) {
        subscription sub = subscribed(nc, subject);
        ASSERT_TRUE(nc.publish(subject, subject));
        const message m = sub.next(long_enough).value();
        EXPECT_EQ(m.subject(), subject);
        EXPECT_EQ(m.payload(), subject);
    }
}

TEST_P(messages, what_must_not_be_sent_is_refused_at_the_call) {
    client nc = connect();
    const std::uint64_t sent = nc.stats().socket_out;
    const std::string_view bad[] = {"",     ".",    "a.",     ".a",    "a..b",     "a b", "a\tb",
                                    "a\rb", "a\nb", "a\r\nb", " a",    "a ",       "a.*", "a.>",
                                    "*",    ">",    "a.*.b",  "a\x01", {"a\0b", 3}};
    for (const std::string_view s : bad) {
        EXPECT_EQ(code_of(nc.publish(s, "x")), errc::invalid_subject) << printable(s);
        EXPECT_EQ(code_of(nc.request(s, "x", 1s)), errc::invalid_subject) << printable(s);
        EXPECT_EQ(code_of(nc.request_many(s, "x")), errc::invalid_subject) << printable(s);
        if (!s.empty()) {
            EXPECT_EQ(code_of(nc.publish("ok", "x", {.reply = s, .headers = {}})),
                      errc::invalid_subject);
        }
        if (s.find_first_of("*>") == std::string_view::npos) {
            EXPECT_EQ(code_of(nc.subscribe(s)), errc::invalid_subject) << printable(s);
        }
    }
    EXPECT_EQ(code_of(nc.subscribe("a.>.b")), errc::invalid_subject);
    for (const std::string_view q : {"", " ", "a b", "a\tb", "a\r\nPUB x 0"})
        EXPECT_EQ(code_of(nc.subscribe("s", {.queue = q})), errc::invalid_queue_group) << q;
    headers h;
    for (const std::string_view name : {"", "a b", "a:b", "a\r\nb", "\xC3\xA4"})
        EXPECT_EQ(code_of(h.set(name, "v")), errc::invalid_header) << name;
    EXPECT_EQ(code_of(h.set("name", "a\r\nb: c")), errc::invalid_header);
    // The first request subscribed its inbox, whether or not it was sent afterwards.
    ASSERT_TRUE(nc.flush());
    EXPECT_LT(nc.stats().socket_out - sent, 100 * std::size(bad));
    EXPECT_EQ(nc.stats().out_messages, 0U);
    EXPECT_EQ(nc.status(), session_status::connected);
}

TEST_P(messages, max_payload_counts_headers_and_is_exact) {
    start("max_payload: 1000");
    client nc = connect();
    ASSERT_EQ(nc.info().max_payload, 1000);
    subscription sub = subscribed(nc, "m");
    headers h;
    ASSERT_TRUE(h.set("Name", "value"));
    const std::size_t header_size = h.view().raw().size();
    const std::string most(1000, 'p');

    ASSERT_TRUE(nc.publish("m", most));
    ASSERT_TRUE(
        nc.publish("m", bytes(most.data(), 1000 - header_size), {.reply = {}, .headers = h}));
    EXPECT_EQ(code_of(nc.publish("m", most + "p")), errc::payload_too_large);
    EXPECT_EQ(code_of(nc.publish("m", bytes(most.data(), 1001 - header_size),
                                 {.reply = {}, .headers = h})),
              errc::payload_too_large);
    EXPECT_EQ(code_of(nc.request("m", most + "p")), errc::payload_too_large);

    EXPECT_EQ(sub.next(long_enough).value().payload().size(), 1000U);
    EXPECT_EQ(sub.next(long_enough).value().size(), 1000U);
    ASSERT_TRUE(nc.flush()); // the server has nothing against any of it
    EXPECT_EQ(code_of(sub.next(0s)), errc::timeout);
}

TEST_P(messages, the_longest_control_line_is_exact) {
    client nc = connect();
    subscription sub = subscribed(nc, "long.>");
    // 4096 bytes of arguments: subject, blank, one digit.
    const std::string subject = "long." + std::string(4096 - 2 - 5, 's');
    ASSERT_TRUE(nc.publish(subject, "x"));
    EXPECT_EQ(sub.next(long_enough).value().subject(), subject);
    EXPECT_EQ(code_of(nc.publish(subject + 's', "x")), errc::control_line_too_long);
    EXPECT_EQ(code_of(nc.publish("x", "x", {.reply = subject, .headers = {}})),
              errc::control_line_too_long);
    EXPECT_EQ(code_of(nc.subscribe(subject + "sss")), errc::control_line_too_long);
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(nc.status(), session_status::connected);
}

TEST_P(messages, the_longest_control_line_follows_the_limit) {
    start("max_control_line: 512");
    options o;
    o.bounds.max_control_line = 512;
    client nc = connect(o);
    subscription sub = subscribed(nc, "long.>");
    const std::string subject = "long." + std::string(512 - 2 - 5, 's');
    ASSERT_TRUE(nc.publish(subject, "x"));
    EXPECT_EQ(sub.next(long_enough).value().subject(), subject);
    EXPECT_EQ(code_of(nc.publish(subject + 's', "x")), errc::control_line_too_long);
    EXPECT_TRUE(nc.flush());
}

TEST_P(messages, are_counted) {
    client nc = connect();
    subscription sub = subscribed(nc, "counted");
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    ASSERT_TRUE(nc.publish("counted", "12345"));
    ASSERT_TRUE(nc.publish("counted", "123", {.reply = {}, .headers = h}));
    (void)next_payload(sub);
    (void)next_payload(sub);
    const statistics& s = nc.stats();
    EXPECT_EQ(s.out_messages, 2U);
    EXPECT_EQ(s.in_messages, 2U);
    EXPECT_EQ(s.out_bytes, 8 + h.view().raw().size());
    EXPECT_EQ(s.in_bytes, s.out_bytes);
    EXPECT_GT(s.socket_out, s.out_bytes);
    EXPECT_GT(s.socket_in, s.in_bytes);
}

TEST_P(messages, no_echo_leaves_out_the_own_ones_only) {
    client deaf = connect({.no_echo = true});
    client other = connect();
    subscription sub = subscribed(deaf, "echo");
    ASSERT_TRUE(deaf.publish("echo", "own"));
    ASSERT_TRUE(deaf.flush());
    ASSERT_TRUE(other.publish("echo", "other"));
    EXPECT_EQ(next_payload(sub), "other");
}

TEST_P(messages, verbose_and_pedantic_change_nothing_for_good_commands) {
    client nc = connect({.verbose = true, .pedantic = true});
    subscription sub = subscribed(nc, "v");
    int errors = 0;
    nc.on_event([&errors](const event& e) {
        if (std::holds_alternative<ev::server_error>(e)) ++errors;
    });
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(nc.publish("v", std::to_string(i)));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(next_payload(sub), std::to_string(i));
    EXPECT_EQ(code_of(nc.request("nobody")), errc::no_responders);
    EXPECT_TRUE(sub.unsubscribe());
    EXPECT_TRUE(nc.flush());
    EXPECT_EQ(errors, 0);
}

} // namespace
} // namespace nats::test
