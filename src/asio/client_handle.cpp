// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the client's driver, shared. An op is made on the client's executor, at once
// if the caller is there; its maker is only kept on the heap when it has to get there first.

#include <natsproto/asio/client_handle.hpp>

#include "asio/driver.hpp"

#include <utility>

namespace nats::aio {

void detail::start_made(const std::shared_ptr<driver>& d, op_maker& m) {
    d->listen(m.target());
    if (d->here()) return d->begin_made(m);
    d->enter([kept = m.keep()](driver& self) { self.begin_made(*kept); });
}

result<void> client_handle::publish(std::string_view subject, bytes payload,
                                    const publish_options& o) {
    return driver_->publish(subject, payload, o);
}

void client_handle::touch() noexcept {
    try {
        driver_->touched();
    } catch (...) {
        return; // no memory; what is queued stays so
    }
}

runtime* client_handle::rt() noexcept {
    return detail::runtime_of(*driver_);
}

bool client_handle::muted() const noexcept {
    return driver_->muted();
}

boost::asio::any_io_executor client_handle::get_executor() const {
    return driver_->executor();
}

} // namespace nats::aio
