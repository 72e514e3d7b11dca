// SPDX-License-Identifier: Apache-2.0
//
// The catalogue of -ERR texts (specification 2.3), row by row: code, what to do, whether the server
// closes, and which subject and queue group are meant.

#include <natsproto/wire/server_error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

using namespace std::string_literals;

namespace nats::test {

namespace {

using wire::classify_server_error;
using wire::severity;

struct row {
    const char* text;
    errc code;
    severity level;
    bool closes;
};

constexpr row catalogue[] = {
    {"Authorization Violation", errc::authorization_violation, severity::authentication, true},
    {"Authentication Timeout", errc::authentication_timeout, severity::retry, true},
    {"User Authentication Expired", errc::authentication_expired, severity::authentication, true},
    {"User Authentication Revoked", errc::authentication_revoked, severity::authentication, true},
    {"Account Authentication Expired", errc::authentication_expired, severity::authentication,
     true},
    {"Permissions Violation for Publish to \"s\"", errc::permissions_violation,
     severity::permission, false},
    {"Permissions Violation for Publish with Reply of \"s\"", errc::permissions_violation,
     severity::permission, false},
    {"Permissions Violation for Subscription to \"s\"", errc::permissions_violation,
     severity::permission, false},
    {"maximum connections exceeded", errc::max_connections_exceeded, severity::retry, true},
    {"maximum account active connections exceeded", errc::max_connections_exceeded, severity::retry,
     true},
    {"maximum subscriptions exceeded", errc::max_subscriptions_exceeded, severity::notice,
     false}, // D11
    {"Maximum Payload Violation", errc::server_max_payload, severity::fatal, true},
    {"maximum control line exceeded", errc::server_max_control_line, severity::fatal, true},
    {"Unknown Protocol Operation", errc::server_protocol_error, severity::fatal, true},
    {"Invalid Subject", errc::server_invalid_subject, severity::notice, false}, // D11
    {"Invalid Publish Subject", errc::server_invalid_subject, severity::notice, false},
    {"Stale Connection", errc::stale_connection, severity::retry, true},
    {"Secure Connection - TLS Required", errc::tls_required, severity::fatal, true},
    {"Connection throttling is active. Please try again later.", errc::connection_throttled,
     severity::retry, true},
    {"invalid client protocol", errc::server_protocol_error, severity::fatal, true},
    {"no responders requires headers support", errc::server_protocol_error, severity::fatal, true},
    {"Failed Account Registration", errc::server_error, severity::retry, true},
};

std::string changed(std::string text, int (*change)(int)) {
    std::transform(text.begin(), text.end(), text.begin(), [change](char c) {
        return static_cast<char>(change(static_cast<unsigned char>(c)));
    });
    return text;
}

} // namespace

TEST(server_error, the_whole_catalogue_in_any_case) {
    for (const row& r : catalogue) {
        const std::string original = r.text;
        for (const std::string& text : {original, changed(original, std::tolower),
                                        changed(original, std::toupper), original + " and more"}) {
            const wire::server_error_class c = classify_server_error(text);
            EXPECT_EQ(c.code, r.code) << text;
            EXPECT_EQ(c.level, r.level) << text;
            EXPECT_EQ(c.closes, r.closes) << text;
        }
    }
}

TEST(server_error, an_unknown_text_is_a_notice) {
    for (const std::string& text :
         {""s, " "s, "x"s, "Slow Consumer"s, "Authorization"s, " Authorization Violation"s,
          "\0\xff\r"s, std::string(100000, 'x')}) {
        const wire::server_error_class c = classify_server_error(text);
        EXPECT_EQ(c.code, errc::server_error);
        EXPECT_EQ(c.level, severity::notice);
        EXPECT_FALSE(c.closes);
        EXPECT_TRUE(c.subject.empty());
    }
}

TEST(server_error, a_refused_publish_names_its_subject) {
    const std::string text = "Permissions Violation for Publish to \"orders.new\"";
    const wire::server_error_class c = classify_server_error(text);
    EXPECT_EQ(c.subject, "orders.new");
    EXPECT_FALSE(c.subscription);
    EXPECT_TRUE(c.queue.empty());
    EXPECT_EQ(c.subject.data(), text.data() + 38); // a view into the text
    EXPECT_EQ(
        classify_server_error("Permissions Violation for Publish with Reply of \"_R_.x\"").subject,
        "_R_.x");
    EXPECT_FALSE(classify_server_error("Permissions Violation for Publish with Reply of \"_R_.x\"")
                     .subscription);
}

TEST(server_error, a_refused_subscription_names_its_subject_and_queue_group) {
    const struct {
        const char* text;
        const char* subject;
        const char* queue;
    } cases[] = {
        {"Permissions Violation for Subscription to \"a.>\"", "a.>", ""},
        {"permissions violation for subscription to \"Foo\"", "Foo", ""},
        {R"(Permissions Violation for Subscription to "a" using queue "q")", "a", "q"},
        {R"(Permissions Violation for Subscription to "a" USING QUEUE "Q")", "a", "Q"},
        {R"(Permissions Violation for Subscription to "a" (sid "7"))", "a", ""},
        {R"(Permissions Violation for Subscription to "a" using queue "q" (sid "7"))", "a", "q"},
        {"Permissions Violation for Subscription to \"\"", "", ""},
        {"Permissions Violation for Subscription to \"a", "", ""},
        {"Permissions Violation for Subscription to a", "", ""},
        {R"(Permissions Violation for Subscription to "a" using queue "q)", "a", ""},
        {"Permissions Violation for Subscription to \"a\" using queue q", "a", ""},
    };
    for (const auto& x : cases) {
        const wire::server_error_class c = classify_server_error(x.text);
        EXPECT_EQ(c.code, errc::permissions_violation) << x.text;
        EXPECT_EQ(c.subject, x.subject) << x.text;
        EXPECT_EQ(c.queue, x.queue) << x.text;
        EXPECT_TRUE(c.subscription) << x.text;
    }
}

TEST(server_error, subjects_are_for_permissions_only) {
    const wire::server_error_class c =
        classify_server_error(R"(Stale Connection "x" using queue "y")");
    EXPECT_TRUE(c.subject.empty());
    EXPECT_TRUE(c.queue.empty());
    EXPECT_FALSE(c.subscription);
}

TEST(server_error, becomes_an_error_with_the_servers_text) {
    const std::string text = "Authorization Violation";
    const error e = wire::to_error(classify_server_error(text), text);
    EXPECT_EQ(e, errc::authorization_violation);
    EXPECT_EQ(e.detail(), text);
    EXPECT_EQ(e.message(), "the server refused the login: Authorization Violation");
}

TEST(server_error, a_text_for_terminals_is_escaped) { // SEC-M10
    const std::string text = "\x1b[31mred\r\n";
    EXPECT_EQ(wire::to_error(classify_server_error(text), text).message(),
              "the server reported an error: \\x1b[31mred\\x0d\\x0a");
}

} // namespace nats::test
