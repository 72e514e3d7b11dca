// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the public face; each call tells the hub the time, does one thing, and lets
// the hub do what that has left to do. See hub.cpp.

#include <natsproto/broker/broker.hpp>

#include "broker/hub.hpp"
#include "broker/memory_end.hpp"
#include "broker/options.hpp"

#include <utility>

namespace nats {

class broker::impl : public embedded::hub {
    using hub::hub;
};

namespace {

result<std::unique_ptr<tls_acceptor>> make_acceptor(const broker_options& o,
                                                    const environment& world) {
    if (!o.tls) return std::unique_ptr<tls_acceptor>();
    tls_server_parameters p;
    p.certificate = o.tls->certificate;
    p.key = o.tls->key.view();
    p.key_password = o.tls->key_password.view();
    p.ca = o.tls->ca;
    p.require_client_certificate = o.tls->require_client_certificate;
    p.minimum = o.tls->minimum;
    return world.crypto->tls_server(p);
}

} // namespace

broker::broker(std::unique_ptr<impl> i) noexcept : impl_(std::move(i)) {
    impl_->face_ = this;
}
broker::~broker() = default;

result<std::unique_ptr<broker>> broker::create(broker_options o, const environment& world,
                                               time_point now) {
    if (result<void> ok = embedded::check(o, world); !ok) return ok.error();
    result<std::unique_ptr<tls_acceptor>> tls = make_acceptor(o, world);
    if (!tls) return tls.error();
    auto i = std::make_unique<impl>(std::move(o), world, std::move(*tls), now);
    return std::unique_ptr<broker>(new broker(std::move(i))); // NOLINT: private
}

// --- transports

broker_peer& broker::accept(std::string_view address, time_point now) {
    broker_peer& added = impl_->add(address, now, nullptr);
    impl_->run();
    return added;
}
memory_transport broker::connect(time_point now) {
    memory_transport end;
    end.state_ = std::make_unique<memory_transport::state>();
    impl_->add({}, now, end.state_.get());
    impl_->run();
    return end;
}
broker_peer* broker::next_ready() {
    return impl_->next_ready();
}

// --- time

std::optional<time_point> broker::poll_timeout() const noexcept {
    return impl_->poll_timeout();
}
void broker::handle_timeout(time_point now) {
    impl_->handle_timeout(now);
}

// --- the program's own part

result<bool> broker::publish(std::string_view subject, bytes payload, std::string_view reply,
                             header_view headers) {
    result<bool> heard = impl_->publish(subject, payload, reply, headers);
    impl_->run();
    return heard;
}
result<local_sub_id> broker::subscribe(std::string_view subject, std::string_view queue, handler h,
                                       void* context) {
    return impl_->subscribe(subject, queue, h, context);
}
void broker::unsubscribe(local_sub_id id) {
    impl_->unsubscribe(id);
}

// --- for tests

std::vector<client_status> broker::clients() const {
    std::vector<client_status> all;
    for (const auto& [id, p] : impl_->peers_) {
        if (!p->ended()) all.push_back(p->status());
    }
    return all;
}

void broker::cut(client_id id) {
    if (embedded::peer* const p = impl_->find(id)) p->cut();
    impl_->run();
}
void broker::cut_all() {
    for (auto& [id, p] : impl_->peers_) p->cut();
    impl_->run();
}
void broker::hold(client_id id, time_point until) {
    if (embedded::peer* const p = impl_->find(id)) p->hold(until);
    impl_->run();
}
void broker::send_err(client_id id, std::string_view text) {
    if (embedded::peer* const p = impl_->find(id)) p->send_err(text);
    impl_->run();
}
void broker::fail(client_id id, std::string_view text) {
    if (embedded::peer* const p = impl_->find(id)) p->fail(text);
    impl_->run();
}
result<void> broker::announce(const server_info& info) {
    return impl_->announce(info);
}
const server_info& broker::info() const noexcept {
    return impl_->info_;
}

// --- the end

void broker::lame_duck(time_point now) {
    impl_->lame_duck(now);
    impl_->run();
}
void broker::stop(time_point now, time_point deadline) {
    impl_->stop(now, deadline);
    impl_->run();
}
bool broker::stopping() const noexcept {
    return impl_->stopping_;
}
bool broker::finished() const noexcept {
    return impl_->finished();
}
const broker_statistics& broker::stats() const noexcept {
    return impl_->stats_;
}

} // namespace nats
