// SPDX-License-Identifier: Apache-2.0
//
// What lets sequences of steps be written once: waiting for replies, messages, PONGs and deadlines,
// without I/O, over one session. Drivers feed it events and time; ops wait in it.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/detail/frame_pool.hpp>
#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/message.hpp>
#include <natsproto/nuid.hpp>
#include <natsproto/op.hpp>
#include <natsproto/random.hpp>
#include <natsproto/result.hpp>
#include <natsproto/session.hpp>
#include <natsproto/time.hpp>

#include <coroutine>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nats {

/// What waits: a member of an awaiter, so it lives in the frame of the coroutine that waits.
/// Destroying it cancels.
class waiter : public detail::list_node {
public:
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

protected:
    waiter(runtime& rt, time_point deadline) noexcept : runtime_(&rt), deadline_(deadline) {}
    ~waiter();

    void suspend(std::coroutine_handle<> h);
    runtime* runtime_;
    error failure_;
    bool failed_ = false;

private:
    friend class runtime;
    static constexpr std::size_t no_place = static_cast<std::size_t>(-1);
    std::coroutine_handle<> handle_;
    time_point deadline_;
    std::size_t place_ = no_place; ///< in the heap of deadlines
    std::uint64_t order_ = 0;      ///< among equal deadlines: who waited first
    int depth_ = 0;                ///< how many handlers were running when the wait began
};

/// Waits for the reply to one request. Awaiting it sends the request; the view lives until the next
/// `co_await`.
class request_waiter : public waiter {
public:
    request_waiter(runtime& rt, std::string_view subject, bytes payload, header_view headers,
                   time_point deadline) noexcept
        : waiter(rt, deadline), subject_(subject), payload_(payload), headers_(headers) {}
    request_waiter(const request_waiter&) = delete;
    request_waiter& operator=(const request_waiter&) = delete;
    ~request_waiter();

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> h) { suspend(h); }
    [[nodiscard]] result<message_view> await_resume();

private:
    friend class runtime;
    std::string_view subject_;
    bytes payload_;
    header_view headers_;
    std::uint32_t slot_ = 0; ///< in the table of requests, from 1; 0: none
    message_view reply_;
};

/// Waits for the next message of a mailbox. The view lives until the next `co_await`.
class mailbox_waiter : public waiter {
public:
    mailbox_waiter(runtime& rt, mailbox& box, time_point deadline) noexcept
        : waiter(rt, deadline), box_(&box) {}
    mailbox_waiter(const mailbox_waiter&) = delete;
    mailbox_waiter& operator=(const mailbox_waiter&) = delete;
    ~mailbox_waiter();

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    [[nodiscard]] result<message_view> await_resume();

private:
    friend class runtime;
    friend class mailbox;
    mailbox* box_;
    message_view message_;
};

/// Waits for the PONG to a PING that awaiting it sends: the round trip time.
class flush_waiter : public waiter {
public:
    flush_waiter(runtime& rt, time_point deadline) noexcept : waiter(rt, deadline) {}
    flush_waiter(const flush_waiter&) = delete;
    flush_waiter& operator=(const flush_waiter&) = delete;
    ~flush_waiter() = default;

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    [[nodiscard]] result<duration> await_resume();

private:
    friend class runtime;
    ping_id ping_{};
    duration rtt_{};
};

/// Waits for a condition of the connection: that it is up, that the first attempts have come to a
/// result, that there is room in the output or nothing is left in it, that it has closed, or only
/// for the deadline (which is then no error).
class condition_waiter : public waiter {
public:
    enum class kind : std::uint8_t { connected, settled, room, written, closed, time };
    condition_waiter(runtime& rt, kind what, time_point deadline) noexcept
        : waiter(rt, deadline), kind_(what) {}
    condition_waiter(const condition_waiter&) = delete;
    condition_waiter& operator=(const condition_waiter&) = delete;
    ~condition_waiter() = default;

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    [[nodiscard]] result<void> await_resume();

private:
    friend class runtime;
    kind kind_;
};

