// SPDX-License-Identifier: Apache-2.0
//
// Where a client of asio_client.hpp lives: its context, and what lets that run.

#pragma once

#include <natsproto/asio/tcp_connector.hpp>

#include "integration/asio_client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <type_traits>

namespace nats::test::on_asio {

/// What an operation has ended with.
template <class T>
struct outcome {
    using stored = std::conditional_t<std::is_void_v<T>, char, std::optional<T>>;
    error why{errc::invalid_argument, "the operation did not say why"};
    boost::system::error_code ec;
    stored value{};
    bool done = false;
    boost::asio::cancellation_signal cancel;

    [[nodiscard]] result<T> take() {
        if (ec) {
            const std::error_code plain = ec; // Boost's has a value of its own
            if (plain == code_of(why)) return std::move(why);
            if (plain.category() != error_category()) return error{errc::io_error, ec.message()};
            const auto code = static_cast<errc>(plain.value());
            return why == code ? why : error{code};
        }
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return std::move(*value);
    }
};

/// blocking_options::dial as a connector.
class dialing final : public aio::connector {
public:
    dialing(const blocking_options& b) : dial_(b.dial), context_(b.dial_context) {}

    void open(const boost::asio::any_io_executor& ex, const endpoint& to, time_point deadline,
              aio::connect_handler done) override {
        const result<int> fd = dial_(context_, to, deadline);
        result<std::unique_ptr<aio::transport>> opened = error{errc::connect_failed};
        if (fd) {
            using boost::asio::ip::tcp;
            opened = aio::make_tcp_transport(tcp::socket(ex, tcp::v4(), *fd));
        } else {
            opened = fd.error();
        }
        auto told = std::make_shared<result<std::unique_ptr<aio::transport>>>(std::move(opened));
        boost::asio::post(ex, [done = std::move(done), told] { done(std::move(*told)); });
    }
    void cancel() noexcept override {}

private:
    result<int> (*dial_)(void*, const endpoint&, time_point);
    void* context_;
};

/// blocking_options::trace as a part of the log.
struct lines {
    explicit lines(const blocking_options& b)
        : trace(b.trace), trace_context(b.trace_context), log(b.log) {}

    [[nodiscard]] log_sink sink() {
        if (trace == nullptr && log.write == nullptr) return {};
        return {[](void* self, log_level level, std::string_view line) {
                    static_cast<lines*>(self)->write(level, line);
                },
                this, trace != nullptr ? log_level::trace : log.most};
    }
    void write(log_level level, std::string_view line) const {
        if (level == log_level::trace && trace != nullptr) trace(trace_context, line);
        if (log.wants(level)) log.write(log.context, level, line);
    }

    void (*trace)(void* context, std::string_view line);
    void* trace_context;
    log_sink log;
};

[[nodiscard]] inline bool every_second() {
    static std::atomic<unsigned> made = 0;
    return made++ % 2 == 1;
}

class home {
public:
    explicit home(const blocking_options& b)
        : lines_(b), first_observer_(b.on_event), first_context_(b.on_event_context) {
        if (b.dial != nullptr) dialing_ = std::make_unique<dialing>(b);
        const aio::client_options o{.serial = every_second(),
                                    .write_timeout = b.write_timeout,
                                    .crypto = b.crypto,
                                    .addresses = b.addresses,
                                    .local_address = b.local_address,
                                    .via = dialing_.get(),
                                    .log = lines_.sink(),
                                    .on_event = &home::see,
                                    .on_event_context = this};
        nc_.emplace(context_, o);
    }
    home(const home&) = delete;
    home& operator=(const home&) = delete;
    ~home() = default;

    [[nodiscard]] aio::client& nc() noexcept { return *nc_; }
    [[nodiscard]] bool has_client() const noexcept { return nc_.has_value(); }
    [[nodiscard]] bool in_handler() const noexcept { return running_; }

