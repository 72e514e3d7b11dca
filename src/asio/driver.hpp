// SPDX-License-Identifier: Apache-2.0
//
// The driver of the Asio client: moves bytes and time between a transport and one session, and
// results from ops to handlers. No protocol logic. All members are called on its executor unless
// they say otherwise.

#pragma once

#include <natsproto/asio/client.hpp>
#include <natsproto/asio/client_handle.hpp>
#include <natsproto/asio/transport.hpp>
#include <natsproto/blocking/os_files.hpp>
#include <natsproto/blocking/os_random.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/detail/ring.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include "asio/cancel_table.hpp"
#include "asio/client_executor.hpp"
#include "asio/driver_service.hpp"
#include "asio/shared_output.hpp"
#include "core/session_log.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::aio::detail {

class driver final : public std::enable_shared_from_this<driver>, public registered_driver {
public:
    [[nodiscard]] static std::shared_ptr<driver> make(boost::asio::any_io_executor given,
                                                      const client_options& o);
    driver(boost::asio::any_io_executor given, const client_options& o); ///< use `make`
    ~driver() override;
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;

    /// The session and what stands on it: made once, by `connect`.
    struct core {
        core(driver& d, const options& o);
        bool randomize;
        session connection;
        runtime rt;
    };

    // --- for those who start operations
    /// Whether the caller may touch the session now. Any thread.
    [[nodiscard]] bool here() const noexcept {
        return !strand_ || strand_->running_in_this_thread();
    }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return ex_; }
    /// Calls `f(driver&)` on the executor: now, if this is it. Any thread.
    template <class F>
    void enter(F f) {
        if (here()) return f(*this);
        boost::asio::dispatch(
            ex_, [self = shared_from_this(), f = std::move(f)]() mutable { f(*self); });
    }
    /// Takes an operation whose op has been made, and runs that to its first wait.
    void begin(operation_base* o);
    /// Makes the op by `make(runtime&)`, and begins. Without a session: `not_connected`.
    template <class T, class Make>
    void begin_with(operation_ptr<T> o, Make make) {
        op_maker_for<T, Make> m(std::move(o), std::move(make));
        begin_made(m);
    }
    void begin_made(op_maker& m);
    /// A message that a subscription's reader can have without waiting, or null.
    [[nodiscard]] const message_view* take_now(mailbox& box);
    /// Takes an operation that has not begun, and has such a message for its result.
    void end_with_message(operation_base& o, bool was_queued);
    /// Takes an operation that has its result, or its error, already.
    void end_now(operation_base& o);
    /// Ends an operation that has not begun.
    void refuse(operation_base* o, const error& why);
    /// The same with one that was cancelled meanwhile.
    void end_early(operation_base* o);
    /// Gives an operation a name that its cancellation slot knows. Any thread.
    void listen(operation_base& o);
    void cancel(std::uint64_t id);
    /// True for the first caller, of any thread. Another one may try when that has failed.
    [[nodiscard]] bool claim_connect() noexcept { return !connect_called_.exchange(true); }
    void start_session(operation_ptr<void> o, std::unique_ptr<core> made);
    void start_closing(operation_ptr<void> o);

    // --- for the facades
    [[nodiscard]] result<void> publish(std::string_view subject, bytes payload,
                                       const publish_options& o);
    /// After a command that may have queued output or events, or moved a deadline.
    void touched();
    /// The client is gone, or closed for good.
    void abandon() noexcept;
    [[nodiscard]] bool muted() const noexcept { return muted_; }
    [[nodiscard]] core* session_or_null() const noexcept { return core_.get(); }
    [[nodiscard]] const client_options& settings() const noexcept { return settings_; }
    [[nodiscard]] const error& failure() const noexcept;
    [[nodiscard]] std::string local_address() const;
    void observe(std::function<void(const event&)> observer);
    /// Has a subscription's end told, behind the messages that have been read.
    void note_end(subscription_state& s, const error& why);
    const std::shared_ptr<shared_output>& output() const noexcept { return published_; }
    /// Another thread has published.
    void woken() { turn(delivery::direct); }

    // --- for transports and connectors
    void on_transport(transport_handler::what w, boost::system::error_code ec, std::size_t n);
    void on_opened(attempt_id id, result<std::unique_ptr<transport>> opened);

