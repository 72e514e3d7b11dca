// SPDX-License-Identifier: Apache-2.0
//
// The Asio client inside of TLS, with a credentials file. First by the library's TLS, which knows
// what NATS wants; then by the program's own `ssl::context`, for those who have one.
// Usage: 18_asio_tls_and_login tls://host:port CA.pem USER.creds

#include <natsproto/asio/client.hpp>
#include <natsproto/asio/ssl_transport.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <iostream>
#include <string>

namespace asio = boost::asio;

namespace {

// [options]
nats::options tls_options(const char* url, const char* authority, const char* user) {
    nats::options o; // views: what they are of must live until `connect` has been started
    o.servers = url;
    o.tls.required = true;     // no connection without TLS; `tls://` in the URL says the same
    o.tls.ca_file = authority; // instead of the system's authorities
    o.credentials_file = user; // a JWT and its seed, as `nsc` writes them
    return o;
}
// [options]

/// Connects, and says hello to itself.
asio::awaitable<void> hello(nats::aio::client& nc, const nats::options& o, int& greeted) {
    boost::system::error_code ec;
    co_await nc.connect(o, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
        std::cerr << nc.close_reason().message() << '\n'; // what is wrong with which certificate
        co_return;
    }
    nats::aio::subscription sub = nc.subscribe("greet").value();
    nc.publish("greet", "hello").value();
    const nats::message m = co_await sub.next();
    if (nc.secure() && m.payload() == "hello") ++greeted;
    co_await nc.close();
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: 18_asio_tls_and_login tls://host:port CA.pem USER.creds\n";
        return 2;
    }
    int greeted = 0;
    const auto rethrow = [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    };
    asio::io_context ctx(1);
    nats::options o = tls_options(argv[1], argv[2], argv[3]);

    nats::aio::client nc(ctx);
    asio::co_spawn(nc.get_executor(), hello(nc, o, greeted), rethrow);
    ctx.run();
    std::cout << greeted << " by the library's TLS\n";

    // [ssl_stream]
    asio::ssl::context tls(asio::ssl::context::tls_client);
    tls.set_verify_mode(asio::ssl::verify_peer); // the connector verifies the name
    tls.load_verify_file(argv[2]);
    nats::aio::ssl_connector connector(tls); // for one client, and must outlive it
    nats::aio::client own(ctx, {.via = &connector});
    o.tls.hand_over = true; // the session says when TLS begins, the connector does it
    o.tls.ca_file = {};     // what the context knows by itself
    // [ssl_stream]
    ctx.restart();
    asio::co_spawn(own.get_executor(), hello(own, o, greeted), rethrow);
    ctx.run();
    std::cout << greeted << " inside of TLS\n";
    return greeted == 2 ? 0 : 1;
}
