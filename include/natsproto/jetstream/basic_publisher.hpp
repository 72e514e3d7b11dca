// SPDX-License-Identifier: Apache-2.0
//
// Publishing into streams without waiting for each message: a bounded number of them is on its way,
// and results come by a handler, or are waited for one by one or all together. `nats::js_publisher`
// is this on the blocking client, `nats::aio::js_publisher` on the Asio client, where `publish`,
// `wait` and `complete` are initiating functions. Made by `make_publisher` of JetStream.
//
// With the blocking client results come during waiting calls. With the Asio client it is used and
// destroyed on the client's executor, where the handler is called too.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/publisher_state.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nats {

namespace js {

/// Runs an op on something that must not go before it.
template <class T, class Kept>
[[nodiscard]] op<result<T>> keeping(runtime& /*rt*/, [[maybe_unused]] std::shared_ptr<Kept> kept,
                                    op<result<T>> inner) {
    result<T> r = co_await std::move(inner);
    co_return std::move(r);
}

} // namespace js

template <class Handle>
class basic_js_publisher {
public:
    /// Gets each result, in the order in which they come: that of the publishes, where they go to
    /// one stream. It may publish with `try_publish`, but must neither destroy the publisher nor
    /// make waiting calls.
    using ack_handler = std::function<void(js::publish_ticket, const result<js::pub_ack>&)>;

    /// Errors: `invalid_argument`.
    [[nodiscard]] static result<basic_js_publisher> make(Handle client,
                                                         const js::publisher_options& o,
                                                         ack_handler on_ack = {}) {
        if (result<void> ok = js::check(o); !ok) return ok.error();
        return basic_js_publisher(
            std::make_shared<shared>(std::move(client), o, std::move(on_ack)));
    }

    basic_js_publisher(basic_js_publisher&&) noexcept = default;
    basic_js_publisher& operator=(basic_js_publisher&& other) noexcept {
        basic_js_publisher old(std::move(*this));
        shared_ = std::move(other.shared_);
        return *this;
    }
    basic_js_publisher(const basic_js_publisher&) = delete;
    basic_js_publisher& operator=(const basic_js_publisher&) = delete;
    /// What is pending is not waited for, and nobody hears of it.
    ~basic_js_publisher() {
        if (!shared_) return;
        Handle client = shared_->client;
        shared_.reset(); // queues the UNSUB
        client.touch();
    }

    /// Publishes when there is room in the window, and after what was published before: a ticket.
    /// Copies its arguments if it has to wait. Errors: `acks_overdue` after `stall_wait`; those of
    /// `append_headers` and of a publish. Retries and the timeout are the publisher's.
    template <class... Token>
    auto publish(std::string_view subject, bytes payload = {}, const js::publish_options& o = {},
                 Token&&... token) {
        const auto later = [&] {
            return shared_->client.run(
                [s = shared_,
                 r = js::publish_request::make(subject, payload, o)](runtime& rt) mutable {
                    return js::keeping(rt, s, js::publish(rt, s->state, std::move(r)));
                },
                std::forward<Token>(token)...);
        };
        if constexpr (std::is_same_v<decltype(later()), result<js::publish_ticket>>) {
            result<js::publish_ticket> now = try_publish(subject, payload, o);
            if (now || (now.error() != errc::acks_overdue && now.error() != errc::output_full))
                return now;
            return later();
        } else {
            return later();
        }
    }
    /// The same without waiting, and without a copy: `acks_overdue` and `output_full` at once.
    [[nodiscard]] result<js::publish_ticket> try_publish(std::string_view subject,
                                                         bytes payload = {},
                                                         const js::publish_options& o = {}) {
        runtime* const rt = shared_->client.rt();
        if (rt == nullptr) return error{errc::not_connected};
        result<js::publish_ticket> t = shared_->state.try_publish(*rt, subject, payload, o);
        if (t) shared_->client.touch();
        return t;
    }

    /// The `pub_ack` of one publish. Errors: `publish_unconfirmed` when the connection was lost
    /// meanwhile, and `timeout`: then it may be stored or not; `no_stream_response`; those of the
    /// server; `in_use` while another `wait` waits for it; `invalid_argument` when it is not known
    /// any more.
    template <class... Token>
    auto wait(js::publish_ticket t, Token&&... token) {
        return shared_->client.run(
            [s = shared_, t](runtime& rt) { return js::keeping(rt, s, js::wait(rt, s->state, t)); },
            std::forward<Token>(token)...);
    }
    /// Until nothing is pending: the `publish_counts` since the last `complete`. Errors: the first
    /// failure of those (then they are in `counts`); `acks_overdue` at the timeout, which must be
    /// positive.
    template <class... Token>
    auto complete(duration timeout = std::chrono::seconds(30), Token&&... token) {
        return shared_->client.run(
            [s = shared_, timeout](runtime& rt) {
                return js::keeping(rt, s, js::complete(rt, s->state, timeout));
            },
            std::forward<Token>(token)...);
    }

    /// How many wait for their acknowledgement.
    [[nodiscard]] std::size_t pending() const noexcept { return shared_->state.pending(); }
    /// Of all its publishes.
    [[nodiscard]] js::publish_counts counts() const noexcept { return shared_->state.counts(); }

private:
    struct shared {
        shared(Handle c, const js::publisher_options& o, ack_handler f)
            : client(std::move(c)),
              on_ack(std::move(f)),
              state(o, on_ack ? &shared::tell : nullptr, this) {}
        static void tell(void* self, js::publish_ticket t, const result<js::pub_ack>& r) {
            auto& s = *static_cast<shared*>(self);
            if (!s.client.muted()) s.on_ack(t, r);
        }
        Handle client; // before the state, which unsubscribes there
        ack_handler on_ack;
        js::publisher_state state;
    };
    explicit basic_js_publisher(std::shared_ptr<shared> s) noexcept : shared_(std::move(s)) {}

    std::shared_ptr<shared> shared_;
};

} // namespace nats
