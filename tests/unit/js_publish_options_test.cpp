// SPDX-License-Identifier: Apache-2.0
//
// Proves the header block that the options of a publish make: each option alone, all that exclude
// each other, and that what comes out is a block of headers with every value as it was given.

#include <natsproto/jetstream/publish_options.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using js::publish_options;

/// The fields, a line each; or the error.
std::string lines_of(const publish_options& o, bytes payload = {}) {
    std::string out;
    if (result<void> ok = js::append_headers(out, o, payload); !ok) return ok.error().message();
    if (out.empty()) return {};
    EXPECT_TRUE(header_view(out).well_formed()) << out;
    std::string lines;
    for (const header_field& f : header_view(out))
        lines += std::string(f.name) + '=' + std::string(f.value) + '\n';
    return lines;
}

errc refusal(const publish_options& o, bytes payload = {}) {
    std::string out;
    result<void> ok = js::append_headers(out, o, payload);
    if (ok) {
        ADD_FAILURE() << "accepted: " << out;
        return errc{};
    }
    return ok.error().code();
}

TEST(js_publish_options, nothing_asked_is_no_header) {
    EXPECT_EQ(lines_of({}), "");
}

TEST(js_publish_options, each_option_is_its_header) {
    EXPECT_EQ(lines_of({.message_id = "a b"}), "Nats-Msg-Id=a b\n");
    EXPECT_EQ(lines_of({.expected_stream = "S"}), "Nats-Expected-Stream=S\n");
    EXPECT_EQ(lines_of({.expected_last_message_id = "x"}), "Nats-Expected-Last-Msg-Id=x\n");
    EXPECT_EQ(lines_of({.ttl = 2s}), "Nats-TTL=2\n");
    EXPECT_EQ(lines_of({.ttl = 1001ms}), "Nats-TTL=2\n");
    EXPECT_EQ(lines_of({.ttl = js::never_expires}), "Nats-TTL=never\n");
    EXPECT_EQ(lines_of({.rollup = js::rollup::subject}), "Nats-Rollup=sub\n");
    EXPECT_EQ(lines_of({.rollup = js::rollup::all}), "Nats-Rollup=all\n");
    EXPECT_EQ(lines_of({.required_api_level = 2}), "Nats-Required-Api-Level=2\n");
}

TEST(js_publish_options, zero_is_a_sequence) {
    EXPECT_EQ(lines_of({.expected_last_sequence = 0}), "Nats-Expected-Last-Sequence=0\n");
    EXPECT_EQ(lines_of({.expected_last_sequence = 18446744073709551615U}),
              "Nats-Expected-Last-Sequence=18446744073709551615\n");
    EXPECT_EQ(lines_of({.expected_last_subject_sequence = 0}),
              "Nats-Expected-Last-Subject-Sequence=0\n");
    EXPECT_EQ(
        lines_of({.expected_last_subject_sequence = 7, .expected_last_subject = "a.*"}),
        "Nats-Expected-Last-Subject-Sequence=7\nNats-Expected-Last-Subject-Sequence-Subject=a.*\n");
}

TEST(js_publish_options, increments_have_a_sign) {
    EXPECT_EQ(lines_of({.increment = "5"}), "Nats-Incr=+5\n");
    EXPECT_EQ(lines_of({.increment = "+5"}), "Nats-Incr=+5\n");
    EXPECT_EQ(lines_of({.increment = "-123456789012345678901234567890"}),
              "Nats-Incr=-123456789012345678901234567890\n");
}

TEST(js_publish_options, schedules) {
    EXPECT_EQ(lines_of({.schedule = {.when = "@every 5m", .target = "a"}}),
              "Nats-Schedule=@every 5m\nNats-Schedule-Target=a\n");
    EXPECT_EQ(lines_of({.schedule = {.when = "0 0 5 * * *",
                                     .target = "a",
                                     .ttl = 1h,
                                     .source = "b",
                                     .time_zone = "Europe/Vienna",
                                     .rollup = true}}),
              "Nats-Schedule=0 0 5 * * *\nNats-Schedule-Target=a\nNats-Schedule-TTL=3600\n"
              "Nats-Schedule-Source=b\nNats-Schedule-Time-Zone=Europe/Vienna\n"
              "Nats-Schedule-Rollup=sub\n");
    for (const char* when : {"@at 2026-11-28T07:31:57Z", "@hourly", "@daily", "* * * * * *"})
        EXPECT_NE(lines_of({.schedule = {.when = when, .target = "a"}}).find(when),
                  std::string::npos);
}

