// SPDX-License-Identifier: Apache-2.0
//
// Proves services and their clients on real servers and on our broker: who is found, what is
// answered and counted, which endpoint gets what, and how they end.

#include <natsproto/services/basic_service.hpp>
#include <natsproto/services/basic_service_client.hpp>

#include "integration/client_under_test.hpp"
#include "integration/server_test.hpp"

#ifdef NATSPROTO_TEST_ON_ASIO
#include "integration/asio_facade.hpp"
#endif

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using service = basic_service<client>;
using service_client = basic_service_client<client>;
using service_request = basic_service_request<client::handle_type>;

void echo(service_request& r) {
    (void)r.respond(r.payload());
}

class services_test : public server_test {
protected:
    static service started(client& nc, const std::string& name = "orders") {
        service s = service::start(nc, {name, "1.0.0"}).value();
        (void)nc.flush().value();
        return s;
    }
    static services::query quick(std::string_view name = {}, std::string_view id = {}) {
        return {.name = name, .id = id, .timeout = long_enough, .stall = 200ms};
    }
};
NATSPROTO_ON_EVERY_SERVER(services_test);

TEST_P(services_test, is_found_at_three_levels) {
    client nc = connect();
    services::service_config c("orders", "1.2.3-rc.1");
    c.description = "takes orders";
    c.metadata["region"] = "eu";
    service s = service::start(nc, c).value();
    ASSERT_TRUE(s.add_endpoint("create", echo));
    service other = started(nc, "other");
    service second = started(nc);
    const service_client sc(nc);
    service_client asks = sc;

    const auto all = asks.ping(quick()).value();
    EXPECT_EQ(all.size(), 3U);
    EXPECT_EQ(asks.ping(quick("orders")).value().size(), 2U);
    const auto one = asks.ping(quick("orders", s.id())).value();
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].id, s.id());
    EXPECT_EQ(one[0].name, "orders");
    EXPECT_EQ(one[0].version, "1.2.3-rc.1");
    EXPECT_EQ(one[0].metadata.at("region"), "eu");
    EXPECT_GT(one[0].round_trip, 0ns);
    EXPECT_TRUE(asks.ping(quick("nobody")).value().empty());
    EXPECT_TRUE(asks.ping(quick("orders", "no-such-id")).value().empty());

    const auto infos = asks.info(quick("orders", s.id())).value();
    ASSERT_EQ(infos.size(), 1U);
    EXPECT_EQ(infos[0].description, "takes orders");
    ASSERT_EQ(infos[0].endpoints.size(), 1U);
    EXPECT_EQ(infos[0].endpoints[0].name, "create");
    EXPECT_EQ(infos[0].endpoints[0].subject, "create");
    EXPECT_EQ(infos[0].endpoints[0].queue_group, "q");

    const auto found = asks.discover(quick()).value();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].name, "orders");
    EXPECT_EQ(found[0].instances.size(), 2U);
    EXPECT_EQ(found[1].name, "other");
    EXPECT_EQ(asks.stats(quick()).value().size(), 3U);
}

/// Nobody but the asker is on the server: a question is one message.
TEST_P(services_test, an_answer_is_json_of_its_type) {
    client nc = connect();
    service s = started(nc);
    for (const auto& [verb, type] :
         std::map<std::string, std::string>{{"PING", "io.nats.micro.v1.ping_response"},
                                            {"INFO", "io.nats.micro.v1.info_response"},
                                            {"STATS", "io.nats.micro.v1.stats_response"}}) {
        const std::string subject = "$SRV." + verb;
        for (const std::string& at :
             {subject, subject + ".orders", subject + ".orders." + s.id()}) {
            const message m = nc.request(at, {}, long_enough).value();
            EXPECT_EQ(m.payload().find("{\"type\":\"" + type + '"'), 0U) << at;
        }
    }
}

