// SPDX-License-Identifier: Apache-2.0
//
// What users hold of an object that they write piece by piece, on any client: `nats::object_writer`
// is this on the blocking client, `nats::aio::object_writer` on the Asio client, where `write`,
// `finish` and `abort` are initiating functions, and it is used and destroyed on the client's
// executor.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>
#include <natsproto/object_store/writer_state.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

namespace nats {

namespace obj::detail {

/// Shared by a writer and the operations that it has started.
template <class Handle>
struct writing {
    writing(Handle c, std::unique_ptr<writer_state> s)
        : client(std::move(c)), state(std::move(s)) {}
    writing(const writing&) = delete;
    writing& operator=(const writing&) = delete;
    /// What was not finished is removed: by an op, where that can run without anybody waiting.
    ~writing() {
        try {
            if constexpr (requires { client.spawn(aborting(nullptr)); }) {
                if (state->unfinished()) client.spawn(aborting(std::move(state)));
            }
        } catch (...) {
            (void)0; // no memory; then as below
        }
        state.reset(); // queues what removes it
        client.touch();
    }

    Handle client; ///< before what needs its runtime
    std::unique_ptr<writer_state> state;

private:
    [[nodiscard]] static op<result<void>> abort_last(runtime& rt, std::unique_ptr<writer_state> s) {
        result<void> done = co_await obj::abort(rt, *s);
        co_return done;
    }
    [[nodiscard]] static auto aborting(std::unique_ptr<writer_state> s) {
        return [s = std::move(s)](runtime& rt) mutable { return abort_last(rt, std::move(s)); };
    }
};

using any_source = std::function<result<std::size_t>(std::span<char>)>;

/// A whole put. What it uses lives in its frame.
template <class Handle>
[[nodiscard]] op<result<object_info>> put_all(runtime& rt, Handle client, bucket b, object_meta m,
                                              put_options o, any_source from) {
    result<std::unique_ptr<writer_state>> w = open_writer(rt, b, std::move(m), o);
    if (!w) co_return w.error();
    writing<Handle> kept(std::move(client), std::move(*w));
    const auto read = [](void* f, std::span<char> into) {
        return (*static_cast<any_source*>(f))(into);
    };
    const source all{read, &from};
    result<object_info> done = co_await put_object(rt, *kept.state, all);
    co_return std::move(done);
}

} // namespace obj::detail

/// Nobody sees the object before `finish`. Destroying it before that removes what was written; on
/// the blocking client without waiting for it, so that one empty message may stay in the bucket.
template <class Handle>
class basic_object_writer {
public:
    basic_object_writer() noexcept = default; ///< none: only to be assigned to
    basic_object_writer(Handle client, std::unique_ptr<obj::writer_state> s)
        : shared_(std::make_shared<shared>(std::move(client), std::move(s))) {}
    basic_object_writer(basic_object_writer&&) noexcept = default;
    basic_object_writer& operator=(basic_object_writer&&) noexcept = default;
    basic_object_writer(const basic_object_writer&) = delete;
    basic_object_writer& operator=(const basic_object_writer&) = delete;
    ~basic_object_writer() = default;

    /// Any number of bytes: `void`. They must stay as they are until it is done; it waits while as
    /// many as `put_options::window` are on their way. Errors: see `obj::write`; after one only
    /// `abort` is left.
    template <class... Token>
    auto write(bytes data, Token&&... token) {
        return client().run(
            [s = shared_, data](runtime& rt) {
                return js::keeping(rt, s, obj::write(rt, *s->state, data));
            },
            std::forward<Token>(token)...);
    }
    /// The object is there when this is done: an `object_info`. See `obj::finish`.
    template <class... Token>
    auto finish(Token&&... token) {
        return client().run(
            [s = shared_](runtime& rt) { return js::keeping(rt, s, obj::finish(rt, *s->state)); },
            std::forward<Token>(token)...);
    }
    /// Removes what was written, and waits until it is gone: `void`.
    template <class... Token>
    auto abort(Token&&... token) {
        return client().run(
            [s = shared_](runtime& rt) { return js::keeping(rt, s, obj::abort(rt, *s->state)); },
            std::forward<Token>(token)...);
    }

    /// Bytes that were sent, and those that the server has.
    [[nodiscard]] std::uint64_t written() const noexcept { return shared_->state->written(); }
    [[nodiscard]] std::uint64_t stored() const noexcept { return shared_->state->stored(); }

private:
    using shared = obj::detail::writing<Handle>;
    [[nodiscard]] Handle client() const { return shared_->client; }

    std::shared_ptr<shared> shared_;
};

} // namespace nats
