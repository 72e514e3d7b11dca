// SPDX-License-Identifier: Apache-2.0
//
// Proves handlers: each message once and in order, also while one of them waits for something else;
// that a handler may drive the same runtime; and the rule that whoever waited before it was called
// goes on after it has returned, with what belongs to it unchanged.

#include <natsproto/client/ops.hpp>
#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace nats::test {
namespace {

/// A connected session with a handler on "h" and a mailbox on "a".
struct handled : connected_sim {
    explicit handled(const options& o = {}) : connected_sim(o) {
        EXPECT_TRUE(runtime().subscribe(*handler_box, "h", {}, &handled::call, this));
        EXPECT_TRUE(runtime().subscribe(box, "a"));
        settle();
    }
    static void call(void* self, const message_view& m) {
        auto& me = *static_cast<handled*>(self);
        EXPECT_TRUE(me.runtime().in_handler());
        EXPECT_FALSE(me.inside) << "handlers are not entered twice";
        me.inside = true;
        const std::string payload(m.payload); // the view may end when the handler waits
        me.log.push_back(payload);
        if (me.handle) me.handle(payload);
        me.inside = false;
    }
    void send(std::string_view subject, std::string_view payload) {
        (void)server().publish(subject, payload);
    }

    std::unique_ptr<mailbox> handler_box = std::make_unique<mailbox>();
    mailbox box;
    std::function<void(const std::string&)> handle;
    std::vector<std::string> log;
    bool inside = false;
};

using lines = std::vector<std::string>;

op<int> note_message(runtime& rt, mailbox& box, std::vector<std::string>& log,
                     time_point deadline = no_deadline) {
    result<message_view> m = co_await rt.next(box, deadline);
    log.push_back("op " + (m ? std::string(m->payload) : std::string(describe(m.error().code()))));
    co_return 0;
}

op<int> note_reply(runtime& rt, std::string_view subject, std::vector<std::string>& log) {
    result<message_view> m = co_await rt.request(subject, "", {}, no_deadline);
    log.push_back("op " + (m ? std::string(m->payload) : std::string(describe(m.error().code()))));
    co_return 0;
}

op<int> note_flush(runtime& rt, std::vector<std::string>& log) {
    result<duration> rtt = co_await rt.flush(no_deadline);
    log.emplace_back(rtt ? "op flushed" : "op not flushed");
    co_return 0;
}

// --- without waits

TEST(handler, gets_messages_at_once_and_in_order) {
    handled net;
    for (const char* p : {"1", "2", "3"}) net.send("h", p);
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "2", "3"}));
    EXPECT_EQ(net.handler_box->delivered(), 3U);
    EXPECT_EQ(net.handler_box->max_pending_messages(), 0U);
    EXPECT_FALSE(net.runtime().in_handler());
}

TEST(handler, may_publish_and_subscribe) {
    handled net;
    mailbox made;
    net.handle = [&](const std::string&) {
        EXPECT_TRUE(net.session().publish("a", "from the handler"));
        EXPECT_TRUE(net.runtime().subscribe(made, "b"));
    };
    net.send("h", "1");
    net.settle();
    EXPECT_EQ(net.box.pending_messages(), 1U);
    EXPECT_TRUE(made.active());
}

// --- waits inside

TEST(handler, may_flush) {
    handled net;
    net.handle = [&](const std::string& p) {
        EXPECT_TRUE(net.run(ops::flush(net.runtime(), no_deadline))) << p;
    };
    for (const char* p : {"1", "2", "3", "4"}) net.send("h", p);
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "2", "3", "4"}))
        << "those that came meanwhile waited their turn";
}

TEST(handler, may_request_and_the_reply_comes_to_it) {
    handled net;
    net.server().serve("svc", [](scripted_server& s, const wire::frame& f) {
        s.publish("h", "meanwhile");
        s.publish(f.reply, "reply");
    });
    net.handle = [&](const std::string& p) {
        if (p == "meanwhile") return;
        const result<message_view> m =
            net.run(ops::request(net.runtime(), "svc", "", {}, no_deadline));
        ASSERT_TRUE(m.has_value());
        net.log.push_back("got " + std::string(m->payload));
    };
    net.send("h", "1");
    net.send("h", "2");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "got reply", "2", "got reply", "meanwhile", "meanwhile"}));
}

TEST(handler, may_wait_on_another_mailbox) {
    handled net;
    net.handle = [&](const std::string& p) {
        net.send("a", "for " + p);
        const result<message_view> m = net.next(net.box);
        ASSERT_TRUE(m.has_value());
        net.log.emplace_back(m->payload);
    };
    net.send("h", "1");
    net.send("h", "2");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "for 1", "2", "for 2"}));
}

