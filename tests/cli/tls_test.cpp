// SPDX-License-Identifier: Apache-2.0
//
// The TLS flags of natsproto against real servers.

#include "cli/cli_fixture.hpp"
#include "support/certificates.hpp"
#include "support/operator_mode.hpp"

#include <string>

namespace nats::test {
namespace {

class tls_options_of_the_tool : public cli_test {
protected:
    /// A server with a certificate for this host, and with what else its tls block says.
    void start_tls(const std::string& more = {}) {
        const identity own = authority_.issue({.ips = {"127.0.0.1"}});
        start("tls { cert_file: \"" + files.file("server.pem", own.certificate) +
              "\", key_file: \"" + files.file("server.key", own.key) + "\", ca_file: \"" + ca +
              "\", " + more + " }");
        url = "nats://" + server().address();
    }
    finished pub(const arguments& flags, arguments more = {}) {
        arguments line{"pub", "a", "b"};
        line.insert(line.end(), flags.begin(), flags.end());
        more.push_back("NATS_URL=" + url);
        return run_cli(std::move(line), "", std::move(more));
    }
    void expect_failure(const finished& f, int code, std::string_view said) {
        EXPECT_EQ(f.code, code) << f.err;
        EXPECT_EQ(f.err.substr(0, 11), "natsproto: ");
        EXPECT_TRUE(contains(f.err, said)) << f.err;
        EXPECT_EQ(lines_of(f.err), 1) << f.err;
    }

    const certificate_authority authority_;
    temporary_directory files;
    const std::string ca = files.file("ca.pem", authority_.root());
    std::string url;
};
NATSPROTO_ON_EVERY_SERVER(tls_options_of_the_tool);

TEST_P(tls_options_of_the_tool, an_authority_of_ones_own) {
    start_tls();
    EXPECT_EQ(pub({"--tlsca", ca}).code, 0);
    EXPECT_EQ(pub({}, {"NATS_CA=" + ca}).code, 0);
    EXPECT_EQ(pub({"-s", "tls://" + server().address(), "--tlsca", ca}).code, 0);
    expect_failure(pub({}), 1, "unknown authority");
    const certificate_authority other("another");
    expect_failure(pub({"--tlsca", files.file("other.pem", other.root())}), 1, "unknown authority");
}

TEST_P(tls_options_of_the_tool, a_certificate_of_ones_own) {
    start_tls("verify: true");
    const identity own = authority_.client("me");
    const std::string certificate = files.file("client.pem", own.certificate);
    const std::string key = files.file("client.key", own.key);
    EXPECT_EQ(pub({"--tlsca", ca, "--tlscert", certificate, "--tlskey", key}).code, 0);
    EXPECT_EQ(pub({}, {"NATS_CA=" + ca, "NATS_CERT=" + certificate, "NATS_KEY=" + key}).code, 0);
    expect_failure(pub({"--tlsca", ca}), 1, "certificate");
}

TEST_P(tls_options_of_the_tool, tls_first) {
    if (GetParam().last < 10) GTEST_SKIP() << "this server cannot";
    start_tls("handshake_first: true");
    EXPECT_EQ(pub({"--tlsca", ca, "--tlsfirst"}).code, 0);
    EXPECT_EQ(pub({"--tlsca", ca, "--timeout", "500ms"}).code, 3);
}

TEST_P(tls_options_of_the_tool, a_server_without_tls_is_refused) {
    url = server().url();
    expect_failure(pub({"--tlsca", ca}), 1, "offers no TLS");
    expect_failure(pub({"-s", "tls://" + server().address()}), 1, "offers no TLS");
}

TEST_P(tls_options_of_the_tool, files_that_cannot_be_used_are_wrong_usage) {
    start_tls();
    expect_failure(pub({"--tlsca", "/no/such/file"}), 2, "/no/such/file");
    expect_failure(pub({"--tlsca", files.file("empty.pem", "")}), 2, "unusable TLS settings");
    const identity own = authority_.client("me");
    const identity other = authority_.client("you");
    expect_failure(pub({"--tlsca", ca, "--tlscert", files.file("own.pem", own.certificate),
                        "--tlskey", files.file("other.key", other.key)}),
                   2, "unusable TLS settings");
}

} // namespace
} // namespace nats::test
