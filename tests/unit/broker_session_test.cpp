// SPDX-License-Identifier: Apache-2.0
//
// The broker and the client's session back to back, in virtual time: connecting, logging in with an
// NKEY, TLS in all its modes, faults and what the session makes of them.

#include <natsproto/auth/nkey.hpp>
#include <natsproto/openssl/provider.hpp>
#include <natsproto/session.hpp>

#include "support/certificates.hpp"
#include "support/conversation.hpp"
#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

const certificate_authority& authority() {
    static const certificate_authority ca;
    return ca;
}
const identity& server_identity() {
    static const identity id = authority().server("nats.test");
    return id;
}

/// A client's end of a transport, in memory or by a driver.
class client_transport {
public:
    virtual ~client_transport() = default;
    virtual std::size_t write(std::string_view bytes) = 0;
    virtual std::string read(std::size_t most) = 0;
    virtual bool ended() = 0;
    virtual void close() = 0;
};

class in_memory final : public client_transport {
public:
    explicit in_memory(broker_world& w) : world_(w), end_(w.b->connect(w.now)) {}
    std::size_t write(std::string_view bytes) override {
        std::size_t taken = 0;
        return end_.write(bytes, taken, world_.now) ? taken : 0;
    }
    std::string read(std::size_t most) override {
        std::string out(most, '\0');
        out.resize(end_.read(out, world_.now));
        return out;
    }
    bool ended() override { return end_.ended(); }
    void close() override { end_.close(world_.now); }

private:
    broker_world& world_;
    memory_transport end_;
};

/// As a driver of sockets does it: looks at a peer only when the broker names it.
class by_driver final : public client_transport {
public:
    explicit by_driver(broker_world& w) : world_(w), peer_(&w.b->accept("127.0.0.1:1", w.now)) {
        peer_->cookie = this;
    }
    by_driver(const by_driver&) = delete;
    by_driver& operator=(const by_driver&) = delete;
    ~by_driver() override { close(); }
    std::size_t write(std::string_view bytes) override {
        std::size_t total = 0;
        while (peer_ != nullptr && peer_->wants_read() && total != bytes.size()) {
            const std::span<char> space = peer_->prepare();
            const std::size_t n = std::min(space.size(), bytes.size() - total);
            std::memcpy(space.data(), bytes.data() + total, n);
            peer_->commit(n, world_.now);
            total += n;
        }
        settle(world_);
        return total;
    }
    std::string read(std::size_t most) override {
        settle(world_);
        const std::string out = received_.substr(0, most);
        received_.erase(0, out.size());
        return out;
    }
    bool ended() override { return peer_ == nullptr && received_.empty(); }
    void close() override {
        if (peer_ == nullptr) return;
        peer_->handle_eof(world_.now);
        if (peer_->wants_close()) end();
        settle(world_);
    }

private:
    void end() { std::exchange(peer_, nullptr)->closed(world_.now); }
    static void settle(broker_world& w) {
        while (broker_peer* const p = w.b->next_ready()) {
            auto& t = *static_cast<by_driver*>(p->cookie);
            std::array<const_buffer, 4> pieces;
            while (const std::size_t count = p->poll_transmit(pieces)) {
                std::size_t n = 0;
                for (std::size_t i = 0; i < count; ++i) {
                    t.received_.append(pieces[i].data, pieces[i].size);
                    n += pieces[i].size;
                }
                p->transmitted(n, w.now);
            }
            if (p->wants_close()) t.end();
        }
    }

    broker_world& world_;
    broker_peer* peer_;
    std::string received_;
};

enum class how : bool { memory, driver };

