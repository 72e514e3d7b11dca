// SPDX-License-Identifier: Apache-2.0
//
// Proves in virtual time what is sent for each call of a bucket, what is made of the answers, and
// the ways in which creating a key can go while others write it.

#include <natsproto/key_value/bucket_ops.hpp>
#include <natsproto/key_value/requests.hpp>
#include <natsproto/key_value/sequences.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

kv::location bucket_b() {
    kv::location at;
    at.bucket = "b";
    at.stream = at.origin_stream = "KV_b";
    at.read_prefix = at.write_prefix = at.origin_prefix = "$KV.b.";
    at.direct = at.expiring = true;
    return at;
}

std::string ack(int seq) {
    return R"({"stream":"KV_b","seq":)" + std::to_string(seq) + '}';
}
std::string failure(int code, std::string_view text = "no") {
    return R"({"error":{"code":400,"err_code":)" + std::to_string(code) + R"(,"description":")" +
           std::string(text) + R"("}})";
}

std::string header_of(std::string_view subject, int seq, std::string_view more = {}) {
    return "NATS/1.0\r\n" + std::string(more) +
           "Nats-Stream: KV_b\r\nNats-Subject: " + std::string(subject) +
           "\r\nNats-Sequence: " + std::to_string(seq) +
           "\r\nNats-Time-Stamp: 2026-11-28T07:31:57Z\r\n\r\n";
}
constexpr std::string_view deleted = "KV-Operation: DEL\r\n";

struct direct_answer {
    std::string header;
    std::string payload;
};

struct bucket : connected_sim {
    bucket() : connected_sim({}, {.rules = {.info = info()}}) {
        server().serve("$KV.>", [this](scripted_server& s, const wire::frame& f) {
            written.push_back(line_of(f));
            ASSERT_FALSE(acks.empty()) << line_of(f);
            s.publish(f.reply, acks.front());
            acks.pop_front();
        });
        server().serve("$JS.API.DIRECT.GET.>", [this](scripted_server& s, const wire::frame& f) {
            asked.push_back(std::string(f.subject) + ' ' + std::string(f.payload));
            ASSERT_FALSE(answers.empty()) << asked.back();
            s.publish(f.reply, answers.front().payload, {}, answers.front().header);
            answers.pop_front();
        });
    }
    static std::string info() {
        return R"({"server_id":"S","version":"2.11.0","proto":1,"headers":true,"max_payload":1048576})";
    }
    result<kv::entry> get(std::string_view key, const kv::get_options& o = {}) {
        return run(kv::get(runtime(), kv::encode_get(bucket_b(), key, o)));
    }
    result<std::uint64_t> create(const kv::location& at = bucket_b()) {
        return run(kv::create(runtime(), kv::create_request::make(at, "k", "v", {})));
    }
    void answer(std::string header, std::string payload = {}) {
        answers.push_back({std::move(header), std::move(payload)});
    }
    std::deque<std::string> acks;
    std::deque<direct_answer> answers;
    std::vector<std::string> written;
    std::vector<std::string> asked;
};

TEST(kv_requests, an_entry) {
    bucket b;
    b.answer(header_of("$KV.b.k", 7), "value");
    const kv::entry e = b.get("k").value();
    EXPECT_EQ(b.asked.at(0), "$JS.API.DIRECT.GET.KV_b.$KV.b.k ");
    EXPECT_EQ(e.bucket, "b");
    EXPECT_EQ(e.key, "k");
    EXPECT_EQ(e.value, "value");
    EXPECT_EQ(e.size, 5U);
    EXPECT_EQ(e.revision, 7U);
    EXPECT_EQ(e.delta, 0U);
    EXPECT_EQ(js::format_wall_time(e.created), "2026-11-28T07:31:57Z");
}

TEST(kv_requests, a_revision) {
    bucket b;
    b.answer(header_of("$KV.b.k", 7), "value");
    EXPECT_EQ(b.get("k", {.revision = 7}).value().revision, 7U);
    EXPECT_EQ(b.asked.at(0), R"($JS.API.DIRECT.GET.KV_b {"seq":7})");
    b.answer(header_of("$KV.b.other", 7), "value");
    EXPECT_EQ(b.get("k", {.revision = 7}).error(), errc::key_not_found) << "of another key";
}

