// SPDX-License-Identifier: Apache-2.0
//
// What may stand in subjects, queue groups and inbox prefixes (specification 2.4, SEC-I1), and
// which subjects a pattern matches.

#include <natsproto/subject.hpp>

#include <gtest/gtest.h>

#include <string>

using namespace std::string_literals;

namespace nats::test {

namespace {

const std::string never_subjects[] = {"",     ".",     "..",    ".a",    "a.",     "a..b", "a...b",
                                      " ",    "a b",   "a. ",   "a\tb",  "a\rb",   "a\nb", "a\0b"s,
                                      "\0"s,  "a\x01", "a\x1f", "a\x7f", "a.\n.b", " a",   "a ",
                                      "\r\n", "*.",    ".*",    ">.",    ".>"};
const std::string concrete_subjects[] = {
    "a",        "A",      "a.b",    "a.b.c.d.e.f",
    "_INBOX.x", "$SYS.a", "a*",     "*a",
    "a*b",      ">a",     "f>o",    "**",
    ">>",       "*>",     "a.b>",   "gr\xc3\xbc\xc3\x9f.\xe2\x82\xac",
    "\xff\xfe", "a\"b'c", "a/b\\c", "-",
    "!~"};

} // namespace

TEST(subject, what_is_never_one) {
    for (const std::string& s : never_subjects) {
        EXPECT_FALSE(is_publish_subject(s)) << s;
        EXPECT_FALSE(is_subscribe_subject(s)) << s;
        EXPECT_FALSE(is_inbox_prefix(s)) << s;
    }
}

TEST(subject, what_can_be_published_and_subscribed_to) {
    for (const std::string& s : concrete_subjects) {
        EXPECT_TRUE(is_publish_subject(s)) << s;
        EXPECT_TRUE(is_subscribe_subject(s)) << s;
        EXPECT_TRUE(is_inbox_prefix(s)) << s;
    }
}

TEST(subject, wildcards_are_for_subscriptions_only) {
    for (const char* s : {"*", ">", "a.*", "*.a", "a.*.b", "a.>", "*.>", "*.*"}) {
        EXPECT_FALSE(is_publish_subject(s)) << s;
        EXPECT_FALSE(is_inbox_prefix(s)) << s;
        EXPECT_TRUE(is_subscribe_subject(s)) << s;
    }
    for (const char* s : {">.a", "a.>.b", ">.>", ">.*"}) {
        EXPECT_FALSE(is_publish_subject(s)) << s;
        EXPECT_FALSE(is_subscribe_subject(s)) << s;
    }
}

TEST(subject, every_byte_that_ends_a_command_is_refused_everywhere) {
    for (int b = 0; b < 256; ++b) {
        const bool refused = b <= 0x20 || b == 0x7f;
        for (const std::string& s : {"x"s, "xy"s, "x.y"s}) {
            for (std::size_t at = 0; at <= s.size(); ++at) {
                const std::string with = std::string(s).insert(at, 1, static_cast<char>(b));
                if (refused) {
                    EXPECT_FALSE(is_publish_subject(with)) << b;
                    EXPECT_FALSE(is_subscribe_subject(with)) << b;
                    EXPECT_FALSE(is_queue_group(with)) << b;
                } else if (b != '.' && b != '*' && b != '>') {
                    EXPECT_TRUE(is_publish_subject(with)) << b;
                    EXPECT_TRUE(is_subscribe_subject(with)) << b;
                    EXPECT_TRUE(is_queue_group(with)) << b;
                }
            }
        }
    }
}

// A check that looks at several bytes at a time must look at all of them.
TEST(subject, a_wrong_byte_is_found_at_every_place_of_every_length) {
    for (std::size_t length = 1; length <= 140; ++length) {
        const std::string good(length, 'x');
        EXPECT_TRUE(is_publish_subject(good)) << length;
        EXPECT_TRUE(is_queue_group(good)) << length;
        for (std::size_t at = 0; at < length; ++at) {
            for (const char wrong : {' ', '\n', '\x7f', '\0'}) {
                std::string bad = good;
                bad[at] = wrong;
                ASSERT_FALSE(is_publish_subject(bad)) << length << ' ' << at;
                ASSERT_FALSE(is_subscribe_subject(bad)) << length << ' ' << at;
                ASSERT_FALSE(is_queue_group(bad)) << length << ' ' << at;
            }
            std::string dot = good;
            dot[at] = '.';
            ASSERT_EQ(is_publish_subject(dot), at != 0 && at + 1 != length) << length << ' ' << at;
            if (at + 1 == length) continue;
            std::string dots = good;
            dots[at] = dots[at + 1] = '.';
            ASSERT_FALSE(is_subscribe_subject(dots)) << length << ' ' << at;
            if (at + 2 >= length) continue;
            std::string wildcard = good;
            wildcard.replace(at, 3, ".*.");
            ASSERT_FALSE(is_publish_subject(wildcard)) << length << ' ' << at;
            ASSERT_EQ(is_subscribe_subject(wildcard), at != 0 && at + 3 != length)
                << length << ' ' << at;
            wildcard.replace(at, 3, ".>.");
            ASSERT_FALSE(is_subscribe_subject(wildcard)) << length << ' ' << at;
        }
    }
}

TEST(subject, queue_groups) {
    for (const char* s : {"q", "a.b", "a..b", ".", "*", ">", "\xc3\xa9"})
        EXPECT_TRUE(is_queue_group(s)) << s;
    for (const std::string& s : {""s, " "s, "a b"s, "a\t"s, "\r"s, "\n"s, "\0"s, "\x7f"s})
        EXPECT_FALSE(is_queue_group(s)) << s;
}

TEST(subject, matching) {
    const struct {
        const char* pattern;
        const char* subject;
        bool matches;
    } cases[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"a", "A", false},
        {"a.b", "a.b", true},
        {"a.b", "a", false},
        {"a", "a.b", false},
        {"a.b", "a.bc", false},
        {"a.bc", "a.b", false},
        {"*", "a", true},
        {"*", "a.b", false},
        {"*.*", "a.b", true},
        {"*.b", "a.b", true},
        {"a.*", "a.b", true},
        {"a.*", "a", false},
        {"a.*.c", "a.b.c", true},
        {"a.*.c", "a.b.d", false},
        {">", "a", true},
        {">", "a.b.c", true},
        {"a.>", "a", false},
        {"a.>", "a.b", true},
        {"a.>", "a.b.c.d", true},
        {"a.>", "b.c", false},
        {"*.>", "a", false},
        {"*.>", "a.b", true},
        {"a*", "a*", true},
        {"a*", "ab", false},
        {"f>o", "f>o", true},
        {"f>o", "foo", false},
        {"_INBOX.x.*", "_INBOX.x.1", true},
        {"a.b.c", "a.b.c.d", false},
    };
    for (const auto& x : cases)
        EXPECT_EQ(subject_matches(x.pattern, x.subject), x.matches)
            << x.pattern << ' ' << x.subject;
}

} // namespace nats::test
