// SPDX-License-Identifier: Apache-2.0
//
// Publishing from any thread.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/publish_options.hpp>
#include <natsproto/result.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace nats::aio {

namespace detail {
struct shared_output;
}

/// A handle of a client, for any number of threads at once; copies share what they are about. It
/// may outlive the client, and then fails with `connection_closed`; not used while the client's
/// execution context is being destroyed.
///
/// Publishes of one thread reach the server in their order. An operation that the same thread
/// starts afterwards comes after them, so `client::flush` covers them.
class publisher {
public:
    /// Copies its arguments; never waits, but for the short lock that copies are made under. The
    /// bytes leave when the client's executor gets to it. Errors: those of `client::publish`;
    /// `output_full` when `limits::max_output_bytes` wait in this queue. What a server that comes
    /// later does not take is told as a warning event with `publish_dropped`.
    result<void> publish(std::string_view subject, bytes payload = {},
                         const publish_options& o = {}) const;
    /// Bytes that wait for the client to take them.
    [[nodiscard]] std::size_t waiting() const noexcept;

private:
    friend class client;
    explicit publisher(std::shared_ptr<detail::shared_output> s) noexcept : shared_(std::move(s)) {}
    std::shared_ptr<detail::shared_output> shared_;
};

} // namespace nats::aio
