// SPDX-License-Identifier: Apache-2.0
//
// natsproto serve: the embedded broker as a program, for tests and demos.
//
// Theory of operation: the broker serves in this thread. The line on stdout comes when it listens,
// so that a script may read it and go on; what it does meanwhile is one line on stderr, written
// anew each second on a terminal. Signals end it as they end nats-server.

#include <natsproto/blocking/os_files.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include "common.hpp"
#include "output.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

namespace nats::cli {

namespace {

struct serve_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 4222;
    std::string name = "natsproto";
    std::vector<std::string> users; ///< `name:password`
    std::string token;
    std::vector<std::string> nkeys;
    std::string tls_certificate; ///< names of files, here and below
    std::string tls_key;
    std::string tls_ca;
    bool tls_verify = false;
    bool tls_first = false;
    std::int64_t max_payload = broker_options().max_payload;
    duration lame_duck_grace = broker_options().lame_duck_grace;
    duration lame_duck_duration = broker_options().lame_duck_duration;
    std::optional<duration> stats;
    std::string ports_file;
};

// --- options

broker_user user_of(std::string_view text) {
    const std::size_t colon = text.find(':');
    // The text is not shown: it may be a password.
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
        throw usage_error("--user takes NAME:PASSWORD");
    broker_user u;
    u.name = text.substr(0, colon);
    u.password.assign(text.substr(colon + 1));
    return u;
}

secret content_of(const std::string& file) {
    constexpr std::size_t most = 1024 * 1024;
    blocking::os_files files;
    secret content;
    bool others_can_read = false;
    files.read(file, most, content, others_can_read).value();
    return content;
}

broker_tls tls_of(const serve_options& o) {
    if (o.tls_certificate.empty() || o.tls_key.empty())
        throw usage_error("TLS needs --tls-cert and --tls-key");
    if (o.tls_verify && o.tls_ca.empty()) throw usage_error("--tls-verify needs --tls-ca");
    broker_tls tls;
    if (o.tls_first) tls.how = broker_tls::mode::first;
    tls.certificate = content_of(o.tls_certificate).view();
    tls.key = content_of(o.tls_key);
    if (!o.tls_ca.empty()) tls.ca = content_of(o.tls_ca).view();
    tls.require_client_certificate = o.tls_verify;
    return tls;
}

broker_options broker_of(const serve_options& o) {
    broker_options b;
    b.server_name = o.name;
    for (const std::string& text : o.users) b.users.push_back(user_of(text));
    for (const std::string& key : o.nkeys) {
        broker_user u;
        u.nkey = key;
        b.users.push_back(std::move(u));
    }
    b.token.assign(o.token);
    const bool tls = !o.tls_certificate.empty() || !o.tls_key.empty() || !o.tls_ca.empty() ||
                     o.tls_verify || o.tls_first;
    if (tls) b.tls = tls_of(o);
    b.max_payload = o.max_payload;
    b.lame_duck_grace = o.lame_duck_grace;
    b.lame_duck_duration = o.lame_duck_duration;
    return b;
}

// --- the file that says where it listens

/// In the form of nats-server's `ports_file_dir`. It is there as a whole or not at all.
class ports_file {
public:
    ports_file(std::string name, std::string_view url) : name_(std::move(name)) {
        if (name_.empty()) return;
        const std::string part = name_ + ".part";
        std::FILE* const file = std::fopen(part.c_str(), "we");
        if (file == nullptr) fail();
        const std::string text = fmt::format("{{\"nats\": [\"{}\"]}}\n", url);
        const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
        if (std::fclose(file) != 0 || !written || std::rename(part.c_str(), name_.c_str()) != 0)
            fail();
    }
    ports_file(const ports_file&) = delete;
    ports_file& operator=(const ports_file&) = delete;
    ~ports_file() {
        if (!name_.empty()) (void)std::remove(name_.c_str());
    }

private:
    [[noreturn]] void fail() const {
        throw std::system_error(errno, std::system_category(), printable(name_));
    }
    std::string name_;
};

// --- statistics

std::string text_of_bytes(std::uint64_t n) {
    constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(n);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
    return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, units[unit]);
}

/// One line every so often: on a terminal always the same one, else only when it is wanted.
class statistics_line {
public:
    explicit statistics_line(const serve_options& o)
        : terminal_(::isatty(STDERR_FILENO) == 1),
          interval_(
              o.stats.value_or(terminal_ ? duration(std::chrono::seconds(1)) : duration::zero())),
          last_(clock::now()) {}
    statistics_line(const statistics_line&) = delete;
    statistics_line& operator=(const statistics_line&) = delete;
    ~statistics_line() {
        if (shown_ && terminal_) (void)std::fputc('\n', stderr);
    }

