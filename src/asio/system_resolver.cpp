// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a query is an object of its own, shared with Asio's handler, since Asio
// calls that also after the resolver is gone: a look-up that has begun cannot be stopped, only its
// result be dropped.
//
// The first question leaves out families that the machine has no address of. A machine with only
// loopback addresses has none at all by that measure, so a name that is not found is asked for once
// more without that condition.

#include "asio/system_resolver.hpp"

#include <boost/asio/detail/handler_tracking.hpp>
#include <boost/asio/error.hpp>

#include <string>
#include <utility>
#include <vector>

namespace nats::aio {

using boost::asio::ip::tcp;

class system_resolver::query : public std::enable_shared_from_this<query> {
public:
    query(const boost::asio::any_io_executor& ex, address_order order, std::string host,
          std::uint16_t port, handler done)
        : resolver_(ex),
          order_(order),
          host_(std::move(host)),
          port_(std::to_string(port)),
          done_(std::move(done)) {}

    /// `only_configured`: of families that the machine has an address of.
    void ask(bool only_configured) {
        auto then = [self = shared_from_this(), only_configured](
                        const boost::system::error_code& ec,
                        const tcp::resolver::results_type& found) {
            self->answered(only_configured, ec, found);
        };
        const auto flags =
            only_configured ? tcp::resolver::address_configured : tcp::resolver::flags();
        BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
        if (order_ == address_order::v4_only)
            resolver_.async_resolve(tcp::v4(), host_, port_, flags, std::move(then));
        else if (order_ == address_order::v6_only)
            resolver_.async_resolve(tcp::v6(), host_, port_, flags, std::move(then));
        else
            resolver_.async_resolve(host_, port_, flags, std::move(then));
    }

    void cancel() noexcept {
        done_ = nullptr;
        resolver_.cancel();
    }

private:
    void answered(bool only_configured, const boost::system::error_code& ec,
                  const tcp::resolver::results_type& found) {
        if (!done_) return;
        if (ec == boost::asio::error::host_not_found && only_configured) return ask(false);
        std::vector<tcp::endpoint> addresses;
        addresses.reserve(found.size());
        for (const auto& one : found) addresses.push_back(one.endpoint());
        const handler done = std::exchange(done_, nullptr);
        done(ec, std::move(addresses));
    }

    tcp::resolver resolver_;
    address_order order_;
    std::string host_;
    std::string port_;
    handler done_;
};

system_resolver::~system_resolver() {
    cancel();
}

void system_resolver::resolve(const boost::asio::any_io_executor& ex, const std::string& host,
                              std::uint16_t port, handler done) {
    cancel();
    query_ = std::make_shared<query>(ex, order_, host, port, std::move(done));
    query_->ask(true);
}

void system_resolver::cancel() noexcept {
    if (const std::shared_ptr<query> q = std::exchange(query_, nullptr)) q->cancel();
}

} // namespace nats::aio
