// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: texts of the command line become values while it is parsed, so that a
// mistake is told with the name of its flag, before anything else is done.

#include "js_flags.hpp"

#include <CLI/Error.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>

namespace nats::cli {

namespace {

[[noreturn]] void refuse(const std::string& flag, std::string_view text, std::string_view what) {
    throw CLI::ValidationError(fmt::format("{}: \"{}\" is not {}", flag, printable(text), what));
}

/// How many bytes a unit is; 0: it is none.
std::int64_t size_of_unit(std::string unit) {
    std::transform(unit.begin(), unit.end(), unit.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (unit.empty() || unit == "B") return 1;
    constexpr std::string_view letters = "KMGT";
    const std::size_t at = letters.find(unit.front());
    const std::string_view rest = std::string_view(unit).substr(1);
    if (at == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "IB")) return 0;
    return std::int64_t{1} << (10 * (at + 1));
}

std::string trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return std::string(text.substr(begin, text.find_last_not_of(" \t") - begin + 1));
}

} // namespace

std::int64_t parse_number(const std::string& flag, const std::string& text, std::int64_t lowest,
                          std::int64_t highest) {
    std::int64_t n = 0;
    const char* const end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, n);
    if (code != std::errc() || at != end || n < lowest || n > highest) {
        const bool open = highest == std::numeric_limits<std::int64_t>::max();
        refuse(flag, text,
               open ? fmt::format("a whole number, {} or more", lowest)
                    : fmt::format("a whole number from {} to {}", lowest, highest));
    }
    return n;
}

std::int64_t parse_bytes(const std::string& flag, const std::string& text, std::int64_t highest) {
    if (text == "-1") return -1;
    std::int64_t n = 0;
    const char* const end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, n);
    const std::int64_t unit =
        code == std::errc() ? size_of_unit({at, static_cast<std::size_t>(end - at)}) : 0;
    if (n < 0 || unit == 0 || n > highest / unit)
        refuse(flag, text, "a number of bytes such as 512, 64KB or 1G, or -1");
    return n * unit;
}

std::chrono::nanoseconds parse_limit(const std::string& flag, const std::string& text) {
    if (text == "-1") return {};
    const std::optional<duration> d = parse_duration(text);
    if (!d) refuse(flag, text, "a duration such as 500ms, 30s, 2h or 7d, or -1");
    return *d;
}

std::pair<std::string, std::string> parse_pair(const std::string& flag, const std::string& text) {
    const std::size_t at = text.find('=');
    if (at == std::string::npos || at == 0) refuse(flag, text, "KEY=VALUE");
    return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<std::string> parse_list(const std::string& flag,
                                    const std::vector<std::string>& texts) {
    std::vector<std::string> all;
    for (std::string_view rest : texts) {
        while (true) {
            const std::size_t comma = rest.find(',');
            all.push_back(trimmed(rest.substr(0, comma)));
            if (all.back().empty()) refuse(flag, rest, "a list without empty places");
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return all;
}

CLI::Option* add_texts(CLI::App& app, const std::string& names,
                       std::function<void(const std::vector<std::string>&)> set,
                       const std::string& help) {
    return app.add_option_function<std::vector<std::string>>(names, set, help)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
}

} // namespace nats::cli
