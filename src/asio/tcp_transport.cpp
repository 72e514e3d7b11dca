// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one non-blocking socket of Asio's. What can be written without waiting is
// written by a system call at once; only what the kernel does not take goes through the reactor.

#include <natsproto/asio/stream_transport.hpp>
#include <natsproto/asio/tcp_connector.hpp>

#include <boost/asio/detail/handler_tracking.hpp>
#include <boost/asio/error.hpp>

#include <utility>

namespace nats::aio {

namespace {

using boost::asio::ip::tcp;

class tcp_transport final : public transport {
public:
    explicit tcp_transport(tcp::socket s) : socket_(std::move(s)) {
        // A socket that refuses either still works: slower, or with an error that its use shows.
        boost::system::error_code ignored;
        (void)socket_.non_blocking(true, ignored);
        (void)socket_.set_option(tcp::no_delay(true), ignored);
    }

    void read_some(boost::asio::mutable_buffer into, transport_handler done) override {
        BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
        socket_.async_read_some(into, std::move(done));
    }

    void write_some(std::span<const boost::asio::const_buffer> pieces,
                    transport_handler done) override {
        BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
        socket_.async_write_some(detail::buffer_range(pieces), std::move(done));
    }

    std::size_t try_write(std::span<const boost::asio::const_buffer> pieces,
                          boost::system::error_code& ec) override {
        std::size_t n = 0;
        do {
            n = socket_.write_some(detail::buffer_range(pieces), ec);
        } while (ec == boost::asio::error::interrupted);
        return n;
    }

    bool shutdown() noexcept override {
        boost::system::error_code ec;
        (void)socket_.shutdown(tcp::socket::shutdown_send, ec);
        return !ec;
    }

    void close() noexcept override {
        boost::system::error_code ignored;
        (void)socket_.close(ignored);
    }

    [[nodiscard]] std::string local_address() const override {
        boost::system::error_code ec;
        const tcp::endpoint at = socket_.local_endpoint(ec);
        if (ec) return {};
        return endpoint{at.address().to_string(), at.port()}.text();
    }

private:
    tcp::socket socket_;
};

} // namespace

std::unique_ptr<transport> make_tcp_transport(tcp::socket s) {
    return std::make_unique<tcp_transport>(std::move(s));
}

} // namespace nats::aio
