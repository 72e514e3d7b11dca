// SPDX-License-Identifier: Apache-2.0
//
// Messages that a consumer pushes: a subscription that is there before the consumer is made.

#pragma once

#include <natsproto/jetstream/consumer_info.hpp>
#include <natsproto/jetstream/consumption.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/push_machine.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace nats::js {

struct push_request {
    push_request(context c, std::string from, consumer_config what)
        : settings(std::move(c)), stream(std::move(from)), config(std::move(what)) {}
    context settings;
    std::string stream;
    consumer_config config;
    std::string existing; ///< the name of a consumer that is there, and stays; empty: it is made
};

/// Errors: `invalid_name`, `invalid_subject`, `invalid_queue_group`.
[[nodiscard]] result<push_request> encode_push(const context& c, std::string_view stream,
                                               consumer_config config);

/// What an existing consumer pushes: nothing is made, and it is not deleted at the end. Errors:
/// `invalid_argument` for one that is pulled from.
[[nodiscard]] result<push_request> encode_push(const context& c, const consumer_info& existing);

class push_subscription final : public consumption {
public:
    push_subscription(runtime& rt, push_request r);

    [[nodiscard]] std::optional<error> poll_warning() override { return machine_.poll_warning(); }
    [[nodiscard]] bool has_warning() const noexcept override { return machine_.has_warning(); }

private:
    [[nodiscard]] result<void> subscribe(runtime& rt, mailbox::handler handle,
                                         void* context) override;
    [[nodiscard]] bool judge(runtime& rt, const nats::message_view& m) override;
    void send(runtime& rt) override;
    void handle_connected(runtime& rt) override;
    void handle_disconnected(runtime& rt) override;
    void handle_timeout(runtime& rt) override;
    void finish(error why) override;
    [[nodiscard]] time_point deadline() const noexcept override { return machine_.deadline(); }
    [[nodiscard]] bool finished() const noexcept override { return machine_.finished(); }
    [[nodiscard]] const error& outcome() const noexcept override { return machine_.outcome(); }
    [[nodiscard]] std::optional<op<result<void>>> errand(runtime& rt) override;
    [[nodiscard]] static op<result<void>> make_consumer(runtime& rt, push_subscription& s);
    [[nodiscard]] static op<result<void>> look_for_consumer(runtime& rt, push_subscription& s);

    runtime* runtime_;
    push_request request_;
    std::string name_; ///< of the consumer, when it is there
    bool connected_ = false;
    bool reconnected_ = false;
    push_machine machine_;
};

} // namespace nats::js
