// SPDX-License-Identifier: Apache-2.0
//
// Proves that a server which breaks the protocol, stalls or goes away gives a failed connection
// with the precise error, at once or at the handshake deadline, in bounded memory; and that an
// address which is wrong is named by the error.

#include "integration/process.hpp"
#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace nats::test {
namespace {

using namespace std::string_literals;

/// What connecting to a server fails with that sends this, and then waits.
error refused(const std::string& sent) {
    raw_server server([&](raw_peer& peer) {
        peer.send(sent);
        peer.wait_for_close();
    });
    const std::string url = server.url();
    const stopwatch watch;
    const result<client> nc = client::connect({.servers = url, .connect_timeout = long_enough});
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(server.outcome(), "");
    return nc ? error{} : nc.error();
}

/// A client that ends with its connection.
client connect_once(const std::string& url, options o = {}) {
    o.servers = url;
    o.reconnect = false;
    return client::connect(o).value();
}

/// What a running connection ends with when the server sends this. `$` stands for the sid.
error ended(std::string sent) {
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        for (std::size_t at = 0; (at = sent.find('$', at)) != std::string::npos;)
            sent.replace(at, 1, sub.substr(sub.rfind(' ') + 1));
        peer.send(sent);
        peer.wait_for_close();
    });
    client nc = connect_once(server.url());
    subscription sub = nc.subscribe("s").value();
    const stopwatch watch;
    result<message> m = sub.next(long_enough);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(nc.status(), session_status::closed);
    EXPECT_EQ(nc.fd(), -1);
    EXPECT_EQ(server.outcome(), "");
    return m ? error{} : m.error();
}

TEST(bad_server, garbage_in_place_of_info) {
    EXPECT_EQ(refused("HTTP/1.1 400 Bad Request\r\n\r\n"), errc::unknown_operation);
    EXPECT_EQ(refused("SSH-2.0-OpenSSH_9.2\r\n"), errc::unknown_operation);
    EXPECT_EQ(refused("\x16\x03\x01\x02\x00\x01"s), errc::unknown_operation);
    EXPECT_EQ(refused("\r\n"), errc::unknown_operation);
    EXPECT_EQ(refused("\0\0\0\0"s), errc::unknown_operation);
    EXPECT_EQ(refused("INFO\0{}\r\n"s), errc::unknown_operation);
    EXPECT_EQ(refused("INFORMATION\r\n"), errc::unknown_operation);
    const error shown = refused("evil \x1b[2J text\r\n");
    EXPECT_EQ(shown.message().find('\x1b'), std::string::npos); // safe to print
    EXPECT_NE(shown.message().find("evil"), std::string::npos);
}

TEST(bad_server, operations_out_of_turn) {
    EXPECT_EQ(refused("MSG s 1 0\r\n\r\n"), errc::unexpected_operation);
    EXPECT_EQ(refused("HMSG s 1 12 12\r\nNATS/1.0\r\n\r\n\r\n"), errc::unexpected_operation);
    EXPECT_EQ(refused("PING\r\n"), errc::unexpected_operation);
    EXPECT_EQ(refused("PONG\r\n"), errc::unexpected_operation);
    EXPECT_EQ(refused("+OK\r\n"), errc::unexpected_operation);
    EXPECT_EQ(refused(info_line() + "MSG s 1 0\r\n\r\n"), errc::unexpected_operation);
    // What only clients say is no operation of a server at all.
    EXPECT_EQ(refused(info_line() + "PUB a 0\r\n\r\n"), errc::unknown_operation);
}

