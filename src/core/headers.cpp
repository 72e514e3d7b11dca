// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A block is lines. The first is the version line with an optional status; the fields follow; an
// empty line ends it. The iterator finds one line at a time, glues lines that start with a blank to
// the one before (folding, which other clients accept and nobody should send), and skips what has
// no name. Nothing here assumes that the block is valid: it may hold any bytes, end anywhere, and
// lack any part. The builder keeps its block complete at all times and inserts in front of the
// final empty line.

#include <natsproto/headers.hpp>

#include "core/text/ascii.hpp"

namespace nats {

namespace {

constexpr std::string_view version = "NATS/1.0";
constexpr std::string_view version_line = "NATS/1.0\r\n";
constexpr std::string_view crlf = "\r\n";

/// Cuts the first line off `rest`, without its end. LF alone ends a line too.
std::string_view take_line(std::string_view& rest) noexcept {
    const std::size_t lf = rest.find('\n');
    std::string_view line = rest.substr(0, lf);
    rest = lf == std::string_view::npos ? std::string_view{} : rest.substr(lf + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

bool is_folded(std::string_view rest) noexcept {
    return !rest.empty() && text::is_blank(rest.front());
}

} // namespace

bool is_header_name(std::string_view name) noexcept {
    if (name.empty()) return false;
    for (const char c : name) {
        if (c < 33 || c > 126 || c == ':') return false;
    }
    return true;
}

bool is_header_value(std::string_view value) noexcept {
    for (const char c : value) {
        if (c == '\r' || c == '\n' || c == '\0') return false;
    }
    return true;
}

std::string unfold(std::string_view value) {
    if (value.find('\n') == std::string_view::npos) return std::string(value);
    std::string out;
    while (!value.empty()) {
        const std::string_view line = text::trim(take_line(value));
        if (line.empty()) continue;
        if (!out.empty()) out += ' ';
        out += line;
    }
    return out;
}

// --- header_view

std::string_view header_view::first_line() const noexcept {
    std::string_view rest = block_;
    return take_line(rest);
}

std::uint16_t header_view::status() const noexcept {
    const std::string_view line = first_line();
    if (line.size() < version.size() + 4 || !line.starts_with(version)) return 0;
    if (!text::is_blank(line[version.size()])) return 0;
    const std::string_view rest = text::trim(line.substr(version.size()));
    if (rest.size() < 3 || (rest.size() > 3 && !text::is_blank(rest[3]))) return 0;
    std::uint64_t value = 0;
    if (!text::parse_decimal(rest.substr(0, 3), value)) return 0;
    return static_cast<std::uint16_t>(value);
}

std::string_view header_view::description() const noexcept {
    if (status() == 0) return {};
    return text::trim(text::trim(first_line().substr(version.size())).substr(3));
}

std::optional<std::string_view> header_view::get(std::string_view name) const noexcept {
    for (const header_field& f : *this) {
        if (f.name == name) return f.value;
    }
    return std::nullopt;
}

std::optional<std::string_view> header_view::last(std::string_view name) const noexcept {
    std::optional<std::string_view> found;
    for (const header_field& f : *this) {
        if (f.name == name) found = f.value;
    }
    return found;
}

std::vector<std::string_view> header_view::values(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const header_field& f : *this) {
        if (f.name == name) found.push_back(f.value);
    }
    return found;
}

header_view::iterator header_view::begin() const noexcept {
    std::string_view rest = block_;
    take_line(rest);
    return iterator(rest);
}

header_view::iterator header_view::end() const noexcept {
    return {};
}

bool header_view::well_formed() const noexcept {
    if (!block_.ends_with("\r\n\r\n")) return false;
    const std::string_view line = first_line();
    if (line != version && status() == 0) return false;
    if (!block_.substr(line.size()).starts_with(crlf)) return false;
    iterator it = begin();
    for (; it != end(); ++it) {
        if (it.malformed_ || !is_header_name(it->name)) return false;
        if (it->value.find_first_of(crlf) != std::string_view::npos)
            return false; // folded, or a lone CR
        const char* const line_end = it->value.data() + it->value.size();
        if (!block_.substr(static_cast<std::size_t>(line_end - block_.data())).starts_with(crlf))
            return false;
    }
    return !it.malformed_;
}

header_view::iterator::iterator(std::string_view rest) noexcept : rest_(rest) {
    advance();
}

void header_view::iterator::advance() noexcept {
    at_ = nullptr;
    field_ = {};
    while (!rest_.empty()) {
        const char* const start = rest_.data();
        std::string_view line = take_line(rest_);
        if (line.empty()) {
            if (!rest_.empty()) malformed_ = true; // fields after the empty line
            rest_ = {};
            return;
        }
        while (is_folded(rest_)) {
            const std::string_view more = take_line(rest_);
            line = {start, static_cast<std::size_t>(more.data() + more.size() - start)};
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) {
            malformed_ = true;
            continue;
        }
        at_ = start;
        field_ = {line.substr(0, colon), text::trim_left(line.substr(colon + 1))};
        return;
    }
}

// --- headers

result<void> headers::set(std::string_view name, std::string_view value) {
    if (!is_header_name(name))
        return error{errc::invalid_header, "name \"" + printable(name) + '"'};
    if (!is_header_value(value)) return error{errc::invalid_header, "value of " + printable(name)};
    const std::string kept_name(name); // both may be views into this block
    const std::string kept_value(value);
    erase(kept_name);
    return add(kept_name, kept_value);
}

result<void> headers::add(std::string_view name, std::string_view value) {
    if (!is_header_name(name))
        return error{errc::invalid_header, "name \"" + printable(name) + '"'};
    if (!is_header_value(value)) return error{errc::invalid_header, "value of " + printable(name)};
    std::string line; // first: name and value may be views into this block
    line.reserve(name.size() + value.size() + 4);
    line.append(name).append(": ").append(value).append(crlf);
    if (block_.empty()) block_.append(version_line).append(crlf);
    block_.insert(block_.size() - crlf.size(), line);
    return {};
}

std::size_t headers::erase(std::string_view name) {
    std::size_t erased = 0;
    headers kept;
    for (const header_field& f : view()) {
        if (f.name == name)
            ++erased;
        else
            (void)kept.add(f.name, f.value);
    }
    if (erased != 0) block_ = std::move(kept.block_);
    return erased;
}

headers headers::copy_of(header_view received) {
    headers out;
    for (const header_field& f : received)
        (void)out.add(f.name, unfold(f.value)); // what must not be sent is left out
    return out;
}

} // namespace nats
