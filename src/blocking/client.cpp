// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each call is a line or two: check the arguments, run the op or the driver's
// loop, copy the result where an owning message was asked for.

#include <natsproto/blocking/client.hpp>

#include <natsproto/client/ops.hpp>

#include "blocking/driver.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace nats {

namespace {

result<void> positive(duration d, const char* what) {
    if (d <= duration::zero())
        return error{errc::invalid_argument, std::string(what) + " must be positive"};
    return {};
}

} // namespace

client::client(std::shared_ptr<blocking::driver> d) noexcept : driver_(std::move(d)) {}
client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept {
    client old(std::move(*this));
    driver_ = std::move(other.driver_);
    return *this;
}

client::~client() {
    if (!driver_) return;
    try {
        driver_->close();
    } catch (...) {
        // An observer that throws, or no memory: a destructor can tell nobody.
        return;
    }
}

result<client> client::connect(std::string_view servers, const blocking_options& b) {
    options o;
    o.servers = servers;
    return connect(o, b);
}

result<client> client::connect(const options& o, const blocking_options& b) {
    auto made = std::make_unique<blocking::driver>(o, b);
    client c(std::shared_ptr<blocking::driver>(made.release(), &blocking::driver::let_go));
    if (result<void> ok = c.driver_->check(); !ok) return ok.error();
    if (result<void> started = c.driver_->session_.start(clock::now()); !started)
        return started.error();
    if (result<void> up = c.run(ops::wait_settled(c.rt())); !up) return up.error();
    return c;
}

runtime& client::rt() noexcept {
    driver_->runtime_.advance(clock::now()); // an op that starts now needs to know when that is
    return driver_->runtime_;
}

// --- publishing

result<void> client::publish(std::string_view subject, bytes payload, const publish_options& o) {
    return driver_->publish(subject, payload, o);
}

result<void> client::respond(const message_view& to, bytes payload, header_view headers) {
    if (to.reply.empty()) return error{errc::no_reply, '"' + printable(to.subject) + '"'};
    return driver_->publish(to.reply, payload, {.reply = {}, .headers = headers});
}

client::burst_scope client::burst() noexcept {
    driver_->begin_burst();
    return burst_scope(driver_.get());
}

client::burst_scope::burst_scope(burst_scope&& other) noexcept
    : driver_(std::exchange(other.driver_, nullptr)) {}

client::burst_scope::~burst_scope() {
    if (driver_ != nullptr) driver_->end_burst();
}

result<void> client::write() {
    return driver_->write();
}

// --- waiting calls

result<duration> client::flush(duration timeout) {
    if (result<void> ok = positive(timeout, "timeout"); !ok) return ok.error();
    runtime& r = rt();
    return run(ops::flush(r, deadline_after(r.now(), timeout)));
}

result<duration> client::rtt(duration timeout) {
    if (result<void> ok = positive(timeout, "timeout"); !ok) return ok.error();
    runtime& r = rt();
    return run(ops::measure_rtt(r, deadline_after(r.now(), timeout)));
}

result<void> client::wait_connected(duration timeout) {
    if (result<void> ok = positive(timeout, "timeout"); !ok) return ok;
    runtime& r = rt();
    return run(ops::wait_connected(r, deadline_after(r.now(), timeout)));
}

result<void> client::barrier(duration timeout) {
    if (result<void> ok = positive(timeout, "timeout"); !ok) return ok;
    runtime& r = rt();
    return run(ops::barrier(r, deadline_after(r.now(), timeout)));
}

result<message_view> client::request_view(std::string_view subject, bytes payload, duration timeout,
                                          header_view headers) {
    if (result<void> ok = positive(timeout, "timeout"); !ok) return ok.error();
    runtime& r = rt();
    const time_point deadline = deadline_after(r.now(), timeout);
    if (!driver_->full()) return run(ops::request(r, subject, payload, headers, deadline));
    // Waiting for room ends views of messages, and the arguments may be such views.
    const std::string kept_subject(subject);
    const std::string kept_payload(payload.text());
    const std::string kept_headers(headers.raw());
    while (driver_->full()) {
        if (result<void> room = driver_->wait_room(deadline); !room) return room.error();
    }
    return run(ops::request(r, kept_subject, kept_payload, header_view(kept_headers), deadline));
}

result<message> client::request(std::string_view subject, bytes payload, duration timeout,
                                header_view headers) {
    result<message_view> reply = request_view(subject, payload, timeout, headers);
    if (!reply) return reply.error();
    return message(*reply);
}

