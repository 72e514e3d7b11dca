// SPDX-License-Identifier: Apache-2.0
//
// Proves direct get: the requests, byte for byte; what is read out of an answer whose headers may
// be anybody's; and batches over a connection, with every end that servers of all ages give them.

#include <natsproto/jetstream/direct_get.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::direct_batch;
using js::direct_batch_machine;
using js::direct_batch_options;
using js::stored_message;

// --- requests

/// Subject and body, or the error.
std::string text_of(const result<js::api_request>& r) {
    return r ? r->subject + ' ' + r->body : std::string(describe(r.error().code()));
}

std::string refused(errc code) {
    return std::string(describe(code));
}

const js::wall_time noon{std::chrono::seconds(1764331200)}; // 2025-11-28T12:00:00Z

TEST(js_direct_get_request, one_message) {
    const js::context c;
    EXPECT_EQ(text_of(js::encode_direct_get(c, "S", 7)), R"($JS.API.DIRECT.GET.S {"seq":7})");
    EXPECT_EQ(text_of(js::encode_direct_get(c, "S", 7, {.payload_only = true})),
              R"($JS.API.DIRECT.GET.S {"seq":7,"no_hdr":true})");
    EXPECT_EQ(text_of(js::encode_direct_last(c, "S", "a.b")), "$JS.API.DIRECT.GET.S.a.b ");
    EXPECT_EQ(text_of(js::encode_direct_last(c, "S", "a.*")),
              R"($JS.API.DIRECT.GET.S {"last_by_subj":"a.*"})");
    EXPECT_EQ(text_of(js::encode_direct_last(c, "S", "a.b", {.payload_only = true})),
              R"($JS.API.DIRECT.GET.S {"last_by_subj":"a.b","no_hdr":true})");
    EXPECT_EQ(text_of(js::encode_direct_next(c, "S", {})), R"($JS.API.DIRECT.GET.S {"seq":1})");
    EXPECT_EQ(text_of(js::encode_direct_next(c, "S", {.subject = "a.>", .sequence = 5})),
              R"($JS.API.DIRECT.GET.S {"seq":5,"next_by_subj":"a.>"})");
    EXPECT_EQ(text_of(js::encode_direct_next(c, "S", {.start_time = noon})),
              R"($JS.API.DIRECT.GET.S {"start_time":"2025-11-28T12:00:00Z"})");
}

TEST(js_direct_get_request, many) {
    const js::context c;
    EXPECT_EQ(text_of(js::encode_direct_batch(c, "S", {.batch = 10})),
              R"($JS.API.DIRECT.GET.S {"batch":10,"seq":1})");
    EXPECT_EQ(text_of(js::encode_direct_batch(
                  c, "S", {.subject = "a", .sequence = 3, .batch = 10, .max_bytes = 99})),
              R"($JS.API.DIRECT.GET.S {"batch":10,"max_bytes":99,"seq":3,"next_by_subj":"a"})");
    EXPECT_EQ(text_of(js::encode_direct_last_for(c, "S", {"a", "b.*"}, {}, 0)),
              R"($JS.API.DIRECT.GET.S {"multi_last":["a","b.*"],"batch":256})");
    EXPECT_EQ(
        text_of(js::encode_direct_last_for(c, "S", {"a"}, {.up_to_sequence = 9, .batch = 2}, 4)),
        R"($JS.API.DIRECT.GET.S {"multi_last":["a"],"batch":2,"seq":4,"up_to_seq":9})");
}

