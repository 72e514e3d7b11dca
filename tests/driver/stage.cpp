// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each call of a scenario is one of the client's, and a line. Events come in
// between at times that differ from driver to driver, so they are kept apart, in their order, until
// the scenario asks for them.

#include "driver/stage.hpp"
#include "support/session_steps.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <variant>

namespace nats::test {

namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
}

std::string text_of_payload(std::string_view payload) {
    constexpr std::size_t most = 60;
    if (payload.size() <= most) return '"' + shown(payload) + '"';
    std::uint32_t sum = 0;
    for (const char c : payload) sum = sum * 31 + static_cast<unsigned char>(c);
    return std::to_string(payload.size()) + " bytes (" + std::to_string(sum) + ')';
}

/// Inboxes are random.
std::string text_of_reply(std::string_view reply) {
    return reply.starts_with("_INBOX.") ? "_INBOX" : std::string(reply);
}

std::string_view name_of_status(subscription_status s) {
    switch (s) {
    case subscription_status::active: return "active";
    case subscription_status::draining: return "draining";
    case subscription_status::ended: return "ended";
    }
    return "unknown";
}

/// What a broken connection is told with is the system's words.
bool is_of_the_system(errc code) {
    return code == errc::eof || code == errc::connect_failed || code == errc::resolve_failed ||
           code == errc::no_servers;
}

} // namespace

class stage::aside {
public:
    explicit aside(actor& of) : stage_(of.on()), before_(stage_.lines_) {
        stage_.lines_ = &of.handled_;
    }
    aside(const aside&) = delete;
    aside& operator=(const aside&) = delete;
    ~aside() { stage_.lines_ = before_; }

private:
    stage& stage_;
    std::string* before_;
};

// --- listener

listener::listener(actor& owner, std::string name, result<std::unique_ptr<reader>> made)
    : owner_(&owner), name_(std::move(name)), reader_(made ? std::move(*made) : nullptr) {
    owner.note("subscribe " + name_, owner.on().outcome(made));
}

void listener::note(std::string_view what, std::string_view outcome) {
    owner_->note(std::string(what) + ' ' + name_, outcome);
}

void listener::note_wait(std::string_view what, std::string_view outcome) {
    owner_->note_wait(std::string(what) + ' ' + name_, outcome);
}

message listener::next(duration timeout) {
    result<message> m = reader_ ? reader_->next(timeout) : error{errc::invalid_subscription};
    note_wait(timeout == 0s ? "take" : "next",
              m ? owner_->on().text_of(*m) : owner_->on().text_of(m.error()));
    return m ? std::move(*m) : message();
}

void listener::rest(duration timeout) {
    std::string out;
    std::size_t n = 0;
    result<message> m = reader_->next(timeout);
    for (; m; m = reader_->next(timeout)) {
        if (++n <= 10) out += ' ' + text_of_payload(m->payload());
    }
    note_wait("rest", std::to_string(n) + ':' + out + "; " + owner_->on().text_of(m.error()));
}

void listener::unsubscribe(std::optional<std::uint64_t> after) {
    note(after ? "unsubscribe after " + std::to_string(*after) + " of" : "unsubscribe",
         owner_->on().outcome(reader_->unsubscribe(after)));
}
void listener::drain() {
    note("drain", owner_->on().outcome(reader_->drain()));
}
void listener::status() {
    note("status of", name_of_status(reader_->status()));
}
void listener::note_end() {
    reader_->on_end([this](const error& why) {
        const stage::aside apart(*owner_);
        note("end of", owner_->on().text_of(why));
    });
}
void listener::counters() {
    const mailbox& q = reader_->queue();
    note("counters of", std::to_string(q.pending_messages()) + " pending, " +
                            std::to_string(q.pending_bytes()) + " bytes, " +
                            std::to_string(q.delivered()) + " delivered, " +
                            std::to_string(q.dropped()) + " dropped");
}
void listener::limit(const pending_limits& l) {
    note("limit " + std::to_string(l.messages) + " messages, " + std::to_string(l.bytes) +
             " bytes of",
         owner_->on().outcome(reader_->set_pending_limits(l)));
}
void listener::destroy() {
    reader_.reset();
}

// --- asker

asker::asker(actor& owner, std::string name, result<std::unique_ptr<reply_reader>> made)
    : owner_(&owner), name_(std::move(name)), replies_(made ? std::move(*made) : nullptr) {
    owner.note("request many " + name_, owner.on().outcome(made));
}

void asker::next() {
    const result<std::optional<message>> m = replies_->next();
    owner_->note_wait("reply of " + name_, !m   ? owner_->on().text_of(m.error())
                                           : *m ? owner_->on().text_of(**m)
                                                : "the end");
}

void asker::rest() {
    std::string out;
    while (true) {
        const result<std::optional<message>> m = replies_->next();
        if (m && *m) {
            out += text_of_payload((*m)->payload()) + ' ';
            continue;
        }
        out += m ? "the end" : owner_->on().text_of(m.error());
        break;
    }
    owner_->note_wait("replies of " + name_, out);
}

// --- actor

