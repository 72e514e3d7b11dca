// SPDX-License-Identifier: Apache-2.0

#include "driver/scenarios.hpp"

#include <natsproto/client/ops.hpp>

#include <string>
#include <utility>
#include <vector>

namespace nats::test {

namespace {

/// Answers with what it got.
listener& serve_echo(actor& a) {
    return a.serve("echo", [&a](const message_view& m) {
        (void)a.get()->respond(m, m.payload, m.headers);
    });
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
)"},
    {"requests_for_many_up_to_a_time",
     [](stage& s) {
         s.start();
         actor& a = s.connect("a");
         serve_list(a, {"1", "2", "3"});
         a.request_many("list", "all", {.timeout = 100ms}).rest();
         a.request_many("list", "all", {.timeout = patience, .stall = 50ms}).rest();
     },
     R"(
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
         s.note("whether the inbox is left: ");
         const result<message> m = a.get()->request(inbox, "anybody?", patience, {});
         s.note(m ? "no" : std::string(describe(m.error().code())));
     },
     R"(
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
)"},
};

} // namespace

std::span<const scenario> requesting() {
    return table;
}

} // namespace nats::test
