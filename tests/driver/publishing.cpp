// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <string>

namespace nats::test {

namespace {

const scenario table[] = {
    {"publish_and_receive",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         actor& b = s.connect("b");
         listener& sub = a.subscribe("greet.*");
         a.flush();
         b.publish("greet.joe", "hello");
         b.publish("greet.ann", std::string_view("\0\r\nMSG x 1 1\r\n\xff", 15));
         b.publish("other", "not for a");
         b.publish("greet.last");
         b.flush();
         sub.next();
         sub.next();
         sub.next();
         a.flush();
         sub.take();
     },
     R"(
)"},
    {"publish_with_a_reply_subject",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& questions = a.subscribe("question");
         listener& answers = a.subscribe("answers.a");
         a.publish("question", "why?", {.reply = "answers.a", .headers = {}});
         const message m = questions.next();
         a.respond(m, "because");
         answers.next();
         a.publish("question", "no answer, please");
         a.respond(questions.next(), "x");
     },
     R"(
)"},
    {"publish_headers",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("h");
         headers h;
         (void)h.add("Accept", "text/plain");
         (void)h.add("accept", "lower");
         (void)h.add("Accept", "text/html; q=0.5");
         (void)h.add("Empty", "");
         a.publish("h", "body", {.reply = "r", .headers = h});
         const message m = sub.next();
         a.publish("h", m.payload(), {.reply = {}, .headers = m.headers()});
         sub.next();
         a.publish("h", {}, {.reply = {}, .headers = header_view("NATS/1.0 404 Not Here\r\n\r\n")});
         sub.next();
     },
     R"(
)"},
    {"publish_a_mebibyte",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("large");
         std::string large(1024 * 1024, ' ');
         for (std::size_t i = 0; i < large.size(); ++i)
             large[i] = static_cast<char>(i * 31 + i / 997);
         a.publish("large", large);
         a.publish("large", "small");
         sub.next();
         sub.next();
         large += 'x';
         a.publish("large", large);
         a.flush();
         sub.take();
         a.status();
     },
     R"(
)"},
    {"publish_up_to_max_payload",
     [](stage& s) {
         s.start("max_payload: 1000");
         actor& a = s.connect("a");
         listener& sub = a.subscribe("m");
         headers h;
         (void)h.set("Name", "value");
         const std::string most(1000, 'p');
         const std::size_t room = 1000 - h.view().raw().size();
         a.publish("m", most);
         a.publish("m", most + 'p');
         a.publish("m", bytes(most.data(), room), {.reply = {}, .headers = h});
         a.publish("m", bytes(most.data(), room + 1), {.reply = {}, .headers = h});
         a.request("m", most + 'p');
         sub.next();
         sub.next();
         a.flush();
         sub.take();
         a.events();
     },
     R"(
)"},
    {"publish_in_order",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("n");
         for (int i = 0; i < 2000; ++i) a.send("n", std::to_string(i));
         a.flush();
         std::size_t in_order = 0;
         for (int i = 0; i < 2000; ++i) {
             const result<message> m = sub.get().next(patience);
             if (m && m->payload() == std::to_string(i)) ++in_order;
         }
         s.note(std::to_string(in_order) + " in order");
         sub.take();
     },
     R"(
)"},
    {"publish_what_is_invalid",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         for (const std::string_view bad : {"", ".", "a.", ".a", "a..b", "a b", "a\tb", "a\r\nb",
                                            "a.*", "a.>", "*", "a\x01"}) {
             a.publish(bad, "x");
             a.request(bad, "x");
         }
         a.publish("ok", "x", {.reply = "a b", .headers = {}});
         a.publish(std::string(5000, 's'), "x");
         a.subscribe("a..b");
         a.subscribe("a.>.b");
         a.subscribe("a b");
         a.subscribe("ok", {.queue = ""});
         a.subscribe("ok", {.queue = "a b"});
         a.subscribe("ok", {.queue = {}, .pending = pending_limits{.messages = 0}});
         a.flush();
         a.stats();
         a.events();
     },
     R"(
)"},
    {"publish_without_an_echo",
     [](stage& s) {
         s.start();
         actor& deaf = s.connect("deaf", {.no_echo = true});
         actor& other = s.connect("other");
         listener& sub = deaf.subscribe("echo");
         deaf.publish("echo", "own");
         deaf.flush();
         other.publish("echo", "other's");
         other.flush();
         sub.next();
         deaf.flush();
         sub.take();
     },
     R"(
)"},
    {"publish_verbosely",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a", {.verbose = true, .pedantic = true});
         listener& sub = a.subscribe("v");
         for (int i = 0; i < 100; ++i) a.send("v", std::to_string(i));
         a.flush();
         sub.rest(0s);
         a.request("nobody");
         sub.unsubscribe();
         a.flush();
         a.events();
     },
     R"(
)"},
    {"publish_and_count",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& sub = a.subscribe("counted");
         headers h;
         (void)h.set("A", "b");
         a.publish("counted", "12345");
         a.publish("counted", "123", {.reply = {}, .headers = h});
         a.publish("elsewhere", "1234567");
         a.flush();
         sub.next();
         a.stats();
         sub.counters();
     },
     R"(
)"},
};

} // namespace

std::span<const scenario> publishing() {
    return table;
}

} // namespace nats::test
