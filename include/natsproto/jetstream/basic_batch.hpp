// SPDX-License-Identifier: Apache-2.0
//
// A batch of messages on any client: see atomic_batch.hpp, which also has the errors. Made by
// `make_batch` of JetStream. With the Asio client `add` and the commits are initiating functions,
// and it is used and destroyed on the client's executor.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/atomic_batch.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace nats {

template <class Handle>
class basic_js_batch {
public:
    explicit basic_js_batch(Handle client) : shared_(std::make_shared<shared>(std::move(client))) {}
    basic_js_batch(basic_js_batch&&) noexcept = default;
    basic_js_batch& operator=(basic_js_batch&&) noexcept = default;
    basic_js_batch(const basic_js_batch&) = delete;
    basic_js_batch& operator=(const basic_js_batch&) = delete;
    /// What was not committed is discarded.
    ~basic_js_batch() = default;

    /// Adds a message. One call at a time.
    template <class... Token>
    auto add(std::string_view subject, bytes payload = {}, const js::publish_options& o = {},
             Token&&... token) {
        return shared_->client.run(
            [s = shared_, r = js::publish_request::make(subject, payload, o)](runtime& rt) mutable {
                return js::keeping(rt, s, js::add(rt, s->state, std::move(r)));
            },
            std::forward<Token>(token)...);
    }
    /// Adds the last message, and has all of them stored: the `pub_ack` of the last one.
    template <class... Token>
    auto commit(std::string_view subject, bytes payload = {}, const js::publish_options& o = {},
                Token&&... token) {
        return shared_->client.run(
            [s = shared_, r = js::publish_request::make(subject, payload, o)](runtime& rt) mutable {
                return js::keeping(rt, s, js::commit(rt, s->state, std::move(r)));
            },
            std::forward<Token>(token)...);
    }
    /// Has what was added stored (2.14).
    template <class... Token>
    auto commit_as_it_is(duration timeout = std::chrono::seconds(5), Token&&... token) {
        return shared_->client.run(
            [s = shared_, timeout](runtime& rt) {
                return js::keeping(rt, s, js::commit_as_it_is(rt, s->state, timeout));
            },
            std::forward<Token>(token)...);
    }
    /// Nothing of it will be stored. The server hears nothing, and forgets it after a while.
    void discard() { shared_->state.discard(); }

    /// How many messages were added.
    [[nodiscard]] std::uint64_t size() const noexcept { return shared_->state.size(); }
    [[nodiscard]] bool open() const noexcept { return shared_->state.open(); }

private:
    struct shared {
        explicit shared(Handle c) : client(std::move(c)) {}
        Handle client;
        js::batch_state state;
    };
    std::shared_ptr<shared> shared_;
};

} // namespace nats
