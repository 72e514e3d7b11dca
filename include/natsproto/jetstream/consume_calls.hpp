// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for consuming and acknowledging.

#pragma once

#include <natsproto/jetstream/consumer_handles.hpp>
#include <natsproto/jetstream/delivery.hpp>
#include <natsproto/jetstream/pull_subscription.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace nats::js {

/// `js::message` and `js::message_view`.
template <class M>
concept delivered_message = std::derived_from<M, delivery> && requires(const M& m) { m.reply(); };

/// Acknowledgements are publishes: that they were sent does not say that they have arrived, but for
/// `ack_confirmed` and `ack_next`. Errors of all: `no_reply`, `not_jetstream`;
/// `already_acknowledged` after a final one; those of a publish.
template <class Jetstream>
class consume_calls {
public:
    /// Names are looked at when messages are asked for.
    [[nodiscard]] auto consumer(std::string_view stream, std::string_view name) {
        return basic_consumer<Jetstream>(self(), stream, name);
    }
    /// Names and subjects are looked at when messages are asked for.
    [[nodiscard]] auto ordered_consumer(std::string_view stream, const ordered_options& o = {}) {
        return basic_ordered_consumer<Jetstream>(self(), stream, o);
    }
    /// `config.deliver_subject` is a new inbox if it is empty; `deliver_group` is the queue group
    /// that the subscription joins. The rest is looked at when messages are asked for.
    [[nodiscard]] auto push_consumer(std::string_view stream, consumer_config config = {}) {
        return basic_push_consumer<Jetstream>(self(), stream, std::move(config));
    }
    /// A consumer that is there, as `consumer_info` has told of it: its deliver subject is
    /// subscribed to, in its group. It is neither made nor deleted.
    [[nodiscard]] auto push_consumer(const consumer_info& existing) {
        return basic_push_consumer<Jetstream>(self(), existing);
    }

    /// It is done with, for good.
    template <delivered_message M>
    result<void> ack(M& m) {
        return acknowledge(m, ack_body);
    }
    /// It is to be delivered again, at once or after `delay`.
    template <delivered_message M>
    result<void> nak(M& m, duration delay = duration::zero()) {
        return acknowledge(m, encode_nak(delay));
    }
    /// It is never to be delivered again, though it is not done with. `reason` goes into the
    /// server's advisory; one before 2.10.4 would not understand it, and does not get it.
    template <delivered_message M>
    result<void> terminate(M& m, std::string_view reason = {}) {
        runtime* const rt = self().client().rt();
        if (rt == nullptr || !rt->connection().info().version_at_least(2, 10, 4)) reason = {};
        return acknowledge(m, encode_terminate(reason));
    }
    /// It takes longer: the consumer's `ack_wait` begins again. As often as needed.
    template <delivered_message M>
    result<void> in_progress(M& m) {
        if (result<void> ok = check_ack(m, m.reply()); !ok) return ok;
        return self().client().publish(m.reply(), in_progress_body);
    }
    /// Waits for the server's word that it has the acknowledgement: `void`. After an error that
    /// is open; `m.set_acknowledged(false)` lets it be tried again.
    template <delivered_message M, class... Token>
    auto ack_confirmed(M& m, duration timeout, Token&&... token) {
        return self().client().run(
            [reply = final_reply(m), timeout](runtime& rt) mutable {
                return confirm_ack(rt, std::move(reply), timeout);
            },
            std::forward<Token>(token)...);
    }
    /// Acknowledges, and asks for the next message of the same consumer in one: `js::message`.
    /// Errors also: as of `basic_consumer::next`.
    template <delivered_message M, class... Token>
    auto ack_next(M& m, const fetch_options& o = {}, Token&&... token) {
        const result<std::string> reply = final_reply(m);
        result<pull_request> r = reply ? encode_ack_next(*reply, o) : reply.error();
        return self().client().run(
            [r = std::move(r)](runtime& rt) mutable { return next_message(rt, std::move(r)); },
            std::forward<Token>(token)...);
    }

private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }

    template <class M>
    result<void> acknowledge(M& m, std::string_view body) {
        if (result<void> ok = check_ack(m, m.reply()); !ok) return ok;
        result<void> sent = self().client().publish(m.reply(), bytes(body));
        if (sent) m.set_acknowledged();
        return sent;
    }
    template <class M>
    [[nodiscard]] static result<std::string> final_reply(M& m) {
        if (result<void> ok = check_ack(m, m.reply()); !ok) return ok.error();
        m.set_acknowledged();
        return std::string(m.reply());
    }
};

} // namespace nats::js