TEST(bad_server, info_that_is_not_what_it_should_be) {
    EXPECT_EQ(refused("INFO {\r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO \r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO []\r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO null\r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO {\"max_payload\":\"1\"}\r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO {\"port\":70000}\r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO {\"server_id\":\"\xFF\"}\r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO {} {}\r\n"), errc::bad_info);
    EXPECT_EQ(refused("INFO " + std::string(500'000, '[') + "\r\n"), errc::bad_info);
    std::string deep;
    for (int i = 0; i < 50'000; ++i) deep += "{\"a\":";
    EXPECT_EQ(refused("INFO " + deep + "\r\n"), errc::bad_info);
}

TEST(bad_server, json_is_accepted_up_to_its_depth_and_no_further) {
    const auto nested = [](std::size_t arrays) {
        return info_line(",\"x\":" + std::string(arrays, '[') + std::string(arrays, ']'));
    };
    const std::size_t depth = limits().max_json_depth;
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands(nested(depth - 1)); // the object itself is one
        peer.wait_for_close();
    });
    EXPECT_TRUE(client::connect(server.url()));
    EXPECT_EQ(refused(nested(depth)), errc::bad_info);
}

TEST(bad_server, info_is_accepted_up_to_a_mebibyte_and_no_further) {
    const std::size_t most = limits().max_info;
    const auto info_of = [](std::size_t size) {
        const std::string start = R"({"server_id":"R","x":")";
        return "INFO " + start + std::string(size - start.size() - 2, 'x') + "\"}\r\n";
    };
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands(info_of(most));
        peer.wait_for_close();
    });
    EXPECT_EQ(connect_once(server.url()).info().server_id, "R");
    EXPECT_EQ(server.outcome(), "");
    EXPECT_EQ(refused(info_of(most + 1)), errc::info_too_large);
}

TEST(bad_server, endless_lines_are_cut_at_the_limit) {
    struct {
        std::string_view start;
        std::string_view on_and_on;
        errc code;
        std::size_t limit;
    } const cases[] = {
        {"INFO {\"x\":\"", "xxxxxxxxxxxxxxxx", errc::info_too_large, limits().max_info},
        {"INFO", "                ", errc::info_too_large, limits().max_info},
        {"-ERR '", "xxxxxxxxxxxxxxxx", errc::line_too_long, limits().max_line},
    };
    for (const auto& c : cases) {
        std::size_t sent = 0;
        raw_server server([&](raw_peer& peer) {
            peer.send(c.start);
            sent = peer.send_until_closed(c.on_and_on);
        });
        const std::string url = server.url();
        const std::size_t before = virtual_bytes();
        const result<client> nc = client::connect({.servers = url, .connect_timeout = long_enough});
        EXPECT_EQ(code_of(nc), c.code);
        EXPECT_EQ(server.outcome(), "");
        EXPECT_GE(sent, c.limit);
        // The peer's thread may take its address space, 64 MiB and a stack, only now.
        EXPECT_LT(virtual_bytes() - std::min(before, virtual_bytes()), 128U << 20U);
    }
}

TEST(bad_server, endless_lines_of_a_running_connection_are_cut_at_the_limit) {
    for (const std::string_view start : {"MSG ", "HMSG s ", "-ERR ", "PING ", "+OK "}) {
        raw_server server([&](raw_peer& peer) {
            peer.shake_hands();
            peer.send(start);
            (void)peer.send_until_closed("xxxxxxxxxxxxxxxx");
        });
        client nc = connect_once(server.url());
        const stopwatch watch;
        EXPECT_EQ(code_of(nc.flush(long_enough)), errc::line_too_long) << start;
        EXPECT_LT(watch.elapsed(), at_once);
        EXPECT_EQ(server.outcome(), "");
    }
}

TEST(bad_server, sizes_and_sids_that_are_no_numbers) {
    for (const std::string_view line :
         {"MSG s $ -1", "MSG s $ +1", "MSG s $ 1x", "MSG s $ 0x10", "MSG s $ 1.0",
          "MSG s $ 18446744073709551616", "MSG s $ 99999999999999999999999", "MSG s x 1",
          "MSG s -1 1", "MSG s 18446744073709551617 1", "HMSG s $ 13 12", "HMSG s $ -1 12",
          "HMSG s $ 12 99999999999999999999"}) {
        EXPECT_EQ(ended(std::string(line) + "\r\n"), errc::bad_number) << line;
    }
    for (const std::string_view line :
         {"MSG s", "MSG s $", "MSG s $ r 1 1", "HMSG s $ 12", "HMSG s $ r 12 12 12", "MSG s $\r1"})
        EXPECT_EQ(ended(std::string(line) + "\r\n"), errc::bad_arguments) << line;
}

