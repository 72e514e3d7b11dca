// SPDX-License-Identifier: Apache-2.0
//
// Proves that every field of every structure is read and written under its name, that what is not
// set is not sent, that whole numbers stay exact, and that what a newer server adds to a
// configuration comes back to it.

#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/stored_message.hpp>

#include "unit/js_golden.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

template <class T>
void expect_both_ways(const golden<T>& g) {
    EXPECT_EQ(js::to_json(g.value).value(), g.json);
    T read;
    const result<void> ok = js::decode(g.json, read);
    ASSERT_TRUE(ok) << ok.error().message();
    EXPECT_TRUE(read == g.value) << js::to_json(read).value();
}

TEST(js_json, every_field_both_ways) {
    expect_both_ways(whole_stream_config());
    expect_both_ways(whole_stream_info());
    expect_both_ways(whole_consumer_config());
    expect_both_ways(whole_consumer_info());
    expect_both_ways(whole_account_info());
    expect_both_ways(whole_pub_ack());
}

TEST(js_json, what_is_not_set_is_not_sent) {
    EXPECT_EQ(js::to_json(js::stream_config("S")).value(),
              R"({"name":"S","retention":"limits","max_consumers":-1,"max_msgs":-1,)"
              R"("max_bytes":-1,"max_age":0,"storage":"file","num_replicas":1})");
    EXPECT_EQ(js::to_json(js::consumer_config()).value(),
              R"({"deliver_policy":"all","ack_policy":"explicit","replay_policy":"instant"})");
}

TEST(js_json, every_word) {
    const auto read = [](std::string_view member, std::string_view word) {
        js::stream_config c;
        EXPECT_TRUE(
            js::decode("{\"" + std::string(member) + "\":\"" + std::string(word) + "\"}", c));
        EXPECT_EQ(c.extra, "") << word;
        return c;
    };
    EXPECT_EQ(read("retention", "limits").retention, js::retention_policy::limits);
    EXPECT_EQ(read("retention", "interest").retention, js::retention_policy::interest);
    EXPECT_EQ(read("storage", "file").storage, js::storage_type::file);
    EXPECT_EQ(read("discard", "old").discard, js::discard_policy::old);
    EXPECT_EQ(read("compression", "none").compression, js::store_compression::none);
    EXPECT_EQ(read("persist_mode", "default").persist_mode, js::persistence::default_);
    const std::pair<js::deliver_policy, std::string_view> delivers[] = {
        {js::deliver_policy::all, "all"},
        {js::deliver_policy::last, "last"},
        {js::deliver_policy::new_, "new"},
        {js::deliver_policy::by_start_sequence, "by_start_sequence"},
        {js::deliver_policy::last_per_subject, "last_per_subject"},
    };
    for (const auto& [value, word] : delivers) {
        js::consumer_config c;
        c.deliver_policy = value;
        const std::string text = js::to_json(c).value();
        EXPECT_NE(text.find("\"deliver_policy\":\"" + std::string(word) + '"'), std::string::npos);
        js::consumer_config back;
        ASSERT_TRUE(js::decode(text, back));
        EXPECT_TRUE(back == c);
    }
    const std::pair<js::ack_policy, std::string_view> acks[] = {{js::ack_policy::none, "none"},
                                                                {js::ack_policy::all, "all"}};
    for (const auto& [value, word] : acks) {
        js::consumer_config c;
        c.ack_policy = value;
        EXPECT_NE(js::to_json(c).value().find("\"ack_policy\":\"" + std::string(word) + '"'),
                  std::string::npos);
    }
    const std::pair<js::priority_policy, std::string_view> priorities[] = {
        {js::priority_policy::overflow, "overflow"},
        {js::priority_policy::prioritized, "prioritized"}};
    for (const auto& [value, word] : priorities) {
        js::consumer_config c;
        c.priority_policy = value;
        EXPECT_NE(js::to_json(c).value().find("\"priority_policy\":\"" + std::string(word) + '"'),
                  std::string::npos);
    }
}

// --- what a newer server adds

TEST(js_json, unknown_fields_of_configurations_come_back_to_the_last_byte) {
    js::stream_config c;
    const std::string later = R"({ "a":[1,123456789012345678901234567890, 1.10e5000, "\u00e9]"]})";
    ASSERT_TRUE(js::decode(
        R"({ "name" : "S" , "later":)" + later + R"(,"\u0073torage": "tape" ,)" +
            R"("placement":{"cluster":"c","zone":3},"sources":[{"name":"W"},{"name":"X","pace":null}]})",
        c));
    EXPECT_EQ(c.storage, js::storage_type::other);
    EXPECT_EQ(c.extra, "{\"later\":" + later + R"(,"\u0073torage":"tape"})");
    EXPECT_EQ(c.placement->extra, R"({"zone":3})");
    EXPECT_EQ(c.sources[0].extra, "");
    EXPECT_EQ(c.sources[1].extra, R"({"pace":null})");
    c.description = "changed";
    EXPECT_EQ(js::to_json(c).value(),
              R"({"name":"S","description":"changed","retention":"limits","max_consumers":-1,)"
              R"("max_msgs":-1,"max_bytes":-1,"max_age":0,"num_replicas":1,)"
              R"("placement":{"cluster":"c","zone":3},)"
              R"("sources":[{"name":"W"},{"name":"X","pace":null}],"later":)" +
                  later + R"(,"\u0073torage":"tape"})");
    c.storage = js::storage_type::memory;
    EXPECT_TRUE(js::to_json(c).value().ends_with("\"later\":" + later + '}'));
}

