// SPDX-License-Identifier: Apache-2.0
//
// What users hold of an object that they read piece by piece, on any client: `nats::object_reader`
// is this on the blocking client, `nats::aio::object_reader` on the Asio client, where `next` and
// `read` are initiating functions, and it is used and destroyed on the client's executor.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>
#include <natsproto/object_store/reader_state.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace nats {

namespace obj::detail {

/// Shared by a reader and the operations that it has started.
template <class Handle>
struct reading {
    reading(Handle c, std::unique_ptr<reader_state> s)
        : client(std::move(c)), state(std::move(s)) {}
    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;
    ~reading() {
        state.reset(); // queues what ends it
        client.touch();
    }

    Handle client; ///< before what needs its runtime
    std::unique_ptr<reader_state> state;
};

using any_sink = std::function<result<void>(bytes)>;

[[nodiscard]] inline op<result<object_info>> get_all(runtime& rt, bucket b, std::string name,
                                                     get_request how, any_sink to) {
    const auto write = [](void* f, bytes piece) { return (*static_cast<any_sink*>(f))(piece); };
    const sink all{write, &to};
    result<object_info> done =
        co_await get_object(rt, std::move(b), std::move(name), std::move(how), all);
    co_return std::move(done);
}

template <class Reader, class Handle>
[[nodiscard]] op<result<Reader>> opened(runtime& /*rt*/, Handle client,
                                        op<result<std::unique_ptr<reader_state>>> inner) {
    result<std::unique_ptr<reader_state>> s = co_await std::move(inner);
    if (!s) co_return s.error();
    co_return Reader(std::move(client), std::move(*s));
}

} // namespace obj::detail

/// Over whatever happens to connections and servers. After an error that is not `timeout` it has
/// ended; with `position` another one can go on.
template <class Handle>
class basic_object_reader {
public:
    basic_object_reader() noexcept = default; ///< none: only to be assigned to
    basic_object_reader(Handle client, std::unique_ptr<obj::reader_state> s)
        : shared_(std::make_shared<shared>(std::move(client), std::move(s))) {}
    basic_object_reader(basic_object_reader&&) noexcept = default;
    basic_object_reader& operator=(basic_object_reader&&) noexcept = default;
    basic_object_reader(const basic_object_reader&) = delete;
    basic_object_reader& operator=(const basic_object_reader&) = delete;
    ~basic_object_reader() = default;

    /// Of the object itself, behind all links.
    [[nodiscard]] const obj::object_info& info() const noexcept { return shared_->state->info(); }
    [[nodiscard]] const obj::read_position& position() const noexcept {
        return shared_->state->position();
    }
    /// Whether all of it was read.
    [[nodiscard]] bool at_end() const noexcept { return shared_->state->at_end(); }
    /// For one that goes on where another one ended: what was read then, in its order, before the
    /// first piece. With all of it the digest can be checked. Errors: `invalid_argument`.
    result<void> hash_before(bytes piece) { return shared_->state->hash_before(piece); }

    /// The next piece: a `std::optional<std::string_view>`, which lives until the next call; empty
    /// at the end. See `obj::next_piece`.
    template <class... Token>
    auto next(Token&&... token) {
        return client().run(
            [s = shared_](runtime& rt) {
                return js::keeping(rt, s, obj::next_piece(rt, *s->state));
            },
            std::forward<Token>(token)...);
    }
    /// Bytes into memory of yours, which must stay there until it is done: how many; 0 at the end.
    template <class... Token>
    auto read(std::span<char> into, Token&&... token) {
        return client().run(
            [s = shared_, into](runtime& rt) {
                return js::keeping(rt, s, obj::read_some(rt, *s->state, into));
            },
            std::forward<Token>(token)...);
    }

private:
    using shared = obj::detail::reading<Handle>;
    [[nodiscard]] Handle client() const { return shared_->client; }

    std::shared_ptr<shared> shared_;
};

} // namespace nats