TEST(js_direct_get_request, arguments_are_checked) {
    const js::context c;
    EXPECT_EQ(text_of(js::encode_direct_get(c, "S", 0)), refused(errc::invalid_argument));
    EXPECT_EQ(text_of(js::encode_direct_get(c, "a.b", 1)), refused(errc::invalid_name));
    EXPECT_EQ(text_of(js::encode_direct_last(c, "a b", "x")), refused(errc::invalid_name));
    EXPECT_EQ(text_of(js::encode_direct_last(c, "S", "")), refused(errc::invalid_subject));
    EXPECT_EQ(text_of(js::encode_direct_last(c, "S", "a..b")), refused(errc::invalid_subject));
    EXPECT_EQ(text_of(js::encode_direct_next(c, "S", {.subject = "a b"})),
              refused(errc::invalid_subject));
    EXPECT_EQ(text_of(js::encode_direct_next(c, "S", {.sequence = 1, .start_time = noon})),
              refused(errc::invalid_argument));
    EXPECT_EQ(text_of(js::encode_direct_batch(c, "S", {.batch = 0})),
              refused(errc::invalid_argument));
    EXPECT_EQ(text_of(js::encode_direct_batch(c, "S", {.batch = 100'001})),
              refused(errc::invalid_argument));
    EXPECT_EQ(text_of(js::encode_direct_last_for(c, "S", {}, {}, 0)),
              refused(errc::invalid_argument));
    EXPECT_EQ(text_of(js::encode_direct_last_for(c, "S", {"a", ""}, {}, 0)),
              refused(errc::invalid_subject));
    EXPECT_EQ(text_of(js::encode_direct_last_for(c, "S", {"a"},
                                                 {.up_to_sequence = 1, .up_to_time = noon}, 0)),
              refused(errc::invalid_argument));
    EXPECT_EQ(text_of(js::encode_direct_last_for(c, "S", {"a"}, {.batch = 1025}, 0)),
              refused(errc::invalid_argument));
}

// --- answers

constexpr std::string_view stamp = "2025-11-28T12:00:00.5Z";

/// What the server adds to a stored block `own` of lines.
std::string added(std::uint64_t seq, std::string_view own = {}, std::string_view more = {}) {
    return "NATS/1.0\r\n" + std::string(own) + "Nats-Stream: S\r\nNats-Subject: s.a\r\n" +
           "Nats-Sequence: " + std::to_string(seq) + "\r\nNats-Time-Stamp: " + std::string(stamp) +
           "\r\n" + std::string(more) + "\r\n";
}

result<stored_message> read(const std::string& header, std::string_view payload = "data") {
    message_view m;
    m.headers = header_view(header);
    m.payload = payload;
    stored_message into;
    if (result<void> ok = js::read_direct(m, into); !ok) return ok.error();
    return into;
}

TEST(js_direct_get_answer, a_message) {
    const result<stored_message> m = read(added(7));
    ASSERT_TRUE(m) << m.error().message();
    EXPECT_EQ(m->stream, "S");
    EXPECT_EQ(m->subject, "s.a");
    EXPECT_EQ(m->sequence, 7U);
    EXPECT_EQ(m->payload, "data");
    EXPECT_EQ(m->header_block, "");
    EXPECT_EQ(m->time, noon + std::chrono::milliseconds(500));
}

TEST(js_direct_get_answer, the_servers_headers_are_the_last_ones) {
    const result<stored_message> m =
        read(added(7, "a: 1\r\nNats-Stream: USER\r\nNats-Sequence: 99\r\nNats-Num-Pending: 5\r\n"));
    ASSERT_TRUE(m);
    EXPECT_EQ(m->stream, "S");
    EXPECT_EQ(m->sequence, 7U);
    EXPECT_TRUE(m->headers().well_formed());
    EXPECT_EQ(m->header_block,
              "NATS/1.0\r\na: 1\r\nNats-Stream: USER\r\nNats-Sequence: 99\r\n"
              "Nats-Num-Pending: 5\r\n\r\n");
}

TEST(js_direct_get_answer, a_stored_status_is_only_a_header) {
    std::string block = added(7, "a: 1\r\n");
    block.replace(0, 8, "NATS/1.0 404 Not Found");
    const result<stored_message> m = read(block, "");
    ASSERT_TRUE(m);
    EXPECT_EQ(m->sequence, 7U);
}

TEST(js_direct_get_answer, every_status_has_its_error) {
    struct expected {
        const char* header;
        errc code;
        std::uint16_t status;
    };
    for (const expected& e :
         {expected{"NATS/1.0 404 Message Not Found\r\n\r\n", errc::message_not_found, 404},
          expected{"NATS/1.0 408 Empty Request\r\n\r\n", errc::invalid_argument, 408},
          expected{"NATS/1.0 503\r\n\r\n", errc::no_responders, 503},
          expected{"NATS/1.0 413 Too Many Results\r\n\r\n", errc::jetstream_error, 413},
          expected{"NATS/1.0 429 Too Many Requests\r\n\r\n", errc::jetstream_error, 429}}) {
        const result<stored_message> m = read(e.header, "");
        ASSERT_FALSE(m) << e.header;
        EXPECT_EQ(m.error(), e.code);
        EXPECT_EQ(m.error().status(), e.status);
    }
}

TEST(js_direct_get_answer, nonsense_is_invalid) {
    EXPECT_EQ(read("", "data").error(), errc::invalid_response);
    EXPECT_EQ(read("NATS/1.0\r\n\r\n").error(), errc::invalid_response);
    EXPECT_EQ(read("garbage").error(), errc::invalid_response);
    EXPECT_EQ(read(added(0)).error(), errc::invalid_response);
    for (const char* name : {"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"}) {
        std::string block = added(7);
        block.replace(block.find(name), 4, "Xats");
        EXPECT_EQ(read(block).error(), errc::invalid_response) << name;
    }
    std::string block = added(7);
    block.replace(block.find(": 7"), 3, ": -7");
    EXPECT_EQ(read(block).error(), errc::invalid_response);
    block = added(7);
    block.replace(block.find(stamp), 4, "soon");
    EXPECT_EQ(read(block).error(), errc::invalid_response);
}

TEST(js_direct_get_answer, every_cut_of_a_block_is_an_error_or_the_message) {
    const std::string whole = added(7, "a: 1\r\n");
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const result<stored_message> m = read(whole.substr(0, n));
        if (m) {
            EXPECT_EQ(m->sequence, 7U);
        } else {
            EXPECT_EQ(m.error(), errc::invalid_response) << n;
        }
    }
}

TEST(js_direct_get_machine, does_not_take_more_than_was_asked_for) {
    direct_batch_machine machine(1);
    direct_batch all;
    const std::string block = added(1, {}, "Nats-Num-Pending: 1\r\n");
    message_view m;
    m.headers = header_view(block);
    EXPECT_EQ(machine.handle_message(m, all), direct_batch_machine::verdict::more);
    EXPECT_EQ(machine.handle_message(m, all), direct_batch_machine::verdict::failed);
    EXPECT_EQ(machine.failure(), errc::invalid_response);
    EXPECT_EQ(all.messages.size(), 1U);
}

// --- over a connection

/// A stream that sends one of its pages, a list of header blocks, for each request.
struct direct : connected_sim {
    direct() {
        server().serve("$JS.API.DIRECT.GET.>", [this](scripted_server& srv, const wire::frame& f) {
            requests.emplace_back(f.payload);
            if (pages.empty()) return;
            for (const std::string& block : pages.front())
                srv.publish(f.reply, block.find("204") == std::string::npos ? "data" : "", {},
                            block);
            pages.erase(pages.begin());
        });
    }
    result<direct_batch> batch(const direct_batch_options& o) {
        return run(
            js::get_direct_batch(runtime(), js::encode_direct_batch(context, "S", o), o.batch));
    }
    result<direct_batch> last_for(const js::direct_last_options& o) {
        return run(js::get_direct_last_for(runtime(), context, "S", {"s.>"}, o));
    }
    static std::string part(std::uint64_t seq, int pending) {
        return added(seq, {},
                     "Nats-Num-Pending: " + std::to_string(pending) +
                         "\r\nNats-Last-Sequence: " + std::to_string(seq - 1) + "\r\n");
    }
    static std::string end(std::uint64_t last, int pending, std::uint64_t up_to = 0) {
        return "NATS/1.0 204 EOB\r\nNats-Num-Pending: " + std::to_string(pending) +
               "\r\nNats-Last-Sequence: " + std::to_string(last) +
               (up_to != 0 ? "\r\nNats-UpTo-Sequence: " + std::to_string(up_to) : "") + "\r\n\r\n";
    }
    js::context context;
    std::vector<std::vector<std::string>> pages;
    std::vector<std::string> requests;
};

TEST(js_direct_get_batch, ends_with_eob) {
    direct net;
    net.pages = {{net.part(1, 4), net.part(3, 3), net.end(3, 3)}};
    const result<direct_batch> b = net.batch({.batch = 2});
    ASSERT_TRUE(b) << b.error().message();
    ASSERT_EQ(b->messages.size(), 2U);
    EXPECT_EQ(b->messages[1].sequence, 3U);
    EXPECT_EQ(b->messages[1].header_block, "") << "what is about the batch is not of the message";
    EXPECT_EQ(b->pending, 3U);
    EXPECT_EQ(b->last_sequence, 3U);
    EXPECT_FALSE(b->single);
    net.settle();
    EXPECT_EQ(net.session().subscriptions(), 0U);
}

TEST(js_direct_get_batch, an_old_server_sends_one) {
    direct net;
    net.pages = {{added(5)}};
    const time_point before = net.now();
    const result<direct_batch> b = net.batch({.batch = 10});
    ASSERT_TRUE(b);
    EXPECT_EQ(b->messages.size(), 1U);
    EXPECT_TRUE(b->single);
    EXPECT_EQ(b->last_sequence, 5U);
    EXPECT_EQ(net.now() - before, 2ms) << "nothing more is waited for";
}

TEST(js_direct_get_batch, nothing_and_nobody_and_silence) {
    direct net;
    net.pages = {{"NATS/1.0 404 No Results\r\n\r\n"}};
    EXPECT_EQ(net.batch({.batch = 10}).error(), errc::message_not_found);
    const result<direct_batch> silent = net.batch({.batch = 10});
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error(), errc::timeout);
    EXPECT_NE(silent.error().message().find("allow_direct"), std::string::npos);
    const result<stored_message> nobody = net.run(js::direct_get(
        net.runtime(), js::encode_direct_get(js::context::make({.domain = "d"}).value(), "S", 1)));
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error(), errc::no_responders);
    EXPECT_NE(nobody.error().message().find("allow_direct"), std::string::npos);
}

