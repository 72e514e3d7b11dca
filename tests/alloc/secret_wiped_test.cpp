// SPDX-License-Identifier: Apache-2.0
//
// Proves that a secret in the output queue, or in what a server received, is wiped before its
// memory is given back, in every way that it can end; and that nothing else had a copy of it. Every
// block that is freed is searched, which is the last moment at which looking into it is
// well-defined.

#include <natsproto/wire/encoder.hpp>
#include <natsproto/wire/kept_frames.hpp>
#include <natsproto/wire/server_connection.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include <malloc.h>

// --- the observer

namespace {
std::string_view searched; ///< nothing is searched while it is empty
const char* expected_inside = nullptr;
std::size_t blocks_with_it = 0;
bool block_freed = false;

void look_into(const void* block) noexcept {
    const std::size_t size = malloc_usable_size(const_cast<void*>(block)); // NOLINT: it only reads
    const char* const start = static_cast<const char*>(block);
    if (std::less_equal<>()(start, expected_inside) &&
        std::less<>()(expected_inside, start + size)) {
        block_freed = true;
    }
    if (memmem(block, size, searched.data(), searched.size()) != nullptr) ++blocks_with_it;
}
} // namespace

extern "C" {
void __libc_free(void* block); // NOLINT(bugprone-reserved-identifier)

void free(void* block) noexcept {
    if (block != nullptr && !searched.empty()) look_into(block);
    __libc_free(block);
}
}

