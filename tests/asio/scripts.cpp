// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each step starts one operation; what comes to it from the server is sent
// before, or some handlers later, so that the operation waits.

#include <natsproto/client/ops.hpp>

#include "asio/scripts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace nats::test {

namespace {

using namespace std::chrono_literals;

options quick() {
    options o;
    o.servers = "nats://memory:1";
    o.randomize = false;
    o.reconnect_wait = 1ms;
    o.reconnect_jitter = o.reconnect_jitter_tls = {};
    return o;
}

constexpr auto answer_echo = [](scripted_server& s, const wire::frame& f) {
    s.publish(f.reply, f.payload);
};

/// Answers to what scripts ask for.
void serve(stage& s) {
    s.server.script().serve("echo", answer_echo);
    s.server.script().serve("echo.late", [&s](scripted_server&, const wire::frame& f) {
        s.later(3, [&s, to = std::string(f.reply), what = std::string(f.payload)] {
            s.server.publish(to, what);
        });
    });
    s.server.script().serve("many", [&s](scripted_server& server, const wire::frame& f) {
        server.publish(f.reply, "one");
        s.later(3, [&s, to = std::string(f.reply)] {
            s.server.publish(to, "two");
            s.server.publish(to, "");
        });
    });
}

// --- steps

step connect() {
    return {"connect",
            [](stage& s) { s.client()->connect("nats://memory:1", s.handler("connect")); }};
}

step connect(const options& o, stage::checker check = nullptr) {
    return {"connect", [o, check = std::move(check)](stage& s) {
                s.client()->connect(o, s.handler("connect", check));
            }};
}

step close() {
    return {"close", [](stage& s) { s.client()->close(s.handler("close")); }};
}

step subscribe(const std::string& name) {
    return {"subscribe", [name](stage& s) { s.keep(name, s.client()->subscribe(name).value()); }};
}

step handle(const std::string& name) {
    return {"handle", [name](stage& s) {
                s.keep(name, s.client()
                                 ->subscribe(name,
                                             [&s, name](const message_view& m) {
                                                 s.got(name, std::string(m.payload));
                                                 s.happens("message " + std::string(m.payload));
                                             })
                                 .value())
                    .on_end([&s](const error& why) { s.happens("end: " + why.message()); });
            }};
}

step send(const std::string& subject, int count) {
    return {"send", [=](stage& s) { s.send_numbers(subject, count); }};
}

step send_later(int hops, const std::string& subject, int count) {
    return {"send later", [=](stage& s) {
                s.later(hops, [&s, subject, count] { s.send_numbers(subject, count); });
            }};
}

step publish(const std::string& subject, const std::string& payload) {
    return {"publish", [=](stage& s) { s.client()->publish(subject, payload).value(); }};
}

step next(const std::string& subject, const std::string& name = "next") {
    return {name, [=](stage& s) {
                s.kept(subject).next({}, s.handler(name, [&s, subject](record& r) {
                    EXPECT_FALSE(r.ec) << r.ec.message();
                    s.got(subject, r.value);
                    return false;
                }));
            }};
}

step next_in_range(const std::string& subject) {
    return {"range next", [=](stage& s) {
                s.kept(subject).messages().next({},
                                                s.handler("range next", [&s, subject](record& r) {
                                                    EXPECT_FALSE(r.ec) << r.ec.message();
                                                    s.got(subject, r.value);
                                                    return false;
                                                }));
            }};
}

step next_into(const std::string& subject) {
    return {"next_into", [=](stage& s) {
                const auto into = std::make_shared<message>();
                s.kept(subject).next_into(*into, {},
                                          s.handler("next_into", [&s, subject, into](record& r) {
                                              EXPECT_FALSE(r.ec) << r.ec.message();
                                              s.got(subject, std::string(into->payload()));
                                              return false;
                                          }));
            }};
}

/// Reads what is left.
step collect(const std::string& subject) {
    return {"collect", [=](stage& s) {
                s.kept(subject).next({.timeout = 0s},
                                     s.handler("collect", [&s, subject](record& r) {
                                         if (r.ec == errc::timeout) return false;
                                         EXPECT_FALSE(r.ec) << r.ec.message();
                                         s.got(subject, r.value);
                                         return true;
                                     }));
            }};
}

/// One that waits all the time.
step wait_aside(const std::string& subject) {
    return {"next aside", [=](stage& s) {
                s.kept(subject).next({}, s.aside("next aside", [](record& r) {
                    EXPECT_TRUE(r.ec == errc::connection_closed || r.ec == errc::drained)
                        << r.ec.message();
                    return false;
                }));
            }};
}

step flush() {
    return {"flush", [](stage& s) { s.client()->flush({}, s.handler("flush")); }};
}

/// Again when the connection breaks meanwhile.
step flush_at_last() {
    return {"flush", [](stage& s) {
                s.client()->flush({}, s.handler("flush", [](record& r) { return r.ec.failed(); }));
            }};
}

step rtt() {
    return {"rtt", [](stage& s) { s.client()->rtt({}, s.handler("rtt")); }};
}

step wait_connected() {
    return {"wait_connected",
            [](stage& s) { s.client()->wait_connected({}, s.handler("wait_connected")); }};
}

void read_aside(stage& s, const std::string& subject) {
    s.kept(subject).next({.timeout = 0s}, s.aside("reader", [&s, subject](record& r) {
        if (r.ec == errc::timeout || r.ec == errc::in_use || r.ec == errc::drained) return false;
        EXPECT_FALSE(r.ec) << r.ec.message();
        s.got(subject, r.value);
        read_aside(s, subject);
        return false;
    }));
}

/// Waits for a reader that comes some handlers later.
step barrier(const std::string& subject) {
    return {"barrier", [=](stage& s) {
                s.client()->barrier({}, s.handler("barrier"));
                s.later(3, [&s, subject] { read_aside(s, subject); });
            }};
}

stage::checker expect(std::string what) {
    return [what = std::move(what)](record& r) {
        EXPECT_FALSE(r.ec) << r.name << ": " << r.ec.message();
        EXPECT_EQ(r.value, what) << r.name;
        return false;
    };
}

step request(const std::string& payload) {
    return {"request", [=](stage& s) {
                s.client()->request("echo.late", payload, {},
                                    s.handler("request", expect(payload)));
            }};
}

step request_into(const std::string& payload) {
    return {"request_into", [=](stage& s) {
                const auto into = std::make_shared<message>();
                s.client()->request_into(*into, "echo.late", payload, {},
                                         s.handler("request_into", [into, payload](record& r) {
                                             EXPECT_FALSE(r.ec) << r.ec.message();
                                             EXPECT_EQ(into->payload(), payload);
                                             return false;
                                         }));
            }};
}

step request_by_inbox(const std::string& payload) {
    return {"request_by_inbox", [=](stage& s) {
                s.client()->request_by_inbox("echo.late", payload, {},
                                             s.handler("request_by_inbox", expect(payload)));
            }};
}

step request_many() {
    return {"request_many", [](stage& s) {
                s.replies = s.client()->request_many("many", {}, {.until_empty = true}).value();
            }};
}

/// Until the end.
step next_reply() {
    return {"next reply", [](stage& s) {
                s.replies.next(nullptr, s.handler("next reply", [](record& r) {
                    EXPECT_FALSE(r.ec) << r.ec.message();
                    return r.value != "none";
                }));
            }};
}

step publish_when_room(const std::string& payload) {
    return {"publish_when_room", [=](stage& s) {
                s.client()->publish_when_room("room", payload, {}, s.handler("publish_when_room"));
            }};
}

op<result<message>> nap_and_ask(runtime& rt) {
    result<void> slept = co_await rt.sleep_until(rt.now() + 1ms);
    if (!slept) co_return slept.error();
    const std::string_view subject = "echo.late";
    result<message> reply =
        co_await ops::request_message(rt, subject, bytes("own"), header_view(), no_deadline);
    co_return std::move(reply);
}

step run_op() {
    return {"run", [](stage& s) {
                const auto nc = s.client();
                nc->run(nap_and_ask(*nc->rt()), s.handler("run", expect("own")));
            }};
}

} // namespace

