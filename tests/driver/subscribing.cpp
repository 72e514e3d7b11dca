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
a connect -> ok
a subscribe a.*.c -> ok
a subscribe a.> -> ok
a subscribe a.b.c -> ok
a subscribe a.b.c -> ok
a publish a.b.c -> ok
a publish a.b -> ok
a publish a -> ok
a flush -> ok
a rest a.*.c -> 1: "1"; timeout
a rest a.> -> 2: "1" "2"; timeout
a rest a.b.c -> 1: "1"; timeout
a rest a.b.c -> 1: "1"; timeout
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
a connect -> ok
a subscribe work -> ok
a subscribe work -> ok
a subscribe work -> ok
a subscribe work -> ok
a flush -> ok
the group got 100
both of it
a rest work -> 100: "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"; timeout
a rest work -> 100: "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"; timeout
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
a connect -> ok
a subscribe quiet -> ok
a next quiet -> timeout
a next quiet -> timeout
a take quiet -> timeout
a publish quiet -> ok
a next quiet -> quiet "now"
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
a connect -> ok
a subscribe s -> ok
a subscribe s -> ok
a publish s -> ok
a flush -> ok
a unsubscribe s -> ok
a status of s -> ended
a take s -> the subscription is not valid any more
a unsubscribe s -> the subscription is not valid any more
a publish s -> ok
a flush -> ok
a take s -> the subscription is not valid any more
a rest s -> 2: "1" "2"; timeout
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
a connect -> ok
a subscribe s -> ok
a unsubscribe after 3 of s -> ok
a rest s -> 3: "1" "2" "3"; the subscription has delivered all its messages
a status of s -> ended
a unsubscribe s -> the subscription is not valid any more
a unsubscribe after 5 of s -> the subscription is not valid any more
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a next s -> s "1"
a unsubscribe after 2 of s -> ok
a rest s -> 2: "2" "3"; the subscription has delivered all its messages
a status of s -> ended
a subscribe s -> ok
a unsubscribe after 0 of s -> invalid argument: unsubscribe after 0 messages
a unsubscribe after 1000000000 of s -> invalid argument: unsubscribe after 1000000000 messages
a status of s -> active
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
a connect -> ok
a subscribe s -> ok
a flush -> ok
a request s -> no responders (status 503): request to "s"
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
a connect -> ok
a subscribe s -> ok
a unsubscribe after 2 of s -> ok
a flush -> ok
a next s -> s "1"
a flush -> ok
one is left
a next s -> s "2"
a end of s -> the subscription has delivered all its messages
a flush -> ok
a next s -> the subscription has delivered all its messages
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
a connect -> ok
b connect -> ok
a subscribe s -> ok
b subscribe s -> ok
a flush -> ok
b flush -> ok
a publish s -> ok
a flush -> ok
b publish s -> ok
b flush -> ok
a flush -> ok
a rest s -> 2: "1" "2"; timeout
b rest s -> 2: "1" "2"; timeout
b close -> ok
a publish s -> ok
a next s -> s "3"
b next s -> connection closed
)"},
};

} // namespace

std::span<const scenario> subscribing() {
    return table;
}

} // namespace nats::test
