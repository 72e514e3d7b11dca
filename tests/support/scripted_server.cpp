// SPDX-License-Identifier: Apache-2.0

#include <natsproto/error.hpp>
#include <natsproto/subject.hpp>
#include <natsproto/wire/encoder.hpp>

#include "support/scripted_server.hpp"

#include <algorithm>
#include <utility>

namespace nats::test {

namespace {

std::string with_text(std::string line, std::string_view text) {
    if (!text.empty()) line += ' ' + printable(text);
    return line;
}

std::string published_line(const wire::frame& f) {
    std::string out = with_text(with_text(f.has_headers ? "HPUB" : "PUB", f.subject), f.reply);
    if (f.has_headers) out += ' ' + std::to_string(f.headers.raw().size());
    out += ' ' + std::to_string(f.headers.raw().size() + f.payload.size());
    return with_text(with_text(std::move(out), f.headers.raw()), f.payload);
}

} // namespace

std::string line_of(const wire::frame& f) {
    switch (f.kind) {
    case wire::op::connect: return with_text("CONNECT", f.text);
    case wire::op::pub: return published_line(f);
    case wire::op::sub:
        return with_text(with_text(with_text("SUB", f.subject), f.queue), f.sid_text);
    case wire::op::unsub:
        return with_text("UNSUB", f.sid_text) + (f.has_max ? ' ' + std::to_string(f.max) : "");
    case wire::op::ping: return "PING";
    case wire::op::pong: return "PONG";
    default: return "an operation that no client sends";
    }
}

void scripted_server::accept() {
    ++connections_;
    parser_.reset();
    input_.clear();
    output_.clear();
    subs_.clear();
    hung_up_ = no_responders_ = false;
    verbose_ = echo_ = true;
    if (!rules.info.empty()) send("INFO " + rules.info + " \r\n");
}

void scripted_server::receive(std::string_view bytes) {
    if (hung_up_) return;
    received_ += bytes;
    input_ += bytes;
    wire::frame f;
    std::size_t used = 0;
    auto status = wire::parser::status::frame;
    while ((status = parser_.next(std::string_view(input_).substr(used), f)) ==
           wire::parser::status::frame) {
        lines_.push_back(line_of(f));
        answer(f);
        used += f.size;
    }
    input_.erase(0, used);
    if (status == wire::parser::status::failed) {
        lines_.push_back("not the protocol: " + std::string(describe(parser_.failure())));
        send("-ERR 'Unknown Protocol Operation'\r\n");
        hang_up();
    }
}

std::string scripted_server::take_output() {
    return std::exchange(output_, {});
}

void scripted_server::script(std::string line_start, std::string answer, bool then_close) {
    script_[std::move(line_start)].push_back({std::move(answer), then_close});
}

void scripted_server::serve(std::string pattern, service s) {
    services_.emplace_back(std::move(pattern), std::move(s));
}

std::size_t scripted_server::count(std::string_view line_start) const {
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(),
                      [&](const std::string& l) { return l.starts_with(line_start); }));
}

// --- answers

bool scripted_server::answer_by_script(const std::string& line) {
    for (auto& [start, answers] : script_) {
        if (answers.empty() || !line.starts_with(start)) continue;
        send(answers.front().answer);
        if (answers.front().then_close) hang_up();
        answers.pop_front();
        return true;
    }
    return false;
}

void scripted_server::answer(const wire::frame& f) {
    if (answer_by_script(lines_.back())) return;
    if (f.kind == wire::op::ping) {
        if (rules.answer_ping) send("PONG\r\n");
        return;
    }
    if (f.kind == wire::op::connect) connect(f.text);
    if (verbose_ && f.kind != wire::op::pong) send("+OK\r\n");
    if (f.kind == wire::op::sub)
        subs_.push_back({std::string(f.subject), std::string(f.queue), std::string(f.sid_text)});
    if (f.kind == wire::op::unsub) unsubscribe(f);
    if (f.kind == wire::op::pub && rules.routing) route(f);
}

void scripted_server::connect(std::string_view json) {
    const auto says = [json](std::string_view member) {
        return json.find(member) != std::string_view::npos;
    };
    verbose_ = says(R"("verbose":true)");
    echo_ = !says(R"("echo":false)");
    no_responders_ = says(R"("no_responders":true)");
}

void scripted_server::unsubscribe(const wire::frame& f) {
    const auto s = std::find_if(subs_.begin(), subs_.end(),
                                [&f](const subscription& x) { return x.sid == f.sid_text; });
    if (s == subs_.end()) return;
    s->max = f.has_max ? f.max : 0;
    if (s->max <= s->delivered) subs_.erase(s);
}

// --- routing

void scripted_server::route(const wire::frame& f) {
    bool taken = echo_ && deliver(f.subject, f.payload, f.reply, f.headers.raw()) != 0;
    for (const auto& [pattern, call] : services_) {
        if (!subject_matches(pattern, f.subject)) continue;
        call(*this, f);
        taken = true;
    }
    if (!taken && no_responders_ && !f.reply.empty())
        (void)deliver(f.reply, {}, {}, "NATS/1.0 503\r\n\r\n");
}

std::size_t scripted_server::publish(std::string_view subject, std::string_view payload,
                                     std::string_view reply, std::string_view header) {
    return deliver(subject, payload, reply, header);
}

std::size_t scripted_server::deliver(std::string_view subject, std::string_view payload,
                                     std::string_view reply, std::string_view header) {
    ++published_;
    std::size_t delivered = 0;
    std::map<std::string, std::vector<subscription*>> groups;
    for (subscription& s : subs_) {
        if (!subject_matches(s.subject, subject)) continue;
        if (!s.queue.empty()) {
            groups[s.queue].push_back(&s);
            continue;
        }
        deliver_to(s, subject, payload, reply, header);
        ++delivered;
    }
    for (auto& [name, members] : groups) {
        deliver_to(*members[published_ % members.size()], subject, payload, reply, header);
        ++delivered;
    }
    std::erase_if(subs_, [](const subscription& s) { return s.max != 0 && s.delivered >= s.max; });
    return delivered;
}

void scripted_server::deliver_to(subscription& s, std::string_view subject,
                                 std::string_view payload, std::string_view reply,
                                 std::string_view header) {
    ++s.delivered;
    std::uint64_t sid = 0;
    for (const char digit : s.sid) sid = sid * 10 + static_cast<std::uint64_t>(digit - '0');
    send_message(subject, sid, payload, reply, header);
}

void scripted_server::send_message(std::string_view subject, std::uint64_t sid,
                                   std::string_view payload, std::string_view reply,
                                   std::string_view header) {
    wire::output_queue out;
    wire::encode_msg(out, subject, std::to_string(sid), reply, header, payload);
    const_buffer piece[1];
    while (out.gather(piece) != 0) {
        output_.append(piece[0].data, piece[0].size);
        out.transmitted(piece[0].size);
    }
}

} // namespace nats::test
