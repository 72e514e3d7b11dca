// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

const scenario table[] = {
    {"handlers",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.handle("h.*");
         a.publish("h.1", "one");
         a.publish("h.2", "two", {.reply = "r", .headers = {}});
         a.flush();
         sub.take();
         sub.counters();
     },
     R"(
a connect -> ok
a subscribe h.* -> ok
a publish h.1 -> ok
a publish h.2 -> ok
a handles -> h.1 "one"
a handles -> h.2 [r] "two"
a flush -> ok
a take h.* -> invalid argument: this subscription has a handler
a counters of h.* -> 0 pending, 0 bytes, 2 delivered, 0 dropped
)"},
    {"handlers_that_publish",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& out = a.subscribe("out");
         a.serve("in", [&](const message_view& m) {
             a.send("out", m.payload);
             a.send("out", "again");
         });
         for (const char* p : {"1", "2", "3"}) a.publish("in", p);
         for (int i = 0; i < 6; ++i) out.next();
         a.flush();
         out.take();
     },
     R"(
a connect -> ok
a subscribe out -> ok
a subscribe in -> ok
a publish in -> ok
a publish in -> ok
a publish in -> ok
a next out -> out "1"
a next out -> out "again"
a next out -> out "2"
a next out -> out "again"
a next out -> out "3"
a next out -> out "again"
a flush -> ok
a take out -> timeout
)"},
    {"handlers_that_subscribe_and_unsubscribe",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener* more = nullptr;
         a.handle("first", [&](const message_view&) {
             if (more == nullptr) more = &a.handle("second");
         });
         listener& once = a.handle("once", [&](const message_view&) {});
         once.unsubscribe(1);
         a.publish("once", "1");
         a.publish("once", "2");
         a.publish("first");
         a.flush();
         a.publish("second", "heard");
         a.flush();
         a.publish("first");
         a.flush();
         once.status();
     },
     R"(
a connect -> ok
a subscribe first -> ok
a subscribe once -> ok
a unsubscribe after 1 of once -> ok
a publish once -> ok
a publish once -> ok
a publish first -> ok
a handles -> once "1"
a handles -> first ""
a subscribe second -> ok
a flush -> ok
a publish second -> ok
a handles -> second "heard"
a flush -> ok
a publish first -> ok
a handles -> first ""
a flush -> ok
a status of once -> ended
)"},
    {"handlers_that_destroy_their_subscription",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener* own = nullptr;
         own = &a.handle("s", [&](const message_view&) { own->destroy(); });
         for (const char* p : {"1", "2", "3"}) a.send("s", p);
         a.flush();
         a.request("s", "anybody?");
     },
     R"(
a connect -> ok
a subscribe s -> ok
a handles -> s "1"
a flush -> ok
a request s -> no responders (status 503): request to "s"
)"},
    {"handlers_and_readers_side_by_side",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         std::string handled;
         a.serve("s.*", [&](const message_view& m) { handled += m.payload; });
         listener& sub = a.subscribe("s.2");
         for (const char* p : {"s.1", "s.2", "s.3", "s.2"})
             a.send(p, std::string_view(p).substr(2));
         a.flush();
         s.note("handled " + handled);
         sub.rest(0s);
     },
     R"(
a connect -> ok
a subscribe s.* -> ok
a subscribe s.2 -> ok
a flush -> ok
handled 1232
a rest s.2 -> 2: "2" "2"; timeout
)"},
    {"handlers_that_are_empty",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         a.serve("s", message_handler());
         a.flush();
     },
     R"(
a connect -> ok
a subscribe s -> invalid argument: an empty handler
a flush -> ok
)"},
};

} // namespace

std::span<const scenario> handling() {
    return table;
}

} // namespace nats::test
