// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the part of the model that is about the stream and not its consumers: what a
// publish expects and replaces, reads of single messages by both ways, purges, and what the stream
// says of itself. What is removed keeps its place, so that sequences are places.

#include <natsproto/headers.hpp>
#include <natsproto/subject.hpp>

#include "core/text/base64.hpp"
#include "support/model_jetstream.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace nats::test {

namespace json = boost::json;

namespace {

constexpr std::string_view stored_at = "2026-01-01T00:00:00Z";

std::string refusal(int code, int api_code, std::string_view text) {
    return json::serialize(
        json::value{{"error", {{"code", code}, {"err_code", api_code}, {"description", text}}}});
}

json::object body_of(const publication& p) {
    return p.payload.empty() ? json::object() : json::parse(p.payload).as_object();
}

std::string text_in(const json::object& o, std::string_view name) {
    const json::value* const v = o.if_contains(name);
    return v == nullptr ? std::string() : std::string(v->as_string());
}

std::uint64_t count_in(const json::object& o, std::string_view name) {
    const json::value* const v = o.if_contains(name);
    return v == nullptr ? 0 : v->to_number<std::uint64_t>();
}

bool matches(std::string_view filter, std::string_view subject) {
    return filter.empty() || subject_matches(filter, subject);
}

} // namespace

std::uint64_t model_jetstream::last_of(std::string_view subject) const noexcept {
    const stored* const m = find_stored(subject, 0, true);
    return m == nullptr ? 0 : m->sequence;
}

/// The first one from a sequence on, or the last one, that matches and is there.
const model_jetstream::stored* model_jetstream::find_stored(std::string_view subject,
                                                            std::uint64_t from, bool last) const {
    const stored* found = nullptr;
    for (const stored& m : messages_) {
        if (m.removed || m.sequence < from || !matches(subject, m.subject)) continue;
        found = &m;
        if (!last) break;
    }
    return found;
}

/// Whether it is to be stored; answers if not.
bool model_jetstream::expected(const publication& p) {
    const auto wanted = header_view(p.header).get("Nats-Expected-Last-Subject-Sequence");
    const std::uint64_t is = last_of(p.subject);
    if (!wanted || std::to_string(is) == *wanted) return true;
    answer(p, refusal(400, 10071, "wrong last sequence: " + std::to_string(is)));
    return false;
}

void model_jetstream::make_room(const stored& m, std::string_view rollup) {
    const std::string subject = m.subject; // `m` is one of them
    if (rollup == "all") purge({}, m.sequence);
    if (rollup == "sub") purge(subject, m.sequence);
    if (history != 0) purge(subject, 0, history);
}

std::uint64_t model_jetstream::purge(std::string_view filter, std::uint64_t before,
                                     std::uint64_t keep) {
    std::uint64_t removed = 0;
    for (auto m = messages_.rbegin(); m != messages_.rend(); ++m) {
        if (m->removed || !matches(filter, m->subject)) continue;
        if (before != 0 && m->sequence >= before) continue;
        if (keep != 0) {
            --keep;
            continue;
        }
        m->removed = true;
        ++removed;
    }
    return removed;
}

void model_jetstream::call_stream(const publication& p, const std::vector<std::string>& t) {
    const bool direct = t.at(0) == "DIRECT";
    const std::size_t at = direct || t.size() < 4 ? 2 : 3; // STREAM.MSG.GET.<stream>
    if (t.size() <= at || t.at(at) != stream_)
        return answer(p, refusal(404, 10059, "stream not found"));
    if (direct) {
        std::string subject;
        for (std::size_t i = at + 1; i < t.size(); ++i)
            subject += (subject.empty() ? "" : ".") + t[i];
        return read(p, true, subject);
    }
    if (t.at(1) == "MSG") return read(p, false, {});
    if (t.at(1) == "PURGE") return answer_purge(p);
    answer(p, stream_info(text_in(body_of(p), "subjects_filter")));
}

void model_jetstream::answer_purge(const publication& p) {
    const json::object o = body_of(p);
    const std::uint64_t n = purge(text_in(o, "filter"), count_in(o, "seq"), count_in(o, "keep"));
    answer(p, json::serialize(json::value{{"success", true}, {"purged", n}}));
}

void model_jetstream::read(const publication& p, bool direct, std::string_view subject) {
    const json::object o = body_of(p);
    const std::string last_by = subject.empty() ? text_in(o, "last_by_subj") : std::string(subject);
    const std::string next_by = text_in(o, "next_by_subj");
    const std::uint64_t seq = count_in(o, "seq");
    const stored* m = nullptr;
    if (!last_by.empty()) {
        m = find_stored(last_by, 0, true);
    } else {
        m = find_stored(next_by, seq, false);
        if (next_by.empty() && m != nullptr && m->sequence != seq) m = nullptr;
    }
    if (direct) {
        if (m != nullptr) return answer_direct(p, *m);
        if (p.reply.empty() || (answers && !answers())) return;
        (void)net_->cluster().route({0, p.reply, {}, "NATS/1.0 404 Message Not Found\r\n\r\n", {}});
        return;
    }
    if (m == nullptr) return answer(p, refusal(404, 10037, "no message found"));
    answer(p, json::serialize(json::value{{"message",
                                           {{"subject", m->subject},
                                            {"seq", m->sequence},
                                            {"hdrs", text::encode_base64(m->header)},
                                            {"data", text::encode_base64(m->payload)},
                                            {"time", stored_at}}}}));
}

void model_jetstream::answer_direct(const publication& p, const stored& m) {
    if (p.reply.empty() || (answers && !answers())) return;
    std::string block = m.header.empty() ? "NATS/1.0\r\n" : m.header.substr(0, m.header.size() - 2);
    block += "Nats-Stream: " + stream_ + "\r\nNats-Subject: " + m.subject +
             "\r\nNats-Sequence: " + std::to_string(m.sequence) +
             "\r\nNats-Time-Stamp: " + std::string(stored_at) + "\r\n\r\n";
    (void)net_->cluster().route({0, p.reply, {}, block, m.payload});
}

std::string model_jetstream::stream_info(std::string_view subjects_filter) const {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::uint64_t first = messages_.size() + 1;
    std::map<std::string, std::uint64_t> all;
    json::object wanted;
    for (const stored& m : messages_) {
        if (m.removed) continue;
        first = std::min(first, m.sequence);
        ++count;
        bytes += m.payload.size();
        ++all[m.subject];
    }
    for (const auto& [subject, n] : all) {
        if (!subjects_filter.empty() && matches(subjects_filter, subject)) wanted[subject] = n;
    }
    json::array subjects(subjects_.begin(), subjects_.end());
    json::object config{
        {"name", stream_},     {"subjects", subjects}, {"retention", "limits"},
        {"storage", "file"},   {"discard", "new"},     {"max_consumers", -1},
        {"max_msgs", -1},      {"max_bytes", -1},      {"max_msgs_per_subject", history},
        {"num_replicas", 1},   {"deny_delete", true},  {"allow_rollup_hdrs", true},
        {"allow_direct", true}};
    json::object state{{"messages", count},
                       {"bytes", bytes},
                       {"first_seq", first},
                       {"last_seq", messages_.size()},
                       {"num_subjects", all.size()}};
    if (!subjects_filter.empty()) state["subjects"] = wanted;
    return json::serialize(json::value{{"config", std::move(config)},
                                       {"state", std::move(state)},
                                       {"created", stored_at},
                                       {"total", wanted.size()}});
}

} // namespace nats::test