/// Waits until every message that is queued now was handled.
class barrier_waiter : public waiter {
public:
    barrier_waiter(runtime& rt, time_point deadline) noexcept : waiter(rt, deadline) {}
    barrier_waiter(const barrier_waiter&) = delete;
    barrier_waiter& operator=(const barrier_waiter&) = delete;
    ~barrier_waiter() = default;

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    [[nodiscard]] result<void> await_resume();

private:
    friend class runtime;
    struct target {
        const mailbox* box; ///< null when it was destroyed
        std::uint64_t taken;
    };
    [[nodiscard]] bool reached() const noexcept;
    std::vector<target> targets_;
};

class wakeup_waiter;

/// Something for one op to look at, set by whoever has it: a handler, a command of the user's. Its
/// address must not change while an op waits for it.
class wakeup {
public:
    wakeup() noexcept = default;
    wakeup(const wakeup&) = delete;
    wakeup& operator=(const wakeup&) = delete;
    ~wakeup();

    /// The op that waits is resumed when nothing else runs; what is set stays until it is seen.
    void set() noexcept;

private:
    friend class wakeup_waiter;
    friend class runtime;
    wakeup_waiter* waiter_ = nullptr;
    bool set_ = false;
};

/// Waits until a wakeup is set, the connection is lost or made, or the deadline has come: none of
/// them is an error, and the op looks at what it is. The error is that of a closed session.
class wakeup_waiter : public waiter {
public:
    wakeup_waiter(runtime& rt, wakeup& s, time_point deadline) noexcept
        : waiter(rt, deadline), source_(&s) {}
    wakeup_waiter(const wakeup_waiter&) = delete;
    wakeup_waiter& operator=(const wakeup_waiter&) = delete;
    ~wakeup_waiter();

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    [[nodiscard]] result<void> await_resume();

private:
    friend class wakeup;
    friend class runtime;
    void wake() noexcept;
    wakeup* source_; ///< null when it was destroyed
};

/// A call that the runtime makes when no op and no handler runs: for what has to be told, and may
/// destroy whoever tells it. Its address must not change while it is posted; destroying it takes it
/// back.
class notice : public detail::list_node {
public:
    using function = void (*)(void* context);
    notice(function f, void* context) noexcept : call_(f), context_(context) {}
    notice(const notice&) = delete;
    notice& operator=(const notice&) = delete;
    ~notice() = default;

private:
    friend class runtime;
    function call_;
    void* context_;
};

struct subscribe_options {
    std::optional<std::string_view> queue{}; ///< the queue group; an empty name is an error
    std::optional<pending_limits> pending{}; ///< instead of the connection's
};
static_assert(std::is_trivially_destructible_v<subscribe_options>);

/// Single-threaded, like its session. Must outlive all ops that run on it; mailboxes may outlive
/// it.
///
/// A driver gives each event that `session::next` yields to `dispatch`, then does what the
/// session's contract says, but through the members of this class where both have them. An op that
/// ends with a view has to be taken between `dispatch` and the next call of `next`.
class runtime {
public:
    runtime(session& s, random_source& random);
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;
    ~runtime();