actor::actor(stage& s, std::string name, const options& o)
    : stage_(&s), name_(std::move(name)), events_(std::make_shared<std::vector<std::string>>()) {
    const auto note_event = [seen = events_, &s](const event& e) {
        if (std::string line = s.text_of(e); !line.empty()) seen->push_back(std::move(line));
    };
    result<std::unique_ptr<connection>> made = s.net().connect(o, note_event);
    note("connect", s.outcome(made));
    if (made) connection_ = std::move(*made);
}

void actor::note(std::string_view what, std::string_view outcome) {
    stage_->note(name_ + ' ' + std::string(what) + " -> " + std::string(outcome));
}

void actor::note_wait(std::string_view what, std::string_view outcome) {
    stage_->transcript_ += std::exchange(handled_, {});
    note(what, outcome);
}

bool actor::has(std::string_view what) {
    if (connection_) return true;
    note(what, "there is no client");
    return false;
}

void actor::publish(std::string_view subject, bytes payload, const publish_options& o) {
    const std::string what = "publish " + shown(subject).substr(0, 40);
    if (has(what)) note(what, stage_->outcome(connection_->publish(subject, payload, o)));
}

void actor::send(std::string_view subject, bytes payload) {
    const result<void> sent = connection_->publish(subject, payload, {});
    if (!sent) note("send " + std::string(subject), stage_->text_of(sent.error()));
}

void actor::respond(const message_view& to, bytes payload) {
    note("respond", stage_->outcome(connection_->respond(to, payload, {})));
}

listener& actor::subscribe(std::string_view subject, const subscribe_options& o) {
    return stage_->listeners_.emplace_back(*this, shown(subject).substr(0, 40),
                                           connection_->subscribe(subject, o));
}

listener& actor::handle(std::string_view subject, message_handler then,
                        const subscribe_options& o) {
    return serve(
        subject,
        [this, then = std::move(then)](const message_view& m) {
            note("handles", stage_->text_of(m));
            if (then) then(m);
        },
        o);
}

listener& actor::serve(std::string_view subject, message_handler h, const subscribe_options& o) {
    message_handler apart;
    if (h) {
        apart = [this, h = std::move(h)](const message_view& m) {
            const stage::aside lines(*this);
            h(m);
        };
    }
    return stage_->listeners_.emplace_back(*this, std::string(subject),
                                           connection_->subscribe(subject, std::move(apart), o));
}

void actor::flush(duration timeout) {
    if (has("flush")) note_wait("flush", stage_->outcome(connection_->flush(timeout)));
}
void actor::rtt(duration timeout) {
    note_wait("rtt", stage_->outcome(connection_->rtt(timeout)));
}
void actor::wait_connected(duration timeout) {
    note_wait("wait connected", stage_->outcome(connection_->wait_connected(timeout)));
}
void actor::barrier(duration timeout) {
    note_wait("barrier", stage_->outcome(connection_->barrier(timeout)));
}

void actor::until(std::string_view what, const std::function<bool()>& holds) {
    bool closed = false;
    duration left = patience;
    for (; !holds() && !closed && left > 0s; left -= 5ms)
        closed = !connection_->poll(5ms) && connection_->status() == session_status::closed;
    note_wait("until " + std::string(what), holds() ? "ok" : closed ? "closed" : "in vain");
}

void actor::until_event(std::string_view line_start) {
    until("event " + std::string(line_start), [&] { return count(line_start) != 0; });
}

void actor::until_status(session_status s) {
    until(name_of(s), [&] { return connection_->status() == s; });
}

void actor::request(std::string_view subject, bytes payload, duration timeout,
                    header_view headers) {
    const result<message> m = connection_->request(subject, payload, timeout, headers);
    std::string out = m ? stage_->text_of(*m) : stage_->text_of(m.error());
    note_wait("request " + shown(subject).substr(0, 40), out);
}

void actor::request_by_inbox(std::string_view subject, bytes payload, duration timeout) {
    const result<message> m = connection_->request_by_inbox(subject, payload, timeout);
    note_wait("request by inbox " + std::string(subject),
              m ? stage_->text_of(*m) : stage_->text_of(m.error()));
}

void actor::request_all(std::string_view subject, const std::vector<std::string>& payloads,
                        duration timeout) {
    std::string out;
    for (const result<message>& m : connection_->request_all(subject, payloads, timeout))
        out += (out.empty() ? "" : ", ") +
               (m ? text_of_payload(m->payload()) : stage_->text_of(m.error()));
    note_wait("request all " + std::string(subject), out);
}

asker& actor::request_many(std::string_view subject, bytes payload, const request_many_options& o) {
    return stage_->askers_.emplace_back(*this, std::string(subject),
                                        connection_->request_many(subject, payload, o));
}

void actor::run(const std::function<op<result<std::string>>(runtime&)>& make) {
    const result<std::string> r = connection_->run(make(connection_->rt()));
    note_wait("run", r ? *r : stage_->text_of(r.error()));
}

