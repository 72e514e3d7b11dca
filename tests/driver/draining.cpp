// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

const scenario table[] = {
    {"drain_a_subscription",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         listener& sub = a.subscribe("d");
         a.flush();
         for (const char* p : {"1", "2", "3"}) b.send("d", p);
         b.flush();
         sub.drain();
         sub.drain();
         sub.status();
         sub.rest();
         sub.status();
         sub.drain();
         b.publish("d", "late");
         b.flush();
         a.flush();
         sub.take();
         a.status();
     },
     R"(
a connect -> ok
b connect -> ok
a subscribe d -> ok
a flush -> ok
b flush -> ok
a drain d -> ok
a drain d -> ok
a status of d -> draining
a rest d -> 3: "1" "2" "3"; the subscription was drained
a status of d -> ended
a drain d -> the subscription is not valid any more
b publish d -> ok
b flush -> ok
a flush -> ok
a take d -> the subscription was drained
a status -> connected
)"},
    {"drain_a_subscription_with_a_handler",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         listener& sub = a.handle("d");
         a.flush();
         for (const char* p : {"1", "2"}) b.send("d", p);
         b.flush();
         sub.drain();
         a.flush();
         sub.status();
         b.publish("d", "late");
         b.flush();
         a.flush();
     },
     R"(
a connect -> ok
b connect -> ok
a subscribe d -> ok
a flush -> ok
b flush -> ok
a drain d -> ok
a handles -> d "1"
a handles -> d "2"
a flush -> ok
a status of d -> ended
b publish d -> ok
b flush -> ok
a flush -> ok
)"},
    {"drain_a_member_of_a_group",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         int leaves = 0;
         int stays = 0;
         listener& leaving = a.serve("g", [&](const message_view&) { ++leaves; }, {.queue = "q"});
         a.serve("g", [&](const message_view&) { ++stays; }, {.queue = "q"});
         for (int i = 0; i < 50; ++i) a.send("g");
         leaving.drain();
         a.flush();
         const int before = leaves;
         for (int i = 0; i < 50; ++i) a.send("g");
         a.flush();
         s.note("together " + std::to_string(leaves + stays));
         s.note(leaves == before && stays >= 50 ? "the one that left got no more" : "wrong");
         leaving.status();
     },
     R"(
a connect -> ok
a subscribe g -> ok
a subscribe g -> ok
a drain g -> ok
a flush -> ok
a flush -> ok
together 100
the one that left got no more
a status of g -> ended
)"},
    {"drain_a_connection",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         a.handle("in", [&](const message_view& m) { a.publish("out", m.payload); });
         a.flush();
         listener& out = b.subscribe("out");
         b.flush();
         for (const char* p : {"1", "2", "3"}) b.send("in", p);
         b.flush();
         a.drain();
         a.status();
         a.close_reason();
         a.publish("out", "late");
         a.drain();
         for (int i = 0; i < 3; ++i) out.next();
         b.flush();
         out.take();
         a.events();
     },
     R"(
a connect -> ok
b connect -> ok
a subscribe in -> ok
a flush -> ok
b subscribe out -> ok
b flush -> ok
b flush -> ok
a handles -> in "1"
a publish out -> ok
a handles -> in "2"
a publish out -> ok
a handles -> in "3"
a publish out -> ok
a drain -> ok
a status -> closed
a close reason -> connection closed
a publish out -> connection closed
a drain -> connection closed
b next out -> out "1"
b next out -> out "2"
b next out -> out "3"
b flush -> ok
b take out -> timeout
a events:
    connected server0
    closed: connection closed
)"},
    {"drain_a_connection_while_it_is_read",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         listener& sub = a.subscribe("in");
         a.flush();
         for (const char* p : {"1", "2", "3"}) b.send("in", p);
         b.flush();
         a.start_drain();
         a.status();
         sub.status();
         a.subscribe("late");
         a.request("late");
         a.publish("out", "still allowed");
         sub.rest();
         a.until_status(session_status::closed);
         a.close_reason();
         sub.next();
         a.publish("out", "late");
         a.events();
     },
     R"(
a connect -> ok
b connect -> ok
a subscribe in -> ok
a flush -> ok
b flush -> ok
a start drain -> ok
a status -> draining subscriptions
a status of in -> draining
a subscribe late -> the connection is being drained
a request late -> the connection is being drained
a publish out -> ok
a rest in -> 3: "1" "2" "3"; the subscription was drained
a until closed -> ok
a close reason -> connection closed
a next in -> the subscription was drained
a publish out -> connection closed
a events:
    connected server0
    closed: connection closed
)"},
    {"drain_a_connection_of_requests",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         a.handle("svc", [&](const message_view& m) { a.respond(m, "answer"); });
         a.request("svc", "1");
         a.start_drain();
         a.until_status(session_status::closed);
         a.close_reason();
     },
     R"(
a connect -> ok
a subscribe svc -> ok
a handles -> svc [_INBOX] "1"
a respond -> ok
a request svc -> _INBOX "answer"
a start drain -> ok
a until closed -> ok
a close reason -> connection closed
)"},
    {"drain_takes_too_long",
     [](stage& s) {
         s.start();
         options o;
         o.drain_timeout = 100ms;
         actor& a = s.connect("a", o);
         listener& sub = a.subscribe("in");
         a.send("in", "nobody reads this");
         a.flush();
         a.start_drain();
         a.until_status(session_status::closed);
         a.close_reason();
         sub.next();
         sub.next();
         a.events();
     },
     R"(
a connect -> ok
a subscribe in -> ok
a flush -> ok
a start drain -> ok
a until closed -> ok
a close reason -> the drain took too long
a next in -> in "nobody reads this"
a next in -> the subscription was drained
a events:
    connected server0
    warning: the drain took too long: draining subscriptions
    closed: the drain took too long
)"},
    {"drain_without_a_connection",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", stage::quick());
         listener& sub = a.subscribe("s");
         a.flush();
         s.net().stop(0);
         a.until_status(session_status::reconnecting);
         sub.drain();
         a.drain();
         a.status();
         a.close_reason();
         sub.next();
     },
     R"(
a connect -> ok
a subscribe s -> ok
a flush -> ok
a until reconnecting -> ok
a drain s -> ok
a drain -> not connected
a status -> closed
a close reason -> connection closed
a next s -> the subscription was drained
)"},
    {"drain_after_the_end",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         a.close();
         a.drain();
         a.start_drain();
     },
     R"(
a connect -> ok
a close -> ok
a drain -> connection closed
a start drain -> connection closed
)"},
};

} // namespace

std::span<const scenario> draining() {
    return table;
}

} // namespace nats::test
