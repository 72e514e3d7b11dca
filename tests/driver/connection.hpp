// SPDX-License-Identifier: Apache-2.0
//
// What a scenario can do with a client, whatever drives it: the calls of the blocking client, where
// time passes for a client only inside of its own waiting calls. Each driver has to do the same.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/options.hpp>
#include <natsproto/publish_options.hpp>
#include <natsproto/request_many.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>
#include <natsproto/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

/// A subscription. Destroying it unsubscribes.
class reader {
public:
    reader() = default;
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;
    virtual ~reader() = default;

    [[nodiscard]] virtual result<message> next(duration timeout) = 0;
    virtual result<void> unsubscribe(std::optional<std::uint64_t> after) = 0;
    virtual result<void> drain() = 0;
    [[nodiscard]] virtual subscription_status status() const = 0;
    virtual void on_end(std::function<void(const error&)> f) = 0;
    [[nodiscard]] virtual const mailbox& queue() const = 0;
    virtual result<void> set_pending_limits(const pending_limits& l) = 0;
};

/// The replies of a request for many. Destroying it ends the request.
class reply_reader {
public:
    reply_reader() = default;
    reply_reader(const reply_reader&) = delete;
    reply_reader& operator=(const reply_reader&) = delete;
    virtual ~reply_reader() = default;

    [[nodiscard]] virtual result<std::optional<message>> next() = 0;
};

using message_handler = std::function<void(const message_view&)>;
using event_handler = std::function<void(const event&)>;

/// A client that is connected, or goes on connecting. Destroying it closes it.
class connection {
public:
    connection() = default;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    virtual ~connection() = default;

    virtual result<void> publish(std::string_view subject, bytes payload,
                                 const publish_options& o) = 0;
    virtual result<void> respond(const message_view& to, bytes payload, header_view headers) = 0;
    virtual result<std::unique_ptr<reader>> subscribe(std::string_view subject,
                                                      const subscribe_options& o) = 0;
    virtual result<std::unique_ptr<reader>> subscribe(std::string_view subject, message_handler h,
                                                      const subscribe_options& o) = 0;

    virtual result<duration> flush(duration timeout) = 0;
    virtual result<duration> rtt(duration timeout) = 0;
    virtual result<void> wait_connected(duration timeout) = 0;
    virtual result<void> barrier(duration timeout) = 0;
    /// Handles what has come, waiting for at most `timeout` for the first of it.
    virtual result<std::size_t> poll(duration timeout) = 0;

    virtual result<message> request(std::string_view subject, bytes payload, duration timeout,
                                    header_view headers) = 0;
    virtual result<message> request_by_inbox(std::string_view subject, bytes payload,
                                             duration timeout) = 0;
    /// Sends all of them before it waits for the first reply; the replies in this order.
    virtual std::vector<result<message>> request_all(std::string_view subject,
                                                     const std::vector<std::string>& payloads,
                                                     duration timeout) = 0;
    virtual result<std::unique_ptr<reply_reader>> request_many(std::string_view subject,
                                                               bytes payload,
                                                               const request_many_options& o) = 0;

    /// Runs an op of one's own, made with `rt()`.
    virtual result<std::string> run(op<result<std::string>> o) = 0;
    [[nodiscard]] virtual runtime& rt() = 0;

    virtual void close() = 0;
    virtual result<void> drain() = 0;
    virtual result<void> start_drain() = 0;
    virtual result<void> force_reconnect() = 0;
    virtual result<void> set_servers(std::string_view list) = 0;

    [[nodiscard]] virtual session_status status() const = 0;
    [[nodiscard]] virtual const server_info& info() const = 0;
    [[nodiscard]] virtual const endpoint& server() const = 0;
    [[nodiscard]] virtual const statistics& stats() const = 0;
    [[nodiscard]] virtual const error& close_reason() const = 0;
    [[nodiscard]] virtual std::size_t kept() const = 0;
};

} // namespace nats::test
