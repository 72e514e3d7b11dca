// SPDX-License-Identifier: Apache-2.0
//
// Services (ADR-32) on any client: thin templates over `services::service_state`. `nats::service`
// is this on the blocking client, whose handlers run during waiting calls; `nats::aio::service` on
// the Asio client, where handlers may be coroutines too.
//
//     nats::service s = nats::service::start(nc, {"greeter", "1.0.0"}).value();
//     s.add_endpoint("hello", [](nats::service_request& r) {
//         (void)r.respond("hello, " + std::string(r.payload()));
//     }).value();
//
// It shares the connection of the client that it was made from. Threads: as the client; with Asio
// everything is called on the client's executor, but for what takes a completion token. It ends by
// `stop`, with the connection, when the connection is drained, or when the server refuses one of
// its subscriptions. Works with every server, and needs no JetStream.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/services/service_config.hpp>
#include <natsproto/services/service_request.hpp>
#include <natsproto/services/service_state.hpp>
#include <natsproto/time.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats {

namespace services::detail {

template <class Handle>
struct home;

/// An endpoint's handler.
template <class Handle>
struct endpoint_home {
    explicit endpoint_home(home<Handle>& h) noexcept : owner(&h) {}
    virtual ~endpoint_home() = default;
    endpoint_home(const endpoint_home&) = delete;
    endpoint_home& operator=(const endpoint_home&) = delete;

    home<Handle>* owner;
    std::size_t number = 0;
};

/// Shared by a service, its groups and what they have started.
template <class Handle>
struct home : std::enable_shared_from_this<home<Handle>> {
    home(Handle c, runtime& rt, service_config config, wall_time now)
        : client(std::move(c)), state(rt, std::move(config), now, ended, troubled) {}
    home(const home&) = delete;
    home& operator=(const home&) = delete;
    ~home() = default;

    [[nodiscard]] runtime* rt() { return client.rt(); }
    /// The handler of a request has thrown.
    void fail(std::string_view reply, request_record& record) {
        record.failure = "500:the handler has failed";
        if (record.answered || reply.empty()) return;
        message_view m;
        m.reply = reply;
        (void)basic_service_request<Handle>(m, client, record)
            .respond_error(500, "the handler has failed");
    }

    Handle client; ///< before what needs its runtime
    notice ended{&home::tell_end, this};
    notice troubled{&home::tell_trouble, this};
    std::vector<std::unique_ptr<endpoint_home<Handle>>> endpoints; ///< they are handlers' contexts
    service_state state;
    std::function<void(std::string_view, const error&)> on_error;
    std::function<void(const error&)> on_stop;
    std::function<std::string(const endpoint_stats&)> data;

    // Whatever is called may drop the service, so each keeps this until it is done.
    static void tell_end(void* context) {
        const auto self = static_cast<home*>(context)->shared_from_this();
        if (self->client.muted()) return;
        const auto f = std::exchange(self->on_stop, nullptr);
        if (f) f(self->state.why().value_or(errc::service_stopped));
    }
    static void tell_trouble(void* context) {
        const auto self = static_cast<home*>(context)->shared_from_this();
        while (std::optional<service_trouble> t = self->state.poll_trouble()) {
            if (self->on_error && !self->client.muted()) self->on_error(t->endpoint, t->why);
        }
    }
    static std::string tell_data(void* context, const endpoint_stats& of) {
        const auto& self = *static_cast<home*>(context);
        return self.client.muted() ? std::string() : self.data(of);
    }
};

/// An endpoint whose handler is a function.
template <class Handle>
struct function_home final : endpoint_home<Handle> {
    using function = std::function<void(basic_service_request<Handle>&)>;
    function_home(home<Handle>& h, function f) : endpoint_home<Handle>(h), handler(std::move(f)) {}

    static void tell(void* context, const message_view& m) {
        auto& e = *static_cast<function_home*>(context);
        const auto self = e.owner->shared_from_this();
        if (self->client.muted()) return;
        request_record record;
        const time_point begun = self->rt()->now();
        basic_service_request<Handle> r(m, self->client, record);
        try {
            e.handler(r);
        } catch (...) {
            self->fail(r.reply(), record);
            self->state.handle_request(e.number, self->rt()->now() - begun, record);
            throw;
        }
        self->state.handle_request(e.number, self->rt()->now() - begun, record);
    }

