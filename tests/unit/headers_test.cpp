// SPDX-License-Identifier: Apache-2.0
//
// The header builder (ADR-4, HDR-01 to HDR-05, HDR-07, HDR-10): always a valid block, in order,
// with nothing on the wire that could end a line early. What is received and read is in
// header_view_test.cpp.

#include <natsproto/headers.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace std::string_literals;

namespace nats::test {

namespace {

using strings = std::vector<std::string_view>;

headers of(std::initializer_list<header_field> fields) {
    headers h;
    for (const header_field& f : fields) EXPECT_TRUE(h.add(f.name, f.value)) << f.name;
    return h;
}

void expect_refused(const std::string& name, const std::string& value) {
    headers h = of({{"Kept", "1"}});
    const std::string before(h.view().raw());
    for (const result<void>& r : {h.set(name, value), h.add(name, value)}) {
        ASSERT_FALSE(r) << printable(name) << ": " << printable(value);
        EXPECT_EQ(r.error(), errc::invalid_header);
    }
    EXPECT_EQ(h.view().raw(), before);
}

} // namespace

TEST(headers, empty_has_no_block) {
    const headers h;
    EXPECT_TRUE(h.empty());
    EXPECT_TRUE(h.view().empty());
    EXPECT_EQ(h.view().raw(), "");
    EXPECT_EQ(h.get("A"), std::nullopt);
    EXPECT_TRUE(h.values("A").empty());
}

TEST(headers, exact_bytes) {
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nA: b\r\n\r\n");
    ASSERT_TRUE(h.add("C", ""));
    EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nA: b\r\nC: \r\n\r\n");
    EXPECT_TRUE(h.view().well_formed());
    const header_view converted = h;
    EXPECT_EQ(converted.raw(), h.view().raw());
}

TEST(headers, set_replaces_and_add_appends) {
    headers h;
    ASSERT_TRUE(h.add("A", "1"));
    ASSERT_TRUE(h.add("B", "x"));
    ASSERT_TRUE(h.add("A", "2"));
    EXPECT_EQ(h.values("A"), (strings{"1", "2"}));
    EXPECT_EQ(h.get("A"), "1");
    ASSERT_TRUE(h.set("A", "3"));
    EXPECT_EQ(h.values("A"), strings{"3"});
    EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nB: x\r\nA: 3\r\n\r\n");
}

TEST(headers, names_are_case_sensitive_and_kept) {
    headers h = of({{"Key", "1"}, {"key", "2"}, {"KEY", "3"}});
    EXPECT_EQ(h.get("Key"), "1");
    EXPECT_EQ(h.get("key"), "2");
    EXPECT_EQ(h.get("kEY"), std::nullopt);
    EXPECT_EQ(h.erase("key"), 1U);
    EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nKey: 1\r\nKEY: 3\r\n\r\n");
}

TEST(headers, erase_removes_all_values_and_says_how_many) {
    headers h = of({{"A", "1"}, {"B", "2"}, {"A", "3"}});
    EXPECT_EQ(h.erase("X"), 0U);
    EXPECT_EQ(h.erase("A"), 2U);
    EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nB: 2\r\n\r\n");
    EXPECT_EQ(h.erase("B"), 1U);
    EXPECT_TRUE(h.empty());
    EXPECT_EQ(h.view().raw(), ""); // nothing to send
    EXPECT_EQ(h.erase("B"), 0U);
    ASSERT_TRUE(h.add("C", "4"));
    EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nC: 4\r\n\r\n");
    h.clear();
    EXPECT_TRUE(h.empty());
}

TEST(headers, every_printable_character_but_the_colon_can_stand_in_a_name) {
    for (int b = 0; b < 256; ++b) {
        const bool valid = b > 32 && b < 127 && b != ':';
        for (const std::string& name :
             {std::string(1, static_cast<char>(b)), "a" + std::string(1, static_cast<char>(b)),
              std::string(1, static_cast<char>(b)) + "a"}) {
            EXPECT_EQ(is_header_name(name), valid) << b;
            if (!valid) expect_refused(name, "v");
        }
    }
    EXPECT_FALSE(is_header_name(""));
    expect_refused("", "v");
    expect_refused("A: b\r\nB", "v");
}

TEST(headers, line_breaks_and_nul_never_stand_in_a_value) {
    for (const std::string& value :
         {"\r"s, "\n"s, "\0"s, "a\rb"s, "a\nb"s, "a\r\nB: c"s, "a\0"s, "\r\n\r\nPING"s}) {
        EXPECT_FALSE(is_header_value(value));
        expect_refused("A", value);
    }
    for (const std::string& value :
         {""s, " "s, "a b"s, "\t"s, "a:b"s, "\xc3\xa9"s, "\xff"s, "\x01\x7f"s}) {
        EXPECT_TRUE(is_header_value(value));
        headers h;
        EXPECT_TRUE(h.set("A", value));
        EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nA: " + value + "\r\n\r\n");
    }
}

TEST(headers, refusals_show_the_name_escaped_and_not_the_value) {
    headers h;
    EXPECT_EQ(h.set("A\n", "v").error().message(), "invalid header: name \"A\\x0a\"");
    EXPECT_EQ(h.add("A", "secret\n").error().message(), "invalid header: value of A");
}

TEST(headers, arguments_may_be_views_into_the_headers_themselves) {
    headers h = of({{"First", "a value of some length that does not fit into a short string"},
                    {"Second", "b"}});
    const std::string value(*h.get("First"));
    ASSERT_TRUE(h.add("Third", *h.get("First")));
    EXPECT_EQ(h.get("Third"), value);
    ASSERT_TRUE(h.set("First", *h.get("First")));
    EXPECT_EQ(h.values("First"), strings{value});
    ASSERT_TRUE(h.set("Second", *h.get("First")));
    EXPECT_EQ(h.get("Second"), value);
    const std::string_view name = h.view().begin()->name; // "Third"
    ASSERT_TRUE(h.set(name, "new"));
    EXPECT_EQ(h.values("Third"), strings{"new"});
    ASSERT_TRUE(h.add(h.view().begin()->name, h.view().begin()->value));
    EXPECT_EQ(h.erase(h.view().begin()->name), 2U);
    EXPECT_TRUE(h.view().well_formed());
}

TEST(headers, a_thousand_keys) {
    headers h;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(h.add("Key-" + std::to_string(i), std::string(100, 'v')));
    EXPECT_TRUE(h.view().well_formed());
    EXPECT_EQ(h.get("Key-999"), std::string(100, 'v'));
    EXPECT_EQ(h.get("Key-1000"), std::nullopt);
    int n = 0;
    for (const header_field& f : h.view()) {
        EXPECT_EQ(f.name, "Key-" + std::to_string(n));
        ++n;
    }
    EXPECT_EQ(n, 1000);
    ASSERT_TRUE(h.set("Key-500", "x"));
    EXPECT_EQ(h.erase("Key-0"), 1U);
    EXPECT_EQ(h.get("Key-500"), "x");
}

TEST(headers, a_copy_of_received_ones_can_be_changed) {
    headers h = headers::copy_of(header_view("NATS/1.0\r\nA: 1\r\nB:2\r\nA:\t3 \r\n\r\n"));
    EXPECT_EQ(h.view().raw(),
              "NATS/1.0\r\nA: 1\r\nB: 2\r\nA: 3 \r\n\r\n"); // as it came but for the start
    ASSERT_TRUE(h.set("A", "4"));
    EXPECT_EQ(h.view().raw(), "NATS/1.0\r\nB: 2\r\nA: 4\r\n\r\n");
}

TEST(headers, a_copy_leaves_out_what_must_not_be_sent) {
    const struct {
        std::string received;
        std::string copy;
    } cases[] = {
        {"", ""},
        {"NATS/1.0\r\n\r\n", ""},
        {"NATS/1.0 503 No Responders\r\n\r\n", ""}, // the status
        {"NATS/1.0 100\r\nA: 1\r\n\r\n", "NATS/1.0\r\nA: 1\r\n\r\n"},
        {"NATS/1.0\r\nno colon\r\nA: 1\r\n\r\n", "NATS/1.0\r\nA: 1\r\n\r\n"},
        {"NATS/1.0\r\n: no name\r\nA: 1\r\n\r\n", "NATS/1.0\r\nA: 1\r\n\r\n"},
        {"NATS/1.0\r\nA b: 1\r\nA : 2\r\nA: 1\r\n\r\n", "NATS/1.0\r\nA: 1\r\n\r\n"},
        {"NATS/1.0\r\nX: a\rb\r\nA: 1\r\n\r\n", "NATS/1.0\r\nA: 1\r\n\r\n"},
        {"NATS/1.0\r\nX: a\0b\r\nA: 1\r\n\r\n"s, "NATS/1.0\r\nA: 1\r\n\r\n"},
        {"NATS/1.0\r\nX: a\r\n b\r\n\t c\r\nA: 1\r\n\r\n",
         "NATS/1.0\r\nX: a b c\r\nA: 1\r\n\r\n"}, // unfolded
        {"garbage", ""},
    };
    for (const auto& x : cases)
        EXPECT_EQ(headers::copy_of(header_view(x.received)).view().raw(), x.copy)
            << printable(x.received);
}

TEST(headers, unfolding) {
    EXPECT_EQ(unfold(""), "");
    EXPECT_EQ(unfold("plain"), "plain");
    EXPECT_EQ(unfold("a\r\n b"), "a b");
    EXPECT_EQ(unfold("a \t\r\n \t b\n c"), "a b c");
    EXPECT_EQ(unfold("\r\n b"), "b");
    EXPECT_EQ(unfold("a\r\n \t\r\n b\n "), "a b");
    EXPECT_EQ(unfold(" not folded\t"), " not folded\t");
}

} // namespace nats::test
