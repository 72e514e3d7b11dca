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
)"},
    {"drain_a_member_of_a_group",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         int leaves = 0;
         int stays = 0;
         listener& leaving =
             a.serve("g", [&](const message_view&) { ++leaves; }, {.queue = "q"});
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
)"},
};

} // namespace

std::span<const scenario> draining() {
    return table;
}

} // namespace nats::test