    function handler;
};

/// Adds endpoints; specialised for clients whose handlers have further forms.
template <class Handle>
struct endpoint_starter {
    static result<void> add(home<Handle>& h, const endpoint_config& c, const scope& in,
                            typename function_home<Handle>::function f) {
        if (!f) return error{errc::invalid_argument, "no handler"};
        auto made = std::make_unique<function_home<Handle>>(h, std::move(f));
        result<std::size_t> number =
            h.state.add_endpoint(c, in, &function_home<Handle>::tell, made.get());
        h.client.touch();
        if (!number) return number.error();
        made->number = *number;
        h.endpoints.push_back(std::move(made));
        return {};
    }
};

template <class Handle>
[[nodiscard]] op<result<void>> stop(runtime& rt, std::shared_ptr<home<Handle>> h,
                                    duration timeout) {
    h->state.stop();
    result<void> stopped = co_await wait_stopped(rt, h->state, deadline_after(rt.now(), timeout));
    co_return stopped;
}

} // namespace services::detail

/// What endpoints are added to: a service, or a group of it. Copyable; one that has lost its
/// service says `service_stopped`.
template <class Handle>
class basic_service_group {
public:
    /// Adds an endpoint of this name and subject. `handler`: a function that takes
    /// `basic_service_request<Handle>&`; on the Asio client also a coroutine that takes
    /// `aio::service_call` by value and returns `boost::asio::awaitable<void>`. What a handler
    /// throws is answered by an error response with code 500, unless there was an answer, counts as
    /// an error, and goes where exceptions of message handlers go. Errors: `invalid_service_name`,
    /// `invalid_subject`, `invalid_queue_group`, `service_stopped`; those of subscribing.
    template <class Handler>
    result<void> add_endpoint(std::string_view name, Handler&& handler) {
        return add_endpoint(services::endpoint_config(name), std::forward<Handler>(handler));
    }
    template <class Handler>
    result<void> add_endpoint(const services::endpoint_config& c, Handler&& handler) {
        const std::shared_ptr<home> h = home_.lock();
        if (!h || h->rt() == nullptr) return error{errc::service_stopped};
        return services::detail::endpoint_starter<Handle>::add(*h, c, scope_,
                                                               std::forward<Handler>(handler));
    }
    /// A group in this one: its prefix stands in front of the subjects of its endpoints. Errors:
    /// `invalid_subject`, `invalid_queue_group`.
    [[nodiscard]] result<basic_service_group> group(std::string_view prefix,
                                                    const services::group_options& o = {}) const {
        result<services::scope> inner = services::nested(scope_, prefix, o);
        if (!inner) return inner.error();
        return basic_service_group(home_, std::move(*inner));
    }

private:
    template <class Client>
    friend class basic_service;
    using home = services::detail::home<Handle>;
    basic_service_group(std::weak_ptr<home> h, services::scope s)
        : home_(std::move(h)), scope_(std::move(s)) {}

    std::weak_ptr<home> home_;
    services::scope scope_;
};

/// A service that runs. Movable; destroying it ends its subscriptions at once, and nothing is told.
template <class Client>
class basic_service {
public:
    using handle_type = typename Client::handle_type;
    using group_type = basic_service_group<handle_type>;

    /// Begins to answer questions about it; endpoints follow. Errors: `invalid_service_name`,
    /// `invalid_argument` for a version that is none, `invalid_subject`, `invalid_queue_group`;
    /// `not_connected` before the first connection; those of subscribing.
    [[nodiscard]] static result<basic_service> start(const Client& c,
                                                     services::service_config config) {
        if (result<void> ok = services::check(config); !ok) return ok.error();
        handle_type client = c.handle();
        runtime* const rt = client.rt();
        if (rt == nullptr) return error{errc::not_connected};
        services::scope own = services::scope_of(config);
        auto h = std::make_shared<home>(client, *rt, std::move(config), now());
        result<void> begun = h->state.start();
        client.touch();
        if (!begun) return begun.error();
        return basic_service(std::move(h), std::move(own));
    }

