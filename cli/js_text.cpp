// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: plain text without colours or frames, so that it can be searched and cut.
// Names and values may be from strangers, so everything goes through `printable`.

#include <natsproto/error.hpp>

#include "js_text.hpp"
#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

namespace nats::cli {

std::string text_of_second(const std::optional<js::wall_time>& t, const char* none) {
    return t ? js::format_wall_time(std::chrono::floor<std::chrono::seconds>(*t)) : none;
}

// --- tables

table::table(std::vector<std::string> headings) : headings_(std::move(headings)) {
    for (std::string& h : headings_) {
        is_number_.push_back(h.starts_with('>'));
        if (is_number_.back()) h.erase(0, 1);
    }
}

std::string table::line(const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths) const {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string cell = printable(cells[i]);
        if (i != 0) out += "  ";
        out += is_number_[i] ? fmt::format("{:>{}}", cell, widths[i])
                             : fmt::format("{:<{}}", cell, widths[i]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + '\n';
}

std::string table::text() const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < headings_.size(); ++i) {
        widths.push_back(headings_[i].size());
        for (const auto& row : rows_) widths[i] = std::max(widths[i], printable(row[i]).size());
    }
    std::string out = line(headings_, widths);
    for (const auto& row : rows_) out += line(row, widths);
    return out;
}

// --- facts

void facts::section(std::string_view title) {
    if (!text_.empty()) text_ += '\n';
    fmt::format_to(std::back_inserter(text_), "{}\n", printable(title));
}

void facts::add(std::string_view label, std::string_view value) {
    fmt::format_to(std::back_inserter(text_), "  {:<22}{}\n", std::string(label) + ':',
                   printable(value));
}

void facts::add(std::string_view label, std::uint64_t value) {
    add(label, fmt::format("{}", value));
}

void facts::add_text(std::string_view label, std::string_view value) {
    if (!value.empty()) add(label, value);
}

void facts::add_time(std::string_view label, std::optional<js::wall_time> t) {
    if (t) add(label, js::format_wall_time(*t));
}

void facts::add_limit(std::string_view label, std::int64_t n) {
    add(label, n <= 0 ? "unlimited" : fmt::format("{}", n));
}

void facts::add_limit_of_bytes(std::string_view label, std::int64_t n) {
    add(label, n <= 0 ? "unlimited" : text_of_bytes(static_cast<std::uint64_t>(n)));
}

void facts::add_limit(std::string_view label, std::chrono::nanoseconds d) {
    add(label, d.count() <= 0 ? "unlimited" : exact(d));
}

void facts::add_flag(std::string_view label, bool yes) {
    if (yes) add(label, "yes");
}

void facts::add_list(std::string_view label, const std::vector<std::string>& values) {
    if (!values.empty()) add(label, fmt::format("{}", fmt::join(values, ", ")));
}

void facts::add_metadata(const std::map<std::string, std::string, std::less<>>& m) {
    for (const auto& [key, value] : m) add("Metadata", key + '=' + value);
}

void facts::add_cluster(const std::optional<js::cluster_info>& c) {
    if (!c || (c->name.empty() && c->replicas.empty())) return;
    section("Cluster");
    add_text("Name", c->name);
    add("Leader", c->leader.empty() ? "none" : c->leader);
    for (const js::peer_info& p : c->replicas) {
        add("Replica",
            fmt::format("{}, {}{}, {} operations behind", p.name,
                        p.current ? "current" : "outdated", p.offline ? ", offline" : "", p.lag));
    }
}

// --- numbers

std::string text_of_bytes(std::uint64_t n) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (n < 1024) return fmt::format("{} B", n);
    auto value = static_cast<double>(n);
    std::size_t unit = 0;
    for (; value >= 1024; ++unit) value /= 1024;
    return fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string exact(std::chrono::nanoseconds d) {
    struct unit {
        const char* name;
        std::int64_t size;
    };
    constexpr std::array units{unit{"d", 86'400'000'000'000},
                               unit{"h", 3'600'000'000'000},
                               unit{"m", 60'000'000'000},
                               unit{"s", 1'000'000'000},
                               unit{"ms", 1'000'000},
                               unit{"us", 1'000},
                               unit{"ns", 1}};
    std::string out;
    std::int64_t left = d.count();
    if (left < 0) return fmt::format("{}ns", left);
    for (const unit& u : units) {
        if (left >= u.size) out += fmt::format("{}{}", left / u.size, u.name);
        left %= u.size;
    }
    return out.empty() ? "0s" : out;
}

// --- JSON

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out + '"';
}

std::string json_array(const std::vector<std::string>& items) {
    return fmt::format("[{}]", fmt::join(items, ","));
}

void print_names(std::vector<std::string> names, bool json) {
    std::sort(names.begin(), names.end());
    std::string text;
    for (std::string& n : names) {
        text += printable(n) + '\n';
        n = json_string(n);
    }
    print(json ? indented(json_array(names)) : text);
}

std::string indented(std::string_view json) {
    std::string out;
    std::size_t depth = 0;
    bool in_string = false;
    const auto new_line = [&] { out += '\n' + std::string(2 * depth, ' '); };
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string) {
            out += c;
            if (c == '\\' && i + 1 < json.size()) out += json[++i];
            in_string = c != '"';
        } else if (c == '{' || c == '[') {
            out += c;
            const bool empty = i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
            if (empty) {
                out += json[++i];
                continue;
            }
            ++depth;
            new_line();
        } else if (c == '}' || c == ']') {
            if (depth != 0) --depth;
            new_line();
            out += c;
        } else {
            in_string = c == '"';
            out += c;
            if (c == ',') new_line();
            if (c == ':') out += ' ';
        }
    }
    return out + '\n';
}

} // namespace nats::cli
