// SPDX-License-Identifier: Apache-2.0
//
// What the user names, and the walks: the first pass, reconnecting, choosing, rule by rule.

#include <natsproto/server_pool.hpp>

#include "support/pools.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

// --- what the user names

TEST(server_pool, is_empty_at_first) {
    server_pool pool;
    EXPECT_TRUE(pool.empty());
    EXPECT_EQ(pool.size(), 0U);
    EXPECT_FALSE(pool.tls());
    EXPECT_EQ(pool.current(), nullptr);
    EXPECT_EQ(pool.first(), nullptr);
    EXPECT_EQ(pool.next_of_pass(), nullptr);
    EXPECT_EQ(pool.next(-1), nullptr);
    EXPECT_EQ(pool.choose(0), nullptr);
}

TEST(server_pool, keeps_the_order_and_leaves_out_what_is_repeated) {
    server_pool pool;
    std::vector<server_url> list = urls("c,a:1,b");
    list.push_back(parse_server_url("u:p@a:1").value());
    list.push_back(parse_server_url("a:2").value());
    pool.assign(std::move(list), nullptr);
    EXPECT_EQ(order(pool), "c a:1 b a:2");
    EXPECT_FALSE(pool.empty());
    EXPECT_EQ(login_of(server(pool, "a:1")), "//") << "the first of two counts";
    EXPECT_EQ(pool.current(), nullptr);
}

TEST(server_pool, a_named_server_is_as_its_url_says) {
    server_pool pool;
    assign(pool, "u:p@a,t@[::1]:5");
    EXPECT_EQ(pool[0].url.where, (endpoint{"a", 4222}));
    EXPECT_EQ(pool[1].url.where, (endpoint{"::1", 5}));
    EXPECT_EQ(login_of(pool[0]), "u/p/");
    EXPECT_EQ(login_of(pool[1]), "//t");
    EXPECT_EQ(pool[0].tls_name, "a");
    EXPECT_EQ(pool[1].tls_name, "::1");
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_FALSE(pool[i].discovered || pool[i].was_connected || pool[i].tried);
        EXPECT_EQ(pool[i].failures, 0U);
        EXPECT_EQ(pool[i].refusal, std::nullopt);
    }
}

TEST(server_pool, a_new_list_replaces_all_and_keeps_records) {
    server_pool pool;
    assign(pool, "a,b,c");
    choose(pool, "b")->failures = 3;
    pool.current()->was_connected = true;
    discover(pool, {"d:4222", "e:4222"});
    choose(pool, "e")->failures = 5;
    choose(pool, "a");
    assign(pool, "e,f,b");
    EXPECT_EQ(order(pool), "e f b") << "and nobody is discovered any more";
    EXPECT_EQ(server(pool, "b").failures, 3U);
    EXPECT_TRUE(server(pool, "b").was_connected);
    EXPECT_EQ(server(pool, "e").failures, 5U);
    EXPECT_EQ(server(pool, "f").failures, 0U);
    assign(pool, "");
    EXPECT_TRUE(pool.empty());
}

TEST(server_pool, a_new_list_brings_the_logins_of_its_urls) {
    server_pool pool;
    assign(pool, "u:p@a,u:p@b,t@c,d");
    for (const char* name : {"a", "b", "c", "d"})
        choose(pool, name)->refusal = errc::authorization_violation;
    assign(pool, "u:p@a,u:q@b,s@c,v:@d");
    EXPECT_EQ(login_of(server(pool, "a")), "u/p/");
    EXPECT_EQ(login_of(server(pool, "b")), "u/q/");
    EXPECT_EQ(login_of(server(pool, "c")), "//s");
    EXPECT_EQ(login_of(server(pool, "d")), "v//");
    EXPECT_EQ(server(pool, "a").refusal, errc::authorization_violation) << "the same login";
    for (const char* name : {"b", "c", "d"})
        EXPECT_EQ(server(pool, name).refusal, std::nullopt) << name;
}

