// SPDX-License-Identifier: Apache-2.0
//
// Proves that answers of services are read as other clients write them, and that no answer does
// harm.

#include <natsproto/services/discovery.hpp>
#include <natsproto/services/responses.hpp>

#include <gtest/gtest.h>

#include <string>

namespace nats::services {
namespace {

TEST(service_json, ping_of_another_client) {
    ping_response r;
    ASSERT_TRUE(decode(R"({"version":"0.1.0","metadata":null,"id":"X","name":"svc","new":[1,{}],
        "type":"io.nats.micro.v1.ping_response"})",
                       r));
    EXPECT_EQ(r.name, "svc");
    EXPECT_EQ(r.id, "X");
    EXPECT_EQ(r.version, "0.1.0");
    EXPECT_TRUE(r.metadata.empty());
}

TEST(service_json, info_of_another_client) {
    info_response r;
    ASSERT_TRUE(decode(R"({"type":"io.nats.micro.v1.info_response","name":"svc","id":"X",
        "version":"1.0.0","metadata":{"a":"b"},"description":"d","error":{"code":1},
        "endpoints":[{"name":"e","subject":"s.>","queue_group":"q","metadata":null,"x":1},
                     {"name":"f","subject":"f"}]})",
                       r));
    EXPECT_EQ(r.metadata.at("a"), "b");
    EXPECT_EQ(r.description, "d");
    ASSERT_EQ(r.endpoints.size(), 2U);
    EXPECT_EQ(r.endpoints[0].subject, "s.>");
    EXPECT_EQ(r.endpoints[0].queue_group, "q");
    EXPECT_EQ(r.endpoints[1].queue_group, "");
    ASSERT_TRUE(decode(R"({"type":"io.nats.micro.v1.info_response","name":"svc","id":"X",
        "endpoints":null})",
                       r));
    EXPECT_TRUE(r.endpoints.empty());
}

TEST(service_json, stats_of_another_client) {
    stats_response r;
    ASSERT_TRUE(decode(R"({"type":"io.nats.micro.v1.stats_response","name":"svc","id":"X",
        "version":"1.0.0","metadata":{},"started":"2026-11-28T07:31:57.5Z",
        "endpoints":[{"name":"e","subject":"e","queue_group":"q","num_requests":18446744073709551615,
          "num_errors":2,"last_error":"400:bad","data":{"n": [1, "}"]},"processing_time":10,
          "average_processing_time":5,"later":true},{"name":"f","data":null}]})",
                       r));
    EXPECT_EQ(js::format_wall_time(r.started.value()), "2026-11-28T07:31:57.5Z");
    ASSERT_EQ(r.endpoints.size(), 2U);
    const endpoint_stats& e = r.endpoints[0];
    EXPECT_EQ(e.num_requests, UINT64_MAX);
    EXPECT_EQ(e.num_errors, 2U);
    EXPECT_EQ(e.last_error, "400:bad");
    EXPECT_EQ(e.processing_time.count(), 10);
    EXPECT_EQ(e.average_processing_time.count(), 5);
    EXPECT_EQ(e.data(), R"({"n": [1, "}"]})");
    EXPECT_EQ(r.endpoints[1].data(), "");
    stats_response again;
    ASSERT_TRUE(decode(to_json(r).value(), again)) << "what is not known is kept";
    EXPECT_EQ(again.endpoints[0].data(), e.data());
    EXPECT_NE(again.endpoints[0].extra.find("later"), std::string::npos);
}

TEST(service_json, what_is_no_answer) {
    ping_response r;
    r.name = "before";
    const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
    const std::string texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\xff",
        R"({"name":"a","id":"b"})",
        R"({"type":1,"name":"a","id":"b"})",
        R"({"type":"io.nats.micro.v1.info_response","name":"a","id":"b"})",
        R"({"type":"io.nats.micro.v1.ping_response","name":"a"})",
        R"({"type":"io.nats.micro.v1.ping_response","id":"b"})",
        R"({"type":"io.nats.micro.v1.ping_response","name":1,"id":"b"})",
        R"({"type":"io.nats.micro.v1.ping_response","name":"a","id":"b","metadata":[]})",
        R"({"type":"io.nats.micro.v1.ping_response","name":"a","id":"b","metadata":{"a":1}})",
        R"({"type":"io.nats.micro.v1.ping_response","name":"a","id":"b","x":)" + deep + "}",
    };
    for (const std::string& text : texts) {
        const result<void> read = decode(text, r);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error(), errc::invalid_response) << text;
        EXPECT_EQ(r.name, "before");
    }
    stats_response s;
    EXPECT_FALSE(decode(R"({"type":"io.nats.micro.v1.stats_response","name":"a","id":"b",
        "endpoints":[{"num_requests":-1}]})",
                        s));
}

TEST(service_json, text_that_is_json) {
    EXPECT_TRUE(is_json("1"));
    EXPECT_TRUE(is_json(R"({"a":[null]})"));
    for (const char* bad : {"", "{", "a", "1 2", "{},{}"}) EXPECT_FALSE(is_json(bad)) << bad;
    EXPECT_FALSE(is_json(std::string(1000, '[') + std::string(1000, ']')));
}

TEST(service_query, is_checked) {
    EXPECT_EQ(encode_query("$SRV", verb::ping, {}).value().subject, "$SRV.PING");
    EXPECT_EQ(encode_query("$SRV", verb::info, {.name = "a"}).value().subject, "$SRV.INFO.a");
    const question one = encode_query("p.q", verb::stats, {.name = "a", .id = "b"}).value();
    EXPECT_EQ(one.subject, "p.q.STATS.a.b");
    EXPECT_EQ(one.max_answers, 1U) << "an instance is alone";
    EXPECT_EQ(encode_query("$SRV", verb::ping, {.name = "a.b"}).error(),
              errc::invalid_service_name);
    EXPECT_EQ(encode_query("$SRV", verb::ping, {.name = "*"}).error(), errc::invalid_service_name);
    for (const char* id : {"*", ">", "a.b", "a b"}) {
        EXPECT_EQ(encode_query("$SRV", verb::ping, {.name = "a", .id = id}).error(),
                  errc::invalid_service_name)
            << id;
    }
    EXPECT_EQ(encode_query("$SRV", verb::ping, {.id = "b"}).error(), errc::invalid_argument);
    EXPECT_EQ(encode_query("a.*", verb::ping, {}).error(), errc::invalid_subject);
    EXPECT_EQ(encode_query("$SRV", verb::ping, {.stall = duration::zero()}).error(),
              errc::invalid_argument);
    EXPECT_EQ(encode_query("$SRV", verb::ping, {.timeout = duration::zero()}).error(),
              errc::invalid_argument);
    EXPECT_EQ(encode_query("$SRV", verb::ping, {.max_answers = 0}).error(), errc::invalid_argument);
}

} // namespace
} // namespace nats::services
