// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a list of drivers under a lock. At the end of the context each is taken off
// the list and told, without the lock, since what it destroys may destroy other drivers.

#include "asio/driver_service.hpp"

#include <boost/asio/query.hpp>

#include <utility>

namespace nats::aio::detail {

boost::asio::execution_context::id driver_service::id;

registered_driver::registered_driver(const boost::asio::any_io_executor& ex)
    : service_(&boost::asio::use_service<driver_service>(
          boost::asio::query(ex, boost::asio::execution::context))) {
    const std::lock_guard lock(service_->mutex_);
    service_->drivers_.push_back(*this);
}

registered_driver::~registered_driver() {
    if (service_ == nullptr) return;
    const std::lock_guard lock(service_->mutex_);
    unlink();
}

void driver_service::shutdown() {
    while (true) {
        std::shared_ptr<registered_driver> next;
        {
            const std::lock_guard lock(mutex_);
            if (drivers_.empty()) return;
            registered_driver& d = drivers_.pop_front();
            d.service_ = nullptr;
            next = d.keep();
        }
        if (next) next->context_ends();
    }
}

} // namespace nats::aio::detail