TEST_P(services_test, requests_errors_and_statistics) {
    client nc = connect();
    service s = started(nc);
    ASSERT_TRUE(s.add_endpoint("add", [](service_request& r) {
        if (r.payload().empty()) {
            EXPECT_TRUE(r.respond_error(400, "nothing to add", "details"));
            return;
        }
        headers h;
        h.set("Kind", "sum").value();
        EXPECT_TRUE(r.respond_json("[" + std::string(r.payload()) + "]", h));
    }));
    service_client sc(nc);
    const message sum = sc.request("add", "1,2", {.timeout = long_enough}).value();
    EXPECT_EQ(sum.payload(), "[1,2]");
    EXPECT_EQ(sum.headers().get("Kind"), "sum");

    const result<message> refused = sc.request("add", {}, {.timeout = long_enough});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::service_error);
    EXPECT_EQ(refused.error().status(), 400);
    EXPECT_EQ(refused.error().detail(), "nothing to add");
    const message raw = nc.request("add", {}, long_enough).value();
    EXPECT_EQ(raw.payload(), "details");
    EXPECT_EQ(raw.headers().get("Nats-Service-Error-Code"), "400");

    const auto stats = sc.stats(quick("orders")).value();
    ASSERT_EQ(stats.size(), 1U);
    ASSERT_EQ(stats[0].endpoints.size(), 1U);
    const services::endpoint_stats& e = stats[0].endpoints[0];
    EXPECT_EQ(e.num_requests, 3U);
    EXPECT_EQ(e.num_errors, 2U);
    EXPECT_EQ(e.last_error, "400:nothing to add");
    EXPECT_GT(e.processing_time, 0ns);
    EXPECT_EQ(e.average_processing_time, e.processing_time / 3);
    EXPECT_EQ(s.stats().endpoints[0].num_requests, 3U);
    s.reset();
    EXPECT_EQ(sc.stats(quick("orders")).value()[0].endpoints[0].num_requests, 0U);
    EXPECT_GE(s.stats().started, stats[0].started);
}

TEST_P(services_test, what_a_handler_must_not_do) {
    client nc = connect();
    service s = started(nc);
    std::vector<error> errors;
    ASSERT_TRUE(s.add_endpoint("e", [&](service_request& r) {
        errors.push_back(r.respond_error(0, "x").error());
        errors.push_back(r.respond_error(1, "").error());
        errors.push_back(r.respond_error(1, "a\r\nb").error());
        errors.push_back(r.respond_json("no JSON").error());
        if (const result<void> sent = r.respond("fine"); !sent) errors.push_back(sent.error());
    }));
    EXPECT_EQ(nc.request("e", {}, long_enough).value().payload(), "fine");
    ASSERT_EQ(errors.size(), 4U);
    EXPECT_EQ(errors[0], errc::invalid_argument);
    EXPECT_EQ(errors[1], errc::invalid_argument);
    EXPECT_EQ(errors[2], errc::invalid_header);
    EXPECT_EQ(errors[3], errc::invalid_argument);
    EXPECT_EQ(s.stats().endpoints[0].num_errors, 0U) << "none of them was sent";
    ASSERT_TRUE(nc.publish("e", "no reply wanted"));
    poll_until(nc, [&] { return errors.size() == 9; });
    EXPECT_EQ(errors[8], errc::no_reply);
    EXPECT_EQ(s.stats().endpoints[0].num_requests, 2U);
}

TEST_P(services_test, a_handler_that_throws) {
    client nc = connect();
    service s = started(nc);
    ASSERT_TRUE(s.add_endpoint("e", [](service_request& r) {
        if (r.payload() == "late") (void)r.respond("an answer");
        throw std::runtime_error("a secret of the service");
    }));
    subscription inbox = nc.subscribe("inbox").value();
    for (const char* const payload : {"at once", "late"}) {
        ASSERT_TRUE(nc.publish("e", payload, {.reply = "inbox"}));
        EXPECT_THROW(poll_until(nc, [] { return false; }), std::runtime_error);
    }
    message m = inbox.next(long_enough).value();
    EXPECT_EQ(m.headers().get("Nats-Service-Error-Code"), "500");
    EXPECT_EQ(m.headers().get("Nats-Service-Error"), "the handler has failed");
    m = inbox.next(long_enough).value();
    EXPECT_EQ(m.payload(), "an answer");
    EXPECT_EQ(s.stats().endpoints[0].num_requests, 2U);
    EXPECT_EQ(s.stats().endpoints[0].num_errors, 2U);
    EXPECT_EQ(s.stats().endpoints[0].last_error, "500:the handler has failed");
}

