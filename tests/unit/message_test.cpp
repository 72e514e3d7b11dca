// SPDX-License-Identifier: Apache-2.0
//
// A message that owns its bytes is the message that was received, whatever happens to the view that
// it came from; and which messages count as "no responders".

#include <natsproto/message.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

using namespace std::string_literals;

namespace nats::test {

namespace {

message_view view_of(std::string_view header, std::string_view payload) {
    return {"a", {}, header_view(header), payload};
}

} // namespace

TEST(message, owns_its_bytes) {
    auto bytes = std::make_unique<std::string>("subject reply NATS/1.0\r\nA: b\r\n\r\n pay\0load"s);
    const std::string_view all = *bytes;
    const message m(message_view{all.substr(0, 7), all.substr(8, 5),
                                 header_view(all.substr(14, 18)), all.substr(33)});
    bytes.reset(); // a sanitizer sees it when it is still used
    EXPECT_EQ(m.subject(), "subject");
    EXPECT_EQ(m.reply(), "reply");
    EXPECT_EQ(m.headers().raw(), "NATS/1.0\r\nA: b\r\n\r\n");
    EXPECT_EQ(m.headers().get("A"), "b");
    EXPECT_EQ(m.payload(), "pay\0load"s);
    EXPECT_EQ(m.size(), 18U + 8U);
    ASSERT_EQ(m.payload_bytes().size(), 8U);
    EXPECT_EQ(m.payload_bytes()[3], std::byte{0});
}

TEST(message, empty_parts_are_empty) {
    const message m(message_view{"a", {}, {}, {}});
    EXPECT_EQ(m.subject(), "a");
    EXPECT_TRUE(m.reply().empty());
    EXPECT_TRUE(m.headers().empty());
    EXPECT_TRUE(m.payload().empty());
    EXPECT_TRUE(m.payload_bytes().empty());
    EXPECT_EQ(m.size(), 0U);
    EXPECT_EQ(m.status(), 0);
    const message nothing(message_view{});
    EXPECT_TRUE(nothing.subject().empty());
}

TEST(message, assigned_in_the_memory_that_it_has_if_that_is_enough) {
    message m(view_of("NATS/1.0\r\nA: b\r\n\r\n", "a long payload"));
    const char* const before = m.payload().data() - m.headers().raw().size() - 1;
    m.assign({"s", "r", {}, "shorter"});
    EXPECT_EQ(m.subject().data(), before) << "the same memory";
    EXPECT_EQ(m.subject(), "s");
    EXPECT_EQ(m.reply(), "r");
    EXPECT_TRUE(m.headers().empty());
    EXPECT_EQ(m.payload(), "shorter");
    m.assign(view_of("NATS/1.0\r\nA: b\r\n\r\n", "a long payload"));
    EXPECT_EQ(m.subject().data(), before) << "it still has all of it";
    EXPECT_EQ(m.payload(), "a long payload");
}

TEST(message, assigned_more_than_it_has_room_for) {
    message m;
    m.assign({"a", {}, {}, "1"});
    EXPECT_EQ(m.payload(), "1");
    const std::string large(10'000, 'x');
    m.assign({"a", {}, {}, large});
    EXPECT_EQ(m.payload(), large);
}

TEST(message, no_message_is_empty) {
    const message m;
    EXPECT_TRUE(m.subject().empty());
    EXPECT_TRUE(m.payload().empty());
    EXPECT_TRUE(m.headers().empty());
    EXPECT_EQ(m.size(), 0U);
    EXPECT_FALSE(m.is_no_responders());
    EXPECT_TRUE(m.clone().subject().empty());
}

TEST(message, views_stay_valid_across_a_move) {
    message first(message_view{"subject", "reply", {}, "payload"});
    const message_view view = first.view();
    message second(std::move(first));
    EXPECT_EQ(view.subject, "subject");
    EXPECT_EQ(view.subject.data(), second.subject().data());
    // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): it is an empty one now
    EXPECT_TRUE(first.subject().empty());
    // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    first = std::move(second);
    EXPECT_EQ(view.payload.data(), first.payload().data());
    const message_view converted = first;
    EXPECT_EQ(converted.reply, "reply");
}

TEST(message, a_clone_is_independent) {
    auto original =
        std::make_unique<message>(message_view{"s", "r", header_view("NATS/1.0\r\n\r\n"), "p"});
    const message copy = original->clone();
    EXPECT_NE(copy.payload().data(), original->payload().data());
    original.reset();
    EXPECT_EQ(copy.subject(), "s");
    EXPECT_EQ(copy.reply(), "r");
    EXPECT_EQ(copy.headers().raw(), "NATS/1.0\r\n\r\n");
    EXPECT_EQ(copy.payload(), "p");
}

TEST(message, no_responders_is_a_503_without_payload) { // SEC-M12
    const struct {
        const char* header;
        const char* payload;
        bool is;
    } cases[] = {
        {"NATS/1.0 503\r\n\r\n", "", true},
        {"NATS/1.0 503 No Responders\r\n\r\n", "", true},
        {"NATS/1.0 503\r\nNats-Subject: a\r\n\r\n", "", true},
        {"NATS/1.0 503\r\n\r\n", "x", false},
        {"NATS/1.0 404\r\n\r\n", "", false},
        {"NATS/1.0 5030\r\n\r\n", "", false},
        {"NATS/1.0 50\r\n\r\n", "", false},
        {"NATS/1.0\r\nStatus: 503\r\n\r\n", "", false},
        {"NATS/1.0\r\n\r\n", "", false},
        {"", "", false},
    };
    for (const auto& x : cases) {
        EXPECT_EQ(view_of(x.header, x.payload).is_no_responders(), x.is) << x.header;
        EXPECT_EQ(message(view_of(x.header, x.payload)).is_no_responders(), x.is) << x.header;
    }
}

TEST(message, the_size_counts_headers_and_payload) {
    EXPECT_EQ(view_of("NATS/1.0\r\n\r\n", "12345").size(), 17U);
    EXPECT_EQ(view_of("", "12345").size(), 5U);
    EXPECT_EQ(view_of("NATS/1.0 404 Not Found\r\n\r\n", "").status(), 404);
    EXPECT_EQ(view_of("", "x").payload_bytes().front(), std::byte{'x'});
}

} // namespace nats::test
