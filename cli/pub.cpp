// SPDX-License-Identifier: Apache-2.0
//
// natsproto pub: publishes a body, or each line of stdin.
//
// Theory of operation: messages go out in a burst, and a flush at the end makes sure that the
// server has processed them, so that exit code 0 means just that. Lines of stdin may come at any
// time, hours apart: between them the connection is served in a poll(2) loop over both. With
// --jetstream each message waits for its acknowledgement by a stream, which is printed; with
// --atomic they are stored together when the last one is known.

#include <natsproto/blocking/client.hpp>
#include <natsproto/blocking/jetstream.hpp>

#include "common.hpp"
#include "consumer.hpp"
#include "js.hpp"
#include "js_text.hpp"
#include "outgoing.hpp"
#include "output.hpp"
#include "stdin_body.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <poll.h>
#include <unistd.h>

namespace nats::cli {

namespace {

struct pub_options {
    outgoing_options out;
    std::string reply;
    std::string send_on = "eof";
    std::uint64_t count = 1;
    std::optional<duration> sleep;
    bool quiet = false;
    bool jetstream = false;
    bool atomic = false;
    js::schedule_options schedule; ///< views of the texts below
    std::string when;
    std::string at;
    std::string every;
    std::string target;
    std::string source;
    std::string time_zone;
    std::optional<duration> schedule_ttl;
    bool schedule_rollup = false;

    [[nodiscard]] bool has_schedule() const { return !when.empty(); }
};

/// What the flags say, in the server's words. Throws usage_error.
void settle_schedule(pub_options& o) {
    const int ways = int{!o.when.empty()} + int{!o.at.empty()} + int{!o.every.empty()};
    const bool more = !o.target.empty() || !o.source.empty() || !o.time_zone.empty() ||
                      o.schedule_ttl || o.schedule_rollup;
    if (ways == 0 && !more) return;
    if (ways != 1)
        throw usage_error("a schedule needs one of --schedule, --schedule-at, --schedule-every");
    if (o.target.empty()) throw usage_error("a schedule needs --schedule-target");
    if (!o.at.empty()) {
        const js::wall_time at = later("--schedule-at", o.at);
        o.when = "@at " + js::format_wall_time(std::chrono::ceil<std::chrono::seconds>(at));
    }
    if (!o.every.empty()) {
        const std::optional<duration> every = parse_duration(o.every);
        if (!every) throw usage_error("--schedule-every " + printable(o.every) + ": no duration");
        o.when = "@every " + exact(*every);
    }
    o.schedule.when = o.when;
    o.schedule.target = o.target;
    o.schedule.source = o.source;
    o.schedule.time_zone = o.time_zone;
    o.schedule.ttl = o.schedule_ttl;
    o.schedule.rollup = o.schedule_rollup;
}

/// How many messages go out before refusals of the server are looked for.
constexpr std::uint64_t look_every = 1024;

class publisher {
public:
    publisher(const global_options& g, const pub_options& o, outgoing& m)
        : options_(o), message_(m), timeout_(g.timeout), nc_(g, lifetime::task), js_(*nc_) {
        if (o.jetstream) nc_.interrupt_when_refused();
        if (o.atomic) batch_.emplace(js_.make_batch());
    }

    void publish_count() {
        for (std::uint64_t n = 1; n <= options_.count; ++n) {
            const auto burst = nc_->burst();
            publish();
            if (n % look_every == 0) look();
            if (!options_.sleep || n == options_.count) continue;
            nc_->write().value();
            nc_->run_for(*options_.sleep).value();
            nc_.check();
        }
    }

    void publish_lines() {
        stdin_lines lines;
        bool more = true;
        while (more) {
            if (wait()) more = lines.read();
            const auto burst = nc_->burst();
            while (const std::optional<std::string_view> line = lines.next()) {
                message_.set_body(*line);
                publish();
            }
        }
    }

    int finish() {
        if (batch_) commit();
        nc_.flush();
        if (!options_.quiet && !options_.jetstream && !nc_.was_refused()) {
            const std::string what = sent_ == 1 ? "" : fmt::format("{} messages, ", sent_);
            tell(fmt::format("Published {}{} bytes to \"{}\"", what, bytes_,
                             printable(message_.subject())));
        }
        return nc_.outcome();
    }

private:
    void publish() {
        message_.fill(++sent_);
        bytes_ += message_.body().size();
        if (options_.jetstream) {
            store();
            return;
        }
        publish_options o;
        o.reply = options_.reply;
        o.headers = message_.fields();
        nc_->publish(message_.subject(), message_.body(), o).value();
    }

    [[nodiscard]] js::publish_options stored_how(header_view fields) const {
        js::publish_options o;
        o.headers = fields;
        o.timeout = timeout_;
        o.schedule = options_.schedule;
        return o;
    }

    void store() {
        if (batch_) {
            add_to_batch();
            return;
        }
        tell_stored(unless_refused(
            nc_, js_.publish(message_.subject(), message_.body(), stored_how(message_.fields()))));
    }

