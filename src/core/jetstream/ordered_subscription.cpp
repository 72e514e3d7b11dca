// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the watcher's errand is to make the next consumer, and to have the one
// before deleted. Nobody waits for the deletion, whose answer goes to the inbox as well and is no
// message of a consumer; what it does not delete goes by itself when nobody pulls from it.

#include <natsproto/jetstream/ordered_subscription.hpp>

#include <natsproto/jetstream/consumer_requests.hpp>

#include "core/jetstream/inbox_limits.hpp"

#include <utility>

namespace nats::js {

namespace {

using namespace std::chrono_literals;

constexpr duration usual_heartbeat = 5s;

} // namespace

result<ordered_request> encode_ordered(const context& c, std::string_view stream,
                                       const ordered_options& o, const consume_options& flow) {
    if (result<void> ok = check_name("stream", stream); !ok) return ok.error();
    result<consumer_config> first = ordered_config(o);
    if (!first) return first.error();
    consume_options how = flow;
    if (!how.idle_heartbeat) how.idle_heartbeat = std::min(usual_heartbeat, how.expires / 2);
    if (result<void> ok = check(how); !ok) return ok.error();
    if (!how.group.empty())
        return error{errc::invalid_argument, "an ordered consumer has no priority group"};
    ordered_request r(c, std::string(stream), std::move(*first), pull_rules(how));
    r.prefix = o.name_prefix;
    return r;
}

ordered_subscription::ordered_subscription(runtime& rt, ordered_request r)
    : runtime_(&rt),
      settings_(std::move(r.settings)),
      stream_(std::move(r.stream)),
      inbox_(rt.new_inbox()),
      pull_subject_(settings_.prefix() + "CONSUMER.MSG.NEXT." + stream_ + '.'),
      rules_(r.rules),
      machine_(r.prefix.empty() ? rt.new_id() : std::move(r.prefix), inbox_, std::move(r.config),
               std::move(r.rules)) {}

result<void> ordered_subscription::subscribe(runtime& rt, mailbox::handler handle, void* context) {
    return rt.subscribe(box(), inbox_ + ".*", {.pending = limits_for(rules_)}, handle, context);
}

bool ordered_subscription::judge(runtime& rt, const nats::message_view& m) {
    const bool for_user = machine_.handle_message(m, rt.now());
    if (!for_user) {
        wake();
        tell_initial(rt);
    }
    if (machine_.finished()) remove_obsolete();
    return for_user;
}

/// It has ended without a message that the reader could look behind.
void ordered_subscription::tell_initial(runtime& rt) {
    if (tells_initial_ && machine_.initial().end_due()) call_reader(rt);
}

void ordered_subscription::send(runtime& rt) {
    const std::optional<std::string> body = machine_.poll_pull(rt.now());
    if (!body) return;
    const std::string to = pull_subject_ + machine_.name();
    if (!rt.connection().publish(to, *body, machine_.reply(), {}))
        machine_.handle_not_sent(rt.now());
    wake();
}

void ordered_subscription::handle_timeout(runtime& rt) {
    machine_.handle_timeout(rt.now());
    wake();
}

void ordered_subscription::finish(error why) {
    machine_.finish(std::move(why));
    remove_obsolete();
}

void ordered_subscription::remove_obsolete() {
    const std::optional<std::string> name = machine_.poll_obsolete();
    if (!name || !runtime_->connection().is_up()) return;
    const std::string to = settings_.prefix() + "CONSUMER.DELETE." + stream_ + '.' + *name;
    (void)runtime_->connection().publish(to, {}, inbox_ + ".deleted", {});
}

std::optional<op<result<void>>> ordered_subscription::errand(runtime& rt) {
    if (draining() || machine_.creation_at() > rt.now()) return std::nullopt;
    return make_consumer(rt, *this);
}

op<result<void>> ordered_subscription::make_consumer(runtime& rt, ordered_subscription& s) {
    s.remove_obsolete();
    context c = s.settings_;
    std::string stream = s.stream_;
    consumer_config config = s.machine_.begin_creation();
    result<consumer_info> made = co_await create_consumer(
        rt, std::move(c), std::move(stream), std::move(config), consumer_action::create_or_update);
    if (made)
        s.machine_.handle_created(*made, rt.now());
    else
        s.machine_.handle_not_created(made.error(), rt.now());
    s.tell_initial(rt);
    if (s.machine_.finished()) s.remove_obsolete();
    co_return result<void>();
}

} // namespace nats::js
