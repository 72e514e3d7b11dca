// SPDX-License-Identifier: Apache-2.0
//
// What servers tell of: who comes in, who goes, and with which login and name they are met.

#include <natsproto/server_pool.hpp>

#include "support/pools.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

TEST(server_pool_discovery, discovers_and_forgets) {
    server_pool pool;
    assign(pool, "a,b");
    pool.first();
    EXPECT_EQ(discover(pool, {"a:4222", "d:1", "c:1"}), "d:1 c:1");
    EXPECT_EQ(order(pool), "a b d:1* c:1*") << "b is explicit, and a is not added again";
    EXPECT_EQ(discover(pool, {"c:1", "d:1"}), "");
    EXPECT_EQ(order(pool), "a b d:1* c:1*");
    EXPECT_EQ(discover(pool, {"c:1", "e:1"}), "e:1");
    EXPECT_EQ(order(pool), "a b c:1* e:1*");
    EXPECT_EQ(discover(pool, {"d:1"}), "d:1") << "it was not in the pool: it is new again";
    EXPECT_EQ(order(pool), "a b d:1*");
}

TEST(server_pool_discovery, a_discovered_one_keeps_its_record_while_it_is_told_of) {
    server_pool pool;
    assign(pool, "a");
    pool.first();
    discover(pool, {"x:1"});
    choose(pool, "x:1")->failures = 3;
    choose(pool, "a");
    discover(pool, {"y:1", "x:1"});
    EXPECT_EQ(server(pool, "x:1").failures, 3U);
    EXPECT_EQ(server(pool, "y:1").failures, 0U);
    discover(pool, {"y:1"});
    discover(pool, {"x:1"});
    EXPECT_EQ(server(pool, "x:1").failures, 0U) << "it had gone meanwhile";
}

TEST(server_pool_discovery, the_current_one_is_not_forgotten) {
    server_pool pool;
    assign(pool, "a");
    pool.first();
    discover(pool, {"x:1", "y:1"});
    pool_server* const x = choose(pool, "x:1");
    discover(pool, {"z:1"});
    EXPECT_EQ(order(pool), "a x:1* z:1*");
    EXPECT_EQ(pool.current(), x);
    choose(pool, "a");
    discover(pool, {"z:1"});
    EXPECT_EQ(order(pool), "a z:1*") << "it was kept as long as it was current";
}

TEST(server_pool_discovery, who_was_dropped_begins_anew_when_it_is_told_of) {
    server_pool pool;
    assign(pool, "a,b");
    pool.first()->failures = 3;
    pool.current()->refusal = errc::authorization_violation;
    ASSERT_EQ(name_of(pool.next(3)), "b");
    EXPECT_EQ(discover(pool, {"a:4222"}), "a");
    EXPECT_EQ(order(pool), "b a*");
    EXPECT_EQ(server(pool, "a").failures, 0U);
    EXPECT_EQ(server(pool, "a").refusal, std::nullopt);
}

TEST(server_pool_discovery, an_empty_list_changes_nothing) {
    server_pool pool;
    assign(pool, "a");
    pool.first();
    discover(pool, {"x:1"});
    EXPECT_EQ(discover(pool, {}), "");
    EXPECT_EQ(order(pool), "a x:1*");
    EXPECT_EQ(discover(pool, {"", ":", "x:y", "nats://z:1"}), "") << "nothing that can be read";
    EXPECT_EQ(order(pool), "a x:1*");
}

