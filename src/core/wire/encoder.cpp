// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Each operation asks the output queue for room for its longest form, writes the text straight into
// it with plain copies, and commits what it used. Sizes are byte counts of what is copied, taken
// from the same views: they cannot disagree.

#include <natsproto/wire/encoder.hpp>

#include "core/text/ascii.hpp"

namespace nats::wire {

namespace {

using text::write_decimal;
using text::write_text;

constexpr std::size_t max_digits = 20;

char* write_crlf(char* out) noexcept {
    out[0] = '\r';
    out[1] = '\n';
    return out + 2;
}

char* write_word(char* out, std::string_view word) noexcept {
    out = write_text(out, word);
    *out = ' ';
    return out + 1;
}

/// `PUB subject [reply] size` or `HPUB subject [reply] header_size total`, and the line's end.
[[gnu::always_inline]] inline char* write_pub_line(char* p, std::string_view subject,
                                                   std::string_view reply, std::size_t header,
                                                   std::size_t total) {
    p = header != 0 ? write_text(p, "HPUB ") : write_text(p, "PUB ");
    p = write_word(p, subject);
    if (!reply.empty()) p = write_word(p, reply);
    if (header != 0) {
        p = write_decimal(p, header);
        *p++ = ' ';
    }
    return write_crlf(write_decimal(p, total));
}

constexpr std::size_t pub_line_room(std::size_t subject, std::size_t reply) noexcept {
    return subject + reply + 2 * max_digits + 16;
}

void append_line(output_queue& out, std::string_view op, std::string_view args,
                 std::string_view end) {
    char* const start = out.reserve(op.size() + args.size() + end.size());
    char* p = write_text(start, op);
    p = write_text(p, args);
    p = write_text(p, end);
    out.commit(static_cast<std::size_t>(p - start));
}

} // namespace

void encode_connect(output_queue& out, std::string_view json) {
    out.append_secret({"CONNECT ", json, "\r\n"});
}
void encode_info(output_queue& out, std::string_view json) {
    append_line(out, "INFO ", json, " \r\n");
}
void encode_err(output_queue& out, std::string_view text) {
    append_line(out, "-ERR '", text, "'\r\n");
}
void encode_ok(output_queue& out) {
    out.append("+OK\r\n");
}
void encode_ping(output_queue& out) {
    out.append("PING\r\n");
}
void encode_pong(output_queue& out) {
    out.append("PONG\r\n");
}

void encode_pub(output_queue& out, std::string_view subject, std::string_view reply,
                std::string_view header, std::string_view payload) {
    const std::size_t total = header.size() + payload.size();
    char* const start = out.reserve(pub_line_room(subject.size(), reply.size()) + total + 2);
    char* p = write_pub_line(start, subject, reply, header.size(), total);
    p = write_text(p, header);
    p = write_text(p, payload);
    p = write_crlf(p);
    out.commit(static_cast<std::size_t>(p - start));
}

void encode_pub_borrowed(output_queue& out, std::string_view subject, std::string_view reply,
                         std::string_view header, std::string_view payload) {
    if (payload.size() < borrow_threshold) return encode_pub(out, subject, reply, header, payload);
    char* const start = out.reserve(pub_line_room(subject.size(), reply.size()) + header.size());
    char* p = write_pub_line(start, subject, reply, header.size(), header.size() + payload.size());
    p = write_text(p, header);
    out.commit(static_cast<std::size_t>(p - start));
    out.append_borrowed(payload, "\r\n");
}

void encode_sub(output_queue& out, std::string_view subject, std::string_view queue,
                std::uint64_t sid) {
    char* const start = out.reserve(subject.size() + queue.size() + max_digits + 8);
    char* p = write_word(write_text(start, "SUB "), subject);
    if (!queue.empty()) p = write_word(p, queue);
    p = write_crlf(write_decimal(p, sid));
    out.commit(static_cast<std::size_t>(p - start));
}

void encode_unsub(output_queue& out, std::uint64_t sid) {
    char* const start = out.reserve(max_digits + 8);
    char* p = write_crlf(write_decimal(write_text(start, "UNSUB "), sid));
    out.commit(static_cast<std::size_t>(p - start));
}

void encode_unsub(output_queue& out, std::uint64_t sid, std::uint64_t max) {
    char* const start = out.reserve(2 * max_digits + 12);
    char* p = write_decimal(write_text(start, "UNSUB "), sid);
    *p++ = ' ';
    p = write_crlf(write_decimal(p, max));
    out.commit(static_cast<std::size_t>(p - start));
}

void encode_msg(output_queue& out, std::string_view subject, std::string_view sid,
                std::string_view reply, std::string_view header, std::string_view payload) {
    const std::size_t total = header.size() + payload.size();
    char* const start =
        out.reserve(subject.size() + sid.size() + reply.size() + total + 2 * max_digits + 16);
    char* p = header.empty() ? write_text(start, "MSG ") : write_text(start, "HMSG ");
    p = write_word(write_word(p, subject), sid);
    if (!reply.empty()) p = write_word(p, reply);
    if (!header.empty()) {
        p = write_decimal(p, header.size());
        *p++ = ' ';
    }
    p = write_crlf(write_decimal(p, total));
    p = write_text(p, header);
    p = write_crlf(write_text(p, payload));
    out.commit(static_cast<std::size_t>(p - start));
}

std::size_t pub_size(std::string_view subject, std::string_view reply, std::string_view header,
                     std::string_view payload) noexcept {
    const std::size_t op = header.empty() ? 4 : 5;
    return op + pub_arguments_size(subject.size(), reply.size(), header.size(), payload.size()) +
           2 + header.size() + payload.size() + 2;
}

std::size_t pub_arguments_size(std::size_t subject, std::size_t reply, std::size_t header,
                               std::size_t payload) noexcept {
    std::size_t size = subject + 1 + text::decimal_digits(header + payload);
    if (reply != 0) size += reply + 1;
    if (header != 0) size += text::decimal_digits(header) + 1;
    return size;
}

} // namespace nats::wire
