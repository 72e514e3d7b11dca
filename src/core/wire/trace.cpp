// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the same parser as everywhere cuts the stream into operations; CONNECT is
// shown by the names of its members that are not secret, everything else as it is.

#include <natsproto/wire/trace.hpp>

#include <natsproto/error.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstring>

namespace nats::wire {

namespace {

std::string redacted(std::string_view text) {
    namespace json = boost::json;
    json::error_code ec;
    json::value value = json::parse(json::string_view(text.data(), text.size()), ec);
    if (ec || !value.is_object()) return "{...}";
    for (const char* secret : {"pass", "auth_token", "jwt", "sig", "nkey"}) {
        if (json::value* member = value.as_object().if_contains(secret)) *member = "***";
    }
    return printable(json::serialize(value));
}

std::string shown(std::string_view payload, std::size_t most) {
    std::string out = printable(payload.substr(0, most));
    if (payload.size() > most) out += "...";
    return out;
}

void add_word(std::string& line, std::string_view word) {
    if (!word.empty()) line.append(" ").append(printable(word));
}

} // namespace

std::string describe(const frame& f, std::size_t max_payload) {
    switch (f.kind) {
    case op::ping: return "PING";
    case op::pong: return "PONG";
    case op::ok: return "+OK";
    case op::err: return "-ERR '" + printable(f.text) + "'";
    case op::info: return "INFO " + printable(f.text);
    case op::connect: return "CONNECT " + redacted(f.text);
    case op::sub: {
        std::string line = "SUB";
        for (const std::string_view word : {f.subject, f.queue, f.sid_text}) add_word(line, word);
        return line;
    }
    case op::unsub: {
        std::string line = "UNSUB";
        add_word(line, f.sid_text);
        return f.has_max ? line + ' ' + std::to_string(f.max) : line;
    }
    case op::msg:
    case op::pub: break;
    }
    std::string line =
        f.kind == op::msg ? (f.has_headers ? "HMSG" : "MSG") : (f.has_headers ? "HPUB" : "PUB");
    add_word(line, f.subject);
    if (f.kind == op::msg) add_word(line, f.sid_text);
    add_word(line, f.reply);
    if (f.has_headers) line += ' ' + std::to_string(f.headers.raw().size());
    line += ' ' + std::to_string(f.message_view::size());
    if (!f.headers.raw().empty()) line += " | " + shown(f.headers.raw(), max_payload);
    if (!f.payload.empty()) line += " | " + shown(f.payload, max_payload);
    return line;
}

void tracer::feed(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(input_.prepare(bytes.size(), parser_.wanted()).data(), bytes.data(), bytes.size());
    input_.commit(bytes.size());
}

bool tracer::next(std::string& line) {
    frame f;
    switch (parser_.next(input_.data(), f)) {
    case parser::status::need_more: return false;
    case parser::status::failed:
        if (input_.size() == 0) return false;
        line = "? " + shown(input_.data(), 64);
        input_.clear();
        return true;
    case parser::status::frame: break;
    }
    line = describe(f);
    input_.consume(f.size);
    return true;
}

void tracer::reset() {
    input_.clear();
    parser_.reset();
}

} // namespace nats::wire
