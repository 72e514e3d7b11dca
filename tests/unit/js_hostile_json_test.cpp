// SPDX-License-Identifier: Apache-2.0
//
// Proves that no answer makes anything but a value or `invalid_response`: cut at every byte, with
// every field of every wrong type, null everywhere, nested deeply, with huge numbers, or with few
// bytes that want much memory.

#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/stored_message.hpp>
#include <natsproto/jetstream/stream_requests.hpp>

#include "unit/js_golden.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

namespace nats::test {
namespace {

namespace json = boost::json;

constexpr std::string_view stored_json =
    R"({"message":{"subject":"a","seq":1,"hdrs":"AAAA","data":"AAAA",)"
    R"("time":"2026-01-02T03:04:05Z"}})";

/// Calls `f` with the JSON of each type, and what reads it.
template <class F>
void for_each_type(F f) {
    const auto reader = []<class T>(T) {
        return [](std::string_view text) {
            T into;
            return js::decode(text, into);
        };
    };
    f(whole_stream_config().json, reader(js::stream_config()));
    f(whole_stream_info().json, reader(js::stream_info()));
    f(whole_consumer_config().json, reader(js::consumer_config()));
    f(whole_consumer_info().json, reader(js::consumer_info()));
    f(whole_account_info().json, reader(js::account_info()));
    f(whole_pub_ack().json, reader(js::pub_ack()));
    f(stored_json, reader(js::stored_message()));
    f(std::string_view(R"({"success":true})"), reader(js::done()));
    f(std::string_view(R"({"purged":3})"), reader(js::purge_count()));
}

/// Calls `f` for every value inside of `v`, which it may change and must change back.
void for_each_value(json::value& v, const std::function<void(json::value&)>& f) {
    if (json::object* o = v.if_object()) {
        for (auto& member : *o) {
            f(member.value());
            for_each_value(member.value(), f);
        }
    } else if (json::array* a = v.if_array()) {
        for (json::value& element : *a) {
            f(element);
            for_each_value(element, f);
        }
    }
}

enum class kind : std::uint8_t { null, flag, number, text, list, object };

kind kind_of(const json::value& v) {
    if (v.is_null()) return kind::null;
    if (v.is_bool()) return kind::flag;
    if (v.is_int64() || v.is_uint64()) return kind::number;
    if (v.is_string()) return kind::text;
    return v.is_array() ? kind::list : kind::object;
}

TEST(js_hostile_json, cut_at_every_byte) {
    for_each_type([](std::string_view text, auto read) {
        ASSERT_TRUE(read(text)) << text;
        for (std::size_t n = 0; n < text.size(); ++n) {
            const std::string part(text.substr(0, n)); // a sanitizer sees what is read behind it
            const result<void> r = read(part);
            ASSERT_FALSE(r) << part;
            ASSERT_EQ(r.error(), errc::invalid_response);
        }
    });
}

TEST(js_hostile_json, every_field_of_every_wrong_type) {
    const json::value wrong[] = {true, 5, "x", json::array(), json::object()};
    for_each_type([&](std::string_view text, auto read) {
        json::value tree = json::parse(text);
        int tried = 0;
        for_each_value(tree, [&](json::value& v) {
            const json::value right = v;
            for (const json::value& w : wrong) {
                if (kind_of(w) == kind_of(right)) continue;
                v = w;
                const result<void> r = read(json::serialize(tree));
                EXPECT_FALSE(r) << json::serialize(tree);
                if (!r) {
                    EXPECT_EQ(r.error(), errc::invalid_response);
                }
                ++tried;
            }
            v = right;
        });
        EXPECT_GT(tried, 0);
    });
}

TEST(js_hostile_json, numbers_that_fit_nowhere) {
    for_each_type([](std::string_view text, auto read) {
        json::value tree = json::parse(text);
        for_each_value(tree, [&](json::value& v) {
            if (kind_of(v) != kind::number) return;
            const json::value right = v;
            for (const double d : {0.5, 1e300, -1e300, 1.8446744073709552e19}) {
                v = d;
                EXPECT_EQ(read(json::serialize(tree)).error(), errc::invalid_response);
            }
            v = right;
        });
    });
    js::stream_config c;
    for (const std::string_view text :
         {R"({"max_msgs":9223372036854775808})", R"({"max_msg_size":2147483648})",
          R"({"first_seq":-1})", R"({"first_seq":18446744073709551616})", R"({"max_age":1e9})",
          R"({"max_age":9223372036854775808})", R"({"max_msgs":-9223372036854775809})"})
        EXPECT_EQ(js::decode(text, c).error(), errc::invalid_response) << text;
    ASSERT_TRUE(
        js::decode(R"({"max_msgs":-9223372036854775808,"max_age":9223372036854775807})", c));
    EXPECT_EQ(c.max_msgs, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(c.max_age, std::chrono::nanoseconds::max());
}

TEST(js_hostile_json, null_everywhere) {
    for_each_type([](std::string_view text, auto read) {
        json::value tree = json::parse(text);
        int taken = 0;
        for_each_value(tree, [&](json::value& v) {
            const json::value right = v;
            v = nullptr;
            const result<void> r = read(json::serialize(tree));
            taken += r.has_value() ? 1 : 0;
            if (!r) {
                EXPECT_EQ(r.error(), errc::invalid_response);
            }
            v = right;
        });
        EXPECT_GT(taken + (text == stored_json ? 1 : 0), 0) << "null is as good as absent";
    });
}

TEST(js_hostile_json, null_is_as_good_as_absent) {
    json::value tree = json::parse(whole_stream_config().json);
    for (auto& member : tree.as_object()) member.value() = nullptr;
    js::stream_config c;
    ASSERT_TRUE(js::decode(json::serialize(tree), c));
    EXPECT_TRUE(c == js::stream_config());
}

TEST(js_hostile_json, null_in_lists_is_no_element) {
    js::stream_config c;
    for (const std::string_view text :
         {R"({"subjects":[null]})", R"({"sources":[null]})", R"({"metadata":{"k":null}})"})
        EXPECT_EQ(js::decode(text, c).error(), errc::invalid_response) << text;
}

TEST(js_hostile_json, deep_nesting) {
    for_each_type([](std::string_view, auto read) {
        for (const std::size_t depth : {33U, 1000U, 1'000'000U}) {
            const std::string lists(depth, '[');
            EXPECT_EQ(read(lists).error(), errc::invalid_response);
            EXPECT_EQ(read("{\"x\":" + lists + std::string(depth, ']') + '}').error(),
                      errc::invalid_response);
            std::string objects;
            for (std::size_t i = 0; i < depth; ++i) objects += R"({"config":)";
            EXPECT_EQ(read(objects).error(), errc::invalid_response);
        }
    });
    js::stream_config c("S");
    c.extra = "{\"x\":" + std::string(100'000, '[') + std::string(100'000, ']') + '}';
    EXPECT_EQ(js::to_json(c).error(), errc::invalid_argument);
}

TEST(js_hostile_json, few_bytes_do_not_become_much_memory) {
    std::string text = R"({"sources":[)";
    for (int i = 0; i < 200'000; ++i) text += "{},";
    text.back() = ']';
    js::stream_config c;
    EXPECT_EQ(js::decode(text + '}', c).error(), errc::invalid_response);
}

TEST(js_hostile_json, bytes_that_are_no_json) {
    for_each_type([](std::string_view text, auto read) {
        for (const std::string_view other :
             {"\xff", "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}", "{\"a\":1,}", "{'a':1}",
              "{\"a\":01}", "{\"a\":NaN}", "//\n{}", "\xef\xbb\xbf{}"})
            EXPECT_EQ(read(other).error(), errc::invalid_response) << printable(other);
        const std::string twice = std::string(text) + std::string(text);
        EXPECT_EQ(read(twice).error(), errc::invalid_response);
    });
}

} // namespace
} // namespace nats::test
