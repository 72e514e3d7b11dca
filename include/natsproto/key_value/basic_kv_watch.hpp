// SPDX-License-Identifier: Apache-2.0
//
// What users hold of a watch of a bucket, on any client: a thin template over `kv::watch_reader`
// and an ordered subscription.

#pragma once

#include <natsproto/jetstream/consumer_handles.hpp>
#include <natsproto/key_value/watch.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace nats {

namespace kv {

using watch_handler = std::function<void(const watch_event_view&)>;

namespace detail {

template <class Handle>
using watch_flow = js::detail::flow<Handle>;

/// What a watch has besides its flow, which owns it.
template <class Handle>
struct watch_state {
    watch_state(watch_reader r, watch_handler f) : reader(std::move(r)), handler(std::move(f)) {}

    watch_reader reader;
    watch_handler handler;
    js::ordered_subscription* source = nullptr; ///< the flow's
    std::weak_ptr<watch_flow<Handle>> flow;

    /// Calls the handler with the end of the initial data. It may end everything.
    void tell_end() {
        handler(watch_event_view());
        if (!reader.initial_only()) return;
        if (const auto f = flow.lock()) f->stop();
    }
    void take(const js::message_view& m) {
        js::initial_data& initial = source->initial();
        if (initial.poll_end_before()) tell_end();
        if (source->ended()) return;
        if (const std::optional<entry_view> e = reader.read(m.view()))
            handler(watch_event_view(*e));
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

template <class Handle>
[[nodiscard]] op<result<std::optional<watch_event>>> next_of(
    runtime& rt, [[maybe_unused]] std::shared_ptr<watch_flow<Handle>> kept,
    std::shared_ptr<watch_state<Handle>> s, time_point deadline) {
    result<std::optional<watch_event>> e = co_await kv::next(rt, *s->source, s->reader, deadline);
    co_return std::move(e);
}

} // namespace detail

} // namespace kv

/// A watch: `stop`, `ended`, `why`, `on_warning` and `on_end` are those of every flow. Destroying
/// it stops it. What changes while the connection is away comes when it is back.
template <class Handle>
class basic_kv_watch : public basic_flow<Handle> {
public:
    basic_kv_watch() noexcept = default; ///< none: it has ended, and `next` must not be called

    /// What comes next: `std::optional<kv::watch_event>`, empty when the watch has ended. Not for
    /// one with a handler. Errors: `timeout`, which ends nothing (0: only what is there); `in_use`
    /// while another `next` waits; of the blocking client `interrupted`. Nothing is lost by an
    /// error.
    template <class... Token>
    auto next(duration timeout = duration::max(), Token&&... token) {
        Handle client = this->flow_->client;
        return client.run(
            [f = this->flow_, s = state_, timeout](runtime& rt) {
                return kv::detail::next_of<Handle>(
                    rt, f, s, deadline_after(rt.now(), std::max(timeout, duration::zero())));
            },
            std::forward<Token>(token)...);
    }

    /// For `kv_bucket`. Errors: those of subscribing; `not_connected` before the first connection.
    [[nodiscard]] static result<basic_kv_watch> begin(Handle client, kv::watch_request r,
                                                      kv::watch_handler handler) {
        runtime* const rt = client.rt();
        if (rt == nullptr) return error{errc::not_connected};
        auto source = std::make_unique<js::ordered_subscription>(*rt, std::move(r.ordered));
        const auto state = std::make_shared<state_type>(std::move(r.reader), std::move(handler));
        state->source = source.get();
        source->watch_initial(&state_type::call, state.get());
        const auto flow = std::make_shared<flow_type>(std::move(client), std::move(source));
        state->flow = flow;
        std::function<void(js::message_view&)> take;
        if (state->handler) take = [state](js::message_view& m) { state->take(m); };
        if (result<void> begun = flow->start(*rt, std::move(take)); !begun) return begun.error();
        return basic_kv_watch(flow, state);
    }

private:
    using state_type = kv::detail::watch_state<Handle>;
    using flow_type = typename basic_flow<Handle>::flow_type;
    basic_kv_watch(std::shared_ptr<flow_type> f, std::shared_ptr<state_type> s) noexcept
        : basic_flow<Handle>(std::move(f)), state_(std::move(s)) {}

    std::shared_ptr<state_type> state_;
};

} // namespace nats
