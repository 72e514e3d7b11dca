// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the regular expression of the specification (2.6), line by line, so that no
// text makes it slow. Line by line, a block is a marker, a line of content and another marker;
// after anything else, the search goes on with the line that did not fit. More than the expression
// accepts are blanks around lines, empty lines in blocks and a missing last line end.

#include "core/auth/decorated.hpp"
#include "core/text/ascii.hpp"

#include <algorithm>

namespace nats {

namespace {

constexpr std::string_view dashes = "---";
constexpr std::size_t seed_size = 58;

/// Dashes, anything, dashes. Something may stand before it, such as a byte order mark.
bool is_opening(std::string_view line) noexcept {
    const std::size_t first = line.find(dashes);
    return first != std::string_view::npos && line.size() - first >= 2 * dashes.size() &&
           line.ends_with(dashes);
}
bool is_closing(std::string_view line) noexcept {
    return line.starts_with(dashes) && is_opening(line);
}

constexpr bool is_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || text::is_digit(c) || c == '_' ||
           c == '-' || c == '=';
}
/// A JWT may contain dashes, but starts with none.
bool is_content(std::string_view line) noexcept {
    return !line.starts_with(dashes) &&
           std::ranges::all_of(line, [](char c) { return is_word(c) || c == '.'; });
}

/// Takes the next line off `text`, without blanks around it.
std::string_view take_line(std::string_view& text) noexcept {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return text::trim_space(line);
}

} // namespace

decorated_blocks find_blocks(std::string_view text) noexcept {
    decorated_blocks found;
    bool opened = false;
    std::string_view content;
    while (!text.empty() && found.count < 2) {
        const std::string_view line = take_line(text);
        if (line.empty()) continue;
        if (opened && content.empty() && is_content(line)) {
            content = line;
        } else if (!content.empty() && is_closing(line)) {
            (found.count++ == 0 ? found.first : found.second) = content;
            opened = false;
            content = {};
        } else {
            opened = is_opening(line);
            content = {};
        }
    }
    return found;
}

std::string_view find_jwt(std::string_view text) noexcept {
    const decorated_blocks blocks = find_blocks(text);
    return blocks.count != 0 ? blocks.first : text::trim_space(text);
}

std::string_view find_seed(std::string_view text) noexcept {
    const decorated_blocks blocks = find_blocks(text);
    if (blocks.count == 2) return blocks.second;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = take_line(rest);
        if (line.size() == seed_size && line.front() == 'S' && std::ranges::all_of(line, is_word))
            return line;
    }
    return text::trim_space(text);
}

bool is_jwt(std::string_view text) noexcept {
    std::size_t parts = 1;
    bool part_empty = true;
    for (const char c : text) {
        if (c == '.') {
            if (part_empty) return false;
            ++parts;
            part_empty = true;
        } else if (is_word(c)) {
            part_empty = false;
        } else {
            return false;
        }
    }
    return parts == 3 && !part_empty;
}

} // namespace nats
