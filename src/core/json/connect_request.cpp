// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// As INFO, CONNECT is read by Boost.JSON's event parser, which builds no tree: at depth 1 the name
// of a member picks where its value goes, everything deeper goes by. A table says which members
// there are; nats-server reads them into a typed structure, so a wrong type is an error and null
// changes nothing.
//
// Strings may be credentials. They are put together in memory that is wiped, and the parser's own
// buffer, which is on the stack and gets those with escapes, is overwritten at the end.

#include <natsproto/wire/connect_request.hpp>

#include "core/text/ascii.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <cstddef>
#include <limits>

namespace nats::wire {

namespace {

namespace json = boost::json;
using json_error = json::error_code;

struct member {
    std::string_view name; ///< in lower case
    bool connect_request::* flag = nullptr;
    std::string connect_request::* text = nullptr;
    secret connect_request::* credential = nullptr;
    std::int64_t connect_request::* number = nullptr;
};

constexpr member flag(std::string_view name, bool connect_request::* to) {
    return {name, to, nullptr, nullptr, nullptr};
}
constexpr member text_of(std::string_view name, std::string connect_request::* to) {
    return {name, nullptr, to, nullptr, nullptr};
}
constexpr member credential(std::string_view name, secret connect_request::* to) {
    return {name, nullptr, nullptr, to, nullptr};
}

constexpr member members[] = {
    flag("verbose", &connect_request::verbose),
    flag("pedantic", &connect_request::pedantic),
    flag("echo", &connect_request::echo),
    flag("headers", &connect_request::headers),
    flag("no_responders", &connect_request::no_responders),
    flag("tls_required", &connect_request::tls_required),
    flag("new_account", &connect_request::new_account),
    {"protocol", nullptr, nullptr, nullptr, &connect_request::protocol},
    text_of("name", &connect_request::name),
    text_of("lang", &connect_request::lang),
    text_of("version", &connect_request::version),
    text_of("account", &connect_request::account),
    credential("user", &connect_request::user),
    credential("pass", &connect_request::password),
    credential("auth_token", &connect_request::token),
    credential("jwt", &connect_request::jwt),
    credential("nkey", &connect_request::nkey),
    credential("sig", &connect_request::signature),
};

const member* find_member(std::string_view name) noexcept {
    for (const member& m : members) {
        if (m.name.size() == name.size() && text::starts_with_nocase(name, m.name)) return &m;
    }
    return nullptr;
}

class connect_handler {
public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    explicit connect_handler(connect_request& into) noexcept : into_(into) {}

    bool on_document_begin(json_error&) { return true; }
    bool on_document_end(json_error&) { return true; }
    bool on_object_begin(json_error& ec) {
        if (depth_ == 1 && current_ != nullptr) return wrong(ec);
        ++depth_;
        return true;
    }
    bool on_object_end(std::size_t, json_error&) { return end_nested(); }
    bool on_array_begin(json_error& ec) {
        if (depth_ == 0 || (depth_ == 1 && current_ != nullptr)) return wrong(ec);
        ++depth_;
        return true;
    }
    bool on_array_end(std::size_t, json_error&) { return end_nested(); }
    bool on_key_part(json::string_view part, std::size_t, json_error&) { return add(part); }
    bool on_key(json::string_view part, std::size_t, json_error&) {
        (void)add(part);
        if (depth_ == 1) current_ = find_member(text_.view());
        text_.clear();
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json_error&) { return add(part); }
    bool on_string(json::string_view part, std::size_t, json_error& ec) {
        (void)add(part);
        const bool taken = string_value();
        text_.clear();
        return taken || wrong(ec);
    }
    bool on_number_part(json::string_view, json_error&) { return true; }
    bool on_int64(std::int64_t value, json::string_view, json_error& ec) {
        if (current_ == nullptr || depth_ != 1) return other_value(ec);
        if (current_->number == nullptr) return wrong(ec);
        into_.*current_->number = value;
        return end_value();
    }
    /// Too large for a number that we know.
    bool on_uint64(std::uint64_t, json::string_view, json_error& ec) { return other_value(ec); }
    bool on_double(double, json::string_view, json_error& ec) { return other_value(ec); }
    bool on_bool(bool value, json_error& ec) {
        if (current_ == nullptr || depth_ != 1) return other_value(ec);
        if (current_->flag == nullptr) return wrong(ec);
        into_.*current_->flag = value;
        return end_value();
    }
    bool on_null(json_error&) { return depth_ == 1 ? end_value() : true; }
    bool on_comment_part(json::string_view, json_error&) { return true; }
    bool on_comment(json::string_view, json_error&) { return true; }

private:
    static bool wrong(json_error& ec) {
        ec = json::error::syntax;
        return false;
    }
    bool add(json::string_view part) {
        if (depth_ <= 1) text_.append({part.data(), part.size()});
        return true;
    }
    bool end_value() {
        current_ = nullptr;
        return true;
    }
    bool end_nested() {
        --depth_;
        return true;
    }
    /// A value that no member can have: fine inside of what is skipped, wrong in place of the
    /// object.
    bool other_value(json_error& ec) {
        if (depth_ == 0 || (depth_ == 1 && current_ != nullptr)) return wrong(ec);
        return true;
    }
    bool string_value() {
        if (depth_ != 1) return depth_ != 0;
        if (current_ == nullptr) return true;
        if (current_->text != nullptr)
            (into_.*current_->text).assign(text_.view());
        else if (current_->credential != nullptr)
            (into_.*current_->credential).assign(text_.view());
        else
            return false;
        return end_value();
    }

    connect_request& into_;
    std::size_t depth_ = 0;
    const member* current_ = nullptr; ///< whose value comes; null: nobody's that we know
    secret text_;                     ///< of a key or a value, as far as it has come
};

/// Overwrites the part of the stack that a call before this one used.
[[gnu::noinline]] void wipe_stack() noexcept {
    char used[4 * BOOST_JSON_STACK_BUFFER_SIZE];
    wipe(std::span<char>(used));
}

[[gnu::noinline]] result<void> parse(std::string_view text, connect_request& into,
                                     std::size_t max_depth) {
    json::parse_options options;
    options.max_depth = max_depth;
    json::basic_parser<connect_handler> parser(options, into);
    json_error ec;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
    if (ec) {
        return error{errc::bad_arguments, ec == json::error::too_deep
                                              ? "CONNECT is nested too deeply"
                                              : "not the JSON of a CONNECT"};
    }
    if (used != text.size()) return error{errc::bad_arguments, "more than one JSON value"};
    return {};
}

} // namespace

result<void> parse_connect_request(std::string_view text, connect_request& into,
                                   const limits& bounds) {
    result<void> parsed = parse(text, into, bounds.max_json_depth);
    wipe_stack();
    return parsed;
}

} // namespace nats::wire
