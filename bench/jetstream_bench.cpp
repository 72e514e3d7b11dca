// SPDX-License-Identifier: Apache-2.0
//
// JetStream: publishing into a stream in memory, one by one and in a window, and reading one by
// fetches and as a flow, with and without acknowledgements. All contenders share a nats-server
// 2.10; what is published goes into a stream that is new for each, what is read is the same for
// all, by a consumer that is new for each. After each measurement the server is asked whether it
// has what it should have.

#include <natsproto/asio/jetstream.hpp>

#include <natsproto/blocking/jetstream.hpp>

#include "asio_contender.hpp"
#include "harness.hpp"
#include "jetstream_raw.hpp"
#include "jetstream_server.hpp"
#include "libnats_jetstream.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace js = nats::js;
using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used

constexpr std::size_t window = 4'000;
constexpr std::size_t batch = 100;
const std::string body(128, 'x');

js::stream_config stream_in_memory(const char* name, const char* subject) {
    js::stream_config c(name);
    c.subjects = {subject};
    c.storage = js::storage_type::memory;
    return c;
}

/// The server, and what contenders find in it.
class target {
public:
    [[nodiscard]] const std::string& url() const noexcept { return server_.url(); }
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    /// For publishes to `bench`.
    void make_stream() {
        (void)jetstream_.delete_stream("WRITTEN");
        jetstream_.create_stream(stream_in_memory("WRITTEN", "bench")).value();
    }
    void check_stored(std::size_t messages) {
        if (jetstream_.stream_info("WRITTEN").value().state.messages != messages)
            throw std::runtime_error("not every message was stored");
    }

    /// For those who read.
    void make_reader(std::size_t messages, js::ack_policy acks, bool pushes) {
        fill(messages);
        (void)jetstream_.delete_consumer("READ", "reader");
        js::consumer_config c("reader");
        c.ack_policy = acks;
        c.mem_storage = true;
        c.max_ack_pending = acks == js::ack_policy::none ? 0 : -1;
        // Another one each time: the server may not know yet that the last reader has gone, and
        // what it pushes there is lost.
        if (pushes) c.deliver_subject = "pushed." + std::to_string(++readers_);
        jetstream_.create_consumer("READ", c).value();
    }
    /// The server deals with acknowledgements when it gets to it.
    void check_read() {
        for (int i = 0; i < 1000; ++i) {
            const js::consumer_info now = jetstream_.consumer_info("READ", "reader").value();
            if (now.num_redelivered != 0) throw std::runtime_error("messages came twice");
            if (now.num_pending == 0 && now.num_ack_pending == 0) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        throw std::runtime_error("not every message was read and acknowledged");
    }

private:
    void fill(std::size_t messages) {
        if (std::exchange(filled_, true)) return;
        jetstream_.create_stream(stream_in_memory("READ", "stored")).value();
        auto publisher =
            jetstream_.make_publisher({.stall_wait = std::chrono::seconds(10)}).value();
        for (std::size_t i = 0; i < messages; ++i) publisher.publish("stored", body).value();
        publisher.complete(std::chrono::minutes(1)).value();
    }

    jetstream_server server_;
    nats::client nc_ = nats::client::connect(server_.url()).value();
    nats::jetstream jetstream_{nc_};
    bool filled_ = false;
    int readers_ = 0;
};

/// Runs a coroutine `work(jetstream, client, figures&)` on an Asio client that is connected.
template <class Work>
figures on_asio_jetstream(const std::string& url, Work work) {
    return on_asio({}, [&](auto& nc, figures& out) -> asio::awaitable<void> {
        co_await nc.connect(url);
        nats::aio::jetstream jetstream(nc);
        co_await work(jetstream, nc, out);
        co_await nc.close();
    });
}

// --- publishing

figures blocking_one_by_one(const std::string& url, std::size_t messages) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    const meter m;
    for (std::size_t i = 0; i < messages; ++i) jetstream.publish("bench", body).value();
    return m.cpu_and_clock(messages);
}

figures asio_one_by_one(const std::string& url, std::size_t messages) {
    const auto work = [&](auto& jetstream, auto&, figures& out) -> asio::awaitable<void> {
        const meter m;
        for (std::size_t i = 0; i < messages; ++i) co_await jetstream.publish("bench", body);
        out = m.cpu_and_clock(messages);
    };
    return on_asio_jetstream(url, work);
}

