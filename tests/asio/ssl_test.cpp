// SPDX-License-Identifier: Apache-2.0
//
// Proves that Asio's own TLS can stand in for the library's: against real servers, before and after
// INFO, with certificates that are good, for somebody else, or from nobody that is trusted, and
// against servers that speak no TLS at all.

#include <natsproto/asio/client.hpp>
#include <natsproto/asio/ssl_transport.hpp>

#include "asio/asio_world.hpp"
#include "integration/raw_server.hpp"
#include "integration/tls_fixture.hpp"
#include "support/certificates.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace nats::test {
namespace {

namespace asio = boost::asio;
using asio::ssl::context;

class asio_ssl : public tls_test {
protected:
    [[nodiscard]] context trusting_context() const {
        context c(context::tls_client);
        c.add_certificate_authority(asio::buffer(ca.root()));
        return c;
    }
    [[nodiscard]] static options handed_over() {
        options o{.reconnect_wait = 10ms, .reconnect_jitter = {}, .reconnect_jitter_tls = {}};
        o.tls.hand_over = true;
        o.tls.required = true;
        return o;
    }
    /// How `connect` to the test's server ends.
    [[nodiscard]] error_code try_connect(aio::client& nc, options o) {
        const std::string url = server().url();
        o.servers = url;
        return w.outcome(nc.connect(o));
    }
    [[nodiscard]] error refusal(context& c, const options& o, bool verify_name = true) {
        aio::ssl_connector via(c, {}, verify_name);
        aio::client nc(w.io, {.via = &via});
        if (!try_connect(nc, o)) return error{errc::invalid_argument, "no error"};
        return nc.close_reason();
    }
    void expect_echo(aio::client& nc, std::size_t size) {
        aio::subscription sub = nc.subscribe("echo").value();
        const std::string payload(size, 'e');
        ASSERT_TRUE(nc.publish("echo", payload));
        EXPECT_EQ(w.value<message>(sub.next({.timeout = long_enough})).payload(), payload);
    }

