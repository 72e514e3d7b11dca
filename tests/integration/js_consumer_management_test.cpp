// SPDX-License-Identifier: Apache-2.0
//
// Proves the management of consumers against real servers (JSM-08): what is asked for is there,
// comes back as it was sent, and is refused with the server's number.

#include "integration/jetstream_test.hpp"

#include <set>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::api_code;

class js_consumers : public jetstream_test {
protected:
    void SetUp() override {
        jetstream_test::SetUp();
        if (!HasFatalFailure() && !IsSkipped()) make(js::stream_config("S", {"s.>"}));
    }
};
NATSPROTO_ON_NATS_SERVERS(js_consumers);

TEST_P(js_consumers, from_birth_to_death) {
    store("s.1", "x");
    js::consumer_config c("d");
    c.description = "one";
    const js::consumer_info made = js().create_consumer("S", c).value();
    EXPECT_EQ(made.name, "d");
    EXPECT_EQ(made.stream_name, "S");
    EXPECT_EQ(made.config.durable_name, "d");
    EXPECT_TRUE(made.created);
    EXPECT_EQ(made.num_pending, 1U);
    js::consumer_info i = js().consumer_info("S", "d").value();
    EXPECT_EQ(i.config.description, "one");
    EXPECT_EQ(i.delivered.stream_seq, 0U);
    EXPECT_FALSE(i.delivered.last_active);
    i.config.description = "two";
    EXPECT_EQ(js().update_consumer("S", i.config).value().config.description, "two");
    i.config.description = "three";
    EXPECT_EQ(js().create_or_update_consumer("S", i.config).value().config.description, "three");
    EXPECT_TRUE(js().create_consumer("S", i.config)) << "the same again is as good";
    ASSERT_TRUE(js().delete_consumer("S", "d"));
    EXPECT_EQ(api_code_of(js().consumer_info("S", "d")), number(api_code::consumer_not_found));
    EXPECT_EQ(api_code_of(js().delete_consumer("S", "d")), number(api_code::consumer_not_found));
    EXPECT_EQ(api_code_of(js().create_consumer("T", c)), number(api_code::stream_not_found));
}

TEST_P(js_consumers, what_there_is_and_what_there_is_not) {
    js::consumer_config c("d");
    const result<js::consumer_info> updated = js().update_consumer("S", c);
    if (since(generation::v2_10)) {
        EXPECT_EQ(api_code_of(updated), number(api_code::consumer_does_not_exist));
    } else {
        EXPECT_TRUE(updated) << "2.9 does not look at the action";
    }
    ASSERT_TRUE(js().create_or_update_consumer("S", c));
    c.max_deliver = 5;
    const result<js::consumer_info> other = js().create_consumer("S", c);
    if (since(generation::v2_10)) {
        EXPECT_EQ(api_code_of(other), number(api_code::consumer_exists));
    } else {
        EXPECT_TRUE(other);
    }
}

TEST_P(js_consumers, a_name_is_made_up) {
    const js::consumer_info a = js().create_consumer("S", js::consumer_config()).value();
    const js::consumer_info b = js().create_consumer("S", js::consumer_config()).value();
    EXPECT_EQ(a.name.size(), 22U);
    EXPECT_NE(a.name, b.name);
    EXPECT_EQ(a.config.durable_name, "");
    js::consumer_config named;
    named.name = "mine";
    EXPECT_EQ(js().create_consumer("S", named).value().name, "mine");
    js::consumer_config two("one");
    two.name = "other";
    EXPECT_EQ(code_of(js().create_consumer("S", two)), errc::invalid_argument);
}

