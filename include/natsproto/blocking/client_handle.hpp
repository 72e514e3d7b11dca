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
#include <type_traits>
#include <utility>

namespace nats {

class client;

namespace blocking {
class driver;
} // namespace blocking

class client_handle {
public:
    /// Runs the op that `make(runtime&)` returns to its end.
    template <class Make>
    auto run(Make make) {
        auto o = make(runtime_now());
        using result_type = typename decltype(o)::value_type;
        o.start();
        if (std::optional<error> e = drive(&is_done<decltype(o)>, &o))
            return result_type(std::move(*e));
        return o.take();
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
    template <class Op>
    static bool is_done(const void* o) noexcept {
        return static_cast<const Op*>(o)->done();
    }
    [[nodiscard]] runtime& runtime_now() noexcept;
    [[nodiscard]] std::optional<error> drive(bool (*done)(const void*), const void* o);

    std::shared_ptr<blocking::driver> driver_;
};

} // namespace nats