TEST(kv_requests, what_is_not_found) {
    bucket b;
    b.answer("NATS/1.0 404 Message Not Found\r\n\r\n");
    EXPECT_EQ(b.get("k").error(), errc::key_not_found);
    b.answer(header_of("$KV.b.k", 7, deleted));
    const error gone = b.get("k").error();
    EXPECT_EQ(gone, errc::key_not_found);
    EXPECT_EQ(gone.detail(), "\"k\" was deleted at revision 7");
    EXPECT_EQ(gone.api_code(), 0) << "or it would be another std::error_code";
    b.answer(header_of("$KV.b.k", 7, deleted));
    EXPECT_EQ(b.get("k", {.markers = true}).value().operation, kv::operation::del);
    EXPECT_EQ(b.get("a..b").error(), errc::invalid_key);
    EXPECT_EQ(b.asked.size(), 3U) << "and nothing was sent";
}

TEST(kv_requests, without_direct_reads) {
    kv::location at = bucket_b();
    at.direct = false;
    const kv::read_request newest = kv::encode_get(at, "k").value();
    EXPECT_EQ(newest.ask.subject, "$JS.API.STREAM.MSG.GET.KV_b");
    EXPECT_EQ(newest.ask.body, R"({"last_by_subj":"$KV.b.k"})");
    EXPECT_EQ(kv::encode_get(at, "k", {.revision = 3}).value().ask.body, R"({"seq":3})");
    EXPECT_EQ(kv::encode_get(bucket_b(), "k", {.from_leader = true}).value().ask.subject,
              "$JS.API.STREAM.MSG.GET.KV_b");
    bucket b;
    b.server().serve("$JS.API.STREAM.MSG.GET.KV_b", [](scripted_server& s, const wire::frame& f) {
        s.publish(f.reply,
                  failure(f.payload.find("seq") == std::string_view::npos ? 10037 : 10059));
    });
    EXPECT_EQ(b.run(kv::get(b.runtime(), newest)).error(), errc::key_not_found);
    EXPECT_EQ(b.get("k", {.revision = 1, .from_leader = true}).error(), errc::bucket_not_found);
}

TEST(kv_requests, what_is_written) {
    bucket b;
    b.acks = {ack(1), ack(2), ack(3), ack(4)};
    const kv::location at = bucket_b();
    EXPECT_EQ(b.run(kv::write(b.runtime(), kv::encode_put(at, "k", "v"))).value(), 1U);
    EXPECT_EQ(b.run(kv::write(b.runtime(), kv::encode_update(at, "k", "v", 1))).value(), 2U);
    EXPECT_TRUE(b.run(kv::write(b.runtime(), kv::encode_delete(at, "k", {.revision = 2}))));
    EXPECT_TRUE(b.run(kv::write(b.runtime(), kv::encode_purge(at, "k", {.ttl = 90s}))));
    const auto sent = [&](std::size_t i, std::string_view what) {
        return b.written.at(i).find(what) != std::string::npos;
    };
    EXPECT_TRUE(b.written.at(0).starts_with("PUB $KV.b.k ")) << b.written.at(0);
    EXPECT_TRUE(sent(1, "Nats-Expected-Last-Subject-Sequence: 1")) << b.written.at(1);
    EXPECT_TRUE(sent(2, "KV-Operation: DEL")) << b.written.at(2);
    EXPECT_TRUE(sent(2, "Nats-Expected-Last-Subject-Sequence: 2"));
    EXPECT_FALSE(sent(2, "Nats-Rollup"));
    EXPECT_TRUE(sent(3, "KV-Operation: PURGE")) << b.written.at(3);
    EXPECT_TRUE(sent(3, "Nats-Rollup: sub"));
    EXPECT_TRUE(sent(3, "Nats-TTL: 90"));
    EXPECT_FALSE(sent(3, "Expected"));
}