TEST_P(services_test, groups_wildcards_and_endpoints_that_come_later) {
    client nc = connect();
    service s = started(nc);
    auto v1 = s.group("v1").value();
    auto admin = v1.group("admin.x", {.queue_group = "admins"}).value();
    const auto tell_subject = [](service_request& r) { (void)r.respond(r.subject()); };
    ASSERT_TRUE(v1.add_endpoint("get", tell_subject));
    services::endpoint_config any("any");
    any.subject = "*.of.>";
    any.metadata["k"] = "v";
    ASSERT_TRUE(admin.add_endpoint(any, tell_subject));
    EXPECT_EQ(nc.request("v1.get", {}, long_enough).value().payload(), "v1.get");
    ASSERT_TRUE(s.add_endpoint("later", tell_subject));
    EXPECT_EQ(nc.request("later", {}, long_enough).value().payload(), "later");
    EXPECT_EQ(nc.request("v1.admin.x.one.of.a.b", {}, long_enough).value().payload(),
              "v1.admin.x.one.of.a.b");
    const services::info_response i = s.info();
    ASSERT_EQ(i.endpoints.size(), 3U);
    EXPECT_EQ(i.endpoints[1].subject, "v1.admin.x.*.of.>");
    EXPECT_EQ(i.endpoints[1].queue_group, "admins");
    EXPECT_EQ(i.endpoints[1].metadata.at("k"), "v");
    EXPECT_EQ(i.endpoints[2].name, "later");

    EXPECT_EQ(s.group("a.>").error(), errc::invalid_subject);
    EXPECT_EQ(s.add_endpoint("a.b", tell_subject).error(), errc::invalid_service_name);
    any.subject = "a..b";
    EXPECT_EQ(s.add_endpoint(any, tell_subject).error(), errc::invalid_subject);
    EXPECT_EQ(s.info().endpoints.size(), 3U) << "what was refused is not there";
}

TEST_P(services_test, instances_share_unless_they_have_no_queue_group) {
    client nc = connect();
    std::map<std::string, int> got;
    std::vector<service> instances;
    for (const char* const name : {"a", "b"}) {
        service s = started(nc);
        ASSERT_TRUE(s.add_endpoint("shared", [&got, name](service_request& r) {
            ++got[std::string("shared ") + name];
            echo(r);
        }));
        services::endpoint_config every("every");
        every.no_queue_group = true;
        ASSERT_TRUE(s.add_endpoint(every, [&got, name](service_request& r) {
            ++got[std::string("every ") + name];
            echo(r);
        }));
        instances.push_back(std::move(s));
    }
    (void)nc.flush().value();
    EXPECT_EQ(instances[0].info().endpoints[1].queue_group, "");
    constexpr int count = 50;
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(nc.request("shared", {}, long_enough));
        ASSERT_TRUE(nc.publish("every"));
    }
    poll_until(nc, [&] { return got["every a"] == count && got["every b"] == count; });
    EXPECT_EQ(got["shared a"] + got["shared b"], count);
    EXPECT_GT(got["shared a"], 0);
    EXPECT_GT(got["shared b"], 0);
}

TEST_P(services_test, another_prefix) {
    client nc = connect();
    services::service_config c("hidden", "1.0.0");
    c.prefix = "my.srv";
    service s = service::start(nc, c).value();
    (void)nc.flush().value();
    EXPECT_TRUE(service_client(nc).ping(quick()).value().empty());
    EXPECT_EQ(service_client(nc, "my.srv").ping(quick("hidden")).value().size(), 1U);
}

TEST_P(services_test, statistics_with_a_users_data) {
    client nc = connect();
    service s = started(nc);
    ASSERT_TRUE(s.add_endpoint("good", echo));
    ASSERT_TRUE(s.add_endpoint("bad", echo));
    s.on_stats([](const services::endpoint_stats& e) {
        return e.name == "good" ? R"({"depth":3})" : "no JSON";
    });
    const auto stats = service_client(nc).stats(quick("orders")).value();
    ASSERT_EQ(stats.size(), 1U);
    EXPECT_EQ(stats[0].endpoints[0].data(), R"({"depth":3})");
    EXPECT_EQ(stats[0].endpoints[1].data(), "");
}

/// A stranger's reply subject must not make the service ask something of the server.
TEST_P(services_test, a_question_with_the_servers_own_subject_is_not_answered) {
    client nc = connect();
    service s = started(nc);
    subscription spy = nc.subscribe("$JS.API.>").value();
    ASSERT_TRUE(nc.publish("$SRV.PING", {}, {.reply = "$JS.API.STREAM.DELETE.S"}));
    ASSERT_TRUE(nc.request("$SRV.PING", {}, long_enough));
    (void)nc.flush().value();
    EXPECT_EQ(spy.next(0ms).error(), errc::timeout);
}

