// SPDX-License-Identifier: Apache-2.0
//
// Proves the arithmetic of pulling (ADR-37) in virtual time: what is asked for and when, what each
// status means for a fetch and for a flow, silence, the loss of the connection, and every end.

#include <natsproto/jetstream/pull_machine.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using js::consume_options;
using js::fetch_options;

constexpr time_point t0{};

std::string block(std::string_view status, std::string_view fields = {}) {
    return "NATS/1.0 " + std::string(status) + "\r\n" + std::string(fields) + "\r\n";
}
std::string owed(int messages, int bytes) {
    return "Nats-Pending-Messages: " + std::to_string(messages) +
           "\r\nNats-Pending-Bytes: " + std::to_string(bytes) + "\r\n";
}

/// A machine, its time, and what it asks for.
struct puller {
    template <class Options>
    explicit puller(const Options& o, bool connected = true) : machine(js::pull_rules(o), t0) {
        EXPECT_TRUE(js::check(o));
        if (connected) machine.handle_connected(now);
    }
    /// The body that is due; "" if none is.
    std::string pull() { return machine.poll_pull(now).value_or(""); }
    bool message(std::string_view fields = {}) {
        nats::message_view m;
        const std::string headers =
            fields.empty() ? "" : "NATS/1.0\r\n" + std::string(fields) + "\r\n";
        m.subject = "s";
        m.reply = "$JS.ACK.S.C.1.2.3.4.5"; // 21
        m.headers = header_view(headers);
        m.payload = "12345678"; // 30 bytes in all
        return machine.handle_message(m, now);
    }
    int messages(int n) {
        int taken = 0;
        for (int i = 0; i < n; ++i) taken += message() ? 1 : 0;
        return taken;
    }
    void status(std::string_view line, std::string_view fields = {}) {
        const std::string headers = block(line, fields);
        nats::message_view m;
        m.subject = "_INBOX.x";
        m.headers = header_view(headers);
        EXPECT_FALSE(machine.handle_message(m, now)) << line;
    }
    /// Goes to the deadline.
    void wait() {
        ASSERT_NE(machine.deadline(), no_deadline);
        now = std::max(now, machine.deadline());
        machine.handle_timeout(now);
    }
    [[nodiscard]] duration until_deadline() const { return machine.deadline() - now; }
    [[nodiscard]] std::string warnings() {
        std::string all;
        while (std::optional<error> w = machine.poll_warning())
            all += std::to_string(w->status()) + ' ' + w->detail() + ';';
        return all;
    }

    time_point now = t0;
    js::pull_machine machine;
};

// --- what is asked for

TEST(js_pull_machine, a_flow_by_default) {
    puller p((consume_options()));
    EXPECT_EQ(p.pull(), R"({"batch":500,"expires":30000000000,"idle_heartbeat":15000000000})");
    EXPECT_EQ(p.pull(), "") << "once";
    EXPECT_EQ(p.machine.pending_messages(), 500U);
    EXPECT_EQ(p.messages(250), 250);
    EXPECT_EQ(p.pull(), "") << "half of it is left";
    EXPECT_EQ(p.messages(1), 1);
    EXPECT_EQ(p.machine.pending_messages(), 249U);
    EXPECT_EQ(p.pull(), R"({"batch":251,"expires":30000000000,"idle_heartbeat":15000000000})");
    EXPECT_EQ(p.machine.pending_messages(), 500U);
}

TEST(js_pull_machine, thresholds) {
    struct row {
        std::uint64_t most, threshold; ///< 0: not set
        int before;                    ///< messages after which nothing is asked for
        const char* then;
    };
    for (const row& r : {
             row{1, 0, 0, R"("batch":1,)"},
             row{2, 0, 1, R"("batch":2,)"},
             row{5, 0, 2, R"("batch":3,)"}, // half of 5, rounded up, is 3: below it is 2
             row{10, 10, 0, R"("batch":1,)"},
             row{10, 1, 9, R"("batch":10,)"},
         }) {
        consume_options o{.max_messages = r.most};
        if (r.threshold != 0) o.threshold_messages = r.threshold;
        puller p(o);
        EXPECT_NE(p.pull(), "");
        p.messages(r.before);
        EXPECT_EQ(p.pull(), "") << r.most;
        p.messages(1);
        EXPECT_NE(p.pull().find(r.then), std::string::npos) << r.most;
        EXPECT_EQ(p.machine.pending_messages(), r.most);
    }
}