TEST(bad_server, huge_sizes_are_refused_before_anything_is_kept_for_them) {
    // A first round, so that the address space of the peer's thread is not counted.
    EXPECT_EQ(ended("MSG s $ x\r\n"), errc::bad_number);
    const std::size_t before = virtual_bytes();
    EXPECT_EQ(ended("MSG s $ 67108865\r\n"), errc::message_too_large); // 64 MiB and one
    EXPECT_EQ(ended("MSG s $ 4294967301\r\n"), errc::message_too_large);
    EXPECT_EQ(ended("MSG s $ 9223372036854775807\r\n"), errc::message_too_large);
    EXPECT_EQ(ended("MSG s $ 18446744073709551615\r\n"), errc::message_too_large);
    EXPECT_EQ(ended("HMSG s $ 12 18446744073709551615\r\n"), errc::message_too_large);
    EXPECT_LT(virtual_bytes() - std::min(before, virtual_bytes()), 64U << 20U);
}

TEST(bad_server, an_announced_payload_takes_no_memory_before_it_comes) {
    flag looked;
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        (void)peer.read_line();
        peer.send("PONG\r\nMSG s " + sub.substr(sub.rfind(' ') + 1) + " 67108864\r\nx");
        (void)peer.wait_for(looked);
    });
    client nc = connect_once(server.url());
    subscription sub = nc.subscribe("s").value();
    ASSERT_TRUE(nc.flush());
    const std::size_t before = virtual_bytes();
    EXPECT_EQ(code_of(sub.next(100ms)), errc::timeout);
    EXPECT_LT(virtual_bytes() - std::min(before, virtual_bytes()), 32U << 20U);
    looked.raise();
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::eof); // in the middle of it
}

TEST(bad_server, limits_of_messages_are_exact) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        const std::string head = "MSG s " + sub.substr(sub.rfind(' ') + 1);
        peer.send(head + " 1000\r\n" + std::string(1000, 'x') + "\r\n" + head + " 1001\r\n");
        peer.wait_for_close();
    });
    const std::string url = server.url();
    options o;
    o.servers = url;
    o.bounds.max_message = 1000;
    client nc = connect_once(url, o);
    subscription sub = nc.subscribe("s").value();
    EXPECT_EQ(sub.next(long_enough).value().payload().size(), 1000U);
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::message_too_large);
}

TEST(bad_server, payloads_that_do_not_end_as_announced) {
    EXPECT_EQ(ended("MSG s $ 3\r\nabcd\r\n"), errc::missing_crlf);
    EXPECT_EQ(ended("MSG s $ 3\r\nabc\n\n"), errc::missing_crlf);
    EXPECT_EQ(ended("HMSG s $ 12 12\r\nNATS/1.0\r\n\r\nxx"), errc::missing_crlf);
}

TEST(bad_server, messages_for_unknown_subscriptions_are_dropped) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        const std::string sid = sub.substr(sub.rfind(' ') + 1);
        for (const std::string_view other : {"0", "999", "18446744073709551615", "1048577"})
            peer.send("MSG s " + std::string(other) + " 3\r\nbad\r\n");
        peer.send("MSG s " + sid + " 4\r\ngood\r\n");
        peer.wait_for_close();
    });
    client nc = connect_once(server.url());
    subscription sub = nc.subscribe("s").value();
    EXPECT_EQ(next_payload(sub), "good");
    EXPECT_EQ(code_of(sub.next(0s)), errc::timeout);
    EXPECT_EQ(nc.stats().in_messages, 5U);
}

TEST(bad_server, nul_bytes_survive_where_they_are_allowed) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        const std::string sid = sub.substr(sub.rfind(' ') + 1);
        peer.send("HMSG s\0x "s + sid + " r\0y 19 24\r\nNATS/1.0\r\nA: \0b\r\n\r\n"s + "\0a\0b\0"s +
                  "\r\n");
        peer.wait_for_close();
    });
    client nc = connect_once(server.url());
    subscription sub = nc.subscribe("s").value();
    const message m = sub.next(long_enough).value();
    EXPECT_EQ(m.subject(), "s\0x"s);
    EXPECT_EQ(m.reply(), "r\0y"s);
    EXPECT_EQ(m.headers().get("A"), "\0b"s);
    EXPECT_EQ(m.payload(), "\0a\0b\0"s);
    // A reply subject of a stranger is checked like any other before it is used.
    EXPECT_EQ(code_of(nc.respond(m, "x")), errc::invalid_subject);
}

