// SPDX-License-Identifier: Apache-2.0
//
// The global options: where the servers are, how to log in, TLS.
//
// Theory of operation: they are registered once at the top; the commands let what they do not know
// fall through to there, so they may stand on either side of the command's name. Their names, and
// those of the variables that they are read from, are natscli's. One way to log in is used: if the
// command line names one, variables for another one do not count.

#include <natsproto/options.hpp>

#include "common.hpp"
#include "js.hpp"

#include <CLI/Option.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::cli {

namespace {

void add_login(CLI::App& app, global_options& g) {
    app.add_option("--user", g.user, "User name; without a password, a token")
        ->envname("NATS_USER")
        ->type_name("NAME");
    app.add_option("--password", g.password, "Password; better given by the environment")
        ->envname("NATS_PASSWORD")
        ->type_name("SECRET");
    app.add_option("--token", g.token, "Token; better given by the environment")
        ->envname("NATS_TOKEN")
        ->type_name("SECRET");
    app.add_option("--creds", g.creds, "File with the credentials of a user: a JWT and its seed")
        ->envname("NATS_CREDS")
        ->type_name("FILE");
    app.add_option("--nkey", g.nkey, "File with the seed of a user's NKEY")
        ->envname("NATS_NKEY")
        ->type_name("FILE");
}

void add_tls(CLI::App& app, global_options& g) {
    app.add_option("--tlscert", g.tlscert, "File with our certificate and its chain, PEM")
        ->envname("NATS_CERT")
        ->type_name("FILE");
    app.add_option("--tlskey", g.tlskey, "File with the key of our certificate, PEM")
        ->envname("NATS_KEY")
        ->type_name("FILE");
    app.add_option("--tlsca", g.tlsca,
                   "File with the authorities to trust instead of the system's, PEM")
        ->envname("NATS_CA")
        ->type_name("FILE");
    app.add_flag("--tlsfirst", g.tlsfirst, "Do the TLS handshake before the server says anything");
}

/// A way to log in: its flags, and what they set.
struct login {
    std::vector<const char*> flags;
    std::vector<std::string*> values;

    [[nodiscard]] bool is_given() const {
        return std::any_of(values.begin(), values.end(),
                           [](const std::string* v) { return !v->empty(); });
    }
};

std::array<login, 4> logins_of(global_options& g) {
    return {login{{"--user", "--password"}, {&g.user, &g.password}}, login{{"--token"}, {&g.token}},
            login{{"--creds"}, {&g.creds}}, login{{"--nkey"}, {&g.nkey}}};
}

/// Whether the command line itself has it.
bool is_typed(const CLI::App& app, const login& l) {
    const std::vector<CLI::Option*>& typed = app.parse_order();
    return std::any_of(typed.begin(), typed.end(), [&l](const CLI::Option* o) {
        return std::any_of(l.flags.begin(), l.flags.end(),
                           [o](const char* flag) { return o->check_name(flag); });
    });
}

void choose_login(const CLI::App& app, global_options& g) {
    const std::array<login, 4> all = logins_of(g);
    const auto typed = [&app](const login& l) { return is_typed(app, l); };
    if (std::any_of(all.begin(), all.end(), typed)) {
        for (const login& l : all) {
            if (typed(l)) continue;
            for (std::string* const v : l.values) v->clear();
        }
    }
    std::string given;
    int count = 0;
    for (const login& l : all) {
        if (!l.is_given()) continue;
        given += (count++ == 0 ? "" : ", ") + std::string(l.flags.front());
    }
    if (count > 1)
        throw usage_error("give one way to log in, by flags or by variables, not several: " +
                          given);
    if (g.user.empty() && !g.password.empty()) throw usage_error("--password needs --user");
    // As natscli does it.
    if (!g.user.empty() && app.get_option("--password")->count() == 0)
        g.token = std::exchange(g.user, {});
}

/// A secret in the place of the file's name would be shown, as the name of a missing file.
void check_names(const global_options& g) {
    constexpr std::size_t seed_size = 58;
    const auto capital = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'); };
    if (g.nkey.size() == seed_size && g.nkey.front() == 'S' &&
        std::all_of(g.nkey.begin(), g.nkey.end(), capital))
        throw usage_error("--nkey takes the name of a file with the seed, not the seed");
    if (g.creds.find("-----BEGIN") != std::string::npos)
        throw usage_error("--creds takes the name of a file, not its content");
}

} // namespace

void add_global_options(CLI::App& app, global_options& g) {
    app.add_option("-s,--server", g.server, "URLs of servers, comma separated")
        ->envname("NATS_URL")
        ->capture_default_str()
        ->type_name("URL");
    add_login(app, g);
    add_tls(app, g);
    add_duration(app, "--timeout", g.timeout,
                 "How long to wait for a server, and for what it answers; 5s unless told")
        ->envname("NATS_TIMEOUT");
    app.add_option("--connection-name", g.name, "What the server's monitoring calls us")
        ->type_name("NAME");
    app.add_option("--inbox-prefix", g.inbox_prefix, "The start of reply subjects")
        ->capture_default_str()
        ->type_name("SUBJECT");
    app.add_option("--js-api-prefix", g.js_api_prefix,
                   "Where JetStream's API is, if not at $JS.API")
        ->type_name("SUBJECT");
    app.add_option("--js-domain", g.js_domain, "The JetStream domain to speak to")
        ->type_name("NAME");
    app.add_flag("--trace", g.trace, "Show what goes over the wire on stderr, without secrets");
}

options options_of(const global_options& g) {
    options o;
    o.servers = g.server;
    o.user = g.user;
    o.password = g.password;
    o.token = g.token;
    o.credentials_file = g.creds;
    o.nkey_seed_file = g.nkey;
    o.tls.certificate_file = g.tlscert;
    o.tls.key_file = g.tlskey;
    o.tls.ca_file = g.tlsca;
    o.tls.first = g.tlsfirst;
    // Who names a certificate does not want to find out that there was no TLS.
    o.tls.required = g.tlsfirst || !g.tlscert.empty() || !g.tlsca.empty();
    o.name = g.name;
    o.inbox_prefix = g.inbox_prefix;
    o.connect_timeout = g.timeout;
    return o;
}

void settle(const CLI::App& app, global_options& g) {
    choose_login(app, g);
    check_names(g);
    if (g.tlscert.empty() != g.tlskey.empty())
        throw usage_error("--tlscert and --tlskey need each other");
    check(options_of(g)).value();
    (void)context_of(g);
}

} // namespace nats::cli
