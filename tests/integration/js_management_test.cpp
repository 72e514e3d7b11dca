// SPDX-License-Identifier: Apache-2.0
//
// Proves the management of streams and messages against real servers (JSM-01 to JSM-07, 10 to 12):
// what is asked for is there, comes back as it was sent, and is refused with the server's number.

#include "integration/jetstream_test.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::api_code;

class js_management : public jetstream_test {
protected:
    /// What comes back when what came back is sent again.
    void expect_stable(js::stream_info i) {
        const result<js::stream_info> again = js().update_stream(i.config);
        ASSERT_TRUE(again) << again.error().message();
        EXPECT_EQ(js::to_json(again->config).value(), js::to_json(i.config).value());
    }
};
NATSPROTO_ON_NATS_SERVERS(js_management);

// --- the account (JSM-10)

TEST_P(js_management, account) {
    const js::account_info before = js().account_info().value();
    EXPECT_EQ(before.streams, 0U);
    EXPECT_EQ(before.limits.max_streams, -1);
    EXPECT_EQ(before.api.level, since(generation::newest) ? before.api.level : 0U);
    if (since(generation::newest)) {
        EXPECT_GE(before.api.level, 2U);
    }
    make(js::stream_config("A", {"a"}));
    store("a", "hello");
    const js::account_info after = js().account_info().value();
    EXPECT_EQ(after.streams, 1U);
    EXPECT_GT(after.storage, 0U);
    EXPECT_GT(after.api.total, before.api.total);
}

TEST_P(js_management, not_enabled) {
    const nats_server& without = start();
    client other = client::connect(without.url()).value();
    jetstream none(other);
    EXPECT_EQ(code_of(none.account_info()), errc::jetstream_not_enabled);
    EXPECT_EQ(code_of(none.stream_info("A")), errc::jetstream_not_enabled);
}

// --- streams (JSM-01, 03, 12)

TEST_P(js_management, a_stream_from_birth_to_death) {
    js::stream_config c("ORDERS", {"orders.>"});
    const js::stream_info made = make(c);
    EXPECT_EQ(made.config.name, "ORDERS");
    EXPECT_EQ(made.config.subjects, c.subjects);
    EXPECT_TRUE(made.created);
    EXPECT_TRUE(make(c).created) << "the same again is as good";

    store("orders.1", "one");
    store("orders.2", "two");
    js::stream_info i = js().stream_info("ORDERS").value();
    EXPECT_EQ(i.state.messages, 2U);
    EXPECT_EQ(i.state.last_seq, 2U);
    EXPECT_EQ(i.state.num_subjects, 2U);
    EXPECT_TRUE(i.state.first_ts && i.state.last_ts && *i.state.first_ts <= *i.state.last_ts);
    EXPECT_TRUE(i.state.subjects.empty());
    EXPECT_EQ(i.ts.has_value(), since(generation::v2_10));

    i.config.description = "changed";
    i.config.max_msgs = 10;
    EXPECT_EQ(js().update_stream(i.config).value().config.max_msgs, 10);
    EXPECT_EQ(js().stream_info("ORDERS").value().config.description, "changed");
    ASSERT_TRUE(js().delete_stream("ORDERS"));
    EXPECT_EQ(api_code_of(js().stream_info("ORDERS")), number(api_code::stream_not_found));
}

TEST_P(js_management, errors_have_the_servers_number) {
    make(js::stream_config("A", {"a"}));
    js::stream_config other("A", {"a"});
    other.max_msgs = 3;
    const result<js::stream_info> taken = js().create_stream(other);
    EXPECT_EQ(api_code_of(taken), number(api_code::stream_name_in_use));
    EXPECT_TRUE(taken.error() == api_code::stream_name_in_use);
    EXPECT_EQ(taken.error().status(), 400);
    EXPECT_FALSE(taken.error().detail().empty());
    EXPECT_EQ(code_of(taken.error()), make_error_code(api_code::stream_name_in_use));
    const result<js::stream_info> missing = js().update_stream(js::stream_config("B", {"b"}));
    EXPECT_EQ(api_code_of(missing), number(api_code::stream_not_found));
    EXPECT_EQ(missing.error().status(), 404);
    EXPECT_EQ(api_code_of(js().delete_stream("B")), number(api_code::stream_not_found));
    EXPECT_EQ(api_code_of(js().consumer_info("A", "c")), number(api_code::consumer_not_found));
}