figures blocking_windowed(const std::string& url, std::size_t messages) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    auto publisher =
        jetstream.make_publisher({.max_pending = window, .stall_wait = std::chrono::seconds(10)})
            .value();
    const meter m;
    {
        const auto burst = nc.burst();
        for (std::size_t i = 0; i < messages; ++i) publisher.publish("bench", body).value();
    }
    publisher.complete(std::chrono::minutes(1)).value();
    return m.cpu_and_rate(messages);
}

figures asio_windowed(const std::string& url, std::size_t messages) {
    const auto work = [&](auto& jetstream, auto&, figures& out) -> asio::awaitable<void> {
        auto publisher =
            jetstream
                .make_publisher({.max_pending = window, .stall_wait = std::chrono::seconds(10)})
                .value();
        const meter m;
        for (std::size_t i = 0; i < messages; ++i) {
            if (!publisher.try_publish("bench", body)) co_await publisher.publish("bench", body);
        }
        co_await publisher.complete(std::chrono::minutes(1));
        out = m.cpu_and_rate(messages);
    };
    return on_asio_jetstream(url, work);
}

// --- fetching

figures blocking_fetch(const std::string& url, std::size_t messages, bool acknowledged) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    auto consumer = jetstream.consumer("READ", "reader");
    const meter m;
    for (std::size_t seen = 0; seen < messages;) {
        auto some = consumer.fetch_all({.max_messages = batch}).value();
        const auto burst = nc.burst();
        if (acknowledged) {
            for (js::message& one : some) jetstream.ack(one).value();
        }
        seen += some.size();
    }
    nc.flush().value();
    return m.cpu_and_rate(messages);
}

/// The same one by one, as they come.
figures blocking_fetch_next(const std::string& url, std::size_t messages, bool acknowledged) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    auto consumer = jetstream.consumer("READ", "reader");
    const meter m;
    for (std::size_t seen = 0; seen < messages;) {
        auto some = consumer.fetch({.max_messages = batch}).value();
        const auto burst = nc.burst();
        while (std::optional<js::message> one = some.next().value()) {
            if (acknowledged) jetstream.ack(*one).value();
            ++seen;
        }
    }
    nc.flush().value();
    return m.cpu_and_rate(messages);
}

figures asio_fetch(const std::string& url, std::size_t messages, bool acknowledged) {
    const auto work = [&](auto& jetstream, auto& nc, figures& out) -> asio::awaitable<void> {
        auto consumer = jetstream.consumer("READ", "reader");
        const meter m;
        for (std::size_t seen = 0; seen < messages;) {
            std::vector<js::message> some = co_await consumer.fetch_all({.max_messages = batch});
            if (acknowledged) {
                for (js::message& one : some) jetstream.ack(one).value();
            }
            seen += some.size();
        }
        co_await nc.flush();
        out = m.cpu_and_rate(messages);
    };
    return on_asio_jetstream(url, work);
}

// --- consuming

figures blocking_handler(const std::string& url, std::size_t messages, bool acknowledged) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    const auto take = [&](js::message_view& one) {
        if (acknowledged) jetstream.ack(one).value();
    };
    const meter m;
    auto consumption =
        jetstream.consumer("READ", "reader").consume(take, {.stop_after = messages}).value();
    while (!consumption.ended()) nc.poll(std::chrono::seconds(1)).value();
    nc.flush().value();
    return m.cpu_and_rate(messages);
}

figures blocking_next(const std::string& url, std::size_t messages, bool acknowledged) {
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    const meter m;
    auto flow = jetstream.consumer("READ", "reader").messages({.stop_after = messages}).value();
    {
        const auto burst = nc.burst();
        while (std::optional<js::message> one = flow.next().value()) {
            if (acknowledged) jetstream.ack(*one).value();
        }
    }
    nc.flush().value();
    return m.cpu_and_rate(messages);
}

figures asio_next(const std::string& url, std::size_t messages, bool acknowledged) {
    const auto work = [&](auto& jetstream, auto& nc, figures& out) -> asio::awaitable<void> {
        const meter m;
        auto flow = jetstream.consumer("READ", "reader").messages({.stop_after = messages}).value();
        while (std::optional<js::message> one = co_await flow.next()) {
            if (acknowledged) jetstream.ack(*one).value();
        }
        co_await nc.flush();
        out = m.cpu_and_rate(messages);
    };
    return on_asio_jetstream(url, work);
}

