// SPDX-License-Identifier: Apache-2.0
//
// `op<T>`: a sequence of steps written once, as a coroutine without an executor. It never asks for
// I/O: it waits for a reply, a message, a deadline or a change of the connection, and is resumed by
// `runtime::dispatch` or `runtime::handle_timeout`. Any driver can run it: start it, do I/O until
// it is done, take the result.
//
// Rules for a coroutine that returns `op<T>` (docs/architecture.md says why):
// - its first parameter is `runtime&`: the frame comes from that runtime's pool;
// - it must end or be destroyed before the runtime; destroying it at any time cancels what it waits
// for;
// - views that it got from the connection end at its next `co_await`;
// - no capturing lambda and no braced aggregate inside a `co_await` expression (g++ 12 destroys
// them twice);
// - the awaited result gets a name first: `result<T> r = co_await ...;`.

#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

// g++ 12 takes a promise's templated operator new and its operator delete for a mismatch, and
// reports it at the end of every coroutine, so the warning must stay off for what follows.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace nats {

class runtime;

namespace detail {

[[nodiscard]] void* allocate_frame(runtime& rt, std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

class op_promise_base {
public:
    template <class... Args>
    static void* operator new(std::size_t size, runtime& rt, Args&&... /*of the coroutine*/) {
        return allocate_frame(rt, size);
    }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

    /// Goes on with the coroutine that awaits this one, if that one is suspended already.
    struct final_awaiter {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        [[nodiscard]] std::coroutine_handle<> await_suspend(
            std::coroutine_handle<Promise> done) const noexcept {
            const op_promise_base& p = done.promise();
            if (p.at_end != nullptr) p.at_end(p.at_end_context);
            return p.continuation ? p.continuation : std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    [[nodiscard]] final_awaiter final_suspend() const noexcept { return {}; }

    void unhandled_exception() noexcept { failure = std::current_exception(); }

    std::coroutine_handle<> continuation;
    void (*at_end)(void* context) = nullptr;
    void* at_end_context = nullptr;
    std::exception_ptr failure; ///< lack of memory, or a bug
};

template <class T>
class op_promise;

} // namespace detail

template <class T>
class [[nodiscard]] op {
public:
    using promise_type = detail::op_promise<T>;
    using value_type = T;

    op(op&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
    op& operator=(op&& other) noexcept {
        op taken(std::move(other));
        std::swap(frame_, taken.frame_);
        return *this;
    }
    op(const op&) = delete;
    op& operator=(const op&) = delete;
    ~op() {
        if (frame_) frame_.destroy();
    }

    /// Runs it to its first wait, or to its end. Once only.
    void start() { frame_.resume(); }
    [[nodiscard]] bool done() const noexcept { return frame_.done(); }
    /// Calls `f` when it is done, from inside of its last step: `f` may note that, and nothing
    /// else. For drivers that run many; to be set before `start`.
    void notify(void (*f)(void* context), void* context) noexcept {
        frame_.promise().at_end = f;
        frame_.promise().at_end_context = context;
    }
    /// The result; only when done.
    [[nodiscard]] T take();

    /// For `co_await` inside another op.
    class awaiter;
    [[nodiscard]] awaiter operator co_await() && noexcept;

private:
    friend promise_type;
    explicit op(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

template <class T>
class detail::op_promise : public op_promise_base {
public:
    [[nodiscard]] op<T> get_return_object() noexcept {
        return op<T>(std::coroutine_handle<op_promise>::from_promise(*this));
    }
    template <class U>
    void return_value(U&& value) {
        result.emplace(std::forward<U>(value));
    }

    std::optional<T> result;
};

template <class T>
T op<T>::take() {
    if (frame_.promise().failure) std::rethrow_exception(frame_.promise().failure);
    return std::move(*frame_.promise().result);
}

template <class T>
class op<T>::awaiter {
public:
    explicit awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    /// Starts the inner op here, and not by a transfer, so that a loop over ops that end at once
    /// does not use up the stack.
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> outer) {
        frame_.resume();
        if (frame_.done()) return false;
        frame_.promise().continuation = outer;
        return true;
    }
    [[nodiscard]] T await_resume() {
        if (frame_.promise().failure) std::rethrow_exception(frame_.promise().failure);
        return std::move(*frame_.promise().result);
    }

private:
    std::coroutine_handle<promise_type> frame_;
};

template <class T>
typename op<T>::awaiter op<T>::operator co_await() && noexcept {
    return awaiter(frame_);
}

} // namespace nats