TEST(js_pull_machine, heartbeats_by_default) {
    puller slow(consume_options{.expires = 2min});
    EXPECT_NE(slow.pull().find(R"("idle_heartbeat":30000000000)"), std::string::npos);
    puller none(consume_options{.idle_heartbeat = 0s});
    EXPECT_EQ(none.pull(), R"({"batch":500,"expires":30000000000})");
    puller fetch(fetch_options{.max_messages = 7, .expires = 10s});
    EXPECT_EQ(fetch.pull(), R"({"batch":7,"expires":10000000000,"idle_heartbeat":5000000000})");
    puller quick(fetch_options{.expires = 9s});
    EXPECT_EQ(quick.pull(), R"({"batch":100,"expires":9000000000})");
}

TEST(js_pull_machine, bytes) {
    puller p(consume_options{.max_bytes = 100, .idle_heartbeat = 0s});
    EXPECT_EQ(p.pull(), R"({"batch":1000000,"expires":30000000000,"max_bytes":100})");
    p.messages(1);
    EXPECT_EQ(p.machine.pending_bytes(), 70U);
    EXPECT_EQ(p.pull(), "");
    p.messages(1);
    EXPECT_EQ(p.pull(), R"({"batch":1000000,"expires":30000000000,"max_bytes":60})");
    EXPECT_EQ(p.machine.pending_bytes(), 100U);
}

TEST(js_pull_machine, messages_and_bytes) {
    puller p(consume_options{.max_messages = 4, .max_bytes = 1000, .idle_heartbeat = 0s});
    EXPECT_EQ(p.pull(), R"({"batch":4,"expires":30000000000,"max_bytes":1000})");
    p.messages(3);
    EXPECT_EQ(p.pull(), R"({"batch":3,"expires":30000000000,"max_bytes":90})");
    EXPECT_EQ(p.machine.pending_messages(), 4U);
    EXPECT_EQ(p.machine.pending_bytes(), 1000U);
}

TEST(js_pull_machine, stop_after_never_asks_for_more) {
    puller p(consume_options{.max_messages = 4, .idle_heartbeat = 0s, .stop_after = 6});
    EXPECT_NE(p.pull().find(R"("batch":4,)"), std::string::npos);
    EXPECT_EQ(p.messages(3), 3);
    EXPECT_NE(p.pull().find(R"("batch":2,)"), std::string::npos);
    EXPECT_EQ(p.messages(2), 2);
    EXPECT_EQ(p.pull(), "") << "the last one is on its way";
    EXPECT_FALSE(p.machine.finished());
    EXPECT_EQ(p.messages(1), 1);
    EXPECT_TRUE(p.machine.finished());
    EXPECT_EQ(p.machine.outcome(), errc::consumption_stopped);
    EXPECT_EQ(p.messages(1), 0) << "nothing comes after the end";
    puller few(consume_options{.stop_after = 3});
    EXPECT_NE(few.pull().find(R"("batch":3,)"), std::string::npos);
    puller wide(consume_options{.max_bytes = 1000, .stop_after = 2});
    EXPECT_NE(wide.pull().find(R"("batch":2,)"), std::string::npos);
}