TEST_P(js_consumers, filters) {
    for (const char* s : {"s.a", "s.b", "s.c"}) store(s, "x");
    js::consumer_config exact("exact");
    exact.filter_subject = "s.a";
    EXPECT_EQ(js().create_consumer("S", exact).value().num_pending, 1U);
    js::consumer_config wild("wild");
    wild.filter_subject = "s.*";
    const js::consumer_info w = js().create_consumer("S", wild).value();
    EXPECT_EQ(w.config.filter_subject, "s.*");
    EXPECT_EQ(w.num_pending, 3U);
    js::consumer_config several("several");
    several.filter_subjects = {"s.a", "s.b"};
    const result<js::consumer_info> taken = js().create_consumer("S", several);
    js::consumer_config both("both");
    both.filter_subject = "s.a";
    both.filter_subjects = {"s.b"};
    EXPECT_EQ(code_of(js().create_consumer("S", both)), errc::invalid_argument);
    js::consumer_config bad("bad");
    bad.filter_subject = "s a";
    EXPECT_EQ(code_of(js().create_consumer("S", bad)), errc::invalid_subject);
    bad.filter_subject.clear();
    bad.filter_subjects = {"s.a", "s..b"};
    EXPECT_EQ(code_of(js().create_consumer("S", bad)), errc::invalid_subject);
    if (!since(generation::v2_10)) {
        EXPECT_EQ(code_of(taken), errc::filters_not_taken);
        return;
    }
    EXPECT_EQ(taken.value().num_pending, 2U);
    several.durable_name = "one";
    several.filter_subjects = {"s.c"};
    EXPECT_EQ(js().create_consumer("S", several).value().num_pending, 1U);
    several.durable_name = "overlap";
    several.filter_subjects = {"s.*", "s.a"};
    EXPECT_EQ(api_code_of(js().create_consumer("S", several)),
              number(api_code::overlapping_filters));
}

TEST_P(js_consumers, fields_of_every_server) {
    js::consumer_config pull("pull");
    pull.description = "pull";
    pull.deliver_policy = js::deliver_policy::by_start_sequence;
    pull.opt_start_seq = 7;
    pull.ack_wait = std::chrono::seconds(20);
    pull.max_deliver = 3;
    pull.backoff = {std::chrono::seconds(1), std::chrono::seconds(2)};
    pull.filter_subject = "s.x";
    pull.replay_policy = js::replay_policy::original;
    pull.sample_freq = "50%";
    pull.max_waiting = 10;
    pull.max_ack_pending = 11;
    pull.headers_only = true;
    pull.max_batch = 12;
    pull.max_expires = std::chrono::minutes(1);
    pull.max_bytes = 4096;
    pull.inactive_threshold = std::chrono::hours(1);
    pull.mem_storage = true;
    pull.num_replicas = 1;
    js::consumer_config push("push");
    push.deliver_policy = js::deliver_policy::by_start_time;
    push.opt_start_time = js::parse_wall_time("2026-01-02T03:04:05.000000006Z");
    push.ack_policy = js::ack_policy::none;
    push.deliver_subject = "to.me";
    push.flow_control = true;
    push.idle_heartbeat = std::chrono::seconds(5);
    push.rate_limit_bps = 1'000'000;
    for (const js::consumer_config& c : {pull, push}) {
        const js::consumer_info made = js().create_consumer("S", c).value();
        js::consumer_config got = made.config;
        got.metadata.clear();
        // What the server has added, and how it has put it.
        js::consumer_config asked = c;
        asked.name = got.name;
        if (asked.num_replicas == 0) asked.num_replicas = got.num_replicas;
        if (asked.max_ack_pending == 0) asked.max_ack_pending = got.max_ack_pending;
        if (asked.max_deliver == 0) asked.max_deliver = got.max_deliver;
        if (asked.ack_wait.count() == 0) asked.ack_wait = got.ack_wait;
        if (asked.backoff.size() == 2) asked.ack_wait = got.ack_wait;
        EXPECT_EQ(js::to_json(got).value(), js::to_json(asked).value());
        const js::consumer_info again = js().update_consumer("S", made.config).value();
        EXPECT_EQ(js::to_json(again.config).value(), js::to_json(made.config).value());
    }
}

