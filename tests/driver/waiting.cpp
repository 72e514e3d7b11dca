// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

constexpr const char* info = R"(INFO {"server_id":"R","version":"2.10.0","proto":1,)"
                             R"("headers":true,"max_payload":1048576})"
                             "\r\n";

const scenario table[] = {
    {"flush_and_rtt",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         listener& sub = b.subscribe("f");
         b.flush();
         for (int i = 0; i < 100; ++i) a.send("f", std::to_string(i));
         a.flush();
         b.flush();
         sub.counters();
         a.rtt();
         for (const duration bad : {duration(0s), duration(-1s)}) {
             a.flush(bad);
             a.rtt(bad);
             a.wait_connected(bad);
             a.barrier(bad);
         }
         a.flush(duration::max());
         a.wait_connected();
     },
     R"(
a connect -> ok
b connect -> ok
b subscribe f -> ok
b flush -> ok
a flush -> ok
b flush -> ok
b counters of f -> 100 pending, 190 bytes, 0 delivered, 0 dropped
a rtt -> ok
a flush -> invalid argument: timeout must be positive
a rtt -> invalid argument: timeout must be positive
a wait connected -> invalid argument: timeout must be positive
a barrier -> invalid argument: timeout must be positive
a flush -> invalid argument: timeout must be positive
a rtt -> invalid argument: timeout must be positive
a wait connected -> invalid argument: timeout must be positive
a barrier -> invalid argument: timeout must be positive
a flush -> ok
a wait connected -> ok
)"},
    {"flush_a_server_that_does_not_answer",
     [](stage& s) {
         s.net().start(0, script{.greeting = info, .answer = "PONG\r\n"});
         actor& a = s.connect("a");
         a.flush(shortly);
         a.rtt(shortly);
         listener& sub = a.subscribe("s");
         sub.next(shortly);
         a.request("s", "?", shortly);
         a.status();
     },
     R"(
a connect -> ok
a flush -> timeout
a rtt -> timeout
a subscribe s -> ok
a next s -> timeout
a request s -> timeout: request to "s"
a status -> connected
)"},
    {"a_server_that_answers_no_pings_is_left",
     [](stage& s) {
         s.net().start(0, script{.greeting = info, .answer = "PONG\r\n"});
         actor& a = s.connect("a", {.ping_interval = 20ms, .max_pings_out = 2, .reconnect = false});
         listener& sub = a.subscribe("s");
         sub.next();
         a.status();
         a.flush();
         a.close_reason();
         a.events();
     },
     R"(
a connect -> ok
a subscribe s -> ok
a next s -> the connection went stale: PINGs were not answered
a status -> closed
a flush -> the connection went stale: PINGs were not answered
a close reason -> the connection went stale: PINGs were not answered
a events:
    connected server0
    disconnected: the connection went stale: PINGs were not answered
    closed: the connection went stale: PINGs were not answered
)"},
    {"a_server_that_answers_pings_is_kept",
     [](stage& s) {
         s.start();
         actor& a =
             s.connect("a", {.ping_interval = 10ms, .max_pings_out = 30, .reconnect = false});
         listener& sub = a.subscribe("s");
         sub.next(500ms);
         a.publish("s", "still there");
         sub.next();
         a.events();
     },
     R"(
a connect -> ok
a subscribe s -> ok
a next s -> timeout
a publish s -> ok
a next s -> s "still there"
a events:
    connected server0
)"},
    {"a_barrier",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         a.barrier();
         listener& sub = a.subscribe("b");
         for (const char* p : {"1", "2"}) a.send("b", p);
         a.flush();
         a.barrier(shortly);
         sub.next();
         a.barrier(shortly);
         sub.next();
         a.barrier();
     },
     R"(
a connect -> ok
a barrier -> ok
a subscribe b -> ok
a flush -> ok
a barrier -> timeout
a next b -> b "1"
a barrier -> timeout
a next b -> b "2"
a barrier -> ok
)"},
    {"waiting_without_a_connection",
     [](stage& s) {
         s.start();
         options o = stage::quick();
         o.reconnect_wait = 1min;
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("s");
         a.flush();
         s.net().stop(0);
         a.until_status(session_status::reconnecting);
         sub.next(shortly);
         a.flush(shortly);
         a.rtt();
         a.wait_connected(shortly);
         a.request("s", "?", shortly);
         a.barrier();
         a.close();
         sub.next();
     },
     R"(
a connect -> ok
a subscribe s -> ok
a flush -> ok
a until reconnecting -> ok
a next s -> timeout
a flush -> timeout
a rtt -> not connected
a wait connected -> timeout
a request s -> timeout: request to "s"
a barrier -> ok
a close -> ok
a next s -> connection closed
)"},
};

} // namespace

std::span<const scenario> waiting() {
    return table;
}

} // namespace nats::test
