// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a client reads only when its script says so, up to the PONG of a PING of
// its own or to the end. A server acts in order upon what one client sends, so what was to come
// before that PONG is there then, and nothing has to be waited for. A message for another client
// was queued before its publisher's PONG, so that client's own PONG comes after it.

#include "integration/conversations.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::test {

namespace {

constexpr int patience_ms = 5000;

// --- the file

/// The character of one escape, whose backslash is in front of `at`.
char unescaped(std::string_view text, std::size_t& at) {
    const char c = text.at(at++);
    switch (c) {
    case 'r': return '\r';
    case 'n': return '\n';
    case 't': return '\t';
    case '\\': return '\\';
    case 'x': {
        unsigned value = 0;
        const char* const from = text.data() + at;
        if (at + 2 > text.size() || std::from_chars(from, from + 2, value, 16).ptr != from + 2)
            break;
        at += 2;
        return static_cast<char>(value);
    }
    default: break;
    }
    throw std::runtime_error("an unknown escape in: " + std::string(text));
}

std::string bytes_of(std::string_view text);

/// `{1000*x}` at `at`: that many x.
std::string repeated(std::string_view text, std::size_t& at) {
    std::size_t times = 0;
    const char* const from = text.data() + at + 1;
    const char* const end = text.data() + text.size();
    const auto number = std::from_chars(from, end, times);
    if (number.ec != std::errc() || end - number.ptr < 3 || number.ptr[0] != '*') return {};
    const char* const close =
        std::char_traits<char>::find(number.ptr, static_cast<std::size_t>(end - number.ptr), '}');
    if (close == nullptr) return {};
    const std::string what = bytes_of({number.ptr + 1, close});
    std::string out;
    while (times-- != 0) out += what;
    at = static_cast<std::size_t>(close + 1 - text.data());
    return out;
}

std::string bytes_of(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\\') {
            out += unescaped(text, ++at);
            continue;
        }
        std::string many = text[at] == '{' ? repeated(text, at) : std::string();
        many.empty() ? out += text[at++] : out += many;
    }
    return out;
}

constexpr std::string_view usual_connect =
    R"(CONNECT {"verbose":false,"pedantic":false,"protocol":1,"headers":true,"no_responders":true)";

conversation::step step_of(std::string_view line) {
    constexpr std::string_view kinds = ":+-?!.<";
    if (line == "* retire") return {'*', '*', {}};
    const bool good = line.size() > 1 && line[0] >= 'a' && line[0] <= 'f' &&
                      kinds.find(line[1]) != std::string_view::npos &&
                      (line.size() == 2 || line[2] == ' ');
    if (!good) throw std::runtime_error("not a step: " + std::string(line));
    conversation::step s{line[0], line[1],
                         bytes_of(line.substr(std::min<std::size_t>(line.size(), 3)))};
    if (s.kind == '+') s.text = std::string(usual_connect) + s.text + '}';
    if (s.kind == ':' || s.kind == '+') s.text += "\r\n";
    return s;
}

// --- what is compared

std::string escaped(std::string_view line) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : line) {
        const auto code = static_cast<unsigned char>(c);
        if (code >= 0x20 && code < 0x7f) {
            out += c;
        } else if (c == '\r' || c == '\n') {
            out += c == '\r' ? "\\r" : "\\n";
        } else {
            out += "\\x";
            out += digits[code >> 4U];
            out += digits[code & 15U];
        }
    }
    return out;
}

/// INFO's members that clients decide by; the others are each server's own.
std::string digest_of_info(std::string_view line) {
    const boost::json::object all = boost::json::parse(line.substr(line.find('{'))).as_object();
    std::string out = "INFO";
    for (const char* name : {"proto", "headers", "max_payload", "auth_required", "tls_required",
                             "tls_available", "ldm", "connect_info", "jetstream"}) {
        const boost::json::value* const v = all.if_contains(name);
        if (v != nullptr) out += ' ' + std::string(name) + '=' + boost::json::serialize(*v);
    }
    if (all.contains("nonce")) out += " nonce";
    return out;
}

/// `MSG subject 7 5` -> `MSG subject # 5`
std::string without_sid(const std::string& line) {
    if (!line.starts_with("MSG ") && !line.starts_with("HMSG ")) return line;
    const std::size_t sid = line.find(' ', line.find(' ') + 1) + 1;
    return line.substr(0, sid) + '#' + line.substr(line.find(' ', sid));
}

// --- holding it

class holder {
public:
    holder(const conversation& c, party& server, signer_function sign)
        : conversation_(c), server_(server), sign_(sign) {}

    std::vector<std::string> run() {
        for (const conversation::step& s : conversation_.steps) {
            try {
                perform(s);
            } catch (const std::exception& failure) {
                transcript_.push_back(std::string("! ") + s.client + ": " + failure.what());
                return std::move(transcript_);
            }
        }
        for (auto& [name, c] : clients_) {
            if (!c.ended) perform({name, '?', {}});
        }
        for (auto& [name, c] : clients_) c.socket->leave();
        return std::move(transcript_);
    }

private:
    struct client {
        std::unique_ptr<raw_client> socket;
        std::string unread; ///< received, and not in the transcript yet
        std::string nonce;
        bool ended = false;
    };

