// SPDX-License-Identifier: Apache-2.0
//
// Messages of consumers: printed, and answered.

#pragma once

#include <natsproto/jetstream/consumer_info.hpp>
#include <natsproto/jetstream/delivery.hpp>

#include "js.hpp"
#include "output.hpp"

#include <CLI/App.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace nats::cli {

/// What is done with a message that was printed.
struct delivered_options {
    std::string stream;
    std::string consumer;
    std::string group;
    std::optional<bool> ack; ///< unless told: if the consumer wants it
    bool nak = false;
    bool term = false;
    bool raw = false;
};
/// The two names, --ack, --raw and --group.
void add_delivered(CLI::App& app, delivered_options& o);
/// Throws usage_error or nats::exception.
void check_delivered(const delivered_options& o);

/// Prints messages of one consumer, and acknowledges each when it was written.
class deliverer {
public:
    /// Asks the server for the consumer.
    deliverer(js_connection& j, const delivered_options& o);

    [[nodiscard]] const js::consumer_info& info() const noexcept { return info_; }
    [[nodiscard]] bool pushes() const noexcept { return !info_.config.deliver_subject.empty(); }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

    void handle(js::message& m);
    void flush() { out_.flush(); }

private:
    void print(const js::message& m);
    void answer(js::message& m);

    js_connection& js_;
    const delivered_options& options_;
    js::consumer_info info_;
    bool acks_ = false;
    output out_;
    std::uint64_t received_ = 0;
};

} // namespace nats::cli