void actor::close() {
    connection_->close();
    note_wait("close", "ok");
}
void actor::drain() {
    note_wait("drain", stage_->outcome(connection_->drain()));
}
void actor::start_drain() {
    note("start drain", stage_->outcome(connection_->start_drain()));
}
void actor::force_reconnect() {
    note("force reconnect", stage_->outcome(connection_->force_reconnect()));
}
void actor::set_servers(std::string_view list) {
    note("set servers", stage_->outcome(connection_->set_servers(list)));
}
void actor::destroy() {
    connection_.reset();
    note("destroy", "ok");
}

void actor::status() {
    if (has("status")) note("status", name_of(connection_->status()));
}
void actor::stats() {
    const statistics& s = connection_->stats();
    note("stats", "out " + std::to_string(s.out_messages) + " messages, " +
                      std::to_string(s.out_bytes) + " bytes; in " + std::to_string(s.in_messages) +
                      " messages, " + std::to_string(s.in_bytes) + " bytes; " +
                      std::to_string(s.reconnects) + " reconnects");
}
void actor::server() {
    note("server", stage_->masked(connection_->server().text()));
}
void actor::kept() {
    note("kept", std::to_string(connection_->kept()) + " bytes");
}
void actor::close_reason() {
    note("close reason", stage_->text_of(connection_->close_reason()));
}

void actor::events() {
    std::string out;
    for (std::string before; told_ != events_->size(); ++told_) {
        const std::string& line = (*events_)[told_];
        if (line == before) continue;
        out += "\n    " + line;
        before = line;
    }
    stage_->note(name_ + " events:" + (out.empty() ? " none" : out));
}

std::size_t actor::count(std::string_view line_start) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        *events_, [&](const std::string& line) { return line.starts_with(line_start); }));
}

// --- stage

stage::~stage() {
    askers_.clear();
    listeners_.clear();
}

std::string stage::url(std::size_t server, std::string_view user_info) {
    return "nats://" + std::string(user_info) + (user_info.empty() ? "" : "@") +
           world_->address(server);
}

actor& stage::connect(std::string_view name, options o) {
    const std::string first = url();
    if (o.servers == options().servers) o.servers = first;
    return actors_.emplace_back(*this, std::string(name), o);
}

options stage::quick() {
    return {
        .randomize = false, .max_reconnects = -1, .reconnect_wait = 5ms, .reconnect_jitter = {}};
}

void stage::note(std::string_view line) {
    *lines_ += line;
    *lines_ += '\n';
}

std::string stage::transcript() const {
    std::string out = transcript_;
    for (const actor& a : actors_) out += a.handled_;
    return out;
}

std::string stage::masked(std::string text) const {
    constexpr std::string_view host = "127.0.0.1:";
    for (const auto& [number, address] : world_->addresses())
        replace_all(text, address, "server" + std::to_string(number));
    for (std::size_t at = 0; (at = text.find(host, at)) != std::string::npos;) {
        std::size_t end = at + host.size();
        while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
        text.replace(at, end - at, "address");
    }
    return text;
}

std::string stage::text_of(const error& e) const {
    // A server that is stopped before it has read everything resets the connection.
    const errc code = e.code() == errc::io_error ? errc::eof : e.code();
    return is_of_the_system(code) ? std::string(describe(code)) : masked(e.message());
}

std::string stage::text_of(const message_view& m) const {
    std::string out = shown(m.subject);
    if (m.subject.starts_with("_INBOX.")) out = "_INBOX";
    if (!m.reply.empty()) out += " [" + text_of_reply(m.reply) + ']';
    if (!m.headers.empty()) out += " {" + shown(m.headers.raw()) + '}';
    return out + ' ' + text_of_payload(m.payload);
}

namespace {

/// Lines of events; those that depend on when bytes come are left out.
struct event_text {
    const stage& on;

    template <class T>
    std::string operator()(const T& /*other*/) const {
        return {};
    }
    std::string operator()(const ev::connected& e) const {
        return "connected " + on.masked(e.server->text());
    }
    std::string operator()(const ev::reconnected& e) const {
        return "reconnected " + std::to_string(e.count) + ' ' + on.masked(e.server->text());
    }
    std::string operator()(const ev::connect_failed& e) const {
        return "connect failed " + on.masked(e.server->text()) + ": " + on.text_of(*e.why);
    }
    std::string operator()(const ev::disconnected& e) const {
        return "disconnected: " + on.text_of(*e.why);
    }
    std::string operator()(const ev::lame_duck& e) const {
        return "lame duck " + on.masked(e.server->text());
    }
    std::string operator()(const ev::server_error& e) const {
        return "server error: " + std::string(describe(e.what.code)) + ": " + std::string(e.text);
    }
    std::string operator()(const ev::slow_consumer& e) const {
        return "slow consumer " + std::string(e.subject) + ", " + std::to_string(e.dropped) +
               " dropped";
    }
    std::string operator()(const ev::warning& e) const { return "warning: " + on.text_of(*e.why); }
    std::string operator()(const ev::closed& e) const { return "closed: " + on.text_of(*e.why); }
};

} // namespace

std::string stage::text_of(const event& e) const {
    return std::visit(event_text{*this}, e);
}

} // namespace nats::test
