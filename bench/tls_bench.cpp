// SPDX-License-Identifier: Apache-2.0
//
// The cost of TLS: what loopback_bench and request_bench measure, inside of it. The server is a
// child process that uses OpenSSL on a blocking socket, and so is "raw", which moves the same bytes
// by SSL_write and SSL_read; "raw, protocol" also formats and parses. All have the same version and
// cipher, the server's first choice, and verify its certificate.

#include "asio_contender.hpp"
#include "blocking_contender.hpp"
#include "harness.hpp"
#include "libnats_contender.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"
#include "read_frames.hpp"
#include "tls_stream.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using role = tls_server::role;

// --- OpenSSL's own calls

figures raw_publish_tls(const tls_server& to, const tls_identity& i, const shape& s) {
    std::size_t count = 0;
    const std::string bytes = frames(true, s.header(), s.payload, count);
    tls_client_stream c(to.port(), i);
    const meter m;
    std::size_t sent = 0;
    for (; sent < s.messages; sent += count) {
        if (!c.write(bytes)) tls_die("SSL_write");
    }
    if (!c.write("PING\r\n")) tls_die("SSL_write");
    std::string in;
    c.read_until(in, "PONG\r\n");
    return m.cpu_and_rate(sent);
}

figures raw_receive_tls(const tls_server& from, const tls_identity& i, const shape& s) {
    std::size_t count = 0;
    const std::size_t one = frames(false, s.header(), s.payload, count).size() / count;
    tls_client_stream c(from.port(), i);
    std::vector<char> buffer(block);
    const meter m;
    if (!c.write("SUB bench.subject 1\r\n")) tls_die("SSL_write");
    for (std::size_t got = 0; got < s.messages * one;) {
        const std::size_t n = c.read(buffer.data(), buffer.size());
        if (n == 0) tls_die("SSL_read");
        got += n;
    }
    return m.cpu_and_rate(s.messages);
}

figures protocol_publish_tls(const tls_server& to, const tls_identity& i, const shape& s) {
    const std::string body(s.payload, 'x');
    std::vector<char> buffer(block + s.payload + 256);
    tls_client_stream c(to.port(), i);
    const meter m;
    char* p = buffer.data();
    for (std::size_t k = 0; k < s.messages; ++k) {
        p = format_publish(p, s, body);
        if (static_cast<std::size_t>(p - buffer.data()) < block && k + 1 < s.messages) continue;
        if (!c.write({buffer.data(), p})) tls_die("SSL_write");
        p = buffer.data();
    }
    if (!c.write("PING\r\n")) tls_die("SSL_write");
    std::string in;
    c.read_until(in, "PONG\r\n");
    return m.cpu_and_rate(s.messages);
}

figures protocol_receive_tls(const tls_server& from, const tls_identity& i, const shape& s) {
    tls_client_stream c(from.port(), i);
    const meter m;
    if (!c.write("SUB bench.subject 1\r\n")) tls_die("SSL_write");
    std::size_t seen = 0;
    read_frames_by([&](char* into, std::size_t size) { return c.read(into, size); },
                   [&](std::string_view) { return ++seen < s.messages; });
    return m.cpu_and_rate(s.messages);
}

figures raw_requests_tls(const tls_server& to, const tls_identity& i, std::size_t n) {
    tls_client_stream c(to.port(), i);
    std::string in;
    if (!c.write("SUB _INBOX.raw 1\r\nPING\r\n")) tls_die("SSL_write");
    c.read_until(in, "PONG\r\n");
    lap_times times(n);
    const meter m;
    times.begin();
    for (std::size_t k = 0; k < n; ++k) {
        if (!c.write(raw_ask)) tls_die("SSL_write");
        in.clear();
        c.read_until(in, raw_answer_end);
        if (!in.ends_with(raw_answer_end)) tls_die("SSL_read");
        times.lap();
    }
    return joined(times.quantiles(), m.cpu(n));
}

// --- the libraries

nats::client connect_inside_tls(const tls_server& to) {
    nats::client nc = nats::client::connect(to.url(), {.write_timeout = at_once}).value();
    if (!nc.secure()) die("a connection without TLS");
    return nc;
}

/// A connection of nats.c inside of TLS.
class libnats_inside_tls {
public:
    libnats_inside_tls(const tls_server& to, const tls_identity& i, bool asap)
        : connection_(to.url(), made(i, asap)) {
        natsOptions_Destroy(options_);
    }
    [[nodiscard]] const libnats_connection& get() const noexcept { return connection_; }

private:
    natsOptions* made(const tls_identity& i, bool asap) {
        check(natsOptions_Create(&options_), "options");
        check(natsOptions_SetSecure(options_, true), "secure");
        check(natsOptions_LoadCATrustedCertificates(options_, i.authority_file().c_str()), "CA");
        check(natsOptions_SetSendAsap(options_, asap), "send as soon as possible");
        return options_;
    }

