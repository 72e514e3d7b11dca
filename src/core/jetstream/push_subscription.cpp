// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: servers before 2.11 may push the first message before they answer that the
// consumer was made, so the subscription comes first. A consumer without a durable name is deleted
// when the flow has ended. One that went while the connection was away, or that is silent, is
// looked for; nothing makes it again, since it would begin elsewhere.

#include <natsproto/jetstream/push_subscription.hpp>

#include <natsproto/jetstream/consumer_requests.hpp>
#include <natsproto/subject.hpp>

#include <utility>

namespace nats::js {

result<push_request> encode_push(const context& c, std::string_view stream,
                                 consumer_config config) {
    if (result<void> ok = check_name("stream", stream); !ok) return ok.error();
    if (!config.deliver_subject.empty() && !is_publish_subject(config.deliver_subject))
        return error{errc::invalid_subject, '"' + printable(config.deliver_subject) + '"'};
    return push_request(c, std::string(stream), std::move(config));
}

result<push_request> encode_push(const context& c, const consumer_info& existing) {
    if (existing.config.deliver_subject.empty())
        return error{errc::invalid_argument,
                     "consumer \"" + printable(existing.name) + "\" does not push"};
    if (result<void> ok = check_name("consumer", existing.name); !ok) return ok.error();
    result<push_request> r = encode_push(c, existing.stream_name, existing.config);
    if (r) r->existing = existing.name;
    return r;
}

push_subscription::push_subscription(runtime& rt, push_request r)
    : runtime_(&rt),
      request_(std::move(r)),
      name_(request_.existing),
      machine_(std::chrono::duration_cast<duration>(request_.config.idle_heartbeat),
               !request_.config.deliver_group.empty()) {
    if (request_.config.deliver_subject.empty()) request_.config.deliver_subject = rt.new_inbox();
}

result<void> push_subscription::subscribe(runtime& rt, mailbox::handler handle, void* context) {
    subscribe_options o;
    if (!request_.config.deliver_group.empty()) o.queue = request_.config.deliver_group;
    return rt.subscribe(box(), request_.config.deliver_subject, o, handle, context);
}

bool push_subscription::judge(runtime& rt, const nats::message_view& m) {
    const bool for_user = machine_.handle_message(m, rt.now());
    if (!for_user) wake();
    return for_user;
}

void push_subscription::send(runtime& rt) {
    const std::optional<std::string> to = machine_.poll_answer();
    if (to) (void)rt.connection().publish(*to, {}, {}, {}); // one that is lost is asked for again
}

void push_subscription::handle_connected(runtime& rt) {
    connected_ = true;
    if (name_.empty()) return;
    reconnected_ = true;
    machine_.handle_begin(rt.now());
}

void push_subscription::handle_disconnected(runtime& /*rt*/) {
    connected_ = false;
    machine_.handle_disconnected();
}

void push_subscription::handle_timeout(runtime& rt) {
    machine_.handle_timeout(rt.now());
    wake();
}

void push_subscription::finish(error why) {
    const bool first = !machine_.finished();
    machine_.finish(std::move(why));
    const bool ephemeral = request_.existing.empty() && request_.config.durable_name.empty();
    if (!first || name_.empty() || !ephemeral || !runtime_->connection().is_up()) return;
    const result<api_request> r = encode_delete_consumer(request_.settings, request_.stream, name_);
    if (r) (void)runtime_->connection().publish(r->subject, r->body, runtime_->new_inbox(), {});
}

std::optional<op<result<void>>> push_subscription::errand(runtime& rt) {
    if (!connected_ || draining()) return std::nullopt;
    if (name_.empty()) return make_consumer(rt, *this);
    const bool doubt = machine_.poll_doubt();
    if (!std::exchange(reconnected_, false) && !doubt) return std::nullopt;
    return look_for_consumer(rt, *this);
}

op<result<void>> push_subscription::make_consumer(runtime& rt, push_subscription& s) {
    context c = s.request_.settings;
    std::string stream = s.request_.stream;
    consumer_config config = s.request_.config;
    result<consumer_info> made = co_await create_consumer(
        rt, std::move(c), std::move(stream), std::move(config), consumer_action::create_or_update);
    if (!made) {
        s.finish(made.error());
        co_return result<void>();
    }
    s.name_ = std::move(made->name);
    if (s.connected_) s.machine_.handle_begin(rt.now());
    co_return result<void>();
}

op<result<void>> push_subscription::look_for_consumer(runtime& rt, push_subscription& s) {
    result<api_request> info =
        encode_consumer_info(s.request_.settings, s.request_.stream, s.name_);
    if (!info) co_return result<void>();
    result<std::optional<error>> loss = co_await find_loss(rt, std::move(*info));
    if (loss && *loss) s.finish(std::move(**loss));
    co_return result<void>();
}

} // namespace nats::js