    /// Starts an operation by `start(outcome&, handler)`, and runs until it has ended.
    template <class T, class Start>
    result<T> wait(Start start) {
        return wait(std::make_shared<outcome<T>>(), std::move(start));
    }
    /// The same with an outcome that stays when what a handler throws leaves this.
    template <class T, class Start>
    result<T> wait(const std::shared_ptr<outcome<T>>& out, Start start) {
        rethrow();
        tell_left();
        begin(out, std::move(start));
        const auto done = [&out] { return out->done; };
        try {
            run_until(done);
        } catch (...) { // nobody waits any more
            out->cancel.emit(boost::asio::cancellation_type::terminal);
            run_quietly_until(done);
            throw;
        }
        return out->take();
    }
    template <class T, class Start>
    static void begin(const std::shared_ptr<outcome<T>>& out, Start start) {
        const auto end = [out](boost::system::error_code ec, auto... value) {
            out->ec = ec;
            if constexpr (!std::is_void_v<T>) out->value.emplace(std::move(value)...);
            out->done = true;
        };
        start(*out, boost::asio::bind_cancellation_slot(out->cancel.slot(), end));
    }
    template <class Done>
    void run_until(Done done) {
        const running now(*this);
        const std::function<bool()> over(done);
        over_ = &over;
        while (!done()) {
            if (context_.run_one() == 0)
                throw std::logic_error("an operation waits, and the context has nothing to do");
        }
    }
    /// Tells it now, or when what is waited for has come already, in the next waiting call.
    void tell(std::function<void()> f) {
        if (over_ != nullptr && (*over_)())
            left_.push_back(std::move(f));
        else
            f();
    }
    /// What handlers throw meanwhile comes out of the next waiting call.
    template <class Done>
    void run_quietly_until(Done done) {
        const running now(*this);
        while (!done()) {
            try {
                if (context_.run_one() == 0) return;
            } catch (...) {
                thrown_.push_back(std::current_exception());
            }
        }
    }
    /// Until something has happened; false when the deadline came first.
    bool run_until_progress(time_point deadline) {
        rethrow();
        tell_left();
        const running now(*this);
        const std::uint64_t before = progress();
        (void)context_.poll();
        while (progress() == before && status() != session_status::closed) {
            if (clock::now() >= deadline) return false;
            // A context can wait until a time only if the clock can tell it.
            const time_point until = std::min(deadline, clock::now() + std::chrono::hours(1));
            (void)context_.run_one_until(until);
        }
        (void)context_.poll();
        return progress() != before;
    }
    /// Everything that needs no waiting.
    void poll() {
        if (running_) return;
        const running now(*this);
        (void)context_.poll();
    }
    /// After an immediate call: what it queued is written, as far as that needs no waiting.
    void write_soon() {
        if (running_ || bursts != 0) return;
        write();
    }
    /// Handlers may run in it; what they throw comes out of the next waiting call.
    void write() {
        const running now(*this);
        while (nc_ && nc_->buffered() != 0) {
            try {
                if (context_.poll_one() == 0) return;
            } catch (...) {
                thrown_.push_back(std::current_exception());
            }
        }
    }
    /// The client goes; its subscriptions may stay.
    void end_client() {
        if (!nc_) return;
        if (running_) return nc_.reset();
        if (status() != session_status::idle) (void)close();
        nc_.reset();
        poll();
    }
    result<void> close() {
        return wait<void>([this](outcome<void>&, auto handler) { nc_->close(handler); });
    }

    [[nodiscard]] session_status status() const noexcept {
        return nc_ ? nc_->status() : session_status::closed;
    }

    std::function<void(const event&)> observer;
    message kept; ///< what the newest view is of
    int bursts = 0;

private:
    /// A part of a waiting call, in which handlers run.
    class running {
    public:
        explicit running(home& h) : home_(h) {
            if (h.running_) throw std::logic_error("a waiting call inside of a handler");
            h.running_ = true;
            h.context_.restart();
        }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() {
            home_.running_ = false;
            home_.over_ = nullptr;
        }

    private:
        home& home_;
    };

    static void see(void* self, const event& e) {
        auto& h = *static_cast<home*>(self);
        ++h.events_;
        if (h.first_observer_ != nullptr) h.first_observer_(h.first_context_, e);
        if (h.observer) h.observer(e);
    }

public:
    /// `observer` replaces the first one.
    void observe(std::function<void(const event&)> f) {
        first_observer_ = nullptr;
        observer = std::move(f);
    }

private:
    void tell_left() {
        for (const std::function<void()>& f : std::exchange(left_, {})) f();
    }
    void rethrow() {
        if (thrown_.empty()) return;
        const std::exception_ptr first = thrown_.front();
        thrown_.pop_front();
        std::rethrow_exception(first);
    }
    [[nodiscard]] std::uint64_t progress() const {
        return events_ + (nc_ ? nc_->stats().socket_in : 0);
    }

    boost::asio::io_context context_{1};
    std::unique_ptr<dialing> dialing_;
    lines lines_;
    void (*first_observer_)(void* context, const event& e);
    void* first_context_;
    std::uint64_t events_ = 0;
    bool running_ = false;
    const std::function<bool()>* over_ = nullptr; ///< of the call that waits
    std::vector<std::function<void()>> left_;
    std::deque<std::exception_ptr> thrown_; ///< by handlers, outside of waiting calls
    std::optional<aio::client> nc_;
};

} // namespace nats::test::on_asio
