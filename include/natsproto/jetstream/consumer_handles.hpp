// SPDX-License-Identifier: Apache-2.0
//
// What users hold of consumers, on any client: thin templates over `js::consumption`.
//
// They are movable, and to be used where their client may be: its thread, or on its executor but
// for what takes a completion token. They share the client's connection. What is not asked for
// while the connection is away is asked for when it is back; a consumer that is gone ends the flow.

#pragma once

#include <natsproto/jetstream/consumption.hpp>
#include <natsproto/jetstream/delivery.hpp>
#include <natsproto/jetstream/ordered_subscription.hpp>
#include <natsproto/jetstream/pull_subscription.hpp>
#include <natsproto/jetstream/push_subscription.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats {

namespace js::detail {

/// Shared by a handle and the operations that it has started.
template <class Handle>
struct flow : std::enable_shared_from_this<flow<Handle>> {
    flow(Handle c, std::unique_ptr<consumption> s) : client(std::move(c)), source(std::move(s)) {}
    flow(const flow&) = delete;
    flow& operator=(const flow&) = delete;
    ~flow() {
        source.reset(); // queues an UNSUB
        client.touch();
    }

    /// `f` is called with each message; without it they wait to be asked for.
    [[nodiscard]] result<void> start(runtime& rt, std::function<void(message_view&)> f) {
        handler = std::move(f);
        source->on_warning(&flow::tell_warnings, this);
        source->box().on_end(&flow::tell_end, this);
        result<void> begun =
            handler ? source->start(rt, &flow::tell_message, this) : source->start(rt);
        client.touch();
        return begun;
    }
    void stop() {
        if (runtime* const rt = client.rt(); rt != nullptr) source->stop(*rt);
        client.touch();
    }
    void drain() {
        if (runtime* const rt = client.rt(); rt != nullptr) source->drain(*rt);
        client.touch();
    }

    Handle client; ///< before what needs its runtime
    std::unique_ptr<consumption> source;
    std::function<void(message_view&)> handler;
    std::function<void(const error&)> on_warning;
    std::function<void(const error&)> on_end;

private:
    // Whatever is called may drop the handle, so each keeps the flow until it is done.
    static void tell_message(void* context, const nats::message_view& m) {
        const auto self = static_cast<flow*>(context)->shared_from_this();
        if (self->client.muted()) return;
        runtime& rt = *self->client.rt(); // with the time as it is: a handler may have taken long
        if (!self->source->take(rt, m)) return;
        message_view delivered(m);
        self->handler(delivered);
    }
    static void tell_warnings(void* context) {
        const auto self = static_cast<flow*>(context)->shared_from_this();
        while (std::optional<error> w = self->source->poll_warning()) {
            if (self->on_warning && !self->client.muted()) self->on_warning(*w);
        }
    }
    static void tell_end(void* context, const error& why) {
        const auto self = static_cast<flow*>(context)->shared_from_this();
        self->source->handle_end(why);
        const error told = self->source->why();
        if (self->on_end && !self->client.muted()) self->on_end(told);
    }
};

/// `next` of a flow that lives as long as this takes.
template <class Flow>
[[nodiscard]] op<result<std::optional<message>>> next_of(runtime& rt, std::shared_ptr<Flow> f,
                                                         time_point deadline) {
    result<std::optional<message>> m = co_await js::next(rt, *f->source, deadline);
    co_return std::move(m);
}

} // namespace js::detail

/// What all flows have. Destroying one stops it.
template <class Handle>
class basic_flow {
public:
    basic_flow() noexcept = default; ///< none: it has ended
    basic_flow(basic_flow&&) noexcept = default;
    basic_flow& operator=(basic_flow&& other) noexcept {
        if (this == &other) return *this;
        end();
        flow_ = std::move(other.flow_);
        return *this;
    }
    basic_flow(const basic_flow&) = delete;
    basic_flow& operator=(const basic_flow&) = delete;

    /// Ends it at once. What was received and not read is dropped; the server delivers it again
    /// later.
    void stop() {
        if (flow_) flow_->stop();
    }
    /// Asks for no more. What was received, or is on its way, is still delivered, and then it ends.
    void drain() {
        if (flow_) flow_->drain();
    }
    [[nodiscard]] bool ended() const noexcept { return !flow_ || flow_->source->ended(); }
    /// Why it has ended; empty while it goes on. `consumption_stopped`: by the user, or all that
    /// was asked for has come; `timeout`: a fetch has got less than it asked for, with the status
    /// 404 or 408 if the server said so; `consumer_deleted`; `consumer_is_push`; `pull_refused`
    /// with the server's status and text; `no_heartbeat` and `no_responders`, of a fetch; the
    /// reason when the connection is closed.
    [[nodiscard]] std::optional<error> why() const {
        if (!flow_) return error{errc::consumption_stopped};
        if (!flow_->source->ended()) return std::nullopt;
        return flow_->source->why();
    }
    /// Called with what happens and does not end it: `no_heartbeat`, after which it asks again;
    /// `pull_refused` for a status, such as that of a limit of the consumer's; `no_responders`. It
    /// may destroy this handle; it must not wait.
    void on_warning(std::function<void(const error&)> f) {
        if (flow_) flow_->on_warning = std::move(f);
    }
    /// Called once when it has ended and nothing is left to be read, with `why`. As `on_warning`.
    void on_end(std::function<void(const error&)> f) {
        if (flow_) flow_->on_end = std::move(f);
    }

protected:
    using flow_type = js::detail::flow<Handle>;
    explicit basic_flow(std::shared_ptr<flow_type> f) noexcept : flow_(std::move(f)) {}
    ~basic_flow() { end(); }
    std::shared_ptr<flow_type> flow_;

private:
    void end() noexcept {
        if (!flow_) return;
        try {
            const std::shared_ptr<flow_type> kept = flow_; // `stop` may end who else keeps it
            kept->on_end = nullptr;
            if (!kept->source->ended()) kept->stop();
        } catch (...) {
            return; // no memory; the subscription ends with the flow
        }
    }
};

