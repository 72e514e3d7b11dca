// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: years that nanoseconds in 64 bits cannot tell are cut to the nearest that
// they can, since the server's times go from the year 1 to 9999. The year 1 alone, to the second,
// is "never".

#include <natsproto/jetstream/wall_time.hpp>

#include "core/jetstream/codec.hpp"
#include "core/text/ascii.hpp"

#include <cstddef>
#include <limits>

namespace nats::js {

namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

/// Reads from the front of a text.
class time_scanner {
public:
    explicit time_scanner(std::string_view text) noexcept : rest_(text) {}

    /// Exactly `digits` of them, up to `last`.
    [[nodiscard]] bool number(std::size_t digits, int last, int& into) noexcept {
        if (rest_.size() < digits) return false;
        int n = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (!text::is_digit(rest_[i])) return false;
            n = n * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(digits);
        into = n;
        return n <= last;
    }
    [[nodiscard]] bool character(char c) noexcept {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// One or more digits, as nanoseconds.
    [[nodiscard]] bool fraction(std::int64_t& into) noexcept {
        std::int64_t n = 0;
        std::size_t i = 0;
        for (; i < rest_.size() && text::is_digit(rest_[i]); ++i) {
            if (i < 9) n = n * 10 + (rest_[i] - '0');
        }
        for (std::size_t k = i; k < 9; ++k) n *= 10;
        rest_.remove_prefix(i);
        into = n;
        return i != 0;
    }
    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

private:
    std::string_view rest_;
};

/// Since 1970.
struct instant {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
};

bool read_date(time_scanner& s, std::int64_t& days) noexcept {
    int year = 0;
    int month = 0;
    int day = 0;
    if (!s.number(4, 9999, year) || !s.character('-') || !s.number(2, 12, month) ||
        !s.character('-') || !s.number(2, 31, day))
        return false;
    const std::chrono::year_month_day date(std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    days = std::chrono::sys_days(date).time_since_epoch().count();
    return date.ok();
}

/// Seconds to be taken away.
bool read_zone(time_scanner& s, std::int64_t& offset) noexcept {
    offset = 0;
    if (s.character('Z')) return true;
    const bool east = s.character('+');
    int hours = 0;
    int minutes = 0;
    if (!east && !s.character('-')) return false;
    if (!s.number(2, 23, hours) || !s.character(':') || !s.number(2, 59, minutes)) return false;
    offset = (hours * 60 + minutes) * (east ? 60 : -60);
    return true;
}

bool read_instant(std::string_view text, instant& into) noexcept {
    time_scanner s(text);
    std::int64_t days = 0;
    std::int64_t offset = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!read_date(s, days) || !s.character('T') || !s.number(2, 23, hour) || !s.character(':') ||
        !s.number(2, 59, minute) || !s.character(':') || !s.number(2, 59, second))
        return false;
    if (s.character('.') && !s.fraction(into.nanoseconds)) return false;
    if (!read_zone(s, offset) || !s.empty()) return false;
    into.seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - offset;
    return true;
}

wall_time at(std::int64_t nanoseconds) noexcept {
    return wall_time(std::chrono::nanoseconds(nanoseconds));
}

wall_time nearest(const instant& i) noexcept {
    using limits = std::numeric_limits<std::int64_t>;
    constexpr std::int64_t last = limits::max() / nanoseconds_per_second;
    constexpr std::int64_t last_part = limits::max() % nanoseconds_per_second;
    if (i.seconds > last || (i.seconds == last && i.nanoseconds > last_part))
        return wall_time::max();
    if (i.seconds >= 0) return at(i.seconds * nanoseconds_per_second + i.nanoseconds);
    // Counted from the second's end: its beginning may be out of range.
    const std::int64_t part = i.nanoseconds - nanoseconds_per_second;
    if (i.seconds < -last - 1 || (i.seconds == -last - 1 && part < -last_part - 1))
        return wall_time::min();
    return at((i.seconds + 1) * nanoseconds_per_second + part);
}

void append(std::string& out, unsigned value, std::size_t digits) {
    const std::size_t at = out.size();
    out.append(digits, '0');
    for (std::size_t i = digits; i != 0; --i, value /= 10)
        out[at + i - 1] = static_cast<char>('0' + value % 10);
}

} // namespace

bool codec::read_time(std::string_view text, std::optional<wall_time>& into) noexcept {
    constexpr std::int64_t never = -62'135'596'800; // the first second of the year 1
    instant i;
    into.reset();
    if (!read_instant(text, i)) return false;
    if (i.seconds != never || i.nanoseconds != 0) into = nearest(i);
    return true;
}

std::optional<wall_time> parse_wall_time(std::string_view text) noexcept {
    std::optional<wall_time> t;
    (void)codec::read_time(text, t);
    return t;
}

std::string format_wall_time(wall_time t) {
    namespace chr = std::chrono;
    // By hand: the first second that can be told begins before the first nanosecond.
    std::int64_t seconds = t.time_since_epoch().count() / nanoseconds_per_second;
    std::int64_t part = t.time_since_epoch().count() % nanoseconds_per_second;
    if (part < 0) {
        part += nanoseconds_per_second;
        --seconds;
    }
    const chr::sys_seconds second{chr::seconds(seconds)};
    const chr::sys_days day = chr::floor<chr::days>(second);
    const chr::year_month_day date(day);
    const chr::hh_mm_ss<chr::seconds> clock(second - day);
    std::string out;
    append(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    append(out += '-', static_cast<unsigned>(date.month()), 2);
    append(out += '-', static_cast<unsigned>(date.day()), 2);
    append(out += 'T', static_cast<unsigned>(clock.hours().count()), 2);
    append(out += ':', static_cast<unsigned>(clock.minutes().count()), 2);
    append(out += ':', static_cast<unsigned>(clock.seconds().count()), 2);
    if (part != 0) {
        append(out += '.', static_cast<unsigned>(part), 9);
        out.erase(out.find_last_not_of('0') + 1);
    }
    return out + 'Z';
}

} // namespace nats::js
