// SPDX-License-Identifier: Apache-2.0
//
// natsproto sub: what it prints of another client's messages, and how it ends.

#include "cli/cli_fixture.hpp"

#include <chrono>
#include <regex>
#include <string>

namespace nats::test {
namespace {

class sub_command : public cli_test {};
NATSPROTO_ON_EVERY_SERVER(sub_command);

void publish(client& nc, std::string_view subject, bytes payload) {
    nc.publish(subject, payload).value();
}

TEST_P(sub_command, prints_messages_with_headers_and_reply) {
    const auto sub = listening({"sub", "s.>", "--count", "3"});
    client nc = peer();
    publish(nc, "s.one", "first");
    headers h;
    h.add("A", "1").value();
    h.add("A", "2").value();
    publish_options o;
    o.reply = "back";
    o.headers = h;
    nc.publish("s.two", "second\n", o).value();
    publish(nc, "s.three", "");
    const finished f = sub->wait();
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.out,
              "[#1] Received on \"s.one\"\nfirst\n\n"
              "[#2] Received on \"s.two\" with reply \"back\"\nA: 1\nA: 2\n\nsecond\n\n"
              "[#3] Received on \"s.three\"\n\n");
    EXPECT_EQ(f.err, "Subscribing on s.>\n");
}

TEST_P(sub_command, several_subjects_keep_their_order) {
    const auto sub = listening({"sub", "a", "b", "c", "--subjects-only", "--count", "5"});
    client nc = peer();
    for (const char* s : {"b", "a", "none", "c", "a", "b", "a", "a"}) publish(nc, s, "x");
    const finished f = sub->wait();
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.out, "b\na\nc\na\nb\n");
}