    // --- for drivers
    /// Tells the time; ops see it as `now()`.
    void advance(time_point now) noexcept { now_ = now; }
    /// Gives an event to whom it concerns: resumes ops, fills mailboxes, calls handlers and the
    /// observer.
    void dispatch(const event& e);
    /// `session::next` and `dispatch` in one, in the short way where it is a message. False: there
    /// is no event until there is input.
    bool dispatch_next();
    /// As `session::handle_timeout`, and ends waits whose deadline has come.
    void handle_timeout(time_point now);
    [[nodiscard]] std::optional<time_point> poll_timeout() const noexcept;
    /// As `session::transmitted`, and wakes those who wait for room.
    void transmitted(std::size_t n);
    /// Does what became due without an event: readers have emptied queues that a barrier, a drain
    /// or the end of a subscription waited for, or a handler has thrown. For drivers that start ops
    /// while others wait: after that, when no op is being started or resumed.
    void settle();
    /// Gets every event that is not a message. It may call the session's commands, but must not
    /// drive.
    using observer = void (*)(void* context, const event& e);
    void observe(observer f, void* context) noexcept;
    /// For drivers whose user waits on one subscription: `try_next`, then parses until a message
    /// for `box` comes, which is not queued but returned; other events are dispatched. Null: there
    /// is none until there is input. When a handler destroys `box` meanwhile, the error is
    /// `invalid_subscription`.
    [[nodiscard]] result<const message_view*> next_for(mailbox& box);
    /// The next message of `box` if it is queued, or with `parse` the very next that has come. The
    /// view lives until the next call that reads. Null: there is none at once, and `next` tells
    /// why. `parse` is for ops when `in_dispatch`, and for drivers that go on to call
    /// `dispatch_next` until it is false: that has a copy of somebody else's message, if that was
    /// parsed.
    [[nodiscard]] const message_view* take_now(mailbox& box, bool parse);
    /// Whether an op that runs was resumed by an event, so that more of them may follow at once.
    [[nodiscard]] bool in_dispatch() const noexcept {
        return depth_ != 0 && handlers_running_ == 0;
    }
    /// Whether `dispatch_next` or `settle` has something to do though nothing is read.
    [[nodiscard]] bool is_behind() const noexcept { return put_off_.held || has_duties(); }
    /// Whether a handler is running: then messages are queued, so that handlers are not entered
    /// twice.
    [[nodiscard]] bool in_handler() const noexcept { return handlers_running_ != 0; }

    // --- for ops and facades
    [[nodiscard]] session& connection() noexcept { return *session_; }
    [[nodiscard]] time_point now() const noexcept { return now_; }

    [[nodiscard]] request_waiter request(std::string_view subject, bytes payload,
                                         header_view headers, time_point deadline) noexcept {
        return {*this, subject, payload, headers, deadline};
    }
    [[nodiscard]] mailbox_waiter next(mailbox& box, time_point deadline) noexcept {
        return {*this, box, deadline};
    }
    [[nodiscard]] flush_waiter flush(time_point deadline) noexcept { return {*this, deadline}; }
    [[nodiscard]] condition_waiter connected(time_point deadline) noexcept {
        return {*this, condition_waiter::kind::connected, deadline};
    }
    /// Until it is connected, or the first pass over the servers has failed.
    [[nodiscard]] condition_waiter settled(time_point deadline) noexcept {
        return {*this, condition_waiter::kind::settled, deadline};
    }
    /// Until every message that is queued for any subscription now was given to its reader, and
    /// handlers have returned.
    [[nodiscard]] barrier_waiter barrier(time_point deadline) noexcept { return {*this, deadline}; }
    /// Until less waits than half of `limits::max_output_bytes`, or of 1 MiB if that is less.
    [[nodiscard]] condition_waiter room(time_point deadline) noexcept {
        return {*this, condition_waiter::kind::room, deadline};
    }
    /// Until nothing that was queued waits to be written.
    [[nodiscard]] condition_waiter written(time_point deadline) noexcept {
        return {*this, condition_waiter::kind::written, deadline};
    }
    /// Until the session has closed, whatever the reason.
    [[nodiscard]] condition_waiter closed(time_point deadline) noexcept {
        return {*this, condition_waiter::kind::closed, deadline};
    }
    [[nodiscard]] condition_waiter sleep_until(time_point t) noexcept {
        return {*this, condition_waiter::kind::time, t};
    }

    /// Whether a publish would fail with `output_full`, as far as is known without trying.
    [[nodiscard]] bool output_full() const noexcept {
        return session_->is_up() &&
               session_->untransmitted() >= session_->bounds().max_output_bytes;
    }
    /// Until `s` is set, or the connection is lost or made (see `connections`), or the deadline.
    [[nodiscard]] wakeup_waiter wait(wakeup& s, time_point deadline) noexcept {
        return {*this, s, deadline};
    }
    /// Has `n` called once, soon.
    void post(notice& n) noexcept { notices_.push_back(n); }
    /// How many connections there have been: a new number is a new connection.
    [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }

