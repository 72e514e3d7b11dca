// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a waiting call starts an operation whose handler notes the result, and runs
// the context until it has been called. The state of that is shared with the handler, since what a
// handler of the test's throws leaves the call before that. A context that has nothing to do while
// an operation waits is a mistake of the library.
//
// An immediate call queues output, which the client writes when its context runs next: that is let
// run until it is written, and no longer. Every second client is told that its executor is serial,
// so that both ways of the library are gone.

#include "integration/asio_client.hpp"
#include "integration/asio_facade.hpp"
#include "integration/asio_home.hpp"

namespace nats::test::on_asio {

// --- subscription

subscription::subscription(aio::subscription s, std::shared_ptr<home> h)
    : home_(std::move(h)), sub_(std::move(s)) {}

subscription& subscription::operator=(subscription&& other) noexcept {
    subscription old(std::move(*this));
    home_ = std::move(other.home_);
    sub_ = std::move(other.sub_);
    left_ = std::move(other.left_);
    return *this;
}

subscription::~subscription() {
    if (!home_) return;
    sub_ = aio::subscription();
    home_->write_soon();
}

result<message> subscription::next(duration timeout) {
    if (!home_) return error{errc::invalid_subscription};
    const std::shared_ptr<home> keep = home_; // a handler may destroy this
    const std::shared_ptr<std::optional<message>> left = left_;
    if (*left) return *std::exchange(*left, std::nullopt);
    if (timeout <= duration::zero()) keep->poll(); // what is there is in the socket
    const auto out = std::make_shared<outcome<message>>();
    try {
        return keep->wait<message>(out, [&](outcome<message>& o, auto handler) {
            sub_.next({.timeout = timeout, .why = &o.why}, handler);
        });
    } catch (...) {
        if (out->done && !out->ec) *left = std::move(out->value);
        throw;
    }
}

result<message_view> subscription::next_view(duration timeout) {
    result<message> m = next(timeout);
    if (!m) return m.error();
    home_->kept = std::move(*m);
    return home_->kept.view();
}

void subscription::on_end(std::function<void(const error& why)> handler) {
    sub_.on_end([h = home_.get(), f = std::move(handler)](const error& why) {
        h->tell([f, why] { f(why); });
    });
}

subscription::range subscription::messages(duration each) {
    return {*this, each};
}

bool subscription::range::advance() {
    result<message> m = subscription_->next(each_);
    if (!m) {
        why_ = m.error();
        return false;
    }
    current_ = std::move(*m);
    return true;
}

result<void> subscription::unsubscribe(std::optional<std::uint64_t> after) {
    result<void> done = sub_.unsubscribe(after);
    if (home_) home_->write_soon();
    return done;
}

result<void> subscription::drain() {
    result<void> begun = sub_.drain();
    if (home_) home_->write_soon();
    return begun;
}

// --- replies

replies::replies(aio::replies r, std::shared_ptr<home> h)
    : home_(std::move(h)), replies_(std::move(r)) {}

replies& replies::operator=(replies&& other) noexcept {
    replies old(std::move(*this));
    home_ = std::move(other.home_);
    replies_ = std::move(other.replies_);
    return *this;
}

replies::~replies() {
    if (!home_) return;
    replies_ = aio::replies();
    home_->write_soon();
}

result<std::optional<message>> replies::next() {
    if (!home_) return std::optional<message>();
    using type = std::optional<message>;
    return home_->wait<type>(
        [this](outcome<type>& out, auto handler) { replies_.next(&out.why, handler); });
}

result<std::optional<message_view>> replies::next_view() {
    result<std::optional<message>> m = next();
    if (!m) return m.error();
    if (!*m) return std::optional<message_view>();
    home_->kept = std::move(**m);
    return std::optional<message_view>(home_->kept.view());
}

// --- client

result<client> client::connect(std::string_view servers, const blocking_options& b) {
    options o;
    o.servers = servers;
    return connect(o, b);
}

result<client> client::connect(const options& o, const blocking_options& b) {
    client made(std::make_shared<home>(b));
    home& h = *made.home_;
    const result<void> up =
        h.wait<void>([&](outcome<void>&, auto handler) { h.nc().connect(o, handler); });
    if (!up) return up.error() == h.nc().close_reason().code() ? h.nc().close_reason() : up.error();
    return made;
}

client::client(std::shared_ptr<home> h) noexcept : home_(std::move(h)) {}

client& client::operator=(client&& other) noexcept {
    end();
    home_ = std::move(other.home_);
    return *this;
}

client::~client() {
    end();
}

void client::end() noexcept {
    if (!home_) return;
    try {
        home_->end_client();
    } catch (...) {
        return; // an observer that throws: a destructor can tell nobody
    }
    home_.reset();
}

aio::client& client::aio() const noexcept {
    return home_->nc();
}

result<void> client::publish(std::string_view subject, bytes payload, const publish_options& o) {
    result<void> queued = aio().publish(subject, payload, o);
    if (!queued && queued.error() == errc::output_full && !home_->in_handler()) {
        return home_->wait<void>([&](outcome<void>& out, auto handler) {
            aio().publish_when_room(subject, payload, o, handler, &out.why);
        });
    }
    home_->write_soon();
    return queued;
}

result<void> client::respond(const message_view& to, bytes payload, header_view headers) {
    if (to.reply.empty()) return aio().respond(to, payload, headers);
    return publish(to.reply, payload, {.reply = {}, .headers = headers});
}

client::burst_scope client::burst() noexcept {
    return burst_scope(home_);
}

result<void> client::write() {
    home_->write();
    return {};
}

result<duration> client::flush(duration timeout) {
    return home_->wait<duration>([&](outcome<duration>& out, auto handler) {
        aio().flush({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<duration> client::rtt(duration timeout) {
    return home_->wait<duration>([&](outcome<duration>& out, auto handler) {
        aio().rtt({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<void> client::wait_connected(duration timeout) {
    return home_->wait<void>([&](outcome<void>& out, auto handler) {
        aio().wait_connected({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<void> client::barrier(duration timeout) {
    return home_->wait<void>([&](outcome<void>& out, auto handler) {
        aio().barrier({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<message> client::request(std::string_view subject, bytes payload, duration timeout,
                                header_view headers) {
    return home_->wait<message>([&](outcome<message>& out, auto handler) {
        aio().request(subject, payload, {.timeout = timeout, .headers = headers, .why = &out.why},
                      handler);
    });
}

result<message_view> client::request_view(std::string_view subject, bytes payload, duration timeout,
                                          header_view headers) {
    result<message> m = request(subject, payload, timeout, headers);
    if (!m) return m.error();
    home_->kept = std::move(*m);
    return home_->kept.view();
}

result<message> client::request_by_inbox(std::string_view subject, bytes payload, duration timeout,
                                         header_view headers) {
    return home_->wait<message>([&](outcome<message>& out, auto handler) {
        aio().request_by_inbox(subject, payload,
                               {.timeout = timeout, .headers = headers, .why = &out.why}, handler);
    });
}

std::vector<result<message>> client::request_all(std::string_view subject,
                                                 const std::vector<std::string>& payloads,
                                                 duration timeout) {
    std::vector<std::shared_ptr<outcome<message>>> waiting;
    for (const std::string& p : payloads) {
        waiting.push_back(std::make_shared<outcome<message>>());
        home::begin(waiting.back(), [&](outcome<message>& out, auto handler) {
            aio().request(subject, p, {.timeout = timeout, .headers = {}, .why = &out.why},
                          handler);
        });
    }
    home_->run_until(
        [&] { return std::ranges::all_of(waiting, [](const auto& w) { return w->done; }); });
    std::vector<result<message>> out;
    for (const auto& w : waiting) out.push_back(w->take());
    return out;
}

result<replies> client::request_many(std::string_view subject, bytes payload,
                                     const request_many_options& o, header_view headers) {
    result<aio::replies> made = aio().request_many(subject, payload, o, headers);
    home_->write_soon();
    if (!made) return made.error();
    return replies(std::move(*made), home_);
}

result<subscription> client::subscribe(std::string_view subject, const subscribe_options& o) {
    result<aio::subscription> made = aio().subscribe(subject, o);
    home_->write_soon();
    if (!made) return made.error();
    return subscription(std::move(*made), home_);
}

result<subscription> client::subscribe(std::string_view subject,
                                       std::function<void(const message_view&)> handler,
                                       const subscribe_options& o) {
    result<aio::subscription> made = aio().subscribe(subject, std::move(handler), o);
    home_->write_soon();
    if (!made) return made.error();
    return subscription(std::move(*made), home_);
}

result<std::size_t> client::poll(duration timeout) {
    const time_point deadline = deadline_after(clock::now(), std::max(timeout, duration::zero()));
    if (home_->run_until_progress(deadline)) return std::size_t{1};
    if (status() == session_status::closed) return close_reason();
    return std::size_t{0};
}

result<void> client::run_for(duration timeout) {
    const time_point deadline = deadline_after(clock::now(), std::max(timeout, duration::zero()));
    while (clock::now() < deadline) {
        if (result<std::size_t> n = poll(deadline - clock::now()); !n) return n.error();
    }
    return {};
}

void client::on_event(std::function<void(const event&)> observer) {
    home_->observe(std::move(observer));
}

void client::close() {
    if (home_->in_handler())
        aio().close([](boost::system::error_code) {});
    else
        (void)home_->close();
}

result<void> client::drain() {
    return home_->wait<void>(
        [&](outcome<void>& out, auto handler) { aio().drain(&out.why, handler); });
}

result<void> client::start_drain() {
    result<void> begun = aio().start_drain();
    home_->write_soon();
    return begun;
}

result<void> client::force_reconnect() {
    home_->write_soon();
    return aio().force_reconnect();
}

result<void> client::set_servers(std::string_view list) {
    return aio().set_servers(list);
}

result<std::string> client::run(op<result<std::string>> o) {
    return home_->wait<std::string>([&](outcome<std::string>& out, auto handler) {
        aio().run(std::move(o), handler, &out.why);
    });
}

facade_handle client::handle() const {
    return {home_, aio().handle()};
}

runtime& client::rt() noexcept {
    return *aio().rt();
}

std::vector<server_status> client::servers() const {
    return aio().servers();
}
session_status client::status() const noexcept {
    return home_->status();
}
const server_info& client::info() const noexcept {
    return aio().info();
}
const endpoint& client::server() const noexcept {
    return aio().server();
}
const statistics& client::stats() const noexcept {
    return aio().stats();
}
bool client::secure() const noexcept {
    return aio().secure();
}
duration client::last_rtt() const noexcept {
    return aio().last_rtt();
}
std::string client::local_address() const {
    return aio().local_address();
}
const error& client::close_reason() const noexcept {
    return aio().close_reason();
}
std::size_t client::kept() const noexcept {
    return aio().kept();
}
std::size_t client::buffered() const noexcept {
    return aio().buffered();
}
int client::fd() const noexcept {
    return local_address().empty() ? -1 : 0;
}

client::burst_scope::burst_scope(std::shared_ptr<home> h) noexcept : home_(std::move(h)) {
    ++home_->bursts;
}
client::burst_scope::burst_scope(burst_scope&& other) noexcept = default;
client::burst_scope::~burst_scope() {
    if (!home_) return;
    --home_->bursts;
    home_->write_soon();
}

} // namespace nats::test::on_asio
