// SPDX-License-Identifier: Apache-2.0
//
// Ties drivers to the execution context that they run on. When that is destroyed, operations that
// still wait have to be destroyed with it: their handlers may own the client, which owns the
// driver, which owns the operations, and nothing else would ever break that circle.

#pragma once

#include <natsproto/detail/intrusive_list.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <memory>
#include <mutex>

namespace nats::aio::detail {

class driver_service;

/// What the service knows of a driver.
class registered_driver : public nats::detail::list_node {
public:
    registered_driver(const registered_driver&) = delete;
    registered_driver& operator=(const registered_driver&) = delete;

protected:
    explicit registered_driver(const boost::asio::any_io_executor& ex);
    virtual ~registered_driver();
    /// The context is being destroyed: nothing of it may be used after this returns.
    virtual void context_ends() noexcept = 0;
    /// Keeps the driver alive while it is told.
    [[nodiscard]] virtual std::shared_ptr<registered_driver> keep() noexcept = 0;

private:
    friend class driver_service;
    driver_service* service_; ///< null after the end of the context
};

class driver_service : public boost::asio::execution_context::service {
public:
    static boost::asio::execution_context::id id;
    explicit driver_service(boost::asio::execution_context& c) : service(c) {}

private:
    friend class registered_driver;
    void shutdown() override;

    std::mutex mutex_;
    nats::detail::intrusive_list<registered_driver> drivers_;
};

} // namespace nats::aio::detail