TEST(js_pull_machine, priority_groups) {
    puller p(consume_options{.max_messages = 2,
                             .idle_heartbeat = 0s,
                             .group = "jobs",
                             .min_pending = 3,
                             .min_ack_pending = 4,
                             .priority = 0});
    EXPECT_EQ(p.pull(), R"({"batch":2,"expires":30000000000,"group":"jobs","min_pending":3,)"
                        R"("min_ack_pending":4,"priority":0})");
    EXPECT_TRUE(p.message("Nats-Pin-Id: abc\r\n"));
    EXPECT_TRUE(p.message());
    EXPECT_EQ(p.machine.pin_id(), "abc");
    EXPECT_NE(p.pull().find(R"("id":"abc")"), std::string::npos);
    p.now += 5s;
    p.status("423 Nats-Wrong-Pin-Id", owed(2, 0));
    EXPECT_EQ(p.machine.pin_id(), "");
    const std::string again = p.pull();
    EXPECT_NE(again.find(R"("batch":2,)"), std::string::npos);
    EXPECT_EQ(again.find(R"("id")"), std::string::npos);
    EXPECT_TRUE(p.message("Nats-Pin-Id: " + std::string(129, 'x') + "\r\n"));
    EXPECT_EQ(p.machine.pin_id(), "") << "nothing of any size is kept";
    puller plain((consume_options()));
    EXPECT_NE(plain.pull(), "");
    EXPECT_TRUE(plain.message("Nats-Pin-Id: abc\r\n"));
    EXPECT_EQ(plain.machine.pin_id(), "") << "without a group a header is only a header";
}

TEST(js_pull_machine, options) {
    EXPECT_TRUE(js::check(fetch_options{}));
    EXPECT_TRUE(js::check(consume_options{}));
    for (const consume_options& o : {
             consume_options{.max_messages = 0},
             consume_options{.max_bytes = 0},
             consume_options{.max_messages = 5, .threshold_messages = 6},
             consume_options{.threshold_messages = 0},
             consume_options{.threshold_bytes = 1},
             consume_options{.max_bytes = 5, .threshold_bytes = 6},
             consume_options{.max_bytes = 5, .threshold_bytes = 0},
             consume_options{.expires = 0s},
             consume_options{.expires = 10s, .idle_heartbeat = 5001ms},
             consume_options{.idle_heartbeat = -1s},
             consume_options{.stop_after = 0},
             consume_options{.group = "12345678901234567"},
             consume_options{.group = "a b"},
             consume_options{.min_pending = 1},
             consume_options{.min_ack_pending = 1},
             consume_options{.priority = 1},
             consume_options{.group = "g", .priority = 10},
         })
        EXPECT_EQ(js::check(o).error(), errc::invalid_argument);
    EXPECT_EQ(js::check(fetch_options{.max_messages = 0}).error(), errc::invalid_argument);
    EXPECT_EQ(js::check(fetch_options{.expires = -1s}).error(), errc::invalid_argument);
}

// --- a flow, and each status

struct consume_row {
    const char* status;
    const char* fields;
    errc end;             ///< errc{}: it goes on
    int pending;          ///< afterwards, of 10
    const char* warnings; ///<
};

