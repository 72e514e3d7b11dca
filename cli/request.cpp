// SPDX-License-Identifier: Apache-2.0
//
// natsproto request: sends a request and prints what comes back.
//
// Theory of operation: one reply is a plain request, for which nobody listening is known at once;
// for several the rules of request-many apply. A server that refuses the request by -ERR does not
// answer it, so a refusal ends the wait.

#include <natsproto/blocking/client.hpp>

#include "common.hpp"
#include "outgoing.hpp"
#include "output.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace nats::cli {

namespace {

struct request_options {
    outgoing_options out;
    std::uint64_t count = 1;
    std::uint64_t replies = 1;
    duration reply_timeout = std::chrono::milliseconds(300);
    std::optional<duration> wait;
    bool raw = false;
};

class requester {
public:
    requester(const global_options& g, const request_options& o, outgoing& m)
        : options_(o), wait_(o.wait.value_or(g.timeout)), message_(m), nc_(g, lifetime::task) {
        nc_.interrupt_when_refused();
    }

    /// Sends request number `n` and prints its replies; the exit code.
    int request(std::uint64_t n) {
        message_.fill(n);
        if (!options_.raw)
            tell(fmt::format("Sending request on \"{}\"", printable(message_.subject())));
        const time_point start = clock::now();
        const int code = options_.replies == 1 ? one(start) : many(start);
        out_.flush();
        return code;
    }

private:
    int one(time_point start) {
        const result<message_view> reply =
            nc_->request_view(message_.subject(), message_.body(), wait_, message_.fields());
        if (!reply) return fail(reply.error());
        print(*reply, start);
        return exit_code::ok;
    }

    int many(time_point start) {
        request_many_options o;
        o.timeout = wait_;
        if (options_.replies != 0) {
            o.max_messages = options_.replies;
            o.stall = options_.reply_timeout;
        }
        replies all =
            nc_->request_many(message_.subject(), message_.body(), o, message_.fields()).value();
        std::uint64_t received = 0;
        while (true) {
            const result<std::optional<message_view>> reply = all.next_view();
            if (!reply) return fail(reply.error());
            if (!*reply) break;
            ++received;
            print(**reply, start);
            out_.flush();
        }
        if (received != 0 && received >= options_.replies) return exit_code::ok;
        const std::string wanted =
            options_.replies == 0 ? "" : fmt::format(" of {}", options_.replies);
        tell_error(fmt::format("timeout: {}{} replies came", received, wanted));
        return exit_code::timed_out;
    }

    void print(const message_view& m, time_point start) {
        message_format f;
        f.raw = options_.raw;
        if (!f.raw) {
            out_.write(fmt::format("Received with rtt {}\n", text_of(clock::now() - start)));
            print_content(out_, m, f);
        } else {
            print_message(out_, m, 0, f);
        }
    }

    int fail(const error& e) const {
        if (e == errc::interrupted) nc_.check(); // which told why
        throw exception(e);
    }

    const request_options& options_;
    duration wait_;
    outgoing& message_;
    output out_;
    connection nc_;
};

int run(const global_options& g, const request_options& o) {
    outgoing message(o.out);
    check_publish_subject(o.out.subject);
    message.read_body();
    requester r(g, o, message);
    for (std::uint64_t n = 1; n <= o.count; ++n) {
        if (const int code = r.request(n); code != exit_code::ok) return code;
    }
    return exit_code::ok;
}

} // namespace

command add_request(CLI::App& app) {
    const auto o = std::make_shared<request_options>();
    CLI::App* const c = app.add_subcommand("request", "Send a request and print its replies");
    c->alias("req");
    add_outgoing(*c, o->out);
    add_force_stdin(*c, o->out);
    c->add_option("--count", o->count, "How many requests, one after the other")
        ->check(at_least_one())
        ->type_name("N");
    c->add_option("--replies", o->replies,
                  "How many replies to wait for; 0: all that come within --wait")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str()
        ->type_name("N");
    add_duration(*c, "--reply-timeout", o->reply_timeout,
                 "With --replies: how long to wait after a reply for the next; 300ms unless told");
    add_duration(*c, "--wait", o->wait, "How long to wait in all; --timeout unless told");
    c->add_flag("-r,--raw", o->raw, "Print payloads only, byte for byte, a line break after each");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
