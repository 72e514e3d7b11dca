// SPDX-License-Identifier: Apache-2.0
//
// What natsproto says to command lines that are wrong, and to servers that are not there.

#include "cli/cli_fixture.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::test {
namespace {

/// Takes connections and never says anything.
class silent_listener {
public:
    silent_listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(fd_, any, size) != 0 || ::listen(fd_, 8) != 0 ||
            ::getsockname(fd_, any, &size) != 0)
            throw std::runtime_error("no port");
        port_ = ntohs(address.sin_port);
    }
    silent_listener(const silent_listener&) = delete;
    silent_listener& operator=(const silent_listener&) = delete;
    ~silent_listener() { ::close(fd_); }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    int fd_;
    std::uint16_t port_ = 0;
};

TEST(usage, help_and_version) {
    const finished version = run_cli({"--version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_EQ(version.out.substr(0, 10), "natsproto ");
    for (const char* command : {"pub", "sub", "request", "req", "reply", "rtt", "serve"}) {
        const finished f = run_cli({command, "--help"});
        EXPECT_EQ(f.code, 0) << command;
        EXPECT_TRUE(contains(f.out, "Exit codes:")) << command;
        EXPECT_EQ(f.err, "");
    }
}

/// A command line, and what has to stand in the message.
struct mistake {
    arguments line;
    std::string said;
};

void expect_usage_errors(const std::vector<mistake>& mistakes) {
    for (const mistake& m : mistakes) {
        // The address is in use by nobody: to connect would be exit code 1.
        const finished f = run_cli(m.line, "", {"NATS_URL=nats://127.0.0.1:1"});
        std::string line;
        for (const std::string& word : m.line) line += ' ' + word;
        EXPECT_EQ(f.code, 2) << line << '\n' << f.err;
        EXPECT_EQ(f.err.substr(0, 11), "natsproto: ") << line;
        EXPECT_TRUE(contains(f.err, m.said)) << line << '\n' << f.err;
        EXPECT_EQ(f.out, "") << line;
    }
}

TEST(usage, bad_command_lines) {
    expect_usage_errors({
        {{}, "a command is missing"},
        {{"publish"}, "unknown command or option publish"},
        {{"--passwort=hush", "pub", "a", "b"}, "unknown option --passwort\n"},
        {{"pub"}, "subject is required"},
        {{"pub", "a", "b", "hush"}, "too many arguments\n"},
        {{"pub", "a", "b", "--password"}, "--password"},
        {{"pub", "a", "b", "--timeout", "5"}, "\"5\" is not a duration"},
        {{"pub", "a", "b", "--timeout", "-5s"}, "--timeout"},
        {{"pub", "a", "b", "--timeout", "0"}, "longer than 0"},
        {{"pub", "a", "b", "--timeout", "9999999999999h"}, "is not a duration"},
        {{"pub", "a", "b", "--count", "0"}, "--count"},
        {{"pub", "a", "b", "--count", "many"}, "--count"},
        {{"pub", "a", "b", "--count", "99999999999999999999"}, "--count"},
        {{"pub", "a", "--send-on", "tab"}, "--send-on"},
        {{"pub", "a", "b", "--send-on", "newline"}, "--send-on newline"},
        {{"pub", "a", "--send-on", "newline", "--count", "2"}, "--count"},
        {{"sub"}, "subject is required"},
        {{"request", "a", "b", "--replies", "-1"}, "--replies"},
        {{"reply", "a"}, "a body, --echo, --command"},
        {{"reply", "a", "b", "--echo"}, "a body, --echo, --command"},
        {{"rtt", "0"}, "iterations"},
    });
}

TEST(usage, bad_command_lines_of_serve) {
    expect_usage_errors({
        {{"serve", "--port", "65536"}, "--port"},
        {{"serve", "--port", "-1"}, "--port"},
        {{"serve", "--host", "localhost"}, "\"localhost\" is no IP address"},
        {{"serve", "--user", "hush"}, "--user takes NAME:PASSWORD\n"},
        {{"serve", "--user", ":hush"}, "--user takes NAME:PASSWORD\n"},
        {{"serve", "--nkey", "SUAB" + std::string(54, 'A')}, "invalid NKEY"},
        {{"serve", "--max-payload", "0"}, "--max-payload"},
        {{"serve", "--max-payload", "67108865"}, "--max-payload"},
        {{"serve", "--stats", "often"}, "\"often\" is not a duration"},
        {{"serve", "--tls-first"}, "TLS needs --tls-cert and --tls-key\n"},
        {{"serve", "--tls-cert", "/missing"}, "TLS needs --tls-cert and --tls-key\n"},
        {{"serve", "--tls-cert", "/a", "--tls-key", "/b", "--tls-verify"}, "needs --tls-ca\n"},
        {{"serve", "--tls-cert", "/missing", "--tls-key", "/missing"}, "/missing: "},
    });
}

TEST(usage, bad_combinations_of_logins_and_files) {
    expect_usage_errors({
        {{"rtt", "--password", "hush"}, "--password needs --user\n"},
        {{"rtt", "--user", "hush", "--token", "hush"}, "one way to log in"},
        {{"rtt", "--user", "u", "--password", "p", "--creds", "f"}, "--user, --creds\n"},
        {{"rtt", "--creds", "f", "--nkey", "g"}, "--creds, --nkey\n"},
        {{"rtt", "--token", "t", "--nkey", "g"}, "--token, --nkey\n"},
        {{"rtt", "--tlscert", "f"}, "--tlscert and --tlskey need each other\n"},
        {{"rtt", "--tlskey", "f"}, "--tlscert and --tlskey need each other\n"},
        {{"rtt", "--nkey", "SUAB" + std::string(54, 'A')}, "the name of a file"},
        {{"rtt", "--creds", "-----BEGIN NATS USER JWT-----"}, "the name of a file"},
        {{"rtt", "--tls-insecure"}, "unknown option --tls-insecure\n"}, // there is none on purpose
    });
}

TEST(usage, what_the_protocol_cannot_carry_is_refused_before_connecting) {
    expect_usage_errors({
        {{"pub", "two words", "b"}, "\"two words\""},
        {{"pub", "", "b"}, "invalid subject"},
        {{"pub", "a..b", "b"}, "\"a..b\""},
        {{"pub", "a.*", "b"}, "\"a.*\""},
        {{"pub", "a\r\nb", "b"}, "\"a\\x0d\\x0ab\""},
        {{"pub", "a", "b", "--reply", "x y"}, "\"x y\""},
        {{"pub", "a", "b", "-H", "no colon"}, "NAME:VALUE"},
        {{"pub", "a", "b", "-H", "a b:c"}, "invalid header"},
        {{"pub", "a", "b", "-H", ":c"}, "invalid header"},
        {{"pub", "a", "b", "-H", "a:b\nc"}, "invalid header"},
        {{"pub", "a", "b", "--inbox-prefix", "a b"}, "invalid inbox prefix"},
        {{"request", "a b", "c"}, "\"a b\""},
        {{"sub", "a.>.b"}, "\"a.>.b\""},
        {{"sub", "a", "--queue", "b c"}, "\"b c\""},
        {{"sub", "a", "--queue", ""}, "invalid queue group"},
        {{"reply", "a b", "c"}, "\"a b\""},
        {{"reply", "a", "c", "--queue", " "}, "invalid queue group"},
        {{"rtt", "-s", "http://host"}, "http"},
        {{"rtt", "-s", "nats://u:hush@host:99999"}, "host:99999"},
        {{"rtt", "-s", ""}, "invalid server URL"},
    });
}

TEST(usage, mistakes_never_show_secrets) {
    for (const arguments& line : std::vector<arguments>{
             {"rtt", "-s", "nats://u:hush@host:99999"},
             {"rtt", "-s", "nats://u:hush@127.0.0.1:1"},
             {"rtt", "-s", "nats://hush@nohost.invalid"},
             {"--passwd", "hush", "rtt"},
             {"--passwd=hush", "rtt"},
             {"rtt", "--token", "hush", "--bogus"},
             {"rtt", "--user", "hush", "--token", "hush"},
             {"rtt", "--password", "hush"},
             {"rtt", "--user", "hush", "--tlscert", "f"},
         }) {
        const finished f = run_cli(line);
        EXPECT_NE(f.code, 0);
        EXPECT_FALSE(contains(f.err + f.out, "hush")) << f.err;
    }
}

TEST(no_server, a_closed_port_is_named) {
    const finished f = run_cli({"pub", "a", "b", "-s", "127.0.0.1:1"});
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.err, "natsproto: cannot connect: 127.0.0.1:1: Connection refused\n");
}

TEST(no_server, an_unknown_host_is_named) {
    const finished f = run_cli({"pub", "a", "b", "-s", "nohost.invalid"});
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "nohost.invalid:4222")) << f.err;
}

TEST(no_server, a_silent_server_is_a_timeout) {
    const silent_listener silent;
    const finished f = run_cli({"pub", "a", "b", "-s", silent.address(), "--timeout", "200ms"});
    EXPECT_EQ(f.code, 3);
    EXPECT_TRUE(contains(f.err, silent.address())) << f.err;
}

TEST(no_server, a_signal_while_connecting_has_its_usual_effect) {
    const silent_listener silent;
    program p(natsproto({"sub", "a", "-s", silent.address(), "--timeout", "1h"}));
    p.signal(SIGINT);
    EXPECT_EQ(p.wait().code, -SIGINT);
}

} // namespace
} // namespace nats::test
