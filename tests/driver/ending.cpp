// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

const scenario table[] = {
    {"close_twice_and_call_on",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("c");
         a.flush();
         a.close();
         a.close();
         a.status();
         a.close_reason();
         a.publish("c");
         a.subscribe("c");
         a.flush();
         a.rtt();
         a.wait_connected();
         a.barrier();
         a.request("c");
         a.request_by_inbox("c");
         a.request_many("c", {}, {.timeout = patience});
         a.force_reconnect();
         sub.next();
         sub.take();
         sub.status();
         sub.unsubscribe();
         sub.drain();
         a.events();
     },
     R"(
a connect -> ok
a subscribe c -> ok
a flush -> ok
a close -> ok
a close -> ok
a status -> closed
a close reason -> connection closed
a publish c -> connection closed
a subscribe c -> connection closed
a flush -> connection closed
a rtt -> connection closed
a wait connected -> connection closed
a barrier -> ok
a request c -> connection closed
a request by inbox c -> connection closed
a request many c -> connection closed
a force reconnect -> connection closed
a next c -> connection closed
a take c -> connection closed
a status of c -> ended
a unsubscribe c -> the subscription is not valid any more
a drain c -> the subscription is not valid any more
a events:
    connected server0
    closed: connection closed
)"},
    {"close_writes_what_was_published",
     [](stage& s) {
         s.start();
         actor& reader = s.connect("reader");
         listener& sub = reader.subscribe("c");
         reader.flush();
         actor& writer = s.connect("writer");
         for (int i = 0; i < 1000; ++i) writer.send("c", std::to_string(i));
         writer.close();
         std::size_t in_order = 0;
         for (int i = 0; i < 1000; ++i) {
             const result<message> m = sub.get().next(patience);
             if (m && m->payload() == std::to_string(i)) ++in_order;
         }
         s.note(std::to_string(in_order) + " in order");
     },
     R"(
reader connect -> ok
reader subscribe c -> ok
reader flush -> ok
writer connect -> ok
writer close -> ok
1000 in order
)"},
    {"what_had_come_before_the_end_can_be_read",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", {.reconnect = false});
         actor& other = s.connect("other");
         listener& sub = a.subscribe("s");
         a.flush();
         for (const char* p : {"1", "2", "3"}) other.send("s", p);
         other.flush();
         a.flush();
         for (const char* p : {"4", "5"}) other.send("s", p);
         other.flush();
         s.net().stop(0);
         sub.rest();
         sub.rest();
         a.status();
         a.events();
     },
     R"(
a connect -> ok
other connect -> ok
a subscribe s -> ok
a flush -> ok
other flush -> ok
a flush -> ok
other flush -> ok
a rest s -> 5: "1" "2" "3" "4" "5"; the peer closed the connection
a rest s -> 0:; the peer closed the connection
a status -> closed
a events:
    connected server0
    disconnected: the peer closed the connection
    closed: the peer closed the connection
)"},
    {"what_had_come_before_close_can_be_read",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("s");
         for (const char* p : {"1", "2"}) a.send("s", p);
         a.flush();
         a.close();
         sub.rest();
     },
     R"(
a connect -> ok
a subscribe s -> ok
a flush -> ok
a close -> ok
a rest s -> 2: "1" "2"; connection closed
)"},
    {"subscriptions_outlive_their_client",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("s");
         listener& other = a.subscribe("other");
         a.publish("s", "received before");
         a.flush();
         asker& many = a.request_many("other", "?", {.timeout = patience});
         a.destroy();
         sub.next();
         sub.next();
         sub.status();
         sub.unsubscribe();
         many.next();
         other.destroy();
     },
     R"(
a connect -> ok
a subscribe s -> ok
a subscribe other -> ok
a publish s -> ok
a flush -> ok
a request many other -> ok
a destroy -> ok
a next s -> s "received before"
a next s -> connection closed
a status of s -> ended
a unsubscribe s -> the subscription is not valid any more
a reply of other -> connection closed
)"},
    {"a_client_is_destroyed_with_all_it_has",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         a.handle("s");
         listener& sub = b.subscribe("last");
         b.flush();
         a.publish("last", "words");
         a.destroy();
         sub.next();
         b.request("s", "anybody?");
     },
     R"(
a connect -> ok
b connect -> ok
a subscribe s -> ok
b subscribe last -> ok
b flush -> ok
a publish last -> ok
a destroy -> ok
b next last -> last "words"
b request s -> no responders (status 503): request to "s"
)"},
    {"events_in_their_order",
     [](stage& s) {
         s.start();
         s.net().start(1, "");
         const std::string list = s.url(0) + ',' + s.url(1);
         options o = stage::quick();
         o.servers = list;
         o.max_reconnects = 1;
         actor& a = s.connect("a", o);
         listener& sub =
             a.subscribe("slow", {.queue = {}, .pending = pending_limits{.messages = 1}});
         for (const char* p : {"1", "2", "3"}) a.send("slow", p);
         a.flush();
         a.force_reconnect();
         a.wait_connected();
         s.net().stop(1);
         a.until_event("reconnected 2");
         sub.take();
         sub.take();
         s.net().stop(0);
         a.until_status(session_status::closed);
         a.events();
     },
     R"(
a connect -> ok
a subscribe slow -> ok
a flush -> ok
a force reconnect -> ok
a wait connected -> ok
a until event reconnected 2 -> ok
a take slow -> slow consumer: messages were dropped: 2 dropped so far
a take slow -> slow "1"
a until closed -> ok
a events:
    connected server0
    slow consumer slow, 1 dropped
    disconnected: a reconnect was asked for
    reconnected 1 server1
    disconnected: the peer closed the connection
    reconnected 2 server0
    disconnected: the peer closed the connection
    connect failed server1: cannot connect
    connect failed server0: cannot connect
    closed: no server could be reached
)"},
};

} // namespace

std::span<const scenario> ending() {
    return table;
}

} // namespace nats::test
