// SPDX-License-Identifier: Apache-2.0
//
// The calls of a connection's user: the exact bytes of each, and each refusal, which leaves
// everything as it was. No string of the user can end a command early.

#include <natsproto/headers.hpp>
#include <natsproto/version.hpp>
#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/encoder.hpp>

#include "support/transcript.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

using namespace std::string_literals;

namespace nats::test {

namespace {

using wire::client_connection;
using wire::connect_fields;

client_connection opened() {
    client_connection c;
    EXPECT_TRUE(open(c));
    return c;
}

/// A connection that waits for connect().
client_connection asked(std::string_view info = info_line) {
    client_connection c;
    c.feed(info);
    (void)drain_events(c);
    return c;
}

client_connection closed() {
    client_connection c = opened();
    c.handle_eof();
    (void)drain_events(c);
    return c;
}

/// The object of the CONNECT that `fields` lead to.
boost::json::object sent_connect(const connect_fields& fields, std::string_view info = info_line) {
    client_connection c = asked(info);
    EXPECT_TRUE(c.connect(fields));
    const std::string bytes = drain_output(c);
    wire::parser parser(wire::sender::client);
    wire::frame f;
    if (parser.next(bytes, f) != wire::parser::status::frame || f.kind != wire::op::connect)
        return {};
    EXPECT_EQ(bytes.substr(f.size), "PING\r\n");
    return boost::json::parse(boost::json::string_view(f.text.data(), f.text.size())).as_object();
}

std::string text_member(const boost::json::object& o, const char* name) {
    const boost::json::string& s = o.at(name).as_string();
    return {s.data(), s.size()};
}

/// Strings that must not stand in a subject of any kind.
const std::string no_subjects[] = {
    "",     " ",     "a b",   "a\tb", "a\rb", "a\nb",  "a\r\nPUB b 1\r\nx",
    "\0"s,  "a\0b"s, "a\x7f", "\x01", " a",   "a ",    "a.b\n",
    ".",    "..",    ".a",    "a.",   "a..b", "a. .b", "\x1b[31m",
    "a\r\n"};

/// Runs a refused call and checks that it changed nothing.
template <class Call>
void expect_refused(client_connection& c, errc why, Call call) {
    const auto state = c.state();
    const std::size_t untransmitted = c.untransmitted();
    const result<void> r = call(c);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error(), why) << r.error().message();
    EXPECT_EQ(c.state(), state);
    EXPECT_EQ(c.untransmitted(), untransmitted);
}

void expect_commands_refused(client_connection& c, errc why) {
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    expect_refused(c, why, [](client_connection& x) { return x.publish("a", "x"); });
    expect_refused(c, why, [](client_connection& x) { return x.publish("a", "x", "r"); });
    expect_refused(c, why, [&h](client_connection& x) { return x.publish("a", "x", "r", h); });
    expect_refused(c, why, [](client_connection& x) {
        return x.publish_borrowed("a", std::string(9000, 'x'));
    });
    expect_refused(c, why, [](client_connection& x) { return x.subscribe("a", std::nullopt, 1); });
    expect_refused(c, why, [](client_connection& x) { return x.subscribe("a", "q", 1); });
    expect_refused(c, why, [](client_connection& x) { return x.unsubscribe(1); });
    expect_refused(c, why, [](client_connection& x) { return x.unsubscribe(1, 5); });
    expect_refused(c, why, [](client_connection& x) { return x.ping(); });
}

} // namespace

