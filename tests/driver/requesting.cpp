// SPDX-License-Identifier: Apache-2.0

#include <natsproto/client/ops.hpp>

#include "driver/scenarios.hpp"

#include <string>
#include <utility>
#include <vector>

namespace nats::test {

namespace {

/// Answers with what it got.
listener& serve_echo(actor& a) {
    return a.serve(
        "echo", [&a](const message_view& m) { (void)a.get()->respond(m, m.payload, m.headers); });
}

/// Answers "list" with these, in this order.
listener& serve_list(actor& a, std::vector<std::string> answers) {
    return a.serve("list", [&a, answers = std::move(answers)](const message_view& m) {
        for (const std::string& p : answers) (void)a.get()->respond(m, p, {});
    });
}

/// Asks twice, and joins the answers.
op<result<std::string>> ask_twice(runtime& rt, std::string subject, time_point deadline) {
    std::string out;
    const header_view no_headers;
    for (const std::string_view question : {"first", "second"}) {
        const result<message_view> reply =
            co_await rt.request(subject, question, no_headers, deadline);
        if (!reply) co_return reply.error();
        out += reply->payload;
        const result<duration> flushed = co_await rt.flush(deadline);
        if (!flushed) co_return flushed.error();
    }
    co_return out;
}

op<result<std::string>> sleep(runtime& rt, time_point until) {
    const result<void> slept = co_await rt.sleep_until(until);
    if (!slept) co_return slept.error();
    co_return rt.now() >= until ? "slept" : "woken early";
}

const scenario table[] = {
    {"requests",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_echo(a);
         headers h;
         (void)h.add("K", "1");
         (void)h.add("K", "2");
         a.request("echo", "hello", patience, h);
         a.request("echo");
         a.request("echo", std::string(100'000, 'x'));
     },
     R"(
a connect -> ok
a subscribe echo -> ok
a request echo -> _INBOX {NATS/1.0\r\nK: 1\r\nK: 2\r\n\r\n} "hello"
a request echo -> _INBOX ""
a request echo -> _INBOX 100000 bytes (308785152)
)"},
    {"requests_to_nobody",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         a.request("nobody", "hello?");
         a.request_by_inbox("nobody", "hello?");
         actor& b = s.connect("b", {.no_responders = false});
         b.request("nobody", "hello?", shortly);
     },
     R"(
a connect -> ok
a request nobody -> no responders (status 503): request to "nobody"
a request by inbox nobody -> no responders (status 503)
b connect -> ok
b request nobody -> timeout: request to "nobody"
)"},
    {"requests_that_time_out",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         listener& silent = a.subscribe("silent");
         serve_echo(a);
         a.request("silent", "1", shortly);
         a.request_by_inbox("silent", "2", shortly);
         a.respond(silent.next(), "late");
         a.respond(silent.next(), "late");
         a.request("echo", "mine");
         a.request("echo", {}, 0s);
         a.request("echo", {}, -1s);
         a.request_by_inbox("echo", {}, 0s);
     },
     R"(
a connect -> ok
a subscribe silent -> ok
a subscribe echo -> ok
a request silent -> timeout: request to "silent"
a request by inbox silent -> timeout
a next silent -> silent [_INBOX] "1"
a respond -> ok
a next silent -> silent [_INBOX] "2"
a respond -> ok
a request echo -> _INBOX "mine"
a request echo -> invalid argument: timeout must be positive
a request echo -> invalid argument: timeout must be positive
a request by inbox echo -> invalid argument: timeout must be positive
)"},
    {"requests_by_inbox",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_echo(a);
         a.request_by_inbox("echo", "1");
         a.request_by_inbox("echo", "2");
         a.request_by_inbox("a b", "3");
     },
     R"(
a connect -> ok
a subscribe echo -> ok
a request by inbox echo -> _INBOX "1"
a request by inbox echo -> _INBOX "2"
a request by inbox a b -> invalid subject: publish to "a b"
)"},
    {"requests_at_once",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_echo(a);
         std::vector<std::string> payloads;
         for (int i = 0; i < 50; ++i) payloads.push_back(std::to_string(i));
         a.request_all("echo", payloads);
         a.request_all("nobody", {"1", "2"});
     },
     R"(
a connect -> ok
a subscribe echo -> ok
a request all echo -> "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46", "47", "48", "49"
a request all nobody -> no responders (status 503): request to "nobody", no responders (status 503): request to "nobody"
)"},
    {"requests_answered_the_other_way_round",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         std::vector<message> open;
         a.serve("asked", [&](const message_view& m) {
             open.emplace_back(m);
             if (open.size() < 5) return;
             while (!open.empty()) {
                 (void)a.get()->respond(open.back(), open.back().payload(), {});
                 open.pop_back();
             }
         });
         a.request_all("asked", {"1", "2", "3", "4", "5"});
     },
     R"(
