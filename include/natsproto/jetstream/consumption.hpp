// SPDX-License-Identifier: Apache-2.0
//
// What stands behind a flow of messages from a consumer, whatever its kind: a mailbox, a machine
// that judges what comes, and an op that watches time and the connection. Messages are taken by
// `next`, or by a handler that asks `take` for each. Facades own it; no session and no clock of its
// own.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/jetstream/delivery.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace nats::js {

/// Its address must not change. It must not outlive its runtime, and may be destroyed whenever none
/// of its ops runs: by its handler, its end handler and its warning handler too.
class consumption {
public:
    consumption(const consumption&) = delete;
    consumption& operator=(const consumption&) = delete;
    virtual ~consumption();

    /// Subscribes, and asks for messages when connected. With `handle`, that gets them, and is to
    /// call `take`. Errors: those of subscribing.
    [[nodiscard]] result<void> start(runtime& rt, mailbox::handler handle = nullptr,
                                     void* context = nullptr);
    /// Whether `m` is for the user; also does what it makes due.
    [[nodiscard]] bool take(runtime& rt, const nats::message_view& m);
    /// The next message for the user, if nothing has to be waited for.
    [[nodiscard]] std::optional<message> take_at_once(runtime& rt);
    /// Ends it, and drops what was not read.
    void stop(runtime& rt);
    /// Asks for no more; what was received and is on its way is still delivered, then it ends.
    void drain(runtime& rt);
    /// The subscription has ended; to be told by whoever listens to its end.
    void handle_end(const error& why);

    [[nodiscard]] bool ended() const noexcept { return finished(); }
    /// Why it has ended; `consumption_stopped` if nothing is wrong.
    [[nodiscard]] const error& why() const noexcept { return outcome(); }
    /// What happened and did not end it.
    [[nodiscard]] virtual std::optional<error> poll_warning() = 0;
    [[nodiscard]] virtual bool has_warning() const noexcept = 0;
    /// Called when there are warnings.
    void on_warning(notice::function f, void* context);

    [[nodiscard]] mailbox& box() noexcept { return box_; }

protected:
    consumption() noexcept;

    // --- what kinds differ in
    /// Subscribes `box()`.
    [[nodiscard]] virtual result<void> subscribe(runtime& rt, mailbox::handler handle,
                                                 void* context) = 0;
    [[nodiscard]] virtual bool judge(runtime& rt, const nats::message_view& m) = 0;
    /// Sends what is due.
    virtual void send(runtime& rt) = 0;
    virtual void handle_connected(runtime& rt) = 0;
    virtual void handle_disconnected(runtime& rt) = 0;
    virtual void handle_timeout(runtime& rt) = 0;
    virtual void finish(error why) = 0;
    [[nodiscard]] virtual time_point deadline() const noexcept = 0;
    [[nodiscard]] virtual bool finished() const noexcept = 0;
    [[nodiscard]] virtual const error& outcome() const noexcept = 0;
    /// Something to be done that has to wait for answers, if there is something now.
    [[nodiscard]] virtual std::optional<op<result<void>>> errand(runtime& rt) = 0;
    /// When there is an errand though nothing has happened.
    [[nodiscard]] virtual time_point errand_at() const noexcept { return no_deadline; }

    /// Something has changed that is not about a message.
    void wake() noexcept { wake_.set(); }
    /// For kinds that have more to tell than messages. `f` is called for a flow with a handler,
    /// where nothing else runs.
    void on_call(notice::function f, void* context);
    /// Has `next` come back with a message that is none, or `f` called. Nothing without `on_call`.
    void call_reader(runtime& rt);
    [[nodiscard]] bool draining() const noexcept { return draining_; }

private:
    friend op<result<std::optional<message>>> next(runtime& rt, consumption& c,
                                                   time_point deadline);
    /// A reader that waits, until it has returned or was cancelled.
    class reading {
    public:
        explicit reading(consumption& c) noexcept : of_(c) { ++of_.readers_; }
        reading(const reading&) = delete;
        reading& operator=(const reading&) = delete;
        ~reading() { --of_.readers_; }

    private:
        consumption& of_;
    };

    [[nodiscard]] static op<result<void>> watch(runtime& rt, consumption& c);
    void follow_connection(runtime& rt);
    void settle(runtime& rt);
    [[nodiscard]] bool awaited() const noexcept { return handled_ || readers_ != 0; }
    [[nodiscard]] time_point silence() const noexcept;

    runtime* runtime_ = nullptr;
    mailbox box_;
    wakeup wake_;
    notice end_; ///< ends the mailbox, where no op of ours runs
    std::optional<notice> warning_;
    std::optional<notice> call_;
    bool called_ = false;          ///< the reader is to come back
    std::uint64_t connection_ = 0; ///< the newest one that it knows of
    bool up_ = false;
    bool handled_ = false;
    int readers_ = 0; ///< that wait
    bool draining_ = false;
    std::optional<op<result<void>>> watcher_; ///< after all that it uses
};

/// The next message; empty when there will be none, and then `c.why()` tells. One without a subject
/// is none, and says that `c` has called its reader. Errors: timeout; in_use while another one
/// waits. `c` must outlive the op.
[[nodiscard]] op<result<std::optional<message>>> next(runtime& rt, consumption& c,
                                                      time_point deadline);

} // namespace nats::js
