// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one pass from "{{" to "{{"; what is between is copied, a known name is
// replaced by what it stands for now.

#include <natsproto/blocking/os_random.hpp>
#include <natsproto/nuid.hpp>

#include "templates.hpp"

#include <fmt/chrono.h>

#include <chrono>
#include <optional>

namespace nats::cli {

namespace {

using wall = std::chrono::system_clock;

std::string new_id() {
    static blocking::os_random random;
    static nuid ids(random);
    const nuid::text id = ids.next();
    return {id.data(), id.size()};
}

template <class Unit>
std::string since_epoch() {
    const auto now = wall::now().time_since_epoch();
    return std::to_string(std::chrono::duration_cast<Unit>(now).count());
}

std::optional<std::string> value_of(std::string_view name, std::uint64_t count,
                                    std::string_view request) {
    if (name == "Count") return std::to_string(count);
    if (name == "Time")
        return fmt::format("{:%H:%M:%S}", fmt::localtime(wall::to_time_t(wall::now())));
    if (name == "TimeStamp") return timestamp();
    if (name == "Unix") return since_epoch<std::chrono::seconds>();
    if (name == "UnixNano") return since_epoch<std::chrono::nanoseconds>();
    if (name == "ID") return new_id();
    if (name == "Request") return std::string(request);
    return std::nullopt;
}

} // namespace

std::string timestamp() {
    const wall::time_point now = wall::now();
    const auto in_second = now.time_since_epoch() % std::chrono::seconds(1);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(wall::to_time_t(now)),
                       std::chrono::duration_cast<std::chrono::microseconds>(in_second).count());
}

std::string_view placeholder_at(std::string_view text, std::size_t at, std::size_t& end) noexcept {
    if (!text.substr(at).starts_with("{{")) return {};
    const std::size_t close = text.find("}}", at + 2);
    if (close == std::string_view::npos) return {};
    end = close + 2;
    std::string_view name = text.substr(at + 2, close - at - 2);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.starts_with('.')) name.remove_prefix(1);
    return name;
}

std::string expand(std::string_view text, std::uint64_t count, std::string_view request) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = 0;
        const std::string_view name = placeholder_at(text, at, end);
        const std::optional<std::string> value =
            name.empty() ? std::nullopt : value_of(name, count, request);
        if (value) {
            out += *value;
            at = end;
        } else {
            out += text[at++];
        }
    }
    return out;
}

} // namespace nats::cli
