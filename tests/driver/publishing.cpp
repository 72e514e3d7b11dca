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
         b.publish("greet.ann", std::string_view("\0\r\nMSG x 1 1\r\n\x7f", 15));
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
a connect -> ok
b connect -> ok
a subscribe greet.* -> ok
a flush -> ok
b publish greet.joe -> ok
b publish greet.ann -> ok
b publish other -> ok
b publish greet.last -> ok
b flush -> ok
a next greet.* -> greet.joe "hello"
a next greet.* -> greet.ann "\x00\r\nMSG x 1 1\r\n\x7f"
a next greet.* -> greet.last ""
a flush -> ok
a take greet.* -> timeout
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
a connect -> ok
a subscribe question -> ok
a subscribe answers.a -> ok
a publish question -> ok
a next question -> question [answers.a] "why?"
a respond -> ok
a next answers.a -> answers.a "because"
a publish question -> ok
a next question -> question "no answer, please"
a respond -> the message has no reply subject: "question"
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
a connect -> ok
a subscribe h -> ok
a publish h -> ok
a next h -> h [r] {NATS/1.0\r\nAccept: text/plain\r\naccept: lower\r\nAccept: text/html; q=0.5\r\nEmpty: \r\n\r\n} "body"
a publish h -> ok
a next h -> h {NATS/1.0\r\nAccept: text/plain\r\naccept: lower\r\nAccept: text/html; q=0.5\r\nEmpty: \r\n\r\n} "body"
a publish h -> ok
a next h -> h {NATS/1.0 404 Not Here\r\n\r\n} ""
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
a connect -> ok
a subscribe large -> ok
a publish large -> ok
a publish large -> ok
a next large -> large 1048576 bytes (2897491022)
a next large -> large "small"
a publish large -> payload larger than the server accepts: 1048577 bytes, max_payload is 1048576
a flush -> ok
a take large -> timeout
a status -> connected
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
a connect -> ok
a subscribe m -> ok
a publish m -> ok
a publish m -> payload larger than the server accepts: 1001 bytes, max_payload is 1000
a publish m -> ok
a publish m -> payload larger than the server accepts: 1001 bytes, max_payload is 1000
a request m -> payload larger than the server accepts: 1001 bytes, max_payload is 1000
a next m -> m 1000 bytes (689592320)
a next m -> m {NATS/1.0\r\nName: value\r\n\r\n} 975 bytes (1782783600)
a flush -> ok
a take m -> timeout
a events:
    connected server0
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
a connect -> ok
a subscribe n -> ok
a flush -> ok
2000 in order
a take n -> timeout
)"},
    {"publish_what_is_invalid",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         for (const std::string_view bad :
              {"", ".", "a.", ".a", "a..b", "a b", "a\tb", "a\r\nb", "a.*", "a.>", "*", "a\x01"}) {
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
a connect -> ok
a publish  -> invalid subject: publish to ""
a request  -> invalid subject: publish to ""
a publish . -> invalid subject: publish to "."
a request . -> invalid subject: publish to "."
a publish a. -> invalid subject: publish to "a."
a request a. -> invalid subject: publish to "a."
a publish .a -> invalid subject: publish to ".a"
a request .a -> invalid subject: publish to ".a"
a publish a..b -> invalid subject: publish to "a..b"
a request a..b -> invalid subject: publish to "a..b"
a publish a b -> invalid subject: publish to "a b"
a request a b -> invalid subject: publish to "a b"
a publish a\x09b -> invalid subject: publish to "a\x09b"
a request a\x09b -> invalid subject: publish to "a\x09b"
a publish a\r\nb -> invalid subject: publish to "a\x0d\x0ab"
a request a\r\nb -> invalid subject: publish to "a\x0d\x0ab"
a publish a.* -> invalid subject: publish to "a.*"
a request a.* -> invalid subject: publish to "a.*"
a publish a.> -> invalid subject: publish to "a.>"
a request a.> -> invalid subject: publish to "a.>"
a publish * -> invalid subject: publish to "*"
a request * -> invalid subject: publish to "*"
a publish a\x01 -> invalid subject: publish to "a\x01"
a request a\x01 -> invalid subject: publish to "a\x01"
a publish ok -> invalid subject: reply subject "a b"
a publish ssssssssssssssssssssssssssssssssssssssss -> subject, reply or queue group too long for one command
a subscribe a..b -> invalid subject: subscribe to "a..b"
a subscribe a.>.b -> invalid subject: subscribe to "a.>.b"
a subscribe a b -> invalid subject: subscribe to "a b"
a subscribe ok -> invalid queue group: ""
a subscribe ok -> invalid queue group: "a b"
a subscribe ok -> invalid argument: a pending limit of 0; use a negative number for no limit
a flush -> ok
a stats -> out 0 messages, 0 bytes; in 0 messages, 0 bytes; 0 reconnects
a events:
    connected server0
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
deaf connect -> ok
other connect -> ok
deaf subscribe echo -> ok
deaf publish echo -> ok
deaf flush -> ok
other publish echo -> ok
other flush -> ok
deaf next echo -> echo "other's"
deaf flush -> ok
deaf take echo -> timeout
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
a connect -> ok
a subscribe v -> ok
a flush -> ok
a rest v -> 100: "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"; timeout
a request nobody -> no responders (status 503): request to "nobody"
a unsubscribe v -> ok
a flush -> ok
a events:
    connected server0
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
a connect -> ok
a subscribe counted -> ok
a publish counted -> ok
a publish counted -> ok
a publish elsewhere -> ok
a flush -> ok
a next counted -> counted "12345"
a stats -> out 3 messages, 33 bytes; in 2 messages, 26 bytes; 0 reconnects
a counters of counted -> 1 pending, 21 bytes, 1 delivered, 0 dropped
)"},
};

} // namespace

std::span<const scenario> publishing() {
    return table;
}

} // namespace nats::test