TEST_P(js_management, create_or_update) {
    js::stream_config c("A", {"a"});
    EXPECT_EQ(js().create_or_update_stream(c).value().config.max_msgs, -1);
    c.max_msgs = 4;
    EXPECT_EQ(js().create_or_update_stream(c).value().config.max_msgs, 4);
    c.storage = js::storage_type::memory;
    EXPECT_FALSE(js().create_or_update_stream(c));
    EXPECT_EQ(js().stream_info("A").value().config.storage, js::storage_type::file);
}

TEST_P(js_management, names_are_checked_before_anything_is_sent) {
    ASSERT_TRUE(js().account_info());
    for (const std::string_view bad : {"", "a.b", "a b", "a*", ">", "a\tb", "a/b", "a\\b"}) {
        EXPECT_EQ(code_of(js().create_stream(js::stream_config(std::string(bad)))),
                  errc::invalid_name);
        EXPECT_EQ(code_of(js().stream_info(bad)), errc::invalid_name);
        EXPECT_EQ(code_of(js().delete_stream(bad)), errc::invalid_name);
        EXPECT_EQ(code_of(js().purge_stream(bad)), errc::invalid_name);
        EXPECT_EQ(code_of(js().consumers(bad)), errc::invalid_name);
        EXPECT_EQ(code_of(js().consumer_info("A", bad)), errc::invalid_name);
        EXPECT_EQ(code_of(js().delete_consumer(bad, "c")), errc::invalid_name);
        if (bad.empty()) continue; // gets a new one
        EXPECT_EQ(code_of(js().create_consumer("A", js::consumer_config(std::string(bad)))),
                  errc::invalid_name);
    }
    EXPECT_EQ(code_of(js().stream_info(std::string(256, 'a'))), errc::invalid_name);
}

TEST_P(js_management, lists_and_names) {
    EXPECT_TRUE(js().streams().value().empty());
    EXPECT_TRUE(js().stream_names().value().empty());
    std::vector<std::string> all;
    for (int i = 0; i < 300; ++i) { // more than a page of 256
        const std::string n = std::to_string(i);
        js::stream_config c("S" + n, {"s." + n});
        c.storage = js::storage_type::memory;
        make(c);
        all.push_back(c.name);
    }
    std::ranges::sort(all);
    std::vector<std::string> names = js().stream_names().value();
    std::ranges::sort(names);
    EXPECT_EQ(names, all);
    std::vector<std::string> listed;
    for (const js::stream_info& i : js().streams().value()) listed.push_back(i.config.name);
    std::ranges::sort(listed);
    EXPECT_EQ(listed, all);
    EXPECT_EQ(js().stream_names("s.7").value(), std::vector<std::string>{"S7"});
    const std::vector<js::stream_info> one = js().streams("s.8").value();
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].config.name, "S8");
    EXPECT_EQ(js().stream_name_by_subject("s.9").value(), "S9");
    EXPECT_EQ(api_code_of(js().stream_name_by_subject("nobody")),
              number(api_code::stream_not_found));
    EXPECT_EQ(code_of(js().stream_name_by_subject("a..b")), errc::invalid_subject);
}

// --- configurations (JSM-01, 07)

