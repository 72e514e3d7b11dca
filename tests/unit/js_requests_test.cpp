// SPDX-License-Identifier: Apache-2.0
//
// Proves what each request of JetStream's management sends, and that wrong arguments are refused.

#include <natsproto/jetstream/consumer_requests.hpp>
#include <natsproto/jetstream/stream_requests.hpp>

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using js::consumer_action;

const js::context plain;

/// Subject and body.
std::string sent(const result<js::api_request>& r) {
    if (!r) return r.error().message();
    return r->body.empty() ? r->subject : r->subject + ' ' + r->body;
}

template <class T>
errc refused(const result<T>& r) {
    return r ? errc{} : r.error().code();
}

js::context context_with(const js::context_options& o) {
    return js::context::make(o).value();
}

TEST(js_requests, streams) {
    EXPECT_EQ(sent(js::encode_account_info(plain)), "$JS.API.INFO");
    EXPECT_EQ(sent(js::encode_create_stream(plain, js::stream_config("S"))),
              "$JS.API.STREAM.CREATE.S " + js::to_json(js::stream_config("S")).value());
    EXPECT_EQ(sent(js::encode_update_stream(plain, js::stream_config("S"))),
              "$JS.API.STREAM.UPDATE.S " + js::to_json(js::stream_config("S")).value());
    EXPECT_EQ(sent(js::encode_stream_info(plain, "S")), "$JS.API.STREAM.INFO.S");
    EXPECT_EQ(
        sent(js::encode_stream_info(plain, "S", {.deleted_details = true, .subjects_filter = "a.>"},
                                    7)),
        R"($JS.API.STREAM.INFO.S {"deleted_details":true,"subjects_filter":"a.>","offset":7})");
    EXPECT_EQ(sent(js::encode_delete_stream(plain, "S")), "$JS.API.STREAM.DELETE.S");
    EXPECT_EQ(sent(js::encode_purge_stream(plain, "S")), "$JS.API.STREAM.PURGE.S");
    EXPECT_EQ(sent(js::encode_purge_stream(plain, "S", {.filter = "a", .seq = 3})),
              R"($JS.API.STREAM.PURGE.S {"filter":"a","seq":3})");
    EXPECT_EQ(sent(js::encode_purge_stream(plain, "S", {.keep = 4})),
              R"($JS.API.STREAM.PURGE.S {"keep":4})");
    EXPECT_EQ(sent(js::encode_step_down_stream(plain, "S")), "$JS.API.STREAM.LEADER.STEPDOWN.S");
    EXPECT_EQ(sent(js::encode_step_down_stream(plain, "S", "n1")),
              R"($JS.API.STREAM.LEADER.STEPDOWN.S {"placement":{"preferred":"n1"}})");
    EXPECT_EQ(sent(js::encode_remove_peer(plain, "S", "n1")),
              R"($JS.API.STREAM.PEER.REMOVE.S {"peer":"n1"})");
}

TEST(js_requests, messages) {
    EXPECT_EQ(sent(js::encode_get_message(plain, "S", 18'446'744'073'709'551'615U)),
              R"($JS.API.STREAM.MSG.GET.S {"seq":18446744073709551615})");
    EXPECT_EQ(sent(js::encode_get_last_message(plain, "S", "a.*")),
              R"($JS.API.STREAM.MSG.GET.S {"last_by_subj":"a.*"})");
    EXPECT_EQ(sent(js::encode_get_next_message(plain, "S", "a", 5)),
              R"($JS.API.STREAM.MSG.GET.S {"seq":5,"next_by_subj":"a"})");
    EXPECT_EQ(sent(js::encode_delete_message(plain, "S", 5, false)),
              R"($JS.API.STREAM.MSG.DELETE.S {"seq":5,"no_erase":true})");
    EXPECT_EQ(sent(js::encode_delete_message(plain, "S", 5, true)),
              R"($JS.API.STREAM.MSG.DELETE.S {"seq":5})");
}

TEST(js_requests, consumers) {
    const js::consumer_config c("d");
    const std::string config = js::to_json(c).value();
    EXPECT_EQ(sent(js::encode_create_consumer(plain, "S", c, consumer_action::create)),
              R"($JS.API.CONSUMER.CREATE.S.d {"stream_name":"S","config":)" + config +
                  R"(,"action":"create"})");
    EXPECT_EQ(sent(js::encode_create_consumer(plain, "S", c, consumer_action::update)),
              R"($JS.API.CONSUMER.CREATE.S.d {"stream_name":"S","config":)" + config +
                  R"(,"action":"update"})");
    EXPECT_EQ(sent(js::encode_create_consumer(plain, "S", c, consumer_action::create_or_update)),
              R"($JS.API.CONSUMER.CREATE.S.d {"stream_name":"S","config":)" + config + '}');
    EXPECT_EQ(sent(js::encode_consumer_info(plain, "S", "d")), "$JS.API.CONSUMER.INFO.S.d");
    EXPECT_EQ(sent(js::encode_delete_consumer(plain, "S", "d")), "$JS.API.CONSUMER.DELETE.S.d");
    EXPECT_EQ(sent(js::encode_pause_consumer(plain, "S", "d", js::wall_time(1500ms))),
              R"($JS.API.CONSUMER.PAUSE.S.d {"pause_until":"1970-01-01T00:00:01.5Z"})");
    EXPECT_EQ(sent(js::encode_pause_consumer(plain, "S", "d", {})), "$JS.API.CONSUMER.PAUSE.S.d");
    EXPECT_EQ(sent(js::encode_unpin_consumer(plain, "S", "d", "g")),
              R"($JS.API.CONSUMER.UNPIN.S.d {"group":"g"})");
    EXPECT_EQ(sent(js::encode_reset_consumer(plain, "S", "d", 0)), "$JS.API.CONSUMER.RESET.S.d");
    EXPECT_EQ(sent(js::encode_reset_consumer(plain, "S", "d", 9)),
              R"($JS.API.CONSUMER.RESET.S.d {"seq":9})");
    EXPECT_EQ(sent(js::encode_step_down_consumer(plain, "S", "d")),
              "$JS.API.CONSUMER.LEADER.STEPDOWN.S.d");
}

