// SPDX-License-Identifier: Apache-2.0
//
// The broker allocates nothing for a message once buffers have their size, and a connection that
// idles costs little.

#include <natsproto/broker/broker.hpp>
#include <natsproto/random.hpp>

#include "alloc/allocations.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <malloc.h>

namespace nats {
namespace {

using namespace std::chrono_literals;
using test::allocations_of;

constexpr std::string_view hello = R"(CONNECT {"verbose":false,"pedantic":false,"protocol":1,)"
                                   R"("headers":true,"no_responders":true,"name":"a client"})"
                                   "\r\nPING\r\n";

class broker_memory : public testing::Test {
protected:
    broker_memory() : b(broker::create({}, {&random, nullptr, nullptr}, now).value()) {}

    static void say(broker_peer& p, std::string_view text, time_point at) {
        while (!text.empty()) {
            const std::span<char> space = p.prepare();
            const std::size_t n = std::min(space.size(), text.size());
            std::memcpy(space.data(), text.data(), n);
            p.commit(n, at);
            text.remove_prefix(n);
        }
    }
    std::size_t take(broker_peer& p) {
        std::array<const_buffer, 16> pieces;
        std::size_t total = 0;
        while (const std::size_t count = p.poll_transmit(pieces)) {
            std::size_t n = 0;
            for (std::size_t i = 0; i < count; ++i) n += pieces[i].size;
            p.transmitted(n, now);
            total += n;
        }
        return total;
    }
    std::size_t take_all() {
        std::size_t total = 0;
        while (broker_peer* const p = b->next_ready()) total += take(*p);
        return total;
    }
    broker_peer& client() {
        broker_peer& p = b->accept("127.0.0.1:1", now);
        say(p, hello, now);
        return p;
    }

    seeded_random random{1};
    time_point now{1h};
    std::unique_ptr<broker> b;
};

TEST_F(broker_memory, nothing_is_allocated_for_a_message) {
    broker_peer& subscriber = client();
    broker_peer& second = client();
    broker_peer& publisher = client();
    say(subscriber, "SUB a.* 1\r\nSUB a.b q 2\r\n", now);
    say(second, "SUB a.> 1\r\nSUB a.b q 2\r\n", now);
    say(publisher, "SUB r 1\r\n", now);
    take_all();
    std::size_t local = 0;
    ASSERT_TRUE(b->subscribe(
        "a.b", "",
        [](void* sum, broker&, const message_view& m) {
            *static_cast<std::size_t*>(sum) += m.payload.size();
        },
        &local));
    for (const std::size_t size : {16U, 8192U}) {
        const std::string payload(size, 'x');
        std::string text = "PUB a.b r " + std::to_string(size) + "\r\n";
        text.append(payload).append("\r\nHPUB a.c 12 ").append(std::to_string(size + 12));
        text.append("\r\nNATS/1.0\r\n\r\n").append(payload).append("\r\nPUB none r 0\r\n\r\n");
        std::size_t heard = 0;
        EXPECT_EQ(allocations_of([&] {
                      now += 1ms;
                      say(publisher, text, now);
                      heard += take_all();
                      b->handle_timeout(now);
                  }),
                  0U)
            << size;
        EXPECT_GT(heard, 5 * size * (test::rounds + test::warm_up));
    }
    const std::string payload(100, 'x');
    EXPECT_EQ(allocations_of([&] {
                  ASSERT_TRUE(b->publish("a.b", payload, "r"));
                  take_all();
              }),
              0U);
    EXPECT_GT(local, 0U);
}

std::size_t bytes_in_use() {
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

TEST_F(broker_memory, idle_connections_are_small) {
    constexpr std::size_t count = 10'000;
    std::vector<broker_peer*> all(count);
    const std::size_t before = bytes_in_use();
    for (broker_peer*& p : all) {
        p = &client();
        say(*p, "SUB some.subject.of.it 1\r\n", now);
        take_all();
    }
    now += 2s;
    b->handle_timeout(now); // the first PING
    EXPECT_EQ(take_all(), count * 6);
    for (broker_peer* const p : all) say(*p, "PONG\r\n", now);
    now += 2s;
    b->handle_timeout(now);
    const std::size_t each = (bytes_in_use() - before) / count;
    RecordProperty("bytes_each", static_cast<int>(each));
    EXPECT_LT(each, 4096U);
    EXPECT_EQ(b->stats().connections, count);
    // They still work.
    say(*all[0], "PUB some.subject.of.it 1\r\nx\r\n", now);
    EXPECT_GT(take_all(), count * 30);
    for (broker_peer* const p : all) p->closed(now);
    EXPECT_EQ(b->stats().connections, 0U);
    EXPECT_EQ(b->stats().subscriptions, 0U);
}

} // namespace
} // namespace nats
