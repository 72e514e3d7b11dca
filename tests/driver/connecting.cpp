// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

constexpr const char* with_users = "authorization { user: joe, password: secret }";
constexpr const char* info = R"(INFO {"server_id":"R","version":"2.10.0","proto":1,)"
                             R"("headers":true,"max_payload":1048576})"
                             "\r\n";

const scenario table[] = {
    {"connect_and_close",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         a.status();
         a.server();
         a.flush();
         a.close();
         a.status();
         a.events();
     },
     R"(
a connect -> ok
a status -> connected
a server -> server0
a flush -> ok
a close -> ok
a status -> closed
a events:
    connected server0
    closed: connection closed
)"},
    {"connect_to_nobody",
     [](stage& s) {
         actor& a = s.connect("a");
         a.events();
     },
     R"(
a connect -> cannot connect
a events:
    connect failed server0: cannot connect
    closed: cannot connect
)"},
    {"connect_to_the_second_of_a_list",
     [](stage& s) {
         s.net().start(1, "");
         const std::string list = s.url(0) + ',' + s.url(1);
         options o = stage::quick();
         o.servers = list;
         actor& a = s.connect("a", o);
         a.server();
         a.events();
     },
     R"(
a connect -> ok
a server -> server1
a events:
    connect failed server0: cannot connect
    connected server1
)"},
    {"connect_to_the_first_server_before_the_list",
     [](stage& s) {
         s.start();
         s.net().start(1, "");
         const std::string first = s.url(1);
         options o = stage::quick();
         o.first_server = first;
         actor& a = s.connect("a", o);
         a.server();
     },
     R"(
a connect -> ok
a server -> server1
)"},
    {"log_in",
     [](stage& s) {
         s.start(with_users);
         actor& a = s.connect("a", {.user = "joe", .password = "secret"});
         a.flush();
         const std::string url = s.url(0, "joe:secret");
         actor& b = s.connect("b", {.servers = url});
         b.flush();
         b.events();
     },
     R"(
a connect -> ok
a flush -> ok
b connect -> ok
b flush -> ok
b events:
    connected server0
)"},
    {"log_in_wrongly",
     [](stage& s) {
         s.start(with_users);
         actor& a = s.connect("a", {.user = "joe", .password = "wrong"});
         a.events();
         (void)s.connect("nobody");
         s.start("authorization { token: t0ken }");
         (void)s.connect("b", {.token = "t0ken"});
         (void)s.connect("c", {.token = "other"});
     },
     R"(
a connect -> the server refused the login: Authorization Violation
a events:
    connect failed server0: the server refused the login: Authorization Violation
    closed: the server refused the login: Authorization Violation
nobody connect -> the server refused the login: Authorization Violation
b connect -> ok
c connect -> the server refused the login: Authorization Violation
)"},
    {"connect_to_a_silent_server",
     [](stage& s) {
         s.net().start(0, script{});
         options o;
         o.connect_timeout = shortly;
         actor& a = s.connect("a", o);
         a.events();
         s.net().start(0, script{.greeting = info});
         o.connect_timeout = 300ms; // INFO takes its time on a busy machine
         actor& b = s.connect("b", o);
         b.events();
     },
     R"(
a connect -> timeout: no INFO from server0 within 40 ms
a events:
    connect failed server0: timeout: no INFO from server0 within 40 ms
    closed: timeout: no INFO from server0 within 40 ms
b connect -> timeout: no PONG from server0 within 300 ms
b events:
    connect failed server0: timeout: no PONG from server0 within 300 ms
    closed: timeout: no PONG from server0 within 300 ms
)"},
    {"connect_to_what_is_no_server",
     [](stage& s) {
         for (const char* greeting : {"HTTP/1.1 400 Bad Request\r\n\r\n", "PING\r\n", "INFO {\r\n",
                                      "INFO {\"max_payload\":\"1\"}\r\n"}) {
             s.net().start(0, script{.greeting = greeting});
             (void)s.connect("a");
         }
         s.net().start(0, script{.closes = true});
         (void)s.connect("b");
         s.net().start(0, script{.greeting = info,
                                 .answer = "-ERR 'maximum connections exceeded'\r\n",
                                 .closes = true});
         actor& c = s.connect("c");
         c.events();
     },
     R"(
a connect -> the peer does not speak the NATS protocol: unknown operation: the peer sent "HTTP/1.1 400 Bad Request\x0d"
a connect -> the peer sent an operation that is not allowed now: PING while awaiting_info
a connect -> the server sent an INFO that cannot be read: not the JSON of an INFO
a connect -> the server sent an INFO that cannot be read: not the JSON of an INFO
b connect -> the peer closed the connection
c connect -> the server has too many connections: maximum connections exceeded
c events:
    connect failed server0: the server has too many connections: maximum connections exceeded
    closed: the server has too many connections: maximum connections exceeded
)"},
    {"connect_with_invalid_options",
     [](stage& s) {
         s.start();
         (void)s.connect("port", {.servers = "nats://host:port"});
         (void)s.connect("empty", {.servers = ""});
         (void)s.connect("prefix", {.inbox_prefix = "a..b"});
         (void)s.connect("both", {.user = "joe", .token = "t"});
         (void)s.connect("timeout", {.connect_timeout = 0s});
         (void)s.connect("interval", {.ping_interval = -1s});
         options o;
         o.pending.messages = 0;
         (void)s.connect("pending", o);
         o = {};
         o.reconnect_wait = -1s;
         actor& last = s.connect("wait", o);
         last.events();
     },
     R"(
port connect -> invalid server URL: "nats://host:port": a path, query or fragment has no meaning here
empty connect -> invalid server URL: "": empty: no server is named
prefix connect -> invalid inbox prefix: "a..b"
both connect -> invalid argument: both a token and a user
timeout connect -> invalid argument: connect_timeout must be positive
interval connect -> invalid argument: ping_interval must be positive
pending connect -> invalid argument: a pending limit of 0; use a negative number for no limit
wait connect -> invalid argument: reconnect_wait must be 0 to one year
wait events: none
)"},
    {"connect_before_the_server_is_there",
     [](stage& s) {
         s.start();
         s.net().stop(0);
         options o = stage::quick();
         o.retry_on_failed_connect = true;
         actor& a = s.connect("a", o);
         a.status();
         listener& sub = a.subscribe("s");
         a.publish("s", "kept");
         a.rtt();
         s.start();
         a.wait_connected();
         sub.next();
         a.status();
         a.stats();
         a.events();
     },
     R"(
a connect -> ok
a status -> reconnecting
a subscribe s -> ok
a publish s -> ok
a rtt -> not connected
a wait connected -> ok
a next s -> s "kept"
a status -> connected
a stats -> out 1 messages, 4 bytes; in 1 messages, 4 bytes; 0 reconnects
a events:
    connect failed server0: cannot connect
    connected server0
)"},
};

} // namespace

std::span<const scenario> connecting() {
    return table;
}

} // namespace nats::test