TEST(client_connection_commands, exact_bytes) {
    client_connection c = opened();
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    ASSERT_TRUE(c.subscribe("foo.*", std::nullopt, 1));
    ASSERT_TRUE(c.subscribe("foo.>", "workers", 2));
    ASSERT_TRUE(c.publish("foo", "hello"));
    ASSERT_TRUE(c.publish("foo", ""));
    ASSERT_TRUE(c.publish("foo", "hello", "_INBOX.x"));
    ASSERT_TRUE(c.publish("foo", "hi", {}, h));
    ASSERT_TRUE(c.publish("foo", "hi", "r", h));
    ASSERT_TRUE(c.publish("foo", "hi", {}, headers())); // no fields: PUB
    ASSERT_TRUE(c.unsubscribe(1));
    ASSERT_TRUE(c.unsubscribe(2, 10));
    EXPECT_EQ(c.unsubscribe(2, wire::max_unsub_after + 1).error(), errc::invalid_argument);
    ASSERT_TRUE(c.ping());
    EXPECT_EQ(drain_output(c),
              "SUB foo.* 1\r\nSUB foo.> workers 2\r\nPUB foo 5\r\nhello\r\nPUB foo 0\r\n\r\nPUB "
              "foo _INBOX.x 5\r\nhello\r\n"
              "HPUB foo 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nHPUB foo r 18 20\r\nNATS/1.0\r\nA: "
              "b\r\n\r\nhi\r\n"
              "PUB foo 2\r\nhi\r\nUNSUB 1\r\nUNSUB 2 10\r\nPING\r\n");
}

TEST(client_connection_commands, a_payload_can_be_any_kind_of_bytes) {
    client_connection c = opened();
    const std::byte raw[] = {std::byte{0}, std::byte{0xff}};
    ASSERT_TRUE(c.publish("a", std::span<const std::byte>(raw)));
    ASSERT_TRUE(c.publish("a", "\r\nPING\r\n")); // counted bytes: it ends nothing
    EXPECT_EQ(drain_output(c), "PUB a 2\r\n\0\xff\r\nPUB a 8\r\n\r\nPING\r\n\r\n"s);
}

TEST(client_connection_commands, utf8_is_fine_everywhere) {
    client_connection c = opened();
    ASSERT_TRUE(c.publish("gr\xc3\xbc\xc3\x9f", "x", "\xe2\x82\xac"));
    ASSERT_TRUE(c.subscribe("gr\xc3\xbc\xc3\x9f.*", "\xe2\x82\xac", 1));
    EXPECT_EQ(drain_output(c),
              "PUB gr\xc3\xbc\xc3\x9f \xe2\x82\xac 1\r\nx\r\nSUB gr\xc3\xbc\xc3\x9f.* \xe2\x82\xac "
              "1\r\n");
}

TEST(client_connection_commands, bytes_leave_one_at_a_time) {
    client_connection c = opened();
    const std::string payload(10000, 'p');
    ASSERT_TRUE(c.publish("a", "x"));
    ASSERT_TRUE(c.publish_borrowed("b", payload));
    ASSERT_TRUE(c.ping());
    EXPECT_EQ(c.untransmitted(), 12 + 13 + payload.size() + 2 + 6);
    EXPECT_EQ(drain_output(c, 1), "PUB a 1\r\nx\r\nPUB b 10000\r\n" + payload + "\r\nPING\r\n");
    EXPECT_EQ(c.untransmitted(), 0U);
}

TEST(client_connection_commands, a_borrowed_payload_can_be_owned_at_any_time) {
    const std::string expected = "PUB b 5000\r\n" + std::string(5000, 'p') + "\r\nPING\r\n";
    for (const std::size_t sent : {0U, 1U, 11U, 12U, 13U, 5000U, 5012U, 5013U, 5014U, 5020U}) {
        client_connection c = opened();
        auto payload = std::make_unique<std::string>(5000, 'p');
        ASSERT_TRUE(c.publish_borrowed("b", *payload));
        ASSERT_TRUE(c.ping());
        c.transmitted(sent);
        c.own_borrowed();
        payload.reset();
        EXPECT_EQ(drain_output(c), expected.substr(sent)) << sent;
    }
}

