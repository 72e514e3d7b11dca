// SPDX-License-Identifier: Apache-2.0
//
// Proves buckets that are somewhere else: mirrors, which are read here and written there; sources,
// whose keys become a bucket's own; another domain, and another account.

#include "integration/kv_test.hpp"

#include <string>
#include <vector>

namespace nats::test {
namespace {

class kv_origins : public kv_test {
protected:
    [[nodiscard]] bool comes(kv_reader b, const std::string& key, const std::string& value) {
        return wait_until(
            [&] {
                const result<kv::entry> e = b.get(key);
                return e && e->value == value;
            },
            long_enough);
    }
};
NATSPROTO_ON_NATS_SERVERS(kv_origins);

TEST_P(kv_origins, a_mirror) {
    kv_bucket origin = make_bucket(with_history(5, "o"));
    ASSERT_TRUE(origin.put("k", "1"));
    kv::bucket_config c("m");
    c.history = 5;
    c.mirror.emplace("o");
    kv_bucket m = make_bucket(c);
    EXPECT_TRUE(comes(m, "k", "1"));
    EXPECT_TRUE(m.put("k", "2")) << "written to the origin";
    // A direct get of the origin may be answered by the mirror, which follows.
    EXPECT_TRUE(comes(origin, "k", "2"));
    EXPECT_TRUE(comes(m, "k", "2"));
    EXPECT_EQ(m.get("k", {.revision = 1}).value().value, "1");
    EXPECT_EQ(m.get("k").value().bucket, "m");
    EXPECT_EQ(m.keys().value(), std::vector<std::string>{"k"});
    EXPECT_EQ(text_of(m.history("k").value()), "k=1 k=2 ");
    kv_watch w = m.watch().value();
    EXPECT_EQ(initial(w), "k=2 | ");
    EXPECT_EQ(code_of(m.create("k", "3")), errc::key_exists);
    EXPECT_EQ(code_of(m.update("k", "3", 1)), errc::wrong_revision);
    ASSERT_TRUE(m.remove("k"));
    EXPECT_TRUE(m.create("k", "4")) << "whether the mirror knows of the deletion or not";
    EXPECT_EQ(take(w, 2), "k- k=4 ");
    EXPECT_EQ(m.get_many({"k"}).value().size(), 1U);
    EXPECT_EQ(kv().bind("m").value().status().value().config().mirror->name, "KV_o");
    EXPECT_EQ(code_of(m.purge_deletes()), errc::invalid_argument) << "it cannot remove there";
}

TEST_P(kv_origins, sources) {
    ASSERT_TRUE(make_bucket(kv::bucket_config("x")).put("one", "1"));
    kv_bucket y = make_bucket(kv::bucket_config("y"));
    ASSERT_TRUE(y.put("two", "2"));
    kv::bucket_config c("all");
    c.sources.emplace_back("x");
    c.sources.emplace_back("KV_y");
    const result<kv_bucket> made = kv().create(c);
    if (!at_least(2, 10)) {
        EXPECT_EQ(code_of(made), errc::filters_not_taken);
        return;
    }
    kv_bucket all = made.value();
    EXPECT_TRUE(comes(all, "one", "1"));
    EXPECT_TRUE(comes(all, "two", "2"));
    ASSERT_TRUE(all.put("three", "3"));
    EXPECT_EQ(all.keys().value(), (std::vector<std::string>{"one", "three", "two"}));
    ASSERT_TRUE(y.put("two", "22"));
    EXPECT_TRUE(comes(all, "two", "22"));
}

TEST_P(kv_origins, a_domain) {
    (void)start_jetstream("domain: hub");
    jetstream far = jetstream::make(nc(), {.domain = "hub"}).value();
    kv_bucket b = key_value(far).create(with_history(3)).value();
    EXPECT_EQ(b.location().write_prefix, "$JS.hub.API.$KV.b.");
    ASSERT_TRUE(b.put("k", "1"));
    EXPECT_EQ(kv().bind("b").value().get("k").value().value, "1") << "the same bucket";
    EXPECT_EQ(b.get("k").value().value, "1");
    EXPECT_EQ(code_of(b.create("k", "2")), errc::key_exists);
    ASSERT_TRUE(b.update("k", "2", 1));
    kv_watch w = b.watch().value();
    EXPECT_EQ(initial(w), "k=2 | ");
    EXPECT_EQ(b.keys().value().size(), 1U);
}

class kv_accounts : public server_test {};
NATSPROTO_ON_NATS_SERVERS(kv_accounts);

TEST_P(kv_accounts, the_bucket_of_another_account) {
    const scratch files;
    start("jetstream { store_dir: \"" + files.path("store") + R"(" }
        accounts {
          A { jetstream: enabled, users: [{user: a, password: a}]
              exports: [{service: "$JS.API.CONSUMER.MSG.NEXT.>", response_type: stream},
                        {service: "$JS.API.DIRECT.>"}, {service: "$JS.API.STREAM.>"},
                        {service: "$JS.API.CONSUMER.>"}, {service: "$KV.>"}] }
          B { users: [{user: b, password: b}]
              imports: [{service: {account: A, subject: "$JS.API.CONSUMER.MSG.NEXT.>"},
                         to: "A.CONSUMER.MSG.NEXT.>"},
                        {service: {account: A, subject: "$JS.API.DIRECT.>"}, to: "A.DIRECT.>"},
                        {service: {account: A, subject: "$JS.API.STREAM.>"}, to: "A.STREAM.>"},
                        {service: {account: A, subject: "$JS.API.CONSUMER.CREATE.>"},
                         to: "A.CONSUMER.CREATE.>"},
                        {service: {account: A, subject: "$JS.API.CONSUMER.DELETE.>"},
                         to: "A.CONSUMER.DELETE.>"},
                        {service: {account: A, subject: "$KV.>"}, to: "A.$KV.>"}] }
        })");
    client at_home = connect({.user = "a", .password = "a"});
    client abroad = connect({.user = "b", .password = "b"});
    jetstream home(at_home);
    kv_bucket b = key_value(home).create(kv::bucket_config("b")).value();
    ASSERT_TRUE(b.put("k", "1"));
    jetstream far = jetstream::make(abroad, {.api_prefix = "A", .timeout = 2s}).value();
    kv_bucket there = key_value(far).bind("b").value();
    EXPECT_EQ(there.get("k").value().value, "1");
    EXPECT_EQ(there.put("x.y", "2").value(), 2U);
    EXPECT_EQ(b.get("x.y").value().value, "2");
    EXPECT_EQ(there.create("k", "2").error(), errc::key_exists);
    EXPECT_EQ(there.keys().value(), (std::vector<std::string>{"k", "x.y"}));
    kv_watch w = there.watch().value();
    std::string seen;
    for (int i = 0; i < 3; ++i) {
        const kv::watch_event e = w.next(long_enough).value().value();
        seen += e.initial_end() ? "|" : e.entry->key + ' ';
    }
    EXPECT_EQ(seen, "k x.y |");
}

} // namespace
} // namespace nats::test
