// SPDX-License-Identifier: Apache-2.0
//
// A user's program. It must link everything that the libraries need: Boost.URL by a URL, Boost.JSON
// by an INFO, OpenSSL by a TLS link if the installed library has one, and all of it by a broker and
// an Asio client of it.
#include <natsproto/server_url.hpp>
#include <natsproto/tcp/tcp_broker.hpp>
#include <natsproto/version.hpp>
#include <natsproto/wire/client_connection.hpp>

#if __has_include(<natsproto/openssl/provider.hpp>)
#include <natsproto/openssl/provider.hpp>
#endif

#if __has_include(<natsproto/asio/client.hpp>)
#include <natsproto/asio/client.hpp>

#include <boost/asio/io_context.hpp>
#endif

#include <cstdio>
#include <string_view>
#include <thread>
#include <variant>

int main() {
    static_assert(nats::version == NATSPROTO_VERSION_STRING);
    std::printf("natsproto %s\n", NATSPROTO_VERSION_STRING);

    const nats::server_url url = nats::parse_server_url("nats://[::1]:4222").value();
    std::printf("server %s\n", url.where.text().c_str());
    if (url.where.port != 4222) return 1;

    constexpr std::string_view info = "INFO {\"server_id\":\"X\",\"max_payload\":1048576}\r\n";
    nats::wire::client_connection connection;
    connection.feed({info.data(), info.size()});
    nats::wire::connection_event event;
    if (!connection.next(event)) return 1;
    const auto* request = std::get_if<nats::wire::event::connect_requested>(&event);
    if (request == nullptr || request->info->max_payload != 1048576) return 1;
    std::printf("INFO of server %s\n", request->info->server_id.c_str());

    const auto broker = nats::tcp_broker::listen().value();
    std::printf("a broker at %s\n", broker->url().c_str());
    if (broker->port() == 0) return 1;

#if __has_include(<natsproto/openssl/provider.hpp>)
    const nats::openssl::provider crypto;
    const auto tls = crypto.tls_client({.server_name = "localhost"});
    if (!tls || (*tls)->untransmitted() == 0) return 1;
    std::printf("hello of TLS, %zu bytes\n", (*tls)->untransmitted());
#endif

#if __has_include(<natsproto/asio/client.hpp>)
    std::thread serving([&] { (void)broker->run(); });
    boost::asio::io_context ctx(1);
    nats::aio::client nc(ctx);
    bool connected = false;
    nc.connect(broker->url(), [&](boost::system::error_code ec) {
        connected = !ec;
        nc.close([](boost::system::error_code) {});
    });
    ctx.run();
    broker->stop();
    serving.join();
    if (!connected) return 1;
    std::printf("connected by Asio\n");
#endif
    return 0;
}