TEST(server_pool, the_current_one_stays_when_it_is_in_the_new_list) {
    server_pool pool;
    assign(pool, "a,b,c");
    pool_server* const current = choose(pool, "b");
    current->failures = 2;
    assign(pool, "x,u:p@b,y");
    EXPECT_EQ(pool.current(), current);
    EXPECT_EQ(&pool[1], current) << "the same record, and no copy";
    EXPECT_EQ(current->failures, 2U);
    EXPECT_EQ(name_of(pool.next(-1)), "x");
    EXPECT_EQ(order(pool), "x y b") << "the current one has gone to the end";
}

TEST(server_pool, the_current_one_lives_on_when_it_is_removed) {
    server_pool pool;
    assign(pool, "a,b");
    pool_server* const current = choose(pool, "b");
    assign(pool, "x,y");
    EXPECT_EQ(pool.current(), current);
    EXPECT_EQ(current->url.where, (endpoint{"b", 4222}));
    assign(pool, "y,z");
    assign(pool, "");
    EXPECT_EQ(pool.current(), current);
    EXPECT_EQ(current->url.where, (endpoint{"b", 4222}));
    EXPECT_EQ(pool.next(-1), nullptr);
    EXPECT_EQ(pool.current(), nullptr);
}

TEST(server_pool, a_removed_one_does_not_come_back_by_next) {
    server_pool pool;
    assign(pool, "a,b");
    choose(pool, "a");
    assign(pool, "x,y");
    EXPECT_EQ(name_of(pool.next(-1)), "x");
    EXPECT_EQ(order(pool), "x y") << "nobody was moved";
    EXPECT_EQ(name_of(pool.next(-1)), "y");
    EXPECT_EQ(order(pool), "y x");
}

TEST(server_pool, a_removed_one_that_is_named_again_has_its_record) {
    for (const bool by_list : {true, false}) {
        server_pool pool;
        assign(pool, "a,b");
        pool_server* const current = choose(pool, "a");
        current->failures = 4;
        assign(pool, "x,y");
        if (by_list)
            assign(pool, "x,a");
        else
            put_first(pool, "a");
        EXPECT_EQ(&server(pool, "a"), current);
        EXPECT_EQ(pool.current(), current);
        EXPECT_EQ(current->failures, 4U);
        choose(pool, "x");
        EXPECT_EQ(server(pool, "a").failures, 4U) << "it is nobody's leftover any more";
    }
}

TEST(server_pool, a_removed_one_that_is_named_with_another_login_forgets_its_refusal) {
    struct named {
        const char* again;
        const char* login;
        bool is_refused;
    };
    for (const named& n :
         {named{"u:p@a", "u/p/", true}, named{"u:q@a", "u/q/", false},
          named{"v:p@a", "v/p/", false}, named{"u@a", "//u", false}, named{"a", "//", false}}) {
        server_pool pool;
        assign(pool, "u:p@a");
        pool.first()->refusal = errc::authorization_violation;
        assign(pool, "x");
        assign(pool, "x," + std::string(n.again));
        EXPECT_EQ(server(pool, "a").refusal.has_value(), n.is_refused) << n.again;
        EXPECT_EQ(login_of(server(pool, "a")), n.login);
    }
}

TEST(server_pool, put_first_puts_first) {
    server_pool pool;
    put_first(pool, "z");
    EXPECT_EQ(order(pool), "z");
    assign(pool, "a,b,c");
    put_first(pool, "x");
    EXPECT_EQ(order(pool), "x a b c");
    pool_server* const b = choose(pool, "b");
    b->failures = 7;
    put_first(pool, "u:p@b");
    EXPECT_EQ(order(pool), "b x a c") << "moved, not added";
    EXPECT_EQ(&pool[0], b);
    EXPECT_EQ(pool.current(), b);
    EXPECT_EQ(b->failures, 7U);
    EXPECT_EQ(login_of(*b), "u/p/");
    put_first(pool, "b");
    EXPECT_EQ(order(pool), "b x a c");
}

