// SPDX-License-Identifier: Apache-2.0
//
// A service over a network that breaks at any moment, in virtual time: what it has handled it has
// counted, it answers nothing twice, it is back when the network is, its end loses no request, and
// is told once. A failure names its seed.

#include <natsproto/services/basic_service.hpp>

#include "support/sim_handle.hpp"
#include "support/troubled_network.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using sim_service = basic_service<facade_client>;
using sim_request = basic_service_request<sim_handle>;

constexpr std::uint64_t cases = 8;
constexpr int requests = 200;

/// A service, whoever asks it, and what goes wrong between them.
struct troubled : troubled_network {
    explicit troubled(std::uint64_t seed)
        : troubled_network(seed), client(net, patient(), settings(seed)) {
        net.cluster().listen("answers.*", [this](const publication& p) {
            ++answers[p.subject.substr(p.subject.find('.') + 1)];
        });
        net.cluster().listen("asked.*",
                             [this](const publication& p) { told.push_back(p.payload); });
    }

    void start() {
        ASSERT_TRUE(client.connect());
        s.emplace(sim_service::start(facade_client(client), {"sim", "1.0.0"}).value());
        ASSERT_TRUE(s->add_endpoint("work", [this](sim_request& r) {
            ++handled[std::string(r.payload())];
            (void)r.respond(r.payload());
        }));
        s->on_stop([this](const error& why) { stopped.push_back(why); });
        client.settle();
    }
    /// How many got it.
    std::size_t ask(int i) {
        const std::string id = std::to_string(i);
        publication p;
        p.subject = "work";
        p.reply = "answers." + id;
        p.payload = id;
        const std::size_t sent = net.cluster().route(p);
        net.collect();
        return sent;
    }
    void question(const std::string& subject) {
        publication p;
        p.subject = subject;
        p.reply = "asked.x";
        (void)net.cluster().route(p);
        net.collect();
    }
    [[nodiscard]] std::uint64_t all_handled() const {
        std::uint64_t n = 0;
        for (const auto& [id, times] : handled) n += times;
        return n;
    }

    net_client client;
    std::map<std::string, std::uint64_t> handled;
    std::map<std::string, std::uint64_t> answers;
    std::vector<std::string> told; ///< answers to questions
    std::vector<error> stopped;
    std::optional<sim_service> s; ///< before its client
};

void is_back_when_the_network_is(std::uint64_t seed, std::size_t& trouble) {
    troubled t(seed);
    t.start();
    t.begin_trouble(2s);
    for (int i = 0; i < requests; ++i) {
        (void)t.ask(i);
        t.client.advance(12ms);
    }
    t.client.advance(20s);
    ASSERT_EQ(t.client.status(), session_status::connected);
    for (const auto& [id, times] : t.answers)
        EXPECT_LE(times, t.handled[id]) << id << " was answered more often than it was handled";
    EXPECT_EQ(t.s->stats().endpoints[0].num_requests, t.all_handled());
    EXPECT_TRUE(t.stopped.empty());
    t.told.clear();
    EXPECT_EQ(t.ask(requests), 1U);
    t.question("$SRV.PING");
    t.question("$SRV.INFO.sim");
    t.question("$SRV.STATS.sim." + t.s->id());
    t.client.settle();
    EXPECT_EQ(t.answers[std::to_string(requests)], 1U);
    EXPECT_EQ(t.told.size(), 3U);
    trouble += t.client.count("disconnected");
}

/// Whatever the server had sent before the end came to it is answered, if the network is well.
void an_end_loses_no_request(std::uint64_t seed, std::size_t& asked_late) {
    troubled t(seed);
    t.start();
    const duration end = troubled::milliseconds(t.random.below(60));
    std::map<std::string, std::size_t> sent;
    for (int i = 0; i < requests; ++i) {
        t.net.call_at(t.net.now() + troubled::milliseconds(t.random.below(80)),
                      [&t, &sent, i] { sent[std::to_string(i)] = t.ask(i); });
    }
    t.net.call_at(t.net.now() + end, [&t] { t.s->start_stop(); });
    t.client.advance(2s);
    ASSERT_EQ(t.stopped.size(), 1U);
    EXPECT_EQ(t.stopped[0], errc::service_stopped);
    EXPECT_EQ(t.s->status(), services::service_status::stopped);
    for (const auto& [id, receivers] : sent) {
        EXPECT_EQ(t.answers[id], receivers) << id;
        if (receivers == 0) ++asked_late;
    }
    EXPECT_EQ(t.ask(0), 0U) << "nothing is subscribed";
}

/// In trouble it ends all the same, and says so once; also when the connection goes for good.
void an_end_in_trouble_is_told_once(std::uint64_t seed, std::size_t& trouble) {
    troubled t(seed);
    t.start();
    t.begin_trouble(1s);
    for (int i = 0; i < requests; ++i) {
        t.net.call_at(t.net.now() + troubled::milliseconds(t.random.below(1000)),
                      [&t, i] { (void)t.ask(i); });
    }
    const bool closes = t.random.below(2) == 0;
    t.net.call_at(t.net.now() + troubled::milliseconds(t.random.below(1000)), [&t, closes] {
        if (closes)
            t.client.session().close(t.net.now());
        else
            t.s->start_stop();
    });
    t.client.advance(20s);
    ASSERT_EQ(t.stopped.size(), 1U);
    EXPECT_EQ(t.stopped[0], closes ? errc::connection_closed : errc::service_stopped);
    EXPECT_EQ(t.s->status(), services::service_status::stopped);
    EXPECT_EQ(t.s->stats().endpoints[0].num_requests, t.all_handled());
    trouble += t.client.count("disconnected");
}

class service_sweep : public seed_sweep<25> {};

TEST_P(service_sweep, is_back_when_the_network_is) {
    each_seed(is_back_when_the_network_is);
}

TEST_P(service_sweep, an_end_loses_no_request) {
    each_seed(an_end_loses_no_request);
}

TEST_P(service_sweep, an_end_in_trouble_is_told_once) {
    each_seed(an_end_in_trouble_is_told_once);
}

INSTANTIATE_TEST_SUITE_P(ranges, service_sweep, testing::Range(std::uint64_t{0}, cases));

/// Time is virtual, so that processing time is exact. A handler may answer after it has waited.
TEST(service_sim, processing_time) {
    troubled t(1);
    t.start();
    ASSERT_TRUE(t.s->add_endpoint("slow", [&t](sim_request& r) {
        t.client.advance(r.payload() == "long" ? 30ms : 10ms);
        const result<void> sent = r.respond_error(503, "slow");
        EXPECT_TRUE(sent) << sent.error().message();
    }));
    t.client.settle();
    for (const char* const payload : {"long", "short"}) {
        publication p;
        p.subject = "slow";
        p.reply = "answers.slow";
        p.payload = payload;
        EXPECT_EQ(t.net.cluster().route(p), 1U);
        t.net.collect();
        t.client.advance(100ms);
    }
    const services::endpoint_stats e = t.s->stats().endpoints[1];
    EXPECT_EQ(e.num_requests, 2U);
    EXPECT_EQ(e.num_errors, 2U);
    EXPECT_EQ(e.last_error, "503:slow");
    EXPECT_EQ(e.processing_time, 40ms);
    EXPECT_EQ(e.average_processing_time, 20ms);
    EXPECT_EQ(t.answers["slow"], 2U);
}

} // namespace
} // namespace nats::test
