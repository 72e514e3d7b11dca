// SPDX-License-Identifier: Apache-2.0
//
// Proves what a publish into a stream allocates: in a window nothing, whether its answer is kept,
// told or both, also with headers and for streams with long names; one by one the copy that it
// keeps, and the name in its answer if that is long.

#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/publisher_state.hpp>
#include <natsproto/random.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include "alloc/allocations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view info = R"(INFO {"proto":1,"headers":true,"max_payload":1048576} )"
                                  "\r\n";

/// A connected session with a runtime, whose server acknowledges the newest publish to "s".
struct acknowledging {
    explicit acknowledging(std::string_view stream) : ack(R"({"stream":")") {
        ack.append(stream).append(R"(","seq":12345})");
        EXPECT_TRUE(s.start(now));
        (void)s.poll_action();
        s.handle_connected(attempt_id{1}, now);
        feed(info);
        feed("PONG\r\n");
        EXPECT_EQ(s.status(), session_status::connected);
        take_output();
    }
    void feed(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::span<char> space = s.prepare();
            const std::size_t n = std::min(space.size(), bytes.size());
            std::memcpy(space.data(), bytes.data(), n);
            s.commit(n, now);
            bytes.remove_prefix(n);
        }
        event e;
        while (s.next(e)) rt.dispatch(e);
        rt.settle();
    }
    /// Notes where answers to the newest publish go.
    void take_output() {
        std::array<const_buffer, 8> pieces;
        std::size_t n = 0;
        while ((n = s.poll_transmit(pieces)) != 0) {
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < n; ++i) {
                note_reply({pieces[i].data, pieces[i].size});
                bytes += pieces[i].size;
            }
            rt.transmitted(bytes);
        }
    }
    void note_reply(std::string_view sent) {
        const std::size_t at = sent.find("PUB s ");
        if (at == std::string_view::npos) return;
        sent.remove_prefix(at + 6);
        sent = sent.substr(0, sent.find(' '));
        reply_size = sent.copy(reply.data(), reply.size());
    }
    void acknowledge(std::string_view sid) {
        std::array<char, 256> line{};
        char* end = std::copy_n("MSG ", 4, line.data());
        end = std::copy_n(reply.data(), reply_size, end);
        *end++ = ' ';
        end = std::copy_n(sid.data(), sid.size(), end);
        *end++ = ' ';
        end = std::to_chars(end, line.data() + line.size(), ack.size()).ptr;
        for (const std::string_view part :
             {std::string_view("\r\n"), std::string_view(ack), std::string_view("\r\n")})
            end = std::copy_n(part.data(), part.size(), end);
        feed({line.data(), static_cast<std::size_t>(end - line.data())});
    }

    std::string ack;
    time_point now{1h};
    seeded_random random{1};
    session s{options{}, {&random, nullptr, nullptr}};
    runtime rt{s, random};
    std::array<char, 64> reply{};
    std::size_t reply_size = 0;
};

constexpr std::string_view short_name = "S";
constexpr std::string_view long_name = "a-stream-with-quite-a-long-name";

class js_publish_allocations : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(names, js_publish_allocations, testing::Values(short_name, long_name));

TEST_P(js_publish_allocations, none_in_a_window) {
    for (const std::uint32_t kept : {0U, 10U}) {
        acknowledging net(GetParam());
        std::size_t told = 0;
        const auto tell = [](void* count, js::publish_ticket /*t*/, const result<js::pub_ack>& r) {
            if (r && r->seq == 12345) ++*static_cast<std::size_t*>(count);
        };
        js::publisher_state publisher({.max_pending = 4, .keep_results = kept}, tell, &told);
        js::publish_options o;
        o.message_id = "an id that is not short";
        o.expected_last_sequence = 77;
        EXPECT_EQ(allocations_of([&] {
                      (void)publisher.try_publish(net.rt, "s", "payload", o);
                      net.take_output();
                      net.acknowledge("1");
                  }),
                  0U)
            << kept;
        EXPECT_EQ(told, static_cast<std::size_t>(warm_up + rounds));
    }
}

TEST_P(js_publish_allocations, the_copy_of_one_that_waits) {
    acknowledging net(GetParam());
    std::size_t stored = 0;
    const std::size_t name = GetParam() == long_name ? 1 : 0;
    EXPECT_EQ(allocations_of([&] {
                  op<result<js::pub_ack>> o = js::publish(
                      net.rt, js::publish_request::make("s", "payload", {.message_id = "1"}));
                  o.start();
                  net.take_output();
                  net.acknowledge("1");
                  if (o.done() && o.take()) ++stored;
              }),
              (1U + name) * rounds);
    EXPECT_EQ(stored, static_cast<std::size_t>(warm_up + rounds));
}

} // namespace
} // namespace nats::test
