// SPDX-License-Identifier: Apache-2.0
//
// natsproto reply: a service that answers each request of a subject with a fixed body, an echo, or
// what a command says.
//
// Theory of operation: one subscription, read one message at a time. When the server goes, it
// connects again, for ever. At a signal it drains: requests that the server has sent by then are
// still answered.

#include <natsproto/blocking/client.hpp>
#include <natsproto/subject.hpp>

#include "common.hpp"
#include "outgoing.hpp"
#include "output.hpp"
#include "shell_command.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace nats::cli {

namespace {

struct reply_options {
    outgoing_options out;
    std::string command;
    CLI::Option* command_option = nullptr;
    bool echo = false;
    std::string queue = "NATS-RPLY-22";
    std::optional<duration> sleep;
    std::optional<std::uint64_t> count;
};

void check_arguments(const reply_options& o) {
    const bool command = static_cast<bool>(*o.command_option);
    if (int{o.out.has_body()} + int{command} + int{o.echo} != 1)
        throw usage_error("reply needs one of: a body, --echo, --command");
    if (!is_subscribe_subject(o.out.subject))
        throw exception(error{errc::invalid_subject, '"' + o.out.subject + '"'});
    if (!is_queue_group(o.queue))
        throw exception(error{errc::invalid_queue_group, '"' + o.queue + '"'});
}

class replier {
public:
    replier(const global_options& g, const reply_options& o)
        : options_(o),
          command_(with_variables(o.command)),
          answer_(o.out),
          nc_(g, lifetime::service) {}

    int run() {
        const stop_signals signals(*nc_);
        listen();
        nc_.drain(); // the last answers, and the server's word on them
        return outcome();
    }

private:
    void listen() {
        subscribe_options so;
        so.queue = options_.queue;
        subscription requests = nc_->subscribe(options_.out.subject, so).value();
        if (options_.count) requests.unsubscribe(options_.count).value();
        if (begin()) serve(requests);
        if (stopped_ && nc_.start_drain()) serve(requests);
    }

    /// Waits until the server knows the subscription; false when a signal came first.
    bool begin() {
        stopped_ = !nc_.wait_ready();
        if (stopped_) return false;
        nc_.check();
        tell(fmt::format("Listening on \"{}\" in group \"{}\"", options_.out.subject,
                         options_.queue));
        return true;
    }

    /// Until the count is reached, a signal, or after one the last request.
    void serve(subscription& requests) {
        const bool last = stopped_;
        while (!complete() && stopped_ == last) {
            const result<message> m = requests.next(duration::max());
            if (m) {
                handle(*m);
                continue;
            }
            const errc why = m.error().code();
            if (why == errc::slow_consumer || was_stopped(m)) continue; // the event told the first
            if (why == errc::drained || why == errc::max_messages_reached) return;
            throw exception(m.error());
        }
    }

    /// Whether a call returned because of a signal, which is used up by that.
    template <class T>
    bool was_stopped(const result<T>& r) {
        if (r || r.error() != errc::interrupted) return false;
        stopped_ = true;
        return true;
    }

    void handle(const message_view& request) {
        print_message(out_, request, ++handled_, {});
        out_.flush();
        if (options_.sleep && !stopped_) pause();
        if (request.reply.empty()) {
            tell_error("the message has no reply subject: nothing to answer");
            return;
        }
        answer_.fill(handled_, request.payload);
        if (options_.echo) {
            headers h = headers::copy_of(request.headers);
            for (const header_field& f : answer_.fields().view()) h.set(f.name, f.value).value();
            respond(request, request.payload, h);
        } else if (!command_.empty()) {
            respond_by_command(request);
        } else {
            respond(request, answer_.body(), answer_.fields());
        }
    }

    void respond_by_command(const message_view& request) {
        const command_result r = run_command(command_, request);
        headers h = headers::copy_of(answer_.fields());
        if (!r.failure.empty()) {
            tell_error(r.failure);
            // Services tell their callers of errors by these headers (ADR-32).
            if (nc_->info().headers) {
                h.set("Nats-Service-Error", r.failure).value();
                h.set("Nats-Service-Error-Code", "500").value();
            }
        }
        respond(request, r.output, h);
    }

    /// A stranger chooses the reply subject and what is echoed, so a refused answer ends nothing.
    void respond(const message_view& request, bytes payload, header_view h) {
        const result<void> sent = nc_->respond(request, payload, h);
        if (sent) return;
        tell_error(sent.error().message());
        if (nc_->status() == session_status::closed) throw exception(sent.error());
    }

    /// Up to --sleep, as a slow service would.
    void pause() {
        std::uniform_int_distribution<duration::rep> any(0, options_.sleep->count());
        was_stopped(nc_->run_for(duration(any(random_)))); // the end shows at the next call
    }

    [[nodiscard]] bool complete() const noexcept {
        return options_.count && handled_ >= *options_.count;
    }

    [[nodiscard]] int outcome() const noexcept {
        if (nc_.was_refused()) return exit_code::failed;
        if (!options_.count || complete()) return exit_code::ok;
        return exit_code::signalled + stop_signals::received();
    }

    const reply_options& options_;
    std::string command_;
    outgoing answer_;
    output out_;
    connection nc_;
    std::uint64_t handled_ = 0;
    bool stopped_ = false; ///< by a signal
    std::minstd_rand random_{std::random_device{}()};
};

int run(const global_options& g, const reply_options& o) {
    check_arguments(o);
    return replier(g, o).run();
}

} // namespace

command add_reply(CLI::App& app) {
    const auto o = std::make_shared<reply_options>();
    CLI::App* const c = app.add_subcommand("reply", "Answer requests");
    add_outgoing(*c, o->out);
    c->get_option("subject")->description("What to listen on; * and > are wildcards");
    c->add_flag("--echo", o->echo, "Answer with the request's headers and body");
    o->command_option = c->add_option("--command", o->command,
                                      "Answer with the output of this shell command; see above")
                            ->type_name("COMMAND");
    c->add_option("--queue", o->queue, "The queue group")
        ->capture_default_str()
        ->type_name("GROUP");
    add_duration(*c, "--sleep", o->sleep, "Wait for a random time up to this before each answer");
    c->add_option("--count", o->count, "End after this many requests")
        ->check(at_least_one())
        ->type_name("N");
    c->description(
        "Answer requests.\n\n"
        "--command runs in sh for each request, with the body on stdin and in the\n"
        "variable NATS_REQUEST_BODY, and the subject in NATS_REQUEST_SUBJECT. In its\n"
        "text, {{Request}} and {{0}}, {{1}}, ... (the tokens of the subject) stand for\n"
        "these values, each as one word that the shell does not look into.");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