private:
    class turning;

    // registered_driver
    void context_ends() noexcept override;
    std::shared_ptr<registered_driver> keep() noexcept override { return weak_from_this().lock(); }

    // driver.cpp
    void turn(delivery how);
    void post_turn();
    void catch_up();
    void follow_up(delivery how);
    void take_events(delivery how);
    void do_actions();
    void tell(const event& e);
    void say_dropped();
    void tell_ends();
    void arm_timer();
    void on_timer();
    [[nodiscard]] time_point next_deadline() const noexcept;
    void take_time();
    void tell_publishers() noexcept;
    void take_published();
    void give_up() noexcept;
    void transmitted(std::size_t n);

    // transport_io.cpp
    void connect(const action::connect& c);
    void close(attempt_id id);
    void close_now();
    void transport_is_gone();
    void write();
    [[nodiscard]] std::size_t offer();
    void write_failed(const boost::system::error_code& ec);
    void read();
    void on_read(const boost::system::error_code& ec, std::size_t n);
    void on_written(const boost::system::error_code& ec, std::size_t n);
    void on_handshake(const boost::system::error_code& ec);
    void start_tls();
    void step_linger();
    [[nodiscard]] bool io_going_on() const noexcept {
        return reading_ || writing_ || shaking_hands_;
    }
    [[nodiscard]] bool has_transport() const noexcept { return transport_ || connecting_; }

    // operations.cpp
    [[nodiscard]] result<void> prepare_connector(const core& made);
    static void op_done(void* o) noexcept;
    void deliver(delivery how);
    void settle(operation_base& o);
    void finish(operation_base& o, delivery how);
    void abort(operation_base& o) noexcept;
    void abort_all() noexcept;
    void discard_all() noexcept;
    void rest();

    client_options settings_; ///< its view is of `local_text_`
    session_log log_;         ///< before the session, which shows it what goes by
    std::string local_text_;
    blocking::os_random random_;
    blocking::os_files files_;
    std::unique_ptr<crypto_provider> own_crypto_;
    std::optional<client_executor> strand_; ///< not if serial
    boost::asio::any_io_executor ex_;
    std::atomic<bool> connect_called_ = false;
    std::unique_ptr<core> core_;
    std::unique_ptr<connector> own_connector_;
    connector* connector_ = nullptr;
    error failure_; ///< why `connect` was refused
    std::shared_ptr<std::function<void(const event&)>> observer_;
    std::shared_ptr<shared_output> published_;

    // the transport of the attempt that is going on
    attempt_id attempt_{};
    std::unique_ptr<transport> transport_;
    bool connecting_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool shaking_hands_ = false;
    std::optional<std::string> tls_name_; ///< TLS is to begin when nothing is on the way
    std::optional<attempt_id> closing_;
    bool gentle_ = false;             ///< the user closes, and what was written is to arrive
    time_point linger_ = no_deadline; ///< until then the peer may read on
    bool shut_ = false;               ///< our end has been told
    bool closed_ = false;             ///< `transport::close` was called
    boost::system::error_code write_error_;
    time_point write_error_due_ = no_deadline; ///< when reading has told nothing better
    std::array<boost::asio::const_buffer, 64> pieces_;
    std::unique_ptr<std::array<char, 4096>> dropped_; ///< where a lingering transport reads to

    std::optional<boost::asio::steady_timer> timer_;
    time_point armed_ = no_deadline;

    // what the user's code is to be told in the next turn
    nats::detail::ring<error> dropped_publishes_;
    nats::detail::ring<std::pair<std::weak_ptr<subscription_state>, error>> ends_;

    // operations
    nats::detail::intrusive_list<operation_base> waiting_;
    nats::detail::intrusive_list<operation_base> ready_; ///< to be delivered
    nats::detail::intrusive_list<operation_base> later_; ///< the same, in a later turn
    nats::detail::intrusive_list<operation_base> held_;  ///< until the transport is gone
    cancel_table cancels_;
    std::vector<std::uint64_t> cancel_later_; ///< came while an op may have been running
    bool abort_later_ = false;                ///< so did the client's end

    // turns
    bool in_turn_ = false;
    bool dispatching_ = false; ///< the runtime hands an event on, or an op is being started
    bool again_ = false;
    bool turn_posted_ = false;
    bool timer_due_ = false;
    bool muted_ = false; ///< the client is gone: nothing of the user's is called
    bool ended_ = false; ///< so is the execution context
    int at_once_ = 0;    ///< operations that this turn may still deliver right after they began
};

struct subscription_state : std::enable_shared_from_this<subscription_state> {
    explicit subscription_state(std::shared_ptr<driver> d) noexcept : owner(std::move(d)) {}
    std::shared_ptr<driver> owner; // before the mailbox, which unsubscribes there
    std::shared_ptr<std::function<void(const message_view&)>> handler;
    std::shared_ptr<std::function<void(const error&)>> on_end;
    mailbox box;
};

struct replies_state {
    replies_state(std::shared_ptr<driver> d, const request_many_options& o, time_point now)
        : owner(std::move(d)), many(o, now) {}
    std::shared_ptr<driver> owner;
    request_many_state many;
};

} // namespace nats::aio::detail