    asio_world w;
};
NATSPROTO_ON_EVERY_SERVER(asio_ssl);

TEST_P(asio_ssl, after_info) {
    start_tls();
    context c = trusting_context();
    aio::ssl_connector via(c);
    aio::client nc(w.io, {.via = &via});
    options o = handed_over();
    o.tls.required = false; // the server says so
    ASSERT_FALSE(try_connect(nc, o)) << nc.close_reason().message();
    EXPECT_TRUE(nc.secure());
    expect_echo(nc, 5);
    expect_echo(nc, 900'000);
    EXPECT_FALSE(w.outcome(nc.close()));
}

TEST_P(asio_ssl, before_info) {
    if (GetParam() == generation::v2_9) GTEST_SKIP() << "since 2.10.4";
    start_tls("handshake_first: true");
    context c = trusting_context();
    aio::ssl_connector via(c);
    aio::client nc(w.io, {.via = &via});
    options o = handed_over();
    o.tls.first = true;
    ASSERT_FALSE(try_connect(nc, o)) << nc.close_reason().message();
    EXPECT_TRUE(nc.secure());
    expect_echo(nc, 100'000);
}

TEST_P(asio_ssl, again_with_each_connection) {
    start_tls();
    context c = trusting_context();
    aio::ssl_connector via(c);
    aio::client nc(w.io, {.via = &via});
    ASSERT_FALSE(try_connect(nc, handed_over()));
    aio::subscription sub = nc.subscribe("s").value();
    ASSERT_FALSE(w.outcome(nc.flush()));
    server().restart();
    ASSERT_TRUE(w.until([&] { return nc.stats().reconnects == 1; }));
    EXPECT_TRUE(nc.secure());
    ASSERT_TRUE(nc.publish("s", "again"));
    EXPECT_EQ(w.value<message>(sub.next({.timeout = long_enough})).payload(), "again");
}

TEST_P(asio_ssl, a_certificate_for_another_name) {
    start(tls_config(ca.issue({.dns = {"server.example"}})));
    context c = trusting_context();
    const error why = refusal(c, handed_over());
    EXPECT_EQ(why, errc::tls_failed);
    EXPECT_NE(why.detail().find("certificate verify failed"), std::string::npos) << why.message();
    // Its own name, whatever the URL says.
    options named = handed_over();
    named.tls.expected_name = "server.example";
    aio::ssl_connector via(c);
    aio::client nc(w.io, {.via = &via});
    EXPECT_FALSE(try_connect(nc, named)) << nc.close_reason().message();
    // Or any name.
    aio::ssl_connector careless(c, {}, false);
    aio::client other(w.io, {.via = &careless});
    EXPECT_FALSE(try_connect(other, handed_over())) << other.close_reason().message();
}

TEST_P(asio_ssl, a_certificate_of_nobody_that_is_trusted) {
    start_tls();
    context empty(context::tls_client); // which asks for no verification by itself
    EXPECT_EQ(refusal(empty, handed_over()), errc::tls_failed);
    context lax(context::tls_client);
    lax.set_verify_mode(asio::ssl::verify_none);
    EXPECT_EQ(refusal(lax, handed_over()), errc::tls_failed);
    aio::ssl_connector via(lax, {}, false);
    aio::client nc(w.io, {.via = &via});
    EXPECT_FALSE(try_connect(nc, handed_over())) << nc.close_reason().message();
}

TEST_P(asio_ssl, the_clients_certificate) {
    start(mutual_config(ca));
    context none = trusting_context();
    EXPECT_NE(refusal(none, handed_over()), errc::invalid_argument); // with TLS 1.3 only later
    context c = trusting_context();
    const identity self = ca.client("joe");
    c.use_certificate_chain(asio::buffer(self.certificate));
    c.use_private_key(asio::buffer(self.key), context::pem);
    aio::ssl_connector via(c);
    aio::client nc(w.io, {.via = &via});
    ASSERT_FALSE(try_connect(nc, handed_over())) << nc.close_reason().message();
    expect_echo(nc, 5);
}

TEST_P(asio_ssl, a_server_without_tls) {
    start();
    context c = trusting_context();
    EXPECT_EQ(refusal(c, handed_over()), errc::tls_not_offered);
    // Where none of it is wanted, the same connector gives plain text.
    options plain = handed_over();
    plain.tls.required = false;
    aio::ssl_connector via(c);
    aio::client nc(w.io, {.via = &via});
    ASSERT_FALSE(try_connect(nc, plain)) << nc.close_reason().message();
    EXPECT_FALSE(nc.secure());
    expect_echo(nc, 100'000);
}

class asio_ssl_scripted : public testing::Test {
protected:
    /// Why there is no connection to a server that says `script` after its INFO.
    [[nodiscard]] error refusal(const raw_server::script& after_info) {
        raw_server server([&](raw_peer& peer) {
            peer.send(info_line(R"(,"tls_required":true)"));
            after_info(peer);
        });
        asio::ssl::context c(asio::ssl::context::tls_client);
        aio::ssl_connector via(c);
        aio::client nc(w.io, {.via = &via});
        const std::string url = server.url();
        options o{.servers = url, .connect_timeout = timeout};
        o.tls.hand_over = true;
        o.user = "joe";
        o.password = "hunter2";
        if (!w.outcome(nc.connect(o))) return error{errc::invalid_argument, "no error"};
        EXPECT_EQ(server.outcome(), "");
        return nc.close_reason();
    }

    asio_world w;
    duration timeout = long_enough;
};

TEST_F(asio_ssl_scripted, what_answers_no_tls_fails_the_handshake) {
    std::string got;
    const error why = refusal([&](raw_peer& peer) {
        got = peer.read_bytes(1);
        peer.send("this is no TLS at all\r\n");
        got += peer.read_to_end();
    });
    EXPECT_EQ(why, errc::tls_failed);
    EXPECT_TRUE(got.starts_with('\x16')); // TLS, and no secret in front of it
    EXPECT_EQ(got.find("hunter2"), std::string::npos);
}

TEST_F(asio_ssl_scripted, an_end_in_the_middle_of_the_handshake) {
    const error why = refusal([](raw_peer& peer) {
        (void)peer.read_bytes(1);
        peer.close();
    });
    EXPECT_EQ(why, errc::tls_failed);
}

TEST_F(asio_ssl_scripted, a_handshake_that_never_ends_has_until_the_deadline) {
    timeout = 100ms;
    const error why = refusal([](raw_peer& peer) { peer.wait_for_close(); });
    EXPECT_EQ(why, errc::timeout);
}

} // namespace
} // namespace nats::test
