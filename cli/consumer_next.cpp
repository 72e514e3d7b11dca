// SPDX-License-Identifier: Apache-2.0
//
// natsproto consumer next: some messages of a pull consumer.
//
// Theory of operation: one pull for all of them, so that the server knows when to stop. The
// acknowledgements are publishes, and a flush at the end makes sure that the server has them.

#include "consumer.hpp"
#include "consumer_messages.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace nats::cli {

namespace {

struct next_options {
    delivered_options messages;
    std::uint64_t count = 1;
    std::optional<duration> wait;
};

js::fetch_options fetch_of(const global_options& g, const next_options& o) {
    js::fetch_options f;
    f.max_messages = o.count;
    f.expires = o.wait.value_or(g.timeout);
    f.group = o.messages.group;
    return f;
}

/// Fewer than were wanted.
int tell_short(std::uint64_t received, std::uint64_t wanted, const error& why) {
    if (why != errc::timeout && why != errc::consumption_stopped) throw exception(why);
    tell_error(wanted == 1 ? "timeout: no message came"
                           : fmt::format("timeout: {} of {} messages came", received, wanted));
    return exit_code::timed_out;
}

int run(const global_options& g, const next_options& o) {
    check_delivered(o.messages);
    js::check(fetch_of(g, o)).value();
    js_connection j(g);
    deliverer d(j, o.messages);
    if (d.pushes())
        throw exception(error{errc::consumer_is_push, "natsproto consumer sub prints what comes"});
    auto consumer = j->consumer(o.messages.stream, o.messages.consumer);
    auto flow = j.take(consumer.fetch(fetch_of(g, o)));
    while (std::optional<js::message> m = j.take(flow.next())) d.handle(*m);
    j.nats().flush();
    j.nats().check();
    if (d.received() >= o.count) return exit_code::ok;
    return tell_short(d.received(), o.count, flow.why().value_or(errc::timeout));
}

} // namespace

command add_consumer_next(CLI::App& group) {
    const auto o = std::make_shared<next_options>();
    CLI::App* const c = group.add_subcommand("next", "Get messages of a pull consumer");
    add_delivered(*c, o->messages);
    c->add_flag("--nak", o->messages.nak, "Have them delivered once more instead");
    c->add_flag("--term", o->messages.term, "Have them never delivered again instead");
    c->add_option("--count", o->count, "How many")
        ->check(at_least_one())
        ->capture_default_str()
        ->type_name("N");
    add_duration(*c, "--wait", o->wait, "How long to wait for them; --timeout unless told");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
