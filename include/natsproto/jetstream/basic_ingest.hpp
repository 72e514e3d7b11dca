// SPDX-License-Identifier: Apache-2.0
//
// Fast ingest on any client: see ingest.hpp, which also has the errors. Made by `make_ingest` of
// JetStream. `add` gives a `js::ingest_progress`, `commit` and `finish` a `js::pub_ack`. With the
// Asio client these three are initiating functions, and it is used and destroyed on the client's
// executor.

#pragma once

#include <natsproto/jetstream/basic_adder.hpp>
#include <natsproto/jetstream/ingest.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace nats {

namespace js::detail {

/// Shared by an ingest and the operations that it has started.
template <class Handle>
struct ingest_home {
    ingest_home(Handle c, const ingest_options& o, std::function<void(const error&)> f)
        : client(std::move(c)),
          on_warning(std::move(f)),
          state(o, on_warning ? &ingest_home::tell : nullptr, this) {}
    static void tell(void* self, const error& why) {
        auto& s = *static_cast<ingest_home*>(self);
        if (!s.client.muted()) s.on_warning(why);
    }
    Handle client; // before the state, which unsubscribes there
    std::function<void(const error&)> on_warning;
    ingest_state state;
};

} // namespace js::detail

template <class Handle>
class basic_js_ingest : public basic_js_adder<js::detail::ingest_home<Handle>> {
    using home = js::detail::ingest_home<Handle>;

public:
    /// Gets what went wrong and did not end it. It must neither destroy the ingest nor make waiting
    /// calls.
    using warning_handler = std::function<void(const error&)>;

    /// Errors: `invalid_argument`.
    [[nodiscard]] static result<basic_js_ingest> make(Handle client, const js::ingest_options& o,
                                                      warning_handler on_warning = {}) {
        if (result<void> ok = js::check(o); !ok) return ok.error();
        return basic_js_ingest(std::make_shared<home>(std::move(client), o, std::move(on_warning)));
    }

    basic_js_ingest(basic_js_ingest&&) noexcept = default;
    basic_js_ingest& operator=(basic_js_ingest&& other) noexcept {
        basic_js_ingest old(std::move(*this));
        this->shared_ = std::move(other.shared_);
        return *this;
    }
    basic_js_ingest(const basic_js_ingest&) = delete;
    basic_js_ingest& operator=(const basic_js_ingest&) = delete;
    /// What was added is stored, or on its way; nobody hears of it.
    ~basic_js_ingest() {
        if (!this->shared_) return;
        Handle client = this->shared_->client;
        this->shared_.reset(); // queues the UNSUB
        client.touch();
    }

    /// Waits for all that was added: a `js::pub_ack`.
    template <class... Token>
    auto finish(Token&&... token) {
        return this->shared_->client.run(
            [s = this->shared_](runtime& rt) {
                return js::keeping(rt, s, js::finish(rt, s->state));
            },
            std::forward<Token>(token)...);
    }
    /// To be called every few seconds while there is nothing to add: the server forgets an ingest
    /// after ten.
    result<void> keep_alive() {
        runtime* const rt = this->shared_->client.rt();
        if (rt == nullptr) return error{errc::not_connected};
        result<void> sent = js::keep_alive(*rt, this->shared_->state);
        this->shared_->client.touch();
        return sent;
    }

    [[nodiscard]] js::ingest_progress progress() const noexcept {
        return this->shared_->state.progress();
    }
    [[nodiscard]] bool open() const noexcept { return this->shared_->state.open(); }
    /// What the server has stored of an ingest that has ended, also of one that it has cut short.
    [[nodiscard]] std::optional<js::pub_ack> outcome() const {
        return this->shared_->state.outcome();
    }

private:
    explicit basic_js_ingest(std::shared_ptr<home> s) noexcept
        : basic_js_adder<home>(std::move(s)) {}
};

} // namespace nats