TEST(server_pool, a_discovered_one_that_is_named_is_explicit_then) {
    server_pool pool;
    assign(pool, "name.example");
    pool.first();
    discover(pool, {"10.0.0.1:4222", "10.0.0.2:4222"});
    ASSERT_EQ(server(pool, "10.0.0.1").tls_name, "name.example");
    assign(pool, "name.example,10.0.0.1");
    EXPECT_EQ(order(pool), "name.example 10.0.0.1");
    EXPECT_EQ(server(pool, "10.0.0.1").tls_name, "10.0.0.1") << "the user has named it so";
    discover(pool, {"q:1"});
    EXPECT_EQ(order(pool), "name.example 10.0.0.1 q:1*");
    put_first(pool, "q:1");
    discover(pool, {"r:1"});
    EXPECT_EQ(order(pool), "q:1 name.example 10.0.0.1 r:1*");
}

TEST(server_pool, a_discovered_one_that_is_named_has_the_login_of_its_url) {
    server_pool pool;
    assign(pool, "u:p@a");
    pool.first();
    discover(pool, {"x:1", "y:1", "z:1"});
    for (const char* name : {"x:1", "y:1", "z:1"})
        choose(pool, name)->refusal = errc::authorization_violation;
    assign(pool, "u:p@a,x:1,u:p@y:1,z:1");
    put_first(pool, "t@z:1");
    EXPECT_EQ(login_of(server(pool, "x:1")), "//")
        << "the one that it had inherited is not its own";
    EXPECT_EQ(server(pool, "x:1").refusal, std::nullopt);
    EXPECT_EQ(login_of(server(pool, "y:1")), "u/p/");
    EXPECT_EQ(server(pool, "y:1").refusal, errc::authorization_violation) << "the same login";
    EXPECT_EQ(login_of(server(pool, "z:1")), "//t");
}

TEST(server_pool, one_tls_url_is_for_all_and_for_good) {
    const auto all_tls = [](const server_pool& pool, bool wanted) {
        if (pool.tls() != wanted) return false;
        for (std::size_t i = 0; i < pool.size(); ++i) {
            if (pool[i].url.tls != wanted) return false;
        }
        return true;
    };
    server_pool by_list;
    assign(by_list, "a,b");
    by_list.first();
    discover(by_list, {"x:1"});
    EXPECT_TRUE(all_tls(by_list, false));
    assign(by_list, "a,tls://b,x:1,c");
    EXPECT_TRUE(all_tls(by_list, true));
    discover(by_list, {"y:1"});
    EXPECT_TRUE(all_tls(by_list, true)) << order(by_list);
    assign(by_list, "a,q");
    EXPECT_TRUE(all_tls(by_list, true)) << "no list takes it back";

    server_pool by_first;
    assign(by_first, "a,b");
    by_first.first();
    discover(by_first, {"x:1"});
    put_first(by_first, "tls://z");
    EXPECT_TRUE(all_tls(by_first, true));

    server_pool by_repeated;
    std::vector<server_url> list = urls("a,b");
    list.push_back(parse_server_url("tls://a").value());
    by_repeated.assign(std::move(list), nullptr);
    EXPECT_TRUE(all_tls(by_repeated, true));
}

// --- walks

TEST(server_pool, a_pass_tries_each_once_in_order) {
    server_pool pool;
    assign(pool, "a,b,c");
    for (int pass = 0; pass < 2; ++pass) {
        EXPECT_EQ(name_of(pool.first()), "a");
        EXPECT_EQ(name_of(pool.current()), "a");
        EXPECT_EQ(name_of(pool.next_of_pass()), "b");
        EXPECT_EQ(name_of(pool.next_of_pass()), "c");
        EXPECT_EQ(pool.next_of_pass(), nullptr);
        EXPECT_EQ(pool.next_of_pass(), nullptr);
        EXPECT_EQ(name_of(pool.current()), "c") << "the last one stays";
        EXPECT_EQ(order(pool), "a b c");
    }
    EXPECT_EQ(name_of(pool.next(-1)), "a") << "reconnecting goes on behind the last one";
    EXPECT_EQ(order(pool), "a b c");
}

