// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: everything that can be judged without a server is judged by the constructor,
// so that a mistake is told before connecting and before stdin is read.

#include <natsproto/subject.hpp>

#include "outgoing.hpp"
#include "stdin_body.hpp"
#include "templates.hpp"

#include <fmt/core.h>

namespace nats::cli {

namespace {

std::pair<std::string, std::string> split_header(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos)
        throw usage_error(fmt::format("-H \"{}\": a header is NAME:VALUE", printable(text)));
    const std::size_t begin = text.find_first_not_of(" \t", colon + 1);
    return {text.substr(0, colon), begin == std::string::npos ? "" : text.substr(begin)};
}

} // namespace

void check_publish_subject(std::string_view subject) {
    if (!is_publish_subject(subject))
        throw exception(error{errc::invalid_subject, '"' + std::string(subject) + '"'});
}

void add_outgoing(CLI::App& app, outgoing_options& o) {
    app.add_option("subject", o.subject, "Where it goes")->required()->type_name("");
    o.body_option = app.add_option("body", o.body, "What is in it")->type_name("");
    add_headers(app, o.headers);
    app.add_flag("--templates", o.templates,
                 "Fill {{Count}}, {{Time}}, {{TimeStamp}}, {{Unix}}, {{UnixNano}} and {{ID}}");
}

void add_force_stdin(CLI::App& app, outgoing_options& o) {
    o.body_option->description("What is in it; read from stdin when it is missing");
    app.add_flag("--force-stdin", o.force_stdin,
                 "Read the body from stdin, also when one was given");
}

outgoing::outgoing(const outgoing_options& o)
    : templates_(o.templates),
      from_stdin_(o.force_stdin || !o.has_body()),
      subject_template_(o.subject),
      subject_(o.subject),
      body_(o.body) {
    for (const std::string& h : o.headers) header_templates_.push_back(split_header(h));
    for (const auto& [name, value] : header_templates_) headers_.add(name, value).value();
}

void outgoing::read_body() {
    if (from_stdin_) body_ = read_stdin();
}

void outgoing::fill(std::uint64_t count, std::string_view request) {
    if (!templates_) return;
    subject_ = expand(subject_template_, count);
    filled_body_ = expand(body_, count, request);
    headers_.clear();
    for (const auto& [name, value] : header_templates_)
        headers_.add(name, expand(value, count)).value();
}

} // namespace nats::cli