namespace nats {
namespace {

using wire::output_queue;

constexpr std::string_view password = "correct-horse-battery-staple";
constexpr std::string_view json = R"({"user":"u","pass":"correct-horse-battery-staple"})";

/// What was found in the blocks that `end` freed, with a queue that holds the secret.
struct found {
    std::size_t with_the_secret;
    bool its_memory_was_freed;
};

template <class End>
found after(End end) {
    output_queue q;
    wire::encode_connect(q, json);
    wire::encode_ping(q);
    std::array<const_buffer, 2> pieces{};
    EXPECT_EQ(q.gather(pieces), 2U);
    EXPECT_EQ(std::string_view(pieces[0].data, 8), "CONNECT ");
    blocks_with_it = 0;
    block_freed = false;
    expected_inside = pieces[0].data + 8 + json.find(password);
    EXPECT_EQ(std::string_view(expected_inside, password.size()), password);
    searched = password;
    end(q, pieces[0].size);
    searched = {};
    return {blocks_with_it, block_freed};
}

void expect_wiped(found f) {
    EXPECT_EQ(f.with_the_secret, 0U);
    EXPECT_TRUE(f.its_memory_was_freed);
}

TEST(secret_wiped, the_observer_sees_what_is_not_wiped) {
    std::array<char*, 2> copies{};
    const found f = after([&](output_queue& q, std::size_t) {
        for (char*& copy : copies) {
            copy = static_cast<char*>(std::malloc(100));
            std::memcpy(copy + 3, password.data(), password.size());
            expected_inside = copy;
            std::free(copy);
        }
        (void)q;
    });
    EXPECT_EQ(f.with_the_secret, 2U);
    EXPECT_TRUE(f.its_memory_was_freed);
}

TEST(secret_wiped, it_stays_until_its_last_byte_is_transmitted) {
    const found f = after([](output_queue& q, std::size_t size) { q.transmitted(size - 1); });
    EXPECT_FALSE(f.its_memory_was_freed);
}

TEST(secret_wiped, when_it_is_transmitted) {
    expect_wiped(after([](output_queue& q, std::size_t size) { q.transmitted(size); }));
    expect_wiped(after([](output_queue& q, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) q.transmitted(1);
    }));
    expect_wiped(after([](output_queue& q, std::size_t) { q.transmitted(q.size()); }));
}

TEST(secret_wiped, when_it_is_dropped) {
    expect_wiped(after([](output_queue& q, std::size_t) { q.clear(); }));
    expect_wiped(after([](output_queue& q, std::size_t) { q.drop_oldest(); }));
    expect_wiped(after([](output_queue& q, std::size_t size) {
        q.transmitted(size / 2);
        q.clear();
    }));
}

TEST(secret_wiped, when_its_queue_ends) {
    expect_wiped(after([](output_queue& q, std::size_t) { q = output_queue(); }));
    expect_wiped(after([](output_queue& q, std::size_t) { output_queue ends(std::move(q)); }));
    expect_wiped(after([](output_queue& q, std::size_t) {
        output_queue other;
        other.append(std::move(q));
    }));
    expect_wiped(after([](output_queue& q, std::size_t) {
        output_queue kept;
        (void)wire::keep_unsent(q, kept);
    }));
}

TEST(secret_wiped, encoding_leaves_no_copy_behind) {
    blocks_with_it = 0;
    searched = password;
    {
        output_queue q;
        for (int i = 0; i < 100; ++i) wire::encode_connect(q, json);
        q.transmitted(q.size() / 2);
    }
    searched = {};
    EXPECT_EQ(blocks_with_it, 0U);
}

// --- what a server receives

/// A server's connection gets `bytes`, `step` at a time, behind some that make its buffer move.
/// `decide` is told of a CONNECT.
template <class Decide>
std::size_t blocks_after_receiving(std::string_view bytes, std::size_t step, Decide decide) {
    blocks_with_it = 0;
    searched = password;
    {
        wire::server_connection_options options;
        options.max_control_line = 10'000;
        wire::server_connection c(options);
        server_info info;
        EXPECT_TRUE(c.start(info, {}));
        const auto feed = [&](std::string_view part) {
            c.feed(part);
            wire::server_connection_event e;
            while (c.next(e)) {
                if (std::holds_alternative<wire::server_event::connect>(e)) decide(c);
            }
        };
        feed("+O");
        for (int i = 0; i < 300; ++i) feed("K\r\n+OK\r\n+O");
        for (; bytes.size() > step; bytes.remove_prefix(step)) feed(bytes.substr(0, step));
        feed(bytes);
    }
    searched = {};
    return blocks_with_it;
}

TEST(secret_wiped, in_what_a_server_received) {
    int accepted = 0;
    const auto accept = [&accepted](wire::server_connection& c) {
        if (c.accept()) ++accepted;
    };
    const auto refuse = [](wire::server_connection& c) { c.refuse("Authorization Violation"); };
    const auto shrink = [](wire::server_connection& c) {
        (void)c.accept();
        c.shrink();
    };
    static char line[9000]; // so large that the buffer has to grow
    constexpr std::string_view start =
        "K\r\nCONNECT {\"user\":\"u\",\"pass\":\""
        "correct-horse-battery-staple\",\"name\":\"";
    for (const std::string_view end : {"\"}\r\nPING\r\n", "\"}", "\":\r\n"}) {
        std::memset(line, 'n', sizeof line);
        std::memcpy(line, start.data(), start.size());
        std::memcpy(line + sizeof line - end.size(), end.data(), end.size());
        const std::string_view bytes(line, sizeof line);
        for (const std::size_t step : {1UL, 7UL, 100UL, 3000UL, 5000UL}) {
            EXPECT_EQ(blocks_after_receiving(bytes, step, accept), 0U) << end << step;
            EXPECT_EQ(blocks_after_receiving(bytes, step, refuse), 0U) << end << step;
            EXPECT_EQ(blocks_after_receiving(bytes, step, shrink), 0U) << end << step;
        }
    }
    EXPECT_EQ(accepted, 5);
    EXPECT_GT(blocks_after_receiving("K\r\nCONNECT {}\r\nPUB a 100\r\ncorrect-horse-battery-staple",
                                     100, accept),
              0U)
        << "what is no credential is seen";
}

} // namespace
} // namespace nats