    basic_service(basic_service&&) noexcept = default;
    basic_service& operator=(basic_service&& other) noexcept {
        if (this == &other) return *this;
        end();
        home_ = std::move(other.home_);
        root_ = std::move(other.root_);
        return *this;
    }
    basic_service(const basic_service&) = delete;
    basic_service& operator=(const basic_service&) = delete;
    ~basic_service() { end(); }

    /// See `basic_service_group`.
    template <class Handler>
    result<void> add_endpoint(std::string_view name, Handler&& handler) {
        return root_.add_endpoint(name, std::forward<Handler>(handler));
    }
    template <class Handler>
    result<void> add_endpoint(const services::endpoint_config& c, Handler&& handler) {
        return root_.add_endpoint(c, std::forward<Handler>(handler));
    }
    [[nodiscard]] result<group_type> group(std::string_view prefix,
                                           const services::group_options& o = {}) const {
        return root_.group(prefix, o);
    }

    /// Ends it without losing a request that the server has sent to it: waits until all of those
    /// were dealt with. `void`. Errors: `timeout`, and then it goes on ending; the reason when the
    /// connection is closed; `in_use` while another `stop` waits. Not in a handler of the service,
    /// for which it would wait.
    template <class... Token>
    auto stop(duration timeout = std::chrono::seconds(30), Token&&... token) {
        return home_->client.run(
            [h = home_, timeout](runtime& rt) { return services::detail::stop(rt, h, timeout); },
            std::forward<Token>(token)...);
    }
    /// Begins that, and does not wait.
    void start_stop() {
        if (home_->rt() != nullptr) home_->state.stop();
        home_->client.touch();
    }
    /// Called once when it has stopped, and nothing of it is left to be done: with
    /// `service_stopped` if that was wanted; `drained` with the connection; the reason why the
    /// connection was closed; `permissions_violation`. It may destroy the service; it must not make
    /// waiting calls.
    void on_stop(std::function<void(const error& why)> f) { home_->on_stop = std::move(f); }
    /// Called when an endpoint has trouble: `slow_consumer`, after requests were dropped, and it
    /// goes on; `permissions_violation`, and the service stops; with an empty name for a
    /// subscription that answers questions, or when the connection has ended. As `on_stop`.
    void on_error(std::function<void(std::string_view endpoint, const error& why)> f) {
        home_->on_error = std::move(f);
    }
    /// What is to stand as `data` in the statistics of each endpoint: JSON; empty, or no JSON, for
    /// nothing. It must not destroy the service.
    void on_stats(std::function<std::string(const services::endpoint_stats&)> f) {
        home_->data = std::move(f);
        home_->state.set_data_source(home_->data ? &home::tell_data : nullptr, home_.get());
    }

    /// The counters begin again, and `started` is now.
    void reset() { home_->state.reset(now()); }

    [[nodiscard]] services::service_status status() const noexcept { return home_->state.status(); }
    /// Of this instance.
    [[nodiscard]] const std::string& id() const noexcept { return home_->state.machine().id(); }
    [[nodiscard]] services::info_response info() const { return home_->state.machine().info(); }
    [[nodiscard]] services::stats_response stats() const { return home_->state.stats(); }

private:
    using home = services::detail::home<handle_type>;
    basic_service(std::shared_ptr<home> h, services::scope own)
        : home_(std::move(h)), root_(home_, std::move(own)) {}

    [[nodiscard]] static services::wall_time now() {
        return std::chrono::time_point_cast<std::chrono::nanoseconds>(
            std::chrono::system_clock::now());
    }
    void end() noexcept {
        if (!home_) return;
        try {
            const std::shared_ptr<home> kept = std::move(home_); // what runs may keep it longer
            kept->on_stop = nullptr;
            kept->on_error = nullptr;
            kept->state.abandon();
            kept->client.touch();
        } catch (...) {
            return; // no memory; the subscriptions end with what keeps them
        }
    }

    std::shared_ptr<home> home_;
    group_type root_;
};

} // namespace nats
