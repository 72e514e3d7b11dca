// SPDX-License-Identifier: Apache-2.0
//
// What users hold of a watch of a bucket, of keys or of objects, on any client: a thin template
// over an ordered subscription and a reader; see watch_request.hpp.

#pragma once

#include <natsproto/jetstream/consumer_handles.hpp>
#include <natsproto/jetstream/delivery.hpp>
#include <natsproto/jetstream/initial_data.hpp>
#include <natsproto/jetstream/ordered_subscription.hpp>
#include <natsproto/jetstream/watch_request.hpp>
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

namespace js::detail {

/// What a watch has besides its flow, which owns it.
template <class Handle, class Reader>
struct watch_state {
    using event_view = typename Reader::event_view;
    using handler_type = std::function<void(const event_view&)>;

    watch_state(Reader r, handler_type f) : reader(std::move(r)), handler(std::move(f)) {}

    Reader reader;
    handler_type handler;
    ordered_subscription* source = nullptr; ///< the flow's
    std::weak_ptr<js::detail::flow<Handle>> flow;

    /// Calls the handler with the end of the initial data. It may end everything.
    void tell_end() {
        handler(event_view());
        if (!reader.initial_only()) return;
        if (const auto f = flow.lock()) f->stop();
    }
    void take(const js::message_view& m) {
        initial_data& initial = source->initial();
        if (initial.poll_end_before()) tell_end();
        if (source->ended()) return;
        if (auto e = reader.read(m.view())) handler(event_view(*std::move(e)));
        if (!source->ended() && initial.poll_end()) tell_end();
    }
    /// The end has come without a message.
    static void call(void* context) {
        auto& self = *static_cast<watch_state*>(context);
        const auto kept = self.flow.lock();
        if (!kept || kept->client.muted() || !self.handler || self.source->ended()) return;
        if (self.source->initial().poll_end()) self.tell_end();
    }
};

/// `next` of a watch that lives as long as this takes.
template <class Handle, class Reader>
[[nodiscard]] op<result<std::optional<typename Reader::event>>> next_event(
    runtime& rt, [[maybe_unused]] std::shared_ptr<flow<Handle>> kept,
    std::shared_ptr<watch_state<Handle, Reader>> s, time_point deadline) {
    const Reader& reader = s->reader;
    result<std::optional<typename Reader::event>> e =
        co_await next(rt, *s->source, reader, deadline);
    co_return std::move(e);
}

} // namespace js::detail

/// A watch: `stop`, `ended`, `why`, `on_warning` and `on_end` are those of every flow. Destroying
/// it stops it. What changes while the connection is away comes when it is back.
template <class Handle, class Reader>
class basic_watch : public basic_flow<Handle> {
public:
    using handler_type = std::function<void(const typename Reader::event_view&)>;

    basic_watch() noexcept = default; ///< none: it has ended, and `next` must not be called

    /// What comes next: `std::optional` of a `kv::watch_event` or an `obj::watch_update`, empty
    /// when the watch has ended. Not for one with a handler. Errors: `timeout`, which ends nothing
    /// (0: only what is there); `in_use` while another `next` waits; of the blocking client
    /// `interrupted`. Nothing is lost by an error.
    template <class... Token>
    auto next(duration timeout = duration::max(), Token&&... token) {
        Handle client = this->flow_->client;
        return client.run(
            [f = this->flow_, s = state_, timeout](runtime& rt) {
                return js::detail::next_event(
                    rt, f, s, deadline_after(rt.now(), std::max(timeout, duration::zero())));
            },
            std::forward<Token>(token)...);
    }

    /// For buckets. Errors: those of `r` and of subscribing; `not_connected` before the first
    /// connection.
    [[nodiscard]] static result<basic_watch> begin(Handle client,
                                                   result<js::watch_request<Reader>> r,
                                                   handler_type handler) {
        if (!r) return r.error();
        runtime* const rt = client.rt();
        if (rt == nullptr) return error{errc::not_connected};
        auto source = std::make_unique<js::ordered_subscription>(*rt, std::move(r->ordered));
        const auto state = std::make_shared<state_type>(std::move(r->reader), std::move(handler));
        state->source = source.get();
        source->watch_initial(&state_type::call, state.get());
        const auto flow = std::make_shared<flow_type>(std::move(client), std::move(source));
        state->flow = flow;
        std::function<void(js::message_view&)> take;
        if (state->handler) take = [state](js::message_view& m) { state->take(m); };
        if (result<void> begun = flow->start(*rt, std::move(take)); !begun) return begun.error();
        return basic_watch(flow, state);
    }

private:
    using state_type = js::detail::watch_state<Handle, Reader>;
    using flow_type = typename basic_flow<Handle>::flow_type;
    basic_watch(std::shared_ptr<flow_type> f, std::shared_ptr<state_type> s) noexcept
        : basic_flow<Handle>(std::move(f)), state_(std::move(s)) {}

    std::shared_ptr<state_type> state_;
};

} // namespace nats
