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
a connect -> ok
a subscribe slow -> ok
a flush -> ok
a counters of slow -> 3 pending, 3 bytes, 0 delivered, 7 dropped
a take slow -> slow consumer: messages were dropped: 7 dropped so far
a take slow -> slow "0"
a take slow -> slow "1"
a take slow -> slow "2"
a take slow -> timeout
a flush -> ok
a take slow -> slow consumer: messages were dropped: 8 dropped so far
a take slow -> slow "10"
a take slow -> slow "11"
a take slow -> slow "12"
a take slow -> timeout
a counters of slow -> 0 pending, 0 bytes, 6 delivered, 8 dropped
a events:
    connected server0
    slow consumer slow, 1 dropped
    slow consumer slow, 8 dropped
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
a connect -> ok
a subscribe b -> ok
a flush -> ok
a counters of b -> 4 pending, 100 bytes, 0 delivered, 2 dropped
a events:
    connected server0
    slow consumer b, 1 dropped
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
a connect -> ok
a subscribe l -> ok
a limit 0 messages, 67108864 bytes of l -> invalid argument: a pending limit of 0; use a negative number for no limit
a limit 500000 messages, 0 bytes of l -> invalid argument: a pending limit of 0; use a negative number for no limit
a limit -1 messages, -1 bytes of l -> ok
a flush -> ok
a counters of l -> 20 pending, 30 bytes, 0 delivered, 0 dropped
a rest l -> 20: "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"; timeout
a counters of l -> 0 pending, 0 bytes, 20 delivered, 0 dropped
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
a connect -> ok
a subscribe both -> ok
a subscribe both -> ok
a subscribe both -> ok
a flush -> ok
a rest both -> 100: "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"; timeout
a rest both -> 0:; slow consumer: messages were dropped: 99 dropped so far
a counters of both -> 1 pending, 1 bytes, 0 delivered, 99 dropped
handled 100
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
a connect -> ok
a subscribe open -> ok
a publish secret.plan -> ok
a publish open -> ok
a flush -> ok
a take open -> open "y"
a status -> connected
a events:
    connected server0
    server error: no permission: Permissions Violation for Publish to "secret.plan"
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
a connect -> ok
a subscribe closed.door -> ok
a subscribe work -> ok
a subscribe work -> ok
a flush -> ok
a take closed.door -> no permission: Permissions Violation for Subscription to "closed.door"
a take closed.door -> timeout
a take work -> no permission: Permissions Violation for Subscription to "work" using queue "bad"
a publish work -> ok
a flush -> ok
a take work -> work "1"
a take work -> timeout
a events:
    connected server0
    server error: no permission: Permissions Violation for Subscription to "closed.door"
    server error: no permission: Permissions Violation for Subscription to "work" using queue "bad"
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
a connect -> ok
a subscribe 1 -> ok
a subscribe 2 -> ok
a subscribe 3 -> too many subscriptions
a subscribe 3 -> ok
a flush -> ok
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
a connect -> ok
a subscribe silent -> ok
a request all silent -> timeout: request to "silent", timeout: request to "silent", too many requests are waiting
a request nobody -> no responders (status 503): request to "nobody"
)"},
};

} // namespace

std::span<const scenario> limiting() {
    return table;
}

} // namespace nats::test