a connect -> ok
a subscribe asked -> ok
a request all asked -> "1", "2", "3", "4", "5"
)"},
    {"requests_with_several_replies",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_list(a, {"1", "2", "3"});
         a.request("list", "first one wins");
         a.request("list", "again");
         const header_view forged("NATS/1.0 503\r\n\r\n");
         a.serve("forger", [&](const message_view& m) {
             (void)a.get()->respond(m, "not what it seems", forged);
         });
         a.request("forger");
     },
     R"(
a connect -> ok
a subscribe list -> ok
a request list -> _INBOX "1"
a request list -> _INBOX "1"
a subscribe forger -> ok
a request forger -> _INBOX {NATS/1.0 503\r\n\r\n} "not what it seems"
)"},
    {"requests_for_many_up_to_a_number",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_list(a, {"1", "2", "3"});
         asker& two = a.request_many("list", "all", {.timeout = patience, .max_messages = 2});
         two.rest();
         two.next();
         asker& one = a.request_many("list", "all", {.timeout = patience, .max_messages = 1});
         one.next();
         one.next();
     },
     R"(
a connect -> ok
a subscribe list -> ok
a request many list -> ok
a replies of list -> "1" "2" the end
a reply of list -> the end
a request many list -> ok
a reply of list -> _INBOX "1"
a reply of list -> the end
)"},
    {"requests_for_many_up_to_a_time",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_list(a, {"1", "2", "3"});
         a.request_many("list", "all", {.timeout = 300ms}).rest();
         a.request_many("list", "all", {.timeout = patience, .stall = 200ms}).rest();
     },
     R"(
a connect -> ok
a subscribe list -> ok
a request many list -> ok
a replies of list -> "1" "2" "3" the end
a request many list -> ok
a replies of list -> "1" "2" "3" the end
)"},
    {"requests_for_many_up_to_a_message",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_list(a, {"1", "stop", "2", "", "3"});
         a.request_many("list", "all", {.timeout = patience, .until_empty = true}).rest();
         const auto stop = [](const message_view& m) { return m.payload == "stop"; };
         a.request_many("list", "all", {.timeout = patience, .until = stop}).rest();
     },
     R"(
a connect -> ok
a subscribe list -> ok
a request many list -> ok
a replies of list -> "1" "stop" "2" the end
a request many list -> ok
a replies of list -> "1" the end
)"},
    {"requests_for_many_to_nobody",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         a.request_many("nobody", "?", {.timeout = patience}).rest();
         const header_view status("NATS/1.0 404 No Such Thing\r\n\r\n");
         a.serve("list", [&](const message_view& m) {
             (void)a.get()->respond(m, "1", {});
             (void)a.get()->respond(m, {}, status);
         });
         a.request_many("list", "?", {.timeout = patience}).rest();
         a.request_many("a b", "?", {.timeout = patience});
         a.request_many("list", "?", {.timeout = 0s});
         a.request_many("list", "?", {.stall = 0s});
         a.request_many("list", "?", {.max_messages = 0});
     },
     R"(
a connect -> ok
a request many nobody -> ok
a replies of nobody -> no responders (status 503)
a subscribe list -> ok
a request many list -> ok
a replies of list -> "1" the server reported an error (status 404): No Such Thing
a request many a b -> invalid subject: publish to "a b"
a request many list -> invalid argument: timeout must be positive
a request many list -> invalid argument: stall must be positive
a request many list -> invalid argument: max_messages must not be 0
)"},
    {"requests_for_many_left_early",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         std::string inbox;
         a.serve("list", [&](const message_view& m) {
             inbox = m.reply;
             (void)a.get()->respond(m, "1", {});
         });
         asker& r = a.request_many("list", "?", {.timeout = patience});
         r.next();
         r.destroy();
         a.flush();
         const result<message> m = a.get()->request(inbox, "anybody?", patience, {});
         s.note("asking its inbox: " + s.outcome(m).substr(0, 13));
     },
     R"(
a connect -> ok
a subscribe list -> ok
a request many list -> ok
a reply of list -> _INBOX "1"
a flush -> ok
asking its inbox: no responders
)"},
    {"ops_of_ones_own",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_echo(a);
         a.run([](runtime& rt) { return ask_twice(rt, "echo", rt.now() + patience); });
         a.run([](runtime& rt) { return ask_twice(rt, "nobody", rt.now() + patience); });
         a.run([](runtime& rt) { return sleep(rt, rt.now() + shortly); });
         a.close();
         a.run([](runtime& rt) { return ask_twice(rt, "echo", rt.now() + patience); });
     },
     R"(
a connect -> ok
a subscribe echo -> ok
a run -> firstsecond
a run -> no responders (status 503)
a run -> slept
a close -> ok
a run -> connection closed
)"},
};

} // namespace

std::span<const scenario> requesting() {
    return table;
}

} // namespace nats::test
