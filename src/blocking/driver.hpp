// SPDX-License-Identifier: Apache-2.0
//
// The driver of the blocking client: moves bytes and time between one socket and one session. No
// protocol logic.

#pragma once

#include <natsproto/blocking/client.hpp>
#include <natsproto/blocking/os_files.hpp>
#include <natsproto/blocking/os_random.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include "blocking/transport.hpp"
#include "core/session_log.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace nats::blocking {

class driver {
public:
    driver(const options& o, const blocking_options& b);
    ~driver();
    /// Destroys it, once the call that waits in it has returned: a handler may let go of the last
    /// of all that share it. So a call need not hold it, which would be two atomic operations.
    static void let_go(driver* d) noexcept;
    /// What can be found wrong before connecting.
    [[nodiscard]] result<void> check() const;
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;

    result<void> publish(std::string_view subject, bytes payload, const publish_options& o);
    /// Whether a command would fail with `output_full`.
    [[nodiscard]] bool full() const noexcept;
    /// Waits until that is not so. It reads, which ends views of messages.
    [[nodiscard]] result<void> wait_room(time_point deadline);
    /// Hands what is queued to the kernel, as far as it takes it.
    result<void> write();
    /// After a command that queued something: writes it, unless a burst is open.
    result<void> write_soon();

    /// One round: write, wait until the deadline for input, read once. False: the deadline has
    /// come. Events are left for the caller to take.
    [[nodiscard]] result<bool> pump(time_point deadline);
    /// Gives all parsed events to the runtime; how many.
    std::size_t dispatch_all();
    /// Pumps and dispatches until `done(o)`.
    [[nodiscard]] std::optional<error> drive(bool (*done)(const void*), const void* o);
    template <class T>
    T run(op<T> o) {
        runtime_.advance(clock::now());
        o.start();
        const auto done = [](const void* running) {
            return static_cast<const op<T>*>(running)->done();
        };
        if (std::optional<error> e = drive(done, &o)) return std::move(*e);
        return o.take();
    }
    [[nodiscard]] result<message_view> next_view(mailbox& box, duration timeout);
    [[nodiscard]] result<std::size_t> poll(duration timeout);
    void close();
    result<void> start_drain(bool readers);
    result<void> drain();

    void begin_burst() noexcept { ++bursts_; }
    void end_burst() noexcept;
    [[nodiscard]] bool in_burst() const noexcept {
        return bursts_ != 0 || settings_.policy == publish_policy::buffered ||
               runtime_.in_handler();
    }

    os_random random_;
    os_files files_;
    session_log log_; ///< before the session, which uses these two
    std::unique_ptr<crypto_provider> own_crypto_;
    session session_;
    runtime runtime_;
    transport transport_;
    std::function<void(const event&)> observer_;

private:
    class settling;
    [[nodiscard]] bool is_down() const noexcept;
    result<void> publish_unusual(std::string_view subject, bytes payload, const publish_options& o,
                                 bool borrow);
    result<void> publish_later(std::string_view subject, bytes payload, const publish_options& o);
    result<void> publish_down(std::string_view subject, bytes payload, const publish_options& o);
    [[nodiscard]] std::optional<error> wait_until(bool (*done)(const void*), const void* o);
    [[nodiscard]] result<message_view> wait_for(mailbox& box, duration timeout);
    /// The rest of `pump`, behind its write.
    [[nodiscard]] result<bool> read_or_wait(time_point deadline);
    void settle() noexcept;
    void do_actions();
    void connect(const action::connect& c);
    void go_on_connecting();
    void read_once();
    void on_event(const event& e);

    blocking_options settings_;
    local_end local_end_;
    result<void> settings_ok_;
    bool reconnects_;
    bool randomize_;
    bool hand_over_;
    int busy_ = 0; ///< waiting calls that run, one inside of the other
    bool let_go_ = false;
    attempt_id attempt_{};
    int bursts_ = 0;
    int reads_without_wait_ = 0;
    std::size_t write_at_ = 64 * 1024; ///< in a burst: how much may be queued before the next write
    bool read_again_ = false;          ///< the last read filled its buffer: there is probably more
    std::error_code write_error_; ///< writing failed; what the peer sent before is still to be read
};

struct subscription_state {
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

} // namespace nats::blocking