    /// A text that nothing else has, of 22 letters and digits.
    [[nodiscard]] std::string new_id();
    /// A new inbox name.
    [[nodiscard]] std::string new_inbox();
    /// Subscribes a mailbox that is not in use. With `handle`, messages go there and not into the
    /// queue.
    result<void> subscribe(mailbox& box, std::string_view subject, const subscribe_options& o = {},
                           mailbox::handler handle = nullptr, void* context = nullptr);
    /// Without `after`: now, and what is queued is discarded. With it: when that many messages have
    /// come; what was queued can still be read.
    result<void> unsubscribe(mailbox& box, std::optional<std::uint64_t> after = {});

    /// Ends a subscription without losing what the server has sent for it: what is queued and on
    /// its way is still delivered, then the mailbox ends with `drained`. Idempotent.
    result<void> drain(mailbox& box);
    /// Drains all subscriptions, waits until handlers have dealt with what they brought, flushes
    /// what was published, and closes. `readers`: also waits until what is queued was read;
    /// without, it can be read after the end. Ends with `ev::closed`, at the latest after
    /// `options::drain_timeout`. Errors: `not_connected`, and then it is closed; those of a closed
    /// session. Idempotent, but the last `readers` counts.
    result<void> drain_connection(bool readers);

    /// Has whoever waits for the next message of `box` come back with `timeout`, soon: there is
    /// something else to look at.
    void call_reader(mailbox& box) noexcept;
    /// The next queued message of a mailbox, if there is one: as `next` without waiting. An error
    /// when the subscription has ended and its queue is empty, or `slow_consumer` once after
    /// messages were dropped.
    [[nodiscard]] result<std::optional<message_view>> try_next(mailbox& box);

    /// What a mailbox with a handler has to tell: `slow_consumer` once after messages were dropped,
    /// and the server's refusal.
    [[nodiscard]] std::optional<error> take_trouble(mailbox& box);
    /// Something is being dealt with that the connection's drain is to wait for, for as long as
    /// `options::drain_timeout` allows, until `release_drain` was called as often.
    void hold_drain() noexcept { ++drain_holds_; }
    void release_drain() noexcept;

    [[nodiscard]] std::size_t waiting_requests() const noexcept { return requests_waiting_; }

private:
    friend class waiter;
    friend class request_waiter;
    friend class mailbox_waiter;
    friend class flush_waiter;
    friend class condition_waiter;
    friend class barrier_waiter;
    friend class wakeup_waiter;
    friend class mailbox;
    friend void* detail::allocate_frame(runtime& rt, std::size_t size);

    struct request_slot {
        request_waiter* waiting = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = 0;
    };

    void dispatch_message(const message_in_place& m);
    void dispatch_put_off();
    void recover_from_throw();
    /// Whether there is something for `settle`, which there hardly ever is.
    [[nodiscard]] bool has_duties() const noexcept {
        return handlers_behind_ || drain_pending_ || !behind_.empty() || !woken_.empty() ||
               !notices_.empty() || !ends_.empty() || !barriers_.empty();
    }
    [[nodiscard]] bool goes_to_reader(const message_in_place& m, const mailbox& box) const noexcept;
    const message_view* give_to_reader(const message_in_place& m, mailbox& box);
    [[nodiscard]] result<const message_view*> queued_for(mailbox& box);
    const message_view* give_queued(mailbox& box);
    void hand_on(const event& e);
    [[nodiscard]] mailbox* mailbox_of(const event& e) const noexcept;
    void react(const event& e, mailbox* about);
    void on_message(const message_in_place& m);
    void on_reply(const message_view& m);
    void on_pong(const ev::pong& p);
    void on_connected();
    void on_disconnected(const error& why);
    void on_drained(mailbox* box);
    void on_refused(const ev::server_error& e, mailbox* box);
    void resume_all(detail::intrusive_list<waiter>& list);
    void fail_all(detail::intrusive_list<waiter>& list, const error& why);
    void fail_requests(const error& why);
    void step_drain();
    static void go_on_draining(void* self);
    void step_barriers();
    void wake_all() noexcept;
    void wake_and_tell();
    void note_end(mailbox& box);
    void tell_ends();
    void forget(const mailbox& box) noexcept;
    void on_closed(const error& why);
    void deliver(mailbox& box, const message_view& m, sub_id id);
    void call_handler(mailbox& box, const message_view& m);
    void run_queued_handlers();
    void tell(const event& e);