TEST(js_json, of_members_with_one_name_the_last_counts) {
    js::stream_config c;
    ASSERT_TRUE(js::decode(R"({"placement":{"cluster":"a","x":1},"placement":{"y":[2,{}]}})", c));
    EXPECT_EQ(c.placement->cluster, "");
    EXPECT_EQ(c.placement->extra, R"({"y":[2,{}]})");
}

TEST(js_json, unknown_fields_deep_inside_of_answers_come_back) {
    js::stream_info i;
    ASSERT_TRUE(js::decode(R"({"state":{},"config":{"name":"S","republish":{"dest":"d","z":"}"},)"
                           R"("mirror":{"name":"M","external":{"api":"a","q":[[]]}}},"x":1})",
                           i));
    EXPECT_EQ(i.config.extra, "");
    EXPECT_EQ(i.config.republish->extra, R"({"z":"}"})");
    EXPECT_EQ(i.config.mirror->external->extra, R"({"q":[[]]})");
    js::consumer_info k;
    ASSERT_TRUE(js::decode(R"({"stream_name":"S","name":"c","config":{"new":"\\\"}"}})", k));
    EXPECT_EQ(k.config.extra, R"({"new":"\\\"}"})");
}

TEST(js_json, what_the_user_sets_wins_over_what_was_unknown) {
    js::consumer_config c;
    ASSERT_TRUE(js::decode(R"({"ack_policy":"maybe","x":1})", c));
    EXPECT_EQ(c.ack_policy, js::ack_policy::other);
    c.ack_policy = js::ack_policy::none;
    EXPECT_EQ(js::to_json(c).value(),
              R"({"deliver_policy":"all","ack_policy":"none","replay_policy":"instant","x":1})");
}

TEST(js_json, an_extra_that_is_no_object_is_refused) {
    for (const std::string_view extra : {"[]", "{", "1", "{} {}", "{\"a\":}"}) {
        js::stream_config c("S");
        c.extra = extra;
        const result<std::string> text = js::to_json(c);
        ASSERT_FALSE(text) << extra;
        EXPECT_EQ(text.error(), errc::invalid_argument);
    }
    js::stream_config c("S");
    c.extra = " { } ";
    EXPECT_EQ(js::to_json(c).value(), js::to_json(js::stream_config("S")).value());
}

TEST(js_json, text_that_is_not_utf8_is_refused) {
    js::stream_config c("S");
    c.metadata["k"] = "\xff";
    EXPECT_EQ(js::to_json(c).error(), errc::invalid_argument);
    c.metadata = {{"\xc3", "v"}};
    EXPECT_EQ(js::to_json(c).error(), errc::invalid_argument);
    c.metadata.clear();
    c.description = std::string("\x01\n\"\\\x7fé", 7);
    js::stream_config back;
    ASSERT_TRUE(js::decode(js::to_json(c).value(), back));
    EXPECT_EQ(back.description, c.description);
}

// --- answers

TEST(js_json, unknown_fields_of_answers_are_ignored) {
    js::pub_ack a;
    ASSERT_TRUE(js::decode(R"( {"stream" : "S", "seq" : 2, "more":{"deep":[[[]]]}} )", a));
    EXPECT_EQ(a.stream, "S");
    EXPECT_EQ(a.seq, 2U);
}

TEST(js_json, escapes_and_null) {
    js::stream_info i;
    ASSERT_TRUE(js::decode(
        R"({"config":{"name":"S","subjects":["a.\u003e","\ud83d\ude00"],"sources":null},)"
        R"("state":{"first_ts":"0001-01-01T00:00:00Z","deleted":null,"lost":null},"mirror":null})",
        i));
    EXPECT_EQ(i.config.subjects, (std::vector<std::string>{"a.>", "\xf0\x9f\x98\x80"}));
    EXPECT_FALSE(i.state.first_ts);
    EXPECT_FALSE(i.state.lost);
    EXPECT_FALSE(i.mirror);
}