/// A session whose transports are the broker's.
class client_world {
public:
    explicit client_world(broker_options o, options c = {}, how h = how::memory)
        : world(std::move(o), &provider),
          client(with_root(c), {&random, &provider, nullptr}),
          kind(h) {
        const result<void> started = client.start(world.now);
        if (!started) ADD_FAILURE() << started.error().message();
        run();
    }
    static options with_root(options c) {
        c.randomize = false;
        c.servers = "nats://nats.test:4222";
        c.reconnect_wait = 100ms;
        c.reconnect_jitter = c.reconnect_jitter_tls = duration::zero();
        if (c.tls.ca.empty()) c.tls.ca = authority().root();
        return c;
    }
    /// Until nothing moves any more.
    void run() {
        for (bool again = true; again;) {
            again = false;
            event e;
            while (client.next(e)) note(e);
            while (const std::optional<session_action> a = client.poll_action()) {
                again = true;
                act(*a);
            }
            again = write() || again;
            again = read() || again;
        }
    }
    void wait(duration d) {
        const time_point end = world.now + d;
        while (true) {
            const time_point t = std::min(
                {end, client.poll_timeout().value_or(end), world.b->poll_timeout().value_or(end)});
            world.wait(std::max(t - world.now, duration::zero()));
            client.handle_timeout(world.now);
            run();
            if (t == end) return;
        }
    }
    [[nodiscard]] std::string log() const {
        std::string all;
        for (const std::string& line : events) all += line + '\n';
        return all;
    }
    [[nodiscard]] bool happened(std::string_view start) const {
        return std::any_of(events.begin(), events.end(),
                           [&](const std::string& e) { return e.starts_with(start); });
    }

    openssl::provider provider;
    seeded_random random{5};
    broker_world world;
    session client;
    std::vector<std::string> events;
    std::vector<std::string> messages;
    /// How many bytes travel at a time.
    std::size_t cut = 4096;
    /// Said to a client before it says anything.
    const char* first_words = nullptr;

private:
    void note(const event& e) {
        if (const auto* m = std::get_if<ev::message>(&e)) {
            messages.push_back(std::string(m->view.subject) + ' ' + std::string(m->view.payload));
            if (!m->view.reply.empty()) (void)client.publish(m->view.reply, "answer");
            return;
        }
        events.push_back(line_of(e));
    }
    void act(const session_action& a) {
        if (const auto* c = std::get_if<action::connect>(&a)) {
            attempt = c->id;
            told_end = false;
            transport.reset();
            if (kind == how::memory)
                transport = std::make_unique<in_memory>(world);
            else
                transport = std::make_unique<by_driver>(world);
            if (first_words != nullptr)
                world.b->send_err(world.b->clients().back().id, first_words);
            client.handle_connected(attempt, world.now);
        } else if (const auto* end = std::get_if<action::close>(&a)) {
            (void)write();
            transport->close();
            client.handle_closed(end->id, world.now);
        }
    }
    bool write() {
        std::array<const_buffer, 8> pieces;
        const std::size_t count = client.poll_transmit(pieces);
        std::size_t total = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string_view all(pieces[i].data, pieces[i].size);
            for (std::size_t at = 0; at < all.size(); at += cut) {
                const std::size_t taken = transport->write(all.substr(at, cut));
                if (taken == 0) break;
                total += taken;
            }
        }
        if (total != 0) client.transmitted(total);
        return total != 0;
    }
    bool read() {
        if (transport == nullptr) return false;
        const std::string received = transport->read(cut);
        for (std::size_t at = 0; at < received.size();) {
            const std::span<char> space = client.prepare();
            const std::size_t n = std::min(space.size(), received.size() - at);
            std::memcpy(space.data(), received.data() + at, n);
            client.commit(n, world.now);
            at += n;
        }
        if (received.empty() && transport->ended() && !std::exchange(told_end, true)) {
            client.handle_eof(attempt, world.now);
            return true;
        }
        return !received.empty();
    }

    how kind;
    std::unique_ptr<client_transport> transport;
    attempt_id attempt{};
    bool told_end = true;
};

broker_options with_tls(broker_tls::mode how) {
    broker_options o;
    broker_tls& t = o.tls.emplace();
    t.how = how;
    t.certificate = server_identity().certificate;
    t.key = secret(server_identity().key);
    return o;
}

