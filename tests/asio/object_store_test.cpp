// SPDX-License-Identifier: Apache-2.0
//
// Proves what the Asio client adds to the object store, against a real server: coroutines, and that
// a put that is cancelled, and a writer that goes, leave nothing behind. All else is proved by the
// tests of integration/ that run through this client.

#include <natsproto/asio/object_store.hpp>

#include <natsproto/openssl/provider.hpp> // for the digests

#include "asio/asio_world.hpp"
#include "integration/scratch.hpp"
#include "integration/server_test.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace nats::test {
namespace {

namespace asio = boost::asio;

class asio_object_store : public server_test {
protected:
    void SetUp() override {
        server_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        start("jetstream { store_dir: \"" + files.path("store") + "\" }");
        ASSERT_FALSE(w.outcome(nc.connect(server().url())));
        aio::object_store store{aio::jetstream(nc)};
        bucket = w.value<aio::object_bucket>(store.create(obj::bucket_config("b")));
    }
    [[nodiscard]] std::uint64_t messages() {
        return w.value<obj::bucket_status>(bucket.status()).stream.state.messages;
    }
    /// Whether it is empty soon.
    [[nodiscard]] bool becomes_empty() {
        const stopwatch watch;
        while (messages() != 0) {
            if (watch.elapsed() > long_enough) return false;
        }
        return true;
    }

    scratch files;
    asio_world w;
    aio::client nc{w.io};
    aio::object_bucket bucket;
};
NATSPROTO_ON_NATS_SERVERS(asio_object_store);

asio::awaitable<void> conversation(aio::object_bucket b, std::string& seen) {
    co_await b.put_bytes("one", "1");
    auto writer = b.open_writer("two", {.chunk_size = 4}).value();
    for (int i = 0; i < 10; ++i) co_await writer.write("abc");
    const obj::object_info two = co_await writer.finish();
    seen = std::to_string(two.chunks) + ' ';
    aio::object_reader reader = co_await b.open_reader("two");
    while (const std::optional<std::string_view> piece = co_await reader.next()) seen += *piece;
    seen += ' ';
    auto watch = b.watch().value();
    while (true) {
        const std::optional<obj::watch_update> u = co_await watch.next();
        if (!u || u->initial_end()) break;
        seen += u->object->name + ' ';
    }
    co_await b.remove("one");
    const std::vector<obj::object_info> all = co_await b.list();
    seen += std::to_string(all.size());
}

TEST_P(asio_object_store, in_coroutines) {
    std::string seen;
    w.run([&] { return conversation(bucket, seen); });
    EXPECT_EQ(seen, "8 abcabcabcabcabcabcabcabcabcabc one two 1");
}

/// A put that never ends by itself, cancelled at any moment.
TEST_P(asio_object_store, a_put_that_is_cancelled) {
    for (const int at : {1, 2, 3, 10, 50, 200}) {
        int calls = 0;
        asio::cancellation_signal cancel;
        bool ended = false;
        const auto endless = [&](std::span<char> into) {
            if (++calls == at)
                asio::post(w.io, [&] { cancel.emit(asio::cancellation_type::terminal); });
            return result<std::size_t>(into.size());
        };
        bucket.put("o", endless, {.chunk_size = 1000, .window = 20'000},
                   asio::bind_cancellation_slot(cancel.slot(),
                                                [&](error_code ec, const obj::object_info&) {
                                                    EXPECT_EQ(ec, asio::error::operation_aborted);
                                                    ended = true;
                                                }));
        ASSERT_TRUE(w.until([&] { return ended; }));
        EXPECT_TRUE(becomes_empty()) << "cancelled at call " << at;
    }
}

asio::awaitable<void> begin_to_write(aio::object_bucket b) {
    auto writer = b.open_writer("o", {.chunk_size = 1000, .window = 200'000}).value();
    const std::string data(100'500, 'x');
    co_await writer.write(data);
}

TEST_P(asio_object_store, a_writer_that_goes) {
    for (int i = 0; i < 5; ++i) {
        w.run([&] { return begin_to_write(bucket); });
        EXPECT_TRUE(becomes_empty());
    }
}

TEST_P(asio_object_store, a_function_that_throws) {
    int told = 0;
    const auto broken = [](std::span<char>) -> result<std::size_t> {
        throw std::runtime_error("no luck");
    };
    bucket.put("o", broken, {}, [&](error_code, const obj::object_info&) { ++told; });
    EXPECT_THROW((void)w.until([&] { return told != 0; }), std::runtime_error);
    EXPECT_TRUE(becomes_empty()) << "the client goes on";
    EXPECT_EQ(told, 0);
}

/// What is under way then is cut off with the client, and must not come back to it.
TEST_P(asio_object_store, a_client_that_goes_first) {
    auto writer = bucket.open_writer("o", {.chunk_size = 1000}).value();
    const std::string data(10'500, 'x');
    EXPECT_FALSE(w.outcome(writer.write(data)));
    bool ended = false;
    bucket.put(
        "q", [](std::span<char> into) { return result<std::size_t>(into.size()); }, {},
        [&](error_code ec, const obj::object_info&) {
            EXPECT_TRUE(ec);
            ended = true;
        });
    nc = aio::client(w.io);
    EXPECT_TRUE(w.until([&] { return ended; }));
    EXPECT_TRUE(w.outcome(writer.finish()));
}

} // namespace
} // namespace nats::test