TEST(js_pull_machine, statuses_of_a_flow) {
    constexpr errc on{};
    const std::string some = owed(8, 0);
    for (const consume_row& r : {
             consume_row{"100 Idle Heartbeat", "", on, 10, ""},
             {"400 Bad Request - heartbeat value too large", "", errc::pull_refused, 10, ""},
             {"404 No Messages", "", on, 10, ""},
             {"404 No Messages", some.c_str(), on, 2, ""},
             {"408 Request Timeout", some.c_str(), on, 2, ""},
             {"408 Interest Expired", some.c_str(), on, 2, ""},
             {"408 Requests Pending", "", on, 10, ""},
             {"409 Consumer Deleted", "", errc::consumer_deleted, 10, ""},
             {"409 consumer deleted", "", errc::consumer_deleted, 10, ""},
             {"409 Consumer is push based", "", errc::consumer_is_push, 10, ""},
             {"409 Leadership Change", "", on, 0, "409 Leadership Change;"},
             {"409 Server Shutdown", some.c_str(), on, 0, "409 Server Shutdown;"},
             {"409 Batch Completed", some.c_str(), on, 2, ""},
             {"409 Message Size Exceeds MaxBytes", some.c_str(), on, 2, ""},
             {"409 Exceeded MaxWaiting", "", on, 10, "409 Exceeded MaxWaiting;"},
             {"409 Exceeded MaxRequestBatch of 5", "", on, 10,
              "409 Exceeded MaxRequestBatch of 5;"},
             {"409 Exceeded MaxRequestExpires of 1s", "", on, 10,
              "409 Exceeded MaxRequestExpires of 1s;"},
             {"409 Exceeded MaxRequestMaxBytes of 1", "", on, 10,
              "409 Exceeded MaxRequestMaxBytes of 1;"},
             {"412 Required Api Level", "", on, 10, "412 Required Api Level;"},
             {"423 Nats-Pin-Id mismatch", "", on, 0, ""},
             {"423 Nats-Wrong-Pin-Id", some.c_str(), on, 0, ""},
             {"429 Too Many Requests", "", on, 10, "429 Too Many Requests;"},
             {"500 whatever", "", on, 10, "500 whatever;"},
             {"503", "", on, 0, "503 ;"},
             {"599 of the future", some.c_str(), on, 2, "599 of the future;"},
         }) {
        SCOPED_TRACE(r.status);
        puller p(consume_options{.max_messages = 11, .threshold_messages = 5});
        EXPECT_NE(p.pull(), "");
        EXPECT_TRUE(p.message());
        p.now += 3s;
        p.status(r.status, r.fields);
        EXPECT_EQ(p.machine.finished(), r.end != on);
        if (p.machine.finished()) {
            EXPECT_EQ(p.machine.outcome(), r.end);
        }
        EXPECT_EQ(p.machine.pending_messages(), static_cast<std::uint64_t>(r.pending));
        EXPECT_EQ(p.warnings(), r.warnings);
        EXPECT_EQ(p.pull() != "", r.pending < 5) << "the rest is asked for at once";
        EXPECT_EQ(p.machine.poll_doubt(), std::string_view(r.status) == "503");
        EXPECT_FALSE(p.machine.poll_doubt());
    }
}

TEST(js_pull_machine, more_is_taken_away_than_was_owed) {
    puller p(consume_options{.max_messages = 10, .max_bytes = 100});
    EXPECT_NE(p.pull(), "");
    p.now += 3s;
    p.status("408 Request Timeout",
             "Nats-Pending-Messages: x\r\n"
             "Nats-Pending-Bytes: 99999999999999999999\r\n");
    EXPECT_EQ(p.machine.pending_messages(), 10U) << "that is no number";
    EXPECT_EQ(p.machine.pending_bytes(), 100U);
    p.status("408 Request Timeout", "Nats-Pending-Messages: 18446744073709551615\r\n");
    EXPECT_EQ(p.machine.pending_messages(), 0U);
    EXPECT_EQ(p.machine.pending_bytes(), 0U);
    EXPECT_EQ(p.messages(30), 30) << "more than was asked for";
    EXPECT_EQ(p.machine.pending_messages(), 0U);
}

TEST(js_pull_machine, a_pull_whose_bytes_have_all_come_owes_no_messages) {
    puller p(consume_options{.max_bytes = 60, .stop_after = 10});
    EXPECT_NE(p.pull().find(R"("batch":10,)"), std::string::npos);
    EXPECT_EQ(p.messages(2), 2); // which are those 60 bytes: no status follows
    EXPECT_EQ(p.machine.pending_messages(), 0U);
    EXPECT_NE(p.pull().find(R"("batch":8,)"), std::string::npos);
    puller few(consume_options{.max_messages = 2, .max_bytes = 1000});
    EXPECT_NE(few.pull(), "");
    EXPECT_EQ(few.messages(2), 2);
    EXPECT_EQ(few.machine.pending_bytes(), 0U);
    EXPECT_NE(few.pull().find(R"("max_bytes":1000)"), std::string::npos);
}