// --- scripts

script every_operation() {
    script s;
    s.name = "every operation";
    s.prepare = serve;
    s.steps = {
        connect(),
        subscribe("numbers"),
        handle("handled"),
        subscribe("quiet"),
        wait_aside("quiet"),
        publish("first", "1"),
        flush(),
        rtt(),
        wait_connected(),
        send("numbers", 1),
        send("handled", 2),
        next("numbers"),
        send_later(4, "numbers", 2),
        next_into("numbers"),
        next_in_range("numbers"),
        send("numbers", 1),
        flush(),
        barrier("numbers"),
        publish_when_room("1"),
        request("one"),
        request_into("two"),
        request_by_inbox("three"),
        request_many(),
        next_reply(),
        run_op(),
        send("numbers", 2),
        send("handled", 1),
        flush(),
        request("four"),
        collect("numbers"),
        flush(),
        close(),
    };
    s.waits = {"connect",    "flush",   "rtt",     "next",         "next_into",
               "range next", "barrier", "request", "request_into", "request_by_inbox",
               "next reply", "run",     "close"};
    return s;
}

script every_operation_in_pieces() {
    script s = every_operation();
    s.name = "every operation in pieces";
    s.manners.most = 23;
    s.manners.writes_at_once = false;
    return s;
}

script connecting() {
    script s;
    s.name = "connecting";
    s.manners.refusals = 2;
    s.rules.info = "";
    s.rules.answer_ping = false;
    s.prepare = [](stage& st) {
        serve(st);
        st.server.on_accept = [&st] {
            st.later(4, [&st] {
                st.server.script().send("INFO " + server_rules().info + "\r\n");
                st.server.pump();
            });
            st.later(12, [&st] {
                st.server.script().rules.answer_ping = true;
                st.server.script().send("PONG\r\n");
                st.server.pump();
            });
        };
    };
    options o = quick();
    o.servers = "nats://a:1,nats://b:1,nats://c:1";
    s.steps = {connect(o), flush(), request("one"), close()};
    s.waits = {"connect", "flush", "request", "close"};
    return s;
}

