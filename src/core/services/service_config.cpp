// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: everything that goes into a subject is checked before anything is sent. The
// version is read by the grammar of semver.org: three numbers, then identifiers behind `-` and `+`.

#include <natsproto/services/service_config.hpp>

#include <natsproto/subject.hpp>

#include "core/text/ascii.hpp"
#include "core/text/utf8.hpp"

#include <algorithm>

namespace nats::services {

namespace {

bool is_version_number(std::string_view s) noexcept {
    return !s.empty() && (s.size() == 1 || s.front() != '0') &&
           std::ranges::all_of(s, [](char c) { return text::is_digit(c); });
}

/// Takes the text up to `end`, or all of it, off the front.
std::string_view take_up_to(std::string_view& rest, char end) noexcept {
    const std::size_t at = std::min(rest.find(end), rest.size());
    const std::string_view taken = rest.substr(0, at);
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return taken;
}

/// Identifiers with dots between them. Numbers of a pre-release must not begin with 0.
bool are_identifiers(std::string_view s, bool prerelease) noexcept {
    if (s.empty() || s.back() == '.') return false;
    while (!s.empty()) {
        const std::string_view one = take_up_to(s, '.');
        const bool allowed = std::ranges::all_of(
            one, [](char c) { return text::is_letter(c) || text::is_digit(c) || c == '-'; });
        if (one.empty() || !allowed) return false;
        const bool digits = std::ranges::all_of(one, [](char c) { return text::is_digit(c); });
        if (prerelease && digits && !is_version_number(one)) return false;
    }
    return true;
}

error bad_name(std::string_view of, std::string_view name) {
    return {errc::invalid_service_name, std::string(of) + " \"" + printable(name) + '"'};
}

/// JSON has to carry them.
result<void> check_texts(std::string_view description, const metadata_map& metadata) {
    bool well = text::is_utf8(description);
    for (const auto& [key, value] : metadata)
        well = well && text::is_utf8(key) && text::is_utf8(value);
    if (!well) return error{errc::invalid_argument, "description or metadata that is not UTF-8"};
    return {};
}

result<void> check_queue_group(std::optional<std::string_view> name) {
    if (name && (!is_queue_group(*name) || !text::is_utf8(*name)))
        return error{errc::invalid_queue_group, '"' + printable(*name) + '"'};
    return {};
}

std::string choose_queue(std::optional<std::string_view> own, bool none,
                         std::string_view inherited) {
    return std::string(none ? std::string_view() : own.value_or(inherited));
}

} // namespace

bool is_service_name(std::string_view name) noexcept {
    return !name.empty() && std::ranges::all_of(name, text::is_name_character);
}

bool is_semantic_version(std::string_view version) noexcept {
    const std::size_t plus = version.find('+');
    if (plus != std::string_view::npos) {
        if (!are_identifiers(version.substr(plus + 1), false)) return false;
        version = version.substr(0, plus);
    }
    const std::size_t minus = version.find('-');
    if (minus != std::string_view::npos) {
        if (!are_identifiers(version.substr(minus + 1), true)) return false;
        version = version.substr(0, minus);
    }
    if (std::ranges::count(version, '.') != 2) return false;
    const std::string_view major = take_up_to(version, '.');
    const std::string_view minor = take_up_to(version, '.');
    return is_version_number(major) && is_version_number(minor) && is_version_number(version);
}

scope scope_of(const service_config& c) {
    return {{}, choose_queue(c.queue_group, c.no_queue_group, default_queue_group)};
}

result<scope> nested(const scope& in, std::string_view prefix, const group_options& o) {
    const bool ends_in_all = prefix == ">" || prefix.ends_with(".>");
    if (!is_subscribe_subject(prefix) || ends_in_all)
        return error{errc::invalid_subject, "group \"" + printable(prefix) + '"'};
    if (result<void> ok = check_queue_group(o.queue_group); !ok) return ok.error();
    scope inner(in.prefix, choose_queue(o.queue_group, o.no_queue_group, in.queue_group));
    if (!inner.prefix.empty()) inner.prefix += '.';
    inner.prefix += prefix;
    return inner;
}

result<void> check(const service_config& c) {
    if (!is_service_name(c.name)) return bad_name("service", c.name);
    if (!is_semantic_version(c.version))
        return error{errc::invalid_argument,
                     "no semantic version: \"" + printable(c.version) + '"'};
    if (!is_publish_subject(c.prefix))
        return error{errc::invalid_subject, "prefix \"" + printable(c.prefix) + '"'};
    if (result<void> ok = check_texts(c.description, c.metadata); !ok) return ok;
    return check_queue_group(c.queue_group);
}

result<void> check(const endpoint_config& c) {
    if (!is_service_name(c.name)) return bad_name("endpoint", c.name);
    if (c.max_concurrent == 0) return error{errc::invalid_argument, "max_concurrent must not be 0"};
    if (result<void> ok = check_texts({}, c.metadata); !ok) return ok;
    return check_queue_group(c.queue_group);
}

} // namespace nats::services
