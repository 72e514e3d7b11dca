// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the members are written in a fixed order, straight into memory that is
// wiped (see object_writer.hpp).

#include <natsproto/wire/connect_fields.hpp>

#include <natsproto/version.hpp>

#include "core/json/object_writer.hpp"

#include <utility>

namespace nats::wire {

result<secret> write_connect_json(const connect_fields& fields) {
    json_text::object_writer<secret> o;
    o.flag("verbose", fields.verbose);
    o.flag("pedantic", fields.pedantic);
    o.flag("tls_required", fields.tls_required);
    o.flag("echo", fields.echo);
    o.flag("headers", fields.headers);
    o.flag("no_responders", fields.no_responders);
    o.number("protocol", fields.protocol);
    o.text("name", fields.name);
    o.text("lang", fields.lang);
    o.text("version", fields.library_version.empty() ? nats::version : fields.library_version);
    o.text("user", fields.user);
    o.text("pass", fields.password);
    o.text("auth_token", fields.token);
    o.text("jwt", fields.jwt);
    o.text("nkey", fields.nkey);
    o.text("sig", fields.signature);
    o.end();
    if (!o.valid)
        return error{errc::invalid_argument, "a name or credential for CONNECT is not UTF-8"};
    return std::move(o.out);
}

} // namespace nats::wire
