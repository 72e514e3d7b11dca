// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: write(2) with a buffer of our own, since what matters is to know that the
// reader has gone (EPIPE; main() ignores SIGPIPE), and to write once for all messages that came
// together.

#include <natsproto/error.hpp>
#include <natsproto/headers.hpp>

#include "output.hpp"
#include "templates.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <iterator>
#include <system_error>

#include <unistd.h>

namespace nats::cli {

namespace {

constexpr std::size_t enough = 64 * 1024;

/// `printable`, but line breaks and tabs of a payload stay.
std::string printable_text(std::string_view text) {
    std::string out;
    while (true) {
        const std::size_t at = text.find_first_of("\n\t");
        out += printable(text.substr(0, at));
        if (at == std::string_view::npos) return out;
        out += text[at];
        text.remove_prefix(at + 1);
    }
}

} // namespace

void output::write(std::string_view text) {
    waiting_ += text;
    if (waiting_.size() >= enough) flush();
}

void output::flush() {
    std::string_view left = waiting_;
    while (!left.empty()) {
        const ssize_t n = ::write(STDOUT_FILENO, left.data(), left.size());
        if (n >= 0) {
            left.remove_prefix(static_cast<std::size_t>(n));
        } else if (errno == EPIPE) {
            throw output_closed();
        } else if (errno != EINTR) {
            throw std::system_error(errno, std::system_category(), "cannot write to stdout");
        }
    }
    waiting_.clear();
}

void print(std::string_view text) {
    output out;
    out.write(text);
    out.flush();
}

void print_content(output& out, const message_view& m, const message_format& f) {
    std::string text;
    const auto add = std::back_inserter(text);
    if (m.status() != 0) {
        fmt::format_to(add, "Status: {} {}\n", m.status(), printable(m.headers.description()));
    }
    for (const header_field& h : m.headers)
        fmt::format_to(add, "{}: {}\n", printable(h.name), printable(unfold(h.value)));
    if (!text.empty()) text += '\n';
    if (!f.headers_only && !m.payload.empty()) {
        text += printable_text(m.payload);
        text += text.ends_with('\n') ? "\n" : "\n\n";
    } else if (text.empty()) {
        text += '\n';
    }
    out.write(text);
}

void print_message(output& out, const message_view& m, std::uint64_t number,
                   const message_format& f) {
    if (f.raw) {
        out.write(m.payload);
        out.write("\n");
        return;
    }
    if (f.subjects_only) {
        out.write(printable(m.subject) + '\n');
        return;
    }
    std::string head = fmt::format("[#{}] ", number);
    if (f.timestamp) head += "@ " + timestamp() + ' ';
    head += fmt::format("Received on \"{}\"", printable(m.subject));
    if (!m.reply.empty()) head += fmt::format(" with reply \"{}\"", printable(m.reply));
    out.write(head + '\n');
    print_content(out, m, f);
}

} // namespace nats::cli
