// SPDX-License-Identifier: Apache-2.0
//
// natsproto serve as a program: what a script sees of it, and what its options do. What it answers
// to clients is the business of the broker's own tests.

#include <natsproto/auth/nkey.hpp>
#include <natsproto/blocking/os_random.hpp>
#include <natsproto/openssl/provider.hpp>

#include "cli/cli_fixture.hpp"
#include "support/certificates.hpp"
#include "support/operator_mode.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace nats::test {
namespace {

/// The tool as a server on a free port.
class serve : public program {
public:
    explicit serve(arguments more = {}) : program(natsproto(with_port(std::move(more)))) {
        constexpr std::string_view said = "listening on ";
        wait_for("\n");
        EXPECT_EQ(out().substr(0, said.size()), said);
        url_ = out().substr(said.size(), out().find('\n') - said.size());
    }
    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    [[nodiscard]] result<client> connect(options o = {}) const {
        o.servers = url_;
        o.reconnect = false;
        return client::connect(o);
    }
    /// Ends it as a user does.
    finished end(int signal_number = SIGINT) {
        signal(signal_number);
        return wait();
    }

private:
    static arguments with_port(arguments more) {
        const arguments first{"serve", "--port", "0"};
        more.insert(more.begin(), first.begin(), first.end());
        return more;
    }
    std::string url_;
};

TEST(serve, says_where_it_listens_and_ends_in_order) {
    for (const int number : {SIGINT, SIGTERM}) {
        serve server;
        EXPECT_EQ(server.url().substr(0, 17), "nats://127.0.0.1:");
        client nc = server.connect().value();
        subscription sub = subscribed(nc, "greet");
        const arguments variables{"NATS_URL=" + server.url()};
        EXPECT_EQ(run_cli({"pub", "greet", "hello"}, "", variables).code, 0);
        EXPECT_EQ(next(sub).payload(), "hello");
        const finished f = server.end(number);
        EXPECT_EQ(f.code, 0) << number;
        EXPECT_EQ(f.out, "listening on " + server.url() + '\n');
        EXPECT_EQ(f.err, "") << "no terminal, no statistics";
        EXPECT_EQ(sub.next(patience).error(), errc::eof);
    }
}

TEST(serve, a_client_in_the_environment_is_no_business_of_it) {
    program p(natsproto({"serve", "--port", "0"}), {"NATS_TOKEN=t", "NATS_CREDS=/missing"});
    p.wait_for("listening on ");
    p.signal(SIGTERM);
    EXPECT_EQ(p.wait().code, 0);
}

TEST(serve, the_ports_file_is_there_when_it_listens) {
    const temporary_directory files;
    const std::string name = files.file("old.ports", "of a program before it");
    serve server({"--ports-file", name});
    std::ifstream in(name);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_EQ(text, "{\"nats\": [\"" + server.url() + "\"]}\n");
    EXPECT_EQ(server.end().code, 0);
    EXPECT_FALSE(std::filesystem::exists(name));
    EXPECT_FALSE(std::filesystem::exists(name + ".part"));

    program nowhere(natsproto({"serve", "--port", "0", "--ports-file", "/missing/ports"}));
    const finished f = nowhere.wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.out, "");
    EXPECT_TRUE(contains(f.err, "/missing/ports")) << f.err;
}

TEST(serve, a_port_that_is_taken_is_an_error) {
    const serve server;
    const std::string port = server.url().substr(server.url().rfind(':') + 1);
    const finished f = run_cli({"serve", "--port", port});
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.out, "");
    EXPECT_TRUE(contains(f.err, "cannot listen on 127.0.0.1:" + port)) << f.err;
}

TEST(serve, logins) {
    blocking::os_random random;
    const openssl::provider crypto;
    const nkey_pair key = nkey_pair::create(nkey_kind::user, random);
    const secret seed = key.seed();
    const std::string nkey = encode_nkey(key.public_key(crypto).value());
    const struct {
        arguments flags;
        bool open, user, other, token, nkey; ///< who may log in
    } rows[] = {
        {{}, true, true, true, true, false}, // who has no NKEYs sends nothing to sign
        {{"--user", "joe:a:b"}, false, true, false, false, false},
        {{"--user", "joe:a:b", "--user", "ann:c"}, false, true, true, false, false},
        {{"--token", "t"}, false, false, false, true, false},
        {{"--nkey", nkey, "--user", "joe:a:b"}, false, true, false, false, true},
    };
    for (const auto& row : rows) {
        const serve server(row.flags);
        const std::string what = row.flags.empty() ? "none" : row.flags.front();
        EXPECT_EQ(server.connect().has_value(), row.open) << what;
        EXPECT_EQ(server.connect({.user = "joe", .password = "a:b"}).has_value(), row.user) << what;
        EXPECT_EQ(server.connect({.user = "ann", .password = "c"}).has_value(), row.other) << what;
        EXPECT_EQ(server.connect({.token = "t"}).has_value(), row.token) << what;
        EXPECT_EQ(server.connect({.nkey_seed = seed.view()}).has_value(), row.nkey) << what;
    }
}

