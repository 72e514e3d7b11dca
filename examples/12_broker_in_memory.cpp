// SPDX-License-Identifier: Apache-2.0
//
// Clients and their server in one thread, without a socket and in virtual time: a test of what a
// system does over minutes takes no time and runs the same each time. Usage: 12_broker_in_memory

#include <natsproto/broker/broker.hpp>
#include <natsproto/op.hpp>
#include <natsproto/random.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
namespace action = nats::action;

namespace {

void expect(bool good, const std::string& what) {
    if (!good) throw std::runtime_error("expected " + what);
    std::cout << "ok: " << what << '\n';
}

/// A client in virtual time: a session whose transport is one in memory.
class member {
public:
    member(nats::broker& server, nats::random_source& random, nats::time_point now)
        : session({.servers = "nats://in.memory", .reconnect_wait = 1s, .reconnect_jitter = 0s},
                  {&random, nullptr, nullptr}),
          rt(session, random),
          server_(server) {
        session.start(now).value();
    }

    // [turn]
    /// Does what there is to do now; false: nothing.
    bool turn(nats::time_point now) {
        bool moved = false;
        rt.advance(now);
        nats::event e;
        for (; session.next(e); moved = true) rt.dispatch(e);
        while (const std::optional<nats::session_action> a = session.poll_action()) {
            perform(*a, now);
            moved = true;
        }
        moved |= write(now);
        moved |= read(now);
        return moved;
    }
    // [turn]

    nats::session session;
    nats::runtime rt;

private:
    // [transport]
    void perform(const nats::session_action& a, nats::time_point now) {
        if (const auto* c = std::get_if<action::connect>(&a)) {
            attempt_ = c->id;
            transport_ = server_.connect(now);
            session.handle_connected(c->id, now);
        } else if (const auto* end = std::get_if<action::close>(&a)) {
            transport_.reset();
            session.handle_closed(end->id, now);
        }
    }

    bool write(nats::time_point now) {
        std::array<nats::const_buffer, 1> piece;
        bool moved = false;
        while (transport_ && session.poll_transmit(piece) != 0) {
            std::size_t taken = 0;
            if (!transport_->write({piece[0].data, piece[0].size}, taken, now) || taken == 0) break;
            rt.transmitted(taken);
            moved = true;
        }
        return moved;
    }

    bool read(nats::time_point now) {
        if (!transport_) return false;
        const std::size_t n = transport_->read(session.prepare(), now);
        if (n != 0) session.commit(n, now);
        if (n != 0 || !transport_->ended()) return n != 0;
        transport_.reset();
        session.handle_eof(attempt_, now);
        return true;
    }

    nats::broker& server_;
    std::optional<nats::memory_transport> transport_;
    nats::attempt_id attempt_{};
    // [transport]
};

// [world]
/// A server, its clients, and a clock.
class world {
public:
    member& add() {
        members_.push_back(std::make_unique<member>(*server, random, now));
        settle();
        return *members_.back();
    }

    /// Everybody does what there is to do at this moment.
    void settle() {
        for (bool moved = true; moved;) {
            moved = false;
            for (const auto& m : members_) moved |= m->turn(now);
        }
    }

    /// Goes from deadline to deadline.
    void sleep(nats::duration d) {
        for (const nats::time_point end = now + d; now < end;) {
            now = std::min(end, next_deadline());
            server->handle_timeout(now);
            for (const auto& m : members_) m->rt.handle_timeout(now);
            settle();
        }
    }

    nats::time_point now{};        // any beginning will do
    nats::seeded_random random{1}; // the same in every run
    std::unique_ptr<nats::broker> server = create();

private:
    std::unique_ptr<nats::broker> create() {
        nats::broker_options o;
        o.write_deadline = 1min; // how long a client may take nothing of what waits for it
        return nats::broker::create(std::move(o), {&random, nullptr, nullptr}, now).value();
    }
    [[nodiscard]] nats::time_point next_deadline() const {
        nats::time_point next = server->poll_timeout().value_or(nats::no_deadline);
        for (const auto& m : members_)
            next = std::min(next, m->rt.poll_timeout().value_or(nats::no_deadline));
        return std::max(next, now); // one that has passed already is due now
    }
    std::vector<std::unique_ptr<member>> members_;
};
// [world]

// [subject]
/// What is tested: it asks a worker, with up to three attempts of ten seconds, a minute apart.
nats::op<nats::result<std::string>> ask(nats::runtime& rt, std::string what) {
    const nats::header_view no_headers;
    for (int attempt = 1;; ++attempt) {
        const nats::time_point deadline = rt.now() + 10s;
        nats::result<nats::message_view> reply =
            co_await rt.request("work", what, no_headers, deadline);
        if (reply) co_return std::string(reply->payload); // the view ends here
        if (attempt == 3) co_return reply.error();
        nats::result<void> slept = co_await rt.sleep_until(rt.now() + 1min);
        if (!slept) co_return slept.error();
    }
}

/// The worker.
void work(void* context, const nats::message_view& m) {
    static_cast<member*>(context)
        ->session.publish(m.reply, "done: " + std::string(m.payload))
        .value();
}
// [subject]

/// The connection of a client, as the server sees it.
nats::client_id id_of(const world& w, std::size_t index) {
    return w.server->clients().at(index).id;
}

void a_worker_that_is_there(world& w, member& asker) {
    auto asking = ask(asker.rt, "paint");
    asking.start();
    w.settle();
    expect(asking.done() && asking.take().value() == "done: paint", "an answer in no time");
}

// [slow]
void a_worker_behind_a_bad_network(world& w, member& asker) {
    w.server->hold(id_of(w, 1), w.now + 30s);
    const nats::time_point begin = w.now;
    auto asking = ask(asker.rt, "wash");
    asking.start();
    w.sleep(69s);
    expect(!asking.done(), "no answer in ten seconds, and a minute's wait");
    w.sleep(1s);
    expect(asking.done() && asking.take().value() == "done: wash", "the second attempt's answer");
    expect(w.now - begin == 70s, "that this took seventy seconds");
}
// [slow]

void a_broken_connection(world& w, member& worker, member& asker) {
    w.server->cut(id_of(w, 1));
    w.settle();
    expect(worker.session.status() == nats::session_status::reconnecting, "a worker that is lost");
    auto asking = ask(asker.rt, "cook");
    asking.start();
    w.sleep(2min);
    expect(worker.session.stats().reconnects == 1, "a worker that is back");
    expect(asking.done() && asking.take().value() == "done: cook", "what it was asked meanwhile");
}

void a_quiet_day(world& w) {
    w.sleep(24h);
    expect(w.server->stats().connections == 2 && w.server->stats().stale_connections == 0,
           "a day of PINGs and nothing else");
}

} // namespace

int main() {
    world w;
    member& asker = w.add();
    member& worker = w.add();
    nats::mailbox jobs;
    worker.rt.subscribe(jobs, "work", {}, work, &worker).value();
    w.settle();
    a_worker_that_is_there(w, asker);
    a_worker_behind_a_bad_network(w, asker);
    a_broken_connection(w, worker, asker);
    a_quiet_day(w);
    return 0;
}
