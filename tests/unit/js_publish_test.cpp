// SPDX-License-Identifier: Apache-2.0
//
// Proves one publish into a stream, in virtual time: what is sent, the pauses between attempts, and
// that every answer, whatever a peer makes of it, becomes an acknowledgement or an error.

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/publish.hpp>

#include "core/jetstream/ack_scan.hpp"
#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::pub_ack;
using js::publish_options;
using js::publish_request;

// --- the answer

result<pub_ack> read(std::string_view payload, const char* header = "") {
    message_view m;
    m.payload = payload;
    m.headers = header_view(header);
    pub_ack ack;
    if (result<void> ok = js::read_ack(m, ack); !ok) return ok.error();
    return ack;
}

TEST(js_read_ack, all_members) {
    const result<pub_ack> a = read(R"({"stream":"S", "seq":2, "duplicate": true,"domain":"hub",)"
                                   R"("val":"-12","batch":"b1","count":3})");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->stream, "S");
    EXPECT_EQ(a->seq, 2U);
    EXPECT_TRUE(a->duplicate);
    EXPECT_EQ(a->domain, "hub");
    EXPECT_EQ(a->val, "-12");
    EXPECT_EQ(a->batch, "b1");
    EXPECT_EQ(a->count, 3U);
}

TEST(js_read_ack, what_the_scan_leaves_is_read_too) {
    for (const char* text :
         {R"({"stream":"\u0053","seq":2})", R"({"new":{"a":[1]},"stream":"S","seq":2})",
          R"({"stream":"S","seq":2,"new":1.5})"}) {
        pub_ack scanned;
        EXPECT_FALSE(js::scan_ack(text, scanned)) << text;
        const result<pub_ack> a = read(text);
        ASSERT_TRUE(a) << text << a.error().message();
        EXPECT_EQ(a->stream, "S");
        EXPECT_EQ(a->seq, 2U);
    }
}

TEST(js_read_ack, nothing_stays_of_the_one_before) {
    pub_ack a;
    ASSERT_TRUE(js::scan_ack(
        R"({"stream":"S","seq":2,"duplicate":true,"domain":"d","val":"1","batch":"b","count":1})",
        a));
    ASSERT_TRUE(js::scan_ack(R"({"stream":"T","seq":3})", a));
    pub_ack plain;
    plain.stream = "T";
    plain.seq = 3;
    EXPECT_EQ(a, plain);
}

TEST(js_read_ack, an_error_wins_over_the_rest) {
    const result<pub_ack> a =
        read(R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"},)"
             R"("stream":"S","seq":0})");
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error(), errc::jetstream_error);
    EXPECT_EQ(a.error().api_code(), 10071);
    EXPECT_NE(a.error().message().find("wrong last sequence: 1"), std::string::npos);
    EXPECT_FALSE(read(R"({"stream":"S","seq":7,"error":{"code":503,"err_code":10077}})"));
}

// nats-server before 2.11 (its pull request 6415): the first one with this id may never be stored,
// since the leader that knew it was deposed.
TEST(js_read_ack, a_duplicate_of_what_is_not_stored_is_none) {
    const result<pub_ack> a = read(R"({"stream":"S","seq":0,"duplicate": true})");
    ASSERT_FALSE(a) << "a lost message is called stored";
    EXPECT_EQ(a.error(), errc::jetstream_error);
    EXPECT_EQ(a.error().status(), 409);
    EXPECT_TRUE(a.error() == js::api_code::duplicate_in_process);
    EXPECT_TRUE(read(R"({"stream":"S","seq":1,"duplicate": true})"));

    const result<pub_ack> newer = read(R"({"error":{"code":409,"err_code":10158,)"
                                       R"("description":"duplicate message id is in process"},)"
                                       R"("stream":"S","seq":0})");
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().message(), a.error().message());

    EXPECT_EQ(read(R"({"stream":"S","seq":0,"batch":"b","count":0})").value().count, 0U)
        << "an end of fast ingest that stored nothing";
}