    void resume(waiter& w);
    [[nodiscard]] message_view keep_for(const waiter& w, const message_view& m);
    void catch_up();
    void resume_behind();
    void fail(waiter& w, error why);
    void add_deadline(waiter& w);
    void remove_deadline(waiter& w) noexcept;
    void place(std::size_t at, waiter* w) noexcept;
    void sift_up(std::size_t at) noexcept;
    void sift_down(std::size_t at) noexcept;

    result<void> begin_request(request_waiter& w);
    void end_request(request_waiter& w) noexcept;
    void end_mailbox(mailbox& box, error why);
    [[nodiscard]] bool has_room() const noexcept;

    session* session_;
    event other_; ///< of next_for: a message that it returns stays here
    nuid ids_;
    time_point now_{};
    detail::frame_pool frames_;
    observer observer_ = nullptr;
    void* observer_context_ = nullptr;
    struct put_off_message {
        bool held = false;
        bool last = false;
        sub_id sub{};
        void* cookie = nullptr;
        message copy;
    };
    put_off_message put_off_; ///< of take_now
    struct wanted_mailbox {
        mailbox* box; ///< null when it was destroyed
        wanted_mailbox* outer;
    };
    wanted_mailbox* wanted_ =
        nullptr; ///< what is used after calls of the user's code, the innermost first
    std::vector<waiter*> deadlines_;
    std::uint64_t wait_order_ = 0;
    detail::intrusive_list<waiter> expired_;
    detail::intrusive_list<waiter> flushes_;
    detail::intrusive_list<waiter> for_connection_;
    detail::intrusive_list<waiter> for_first_;
    detail::intrusive_list<waiter> for_room_;
    detail::intrusive_list<waiter> for_written_;
    detail::intrusive_list<waiter> for_end_;
    detail::intrusive_list<waiter> barriers_;
    detail::intrusive_list<waiter> for_wakeup_;
    detail::intrusive_list<waiter> woken_; ///< their wakeup was set, or the connection has changed
    std::uint64_t connections_ = 0;
    detail::intrusive_list<notice> notices_;
    std::vector<mailbox*> ends_; ///< whose end is to be told; null when destroyed
    bool drain_pending_ = false; ///< all has come, and is being dealt with
    bool drain_readers_ = false;
    std::size_t drain_holds_ = 0;
    notice released_{&runtime::go_on_draining, this}; ///< the last hold of the drain
    detail::intrusive_list<waiter> asleep_;
    detail::intrusive_list<mailbox> mailboxes_;
    std::vector<request_slot> requests_;
    std::uint32_t free_request_ = 0; ///< index + 1
    std::size_t requests_waiting_ = 0;
    std::uint32_t first_generation_;
    std::optional<sub_id> inbox_id_;
    std::string inbox_;     ///< of the replies, with the final dot; empty: not subscribed yet
    std::string reply_;     ///< inbox_ and the token of the newest request
    char inbox_cookie_ = 0; ///< its address is the reply inbox's cookie
    detail::intrusive_list<waiter>
        behind_;                ///< to be resumed when the handler that runs now has returned
    std::vector<message> kept_; ///< what they get; until the next event
    int handlers_running_ = 0;
    int depth_ = 0;                ///< messages that are being handed on
    bool handlers_behind_ = false; ///< messages were queued while a handler ran
};

} // namespace nats