TEST_P(services_test, answers_that_cannot_be_read) {
    client nc = connect();
    subscription fake = nc.subscribe("$SRV.PING", [&](const message_view& m) {
                              (void)nc.publish(m.reply, "{\"type\":\"other\"}");
                          }).value();
    service_client sc(nc);
    EXPECT_EQ(sc.ping(quick()).error(), errc::invalid_response);
    service s = started(nc);
    EXPECT_EQ(sc.ping(quick()).value().size(), 1U) << "the others count";
}

TEST_P(services_test, stop_loses_no_request) {
    client nc = connect();
    service s = started(nc);
    int handled = 0;
    std::vector<error> stopped;
    ASSERT_TRUE(s.add_endpoint("work", [&](service_request& r) {
        ++handled;
        echo(r);
    }));
    s.on_stop([&](const error& why) { stopped.push_back(why); });
    subscription inbox = nc.subscribe("inbox").value();
    (void)nc.flush().value();
    constexpr int count = 100;
    for (int i = 0; i < count; ++i) ASSERT_TRUE(nc.publish("work", "x", {.reply = "inbox"}));
    EXPECT_EQ(s.status(), services::service_status::running);
    ASSERT_TRUE(s.stop(long_enough));
    EXPECT_EQ(s.status(), services::service_status::stopped);
    EXPECT_EQ(handled, count);
    ASSERT_EQ(stopped.size(), 1U);
    EXPECT_EQ(stopped[0], errc::service_stopped);
    EXPECT_TRUE(s.stop(long_enough)) << "once more is as good";
    for (int i = 0; i < count; ++i) ASSERT_TRUE(inbox.next(long_enough)) << i;
    EXPECT_EQ(nc.request("work", {}, long_enough).error(), errc::no_responders);
    EXPECT_TRUE(service_client(nc).ping(quick("orders")).value().empty());
    EXPECT_EQ(s.add_endpoint("late", echo).error(), errc::service_stopped);
    EXPECT_EQ(stopped.size(), 1U);
    EXPECT_EQ(s.stats().endpoints[0].num_requests, static_cast<std::uint64_t>(count));
}

TEST_P(services_test, ends_with_the_connection) {
    client nc = connect({.max_reconnects = 0});
    service s = started(nc);
    ASSERT_TRUE(s.add_endpoint("e", echo));
    std::vector<error> stopped;
    std::vector<error> errors;
    s.on_stop([&](const error& why) { stopped.push_back(why); });
    s.on_error([&](std::string_view endpoint, const error& why) {
        EXPECT_EQ(endpoint, "");
        errors.push_back(why);
    });
    server().stop(); // and nobody connects again
    const stopwatch watch;
    while (nc.status() != session_status::closed || stopped.empty()) {
        ASSERT_LT(watch.elapsed(), long_enough);
        (void)nc.poll(50ms);
    }
    ASSERT_EQ(stopped.size(), 1U);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(stopped[0].code(), errors[0].code());
    EXPECT_NE(stopped[0], errc::service_stopped);
    EXPECT_EQ(s.status(), services::service_status::stopped);
    EXPECT_EQ(s.add_endpoint("late", echo).error(), errc::service_stopped);
    EXPECT_FALSE(service::start(nc, {"late", "1.0.0"}));
}

TEST_P(services_test, ends_when_the_connection_is_drained) {
    client nc = connect();
    service s = started(nc);
    int handled = 0;
    ASSERT_TRUE(s.add_endpoint("work", [&](service_request& r) {
        ++handled;
        echo(r);
    }));
    std::vector<error> stopped;
    s.on_stop([&](const error& why) { stopped.push_back(why); });
    (void)nc.flush().value();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(nc.publish("work"));
    ASSERT_TRUE(nc.drain());
    EXPECT_EQ(handled, 10);
    ASSERT_EQ(stopped.size(), 1U);
    EXPECT_EQ(stopped[0], errc::drained);
}

TEST_P(services_test, is_back_after_a_reconnect) {
    client nc = connect(patient());
    service s = started(nc);
    ASSERT_TRUE(s.add_endpoint("e", echo));
    ASSERT_TRUE(nc.request("e", "1", long_enough));
    server().restart();
    ASSERT_TRUE(nc.wait_connected(long_enough));
    poll_until(nc, [&] { return nc.stats().reconnects == 1; });
    EXPECT_EQ(nc.request("e", "2", long_enough).value().payload(), "2");
    EXPECT_EQ(service_client(nc).ping(quick("orders", s.id())).value().size(), 1U);
    EXPECT_EQ(s.stats().endpoints[0].num_requests, 2U);
}

