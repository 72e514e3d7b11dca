// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: small things without a state: exit codes, durations, options of several
// commands, lines on stderr.

#include "common.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace nats::cli {

const char* const exit_codes =
    "Exit codes: 0 done; 1 an error of the connection or the server, also when it refused\n"
    "something; 2 wrong usage; 3 timeout; 4 no responders, or no stream; 130 or 143 when SIGINT\n"
    "or SIGTERM ended it before its --count. sub, reply and consumer sub without --count end with "
    "0\n"
    "then, and also when nobody reads their output any more.";

int exit_code_for(const error& e) noexcept {
    switch (e.code()) {
    case errc::timeout: return exit_code::timed_out;
    case errc::no_responders:
    case errc::no_stream_response: return exit_code::no_responders;
    case errc::invalid_argument:
    case errc::invalid_url:
    case errc::invalid_subject:
    case errc::invalid_queue_group:
    case errc::invalid_inbox_prefix:
    case errc::invalid_header:
    case errc::invalid_nkey:
    case errc::invalid_credentials:
    case errc::tls_configuration:
    case errc::tls_unavailable:
    case errc::crypto_unavailable:
    case errc::file_unreadable:
    case errc::invalid_name:
    case errc::invalid_key:
    case errc::invalid_service_name:
    case errc::control_line_too_long: return exit_code::usage;
    default: return exit_code::failed;
    }
}

// --- durations

namespace {

struct unit {
    std::string_view name;
    double nanoseconds;
};
constexpr std::array units{unit{"ns", 1},           unit{"us", 1e3},    unit{"\u00b5s", 1e3},
                           unit{"ms", 1e6},         unit{"s", 1e9},     unit{"m", 60e9},
                           unit{"h", 3600e9},       unit{"d", 86400e9}, unit{"w", 7 * 86400e9},
                           unit{"y", 365 * 86400e9}};
/// Longer ones are a mistake, and would overflow.
constexpr double longest = 100 * 365 * 86400e9;

/// Takes one `<number><unit>` from the front of `text`, in nanoseconds.
std::optional<double> take_part(std::string_view& text) noexcept {
    double number = 0;
    const auto parsed =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (parsed.ec != std::errc() || !std::isfinite(number) || std::signbit(number)) return {};
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    const std::string_view name = text.substr(0, text.find_first_of("0123456789."));
    text.remove_prefix(name.size());
    for (const unit& u : units) {
        if (u.name == name) return number * u.nanoseconds;
    }
    return {};
}

duration checked_duration(const std::string& names, const std::string& text, duration lowest) {
    const std::optional<duration> d = parse_duration(text);
    if (!d) {
        throw CLI::ValidationError(fmt::format(
            "{}: \"{}\" is not a duration such as 5s, 500ms or 2m", names, printable(text)));
    }
    if (*d < lowest) throw CLI::ValidationError(fmt::format("{}: must be longer than 0", names));
    return *d;
}

} // namespace

std::optional<duration> parse_duration(std::string_view text) noexcept {
    if (text == "0") return duration::zero();
    if (text.empty()) return {};
    double sum = 0;
    while (!text.empty()) {
        const std::optional<double> part = take_part(text);
        if (!part) return {};
        sum += *part;
        if (sum > longest) return {};
    }
    return std::chrono::duration_cast<duration>(
        std::chrono::nanoseconds(static_cast<std::int64_t>(std::llround(sum))));
}

std::string text_of(duration d) {
    const double ns = std::chrono::duration<double, std::nano>(d).count();
    if (ns < 1e6) return fmt::format("{:.1f}\u00b5s", ns / 1e3);
    if (ns < 1e9) return fmt::format("{:.3f}ms", ns / 1e6);
    return fmt::format("{:.3f}s", ns / 1e9);
}

// --- options

CLI::Option* add_duration(CLI::App& app, const std::string& names, duration& target,
                          const std::string& help, duration lowest) {
    const auto set = [names, lowest, &target](const std::string& text) {
        target = checked_duration(names, text, lowest);
    };
    return app.add_option_function<std::string>(names, set, help)->type_name("DURATION");
}

CLI::Option* add_duration(CLI::App& app, const std::string& names, std::optional<duration>& target,
                          const std::string& help) {
    const auto set = [names, &target](const std::string& text) {
        target = checked_duration(names, text, std::chrono::nanoseconds(1));
    };
    return app.add_option_function<std::string>(names, set, help)->type_name("DURATION");
}

CLI::Validator at_least_one() {
    const auto check = [](const std::string& text) {
        const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
        const bool positive = text.find_first_not_of('0') != std::string::npos;
        const bool fits = text.size() <= std::numeric_limits<std::uint64_t>::digits10;
        return digits && positive && fits ? ""
                                          : '"' + printable(text) + "\" is not a number, 1 or more";
    };
    return {check, "", "at least one"};
}

void add_headers(CLI::App& app, std::vector<std::string>& target) {
    app.add_option("-H,--header", target, "A header of the message; may be repeated")
        ->type_name("'NAME:VALUE'")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
}

// --- stderr

void tell(std::string_view line) noexcept {
    // Nobody can be told that stderr does not work.
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
    (void)std::fputc('\n', stderr);
}

void tell_error(std::string_view text) noexcept {
    (void)std::fputs("natsproto: ", stderr);
    tell(text);
}

} // namespace nats::cli
