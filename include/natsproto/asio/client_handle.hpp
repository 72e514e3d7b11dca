// SPDX-License-Identifier: Apache-2.0
//
// What a facade, such as JetStream's, holds of an Asio client: enough to run its ops and to
// publish. It shares the connection, so it may outlive the client, and then finds it closed.

#pragma once

#include <natsproto/asio/detail/operation.hpp>
#include <natsproto/bytes.hpp>
#include <natsproto/op.hpp>
#include <natsproto/publish_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nats::aio {

class client;

namespace detail {

/// Makes the op of an operation when that has come to the client's executor.
class op_maker {
public:
    op_maker() = default;
    op_maker(const op_maker&) = delete;
    op_maker& operator=(const op_maker&) = delete;
    virtual ~op_maker() = default;
    /// The operation, from then on the caller's.
    [[nodiscard]] virtual operation_base* release() noexcept = 0;
    [[nodiscard]] virtual operation_base& target() noexcept = 0;
    virtual void make(runtime& rt) = 0;
    /// The same on the heap.
    [[nodiscard]] virtual std::unique_ptr<op_maker> keep() = 0;
};

template <class T, class Make>
class op_maker_for final : public op_maker {
public:
    op_maker_for(operation_ptr<T> o, Make m) : operation_(std::move(o)), make_(std::move(m)) {}
    operation_base* release() noexcept override { return operation_.release(); }
    operation_base& target() noexcept override { return *operation_; }
    void make(runtime& rt) override { operation_->running.emplace(make_(rt)); }
    std::unique_ptr<op_maker> keep() override {
        return std::make_unique<op_maker_for>(std::move(operation_), std::move(make_));
    }

private:
    operation_ptr<T> operation_;
    Make make_;
};

void start_made(const std::shared_ptr<driver>& d, op_maker& m);

template <class Op>
struct value_of;
template <class T>
struct value_of<op<result<T>>> {
    using type = T;
};

} // namespace detail

class client_handle {
public:
    /// Runs the op that `make(runtime&)` returns: `void(error_code, T)` for an `op<result<T>>`. May
    /// be started from any thread; `make` is moved to the client's executor. `not_connected` before
    /// `connect`.
    template <class Make, class Token = boost::asio::deferred_t>
    auto run(Make make, Token&& token = Token(), error* why = nullptr) {
        using T = typename detail::value_of<std::invoke_result_t<Make&, runtime&>>::type;
        return detail::initiate<T>(
            std::forward<Token>(token), driver_,
            [](std::shared_ptr<detail::driver> d, detail::operation_ptr<T> o, Make given,
               error* tell) {
                o->why = tell;
                detail::op_maker_for<T, Make> m(std::move(o), std::move(given));
                detail::start_made(d, m);
            },
            std::move(make), why);
    }
    /// The same when nobody waits for its end. Only on the client's executor.
    template <class Make>
    void spawn(Make make) {
        run(std::move(make), boost::asio::detached);
    }
    /// As `client::publish`.
    result<void> publish(std::string_view subject, bytes payload, const publish_options& o = {});
    /// Has what was queued in the session written.
    void touch() noexcept;
    /// With its clock set; null before `connect`. It lives as long as this handle.
    [[nodiscard]] runtime* rt() noexcept;
    /// Whether handlers must not be called any more: the client is gone.
    [[nodiscard]] bool muted() const noexcept;
    [[nodiscard]] boost::asio::any_io_executor get_executor() const;

private:
    friend class client;
    explicit client_handle(std::shared_ptr<detail::driver> d) noexcept : driver_(std::move(d)) {}
    std::shared_ptr<detail::driver> driver_;
};

} // namespace nats::aio
