// SPDX-License-Identifier: Apache-2.0
//
// The Asio client over a stream of one's own: here a Unix socket, through a relay that stands for
// whatever tunnel, side car or proxy there is. Usage: 22_asio_transport [nats://host:port]

#include <natsproto/asio/client.hpp>
#include <natsproto/asio/stream_transport.hpp>
#include <natsproto/server_url.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using unix_stream = asio::local::stream_protocol;
using namespace asio::experimental::awaitable_operators;

namespace {

// [connector]
/// Opens Unix sockets, whatever server the client wants to reach. Serves one client.
class unix_connector : public nats::aio::connector {
public:
    explicit unix_connector(const std::string& path) : path_(path) {}

    void open(const asio::any_io_executor& ex, const nats::endpoint& to, nats::time_point,
              nats::aio::connect_handler done) override {
        socket_ = std::make_shared<unix_stream::socket>(ex);
        socket_->async_connect(path_, [s = socket_, done, where = to.text()](error_code ec) {
            if (ec)
                done(nats::error{nats::errc::connect_failed, where});
            else
                done(nats::aio::make_transport(std::move(*s))); // any stream of Asio's will do
        });
    }
    /// The time for this attempt is over.
    void cancel() noexcept override {
        error_code ec; // nothing can be done about it
        if (socket_) ec = socket_->close(ec);
    }

private:
    unix_stream::endpoint path_;
    std::shared_ptr<unix_stream::socket> socket_;
};
// [connector]

// --- the relay

template <class From, class To>
asio::awaitable<void> copy(From& from, To& to) {
    std::array<char, 4096> bytes{};
    error_code ec;
    while (!ec) {
        const std::size_t n = co_await from.async_read_some(
            asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, ec));
        if (!ec)
            co_await asio::async_write(to, asio::buffer(bytes.data(), n),
                                       asio::redirect_error(asio::use_awaitable, ec));
    }
    to.shutdown(To::shutdown_send, ec);
}

/// Takes one connection, and joins it with one to the server.
asio::awaitable<void> relay(unix_stream::acceptor& acceptor, nats::endpoint server) {
    unix_stream::socket inside = co_await acceptor.async_accept(asio::use_awaitable);
    tcp::resolver resolver(acceptor.get_executor());
    const auto found = resolver.resolve(server.host, std::to_string(server.port));
    tcp::socket outside(acceptor.get_executor());
    co_await outside.async_connect(*found.begin(), asio::use_awaitable);
    co_await (copy(inside, outside) && copy(outside, inside));
}

// --- the client

asio::awaitable<void> hello(nats::aio::client& nc, std::string& received) {
    co_await nc.connect("nats://side.car"); // only a name here
    nats::aio::subscription sub = nc.subscribe("greet").value();
    nc.publish("greet", "hello").value();
    const nats::message m = co_await sub.next();
    received = m.payload();
    co_await nc.close();
}

} // namespace

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    const std::string path =
        std::filesystem::temp_directory_path() / ("natsproto-" + std::to_string(getpid()));
    const auto rethrow = [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    };

    asio::io_context ctx(1);
    unix_stream::acceptor acceptor(ctx, path); // makes the file
    asio::co_spawn(ctx, relay(acceptor, nats::parse_server_url(url).value().where), rethrow);
    // [client]
    unix_connector connector(path); // must outlive the client
    nats::aio::client nc(ctx, {.via = &connector});
    // [client]
    std::string received;
    asio::co_spawn(nc.get_executor(), hello(nc, received), rethrow);
    ctx.run();
    std::filesystem::remove(path);
    std::cout << "received by a Unix socket: " << received << '\n';
    return received == "hello" ? 0 : 1;
}
