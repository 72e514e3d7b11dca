// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

/// The server ends, and the client has noticed that nobody is there.
void go_down(stage& s, actor& a) {
    s.net().stop(0);
    a.until_event("connect failed");
}

const scenario table[] = {
    {"subscriptions_are_there_again",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", stage::quick());
         listener& sub = a.subscribe("a");
         a.handle("b");
         listener& gone = a.subscribe("gone");
         a.flush();
         go_down(s, a);
         listener& added = a.subscribe("added");
         gone.destroy();
         s.start();
         a.wait_connected();
         for (const char* subject : {"a", "b", "added", "gone"}) a.publish(subject, subject);
         a.flush();
         sub.take();
         added.take();
         a.request("gone");
         a.stats();
         a.events();
     },
     R"(
)"},
    {"a_maximum_counts_across_a_reconnect",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", stage::quick());
         listener& sub = a.subscribe("m");
         sub.unsubscribe(3);
         for (const char* p : {"1", "2"}) a.send("m", p);
         sub.next();
         sub.next();
         go_down(s, a);
         s.start();
         a.wait_connected();
         for (const char* p : {"3", "4"}) a.send("m", p);
         sub.rest();
     },
     R"(
)"},
    {"publishes_are_kept",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", stage::quick());
         listener& sub = a.subscribe("k");
         a.flush();
         go_down(s, a);
         for (const char* p : {"1", "2", "3"}) a.publish("k", p);
         a.kept();
         a.publish("a b", "never");
         s.start();
         a.flush();
         a.kept();
         a.publish("k", "4");
         for (int i = 0; i < 4; ++i) sub.next();
         a.stats();
     },
     R"(
)"},
    {"publishes_are_kept_up_to_a_limit",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.reconnect_buffer = 1000;
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("k");
         a.flush();
         go_down(s, a);
         for (int i = 0; i < 4; ++i) a.publish("k", std::to_string(i) + std::string(300, 'f'));
         a.publish("k", "a small one");
         s.start();
         a.flush();
         sub.rest(0s);
     },
     R"(
)"},
    {"nothing_is_kept_without_a_buffer",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.reconnect_buffer = 0;
         actor& a = s.connect("a", o);
         a.flush();
         go_down(s, a);
         a.publish("x", "lost");
         s.start();
         a.wait_connected();
         a.publish("x", "sent");
         a.flush();
     },
     R"(
)"},
    {"a_kept_publish_that_is_too_large_is_dropped",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", stage::quick());
         listener& sub = a.subscribe("s");
         a.flush();
         go_down(s, a);
         a.publish("s", std::string(5000, 'l'));
         a.publish("s", "small");
         s.start("max_payload: 1000");
         sub.next();
         a.publish("s", std::string(5000, 'l'));
         a.events();
     },
     R"(
)"},
    {"requests_fail_with_the_connection",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.fail_requests_on_disconnect = true;
         actor& a = s.connect("a", o);
         a.handle("svc", [&](const message_view&) { s.net().stop(0); });
         a.request("svc", "1");
         a.status();
         s.start();
         a.request("nobody");
     },
     R"(
)"},
    {"requests_wait_on",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", stage::quick());
         a.handle("svc", [&](const message_view&) { s.net().stop(0); });
         a.request("svc", "1", 200ms);
         s.start();
         a.wait_connected();
         a.request("nobody");
         a.status();
     },
     R"(
)"},
    {"reconnecting_ends_after_so_many_failures",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.max_reconnects = 3;
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("s");
         a.flush();
         s.net().stop(0);
         sub.next();
         a.status();
         s.note(std::to_string(a.count("connect failed")) + " attempts");
         a.close_reason();
         a.publish("s", "late");
         a.events();
     },
     R"(
)"},
    {"reconnecting_is_off",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", {.reconnect = false});
         listener& sub = a.subscribe("s");
         a.flush();
         s.net().stop(0);
         sub.next();
         a.status();
         a.force_reconnect();
         a.wait_connected();
         a.events();
     },
     R"(
)"},
    {"reconnecting_by_force",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.reconnect_wait = 1min;
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("f");
         for (int i = 1; i <= 3; ++i) {
             a.publish("f", std::to_string(i));
             sub.next();
             a.force_reconnect();
             a.wait_connected();
         }
         a.publish("f", "goes on");
         sub.next();
         a.stats();
         a.events();
     },
     R"(
)"},
    {"reconnecting_by_force_to_another",
     [](stage& s) {
         s.start();
         s.net().start(1, "");
         const std::string list = s.url(0) + ',' + s.url(1);
         options o = stage::quick();
         o.servers = list;
         actor& a = s.connect("a", o);
         for (int i = 0; i < 3; ++i) {
             a.server();
             a.force_reconnect();
             a.wait_connected();
         }
         a.server();
         a.events();
     },
     R"(
)"},
    {"reconnecting_by_force_ends_a_wait",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.reconnect_wait = 1min;
         actor& a = s.connect("a", o);
         a.flush();
         go_down(s, a);
         s.start();
         a.force_reconnect();
         a.wait_connected();
         a.events();
     },
     R"(
)"},
    {"servers_can_be_replaced",
     [](stage& s) {
         s.start();
         s.net().start(1, "");
         actor& a = s.connect("a", stage::quick());
         a.set_servers(s.url(1));
         a.server();
         a.flush();
         a.set_servers("nats://host:port");
         a.force_reconnect();
         a.wait_connected();
         a.server();
     },
     R"(
)"},
    {"the_next_server_is_taken",
     [](stage& s) {
         s.start();
         s.net().start(1, "");
         const std::string list = s.url(0) + ',' + s.url(1);
         options o = stage::quick();
         o.servers = list;
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("s");
         a.flush();
         s.net().stop(0);
         a.until_event("reconnected");
         a.server();
         a.publish("s", "there");
         sub.next();
         a.events();
     },
     R"(
)"},
    {"a_login_that_is_refused_twice_is_the_end",
     [](stage& s) {
         s.start("authorization { user: joe, password: one }");
         options o = stage::quick();
         o.user = "joe";
         o.password = "one";
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("s");
         a.flush();
         go_down(s, a);
         s.start("authorization { user: joe, password: two }");
         sub.next();
         a.status();
         a.close_reason();
         a.events();
     },
     R"(
)"},
    {"a_server_that_says_why_it_ends",
     [](stage& s) {
         s.net().start(0, script{.greeting = R"(INFO {"server_id":"R","proto":1,"headers":true})"
                                             "\r\n",
                                 .answer = "PONG\r\n-ERR 'Stale Connection'\r\n",
                                 .closes = true});
         actor& a = s.connect("a", {.reconnect = false});
         a.until_status(session_status::closed);
         a.close_reason();
         a.events();
     },
     R"(
)"},
    {"a_server_that_breaks_the_protocol",
     [](stage& s) {
         s.net().start(0, script{.greeting = R"(INFO {"server_id":"R","proto":1,"headers":true})"
                                             "\r\n",
                                 .answer = "PONG\r\nNONSENSE\r\n"});
         actor& a = s.connect("a", {.reconnect = false});
         a.until_status(session_status::closed);
         a.close_reason();
         a.events();
     },
     R"(
)"},
    {"a_lame_duck_is_used_on",
     [](stage& s) {
         s.start("lame_duck_duration: \"31s\", lame_duck_grace_period: \"30s\"");
         actor& a = s.connect("a", stage::quick());
         listener& sub = a.subscribe("s");
         a.flush();
         s.net().retire(0);
         a.until_event("lame duck");
         a.publish("s", "still works");
         sub.next();
         a.events();
     },
     R"(
)"},
    {"a_lame_duck_is_left",
     [](stage& s) {
         s.start("lame_duck_duration: \"31s\", lame_duck_grace_period: \"30s\"");
         s.net().start(1, "");
         const std::string list = s.url(0) + ',' + s.url(1);
         options o = stage::quick();
         o.servers = list;
         o.leave_lame_duck = true;
         actor& a = s.connect("a", o);
         a.flush();
         s.net().retire(0);
         a.until_event("reconnected");
         a.server();
         a.events();
     },
     R"(
)"},
};

} // namespace

std::span<const scenario> reconnecting() {
    return table;
}

} // namespace nats::test
