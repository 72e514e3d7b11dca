// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with TLS: an authority, and servers with certificates of it.

#pragma once

#include "integration/scratch.hpp"
#include "integration/server_test.hpp"
#include "support/certificates.hpp"

#include <string>
#include <string_view>

namespace nats::test {

class tls_test : public server_test {
protected:
    /// A `tls` block for a server with this identity; `more` are further lines of it.
    [[nodiscard]] std::string tls_config(const identity& self, std::string_view more = {}) const {
        const std::string certificate = files.write("server.pem", self.certificate);
        const std::string key = files.write("server.key", self.key);
        return "tls { cert_file: \"" + certificate + "\", key_file: \"" + key + "\", timeout: 5\n" +
               std::string(more) + "\n}\n";
    }
    /// For 127.0.0.1 and localhost.
    [[nodiscard]] identity good() const {
        return ca.issue({.dns = {"localhost"}, .ips = {"127.0.0.1"}});
    }
    nats_server& start_tls(std::string_view more = {}) { return start(tls_config(good(), more)); }
    /// Demands certificates of clients, from `clients`.
    [[nodiscard]] std::string mutual_config(const certificate_authority& clients) const {
        return tls_config(
            good(), "verify: true, ca_file: \"" + files.write("clients.pem", clients.root()) + '"');
    }
    [[nodiscard]] options trusting() const {
        options o{.reconnect_wait = 10ms, .reconnect_jitter = {}, .reconnect_jitter_tls = {}};
        o.tls.ca = ca.root();
        return o;
    }
    [[nodiscard]] result<client> attempt(options o, const blocking_options& b = {}) {
        const std::string url = server().url();
        o.servers = url;
        return client::connect(o, b);
    }

    certificate_authority ca;
    scratch files;
};

} // namespace nats::test