    void perform(const conversation::step& s) {
        if (s.kind == '*') return server_.retire();
        client& c = the(s.client);
        switch (s.kind) {
        case '?': {
            c.socket->send("PING\r\n");
            read(s.client, c, "PONG\r\n", s.text.empty() ? 1 : std::stoi(s.text));
            break;
        }
        case '!': read(s.client, c, "", 1); break;
        case '<': read(s.client, c, s.text, 1); break;
        case '.':
            c.socket->leave();
            c.ended = true;
            break;
        default: c.socket->send(with_signature(s.text, c)); break;
        }
    }

    /// The client of this name, which connects if it has not.
    client& the(char name) {
        client& c = clients_[name];
        if (c.socket) return c;
        c.socket = server_.connect();
        read(name, c, "\r\n", 1);
        return c;
    }

    std::string with_signature(const std::string& text, const client& c) const {
        constexpr std::string_view mark = "{sign}";
        const std::size_t at = text.find(mark);
        if (at == std::string::npos || sign_ == nullptr) return text;
        return std::string(text).replace(at, mark.size(), sign_(c.nonce));
    }

    /// Reads until `mark` was there so many times, or to the end, and writes it all down.
    void read(char name, client& c, std::string_view mark, int times) {
        std::size_t from = 0;
        while (!c.ended) {
            std::size_t at = mark.empty() ? std::string::npos : c.unread.find(mark, from);
            for (; at != std::string::npos && --times > 0; at = c.unread.find(mark, from))
                from = at + mark.size();
            if (at != std::string::npos) break;
            c.ended = !c.socket->receive(c.unread);
        }
        write_down(name, c);
        if (c.ended) transcript_.push_back(std::string(1, name) + " EOF");
    }

    void write_down(char name, client& c) {
        std::string_view text = c.unread;
        while (!text.empty()) {
            const std::size_t end = text.find("\r\n");
            std::string line(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
            if (line.starts_with("INFO {")) {
                const std::size_t nonce = line.find(R"("nonce":")");
                if (nonce != std::string::npos)
                    c.nonce = line.substr(nonce + 9, line.find('"', nonce + 9) - nonce - 9);
                line = digest_of_info(line);
            }
            if (conversation_.any_sid) line = without_sid(line);
            transcript_.push_back(std::string(1, name) + ' ' + escaped(line));
        }
        c.unread.clear();
    }

    const conversation& conversation_;
    party& server_;
    signer_function sign_;
    std::map<char, client> clients_;
    std::vector<std::string> transcript_;
};

// --- sockets

class socket_client final : public raw_client {
public:
    explicit socket_client(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (socket_ < 0) throw std::system_error(errno, std::system_category(), "socket");
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return;
        const int reason = errno;
        ::close(socket_);
        throw std::system_error(reason, std::system_category(), "connect");
    }
    socket_client(const socket_client&) = delete;
    socket_client& operator=(const socket_client&) = delete;
    ~socket_client() override { ::close(socket_); }

    void send(std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n < 0) return; // a server that has closed is seen by `receive`
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    bool receive(std::string& into) override {
        pollfd wanted{socket_, POLLIN, 0};
        if (::poll(&wanted, 1, patience_ms) == 0) throw std::runtime_error("silence");
        std::array<char, 65536> part{};
        const ssize_t n = ::recv(socket_, part.data(), part.size(), 0);
        if (n <= 0) return false; // also ECONNRESET
        into.append(part.data(), static_cast<std::size_t>(n));
        return true;
    }
    void leave() override {
        std::string rest;
        (void)::shutdown(socket_, SHUT_WR);
        while (receive(rest)) rest.clear();
    }

private:
    int socket_;
};

} // namespace

std::vector<conversation> read_conversations(const std::filesystem::path& file,
                                             std::string_view part) {
    std::ifstream in(file);
    std::vector<conversation> all;
    bool wanted = false;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.empty() || line[0] == '#') continue;
        if (line.starts_with("@ ")) {
            wanted = line.substr(2) == part;
        } else if (wanted && line.starts_with("== ")) {
            all.push_back({line.substr(3), number, line.ends_with(" (any sid)"), {}});
        } else if (wanted) {
            all.at(all.size() - 1).steps.push_back(step_of(line));
        }
    }
    if (all.empty()) throw std::runtime_error("no conversations of " + std::string(part));
    return all;
}

std::vector<std::string> hold(const conversation& c, party& server, signer_function sign) {
    return holder(c, server, sign).run();
}

std::unique_ptr<raw_client> connect_to(std::uint16_t port) {
    return std::make_unique<socket_client>(port);
}

} // namespace nats::test
