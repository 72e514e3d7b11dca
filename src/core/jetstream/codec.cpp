// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what is the same for every answer. It is parsed into a tree, which keeps
// whole numbers of 64 bits exact, with a limit to its depth. An error wins over whatever else the
// answer has: a publish that failed is answered with a sequence as well, which is 0.

#include <natsproto/jetstream/api_code.hpp>

#include "core/jetstream/codec.hpp"

#include <boost/json/parse.hpp>

#include <utility>

namespace nats::js::codec {

namespace json = boost::json;

namespace {

/// A number of at most 16 bits; 0 when it is not there.
bool read_code(const json::object& o, std::string_view name, std::uint16_t& into) noexcept {
    const json::value* v = o.if_contains(name);
    if (v == nullptr || v->is_null()) return true;
    const std::int64_t* n = v->if_int64();
    if (n == nullptr || !std::in_range<std::uint16_t>(*n)) return false;
    into = static_cast<std::uint16_t>(*n);
    return true;
}

bool equals(std::uint16_t code, api_code known) noexcept {
    return code == static_cast<std::uint16_t>(known);
}

} // namespace

error invalid(std::string_view member) {
    if (member.empty()) return {errc::invalid_response, "not the JSON that it should be"};
    return {errc::invalid_response, "member \"" + std::string(member) + "\" of an answer"};
}

result<json::object> parse_object(std::string_view text) {
    json::parse_options options;
    options.max_depth = max_depth;
    json::error_code ec;
    json::value v = json::parse(text, ec, {}, options);
    if (ec || !v.is_object()) return invalid({});
    return std::move(v.get_object());
}

std::optional<error> error_in(const json::object& answer) {
    const json::value* v = answer.if_contains("error");
    if (v == nullptr || v->is_null()) return std::nullopt;
    const json::object* o = v->if_object();
    if (o == nullptr) return invalid("error");
    std::uint16_t code = 0;
    std::uint16_t api = 0;
    if (!read_code(*o, "code", code) || !read_code(*o, "err_code", api)) return invalid("error");
    const json::value* text = o->if_contains("description");
    std::string description;
    if (text != nullptr && !text->is_null()) {
        const json::string* s = text->if_string();
        if (s == nullptr) return invalid("error");
        description.assign(s->data(), s->size());
    }
    const bool off =
        equals(api, api_code::not_enabled) || equals(api, api_code::not_enabled_for_account);
    return error(off ? errc::jetstream_not_enabled : errc::jetstream_error, code,
                 std::move(description), api);
}

} // namespace nats::js::codec
