// SPDX-License-Identifier: Apache-2.0
//
// Proves that times are read and written exactly, whatever their zone and their fraction.

#include <natsproto/jetstream/wall_time.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using js::wall_time;

TEST(js_wall_time, both_ways) {
    const std::pair<std::int64_t, std::string_view> times[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {100'000'000, "1970-01-01T00:00:00.1Z"},
        {1'795'851'117'123'456'789, "2026-11-28T07:31:57.123456789Z"},
        {951'782'400'000'000'000, "2000-02-29T00:00:00Z"},
        {std::numeric_limits<std::int64_t>::max(), "2262-04-11T23:47:16.854775807Z"},
        {std::numeric_limits<std::int64_t>::min(), "1677-09-21T00:12:43.145224192Z"},
        {std::numeric_limits<std::int64_t>::min() + 1, "1677-09-21T00:12:43.145224193Z"},
        {-9'223'372'036'000'000'000, "1677-09-21T00:12:44Z"},
        {-1'000'000'000, "1969-12-31T23:59:59Z"},
    };
    for (const auto& [ns, text] : times) {
        const wall_time t{std::chrono::nanoseconds(ns)};
        EXPECT_EQ(js::format_wall_time(t), text);
        EXPECT_EQ(js::parse_wall_time(text), t) << text;
    }
}

TEST(js_wall_time, zones_and_long_fractions) {
    const auto same = [](std::string_view a, std::string_view b) {
        ASSERT_TRUE(js::parse_wall_time(a)) << a;
        EXPECT_EQ(js::parse_wall_time(a), js::parse_wall_time(b)) << a;
    };
    same("2026-11-28T09:31:57.5+02:00", "2026-11-28T07:31:57.5Z");
    same("2026-11-28T00:01:57-07:30", "2026-11-28T07:31:57Z");
    same("2026-11-28T07:31:57+00:00", "2026-11-28T07:31:57Z");
    same("2027-01-01T00:30:00+01:00", "2026-12-31T23:30:00Z");
    same("2026-11-28T07:31:57.1234567899999Z", "2026-11-28T07:31:57.123456789Z");
    same("2026-11-28T07:31:57.100Z", "2026-11-28T07:31:57.1Z");
}

TEST(js_wall_time, out_of_range_becomes_the_nearest) {
    EXPECT_EQ(js::parse_wall_time("9999-12-31T23:59:59Z"), wall_time::max());
    EXPECT_EQ(js::parse_wall_time("2262-04-11T23:47:17Z"), wall_time::max());
    EXPECT_EQ(js::parse_wall_time("2262-04-11T23:47:16.9Z"), wall_time::max());
    EXPECT_EQ(js::parse_wall_time("0001-01-01T00:00:01Z"), wall_time::min());
    EXPECT_EQ(js::parse_wall_time("0000-01-01T00:00:00Z"), wall_time::min());
    EXPECT_EQ(js::parse_wall_time("1677-09-21T00:12:43Z"), wall_time::min());
    EXPECT_EQ(js::parse_wall_time("1677-09-21T00:12:43.145224191Z"), wall_time::min());
    EXPECT_EQ(js::parse_wall_time("2262-04-11T23:47:16.854775808Z"), wall_time::max());
}

TEST(js_wall_time, never) {
    EXPECT_FALSE(js::parse_wall_time("0001-01-01T00:00:00Z"));
}

TEST(js_wall_time, what_is_no_time) {
    for (const std::string_view text : {"",
                                        "2026",
                                        "2026-11-28",
                                        "2026-11-28T07:31:57",
                                        "2026-11-28 07:31:57Z",
                                        "2026-11-28t07:31:57Z",
                                        "2026-11-28T07:31:57z",
                                        "2026-11-28T07:31Z",
                                        "2026-13-28T07:31:57Z",
                                        "2026-00-28T07:31:57Z",
                                        "2026-11-31T07:31:57Z",
                                        "2026-11-00T07:31:57Z",
                                        "2025-02-29T07:31:57Z",
                                        "2026-11-28T24:31:57Z",
                                        "2026-11-28T07:60:57Z",
                                        "2026-11-28T07:31:60Z",
                                        "2026-11-28T07:31:57.Z",
                                        "2026-11-28T07:31:57,5Z",
                                        "2026-11-28T07:31:57.5",
                                        "2026-11-28T07:31:57+2:00",
                                        "2026-11-28T07:31:57+0200",
                                        "2026-11-28T07:31:57+24:00",
                                        "2026-11-28T07:31:57ZZ",
                                        "+026-11-28T07:31:57Z",
                                        "-026-11-28T07:31:57Z",
                                        " 2026-11-28T07:31:57Z",
                                        "20261128T073157Z",
                                        "2026-11-28T07:31:57.-5Z"})
        EXPECT_FALSE(js::parse_wall_time(text)) << text;
}

} // namespace
} // namespace nats::test
