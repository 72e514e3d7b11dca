// SPDX-License-Identifier: Apache-2.0
//
// Proves that nothing is allocated for a message once buffers have their size: publishing and
// receiving at the wire and at the session, handlers, views, requests and flushes, and finding the
// subscriptions of a subject; and that an owning message costs one allocation. And that the router
// survives when an allocation fails.
//
// Every way to memory is counted: the library takes its buffers from malloc and realloc, and
// operator new ends there.

#include <natsproto/client/ops.hpp>
#include <natsproto/random.hpp>
#include <natsproto/routing/subject_router.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>
#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/encoder.hpp>
#include <natsproto/wire/server_connection.hpp>

#include "alloc/allocations.hpp"
#include "support/fed_session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

// --- the counter

namespace nats::test {
bool counting_allocations = false;
std::size_t allocations = 0;
std::size_t until_failure = 0; ///< the allocation that fails, counted from now; 0: none

namespace {
bool allocation_fails() {
    if (counting_allocations) ++allocations;
    if (until_failure == 0) return false;
    --until_failure;
    return until_failure == 0;
}
} // namespace
} // namespace nats::test

// The C library's own functions, under the names that it keeps for those who replace them.
extern "C" {
void* __libc_malloc(std::size_t size);                // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t n, std::size_t size); // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* old, std::size_t size);    // NOLINT(bugprone-reserved-identifier)

void* malloc(std::size_t size) {
    return nats::test::allocation_fails() ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) {
    return nats::test::allocation_fails() ? nullptr : __libc_calloc(n, size);
}
void* realloc(void* old, std::size_t size) {
    return nats::test::allocation_fails() ? nullptr : __libc_realloc(old, size);
}
}

namespace nats {
namespace {

using namespace std::chrono_literals;

using test::allocations_of;
using test::rounds;
using test::warm_up;

constexpr std::string_view info = R"(INFO {"proto":1,"headers":true,"max_payload":1048576} )"
                                  "\r\n";
constexpr std::string_view header_block = "NATS/1.0\r\nkind: test\r\nkind: second\r\n\r\n";

/// MSG or HMSG with a payload of `size` bytes, built before anything is counted.
std::string message_bytes(std::string_view subject, std::size_t size, bool with_headers) {
    const std::string payload(size, 'x');
    const std::string head = std::string(subject) + " 1 r.1 ";
    if (!with_headers) return "MSG " + head + std::to_string(size) + "\r\n" + payload + "\r\n";
    return "HMSG " + head + std::to_string(header_block.size()) + ' ' +
           std::to_string(header_block.size() + size) + "\r\n" + std::string(header_block) +
           payload + "\r\n";
}

/// Through a volatile pointer, so that no compiler leaves the allocation out.
void* volatile kept = nullptr;

TEST(allocation_counter, sees_every_way) {
    EXPECT_EQ(allocations_of([] {}), 0U);
    EXPECT_EQ(allocations_of([] {
                  kept = std::malloc(10);
                  std::free(kept);
              }),
              1U * rounds);
    EXPECT_EQ(allocations_of([] {
                  kept = std::calloc(2, 10);
                  kept = std::realloc(kept, 5000);
                  std::free(kept);
              }),
              2U * rounds);
    EXPECT_EQ(allocations_of([] {
                  kept = ::operator new(64);
                  ::operator delete(kept);
              }),
              1U * rounds);
}

// --- wire

/// Writes everything away, as a socket would.
template <class Connection>
void drain_output(Connection& c) {
    std::array<const_buffer, 8> pieces;
    std::size_t n = 0;
    while ((n = c.poll_transmit(pieces)) != 0) {
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < n; ++i) bytes += pieces[i].size;
        c.transmitted(bytes);
    }
}

struct wire_connection {
    wire_connection() {
        c.feed(info);
        drain_events();
        (void)c.connect({});
        c.feed("PONG\r\n");
        drain_events();
        drain_output(c);
        EXPECT_EQ(c.state(), wire::connection_state::open);
    }
    void drain_events() {
        wire::connection_event e;
        while (c.next(e)) {
            if (const auto* m = std::get_if<wire::event::message>(&e)) received += m->view.size();
        }
    }
    wire::client_connection c;
    std::size_t received = 0;
};

struct shape {
    const char* name;
    std::size_t size;
    bool headers;
};

class steady_state : public testing::TestWithParam<shape> {
protected:
    const std::string payload = std::string(GetParam().size, 'x');
    const header_view headers = GetParam().headers ? header_view(header_block) : header_view();
    const std::string incoming = message_bytes("a.b", GetParam().size, GetParam().headers);
};

TEST_P(steady_state, wire_publish) {
    wire_connection w;
    EXPECT_EQ(allocations_of([&] {
                  (void)w.c.publish("some.subject", payload, "reply.to", headers);
                  drain_output(w.c);
              }),
              0U);
}

TEST_P(steady_state, wire_publish_in_bursts) {
    wire_connection w;
    EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 5; ++i)
                      (void)w.c.publish("some.subject", payload, {}, headers);
                  drain_output(w.c);
              }),
              0U);
}

