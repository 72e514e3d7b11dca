// SPDX-License-Identifier: Apache-2.0
//
// What a facade, such as JetStream's, holds of a blocking client: enough to run its ops and to
// publish. It shares the connection, so it may outlive the client, and then finds it closed.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/op.hpp>
#include <natsproto/publish_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace nats {

class client;

namespace blocking {

class driver;

/// Drives until `done(o)`; the error is that of a closed connection.
[[nodiscard]] std::optional<error> drive(driver& d, bool (*done)(const void*), const void* o);

/// Runs an op to its end.
template <class T>
T run(driver& d, op<T>& o) {
    const auto done = [](const void* running) noexcept {
        return static_cast<const op<T>*>(running)->done();
    };
    o.start();
    if (std::optional<error> e = drive(d, done, &o)) return T(std::move(*e));
    return o.take();
}

} // namespace blocking

class client_handle {
public:
    /// Runs the op that `make(runtime&)` returns to its end.
    template <class Make>
    auto run(Make make) { // NOLINT(*-unnecessary-value-param): some change themselves
        auto o = make(runtime_now());
        return blocking::run(*driver_, o);
    }
    /// As `client::publish`.
    result<void> publish(std::string_view subject, bytes payload, const publish_options& o = {});
    /// Has what was queued in the session written, as a publish would be.
    void touch() noexcept;
    /// With its clock set. It lives as long as this handle.
    [[nodiscard]] runtime* rt() noexcept { return &runtime_now(); }
    /// Whether handlers must not be called any more.
    [[nodiscard]] bool muted() const noexcept { return false; }

private:
    friend class client;
    explicit client_handle(std::shared_ptr<blocking::driver> d) noexcept : driver_(std::move(d)) {}
    [[nodiscard]] runtime& runtime_now() noexcept;

    std::shared_ptr<blocking::driver> driver_;
};

} // namespace nats