TEST_P(services_test, stops_when_an_endpoint_is_not_allowed) {
    start(
        "authorization { users: [ { user: a, password: b, permissions: { "
        "subscribe: { deny: \"forbidden\" } } } ] }");
    options o;
    o.user = "a";
    o.password = "b";
    client nc = connect(o);
    service s = started(nc);
    ASSERT_TRUE(s.add_endpoint("fine", echo));
    std::vector<std::string> errors;
    std::vector<error> stopped;
    s.on_error([&](std::string_view endpoint, const error& why) {
        errors.push_back(std::string(endpoint));
        EXPECT_EQ(why, errc::permissions_violation);
    });
    s.on_stop([&](const error& why) { stopped.push_back(why); });
    ASSERT_TRUE(s.add_endpoint("forbidden", echo));
    poll_until(nc, [&] { return !stopped.empty(); });
    ASSERT_EQ(stopped.size(), 1U);
    EXPECT_EQ(stopped[0], errc::permissions_violation);
    EXPECT_EQ(errors, std::vector<std::string>{"forbidden"});
    EXPECT_EQ(s.stats().endpoints[1].num_errors, 1U);
    EXPECT_EQ(nc.request("fine", {}, long_enough).error(), errc::no_responders);
}

/// Requests wait while a handler waits itself, and there may be too many of them.
TEST_P(services_test, a_slow_endpoint_is_told_of) {
    if (through_asio) GTEST_SKIP() << "no handler of it waits; see tests/asio/service_test.cpp";
    client nc = connect();
    service s = started(nc);
    services::endpoint_config slow("slow");
    slow.pending = pending_limits{.messages = 2};
    int handled = 0;
    ASSERT_TRUE(s.add_endpoint(slow, [&](service_request&) {
        if (++handled == 1) (void)nc.flush(long_enough).value();
    }));
    std::vector<error> errors;
    s.on_error([&](std::string_view endpoint, const error& why) {
        EXPECT_EQ(endpoint, "slow");
        errors.push_back(why);
    });
    (void)nc.flush().value();
    {
        const auto together = nc.burst();
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(nc.publish("slow"));
    }
    poll_until(nc, [&] { return handled >= 3 && !errors.empty(); });
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0], errc::slow_consumer);
    EXPECT_EQ(s.status(), services::service_status::running);
    EXPECT_EQ(s.stats().endpoints[0].num_errors, 1U);
    EXPECT_LT(handled, 10);
}

TEST_P(services_test, is_destroyed_where_it_is_used) {
    client nc = connect();
    std::optional<service> s(started(nc));
    ASSERT_TRUE(s->add_endpoint("bye", [&](service_request& r) {
        echo(r);
        s.reset();
    }));
    EXPECT_EQ(nc.request("bye", "1", long_enough).value().payload(), "1");
    EXPECT_FALSE(s);
    EXPECT_EQ(nc.request("bye", "2", long_enough).error(), errc::no_responders);

    s.emplace(started(nc));
    auto group = s->group("g").value();
    s->on_stop([&](const error&) { s.reset(); });
    s->start_stop();
    poll_until(nc, [&] { return !s; });
    EXPECT_EQ(group.add_endpoint("e", echo).error(), errc::service_stopped);

    service moved = started(nc);
    service other = started(nc, "other");
    moved = std::move(other);
    EXPECT_TRUE(service_client(nc).ping(quick("orders")).value().empty());
    EXPECT_EQ(service_client(nc).ping(quick("other")).value().size(), 1U);
}

TEST_P(services_test, bad_configurations_send_nothing) {
    client nc = connect();
    EXPECT_EQ(service::start(nc, {"a b", "1.0.0"}).error(), errc::invalid_service_name);
    EXPECT_EQ(service::start(nc, {"a", "1"}).error(), errc::invalid_argument);
    service_client sc(nc);
    EXPECT_EQ(sc.ping({.name = "*"}).error(), errc::invalid_service_name);
    EXPECT_EQ(sc.request("a b").error(), errc::invalid_subject);
    EXPECT_EQ(sc.request("a", {}, {.timeout = 0ns}).error(), errc::invalid_argument);
    EXPECT_EQ(sc.request("nobody", {}, {.timeout = long_enough}).error(), errc::no_responders);
}

} // namespace
} // namespace nats::test
