// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the shorthands that NATS users write are completed to a URL, which Boost.URL
// then takes apart and decodes. Errors show the text behind the last '@' only, since what stands
// before it may be a password; in a list, where a comma of a password splits it, they show less.

#include <natsproto/server_url.hpp>

#include <natsproto/secret.hpp>

#include "core/text/ascii.hpp"

#include <boost/url/grammar/string_token.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <utility>

namespace nats {

namespace {

constexpr std::uint16_t default_port = 4222;

/// Clears a string and overwrites all of its memory, what it has outgrown included.
void wipe_text(std::string& s) noexcept {
    s.resize(s.capacity()); // allocates nothing
    wipe(std::span<char>(s));
    s.clear();
}

/// A string that is wiped at the end of its scope.
struct wiped_text {
    std::string text;
    explicit wiped_text(std::string s) noexcept : text(std::move(s)) {}
    wiped_text(const wiped_text&) = delete;
    wiped_text& operator=(const wiped_text&) = delete;
    ~wiped_text() { wipe_text(text); }
};

error bad_url(std::string_view text, std::string_view why) {
    const std::size_t at = text.rfind('@');
    const std::string shown = printable(at == std::string_view::npos ? text : text.substr(at + 1));
    return {errc::invalid_url, '"' + shown + "\": " + std::string(why)};
}

/// What is wrong with something; null when nothing is.
using complaint = const char*;

complaint take_scheme(std::string_view scheme, server_url& out) {
    std::string name(scheme);
    std::transform(name.begin(), name.end(), name.begin(), text::lower);
    if (name == "ws" || name == "wss") return "WebSocket is not supported";
    if (name != "nats" && name != "tcp" && name != "tls") return "unknown scheme";
    out.tls = name == "tls";
    return nullptr;
}

complaint take_host(const boost::urls::url_view& url, server_url& out) {
    if (url.host_type() == boost::urls::host_type::ipvfuture) return "unknown kind of address";
    // Boost.URL takes more, such as "a,b" and "a%2Fb", which is no name of a host for any resolver.
    const auto encoded = url.encoded_host();
    if (std::string_view(encoded.data(), encoded.size()).find_first_of("%!$&'()*+,;=~") !=
        std::string_view::npos)
        return "a character that has no place in a host";
    out.where.host = url.host_address();
    return out.where.host.empty() ? "no host" : nullptr;
}

complaint take_port(const boost::urls::url_view& url, server_url& out) {
    out.where.port = default_port;
    if (!url.has_port() || url.port().empty()) return nullptr;
    const auto digits = url.port();
    std::uint64_t value = 0;
    if (!text::parse_decimal({digits.data(), digits.size()}, value) || value == 0 ||
        value > 65535) {
        return "the port must be 1 to 65535";
    }
    out.where.port = static_cast<std::uint16_t>(value);
    return nullptr;
}

complaint take_login(const boost::urls::url_view& url, server_url& out) {
    using boost::urls::string_token::assign_to; // no copies in between that would have to be wiped
    if (url.has_password()) {
        url.user(assign_to(out.user));
        url.password(assign_to(out.password));
        if (out.user.empty()) return "a password without a user";
    } else if (url.has_userinfo()) {
        url.user(assign_to(out.token));
    }
    return nullptr;
}

/// Whether it looks like an IPv6 address that has no brackets, which is a port for no reader.
bool is_bare_v6(std::string_view rest) {
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos)
        rest.remove_prefix(at + 1);
    rest = rest.substr(0, rest.find_first_of("/?#"));
    return !rest.starts_with('[') && std::count(rest.begin(), rest.end(), ':') > 1;
}

complaint parse_into(std::string_view text, server_url& out) {
    text = text::trim(text);
    if (text.empty()) return "empty";
    if (const std::size_t end = text.find("://"); end != std::string_view::npos) {
        if (const complaint why = take_scheme(text.substr(0, end), out)) return why;
        text.remove_prefix(end + 3);
    }
    if (text.ends_with('/')) text.remove_suffix(1);
    if (is_bare_v6(text)) return "an IPv6 address must be in brackets, as in [::1]:4222";
    const wiped_text whole("nats://" + std::string(text));
    const auto parsed = boost::urls::parse_uri(whole.text);
    if (!parsed) return "not a URL of the form [nats://][user[:password]@]host[:port]";
    if (!parsed->encoded_path().empty() || parsed->has_query() || parsed->has_fragment())
        return "a path, query or fragment has no meaning here";
    if (const complaint why = take_host(*parsed, out)) return why;
    if (const complaint why = take_port(*parsed, out)) return why;
    return take_login(*parsed, out);
}

} // namespace

std::string endpoint::text() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

server_url::server_url(server_url&& other) noexcept
    : where(std::move(other.where)),
      tls(other.tls),
      user(std::move(other.user)),
      password(std::move(other.password)),
      token(std::move(other.token)) {
    other.wipe_login(); // a short string leaves its text behind when it is moved
}

server_url& server_url::operator=(const server_url& other) {
    if (this != &other) *this = server_url(other);
    return *this;
}

server_url& server_url::operator=(server_url&& other) noexcept {
    if (this == &other) return *this;
    wipe_login();
    where = std::move(other.where);
    tls = other.tls;
    user = std::move(other.user);
    password = std::move(other.password);
    token = std::move(other.token);
    other.wipe_login();
    return *this;
}

server_url::~server_url() {
    wipe_login();
}

void server_url::set_login(const server_url& other) {
    if (this == &other) return;
    wipe_login();
    user = other.user;
    password = other.password;
    token = other.token;
}

void server_url::wipe_login() noexcept {
    wipe_text(password);
    wipe_text(token);
}

result<server_url> parse_server_url(std::string_view text) {
    server_url out;
    if (const complaint why = parse_into(text, out)) return bad_url(text, why);
    return out;
}

result<std::vector<server_url>> parse_server_list(std::string_view text) {
    std::vector<server_url> out;
    for (std::size_t number = 1;; ++number) {
        const std::size_t comma = text.find(',');
        const std::string_view entry = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        server_url one;
        if (text::trim(entry).empty()) {
            // skipped
        } else if (const complaint why = parse_into(entry, one)) {
            if (text.find('@') == std::string_view::npos) return bad_url(entry, why);
            return error{errc::invalid_url, "entry " + std::to_string(number) + " of the list: " +
                                                why + " (a ',' in a password is written %2C)"};
        } else {
            const auto known = std::find_if(out.begin(), out.end(), [&one](const server_url& s) {
                return s.where == one.where;
            });
            if (known == out.end())
                out.push_back(std::move(one));
            else
                known->tls = known->tls || one.tls;
        }
        if (comma == std::string_view::npos) break;
    }
    if (out.empty()) return bad_url("", "empty: no server is named");
    return out;
}

} // namespace nats