TEST_P(steady_state, wire_publish_borrowed) {
    wire_connection w;
    const std::string large = payload + std::string(wire::borrow_threshold, 'x');
    EXPECT_EQ(allocations_of([&] {
                  (void)w.c.publish_borrowed("some.subject", large, "reply.to", headers);
                  drain_output(w.c);
              }),
              0U);
}

TEST_P(steady_state, wire_publish_borrowed_in_small_writes) {
    wire_connection w;
    const std::string large = payload + std::string(wire::borrow_threshold, 'x');
    EXPECT_EQ(allocations_of([&] {
                  (void)w.c.publish_borrowed("some.subject", large, "reply.to", headers);
                  while (w.c.untransmitted() != 0) // what is transmitted of a frame is still held
                      w.c.transmitted(std::min<std::size_t>(w.c.untransmitted(), 500));
              }),
              0U);
}

TEST_P(steady_state, wire_publish_with_a_large_payload_copied) {
    wire_connection w;
    const std::string large = payload + std::string(wire::output_queue::chunk_size / 2, 'x');
    EXPECT_EQ(allocations_of([&] {
                  (void)w.c.publish("some.subject", large, "reply.to", headers);
                  while (w.c.untransmitted() != 0)
                      w.c.transmitted(std::min<std::size_t>(w.c.untransmitted(), 5000));
              }),
              0U);
}

TEST_P(steady_state, wire_receive) {
    wire_connection w;
    EXPECT_EQ(allocations_of([&] {
                  w.c.feed(incoming);
                  w.drain_events();
              }),
              0U);
    EXPECT_EQ(w.received, (warm_up + rounds) * (payload.size() + headers.raw().size()))
        << "all of them came";
}

TEST_P(steady_state, wire_receive_in_pieces) {
    wire_connection w;
    EXPECT_EQ(allocations_of([&] {
                  for (std::size_t at = 0; at < incoming.size(); at += 1000) {
                      w.c.feed(std::string_view(incoming).substr(at, 1000));
                      w.drain_events();
                  }
              }),
              0U);
}

// --- a server's connection

/// PUB or HPUB of what `message_bytes` makes an MSG of.
std::string publish_bytes(std::size_t size, bool with_headers) {
    std::string out = message_bytes("a.b", size, with_headers);
    out.replace(0, out.find(" 1 "), with_headers ? "HPUB a.b" : "PUB a.b");
    return out.erase(out.find(" 1 "), 2);
}

/// How many allocations it costs to take a message and deliver it to its own publisher.
std::size_t server_allocations(std::string_view login, std::string_view bytes,
                               std::size_t& delivered) {
    wire::server_connection c;
    server_info i;
    i.headers = true;
    EXPECT_TRUE(c.start(i, {}));
    wire::server_connection_event e;
    c.feed(login);
    EXPECT_TRUE(c.next(e) && c.accept());
    return allocations_of([&] {
        c.feed(bytes);
        while (c.next(e)) {
            const auto* m = std::get_if<wire::server_event::published>(&e);
            if (m == nullptr) continue;
            delivered += m->view.size();
            c.ok();
            (void)c.deliver(m->view.subject, "1", m->view.reply, m->view.headers, m->view.payload);
        }
        drain_output(c);
    });
}

TEST_P(steady_state, server_publish_and_deliver) {
    const std::string bytes = publish_bytes(GetParam().size, GetParam().headers);
    for (const std::string_view login :
         {"CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n",
          "CONNECT {\"verbose\":true,\"pedantic\":true,\"headers\":true}\r\n"}) {
        std::size_t delivered = 0;
        EXPECT_EQ(server_allocations(login, bytes, delivered), 0U) << login;
        EXPECT_EQ(delivered, (warm_up + rounds) * (payload.size() + headers.raw().size()));
    }
}

// --- session

/// Everything it needs was allocated when it is there.
struct connected : test::fed_session {
    [[nodiscard]] std::size_t poll_transmit(std::span<const_buffer> out) {
        return s.poll_transmit(out);
    }
    void transmitted(std::size_t n) { rt.transmitted(n); }
};

TEST_P(steady_state, session_publish) {
    connected c;
    EXPECT_EQ(allocations_of([&] {
                  (void)c.s.publish("some.subject", payload, "reply.to", headers);
                  drain_output(c);
              }),
              0U);
    EXPECT_EQ(c.s.stats().out_messages, static_cast<std::uint64_t>(warm_up + rounds));
}

