// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: Boost.JSON writes the object, with every escape that JSON needs. It does not
// check that strings are UTF-8, so the result is read back once: what cannot be read is refused
// here and not by the server.

#include <natsproto/wire/connect_fields.hpp>

#include <natsproto/version.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace nats::wire {

result<std::string> write_connect_json(const connect_fields& fields) {
    namespace json = boost::json;
    json::object o;
    o["verbose"] = fields.verbose;
    o["pedantic"] = fields.pedantic;
    o["tls_required"] = fields.tls_required;
    o["echo"] = fields.echo;
    o["headers"] = fields.headers;
    o["no_responders"] = fields.no_responders;
    o["protocol"] = fields.protocol;
    const auto text = [&o](json::string_view name, std::string_view value) {
        if (!value.empty()) o[name] = json::string_view(value.data(), value.size());
    };
    text("name", fields.name);
    text("lang", fields.lang);
    text("version", fields.library_version.empty() ? nats::version : fields.library_version);
    text("user", fields.user);
    text("pass", fields.password);
    text("auth_token", fields.token);
    text("jwt", fields.jwt);
    text("nkey", fields.nkey);
    text("sig", fields.signature);
    std::string out = json::serialize(o);
    json::error_code ec;
    (void)json::parse(json::string_view(out.data(), out.size()), ec);
    if (ec) return error{errc::invalid_argument, "a name or credential for CONNECT is not UTF-8"};
    return out;
}

} // namespace nats::wire