result<message> client::request_by_inbox(std::string_view subject, bytes payload, duration timeout,
                                         header_view headers) {
    if (result<void> ok = positive(timeout, "timeout"); !ok) return ok.error();
    runtime& r = rt();
    return run(
        ops::request_by_inbox(r, subject, payload, headers, deadline_after(r.now(), timeout)));
}

result<replies> client::request_many(std::string_view subject, bytes payload,
                                     const request_many_options& o, header_view headers) {
    runtime& r = rt();
    auto state = std::make_unique<blocking::replies_state>(driver_, o, r.now());
    if (result<void> sent = start_request_many(r, state->many, subject, payload, headers, o); !sent)
        return sent.error();
    if (result<void> written = driver_->write_soon(); !written) return written.error();
    return replies(std::move(state));
}

result<subscription> client::subscribe(std::string_view subject, const subscribe_options& o) {
    auto state = std::make_unique<blocking::subscription_state>();
    state->owner = driver_;
    if (result<void> ok = driver_->runtime_.subscribe(state->box, subject, o); !ok)
        return ok.error();
    if (result<void> written = driver_->write_soon(); !written) return written.error();
    return subscription(std::move(state));
}

result<subscription> client::subscribe(std::string_view subject,
                                       std::function<void(const message_view&)> handler,
                                       const subscribe_options& o) {
    if (!handler) return error{errc::invalid_argument, "an empty handler"};
    auto state = std::make_unique<blocking::subscription_state>();
    state->owner = driver_;
    state->handler = std::make_shared<std::function<void(const message_view&)>>(std::move(handler));
    const auto call = [](void* context, const message_view& m) {
        const auto keep = static_cast<blocking::subscription_state*>(context)
                              ->handler; // it may destroy its subscription
        (*keep)(m);
    };
    if (result<void> ok = driver_->runtime_.subscribe(state->box, subject, o, call, state.get());
        !ok)
        return ok.error();
    if (result<void> written = driver_->write_soon(); !written) return written.error();
    return subscription(std::move(state));
}

result<std::size_t> client::poll(duration timeout) {
    return driver_->poll(timeout);
}

result<void> client::run_for(duration timeout) {
    const time_point deadline = deadline_after(clock::now(), std::max(timeout, duration::zero()));
    while (true) {
        const time_point now = clock::now();
        if (now >= deadline) return {};
        if (result<std::size_t> n = driver_->poll(deadline - now); !n) return n.error();
    }
}

// --- somebody else's loop

int client::fd() const noexcept {
    return driver_->transport_.fd();
}
bool client::wants_write() const noexcept {
    return driver_->session_.untransmitted() != 0 || driver_->transport_.connecting();
}
std::optional<time_point> client::next_deadline() const noexcept {
    const time_point next = std::min(driver_->runtime_.poll_timeout().value_or(no_deadline),
                                     driver_->transport_.next_deadline());
    return next == no_deadline ? std::nullopt : std::optional(next);
}
void client::interrupt() noexcept {
    driver_->transport_.interrupt();
}

// --- the rest

void client::on_event(std::function<void(const event&)> observer) {
    driver_->observer_ = std::move(observer);
}
void client::close() {
    driver_->close();
}
result<void> client::start_drain() {
    return driver_->start_drain(true);
}

result<void> client::drain() {
    return driver_->drain();
}

result<void> client::force_reconnect() {
    (void)driver_->write(); // what the kernel takes of the output is not lost by it
    return driver_->session_.force_reconnect(clock::now());
}

result<void> client::set_servers(std::string_view list) {
    return driver_->session_.set_servers(list);
}

std::vector<server_status> client::servers() const {
    return driver_->session_.servers();
}

bool client::secure() const noexcept {
    return driver_->session_.secure();
}

duration client::last_rtt() const noexcept {
    return driver_->session_.rtt();
}

std::string client::local_address() const {
    return driver_->transport_.local_address();
}

const error& client::close_reason() const noexcept {
    return driver_->session_.close_reason();
}

std::size_t client::kept() const noexcept {
    return driver_->session_.kept();
}

session_status client::status() const noexcept {
    return driver_->session_.status();
}
const server_info& client::info() const noexcept {
    return driver_->session_.info();
}
const endpoint& client::server() const noexcept {
    return *driver_->session_.server();
}
const statistics& client::stats() const noexcept {
    return driver_->session_.stats();
}
std::size_t client::buffered() const noexcept {
    return driver_->session_.untransmitted();
}

} // namespace nats