TEST_P(steady_state, session_receive_and_read_headers) {
    connected c;
    ASSERT_TRUE(c.s.subscribe("a.b").has_value());
    std::size_t values = 0;
    EXPECT_EQ(allocations_of([&] {
                  c.receive(incoming);
                  event e;
                  while (c.s.next(e)) {
                      const auto* m = std::get_if<ev::message>(&e);
                      if (m != nullptr && m->view.headers.get("kind") == "test") ++values;
                  }
              }),
              0U);
    EXPECT_EQ(values, GetParam().headers ? warm_up + rounds : 0);
}

// --- runtime

TEST_P(steady_state, views_by_next_for) {
    connected c;
    mailbox box;
    ASSERT_TRUE(c.rt.subscribe(box, "a.b"));
    std::size_t bytes = 0;
    EXPECT_EQ(allocations_of([&] {
                  c.receive(incoming);
                  const result<const message_view*> m = c.rt.next_for(box);
                  if (m && *m) bytes += (*m)->payload.size();
              }),
              0U);
    EXPECT_EQ(bytes, (warm_up + rounds) * payload.size());
}

TEST_P(steady_state, handlers) {
    connected c;
    mailbox box;
    std::size_t bytes = 0;
    ASSERT_TRUE(c.rt.subscribe(
        box, "a.b", {},
        [](void* sum, const message_view& m) {
            *static_cast<std::size_t*>(sum) += m.payload.size();
        },
        &bytes));
    EXPECT_EQ(allocations_of([&] { c.feed(incoming); }), 0U);
    EXPECT_EQ(bytes, (warm_up + rounds) * payload.size());
}

TEST_P(steady_state, views_by_an_op) {
    connected c;
    mailbox box;
    ASSERT_TRUE(c.rt.subscribe(box, "a.b"));
    std::size_t bytes = 0;
    EXPECT_EQ(allocations_of([&] {
                  op<result<message_view>> next = ops::next(c.rt, box, c.now + 1s);
                  next.start();
                  c.receive(incoming);
                  event e;
                  while (!next.done() && c.s.next(e)) c.rt.dispatch(e);
                  const result<message_view> m = next.take();
                  if (m) bytes += m->payload.size();
              }),
              0U);
    EXPECT_EQ(bytes, (warm_up + rounds) * payload.size());
}

TEST_P(steady_state, an_owning_message_is_one_allocation) {
    connected c;
    mailbox box;
    ASSERT_TRUE(c.rt.subscribe(box, "a.b"));
    EXPECT_EQ(allocations_of([&] {
                  c.receive(incoming);
                  const result<const message_view*> m = c.rt.next_for(box);
                  const message owned(**m);
              }),
              1U * rounds);
}

TEST_P(steady_state, a_queued_message_is_one_allocation) {
    connected c;
    mailbox box;
    ASSERT_TRUE(c.rt.subscribe(box, "a.b"));
    EXPECT_EQ(allocations_of([&] {
                  c.feed(incoming);
                  (void)c.rt.try_next(box);
              }),
              1U * rounds);
}

/// Answers the newest PUB in the output: its reply subject is what stands behind `PUB svc `.
std::size_t answer_request(connected& c, std::span<char> answer) {
    std::array<const_buffer, 4> pieces;
    if (c.s.poll_transmit(pieces) == 0) return 0;
    const std::string_view sent(pieces[0].data, pieces[0].size);
    const std::size_t at = sent.find("PUB svc ") + 8;
    const std::string_view reply = sent.substr(at, sent.find(' ', at) - at);
    char* end = answer.data();
    for (const std::string_view part :
         {std::string_view("MSG "), reply, std::string_view(" 1 2\r\nok\r\n")}) {
        end = std::copy(part.begin(), part.end(), end);
    }
    drain_output(c);
    return static_cast<std::size_t>(end - answer.data());
}

TEST_P(steady_state, request) {
    connected c;
    std::size_t replies = 0;
    EXPECT_EQ(allocations_of([&] {
                  op<result<message_view>> request =
                      ops::request(c.rt, "svc", payload, headers, c.now + 1s);
                  request.start();
                  std::array<char, 200> answer;
                  c.receive({answer.data(), answer_request(c, answer)});
                  event e;
                  while (!request.done() && c.s.next(e)) c.rt.dispatch(e);
                  const result<message_view> m = request.take();
                  if (m && m->payload == "ok") ++replies;
              }),
              0U);
    EXPECT_EQ(replies, static_cast<std::size_t>(warm_up + rounds));
}

