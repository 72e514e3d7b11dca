// SPDX-License-Identifier: Apache-2.0
//
// What stands behind a service: its machine, a subscription for each question and each endpoint,
// and who is told when it ends. Facades own it, and call the user's handlers.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/services/service_machine.hpp>
#include <natsproto/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::services {

enum class service_status : std::uint8_t {
    running,
    stopping, ///< what the server has sent is still dealt with
    stopped,
};

/// What a request has come to, while it is dealt with.
struct request_record {
    request_record() = default;
    std::string failure; ///< `code:description` of an error response
    bool answered = false;
};

/// What happened to an endpoint, or to the service itself.
struct service_trouble {
    service_trouble(std::string_view at, error e) : endpoint(at), why(std::move(e)) {}
    std::string endpoint; ///< its name; empty: a subscription that answers questions, or all
    error why;
};

/// Its address must not change. It must not outlive its runtime, and must not be destroyed by what
/// it calls, but for the three notices.
class service_state {
public:
    /// `c` was checked. `ended`: posted once, when it has stopped. `troubled`: when there is
    /// something in `poll_trouble`.
    service_state(runtime& rt, service_config c, wall_time now, notice& ended, notice& troubled);
    service_state(const service_state&) = delete;
    service_state& operator=(const service_state&) = delete;
    ~service_state();

    /// Subscribes to the nine subjects of questions. Errors: those of subscribing.
    [[nodiscard]] result<void> start();
    /// Adds an endpoint whose requests `handle` gets; it is to call `handle_request`. Its number.
    /// Errors: `service_stopped`, those of `service_machine::add_endpoint` and of subscribing.
    [[nodiscard]] result<std::size_t> add_endpoint(const endpoint_config& e, const scope& in,
                                                   mailbox::handler handle, void* context);
    /// Adds one whose requests wait until they are taken, as many at a time as it says: `ready` is
    /// posted when there is one to be taken.
    [[nodiscard]] result<std::size_t> add_reader(const endpoint_config& e, const scope& in,
                                                 notice& ready);
    /// The next request of a reader, until whose `finish_request` the connection's drain waits.
    [[nodiscard]] std::optional<message> take_request(std::size_t endpoint);

    /// A request was dealt with: by a handler, or one that was taken.
    void handle_request(std::size_t endpoint, duration took, const request_record& r);
    void finish_request(std::size_t endpoint, duration took, const request_record& r);

    /// Drains all subscriptions, and then it has stopped. Idempotent.
    void stop() { stop_because({}); }
    /// Ends all subscriptions at once; nothing is told.
    void abandon() noexcept;
    void reset(wall_time now) { machine_.reset(now); }
    void set_data_source(service_machine::data_source f, void* context) noexcept {
        data_source_ = f;
        data_context_ = context;
    }

    [[nodiscard]] service_status status() const noexcept { return status_; }
    /// Why it has stopped, if not by `stop`.
    [[nodiscard]] const std::optional<error>& why() const noexcept { return why_; }
    [[nodiscard]] std::optional<service_trouble> poll_trouble();
    [[nodiscard]] const service_machine& machine() const noexcept { return machine_; }
    [[nodiscard]] stats_response stats() const {
        return machine_.stats(data_source_, data_context_);
    }

private:
    friend op<result<void>> wait_stopped(runtime& rt, service_state& s, time_point deadline);

    /// A subscription.
    struct inlet {
        inlet(service_state& s, std::optional<std::size_t> e) noexcept : owner(&s), endpoint(e) {}
        service_state* owner;
        std::optional<std::size_t> endpoint;
        verb asked{}; ///< if it is not an endpoint's
        mailbox box;
    };
    struct endpoint_inlet : inlet {
        endpoint_inlet(service_state& s, std::size_t number) noexcept : inlet(s, number) {}
        notice* ready = nullptr; ///< of a reader
        std::size_t most = 0;
        std::size_t running = 0; ///< taken and not finished, or waiting to be taken
        std::vector<message> waiting;
        wakeup freed;
        std::optional<op<result<void>>> reader; ///< after all that it uses
    };

    /// An op that waits for the end, until it has ended or was cancelled.
    class end_wait {
    public:
        explicit end_wait(service_state& s) noexcept : of_(s) { of_.waited_for_ = true; }
        end_wait(const end_wait&) = delete;
        end_wait& operator=(const end_wait&) = delete;
        ~end_wait() { of_.waited_for_ = false; }

    private:
        service_state& of_;
    };

    [[nodiscard]] result<void> listen(inlet& in, std::string_view subject,
                                      const subscribe_options& o, mailbox::handler handle,
                                      void* context);
    [[nodiscard]] result<endpoint_inlet*> add(const endpoint_config& e, const scope& in);
    [[nodiscard]] result<void> open(endpoint_inlet& in, const endpoint_config& e,
                                    mailbox::handler handle, void* context);
    void drop_last();
    void answer(verb asked, const message_view& question);
    void stop_because(std::optional<error> why);
    void drain(mailbox& box);
    void handle_end(const error& why);
    void note(const inlet& at, error why);
    void look_for_trouble();
    void check_stopped();
    [[nodiscard]] std::vector<inlet*> inlets();
    [[nodiscard]] static op<result<void>> watch(runtime& rt, service_state& s);
    [[nodiscard]] static op<result<void>> read(runtime& rt, endpoint_inlet& in);
    static void tell_question(void* in, const message_view& m);
    static void tell_end(void* in, const error& why);

    runtime* runtime_;
    service_machine machine_;
    notice* ended_;
    notice* troubled_;
    service_status status_ = service_status::running;
    std::optional<error> why_;
    std::vector<service_trouble> troubles_; ///< that were not told yet
    service_machine::data_source data_source_ = nullptr;
    void* data_context_ = nullptr;
    wakeup trouble_; ///< a subscription has something to tell
    wakeup stopped_; ///< for who waits for the end
    bool waited_for_ = false;
    std::array<std::unique_ptr<inlet>, 9> questions_;
    std::vector<std::unique_ptr<endpoint_inlet>> endpoints_;
    std::optional<op<result<void>>> watcher_; ///< after all that it uses
};

/// Until it has stopped, however it did. Errors: `timeout`; `in_use` while another one waits. `s`
/// must outlive the op.
[[nodiscard]] op<result<void>> wait_stopped(runtime& rt, service_state& s, time_point deadline);

} // namespace nats::services
