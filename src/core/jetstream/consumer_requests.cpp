// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each request is its subject and the few members of its body. A consumer is
// created at `CONSUMER.CREATE.<stream>.<name>`, and its filter follows if it has exactly one, so
// that permissions can be about it. A filter with wildcards stands in the body only: nothing can be
// published to a subject with wildcards.

#include <natsproto/jetstream/consumer_requests.hpp>

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/subject.hpp>

#include "core/jetstream/consumer_fields.hpp"
#include "core/jetstream/paging.hpp"
#include "core/jetstream/requests.hpp"

#include <algorithm>

namespace nats::js {

template <class V, codec::is<pause_state> S>
void fields(V& v, S& s) {
    v.always("paused", s.paused);
    v("pause_until", s.pause_until);
    v("pause_remaining", s.pause_remaining);
}

result<void> decode(std::string_view json, pause_state& into) {
    return codec::decode_answer(json, into);
}

namespace {

const std::string& name_of(const consumer_config& config) noexcept {
    return config.name.empty() ? config.durable_name : config.name;
}

result<void> check_filters(const consumer_config& config) {
    if (!config.filter_subject.empty() && !config.filter_subjects.empty())
        return error{errc::invalid_argument, "filter_subject and filter_subjects"};
    const auto wrong = std::ranges::find_if_not(config.filter_subjects, is_subscribe_subject);
    if (wrong != config.filter_subjects.end())
        return error{errc::invalid_subject, "filter \"" + printable(*wrong) + '"'};
    if (!config.filter_subject.empty() && !is_subscribe_subject(config.filter_subject))
        return error{errc::invalid_subject, "filter \"" + printable(config.filter_subject) + '"'};
    return {};
}

void write_action(codec::writer& w, consumer_action action) {
    if (action == consumer_action::create) w.always("action", std::string_view("create"));
    if (action == consumer_action::update) w.always("action", std::string_view("update"));
}

} // namespace

result<api_request> encode_create_consumer(const context& c, std::string_view stream,
                                           const consumer_config& config, consumer_action action) {
    if (!config.name.empty() && !config.durable_name.empty() && config.name != config.durable_name)
        return error{errc::invalid_argument, "a durable consumer's name is its durable_name"};
    if (result<void> ok = check_filters(config); !ok) return ok.error();
    result<api_request> r = make_consumer_request(c, "CONSUMER.CREATE.", stream, name_of(config),
                                                  [&](codec::writer& w) {
                                                      w.always("stream_name", stream);
                                                      w.always("config", config);
                                                      write_action(w, action);
                                                      w("pedantic", c.pedantic());
                                                  });
    if (r && is_publish_subject(config.filter_subject)) r->subject += '.' + config.filter_subject;
    return r;
}

result<api_request> encode_consumer_info(const context& c, std::string_view stream,
                                         std::string_view consumer) {
    return make_consumer_request(c, "CONSUMER.INFO.", stream, consumer, without_body);
}

result<api_request> encode_delete_consumer(const context& c, std::string_view stream,
                                           std::string_view consumer) {
    return make_consumer_request(c, "CONSUMER.DELETE.", stream, consumer, without_body);
}

result<api_request> encode_pause_consumer(const context& c, std::string_view stream,
                                          std::string_view consumer,
                                          std::optional<wall_time> until) {
    return make_consumer_request(c, "CONSUMER.PAUSE.", stream, consumer,
                                 [&](codec::writer& w) { w("pause_until", until); });
}

result<api_request> encode_unpin_consumer(const context& c, std::string_view stream,
                                          std::string_view consumer, std::string_view group) {
    if (group.empty()) return error{errc::invalid_argument, "no priority group"};
    return make_consumer_request(c, "CONSUMER.UNPIN.", stream, consumer,
                                 [&](codec::writer& w) { w("group", group); });
}

result<api_request> encode_reset_consumer(const context& c, std::string_view stream,
                                          std::string_view consumer, std::uint64_t seq) {
    return make_consumer_request(c, "CONSUMER.RESET.", stream, consumer,
                                 [&](codec::writer& w) { w("seq", seq); });
}

result<api_request> encode_step_down_consumer(const context& c, std::string_view stream,
                                              std::string_view consumer,
                                              std::string_view preferred) {
    return make_consumer_request(c, "CONSUMER.LEADER.STEPDOWN.", stream, consumer,
                                 preferring(preferred));
}

op<result<consumer_info>> create_consumer(runtime& rt, context c, std::string stream,
                                          consumer_config config, consumer_action action) {
    if (name_of(config).empty()) config.name = rt.new_id();
    result<api_request> r = encode_create_consumer(c, stream, config, action);
    result<consumer_info> made = co_await call<consumer_info>(rt, std::move(r));
    if (made && !config.filter_subjects.empty() && made->config.filter_subjects.empty() &&
        made->config.filter_subject.empty())
        co_return error(errc::filters_not_taken, "several filters need server 2.10");
    co_return std::move(made);
}

op<result<std::optional<error>>> find_loss(runtime& rt, api_request info) {
    result<nats::message> reply = co_await call_api(rt, std::move(info));
    if (!reply) co_return std::optional<error>(); // it knows no better
    done nothing;
    const result<void> there = decode(reply->payload(), nothing);
    const bool gone = !there && (there.error() == api_code::consumer_not_found ||
                                 there.error() == api_code::stream_not_found);
    if (!gone) co_return std::optional<error>();
    co_return std::optional<error>(
        error(errc::consumer_deleted, 404, there.error().detail(), there.error().api_code()));
}

op<result<std::vector<consumer_info>>> list_consumers(runtime& rt, context c, std::string stream) {
    if (result<void> ok = check_name("stream", stream); !ok) co_return ok.error();
    result<std::vector<consumer_info>> all = co_await list_all<consumer_info, consumers_list>(
        rt, std::move(c), "CONSUMER.LIST." + stream, std::string());
    co_return std::move(all);
}

op<result<std::vector<std::string>>> list_consumer_names(runtime& rt, context c,
                                                         std::string stream) {
    if (result<void> ok = check_name("stream", stream); !ok) co_return ok.error();
    result<std::vector<std::string>> all = co_await list_all<std::string, consumers_list>(
        rt, std::move(c), "CONSUMER.NAMES." + stream, std::string());
    co_return std::move(all);
}

} // namespace nats::js
