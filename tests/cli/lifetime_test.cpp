// SPDX-License-Identifier: Apache-2.0
//
// Services (sub, reply) stay while servers come and go, and end without losing what they got; tasks
// (pub, request) end with their connection.

#include "cli/cli_fixture.hpp"

#include <chrono>
#include <string>
#include <thread>

namespace nats::test {
namespace {

class lifetime : public cli_test {};
NATSPROTO_ON_EVERY_SERVER(lifetime);

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++n;
    return n;
}

TEST_P(lifetime, a_subscriber_comes_back_after_a_restart) {
    const auto sub = listening({"sub", "s", "--raw", "--count", "3"});
    EXPECT_EQ(cli({"pub", "s", "before"}).code, 0);
    sub->wait_for("before\n");
    restart();
    sub->wait_for("natsproto: reconnected to " + server().address() + '\n');
    EXPECT_EQ(cli({"pub", "s", "after", "--count", "5"}).code, 0);
    const finished f = sub->wait(); // counted over both connections
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.out, "before\nafter\nafter\n");
    EXPECT_EQ(count(f.err, "natsproto: disconnected from " + server().address() + ": "), 1U)
        << f.err;
}

TEST_P(lifetime, failed_attempts_are_told_but_not_each) {
    const std::string url = server().url();
    const std::string address = server().address();
    const auto sub = listening({"sub", "s"});
    server().stop();
    sub->wait_for("attempt 1 to reconnect: cannot connect: " + address);
    sub->wait_for("attempt 4 to reconnect: ");
    sub->signal(SIGINT);
    const finished f = sub->wait(); // nothing can be on its way
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(count(f.err, "to reconnect: "), 3U) << f.err; // 1, 2, 4
}

TEST_P(lifetime, a_replier_comes_back_after_a_restart) {
    const auto service = listening({"reply", "s", "x"});
    restart();
    service->wait_for("reconnected to ");
    EXPECT_EQ(cli({"request", "s", "", "--raw"}).out, "x\n");
    service->signal(SIGTERM);
    EXPECT_EQ(service->wait().code, 0);
}

TEST_P(lifetime, a_lame_duck_is_told) {
    const auto sub = listening({"sub", "s"});
    server().signal(SIGUSR2);
    sub->wait_for("natsproto: " + server().address() + " is about to shut down\n");
}

TEST_P(lifetime, a_service_whose_login_is_refused_again_ends) {
    start("authorization { token: good }");
    const auto sub = listening({"sub", "s", "--token", "good"});
    restart("authorization { token: better }");
    const finished f = sub->wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "Authorization Violation")) << f.err;
}

TEST_P(lifetime, a_subscriber_loses_nothing_at_a_signal) {
    const auto sub = listening({"sub", "s", "--subjects-only"});
    EXPECT_EQ(cli({"pub", "s", std::string(100, 'x'), "--count", "50000"}).code, 0);
    sub->signal(SIGINT); // far from all of that was printed
    const finished f = sub->wait();
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(lines_of(f.out), 50'000);
}

TEST_P(lifetime, a_replier_answers_what_it_got_before_a_signal) {
    const auto service = listening({"reply", "s", "x", "--sleep", "10ms"});
    client nc = peer();
    subscription inbox = subscribed(nc, "inbox");
    publish_options o;
    o.reply = "inbox";
    for (int i = 0; i < 50; ++i) nc.publish("s", "", o).value();
    nc.flush().value();
    service->signal(SIGINT);
    EXPECT_EQ(service->wait().code, 0);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(next(inbox).payload(), "x");
}

TEST_P(lifetime, a_second_signal_ends_at_once) {
    const auto sub = listening({"sub", "s"});
    server().signal(SIGSTOP);                  // the drain waits for it
    sub->pump(std::chrono::milliseconds(300)); // until it has stopped
    sub->signal(SIGINT);
    sub->pump(std::chrono::milliseconds(300));
    const auto before = std::chrono::steady_clock::now();
    sub->signal(SIGTERM);
    EXPECT_EQ(sub->wait().code, -SIGTERM);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(4));
    server().signal(SIGCONT);
}

TEST_P(lifetime, a_publisher_ends_with_its_connection) {
    program p(natsproto({"pub", "s", "--send-on", "newline"}), variables());
    client nc = peer();
    subscription sub = subscribed(nc, "s");
    p.write("one\n");
    p.write_out();
    EXPECT_EQ(next(sub).payload(), "one");
    server().stop();
    const finished f = p.wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(lines_of(f.err), 1) << f.err;
}

TEST_P(lifetime, a_request_ends_with_its_connection) {
    client nc = peer();
    subscription never_answers = subscribed(nc, "s");
    program p(natsproto({"request", "s", "", "--timeout", "25s"}), variables());
    (void)next(never_answers);
    server().stop();
    const finished f = p.wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "natsproto: the peer closed the connection")) << f.err;
}

} // namespace
} // namespace nats::test
