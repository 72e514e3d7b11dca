// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A round is one thing that the user does, sometimes one thing that goes wrong, and some time.
// Behind the rounds the network heals, and the session has to come back within a bounded time, by
// itself; then both sides are compared. In the end it is closed or drained, and every wait has to
// be over at once.
//
// Publishes carry a number and a filler that depends on it, so that a torn or mixed-up one is seen.
// What must hold of them:
//   accepted without a connection     at least once, if the session is up and flushed in the end
//   accepted while up                 at most once, unless keep_unsent may send it again
//   per connection and subject        in order, each at most once
// What other clients publish is numbered too: each subscription gets it in order and at most once.

#include <natsproto/headers.hpp>

#include "support/random_scenario.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace nats::test {

namespace {

using namespace std::chrono_literals;

std::string payload_of(std::uint64_t id, std::size_t filler) {
    std::string out = std::to_string(id) + ':';
    out.append(filler, static_cast<char>('a' + id % 26));
    return out;
}

std::uint64_t number_in(std::string_view text) {
    std::uint64_t n = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

client_settings settings_of(seeded_random& r, std::uint64_t seed) {
    client_settings s;
    s.proactor = r.below(2) == 0;
    s.close_takes = r.below(2) == 0 ? duration::zero() : duration(r.below(20'000'000));
    s.input = static_cast<cut>(r.below(3));
    if (s.input == cut::bytes && r.below(4) != 0) s.input = cut::random;
    s.seed = seed;
    s.transcript = true;
    return s;
}

} // namespace

options random_scenario::make_options(seeded_random& r, std::string& servers) {
    const auto pick = [&r](auto... values) {
        const std::common_type_t<decltype(values)...> all[] = {values...};
        return all[r.below(sizeof...(values))];
    };
    servers = pick("nats://a:1", "nats://a:1,nats://b:1", "nats://a:1,nats://b:1,nats://c:1");
    options o;
    o.servers = servers;
    o.randomize = r.below(2) == 0;
    o.verbose = r.below(5) == 0;
    o.no_echo = r.below(5) == 0;
    o.no_responders = r.below(4) != 0;
    o.connect_timeout = pick(30ms, 200ms, 2000ms);
    o.ping_interval = pick(50ms, 500ms, 5000ms);
    o.max_pings_out = 1 + static_cast<int>(r.below(3));
    o.write_timeout = pick(50ms, 1000ms);
    o.drain_timeout = pick(20ms, 5000ms);
    o.ignore_discovered = r.below(4) == 0;
    o.retry_on_failed_connect = r.below(2) == 0;
    o.reconnect = r.below(12) != 0;
    o.max_reconnects = pick(-1, -1, 2, 60);
    o.reconnect_wait = pick(0ms, 10ms, 200ms);
    o.reconnect_wait_max = pick(0ms, 500ms);
    o.reconnect_jitter = pick(0ms, 50ms);
    o.reconnect_buffer = pick(std::int64_t{0}, std::int64_t{-1}, std::int64_t{500},
                              std::int64_t{1} << 23, std::int64_t{1} << 23);
    o.keep_unsent = r.below(2) == 0;
    o.fail_requests_on_disconnect = r.below(2) == 0;
    o.ignore_auth_error_abort = r.below(2) == 0;
    o.leave_lame_duck = r.below(2) == 0;
    if (r.below(3) == 0) o.bounds.max_output_bytes = 2000;
    if (r.below(4) == 0) o.bounds.max_subscriptions = 6;
    return o;
}

random_scenario::random_scenario(std::uint64_t seed)
    : random_(seed),
      net_(seed + 1),
      options_(make_options(random_, servers_)),
      client_(net_, options_, settings_of(random_, seed)) {
    client_.observer = [this](const event& e) { seen(e); };
    make_places();
}

void random_scenario::make_places() {
    net_.rules.info_after_pong = chance(30);
    net_.cluster().serve("svc.*", [](const publication& p) { return "re:" + p.payload; });
    for (const char* at : {"a:1", "b:1", "c:1", "10.0.0.9:1"}) {
        place& p = net_.at(at);
        p.latency = one_of<duration>({100us, 1ms, 7ms});
        p.variation = one_of<duration>({0ms, 3ms});
        p.window = one_of<std::size_t>({60, 1000, 65536});
        p.output = static_cast<cut>(below(3));
        if (chance(20)) p.how = static_cast<reach>(below(4));
        p.server.rules.info.server_id = p.name;
        if (chance(30)) p.server.rules.info.connect_urls = {"10.0.0.9:1"};
        while (chance(25)) {
            sim_socket::breaking b;
            (chance(50) ? b.after_up : b.after_down) = static_cast<std::size_t>(below(700));
            b.how = static_cast<fault>(below(3));
            p.breaks.push_back(b);
        }
    }
}

void random_scenario::fail(std::string what) {
    if (failures_.size() < 10) failures_.push_back(std::move(what));
}

// --- the user

void random_scenario::subscribe() {
    const std::string subject = one_of<const char*>({"p.1", "p.*", "o.1", "o.>", "o.2"});
    const std::optional<std::string_view> queue =
        chance(20) ? std::optional<std::string_view>("q") : std::nullopt;
    if (chance(25)) {
        boxes_.emplace_back();
        if (client_.runtime().subscribe(boxes_.back(), subject, {.queue = queue}).has_value())
            live_[*boxes_.back().id()] = {subject, std::string(queue.value_or(""))};
        else
            boxes_.pop_back();
        return;
    }
    const result<sub_id> id = client_.session().subscribe(subject, queue);
    if (id) live_[*id] = {subject, std::string(queue.value_or(""))};
}

void random_scenario::unsubscribe() {
    if (live_.empty()) return;
    auto it = live_.begin();
    std::advance(it, static_cast<long>(below(live_.size())));
    const sub_id id = it->first;
    const bool boxed =
        std::any_of(boxes_.begin(), boxes_.end(), [id](const mailbox& b) { return b.id() == id; });
    if (chance(30) && !boxed) {
        (void)client_.session().drain(id, net_.now());
        return;
    }
    if (boxed) return; // theirs end by drains and closes
    if (chance(30)) {
        if (client_.session().unsubscribe(id)) live_.erase(id);
        return;
    }
    if (it->second.max != 0) return; // to raise a maximum races with the server's count
    const std::uint64_t after = 1 + below(8);
    if (!client_.session().unsubscribe(id, after)) return;
    if (after <= it->second.delivered)
        live_.erase(id);
    else
        it->second.max = after;
}

void random_scenario::publish(bool lent) {
    const std::uint64_t id = ++next_id_;
    sent s;
    s.subject = "p." + std::to_string(below(3));
    s.filler = lent ? 4096 + below(300) : below(chance(10) ? 3000 : 40);
    s.kept = !client_.session().is_up();
    headers h;
    if (chance(30) && client_.session().headers_enabled()) (void)h.add("K", "v");
    lent_.push_back(payload_of(id, s.filler));
    const result<void> ok = lent
                                ? client_.session().publish_borrowed(s.subject, lent_.back(), {}, h)
                                : client_.session().publish(s.subject, lent_.back(), {}, h);
    if (ok) sent_[id] = s;
    // What a proactor's write has under way stays lent until it is done.
    if (chance(20) && !client_.settings().proactor) {
        client_.session().own_borrowed();
        lent_.clear();
    }
}

void random_scenario::wait_for_something() {
    if (views_.size() + flushes_.size() + waits_.size() > 12) return;
    runtime& rt = client_.runtime();
    const time_point by = chance(50) ? no_deadline : net_.now() + duration(below(900'000'000));
    switch (below(6)) {
    case 0:
        views_.push_back(ops::request(rt, "svc.a", "question", {}, by));
        views_.back().start();
        break;
    case 1:
        views_.push_back(ops::request(rt, "nobody.there", "question", {}, by));
        views_.back().start();
        break;
    case 2:
        if (boxes_.empty()) return;
        views_.push_back(ops::next(rt, boxes_[below(boxes_.size())], by));
        views_.back().start();
        break;
    case 3:
        flushes_.push_back(ops::flush(rt, by));
        flushes_.back().start();
        break;
    case 4:
        waits_.push_back(ops::wait_connected(rt, by));
        waits_.back().start();
        break;
    default: waits_.push_back(ops::wait_room(rt, by)); waits_.back().start();
    }
}

void random_scenario::user() {
    switch (below(20)) {
    case 0:
    case 1:
    case 2: subscribe(); break;
    case 3:
    case 4: unsubscribe(); break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: publish(false); break;
    case 10: publish(true); break;
    case 11:
    case 12:
    case 13: wait_for_something(); break;
    case 14: (void)client_.session().ping(net_.now()); break;
    case 15:
        if (chance(50)) (void)client_.session().force_reconnect(net_.now());
        break;
    case 16:
        if (chance(30)) (void)client_.session().set_servers(chance(50) ? servers_ : "nats://b:1");
        break;
    case 17:
        if (!chance(8)) break;
        drained_ = true;
        if (chance(50))
            (void)client_.session().drain(net_.now());
        else
            (void)client_.runtime().drain_connection(chance(50));
        break;
    case 18:
        if (chance(5)) client_.session().close(net_.now());
        break;
    default: break;
    }
}

// --- the world

void random_scenario::world() {
    if (chance(40)) {
        publication p{0, "o." + std::to_string(below(3)), {}, {}, {}};
        p.payload = 'x' + std::to_string(++next_outside_);
        (void)net_.cluster().route(p);
    }
    const std::vector<place*> all = net_.places();
    place& p = *all[below(all.size())];
    if (chance(10)) server_says(p);
    if (chance(12)) trouble(p);
}

void random_scenario::server_says(place& p) {
    for (const auto& peer : p.server.peers()) {
        if (!peer->logged_in()) continue;
        switch (below(8)) {
        case 0:
        case 1: peer->send("PING\r\n"); break;
        case 2: peer->refuse("Permissions Violation for Publish to \"p.1\"", false); break;
        case 3: peer->refuse("Permissions Violation for Subscription to \"o.1\"", false); break;
        case 4: peer->refuse("Something New", false); break;
        case 5: peer->refuse("Stale Connection", true); break;
        case 6: peer->refuse("User Authentication Expired", true); break;
        default:
            p.server.rules.info.lame_duck = chance(30);
            p.server.rules.info.connect_urls = {chance(50) ? "10.0.0.9:1" : "b:1"};
            if (chance(20)) p.server.rules.info.max_payload = 2000;
            peer->send(p.server.rules.info.line());
        }
    }
}

void random_scenario::trouble(place& p) {
    switch (below(9)) {
    case 0: net_.break_all(p.name, fault::eof); break;
    case 1: net_.break_all(p.name, fault::io_error); break;
    case 2: net_.break_all(p.name, fault::silence); break;
    case 3: net_.take_down(p.name, static_cast<fault>(below(3))); break;
    case 4: p.how = static_cast<reach>(below(4)); break;
    case 5: net_.stall(p.name, duration(below(300'000'000))); break;
    case 6: p.reads = !p.reads; break;
    case 7: p.server.rules.answer_ping = !p.server.rules.answer_ping; break;
    default:
        p.server.rules.refuse = [](std::string_view) { return "Authorization Violation"; };
        net_.call_at(net_.now() + 100ms, [&p] { p.server.rules.refuse = nullptr; });
    }
}

void random_scenario::heal() {
    for (place* p : net_.places()) {
        p->how = reach::accepts;
        p->reads = true;
        p->breaks.clear();
        p->window = 1 << 20;
        p->latency = 1ms;
        p->server.rules.answer_ping = true;
        p->server.rules.refuse = nullptr;
    }
}

void random_scenario::pass_time() {
    if (chance(30)) return;
    const time_point end = net_.now() + one_of<duration>({0ms, 1ms, 5ms, 40ms, 300ms});
    while (client_.step(end)) step_checks();
    net_.set_now(std::max(net_.now(), end));
    step_checks();
}

// --- what must hold

void random_scenario::seen(const event& e) {
    if (const auto* m = std::get_if<ev::message>(&e)) return message(*m);
    if (const auto* d = std::get_if<ev::subscription_drained>(&e)) live_.erase(d->sub);
    if (const auto* w = std::get_if<ev::warning>(&e))
        dropped_ = dropped_ || *w->why == errc::publish_dropped;
}

void random_scenario::message(const ev::message& m) {
    const std::string subject(m.view.subject);
    if (subject.starts_with("_INBOX")) return;
    const auto it = live_.find(m.sub);
    if (it == live_.end()) return fail("a message for a subscription that has ended: " + subject);
    sub& s = it->second;
    ++s.delivered;
    if (s.max != 0 && s.delivered > s.max) fail("more than the maximum for " + s.subject);
    if (m.last != (s.max != 0 && s.delivered == s.max)) fail("`last` is wrong for " + s.subject);
    const std::string_view payload = m.view.payload;
    if (payload.starts_with('x')) {
        const std::uint64_t id = number_in(payload.substr(1));
        if (id <= s.last_id) fail("out of order or twice: " + std::string(payload));
        s.last_id = id;
    }
    if (m.last) live_.erase(it);
}

void random_scenario::step_checks() {
    const std::size_t limit = options_.bounds.max_output_bytes;
    const std::size_t subs = client_.session().subscriptions();
    const std::size_t most = limit + client_.session().kept() + 6000 + 64 * (subs + 40);
    if (limit < 100'000 && !options_.keep_unsent && options_.reconnect_buffer < 1000 &&
        client_.session().untransmitted() > most)
        fail("the output has grown to " + std::to_string(client_.session().untransmitted()));
    if (client_.session().status() == session_status::closed && !client_.count("closed")) return;
}

bool random_scenario::waiters_done() const {
    const auto over = [](const auto& list) {
        return std::all_of(list.begin(), list.end(), [](const auto& o) { return o.done(); });
    };
    return over(views_) && over(flushes_) && over(waits_);
}

void random_scenario::drop_done() {
    const auto drop = [](auto& list) { std::erase_if(list, [](auto& o) { return o.done(); }); };
    drop(views_);
    drop(flushes_);
    drop(waits_);
}

/// Until it is up and everything that it sent has been processed, or closed. Neither within a
/// bounded time is a failure.
bool random_scenario::recover() {
    if (client_.status() == session_status::idle) return false;
    const duration silence = options_.ping_interval * (options_.max_pings_out + 2);
    const time_point end = net_.now() + 30s + silence;
    while (net_.now() < end) {
        op<result<duration>> flushed = ops::flush(client_.runtime(), net_.now() + 1s + silence);
        flushed.start();
        while (!flushed.done() && client_.step(end)) step_checks();
        if (client_.status() == session_status::closed) return false;
        if (!flushed.done()) break;
        const bool ok = flushed.take().has_value();
        // What the flush has brought is still to be read, and discovered servers too.
        const time_point quiet = net_.now() + 30ms;
        while (client_.step(quiet)) step_checks();
        if (ok && client_.status() == session_status::connected) return true;
        if (client_.status() == session_status::draining_subs ||
            client_.status() == session_status::draining_pubs)
            continue;
        if (!ok && client_.step(end)) continue;
    }
    if (client_.status() != session_status::closed) fail("it did not come back");
    return false;
}

void random_scenario::check_publishes(bool recovered) {
    std::map<std::uint64_t, int> arrived;
    std::map<std::tuple<const place*, int, std::string>, std::uint64_t> newest;
    for (const place* p : net_.places()) {
        for (const std::string& b : p->server.broken()) fail(p->name + ": " + b);
        for (const publication& got : p->server.published()) {
            if (!got.subject.starts_with("p.")) continue;
            const std::uint64_t id = number_in(got.payload);
            const auto s = sent_.find(id);
            if (s == sent_.end() || s->second.subject != got.subject ||
                got.payload != payload_of(id, s->second.filler)) {
                fail("nobody published " + got.subject + ' ' + got.payload.substr(0, 40));
                continue;
            }
            ++arrived[id];
            std::uint64_t& last = newest[{p, got.connection, got.subject}];
            if (id <= last) fail("out of order on one connection: " + std::to_string(id));
            last = id;
        }
    }
    for (const auto& [id, s] : sent_) {
        const int n = arrived[id];
        if (s.kept && recovered && !dropped_ && n == 0)
            fail("a kept publish is lost: " + std::to_string(id));
        if (!s.kept && !options_.keep_unsent && n > 1)
            fail("a publish has come twice: " + std::to_string(id));
    }
}

void random_scenario::check_table() {
    const auto peers = net_.server(client_.session().server()->text()).peers();
    std::map<std::string, std::pair<std::string, std::uint64_t>> wanted;
    for (const auto& [id, s] : live_)
        wanted[std::to_string(static_cast<std::uint64_t>(id))] = {
            s.subject + ' ' + s.queue, s.max == 0 ? 0 : s.max - s.delivered};
    if (peers.empty()) return fail("the server has no connection");
    std::map<std::string, std::pair<std::string, std::uint64_t>> found;
    for (const model_subscription& s : peers.back()->table()) {
        if (s.subject.starts_with("_INBOX")) continue;
        if (found.contains(s.sid)) fail("a sid twice: " + s.sid);
        found[s.sid] = {s.subject + ' ' + s.queue, s.max == 0 ? 0 : s.max - s.delivered};
    }
    if (found == wanted) return;
    std::string text = "the server's table differs; wanted:";
    for (const auto& [sid, s] : wanted)
        text += ' ' + sid + '=' + s.first + '/' + std::to_string(s.second);
    text += "; found:";
    for (const auto& [sid, s] : found)
        text += ' ' + sid + '=' + s.first + '/' + std::to_string(s.second);
    fail(text);
}

void random_scenario::end() {
    if (client_.status() != session_status::idle) {
        if (chance(30))
            (void)client_.session().drain(net_.now());
        else
            client_.session().close(net_.now());
        const time_point latest = net_.now() + options_.drain_timeout + 10s;
        while (client_.status() != session_status::closed && client_.step(latest)) step_checks();
        if (client_.status() != session_status::closed) fail("a drain has no end");
        const time_point then = net_.now();
        while (client_.step(then)) {
        }
        if (!waiters_done()) fail("somebody still waits after the end");
        if (client_.count("closed") != 1) fail("not one closed event");
        client_.advance(1min);
    }
}

std::vector<std::string> random_scenario::run() {
    try {
        if (chance(30)) subscribe();
        if (!client_.session().start(net_.now())) fail("it did not start");
        const std::uint64_t rounds = 15 + below(60);
        for (std::uint64_t i = 0; i < rounds; ++i) {
            user();
            world();
            pass_time();
            drop_done();
        }
        heal();
        const bool up = recover();
        if (up) check_table();
        check_publishes(up);
        end();
    } catch (const std::exception& e) {
        fail(e.what());
    }
    for (std::string& b : client_.take_broken()) fail(std::move(b));
    return failures_;
}

std::string random_scenario::transcript() {
    std::string out = client_.transcript();
    for (const std::string& l : client_.log()) out += l + '\n';
    for (const place* p : net_.places()) {
        out += p->name + '\n';
        for (const std::string& l : p->server.lines()) out += l + '\n';
    }
    return out;
}

} // namespace nats::test
