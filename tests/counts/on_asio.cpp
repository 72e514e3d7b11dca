// SPDX-License-Identifier: Apache-2.0
//
// The cases of the Asio client, over loopback, see counts.cpp.

#include "asio_contender.hpp"
#include "counts/cases.hpp"
#include "harness.hpp"
#include "loopback_server.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace nats::test {
namespace {

using bench::figures;
using bench::meter;
using bench::shape;

boost::asio::awaitable<void> request_all(aio::client& nc, std::string url, const shape& s,
                                         figures& out) {
    co_await nc.connect(url);
    const std::string body(s.payload, 'x');
    message reply;
    std::size_t bytes = 0;
    const meter m;
    for (std::size_t i = 0; i < s.messages; ++i) {
        co_await nc.request_into(reply, "bench.subject", body);
        bytes += reply.payload().size();
    }
    out = m.cpu(s.messages);
    if (bytes != s.messages * s.payload) bench::die("replies were lost");
    co_await nc.close();
}

using work = boost::asio::awaitable<void> (*)(aio::client& nc, std::string url, const shape& s,
                                              figures& out);

void add(bench::suite& all, const char* measure, const char* who, peer with, std::size_t n,
         work run) {
    const shape s{16, false, all.scaled(n)};
    all.add(
        measure, who,
        [=] {
            const auto server = start(with, s);
            return bench::on_asio(
                {}, [&](auto& nc, figures& out) { return run(nc, server->url(), s, out); });
        },
        bench::suite::counted_too());
}

} // namespace

void add_asio_cases(bench::suite& all) {
    add(all, "publish 16 B", "Asio", peer::discards, many, bench::publish_all);
    add(all, "subscribe 16 B", "Asio, handler", peer::floods, many, bench::handle_all);
    add(all, "subscribe 16 B", "Asio, coroutine", peer::floods, many, bench::read_all);
    add(all, "request 16 B", "Asio", peer::answers_late, few, request_all);
}

} // namespace nats::test
