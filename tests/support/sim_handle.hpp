// SPDX-License-Identifier: Apache-2.0
//
// The simulator as a client that facades can stand on: `basic_jetstream<facade_client>` runs
// JetStream in virtual time.

#pragma once

#include <natsproto/publish_options.hpp>
#include <natsproto/result.hpp>

#include "support/net_client.hpp"

#include <string_view>
#include <utility>

namespace nats::test {

class sim_handle {
public:
    explicit sim_handle(net_client& c) noexcept : client_(&c) {}

    template <class Make>
    auto run(Make make) {
        return client_->run(make(*rt()));
    }
    result<void> publish(std::string_view subject, bytes payload, const publish_options& o = {}) {
        return client_->session().publish(subject, payload, o.reply, o.headers);
    }
    void touch() noexcept {}
    [[nodiscard]] runtime* rt() noexcept {
        client_->runtime().advance(client_->net().now());
        return &client_->runtime();
    }
    [[nodiscard]] bool muted() const noexcept { return false; }

private:
    net_client* client_;
};

/// What a facade is made from.
class facade_client {
public:
    using handle_type = sim_handle;
    explicit facade_client(net_client& c) noexcept : client_(&c) {}
    [[nodiscard]] sim_handle handle() const noexcept { return sim_handle(*client_); }

private:
    net_client* client_;
};

} // namespace nats::test