TEST(kv_requests, what_a_write_is_refused_for) {
    bucket b;
    const auto put = [&](std::string answer) {
        b.acks = {std::move(answer)};
        const result<std::uint64_t> r =
            b.run(kv::write(b.runtime(), kv::encode_update(bucket_b(), "k", "v", 5)));
        return r ? error{} : r.error();
    };
    for (const int code : {10071, 10164}) {
        const error e = put(failure(code, "wrong last sequence: 9"));
        EXPECT_EQ(e, errc::wrong_revision);
        EXPECT_EQ(e.detail(), "\"$KV.b.k\": wrong last sequence: 9");
        EXPECT_EQ(e.api_code(), 0);
    }
    EXPECT_EQ(put(failure(10166)), errc::ttl_not_supported);
    EXPECT_EQ(put(failure(10054)), errc::jetstream_error) << "too large a value";
    const std::size_t before = b.written.size();
    kv::location at = bucket_b();
    EXPECT_EQ(kv::encode_put(at, "_kv.k", "v").error(), errc::invalid_key);
    EXPECT_EQ(kv::encode_put(at, "a b", "v").error(), errc::invalid_key);
    EXPECT_EQ(kv::encode_purge(at, "k", {.ttl = 1ms}).error(), errc::invalid_argument);
    at.expiring = false;
    EXPECT_EQ(kv::encode_purge(at, "k", {.ttl = 2s}).error(), errc::ttl_not_supported);
    EXPECT_EQ(kv::create_request::make(at, "k", "v", {.ttl = 2s}).error(), errc::ttl_not_supported);
    EXPECT_EQ(b.written.size(), before);
}

TEST(kv_requests, creating) {
    bucket b;
    b.acks = {ack(4)};
    EXPECT_EQ(b.create().value(), 4U);
    EXPECT_NE(b.written.at(0).find("Nats-Expected-Last-Subject-Sequence: 0"), std::string::npos);
    b.acks = {failure(10071)};
    b.answer(header_of("$KV.b.k", 7), "value");
    EXPECT_EQ(b.create().error(), errc::key_exists);
    EXPECT_TRUE(b.acks.empty());
}

TEST(kv_requests, creating_over_a_marker) {
    bucket b;
    b.acks = {failure(10071), ack(8)};
    b.answer(header_of("$KV.b.k", 7, deleted));
    EXPECT_EQ(b.create().value(), 8U);
    EXPECT_NE(b.written.at(1).find("Nats-Expected-Last-Subject-Sequence: 7"), std::string::npos);
    b.acks = {failure(10164), ack(9)};
    b.answer(header_of("$KV.b.k", 8, "Nats-Marker-Reason: MaxAge\r\n"));
    EXPECT_EQ(b.create().value(), 9U);
}

TEST(kv_requests, creating_while_others_do) {
    bucket b; // one creates and deletes it, then it is gone, then another one creates it
    b.acks = {failure(10071), failure(10071), failure(10071)};
    b.answer(header_of("$KV.b.k", 7, deleted));
    b.answer("NATS/1.0 404 Message Not Found\r\n\r\n");
    b.answer(header_of("$KV.b.k", 9), "theirs");
    const error lost = b.create().error();
    EXPECT_EQ(lost, errc::key_exists);
    EXPECT_EQ(lost.detail(), "\"k\" has revision 9");
    EXPECT_NE(b.written.at(2).find("Nats-Expected-Last-Subject-Sequence: 0"), std::string::npos);
}

TEST(kv_requests, creating_never_ends_never) {
    bucket b;
    for (int i = 0; i < 100; ++i) {
        b.acks.push_back(failure(10071));
        b.answer(header_of("$KV.b.k", 7 + i, deleted));
    }
    EXPECT_EQ(b.create().error(), errc::wrong_revision);
    EXPECT_LE(b.written.size(), 10U);
}

TEST(kv_requests, creating_where_a_replica_is_behind) {
    kv::location at = bucket_b();
    at.replicated = true;
    bucket b;
    int leader = 0;
    b.server().serve("$JS.API.STREAM.MSG.GET.KV_b", [&](scripted_server& s, const wire::frame& f) {
        ++leader;
        s.publish(f.reply, R"({"message":{"subject":"$KV.b.k","seq":8,"hdrs":")"
                           "TkFUUy8xLjANCktWLU9wZXJhdGlvbjogREVMDQoNCg=="
                           R"(","time":"2026-11-28T07:31:57Z"}})");
    });
    b.acks = {failure(10164), ack(9)};
    b.answer(header_of("$KV.b.k", 7), "deleted since");
    EXPECT_EQ(b.create(at).value(), 9U);
    EXPECT_EQ(leader, 1);
    EXPECT_NE(b.written.at(1).find("Nats-Expected-Last-Subject-Sequence: 8"), std::string::npos);
    b.acks = {failure(10164), ack(9)};
    b.answer(header_of("$KV.b.k", 8, deleted));
    EXPECT_TRUE(b.create(at));
    EXPECT_EQ(leader, 1) << "a marker can be tried at once";
}