TEST(js_read_ack, a_status) {
    EXPECT_EQ(read("", "NATS/1.0 503\r\n\r\n").error(), errc::no_stream_response);
    const result<pub_ack> a = read("", "NATS/1.0 412 Required Api Level\r\n\r\n");
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error().status(), 412);
    EXPECT_EQ(a.error().detail(), "Required Api Level");
}

TEST(js_read_ack, nonsense_is_invalid) {
    for (const char* text : {"",
                             " ",
                             "{",
                             "}",
                             "{}",
                             "[]",
                             "null",
                             "+OK",
                             "1",
                             "\"S\"",
                             R"({"stream":"S","seq":2)",
                             R"({"stream":"S","seq":2}})",
                             R"({"stream":"S","seq":2} x)",
                             R"({"stream":"","seq":2})",
                             R"({"seq":2})",
                             R"({"stream":"S"})",
                             R"({"stream":"S","seq":0})",
                             R"({"stream":"","seq":0,"duplicate":true})",
                             R"({"stream":7,"seq":2})",
                             R"({"stream":"S","seq":-2})",
                             R"({"stream":"S","seq":"2"})",
                             R"({"stream":"S","seq":02})",
                             R"({"stream":"S","seq":99999999999999999999})",
                             R"({"stream":"S","seq":2,})",
                             R"({,"stream":"S","seq":2})",
                             R"({"stream" "S","seq":2})",
                             "{\"stream\":\"S\n\",\"seq\":2}"})
        EXPECT_EQ(read(text).error(), errc::invalid_response) << text;
}

TEST(js_read_ack, every_cut_is_invalid) {
    const std::string whole = R"({"stream":"S","seq":2,"duplicate":true})";
    for (std::size_t n = 0; n < whole.size(); ++n)
        EXPECT_EQ(read(whole.substr(0, n)).error(), errc::invalid_response) << n;
}

// --- the op

/// A stream "S" on the subject "s"; it answers with `answers`, one each, or not when that is empty.
struct stream : connected_sim {
    explicit stream(const options& o = {}) : connected_sim(o) { listen(); }
    void listen() {
        server().serve("s", [this](scripted_server& srv, const wire::frame& f) {
            ++published;
            payloads.emplace_back(f.payload);
            if (!silent) srv.publish(f.reply, answer);
        });
    }
    result<pub_ack> publish(std::string_view subject, bytes payload = "x",
                            const publish_options& o = {}) {
        return run(js::publish(runtime(), publish_request::make(subject, payload, o)));
    }
    std::string answer = R"({"stream":"S","seq":1})";
    bool silent = false;
    int published = 0;
    std::vector<std::string> payloads;
};

TEST(js_publish, is_a_request) {
    stream net;
    const result<pub_ack> a = net.publish("s", "payload", {.message_id = "1"});
    ASSERT_TRUE(a) << a.error().message();
    EXPECT_EQ(a->stream, "S");
    EXPECT_EQ(a->seq, 1U);
    ASSERT_EQ(net.payloads, std::vector<std::string>{"payload"});
    EXPECT_TRUE(net.server().lines().back().starts_with("HPUB s "));
    EXPECT_NE(net.server().received().find("\r\nNats-Msg-Id: 1\r\n"), std::string::npos);
}

TEST(js_publish, plain_without_options) {
    stream net;
    ASSERT_TRUE(net.publish("s", ""));
    EXPECT_TRUE(net.server().lines().back().starts_with("PUB s "));
}

TEST(js_publish, nobody_listens_three_times) {
    stream net;
    const time_point before = net.now();
    const result<pub_ack> a = net.publish("nobody");
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error(), errc::no_stream_response);
    EXPECT_EQ(a.error().status(), 503);
    EXPECT_NE(a.error().message().find("nobody"), std::string::npos);
    EXPECT_EQ(net.server().count("PUB nobody"), 3U);
    EXPECT_EQ(net.now() - before, 3 * 2ms + 2 * 250ms);
}

