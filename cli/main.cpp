// SPDX-License-Identifier: Apache-2.0
//
// The command line tool `natsproto`.
//
// Theory of operation: each command registers its options and gives back a function to run; main
// parses, runs the one that was chosen, and turns every way to end into an exit code. Errors go to
// stderr as one line.

#include <natsproto/version.hpp>

#include "common.hpp"
#include "output.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>

namespace nats::cli {

namespace {

/// What is missing of stdin, stdout and stderr becomes /dev/null. Otherwise a socket would get the
/// free number, and what we print would go to the server.
void fill_standard_descriptors() {
    for (const int fd : {0, 1, 2}) {
        if (::fcntl(fd, F_GETFD) == -1) (void)::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
    }
}

/// An argument without the value that may be behind it.
std::string name_of(const std::string& argument) {
    return printable(argument.substr(0, argument.find('=')));
}

/// Whether what was chosen is only a group of commands.
bool is_command_missing(const CLI::App& app) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    if (!chosen.empty()) return is_command_missing(*chosen.front());
    return !app.get_subcommands([](const CLI::App*) { return true; }).empty();
}

/// For what cannot be parsed. Values are not shown: one of them may be a password in the wrong
/// place.
std::string text_of(const CLI::ParseError& e, const CLI::App& app) {
    const std::vector<std::string> extra = app.remaining(true);
    if (dynamic_cast<const CLI::RequiredError*>(&e) != nullptr && is_command_missing(app))
        return extra.empty() ? "a command is missing"
                             : "unknown command or option " + name_of(extra.front());
    if (dynamic_cast<const CLI::ExtrasError*>(&e) == nullptr) return printable(e.what());
    if (extra.empty() || !extra.front().starts_with('-')) return "too many arguments";
    return "unknown option " + name_of(extra.front());
}

int report(const CLI::App& app, const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e); // --help, --version
    tell_error(text_of(e, app));
    tell("Run with --help for more information.");
    return exit_code::usage;
}

/// Runs a command; every way to fail becomes a line on stderr and an exit code.
int run(const CLI::App& app, const command& c, global_options& g) {
    try {
        if (c.connects) settle(app, g);
        return c.run(g);
    } catch (const output_closed&) {
        return exit_code::ok;
    } catch (const refused&) { // told already
        return exit_code::failed;
    } catch (const usage_error& e) {
        tell_error(e.what());
        return exit_code::usage;
    } catch (const exception& e) {
        tell_error(e.what());
        return exit_code_for(e.why());
    }
}

std::vector<command> add_commands(CLI::App& app) {
    std::vector<command> all{add_pub(app), add_sub(app), add_request(app), add_reply(app),
                             add_rtt(app)};
    for (std::vector<command>& group :
         std::array{add_stream(app), add_consumer(app), add_kv(app), add_object(app)})
        std::move(group.begin(), group.end(), std::back_inserter(all));
    for (command& c : add_service(app)) all.push_back(std::move(c));
    all.push_back(add_serve(app));
    return all;
}

int run(int argc, const char* const* argv) {
    CLI::App app("A command line client for NATS", "natsproto");
    app.footer(exit_codes);
    app.set_version_flag("--version", "natsproto " + std::string(version));
    app.require_subcommand(1);
    app.fallthrough();
    global_options g;
    add_global_options(app, g);
    const std::vector<command> commands = add_commands(app);
    for (const command& c : commands) {
        if (c.connects)
            c.app->footer("Options of the connection: natsproto --help\n" +
                          std::string(exit_codes));
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return report(app, e);
    }
    const auto chosen = std::find_if(commands.begin(), commands.end(),
                                     [](const command& c) { return c.app->parsed(); });
    return run(app, *chosen, g);
}

} // namespace

} // namespace nats::cli

int main(int argc, char** argv) {
    nats::cli::fill_standard_descriptors();
    // A reader that goes away is told by write(2).
    (void)std::signal(SIGPIPE, SIG_IGN);
    try {
        return nats::cli::run(argc, argv);
    } catch (const std::exception& e) {
        nats::cli::tell_error(e.what());
        return nats::cli::exit_code::failed;
    }
}