TEST(kv_requests, creating_fails_for_another_reason) {
    bucket b;
    b.acks = {failure(10077)};
    EXPECT_EQ(b.create().error(), errc::jetstream_error);
    b.acks = {failure(10071)};
    b.answer("NATS/1.0 500 broken\r\n\r\n");
    EXPECT_EQ(b.create().error(), errc::jetstream_error);
}

TEST(kv_requests, many_at_once) {
    connected_sim b({}, {.rules = {.info = bucket::info()}});
    std::vector<std::string> bodies;
    b.server().serve("$JS.API.DIRECT.GET.KV_b", [&](scripted_server& s, const wire::frame& f) {
        bodies.emplace_back(f.payload);
        const auto with = [](std::string_view key, int seq, std::string_view more = {}) {
            return header_of("$KV.b." + std::string(key), seq,
                             std::string(more) + "Nats-Num-Pending: 1\r\n");
        };
        s.publish(f.reply, "1", {}, with("y", 1));
        s.publish(f.reply, "", {}, with("gone", 2, deleted));
        s.publish(f.reply, "3", {}, with("x", 3));
        s.publish(f.reply, "", {}, "NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n");
    });
    const std::vector<kv::entry> all =
        b.run(kv::get_many(b.runtime(), bucket_b(), {"x", "none", "gone", "y", "x"})).value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].key, "x");
    EXPECT_EQ(all[0].value, "3");
    EXPECT_EQ(all[1].key, "y");
    ASSERT_EQ(bodies.size(), 1U);
    EXPECT_NE(bodies[0].find(R"("multi_last":["$KV.b.x")"), std::string::npos) << bodies[0];
    EXPECT_EQ(b.run(kv::get_many(b.runtime(), bucket_b(), {"x", "a b"})).error(),
              errc::invalid_key);
    EXPECT_TRUE(b.run(kv::get_many(b.runtime(), bucket_b(), {})).value().empty());
}

TEST(kv_requests, many_one_by_one) {
    kv::location at = bucket_b();
    at.direct = false;
    bucket b;
    b.server().serve("$JS.API.STREAM.MSG.GET.KV_b", [&](scripted_server& s, const wire::frame& f) {
        const bool there = f.payload.find("$KV.b.x") != std::string_view::npos;
        s.publish(f.reply, there ? R"({"message":{"subject":"$KV.b.x","seq":8,"data":"djE=",)"
                                   R"("time":"2026-11-28T07:31:57Z"}})"
                                 : failure(10037));
    });
    const std::vector<kv::entry> all = b.run(kv::get_many(b.runtime(), at, {"y", "x"})).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].value, "v1");
}

TEST(kv_requests, a_time_that_is_missing) {
    bucket b;
    EXPECT_EQ(b.run(kv::purge_deletes(b.runtime(), bucket_b(), {})).error(),
              errc::invalid_argument);
    kv::location mirror = bucket_b();
    mirror.origin_stream = "KV_o";
    EXPECT_EQ(b.run(kv::purge_deletes(b.runtime(), mirror, {.now = js::wall_time()})).error(),
              errc::invalid_argument);
}

// --- buckets

struct buckets : connected_sim {
    void answer(const std::string& verb, std::string text) {
        server().serve("$JS.API." + verb,
                       [text = std::move(text)](scripted_server& s, const wire::frame& f) {
                           s.publish(f.reply, text);
                       });
    }
    [[nodiscard]] std::size_t asked(const std::string& verb) {
        return server().count("PUB $JS.API." + verb + ' ');
    }
    static std::string stream(const std::string& extra) {
        return R"({"config":{"name":"KV_b","subjects":["$KV.b.>"],"retention":"limits",)"
               R"("storage":"file","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,)"
               R"("max_msg_size":-1,"duplicate_window":120000000000,"num_replicas":1,)"
               R"("deny_delete":true,"allow_rollup_hdrs":true)" +
               extra + R"(},"state":{"messages":3,"bytes":100}})";
    }
};

