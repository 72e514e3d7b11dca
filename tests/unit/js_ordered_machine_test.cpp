// SPDX-License-Identifier: Apache-2.0
//
// Proves in virtual time that reading in order never has a gap or a repetition, whatever comes
// from whichever consumer, and when and how the next consumer is made.

#include <natsproto/jetstream/ordered_machine.hpp>

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using js::consume_options;
using js::ordered_options;

constexpr auto by_sequence = js::deliver_policy::by_start_sequence;

js::consume_options beating() {
    return {.max_messages = 10, .expires = 10s, .idle_heartbeat = 5s};
}

struct reader {
    explicit reader(const ordered_options& o = {}, const consume_options& flow = beating())
        : machine("p", "_INBOX.x", js::ordered_config(o).value(), js::pull_rules(flow)) {
        machine.handle_connected(now);
    }
    /// Makes the consumer that is due.
    js::consumer_config create(std::uint64_t delivered = 0) {
        EXPECT_LE(machine.creation_at(), now);
        js::consumer_config c = machine.begin_creation();
        EXPECT_EQ(machine.creation_at(), no_deadline);
        js::consumer_info i;
        i.name = c.name;
        i.delivered.stream_seq = delivered;
        machine.handle_created(i, now);
        return c;
    }
    bool message(std::string_view consumer, std::uint64_t delivery, std::uint64_t sequence) {
        const std::string reply = "$JS.ACK.S." + std::string(consumer) + ".1." +
                                  std::to_string(sequence) + '.' + std::to_string(delivery) +
                                  ".1700000000000000000.0";
        nats::message_view m;
        m.subject = "s.x";
        m.reply = reply;
        m.payload = "x";
        return machine.handle_message(m, now);
    }
    void status(int serial, std::string_view line) {
        const std::string subject = "_INBOX.x." + std::to_string(serial);
        const std::string headers = "NATS/1.0 " + std::string(line) + "\r\n\r\n";
        nats::message_view m;
        m.subject = subject;
        m.headers = header_view(headers);
        EXPECT_FALSE(machine.handle_message(m, now));
    }
    bool due() const { return machine.creation_at() <= now; }

    time_point now{};
    js::ordered_machine machine;
};

TEST(js_ordered_machine, the_first_consumer) {
    reader r;
    const js::consumer_config c = r.create();
    EXPECT_EQ(c.name, "p_1");
    EXPECT_EQ(c.deliver_policy, js::deliver_policy::all);
    EXPECT_EQ(c.ack_policy, js::ack_policy::none);
    EXPECT_TRUE(c.mem_storage);
    EXPECT_EQ(c.num_replicas, 1);
    EXPECT_EQ(c.max_deliver, 1);
    EXPECT_EQ(c.inactive_threshold, 5min);
    EXPECT_EQ(r.machine.reply(), "_INBOX.x.1");
    EXPECT_EQ(r.machine.poll_pull(r.now).value(),
              R"({"batch":10,"expires":10000000000,"idle_heartbeat":5000000000})");
    EXPECT_TRUE(r.message("p_1", 1, 4));
    EXPECT_TRUE(r.message("p_1", 2, 9)) << "others did not match the filter";
    EXPECT_EQ(r.machine.last_sequence(), 9U);
    EXPECT_EQ(r.machine.poll_obsolete(), std::nullopt);
}

TEST(js_ordered_machine, options) {
    const std::string_view two[] = {"a.*", "b.>"};
    const js::consumer_config several = js::ordered_config({.filter_subjects = two}).value();
    EXPECT_EQ(several.filter_subject, "");
    EXPECT_EQ(several.filter_subjects, (std::vector<std::string>{"a.*", "b.>"}));
    const js::consumer_config one =
        js::ordered_config({.filter_subjects = std::span(two).first(1)}).value();
    EXPECT_EQ(one.filter_subject, "a.*");
    EXPECT_TRUE(one.filter_subjects.empty());
    const js::consumer_config last =
        js::ordered_config({.deliver_policy = js::deliver_policy::last_per_subject}).value();
    EXPECT_EQ(last.filter_subject, ">");
    const std::string_view bad[] = {"a b"};
    EXPECT_EQ(js::ordered_config({.filter_subjects = bad}).error(), errc::invalid_subject);
    EXPECT_EQ(js::ordered_config({.name_prefix = "a.b"}).error(), errc::invalid_name);
    EXPECT_EQ(js::ordered_config({.inactive_threshold = 0s}).error(), errc::invalid_argument);
}

TEST(js_ordered_machine, a_lost_message) {
    reader r;
    (void)r.create();
    EXPECT_TRUE(r.message("p_1", 1, 1));
    EXPECT_FALSE(r.message("p_1", 3, 3)) << "2 is missing";
    EXPECT_FALSE(r.message("p_1", 4, 4)) << "and nothing of that consumer is believed";
    EXPECT_FALSE(r.message("p_1", 2, 2));
    ASSERT_TRUE(r.due()) << "at once";
    EXPECT_EQ(r.machine.poll_obsolete(), "p_1");
    const js::consumer_config c = r.create();
    EXPECT_EQ(c.name, "p_2");
    EXPECT_EQ(c.deliver_policy, by_sequence);
    EXPECT_EQ(c.opt_start_seq, 2U);
    EXPECT_FALSE(r.message("p_1", 2, 2)) << "late, of the old one";
    EXPECT_TRUE(r.message("p_2", 1, 2));
    EXPECT_TRUE(r.message("p_2", 2, 3));
}