/// Messages that wait to be asked for: of a fetch, or of a flow that goes on.
template <class Handle>
class basic_messages : public basic_flow<Handle> {
public:
    basic_messages() noexcept = default; ///< none: only `next` must not be called

    /// The next message: `std::optional<js::message>`, empty at the end. Errors: `timeout` when
    /// none has come in time, which ends nothing (0: only what is there); `in_use` while another
    /// `next` waits; of the blocking client `interrupted`. No message is lost by an error.
    template <class... Token>
    auto next(duration timeout = duration::max(), Token&&... token) {
        Handle client = this->flow_->client;
        return client.run(
            [f = this->flow_, timeout](runtime& rt) {
                return js::detail::next_of(
                    rt, f, deadline_after(rt.now(), std::max(timeout, duration::zero())));
            },
            std::forward<Token>(token)...);
    }

private:
    template <class Jetstream>
    friend struct js_starter;
    using basic_flow<Handle>::basic_flow;
};

/// Messages that a handler gets.
template <class Handle>
class basic_consumption : public basic_flow<Handle> {
public:
    basic_consumption() noexcept = default;

private:
    template <class Jetstream>
    friend struct js_starter;
    using basic_flow<Handle>::basic_flow;
};

/// Makes the two from what is to stand behind them.
template <class Jetstream>
struct js_starter {
    using handle = typename Jetstream::handle_type;
    using messages = basic_messages<handle>;
    using consumption = basic_consumption<handle>;

    template <class Out, class Make>
    static result<Out> start(Jetstream& js, Make make, std::function<void(js::message_view&)> f) {
        runtime* const rt = js.client().rt();
        if (rt == nullptr) return error{errc::not_connected};
        auto flow = std::make_shared<js::detail::flow<handle>>(js.client(), make(*rt));
        if (result<void> begun = flow->start(*rt, std::move(f)); !begun) return begun.error();
        return Out(std::move(flow));
    }
};

/// A consumer that messages are pulled from, by its name: nothing is asked of the server before
/// messages are.
template <class Jetstream>
class basic_consumer {
public:
    using starter = js_starter<Jetstream>;
    using messages_type = typename starter::messages;
    using consumption_type = typename starter::consumption;

    basic_consumer(Jetstream js, std::string_view stream, std::string_view name)
        : js_(std::move(js)), stream_(stream), name_(name) {}

    [[nodiscard]] const std::string& stream() const noexcept { return stream_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// One message: `js::message`. `o.max_messages` does not count. Errors: `timeout` when none has
    /// come in `o.expires`; those of `basic_flow::why`.
    template <class... Token>
    auto next(const js::fetch_options& o = {}, Token&&... token) {
        return js_.client().run(
            [r = pull(o)](runtime& rt) mutable { return js::next_message(rt, std::move(r)); },
            std::forward<Token>(token)...);
    }
    /// Messages as they come, until there are as many as were asked for, or no more. Errors:
    /// `invalid_argument`, `invalid_name`, `not_connected` before the first connection.
    [[nodiscard]] result<messages_type> fetch(const js::fetch_options& o = {}) {
        return begin<messages_type>(pull(o));
    }
    /// The same all at once: `std::vector<js::message>`, which may be empty or short. An error only
    /// when there are none for another reason than that there are no more.
    template <class... Token>
    auto fetch_all(const js::fetch_options& o = {}, Token&&... token) {
        return js_.client().run(
            [r = pull(o)](runtime& rt) mutable { return js::fetch_all(rt, std::move(r)); },
            std::forward<Token>(token)...);
    }
    /// A flow of messages that are asked for before they are needed. Errors: as `fetch`.
    [[nodiscard]] result<messages_type> messages(const js::consume_options& o = {}) {
        return begin<messages_type>(pull(o));
    }
    /// The same with a handler, called as that of a subscription. It may stop or destroy the
    /// consumption.
    [[nodiscard]] result<consumption_type> consume(std::function<void(js::message_view&)> handler,
                                                   const js::consume_options& o = {}) {
        if (!handler) return error{errc::invalid_argument, "no handler"};
        return begin<consumption_type>(pull(o), std::move(handler));
    }
    /// `js::consumer_info`
    template <class... Token>
    auto info(Token&&... token) {
        return js_.consumer_info(stream_, name_, std::forward<Token>(token)...);
    }

private:
    template <class Options>
    [[nodiscard]] result<js::pull_request> pull(const Options& o) const {
        return js::encode_pull(js_.settings(), stream_, name_, o);
    }
    template <class Out>
    [[nodiscard]] result<Out> begin(result<js::pull_request> r,
                                    std::function<void(js::message_view&)> handler = {}) {
        if (!r) return r.error();
        return starter::template start<Out>(
            js_,
            [&](runtime& rt) {
                return std::make_unique<js::pull_subscription>(std::move(*r), rt.now());
            },
            std::move(handler));
    }

    Jetstream js_;
    std::string stream_;
    std::string name_;
};

/// A stream that is read in order, without a gap or a repetition, over whatever happens to
/// connections, servers and the consumers that it makes for that. Nothing is to be acknowledged.
/// Each flow begins where the options say.
template <class Jetstream>
class basic_ordered_consumer {
public:
    using starter = js_starter<Jetstream>;
    using messages_type = typename starter::messages;
    using consumption_type = typename starter::consumption;

