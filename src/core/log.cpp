// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one function for each kind of event, chosen by overload. What came from
// outside (texts of servers, names, subjects) is escaped, and lists and texts are cut, so that a
// line stays a line. Errors and endpoints hold no secret, so nothing here can show one; of INFO
// only what identifies a server is shown.

#include <natsproto/log.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <variant>

namespace nats {

namespace {

/// So much of a list, and of a text of the server, is shown.
constexpr std::size_t most_servers = 8;
constexpr std::size_t most_text = 512;

std::string shown(std::string_view text) {
    std::string out = printable(text.substr(0, most_text));
    if (text.size() > most_text) out += "...";
    return out;
}

std::string quoted(std::string_view text) {
    return '"' + shown(text) + '"';
}

std::string text_of(sub_id id) {
    return std::to_string(static_cast<std::uint64_t>(id));
}

/// An endpoint's host may come from INFO.
std::string text_of(const endpoint& e) {
    return shown(e.text());
}

/// The line has named the server already: it need not be repeated.
std::string reason(const error& why, const endpoint& named) {
    std::string_view detail = why.detail();
    const std::string server = named.text();
    if (!detail.starts_with(server)) return why.message();
    detail.remove_prefix(server.size());
    if (!detail.empty() && !detail.starts_with(": ")) return why.message();
    return error{why.code(), why.status(),
                 std::string(detail.substr(std::min<std::size_t>(2, detail.size())))}
        .message();
}

/// Which server it is, as far as it says.
std::string identity(const server_info& info) {
    std::string out = " (";
    if (!info.server_name.empty()) out += quoted(info.server_name) + ", ";
    out += "version " + (info.version.empty() ? "unknown" : shown(info.version));
    if (!info.cluster.empty()) out += ", cluster " + quoted(info.cluster);
    if (info.client_id != 0) out += ", as its client " + std::to_string(info.client_id);
    return out + ')';
}

bool is_wanted_end(errc code) noexcept {
    return code == errc::connection_closed || code == errc::reconnect_forced;
}

// --- levels

template <class T>
log_level level(const T& /*e*/) noexcept {
    return log_level::debug;
}
log_level level(const ev::none& /*e*/) noexcept {
    return log_level::trace;
}
log_level level(const ev::message& /*e*/) noexcept {
    return log_level::trace;
}
log_level level(const ev::connected& /*e*/) noexcept {
    return log_level::info;
}
log_level level(const ev::reconnected& /*e*/) noexcept {
    return log_level::info;
}
log_level level(const ev::connect_failed& /*e*/) noexcept {
    return log_level::warning;
}
log_level level(const ev::disconnected& e) noexcept {
    return is_wanted_end(e.why->code()) ? log_level::info : log_level::warning;
}
log_level level(const ev::lame_duck& /*e*/) noexcept {
    return log_level::warning;
}
/// What can be had elsewhere or later is a nuisance, the rest is lost.
log_level level(const ev::server_error& e) noexcept {
    const bool passes =
        e.what.level == wire::severity::notice || e.what.level == wire::severity::retry;
    return passes ? log_level::warning : log_level::error;
}
log_level level(const ev::subscriptions_drained& /*e*/) noexcept {
    return log_level::info;
}
log_level level(const ev::warning& e) noexcept {
    return *e.why == errc::publish_dropped ? log_level::error : log_level::warning;
}
log_level level(const ev::slow_consumer& /*e*/) noexcept {
    return log_level::error;
}
log_level level(const ev::closed& e) noexcept {
    return is_wanted_end(e.why->code()) ? log_level::info : log_level::error;
}

// --- lines

std::string line(const ev::none& /*e*/) {
    return {};
}
std::string line(const ev::message& /*e*/) {
    return {};
}
std::string line(const ev::connected& e) {
    return "connected to " + text_of(*e.server) + identity(*e.info);
}
std::string line(const ev::reconnected& e) {
    return "reconnected to " + text_of(*e.server) + identity(*e.info) + ", number " +
           std::to_string(e.count);
}
std::string line(const ev::connect_failed& e) {
    return "connecting to " + text_of(*e.server) + " failed: " + reason(*e.why, *e.server);
}
std::string line(const ev::disconnected& e) {
    return "disconnected from " + text_of(*e.server) + ": " + reason(*e.why, *e.server);
}
std::string line(const ev::pong& e) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(e.rtt);
    return "PONG after " + std::to_string(us.count()) + " us";
}
std::string line(const ev::info& e) {
    return "INFO of the server" + identity(*e.info) + ": max_payload " +
           std::to_string(e.info->max_payload) + ", " +
           std::to_string(e.info->connect_urls.size()) + " servers of the cluster";
}
std::string line(const ev::lame_duck& e) {
    return text_of(*e.server) + " is about to shut down";
}
std::string line(const ev::discovered& e) {
    std::string out = "discovered " + std::to_string(e.servers.size()) + " servers:";
    for (const endpoint& s : e.servers.first(std::min(most_servers, e.servers.size())))
        out += ' ' + text_of(s);
    if (e.servers.size() > most_servers) out += " ...";
    return out;
}
std::string line(const ev::server_error& e) {
    std::string out = "the server says: " + shown(e.text);
    if (e.sub) out += " (subscription " + text_of(*e.sub) + ')';
    return out;
}
std::string line(const ev::subscription_drained& e) {
    return "subscription " + text_of(e.sub) + " is drained";
}
std::string line(const ev::subscriptions_drained& /*e*/) {
    return "all subscriptions are drained";
}
std::string line(const ev::room& /*e*/) {
    return "there is room for output again";
}
std::string line(const ev::warning& e) {
    return shown(e.why->message());
}
std::string line(const ev::slow_consumer& e) {
    return "slow consumer: subscription " + text_of(e.sub) + " to " + quoted(e.subject) +
           " has dropped " + std::to_string(e.dropped) + " messages so far";
}
std::string line(const ev::closed& e) {
    if (*e.why == errc::connection_closed) return "closed";
    return "closed: " + e.why->message();
}

} // namespace

std::string_view name_of(log_level l) noexcept {
    switch (l) {
    case log_level::error: return "error";
    case log_level::warning: return "warning";
    case log_level::info: return "info";
    case log_level::debug: return "debug";
    case log_level::trace: return "trace";
    }
    return "unknown";
}

log_level level_of(const event& e) noexcept { // NOLINT(bugprone-exception-escape): never valueless
    return std::visit([](const auto& what) { return level(what); }, e);
}

std::string describe(const event& e) {
    return std::visit([](const auto& what) { return line(what); }, e);
}

} // namespace nats
