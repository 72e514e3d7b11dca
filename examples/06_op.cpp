// SPDX-License-Identifier: Apache-2.0
//
// An op of one's own: a sequence of steps as a coroutine without I/O. Any driver can run it; here
// it is the blocking client. Usage: 06_op [nats://host:port]

#include <natsproto/blocking/client.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

// [op]
/// Sends a request, and again after `pause` while nobody is subscribed to its subject.
///
/// Five rules, so that it is right everywhere and with g++ 12: the first parameter is `runtime&`;
/// what is used after a `co_await` is taken by value; views that were received are used before the
/// next `co_await`; no capturing lambda and no braced aggregate stands in a `co_await` expression;
/// each awaited result gets a name.
nats::op<nats::result<nats::message>> request_patiently(nats::runtime& rt, std::string subject,
                                                        std::string payload, int attempts,
                                                        nats::duration pause) {
    const nats::header_view no_headers;
    for (int attempt = 1;; ++attempt) {
        const nats::time_point deadline = nats::deadline_after(rt.now(), 1s);
        nats::result<nats::message_view> reply =
            co_await rt.request(subject, payload, no_headers, deadline);
        if (reply) co_return nats::message(*reply); // the view ends here: the caller gets a copy
        if (reply.error() != nats::errc::no_responders || attempt == attempts)
            co_return reply.error();
        nats::result<void> slept = co_await rt.sleep_until(rt.now() + pause);
        if (!slept) co_return slept.error();
    }
}
// [op]

// [second]
/// A service that comes late: it sleeps, subscribes, and answers one request.
nats::op<nats::result<void>> serve_one_later(nats::runtime& rt, nats::mailbox& box,
                                             nats::duration delay) {
    nats::result<void> slept = co_await rt.sleep_until(rt.now() + delay);
    if (!slept) co_return slept.error();
    if (nats::result<void> subscribed = rt.subscribe(box, "late"); !subscribed)
        co_return subscribed.error();
    nats::result<nats::message_view> asked = co_await rt.next(box, nats::no_deadline);
    if (!asked) co_return asked.error();
    co_return rt.connection().publish(asked->reply, "better late than never");
}
// [second]

} // namespace

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    // [run]
    nats::client nc = nats::client::connect(url).value();
    nats::mailbox box; // before the op that uses it
    auto service = serve_one_later(nc.rt(), box, 100ms);
    service.start(); // it goes on while anything else waits on this connection

    const nats::message reply =
        nc.run(request_patiently(nc.rt(), "late", "anybody?", 50, 20ms)).value();
    std::cout << "reply: " << reply.payload() << '\n';
    // [run]

    const nats::result<nats::message> never =
        nc.run(request_patiently(nc.rt(), "never", {}, 3, 10ms));
    const bool gave_up = !never && never.error() == nats::errc::no_responders;
    if (gave_up) std::cout << "gave up: " << never.error().message() << '\n';

    const bool served = service.done() && service.take();
    return served && gave_up && reply.payload() == "better late than never" ? 0 : 1;
}