TEST(handler, an_op_that_waited_before_goes_on_afterwards_with_its_message) {
    handled net;
    op<int> outer = note_message(net.runtime(), net.box, net.log);
    outer.start();
    net.handle = [&](const std::string&) {
        net.send("a", "outer's");
        ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        // It has come long ago, and much was read since; but nobody was resumed under this
        // handler's feet.
        EXPECT_FALSE(outer.done());
        net.send("a", std::string(200, 'z'));
        ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        EXPECT_FALSE(outer.done());
        net.log.emplace_back("end of handler");
    };
    net.send("h", "1");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "end of handler", "op outer's"}));
    EXPECT_TRUE(outer.done());
    EXPECT_EQ(net.box.pending_messages(), 1U) << "the second one is for the next reader";
}

TEST(handler, so_do_requests_flushes_and_sleeps) {
    handled net;
    net.server().serve(
        "svc", [](scripted_server& s, const wire::frame& f) { s.publish(f.reply, "reply"); });
    net.handle = [&](const std::string&) {
        op<int> request = note_reply(net.runtime(), "svc", net.log);
        request.start();
        net.advance(100ms);
        EXPECT_TRUE(request.done()) << "what began inside goes on inside";
        net.log.emplace_back("end of handler");
    };
    op<int> request = note_reply(net.runtime(), "svc", net.log);
    op<int> flush = note_flush(net.runtime(), net.log);
    net.send("h", "1"); // before both answers
    request.start();
    flush.start();
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "op reply", "end of handler", "op reply", "op flushed"}));
    EXPECT_TRUE(request.done() && flush.done());
}

TEST(handler, a_deadline_that_passes_meanwhile_is_told_afterwards_and_loses_no_message) {
    handled net;
    op<int> outer = note_message(net.runtime(), net.box, net.log, net.now() + 20ms);
    outer.start();
    net.handle = [&](const std::string&) {
        net.advance(50ms);
        EXPECT_FALSE(outer.done());
        net.send("a", "after the deadline");
        net.settle();
        net.log.emplace_back("end of handler");
    };
    net.send("h", "1");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "end of handler", "op timeout"}));
    ASSERT_EQ(net.box.pending_messages(), 1U) << "it came too late for that op, but it came";
    const auto m = net.runtime().try_next(net.box);
    EXPECT_EQ((*m)->payload, "after the deadline");
}

TEST(handler, an_op_destroyed_inside_is_not_resumed_afterwards) {
    handled net;
    auto outer = std::make_unique<op<int>>(note_message(net.runtime(), net.box, net.log));
    outer->start();
    net.handle = [&](const std::string&) {
        net.send("a", "x");
        net.settle();
        outer.reset();
    };
    net.send("h", "1");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1"}));
}

TEST(handler, messages_that_came_during_a_wait_keep_their_order_over_several_boxes) {
    handled net;
    struct second {
        handled* net;
        static void call(void* self, const message_view& m) {
            auto& me = *static_cast<second*>(self);
            EXPECT_FALSE(me.net->inside) << "never inside another handler";
            me.net->log.push_back("second " + std::string(m.payload));
        }
    } context{&net};
    mailbox other;
    ASSERT_TRUE(net.runtime().subscribe(other, "i", {}, &second::call, &context));
    net.settle();
    net.handle = [&](const std::string& p) {
        if (p == "1") {
            ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        }
    };
    net.send("h", "1");
    net.send("i", "a");
    net.send("h", "2");
    net.send("i", "b");
    net.send("h", "3");
    net.settle();
    lines of_first;
    lines of_second;
    for (const std::string& l : net.log)
        (l.starts_with("second") ? of_second : of_first).push_back(l);
    EXPECT_EQ(of_first, (lines{"1", "2", "3"}));
    EXPECT_EQ(of_second, (lines{"second a", "second b"}));
}

TEST(handler, the_queue_behind_a_handler_is_limited_too) {
    options o;
    o.pending.messages = 2;
    handled net(o);
    net.handle = [&](const std::string& p) {
        if (p == "1") {
            ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        }
    };
    for (const char* p : {"1", "2", "3", "4", "5"}) net.send("h", p);
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "2", "3"}));
    EXPECT_EQ(net.handler_box->dropped(), 2U);
    EXPECT_EQ(net.count("slow_consumer"), 1U);
    net.send("h", "6");
    net.settle();
    EXPECT_EQ(net.log.back(), "6");
}

TEST(handler, the_session_may_end_while_it_waits) {
    handled net;
    op<int> outer = note_message(net.runtime(), net.box, net.log);
    outer.start();
    net.server().rules.answer_ping = false;
    net.handle = [&](const std::string&) {
        net.server().hang_up();
        const result<duration> flushed = net.run(ops::flush(net.runtime(), no_deadline));
        EXPECT_EQ(flushed.error(), errc::eof);
        net.log.emplace_back("end of handler");
    };
    net.send("h", "1");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "end of handler", "op " + std::string(describe(errc::eof))}));
    EXPECT_EQ(net.count("closed"), 1U);
}

// --- destroying

