// SPDX-License-Identifier: Apache-2.0

#include "driver/connection_over.hpp"
#include "driver/real_world.hpp"
#include "integration/asio_client.hpp"

#include <memory>
#include <utility>

namespace nats::test {

result<std::unique_ptr<connection>> connect_on_asio(const options& o, event_handler on_event) {
    const blocking_options b{
        .on_event = [](void* f, const event& e) { (*static_cast<event_handler*>(f))(e); },
        .on_event_context = &on_event};
    result<on_asio::client> made = on_asio::client::connect(o, b);
    if (!made) return made.error();
    made->on_event(std::move(on_event));
    return std::unique_ptr<connection>(
        std::make_unique<connection_over<on_asio::client>>(std::move(*made)));
}

} // namespace nats::test