TEST(js_pull_machine, what_is_no_message_of_a_consumer) {
    puller p((consume_options()));
    EXPECT_NE(p.pull(), "");
    nats::message_view stranger;
    stranger.payload = "x";
    EXPECT_FALSE(p.machine.handle_message(stranger, p.now)) << "no reply subject";
    const std::string forged = block("409 Consumer Deleted");
    nats::message_view stored;
    stored.reply = "$JS.ACK.S.C.1.2.3.4.5";
    stored.headers = header_view(forged);
    EXPECT_TRUE(p.machine.handle_message(stored, p.now)) << "a publisher wrote the status";
    EXPECT_FALSE(p.machine.finished());
    EXPECT_EQ(p.machine.pending_messages(), 499U);
}

// --- time

TEST(js_pull_machine, silence_of_a_flow) {
    puller p(consume_options{.expires = 10s});
    EXPECT_NE(p.pull(), "");
    EXPECT_EQ(p.until_deadline(), 10s) << "twice the heartbeat";
    p.now += 9s;
    p.status("100 Idle Heartbeat");
    EXPECT_EQ(p.until_deadline(), 10s);
    p.now += 9s;
    EXPECT_TRUE(p.message());
    EXPECT_EQ(p.until_deadline(), 10s);
    p.wait();
    EXPECT_FALSE(p.machine.finished());
    EXPECT_EQ(p.machine.poll_warning().value(), errc::no_heartbeat);
    EXPECT_TRUE(p.machine.poll_doubt());
    EXPECT_EQ(p.machine.pending_messages(), 0U);
    EXPECT_NE(p.pull().find(R"("batch":500,)"), std::string::npos);
    EXPECT_EQ(p.until_deadline(), 10s) << "and again";
    p.machine.handle_timeout(p.now + 9s);
    EXPECT_FALSE(p.machine.poll_warning()) << "not before its time";
}

TEST(js_pull_machine, without_heartbeats_the_pull_s_own_time_counts) {
    puller p(consume_options{.expires = 10s, .idle_heartbeat = 0s});
    EXPECT_NE(p.pull(), "");
    EXPECT_EQ(p.until_deadline(), 11s);
    p.wait();
    EXPECT_FALSE(p.machine.poll_warning());
    EXPECT_NE(p.pull(), "");
}

TEST(js_pull_machine, the_connection_is_lost_and_made) {
    puller p((consume_options()), false);
    EXPECT_EQ(p.pull(), "") << "not connected yet";
    EXPECT_EQ(p.machine.deadline(), no_deadline);
    p.machine.handle_connected(p.now);
    EXPECT_NE(p.pull(), "");
    p.messages(100);
    p.machine.handle_disconnected();
    p.now += 1h;
    EXPECT_EQ(p.machine.deadline(), no_deadline) << "no silence is counted";
    EXPECT_EQ(p.pull(), "");
    EXPECT_TRUE(p.message()) << "what was received before may still be read";
    EXPECT_EQ(p.machine.deadline(), no_deadline);
    p.machine.handle_connected(p.now);
    EXPECT_NE(p.pull().find(R"("batch":500,)"), std::string::npos) << "one full pull";
    EXPECT_EQ(p.machine.pending_messages(), 500U);
    EXPECT_EQ(p.pull(), "");
    EXPECT_FALSE(p.machine.poll_warning());
}

TEST(js_pull_machine, a_server_that_ends_each_pull_at_once_is_not_asked_at_once) {
    puller p(consume_options{.max_messages = 10});
    duration expected = 100ms;
    for (int i = 0; i < 8; ++i) {
        EXPECT_NE(p.pull(), "");
        p.status("409 Leadership Change");
        EXPECT_EQ(p.pull(), "");
        EXPECT_EQ(p.until_deadline(), expected) << i;
        expected = std::min<duration>(2 * expected, 5s);
        p.wait();
    }
    EXPECT_NE(p.pull(), "");
    EXPECT_TRUE(p.message());
    p.status("409 Leadership Change");
    EXPECT_NE(p.pull(), "") << "a message makes up for it";
    p.status("408 Request Timeout", owed(10, 0));
    EXPECT_EQ(p.until_deadline(), 100ms);
}

