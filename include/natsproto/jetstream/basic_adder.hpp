// SPDX-License-Identifier: Apache-2.0
//
// What the handles of a batch and of an ingest have in common: messages are added one by one, and
// the last one commits.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/publish_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace nats {

namespace js::detail {

// The functions of that name for a batch or an ingest.
template <class State>
auto add_to(runtime& rt, State& s, result<publish_request> r) {
    return add(rt, s, std::move(r));
}
template <class State>
auto commit_to(runtime& rt, State& s, result<publish_request> r) {
    return commit(rt, s, std::move(r));
}

} // namespace js::detail

/// `Shared` has a `client`, and a `state` that `js::add` and `js::commit` take.
template <class Shared>
class basic_js_adder {
public:
    /// Adds a message. One call at a time.
    template <class... Token>
    auto add(std::string_view subject, bytes payload = {}, const js::publish_options& o = {},
             Token&&... token) {
        return shared_->client.run(
            [s = shared_, r = js::publish_request::make(subject, payload, o)](runtime& rt) mutable {
                return js::keeping(rt, s, js::detail::add_to(rt, s->state, std::move(r)));
            },
            std::forward<Token>(token)...);
    }
    /// Adds the last message, and waits until all are stored: the `pub_ack` of the last one.
    template <class... Token>
    auto commit(std::string_view subject, bytes payload = {}, const js::publish_options& o = {},
                Token&&... token) {
        return shared_->client.run(
            [s = shared_, r = js::publish_request::make(subject, payload, o)](runtime& rt) mutable {
                return js::keeping(rt, s, js::detail::commit_to(rt, s->state, std::move(r)));
            },
            std::forward<Token>(token)...);
    }

protected:
    explicit basic_js_adder(std::shared_ptr<Shared> s) noexcept : shared_(std::move(s)) {}
    basic_js_adder(basic_js_adder&&) noexcept = default;
    basic_js_adder& operator=(basic_js_adder&&) noexcept = default;
    ~basic_js_adder() = default;

    std::shared_ptr<Shared> shared_;
};

} // namespace nats
