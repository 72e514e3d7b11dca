// SPDX-License-Identifier: Apache-2.0
//
// Proves the ops for drivers that run several at once: results that need no view, arguments that
// are read before the first wait or kept over it, waiting for room, draining and closing.

#include <natsproto/client/ops.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace nats::test {
namespace {

constexpr std::size_t few = 64; ///< bytes of output after which it is full

limits little_output() {
    limits l;
    l.max_output_bytes = few;
    return l;
}

void echo(scripted_server& server, std::string pattern) {
    server.serve(std::move(pattern), [](scripted_server& s, const wire::frame& f) {
        s.publish(f.reply, f.payload, {}, f.headers.raw());
    });
}

/// Fills the output so that nothing more fits.
void fill(connected_sim& net) {
    net.block_writes(true);
    while (net.session().publish("fill", "x")) {
    }
}

// --- requests

TEST(owning_ops, a_request_reads_its_arguments_before_it_waits) {
    connected_sim net;
    echo(net.server(), "q");
    auto subject = std::make_unique<std::string>("q");
    auto payload = std::make_unique<std::string>("hello");
    op<result<message>> asked =
        ops::request_message(net.runtime(), *subject, *payload, {}, net.now() + 1s);
    asked.start();
    subject.reset(); // a sanitizer sees it when they are used later
    payload.reset();
    net.until([&] { return asked.done(); });
    EXPECT_EQ(asked.take().value().payload(), "hello");
}

TEST(owning_ops, an_error_names_the_subject_that_is_gone) {
    connected_sim net;
    net.server().rules.routing = false;
    auto subject = std::make_unique<std::string>("nobody");
    op<result<message>> asked =
        ops::request_message(net.runtime(), *subject, {}, {}, net.now() + 1s);
    asked.start();
    subject.reset();
    net.until([&] { return asked.done(); });
    const result<message> reply = asked.take();
    EXPECT_EQ(reply.error(), errc::timeout);
    EXPECT_EQ(reply.error().detail(), "request to \"nobody\"");
}

TEST(owning_ops, a_very_long_subject_is_cut_in_the_error) {
    connected_sim net;
    net.server().rules.routing = false;
    const std::string subject(200, 's');
    const result<message> reply =
        net.run(ops::request_message(net.runtime(), subject, {}, {}, net.now() + 1s));
    EXPECT_EQ(reply.error(), errc::timeout);
    EXPECT_EQ(reply.error().detail(), "request to \"" + subject.substr(0, 96) + "...\"");
}

TEST(owning_ops, a_request_waits_for_room_and_keeps_its_arguments) {
    connected_sim net({.bounds = little_output()});
    echo(net.server(), "q");
    fill(net);
    auto subject = std::make_unique<std::string>("q");
    auto payload = std::make_unique<std::string>("hello");
    headers with;
    (void)with.set("A", "b");
    auto block = std::make_unique<headers>(std::move(with));
    op<result<message>> asked =
        ops::request_message(net.runtime(), *subject, *payload, *block, net.now() + 10s);
    asked.start();
    subject.reset();
    payload.reset();
    block.reset();
    net.settle();
    EXPECT_FALSE(asked.done());
    net.block_writes(false);
    net.until([&] { return asked.done(); });
    const message reply = asked.take().value();
    EXPECT_EQ(reply.payload(), "hello");
    EXPECT_EQ(reply.headers().get("A"), "b");
}

TEST(owning_ops, a_request_gives_up_waiting_for_room) {
    connected_sim net({.bounds = little_output()});
    fill(net);
    const result<message> reply =
        net.run(ops::request_message(net.runtime(), "q", "x", {}, net.now() + 1s));
    EXPECT_EQ(reply.error(), errc::timeout);
    EXPECT_EQ(net.server().count("PUB q"), 0U);
}

TEST(owning_ops, a_request_into_a_message_of_the_callers) {
    connected_sim net;
    echo(net.server(), "q");
    message reply;
    ASSERT_TRUE(net.run(ops::request_into(net.runtime(), reply, "q", "one", {}, no_deadline)));
    EXPECT_EQ(reply.payload(), "one");
    const char* const memory = reply.subject().data();
    ASSERT_TRUE(net.run(ops::request_into(net.runtime(), reply, "q", "two", {}, no_deadline)));
    EXPECT_EQ(reply.payload(), "two");
    EXPECT_EQ(reply.subject().data(), memory) << "the memory of the first reply";
}

// --- messages

TEST(owning_ops, next_into_a_message_of_the_callers) {
    connected_sim net;
    mailbox box;
    ASSERT_TRUE(net.runtime().subscribe(box, "a"));
    net.settle();
    message m;
    op<result<void>> read = ops::next_into(net.runtime(), box, m, no_deadline);
    read.start();
    net.server().publish("a", "1");
    net.until([&] { return read.done(); });
    ASSERT_TRUE(read.take());
    EXPECT_EQ(m.payload(), "1");
    EXPECT_EQ(net.run(ops::next_into(net.runtime(), box, m, net.now() + 1s)).error(),
              errc::timeout);
    EXPECT_EQ(m.payload(), "1") << "an error leaves it alone";
}

TEST(owning_ops, next_or_end_is_empty_at_every_end) {
    connected_sim net;
    const auto next = [&](mailbox& box) {
        return net.run(ops::next_or_end(net.runtime(), box, net.now() + 1s));
    };
    mailbox limited, drained, ended, closed;
    for (mailbox* box : {&limited, &drained, &ended, &closed})
        ASSERT_TRUE(net.runtime().subscribe(*box, "a"));
    ASSERT_TRUE(net.runtime().unsubscribe(limited, 1));
    net.settle();
    net.server().publish("a", "1");
    net.settle();
    ASSERT_TRUE(net.runtime().drain(drained));
    net.settle();
    ASSERT_TRUE(net.runtime().unsubscribe(ended)); // drops what is queued
    EXPECT_EQ(next(limited).value()->payload(), "1");
    EXPECT_EQ(next(limited).value(), std::nullopt);
    EXPECT_EQ(next(drained).value()->payload(), "1");
    EXPECT_EQ(next(drained).value(), std::nullopt);
    EXPECT_EQ(next(ended).value(), std::nullopt);
    EXPECT_EQ(next(closed).value()->payload(), "1");
    EXPECT_EQ(next(closed).error(), errc::timeout) << "it goes on";
    net.session().close(net.now());
    net.settle();
    EXPECT_EQ(next(closed).value(), std::nullopt);
    EXPECT_EQ(limited.end_reason(), errc::max_messages_reached);
    EXPECT_EQ(drained.end_reason(), errc::drained);
    EXPECT_EQ(ended.end_reason(), errc::invalid_subscription);
    EXPECT_EQ(closed.end_reason(), errc::connection_closed);
}

// --- publishing

TEST(owning_ops, a_publish_waits_for_room_and_keeps_its_arguments) {
    connected_sim net({.bounds = little_output()});
    fill(net);
    auto payload = std::make_unique<std::string>("late");
    op<result<void>> sent = ops::publish(net.runtime(), "a", *payload, "r", {}, net.now() + 10s);
    sent.start();
    payload.reset();
    net.settle();
    EXPECT_FALSE(sent.done());
    net.block_writes(false);
    net.until([&] { return sent.done(); });
    ASSERT_TRUE(sent.take());
    net.settle();
    EXPECT_EQ(net.server().lines().back(), "PUB a r 4 late");
}

TEST(owning_ops, a_publish_that_can_never_be_sent_does_not_wait) {
    connected_sim net({.bounds = little_output()});
    fill(net);
    op<result<void>> sent = ops::publish(net.runtime(), "no good", "x", {}, {}, net.now() + 10s);
    sent.start();
    net.block_writes(false);
    net.until([&] { return sent.done(); });
    EXPECT_EQ(sent.take().error(), errc::invalid_subject);
}

// --- the end

TEST(owning_ops, closing_waits_until_all_is_written) {
    connected_sim net;
    ASSERT_TRUE(net.session().publish("a", "1"));
    net.block_writes(true);
    op<result<void>> closing = ops::close(net.runtime(), net.now() + 10s);
    closing.start();
    net.settle();
    EXPECT_FALSE(closing.done());
    EXPECT_NE(net.session().status(), session_status::closed);
    net.block_writes(false);
    net.until([&] { return closing.done(); });
    ASSERT_TRUE(closing.take());
    EXPECT_EQ(net.session().status(), session_status::closed);
    EXPECT_NE(net.transcript().find("PUB a 1"), std::string::npos);
}

TEST(owning_ops, closing_does_not_wait_for_ever) {
    connected_sim net;
    ASSERT_TRUE(net.session().publish("a", "1"));
    net.block_writes(true);
    const time_point begin = net.now();
    EXPECT_TRUE(net.run(ops::close(net.runtime(), net.now() + 10s)));
    EXPECT_EQ(net.now() - begin, 10s);
    EXPECT_EQ(net.session().status(), session_status::closed);
    EXPECT_TRUE(net.run(ops::close(net.runtime(), no_deadline))) << "twice is no error";
}

TEST(owning_ops, draining_ends_with_the_connection) {
    connected_sim net;
    mailbox box;
    ASSERT_TRUE(net.runtime().subscribe(box, "a"));
    net.settle();
    net.server().publish("a", "1");
    net.settle();
    op<result<void>> draining = ops::drain(net.runtime());
    draining.start();
    net.settle();
    EXPECT_FALSE(draining.done()) << "the reader has not read yet";
    EXPECT_EQ(net.run(ops::next_message(net.runtime(), box, no_deadline)).value().payload(), "1");
    EXPECT_EQ(net.run(ops::next_message(net.runtime(), box, no_deadline)).error(), errc::drained);
    net.until([&] { return draining.done(); });
    EXPECT_TRUE(draining.take());
    EXPECT_EQ(net.session().status(), session_status::closed);
}

TEST(owning_ops, draining_tells_why_it_was_cut_short) {
    connected_sim net({.drain_timeout = 3s});
    net.server().rules.answer_ping = false;
    EXPECT_EQ(net.run(ops::drain(net.runtime())).error(), errc::drain_timeout);
    EXPECT_EQ(net.run(ops::drain(net.runtime())).error(), errc::connection_closed);
}

} // namespace
} // namespace nats::test