TEST(serve, tls) {
    const certificate_authority ca;
    const temporary_directory files;
    const identity own = ca.issue({.ips = {"127.0.0.1"}});
    const identity me = ca.client("me");
    const arguments tls{"--tls-cert", files.file("server.pem", own.certificate), "--tls-key",
                        files.file("server.key", own.key)};
    const arguments first = {"--tls-first"};
    const arguments verify = {"--tls-verify", "--tls-ca", files.file("ca.pem", ca.root())};
    for (const arguments& more : {arguments{}, first, verify}) {
        arguments flags = tls;
        flags.insert(flags.end(), more.begin(), more.end());
        const serve server(flags);
        EXPECT_EQ(server.url().substr(0, 6), "tls://");
        options o;
        o.tls.ca = ca.root();
        o.tls.first = more == first;
        EXPECT_EQ(server.connect(o).has_value(), more != verify);
        o.tls.certificate = me.certificate;
        o.tls.key = me.key;
        client nc = server.connect(o).value();
        EXPECT_TRUE(nc.secure());
        EXPECT_TRUE(nc.flush(patience));
    }
}

TEST(serve, what_info_says) {
    const serve server({"--name", "mine", "--max-payload", "100"});
    client nc = server.connect().value();
    EXPECT_EQ(nc.info().server_name, "mine");
    EXPECT_EQ(nc.info().max_payload, 100);
    EXPECT_EQ(nc.publish("a", std::string(101, 'x')).error(), errc::payload_too_large);
}

TEST(serve, sigusr2_is_lame_duck_mode) {
    serve server({"--lame-duck-grace", "1h"});
    bool told = false;
    blocking_options b;
    b.on_event = [](void* seen, const event& e) {
        if (std::holds_alternative<ev::lame_duck>(e)) *static_cast<bool*>(seen) = true;
    };
    b.on_event_context = &told;
    options o;
    const std::string url = server.url();
    o.servers = url;
    client nc = client::connect(o, b).value();
    server.signal(SIGUSR2);
    while (!told) (void)nc.poll(patience).value();
    nc.close();
    EXPECT_EQ(server.wait().code, 0) << "it ends when all have left";

    serve quick({"--lame-duck-grace", "0", "--lame-duck-duration", "0"});
    client stays = quick.connect().value();
    (void)stays.flush(patience);
    EXPECT_EQ(quick.end(SIGUSR2).code, 0) << "it does not wait for ever";
}

TEST(serve, statistics_when_they_are_wanted) {
    serve server({"--stats", "10ms"});
    client nc = server.connect().value();
    const subscription sub = subscribed(nc, "a");
    for (int i = 0; i < 3; ++i) nc.publish("a", "12345").value();
    server.wait_for("1 connections, 1 subscriptions; in 3 messages (");
    server.wait_for(", 15 B), out 3 (");
    const finished f = server.end();
    EXPECT_TRUE(f.err.ends_with('\n'));
    EXPECT_FALSE(contains(f.err, "\r")) << "no terminal";
}

TEST(serve, statistics_on_a_terminal_are_one_line) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(terminal, 0);
    ASSERT_EQ(::grantpt(terminal), 0);
    ASSERT_EQ(::unlockpt(terminal), 0);
    std::string name(100, '\0');
    ASSERT_EQ(::ptsname_r(terminal, name.data(), name.size()), 0);
    name.resize(name.find('\0'));
    program p(
        {"/bin/sh", "-c", "exec " NATSPROTO_CLI_PATH " serve --port 0 --stats 10ms 2>" + name});
    p.wait_for("listening on ");
    std::string seen;
    const std::string two = "\x1b[K\r0 connections";
    while (!contains(seen, two)) {
        pollfd ready{terminal, POLLIN, 0};
        ASSERT_EQ(::poll(&ready, 1, 20'000), 1) << seen;
        std::array<char, 4096> part{};
        const ssize_t n = ::read(terminal, part.data(), part.size());
        ASSERT_GT(n, 0) << seen;
        seen.append(part.data(), static_cast<std::size_t>(n));
    }
    EXPECT_FALSE(contains(seen, "\n"));
    p.signal(SIGINT);
    EXPECT_EQ(p.wait().code, 0);
    ::close(terminal);
}

} // namespace
} // namespace nats::test
