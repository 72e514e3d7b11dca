// SPDX-License-Identifier: Apache-2.0
//
// What pub, request and reply send: subject, headers and body, filled anew for each message where
// --templates asks for it.

#pragma once

#include <natsproto/headers.hpp>

#include "common.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::cli {

struct outgoing_options {
    std::string subject;
    std::string body;
    CLI::Option* body_option = nullptr;
    std::vector<std::string> headers;
    bool templates = false;
    bool force_stdin = false;

    [[nodiscard]] bool has_body() const { return body_option != nullptr && *body_option; }
};
/// Subject, body, -H and --templates.
void add_outgoing(CLI::App& app, outgoing_options& o);
/// --force-stdin.
void add_force_stdin(CLI::App& app, outgoing_options& o);

class outgoing {
public:
    /// Checks subject and headers; throws usage_error or nats::exception. The options must outlive
    /// it.
    explicit outgoing(const outgoing_options& o);

    /// Reads the body from stdin when it was not given.
    void read_body();
    void set_body(std::string_view body) { body_ = body; }

    /// Message number `count`; the members below are it.
    void fill(std::uint64_t count, std::string_view request = {});
    [[nodiscard]] const std::string& subject() const noexcept { return subject_; }
    [[nodiscard]] const std::string& body() const noexcept {
        return templates_ ? filled_body_ : body_;
    }
    [[nodiscard]] const headers& fields() const noexcept { return headers_; }

private:
    bool templates_;
    bool from_stdin_;
    std::string subject_template_;
    std::string subject_;
    std::string body_;
    std::string filled_body_;
    std::vector<std::pair<std::string, std::string>> header_templates_;
    headers headers_;
};

/// Throws nats::exception for a subject that nothing can be published to.
void check_publish_subject(std::string_view subject);

} // namespace nats::cli