TEST(js_pull_machine, a_message_larger_than_all_that_may_come) {
    puller p(consume_options{.max_bytes = 100});
    EXPECT_NE(p.pull(), "");
    p.status("409 Message Size Exceeds MaxBytes", owed(1000000, 100));
    EXPECT_EQ(p.warnings(), "409 Message Size Exceeds MaxBytes;");
    EXPECT_EQ(p.pull(), "");
    EXPECT_EQ(p.until_deadline(), 100ms);
}

TEST(js_pull_machine, a_pull_that_could_not_be_sent) {
    puller p(consume_options{.max_messages = 10});
    EXPECT_NE(p.pull(), "");
    p.machine.handle_not_sent(p.now);
    EXPECT_EQ(p.machine.pending_messages(), 0U);
    EXPECT_EQ(p.pull(), "");
    EXPECT_EQ(p.until_deadline(), 100ms);
    p.wait();
    EXPECT_NE(p.pull(), "");
}

TEST(js_pull_machine, warnings_are_bounded) {
    puller p((consume_options()));
    EXPECT_NE(p.pull(), "");
    for (int i = 0; i < 1000; ++i) p.status("500 bad");
    int n = 0;
    while (p.machine.poll_warning()) ++n;
    EXPECT_EQ(n, 16);
}

// --- a fetch

TEST(js_pull_machine, a_fetch_ends_with_its_last_message) {
    puller p(fetch_options{.max_messages = 3, .expires = 5s});
    EXPECT_EQ(p.pull(), R"({"batch":3,"expires":5000000000})");
    EXPECT_EQ(p.messages(2), 2);
    EXPECT_EQ(p.pull(), "") << "a fetch asks once";
    EXPECT_FALSE(p.machine.finished());
    EXPECT_EQ(p.messages(2), 1);
    EXPECT_EQ(p.machine.outcome(), errc::consumption_stopped);
    EXPECT_EQ(p.machine.deadline(), no_deadline);
}

struct fetch_row {
    const char* status;
    bool after_a_message;
    error outcome;
};

TEST(js_pull_machine, statuses_of_a_fetch) {
    const auto refused = [](std::uint16_t status, const char* text) {
        return error{errc::pull_refused, status, text};
    };
    for (const fetch_row& r : {
             fetch_row{"404 No Messages", false, {errc::timeout, 404, "No Messages"}},
             {"408 Request Timeout", true, {errc::timeout, 408, "Request Timeout"}},
             {"408 Interest Expired", false, {errc::timeout, 408, "Interest Expired"}},
             {"400 Bad Request", false, refused(400, "Bad Request")},
             {"409 Consumer Deleted", true, {errc::consumer_deleted, 409, "Consumer Deleted"}},
             {"409 Consumer is push based",
              false,
              {errc::consumer_is_push, 409, "Consumer is push based"}},
             {"409 Leadership Change", true, refused(409, "Leadership Change")},
             {"409 Server Shutdown", true, refused(409, "Server Shutdown")},
             {"409 Batch Completed", true, errc::consumption_stopped},
             {"409 Message Size Exceeds MaxBytes", true, errc::consumption_stopped},
             {"409 Message Size Exceeds MaxBytes", false,
              refused(409, "Message Size Exceeds MaxBytes")},
             {"409 Exceeded MaxWaiting", false, refused(409, "Exceeded MaxWaiting")},
             {"423 Nats-Pin-Id mismatch", false, refused(423, "Nats-Pin-Id mismatch")},
             {"500 sorry", false, refused(500, "sorry")},
             {"503", false, {errc::no_responders, 503, ""}},
         }) {
        SCOPED_TRACE(r.status);
        puller p(fetch_options{.max_messages = 3});
        EXPECT_NE(p.pull(), "");
        if (r.after_a_message) {
            EXPECT_TRUE(p.message());
        }
        p.status(r.status);
        ASSERT_TRUE(p.machine.finished());
        EXPECT_EQ(p.machine.outcome(), r.outcome);
        EXPECT_FALSE(p.message());
    }
    puller p((fetch_options()));
    EXPECT_NE(p.pull(), "");
    p.status("100 Idle Heartbeat");
    EXPECT_FALSE(p.machine.finished());
}