    /// The last one commits, and that it is the last is known when there is no further one.
    void add_to_batch() {
        if (last_) {
            unless_refused(nc_,
                           batch_->add(last_->subject, last_->body, stored_how(last_->fields)));
        }
        last_ = kept{message_.subject(), message_.body(), message_.fields()};
    }

    void commit() {
        if (!last_) return;
        const js::pub_ack a = unless_refused(
            nc_, batch_->commit(last_->subject, last_->body, stored_how(last_->fields)));
        if (options_.quiet) return;
        out_.write(fmt::format("Stored {} messages in stream {}{}, the last as number {}\n", sent_,
                               printable(a.stream),
                               a.domain.empty() ? "" : " of domain " + printable(a.domain), a.seq));
        out_.flush();
    }

    void tell_stored(const js::pub_ack& a) {
        if (options_.quiet) return;
        out_.write(fmt::format("Stored in stream {}{} as number {}{}\n", printable(a.stream),
                               a.domain.empty() ? "" : " of domain " + printable(a.domain), a.seq,
                               a.duplicate ? " before: a duplicate" : ""));
        out_.flush();
    }

    /// Takes all that the server has said, and ends when that is a refusal or the end.
    void look() {
        while (nc_->poll().value() != 0) {
        }
        nc_.check();
    }

    /// Until there is something on stdin, or something was done for the connection.
    bool wait() {
        look();
        std::array<pollfd, 2> fds{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{nc_->fd(), POLLIN, 0}};
        if (nc_->wants_write()) fds[1].events |= POLLOUT;
        int timeout = -1;
        if (const std::optional<time_point> next = nc_->next_deadline()) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - clock::now());
            timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
        }
        (void)::poll(fds.data(), fds.size(), timeout);
        return fds[0].revents != 0;
    }

    const pub_options& options_;
    outgoing& message_;
    duration timeout_;
    struct kept {
        std::string subject;
        std::string body;
        headers fields;
    };
    output out_;
    connection nc_;
    jetstream js_;
    std::optional<js_batch> batch_;
    std::optional<kept> last_;
    std::uint64_t sent_ = 0;
    std::uint64_t bytes_ = 0;
};

int run(const global_options& g, pub_options& o) {
    settle_schedule(o);
    o.jetstream = o.jetstream || o.atomic || o.has_schedule();
    const bool lines = o.send_on == "newline";
    if (lines && o.out.has_body() && !o.out.force_stdin)
        throw usage_error("--send-on newline reads stdin: give no body, or --force-stdin");
    if (lines && o.count != 1) throw usage_error("--send-on newline does not go with --count");
    if (o.jetstream && !o.reply.empty())
        throw usage_error("--jetstream does not go with --reply: that is where streams answer");
    outgoing message(o.out);
    check_publish_subject(o.out.subject);
    if (!o.reply.empty()) check_publish_subject(o.reply);
    if (!lines) message.read_body();
    publisher p(g, o, message);
    if (lines)
        p.publish_lines();
    else
        p.publish_count();
    return p.finish();
}

void add_schedule(CLI::App& app, pub_options& o) {
    app.add_option("--schedule", o.when,
                   "Have the stream publish it later (2.12): a cron expression of six fields, "
                   "@hourly and its like, @at TIME, or @every DURATION")
        ->type_name("SCHEDULE");
    app.add_option("--schedule-at", o.at, "The same, once: a time, or how long from now on")
        ->type_name("TIME");
    app.add_option("--schedule-every", o.every, "The same, again and again after this time")
        ->type_name("DURATION");
    app.add_option("--schedule-target", o.target, "The subject that it is published to then")
        ->type_name("SUBJECT");
    app.add_option("--schedule-source", o.source,
                   "Publish the last message of this subject instead (2.14)")
        ->type_name("SUBJECT");
    app.add_option("--schedule-timezone", o.time_zone,
                   "Of a cron expression, such as Europe/Oslo (2.14)")
        ->type_name("ZONE");
    add_duration(app, "--schedule-ttl", o.schedule_ttl, "How long what is published lives");
    app.add_flag("--schedule-rollup", o.schedule_rollup,
                 "What is published replaces all others of its subject (2.14)");
}

} // namespace

command add_pub(CLI::App& app) {
    const auto o = std::make_shared<pub_options>();
    CLI::App* const c = app.add_subcommand("pub", "Publish messages");
    add_outgoing(*c, o->out);
    add_force_stdin(*c, o->out);
    c->add_option("--reply", o->reply, "The reply subject of the messages")->type_name("SUBJECT");
    c->add_option("--count", o->count, "How many messages")->check(at_least_one())->type_name("N");
    add_duration(*c, "--sleep", o->sleep, "How long to wait between messages");
    c->add_option("--send-on", o->send_on,
                  "Send stdin as one message at its end (eof), or each line (newline)")
        ->check(CLI::IsMember({"eof", "newline"}))
        ->capture_default_str()
        ->type_name("");
    c->add_flag("-J,--jetstream", o->jetstream,
                "Wait until a stream has stored each message, and print where");
    c->add_flag("--atomic", o->atomic,
                "Have a stream store all of the messages or none, as one batch (2.12)");
    add_schedule(*c, *o);
    c->add_flag("-q,--quiet", o->quiet, "Say nothing of what was published");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