TEST(handler, may_destroy_its_own_mailbox) {
    handled net;
    net.handle = [&](const std::string&) { net.handler_box.reset(); };
    net.send("h", "1");
    net.send("h", "2");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1"}));
    EXPECT_EQ(net.server().lines().back(), "UNSUB 1");
}

TEST(handler, may_destroy_its_own_mailbox_when_messages_are_queued) {
    handled net;
    net.handle = [&](const std::string& p) {
        if (p == "1") {
            ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        }
        if (p == "2") net.handler_box.reset();
    };
    for (const char* p : {"1", "2", "3"}) net.send("h", p);
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "2"}));
}

TEST(handler, may_destroy_another_mailbox_that_has_messages_or_a_reader) {
    handled net;
    auto with_queue = std::make_unique<mailbox>();
    auto with_reader = std::make_unique<mailbox>();
    ASSERT_TRUE(net.runtime().subscribe(*with_queue, "q"));
    ASSERT_TRUE(net.runtime().subscribe(*with_reader, "r"));
    net.settle();
    net.send("q", "x");
    op<int> reader = note_message(net.runtime(), *with_reader, net.log);
    reader.start();
    net.handle = [&](const std::string&) {
        with_queue.reset();
        with_reader.reset();
        net.log.emplace_back("end of handler");
    };
    net.send("h", "1");
    net.send("q", "late");
    net.send("r", "late");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "end of handler",
                              "op " + std::string(describe(errc::invalid_subscription))}));
}

TEST(handler, may_destroy_a_mailbox_whose_reader_has_its_message_already) {
    handled net;
    auto read = std::make_unique<mailbox>();
    ASSERT_TRUE(net.runtime().subscribe(*read, "r"));
    op<int> reader = note_message(net.runtime(), *read, net.log);
    reader.start();
    net.handle = [&](const std::string&) {
        net.send("r", "in time");
        ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        read.reset();
    };
    net.send("h", "1");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "op in time"}));
}

TEST(handler, may_unsubscribe_itself) {
    handled net;
    net.handle = [&](const std::string& p) {
        if (p == "2") {
            EXPECT_TRUE(net.runtime().unsubscribe(*net.handler_box));
        }
    };
    for (const char* p : {"1", "2", "3"}) net.send("h", p);
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "2"}));
    EXPECT_FALSE(net.handler_box->active());
}

TEST(handler, may_set_its_own_maximum) {
    handled net;
    net.handle = [&](const std::string& p) {
        if (p == "1") {
            EXPECT_TRUE(net.runtime().unsubscribe(*net.handler_box, 3));
        }
    };
    net.send("h", "1");
    net.settle();
    for (const char* p : {"2", "3", "4"}) net.send("h", p);
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "2", "3"}));
}

TEST(handler, may_close_the_session) {
    handled net;
    net.handle = [&](const std::string&) { net.session().close(net.now()); };
    net.send("h", "1");
    net.send("h", "2");
    net.settle();
    EXPECT_EQ(net.log, (lines{"1"}));
    EXPECT_EQ(net.count("closed"), 1U);
}

// --- exceptions

TEST(handler, an_exception_reaches_the_driver_and_nothing_is_lost) {
    handled net;
    net.handle = [&](const std::string& p) {
        net.inside = false;
        if (p == "1") throw std::runtime_error("from a handler");
    };
    net.send("h", "1");
    net.send("h", "2");
    EXPECT_THROW(net.settle(), std::runtime_error);
    EXPECT_FALSE(net.runtime().in_handler());
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "2"}));
}

TEST(handler, an_exception_does_not_forget_who_waits_behind_it) {
    handled net;
    op<int> outer = note_message(net.runtime(), net.box, net.log);
    outer.start();
    net.handle = [&](const std::string& p) {
        if (p != "1") return;
        net.send("a", "outer's");
        ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        net.inside = false;
        throw std::runtime_error("after a wait");
    };
    net.send("h", "1");
    net.send("h", "2"); // queued while the first one waits
    EXPECT_THROW(net.settle(), std::runtime_error);
    EXPECT_TRUE(outer.done()) << "nothing will come any more that could wake it";
    net.settle();
    EXPECT_EQ(net.log, (lines{"1", "op outer's", "2"}));
}

TEST(handler, exceptions_of_queued_messages_come_one_by_one) {
    handled net;
    net.handle = [&](const std::string& p) {
        if (p == "1") {
            ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
        }
        net.inside = false;
        throw std::runtime_error(p);
    };
    for (const char* p : {"1", "2", "3"}) net.send("h", p);
    int thrown = 0;
    for (int i = 0; i < 10; ++i) {
        try {
            net.settle();
            break;
        } catch (const std::runtime_error&) {
            ++thrown;
        }
    }
    EXPECT_EQ(thrown, 3);
    EXPECT_EQ(net.log, (lines{"1", "2", "3"}));
}

} // namespace
} // namespace nats::test
