// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the client's driver, shared.

#include <natsproto/blocking/client_handle.hpp>

#include "blocking/driver.hpp"

namespace nats {

result<void> client_handle::publish(std::string_view subject, bytes payload,
                                    const publish_options& o) {
    return driver_->publish(subject, payload, o);
}

void client_handle::touch() noexcept {
    try {
        (void)driver_->write_soon();
    } catch (...) {
        return; // no memory; what is queued stays so
    }
}

runtime& client_handle::runtime_now() noexcept {
    driver_->runtime_.advance(clock::now()); // an op that starts now needs to know when that is
    return driver_->runtime_;
}

std::optional<error> blocking::drive(driver& d, bool (*done)(const void*), const void* o) {
    return d.drive(done, o);
}

} // namespace nats