TEST_P(js_management, fields_of_every_server) {
    js::stream_config c("A", {"a.>"});
    c.description = "every field that 2.9 has: \"quotes\", é, \n";
    c.retention = js::retention_policy::limits;
    c.discard = js::discard_policy::new_;
    c.discard_new_per_subject = true;
    c.max_consumers = 5;
    c.max_msgs = 1000;
    c.max_bytes = 9'007'199'254'740'993 / 1024;
    c.max_age = std::chrono::hours(24);
    c.max_msgs_per_subject = 7;
    c.max_msg_size = 1024;
    c.duplicate_window = std::chrono::seconds(90);
    c.no_ack = true;
    c.deny_delete = true;
    c.deny_purge = false;
    c.allow_rollup_hdrs = true;
    c.allow_direct = true;
    c.republish.emplace("a.>", "copy.>");
    c.republish->headers_only = true;
    c.storage = js::storage_type::memory;
    c.max_bytes = 1024 * 1024;
    const js::stream_info i = make(c);
    js::stream_config got = i.config;
    got.metadata.clear(); // the server's own
    got.extra.clear();    // what newer ones say besides
    if (got.consumer_limits) got.consumer_limits.reset();
    EXPECT_EQ(js::to_json(got).value(), js::to_json(c).value());
    expect_stable(i);
}

TEST_P(js_management, fields_of_2_10) {
    if (!since(generation::v2_10)) GTEST_SKIP() << "2.9 does not know them";
    js::stream_config c("A", {"a.>"});
    c.compression = js::store_compression::s2;
    c.first_seq = 1000;
    c.subject_transform.emplace("a.>", "b.>");
    c.consumer_limits.emplace();
    c.consumer_limits->inactive_threshold = std::chrono::minutes(5);
    c.consumer_limits->max_ack_pending = 77;
    c.metadata = {{"owner", "me"}};
    const js::stream_info i = make(c);
    EXPECT_EQ(i.config.compression, js::store_compression::s2);
    EXPECT_EQ(i.config.first_seq, 1000U);
    EXPECT_EQ(i.config.subject_transform, c.subject_transform);
    EXPECT_EQ(i.config.consumer_limits, c.consumer_limits);
    EXPECT_EQ(i.config.metadata.find("owner")->second, "me");
    expect_stable(i);
    store("a.x", "1");
    EXPECT_EQ(js().get_message("A", 1000).value().subject, "b.x");
}

TEST_P(js_management, fields_of_2_11_and_later) {
    if (!since(generation::newest)) GTEST_SKIP() << "older ones do not know them";
    js::stream_config c("A", {"a.>"});
    c.allow_msg_ttl = true;
    c.subject_delete_marker_ttl = std::chrono::seconds(5);
    c.allow_rollup_hdrs = true;
    c.allow_atomic = c.allow_msg_schedules = c.allow_batched = true;
    js::stream_info i = make(c);
    EXPECT_TRUE(i.config.allow_msg_ttl && i.config.allow_atomic && i.config.allow_msg_schedules &&
                i.config.allow_batched);
    EXPECT_EQ(i.config.subject_delete_marker_ttl, c.subject_delete_marker_ttl);
    EXPECT_EQ(i.config.extra, "") << "everything is known";
    expect_stable(i);
    js::stream_config counter("C", {"c"});
    counter.allow_msg_counter = true;
    EXPECT_TRUE(make(counter).config.allow_msg_counter);
    js::stream_config async("P", {"p"});
    async.persist_mode = js::persistence::async;
    EXPECT_EQ(make(async).config.persist_mode, js::persistence::async);
}

TEST_P(js_management, a_new_field_for_an_old_server) {
    js::stream_config c("A", {"a"});
    c.subject_transform.emplace("a", "b");
    const result<js::stream_info> made = js().create_stream(c);
    if (since(generation::v2_10)) {
        EXPECT_TRUE(made);
        return;
    }
    EXPECT_EQ(code_of(made), errc::filters_not_taken);
    js::stream_config sourced("B");
    sourced.sources.emplace_back("A").subject_transforms.emplace_back("a", "b");
    EXPECT_EQ(code_of(js().create_or_update_stream(sourced)), errc::filters_not_taken);
}

