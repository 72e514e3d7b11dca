// SPDX-License-Identifier: Apache-2.0
//
// natsproto service request: asks an endpoint of a service, by their names.
//
// Theory of operation: where the endpoint listens is asked first, of whoever answers first. An
// error response is printed as a reply is, and then is an error.

#include <natsproto/blocking/service.hpp>
#include <natsproto/services/service_error.hpp>
#include <natsproto/subject.hpp>

#include "js.hpp"
#include "outgoing.hpp"
#include "output.hpp"
#include "service.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::cli {

namespace {

struct service_request_options {
    outgoing_options out; ///< but for its subject
    std::string service;
    std::string endpoint;
    std::string prefix{services::default_prefix};
    bool raw = false;
};

class service_requester {
public:
    service_requester(const global_options& g, const service_request_options& o)
        : options_(o), timeout_(g.timeout), nc_(g, lifetime::task), client_(*nc_, o.prefix) {
        nc_.interrupt_when_refused();
    }

    /// Where to ask. Throws usage_error, nats::exception.
    std::string subject() {
        if (!options_.out.subject.empty()) return options_.out.subject;
        // Nearly always the first one will do; instances of another version may have others.
        std::optional<std::string> found = find(1);
        if (!found) found = find(services::query().max_answers);
        if (!found)
            throw exception(error{errc::no_responders, "no endpoint " + options_.endpoint +
                                                           " of service " + options_.service});
        if (!is_publish_subject(*found))
            throw usage_error(fmt::format("the endpoint listens to \"{}\": say by --subject where",
                                          printable(*found)));
        return *found;
    }

    int request(const std::string& to, const outgoing& m) {
        if (!options_.raw) tell(fmt::format("Sending request on \"{}\"", printable(to)));
        const time_point start = clock::now();
        const message reply = unless_refused(nc_, nc_->request(to, m.body(), timeout_, m.fields()));
        message_format f;
        f.raw = options_.raw;
        if (f.raw) {
            print_message(out_, reply, 0, f);
        } else {
            out_.write(fmt::format("Received with rtt {}\n", text_of(clock::now() - start)));
            print_content(out_, reply, f);
        }
        out_.flush();
        if (const std::optional<error> e = services::error_of(reply)) throw exception(*e);
        return nc_.outcome();
    }

private:
    std::optional<std::string> find(std::uint64_t answers) {
        services::query q;
        q.name = options_.service;
        q.timeout = timeout_;
        q.max_answers = answers;
        const std::vector<services::info_response> all = unless_refused(nc_, client_.info(q));
        if (all.empty()) throw exception(error{errc::no_responders, "service " + options_.service});
        for (const services::info_response& i : all) {
            for (const services::endpoint_info& e : i.endpoints) {
                if (e.name == options_.endpoint) return e.subject;
            }
        }
        return std::nullopt;
    }

    const service_request_options& options_;
    duration timeout_;
    output out_;
    connection nc_;
    service_client client_;
};

int run(const global_options& g, const service_request_options& o) {
    services::query q;
    q.name = o.service;
    (void)services::encode_query(o.prefix, services::verb::info, q).value();
    if (!o.out.subject.empty()) check_publish_subject(o.out.subject);
    outgoing m(o.out);
    m.read_body();
    m.fill(1);
    service_requester r(g, o);
    return r.request(r.subject(), m);
}

} // namespace

command add_service_request(CLI::App& group) {
    const auto o = std::make_shared<service_request_options>();
    CLI::App* const c = group.add_subcommand("request", "Send a request to an endpoint");
    c->alias("req");
    c->add_option("service", o->service, "The service's name")->required()->type_name("");
    c->add_option("endpoint", o->endpoint, "The endpoint's name")->required()->type_name("");
    o->out.body_option =
        c->add_option("body", o->out.body, "What is in it; read from stdin when it is missing")
            ->type_name("");
    c->add_option("--subject", o->out.subject, "Where to send it, if the endpoint has wildcards")
        ->type_name("SUBJECT");
    add_headers(*c, o->out.headers);
    add_service_prefix(*c, o->prefix);
    c->add_flag("-r,--raw", o->raw, "Print the payload only, byte for byte, and a line break");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli
