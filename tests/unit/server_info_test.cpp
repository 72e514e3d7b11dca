// SPDX-License-Identifier: Apache-2.0
//
// INFO: what real servers of several generations send is read; missing, unknown and repeated
// members, wrong types, ranges and bounds are treated as documented; and the comparison of
// versions.

#include <natsproto/server_info.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace std::string_literals;

namespace nats::test {

namespace {

constexpr std::string_view info_2_9 =
    R"({"server_id":"NDHBLLCIGK3PQKD5RUAUPCZAO6HCLQC4MNHQYRF22T32X2I2DHKEUGGQ",)"
    R"("server_name":"NDHBLLCIGK3PQKD5RUAUPCZAO6HCLQC4MNHQYRF22T32X2I2DHKEUGGQ",)"
    R"("version":"2.9.10","proto":1,"git_commit":"","go":"go1.19.8","host":"127.0.0.1",)"
    R"("port":4222,"headers":true,"max_payload":1048576,"client_id":5,)"
    R"("client_ip":"127.0.0.1"})";

constexpr std::string_view info_2_10 =
    R"({"server_id":"NAQ","server_name":"n1","version":"2.10.27","proto":1,)"
    R"("git_commit":"abc","go":"go1.24.1","host":"0.0.0.0","port":4333,"headers":true,)"
    R"("tls_available":true,"max_payload":8388608,"jetstream":true,)"
    R"("client_id":18446744073709551615,"client_ip":"::1","nonce":"aN9mUHx1ph5jzKo",)"
    R"("cluster":"C1","cluster_dynamic":true,"domain":"hub",)"
    R"("connect_urls":["10.0.0.1:4222","[::1]:4222"],"ws_connect_urls":["10.0.0.1:80"],)"
    R"("xkey":"XAB"})";

constexpr std::string_view info_2_15 =
    R"({"server_id":"NB","server_name":"n2","version":"2.15.0-dev","proto":1,)"
    R"("go":"go1.25.3","host":"h","port":65535,"headers":true,"auth_required":true,)"
    R"("tls_required":true,"tls_verify":true,"max_payload":2147483647,"jetstream":true,)"
    R"("client_id":7,"client_ip":"127.0.0.1","ldm":true,"connect_info":true,)"
    R"("remote_account":"$G","acc_is_sys":false,"api_lvl":5,)"
    R"("feature_flags":{"x":[1,{"y":null}]}})";

server_info parsed(std::string_view json, const limits& bounds = {}) {
    result<server_info> r = parse_server_info(json, bounds);
    EXPECT_TRUE(r) << json.substr(0, 200) << ": " << (r ? "" : r.error().message());
    return r ? *r : server_info{};
}

void expect_bad(const std::string& json, const limits& bounds = {}) {
    const result<server_info> r = parse_server_info(json, bounds);
    ASSERT_FALSE(r) << json.substr(0, 200);
    EXPECT_EQ(r.error(), errc::bad_info);
    EXPECT_LT(r.error().message().size(), 200U);
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

} // namespace

TEST(server_info, of_a_2_9_server) {
    const server_info i = parsed(info_2_9);
    EXPECT_EQ(i.server_id, "NDHBLLCIGK3PQKD5RUAUPCZAO6HCLQC4MNHQYRF22T32X2I2DHKEUGGQ");
    EXPECT_EQ(i.server_name, i.server_id);
    EXPECT_EQ(i.version, "2.9.10");
    EXPECT_EQ(i.proto, 1);
    EXPECT_EQ(i.host, "127.0.0.1");
    EXPECT_EQ(i.port, 4222);
    EXPECT_TRUE(i.headers);
    EXPECT_EQ(i.max_payload, 1048576);
    EXPECT_EQ(i.client_id, 5U);
    EXPECT_EQ(i.client_ip, "127.0.0.1");
    EXPECT_FALSE(i.auth_required || i.tls_required || i.tls_verify || i.tls_available ||
                 i.jetstream || i.lame_duck);
    EXPECT_TRUE(i.connect_urls.empty());
    EXPECT_EQ(i.api_level, 0);
}

TEST(server_info, of_a_2_10_server) {
    const server_info i = parsed(info_2_10);
    EXPECT_TRUE(i.tls_available);
    EXPECT_TRUE(i.jetstream);
    EXPECT_EQ(i.client_id, 18446744073709551615U);
    EXPECT_EQ(i.nonce, "aN9mUHx1ph5jzKo");
    EXPECT_EQ(i.cluster, "C1");
    EXPECT_EQ(i.domain, "hub");
    EXPECT_EQ(i.connect_urls, (std::vector<std::string>{"10.0.0.1:4222", "[::1]:4222"}));
}

TEST(server_info, of_a_2_15_server) {
    const server_info i = parsed(info_2_15);
    EXPECT_TRUE(i.auth_required && i.tls_required && i.tls_verify && i.lame_duck && i.connect_info);
    EXPECT_EQ(i.port, 65535);
    EXPECT_EQ(i.max_payload, 2147483647);
    EXPECT_EQ(i.api_level, 5);
}

TEST(server_info, missing_members_have_defaults) {
    const server_info i = parsed("{}");
    EXPECT_EQ(i.server_id, "");
    EXPECT_EQ(i.max_payload, 0);
    EXPECT_EQ(i.proto, 0);
    EXPECT_FALSE(i.headers);
    EXPECT_TRUE(parsed(" \t {  } \t").connect_urls.empty());
}

TEST(server_info, unknown_members_are_skipped) {
    const server_info i = parsed(
        R"({"a":1,"b":-1,"c":1.5,"d":"x","e":true,"f":null,"g":{"headers":true,"port":"x"},)"
        R"("h":["version",{"connect_urls":["no"]}],"i":1e400,"Version":"no","version":"2.9.1"})");
    EXPECT_EQ(i.version, "2.9.1");
    EXPECT_FALSE(i.headers);
    EXPECT_TRUE(i.connect_urls.empty());
}

TEST(server_info, the_last_of_repeated_members_counts) {
    const server_info i =
        parsed(R"({"version":"1","port":1,"headers":true,"connect_urls":["a"],)"
               R"("version":"2","port":2,"headers":false,"connect_urls":["b","c"]})");
    EXPECT_EQ(i.version, "2");
    EXPECT_EQ(i.port, 2);
    EXPECT_FALSE(i.headers);
    EXPECT_EQ(i.connect_urls, (std::vector<std::string>{"b", "c"}));
}

TEST(server_info, null_counts_as_absent) {
    const server_info i = parsed(
        R"({"version":null,"port":null,"headers":null,"connect_urls":null,"max_payload":null})");
    EXPECT_EQ(i.version, "");
    EXPECT_TRUE(i.connect_urls.empty());
    EXPECT_TRUE(parsed(R"({"connect_urls":[]})").connect_urls.empty());
}

TEST(server_info, a_wrong_type_is_an_error) {
    const std::vector<std::string> values = {"\"x\"", "1",  "-1",   "1.5",    "true",   "[]",
                                             "[1]",   "{}", "[[]]", "[null]", "[\"x\"]"};
    const struct {
        const char* member;
        std::vector<std::string> good;
    } members[] = {
        {"server_id", {"\"x\""}},
        {"server_name", {"\"x\""}},
        {"version", {"\"x\""}},
        {"host", {"\"x\""}},
        {"cluster", {"\"x\""}},
        {"domain", {"\"x\""}},
        {"client_ip", {"\"x\""}},
        {"nonce", {"\"x\""}},
        {"headers", {"true"}},
        {"auth_required", {"true"}},
        {"tls_required", {"true"}},
        {"tls_verify", {"true"}},
        {"tls_available", {"true"}},
        {"jetstream", {"true"}},
        {"ldm", {"true"}},
        {"connect_info", {"true"}},
        {"port", {"1"}},
        {"max_payload", {"1"}},
        {"proto", {"1"}},
        {"client_id", {"1"}},
        {"api_lvl", {"1"}},
        {"connect_urls", {"[]", "[\"x\"]"}},
    };
    for (const auto& m : members) {
        for (const std::string& value : values) {
            const std::string json = std::string("{\"") + m.member + "\":" + value + '}';
            const bool good = std::find(m.good.begin(), m.good.end(), value) != m.good.end();
            EXPECT_EQ(parse_server_info(json).has_value(), good) << json;
        }
    }
}

TEST(server_info, urls_are_strings_and_nothing_else) {
    for (const char* element :
         {"1", "-1", "1.5", "true", "null", "[]", "[\"a\"]", "{}", R"({"a":"b"})"}) {
        expect_bad(std::string(R"({"connect_urls":["a:1",)") + element + "]}");
    }
}

TEST(server_info, numbers_up_to_their_range) {
    const struct {
        const char* member;
        const char* most;
        const char* over;
    } cases[] = {
        {"port", "65535", "65536"},
        {"max_payload", "9223372036854775807", "9223372036854775808"},
        {"proto", "2147483647", "2147483648"},
        {"api_lvl", "2147483647", "2147483648"},
        {"client_id", "18446744073709551615", "18446744073709551616"},
    };
    for (const auto& x : cases) {
        const std::string start = std::string("{\"") + x.member + "\":";
        EXPECT_TRUE(parse_server_info(start + "0}")) << x.member;
        EXPECT_TRUE(parse_server_info(start + x.most + '}')) << x.member;
        for (const char* bad : {x.over, "-1", "99999999999999999999999999", "1.0", "1e2", "-0.5"})
            expect_bad(start + bad + '}');
    }
}

TEST(server_info, escapes_are_decoded_in_values_and_names) {
    const server_info i =
        parsed(R"({"server_name":"a\"b\\c\/\n\u00e9\u20ac\ud83d\ude00","v\u0065rsion":"1.2.3",)"
               R"("a":[],"h\u0065aders":true,"b":-1,"por\u0074":7,"connect_urls":["\u0061:1"]})");
    EXPECT_EQ(i.server_name, "a\"b\\c/\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    EXPECT_EQ(i.version, "1.2.3");
    EXPECT_TRUE(i.headers);
    EXPECT_EQ(i.port, 7);
    EXPECT_EQ(i.connect_urls, std::vector<std::string>{"a:1"});
    EXPECT_EQ(parsed(R"({"server_name":"a\u0000b"})").server_name, "a\0b"s); // not cut
}

TEST(server_info, what_is_no_json_object) {
    const std::string all[] = {
        "",
        " ",
        "{",
        "}",
        "{}x",
        "{}{}",
        "[]",
        R"("x")",
        "1",
        "-1",
        "1.5",
        "true",
        "null",
        R"({"a"})",
        R"({"a":})",
        "{a:1}",
        "{'a':1}",
        R"({"a":1,})",
        R"({"a":01})",
        R"({"a":tru})",
        R"({"a":"\x"})",
        R"({"a":"\ud800"})",
        R"({"a":1/**/})",
        R"({"a":NaN})",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":1}\0"s,
        "\0"s,
        "\xef\xbb\xbf{}",
    };
    for (const std::string& json : all) expect_bad(json);
}

TEST(server_info, nesting_up_to_the_limit) {
    const std::size_t most = limits{}.max_json_depth;
    EXPECT_TRUE(parse_server_info("{\"x\":" + nested(most - 1) + '}'));
    expect_bad("{\"x\":" + nested(most) + '}');
    expect_bad("{\"x\":" + nested(100000) + '}');
    expect_bad(std::string(1000000, '['));
    expect_bad("{\"x\":" + std::string(1000000, '{'));
    EXPECT_EQ(parse_server_info("{\"x\":" + nested(most) + '}').error().detail(),
              "nested too deeply");
    limits l;
    l.max_json_depth = 3;
    EXPECT_TRUE(parse_server_info("{\"x\":[[]]}", l));
    expect_bad("{\"x\":[[[]]]}", l);
    l.max_json_depth = 1;
    EXPECT_TRUE(parse_server_info("{\"port\":1}", l));
    expect_bad("{\"x\":[]}", l);
}

TEST(server_info, urls_over_the_limit_are_ignored) {
    const auto with_urls = [](int n) {
        std::string json = "{\"connect_urls\":[";
        for (int i = 0; i < n; ++i) json += (i == 0 ? "\"h:" : ",\"h:") + std::to_string(i) + '"';
        return json + "],\"port\":7}";
    };
    EXPECT_EQ(parsed(with_urls(1000)).connect_urls.size(), 1000U);
    const server_info i = parsed(with_urls(1500));
    EXPECT_EQ(i.connect_urls.size(), 1000U);
    EXPECT_EQ(i.connect_urls.back(), "h:999");
    EXPECT_EQ(i.port, 7);
    limits l;
    l.max_discovered = 0;
    EXPECT_TRUE(parsed(with_urls(3), l).connect_urls.empty());
}

TEST(server_info, a_megabyte_is_read) {
    const std::string large(1024 * 1024, 'x');
    EXPECT_EQ(parsed("{\"unknown\":\"" + large + "\",\"server_name\":\"n\"}").server_name, "n");
    EXPECT_EQ(parsed("{\"" + large + "\":1,\"server_name\":\"n\"}").server_name, "n");
    EXPECT_EQ(parsed("{\"nonce\":\"" + large + "\"}").nonce.size(), large.size());
    std::string many = "{";
    for (int i = 0; i < 50000; ++i) many += "\"k" + std::to_string(i) + "\":[{}],";
    EXPECT_EQ(parsed(many + "\"port\":1}").port, 1);
}

TEST(server_info, every_beginning_is_an_error_and_no_crash) {
    for (std::size_t n = 0; n < info_2_10.size(); ++n)
        expect_bad(std::string(info_2_10.substr(0, n)));
}

TEST(server_info, comparing_versions) { // INF-12
    const struct {
        const char* version;
        int major;
        int minor;
        int patch;
        bool at_least;
    } cases[] = {
        {"2.7.2", 2, 7, 2, true},         {"2.7.2", 2, 7, 1, true},
        {"2.7.2", 2, 6, 9, true},         {"2.7.2", 1, 99, 99, true},
        {"2.7.2", 2, 7, 3, false},        {"2.7.2", 2, 8, 0, false},
        {"2.7.2", 3, 0, 0, false},        {"2.10.0", 2, 9, 0, true},
        {"2.9.0", 2, 10, 0, false},       {"2.7.3-beta01", 2, 7, 3, true},
        {"2.7.3-beta01", 2, 7, 4, false}, {"2.11.0-RC.1", 2, 11, 0, true},
        {"10.0.0", 2, 99, 99, true},      {"0.0.0", 0, 0, 0, true},
        {"0.0.1", 0, 0, 2, false},        {"2.15.0-dev", 2, 15, 0, true},
    };
    for (const auto& x : cases) {
        server_info i;
        i.version = x.version;
        EXPECT_EQ(i.version_at_least(x.major, x.minor, x.patch), x.at_least)
            << x.version << ' ' << x.major << '.' << x.minor << '.' << x.patch;
    }
}

TEST(server_info, a_version_that_cannot_be_read_is_0_0_0) {
    for (const char* version : {"",
                                "bad.version",
                                "2",
                                "2.",
                                "2.7",
                                "2.7.",
                                ".2.7",
                                "2..7",
                                "v2.7.2",
                                "2.7.2.1",
                                "2.7.x",
                                "2.x.1",
                                " 2.7.2",
                                "2.7.2 ",
                                "-1.2.3",
                                "2.-7.2",
                                "2-7.2",
                                "99999999999.1.1",
                                "2.7.99999999999",
                                "beta"}) {
        server_info i;
        i.version = version;
        EXPECT_TRUE(i.version_at_least(0, 0, 0)) << version;
        EXPECT_FALSE(i.version_at_least(0, 0, 1)) << version;
    }
}

// --- written

TEST(server_info_written, is_read_as_the_same) {
    for (const std::string_view json : {info_2_9, info_2_10, info_2_15, std::string_view("{}")}) {
        const server_info read = parsed(json);
        const result<std::string> written = write_info_json(read);
        ASSERT_TRUE(written);
        const server_info again = parsed(*written);
        EXPECT_EQ(again.server_id, read.server_id);
        EXPECT_EQ(again.server_name, read.server_name);
        EXPECT_EQ(again.version, read.version);
        EXPECT_EQ(again.host, read.host);
        EXPECT_EQ(again.cluster, read.cluster);
        EXPECT_EQ(again.domain, read.domain);
        EXPECT_EQ(again.client_ip, read.client_ip);
        EXPECT_EQ(again.nonce, read.nonce);
        EXPECT_EQ(again.connect_urls, read.connect_urls);
        EXPECT_EQ(again.client_id, read.client_id);
        EXPECT_EQ(again.max_payload, read.max_payload);
        EXPECT_EQ(again.proto, read.proto);
        EXPECT_EQ(again.port, read.port);
        EXPECT_EQ(again.api_level, read.api_level);
        EXPECT_EQ(again.headers, read.headers);
        EXPECT_EQ(again.auth_required, read.auth_required);
        EXPECT_EQ(again.tls_required, read.tls_required);
        EXPECT_EQ(again.tls_verify, read.tls_verify);
        EXPECT_EQ(again.tls_available, read.tls_available);
        EXPECT_EQ(again.jetstream, read.jetstream);
        EXPECT_EQ(again.lame_duck, read.lame_duck);
        EXPECT_EQ(again.connect_info, read.connect_info);
    }
}

TEST(server_info_written, bytes) {
    EXPECT_EQ(*write_info_json({}), R"({"proto":0,"port":0,"headers":false})");
    server_info i;
    i.server_id = "a \"quoted\"\n\x01 id";
    i.proto = 1;
    i.port = 4222;
    i.headers = i.auth_required = true;
    i.max_payload = 1048576;
    i.client_id = 18446744073709551615U;
    i.connect_urls = {"a:1", "[::1]:2"};
    i.lame_duck = true;
    EXPECT_EQ(*write_info_json(i),
              R"({"server_id":"a \"quoted\"\n\u0001 id","proto":1,"port":4222,"headers":true,)"
              R"("auth_required":true,"max_payload":1048576,"client_id":18446744073709551615,)"
              R"("connect_urls":["a:1","[::1]:2"],"ldm":true})");
}

TEST(server_info_written, refuses_what_no_client_could_read) {
    for (std::string server_info::* member :
         {&server_info::server_id, &server_info::server_name, &server_info::version,
          &server_info::host, &server_info::cluster, &server_info::domain, &server_info::client_ip,
          &server_info::nonce}) {
        server_info i;
        i.*member = "x\xff";
        EXPECT_EQ(write_info_json(i).error(), errc::invalid_argument);
    }
    server_info i;
    i.connect_urls = {"a:1", "\xff"};
    EXPECT_EQ(write_info_json(i).error(), errc::invalid_argument);
    i = {};
    i.max_payload = -1;
    EXPECT_EQ(write_info_json(i).error(), errc::invalid_argument);
    i = {};
    i.proto = -1;
    EXPECT_EQ(write_info_json(i).error(), errc::invalid_argument);
    i = {};
    i.api_level = -1;
    EXPECT_EQ(write_info_json(i).error(), errc::invalid_argument);
}

} // namespace nats::test
