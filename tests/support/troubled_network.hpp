// SPDX-License-Identifier: Apache-2.0
//
// Two servers and what goes wrong between them and a client, at random but always the same for a
// seed; and the fixture of tests that go through many seeds.

#pragma once

#include <natsproto/options.hpp>
#include <natsproto/random.hpp>
#include <natsproto/time.hpp>

#include "support/model_jetstream.hpp"
#include "support/net_client.hpp"
#include "support/network.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {

/// The network with its servers, "a:1" and "b:1".
struct troubled_network {
    /// From one time to the next one: so many milliseconds, and up to so many more.
    struct pause {
        std::uint64_t least, more;
    };

    explicit troubled_network(std::uint64_t seed) : random(seed), net(seed) {
        for (const char* name : {"a:1", "b:1"}) {
            net.at(name).latency = std::chrono::milliseconds(1);
            net.at(name).variation = std::chrono::milliseconds(2);
        }
    }
    troubled_network(const troubled_network&) = delete;
    troubled_network& operator=(const troubled_network&) = delete;

    static duration milliseconds(std::uint64_t n) {
        return std::chrono::milliseconds(static_cast<std::int64_t>(n));
    }
    /// Of a client that finds out soon, and never gives up.
    static options patient() {
        options o;
        o.servers = "nats://a:1,nats://b:1";
        o.reconnect_wait = milliseconds(10);
        o.reconnect_jitter = {};
        o.max_reconnects = -1;
        o.ping_interval = milliseconds(200);
        o.max_pings_out = 2;
        o.connect_timeout = milliseconds(500);
        return o;
    }
    static client_settings settings(std::uint64_t seed, const crypto_provider* crypto = nullptr) {
        return {.proactor = seed % 2 == 1, .input = cut::random, .seed = seed, .crypto = crypto};
    }

    /// Calls `f` now and then, for so long.
    template <class F>
    void now_and_then(duration how_long, pause between, F f) {
        for (duration at{}; at < how_long;
             at += milliseconds(between.least + random.below(between.more)))
            net.call_at(net.now() + at, f);
    }
    void begin_trouble(duration how_long, pause between = {20, 120}) {
        now_and_then(how_long, between, [this] { trouble(); });
    }
    /// Each kind of it is as likely as any other.
    void trouble() {
        const char* const where = random.below(2) == 0 ? "a:1" : "b:1";
        const std::uint64_t kind = random.below(4 + other_trouble.size() + (goes_down ? 1U : 0U));
        switch (kind) {
        case 0: return net.break_all(where, fault::eof);
        case 1: return net.break_all(where, fault::io_error);
        case 2: return net.break_all(where, fault::silence);
        case 3: return net.stall(where, milliseconds(random.below(300)));
        default: break;
        }
        if (kind - 4 < other_trouble.size()) return other_trouble[kind - 4]();
        net.take_down(where);
        net.call_at(net.now() + milliseconds(random.below(200)),
                    [this, where] { net.bring_up(where); });
    }

    seeded_random random;
    network net;
    bool goes_down = true;                            ///< a server, for some time
    std::vector<std::function<void()>> other_trouble; ///< than that of the network
};

/// The same with a stream behind the servers, and a client.
struct troubled_stream : troubled_network {
    troubled_stream(std::uint64_t seed, std::string name, std::string subjects,
                    const crypto_provider* crypto = nullptr)
        : troubled_network(seed),
          stream(net, std::move(name), std::move(subjects)),
          client(net, patient(), settings(seed, crypto)) {
        other_trouble.emplace_back([this] { stream.change_leader(); });
    }
    /// Consumers are lost too, with a word and without.
    void lose_consumers() {
        other_trouble.emplace_back([this] { stream.delete_consumers(); });
        other_trouble.emplace_back([this] { stream.forget_consumers(); });
    }
    /// A share of the messages is lost on its way, another one comes twice.
    void lose_and_repeat(std::uint64_t lost_of_100, std::uint64_t twice_of_100) {
        stream.copies = [this, lost_of_100, twice_of_100] {
            const std::uint64_t n = random.below(100);
            return n < lost_of_100 ? 0 : n < lost_of_100 + twice_of_100 ? 2 : 1;
        };
    }

    model_jetstream stream;
    net_client client;
};

/// So many seeds in each case, whose parameter says which.
template <std::uint64_t SeedsACase>
class seed_sweep : public testing::TestWithParam<std::uint64_t> {
protected:
    /// `f` tells how much there was to be proved: without any, nothing would be.
    void each_seed(void (*f)(std::uint64_t seed, std::size_t& trouble)) {
        std::size_t trouble = 0;
        for (std::uint64_t i = 0; i < SeedsACase && !HasFailure(); ++i) {
            const std::uint64_t seed = 1 + GetParam() * SeedsACase + i;
            const testing::ScopedTrace trace(__FILE__, __LINE__, "seed " + std::to_string(seed));
            f(seed, trouble);
        }
        EXPECT_GT(trouble, SeedsACase);
    }
};

} // namespace nats::test
