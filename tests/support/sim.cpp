// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what the network carries is a list of arrivals by time, and each arrival is
// a function. The driver takes what comes first, an arrival or a deadline, sets the time to it, and
// tells the session or the runtime.

#include "support/sim.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace nats::test {

namespace {

/// A test that needs more is not going to end.
constexpr std::size_t most_steps = 5'000'000;

} // namespace

sim::sim(as_given /*tag*/, const options& o, const sim_settings& settings)
    : settings_(settings),
      random_(settings.seed),
      cuts_(settings.seed + 1),
      session_(o, {&random_, nullptr, nullptr}),
      runtime_(session_, random_) {
    runtime_.advance(now_);
    runtime_.observe(
        [](void* self, const event& e) {
            auto& me = *static_cast<sim*>(self);
            me.events_.push_back(line_of(e));
            if (me.observer) me.observer(e);
        },
        this);
}

// --- the driver

bool sim::step(time_point until) {
    if (++steps_ > most_steps) throw std::logic_error("the simulation does not come to an end");
    if (take_event()) return true;
    while (std::optional<session_action> a = session_.poll_action()) perform(*a);
    transmit();
    collect();
    if (take_event()) return true; // writing may have shown that the connection is broken
    // As a driver whose reads are asynchronous: one is under way while nothing else happens.
    if (link_ && reading_.empty()) reading_ = session_.prepare();
    const time_point arrival = on_the_way_.empty() ? no_deadline : on_the_way_.begin()->first;
    const time_point deadline = runtime_.poll_timeout().value_or(no_deadline);
    const time_point next = std::min(arrival, deadline);
    if (next == no_deadline || next > until) return false;
    now_ = std::max(now_, next);
    runtime_.advance(now_);
    if (arrival <= deadline)
        arrive();
    else
        runtime_.handle_timeout(now_);
    return true;
}

/// One at a time: what an op got of an event is valid until the next one.
bool sim::take_event() {
    event e;
    if (!session_.next(e)) return false;
    if (std::holds_alternative<ev::message>(e)) events_.push_back(line_of(e));
    runtime_.dispatch(e);
    return true;
}

void sim::perform(const session_action& a) {
    if (const auto* c = std::get_if<action::connect>(&a)) {
        open(*c);
    } else if (const auto* end = std::get_if<action::close>(&a)) {
        if (end->id == link_) {
            link_.reset();
            linked_ = nullptr;
            reading_ = {};
        }
        session_.handle_closed(end->id, now_);
    }
}

void sim::transmit() {
    while (link_ && !silent_ && !writes_blocked_) {
        const_buffer piece[1];
        if (session_.poll_transmit(piece) == 0) return;
        const std::size_t n =
            std::min(piece_of(piece[0].size, settings_.output), output_limit_.at - bytes_written_);
        std::string bytes(piece[0].data, n);
        bytes_written_ += n;
        transcript_ += "> " + shown(bytes) + '\n';
        runtime_.transmitted(n);
        if (linked_ != nullptr)
            send([to = linked_, bytes = std::move(bytes)] { to->server.receive(bytes); }, link_);
        if (bytes_written_ == output_limit_.at) break_now(output_limit_.how);
    }
}

void sim::receive(std::string_view bytes) {
    while (!bytes.empty() && link_) {
        const std::span<char> space =
            reading_.empty() ? session_.prepare() : std::exchange(reading_, {});
        const std::size_t n = std::min({space.size(), bytes.size(), input_limit_.at - bytes_read_});
        std::memcpy(space.data(), bytes.data(), n);
        transcript_ += "< " + shown(bytes.substr(0, n)) + '\n';
        bytes_read_ += n;
        session_.commit(n, now_);
        bytes.remove_prefix(n);
        if (bytes_read_ == input_limit_.at) return break_now(input_limit_.how);
    }
}

void sim::settle() {
    while (true) {
        while (step(now_)) {
        }
        if (on_the_way_.empty()) return;
        step(on_the_way_.begin()->first);
    }
}

void sim::advance(duration d) {
    const time_point until = now_ + d;
    while (step(until)) {
    }
    now_ = until;
    runtime_.advance(now_);
}

void sim::until(const std::function<bool()>& done) {
    while (!done()) {
        if (!step()) throw std::logic_error("nothing can happen any more");
    }
}

bool sim::connect() {
    if (const result<void> started = session_.start(now_); !started)
        throw std::logic_error(started.error().message());
    until([this] { return session_.status() != session_status::connecting; });
    settle();
    return session_.status() == session_status::connected;
}

result<message_view> sim::next(mailbox& box, duration timeout) {
    const time_point deadline = now_ + timeout;
    while (true) {
        const result<const message_view*> m = runtime_.next_for(box);
        if (!m) return m.error();
        if (*m != nullptr) return **m;
        if (!step(deadline)) return error{errc::timeout};
    }
}

// --- the network

sim::peer& sim::place(std::string_view at) {
    auto found = places_.find(at);
    if (found == places_.end()) {
        auto made = std::make_unique<peer>(peer{scripted_server(settings_.rules), reach::accepts});
        found = places_.emplace(std::string(at), std::move(made)).first;
    }
    return *found->second;
}

void sim::open(const action::connect& c) {
    peer& to = place(c.to->text());
    const auto fail = [this, id = c.id, at = c.to->text()](errc why) {
        send([=, this] { session_.handle_connect_failed(id, error{why, at}, now_); });
    };
    switch (to.how) {
    case reach::refused: fail(errc::connect_failed); break;
    case reach::unknown_host: fail(errc::resolve_failed); break;
    case reach::silent: break;
    case reach::accepts:
        link_ = c.id;
        reading_ = {};
        linked_ = &to;
        silent_ = false;
        to.server.accept();
        send([this, id = c.id] { session_.handle_connected(id, now_); }, link_);
        break;
    }
}

void sim::collect() {
    if (linked_ == nullptr || silent_) return;
    const std::string output = linked_->server.take_output();
    std::string_view rest = output;
    while (!rest.empty()) {
        const std::size_t n = piece_of(rest.size(), settings_.input);
        send([this, bytes = std::string(rest.substr(0, n))] { receive(bytes); }, link_);
        rest.remove_prefix(n);
    }
    if (linked_->server.hung_up()) {
        send([this, id = *link_] { session_.handle_eof(id, now_); }, link_);
        linked_ = nullptr; // it says no more, but what is on the way arrives
    }
}

void sim::send(std::function<void()> arrival, std::optional<attempt_id> link) {
    on_the_way_.emplace(now_ + settings_.latency, [this, link, arrival = std::move(arrival)] {
        if (!link || (link == link_ && !silent_)) arrival();
    });
}

void sim::arrive() {
    const auto first = on_the_way_.begin();
    const std::function<void()> arrival = std::move(first->second);
    on_the_way_.erase(first);
    arrival();
}

void sim::break_now(fault f) {
    const std::optional<attempt_id> broken = link_;
    silent_ = true; // nothing gets through any more
    if (f == fault::eof && broken) session_.handle_eof(*broken, now_);
    if (f == fault::io_error && broken)
        session_.handle_io_error(*broken, std::make_error_code(std::errc::connection_reset), now_);
}

std::size_t sim::piece_of(std::size_t available, cut how) noexcept {
    switch (how) {
    case cut::whole: return available;
    case cut::bytes: return 1;
    case cut::random: return 1 + static_cast<std::size_t>(cuts_.below(available));
    }
    return available;
}

std::size_t sim::count(std::string_view line_start) const {
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(),
                      [&](const std::string& l) { return l.starts_with(line_start); }));
}

} // namespace nats::test
