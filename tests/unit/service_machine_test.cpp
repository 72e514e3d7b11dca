// SPDX-License-Identifier: Apache-2.0
//
// Proves what a service says of itself, its counters, its names and versions, and the error
// headers.

#include <natsproto/services/service_machine.hpp>

#include <natsproto/services/service_error.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace nats::services {
namespace {

using namespace std::chrono_literals;

constexpr wall_time start{std::chrono::sys_days{std::chrono::year{2026} / 11 / 28}};

service_machine machine(service_config c = {"orders", "1.2.3"}) {
    return {std::move(c), "ID", start};
}

TEST(service_config, names) {
    EXPECT_TRUE(is_service_name("a"));
    EXPECT_TRUE(is_service_name("Az09_-"));
    for (const char* bad : {"", " ", "a b", "a.b", "a*", ">", "a/b", "\xc3\xa4", "a\n"})
        EXPECT_FALSE(is_service_name(bad)) << bad;
}

TEST(service_config, versions) {
    for (const char* good :
         {"0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7",
          "1.0.0-x-y-z.--", "1.0.0+20130313144700", "1.0.0-beta+exp.sha.5114f85", "1.0.0+0.build.1",
          "1.0.0-0A.is.legal", "1.1.2+meta-valid", "99999999999999999999999.999999999999999999.99"})
        EXPECT_TRUE(is_semantic_version(good)) << good;
    for (const char* bad :
         {"",          "1",      "1.2",     "1.2.3.4",  "01.1.1",         "1.01.1",
          "1.1.01",    "1.2.3-", "1.2.3+",  "1.2.3-01", "1.2.3-a..b",     "1.2.3-a.",
          "1.2.3+a+b", "v1.2.3", "1.2.3 ",  " 1.2.3",   "1.2.3-\xc3\xa4", "1..3",
          ".2.3",      "1.2.",   "1.2.3+.", "-1.2.3",   "1.2.3-0123.0123"})
        EXPECT_FALSE(is_semantic_version(bad)) << bad;
}

TEST(service_config, is_checked) {
    EXPECT_TRUE(check(service_config("a", "1.0.0")));
    EXPECT_EQ(check(service_config("a b", "1.0.0")).error(), errc::invalid_service_name);
    EXPECT_EQ(check(service_config("a", "1.0")).error(), errc::invalid_argument);
    service_config c("a", "1.0.0");
    c.queue_group = "two words";
    EXPECT_EQ(check(c).error(), errc::invalid_queue_group);
    c.queue_group.reset();
    c.prefix = "a.*";
    EXPECT_EQ(check(c).error(), errc::invalid_subject);
    c.prefix = "SYS.SRV";
    c.description = "\xff";
    EXPECT_EQ(check(c).error(), errc::invalid_argument);
    c.description.clear();
    c.metadata["k"] = "\xff";
    EXPECT_EQ(check(c).error(), errc::invalid_argument);
    c.metadata["k"] = "v";
    EXPECT_TRUE(check(c));
}

TEST(service_config, groups_nest_and_hand_down_their_queue) {
    const scope root = scope_of(service_config("a", "1.0.0"));
    EXPECT_EQ(root.queue_group, "q");
    const scope v1 = nested(root, "v1", {}).value();
    EXPECT_EQ(v1.prefix, "v1");
    EXPECT_EQ(v1.queue_group, "q");
    const scope deep = nested(v1, "a.b", {.queue_group = "own"}).value();
    EXPECT_EQ(deep.prefix, "v1.a.b");
    EXPECT_EQ(deep.queue_group, "own");
    EXPECT_EQ(nested(deep, "x", {}).value().queue_group, "own");
    EXPECT_EQ(nested(deep, "x", {.no_queue_group = true}).value().queue_group, "");
    for (const char* bad : {"", ".", "a.", ".a", "a b", ">", "a.>", "a..b"})
        EXPECT_EQ(nested(root, bad, {}).error(), errc::invalid_subject) << bad;
    EXPECT_EQ(nested(root, "a", {.queue_group = ""}).error(), errc::invalid_queue_group);
    service_config none("a", "1.0.0");
    none.no_queue_group = true;
    EXPECT_EQ(scope_of(none).queue_group, "");
    service_config other("a", "1.0.0");
    other.queue_group = "mine";
    EXPECT_EQ(scope_of(other).queue_group, "mine");
}

TEST(service_machine, subjects_of_questions) {
    EXPECT_EQ(monitoring_subject("$SRV", verb::ping), "$SRV.PING");
    EXPECT_EQ(monitoring_subject("$SRV", verb::info, "a"), "$SRV.INFO.a");
    EXPECT_EQ(monitoring_subject("x.y", verb::stats, "a", "b"), "x.y.STATS.a.b");
}

TEST(service_machine, endpoints) {
    service_machine m = machine();
    const scope root("", "q");
    EXPECT_EQ(m.add_endpoint(endpoint_config("create"), root).value(), 0U);
    endpoint_config e("any");
    e.subject = "*.x.>";
    e.queue_group = "own";
    e.metadata["k"] = "v";
    EXPECT_EQ(m.add_endpoint(e, scope("v1", "group")).value(), 1U);
    e.queue_group.reset();
    e.no_queue_group = true;
    EXPECT_EQ(m.add_endpoint(e, scope("v1", "group")).value(), 2U);
    EXPECT_EQ(m.endpoint(0).subject, "create");
    EXPECT_EQ(m.endpoint(0).queue_group, "q");
    EXPECT_EQ(m.endpoint(1).subject, "v1.*.x.>");
    EXPECT_EQ(m.endpoint(1).queue_group, "own");
    EXPECT_EQ(m.endpoint(2).queue_group, "");
    for (const char* bad : {"a.>.b", "a..b", "a b", ".a", "\xff"}) {
        endpoint_config wrong("x");
        wrong.subject = bad;
        EXPECT_EQ(m.add_endpoint(wrong, root).error(), errc::invalid_subject) << bad;
    }
    EXPECT_EQ(m.add_endpoint(endpoint_config("a.b"), root).error(), errc::invalid_service_name);
    endpoint_config idle("x");
    idle.max_concurrent = 0;
    EXPECT_EQ(m.add_endpoint(idle, root).error(), errc::invalid_argument);
    EXPECT_EQ(m.endpoints(), 3U);
}

TEST(service_machine, answers) {
    service_config c("orders", "1.2.3");
    c.description = "takes \"orders\"";
    c.metadata["region"] = "eu";
    service_machine m = machine(c);
    endpoint_config e("create");
    e.metadata["schema"] = "s";
    (void)m.add_endpoint(e, scope("v1", "q")).value();
    EXPECT_EQ(m.answer(verb::ping).value(),
              R"({"type":"io.nats.micro.v1.ping_response","name":"orders","id":"ID",)"
              R"("version":"1.2.3","metadata":{"region":"eu"}})");
    EXPECT_EQ(m.answer(verb::info).value(),
              R"({"type":"io.nats.micro.v1.info_response","name":"orders","id":"ID",)"
              R"("version":"1.2.3","metadata":{"region":"eu"},"description":"takes \"orders\"",)"
              R"("endpoints":[{"name":"create","subject":"v1.create","queue_group":"q",)"
              R"("metadata":{"schema":"s"}}]})");
    m.handle_request(0, 1500ns, {});
    m.handle_request(0, 500ns, "400:no");
    EXPECT_EQ(m.answer(verb::stats).value(),
              R"({"type":"io.nats.micro.v1.stats_response","name":"orders","id":"ID",)"
              R"("version":"1.2.3","metadata":{"region":"eu"},"started":"2026-11-28T00:00:00Z",)"
              R"("endpoints":[{"name":"create","subject":"v1.create","queue_group":"q",)"
              R"("num_requests":2,"num_errors":1,"last_error":"400:no","processing_time":2000,)"
              R"("average_processing_time":1000}]})");
}

