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
)"},
    {"events_in_their_order",
     [](stage& s) {
         s.start();
         s.net().start(1, "");
         const std::string list = s.url(0) + ',' + s.url(1);
         options o = stage::quick();
         o.servers = list;
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
         a.until_event("connect failed server0");
         a.close();
         a.events();
     },
     R"(
)"},
};

} // namespace

std::span<const scenario> ending() {
    return table;
}

} // namespace nats::test
