// SPDX-License-Identifier: Apache-2.0
//
// A client that is connected to a server in memory, all in the test's own thread: nothing happens
// but by the handlers that the test lets run.

#pragma once

#include <natsproto/asio/client.hpp>

#include "asio/memory_server.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <optional>

namespace nats::test {

class memory_world : public testing::Test {
protected:
    explicit memory_world(const aio::client_options& given = {}) {
        aio::client_options o = given;
        o.via = &server;
        nc.emplace(io, o);
    }

    void connect(const options& o = {}) {
        boost::system::error_code ec = boost::asio::error::would_block;
        nc->connect(o, [&ec](boost::system::error_code e) { ec = e; });
        ASSERT_TRUE(until([&ec] { return ec != boost::asio::error::would_block; }));
        ASSERT_FALSE(ec) << ec.message();
    }
    /// Runs handlers until it holds; false when it does not.
    template <class Condition>
    [[nodiscard]] bool until(Condition holds) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!holds()) {
            if (io.stopped()) io.restart();
            if (io.run_one_until(deadline) == 0) return holds();
        }
        return true;
    }
    /// Runs what is ready, without waiting for anything.
    std::size_t settle() {
        if (io.stopped()) io.restart();
        return io.poll();
    }
    /// Messages that arrive in one read.
    void arrive(std::initializer_list<std::pair<const char*, const char*>> messages) {
        for (const auto& [subject, payload] : messages) server.script().publish(subject, payload);
        server.pump();
    }
    /// An answer to the newest request whose payload is this.
    [[nodiscard]] std::string reply_subject_of(std::string_view payload) {
        const auto& lines = server.script().lines();
        for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
            if (!line->starts_with("PUB") || !line->ends_with(' ' + std::string(payload))) continue;
            const std::size_t from = line->find("_INBOX");
            if (from != std::string::npos) return line->substr(from, line->find(' ', from) - from);
        }
        ADD_FAILURE() << "no request: " << payload;
        return "none";
    }

    memory_server server;
    boost::asio::io_context io{1};
    std::optional<aio::client> nc;
};

} // namespace nats::test
