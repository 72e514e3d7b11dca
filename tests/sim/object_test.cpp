// SPDX-License-Identifier: Apache-2.0
//
// Objects over a network that breaks at any moment, in virtual time: an object is what one put has
// written, all of it, or what it was before; a get is all of it, however often its connection and
// its consumers are lost; and a watch comes to what is there. A failure names its seed.

#include <natsproto/client/ops.hpp>
#include <natsproto/jetstream/basic_jetstream.hpp>
#include <natsproto/object_store/basic_object_store.hpp>

#include "support/fake_crypto.hpp"
#include "support/sim_handle.hpp"
#include "support/troubled_network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using sim_bucket = basic_object_bucket<sim_handle>;

constexpr std::uint64_t cases = 8;
const fake_crypto crypto;

js::context short_context() {
    js::context_options o;
    o.timeout = 1s;
    return js::context::make(o).value();
}

std::string bytes_of(std::size_t n, std::uint64_t seed) {
    std::string s(n, '\0');
    for (char& c : s) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        c = static_cast<char>(seed >> 56U);
    }
    return s;
}

/// A cluster with a bucket, its client, and what goes wrong between them.
struct broken_store : troubled_stream {
    explicit broken_store(std::uint64_t seed)
        : troubled_stream(seed, "OBJ_b", "$O.b.C.>", &crypto),
          bucket(facade_client(client).handle(), obj::bucket(short_context(), "b", true)) {
        stream.listen("$O.b.M.>");
        lose_consumers();
        goes_down = false;
        EXPECT_TRUE(client.connect());
    }
    /// A share of the answers and of the messages is lost.
    void lose(std::uint64_t of_100) {
        stream.answers = [this, of_100] { return random.below(100) >= of_100; };
        lose_and_repeat(of_100, of_100);
    }
    /// Everything works from now on.
    void heal() {
        stream.answers = nullptr;
        stream.copies = nullptr;
        (void)client.run(ops::wait_connected(*facade_client(client).handle().rt()));
        (void)client.run(ops::flush(*facade_client(client).handle().rt(), no_deadline));
    }
    /// What the object is now; empty: it is not there.
    std::optional<std::string> read(const std::string& name) {
        for (int i = 0; i < 50; ++i) {
            result<std::string> got = bucket.get_bytes(name, {.timeout = 5s});
            if (got) return std::move(*got);
            if (got.error() == errc::object_not_found) return std::nullopt;
            EXPECT_TRUE(obj::leaves_open(got.error())) << name << ": " << got.error().message();
        }
        ADD_FAILURE() << name << " cannot be read";
        return std::nullopt;
    }
    std::vector<obj::object_info> all() {
        for (int i = 0; i < 50; ++i) {
            if (auto found = bucket.list({.show_deleted = true})) return std::move(*found);
        }
        ADD_FAILURE() << "there is no list";
        return {};
    }
    /// Chunks of no object.
    std::size_t orphans() {
        std::set<std::string> known;
        for (const obj::object_info& i : all()) known.insert("$O.b.C." + i.nuid);
        std::set<std::string> unknown;
        for (const model_jetstream::stored& m : stream.messages()) {
            const bool chunk = m.subject.starts_with("$O.b.C.") && !m.payload.empty();
            if (chunk && !m.removed && !known.contains(m.subject)) unknown.insert(m.subject);
        }
        return unknown.size();
    }

    sim_bucket bucket;
};

/// What an object may be: one of these.
using possible = std::map<std::string, std::vector<std::optional<std::string>>>;

void every_object_is_whole_or_what_it_was(std::uint64_t seed, std::size_t& trouble) {
    broken_store t(seed);
    possible may_be;
    t.begin_trouble(4s);
    t.lose(1);
    std::size_t failed = 0;
    for (std::uint64_t i = 0; i < 40; ++i) {
        const std::string name(1, static_cast<char>('x' + t.random.below(3)));
        auto& states = may_be.try_emplace(name, 1, std::nullopt).first->second;
        const bool removes = t.random.below(5) == 0;
        const std::string data = bytes_of(t.random.below(3000), seed * 100 + i);
        std::optional<error> why;
        if (removes) {
            const result<void> r = t.bucket.remove(name);
            if (!r && r.error() != errc::object_not_found) why = r.error();
        } else {
            const result<obj::object_info> r =
                t.bucket.put_bytes(name, data, {.chunk_size = 100, .window = 500, .timeout = 1s});
            if (!r) why = r.error();
        }
        if (!why) states.clear();
        failed += why ? 1U : 0U;
        states.push_back(removes ? std::nullopt : std::optional(data));
    }
    t.heal();
    for (const auto& [name, states] : may_be) {
        const std::optional<std::string> is = t.read(name);
        EXPECT_NE(std::ranges::find(states, is), states.end())
            << name << " is none of what it may be";
    }
    EXPECT_LE(t.orphans(), failed) << "chunks that nobody asked for";
    trouble += failed;
}

