// SPDX-License-Identifier: Apache-2.0
//
// natsproto service serve: a service whose endpoints answer with a fixed body, an echo, or what a
// command says.
//
// Theory of operation: as reply.cpp, on the library's services: it connects again, for ever, and at
// a signal it stops, which answers what the server has sent by then.

#include <natsproto/blocking/service.hpp>

#include "common.hpp"
#include "outgoing.hpp"
#include "output.hpp"
#include "service.hpp"
#include "shell_command.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::cli {

namespace {

struct service_serve_options {
    std::string name;
    std::string body;
    CLI::Option* body_option = nullptr;
    std::string version = "0.0.1";
    std::string description;
    std::vector<std::string> metadata;
    std::vector<std::string> endpoints;
    std::string queue;
    std::string command;
    CLI::Option* command_option = nullptr;
    std::string prefix{services::default_prefix};
    bool no_queue = false;
    bool echo = false;
};

/// `left SEPARATOR right`; without a separator all is on the left.
std::pair<std::string, std::string> split(const std::string& text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string::npos) return {text, ""};
    return {text.substr(0, at), text.substr(at + 1)};
}

services::service_config config_of(const service_serve_options& o) {
    services::service_config c(o.name, o.version);
    c.description = o.description;
    c.prefix = o.prefix;
    if (!o.queue.empty()) c.queue_group = o.queue;
    c.no_queue_group = o.no_queue;
    for (const std::string& m : o.metadata) {
        auto [key, value] = split(m, '=');
        c.metadata[std::move(key)] = std::move(value);
    }
    services::check(c).value();
    return c;
}

std::vector<services::endpoint_config> endpoints_of(const service_serve_options& o) {
    std::vector<services::endpoint_config> all;
    for (const std::string& text : o.endpoints) {
        const auto [name, subject] = split(text, ':');
        all.emplace_back(name).subject = subject;
    }
    if (all.empty()) all.emplace_back(o.name);
    services::service_machine judge(config_of(o), "id", {}); // before connecting
    for (const services::endpoint_config& e : all)
        (void)judge.add_endpoint(e, services::scope()).value();
    return all;
}

class service_server {
public:
    service_server(const global_options& g, const service_serve_options& o)
        : options_(o),
          config_(config_of(o)),
          endpoints_(endpoints_of(o)),
          command_(with_variables(o.command)),
          nc_(g, lifetime::service) {}

    int run() {
        const stop_signals signals(*nc_);
        nats::service s = nats::service::start(*nc_, config_).value();
        s.on_error([](std::string_view endpoint, const error& why) {
            tell_error(endpoint.empty() ? why.message()
                                        : fmt::format("endpoint {}: {}", endpoint, why.message()));
        });
        s.on_stop([this](const error&) {
            stopped_ = true;
            if (!ending_) nc_->interrupt();
        });
        for (const services::endpoint_config& e : endpoints_)
            s.add_endpoint(e, [this](service_request& r) { handle(r); }).value();
        if (nc_.wait_ready()) serve(s);
        end(s);
        return nc_.outcome();
    }

private:
    void serve(const nats::service& s) {
        nc_.check();
        for (const services::endpoint_info& e : s.info().endpoints)
            tell(fmt::format("Endpoint {} is listening on \"{}\"", e.name, printable(e.subject)));
        tell(fmt::format("Service {} {} has the id {}", s.info().name, s.info().version, s.id()));
        while (!stopped_ && stop_signals::received() == 0) {
            const result<void> r = nc_->run_for(duration::max());
            if (!r && r.error() != errc::interrupted) throw exception(r.error());
        }
    }

    /// Answers what is on its way, and has the server's word on the answers.
    void end(nats::service& s) {
        ending_ = true;
        if (const result<void> r = s.stop(); !r && nc_->status() == session_status::closed)
            throw exception(r.error());
        nc_.drain();
    }

    void handle(service_request& r) {
        print_message(out_, r.view(), ++handled_, {});
        out_.flush();
        result<void> sent;
        if (options_.echo)
            sent = r.respond(r.payload(), headers::copy_of(r.headers()));
        else if (!command_.empty())
            sent = answer_by_command(r);
        else
            sent = r.respond(options_.body);
        if (!sent) tell_error(sent.error().message()); // a stranger's reply subject
    }

    result<void> answer_by_command(service_request& r) const {
        const command_result done = run_command(command_, r.view());
        if (done.failure.empty()) return r.respond(done.output);
        tell_error(done.failure);
        return r.respond_error(500, printable(done.failure), done.output);
    }

    const service_serve_options& options_;
    services::service_config config_;
    std::vector<services::endpoint_config> endpoints_;
    std::string command_;
    output out_;
    connection nc_;
    std::uint64_t handled_ = 0;
    bool stopped_ = false; ///< whoever wanted that
    bool ending_ = false;  ///< we did
};

int run(const global_options& g, const service_serve_options& o) {
    const bool body = static_cast<bool>(*o.body_option);
    const bool command = static_cast<bool>(*o.command_option);
    if (int{body} + int{command} + int{o.echo} != 1)
        throw usage_error("service serve needs one of: a body, --echo, --command");
    if (o.no_queue && !o.queue.empty()) throw usage_error("--queue does not go with --no-queue");
    return service_server(g, o).run();
}

} // namespace

command add_service_serve(CLI::App& group) {
    const auto o = std::make_shared<service_serve_options>();
    CLI::App* const c = group.add_subcommand("serve", "Be a service");
    c->add_option("service", o->name, "The service's name")->required()->type_name("");
    o->body_option =
        c->add_option("body", o->body, "What every request is answered with")->type_name("");
    c->add_option("--endpoint", o->endpoints,
                  "NAME or NAME:SUBJECT of an endpoint; may be repeated. Unless told there is one "
                  "with the service's name")
        ->type_name("TEXT")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    c->add_option("--version", o->version, "The service's version, such as 1.2.3")
        ->capture_default_str()
        ->type_name("VERSION");
    c->add_option("--description", o->description, "What it is, for people")->type_name("TEXT");
    c->add_option("--metadata", o->metadata, "KEY=VALUE; may be repeated")
        ->type_name("TEXT")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    c->add_option("--queue", o->queue, "The queue group instead of q")->type_name("GROUP");
    c->add_flag("--no-queue", o->no_queue, "Every instance gets each request");
    c->add_flag("--echo", o->echo, "Answer with the request's headers and body");
    o->command_option =
        c->add_option("--command", o->command,
                      "Answer with the output of this shell command, as natsproto reply does; one "
                      "that fails is an error response")
            ->type_name("COMMAND");
    add_service_prefix(*c, o->prefix);
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