TEST_P(js_management, a_field_that_nobody_knows) {
    js::stream_config c("A", {"a"});
    c.extra = R"({"from_the_future":1})";
    const result<js::stream_info> made = js().create_stream(c);
    if (since(generation::newest)) {
        EXPECT_EQ(api_code_of(made), number(api_code::invalid_json));
    } else {
        EXPECT_TRUE(made);
    }
}

TEST_P(js_management, mirrors_and_sources) {
    make(js::stream_config("ORIGIN", {"o.>"}));
    for (const char* subject : {"o.1", "o.2", "o.3"}) store(subject, "x");
    js::stream_config mirror("MIRROR");
    mirror.mirror.emplace("ORIGIN");
    mirror.mirror->opt_start_seq = 2;
    const js::stream_info m = make(mirror);
    EXPECT_EQ(m.config.mirror->name, "ORIGIN");
    EXPECT_EQ(m.config.mirror->opt_start_seq, 2U);
    make(js::stream_config("OTHER", {"p"}));
    js::stream_config both("BOTH", {"b"});
    both.sources.emplace_back("ORIGIN").filter_subject = "o.1";
    both.sources.emplace_back("OTHER").opt_start_time = m.created;
    const js::stream_info b = make(both);
    ASSERT_EQ(b.config.sources.size(), 2U);
    EXPECT_EQ(b.config.sources[0].filter_subject, "o.1");
    EXPECT_EQ(b.config.sources[1].opt_start_time, m.created) << "to the nanosecond";
    ASSERT_TRUE(wait_until([&] { return js().stream_info("MIRROR").value().state.messages == 2; },
                           long_enough));
    const js::stream_info followed = js().stream_info("MIRROR").value();
    ASSERT_TRUE(followed.mirror);
    EXPECT_EQ(followed.mirror->name, "ORIGIN");
    EXPECT_EQ(js().stream_info("BOTH").value().sources.size(), 2U);
    js::stream_config wrong("WRONG", {"w"});
    wrong.mirror.emplace("ORIGIN");
    EXPECT_NE(api_code_of(js().create_stream(wrong)), 0) << "no subjects with a mirror";
}

TEST_P(js_management, external_sources_and_placement) {
    js::stream_config c("A");
    c.mirror.emplace("FAR", "hub");
    c.mirror->external->deliver = "deliver.far";
    const js::stream_info i = make(c);
    EXPECT_EQ(i.config.mirror->external->api, "$JS.hub.API");
    EXPECT_EQ(i.config.mirror->external->deliver, "deliver.far");
    js::stream_config placed("B", {"b"});
    placed.placement.emplace();
    placed.placement->tags = {"ssd"};
    const result<js::stream_info> p = js().create_stream(placed);
    if (p) {
        EXPECT_EQ(p->config.placement->tags, placed.placement->tags);
    } else {
        EXPECT_NE(api_code_of(p), 0) << "no cluster, no placement";
    }
}

TEST_P(js_management, subject_transforms_of_sources) {
    if (!since(generation::v2_10)) GTEST_SKIP() << "2.9 does not know them";
    make(js::stream_config("ORIGIN", {"o.*"}));
    js::stream_config c("B");
    c.sources.emplace_back("ORIGIN").subject_transforms.emplace_back("o.*", "b.{{wildcard(1)}}");
    const js::stream_info i = make(c);
    EXPECT_EQ(i.config.sources, c.sources);
    store("o.x", "1");
    ASSERT_TRUE(
        wait_until([&] { return js().stream_info("B").value().state.messages == 1; }, long_enough));
    EXPECT_EQ(js().get_message("B", 1).value().subject, "b.x");
}

