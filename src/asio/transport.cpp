// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what a transport does that has neither a way to write without waiting nor
// TLS of its own. The driver asks `try_write` first and takes a 0 as "would block", so a transport
// without it costs nothing but the question. A handshake that is not there must still be answered,
// and not from inside of the call.

#include <natsproto/asio/transport.hpp>

#include <boost/asio/detail/handler_tracking.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace nats::aio {

std::size_t transport::try_write(std::span<const boost::asio::const_buffer> /*pieces*/,
                                 boost::system::error_code& ec) {
    ec = boost::asio::error::would_block;
    return 0;
}

void transport::handshake(std::string_view /*server_name*/, transport_handler done) {
    const boost::asio::any_io_executor ex = done.get_executor();
    BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
    boost::asio::post(
        ex, [done = std::move(done)] { done(boost::asio::error::operation_not_supported); });
}

} // namespace nats::aio
