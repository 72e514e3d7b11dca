// SPDX-License-Identifier: Apache-2.0
//
// Proves direct get against real servers: each way to name a message, headers that look like the
// server's, what a missing message, stream or permission is, and batches where there are any.

#include "integration/jetstream_test.hpp"

#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

class js_direct_get : public jetstream_test {
protected:
    /// Five messages on three subjects.
    void SetUp() override {
        jetstream_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        js::stream_config c("S", {"s.>"});
        c.allow_direct = true;
        ASSERT_TRUE(js().create_stream(c));
        ASSERT_TRUE(js().create_stream(js::stream_config("closed", {"closed"})));
        for (const char* subject : {"s.a", "s.b", "s.a", "s.c", "s.b"}) {
            headers h;
            ASSERT_TRUE(h.add("k", subject) && h.add("Nats-Stream", "USER"));
            ASSERT_TRUE(
                js().publish(subject, "payload of " + std::string(subject), {.headers = h}));
        }
    }
    static std::string sequences(const js::direct_batch& b) {
        std::string text;
        for (const js::stored_message& m : b.messages) text += std::to_string(m.sequence) + ' ';
        return text;
    }
};
NATSPROTO_ON_NATS_SERVERS(js_direct_get);

TEST_P(js_direct_get, by_sequence) {
    const result<js::stored_message> m = js().direct_get("S", 3);
    ASSERT_TRUE(m) << m.error().message();
    EXPECT_EQ(m->sequence, 3U);
    EXPECT_EQ(m->subject, "s.a");
    EXPECT_EQ(m->stream, "S");
    EXPECT_EQ(m->payload, "payload of s.a");
    js::stored_message same = js().get_message("S", 3).value();
    same.stream = "S";
    EXPECT_EQ(*m, same) << "headers and time too, with the user's own Nats-Stream";
    EXPECT_EQ(m->headers().values("Nats-Stream"), std::vector<std::string_view>{"USER"});
}

TEST_P(js_direct_get, the_last_of_a_subject) {
    EXPECT_EQ(js().direct_get_last("S", "s.a").value().sequence, 3U);
    EXPECT_EQ(js().direct_get_last("S", "s.*").value().sequence, 5U);
}

TEST_P(js_direct_get, the_next_one) {
    EXPECT_EQ(js().direct_get_next("S").value().sequence, 1U);
    EXPECT_EQ(js().direct_get_next("S", {.subject = "s.b"}).value().sequence, 2U);
    EXPECT_EQ(js().direct_get_next("S", {.subject = "s.b", .sequence = 3}).value().sequence, 5U);
    EXPECT_EQ(code_of(js().direct_get_next("S", {.subject = "s.a", .sequence = 4})),
              errc::message_not_found);
    if (!at_least(2, 11)) return;
    const js::wall_time fourth = js().direct_get("S", 4).value().time.value();
    const result<js::stored_message> m = js().direct_get_next("S", {.start_time = fourth});
    ASSERT_TRUE(m) << m.error().message();
    EXPECT_EQ(m->sequence, 4U);
}

TEST_P(js_direct_get, what_is_not_there) {
    const result<js::stored_message> m = js().direct_get("S", 99);
    EXPECT_EQ(code_of(m), errc::message_not_found);
    EXPECT_EQ(m.error().status(), 404);
    EXPECT_EQ(code_of(js().direct_get_last("S", "s.none")), errc::message_not_found);
    ASSERT_TRUE(js().delete_message("S", 3));
    EXPECT_EQ(code_of(js().direct_get("S", 3)), errc::message_not_found);
}

TEST_P(js_direct_get, where_it_is_not_allowed) {
    auto hasty = jetstream::make(nc(), {.timeout = 200ms}).value();
    for (const char* stream : {"closed", "missing"}) {
        const result<js::stored_message> m = hasty.direct_get(stream, 1);
        ASSERT_FALSE(m);
        EXPECT_EQ(m.error(), since(generation::v2_10) ? errc::no_responders : errc::timeout)
            << m.error().message();
        EXPECT_NE(m.error().message().find("allow_direct"), std::string::npos);
    }
}

