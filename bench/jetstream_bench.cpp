// SPDX-License-Identifier: Apache-2.0
//
// JetStream on the blocking client and on the Asio client beside nats.c, against one nats-server
// with a stream in memory, in one run: microseconds by the clock and nanoseconds of the client's
// CPU (user and system, all threads) for each message. The server shares the machine, so the clock
// says how long the whole takes and the CPU what the client costs. The limit of the first row is a
// request and its reply: the same server's answer to a request without a stream.
//
//   jetstream_bench [rounds]        default 5

#include <natsproto/asio/jetstream.hpp>

#include <natsproto/blocking/jetstream.hpp>

#include "cli/server.hpp"
#include "loopback_server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <nats/nats.h>

namespace {

namespace asio = boost::asio;
namespace js = nats::js;
using nats::bench::cpu_seconds;
using nats::bench::median;

constexpr std::size_t one_by_one = 2'000;
constexpr std::size_t many = 50'000;
const std::string body(128, 'x');

struct cost {
    double clock_us; ///< a message
    double cpu_ns;
};

class watch {
public:
    [[nodiscard]] cost lap(std::size_t messages) const {
        const double n = static_cast<double>(messages);
        const double us =
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin_)
                .count();
        return {us / n, (cpu_seconds() - cpu_) / n * 1e9};
    }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    double cpu_ = cpu_seconds();
};

void check(natsStatus s, const char* what) {
    if (s == NATS_OK) return;
    std::fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(s));
    std::exit(1);
}

/// The stream as it is at the beginning of each measurement.
void make_stream(const std::string& url, std::size_t messages) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    (void)jetstream.delete_stream("BENCH");
    js::stream_config c("BENCH");
    c.subjects = {"bench"};
    c.storage = js::storage_type::memory;
    jetstream.create_stream(c).value();
    js::consumer_config reader("reader");
    reader.max_ack_pending = -1;
    jetstream.create_consumer("BENCH", reader).value();
    auto publisher = jetstream.make_publisher().value();
    for (std::size_t i = 0; i < messages; ++i) publisher.publish("bench", body).value();
    publisher.complete(std::chrono::minutes(1)).value();
}

// --- the blocking client

cost blocking_publish(const std::string& url) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    const watch w;
    for (std::size_t i = 0; i < one_by_one; ++i) jetstream.publish("bench", body).value();
    return w.lap(one_by_one);
}

cost blocking_window(const std::string& url) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    auto publisher = jetstream.make_publisher().value();
    const watch w;
    {
        const auto burst = nc.burst();
        for (std::size_t i = 0; i < many; ++i) publisher.publish("bench", body).value();
    }
    publisher.complete(std::chrono::minutes(1)).value();
    return w.lap(many);
}

cost blocking_fetch(const std::string& url) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    auto consumer = jetstream.consumer("BENCH", "reader");
    const watch w;
    for (std::size_t n = 0; n < many;) {
        auto some = consumer.fetch_all({.max_messages = 500}).value();
        const auto burst = nc.burst();
        for (js::message& m : some) jetstream.ack(m).value();
        n += some.size();
    }
    nc.flush().value();
    return w.lap(many);
}

cost blocking_consume(const std::string& url) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    const watch w;
    auto consumption =
        jetstream.consumer("BENCH", "reader")
            .consume([&](js::message_view& m) { jetstream.ack(m).value(); }, {.stop_after = many})
            .value();
    while (!consumption.ended()) nc.poll(std::chrono::seconds(1)).value();
    nc.flush().value();
    return w.lap(many);
}

// --- the Asio client

template <class Work>
cost on_asio(const std::string& url, Work work) {
    asio::io_context context(1);
    nats::aio::client nc(context);
    cost out{};
    const auto all = [&]() -> asio::awaitable<void> {
        co_await nc.connect(url);
        nats::aio::jetstream jetstream(nc);
        co_await work(jetstream, nc, out);
        co_await nc.close();
    };
    asio::co_spawn(nc.get_executor(), all, [](const std::exception_ptr& e) {
        if (e) std::rethrow_exception(e);
    });
    context.run();
    return out;
}

cost asio_publish(const std::string& url) {
    return on_asio(url, [](auto& jetstream, auto&, cost& out) -> asio::awaitable<void> {
        const watch w;
        for (std::size_t i = 0; i < one_by_one; ++i) co_await jetstream.publish("bench", body);
        out = w.lap(one_by_one);
    });
}

cost asio_window(const std::string& url) {
    return on_asio(url, [](auto& jetstream, auto&, cost& out) -> asio::awaitable<void> {
        auto publisher = jetstream.make_publisher().value();
        const watch w;
        for (std::size_t i = 0; i < many; ++i) co_await publisher.publish("bench", body);
        co_await publisher.complete(std::chrono::minutes(1));
        out = w.lap(many);
    });
}

cost asio_fetch(const std::string& url) {
    return on_asio(url, [](auto& jetstream, auto& nc, cost& out) -> asio::awaitable<void> {
        auto consumer = jetstream.consumer("BENCH", "reader");
        const watch w;
        for (std::size_t n = 0; n < many;) {
            std::vector<js::message> some = co_await consumer.fetch_all({.max_messages = 500});
            for (js::message& m : some) jetstream.ack(m).value();
            n += some.size();
        }
        co_await nc.flush();
        out = w.lap(many);
    });
}

