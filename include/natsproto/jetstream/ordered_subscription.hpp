// SPDX-License-Identifier: Apache-2.0
//
// Messages of a stream in order: one mailbox for all consumers that it takes, and the machine that
// knows when one is to be replaced.

#pragma once

#include <natsproto/jetstream/consumption.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/ordered_machine.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace nats::js {

struct ordered_request {
    ordered_request(context c, std::string from, consumer_config first, pull_rules r)
        : settings(std::move(c)),
          stream(std::move(from)),
          config(std::move(first)),
          rules(std::move(r)) {}
    context settings;
    std::string stream;
    std::string prefix; ///< empty: one is made up
    consumer_config config;
    pull_rules rules;
};

/// Errors: `invalid_name`, `invalid_subject`, `invalid_argument`; there are no priority groups.
[[nodiscard]] result<ordered_request> encode_ordered(const context& c, std::string_view stream,
                                                     const ordered_options& o,
                                                     const consume_options& flow);

class ordered_subscription final : public consumption {
public:
    ordered_subscription(runtime& rt, ordered_request r);

    [[nodiscard]] std::optional<error> poll_warning() override { return machine_.poll_warning(); }
    [[nodiscard]] bool has_warning() const noexcept override { return machine_.has_warning(); }
    [[nodiscard]] const ordered_machine& machine() const noexcept { return machine_; }

    /// For who wants to know where the initial data ends: to be polled behind each message. When it
    /// ends without one, `next` comes back with a message that is none, without a subject; with a
    /// handler, `f` is called. Before `start`.
    void watch_initial(notice::function f, void* context) {
        on_call(f, context);
        tells_initial_ = true;
    }
    [[nodiscard]] initial_data& initial() noexcept { return machine_.initial(); }

private:
    [[nodiscard]] result<void> subscribe(runtime& rt, mailbox::handler handle,
                                         void* context) override;
    [[nodiscard]] bool judge(runtime& rt, const nats::message_view& m) override;
    void send(runtime& rt) override;
    void handle_connected(runtime& rt) override { machine_.handle_connected(rt.now()); }
    void handle_disconnected(runtime& /*rt*/) override { machine_.handle_disconnected(); }
    void handle_timeout(runtime& rt) override;
    void finish(error why) override;
    [[nodiscard]] time_point deadline() const noexcept override { return machine_.deadline(); }
    [[nodiscard]] bool finished() const noexcept override { return machine_.finished(); }
    [[nodiscard]] const error& outcome() const noexcept override { return machine_.outcome(); }
    [[nodiscard]] std::optional<op<result<void>>> errand(runtime& rt) override;
    [[nodiscard]] time_point errand_at() const noexcept override { return machine_.creation_at(); }
    [[nodiscard]] static op<result<void>> make_consumer(runtime& rt, ordered_subscription& s);
    void remove_obsolete();
    void tell_initial(runtime& rt);

    runtime* runtime_;
    bool tells_initial_ = false;
    context settings_;
    std::string stream_;
    std::string inbox_;
    std::string pull_subject_; ///< with the final dot, before the consumer's name
    pull_rules rules_;
    ordered_machine machine_;
};

} // namespace nats::js