TEST(service_machine, metadata_is_always_an_object) {
    EXPECT_NE(machine().answer(verb::ping).value().find(R"("metadata":{})"), std::string::npos);
}

TEST(service_machine, a_user_adds_data_to_statistics) {
    service_machine m = machine();
    for (const char* name : {"good", "bad", "none"})
        (void)m.add_endpoint(endpoint_config(name), scope()).value();
    std::string asked;
    const auto source = [](void* context, const endpoint_stats& of) {
        *static_cast<std::string*>(context) += of.name + ' ';
        if (of.name == "good") return std::string(R"({"queue":[1,2]})");
        return std::string(of.name == "bad" ? "}, no JSON" : "");
    };
    const stats_response s = m.stats(source, &asked);
    EXPECT_EQ(asked, "good bad none ");
    EXPECT_EQ(s.endpoints[0].data(), R"({"queue":[1,2]})");
    EXPECT_EQ(s.endpoints[1].data(), "");
    EXPECT_EQ(s.endpoints[2].data(), "");
    const std::string json = m.answer(verb::stats, source, &asked).value();
    EXPECT_NE(json.find(R"("data":{"queue":[1,2]})"), std::string::npos);
}

TEST(service_machine, reset) {
    service_machine m = machine();
    (void)m.add_endpoint(endpoint_config("e"), scope()).value();
    m.handle_request(0, 5ns, "1:x");
    m.reset(start + 1h);
    const stats_response s = m.stats();
    EXPECT_EQ(s.started, start + 1h);
    EXPECT_EQ(s.endpoints[0].num_requests, 0U);
    EXPECT_EQ(s.endpoints[0].num_errors, 0U);
    EXPECT_EQ(s.endpoints[0].last_error, "");
    EXPECT_EQ(s.endpoints[0].processing_time, 0ns);
    EXPECT_EQ(s.endpoints[0].average_processing_time, 0ns);
    EXPECT_EQ(s.endpoints[0].subject, "e");
}

