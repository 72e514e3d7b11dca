// SPDX-License-Identifier: Apache-2.0
//
// natsproto sub: prints messages as they come.
//
// Theory of operation: each subject gets a handler that prints, so that messages of several
// subjects keep their order. With --count the server is told to stop by itself, so that a member
// of a queue group takes no more than it prints. When the server goes, it connects again, for ever.
// At a signal it drains: what the server has sent by then is still printed.

#include <natsproto/blocking/client.hpp>
#include <natsproto/subject.hpp>

#include "common.hpp"
#include "output.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::cli {

namespace {

struct sub_options {
    std::vector<std::string> subjects;
    std::string queue;
    CLI::Option* queue_option = nullptr;
    std::optional<std::uint64_t> count;
    std::optional<duration> wait;
    message_format format;

    [[nodiscard]] std::optional<std::string_view> queue_name() const {
        return *queue_option ? std::optional<std::string_view>(queue) : std::nullopt;
    }
};

void check_arguments(const sub_options& o) {
    for (const std::string& s : o.subjects) {
        if (!is_subscribe_subject(s)) throw exception(error{errc::invalid_subject, '"' + s + '"'});
    }
    if (o.queue_name() && !is_queue_group(o.queue))
        throw exception(error{errc::invalid_queue_group, '"' + o.queue + '"'});
}

class subscriber {
public:
    subscriber(const global_options& g, const sub_options& o)
        : options_(o), nc_(g, lifetime::service) {}

    int run() {
        const stop_signals signals(*nc_);
        for (const std::string& s : options_.subjects) subscribe(s);
        if (begin()) receive();
        if (stop_signals::received() != 0) nc_.drain();
        out_.flush();
        return outcome();
    }

private:
    void subscribe(const std::string& subject) {
        subscribe_options o;
        o.queue = options_.queue_name();
        const auto print = [this](const message_view& m) {
            if (complete()) return; // with several subjects the server does not know the sum
            last_ = clock::now();
            print_message(out_, m, ++received_, options_.format);
        };
        subscriptions_.push_back(nc_->subscribe(subject, print, o).value());
        if (options_.count) subscriptions_.back().unsubscribe(options_.count).value();
    }

    /// Waits until the server knows the subscriptions; false when a signal came first.
    bool begin() {
        if (!nc_.wait_ready()) return false;
        nc_.check();
        tell(fmt::format("Subscribing on {}", fmt::join(options_.subjects, ", ")));
        last_ = clock::now();
        return true;
    }

    /// Until there is a reason to end.
    void receive() {
        out_.flush(); // what came during the flush
        while (!complete()) {
            duration left = duration::max();
            if (options_.wait) {
                left = *options_.wait - (clock::now() - last_);
                if (left <= duration::zero()) return;
            }
            const result<std::size_t> polled = nc_->poll(left);
            out_.flush();
            if (!polled && polled.error() == errc::interrupted) return;
            polled.value();
        }
    }

    [[nodiscard]] bool complete() const noexcept {
        return options_.count && received_ >= *options_.count;
    }

    [[nodiscard]] int outcome() const noexcept {
        if (nc_.was_refused()) return exit_code::failed;
        if (!options_.count || complete()) return exit_code::ok;
        const int signal = stop_signals::received();
        return signal != 0 ? exit_code::signalled + signal : exit_code::timed_out;
    }

    const sub_options& options_;
    output out_;
    std::uint64_t received_ = 0;
    time_point last_; ///< when the newest message came
    connection nc_;
    std::vector<subscription> subscriptions_;
};

int run(const global_options& g, const sub_options& o) {
    check_arguments(o);
    return subscriber(g, o).run();
}

} // namespace

command add_sub(CLI::App& app) {
    const auto o = std::make_shared<sub_options>();
    CLI::App* const c = app.add_subcommand("sub", "Print the messages of subjects");
    c->add_option("subject", o->subjects, "The subjects; * and > are wildcards")
        ->required()
        ->type_name("");
    o->queue_option =
        c->add_option("--queue", o->queue, "Share the messages with the members of this group")
            ->type_name("GROUP");
    c->add_option("--count", o->count, "End after this many messages")
        ->check(at_least_one())
        ->type_name("N");
    add_duration(*c, "--wait", o->wait, "End when nothing has come for so long");
    c->add_flag("-r,--raw", o->format.raw,
                "Print payloads only, byte for byte, a line break after each");
    c->add_flag("--headers-only", o->format.headers_only, "Do not print payloads");
    c->add_flag("--subjects-only", o->format.subjects_only, "Print a line with the subject only");
    c->add_flag("-t,--timestamp", o->format.timestamp, "Print when a message came");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