TEST_P(sub_command, raw_is_exact) {
    std::string body;
    for (int i = 0; i < 200'000; ++i) body += static_cast<char>(i * 11 % 256);
    const auto sub = listening({"sub", "s", "-r", "--count", "3"});
    client nc = peer();
    headers h;
    h.set("A", "1").value();
    publish_options with_header;
    with_header.headers = h;
    nc.publish("s", body, with_header).value();
    publish(nc, "s", "");
    publish(nc, "s", "end");
    const finished f = sub->wait();
    EXPECT_EQ(f.code, 0);
    EXPECT_TRUE(f.out == body + "\n\nend\n");
}

TEST_P(sub_command, escapes_control_characters_for_the_terminal) {
    const auto sub = listening({"sub", ">", "--count", "1"});
    client nc = peer();
    // A block that no builder makes: an escape sequence in a header.
    publish_options o;
    o.headers = header_view("NATS/1.0\r\nA: \x1b[31m\r\n\r\n");
    nc.publish("caf\xc3\xa9", "tab\tred\x1b[31m\nline", o).value();
    const finished f = sub->wait();
    EXPECT_EQ(f.out,
              "[#1] Received on \"caf\xc3\xa9\"\nA: \\x1b[31m\n\n"
              "tab\tred\\x1b[31m\nline\n\n");
}

TEST_P(sub_command, headers_only_and_timestamp) {
    const auto sub = listening({"sub", "s", "--headers-only", "--timestamp", "--count", "1"});
    client nc = peer();
    headers h;
    h.set("A", "1").value();
    publish_options o;
    o.headers = h;
    nc.publish("s", "secret body", o).value();
    const finished f = sub->wait();
    const std::regex shape(
        "\\[#1\\] @ \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z "
        "Received on \"s\"\nA: 1\n\n");
    EXPECT_TRUE(std::regex_match(f.out, shape)) << f.out;
}

TEST_P(sub_command, wait_ends_it) {
    const finished all = cli({"sub", "s", "--wait", "100ms"});
    EXPECT_EQ(all.code, 0);
    EXPECT_EQ(all.out, "");
    EXPECT_EQ(cli({"sub", "s", "--wait", "100ms", "--count", "1"}).code, 3);

    const auto sub = listening({"sub", "s", "--wait", "500ms", "--raw"});
    client nc = peer();
    publish(nc, "s", "in time");
    const finished some = sub->wait();
    EXPECT_EQ(some.code, 0);
    EXPECT_EQ(some.out, "in time\n");
}

TEST_P(sub_command, queue_members_share) {
    const auto one = listening({"sub", "jobs", "--queue", "q", "--subjects-only"});
    const auto two = listening({"sub", "jobs", "--queue", "q", "--subjects-only"});
    const auto other = listening({"sub", "jobs", "--count", "100", "--subjects-only"});
    EXPECT_EQ(cli({"pub", "jobs", "x", "--count", "100"}).code, 0);
    EXPECT_EQ(lines_of(other->wait().out), 100);
    one->signal(SIGINT);
    two->signal(SIGINT);
    const auto first = lines_of(one->wait().out);
    const auto second = lines_of(two->wait().out);
    EXPECT_EQ(first + second, 100);
    EXPECT_GT(first, 0);
    EXPECT_GT(second, 0);
}

TEST_P(sub_command, a_queue_member_with_a_count_leaves_the_rest_to_others) {
    const auto one = listening({"sub", "jobs", "--queue", "q", "--subjects-only", "--count", "3"});
    const auto two = listening({"sub", "jobs", "--queue", "q", "--subjects-only"});
    EXPECT_EQ(cli({"pub", "jobs", "x", "--count", "100"}).code, 0);
    const finished first = one->wait();
    EXPECT_EQ(first.code, 0);
    EXPECT_EQ(lines_of(first.out), 3);
    two->signal(SIGINT);
    EXPECT_EQ(lines_of(two->wait().out), 97);
}

TEST_P(sub_command, signals_end_it_in_order) {
    for (const int signal : {SIGINT, SIGTERM}) {
        const auto endless = listening({"sub", "s", "--raw"});
        const auto counted = listening({"sub", "s", "--raw", "--count", "5"});
        EXPECT_EQ(cli({"pub", "s", "last"}).code, 0);
        // What the server has sent before the signal is still printed.
        endless->signal(signal);
        counted->signal(signal);
        const finished f = endless->wait();
        EXPECT_EQ(f.code, 0);
        EXPECT_EQ(f.out, "last\n");
        EXPECT_EQ(f.err, "Subscribing on s\n");
        const finished g = counted->wait();
        EXPECT_EQ(g.code, 128 + signal);
        EXPECT_EQ(g.out, "last\n");
        EXPECT_EQ(g.err, "Subscribing on s\n");
    }
}

TEST_P(sub_command, ends_in_order_although_sigint_was_ignored) {
    // As a shell does it to what runs in the background of a script.
    program p({"/bin/sh", "-c", "trap '' INT; exec \"$CLI\" sub s"}, shell_variables());
    p.wait_for("Subscribing on s");
    p.signal(SIGINT);
    EXPECT_EQ(p.wait().code, 0);
}

TEST_P(sub_command, ends_when_nobody_reads) {
    const auto sub = listening({"sub", "s"});
    sub->close_output();
    EXPECT_EQ(cli({"pub", "s", "x"}).code, 0);
    const finished f = sub->wait();
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.err, "Subscribing on s\n");
}

TEST_P(sub_command, a_full_disk_is_an_error) {
    program p({"/bin/sh", "-c", "exec \"$CLI\" sub s >/dev/full"}, shell_variables());
    p.wait_for("Subscribing on s");
    EXPECT_EQ(cli({"pub", "s", "x"}).code, 0);
    const finished f = p.wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "natsproto: cannot write to stdout: No space left")) << f.err;
}

TEST_P(sub_command, nothing_is_printed_into_a_socket_when_stdout_is_closed) {
    const auto sub = listening({"sub", ">", "--subjects-only", "--count", "1"});
    EXPECT_EQ(shell("\"$CLI\" rtt 1 >&-").code, 0);
    EXPECT_EQ(shell("\"$CLI\" pub s x <&- >&- 2>&-").code, 0);
    EXPECT_EQ(sub->wait().out, "s\n");
}

TEST_P(sub_command, shows_what_the_server_refuses) {
    start(
        "authorization { users = [ { user: u, password: p, permissions: { subscribe: { deny: "
        "\"denied\" } } } ] }");
    const finished f = cli({"sub", "denied", "--user", "u", "--password", "p"});
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "Permissions Violation for Subscription to \"denied\"")) << f.err;
}

} // namespace
} // namespace nats::test
