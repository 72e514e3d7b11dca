// SPDX-License-Identifier: Apache-2.0
//
// What a publisher is below its handle: a window of publishes, one inbox for their answers, and
// who waits for what. Everything runs on its runtime's thread.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/publish_options.hpp>
#include <natsproto/jetstream/publish_window.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace nats::js {

class publisher_state {
public:
    /// Gets each result. It may publish, but must neither destroy the state nor make waiting calls.
    using ack_handler = void (*)(void* context, publish_ticket t, const result<pub_ack>& r);

    /// `o` must have been checked. Belongs to the runtime that it is first used with.
    explicit publisher_state(const publisher_options& o, ack_handler f = nullptr,
                             void* context = nullptr);
    publisher_state(const publisher_state&) = delete;
    publisher_state& operator=(const publisher_state&) = delete;
    /// Ops that wait here end with `invalid_subscription`.
    ~publisher_state();

    /// Publishes at once, or not at all. Errors: `acks_overdue` when the window is full or others
    /// wait for it; `output_full`; those of a publish.
    [[nodiscard]] result<publish_ticket> try_publish(runtime& rt, std::string_view subject,
                                                     bytes payload, const publish_options& o);

    [[nodiscard]] std::size_t pending() const noexcept { return window_ ? window_->pending() : 0; }
    [[nodiscard]] publish_counts counts() const noexcept {
        return window_ ? window_->counts() : publish_counts();
    }

    /// Something that an op waits for; a member of its frame.
    class waiting : public nats::detail::list_node {
    public:
        explicit waiting(publisher_state& s) noexcept : state(&s) {}
        waiting(const waiting&) = delete;
        waiting& operator=(const waiting&) = delete;
        ~waiting();

        publisher_state* state; ///< null when it was destroyed
        wakeup changed;
        publish_ticket about{};
        bool in_turn = false;
    };

private:
    friend op<result<publish_ticket>> publish(runtime& rt, publisher_state& s,
                                              result<publish_request> r);
    friend op<result<pub_ack>> wait(runtime& rt, publisher_state& s, publish_ticket t);
    friend op<result<publish_counts>> complete(runtime& rt, publisher_state& s, duration timeout);

    [[nodiscard]] result<void> prepare(runtime& rt);
    [[nodiscard]] result<publish_ticket> send(runtime& rt, std::string_view subject, bytes payload,
                                              header_view fields);
    [[nodiscard]] static std::uint64_t connection_of(runtime& rt) noexcept;
    void handle_answer(const nats::message_view& m);
    void report(publish_ticket t);
    void resend(runtime& rt);
    void step(runtime& rt);
    [[nodiscard]] static op<result<void>> watch(runtime& rt, publisher_state& s);
    void next_turn() noexcept;

    publisher_options options_;
    ack_handler handler_;
    void* context_;
    runtime* runtime_ = nullptr;
    std::optional<publish_window> window_;
    mailbox box_;
    std::string reply_;   ///< the inbox, its dot, and the newest token
    std::string headers_; ///< of the newest message: memory that is used again
    wakeup wake_watcher_;
    time_point watched_until_ = no_deadline;
    nats::detail::intrusive_list<waiting> turns_; ///< who wants to publish, in order
    nats::detail::intrusive_list<waiting> idle_;  ///< who waits for the end of all
    nats::detail::intrusive_list<waiting> results_;
    std::optional<error> first_failure_; ///< since the last `complete`
    publish_counts before_;              ///< at the last `complete`
    std::optional<op<result<void>>> watcher_;
};

/// Publishes when there is room, in the order of these calls. Errors: `acks_overdue` after
/// `stall_wait`, those that `r` holds, and those of a publish. The state must outlive the op, or
/// end it.
[[nodiscard]] op<result<publish_ticket>> publish(runtime& rt, publisher_state& s,
                                                 result<publish_request> r);
/// The result of one publish. Errors of its own: `in_use` while another op waits for it;
/// `invalid_argument` when it is not kept (any more).
[[nodiscard]] op<result<pub_ack>> wait(runtime& rt, publisher_state& s, publish_ticket t);
/// Waits until nothing is pending: how many there were since the last `complete`. Errors: the first
/// failure of those, if there was one; `acks_overdue` at the timeout, and then nothing is
/// forgotten.
[[nodiscard]] op<result<publish_counts>> complete(runtime& rt, publisher_state& s,
                                                  duration timeout);

} // namespace nats::js
