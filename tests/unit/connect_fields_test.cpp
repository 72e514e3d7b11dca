// SPDX-License-Identifier: Apache-2.0
//
// The JSON of CONNECT: exact bytes, every string that a JSON reader must get back, everything that
// is not UTF-8, and no credential in memory that was freed on the way.

#include <natsproto/wire/connect_fields.hpp>

#include <natsproto/random.hpp>

#include "unit/freed_memory.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <string>

using namespace std::string_literals;

namespace nats::test {

namespace {

using wire::connect_fields;
using wire::write_connect_json;

std::string json_of(const connect_fields& fields) {
    const result<secret> json = write_connect_json(fields);
    EXPECT_TRUE(json);
    return json ? std::string(json->view()) : "";
}

/// How `s` is written, with its quotes.
std::string written(std::string_view s) {
    connect_fields fields;
    fields.signature = s; // the last member
    const std::string json = json_of(fields);
    const std::size_t at = json.find("\"sig\":");
    return at == std::string::npos ? json : json.substr(at + 6, json.size() - at - 7);
}

/// Whether Boost.JSON, another implementation, reads `s` as a string.
bool boost_reads(const std::string& s) {
    boost::json::error_code ec;
    (void)boost::json::parse('"' + s + '"', ec);
    return !ec;
}

TEST(connect_fields, bytes) {
    connect_fields fields;
    fields.library_version = "1";
    EXPECT_EQ(
        json_of(fields),
        R"({"verbose":false,"pedantic":false,"tls_required":false,"echo":true,"headers":true,)"
        R"("no_responders":true,"protocol":1,"lang":"cpp","version":"1"})");
    fields.verbose = fields.pedantic = fields.tls_required = true;
    fields.echo = fields.headers = fields.no_responders = false;
    fields.protocol = -2147483647 - 1;
    fields.name = "n";
    fields.user = "u";
    fields.password = "p";
    fields.token = "t";
    fields.jwt = "j";
    fields.nkey = "k";
    fields.signature = "s";
    fields.lang = "l";
    EXPECT_EQ(json_of(fields),
              R"({"verbose":true,"pedantic":true,"tls_required":true,"echo":false,"headers":false,)"
              R"("no_responders":false,"protocol":-2147483648,"name":"n","lang":"l","version":"1",)"
              R"("user":"u","pass":"p","auth_token":"t","jwt":"j","nkey":"k","sig":"s"})");
}

TEST(connect_fields, escapes) {
    EXPECT_EQ(written("a\"b\\c/d"), R"("a\"b\\c/d")");
    EXPECT_EQ(written("\b\f\n\r\t"), R"("\b\f\n\r\t")");
    EXPECT_EQ(written("\x01\x0b\x1f\x7f "s), "\"\\u0001\\u000b\\u001f\x7f \"");
    EXPECT_EQ(written("a\0b"s), R"("a\u0000b")");
    EXPECT_EQ(written("\""), R"("\"")");
    EXPECT_EQ(written("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
              "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

TEST(connect_fields, one_byte_strings) {
    for (int c = 0; c < 256; ++c) {
        const std::string s(1, static_cast<char>(c));
        connect_fields fields;
        fields.password = s;
        const result<secret> json = write_connect_json(fields);
        ASSERT_EQ(json.has_value(), c < 0x80) << c;
        if (!json) continue;
        const boost::json::value read = boost::json::parse(std::string(json->view()));
        EXPECT_EQ(std::string(read.at("pass").as_string()), s) << c;
    }
}

TEST(connect_fields, every_start_of_utf8) {
    // First byte, second byte at each bound, with the right and a wrong number of further bytes.
    for (int first = 0x80; first < 256; ++first) {
        for (const int second : {0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0}) {
            for (std::size_t more = 0; more < 4; ++more) {
                for (const char third : {'\x80', '\xbf', '\x7f', '\xc0'}) {
                    std::string s{static_cast<char>(first), static_cast<char>(second)};
                    s.append(more, third);
                    connect_fields fields;
                    fields.name = s;
                    // DEL and the like are plain characters to both.
                    EXPECT_EQ(write_connect_json(fields).has_value(), boost_reads(s))
                        << first << ' ' << second << ' ' << more;
                }
            }
        }
    }
}

TEST(connect_fields, a_view_that_ends_inside_a_character) {
    for (const std::string_view whole : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
        for (std::size_t size = 1; size <= whole.size(); ++size) {
            connect_fields fields;
            fields.name = whole.substr(0, size); // what follows it in memory is no part of it
            EXPECT_EQ(write_connect_json(fields).has_value(), size == whole.size());
        }
    }
}

TEST(connect_fields, random_strings_come_back) {
    seeded_random random(5);
    int good = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string s;
        for (std::uint64_t n = random.below(12); n-- > 0;) {
            static const std::string pieces[] = {"a",        "\"",       "\\",   "\n",
                                                 "\0"s,      "\xc3\xa9", "\x1f", "\xf0\x9f\x98\x80",
                                                 "\xe2\x82", "\x7f",     "u0041"};
            // The one that is broken comes seldom.
            const std::uint64_t piece = random.below(std::size(pieces));
            s += piece == 8 && random.below(8) != 0 ? "b" : pieces[piece];
        }
        connect_fields fields;
        fields.token = s;
        const result<secret> json = write_connect_json(fields);
        if (!json) {
            EXPECT_NE(s.find("\xe2\x82"), std::string::npos);
            continue;
        }
        ++good;
        const boost::json::value read = boost::json::parse(std::string(json->view()));
        EXPECT_EQ(s.empty() ? s : std::string(read.at("auth_token").as_string()), s);
    }
    EXPECT_GT(good, 3000);
}

TEST(connect_fields, text_that_is_not_utf8_is_refused_in_every_field) {
    for (std::string_view connect_fields::* member :
         {&connect_fields::name, &connect_fields::user, &connect_fields::password,
          &connect_fields::token, &connect_fields::jwt, &connect_fields::nkey,
          &connect_fields::signature, &connect_fields::lang, &connect_fields::library_version}) {
        connect_fields fields;
        fields.*member = "s3cret\xff";
        const result<secret> json = write_connect_json(fields);
        ASSERT_FALSE(json);
        EXPECT_EQ(json.error(), errc::invalid_argument);
        EXPECT_EQ(json.error().message().find("s3cret"), std::string::npos);
    }
}

TEST(connect_fields, leaves_no_credential_in_freed_memory) {
    static constexpr std::string_view needle = "a needle for CONNECT";
    const std::string filler(3000, 'x'); // so that it has to grow
    connect_fields fields;
    fields.user = needle;
    fields.password = filler;
    fields.token = needle;
    fields.jwt = filler;
    fields.signature = needle;
    const freed_memory memory(needle);
    EXPECT_TRUE(write_connect_json(fields));
    fields.password = "\xff";
    EXPECT_FALSE(write_connect_json(fields));
    EXPECT_GT(memory.blocks(), 3U);
    EXPECT_EQ(memory.found(), 0U);
}

} // namespace

} // namespace nats::test
