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
)"},
    {"connect_to_nobody",
     [](stage& s) {
         actor& a = s.connect("a");
         a.events();
     },
     R"(
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
)"},
    {"connect_to_a_silent_server",
     [](stage& s) {
         s.net().start(0, script{});
         options o;
         o.connect_timeout = shortly;
         actor& a = s.connect("a", o);
         a.events();
         s.net().start(0, script{.greeting = info});
         actor& b = s.connect("b", o);
         b.events();
     },
     R"(
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
)"},
};

} // namespace

std::span<const scenario> connecting() {
    return table;
}

} // namespace nats::test
