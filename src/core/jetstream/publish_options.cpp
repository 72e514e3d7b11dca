// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the user's own fields come first, and those of the options behind them, in
// one pass and into memory of the caller's, since a publisher does this for every message. A server
// takes the first value of a name, so the user's fields must not have one that an option sets too.

#include <natsproto/jetstream/publish_options.hpp>

#include <natsproto/subject.hpp>

#include "core/text/ascii.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace nats::js {

namespace {

error wrong(std::string_view what) {
    return {errc::invalid_argument, std::string(what)};
}

/// Writes fields behind those that the user gave. The first error stays.
class field_writer {
public:
    field_writer(std::string& out, header_view given) : out_(&out), start_(out.size()) {
        if (given.empty()) return;
        given_ = given;
        if (given.raw().starts_with("NATS/1.0\r\n") && given.well_formed()) {
            out.append(given.raw().substr(0, given.raw().size() - 2));
        } else if (given.well_formed()) { // forwarded, with a status that is not sent again
            const headers copy = headers::copy_of(given);
            if (!copy.empty())
                out.append(copy.view().raw().substr(0, copy.view().raw().size() - 2));
        } else {
            failure_ = error{errc::invalid_header, "the block of headers is not well-formed"};
        }
    }

    /// Leaves it out if it is empty.
    void text(std::string_view name, std::string_view value) {
        if (value.empty() || failure_) return;
        if (!is_header_value(value))
            failure_ = error{errc::invalid_header, std::string(name) + ": " + printable(value)};
        else if (!given_.empty() && given_.get(name))
            failure_ = wrong(std::string(name) + " as a header and as an option");
        else
            field(name, value);
    }
    void number(std::string_view name, std::optional<std::uint64_t> value) {
        if (!value) return;
        std::array<char, 20> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *value);
        text(name, {digits.data(), static_cast<std::size_t>(end.ptr - digits.data())});
    }
    void time_to_live(std::string_view name, std::optional<duration> ttl) {
        using std::chrono::seconds;
        if (!ttl) return;
        if (*ttl == never_expires) return text(name, "never");
        if (*ttl < seconds(1)) return fail(wrong(std::string(name) + " under a second"));
        number(name, static_cast<std::uint64_t>(std::chrono::ceil<seconds>(*ttl).count()));
    }
    void fail(error why) {
        if (!failure_) failure_ = std::move(why);
    }
    [[nodiscard]] result<void> end() {
        if (failure_) return std::move(*failure_);
        if (out_->size() > start_) out_->append("\r\n");
        return {};
    }

private:
    void field(std::string_view name, std::string_view value) {
        if (out_->size() == start_) out_->append("NATS/1.0\r\n");
        out_->append(name).append(": ").append(value).append("\r\n");
    }

    std::string* out_;
    std::size_t start_;
    header_view given_;
    std::optional<error> failure_;
};

/// An optional sign, and digits.
bool is_whole_number(std::string_view number) noexcept {
    if (number.starts_with('+') || number.starts_with('-')) number.remove_prefix(1);
    return !number.empty() && std::ranges::all_of(number, text::is_digit);
}

void write_expectations(field_writer& w, const publish_options& o) {
    if (!o.expected_last_subject.empty()) {
        if (!o.expected_last_subject_sequence)
            w.fail(wrong("expected_last_subject without expected_last_subject_sequence"));
        if (!is_subscribe_subject(o.expected_last_subject))
            w.fail({errc::invalid_subject, '"' + printable(o.expected_last_subject) + '"'});
    }
    w.text("Nats-Expected-Stream", o.expected_stream);
    w.number("Nats-Expected-Last-Sequence", o.expected_last_sequence);
    w.text("Nats-Expected-Last-Msg-Id", o.expected_last_message_id);
    w.number("Nats-Expected-Last-Subject-Sequence", o.expected_last_subject_sequence);
    w.text("Nats-Expected-Last-Subject-Sequence-Subject", o.expected_last_subject);
}

void write_increment(field_writer& w, const publish_options& o, bytes payload) {
    if (o.increment.empty()) return;
    const bool expects = !o.expected_stream.empty() || o.expected_last_sequence ||
                         !o.expected_last_message_id.empty() || o.expected_last_subject_sequence;
    if (!is_whole_number(o.increment))
        return w.fail(wrong("increment \"" + printable(o.increment) + '"'));
    if (!payload.empty()) return w.fail(wrong("increment with a payload"));
    if (o.rollup != rollup::none) return w.fail(wrong("increment with a rollup"));
    if (expects) return w.fail(wrong("increment with an expectation"));
    if (!o.schedule.when.empty()) return w.fail(wrong("increment with a schedule"));
    const bool has_sign = o.increment.front() == '+' || o.increment.front() == '-';
    w.text("Nats-Incr", has_sign ? std::string(o.increment) : '+' + std::string(o.increment));
}

bool is_cron(std::string_view text) noexcept {
    int fields = 0;
    bool in_field = false;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\t';
        if (!blank && !in_field) ++fields;
        in_field = !blank;
    }
    return fields == 6;
}

bool is_when(std::string_view text) noexcept {
    constexpr std::array<std::string_view, 7> known{"@yearly", "@annually", "@monthly", "@weekly",
                                                    "@daily",  "@midnight", "@hourly"};
    if (!text.starts_with('@')) return is_cron(text);
    return text.starts_with("@at ") || text.starts_with("@every ") ||
           std::ranges::find(known, text) != known.end();
}

void write_schedule(field_writer& w, const schedule_options& s) {
    const bool more =
        !s.target.empty() || s.ttl || !s.source.empty() || !s.time_zone.empty() || s.rollup;
    if (s.when.empty()) {
        if (more) w.fail(wrong("the options of a schedule without `when`"));
        return;
    }
    if (!is_when(s.when)) return w.fail(wrong("schedule \"" + printable(s.when) + '"'));
    if (!is_publish_subject(s.target))
        return w.fail({errc::invalid_subject, "target \"" + printable(s.target) + '"'});
    if (!s.source.empty() && !is_publish_subject(s.source))
        return w.fail({errc::invalid_subject, "source \"" + printable(s.source) + '"'});
    if (!s.time_zone.empty() && s.when.starts_with('@'))
        return w.fail(wrong("a time zone without a cron expression"));
    w.text("Nats-Schedule", s.when);
    w.text("Nats-Schedule-Target", s.target);
    w.time_to_live("Nats-Schedule-TTL", s.ttl);
    w.text("Nats-Schedule-Source", s.source);
    w.text("Nats-Schedule-Time-Zone", s.time_zone);
    if (s.rollup) w.text("Nats-Schedule-Rollup", "sub");
}

} // namespace

result<void> append_headers(std::string& out, const publish_options& o, bytes payload) {
    field_writer w(out, o.headers);
    w.text("Nats-Msg-Id", o.message_id);
    write_expectations(w, o);
    w.time_to_live("Nats-TTL", o.ttl);
    if (o.rollup != rollup::none)
        w.text("Nats-Rollup", o.rollup == rollup::subject ? "sub" : "all");
    write_schedule(w, o.schedule);
    write_increment(w, o, payload);
    w.number("Nats-Required-Api-Level", o.required_api_level);
    return w.end();
}

} // namespace nats::js