TEST(server_pool, a_pass_goes_on_over_a_new_list) {
    server_pool pool;
    assign(pool, "a,b,c");
    pool.first();
    pool.next_of_pass();
    assign(pool, "x,b,a,c"); // b is current, and a was tried
    EXPECT_EQ(name_of(pool.next_of_pass()), "x");
    put_first(pool, "y");
    EXPECT_EQ(name_of(pool.next_of_pass()), "y");
    EXPECT_EQ(name_of(pool.next_of_pass()), "c");
    EXPECT_EQ(pool.next_of_pass(), nullptr);
    assign(pool, "z"); // without the current one
    EXPECT_EQ(name_of(pool.next_of_pass()), "z");
    EXPECT_EQ(pool.next_of_pass(), nullptr);
}

TEST(server_pool, a_pass_ends_with_the_current_one_also_when_that_is_removed) {
    server_pool pool;
    assign(pool, "a,b,c");
    pool.first();
    pool_server* const b = pool.next_of_pass();
    b->failures = 9;
    choose(pool, "c")->failures = 9; // by a user, out of turn, who has not tried it in this pass
    choose(pool, "b");
    pool.drop_failed(9);
    EXPECT_EQ(order(pool), "a");
    EXPECT_EQ(pool.next_of_pass(), nullptr) << "a was tried";
    EXPECT_EQ(pool.current(), b);
    EXPECT_EQ(name_of(b), "b");
    EXPECT_EQ(pool.choose(1), nullptr);
    EXPECT_EQ(pool.current(), b) << "nothing has changed";
    EXPECT_EQ(pool.first(), &pool[0]) << "a new pass begins with those that were tried";
}

TEST(server_pool, the_current_one_is_where_it_was_while_the_pool_grows) {
    server_pool pool;
    seeded_random random(7);
    assign(pool, "a,b");
    const pool_server* const b = choose(pool, "b");
    const endpoint* const where = &b->url.where;
    std::vector<std::string> told;
    for (int i = 1; i <= 300; ++i) {
        told.push_back("x:" + std::to_string(i));
        pool.discover(told, &random, false);
    }
    pool.assign(urls("c,b,d"), &random);
    EXPECT_EQ(pool.current(), b);
    EXPECT_EQ(&pool.current()->url.where, where);
    EXPECT_EQ(*where, (endpoint{"b", 4222}));
    EXPECT_EQ(&server(pool, "b"), b);
}

TEST(server_pool, next_is_a_queue) {
    server_pool pool;
    assign(pool, "a,b,c");
    EXPECT_EQ(name_of(pool.next(-1)), "a") << "nobody was current";
    EXPECT_EQ(order(pool), "a b c");
    EXPECT_EQ(name_of(pool.next(-1)), "b");
    EXPECT_EQ(order(pool), "b c a");
    choose(pool, "c"); // not the front: as after the first pass
    EXPECT_EQ(name_of(pool.next(-1)), "b");
    EXPECT_EQ(order(pool), "b a c");

    server_pool alone;
    assign(alone, "a");
    pool_server* const a = alone.first();
    EXPECT_EQ(alone.next(-1), a);
    EXPECT_EQ(alone.next(60), a);
}