TEST(js_pull_machine, a_fetch_s_own_time) {
    puller p(fetch_options{.expires = 5s});
    EXPECT_NE(p.pull(), "");
    EXPECT_EQ(p.until_deadline(), 6s) << "without heartbeats";
    p.wait();
    EXPECT_EQ(p.machine.outcome(), errc::timeout);
    EXPECT_EQ(p.machine.outcome().status(), 0);
    puller beating(fetch_options{.expires = 12s});
    EXPECT_NE(beating.pull(), "");
    EXPECT_EQ(beating.until_deadline(), 10s) << "twice the heartbeat";
    beating.wait();
    EXPECT_EQ(beating.machine.outcome(), errc::no_heartbeat);
    puller late(fetch_options{.expires = 12s});
    EXPECT_NE(late.pull(), "");
    late.now += 9s;
    late.status("100 Idle Heartbeat");
    EXPECT_EQ(late.until_deadline(), 4s) << "its time is over before the silence";
    late.wait();
    EXPECT_EQ(late.machine.outcome(), errc::timeout);
}

TEST(js_pull_machine, a_fetch_without_waiting) {
    puller p(fetch_options{.max_messages = 10, .no_wait = true});
    EXPECT_EQ(p.pull(), R"({"batch":10,"no_wait":true})");
    EXPECT_EQ(p.messages(2), 2);
    puller old = p;
    p.status("404 No Messages");
    EXPECT_EQ(p.machine.outcome().status(), 404);
    old.status("408 Request Timeout", owed(8, 0)); // of servers before 2.10
    EXPECT_EQ(old.machine.outcome(), errc::timeout);
    EXPECT_EQ(old.machine.pending_messages(), 0U);
    puller silent(fetch_options{.no_wait = true});
    EXPECT_NE(silent.pull(), "");
    EXPECT_EQ(silent.until_deadline(), 5s);
    silent.wait();
    EXPECT_EQ(silent.machine.outcome(), errc::timeout);
}

TEST(js_pull_machine, a_fetch_of_bytes) {
    puller p(fetch_options{.max_bytes = 60, .expires = 5s});
    EXPECT_EQ(p.pull(), R"({"batch":1000000,"expires":5000000000,"max_bytes":60})");
    EXPECT_EQ(p.messages(3), 2) << "then it is full";
    EXPECT_EQ(p.machine.outcome(), errc::consumption_stopped);
}

TEST(js_pull_machine, a_fetch_goes_on_over_a_new_connection) {
    puller p(fetch_options{.max_messages = 10, .expires = 20s});
    EXPECT_NE(p.pull(), "");
    EXPECT_EQ(p.messages(4), 4);
    p.machine.handle_disconnected();
    EXPECT_EQ(p.until_deadline(), 21s) << "its time goes on";
    p.now += 14s;
    p.machine.handle_connected(p.now);
    EXPECT_EQ(p.pull(), R"({"batch":6,"expires":6000000000,"idle_heartbeat":3000000000})");
    EXPECT_EQ(p.messages(7), 6);
    puller late(fetch_options{.expires = 5s});
    EXPECT_NE(late.pull(), "");
    late.machine.handle_disconnected();
    late.now += 5500ms;
    late.machine.handle_connected(late.now);
    EXPECT_EQ(late.pull(), "") << "there is no time left to ask for";
    late.wait();
    EXPECT_EQ(late.machine.outcome(), errc::timeout);
}

TEST(js_pull_machine, ends_once) {
    puller p((consume_options()));
    p.machine.finish(errc::drained);
    p.machine.finish(errc::timeout);
    EXPECT_EQ(p.machine.outcome(), errc::drained);
    EXPECT_EQ(p.pull(), "");
}

} // namespace
} // namespace nats::test