TEST(service_machine, an_error_is_no_request) {
    service_machine m = machine();
    (void)m.add_endpoint(endpoint_config("e"), scope()).value();
    m.handle_error(0, "slow");
    EXPECT_EQ(m.stats().endpoints[0].num_requests, 0U);
    EXPECT_EQ(m.stats().endpoints[0].num_errors, 1U);
    EXPECT_EQ(m.stats().endpoints[0].last_error, "slow");
}

/// A handler may repeat in its error what a stranger sent.
TEST(service_machine, any_error_text_can_be_told) {
    service_machine m = machine();
    (void)m.add_endpoint(endpoint_config("e"), scope()).value();
    m.handle_request(0, 1ns, "500:\xff\x01\"");
    EXPECT_TRUE(is_json(m.answer(verb::stats).value()));
    std::string umlauts = "500:";
    for (int i = 0; i < 2000; ++i) umlauts += "\xc3\xa4";
    m.handle_request(0, 1ns, umlauts);
    const stats_response s = m.stats();
    EXPECT_LE(s.endpoints[0].last_error.size(), 1024U);
    EXPECT_GE(s.endpoints[0].last_error.size(), 1000U);
    EXPECT_TRUE(s.endpoints[0].last_error.ends_with("\xc3\xa4"));
    EXPECT_TRUE(m.answer(verb::stats));
}

// --- the error headers

message_view with(const headers& h, std::string_view payload = {}) {
    message_view m;
    m.headers = h.view();
    m.payload = payload;
    return m;
}

TEST(service_error, is_two_headers) {
    headers others;
    others.set("Trace", "t").value();
    const headers h = error_headers(404, "not here", others).value();
    EXPECT_EQ(h.get("Nats-Service-Error-Code"), "404");
    EXPECT_EQ(h.get("Nats-Service-Error"), "not here");
    EXPECT_EQ(h.get("Trace"), "t");
    const error e = error_of(with(h, "body")).value();
    EXPECT_EQ(e, errc::service_error);
    EXPECT_EQ(e.status(), 404);
    EXPECT_EQ(e.detail(), "not here");
}

TEST(service_error, needs_both) {
    EXPECT_EQ(error_headers(0, "x").error(), errc::invalid_argument);
    EXPECT_EQ(error_headers(1, "").error(), errc::invalid_argument);
    EXPECT_EQ(error_headers(1, "a\r\nb").error(), errc::invalid_header);
}

TEST(service_error, of_others) {
    headers h;
    EXPECT_FALSE(error_of(with(h)));
    h.set("Status", "500").value();
    EXPECT_FALSE(error_of(with(h)));
    h.set("Nats-Service-Error", "only text").value();
    EXPECT_EQ(error_of(with(h))->status(), 0);
    EXPECT_EQ(error_of(with(h))->detail(), "only text");
    h.set("Nats-Service-Error-Code", "E_NO").value();
    EXPECT_EQ(error_of(with(h))->status(), 0);
    EXPECT_EQ(error_of(with(h))->detail(), "E_NO: only text");
    h.set("Nats-Service-Error-Code", "70000").value();
    EXPECT_EQ(error_of(with(h))->detail(), "70000: only text");
    h.erase("Nats-Service-Error");
    h.set("Nats-Service-Error-Code", "65535").value();
    EXPECT_EQ(error_of(with(h))->status(), 65535);
}

} // namespace
} // namespace nats::services
