// SPDX-License-Identifier: Apache-2.0
//
// A batch of messages on any client: see atomic_batch.hpp, which also has the errors. Made by
// `make_batch` of JetStream. With the Asio client `add` and the commits are initiating functions,
// and it is used and destroyed on the client's executor.

#pragma once

#include <natsproto/jetstream/atomic_batch.hpp>
#include <natsproto/jetstream/basic_adder.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>
#include <natsproto/runtime.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace nats {

namespace js::detail {

/// Shared by a batch and the operations that it has started.
template <class Handle>
struct batch_home {
    explicit batch_home(Handle c) : client(std::move(c)) {}
    Handle client;
    batch_state state;
};

} // namespace js::detail

template <class Handle>
class basic_js_batch : public basic_js_adder<js::detail::batch_home<Handle>> {
    using home = js::detail::batch_home<Handle>;

public:
    explicit basic_js_batch(Handle client)
        : basic_js_adder<home>(std::make_shared<home>(std::move(client))) {}
    basic_js_batch(basic_js_batch&&) noexcept = default;
    basic_js_batch& operator=(basic_js_batch&&) noexcept = default;
    basic_js_batch(const basic_js_batch&) = delete;
    basic_js_batch& operator=(const basic_js_batch&) = delete;
    /// What was not committed is discarded.
    ~basic_js_batch() = default;

    /// Has what was added stored (2.14).
    template <class... Token>
    auto commit_as_it_is(duration timeout = std::chrono::seconds(5), Token&&... token) {
        return this->shared_->client.run(
            [s = this->shared_, timeout](runtime& rt) {
                return js::keeping(rt, s, js::commit_as_it_is(rt, s->state, timeout));
            },
            std::forward<Token>(token)...);
    }
    /// Nothing of it will be stored. The server hears nothing, and forgets it after a while.
    void discard() { this->shared_->state.discard(); }

    /// How many messages were added.
    [[nodiscard]] std::uint64_t size() const noexcept { return this->shared_->state.size(); }
    [[nodiscard]] bool open() const noexcept { return this->shared_->state.open(); }
};

} // namespace nats