TEST(server_pool, next_drops_who_has_failed_too_often) {
    server_pool pool;
    assign(pool, "a,b,c");
    pool.first()->failures = 2;
    EXPECT_EQ(name_of(pool.next(3)), "b");
    EXPECT_EQ(order(pool), "b c a") << "2 of 3";
    pool.current()->failures = 3;
    EXPECT_EQ(name_of(pool.next(3)), "c");
    EXPECT_EQ(order(pool), "c a") << "3 of 3";
    pool.current()->failures = 4;
    EXPECT_EQ(name_of(pool.next(3)), "a");
    EXPECT_EQ(order(pool), "a");
    pool.current()->failures = 4'294'967'295; // what -1 is without its sign
    EXPECT_EQ(name_of(pool.next(-1)), "a") << "no limit";
    EXPECT_EQ(pool.next(3), nullptr);
    EXPECT_EQ(pool.current(), nullptr);
    EXPECT_TRUE(pool.empty());
    EXPECT_EQ(pool.next(3), nullptr);
}

TEST(server_pool, next_looks_at_the_current_one_only) {
    server_pool pool;
    assign(pool, "a,b");
    choose(pool, "b")->failures = 9;
    choose(pool, "a");
    EXPECT_EQ(name_of(pool.next(3)), "b") << "its turn comes, and then it goes";
    EXPECT_EQ(order(pool), "b a");
    EXPECT_EQ(name_of(pool.next(3)), "a");
    EXPECT_EQ(order(pool), "a");
}

TEST(server_pool, no_failure_is_allowed_with_a_limit_of_0) {
    server_pool pool;
    assign(pool, "a,b");
    pool.first();
    EXPECT_EQ(name_of(pool.next(0)), "b");
    EXPECT_EQ(order(pool), "b");
    EXPECT_EQ(pool.next(0), nullptr);
}

TEST(server_pool, choosing_moves_nobody) {
    server_pool pool;
    assign(pool, "a,b,c");
    EXPECT_EQ(pool.choose(2), &pool[2]);
    EXPECT_EQ(name_of(pool.current()), "c");
    EXPECT_EQ(pool.choose(3), nullptr);
    EXPECT_EQ(name_of(pool.current()), "c") << "there is no fourth, so nothing changes";
    EXPECT_EQ(order(pool), "a b c");
}

TEST(server_pool, those_that_failed_too_often_can_be_dropped_at_once) {
    server_pool pool;
    assign(pool, "a,b,c,d");
    choose(pool, "a")->failures = 3;
    choose(pool, "d")->failures = 2;
    pool_server* const c = choose(pool, "c");
    c->failures = 5;
    pool.drop_failed(-1);
    EXPECT_EQ(order(pool), "a b c d");
    pool.drop_failed(3);
    EXPECT_EQ(order(pool), "b d");
    EXPECT_EQ(pool.current(), c);
    EXPECT_EQ(name_of(c), "c") << "the current one lives on";
    pool.drop_failed(0);
    EXPECT_TRUE(pool.empty());
    EXPECT_EQ(pool.current(), c);
    EXPECT_EQ(pool.next(3), nullptr);
}

// --- what is shown, and what an address is

TEST(server_pool, records_are_printed_without_their_login) {
    server_pool pool;
    assign(pool, "me:hunter2@h");
    EXPECT_EQ(testing::PrintToString(pool[0]), "h:4222");
}

TEST(server_pool, addresses_and_names) {
    for (const char* address : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
                                "2001:db8:0:1:2:3:4:5", "::ffff:10.0.0.1", "fe80::1%eth0"}) {
        EXPECT_TRUE(is_ip_address(address)) << address;
    }
    for (const char* name : {"", "localhost", "a.example", "256.0.0.1", "1.2.3", "1.2.3.4.5",
                             "1.2.3.4.", "10.0.0.1x", "[::1]", ":", ":::", "::g",
                             "12345::", "fe80::1%", "%eth0", "10.0.0.1%eth0", "cafe", "1234"}) {
        EXPECT_FALSE(is_ip_address(name)) << name;
    }
}

} // namespace
} // namespace nats::test