    natsOptions* options_ = nullptr;
    libnats_connection connection_;
};

// --- all of it

/// Adds contenders of one measure; each has a server of its own.
template <class MakeBlock>
class measure_inside_tls {
public:
    measure_inside_tls(suite& all, std::string name, const tls_identity& i, role r, MakeBlock block)
        : all_(&all), name_(std::move(name)), identity_(&i), role_(r), block_(std::move(block)) {}

    void add(const char* who, const std::function<figures(const tls_server&)>& run) {
        all_->add(
            name_, who,
            [=, r = role_, i = identity_, make = block_] { return run(tls_server(r, *i, make())); },
            suite::counted_too());
    }

private:
    suite* all_;
    std::string name_;
    const tls_identity* identity_;
    role role_;
    MakeBlock block_;
};

void add_publish(suite& all, const std::string& name, const shape& s, const tls_identity& i) {
    measure_inside_tls to(all, name, i, role::discard, [] { return std::string(); });
    to.add("raw", [=, &i](const tls_server& t) { return raw_publish_tls(t, i, s); });
    to.add("raw, protocol", [=, &i](const tls_server& t) { return protocol_publish_tls(t, i, s); });
    to.add("blocking", [=](const tls_server& t) {
        nats::client nc = connect_inside_tls(t);
        return blocking_publish(nc, s);
    });
    to.add("Asio", [=](const tls_server& t) {
        return on_asio({},
                       [&](auto& nc, figures& out) { return publish_all(nc, t.url(), s, out); });
    });
    to.add("nats.c", [=, &i](const tls_server& t) {
        return libnats_publish(libnats_inside_tls(t, i, false).get().get(), s);
    });
}

void add_receive(suite& all, const std::string& name, const shape& s, const tls_identity& i) {
    measure_inside_tls from(all, name, i, role::flood, [=] { return flood_of(s); });
    from.add("raw", [=, &i](const tls_server& t) { return raw_receive_tls(t, i, s); });
    from.add("raw, protocol",
             [=, &i](const tls_server& t) { return protocol_receive_tls(t, i, s); });
    from.add("blocking, views", [=](const tls_server& t) {
        nats::client nc = connect_inside_tls(t);
        return blocking_receive(nc, s, kept::as_view);
    });
    from.add("blocking, handler", [=](const tls_server& t) {
        nats::client nc = connect_inside_tls(t);
        return blocking_handler(nc, s);
    });
    from.add("Asio, coroutine", [=](const tls_server& t) {
        return on_asio({}, [&](auto& nc, figures& out) { return read_all(nc, t.url(), s, out); });
    });
    from.add("Asio, handler", [=](const tls_server& t) {
        return on_asio({}, [&](auto& nc, figures& out) { return handle_all(nc, t.url(), s, out); });
    });
    from.add("nats.c", [=, &i](const tls_server& t) {
        return libnats_receive(libnats_inside_tls(t, i, false).get(), s);
    });
}

void add_requests(suite& all, const std::string& name, std::size_t n, const tls_identity& i) {
    measure_inside_tls to(all, name, i, role::echo, [] { return std::string(); });
    to.add("raw", [=, &i](const tls_server& t) { return raw_requests_tls(t, i, n); });
    to.add("blocking", [=](const tls_server& t) {
        nats::client nc = connect_inside_tls(t);
        return blocking_requests(nc, n);
    });
    to.add("Asio", [=](const tls_server& t) {
        return on_asio(
            {}, [&](auto& nc, figures& out) { return request_all(nc, t.url(), n, out, true); });
    });
    for (const bool asap : {false, true}) {
        to.add(asap ? "nats.c, SendAsap" : "nats.c", [=, &i](const tls_server& t) {
            return libnats_requests(libnats_inside_tls(t, i, asap).get().get(), n);
        });
    }
}

} // namespace

int main(int argc, char** argv) {
    const tls_identity identity;
    ::setenv("SSL_CERT_FILE", identity.authority_file().c_str(), 1); // instead of the system's
    return run_suite(argc, argv, [&](suite& all) {
        const struct {
            const char* name;
            shape s;
        } shapes[] = {{"TLS, 128 B", {128, false, 600'000}},
                      {"TLS, 16 KiB", {16 * 1024, false, 20'000}}};
        for (auto [name, s] : shapes) {
            s.messages = all.scaled(s.messages);
            if (all.counted()) s.messages /= 10; // encrypting under callgrind takes minutes
            add_publish(all, std::string("publish ") + name, s, identity);
            add_receive(all, std::string("subscribe ") + name, s, identity);
        }
        add_requests(all, "request to an echo, TLS", all.scaled(10'000), identity);
    });
}