INSTANTIATE_TEST_SUITE_P(all, steady_state,
                         testing::Values(shape{"small", 16, false},
                                         shape{"small_with_headers", 16, true},
                                         shape{"large", 8192, false},
                                         shape{"large_with_headers", 8192, true}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(steady_state_of, flush_and_keep_alive) {
    connected c;
    std::size_t flushed = 0;
    EXPECT_EQ(allocations_of([&] {
                  op<result<duration>> flush = ops::flush(c.rt, c.now + 1s);
                  flush.start();
                  drain_output(c);
                  c.feed("PING\r\nPONG\r\n");
                  drain_output(c);
                  if (flush.done() && flush.take()) ++flushed;
              }),
              0U);
    EXPECT_EQ(flushed, static_cast<std::size_t>(warm_up + rounds));
}

op<int> sleep_once(runtime& rt, time_point t) {
    result<void> slept = co_await rt.sleep_until(t);
    co_return slept ? 1 : 0;
}

TEST(steady_state_of, sleeping) {
    connected c;
    EXPECT_EQ(allocations_of([&] {
                  op<int> sleep = sleep_once(c.rt, c.now);
                  sleep.start();
                  c.rt.handle_timeout(c.now);
                  EXPECT_TRUE(sleep.done());
              }),
              0U);
}

TEST(steady_state_of, subscribing_again) {
    connected c;
    EXPECT_EQ(allocations_of([&] {
                  const result<sub_id> id =
                      c.s.subscribe("a.subject.that.is.longer.than.a.short.string");
                  (void)c.s.unsubscribe(*id);
                  drain_output(c);
              }),
              0U);
}

// --- routing

TEST(steady_state_of, matching_subjects) {
    seeded_random r(1);
    subject_router router(r);
    std::array<subject_router::route, 60> routes;
    const char* const patterns[] = {"a.b", "a.*", "*.b", ">", "a.>", "*.*", "*.*.*.*.*.*.x", "a.c"};
    const char* const queues[] = {"", "q", "a longer name of a queue group, not a short string"};
    for (std::size_t i = 0; i < routes.size(); ++i)
        ASSERT_TRUE(router.insert(routes[i], patterns[i % 8], queues[i % 3]));
    std::string deep = "a";
    for (int i = 0; i < 2000; ++i) deep += ".b";
    subject_router::matches found;
    std::size_t groups = 0;
    EXPECT_EQ(allocations_of([&] {
                  router.match(deep, found);
                  router.match("a.c", found);
                  router.match("a.b", found);
                  groups += found.queues.size();
              }),
              0U);
    EXPECT_EQ(groups, (warm_up + rounds) * 12U);
    for (subject_router::route& x : routes) router.erase(x);
}

/// What some subjects match, in order.
std::vector<const void*> matched_by(const subject_router& router) {
    std::vector<const void*> out;
    subject_router::matches found;
    for (const char* subject : {"a.b.c.d", "a.x.c.d", "a.x.c.y", "lit", "a.b", "x"}) {
        router.match(subject, found);
        out.push_back(subject);
        for (const auto span : found.plain) out.insert(out.end(), span.begin(), span.end());
        for (const auto& q : found.queues)
            out.insert(out.end(), q.members.begin(), q.members.end());
    }
    return out;
}

// Each allocation of an insert fails once: a new node, one that is split, a list that grows, a
// group, the tables.
TEST(out_of_memory, leaves_the_router_as_it_was) {
    seeded_random r(1);
    subject_router router(r);
    struct entry {
        const char* pattern;
        const char* queue;
        subject_router::route route{};
    };
    entry entries[] = {{"a.*.c.d", ""},  {"a.*.c.d", ""}, {"a.*.c.*", "q"}, {"a.*.>", ""},
                       {"a.*.c", "q"},   {"lit", ""},     {"lit", "q"},     {"lit", "q"},
                       {"lit", "other"}, {"a.b.*.d", ""}, {"a.b.*", ""},    {"x.y.*", "q"},
                       {">", "q"},       {"*", ""},       {"a.b.*.d.e", ""}};
    std::size_t failures = 0;
    for (entry& e : entries) {
        const std::vector<const void*> before = matched_by(router);
        const std::size_t size = router.size();
        for (std::size_t n = 1; !e.route.inserted(); ++n) {
            bool failed = false;
            test::until_failure = n;
            try {
                (void)router.insert(e.route, e.pattern, e.queue);
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            test::until_failure = 0;
            ASSERT_EQ(e.route.inserted(), !failed) << e.pattern;
            if (!failed) break;
            ++failures;
            ASSERT_EQ(router.size(), size);
            ASSERT_EQ(matched_by(router), before) << e.pattern << ' ' << n;
        }
    }
    EXPECT_GT(failures, 15U);
    EXPECT_EQ(router.size(), std::size(entries));
    const std::vector<const void*> nothing = [&] {
        subject_router empty(r);
        return matched_by(empty);
    }();
    for (entry& e : entries) router.erase(e.route);
    EXPECT_EQ(matched_by(router).size(), nothing.size());
}

} // namespace
} // namespace nats