TEST(js_direct_get_batch, a_batch_that_stops) {
    direct net;
    net.pages = {{net.part(1, 4)}};
    const time_point before = net.now();
    EXPECT_EQ(net.batch({.batch = 2}).error(), errc::timeout);
    EXPECT_EQ(net.now() - before, 5s + 2ms) << "from the last answer on";
    EXPECT_EQ(net.batch({.batch = 0}).error(), errc::invalid_argument);
}

TEST(js_direct_get, the_payload_only) {
    direct net;
    net.pages = {{""}, {added(5)}, {""}};
    const auto get = [&net](const js::direct_get_options& o) {
        return net.run(
            js::direct_get(net.runtime(), js::encode_direct_get(net.context, "S", 1, o), o));
    };
    EXPECT_EQ(get({.payload_only = true}).value().payload, "data");
    EXPECT_EQ(get({.payload_only = true}).value().sequence, 5U) << "an old server sends all";
    EXPECT_EQ(get({}).error(), errc::invalid_response) << "it was not asked for";
}

TEST(js_direct_get_last_for, pages_are_of_one_moment) {
    direct net;
    net.pages = {{net.part(2, 2), net.part(4, 1), net.end(4, 1, 9)},
                 {net.part(8, 0), net.end(8, 0, 9)}};
    const result<direct_batch> b = net.last_for({.up_to_time = noon, .batch = 2});
    ASSERT_TRUE(b) << b.error().message();
    ASSERT_EQ(b->messages.size(), 3U);
    EXPECT_EQ(b->messages[2].sequence, 8U);
    EXPECT_EQ(b->up_to_sequence, 9U);
    ASSERT_EQ(net.requests.size(), 2U);
    EXPECT_EQ(net.requests[0],
              R"({"multi_last":["s.>"],"batch":2,"up_to_time":"2025-11-28T12:00:00Z"})");
    EXPECT_EQ(net.requests[1], R"({"multi_last":["s.>"],"batch":2,"seq":5,"up_to_seq":9})");
}

TEST(js_direct_get_last_for, a_server_that_goes_round_in_circles) {
    direct net;
    for (int i = 0; i < 3000; ++i) net.pages.push_back({net.part(4, 1), net.end(4, 1, 9)});
    const result<direct_batch> b = net.last_for({.batch = 1});
    EXPECT_TRUE(b) << "it ends";
    EXPECT_LE(net.requests.size(), 1025U);
    net.pages.clear();
    net.requests.clear();
    for (std::uint64_t i = 1; i < 3000; ++i)
        net.pages.push_back({net.part(i, 1), net.end(i, 1, 9)});
    EXPECT_EQ(net.last_for({.batch = 1}).error(), errc::invalid_response);
    EXPECT_LE(net.requests.size(), 1025U);
}

TEST(js_direct_get_last_for, an_old_server) {
    direct net;
    net.pages = {{added(5)}};
    EXPECT_EQ(net.last_for({}).error(), errc::invalid_response);
    net.pages = {{"NATS/1.0 413 Too Many Results\r\n\r\n"}};
    EXPECT_EQ(net.last_for({}).error().status(), 413);
}

} // namespace
} // namespace nats::test
