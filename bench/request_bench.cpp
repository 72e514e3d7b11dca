// SPDX-License-Identifier: Apache-2.0
//
// A request and its reply, one after the other: how the times are distributed, against a server
// that only echoes (a child process) and through nats-server 2.10 with a responder on a raw socket
// (another), so that what differs is the requestor.

#include "asio_contender.hpp"
#include "blocking_contender.hpp"
#include "harness.hpp"
#include "libnats_contender.hpp"
#include "loopback_server.hpp"
#include "nats_server.hpp"
#include "responder.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used

figures raw_requests(int fd, std::size_t n) {
    send_all(fd, "SUB _INBOX.raw 1\r\nPING\r\n");
    std::string in;
    read_until(fd, in, "PONG\r\n");
    lap_times times(n);
    const meter m;
    times.begin();
    for (std::size_t i = 0; i < n; ++i) {
        send_all(fd, raw_ask);
        in.clear();
        read_until(fd, in, raw_answer_end);
        times.lap();
    }
    const figures cpu = m.cpu(n);
    ::close(fd);
    return joined(times.quantiles(), cpu);
}

asio::awaitable<void> ping_pong(asio::ip::tcp::socket s, std::size_t n, figures& out) {
    co_await asio::async_write(s, asio::buffer(std::string_view("SUB _INBOX.raw 1\r\nPING\r\n")),
                               asio::use_awaitable);
    std::array<char, 4096> buffer{};
    std::string in;
    const auto read_until = [&](std::string_view end) -> asio::awaitable<void> {
        in.clear();
        while (in.find(end) == std::string::npos) {
            const std::size_t got =
                co_await s.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            in.append(buffer.data(), got);
        }
    };
    co_await read_until("PONG\r\n");
    lap_times times(n);
    const meter m;
    times.begin();
    for (std::size_t i = 0; i < n; ++i) {
        co_await asio::async_write(s, asio::buffer(raw_ask), asio::use_awaitable);
        co_await read_until(raw_answer_end);
        times.lap();
    }
    out = joined(times.quantiles(), m.cpu(n));
}

figures socket_of_asio(int fd, std::size_t n) {
    asio::io_context context(1);
    figures out;
    asio::ip::tcp::socket s(context, asio::ip::tcp::v4(), fd);
    asio::co_spawn(context, ping_pong(std::move(s), n, out), rethrow);
    context.run();
    return out;
}

figures blocking_requests(const std::string& url, std::size_t n) {
    nats::client nc = nats::client::connect(url).value();
    return nats::bench::blocking_requests(nc, n);
}

figures libnats_requests(const std::string& url, std::size_t n, bool tuned) {
    natsOptions* o = nullptr;
    check(natsOptions_Create(&o), "options");
    if (tuned) check(natsOptions_SetSendAsap(o, true), "send as soon as possible");
    const libnats_connection c(url, o);
    natsOptions_Destroy(o);
    return nats::bench::libnats_requests(c.get(), n);
}

/// Where requests go: made for each contender, gone after it.
struct target {
    virtual ~target() = default;
    [[nodiscard]] virtual std::string url() const = 0;
    [[nodiscard]] virtual int raw() const = 0;
};

struct echo_target final : target {
    [[nodiscard]] std::string url() const override { return echo.url(); }
    [[nodiscard]] int raw() const override { return echo.connect_raw(); }
    server echo{server::role::echo, {}};
};

struct nats_target final : target {
    [[nodiscard]] std::string url() const override { return nats.url(); }
    [[nodiscard]] int raw() const override { return connect_raw_to(port_of(nats.url())); }
    nats::test::server nats = nats_server();
    responder answers{port_of(nats.url()), "bench.subject"};
};

template <class Target>
void add(suite& all, const std::string& name, std::size_t n) {
    const auto each = [&](const char* who, std::function<figures(const target&)> run) {
        all.add(name, who, [run] { return run(Target()); }, suite::counted_too());
    };
    each("raw", [=](const target& t) { return raw_requests(t.raw(), n); });
    each("socket of Asio", [=](const target& t) { return socket_of_asio(t.raw(), n); });
    each("blocking", [=](const target& t) { return blocking_requests(t.url(), n); });
    for (const bool serial : {false, true}) {
        each(serial ? "Asio, serial" : "Asio", [=](const target& t) {
            return on_asio({.serial = serial}, [&](auto& nc, figures& out) {
                return request_all(nc, t.url(), n, out);
            });
        });
    }
    each("nats.c", [=](const target& t) { return libnats_requests(t.url(), n, false); });
    each("nats.c, SendAsap", [=](const target& t) { return libnats_requests(t.url(), n, true); });
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        add<echo_target>(all, "request to an echo", all.scaled(20'000));
        add<nats_target>(all, "request through nats-server", all.scaled(10'000));
    });
}
