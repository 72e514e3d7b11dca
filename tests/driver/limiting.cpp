// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

constexpr const char* permissions = R"(
    authorization {
      users: [ { user: joe, password: joe, permissions: {
        publish: { deny: ["secret.>"] }
        subscribe: { deny: ["closed.>", "work bad"] } } } ]
    })";

const scenario table[] = {
    {"a_slow_consumer_is_told_once_an_episode",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub =
             a.subscribe("slow", {.queue = {}, .pending = pending_limits{.messages = 3}});
         for (int i = 0; i < 10; ++i) a.send("slow", std::to_string(i));
         a.flush();
         sub.counters();
         sub.take();
         for (int i = 0; i < 4; ++i) sub.take();
         for (int i = 10; i < 14; ++i) a.send("slow", std::to_string(i));
         a.flush();
         for (int i = 0; i < 5; ++i) sub.take();
         sub.counters();
         a.events();
     },
     R"(
)"},
    {"pending_bytes_are_limited",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe(
             "b", {.queue = {}, .pending = pending_limits{.messages = -1, .bytes = 100}});
         for (int i = 0; i < 6; ++i) a.send("b", std::string(25, 'p'));
         a.flush();
         sub.counters();
         a.events();
     },
     R"(
)"},
    {"pending_limits_can_be_changed",
     [](stage& s) {
         s.start();
         options o;
         o.pending.messages = 2;
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("l");
         sub.limit({.messages = 0});
         sub.limit({.bytes = 0});
         sub.limit({.messages = -1, .bytes = -1});
         for (int i = 0; i < 20; ++i) a.send("l", std::to_string(i));
         a.flush();
         sub.counters();
         sub.rest(0s);
         sub.counters();
     },
     R"(
)"},
    {"a_slow_one_does_not_hold_up_the_others",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& slow =
             a.subscribe("both", {.queue = {}, .pending = pending_limits{.messages = 1}});
         listener& good = a.subscribe("both");
         int handled = 0;
         a.serve("both", [&](const message_view&) { ++handled; });
         for (int i = 0; i < 100; ++i) a.send("both", std::to_string(i));
         a.flush();
         good.rest(0s);
         slow.rest(0s);
         slow.counters();
         s.note("handled " + std::to_string(handled));
     },
     R"(
)"},
    {"publishing_without_permission",
     [](stage& s) {
         s.start(permissions);
         actor& a = s.connect("a", {.user = "joe", .password = "joe"});
         listener& sub = a.subscribe("open");
         a.publish("secret.plan", "x");
         a.publish("open", "y");
         a.flush();
         sub.take();
         a.status();
         a.events();
     },
     R"(
)"},
    {"subscribing_without_permission",
     [](stage& s) {
         s.start(permissions);
         actor& a = s.connect("a", {.user = "joe", .password = "joe"});
         listener& closed = a.subscribe("closed.door");
         listener& good = a.subscribe("work", {.queue = "good"});
         listener& bad = a.subscribe("work", {.queue = "bad"});
         a.flush();
         closed.take();
         closed.take();
         bad.take();
         a.publish("work", "1");
         a.flush();
         good.take();
         bad.take();
         a.events();
     },
     R"(
)"},
    {"more_subscriptions_than_there_may_be",
     [](stage& s) {
         s.start();
         options o;
         o.bounds.max_subscriptions = 2;
         actor& a = s.connect("a", o);
         listener& first = a.subscribe("1");
         a.subscribe("2");
         a.subscribe("3");
         first.destroy();
         a.subscribe("3");
         a.flush();
     },
     R"(
)"},
    {"more_requests_than_there_may_be",
     [](stage& s) {
         s.start();
         options o;
         o.bounds.max_requests = 2;
         actor& a = s.connect("a", o);
         a.subscribe("silent");
         a.request_all("silent", {"1", "2", "3"}, shortly);
         a.request("nobody");
     },
     R"(
)"},
};

} // namespace

std::span<const scenario> limiting() {
    return table;
}

} // namespace nats::test