    /// Until the next line is due.
    [[nodiscard]] duration left(time_point now) const {
        if (interval_ == duration::zero()) return duration::max();
        return std::max(last_ + interval_ - now, duration::zero());
    }

    void show(const broker_statistics& s, time_point now) {
        const double seconds = std::chrono::duration<double>(now - last_).count();
        const auto rate = [seconds](std::uint64_t before, std::uint64_t after) {
            return static_cast<double>(after - before) / seconds;
        };
        const std::string line = fmt::format(
            "{} connections, {} subscriptions; in {} messages ({:.0f}/s, {}), out {} ({:.0f}/s, "
            "{}); slow {}, refused {}",
            s.connections, s.subscriptions, s.in_messages, rate(before_.in_messages, s.in_messages),
            text_of_bytes(s.in_bytes), s.out_messages, rate(before_.out_messages, s.out_messages),
            text_of_bytes(s.out_bytes), s.slow_consumers, s.refused_logins);
        // The last part clears the rest of the line.
        (void)std::fputs(terminal_ ? ("\r" + line + "\x1b[K").c_str() : (line + '\n').c_str(),
                         stderr);
        (void)std::fflush(stderr);
        shown_ = true;
        before_ = s;
        last_ = now;
    }

private:
    bool terminal_;
    duration interval_; ///< 0: none
    time_point last_;
    broker_statistics before_;
    bool shown_ = false;
};

// --- serving

int run(const serve_options& o) {
    tcp_broker_options where;
    where.host = o.host;
    where.port = o.port;
    const std::unique_ptr<tcp_broker> server = tcp_broker::listen(broker_of(o), where).value();
    const stop_signals signals(*server);
    const ports_file file(o.ports_file, server->url());
    print("listening on " + server->url() + '\n');
    statistics_line line(o);
    while (server->poll(line.left(clock::now())).value()) {
        const time_point now = clock::now();
        if (line.left(now) == duration::zero()) line.show(server->broker().stats(), now);
    }
    return exit_code::ok;
}

void add_tls(CLI::App& c, serve_options& o) {
    c.add_option("--tls-cert", o.tls_certificate, "File with the certificate and its chain, PEM")
        ->type_name("FILE");
    c.add_option("--tls-key", o.tls_key, "File with the key of the certificate, PEM")
        ->type_name("FILE");
    c.add_option("--tls-ca", o.tls_ca, "File with the authorities of client certificates, PEM")
        ->type_name("FILE");
    c.add_flag("--tls-verify", o.tls_verify, "Clients need a certificate");
    c.add_flag("--tls-first", o.tls_first, "The TLS handshake comes before INFO");
}

void add_login(CLI::App& c, serve_options& o) {
    c.add_option("--user", o.users, "Who may log in; may be repeated")
        ->type_name("NAME:PASSWORD")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    c.add_option("--nkey", o.nkeys, "The public key of who may log in; may be repeated")
        ->type_name("U...")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    c.add_option("--token", o.token, "A token to log in with")->type_name("SECRET");
}

} // namespace

command add_serve(CLI::App& app) {
    const auto o = std::make_shared<serve_options>();
    CLI::App* const c = app.add_subcommand("serve", "Be a server, for tests and demos");
    c->description(
        "Be a NATS server for tests and demos: no persistence, no cluster, no JetStream.\n"
        "Production is nats-server's.");
    c->add_option("--host", o->host, "The IP address to listen on")
        ->capture_default_str()
        ->type_name("ADDRESS");
    c->add_option("-p,--port", o->port, "The port; 0 takes a free one")
        ->capture_default_str()
        ->type_name("PORT");
    c->add_option("--name", o->name, "The server's name")->capture_default_str()->type_name("NAME");
    add_login(*c, *o);
    add_tls(*c, *o);
    c->add_option("--max-payload", o->max_payload, "Bytes that a message may have")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{64 * 1024 * 1024}))
        ->capture_default_str()
        ->type_name("N");
    add_duration(*c, "--lame-duck-grace", o->lame_duck_grace,
                 "After SIGUSR2: how long clients may take to leave; 10s unless told",
                 duration::zero());
    add_duration(*c, "--lame-duck-duration", o->lame_duck_duration,
                 "Over what time the others are closed then; 2m unless told", duration::zero());
    add_duration(*c, "--stats", o->stats,
                 "Print statistics to stderr so often; each second on a terminal");
    c->add_option("--ports-file", o->ports_file,
                  "Write where it listens to this file when it does, as nats-server does")
        ->type_name("FILE");
    c->footer(
        "stdout gets one line, \"listening on URL\", when it listens. SIGINT and SIGTERM end\n"
        "it, SIGUSR2 after its clients have left (lame duck mode).\n"
        "Exit codes: 0 it was ended; 1 it cannot listen there; 2 wrong usage.");
    return {c, [o](const global_options&) { return run(*o); }, false};
}

} // namespace nats::cli