script retrying() {
    script s;
    s.name = "retrying";
    s.manners.refusals = 3;
    s.prepare = serve;
    options o = quick();
    o.retry_on_failed_connect = true;
    s.steps = {connect(o),
               subscribe("numbers"),
               publish("kept", "1"),
               wait_connected(),
               flush(),
               flush(),
               send("numbers", 1),
               next("numbers"),
               request("one"),
               collect("numbers"),
               close()};
    s.waits = {"connect", "wait_connected", "flush", "next", "request", "close"};
    return s;
}

script reconnecting() {
    script s;
    s.name = "reconnecting";
    s.prepare = [](stage& st) {
        serve(st);
        st.server.script().serve("break", [&st](scripted_server& server, const wire::frame&) {
            st.server.manners.refusals = 1;
            server.hang_up();
        });
    };
    options o = quick();
    o.fail_requests_on_disconnect = true;
    const step broken_request{"broken request", [](stage& st) {
                                  st.client()->request("break", {}, {},
                                                       st.handler("broken request", [](record& r) {
                                                           EXPECT_TRUE(r.ec);
                                                           return false;
                                                       }));
                              }};
    const step broken_rtt{"broken rtt", [](stage& st) {
                              st.server.manners.refusals = 1;
                              st.server.script().script("PING", "", true);
                              st.client()->rtt({}, st.handler("broken rtt", [](record& r) {
                                  EXPECT_TRUE(r.ec);
                                  return false;
                              }));
                          }};
    // Each round trip twice: one of them may be cancelled, and then the other one waits.
    s.steps = {connect(o),
               subscribe("numbers"),
               handle("handled"),
               flush(),
               broken_request,
               flush_at_last(),
               flush_at_last(),
               send("numbers", 1),
               send("handled", 1),
               next("numbers"),
               broken_rtt,
               wait_connected(),
               flush_at_last(),
               flush_at_last(),
               request("one"),
               broken_request,
               publish_when_room("kept"),
               wait_connected(),
               flush_at_last(),
               flush_at_last(),
               send("numbers", 1),
               flush(),
               flush(),
               collect("numbers"),
               close()};
    s.waits = {"broken request", "flush", "broken rtt", "wait_connected", "request"};
    return s;
}

script full_output() {
    script s;
    s.name = "full output";
    s.prepare = serve;
    options o = quick();
    o.bounds.max_output_bytes = 4096;
    const step fill{"fill", [](stage& st) {
                        st.server.manners.writes_wait = true;
                        while (st.client()->publish("filler", std::string(200, 'x'))) {
                        }
                        st.later(6, [&st] { st.server.let_write(); });
                    }};
    s.steps = {connect(o),
               subscribe("numbers"),
               flush(),
               fill,
               publish_when_room("1"),
               fill,
               request("one"),
               fill,
               request_into("two"),
               fill,
               flush(),
               fill,
               close()};
    s.waits = {"publish_when_room", "request", "request_into", "flush", "close"};
    return s;
}

script draining() {
    script s;
    s.name = "draining";
    s.prepare = serve;
    const step drain{"drain", [](stage& st) {
                         st.client()->drain(nullptr, st.handler("drain"));
                         st.later(6, [&st] { read_aside(st, "numbers"); });
                     }};
    s.steps = {connect(),          subscribe("numbers"), handle("handled"), flush(), flush(),
               send("numbers", 2), send("handled", 2),   flush(),           drain};
    s.waits = {"drain"};
    return s;
}

std::vector<script> all_scripts() {
    return {every_operation(), every_operation_in_pieces(),
            connecting(),      retrying(),
            reconnecting(),    full_output(),
            draining()};
}

} // namespace nats::test
