// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: counters, and snapshots of them. A question is answered from what is there
// when it is asked; nothing is kept ready.

#include <natsproto/services/service_machine.hpp>

#include <natsproto/subject.hpp>

#include "core/text/utf8.hpp"

#include <utility>

namespace nats::services {

namespace {

/// A stranger's requests decide what an error says.
constexpr std::size_t max_error_text = 1024;

/// What JSON can carry: at most so long, and UTF-8.
std::string speakable(std::string_view text) {
    std::string_view cut = text.substr(0, max_error_text);
    for (int i = 0; i < 3 && cut.size() < text.size() && !text::is_utf8(cut); ++i)
        cut.remove_suffix(1); // not in the middle of a character
    std::string out(cut);
    if (text::is_utf8(out)) return out;
    for (char& c : out) {
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    return out;
}

} // namespace

std::string_view name_of(verb v) noexcept {
    switch (v) {
    case verb::info: return "INFO";
    case verb::stats: return "STATS";
    case verb::ping: break;
    }
    return "PING";
}

std::string monitoring_subject(std::string_view prefix, verb v, std::string_view name,
                               std::string_view id) {
    std::string subject(prefix);
    subject.append(1, '.').append(name_of(v));
    if (!name.empty()) subject.append(1, '.').append(name);
    if (!id.empty()) subject.append(1, '.').append(id);
    return subject;
}

service_machine::service_machine(service_config c, std::string_view id, wall_time started)
    : config_(std::move(c)), who_(config_.name, id, config_.version), started_(started) {
    who_.metadata = config_.metadata;
}

result<std::size_t> service_machine::add_endpoint(const endpoint_config& e, const scope& in) {
    if (result<void> ok = check(e); !ok) return ok.error();
    endpoint_info added(e.name);
    added.subject = in.prefix;
    if (!added.subject.empty()) added.subject += '.';
    added.subject += e.subject.empty() ? e.name : e.subject;
    if (!is_subscribe_subject(added.subject) || !text::is_utf8(added.subject))
        return error{errc::invalid_subject, '"' + printable(added.subject) + '"'};
    added.metadata = e.metadata;
    if (!e.no_queue_group) added.queue_group = e.queue_group.value_or(in.queue_group);
    endpoints_.emplace_back(std::move(added));
    return endpoints_.size() - 1;
}

void service_machine::handle_request(std::size_t endpoint, duration took,
                                     std::string_view failure) {
    counted& e = endpoints_[endpoint];
    ++e.requests;
    if (took > duration::zero()) e.time += took;
    if (!failure.empty()) handle_error(endpoint, failure);
}

void service_machine::handle_error(std::size_t endpoint, std::string_view text) {
    counted& e = endpoints_[endpoint];
    ++e.errors;
    e.last_error = speakable(text);
}

void service_machine::reset(wall_time now) {
    started_ = now;
    for (counted& e : endpoints_) e = counted(std::move(e.info));
}

info_response service_machine::info() const {
    info_response r(who_);
    r.description = config_.description;
    r.endpoints.reserve(endpoints_.size());
    for (const counted& e : endpoints_) r.endpoints.push_back(e.info);
    return r;
}

endpoint_stats service_machine::stats_of(const counted& e) {
    endpoint_stats s(e.info.name);
    s.subject = e.info.subject;
    s.queue_group = e.info.queue_group;
    s.num_requests = e.requests;
    s.num_errors = e.errors;
    s.last_error = e.last_error;
    s.processing_time = e.time;
    if (e.requests != 0)
        s.average_processing_time = e.time / static_cast<duration::rep>(e.requests);
    return s;
}

stats_response service_machine::stats(data_source source, void* context) const {
    stats_response r(who_);
    r.started = started_;
    r.endpoints.reserve(endpoints_.size());
    for (const counted& e : endpoints_) r.endpoints.push_back(stats_of(e));
    if (source == nullptr) return r;
    for (endpoint_stats& s : r.endpoints) {
        const std::string data = source(context, s);
        if (!data.empty() && is_json(data)) s.extra = "{\"data\":" + data + '}';
    }
    return r;
}

result<std::string> service_machine::answer(verb v, data_source source, void* context) const {
    switch (v) {
    case verb::info: return to_json(info());
    case verb::stats: return to_json(stats(source, context));
    case verb::ping: break;
    }
    return to_json(ping());
}

} // namespace nats::services
