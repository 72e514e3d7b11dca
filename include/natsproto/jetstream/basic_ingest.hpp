// SPDX-License-Identifier: Apache-2.0
//
// Fast ingest on any client: see ingest.hpp, which also has the errors. Made by `make_ingest` of
// JetStream. With the Asio client `add`, `commit` and `finish` are initiating functions, and it is
// used and destroyed on the client's executor.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>
#include <natsproto/jetstream/ingest.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace nats {

template <class Handle>
class basic_js_ingest {
public:
    /// Gets what went wrong and did not end it. It must neither destroy the ingest nor make waiting
    /// calls.
    using warning_handler = std::function<void(const error&)>;

    /// Errors: `invalid_argument`.
    [[nodiscard]] static result<basic_js_ingest> make(Handle client, const js::ingest_options& o,
                                                      warning_handler on_warning = {}) {
        if (result<void> ok = js::check(o); !ok) return ok.error();
        return basic_js_ingest(
            std::make_shared<shared>(std::move(client), o, std::move(on_warning)));
    }

    basic_js_ingest(basic_js_ingest&&) noexcept = default;
    basic_js_ingest& operator=(basic_js_ingest&& other) noexcept {
        basic_js_ingest old(std::move(*this));
        shared_ = std::move(other.shared_);
        return *this;
    }
    basic_js_ingest(const basic_js_ingest&) = delete;
    basic_js_ingest& operator=(const basic_js_ingest&) = delete;
    /// What was added is stored, or on its way; nobody hears of it.
    ~basic_js_ingest() {
        if (!shared_) return;
        Handle client = shared_->client;
        shared_.reset(); // queues the UNSUB
        client.touch();
    }

    /// Adds a message: a `js::ingest_progress`. One call at a time.
    template <class... Token>
    auto add(std::string_view subject, bytes payload = {}, const js::publish_options& o = {},
             Token&&... token) {
        return shared_->client.run(
            [s = shared_, r = js::publish_request::make(subject, payload, o)](runtime& rt) mutable {
                return js::keeping(rt, s, js::add(rt, s->state, std::move(r)));
            },
            std::forward<Token>(token)...);
    }
    /// Adds the last message, and waits for all: a `js::pub_ack`.
    template <class... Token>
    auto commit(std::string_view subject, bytes payload = {}, const js::publish_options& o = {},
                Token&&... token) {
        return shared_->client.run(
            [s = shared_, r = js::publish_request::make(subject, payload, o)](runtime& rt) mutable {
                return js::keeping(rt, s, js::commit(rt, s->state, std::move(r)));
            },
            std::forward<Token>(token)...);
    }
    /// Waits for all that was added: a `js::pub_ack`.
    template <class... Token>
    auto finish(Token&&... token) {
        return shared_->client.run(
            [s = shared_](runtime& rt) { return js::keeping(rt, s, js::finish(rt, s->state)); },
            std::forward<Token>(token)...);
    }
    /// To be called every few seconds while there is nothing to add: the server forgets an ingest
    /// after ten.
    result<void> keep_alive() {
        runtime* const rt = shared_->client.rt();
        if (rt == nullptr) return error{errc::not_connected};
        result<void> sent = js::keep_alive(*rt, shared_->state);
        shared_->client.touch();
        return sent;
    }

    [[nodiscard]] js::ingest_progress progress() const noexcept {
        return shared_->state.progress();
    }
    [[nodiscard]] bool open() const noexcept { return shared_->state.open(); }
    /// What the server has stored of an ingest that has ended, also of one that it has cut short.
    [[nodiscard]] std::optional<js::pub_ack> outcome() const { return shared_->state.outcome(); }

private:
    struct shared {
        shared(Handle c, const js::ingest_options& o, warning_handler f)
            : client(std::move(c)),
              on_warning(std::move(f)),
              state(o, on_warning ? &shared::tell : nullptr, this) {}
        static void tell(void* self, const error& why) {
            auto& s = *static_cast<shared*>(self);
            if (!s.client.muted()) s.on_warning(why);
        }
        Handle client; // before the state, which unsubscribes there
        warning_handler on_warning;
        js::ingest_state state;
    };
    explicit basic_js_ingest(std::shared_ptr<shared> s) noexcept : shared_(std::move(s)) {}

    std::shared_ptr<shared> shared_;
};

} // namespace nats