TEST_P(js_consumers, lists_and_names) {
    EXPECT_TRUE(js().consumers("S").value().empty());
    EXPECT_TRUE(js().consumer_names("S").value().empty());
    std::set<std::string> all;
    for (int i = 0; i < 300; ++i) { // more than a page of 256
        js::consumer_config c("c" + std::to_string(i));
        c.mem_storage = true;
        ASSERT_TRUE(js().create_consumer("S", c));
        all.insert(c.durable_name);
    }
    const std::vector<std::string> names = js().consumer_names("S").value();
    EXPECT_EQ(std::set(names.begin(), names.end()), all);
    EXPECT_EQ(names.size(), all.size());
    std::set<std::string> listed;
    for (const js::consumer_info& i : js().consumers("S").value()) listed.insert(i.name);
    EXPECT_EQ(listed, all);
    EXPECT_EQ(api_code_of(js().consumers("T")), number(api_code::stream_not_found));
}

TEST_P(js_consumers, pause_and_resume) {
    if (!since(generation::newest)) GTEST_SKIP() << "needs 2.11";
    ASSERT_TRUE(js().create_consumer("S", js::consumer_config("d")));
    const js::wall_time until = *js().stream_info("S").value().ts + std::chrono::hours(1);
    const js::pause_state paused = js().pause_consumer("S", "d", until).value();
    EXPECT_TRUE(paused.paused);
    EXPECT_EQ(paused.pause_until, until);
    EXPECT_GT(paused.pause_remaining, std::chrono::minutes(50));
    const js::consumer_info i = js().consumer_info("S", "d").value();
    EXPECT_TRUE(i.paused);
    EXPECT_EQ(i.config.pause_until, until);
    EXPECT_FALSE(js().resume_consumer("S", "d").value().paused);
    EXPECT_FALSE(js().consumer_info("S", "d").value().paused);
    EXPECT_EQ(api_code_of(js().resume_consumer("S", "x")), number(api_code::consumer_not_found));
}

TEST_P(js_consumers, priority_groups) {
    if (!since(generation::newest)) GTEST_SKIP() << "needs 2.11";
    js::consumer_config c("d");
    c.priority_groups = {"jobs"};
    c.priority_policy = js::priority_policy::pinned_client;
    c.priority_timeout = std::chrono::seconds(30);
    c.metadata = {{"k", "v"}};
    const js::consumer_info i = js().create_consumer("S", c).value();
    EXPECT_EQ(i.config.priority_groups, c.priority_groups);
    EXPECT_EQ(i.config.priority_policy, js::priority_policy::pinned_client);
    EXPECT_EQ(i.config.priority_timeout, c.priority_timeout);
    EXPECT_EQ(i.config.metadata.find("k")->second, "v");
    EXPECT_EQ(i.config.extra, "") << "everything is known";
    EXPECT_TRUE(js().unpin_consumer("S", "d", "jobs"));
    EXPECT_NE(api_code_of(js().unpin_consumer("S", "d", "other")), 0);
    EXPECT_EQ(code_of(js().unpin_consumer("S", "d", "")), errc::invalid_argument);
}

TEST_P(js_consumers, reset) {
    if (!since(generation::newest)) GTEST_SKIP() << "needs 2.14";
    for (int i = 0; i < 3; ++i) store("s.1", "x");
    ASSERT_TRUE(js().create_consumer("S", js::consumer_config("d")));
    const js::consumer_info i = js().reset_consumer("S", "d", 2).value();
    EXPECT_EQ(i.name, "d");
    EXPECT_EQ(i.num_pending, 2U);
    EXPECT_TRUE(js().reset_consumer("S", "d"));
}

TEST_P(js_consumers, leaders_of_a_server_alone) {
    ASSERT_TRUE(js().create_consumer("S", js::consumer_config("d")));
    const result<js::done> stream = js().step_down_stream("S");
    const result<js::done> consumer = js().step_down_consumer("S", "d");
    const result<js::done> peer = js().remove_peer("S", "nobody");
    EXPECT_NE(stream ? 0 : api_code_of(stream), 0) << "needs a cluster";
    EXPECT_NE(consumer ? 0 : api_code_of(consumer), 0);
    EXPECT_NE(peer ? 0 : api_code_of(peer), 0);
    EXPECT_EQ(code_of(js().remove_peer("S", "")), errc::invalid_argument);
}

} // namespace
} // namespace nats::test
