// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: immediate calls go to the session or the runtime, and tell the driver that
// there is something to do. Before `connect` there is neither.

#include <natsproto/asio/client.hpp>

#include "asio/driver.hpp"

#include <utility>

namespace nats::aio {

namespace {

detail::driver::core* core_of(const std::shared_ptr<detail::driver>& d) noexcept {
    return d ? d->session_or_null() : nullptr;
}

/// Does `f(core&)`, a command of the session, which may queue output or events.
template <class F>
auto command(const std::shared_ptr<detail::driver>& d, F f)
    -> decltype(f(std::declval<detail::driver::core&>())) {
    detail::driver::core* const c = core_of(d);
    if (c == nullptr) return error{errc::not_connected};
    c->rt.advance(clock::now());
    auto done = f(*c);
    d->touched();
    return done;
}

} // namespace

client::client(executor_type ex, const client_options& o)
    : driver_(detail::driver::make(std::move(ex), o)) {}
client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept {
    const client old(std::move(*this));
    driver_ = std::move(other.driver_);
    return *this;
}

client::~client() {
    if (driver_) driver_->abandon();
}

client::executor_type client::get_executor() const noexcept {
    return driver_->executor();
}

// --- immediate calls

result<void> client::publish(std::string_view subject, bytes payload, const publish_options& o) {
    if (!driver_) return error{errc::not_connected};
    return driver_->publish(subject, payload, o);
}

result<void> client::respond(const message_view& to, bytes payload, header_view headers) {
    if (to.reply.empty()) return error{errc::no_reply, '"' + printable(to.subject) + '"'};
    return publish(to.reply, payload, {.reply = {}, .headers = headers});
}

publisher client::get_publisher() const {
    return publisher(driver_->output());
}

result<subscription> client::subscribe(std::string_view subject, const subscribe_options& o) {
    return command(driver_, [&](detail::driver::core& c) -> result<subscription> {
        auto state = std::make_shared<detail::subscription_state>(driver_);
        if (result<void> ok = c.rt.subscribe(state->box, subject, o); !ok) return ok.error();
        return subscription(std::move(state));
    });
}

result<subscription> client::subscribe(std::string_view subject,
                                       std::function<void(const message_view&)> handler,
                                       const subscribe_options& o) {
    if (!handler) return error{errc::invalid_argument, "an empty handler"};
    return command(driver_, [&](detail::driver::core& c) -> result<subscription> {
        auto state = std::make_shared<detail::subscription_state>(driver_);
        state->handler =
            std::make_shared<std::function<void(const message_view&)>>(std::move(handler));
        const auto call = [](void* context, const message_view& m) {
            auto& s = *static_cast<detail::subscription_state*>(context);
            if (s.owner->muted()) return;
            const auto keep = s.handler; // it may destroy its subscription
            (*keep)(m);
        };
        if (result<void> ok = c.rt.subscribe(state->box, subject, o, call, state.get()); !ok)
            return ok.error();
        return subscription(std::move(state));
    });
}

result<replies> client::request_many(std::string_view subject, bytes payload,
                                     const request_many_options& o, header_view headers) {
    return command(driver_, [&](detail::driver::core& c) -> result<replies> {
        auto state = std::make_shared<detail::replies_state>(driver_, o, c.rt.now());
        if (result<void> sent = start_request_many(c.rt, state->many, subject, payload, headers, o);
            !sent)
            return sent.error();
        return replies(std::move(state));
    });
}

result<void> client::start_drain() {
    return command(driver_, [](detail::driver::core& c) { return c.rt.drain_connection(true); });
}

result<void> client::force_reconnect() {
    return command(
        driver_, [](detail::driver::core& c) { return c.connection.force_reconnect(c.rt.now()); });
}

result<void> client::set_servers(std::string_view list) {
    return command(driver_,
                   [&](detail::driver::core& c) { return c.connection.set_servers(list); });
}

void client::on_event(std::function<void(const event&)> observer) {
    driver_->observe(std::move(observer));
}

// --- getters

std::vector<server_status> client::servers() const {
    const detail::driver::core* const c = core_of(driver_);
    return c == nullptr ? std::vector<server_status>() : c->connection.servers();
}

session_status client::status() const noexcept {
    const detail::driver::core* const c = core_of(driver_);
    return c == nullptr ? session_status::idle : c->connection.status();
}

const server_info& client::info() const noexcept {
    static const server_info none;
    const detail::driver::core* const c = core_of(driver_);
    return c == nullptr ? none : c->connection.info();
}

const endpoint& client::server() const noexcept {
    static const endpoint none;
    const detail::driver::core* const c = core_of(driver_);
    const endpoint* const server = c == nullptr ? nullptr : c->connection.server();
    return server == nullptr ? none : *server;
}

const statistics& client::stats() const noexcept {
    static const statistics none;
    const detail::driver::core* const c = core_of(driver_);
    return c == nullptr ? none : c->connection.stats();
}

bool client::secure() const noexcept {
    const detail::driver::core* const c = core_of(driver_);
    return c != nullptr && c->connection.secure();
}

duration client::last_rtt() const noexcept {
    const detail::driver::core* const c = core_of(driver_);
    return c == nullptr ? duration() : c->connection.rtt();
}

std::string client::local_address() const {
    return driver_->local_address();
}

const error& client::close_reason() const noexcept {
    return driver_->failure();
}

std::size_t client::kept() const noexcept {
    const detail::driver::core* const c = core_of(driver_);
    return c == nullptr ? 0 : c->connection.kept();
}

std::size_t client::buffered() const noexcept {
    const detail::driver::core* const c = core_of(driver_);
    return c == nullptr ? 0 : c->connection.untransmitted();
}

} // namespace nats::aio
