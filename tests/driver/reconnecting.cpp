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
         a.stats(); // before a server's own text is in it
         a.request("gone");
         a.events();
     },
     R"(
a connect -> ok
a subscribe a -> ok
a subscribe b -> ok
a subscribe gone -> ok
a flush -> ok
a until event connect failed -> ok
a subscribe added -> ok
a wait connected -> ok
a publish a -> ok
a publish b -> ok
a publish added -> ok
a publish gone -> ok
a handles -> b "b"
a flush -> ok
a take a -> a "a"
a take added -> added "added"
a stats -> out 4 messages, 11 bytes; in 3 messages, 7 bytes; 1 reconnects
a request gone -> no responders (status 503): request to "gone"
a events:
    connected server0
    disconnected: the peer closed the connection
    connect failed server0: cannot connect
    reconnected 1 server0
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
a connect -> ok
a subscribe m -> ok
a unsubscribe after 3 of m -> ok
a next m -> m "1"
a next m -> m "2"
a until event connect failed -> ok
a wait connected -> ok
a rest m -> 1: "3"; the subscription has delivered all its messages
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
a connect -> ok
a subscribe k -> ok
a flush -> ok
a until event connect failed -> ok
a publish k -> ok
a publish k -> ok
a publish k -> ok
a kept -> 36 bytes
a publish a b -> invalid subject: publish to "a b"
a flush -> ok
a kept -> 0 bytes
a publish k -> ok
a next k -> k "1"
a next k -> k "2"
a next k -> k "3"
a next k -> k "4"
a stats -> out 4 messages, 4 bytes; in 4 messages, 4 bytes; 1 reconnects
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
a connect -> ok
a subscribe k -> ok
a flush -> ok
a until event connect failed -> ok
a publish k -> ok
a publish k -> ok
a publish k -> ok
a publish k -> not connected, and no more can be kept until then: 942 bytes are kept, of 1000
a publish k -> ok
a flush -> ok
a rest k -> 4: 301 bytes (1679204528) 301 bytes (2313503537) 301 bytes (2947802546) "a small one"; timeout
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
a connect -> ok
a flush -> ok
a until event connect failed -> ok
a publish x -> not connected, and no more can be kept until then: 0 bytes are kept, of 0
a wait connected -> ok
a publish x -> ok
a flush -> ok
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a until event connect failed -> ok
a publish s -> ok
a publish s -> ok
a next s -> s "small"
a publish s -> payload larger than the server accepts: 5000 bytes, max_payload is 1000
a events:
    connected server0
    disconnected: the peer closed the connection
    connect failed server0: cannot connect
    reconnected 1 server0
    warning: a kept publish had to be dropped: 1, by the limits of server0
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
a connect -> ok
a subscribe svc -> ok
a handles -> svc [_INBOX] "1"
a request svc -> the peer closed the connection
a status -> reconnecting
a request nobody -> no responders (status 503): request to "nobody"
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
a connect -> ok
a subscribe svc -> ok
a handles -> svc [_INBOX] "1"
a request svc -> timeout: request to "svc"
a wait connected -> ok
a request nobody -> no responders (status 503): request to "nobody"
a status -> connected
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a next s -> no server could be reached
a status -> closed
3 attempts
a close reason -> no server could be reached
a publish s -> connection closed
a events:
    connected server0
    disconnected: the peer closed the connection
    connect failed server0: cannot connect
    closed: no server could be reached
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a next s -> the peer closed the connection
a status -> closed
a force reconnect -> connection closed
a wait connected -> the peer closed the connection
a events:
    connected server0
    disconnected: the peer closed the connection
    closed: the peer closed the connection
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
a connect -> ok
a subscribe f -> ok
a publish f -> ok
a next f -> f "1"
a force reconnect -> ok
a wait connected -> ok
a publish f -> ok
a next f -> f "2"
a force reconnect -> ok
a wait connected -> ok
a publish f -> ok
a next f -> f "3"
a force reconnect -> ok
a wait connected -> ok
a publish f -> ok
a next f -> f "goes on"
a stats -> out 4 messages, 10 bytes; in 4 messages, 10 bytes; 3 reconnects
a events:
    connected server0
    disconnected: a reconnect was asked for
    reconnected 1 server0
    disconnected: a reconnect was asked for
    reconnected 2 server0
    disconnected: a reconnect was asked for
    reconnected 3 server0
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
a connect -> ok
a server -> server0
a force reconnect -> ok
a wait connected -> ok
a server -> server1
a force reconnect -> ok
a wait connected -> ok
a server -> server0
a force reconnect -> ok
a wait connected -> ok
a server -> server1
a events:
    connected server0
    disconnected: a reconnect was asked for
    reconnected 1 server1
    disconnected: a reconnect was asked for
    reconnected 2 server0
    disconnected: a reconnect was asked for
    reconnected 3 server1
)"},
    {"reconnecting_by_force_ends_a_wait",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.reconnect_wait = 1min;
         actor& a = s.connect("a", o);
         a.flush();
         s.net().stop(0);
         a.until_status(session_status::reconnecting);
         s.start();
         a.force_reconnect();
         a.wait_connected();
         a.events();
     },
     R"(
a connect -> ok
a flush -> ok
a until reconnecting -> ok
a force reconnect -> ok
a wait connected -> ok
a events:
    connected server0
    disconnected: the peer closed the connection
    reconnected 1 server0
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
a connect -> ok
a set servers -> ok
a server -> server0
a flush -> ok
a set servers -> invalid server URL: "nats://host:port": a path, query or fragment has no meaning here
a force reconnect -> ok
a wait connected -> ok
a server -> server1
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a until event reconnected -> ok
a server -> server1
a publish s -> ok
a next s -> s "there"
a events:
    connected server0
    disconnected: the peer closed the connection
    reconnected 1 server1
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a until event connect failed -> ok
a next s -> the server refused the login: Authorization Violation
a status -> closed
a close reason -> the server refused the login: Authorization Violation
a events:
    connected server0
    disconnected: the peer closed the connection
    connect failed server0: cannot connect
    connect failed server0: the server refused the login: Authorization Violation
    closed: the server refused the login: Authorization Violation
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
a connect -> ok
a until closed -> ok
a close reason -> the connection went stale: Stale Connection
a events:
    connected server0
    server error: the connection went stale: Stale Connection
    disconnected: the connection went stale: Stale Connection
    closed: the connection went stale: Stale Connection
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
a connect -> ok
a until closed -> ok
a close reason -> the peer does not speak the NATS protocol: unknown operation: the peer sent "NONSENSE\x0d"
a events:
    connected server0
    disconnected: the peer does not speak the NATS protocol: unknown operation: the peer sent "NONSENSE\x0d"
    closed: the peer does not speak the NATS protocol: unknown operation: the peer sent "NONSENSE\x0d"
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a until event lame duck -> ok
a publish s -> ok
a next s -> s "still works"
a events:
    connected server0
    lame duck server0
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
a connect -> ok
a flush -> ok
a until event reconnected -> ok
a server -> server1
a events:
    connected server0
    lame duck server0
    disconnected: the server is about to shut down: server0
    reconnected 1 server1
)"},
};

} // namespace

std::span<const scenario> reconnecting() {
    return table;
}

} // namespace nats::test