TEST(js_publish_options, the_users_headers_come_first_and_stay) {
    headers h;
    ASSERT_TRUE(h.add("a", "1") && h.add("a", "2"));
    EXPECT_EQ(lines_of({.headers = h}), "a=1\na=2\n");
    EXPECT_EQ(lines_of({.headers = h, .message_id = "x"}), "a=1\na=2\nNats-Msg-Id=x\n");
}

TEST(js_publish_options, a_forwarded_status_is_not_sent) {
    const header_view with_status("NATS/1.0 100 Idle Heartbeat\r\na: 1\r\n\r\n");
    EXPECT_EQ(lines_of({.headers = with_status}), "a=1\n");
    const header_view only_status("NATS/1.0 503\r\n\r\n");
    EXPECT_EQ(lines_of({.headers = only_status}), "");
    EXPECT_EQ(lines_of({.headers = only_status, .message_id = "x"}), "Nats-Msg-Id=x\n");
}

TEST(js_publish_options, appends_behind_what_is_there) {
    std::string out = "subject";
    ASSERT_TRUE(js::append_headers(out, {}, {}));
    EXPECT_EQ(out, "subject");
    ASSERT_TRUE(js::append_headers(out, {.message_id = "1"}, {}));
    EXPECT_EQ(out, "subjectNATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n");
}

TEST(js_publish_options, what_excludes_each_other_is_refused) {
    headers h;
    ASSERT_TRUE(h.add("Nats-Msg-Id", "1"));
    EXPECT_EQ(refusal({.headers = h, .message_id = "2"}), errc::invalid_argument);
    EXPECT_EQ(refusal({.expected_last_subject = "a"}), errc::invalid_argument);
    EXPECT_EQ(refusal({.increment = "1"}, "payload"), errc::invalid_argument);
    EXPECT_EQ(refusal({.rollup = js::rollup::all, .increment = "1"}), errc::invalid_argument);
    EXPECT_EQ(refusal({.expected_stream = "S", .increment = "1"}), errc::invalid_argument);
    EXPECT_EQ(refusal({.expected_last_sequence = 0, .increment = "1"}), errc::invalid_argument);
    EXPECT_EQ(refusal({.schedule = {.when = "@hourly", .target = "a"}, .increment = "1"}),
              errc::invalid_argument);
    EXPECT_EQ(refusal({.schedule = {.target = "a"}}), errc::invalid_argument);
    EXPECT_EQ(refusal({.schedule = {.when = "@hourly", .target = "a", .time_zone = "UTC"}}),
              errc::invalid_argument);
}

TEST(js_publish_options, what_is_out_of_range_is_refused) {
    EXPECT_EQ(refusal({.message_id = "a\r\nb: c"}), errc::invalid_header);
    EXPECT_EQ(refusal({.expected_stream = std::string_view("\0", 1)}), errc::invalid_header);
    EXPECT_EQ(refusal({.headers = header_view("no block")}), errc::invalid_header);
    EXPECT_EQ(refusal({.headers = header_view("NATS/1.0\r\n\r\n\r\na: b\r\n\r\n")}),
              errc::invalid_header);
    EXPECT_EQ(refusal({.expected_last_subject_sequence = 0, .expected_last_subject = "a..b"}),
              errc::invalid_subject);
    for (const duration ttl : {duration(0), duration(-1s), duration(999ms)})
        EXPECT_EQ(refusal({.ttl = ttl}), errc::invalid_argument);
    for (const char* n : {"+", "-", "1.5", "0x10", " 1", "1 ", "++1", "five"})
        EXPECT_EQ(refusal({.increment = n}), errc::invalid_argument) << n;
    for (const char* when : {"@at", "@sometimes", "* * * * *", "* * * * * * *", " "})
        EXPECT_EQ(refusal({.schedule = {.when = when, .target = "a"}}), errc::invalid_argument)
            << when;
    EXPECT_EQ(refusal({.schedule = {.when = "@hourly"}}), errc::invalid_subject);
    EXPECT_EQ(refusal({.schedule = {.when = "@hourly", .target = "a.*"}}), errc::invalid_subject);
}

} // namespace
} // namespace nats::test