TEST(client_connection_commands, refused_before_the_connection_is_up_and_after_its_end) {
    client_connection fresh;
    expect_commands_refused(fresh, errc::not_connected);
    client_connection waiting = asked();
    expect_commands_refused(waiting, errc::not_connected);
    client_connection handshaking = asked();
    ASSERT_TRUE(handshaking.connect({}));
    expect_commands_refused(handshaking, errc::not_connected);
    client_connection gone = closed();
    expect_commands_refused(gone, errc::connection_closed);
}

TEST(client_connection_commands, connect_is_refused_at_the_wrong_time) {
    const auto connect = [](client_connection& x) { return x.connect({}); };
    client_connection fresh;
    expect_refused(fresh, errc::not_connected, connect);
    client_connection handshaking = asked();
    ASSERT_TRUE(handshaking.connect({}));
    expect_refused(handshaking, errc::already_connected, connect);
    client_connection up = opened();
    expect_refused(up, errc::already_connected, connect);
    client_connection gone = closed();
    expect_refused(gone, errc::connection_closed, connect);
}

TEST(client_connection_commands, invalid_subjects_are_refused) {
    client_connection c = opened();
    for (const std::string& s : no_subjects) {
        SCOPED_TRACE(in_quotes(s));
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.publish(s, "x"); });
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.publish_borrowed(s, "x"); });
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.subscribe(s, std::nullopt, 1); });
        if (s.empty()) continue; // no reply at all
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.publish("a", "x", s); });
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.publish_borrowed("a", "x", s); });
    }
}

TEST(client_connection_commands, wildcards_are_for_subscriptions) {
    client_connection c = opened();
    for (const std::string s : {"*", ">", "a.*", "a.>", "*.a", "a.*.b"}) {
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.publish(s, "x"); });
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.publish("a", "x", s); });
        EXPECT_TRUE(c.subscribe(s, std::nullopt, 1)) << s;
    }
    for (const std::string s : {">.a", "a.>.b", ">.>"}) {
        expect_refused(c, errc::invalid_subject,
                       [&s](client_connection& x) { return x.subscribe(s, std::nullopt, 1); });
    }
    for (const std::string s : {"a*", "*a", "f>o", "**", "a.b>"}) { // literals to the server
        EXPECT_TRUE(c.publish(s, "x")) << s;
        EXPECT_TRUE(c.subscribe(s, std::nullopt, 1)) << s;
    }
}

TEST(client_connection_commands, invalid_queue_groups_are_refused) {
    client_connection c = opened();
    for (const std::string& q :
         {""s, " "s, "a b"s, "a\tb"s, "a\rb"s, "a\nb"s, "a\r\nPING"s, "a\0b"s, "a\x7f"s, "\x1f"s}) {
        SCOPED_TRACE(in_quotes(q));
        expect_refused(c, errc::invalid_queue_group,
                       [&q](client_connection& x) { return x.subscribe("a", q, 1); });
        EXPECT_EQ(c.check_subscribe("a", q, 1).error(), errc::invalid_queue_group);
    }
    EXPECT_TRUE(c.subscribe("a", "q.*", 1)); // any token
}

TEST(client_connection_commands, errors_show_control_characters_escaped) {
    client_connection c = opened();
    const result<void> r = c.publish("a\r\nb", "x");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().message(), "invalid subject: publish to \"a\\x0d\\x0ab\"");
}

TEST(client_connection_commands, headers_need_a_server_that_knows_them) {
    client_connection c;
    ASSERT_TRUE(open(c, {}, "INFO {\"server_id\":\"S\",\"proto\":1}\r\n"));
    EXPECT_FALSE(c.headers_enabled());
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    expect_refused(c, errc::headers_not_supported,
                   [&h](client_connection& x) { return x.publish("a", "x", {}, h); });
    EXPECT_TRUE(c.publish("a", "x", {}, headers())); // none
    const boost::json::object o = sent_connect({}, "INFO {\"headers\":false}\r\n");
    EXPECT_FALSE(o.at("headers").as_bool());
    EXPECT_FALSE(o.at("no_responders").as_bool()); // the server refuses it without headers
}

