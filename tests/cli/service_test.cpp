// SPDX-License-Identifier: Apache-2.0
//
// natsproto service: a service of the tool, found and asked by the tool and by a client.

#include "cli/cli_fixture.hpp"

#include <csignal>
#include <string>

namespace nats::test {
namespace {

class service_command : public cli_test {
protected:
    std::unique_ptr<program> serving(arguments more) {
        arguments all{"service", "serve", "orders"};
        all.insert(all.end(), more.begin(), more.end());
        auto p = std::make_unique<program>(natsproto(std::move(all)), variables());
        p->wait_for("has the id ");
        return p;
    }
    static std::string id_of(const program& p) {
        const std::size_t at = p.err().find("has the id ") + 11;
        return p.err().substr(at, 22);
    }
};
NATSPROTO_ON_EVERY_SERVER(service_command);

TEST_P(service_command, is_found_and_described) {
    const auto service =
        serving({"--echo", "--version", "1.2.3", "--description", "takes orders", "--metadata",
                 "region=eu", "--endpoint", "create", "--endpoint", "any:v1.*"});
    const std::string id = id_of(*service);
    const finished ls = cli({"service", "ls"});
    EXPECT_EQ(ls.code, 0) << ls.err;
    EXPECT_TRUE(contains(ls.out, "orders  1.2.3    " + id)) << ls.out;
    EXPECT_TRUE(contains(ls.out, "takes orders")) << ls.out;
    const finished info = cli({"service", "info", "orders", id});
    EXPECT_TRUE(contains(info.out, "Service orders 1.2.3\n")) << info.out;
    EXPECT_TRUE(contains(info.out, "region=eu")) << info.out;
    EXPECT_TRUE(contains(info.out, "Endpoint any\n  Subject:              v1.*\n")) << info.out;
    EXPECT_TRUE(contains(info.out, "Queue group:          q\n")) << info.out;
    const finished json = cli({"service", "info", "orders", "--json"});
    EXPECT_TRUE(contains(json.out, "\"type\": \"io.nats.micro.v1.info_response\"")) << json.out;
    EXPECT_TRUE(contains(json.out, "\"region\": \"eu\"")) << json.out;
    const finished ping = cli({"service", "ping", "orders"});
    EXPECT_EQ(ping.code, 0) << ping.err;
    EXPECT_TRUE(contains(ping.out, id)) << ping.out;
}

TEST_P(service_command, answers_and_counts) {
    const auto service = serving({"--echo", "--endpoint", "create", "--endpoint", "any:v1.*"});
    const finished asked = cli({"service", "request", "orders", "create", "a coffee", "-H", "A:b"});
    EXPECT_EQ(asked.code, 0) << asked.err;
    EXPECT_TRUE(contains(asked.out, "A: b\n\na coffee\n")) << asked.out;
    EXPECT_EQ(cli({"service", "req", "orders", "create", "--raw"}, "of stdin").out, "of stdin\n");
    const finished which = cli({"service", "request", "orders", "any", "x"});
    EXPECT_EQ(which.code, 2);
    EXPECT_TRUE(contains(which.err, "--subject")) << which.err;
    EXPECT_EQ(cli({"service", "request", "orders", "any", "x", "-r", "--subject", "v1.a"}).out,
              "x\n");
    const finished stats = cli({"service", "stats", "orders"});
    EXPECT_TRUE(contains(stats.out, "create           2")) << stats.out;
    EXPECT_TRUE(contains(cli({"service", "stats", "orders", "-j"}).out, "\"num_requests\": 2"));
}

TEST_P(service_command, a_command_that_fails_is_an_error_response) {
    const auto service = serving({"--command", "test \"$NATS_REQUEST_BODY\" = good && printf yes"});
    EXPECT_EQ(cli({"service", "request", "orders", "orders", "good", "--raw"}).out, "yes\n");
    const finished bad = cli({"service", "request", "orders", "orders", "bad"});
    EXPECT_EQ(bad.code, 1);
    EXPECT_TRUE(contains(bad.out, "Nats-Service-Error-Code: 500\n")) << bad.out;
    EXPECT_TRUE(contains(bad.err, "the service reported an error (status 500): ")) << bad.err;
    const finished stats = cli({"service", "stats", "orders"});
    EXPECT_TRUE(contains(stats.out, "2       1")) << stats.out;
    EXPECT_TRUE(contains(stats.out, "500:")) << stats.out;
}

TEST_P(service_command, nobody_is_there) {
    const finished ls = cli({"service", "ls"});
    EXPECT_EQ(ls.code, 0);
    EXPECT_EQ(ls.err, "No services\n");
    EXPECT_EQ(cli({"service", "ls", "--json"}).out, "[]\n");
    for (const arguments& line :
         {arguments{"service", "info", "none"}, arguments{"service", "ping", "none"},
          arguments{"service", "request", "none", "e", "x"}}) {
        const finished f = cli(line);
        EXPECT_EQ(f.code, 4) << f.err;
        EXPECT_TRUE(contains(f.err, "none")) << f.err;
    }
    const auto service = serving({"fixed"});
    EXPECT_EQ(cli({"service", "request", "orders", "other", "x"}).code, 4);
    EXPECT_EQ(cli({"service", "request", "orders", "orders", "x", "-r"}).out, "fixed\n");
}

TEST_P(service_command, a_signal_ends_it) {
    const auto service = serving({"--echo"});
    service->signal(SIGTERM);
    const finished f = service->wait();
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(cli({"service", "ls"}).err, "No services\n");
}

TEST_P(service_command, it_stays_through_a_restart_of_the_server) {
    const auto service = serving({"--echo"});
    restart();
    service->wait_for("reconnected to");
    EXPECT_EQ(cli({"service", "request", "orders", "orders", "x", "-r"}).out, "x\n");
}

TEST_P(service_command, another_prefix) {
    const auto service = serving({"--echo", "--prefix", "my.srv"});
    EXPECT_EQ(cli({"service", "ls"}).err, "No services\n");
    EXPECT_TRUE(contains(cli({"service", "ls", "--prefix", "my.srv"}).out, "orders"));
}

TEST(service_usage, mistakes_are_told_before_connecting) {
    for (const arguments& line :
         {arguments{"service", "serve", "a b", "--echo"}, arguments{"service", "serve", "a"},
          arguments{"service", "serve", "a", "body", "--echo"},
          arguments{"service", "serve", "a", "body", "--version", "1"},
          arguments{"service", "serve", "a", "body", "--endpoint", "a.b"},
          arguments{"service", "serve", "a", "body", "--endpoint", "a:b..c"},
          arguments{"service", "serve", "a", "body", "--queue", "x", "--no-queue"},
          arguments{"service", "info", "*"}, arguments{"service", "info"},
          arguments{"service", "ping", "a", "*"}, arguments{"service"},
          arguments{"service", "request", "a", "b", "x", "--subject", "*"}}) {
        const finished f = run_cli(line, "", {"NATS_URL=nats://127.0.0.1:1"});
        EXPECT_EQ(f.code, 2) << line.back() << ": " << f.err;
    }
}

} // namespace
} // namespace nats::test
