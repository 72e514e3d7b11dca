// SPDX-License-Identifier: Apache-2.0
//
// The connection over TLS breaks at every byte of the handshake and of what follows, in both
// directions. As in broken_bytes_test.cpp it has to come back, no server may see half of a command,
// and nothing may come twice. Handshakes cost much more than parsing, so each byte gets one kind of
// end, in turn.

#include <natsproto/openssl/provider.hpp>

#include "support/certificates.hpp"
#include "support/net_client.hpp"
#include "support/tls_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

class tls_layer final : public server_layer {
public:
    explicit tls_layer(const tls_server_options& o) : tls_(o) {}

    void receive(std::string_view wire) override {
        tls_.receive(wire);
        if (tls_.open() && !early_.empty()) tls_.send(std::exchange(early_, {}));
    }
    std::string take_plain() override { return tls_.take_plain(); }
    void send(std::string_view plain) override {
        if (tls_.open())
            tls_.send(plain);
        else
            early_ += plain;
    }
    std::string take_output() override { return tls_.take_output(); }
    [[nodiscard]] bool failed() const override { return !tls_.problem().empty(); }

private:
    tls_server tls_;
    std::string early_; ///< said before the handshake was done
};

class tls_broken_bytes : public testing::Test {
protected:
    static void SetUpTestSuite() {
        authority_ = std::make_unique<certificate_authority>();
        server_ = authority_->server("a.example");
    }
    static void TearDownTestSuite() { authority_.reset(); }

    static options quick() {
        options o;
        o.servers = "tls://a.example:1";
        o.reconnect_wait = 10ms;
        o.reconnect_jitter = o.reconnect_jitter_tls = {};
        o.ping_interval = 200ms;
        o.connect_timeout = 300ms;
        o.retry_on_failed_connect = true;
        o.keep_unsent = true;
        o.tls.ca = authority_->root();
        return o;
    }
    static void set_up(network& net, bool first) {
        model_server& s = net.server("a.example:1");
        s.rules.info.tls_required = true;
        s.tls_first = first;
        s.make_layer = [] {
            return std::make_unique<tls_layer>(tls_server_options{.self = server_});
        };
    }
    /// Publishes and subscribes over it; where it breaks is told.
    struct result_of {
        std::uint64_t up, down;
    };
    result_of run(const sim_socket::breaking& b, bool first, bool proactor) {
        network net;
        set_up(net, first);
        net.at("a.example:1").breaks.push_back(b);
        options o = quick();
        o.tls.first = first;
        net_client c(
            net, o,
            {.proactor = proactor, .close_takes = proactor ? 3ms : 0ms, .crypto = &crypto_});
        EXPECT_TRUE(c.session().start(net.now()).has_value());
        EXPECT_TRUE(c.session().subscribe("s").has_value());
        for (const char* p : {"1", "2"}) (void)c.session().publish("s", p);
        c.advance(50ms);
        for (const char* p : {"3", "4", "5"}) (void)c.session().publish("s", p);
        const result_of out{c.session().stats().socket_out, c.session().stats().socket_in};
        c.advance(2s);
        EXPECT_EQ(c.status(), session_status::connected);
        EXPECT_TRUE(c.session().secure());
        EXPECT_EQ(net.server("a.example:1").peer().table().size(), 1U);
        // In order on each connection, and the last ones at least once wherever it broke. A frame
        // that the link had taken and the transport had not may come again.
        int before = 0;
        int connection = 0;
        for (const publication& p : net.server("a.example:1").published()) {
            if (std::exchange(connection, p.connection) != p.connection) before = 0;
            EXPECT_GT(p.payload[0], before) << "in order";
            before = p.payload[0];
        }
        return out;
    }

    static inline std::unique_ptr<certificate_authority> authority_;
    static inline identity server_;
    openssl::provider crypto_;
};

TEST_F(tls_broken_bytes, whole_connections) {
    for (const bool first : {false, true}) {
        const result_of whole = run({}, first, false);
        EXPECT_GT(whole.up, 500U);
        EXPECT_GT(whole.down, 800U);
    }
}

TEST_F(tls_broken_bytes, what_goes_up) {
    const std::uint64_t all = run({}, false, false).up + 60;
    for (std::size_t at = 0; at < all; ++at) {
        SCOPED_TRACE(at);
        const fault how = static_cast<fault>(at % 3);
        run({.after_up = at, .how = how}, false, at % 2 == 0);
    }
}

TEST_F(tls_broken_bytes, what_comes_down) {
    const std::uint64_t all = run({}, false, false).down + 60;
    for (std::size_t at = 1; at < all; ++at) {
        SCOPED_TRACE(at);
        const fault how = static_cast<fault>(at % 3);
        run({.after_down = at, .how = how}, false, at % 2 == 0);
    }
}

TEST_F(tls_broken_bytes, with_tls_first) {
    const std::uint64_t all = run({}, true, false).up + 60;
    for (std::size_t at = 0; at < all; at += 13) {
        SCOPED_TRACE(at);
        const fault how = static_cast<fault>(at % 3);
        run({.after_up = at, .how = how}, true, at % 2 == 0);
        run({.after_down = at + 1, .how = how}, true, at % 2 == 0);
    }
}

} // namespace
} // namespace nats::test
