// SPDX-License-Identifier: Apache-2.0
//
// One thread in which an `io_context` and embedded brokers take turns, so that a test needs no
// thread, and nothing happens while it looks.

#pragma once

#include <natsproto/tcp/tcp_broker.hpp>
#include <natsproto/time.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {

using boost::system::error_code;

class asio_world {
public:
    /// Long enough for anything that must happen, even on a loaded machine.
    static constexpr duration patience = std::chrono::seconds(20);

    boost::asio::io_context io{1};

    asio_world() = default;
    asio_world(const asio_world&) = delete;
    asio_world& operator=(const asio_world&) = delete;
    ~asio_world() = default;

    /// A broker that lives as long as this.
    tcp_broker& serve(broker_options o = {}, const tcp_broker_options& where = {}) {
        brokers_.push_back(tcp_broker::listen(std::move(o), where).value());
        return *brokers_.back();
    }

    /// The same, with a name that INFO tells.
    tcp_broker& serve_named(std::string name, std::string host = "127.0.0.1") {
        broker_options o;
        o.server_name = std::move(name);
        tcp_broker_options where;
        where.host = std::move(host);
        return serve(std::move(o), where);
    }

    /// Lets everything go on until `holds`; false when that was not in time.
    template <class Condition>
    [[nodiscard]] bool until(Condition holds, duration at_most = patience) {
        const time_point deadline = clock::now() + at_most;
        while (!holds()) {
            if (clock::now() >= deadline) return false;
            turn();
        }
        return true;
    }
    /// Lets everything go on until nothing does, as far as one can see.
    void settle() {
        for (int quiet = 0; quiet < 3;) quiet = turn() == 0 ? quiet + 1 : 0;
    }

    /// How an operation ends, that was made without a token.
    template <class Operation>
    [[nodiscard]] error_code outcome(Operation op) {
        std::optional<error_code> ended;
        std::move(op)([&ended](error_code ec, auto&&...) { ended = ec; });
        if (!until([&ended] { return ended.has_value(); })) throw std::runtime_error("no end");
        return *ended;
    }
    /// Its result; throws what is no success.
    template <class T, class Operation>
    [[nodiscard]] T value(Operation op) {
        std::optional<T> got;
        std::optional<error_code> ended;
        std::move(op)([&](error_code ec, T v) {
            ended = ec;
            got = std::move(v);
        });
        if (!until([&ended] { return ended.has_value(); })) throw std::runtime_error("no end");
        if (*ended) throw boost::system::system_error(*ended);
        return std::move(*got);
    }
    /// Runs a coroutine, which `f` begins, to its end; what it throws comes out here.
    template <class F>
    void run(F f) {
        bool ended = false;
        std::exception_ptr thrown;
        boost::asio::co_spawn(io, f(), [&](std::exception_ptr e) {
            ended = true;
            thrown = std::move(e);
        });
        if (!until([&ended] { return ended; })) throw std::runtime_error("the coroutine waits");
        if (thrown) std::rethrow_exception(thrown);
    }

private:
    /// How many handlers have run.
    std::size_t turn() {
        for (const auto& b : brokers_) (void)b->poll(duration::zero()).value();
        if (io.stopped()) io.restart();
        if (const std::size_t n = io.poll(); n != 0) return n;
        if (brokers_.empty()) return io.run_one_for(std::chrono::milliseconds(1));
        (void)brokers_.front()->poll(std::chrono::milliseconds(1)).value();
        return io.poll();
    }

    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
        boost::asio::make_work_guard(io);
    std::vector<std::unique_ptr<tcp_broker>> brokers_;
};

} // namespace nats::test