TEST(js_publish, attempts_and_pauses_are_options) {
    stream net;
    EXPECT_EQ(net.publish("nobody", "", {.retry_attempts = 0}).error(), errc::no_stream_response);
    EXPECT_EQ(net.server().count("PUB nobody"), 1U);
    const time_point before = net.now();
    EXPECT_EQ(
        net.publish("none", "", {.retry_attempts = -1, .retry_wait = 10ms, .timeout = 1s}).error(),
        errc::no_stream_response);
    EXPECT_LE(net.now() - before, 1s);
    EXPECT_GT(net.server().count("PUB none"), 80U);
}

TEST(js_publish, a_stream_that_comes_in_time) {
    stream net;
    op<result<pub_ack>> o = js::publish(net.runtime(), publish_request::make("late", "x"));
    o.start();
    net.advance(100ms);
    ASSERT_FALSE(o.done());
    net.server().serve("late", [&](scripted_server& srv, const wire::frame& f) {
        srv.publish(f.reply, net.answer);
    });
    net.until([&] { return o.done(); });
    EXPECT_TRUE(o.take());
    EXPECT_EQ(net.server().count("PUB late"), 2U);
}

TEST(js_publish, no_answer_is_a_timeout) {
    stream net;
    net.silent = true;
    const time_point before = net.now();
    const result<pub_ack> a = net.publish("s", "", {.timeout = 2s});
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error(), errc::timeout);
    EXPECT_EQ(net.now() - before, 2s);
    EXPECT_EQ(net.published, 1) << "it may be stored: it is not sent again";
}

TEST(js_publish, wrong_arguments_send_nothing) {
    stream net;
    const std::size_t before = net.server().lines().size();
    EXPECT_EQ(net.publish("a b").error(), errc::invalid_subject);
    EXPECT_EQ(net.publish("a.*").error(), errc::invalid_subject);
    EXPECT_EQ(net.publish("").error(), errc::invalid_subject);
    EXPECT_EQ(net.publish("s", "", {.timeout = 0s}).error(), errc::invalid_argument);
    EXPECT_EQ(net.publish("s", "", {.retry_wait = 0s}).error(), errc::invalid_argument);
    EXPECT_EQ(net.publish("s", "", {.ttl = 1ms}).error(), errc::invalid_argument);
    net.settle();
    EXPECT_EQ(net.server().lines().size(), before);
}

TEST(js_publish, garbage_is_an_error) {
    stream net;
    net.answer = "{\"stream\":\"S\"";
    EXPECT_EQ(net.publish("s").error(), errc::invalid_response);
    net.answer = "";
    EXPECT_EQ(net.publish("s").error(), errc::invalid_response);
}

TEST(js_publish, the_end_of_the_session_ends_it) {
    stream net;
    net.silent = true;
    op<result<pub_ack>> o = js::publish(net.runtime(), publish_request::make("s", "x"));
    o.start();
    net.settle();
    net.session().close(net.now());
    net.until([&] { return o.done(); });
    EXPECT_EQ(o.take().error(), errc::connection_closed);
}

TEST(js_publish, destroying_it_at_any_time) {
    stream net;
    net.silent = true;
    for (const char* subject : {"s", "nobody"}) {
        op<result<pub_ack>> o = js::publish(net.runtime(), publish_request::make(subject, "x"));
        o.start();
        net.advance(100ms); // the second one waits for its next attempt
        ASSERT_FALSE(o.done());
    }
    net.advance(10s);
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
}

TEST(js_publish_request, holds_a_copy_of_everything) {
    std::string subject = "a.subject";
    std::string payload = "a payload";
    headers h;
    ASSERT_TRUE(h.set("k", "v"));
    result<publish_request> r = publish_request::make(subject, payload, {.headers = h});
    ASSERT_TRUE(r);
    subject.assign(subject.size(), '#');
    payload.assign(payload.size(), '#');
    h.clear();
    publish_request moved = std::move(*r);
    EXPECT_EQ(moved.subject(), "a.subject");
    EXPECT_EQ(moved.payload().text(), "a payload");
    EXPECT_EQ(moved.headers().get("k"), "v");
}

} // namespace
} // namespace nats::test
