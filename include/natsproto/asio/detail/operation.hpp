// SPDX-License-Identifier: Apache-2.0
//
// One operation of the Asio client that has been started: an op of the runtime, and the handler
// that is to get its result. Templates only where the handler's type is needed; what a driver does
// with operations is compiled.
//
// The memory of an operation comes from the handler's allocator, and is given back before the
// handler is called. The handler is called on its own executor: directly when that is the client's
// and the driver is between two events, else by `dispatch`.

#pragma once

#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/error.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/system/error_code.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace nats::aio::detail {

class driver;

/// `boost::asio::error::operation_aborted`, without its header.
[[nodiscard]] boost::system::error_code aborted() noexcept;

/// Where handlers run that have no executor of their own. Without a driver (a subscription that is
/// none), or its context: the system's.
[[nodiscard]] const boost::asio::any_io_executor& executor_of(const driver* d);

/// Cancels one operation, if it still goes on; from any thread. What an emitted cancellation calls.
class canceller {
public:
    canceller(std::weak_ptr<driver> d, std::uint64_t id,
              boost::asio::cancellation_type_t honoured) noexcept
        : driver_(std::move(d)), id_(id), honoured_(honoured) {}
    void operator()(boost::asio::cancellation_type_t wanted) const;

private:
    std::weak_ptr<driver> driver_;
    std::uint64_t id_;
    boost::asio::cancellation_type_t honoured_;
};

/// How a handler may be called.
enum class delivery : std::uint8_t {
    direct, ///< on the client's executor, and nothing else is on the way: call it, if it wants that
    posted, ///< not from inside of this call
};

class operation_base : public nats::detail::list_node {
public:
    operation_base(const operation_base&) = delete;
    operation_base& operator=(const operation_base&) = delete;

    /// Runs the op to its first wait, or its end. `done(this)` is called from inside of its last
    /// step.
    virtual void start(void (*done)(void* operation)) = 0;
    /// The op is done: takes its result.
    virtual void take() = 0;
    /// Ends the op without a result, if there is one.
    virtual void drop() noexcept = 0;
    /// Calls the handler, and destroys this first.
    virtual void complete(delivery how) = 0;
    /// Destroys this without calling the handler.
    virtual void discard() noexcept = 0;
    /// Has the handler's cancellation slot cancel the op with this id.
    virtual void listen(const std::weak_ptr<driver>& d, std::uint64_t id) = 0;
    [[nodiscard]] virtual bool can_be_cancelled() const noexcept = 0;

    void fail(const error& e);

    driver* owner = nullptr; ///< null until it has begun
    boost::system::error_code ec;
    error* why = nullptr;
    std::uint64_t cancel_id = 0; ///< 0: nothing can cancel it
    /// What cancellations it reacts to. A request that was sent cannot be made not to have
    /// happened, so it does not promise `total`.
    boost::asio::cancellation_type_t honoured = boost::asio::cancellation_type::all;
    bool after_transport = false;       ///< it also waits until the transport is gone
    bool closes_when_cancelled = false; ///< the client with it
    bool ready = false;                 ///< it has its result
    bool cancelled_early = false;       ///< before it has begun

protected:
    operation_base() = default;
    ~operation_base() = default;
};

/// An operation whose result is a `T` (which may be void).
template <class T>
class operation : public operation_base {
public:
    using op_type = op<result<T>>;
    using stored = std::conditional_t<std::is_void_v<T>, char, T>;

    void start(void (*done)(void*)) override {
        running->notify(done, static_cast<operation_base*>(this));
        running->start();
    }
    void take() override {
        if (!running) return;
        result<T> r = running->take();
        running.reset();
        if (!r)
            fail(r.error());
        else if constexpr (!std::is_void_v<T>)
            value = std::move(*r);
    }
    void drop() noexcept override { running.reset(); }

    std::optional<op_type> running;
    [[no_unique_address]] stored value{};

protected:
    operation() = default;
    ~operation() = default;
};

template <class T>
struct signature {
    using type = void(boost::system::error_code, T);
};
template <>
struct signature<void> {
    using type = void(boost::system::error_code);
};