TEST(server_pool_discovery, what_cannot_be_read_is_left_out) {
    server_pool pool;
    assign(pool, "a");
    pool.first();
    EXPECT_EQ(
        discover(pool, {"b",          "",        " ",          "c:0",
                        "d:65536",    "e:x",     "::1",        "[::1]:5",
                        "u:p@f:1",    "@g:1",    "nats://h:1", "tls://i:1",
                        "j/k:1",      "l:1,m:1", "n\r\n:1",    std::string("o\0:1", 4),
                        "\xff\xfe:1", "[::1]:5", "b:4222",     std::string(100'000, 'q') + ":x"}),
        "b [::1]:5");
    EXPECT_EQ(order(pool), "a b* [::1]:5*");
    EXPECT_FALSE(pool.tls()) << "a server cannot ask for that";
}

TEST(server_pool_discovery, what_is_discovered_inherits_the_login) {
    server_pool pool;
    assign(pool, "u:p%40@a,t@b,c");
    pool.first();
    discover(pool, {"x:1"});
    choose(pool, "b");
    discover(pool, {"x:1", "y:1"});
    choose(pool, "c");
    discover(pool, {"x:1", "y:1", "z:1", "a:4222"});
    EXPECT_EQ(login_of(server(pool, "x:1")), "u/p@/") << "of who told of it first";
    EXPECT_EQ(login_of(server(pool, "y:1")), "//t");
    EXPECT_EQ(login_of(server(pool, "z:1")), "//");
    EXPECT_EQ(login_of(server(pool, "a")), "u/p@/");
    EXPECT_EQ(login_of(server(pool, "c")), "//") << "explicit ones have their own";
    choose(pool, "y:1");
    discover(pool, {"w:1"});
    EXPECT_EQ(login_of(server(pool, "w:1")), "//t") << "and it is handed on";
}

TEST(server_pool_discovery, a_removed_current_one_still_hands_on) {
    server_pool pool;
    assign(pool, "u:p@a.example");
    pool.first();
    assign(pool, "b");
    discover(pool, {"10.0.0.1:1"});
    EXPECT_EQ(login_of(server(pool, "10.0.0.1:1")), "u/p/");
    EXPECT_EQ(server(pool, "10.0.0.1:1").tls_name, "a.example");
}

TEST(server_pool_discovery, a_removed_current_one_that_is_told_of_comes_back) {
    server_pool pool;
    assign(pool, "u:p@a");
    pool_server* const a = pool.first();
    a->failures = 3;
    assign(pool, "b");
    EXPECT_EQ(discover(pool, {"b:4222", "a:4222", "c:4222"}), "a c");
    EXPECT_EQ(order(pool), "b a* c*");
    EXPECT_EQ(&pool[1], a);
    EXPECT_EQ(pool.current(), a);
    EXPECT_EQ(a->failures, 3U);
    EXPECT_EQ(login_of(*a), "u/p/");
    EXPECT_EQ(login_of(server(pool, "c")), "u/p/");
    EXPECT_EQ(name_of(pool.next(-1)), "b");
    EXPECT_EQ(order(pool), "b c* a*");
}

TEST(server_pool_discovery, addresses_inherit_the_name_of_the_certificate) {
    server_pool pool;
    assign(pool, "a.example");
    pool.first();
    discover(pool, {"10.0.0.1:1", "[2001:db8::1]:1", "b.example:1"});
    EXPECT_EQ(server(pool, "10.0.0.1:1").tls_name, "a.example");
    EXPECT_EQ(server(pool, "[2001:db8::1]:1").tls_name, "a.example");
    EXPECT_EQ(server(pool, "b.example:1").tls_name, "b.example");
    choose(pool, "10.0.0.1:1");
    discover(pool, {"10.0.0.2:1"});
    EXPECT_EQ(server(pool, "10.0.0.2:1").tls_name, "a.example") << "handed on by an address";
    choose(pool, "10.0.0.2:1");
    discover(pool, {"b.example:1"});
    choose(pool, "b.example:1");
    discover(pool, {"10.0.0.3:1"});
    EXPECT_EQ(server(pool, "10.0.0.3:1").tls_name, "b.example");
}

TEST(server_pool_discovery, the_name_of_an_address_is_not_inherited) {
    server_pool pool;
    assign(pool, "10.0.0.9");
    pool.first();
    discover(pool, {"10.0.0.1:1", "b.example:1"});
    EXPECT_EQ(server(pool, "10.0.0.1:1").tls_name, "10.0.0.1");
    EXPECT_EQ(server(pool, "b.example:1").tls_name, "b.example");
}

TEST(server_pool_discovery, nothing_is_inherited_when_nobody_is_current) {
    server_pool pool;
    assign(pool, "u:p@a.example");
    EXPECT_EQ(discover(pool, {"10.0.0.1:1", "b:1"}), "10.0.0.1:1 b:1");
    EXPECT_EQ(server(pool, "10.0.0.1:1").tls_name, "10.0.0.1");
    EXPECT_EQ(login_of(server(pool, "b:1")), "//");
}

TEST(server_pool_discovery, in_plain_text_only_those_that_inherit_a_name_are_taken) {
    const std::vector<std::string> told{"evil.example:1", "10.0.0.1:1", "[::1]:1", "known:1"};
    server_pool by_name;
    assign(by_name, "tls://a.example");
    by_name.first();
    discover(by_name, {"known:1", "gone:1"});
    EXPECT_EQ(joined(by_name.discover(told, nullptr, true)), "10.0.0.1:1 [::1]:1");
    EXPECT_EQ(order(by_name), "a.example known:1* 10.0.0.1:1* [::1]:1*")
        << "a name that is known already stays";
    EXPECT_EQ(server(by_name, "10.0.0.1:1").tls_name, "a.example");

    server_pool by_address;
    assign(by_address, "tls://10.0.0.9");
    by_address.first();
    EXPECT_EQ(joined(by_address.discover(told, nullptr, true)), "")
        << "10.0.0.1 would prove to be 10.0.0.1, and who says that this is of the cluster?";
    EXPECT_EQ(order(by_address), "10.0.0.9");
    EXPECT_EQ(joined(by_address.discover(told, nullptr, false)),
              "evil.example:1 10.0.0.1:1 [::1]:1 known:1");

    server_pool removed;
    assign(removed, "tls://a.example");
    removed.first();
    assign(removed, "b.example");
    EXPECT_EQ(joined(removed.discover(std::vector<std::string>{"a.example:4222"}, nullptr, true)),
              "");
    EXPECT_EQ(order(removed), "b.example");
}

TEST(server_pool_discovery, large_lists_do_not_take_long_or_stay) {
    server_pool pool;
    assign(pool, "a");
    pool.first();
    seeded_random random(3);
    for (int round = 0; round < 10; ++round) {
        std::vector<std::string> told;
        told.reserve(1000);
        for (int i = 0; i < 1000; ++i)
            told.push_back("h" + std::to_string(round) + "." + std::to_string(i) + ":1");
        EXPECT_EQ(pool.discover(told, &random, false).size(), 1000U);
        EXPECT_EQ(pool.size(), 1001U);
    }
}

} // namespace
} // namespace nats::test
