// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: as the other commands, these judge what they can before they connect. There
// are no questions on the terminal: a value that is missing is an error, and what cannot be undone
// wants its --force on the command line.

#include <natsproto/subject.hpp>

#include "js.hpp"

#include <fmt/core.h>

#include <fstream>
#include <ios>

namespace nats::cli {

namespace {

js::context_options options_of_context(const global_options& g) {
    js::context_options o;
    o.api_prefix = g.js_api_prefix;
    o.domain = g.js_domain;
    o.timeout = g.timeout;
    return o;
}

/// No configuration is longer.
constexpr std::size_t longest_config = 1024 * 1024;

} // namespace

js::context context_of(const global_options& g) {
    return js::context::make(options_of_context(g)).value();
}

js_connection::js_connection(const global_options& g, lifetime l)
    : nc_(g, l), js_(jetstream::make(*nc_, options_of_context(g)).value()) {
    nc_.interrupt_when_refused();
}

void add_json(CLI::App& app, bool& target) {
    app.add_flag("-j,--json", target, "Print JSON, with the names that JetStream's API has");
}

CLI::Option* add_stream_name(CLI::App& app, std::string& target) {
    return app.add_option("stream", target, "The stream's name")->type_name("");
}

CLI::Option* add_consumer_name(CLI::App& app, std::string& target) {
    return app.add_option("consumer", target, "The consumer's name")->type_name("");
}

void add_force(CLI::App& app, bool& target) {
    app.add_flag("-f,--force", target, "Do it: nothing brings back what is lost then");
}

void require_force(bool given, std::string_view what) {
    if (!given) throw usage_error(fmt::format("{}: give --force to do it", what));
}

void accept_force(CLI::App& app) {
    app.add_flag_callback("-f,--force", [] {}, "Means nothing here: there are no questions");
}

void check_stream_name(std::string_view name) {
    js::check_name("stream", name).value();
}

void check_consumer_name(std::string_view name) {
    js::check_name("consumer", name).value();
}

void check_filter(std::string_view subject) {
    if (!is_subscribe_subject(subject))
        throw exception(error{errc::invalid_subject, '"' + std::string(subject) + '"'});
}

std::string read_config(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text(longest_config + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (!in.is_open() || in.bad() || text.empty())
        throw exception(error{errc::file_unreadable, file});
    if (text.size() > longest_config)
        throw exception(error{errc::invalid_argument, file + ": too long for a configuration"});
    return text;
}

} // namespace nats::cli