TEST_P(js_management, seal) {
    make(js::stream_config("A", {"a"}));
    store("a", "1");
    EXPECT_TRUE(js().seal_stream("A").value().config.sealed);
    EXPECT_TRUE(js().stream_info("A").value().config.sealed);
    EXPECT_FALSE(js().delete_message("A", 1));
    EXPECT_EQ(api_code_of(js().seal_stream("B")), number(api_code::stream_not_found));
}

TEST_P(js_management, pedantic_and_required_level) {
    jetstream strict = jetstream::make(nc(), {.pedantic = true}).value();
    js::stream_config c("A", {"a"});
    c.max_age = std::chrono::seconds(10);
    c.duplicate_window = std::chrono::seconds(20); // longer than messages live
    const result<js::stream_info> made = strict.create_stream(c);
    EXPECT_FALSE(made && since(generation::newest));
    jetstream future = jetstream::make(nc(), {.required_api_level = 1000}).value();
    const result<js::account_info> info = future.account_info();
    if (since(generation::newest)) {
        EXPECT_EQ(api_code_of(info), number(api_code::required_api_level));
    } else {
        EXPECT_TRUE(info);
    }
}

TEST_P(js_management, the_domain_as_a_prefix) {
    (void)start_jetstream("domain: hub");
    jetstream hub = jetstream::make(nc(), {.domain = "hub"}).value();
    EXPECT_EQ(hub.account_info().value().domain, "hub");
    ASSERT_TRUE(hub.create_stream(js::stream_config("A", {"a"})));
    EXPECT_EQ(hub.stream_info("A").value().domain, "hub");
    jetstream other = jetstream::make(nc(), {.domain = "other", .timeout = 200ms}).value();
    EXPECT_FALSE(other.account_info());
}

// --- info (JSM-04)

TEST_P(js_management, details_of_what_was_deleted) {
    make(js::stream_config("A", {"a.*"}));
    for (const char* s : {"a.1", "a.2", "a.2", "a.3", "a.4"}) store(s, "x");
    ASSERT_TRUE(js().delete_message("A", 2));
    ASSERT_TRUE(js().delete_message("A", 4));
    const js::stream_info plain = js().stream_info("A").value();
    EXPECT_EQ(plain.state.num_deleted, 2U);
    EXPECT_TRUE(plain.state.deleted.empty());
    const js::stream_info detailed =
        js().stream_info("A", {.deleted_details = true, .subjects_filter = "a.>"}).value();
    EXPECT_EQ(detailed.state.deleted, (std::vector<std::uint64_t>{2, 4}));
    const std::map<std::string, std::uint64_t, std::less<>> counts = {
        {"a.1", 1}, {"a.2", 1}, {"a.4", 1}};
    EXPECT_EQ(detailed.state.subjects, counts);
    EXPECT_EQ(js().stream_info("A", {.subjects_filter = "a.2"}).value().state.subjects.size(), 1U);
    EXPECT_EQ(js().stream_info("A", {.subjects_filter = "none"}).value().state.subjects.size(), 0U);
    EXPECT_EQ(code_of(js().stream_info("A", {.subjects_filter = "a..b"})), errc::invalid_subject);
}

TEST_P(js_management, more_subjects_than_a_page_has) {
    js::stream_config c("A", {"a.*"});
    c.storage = js::storage_type::memory;
    c.no_ack = true;
    make(c);
    constexpr std::size_t count = 100'500;
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(nc().publish("a." + std::to_string(i), ""));
    ASSERT_TRUE(nc().flush());
    ASSERT_TRUE(wait_until([&] { return js().stream_info("A").value().state.messages == count; },
                           long_enough));
    const js::stream_info i = js().stream_info("A", {.subjects_filter = ">"}).value();
    EXPECT_EQ(i.state.subjects.size(), count);
    EXPECT_EQ(i.state.subjects.begin()->second, 1U);
    EXPECT_TRUE(i.state.subjects.contains("a.100499"));
}

