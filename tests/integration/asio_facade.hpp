// SPDX-License-Identifier: Apache-2.0
//
// The client of asio_client.hpp below facades such as JetStream's: their operations are those of
// the Asio client, and their calls wait as the blocking client's do.

#pragma once

#include <natsproto/asio/client_handle.hpp>

#include "integration/asio_home.hpp"

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nats::test::on_asio {

class facade_handle {
public:
    facade_handle(std::shared_ptr<home> h, aio::client_handle handle)
        : home_(std::move(h)), handle_(std::move(handle)) {}

    template <class Make>
    auto run(Make make) {
        using T = typename aio::detail::value_of<std::invoke_result_t<Make&, runtime&>>::type;
        return home_->wait<T>([&](outcome<T>& out, auto handler) {
            handle_.run(std::move(make), std::move(handler), &out.why);
        });
    }
    template <class Make>
    void spawn(Make make) {
        handle_.spawn(std::move(make));
    }
    result<void> publish(std::string_view subject, bytes payload, const publish_options& o = {}) {
        result<void> queued = handle_.publish(subject, payload, o);
        home_->write_soon();
        return queued;
    }
    void touch() noexcept {
        handle_.touch();
        home_->write_soon();
    }
    [[nodiscard]] runtime* rt() noexcept { return handle_.rt(); }
    [[nodiscard]] bool muted() const noexcept { return handle_.muted(); }

private:
    std::shared_ptr<home> home_; ///< before the handle, whose client lives there
    aio::client_handle handle_;
};

} // namespace nats::test::on_asio