TEST(js_requests, a_filter_in_the_subject) {
    const auto subject_for = [](std::string one, std::vector<std::string> several) {
        js::consumer_config c;
        c.name = "n";
        c.filter_subject = std::move(one);
        c.filter_subjects = std::move(several);
        return js::encode_create_consumer(plain, "S", c, consumer_action::create).value().subject;
    };
    EXPECT_EQ(subject_for("a.b", {}), "$JS.API.CONSUMER.CREATE.S.n.a.b");
    EXPECT_EQ(subject_for("", {}), "$JS.API.CONSUMER.CREATE.S.n");
    EXPECT_EQ(subject_for("", {"a", "b"}), "$JS.API.CONSUMER.CREATE.S.n");
    EXPECT_EQ(subject_for("", {"a"}), "$JS.API.CONSUMER.CREATE.S.n");
    EXPECT_EQ(subject_for("a.>", {}), "$JS.API.CONSUMER.CREATE.S.n")
        << "nothing can be published to a wildcard";
}

TEST(js_requests, the_context) {
    const js::context c = context_with({.domain = "hub", .timeout = 3s, .required_api_level = 2});
    const js::api_request r = js::encode_consumer_info(c, "S", "d").value();
    EXPECT_EQ(r.subject, "$JS.hub.API.CONSUMER.INFO.S.d");
    EXPECT_EQ(r.timeout, duration(3s));
    EXPECT_EQ(r.fields.get("Nats-Required-Api-Level"), "2");
    EXPECT_TRUE(js::encode_account_info(plain).value().fields.empty());
    const js::context pedantic = context_with({.api_prefix = "from.x", .pedantic = true});
    const std::string stream = sent(js::encode_create_stream(pedantic, js::stream_config("S")));
    EXPECT_TRUE(stream.starts_with("from.x.STREAM.CREATE.S ")) << stream;
    EXPECT_TRUE(stream.ends_with(R"(,"pedantic":true})")) << stream;
    const std::string consumer = sent(js::encode_create_consumer(
        pedantic, "S", js::consumer_config("d"), consumer_action::create));
    EXPECT_TRUE(consumer.ends_with(R"(},"action":"create","pedantic":true})")) << consumer;
}

TEST(js_requests, wrong_names) {
    for (const std::string_view bad : {"", "a.b", "a b", "*", ">", "a/b", "a\\b", "a\x7f"}) {
        const std::string text(bad);
        EXPECT_EQ(refused(js::encode_create_stream(plain, js::stream_config(text))),
                  errc::invalid_name);
        EXPECT_EQ(refused(js::encode_stream_info(plain, bad)), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_delete_stream(plain, bad)), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_purge_stream(plain, bad)), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_get_message(plain, bad, 1)), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_step_down_stream(plain, bad)), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_remove_peer(plain, bad, "p")), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_consumer_info(plain, bad, "d")), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_consumer_info(plain, "S", bad)), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_reset_consumer(plain, "S", bad, 1)), errc::invalid_name);
        EXPECT_EQ(refused(js::encode_create_consumer(plain, "S", js::consumer_config(text),
                                                     consumer_action::create)),
                  errc::invalid_name);
    }
}

TEST(js_requests, wrong_arguments) {
    EXPECT_EQ(refused(js::encode_purge_stream(plain, "S", {.seq = 1, .keep = 1})),
              errc::invalid_argument);
    EXPECT_EQ(refused(js::encode_purge_stream(plain, "S", {.filter = ".a"})),
              errc::invalid_subject);
    EXPECT_EQ(refused(js::encode_stream_info(plain, "S", {.subjects_filter = "a b"})),
              errc::invalid_subject);
    EXPECT_EQ(refused(js::encode_get_message(plain, "S", 0)), errc::invalid_argument);
    EXPECT_EQ(refused(js::encode_delete_message(plain, "S", 0, true)), errc::invalid_argument);
    EXPECT_EQ(refused(js::encode_get_last_message(plain, "S", "")), errc::invalid_subject);
    EXPECT_EQ(refused(js::encode_get_next_message(plain, "S", "a.>.b", 1)), errc::invalid_subject);
    EXPECT_EQ(refused(js::encode_remove_peer(plain, "S", "")), errc::invalid_argument);
    EXPECT_EQ(refused(js::encode_unpin_consumer(plain, "S", "d", "")), errc::invalid_argument);
    js::stream_config c("S");
    c.description = "\xff";
    EXPECT_EQ(refused(js::encode_create_stream(plain, c)), errc::invalid_argument);
    js::consumer_config both("d");
    both.filter_subject = "a";
    both.filter_subjects = {"b"};
    EXPECT_EQ(refused(js::encode_create_consumer(plain, "S", both, consumer_action::create)),
              errc::invalid_argument);
    js::consumer_config two("d");
    two.name = "e";
    EXPECT_EQ(refused(js::encode_create_consumer(plain, "S", two, consumer_action::create)),
              errc::invalid_argument);
}

} // namespace
} // namespace nats::test