// --- messages (JSM-05, 06)

TEST_P(js_management, messages_one_by_one) {
    make(js::stream_config("A", {"a.*"}));
    headers h;
    ASSERT_TRUE(h.add("K", "1"));
    ASSERT_TRUE(h.add("K", "2"));
    const std::string binary("\0\r\n\xff\xfe", 5);
    store("a.1", binary, h);
    store("a.2", "two");
    store("a.1", "");
    const js::stored_message first = js().get_message("A", 1).value();
    EXPECT_EQ(first.subject, "a.1");
    EXPECT_EQ(first.sequence, 1U);
    EXPECT_EQ(first.payload, binary);
    EXPECT_EQ(first.headers().values("K"), (std::vector<std::string_view>{"1", "2"}));
    EXPECT_EQ(first.time, js().stream_info("A").value().state.first_ts) << "to the nanosecond";
    const js::stored_message last = js().get_last_message("A", "a.1").value();
    EXPECT_EQ(last.sequence, 3U);
    EXPECT_EQ(last.payload, "");
    EXPECT_TRUE(last.headers().empty());
    EXPECT_EQ(js().get_last_message("A", "a.*").value().sequence, 3U);
    EXPECT_EQ(js().get_next_message("A", "a.1", 2).value().sequence, 3U);
    EXPECT_EQ(js().get_next_message("A", "a.*", 2).value().sequence, 2U);
    EXPECT_EQ(js().get_next_message("A", "a.2", 0).value().sequence, 2U);
    EXPECT_EQ(api_code_of(js().get_message("A", 9)), number(api_code::message_not_found));
    EXPECT_EQ(api_code_of(js().get_last_message("A", "a.9")), number(api_code::message_not_found));
    EXPECT_EQ(api_code_of(js().get_next_message("A", "a.2", 3)),
              number(api_code::message_not_found));
    EXPECT_EQ(code_of(js().get_message("A", 0)), errc::invalid_argument);
    EXPECT_EQ(code_of(js().get_last_message("A", "")), errc::invalid_subject);
}

TEST_P(js_management, deleting_and_erasing) {
    make(js::stream_config("A", {"a"}));
    for (int i = 0; i < 3; ++i) store("a", "secret");
    ASSERT_TRUE(js().delete_message("A", 1));
    ASSERT_TRUE(js().erase_message("A", 2));
    EXPECT_EQ(api_code_of(js().get_message("A", 1)), number(api_code::message_not_found));
    EXPECT_EQ(api_code_of(js().get_message("A", 2)), number(api_code::message_not_found));
    EXPECT_TRUE(js().get_message("A", 3));
    EXPECT_NE(api_code_of(js().delete_message("A", 1)), 0);
    EXPECT_EQ(code_of(js().erase_message("A", 0)), errc::invalid_argument);
}

TEST_P(js_management, purge) {
    make(js::stream_config("A", {"a.*"}));
    for (int i = 0; i < 10; ++i) store(i % 2 == 0 ? "a.even" : "a.odd", "x");
    EXPECT_EQ(js().purge_stream("A", {.filter = "a.odd", .keep = 2}).value().purged, 3U);
    EXPECT_EQ(js().purge_stream("A", {.filter = "a.even", .seq = 5}).value().purged, 2U);
    EXPECT_EQ(js().stream_info("A").value().state.messages, 5U);
    EXPECT_EQ(js().purge_stream("A").value().purged, 5U);
    EXPECT_EQ(js().purge_stream("A").value().purged, 0U);
    EXPECT_EQ(js().stream_info("A").value().state.first_seq, 11U);
    EXPECT_EQ(code_of(js().purge_stream("A", {.seq = 1, .keep = 1})), errc::invalid_argument);
    EXPECT_EQ(code_of(js().purge_stream("A", {.filter = "a..b"})), errc::invalid_subject);
}

} // namespace
} // namespace nats::test
