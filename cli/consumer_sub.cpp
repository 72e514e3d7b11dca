// SPDX-License-Identifier: Apache-2.0
//
// natsproto consumer sub: prints the messages of a consumer as they come.
//
// Theory of operation: as sub.cpp: it connects again, for ever, and at a signal drains. With
// --count no more is pulled than is printed; one that pushes is subscribed to in its group.

#include "consumer.hpp"
#include "consumer_messages.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace nats::cli {

namespace {

struct consumer_sub_options {
    delivered_options messages;
    std::optional<std::uint64_t> count;
};

class consumer_subscriber {
public:
    consumer_subscriber(const global_options& g, const consumer_sub_options& o)
        : options_(o), js_(g, lifetime::service) {}

    int run() {
        const stop_signals signals(*js_.nats());
        deliverer d(js_, options_.messages);
        receive(d);
        js_.nats().drain(); // the acknowledgements
        return outcome(d.received());
    }

private:
    [[nodiscard]] js::consume_options flow_options() const {
        js::consume_options o;
        o.stop_after = options_.count;
        o.group = options_.messages.group;
        return o;
    }

    void receive(deliverer& d) {
        if (d.pushes()) {
            print_all(d, js_.take(js_->push_consumer(d.info()).messages()));
        } else {
            auto consumer = js_->consumer(options_.messages.stream, options_.messages.consumer);
            print_all(d, js_.take(consumer.messages(flow_options())));
        }
    }

    /// Until there is a reason to end.
    template <class Flow>
    void print_all(deliverer& d, Flow flow) {
        flow.on_warning([](const error& why) { tell_error(why.message()); });
        tell(fmt::format("Subscribing on consumer {} of stream {}", options_.messages.consumer,
                         options_.messages.stream));
        while (!options_.count || d.received() < *options_.count) {
            result<std::optional<js::message>> m = flow.next();
            if (!m && m.error() == errc::interrupted && stop_signals::received() != 0) {
                flow.drain();
                continue;
            }
            std::optional<js::message> got = js_.take(std::move(m));
            if (!got) break;
            d.handle(*got);
        }
        const std::optional<error> why = flow.why();
        if (why && *why != errc::consumption_stopped) throw exception(*why);
    }

    [[nodiscard]] int outcome(std::uint64_t received) const noexcept {
        // check() is for a task; here a refusal has ended the flow.
        if (!options_.count || received >= *options_.count) return exit_code::ok;
        const int signal = stop_signals::received();
        return signal != 0 ? exit_code::signalled + signal : exit_code::timed_out;
    }

    const consumer_sub_options& options_;
    js_connection js_;
};

int run(const global_options& g, const consumer_sub_options& o) {
    check_delivered(o.messages);
    return consumer_subscriber(g, o).run();
}

} // namespace

command add_consumer_sub(CLI::App& group) {
    const auto o = std::make_shared<consumer_sub_options>();
    CLI::App* const c = group.add_subcommand("sub", "Print the messages of a consumer");
    add_delivered(*c, o->messages);
    c->add_option("--count", o->count, "End after this many messages")
        ->check(at_least_one())
        ->type_name("N");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
