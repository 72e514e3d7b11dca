// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <array>
#include <string>

namespace nats::test {

namespace {

const scenario table[] = {
    {"wildcards",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         const std::array<listener*, 4> all{&a.subscribe("a.*.c"), &a.subscribe("a.>"),
                                            &a.subscribe("a.b.c"), &a.subscribe("a.b.c")};
         a.publish("a.b.c", "1");
         a.publish("a.b", "2");
         a.publish("a", "3");
         a.flush();
         for (listener* l : all) l->rest(0s);
     },
     R"(
)"},
    {"queue_groups",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         int one = 0;
         int two = 0;
         a.serve("work", [&](const message_view&) { ++one; }, {.queue = "group"});
         a.serve("work", [&](const message_view&) { ++two; }, {.queue = "group"});
         listener& other = a.subscribe("work", {.queue = "other"});
         listener& plain = a.subscribe("work");
         for (int i = 0; i < 100; ++i) a.send("work", std::to_string(i));
         a.flush();
         s.note("the group got " + std::to_string(one + two));
         s.note(one > 0 && two > 0 ? "both of it" : "one of it only");
         other.rest(0s);
         plain.rest(0s);
     },
     R"(
)"},
    {"next_times_out",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("quiet");
         sub.next(shortly);
         sub.next(-1s);
         sub.take();
         a.publish("quiet", "now");
         sub.next(duration::max());
     },
     R"(
)"},
    {"unsubscribe_now",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("s");
         listener& other = a.subscribe("s");
         a.publish("s", "1");
         a.flush();
         sub.unsubscribe();
         sub.status();
         sub.take();
         sub.unsubscribe();
         a.publish("s", "2");
         a.flush();
         sub.take();
         other.rest(0s);
     },
     R"(
)"},
    {"unsubscribe_after_some",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("s");
         sub.unsubscribe(3);
         for (const char* p : {"1", "2", "3", "4", "5"}) a.send("s", p);
         sub.rest();
         sub.status();
         sub.unsubscribe();
         sub.unsubscribe(5);
     },
     R"(
)"},
    {"unsubscribe_after_more_than_came",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("s");
         for (const char* p : {"1", "2", "3"}) a.send("s", p);
         a.flush();
         sub.next();
         sub.unsubscribe(2); // three have come
         sub.rest();
         sub.status();
         listener& again = a.subscribe("s");
         again.unsubscribe(0);
         again.unsubscribe(1'000'000'000);
         again.status();
     },
     R"(
)"},
    {"unsubscribe_by_destroying",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("s");
         a.flush();
         sub.destroy();
         a.request("s", "anybody?");
     },
     R"(
)"},
    {"the_end_of_a_subscription_is_told",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("s");
         sub.note_end();
         sub.unsubscribe(2);
         for (const char* p : {"1", "2"}) a.send("s", p);
         a.flush();
         sub.next();
         a.flush();
         s.note("one is left");
         sub.next();
         a.flush();
         sub.next();
     },
     R"(
)"},
    {"two_clients_do_not_mix",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         listener& of_a = a.subscribe("s");
         listener& of_b = b.subscribe("s");
         a.flush();
         b.flush();
         a.publish("s", "1");
         a.flush();
         b.publish("s", "2");
         b.flush();
         a.flush();
         of_a.rest(0s);
         of_b.rest(0s);
         b.close();
         a.publish("s", "3");
         of_a.next();
         of_b.next();
     },
     R"(
)"},
};

} // namespace

std::span<const scenario> subscribing() {
    return table;
}

} // namespace nats::test
