// SPDX-License-Identifier: Apache-2.0
//
// What users hold of a watch of a bucket, on any client: `nats::object_watch` is this on the
// blocking client, `nats::aio::object_watch` on the Asio client, where `next` is an initiating
// function, and it is used and destroyed on the client's executor.

#pragma once

#include <natsproto/object_store/watch_state.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace nats {

namespace obj::detail {

/// Shared by a watch and the operations that it has started.
template <class Handle>
struct watching : std::enable_shared_from_this<watching<Handle>> {
    using handler_type = std::function<void(const watch_update&)>;

    watching(Handle c, std::unique_ptr<watch_state> s)
        : client(std::move(c)), state(std::move(s)) {}
    watching(const watching&) = delete;
    watching& operator=(const watching&) = delete;
    ~watching() {
        state.reset(); // queues what ends it
        client.touch();
    }

    [[nodiscard]] result<void> start(runtime& rt, handler_type f) {
        handler = std::move(f);
        state->source().watch_initial(&watching::tell_end_of_initial, this);
        state->source().box().on_end(&watching::tell_end, this);
        result<void> begun = handler ? state->source().start(rt, &watching::tell_message, this)
                                     : state->source().start(rt);
        client.touch();
        return begun;
    }
    void stop() {
        if (runtime* const rt = client.rt(); rt != nullptr && !state->source().ended())
            state->source().stop(*rt);
        client.touch();
    }

    Handle client; ///< before what needs its runtime
    std::unique_ptr<watch_state> state;
    handler_type handler;
    std::function<void(const error&)> on_end;

private:
    // Whatever is called may drop the handle, so each keeps this until it is done.
    static void tell_message(void* context, const nats::message_view& m) {
        const auto self = static_cast<watching*>(context)->shared_from_this();
        if (self->client.muted()) return;
        if (!self->state->source().take(*self->client.rt(), m)) return;
        if (self->state->source().initial().poll_end_before()) self->handler(watch_update());
        if (self->state->source().ended()) return;
        if (const std::optional<watch_update> u = self->state->read(m)) self->handler(*u);
        if (!self->state->source().ended()) tell_end_of_initial(context);
    }
    static void tell_end_of_initial(void* context) {
        const auto self = static_cast<watching*>(context)->shared_from_this();
        if (self->client.muted() || !self->state->poll_end_of_initial()) return;
        self->handler(watch_update());
    }
    static void tell_end(void* context, const error& why) {
        const auto self = static_cast<watching*>(context)->shared_from_this();
        self->state->source().handle_end(why);
        const error told = self->state->source().why();
        if (self->on_end && !self->client.muted()) self->on_end(told);
    }
};

template <class Watching>
[[nodiscard]] op<result<std::optional<watch_update>>> next_of(runtime& rt,
                                                              std::shared_ptr<Watching> w,
                                                              time_point deadline) {
    result<std::optional<watch_update>> u = co_await next_update(rt, *w->state, deadline);
    co_return std::move(u);
}

} // namespace obj::detail

/// Over whatever happens to connections and servers. Destroying it ends it.
template <class Handle>
class basic_object_watch {
public:
    using handler_type = std::function<void(const obj::watch_update&)>;

    basic_object_watch() noexcept = default; ///< none: it has ended
    /// Errors: `not_connected` before the first connection; those of subscribing.
    [[nodiscard]] static result<basic_object_watch> make(Handle client, const obj::bucket& b,
                                                         const obj::watch_options& o,
                                                         handler_type f = {}) {
        result<js::ordered_request> r = obj::encode_watch(b, o);
        if (!r) return r.error();
        runtime* const rt = client.rt();
        if (rt == nullptr) return error{errc::not_connected};
        basic_object_watch w;
        w.shared_ = std::make_shared<shared>(
            std::move(client), std::make_unique<obj::watch_state>(*rt, std::move(*r), o));
        if (result<void> begun = w.shared_->start(*rt, std::move(f)); !begun) return begun.error();
        return w;
    }

    basic_object_watch(basic_object_watch&&) noexcept = default;
    basic_object_watch& operator=(basic_object_watch&& other) noexcept {
        if (this == &other) return *this;
        end();
        shared_ = std::move(other.shared_);
        return *this;
    }
    basic_object_watch(const basic_object_watch&) = delete;
    basic_object_watch& operator=(const basic_object_watch&) = delete;
    ~basic_object_watch() { end(); }

    /// The next update: `std::optional<obj::watch_update>`, empty at the end. Errors: `timeout`,
    /// which ends nothing; `in_use` while another one waits. Not with a handler.
    template <class... Token>
    auto next(duration timeout = duration::max(), Token&&... token) {
        Handle client = shared_->client;
        return client.run(
            [s = shared_, timeout](runtime& rt) {
                return obj::detail::next_of(
                    rt, s, deadline_after(rt.now(), std::max(timeout, duration::zero())));
            },
            std::forward<Token>(token)...);
    }
    void stop() {
        if (shared_) shared_->stop();
    }
    [[nodiscard]] bool ended() const noexcept {
        return !shared_ || shared_->state->source().ended();
    }
    /// Why it has ended; empty while it goes on. `consumption_stopped`: by the user.
    [[nodiscard]] std::optional<error> why() const {
        if (!shared_) return error{errc::consumption_stopped};
        if (!ended()) return std::nullopt;
        return shared_->state->source().why();
    }
    /// Called once when it has ended, with `why`. It may destroy this; it must not wait.
    void on_end(std::function<void(const error&)> f) {
        if (shared_) shared_->on_end = std::move(f);
    }

private:
    using shared = obj::detail::watching<Handle>;
    void end() noexcept {
        if (!shared_) return;
        try {
            const std::shared_ptr<shared> kept = std::move(shared_);
            kept->on_end = nullptr;
            kept->stop();
        } catch (...) {
            return; // no memory; the subscription ends with what is shared
        }
    }

    std::shared_ptr<shared> shared_;
};

} // namespace nats
