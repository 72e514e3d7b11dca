// SPDX-License-Identifier: Apache-2.0
//
// The resolver of the system, as Asio offers it: in a thread that Asio starts with the first name.

#pragma once

#include <natsproto/asio/tcp_connector.hpp>

#include <memory>

namespace nats::aio {

class system_resolver final : public resolver {
public:
    /// Only addresses of the family that `order` is content with are asked for.
    explicit system_resolver(address_order order) noexcept : order_(order) {}
    ~system_resolver() override;

    void resolve(const boost::asio::any_io_executor& ex, const std::string& host,
                 std::uint16_t port, handler done) override;
    void cancel() noexcept override;

private:
    class query;
    address_order order_;
    std::shared_ptr<query> query_;
};

} // namespace nats::aio
