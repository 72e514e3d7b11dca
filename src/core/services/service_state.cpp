// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Nine subscriptions without a queue group bring questions, which are answered at once, by what the
// machine says. An endpoint's subscription either has a handler, which the facade has given, or a
// reader: an op that takes its requests one by one, as long as few enough are being dealt with, and
// has the facade told where no op and no handler runs. The rest waits in the mailbox, whose limits
// hold.
//
// A mailbox that has dropped messages or was refused sets a wakeup, and the watcher looks at what
// it was. The end has one way: each mailbox tells its own end, whatever the reason. The first one
// that nobody has asked for stops the others; after the last one, and when what was taken is
// finished, the service has stopped.
//
// A question's reply subject is a stranger's: answers never go to the server's own subjects.

#include <natsproto/services/service_state.hpp>

#include <utility>

namespace nats::services {

namespace {

/// Of those that nobody has looked at; more are not kept.
constexpr std::size_t max_troubles = 64;

/// Where an answer would be a request to the server, in the service's name.
bool is_of_server(std::string_view subject) noexcept {
    return subject.starts_with("$SYS.") || subject.starts_with("$JS.");
}

} // namespace

service_state::service_state(runtime& rt, service_config c, wall_time now, notice& ended,
                             notice& troubled)
    : runtime_(&rt),
      machine_(std::move(c), rt.new_id(), now),
      ended_(&ended),
      troubled_(&troubled) {}

/// What is not finished now never will be.
service_state::~service_state() {
    for (const std::unique_ptr<endpoint_inlet>& in : endpoints_) {
        for (; in->running != 0; --in->running) runtime_->release_drain();
    }
}

// --- subscribing

result<void> service_state::listen(inlet& in, std::string_view subject, const subscribe_options& o,
                                   mailbox::handler handle, void* context) {
    in.box.on_end(&service_state::tell_end, &in);
    if (handle != nullptr) in.box.on_trouble(&trouble_);
    return runtime_->subscribe(in.box, subject, o, handle, context);
}

result<void> service_state::start() {
    const service_config& c = machine_.config();
    std::size_t i = 0;
    for (const verb v : verbs) {
        const std::string subjects[] = {monitoring_subject(c.prefix, v),
                                        monitoring_subject(c.prefix, v, c.name),
                                        monitoring_subject(c.prefix, v, c.name, machine_.id())};
        for (const std::string& subject : subjects) {
            std::unique_ptr<inlet>& in = questions_[i++];
            in = std::make_unique<inlet>(*this, std::nullopt);
            in->asked = v;
            result<void> ok = listen(*in, subject, {}, &service_state::tell_question, in.get());
            if (!ok) return ok;
        }
    }
    watcher_.emplace(watch(*runtime_, *this));
    watcher_->start();
    return {};
}

result<service_state::endpoint_inlet*> service_state::add(const endpoint_config& e,
                                                          const scope& in) {
    if (status_ != service_status::running) return error{errc::service_stopped};
    result<std::size_t> number = machine_.add_endpoint(e, in);
    if (!number) return number.error();
    endpoints_.push_back(std::make_unique<endpoint_inlet>(*this, *number));
    endpoints_.back()->most = e.max_concurrent;
    return endpoints_.back().get();
}

void service_state::drop_last() {
    endpoints_.pop_back();
    machine_.drop_last_endpoint();
}

result<void> service_state::open(endpoint_inlet& in, const endpoint_config& e,
                                 mailbox::handler handle, void* context) {
    const endpoint_info& what = machine_.endpoint(*in.endpoint);
    subscribe_options o;
    if (!what.queue_group.empty()) o.queue = what.queue_group;
    o.pending = e.pending;
    result<void> ok = listen(in, what.subject, o, handle, context);
    if (!ok) drop_last();
    return ok;
}

result<std::size_t> service_state::add_endpoint(const endpoint_config& e, const scope& in,
                                                mailbox::handler handle, void* context) {
    result<endpoint_inlet*> added = add(e, in);
    if (!added) return added.error();
    if (result<void> ok = open(**added, e, handle, context); !ok) return ok.error();
    return *(*added)->endpoint;
}

result<std::size_t> service_state::add_reader(const endpoint_config& e, const scope& in,
                                              notice& ready) {
    result<endpoint_inlet*> added = add(e, in);
    if (!added) return added.error();
    endpoint_inlet& made = **added;
    if (result<void> ok = open(made, e, nullptr, nullptr); !ok) return ok.error();
    made.ready = &ready;
    made.reader.emplace(read(*runtime_, made));
    made.reader->start();
    return *made.endpoint;
}

// --- requests

op<result<void>> service_state::read(runtime& rt, endpoint_inlet& in) {
    while (true) {
        while (in.running >= in.most) {
            result<void> woken = co_await rt.wait(in.freed, no_deadline);
            if (!woken) break; // closed: what waits cannot be answered any more
        }
        result<message_view> m = co_await rt.next(in.box, no_deadline);
        if (!m && m.error() != errc::slow_consumer && !in.box.active())
            co_return m.error(); // the mailbox has told its end
        const bool closed = rt.connection().status() == session_status::closed;
        if (!m) {
            in.owner->note(in, m.error());
        } else if (!closed) {
            ++in.running;
            rt.hold_drain();
            in.waiting.emplace_back(*m);
            rt.post(*in.ready);
        }
    }
}

std::optional<message> service_state::take_request(std::size_t endpoint) {
    std::vector<message>& waiting = endpoints_[endpoint]->waiting;
    if (waiting.empty()) return std::nullopt;
    message first = std::move(waiting.front());
    waiting.erase(waiting.begin());
    return first;
}

void service_state::handle_request(std::size_t endpoint, duration took, const request_record& r) {
    machine_.handle_request(endpoint, took, r.failure);
}

void service_state::finish_request(std::size_t endpoint, duration took, const request_record& r) {
    endpoint_inlet& in = *endpoints_[endpoint];
    machine_.handle_request(endpoint, took, r.failure);
    --in.running;
    in.freed.set();
    runtime_->release_drain();
    check_stopped();
}

// --- questions

void service_state::tell_question(void* in, const message_view& m) {
    const inlet& asked = *static_cast<inlet*>(in);
    asked.owner->answer(asked.asked, m);
}

/// An answer that cannot be sent is lost: whoever asks has to be ready for that anyway.
void service_state::answer(verb asked, const message_view& question) {
    if (question.reply.empty() || is_of_server(question.reply)) return;
    const std::string reply(question.reply); // the user's source may make waiting calls
    const result<std::string> text = machine_.answer(asked, data_source_, data_context_);
    if (text) (void)runtime_->connection().publish(reply, *text, {}, {});
}

// --- trouble

op<result<void>> service_state::watch(runtime& rt, service_state& s) {
    while (true) {
        result<void> woken = co_await rt.wait(s.trouble_, no_deadline);
        if (!woken) co_return woken; // closed: the mailboxes tell
        s.look_for_trouble();
    }
}

std::vector<service_state::inlet*> service_state::inlets() {
    std::vector<inlet*> all;
    for (const std::unique_ptr<inlet>& in : questions_) {
        if (in) all.push_back(in.get());
    }
    for (const std::unique_ptr<endpoint_inlet>& in : endpoints_) all.push_back(in.get());
    return all;
}

void service_state::look_for_trouble() {
    for (inlet* const in : inlets()) {
        while (std::optional<error> why = runtime_->take_trouble(in->box))
            note(*in, std::move(*why));
    }
}

/// A subscription that the server does not want is the end of the service; one that is too slow is
/// not.
void service_state::note(const inlet& at, error why) {
    if (at.endpoint) machine_.handle_error(*at.endpoint, why.message());
    if (troubles_.size() < max_troubles) {
        const std::string_view name =
            at.endpoint ? std::string_view(machine_.endpoint(*at.endpoint).name) : "";
        troubles_.emplace_back(name, why);
        runtime_->post(*troubled_);
    }
    if (why != errc::slow_consumer) stop_because(std::move(why));
}

std::optional<service_trouble> service_state::poll_trouble() {
    if (troubles_.empty()) return std::nullopt;
    service_trouble first = std::move(troubles_.front());
    troubles_.erase(troubles_.begin());
    return first;
}

// --- the end

void service_state::stop_because(std::optional<error> why) {
    if (status_ != service_status::running) return;
    status_ = service_status::stopping;
    why_ = std::move(why);
    for (inlet* const in : inlets()) drain(in->box);
    check_stopped();
}

void service_state::drain(mailbox& box) {
    if (!box.active() || runtime_->drain(box)) return;
    (void)runtime_->unsubscribe(box);
}

void service_state::abandon() noexcept {
    status_ = service_status::stopped;
    for (const std::unique_ptr<inlet>& in : questions_) {
        if (in && in->box.active()) (void)runtime_->unsubscribe(in->box);
    }
    for (const std::unique_ptr<endpoint_inlet>& in : endpoints_) {
        if (in->box.active()) (void)runtime_->unsubscribe(in->box);
    }
}

void service_state::tell_end(void* in, const error& why) {
    static_cast<inlet*>(in)->owner->handle_end(why);
}

void service_state::handle_end(const error& why) {
    if (status_ == service_status::running) {
        if (why != errc::drained) {
            if (troubles_.size() < max_troubles) troubles_.emplace_back("", why);
            runtime_->post(*troubled_);
        }
        stop_because(why);
    }
    check_stopped();
}

void service_state::check_stopped() {
    if (status_ != service_status::stopping) return;
    for (const inlet* const in : inlets()) {
        if (in->box.active() || in->box.pending_messages() != 0) return;
    }
    for (const std::unique_ptr<endpoint_inlet>& in : endpoints_) {
        if (in->running != 0) return;
    }
    status_ = service_status::stopped;
    stopped_.set();
    runtime_->post(*ended_);
}

op<result<void>> wait_stopped(runtime& rt, service_state& s, time_point deadline) {
    if (s.waited_for_) co_return error(errc::in_use);
    const service_state::end_wait here(s);
    while (s.status() != service_status::stopped) {
        if (deadline <= rt.now()) co_return error(errc::timeout);
        result<void> woken = co_await rt.wait(s.stopped_, deadline);
        if (!woken) co_return woken;
    }
    co_return result<void>();
}

} // namespace nats::services