TEST(client_connection_commands, headers_can_be_declined) {
    connect_fields fields;
    fields.headers = false;
    const boost::json::object o = sent_connect(fields);
    EXPECT_FALSE(o.at("headers").as_bool());
    EXPECT_FALSE(o.at("no_responders").as_bool());
    client_connection c;
    ASSERT_TRUE(open(c, fields));
    EXPECT_FALSE(c.headers_enabled());
}

TEST(client_connection_commands, no_echo_needs_protocol_1) {
    connect_fields fields;
    fields.echo = false;
    client_connection old = asked("INFO {\"server_id\":\"S\"}\r\n");
    expect_refused(old, errc::no_echo_not_supported,
                   [&](client_connection& x) { return x.connect(fields); });
    EXPECT_TRUE(old.connect({})); // nothing has changed: it can be called again
    EXPECT_FALSE(sent_connect(fields).at("echo").as_bool());
}

TEST(client_connection_commands, connect_says_what_was_chosen) {
    connect_fields fields;
    fields.verbose = fields.pedantic = fields.tls_required = true;
    fields.protocol = 0;
    fields.name = "n";
    fields.user = "u";
    fields.password = "p";
    fields.token = "t";
    fields.jwt = "j";
    fields.nkey = "k";
    fields.signature = "s";
    fields.lang = "l";
    fields.library_version = "v";
    const boost::json::object o = sent_connect(fields);
    for (const char* name :
         {"verbose", "pedantic", "tls_required", "echo", "headers", "no_responders"}) {
        EXPECT_TRUE(o.at(name).as_bool()) << name;
    }
    EXPECT_EQ(o.at("protocol").as_int64(), 0);
    const char* const texts[][2] = {{"name", "n"},       {"user", "u"}, {"pass", "p"},
                                    {"auth_token", "t"}, {"jwt", "j"},  {"nkey", "k"},
                                    {"sig", "s"},        {"lang", "l"}, {"version", "v"}};
    for (const auto& [name, value] : texts) EXPECT_EQ(text_member(o, name), value) << name;
    EXPECT_EQ(o.size(), 16U);
}

TEST(client_connection_commands, connect_leaves_out_what_is_empty) {
    const boost::json::object o = sent_connect({});
    for (const char* name : {"name", "user", "pass", "auth_token", "jwt", "nkey", "sig"})
        EXPECT_FALSE(o.contains(name)) << name;
    EXPECT_EQ(text_member(o, "version"), nats::version);
}

TEST(client_connection_commands, strings_of_connect_are_escaped) { // SEC-I3
    for (const std::string& s :
         {R"(quote" back\slash /)"s, "line\r\nPUB a 1\r\nx"s, "nul\0tab\t bell\x07 del\x7f"s,
          "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"s, "\"}\r\n"s, "\xe2\x80\xa8"s}) {
        connect_fields fields;
        fields.name = fields.user = fields.password = fields.token = fields.lang =
            fields.library_version = s;
        const boost::json::object o = sent_connect(fields);
        ASSERT_FALSE(o.empty()) << in_quotes(s);
        for (const char* name : {"name", "user", "pass", "auth_token", "lang", "version"})
            EXPECT_EQ(text_member(o, name), s);
    }
}

TEST(client_connection_commands, strings_that_are_not_utf8_are_refused_without_showing_them) {
    const std::string secret = "s3cret\xff";
    for (std::string_view connect_fields::* member :
         {&connect_fields::name, &connect_fields::user, &connect_fields::password,
          &connect_fields::token, &connect_fields::jwt}) {
        connect_fields fields;
        fields.*member = secret;
        client_connection c = asked();
        expect_refused(c, errc::invalid_argument, [&](client_connection& x) {
            result<void> r = x.connect(fields);
            EXPECT_EQ(r.error().message().find("s3cret"), std::string::npos);
            return r;
        });
    }
}

} // namespace nats::test
