// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: options are checked once, when a context is made.

#include <natsproto/jetstream/context.hpp>

#include <natsproto/subject.hpp>

#include <algorithm>

namespace nats::js {

namespace {

constexpr std::size_t longest_name = 255;

bool is_name_character(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f && c != '.' && c != '*' && c != '>' && c != '/' && c != '\\';
}

} // namespace

context::context() : prefix_("$JS.API."), timeout_(context_options{}.timeout) {}

result<context> context::make(const context_options& o) {
    if (!o.api_prefix.empty() && !o.domain.empty())
        return error{errc::invalid_argument, "an API prefix and a domain"};
    if (o.timeout <= duration::zero())
        return error{errc::invalid_argument, "timeout must be positive"};
    context c;
    if (!o.domain.empty()) {
        if (result<void> ok = check_name("domain", o.domain); !ok) return ok.error();
        c.prefix_ = "$JS." + std::string(o.domain) + ".API.";
    }
    if (!o.api_prefix.empty()) {
        if (!is_publish_subject(o.api_prefix))
            return error{errc::invalid_argument, "API prefix \"" + printable(o.api_prefix) + '"'};
        c.prefix_ = std::string(o.api_prefix) + '.';
    }
    c.timeout_ = o.timeout;
    c.required_api_level_ = o.required_api_level;
    c.pedantic_ = o.pedantic;
    return c;
}

result<void> check_name(std::string_view what, std::string_view name) {
    if (!name.empty() && name.size() <= longest_name &&
        std::ranges::all_of(name, is_name_character))
        return {};
    return error{errc::invalid_name, std::string(what) + " \"" + printable(name) + '"'};
}

} // namespace nats::js