TEST(bad_server, a_flood_of_pings_is_answered_in_bounded_memory) {
    flag tested;
    const auto flood = [&](raw_peer& peer) {
        peer.shake_hands();
        std::string pings;
        for (int i = 0; i < 10'000; ++i) pings += "PING\r\n";
        for (int i = 0; i < 70; ++i) peer.send(pings); // and reads nothing
        peer.wait_for(tested);
        int pongs = 0;
        for (std::string line; (line = peer.read_line()) != "PING";) pongs += line == "PONG";
        peer.send("PONG\r\n");
        if (pongs == 0) throw std::runtime_error("no PONG at all");
    };
    raw_server server(flood, 4096);
    client nc = connect_once(server.url());
    std::size_t most = 0;
    while (nc.stats().socket_in < 70 * 60'000 && nc.poll(5ms)) {
        most = std::max(most, nc.buffered());
        ASSERT_LE(most, 16'384U);
    }
    EXPECT_GT(most, 0U); // it could not write them all
    EXPECT_EQ(nc.status(), session_status::connected);
    tested.raise();
    EXPECT_TRUE(nc.flush(long_enough));
    nc.close();
    EXPECT_EQ(server.outcome(), "");
}

// --- silence, and ends in every state

TEST(bad_server, silence_ends_at_the_handshake_deadline) {
    const auto timed_out = [](const raw_server::script& script) {
        raw_server server(script);
        const std::string url = server.url();
        const stopwatch watch;
        const result<client> nc = client::connect({.servers = url, .connect_timeout = 150ms});
        EXPECT_EQ(code_of(nc), errc::timeout);
        EXPECT_NE(nc.error().detail().find(server.address()), std::string::npos);
        EXPECT_GE(watch.elapsed(), 150ms);
        EXPECT_LT(watch.elapsed(), 150ms + at_once);
        return nc.error().detail().substr(0, nc.error().detail().find(" from"));
    };
    EXPECT_EQ(timed_out([](raw_peer& peer) { peer.wait_for_close(); }), "no INFO");
    EXPECT_EQ(timed_out([](raw_peer& peer) {
                  peer.send("INFO {\"server_id\"");
                  peer.wait_for_close();
              }),
              "no INFO");
    EXPECT_EQ(timed_out([](raw_peer& peer) {
                  peer.send(info_line());
                  peer.wait_for_close();
              }),
              "no PONG");
    // One deadline for all of it: activity does not move it.
    EXPECT_EQ(timed_out([](raw_peer& peer) {
                  peer.send(info_line());
                  (void)peer.send_until_closed("PING\r\n+OK\r\n");
              }),
              "no PONG");
}

TEST(bad_server, an_end_at_each_step_of_the_handshake) {
    const auto end = [](std::string_view sent, bool read, bool by_reset) {
        raw_server server([&](raw_peer& peer) {
            peer.send(sent);
            if (read) (void)peer.read_line();
            if (by_reset) peer.reset();
        });
        const result<client> nc = client::connect(server.url());
        return code_of(nc);
    };
    EXPECT_EQ(end("", false, false), errc::eof);
    EXPECT_EQ(end("INFO {\"ser", false, false), errc::eof);
    EXPECT_EQ(end(info_line(), true, false), errc::eof);
    EXPECT_EQ(end(info_line() + "PO", true, false), errc::eof);
    // Who looks at the socket for how connecting has ended may meet the reset there.
    const errc reset_at_once = end("", false, true);
    EXPECT_EQ(reset_at_once == errc::connect_failed ? errc::io_error : reset_at_once,
              errc::io_error);
    EXPECT_EQ(end(info_line(), true, true), errc::io_error);
}

TEST(bad_server, an_end_at_each_place_of_a_message) {
    const std::string message = "HMSG s $ r 12 15\r\nNATS/1.0\r\n\r\nabc\r\n";
    for (std::size_t n = 0; n < message.size(); ++n) {
        raw_server server([&](raw_peer& peer) {
            peer.shake_hands();
            const std::string sub = peer.read_line();
            std::string part = message.substr(0, n);
            if (n > 7) part.replace(7, 1, sub.substr(sub.rfind(' ') + 1));
            peer.send(part);
        });
        client nc = connect_once(server.url());
        subscription sub = nc.subscribe("s").value();
        const result<nats::message> m = sub.next(long_enough);
        ASSERT_EQ(code_of(m), errc::eof) << n;
        EXPECT_EQ(m.error().detail(), n == 0 ? "" : "in the middle of an operation") << n;
    }
}

TEST(bad_server, a_reset_of_a_running_connection) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        (void)peer.read_line();
        peer.reset();
    });
    client nc = connect_once(server.url());
    const result<duration> flushed = nc.flush(long_enough);
    EXPECT_EQ(code_of(flushed), errc::io_error);
    EXPECT_NE(flushed.error().detail().find("reset"), std::string::npos);
    EXPECT_EQ(code_of(nc.publish("x")), errc::connection_closed);
}