TEST_P(js_direct_get, the_payload_only) {
    const bool known = at_least(2, 12);
    for (const js::stored_message& m :
         {js().direct_get("S", 3, {.payload_only = true}).value(),
          js().direct_get_last("S", "s.a", {.payload_only = true}).value()}) {
        EXPECT_EQ(m.payload, "payload of s.a");
        EXPECT_EQ(m.sequence, known ? 0U : 3U);
        EXPECT_EQ(m.header_block.empty(), known);
    }
    EXPECT_EQ(code_of(js().direct_get("S", 99, {.payload_only = true})), errc::message_not_found);
}

TEST_P(js_direct_get, required_api_level) {
    auto demanding = jetstream::make(nc(), {.required_api_level = 1000}).value();
    const result<js::stored_message> m = demanding.direct_get("S", 1);
    if (at_least(2, 12)) {
        ASSERT_FALSE(m);
        EXPECT_EQ(m.error().status(), 412);
    } else {
        EXPECT_TRUE(m) << "not known";
    }
}

TEST_P(js_direct_get, a_mirror_answers_too) {
    js::stream_config c("M");
    c.mirror = js::stream_source("S");
    c.allow_direct = true;
    ASSERT_TRUE(js().create_stream(c));
    const auto is_there = [this] { return js().direct_get("M", 5).has_value(); };
    ASSERT_TRUE(wait_until(is_there, long_enough));
    EXPECT_EQ(js().direct_get_last("M", "s.a").value().stream, "M");
}

TEST_P(js_direct_get, batches) {
    const result<js::direct_batch> b = js().direct_get_batch("S", {.batch = 3});
    ASSERT_TRUE(b) << b.error().message();
    if (!at_least(2, 11)) {
        EXPECT_TRUE(b->single);
        EXPECT_EQ(sequences(*b), "1 ");
        return;
    }
    EXPECT_EQ(sequences(*b), "1 2 3 ");
    EXPECT_EQ(b->pending, 2U);
    EXPECT_EQ(b->messages[0], js().direct_get("S", 1).value());
    const js::direct_batch rest =
        js().direct_get_batch("S", {.sequence = b->last_sequence + 1, .batch = 3}).value();
    EXPECT_EQ(sequences(rest), "4 5 ");
    EXPECT_EQ(rest.pending, 0U);
    EXPECT_EQ(sequences(js().direct_get_batch("S", {.subject = "s.b"}).value()), "2 5 ");
    EXPECT_LT(js().direct_get_batch("S", {.batch = 5, .max_bytes = 1}).value().messages.size(), 5U);
    EXPECT_EQ(code_of(js().direct_get_batch("S", {.subject = "s.none"})), errc::message_not_found);
    const js::wall_time fourth = js().direct_get("S", 4).value().time.value();
    EXPECT_EQ(sequences(js().direct_get_batch("S", {.start_time = fourth}).value()), "4 5 ");
}

TEST_P(js_direct_get, the_last_of_many_subjects) {
    const result<js::direct_batch> b = js().direct_get_last_for("S", {"s.>"}, {.batch = 2});
    if (!at_least(2, 11)) {
        EXPECT_FALSE(b);
        return;
    }
    ASSERT_TRUE(b) << b.error().message();
    EXPECT_EQ(sequences(*b), "3 4 5 ") << "in two pages";
    EXPECT_EQ(b->up_to_sequence, 5U);
    const js::direct_batch then =
        js().direct_get_last_for("S", {"s.a", "s.b"}, {.up_to_sequence = 4}).value();
    EXPECT_EQ(sequences(then), "2 3 ");
    EXPECT_EQ(code_of(js().direct_get_last_for("S", {"s.none"})), errc::message_not_found);
}

} // namespace
} // namespace nats::test
