// SPDX-License-Identifier: Apache-2.0
//
// Messages that are pulled from a consumer: an inbox, and the machine that knows when to ask.

#pragma once

#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/consumption.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/pull_machine.hpp>
#include <natsproto/jetstream/pull_options.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::js {

/// Where to ask, and what for.
struct pull_request {
    pull_request(std::string to, pull_rules r) : subject(std::move(to)), rules(std::move(r)) {}
    std::string subject;
    std::string before_body; ///< goes in front of each body
    /// Asks whether the consumer exists, if that can be asked.
    std::optional<api_request> info;
    pull_rules rules;
};

/// Errors: `invalid_name`, and those of `check`.
[[nodiscard]] result<pull_request> encode_pull(const context& c, std::string_view stream,
                                               std::string_view consumer, const fetch_options& o);
[[nodiscard]] result<pull_request> encode_pull(const context& c, std::string_view stream,
                                               std::string_view consumer, const consume_options& o);
/// To acknowledge a message and ask for the next one of its consumer.
[[nodiscard]] result<pull_request> encode_ack_next(std::string_view reply, const fetch_options& o);

class pull_subscription final : public consumption {
public:
    pull_subscription(pull_request r, time_point now);

    [[nodiscard]] std::optional<error> poll_warning() override { return machine_.poll_warning(); }
    [[nodiscard]] bool has_warning() const noexcept override { return machine_.has_warning(); }
    [[nodiscard]] const pull_machine& machine() const noexcept { return machine_; }

private:
    [[nodiscard]] result<void> subscribe(runtime& rt, mailbox::handler handle,
                                         void* context) override;
    [[nodiscard]] bool judge(runtime& rt, const nats::message_view& m) override;
    void send(runtime& rt) override;
    void handle_connected(runtime& rt) override { machine_.handle_connected(rt.now()); }
    void handle_disconnected(runtime& /*rt*/) override { machine_.handle_disconnected(); }
    void handle_timeout(runtime& rt) override { machine_.handle_timeout(rt.now()); }
    void finish(error why) override { machine_.finish(std::move(why)); }
    [[nodiscard]] time_point deadline() const noexcept override { return machine_.deadline(); }
    [[nodiscard]] bool finished() const noexcept override { return machine_.finished(); }
    [[nodiscard]] const error& outcome() const noexcept override { return machine_.outcome(); }
    [[nodiscard]] std::optional<op<result<void>>> errand(runtime& rt) override;
    [[nodiscard]] static op<result<void>> look_for_consumer(runtime& rt, pull_subscription& s);

    pull_request request_;
    pull_machine machine_;
    std::string inbox_;
};

/// Whole calls. A request that could not be made is their result.

/// One message. Errors: timeout, and whatever else ended it.
[[nodiscard]] op<result<message>> next_message(runtime& rt, result<pull_request> r);
/// All messages of a fetch: fewer than were asked for, or none, when there are no more. An error
/// only if there are none for another reason.
[[nodiscard]] op<result<std::vector<message>>> fetch_all(runtime& rt, result<pull_request> r);
/// Sends an acknowledgement and waits for the server's word for it. Errors: timeout, and those of a
/// request.
[[nodiscard]] op<result<void>> confirm_ack(runtime& rt, result<std::string> reply,
                                           duration timeout);

} // namespace nats::js