template <class Handler, class T>
class handler_operation final : public operation<T> {
    using executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    using allocator = typename std::allocator_traits<boost::asio::associated_allocator_t<
        Handler, boost::asio::recycling_allocator<void>>>::template rebind_alloc<handler_operation>;

public:
    [[nodiscard]] static handler_operation* make(Handler&& h,
                                                 const boost::asio::any_io_executor& ex) {
        allocator a(allocator_of(h));
        handler_operation* at = std::allocator_traits<allocator>::allocate(a, 1);
        return ::new (static_cast<void*>(at)) handler_operation(std::move(h), ex);
    }

    void complete(delivery how) override {
        const bool here = same_ && how == delivery::direct;
        const boost::asio::any_io_executor* const client = &executor_of(this->owner);
        call c{std::move(handler_), this->ec, std::move(this->value)};
        const std::optional<boost::asio::executor_work_guard<executor>> work = std::move(work_);
        destroy(allocator_of(c.handler));
        if (here) return c();
        const executor ex = boost::asio::get_associated_executor(c.handler, *client);
        const auto a = allocator_of(c.handler);
        if (how == delivery::posted)
            boost::asio::post(ex, boost::asio::bind_allocator(a, std::move(c)));
        else
            boost::asio::dispatch(ex, boost::asio::bind_allocator(a, std::move(c)));
    }

    void discard() noexcept override {
        const Handler dropped(std::move(handler_)); // may own anything, also the client
        destroy(allocator_of(dropped));
    }

    [[nodiscard]] bool can_be_cancelled() const noexcept override {
        return boost::asio::get_associated_cancellation_slot(handler_).is_connected();
    }
    void listen(const std::weak_ptr<driver>& d, std::uint64_t id) override {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected()) slot.template emplace<canceller>(d, id, this->honoured);
    }

private:
    struct call {
        Handler handler;
        boost::system::error_code ec;
        typename operation<T>::stored value;

        void operator()() {
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) slot.clear();
            if constexpr (std::is_void_v<T>)
                std::move(handler)(ec);
            else
                std::move(handler)(ec, std::move(value));
        }
    };

    handler_operation(Handler&& h, const boost::asio::any_io_executor& ex)
        : handler_(std::move(h)) {
        const executor own = boost::asio::get_associated_executor(handler_, ex);
        if constexpr (std::is_same_v<executor, boost::asio::any_io_executor>)
            same_ = own == ex;
        else if constexpr (std::is_constructible_v<boost::asio::any_io_executor, executor>)
            same_ = boost::asio::any_io_executor(own) == ex;
        // The client's executor has work as long as an operation can end; another one may not.
        if (!same_) work_.emplace(own);
    }
    ~handler_operation() = default;

    [[nodiscard]] static allocator allocator_of(const Handler& h) {
        return allocator(
            boost::asio::get_associated_allocator(h, boost::asio::recycling_allocator<void>()));
    }
    void destroy(allocator a) noexcept {
        this->~handler_operation();
        std::allocator_traits<allocator>::deallocate(a, this, 1);
    }

    Handler handler_;
    std::optional<boost::asio::executor_work_guard<executor>> work_;
    bool same_ = false;
};

/// Owns an operation until a driver has taken it.
struct discard_operation {
    void operator()(operation_base* o) const noexcept { o->discard(); }
};
template <class T>
using operation_ptr = std::unique_ptr<operation<T>, discard_operation>;

/// Starts an asynchronous operation with result `T`: `start(driver, operation_ptr<T>, args...)` is
/// called when the token says so, at once or later, in the caller's thread. Arguments are copied
/// into whatever the token makes.
template <class T, class Token, class Start, class... Args>
auto initiate(Token&& token, // NOLINT(*-missing-std-forward): `async_initiate` takes an lvalue
              std::shared_ptr<driver> d, Start start, Args... args) {
    return boost::asio::async_initiate<Token, typename signature<T>::type>(
        [start](auto handler, std::shared_ptr<driver> owner, auto... given) {
            using handler_type = std::decay_t<decltype(handler)>;
            operation_ptr<T> o(handler_operation<handler_type, T>::make(std::move(handler),
                                                                        executor_of(owner.get())));
            start(std::move(owner), std::move(o), std::move(given)...);
        },
        token, std::move(d), std::move(args)...);
}

} // namespace nats::aio::detail