void expect_it_works(client_world& c) {
    ASSERT_TRUE(c.client.is_up()) << c.log();
    ASSERT_TRUE(c.client.subscribe("a.*"));
    ASSERT_TRUE(c.client.publish("a.b", "hello"));
    const std::string large(300'000, 'x');
    ASSERT_TRUE(c.client.publish("a.large", large));
    c.run();
    EXPECT_EQ(c.messages, (std::vector<std::string>{"a.b hello", "a.large " + large}));
}

class BrokerSession : public testing::TestWithParam<how> {};

TEST_P(BrokerSession, ConnectsRequestsAndReconnects) {
    client_world c({}, {}, GetParam());
    expect_it_works(c);
    c.messages.clear();
    EXPECT_TRUE(c.world.b->publish("a.req", "?", "a.reply").value());
    c.run();
    EXPECT_EQ(c.messages, (std::vector<std::string>{"a.req ?", "a.reply answer"}));

    c.world.b->cut_all();
    c.run();
    EXPECT_TRUE(c.happened("disconnected")) << c.log();
    c.wait(200ms);
    EXPECT_TRUE(c.happened("reconnected")) << c.log();
    c.messages.clear();
    EXPECT_TRUE(c.world.b->publish("a.b", "again").value());
    c.run();
    EXPECT_EQ(c.messages, std::vector<std::string>{"a.b again"});

    c.world.b->fail(c.world.b->clients().front().id, "Stale Connection");
    c.run();
    c.wait(200ms);
    EXPECT_TRUE(c.client.is_up()) << c.log();
    EXPECT_EQ(c.world.b->stats().total_connections, 3U);
    c.wait(10min);
    EXPECT_EQ(c.world.b->stats().total_connections, 3U) << "both answer PINGs";
    c.world.b->lame_duck(c.world.now);
    c.run();
    EXPECT_TRUE(c.happened("lame_duck")) << c.log();
}

TEST(BrokerNkey, OfOpenssl) {
    openssl::provider provider;
    seeded_random random(9);
    const nkey_pair key = nkey_pair::create(nkey_kind::user, random);
    const nkey_pair other = nkey_pair::create(nkey_kind::user, random);
    broker_options o;
    o.users.emplace_back().nkey = encode_nkey(key.public_key(provider).value());
    const auto named_after_key = o.users[0].nkey;
    options c;
    const secret seed = key.seed();
    c.nkey_seed = seed.view();
    client_world good(std::move(o), c);
    expect_it_works(good);
    EXPECT_EQ(good.world.b->clients().front().user, named_after_key);

    broker_options again;
    again.users.emplace_back().nkey = named_after_key;
    const secret other_seed = other.seed();
    c.nkey_seed = other_seed.view();
    client_world bad(std::move(again), c);
    EXPECT_FALSE(bad.client.is_up());
    EXPECT_EQ(bad.world.b->stats().refused_logins, 1U) << bad.log();
}

TEST_P(BrokerSession, TlsInAllModes) {
    for (const auto mode :
         {broker_tls::mode::required, broker_tls::mode::available, broker_tls::mode::first}) {
        for (const std::size_t cut : {std::size_t{4096}, std::size_t{1}}) {
            options o;
            o.tls.required = true;
            o.tls.first = mode == broker_tls::mode::first;
            client_world c(with_tls(mode), o, GetParam());
            c.cut = 100'000;
            expect_it_works(c);
            EXPECT_EQ(c.world.b->info().tls_required, mode != broker_tls::mode::available);
            EXPECT_EQ(c.world.b->info().tls_available, mode == broker_tls::mode::available);
            c.cut = cut;
            c.first_words = "not in clear";
            c.world.b->cut_all();
            c.run();
            c.wait(200ms);
            ASSERT_TRUE(c.client.is_up() || c.happened("connect_failed")) << c.log();
            c.first_words = nullptr;
            c.wait(200ms);
            ASSERT_TRUE(c.client.is_up()) << c.log();
            // The end is said in TLS too.
            c.world.b->fail(c.world.b->clients().front().id, "Authorization Violation");
            c.run();
            EXPECT_TRUE(c.happened("server_error")) << c.log();
            c.wait(200ms);
            ASSERT_TRUE(c.client.is_up()) << c.log();
            c.events.clear();
            c.world.b->stop(c.world.now, c.world.now + 1s);
            c.run();
            EXPECT_TRUE(c.happened("disconnected: the peer closed the connection"))
                << "in order, not cut off: " << c.log();
        }
    }
}

INSTANTIATE_TEST_SUITE_P(both, BrokerSession, testing::Values(how::memory, how::driver),
                         [](const auto& p) {
                             return std::string(p.param == how::memory ? "memory" : "driver");
                         });

TEST(BrokerTls, PlainTextWhereTlsIsAvailable) {
    client_world c(with_tls(broker_tls::mode::available));
    expect_it_works(c);
}

TEST(BrokerTls, ClientCertificates) {
    const identity right = authority().client("ann");
    const certificate_authority stranger("another CA");
    const identity wrong = stranger.client("eve");
    for (const identity* who : {&right, &wrong, static_cast<const identity*>(nullptr)}) {
        broker_options b = with_tls(broker_tls::mode::required);
        b.tls->ca = authority().root();
        b.tls->require_client_certificate = true;
        options o;
        if (who != nullptr) {
            o.tls.certificate = who->certificate;
            o.tls.key = who->key;
        }
        client_world c(std::move(b), o);
        EXPECT_EQ(c.client.is_up(), who == &right) << c.log();
        EXPECT_TRUE(c.world.b->info().tls_verify);
    }
}

TEST(BrokerTls, ClientsThatDoNotDoTheirPart) {
    openssl::provider provider;
    for (const auto mode : {broker_tls::mode::required, broker_tls::mode::first}) {
        broker_world w(with_tls(mode), &provider);
        talker plain(w);
        const std::string info = plain.hear();
        EXPECT_EQ(info.empty(), mode == broker_tls::mode::first);
        plain.tell(talker::connect_line() + "PING|");
        EXPECT_TRUE(plain.transport.ended() || !plain.hear().starts_with("PONG"));
        plain.hear();
        EXPECT_TRUE(plain.ended());
        talker silent(w);
        silent.hear();
        w.wait(1999ms);
        EXPECT_FALSE(silent.ended());
        w.wait(1ms);
        EXPECT_TRUE(silent.ended());
        talker garbage(w);
        garbage.hear();
        garbage.tell("\x16garbage of a handshake||||||||");
        garbage.hear();
        EXPECT_TRUE(garbage.ended());
    }
}

TEST(BrokerTls, PlainTextIsRefusedWithoutAWord) {
    openssl::provider provider;
    broker_world w(with_tls(broker_tls::mode::required), &provider);
    talker t(w);
    t.hear();
    t.tell("CONNECT {}|");
    EXPECT_TRUE(t.ended());
    EXPECT_EQ(t.hear(), "");
}

TEST(BrokerTls, TooManyConnectionsAreToldInClear) {
    openssl::provider provider;
    broker_options o = with_tls(broker_tls::mode::required);
    o.max_connections = 1;
    broker_world w(std::move(o), &provider);
    talker first(w);
    talker second(w);
    EXPECT_TRUE(second.hear().ends_with("-ERR 'maximum connections exceeded'|"));
    EXPECT_TRUE(second.ended());
}

/// Whatever is done to one that is in the middle of a handshake.
TEST(BrokerTls, FaultsDuringTheHandshake) {
    openssl::provider provider;
    broker_options o = with_tls(broker_tls::mode::required);
    broker_world w(std::move(o), &provider);
    talker t(w);
    t.hear();
    w.b->send_err(t.id(), "not in clear");
    EXPECT_EQ(t.hear(), "");
    w.b->fail(t.id(), "nor this");
    EXPECT_EQ(t.hear(), "");
    EXPECT_TRUE(t.ended());
    talker stopped(w);
    stopped.hear();
    w.b->stop(w.now, w.now + 1s);
    EXPECT_TRUE(stopped.ended());
}

TEST(BrokerTls, AKeyThatDoesNotFitIsAnError) {
    openssl::provider provider;
    seeded_random random(1);
    broker_options o = with_tls(broker_tls::mode::required);
    o.tls->key = secret(authority().server("other").key);
    const auto made =
        broker::create(std::move(o), environment{&random, &provider, nullptr}, time_point{});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), errc::tls_configuration);
}

} // namespace
} // namespace nats::test