    basic_ordered_consumer(Jetstream js, std::string_view stream, const js::ordered_options& o)
        : js_(std::move(js)), stream_(stream), options_(o), prefix_(o.name_prefix) {
        filters_.assign(o.filter_subjects.begin(), o.filter_subjects.end());
    }

    /// As `basic_consumer::messages`. Errors of the first consumer end the flow: its `why` is then
    /// `jetstream_error` or `filters_not_taken`. By default there is a heartbeat every 5 s.
    [[nodiscard]] result<messages_type> messages(const js::consume_options& o = {}) {
        return begin<messages_type>(o, {});
    }
    [[nodiscard]] result<consumption_type> consume(std::function<void(js::message_view&)> handler,
                                                   const js::consume_options& o = {}) {
        if (!handler) return error{errc::invalid_argument, "no handler"};
        return begin<consumption_type>(o, std::move(handler));
    }

private:
    template <class Out>
    [[nodiscard]] result<Out> begin(const js::consume_options& o,
                                    std::function<void(js::message_view&)> handler) {
        const std::vector<std::string_view> filters(filters_.begin(), filters_.end());
        js::ordered_options how = options_;
        how.filter_subjects = filters;
        how.name_prefix = prefix_;
        result<js::ordered_request> r = js::encode_ordered(js_.settings(), stream_, how, o);
        if (!r) return r.error();
        return starter::template start<Out>(
            js_,
            [&](runtime& rt) {
                return std::make_unique<js::ordered_subscription>(rt, std::move(*r));
            },
            std::move(handler));
    }

    Jetstream js_;
    std::string stream_;
    js::ordered_options options_; ///< but for the two that are views
    std::vector<std::string> filters_;
    std::string prefix_;
};

/// A consumer that pushes. It is made when its flow begins, behind the subscription; one that is
/// there with this configuration, and a durable name, is as good. Flow control is answered, and
/// heartbeats are looked after: `idle_heartbeat` should be set, since nothing else tells that the
/// consumer is gone, but for a new connection. Without a durable name it is deleted at the end.
template <class Jetstream>
class basic_push_consumer {
public:
    using starter = js_starter<Jetstream>;
    using messages_type = typename starter::messages;
    using consumption_type = typename starter::consumption;

    basic_push_consumer(Jetstream js, std::string_view stream, js::consumer_config c)
        : js_(std::move(js)), stream_(stream), config_(std::move(c)) {}
    /// What an existing one pushes: it is not made, and stays at the end.
    basic_push_consumer(Jetstream js, js::consumer_info existing)
        : js_(std::move(js)), existing_(std::move(existing)) {}

    /// Errors: `invalid_name`, `invalid_argument` for an existing one that does not push, those of
    /// subscribing, `not_connected` before the first connection. That it could not be made ends
    /// the flow.
    [[nodiscard]] result<messages_type> messages() { return begin<messages_type>({}); }
    [[nodiscard]] result<consumption_type> consume(std::function<void(js::message_view&)> handler) {
        if (!handler) return error{errc::invalid_argument, "no handler"};
        return begin<consumption_type>(std::move(handler));
    }

private:
    template <class Out>
    [[nodiscard]] result<Out> begin(std::function<void(js::message_view&)> handler) {
        result<js::push_request> r = existing_ ? js::encode_push(js_.settings(), *existing_)
                                               : js::encode_push(js_.settings(), stream_, config_);
        if (!r) return r.error();
        return starter::template start<Out>(
            js_,
            [&](runtime& rt) { return std::make_unique<js::push_subscription>(rt, std::move(*r)); },
            std::move(handler));
    }

    Jetstream js_;
    std::string stream_;
    js::consumer_config config_;
    std::optional<js::consumer_info> existing_; ///< instead of the two above
};

} // namespace nats