TEST(bad_server, publishing_into_a_reset_connection_ends_in_an_error_and_no_signal) {
    flag gone;
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands();
        peer.reset();
        gone.raise();
    });
    client nc = connect_once(server.url());
    ASSERT_TRUE(gone.wait(long_enough));
    const auto fails = [&] {
        const result<void> published = nc.publish("x", "y");
        return !published &&
               published.error() == (through_asio ? errc::connection_closed : errc::io_error);
    };
    EXPECT_TRUE(wait_until(fails, long_enough));
    EXPECT_EQ(code_of(nc.flush(long_enough)), errc::io_error);
    EXPECT_EQ(nc.status(), session_status::closed);
}

// --- addresses

TEST(bad_address, is_named_by_the_error) {
    const std::string closed = "127.0.0.1:" + std::to_string(closed_port());
    const result<client> refused = client::connect(closed);
    EXPECT_EQ(code_of(refused), errc::connect_failed);
    EXPECT_NE(refused.error().message().find(closed), std::string::npos);

    const result<client> unknown = client::connect("nowhere.invalid:4222");
    EXPECT_EQ(code_of(unknown), errc::resolve_failed);
    EXPECT_NE(unknown.error().message().find("nowhere.invalid"), std::string::npos);

    for (const std::string_view url :
         {"", "nats://", "http://host", "nats://host:0", "nats://host:65536", "nats://host:x",
          "nats://host/path", "nats://ho st", "nats://[::1", ",", "ws://host"}) {
        const result<client> wrong = client::connect(url);
        EXPECT_EQ(code_of(wrong), errc::invalid_url) << url;
        EXPECT_NE(wrong.error().message().find('"'), std::string::npos) << url;
    }
    const result<client> secret = client::connect("nats://joe:hunter2@host:x");
    EXPECT_EQ(code_of(secret), errc::invalid_url);
    EXPECT_NE(secret.error().message().find("host:x"), std::string::npos);
    EXPECT_EQ(secret.error().message().find("hunter2"), std::string::npos);
}

TEST(bad_address, of_all_servers_of_a_list_are_told_as_no_servers) {
    const std::string list = "127.0.0.1:" + std::to_string(closed_port()) + ",nowhere.invalid";
    const result<client> nc = client::connect({.servers = list, .randomize = false});
    EXPECT_EQ(code_of(nc), errc::no_servers);
    EXPECT_NE(nc.error().message().find("nowhere.invalid"), std::string::npos);
}

TEST(bad_options, are_refused_before_anything_is_tried) {
    EXPECT_EQ(code_of(client::connect({.connect_timeout = 0s})), errc::invalid_argument);
    EXPECT_EQ(code_of(client::connect({.connect_timeout = -1s})), errc::invalid_argument);
    EXPECT_EQ(code_of(client::connect({.ping_interval = 0s})), errc::invalid_argument);
    EXPECT_EQ(code_of(client::connect({.max_pings_out = 0})), errc::invalid_argument);
    EXPECT_EQ(code_of(client::connect({.name = "\xff"})), errc::invalid_argument);
}

} // namespace
} // namespace nats::test