cost asio_consume(const std::string& url) {
    return on_asio(url, [](auto& jetstream, auto& nc, cost& out) -> asio::awaitable<void> {
        const watch w;
        auto messages =
            jetstream.consumer("BENCH", "reader").messages({.stop_after = many}).value();
        while (std::optional<js::message> m = co_await messages.next()) jetstream.ack(*m).value();
        co_await nc.flush();
        out = w.lap(many);
    });
}

// --- nats.c

class libnats {
public:
    explicit libnats(const std::string& url) {
        check(natsConnection_ConnectTo(&nc, url.c_str()), "connect");
        check(natsConnection_JetStream(&context, nc, nullptr), "JetStream");
    }
    libnats(const libnats&) = delete;
    libnats& operator=(const libnats&) = delete;
    ~libnats() {
        natsSubscription_Destroy(sub);
        jsCtx_Destroy(context);
        natsConnection_Destroy(nc);
    }
    void subscribe() {
        jsSubOptions o;
        check(jsSubOptions_Init(&o), "options");
        o.Stream = "BENCH";
        o.Consumer = "reader";
        check(js_PullSubscribe(&sub, context, "bench", "reader", nullptr, &o, nullptr),
              "subscribe");
    }
    natsConnection* nc = nullptr;
    jsCtx* context = nullptr;
    natsSubscription* sub = nullptr;
};

cost libnats_publish(const std::string& url) {
    const libnats c(url);
    const watch w;
    for (std::size_t i = 0; i < one_by_one; ++i) {
        jsPubAck* ack = nullptr;
        check(js_Publish(&ack, c.context, "bench", body.data(), static_cast<int>(body.size()),
                         nullptr, nullptr),
              "publish");
        jsPubAck_Destroy(ack);
    }
    return w.lap(one_by_one);
}

cost libnats_window(const std::string& url) {
    const libnats c(url);
    const watch w;
    for (std::size_t i = 0; i < many; ++i)
        check(js_PublishAsync(c.context, "bench", body.data(), static_cast<int>(body.size()),
                              nullptr),
              "publish");
    check(js_PublishAsyncComplete(c.context, nullptr), "complete");
    return w.lap(many);
}

cost libnats_fetch(const std::string& url) {
    libnats c(url);
    c.subscribe();
    const watch w;
    for (std::size_t n = 0; n < many;) {
        natsMsgList list;
        check(natsSubscription_Fetch(&list, c.sub, 500, 5'000, nullptr), "fetch");
        for (int i = 0; i < list.Count; ++i) check(natsMsg_Ack(list.Msgs[i], nullptr), "ack");
        n += static_cast<std::size_t>(list.Count);
        natsMsgList_Destroy(&list);
    }
    check(natsConnection_Flush(c.nc), "flush");
    return w.lap(many);
}

// --- the table

/// A directory that goes with this.
struct store {
    store() {
        if (::mkdtemp(path.data()) == nullptr) nats::bench::die("mkdtemp");
    }
    store(const store&) = delete;
    store& operator=(const store&) = delete;
    ~store() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string path = (std::filesystem::temp_directory_path() / "natsproto-bench-XXXXXX").string();
};

/// A request and its reply by the same server, which answers API requests about no stream.
cost plain_request(const std::string& url) {
    nats::client nc = nats::client::connect(url).value();
    const watch w;
    for (std::size_t i = 0; i < one_by_one; ++i) nc.request_view("$JS.API.INFO").value();
    return w.lap(one_by_one);
}

using contender = std::function<cost(const std::string&)>;

void show(const char* what, const std::string& url, std::size_t stored, int rounds,
          const std::vector<std::pair<const char*, contender>>& contenders) {
    std::map<std::string, std::vector<double>> clock, cpu;
    for (int i = 0; i < rounds; ++i) {
        for (const auto& [name, run] : contenders) {
            make_stream(url, stored);
            const cost c = run(url);
            clock[name].push_back(c.clock_us);
            cpu[name].push_back(c.cpu_ns);
        }
    }
    const double base = median(cpu[contenders.back().first]);
    for (const auto& [name, run] : contenders) {
        std::printf("%-22s %-16s %9.2f us %9.0f ns %7.2f\n", what, name, median(clock[name]),
                    median(cpu[name]), median(cpu[name]) / base);
    }
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) try {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
    const auto binary = nats::test::find_server({"v2_10", 10, 14});
    if (!binary) throw std::runtime_error("no nats-server 2.10: run scripts/servers");
    const store disk; // though nothing is written to it but the stream's name
    const nats::test::server server(*binary, "jetstream { store_dir: \"" + disk.path + "\" }\n");
    const std::string url = server.url();
    std::printf(
        "128 B a message, median of %d rounds; the ratio is of CPU, to the last of each "
        "group\n\n%-22s %-16s %12s %12s %7s\n",
        rounds, "", "", "clock", "client CPU", "ratio");
    show("publish, one by one", url, 0, rounds,
         {{"plain request", plain_request},
          {"blocking", blocking_publish},
          {"Asio", asio_publish},
          {"nats.c", libnats_publish}});
    show("publish, in a window", url, 0, rounds,
         {{"blocking", blocking_window}, {"Asio", asio_window}, {"nats.c", libnats_window}});
    show("fetch 500 and ack", url, many, rounds,
         {{"blocking", blocking_fetch}, {"Asio", asio_fetch}, {"nats.c", libnats_fetch}});
    show("consume and ack", url, many, rounds,
         {{"Asio, next", asio_consume}, {"blocking, handler", blocking_consume}});
    nats_Close();
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