TEST(kv_bucket_ops, one_of_an_old_client_is_updated) {
    buckets net;
    net.answer("STREAM.CREATE.KV_b", failure(10058));
    net.answer("STREAM.INFO.KV_b", buckets::stream(R"(,"max_msgs_per_subject":1)"));
    net.answer("STREAM.UPDATE.KV_b",
               buckets::stream(R"(,"max_msgs_per_subject":1,"allow_direct":true,"discard":"new")"));
    const kv::bucket_status s =
        net.run(kv::create_bucket(net.runtime(), {}, kv::bucket_config("b"))).value();
    EXPECT_EQ(s.bucket(), "b");
    EXPECT_EQ(s.values(), 3U);
    EXPECT_EQ(s.bytes(), 100U);
    EXPECT_EQ(s.backing_store(), "JetStream");
    EXPECT_EQ(net.asked("STREAM.UPDATE.KV_b"), 1U);
}

TEST(kv_bucket_ops, another_one_is_not) {
    buckets net;
    net.answer("STREAM.CREATE.KV_b", failure(10058));
    net.answer("STREAM.INFO.KV_b", buckets::stream(R"(,"max_msgs_per_subject":2)"));
    EXPECT_EQ(net.run(kv::create_bucket(net.runtime(), {}, kv::bucket_config("b"))).error(),
              errc::bucket_exists);
    EXPECT_EQ(net.asked("STREAM.UPDATE.KV_b"), 0U);
}

TEST(kv_bucket_ops, markers_need_a_server_that_knows_them) {
    buckets net;
    net.answer("INFO", R"({"api":{"level":0}})");
    kv::bucket_config c("b");
    c.limit_marker_ttl = std::chrono::seconds(1);
    EXPECT_EQ(net.run(kv::create_bucket(net.runtime(), {}, c)).error(), errc::ttl_not_supported);
    EXPECT_EQ(net.asked("STREAM.CREATE.KV_b"), 0U);
}

TEST(kv_bucket_ops, what_is_not_there_and_what_is_none) {
    buckets net;
    net.answer("STREAM.INFO.KV_b", failure(10059));
    net.answer("STREAM.DELETE.KV_b", failure(10059));
    net.answer("STREAM.CREATE.KV_b", buckets::stream(R"(,"max_msgs_per_subject":1)"));
    EXPECT_EQ(net.run(kv::find_bucket(net.runtime(), {}, "b")).error(), errc::bucket_not_found);
    EXPECT_EQ(net.run(kv::find_bucket(net.runtime(), {}, "a.b")).error(), errc::invalid_name);
    EXPECT_EQ(net.run(kv::remove_bucket(net.runtime(), {}, "b")).error(), errc::bucket_not_found);
    EXPECT_EQ(net.run(kv::remove_bucket(net.runtime(), {}, "")).error(), errc::invalid_name);
    const kv::bucket_config c("b");
    EXPECT_EQ(net.run(kv::update_bucket(net.runtime(), {}, c)).error(), errc::bucket_not_found);
    EXPECT_TRUE(net.run(kv::create_or_update_bucket(net.runtime(), {}, c)));
    buckets other;
    other.answer("STREAM.INFO.KV_b", buckets::stream(""));
    EXPECT_EQ(other.run(kv::find_bucket(other.runtime(), {}, "b")).error(), errc::not_a_bucket);
    EXPECT_EQ(other.run(kv::update_bucket(other.runtime(), {}, c)).error(), errc::not_a_bucket);
}

TEST(kv_bucket_ops, lists) {
    buckets net;
    net.answer("STREAM.NAMES",
               R"({"total":4,"offset":0,"limit":9,"streams":["KV_a","OTHER","KV_","KV_b"]})");
    net.answer("STREAM.LIST", R"({"total":2,"offset":0,"limit":9,"streams":[)" +
                                  buckets::stream("") + ',' +
                                  buckets::stream(R"(,"max_msgs_per_subject":1)") + "]}");
    EXPECT_EQ(net.run(kv::list_bucket_names(net.runtime(), {}, false)).value(),
              (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(net.run(kv::list_buckets(net.runtime(), {}, false)).value().size(), 1U)
        << "one has only the name of a bucket";
}

} // namespace
} // namespace nats::test