void a_get_is_all_of_it(std::uint64_t seed, std::size_t& trouble) {
    broken_store t(seed);
    const std::string data = bytes_of(20'000, seed);
    ASSERT_TRUE(t.bucket.put_bytes("o", data, {.chunk_size = 100}));
    auto r = t.bucket.open_reader("o", {.window = 1, .timeout = 500ms}).value();
    t.begin_trouble(3s);
    t.lose(2);
    std::string got;
    while (true) {
        const result<std::optional<std::string_view>> piece = r.next();
        if (!piece) {
            ASSERT_EQ(piece.error(), errc::timeout) << piece.error().message();
            ++trouble;
            t.stream.copies = nullptr; // that the last one is lost can be seen by nothing
            continue;
        }
        if (!*piece) break;
        got += **piece;
        t.client.advance(broken_store::milliseconds(t.random.below(30))); // while it is used
    }
    EXPECT_EQ(got, data);
    trouble += t.client.count("disconnected");
}

void a_watch_comes_to_what_is_there(std::uint64_t seed, std::size_t& trouble) {
    broken_store t(seed);
    for (const char* name : {"x", "y"}) ASSERT_TRUE(t.bucket.put_bytes(name, name));
    std::map<std::string, std::string> seen;
    std::size_t ends = 0;
    const auto note = [&](const obj::watch_update& u) {
        if (u.initial_end())
            ++ends;
        else
            seen[u.object->name] = u.object->deleted ? "" : u.object->nuid;
    };
    auto w = t.bucket.watch(note).value();
    t.begin_trouble(2s);
    for (std::uint64_t i = 0; i < 20; ++i) {
        const std::string name(1, static_cast<char>('x' + t.random.below(4)));
        if (t.random.below(4) == 0)
            (void)t.bucket.remove(name);
        else
            (void)t.bucket.put_bytes(name, bytes_of(300, i), {.chunk_size = 100, .timeout = 1s});
    }
    t.heal();
    std::map<std::string, std::string> there;
    for (const obj::object_info& i : t.all()) there[i.name] = i.deleted ? "" : i.nuid;
    for (int rounds = 0; rounds < 100 && seen != there; ++rounds) t.client.advance(500ms);
    EXPECT_EQ(seen, there);
    EXPECT_EQ(ends, 1U);
    trouble += static_cast<std::size_t>(t.stream.made());
}

class object_sweep : public seed_sweep<5> {};

TEST_P(object_sweep, every_object_is_whole_or_what_it_was) {
    each_seed(every_object_is_whole_or_what_it_was);
}

TEST_P(object_sweep, a_get_is_all_of_it) {
    each_seed(a_get_is_all_of_it);
}

TEST_P(object_sweep, a_watch_comes_to_what_is_there) {
    each_seed(a_watch_comes_to_what_is_there);
}

INSTANTIATE_TEST_SUITE_P(ranges, object_sweep, testing::Range(std::uint64_t{0}, cases));

/// One break at every moment that a put takes.
TEST(object_sim, a_put_that_is_cut_at_any_point) {
    std::size_t whole = 0;
    std::size_t not_there = 0;
    for (int at = 0; at < 160; ++at) {
        const testing::ScopedTrace trace(__FILE__, __LINE__, "cut at " + std::to_string(at));
        broken_store t(7);
        const std::string data = bytes_of(2050, 1);
        t.net.call_at(t.net.now() + at * 250us, [&t, at] {
            for (const char* where : {"a:1", "b:1"})
                t.net.break_all(where, at % 2 == 0 ? fault::eof : fault::io_error);
        });
        const result<obj::object_info> put =
            t.bucket.put_bytes("o", data, {.chunk_size = 100, .window = 300, .timeout = 1s});
        t.heal();
        const std::optional<std::string> is = t.read("o");
        if (put)
            EXPECT_EQ(is, data);
        else
            EXPECT_TRUE(!is || *is == data);
        whole += is ? 1U : 0U;
        not_there += is ? 0U : 1U;
        EXPECT_EQ(t.orphans(), 0U) << "nothing is left behind";
        EXPECT_TRUE(t.bucket.put_bytes("o", data, {.chunk_size = 100}));
        EXPECT_EQ(t.read("o"), data);
    }
    EXPECT_GT(whole, 10U);
    EXPECT_GT(not_there, 10U);
}

TEST(object_sim, a_list_that_is_too_long) {
    broken_store t(1);
    for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(t.bucket.put_bytes(name, "x"));
    runtime& rt = *facade_client(t.client).handle().rt();
    const obj::bucket b(short_context(), "b", true);
    EXPECT_EQ(t.client.run(obj::list_objects(rt, b, false, 2)).error(), errc::invalid_response);
    EXPECT_EQ(t.client.run(obj::list_objects(rt, b, false, 3)).value().size(), 3U);
}

TEST(object_sim, a_provider_without_hashes) {
    network net(1);
    model_jetstream stream(net, "OBJ_b", "$O.b.C.>");
    net_client client(net, broken_store::patient(), {.seed = 1});
    ASSERT_TRUE(client.connect());
    sim_bucket bucket(facade_client(client).handle(), obj::bucket(short_context(), "b", true));
    EXPECT_EQ(bucket.put_bytes("o", "x").error(), errc::crypto_unavailable);
    EXPECT_EQ(bucket.open_writer("o").error(), errc::crypto_unavailable);
    EXPECT_EQ(bucket.get_bytes("o").error(), errc::crypto_unavailable);
}

} // namespace
} // namespace nats::test