/// The same with a handler.
figures asio_handler(const std::string& url, std::size_t messages, bool acknowledged) {
    const auto work = [&](auto& jetstream, auto& nc, figures& out) -> asio::awaitable<void> {
        asio::steady_timer end(nc.get_executor(), asio::steady_timer::time_point::max());
        const auto take = [&](js::message_view& one) {
            if (acknowledged) jetstream.ack(one).value();
        };
        const meter m;
        auto consumption =
            jetstream.consumer("READ", "reader").consume(take, {.stop_after = messages}).value();
        consumption.on_end([&](const nats::error&) { end.cancel(); });
        (void)co_await end.async_wait(asio::as_tuple(asio::use_awaitable));
        co_await nc.flush();
        out = m.cpu_and_rate(messages);
    };
    return on_asio_jetstream(url, work);
}

// --- the rows

void add_publishes(suite& all, const on_demand<target>& to) {
    const auto each = [&](const char* measure, const char* who, std::size_t messages,
                          const std::function<figures()>& run) {
        const auto checked = [=] {
            to->make_stream();
            figures out = run();
            to->check_stored(messages);
            return out;
        };
        all.add(measure, who, checked, suite::counted_too());
    };
    const char* name = "JetStream publish, one by one, 128 B";
    std::size_t n = all.scaled(2'000);
    each(name, "raw", n, [=] { return raw_one_by_one(to->port(), "bench", body, n); });
    each(name, "blocking", n, [=] { return blocking_one_by_one(to->url(), n); });
    each(name, "Asio", n, [=] { return asio_one_by_one(to->url(), n); });
    each(name, "nats.c", n, [=] { return libnats_one_by_one(to->url(), body, n, false); });
    each(name, "nats.c, SendAsap", n, [=] { return libnats_one_by_one(to->url(), body, n, true); });
    name = "JetStream publish, window of 4,000, 128 B";
    n = all.scaled(51'200);
    each(name, "raw", n, [=] { return raw_windowed(to->port(), "bench", body, n, window); });
    each(name, "blocking", n, [=] { return blocking_windowed(to->url(), n); });
    each(name, "Asio", n, [=] { return asio_windowed(to->url(), n); });
    each(name, "nats.c", n, [=] { return libnats_windowed(to->url(), body, n); });
}

void add_reads(suite& all, const on_demand<target>& from, js::ack_policy acks) {
    const bool ack = acks != js::ack_policy::none;
    const std::size_t n = all.scaled(51'200); // a multiple of the batch also when it is less
    const auto each = [&](const std::string& measure, const char* who, bool pushes,
                          const std::function<figures()>& run) {
        const auto checked = [=] {
            from->make_reader(n, acks, pushes);
            figures out = run();
            from->check_read();
            return out;
        };
        all.add(measure, who, checked, suite::counted_too());
    };
    const auto raw = [=](std::size_t most, std::size_t more) {
        return raw_pulled(from->port(), {"READ", "reader", most, more, ack}, n);
    };
    const std::string how = ack ? ", ack explicit, 128 B" : ", ack none, 128 B";
    std::string name = "JetStream fetch of 100" + how;
    each(name, "raw, protocol", false, [=] { return raw(batch, batch); });
    each(name, "blocking", false, [=] { return blocking_fetch(from->url(), n, ack); });
    each(name, "blocking, next", false, [=] { return blocking_fetch_next(from->url(), n, ack); });
    each(name, "Asio", false, [=] { return asio_fetch(from->url(), n, ack); });
    each(name, "nats.c", false, [=] { return libnats_fetch(from->url(), n, batch, ack); });
    name = "JetStream consume" + how;
    each(name, "raw, protocol", false, [=] { return raw(500, 250); });
    each(name, "blocking, handler", false, [=] { return blocking_handler(from->url(), n, ack); });
    each(name, "blocking, next", false, [=] { return blocking_next(from->url(), n, ack); });
    each(name, "Asio, handler", false, [=] { return asio_handler(from->url(), n, ack); });
    each(name, "Asio, next", false, [=] { return asio_next(from->url(), n, ack); });
    each(name, "nats.c, push handler", true, [=] { return libnats_handler(from->url(), n, ack); });
    each(name, "nats.c, push next", true, [=] { return libnats_next(from->url(), n, ack); });
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        const on_demand<target> server;
        add_publishes(all, server);
        add_reads(all, server, js::ack_policy::none);
        add_reads(all, server, js::ack_policy::explicit_);
    });
}