TEST(js_ordered_machine, a_repeated_message) {
    reader r;
    (void)r.create();
    EXPECT_TRUE(r.message("p_1", 1, 5));
    EXPECT_FALSE(r.message("p_1", 1, 5));
    EXPECT_TRUE(r.due());
    (void)r.create();
    EXPECT_FALSE(r.message("p_2", 1, 5)) << "a server that begins too early";
    EXPECT_TRUE(r.machine.creation_at() != no_deadline);
}

TEST(js_ordered_machine, what_ends_a_consumer) {
    struct row {
        const char* status;
        bool replaced;
        errc end;
    };
    constexpr errc on{};
    for (const row& w : {
             row{"100 Idle Heartbeat", false, on},
             {"404 No Messages", true, on},
             {"408 Request Timeout", false, on},
             {"409 Consumer Deleted", true, on},
             {"409 Leadership Change", false, on},
             {"409 Server Shutdown", false, on},
             {"503", true, on},
             {"400 Bad Request", false, errc::pull_refused},
             {"409 Consumer is push based", false, errc::consumer_is_push},
             {"500 hm", false, on},
         }) {
        SCOPED_TRACE(w.status);
        reader r;
        (void)r.create();
        EXPECT_TRUE(r.machine.poll_pull(r.now));
        EXPECT_TRUE(r.message("p_1", 1, 1));
        r.now += 6s;
        r.status(7, w.status); // another consumer's
        EXPECT_FALSE(r.due());
        EXPECT_FALSE(r.machine.finished());
        r.status(1, w.status);
        EXPECT_EQ(r.due(), w.replaced);
        EXPECT_EQ(r.machine.finished(), w.end != on);
        if (w.end != on) {
            EXPECT_EQ(r.machine.outcome(), w.end);
        }
        if (w.replaced) {
            EXPECT_EQ(r.create().opt_start_seq, 2U);
        }
    }
}

TEST(js_ordered_machine, silence) {
    reader r;
    (void)r.create();
    EXPECT_TRUE(r.machine.poll_pull(r.now));
    EXPECT_EQ(r.machine.deadline() - r.now, 10s);
    r.now += 9s;
    r.status(1, "100 Idle Heartbeat");
    EXPECT_EQ(r.machine.deadline() - r.now, 10s);
    r.now += 10s;
    r.machine.handle_timeout(r.now);
    EXPECT_TRUE(r.due());
    EXPECT_EQ(r.machine.poll_warning().value(), errc::no_heartbeat);
    EXPECT_EQ(r.machine.deadline(), no_deadline);
}

TEST(js_ordered_machine, pauses_between_consumers_that_bring_nothing) {
    reader r;
    (void)r.create();
    duration expected = 0s;
    for (int i = 0; i < 7; ++i) {
        r.status(i + 1, "503");
        EXPECT_EQ(r.machine.creation_at() - r.now, expected) << i;
        expected = expected == 0s ? 1s : std::min<duration>(2 * expected, 10s);
        r.now = r.machine.creation_at();
        (void)r.create();
    }
    EXPECT_TRUE(r.message("p_8", 1, 1));
    r.status(8, "503");
    EXPECT_TRUE(r.due()) << "a message makes up for it";
}

TEST(js_ordered_machine, consumers_that_cannot_be_made) {
    reader r;
    EXPECT_TRUE(r.due());
    (void)r.machine.begin_creation();
    r.machine.handle_not_created(errc::timeout, r.now);
    EXPECT_EQ(r.machine.creation_at() - r.now, 1s);
    EXPECT_EQ(r.machine.poll_warning().value(), errc::timeout);
    EXPECT_EQ(r.machine.poll_obsolete(), "p_1") << "it may be there";
    r.now += 1s;
    (void)r.machine.begin_creation();
    r.machine.handle_not_created({errc::jetstream_error, 503, "no leader", 10008}, r.now);
    EXPECT_EQ(r.machine.creation_at() - r.now, 2s);
    r.now += 2s;
    (void)r.machine.begin_creation();
    r.machine.handle_not_created({errc::jetstream_error, 404, "stream not found", 10059}, r.now);
    EXPECT_TRUE(r.machine.finished());
    EXPECT_EQ(r.machine.outcome().api_code(), 10059);
    EXPECT_EQ(r.machine.creation_at(), no_deadline);
}