TEST(js_json, an_error_wins_over_the_rest) {
    js::pub_ack a;
    const result<void> failed = js::decode(
        R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},)"
        R"("stream":"S","seq":0})",
        a);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error(), errc::jetstream_error);
    EXPECT_EQ(failed.error().status(), 400);
    EXPECT_TRUE(failed.error() == js::api_code::wrong_last_sequence);
    EXPECT_EQ(failed.error().detail(), "wrong last sequence: 3");
    EXPECT_EQ(a.stream, "") << "it is as it was";
    for (const std::string_view code : {"10076", "10039"}) {
        const result<void> off =
            js::decode(R"({"error":{"code":503,"err_code":)" + std::string(code) + "}}", a);
        EXPECT_EQ(off.error(), errc::jetstream_not_enabled);
        EXPECT_EQ(std::to_string(off.error().api_code()), code);
    }
    EXPECT_EQ(js::decode(R"({"error":{}})", a).error(), errc::jetstream_error);
    for (const std::string_view wrong :
         {R"({"error":"no"})", R"({"error":{"code":"x"}})", R"({"error":{"err_code":70000}})",
          R"({"error":{"description":1}})", R"({"error":{"code":-1}})", R"({"error":[]})"})
        EXPECT_EQ(js::decode(wrong, a).error(), errc::invalid_response) << wrong;
}

TEST(js_json, an_answer_about_nothing_is_none) {
    js::pub_ack a;
    js::stream_info s;
    js::consumer_info c;
    for (const std::string_view empty :
         {"", "{}", "null", "[]", "+OK", R"({"stream":""})", R"({"stream":null,"seq":1})",
          R"({"config":{"name":""}})", R"({"stream_name":"S"})", R"({"error":null})"}) {
        EXPECT_EQ(js::decode(empty, a).error(), errc::invalid_response) << empty;
        EXPECT_EQ(js::decode(empty, s).error(), errc::invalid_response) << empty;
        EXPECT_EQ(js::decode(empty, c).error(), errc::invalid_response) << empty;
    }
}

TEST(js_json, success) {
    js::done d;
    EXPECT_TRUE(js::decode(R"({"type":"t","success":true})", d));
    EXPECT_TRUE(js::decode("{}", d));
    EXPECT_EQ(js::decode(R"({"success":false})", d).error(), errc::invalid_response);
    EXPECT_EQ(js::decode(R"({"error":{"code":404,"err_code":10059}})", d).error(),
              errc::jetstream_error);
    EXPECT_EQ(js::decode("true", d).error(), errc::invalid_response);
}

TEST(js_json, account_info_with_missing_parts) {
    js::account_info i;
    i.domain = "before";
    ASSERT_TRUE(
        js::decode(R"({"limits":{"max_memory":-1},"tiers":{"R1":{},"R3":{"streams":2}}})", i));
    EXPECT_EQ(i.domain, "") << "nothing is left of what was there";
    EXPECT_EQ(i.limits.max_memory, -1);
    EXPECT_EQ(i.tiers.size(), 2U);
    EXPECT_EQ(i.tiers["R3"].streams, 2U);
}

TEST(js_json, a_stored_message) {
    js::stored_message m;
    ASSERT_TRUE(js::decode(R"({"message":{"subject":"a","seq":18446744073709551615,)"
                           R"("hdrs":"TkFUUy8xLjANCks6IHYNCg0K","data":"AP/+","time":)"
                           R"("2026-11-28T07:31:57.123456789Z"}})",
                           m));
    EXPECT_EQ(m.subject, "a");
    EXPECT_EQ(m.sequence, 18'446'744'073'709'551'615U);
    EXPECT_EQ(m.headers().get("K"), "v");
    EXPECT_EQ(m.payload, std::string("\0\xff\xfe", 3));
    EXPECT_EQ(js::format_wall_time(m.time.value()), "2026-11-28T07:31:57.123456789Z");
    const std::string written = js::to_json(m).value();
    EXPECT_EQ(written, R"({"subject":"a","seq":18446744073709551615,)"
                       R"("hdrs":"TkFUUy8xLjANCks6IHYNCg0K","data":"AP/+",)"
                       R"("time":"2026-11-28T07:31:57.123456789Z"})");
    for (const std::string_view text : {"", "1", "12", "123", "1234"}) {
        js::stored_message back;
        m.payload = text;
        ASSERT_TRUE(js::decode("{\"message\":" + js::to_json(m).value() + '}', back));
        EXPECT_TRUE(back == m) << text;
    }
    ASSERT_TRUE(js::decode(R"({"message":{"subject":"a","seq":1}})", m));
    EXPECT_EQ(m.payload + m.header_block, "");
    EXPECT_FALSE(m.time);
    for (const std::string_view wrong :
         {R"({})", R"({"message":{}})", R"({"message":{"subject":"a"}})",
          R"({"message":{"seq":1}})", R"({"message":{"subject":"a","seq":1,"data":"A"}})",
          R"({"message":{"subject":"a","seq":1,"data":"AA="}})",
          R"({"message":{"subject":"a","seq":1,"data":"AAA*"}})",
          R"({"message":{"subject":"a","seq":1,"hdrs":"===="}})",
          R"({"message":{"subject":"a","seq":1,"hdrs":"AB=="}})"})
        EXPECT_EQ(js::decode(wrong, m).error(), errc::invalid_response) << wrong;
}

TEST(js_json, an_external_source_by_its_domain) {
    EXPECT_EQ(js::stream_source("S", "hub").external->api, "$JS.hub.API");
}

} // namespace
} // namespace nats::test
