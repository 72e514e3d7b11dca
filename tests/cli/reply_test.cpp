// SPDX-License-Identifier: Apache-2.0
//
// natsproto reply: a service, asked by another client.

#include "cli/cli_fixture.hpp"

#include <filesystem>
#include <string>

namespace nats::test {
namespace {

class reply_command : public cli_test {
protected:
    static std::string answer(client& nc, std::string_view subject, bytes payload) {
        return std::string(nc.request(subject, payload, patience).value().payload());
    }
};
NATSPROTO_ON_EVERY_SERVER(reply_command);

TEST_P(reply_command, answers_with_a_body) {
    const auto service = listening({"reply", "s.*", "the answer", "-H", "A: 1", "--count", "2"});
    client nc = peer();
    const message m = nc.request("s.one", "question", patience).value();
    EXPECT_EQ(m.payload(), "the answer");
    EXPECT_EQ(m.headers().get("A"), "1");
    EXPECT_EQ(answer(nc, "s.two", ""), "the answer");
    const finished f = service->wait();
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.err, "Listening on \"s.*\" in group \"NATS-RPLY-22\"\n");
    EXPECT_TRUE(contains(f.out, "[#1] Received on \"s.one\" with reply \"_INBOX.")) << f.out;
    EXPECT_TRUE(contains(f.out, "\nquestion\n\n[#2] Received on \"s.two\"")) << f.out;
}

TEST_P(reply_command, fills_templates) {
    const auto service =
        listening({"reply", "s", "{{Count}}: {{Request}} {{Count}}", "--templates"});
    client nc = peer();
    EXPECT_EQ(answer(nc, "s", "a"), "1: a 1");
    EXPECT_EQ(answer(nc, "s", "{{Count}}"), "2: {{Count}} 2");
}

TEST_P(reply_command, echoes_headers_and_body) {
    const auto service = listening({"reply", "s", "--echo", "-H", "B: ours"});
    client nc = peer();
    headers h;
    h.add("A", "1").value();
    h.add("A", "2").value();
    h.add("B", "theirs").value();
    const std::string body("\0\x01\xff", 3);
    const message m = nc.request("s", body, patience, h).value();
    EXPECT_EQ(m.payload(), body);
    EXPECT_EQ(m.headers().values("A"), (std::vector<std::string_view>{"1", "2"}));
    EXPECT_EQ(m.headers().values("B"), (std::vector<std::string_view>{"ours"}));
}

TEST_P(reply_command, runs_a_command) {
    const auto service = listening(
        {"reply", "weather.*", "--command", "printf '%s|' {{1}} \"in {{1}}\" {{Request}}; cat"});
    client nc = peer();
    EXPECT_EQ(answer(nc, "weather.oslo", "two words"), "oslo|in oslo|two words|two words");
}

TEST_P(reply_command, a_payload_that_no_variable_holds_is_on_stdin) {
    program service({"/bin/sh", "-c", "exec \"$CLI\" reply s --command 'wc -c' >/dev/null"},
                    shell_variables());
    service.wait_for("Listening on");
    client nc = peer();
    EXPECT_EQ(std::stoi(answer(nc, "s", std::string(700'000, '\0'))), 700'000);
    EXPECT_EQ(std::stoi(answer(nc, "s", "four")), 4);
}

TEST_P(reply_command, a_request_cannot_become_a_part_of_the_command) {
    const std::filesystem::path made = std::filesystem::temp_directory_path() /
                                       ("natsproto-injected-" + std::to_string(::getpid()));
    const auto service = listening({"reply", "s.*", "--command",
                                    "printf '<%s>' {{Request}} \"{{Request}}\" '{{Request}}' {{1}} "
                                    "\"$NATS_REQUEST_BODY\" \"$NATS_REQUEST_SUBJECT\""});
    client nc = peer();
    const std::string touch = "touch${IFS}" + made.string();
    const arguments attacks{
        "$(" + touch + ")",    "`" + touch + "`", "; " + touch, "'; " + touch + " #",
        "\"; " + touch + " #", "\n" + touch,      "a  b * c"};
    for (const std::string& attack : attacks) {
        EXPECT_EQ(answer(nc, "s.$(id)", attack), "<" + attack + "><" + attack + "><" + attack +
                                                     "><$(id)><" + attack + "><s.$(id)>");
    }
    EXPECT_FALSE(std::filesystem::exists(made));
}

TEST_P(reply_command, a_command_that_fails_is_told_to_the_caller) {
    const auto service = listening({"reply", "s", "--command", "echo partly; exit 3"});
    const auto variable = listening({"reply", "v", "--command", "echo {{Request}}"});
    client nc = peer();
    const message m = nc.request("s", "", patience).value();
    EXPECT_EQ(m.payload(), "partly\n");
    EXPECT_EQ(m.headers().get("Nats-Service-Error"), "the command exited with status 3");
    EXPECT_EQ(m.headers().get("Nats-Service-Error-Code"), "500");
    const message n = nc.request("v", std::string_view("a\0b", 3), patience).value();
    EXPECT_EQ(n.payload(), "");
    EXPECT_TRUE(n.headers().get("Nats-Service-Error").has_value());
    EXPECT_EQ(answer(nc, "v", "still there"), "still there\n");
}

TEST_P(reply_command, commands_get_their_signals_back) {
    // `yes` ends by SIGPIPE, which the tool itself ignores.
    const auto service = listening({"reply", "s", "--command", "yes | head -n 1"});
    client nc = peer();
    EXPECT_EQ(answer(nc, "s", ""), "y\n");
}

TEST_P(reply_command, members_of_the_group_share) {
    const auto one = listening({"reply", "s", "x"});
    const auto two = listening({"reply", "s", "x"});
    const auto other = listening({"reply", "s", "y", "--queue", "mine", "--count", "50"});
    EXPECT_EQ(cli({"request", "s", "", "--count", "50", "--raw"}).code, 0);
    EXPECT_EQ(other->wait().code, 0);
    one->signal(SIGINT);
    two->signal(SIGTERM);
    const finished first = one->wait();
    const finished second = two->wait();
    EXPECT_EQ(first.code, 0);
    EXPECT_EQ(second.code, 0);
    const auto requests = [](const finished& f) {
        std::size_t n = 0;
        for (std::size_t at = 0; (at = f.out.find("[#", at)) != std::string::npos; ++at) ++n;
        return n;
    };
    EXPECT_EQ(requests(first) + requests(second), 50U);
}

TEST_P(reply_command, survives_messages_that_want_no_reply) {
    const auto service = listening({"reply", "s", "x"});
    client nc = peer();
    nc.publish("s", "just so").value();
    EXPECT_EQ(answer(nc, "s", "a question"), "x");
    service->signal(SIGINT);
    const finished f = service->wait();
    EXPECT_EQ(f.code, 0);
    EXPECT_TRUE(contains(f.err, "no reply subject")) << f.err;
}

TEST_P(reply_command, sleeps_before_it_answers) {
    const auto service = listening({"reply", "s", "x", "--sleep", "20ms"});
    client nc = peer();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(answer(nc, "s", ""), "x");
}

TEST_P(reply_command, a_signal_ends_it_before_its_count_with_a_code) {
    const auto service = listening({"reply", "s", "x", "--count", "2", "--sleep", "1h"});
    client nc = peer();
    subscription inbox = subscribed(nc, "inbox");
    publish_options o;
    o.reply = "inbox";
    nc.publish("s", "", o).value();
    service->wait_for("[#1]"); // now it sleeps
    service->signal(SIGTERM);
    EXPECT_EQ(service->wait().code, 143);
    EXPECT_EQ(next(inbox).payload(), "x"); // answered all the same
}

TEST_P(reply_command, a_refused_answer_shows_in_the_exit_code) {
    start(
        "authorization { users = [ { user: svc, password: p, permissions: { publish: { deny: "
        "\"denied\" } } }, { user: u, password: p } ] }");
    const auto service = listening({"reply", "s", "x", "--user", "svc", "--password", "p"});
    EXPECT_EQ(cli({"pub", "s", "", "--reply", "denied", "--user", "u", "--password", "p"}).code, 0);
    service->wait_for("Permissions Violation");
    // Somebody else is still served.
    EXPECT_EQ(cli({"request", "s", "", "--user", "u", "--password", "p"}).code, 0);
    service->signal(SIGINT);
    EXPECT_EQ(service->wait().code, 1);
}

} // namespace
} // namespace nats::test