TEST(js_ordered_machine, the_connection_is_lost_and_made) {
    reader r;
    (void)r.create();
    EXPECT_TRUE(r.message("p_1", 1, 1));
    r.machine.handle_disconnected();
    EXPECT_TRUE(r.message("p_1", 2, 2)) << "what was received before may still be read";
    EXPECT_EQ(r.machine.creation_at(), no_deadline);
    r.now += 1h;
    r.machine.handle_connected(r.now);
    ASSERT_TRUE(r.due());
    EXPECT_EQ(r.machine.poll_obsolete(), "p_1");
    EXPECT_EQ(r.create().opt_start_seq, 3U);
}

TEST(js_ordered_machine, the_connection_is_lost_while_one_is_made) {
    reader r;
    (void)r.machine.begin_creation();
    r.machine.handle_disconnected();
    r.machine.handle_connected(r.now);
    EXPECT_FALSE(r.due()) << "the answer may still come";
    r.machine.handle_created({}, r.now);
    EXPECT_TRUE(r.due()) << "but that consumer is not trusted";
    EXPECT_EQ(r.machine.poll_obsolete(), "p_1");
    EXPECT_EQ(r.create().name, "p_2");
}

TEST(js_ordered_machine, from_now_on_stays_where_it_began) {
    reader r({.deliver_policy = js::deliver_policy::new_});
    EXPECT_EQ(r.create(41).deliver_policy, js::deliver_policy::new_);
    r.status(1, "409 Consumer Deleted");
    const js::consumer_config c = r.create();
    EXPECT_EQ(c.deliver_policy, by_sequence);
    EXPECT_EQ(c.opt_start_seq, 42U) << "what came meanwhile is not left out";
    reader all({.deliver_policy = by_sequence, .opt_start_seq = 7});
    (void)all.create(6);
    all.status(1, "409 Consumer Deleted");
    EXPECT_EQ(all.create().opt_start_seq, 7U);
}

TEST(js_ordered_machine, a_number_of_messages_over_several_consumers) {
    consume_options flow = beating();
    flow.stop_after = 5;
    reader r({}, flow);
    (void)r.create();
    EXPECT_NE(r.machine.poll_pull(r.now)->find(R"("batch":5,)"), std::string::npos);
    for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(r.message("p_1", i, i));
    r.status(1, "409 Consumer Deleted");
    (void)r.create();
    EXPECT_NE(r.machine.poll_pull(r.now)->find(R"("batch":2,)"), std::string::npos);
    EXPECT_TRUE(r.message("p_2", 1, 4));
    EXPECT_TRUE(r.message("p_2", 2, 5));
    EXPECT_TRUE(r.machine.finished());
    EXPECT_EQ(r.machine.outcome(), errc::consumption_stopped);
    EXPECT_EQ(r.machine.poll_obsolete(), "p_2");
    EXPECT_FALSE(r.message("p_2", 3, 6));
}

/// A stream of 200, and whatever a network and a server may do to it.
TEST(js_ordered_machine, never_a_gap_or_a_repetition) {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        const auto one_in = [&](unsigned n) { return random() % n == 0; };
        reader r;
        std::vector<std::uint64_t> got;
        std::uint64_t next = 0;     // of the current consumer: in the stream
        std::uint64_t delivery = 0; //
        std::string name;
        for (int step = 0; step < 20000 && got.size() < 200; ++step) {
            if (r.machine.creation_at() != no_deadline) {
                r.now = std::max(r.now, r.machine.creation_at());
                js::consumer_config c = r.machine.begin_creation();
                if (one_in(5)) {
                    r.machine.handle_not_created(errc::timeout, r.now);
                    continue;
                }
                r.machine.handle_created({}, r.now);
                name = c.name;
                next = c.deliver_policy == by_sequence ? c.opt_start_seq : 1;
                delivery = 1;
            }
            const std::string of = one_in(20) ? "p_1" : name;
            const std::uint64_t sequence = next;
            const auto deliver = [&](std::uint64_t d, std::uint64_t s) {
                if (s <= 200 && r.message(of, d, s)) got.push_back(s);
            };
            if (one_in(15)) { // lost
                ++next;
                ++delivery;
            }
            if (one_in(15)) deliver(delivery + 1, sequence + 1); // out of order
            deliver(delivery, next);
            if (one_in(15)) deliver(delivery, next); // twice
            if (of == name) {
                ++next;
                ++delivery;
            }
            if (one_in(40)) r.status(static_cast<int>(random() % 30), "409 Consumer Deleted");
            if (one_in(40)) {
                r.machine.handle_disconnected();
                r.machine.handle_connected(r.now);
            }
            if (r.machine.deadline() != no_deadline && one_in(30)) {
                r.now = r.machine.deadline();
                r.machine.handle_timeout(r.now);
            }
            if (next > 201) { // all were sent, some in vain: silence
                (void)r.machine.poll_pull(r.now);
                if (r.machine.deadline() == no_deadline) continue;
                r.now = r.machine.deadline();
                r.machine.handle_timeout(r.now);
            }
        }
        ASSERT_EQ(got.size(), 200U);
        for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], i + 1);
    }
}

} // namespace
} // namespace nats::test
