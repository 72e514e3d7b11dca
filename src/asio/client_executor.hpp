// SPDX-License-Identifier: Apache-2.0
//
// A client's strand, as an executor that is small enough to be copied into an `any_io_executor`
// without an allocation. A strand itself is not, and Asio makes several such copies an operation.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace nats::aio::detail {

class client_executor {
    /// A strand in both of its forms.
    template <class Inner>
    struct strands {
        explicit strands(const Inner& ex)
            : possibly(boost::asio::make_strand(ex)),
              never(boost::asio::require(possibly, boost::asio::execution::blocking.never)) {}
        boost::asio::strand<Inner> possibly;
        boost::asio::strand<Inner> never;
    };
    using context_executor = boost::asio::io_context::executor_type;

    /// The strand, and what keeps the context running while copies that track work exist. On an
    /// `io_context`, which is the usual case, a strand that knows it: one on a type-erased executor
    /// allocates each time that it is entered.
    struct state {
        explicit state(const boost::asio::any_io_executor& ex) : inner(ex) {
            if (const auto* known = ex.target<context_executor>(); known != nullptr)
                on_context.emplace(*known);
            else
                on_any.emplace(ex);
        }

        template <class F>
        decltype(auto) visit(F f) const {
            return on_context ? f(*on_context) : f(*on_any);
        }

        void add_work() noexcept {
            const std::lock_guard lock(mutex);
            if (works++ == 0)
                work.emplace(
                    boost::asio::prefer(inner, boost::asio::execution::outstanding_work.tracked));
        }
        void remove_work() noexcept {
            std::optional<boost::asio::any_io_executor> last; // its end may end the context's run
            const std::lock_guard lock(mutex);
            if (--works == 0) last.swap(work);
        }

        boost::asio::any_io_executor inner;
        std::optional<strands<context_executor>> on_context;
        std::optional<strands<boost::asio::any_io_executor>> on_any;
        std::mutex mutex;
        std::size_t works = 0;
        std::optional<boost::asio::any_io_executor> work;
    };

public:
    /// A function, since a constructor from an executor would be asked whether it can copy this
    /// one, which depends on whether this one can be copied.
    [[nodiscard]] static client_executor over(const boost::asio::any_io_executor& inner) {
        return {std::make_shared<state>(inner), false, false};
    }
    client_executor(const client_executor& other) noexcept
        : state_(other.state_), never_(other.never_), tracked_(other.tracked_) {
        if (tracked_) state_->add_work();
    }
    client_executor(client_executor&& other) noexcept
        : state_(std::move(other.state_)),
          never_(other.never_),
          tracked_(std::exchange(other.tracked_, false)) {}
    client_executor& operator=(client_executor other) noexcept {
        std::swap(state_, other.state_);
        std::swap(never_, other.never_);
        std::swap(tracked_, other.tracked_);
        return *this;
    }
    ~client_executor() {
        if (tracked_) state_->remove_work();
    }

    [[nodiscard]] bool running_in_this_thread() const noexcept {
        return state_->visit([](const auto& s) { return s.possibly.running_in_this_thread(); });
    }

    // --- what Asio asks of an executor
    [[nodiscard]] boost::asio::execution_context& query(
        boost::asio::execution::context_t /*what*/) const noexcept {
        return boost::asio::query(state_->inner, boost::asio::execution::context);
    }
    [[nodiscard]] boost::asio::execution::blocking_t query(
        boost::asio::execution::blocking_t /*what*/) const noexcept {
        return never_
                   ? boost::asio::execution::blocking_t(boost::asio::execution::blocking.never)
                   : boost::asio::execution::blocking_t(boost::asio::execution::blocking.possibly);
    }
    [[nodiscard]] client_executor require(
        boost::asio::execution::blocking_t::never_t /*how*/) const {
        return {state_, true, tracked_};
    }
    [[nodiscard]] client_executor require(
        boost::asio::execution::blocking_t::possibly_t /*how*/) const {
        return {state_, false, tracked_};
    }
    [[nodiscard]] client_executor require(
        boost::asio::execution::outstanding_work_t::tracked_t /*how*/) const {
        return {state_, never_, true};
    }
    [[nodiscard]] client_executor require(
        boost::asio::execution::outstanding_work_t::untracked_t /*how*/) const {
        return {state_, never_, false};
    }
    template <class F>
    void execute(F&& f) const {
        state_->visit(
            [&](const auto& s) { (never_ ? s.never : s.possibly).execute(std::forward<F>(f)); });
    }
    friend bool operator==(const client_executor& a, const client_executor& b) noexcept {
        return a.state_ == b.state_ && a.never_ == b.never_ && a.tracked_ == b.tracked_;
    }

private:
    client_executor(std::shared_ptr<state> s, bool never, bool tracked) noexcept
        : state_(std::move(s)), never_(never), tracked_(tracked) {
        if (tracked_) state_->add_work();
    }

    std::shared_ptr<state> state_;
    bool never_ = false;
    bool tracked_ = false;
};

static_assert(sizeof(client_executor) <= sizeof(std::shared_ptr<void>) + sizeof(void*),
              "it has to fit into an any_io_executor");

} // namespace nats::aio::detail
