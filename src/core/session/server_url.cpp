// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the shorthands that NATS users write are completed to a URL, which Boost.URL
// then takes apart and decodes. Errors show the text behind the last '@' only, since what stands
// before it may be a password.

#include <natsproto/server_url.hpp>

#include "core/text/ascii.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace nats {

namespace {

constexpr std::uint16_t default_port = 4222;

error bad_url(std::string_view text, std::string_view why) {
    const std::size_t at = text.rfind('@');
    const std::string shown = printable(at == std::string_view::npos ? text : text.substr(at + 1));
    return {errc::invalid_url, '"' + shown + "\": " + std::string(why)};
}

result<std::uint16_t> port_of(const boost::urls::url_view& url, std::string_view text) {
    if (!url.has_port() || url.port().empty()) return default_port;
    std::uint64_t value = 0;
    const auto digits = url.port();
    if (!text::parse_decimal({digits.data(), digits.size()}, value) || value == 0 ||
        value > 65535) {
        return bad_url(text, "the port must be 1 to 65535");
    }
    return static_cast<std::uint16_t>(value);
}

bool has_control(std::string_view s) noexcept {
    return std::any_of(s.begin(), s.end(), [](char c) { return text::is_control(c); });
}

} // namespace

std::string endpoint::text() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

result<server_url> parse_server_url(std::string_view text) {
    text = text::trim(text);
    if (!text.empty() && text.back() == '/') text.remove_suffix(1);
    if (text.empty()) return bad_url(text, "empty");
    const std::size_t scheme_end = text.find("://");
    const std::string_view scheme =
        scheme_end == std::string_view::npos ? "nats" : text.substr(0, scheme_end);
    const std::string_view rest =
        scheme_end == std::string_view::npos ? text : text.substr(scheme_end + 3);

    server_url out;
    if (scheme == "tls")
        out.tls = true;
    else if (scheme == "ws" || scheme == "wss")
        return bad_url(text, "WebSocket is not supported");
    else if (scheme != "nats" && scheme != "tcp")
        return bad_url(text, "unknown scheme");

    const std::string whole = "nats://" + std::string(rest);
    const auto parsed = boost::urls::parse_uri(whole);
    if (!parsed)
        return bad_url(text, "not a URL of the form [nats://][user[:password]@]host[:port]");
    const boost::urls::url_view& url = *parsed;
    if (!url.encoded_path().empty() || url.has_query() || url.has_fragment()) {
        return bad_url(text, "a path, query or fragment has no meaning here");
    }
    if (url.host_type() == boost::urls::host_type::ipvfuture)
        return bad_url(text, "unknown kind of address");
    out.where.host = url.host_address();
    if (out.where.host.empty()) return bad_url(text, "no host");
    result<std::uint16_t> port = port_of(url, text);
    if (!port) return port.error();
    out.where.port = *port;
    if (url.has_password()) {
        out.user = url.user();
        out.password = url.password();
    } else if (url.has_userinfo()) {
        out.token = url.user();
    }
    if (has_control(out.where.host)) return bad_url(text, "a control character in the host");
    return out;
}

result<std::vector<server_url>> parse_server_list(std::string_view text) {
    std::vector<server_url> out;
    while (true) {
        const std::size_t comma = text.find(',');
        result<server_url> one = parse_server_url(text.substr(0, comma));
        if (!one) return one.error();
        const bool known = std::any_of(
            out.begin(), out.end(), [&one](const server_url& s) { return s.where == one->where; });
        if (!known) out.push_back(std::move(*one));
        if (comma == std::string_view::npos) return out;
        text.remove_prefix(comma + 1);
    }
}

} // namespace nats
