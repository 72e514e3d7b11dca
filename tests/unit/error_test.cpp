// SPDX-License-Identifier: Apache-2.0
//
// Errors are data: every code has a sentence of its own, control characters never reach a terminal,
// and value() throws what can be asked why.

#include <natsproto/error.hpp>

#include <natsproto/result.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <system_error>
#include <vector>

using namespace std::string_literals;

namespace nats::test {

namespace {

/// The codes that have a sentence: `describe` names a group's last one.
std::vector<errc> all_codes() {
    std::vector<errc> out;
    for (const auto& [first, last] : {std::pair{errc::invalid_argument, errc::file_unreadable},
                                      std::pair{errc::protocol_error, errc::missing_crlf},
                                      std::pair{errc::authorization_violation, errc::server_error},
                                      std::pair{errc::timeout, errc::credentials_exposed},
                                      std::pair{errc::eof, errc::write_stalled},
                                      std::pair{errc::tls_failed, errc::tls_rejected_by_verifier},
                                      std::pair{errc::nkeys_not_supported, errc::crypto_failed},
                                      std::pair{errc::jetstream_error, errc::ingest_incomplete},
                                      std::pair{errc::invalid_key, errc::ttl_not_supported},
                                      std::pair{errc::object_not_found, errc::object_changing},
                                      std::pair{errc::service_error, errc::invalid_service_name}}) {
        for (auto i = static_cast<int>(first); i <= static_cast<int>(last); ++i)
            out.push_back(static_cast<errc>(i));
    }
    return out;
}

} // namespace

TEST(error, every_code_has_a_sentence_of_its_own) {
    std::set<std::string_view> seen;
    for (const errc code : all_codes()) {
        const std::string_view text = describe(code);
        EXPECT_FALSE(text.empty()) << static_cast<int>(code);
        EXPECT_NE(text, "unknown error") << static_cast<int>(code);
        EXPECT_NE(text.back(), '.') << text;
        EXPECT_TRUE(seen.insert(text).second) << "twice: " << text;
    }
    EXPECT_GT(seen.size(), 50U);
}

TEST(error, the_groups_of_codes_end_where_this_test_thinks) {
    for (const errc last :
         {errc::already_acknowledged, errc::missing_crlf, errc::server_error,
          errc::credentials_exposed, errc::write_stalled, errc::tls_rejected_by_verifier,
          errc::crypto_failed, errc::ingest_incomplete, errc::ttl_not_supported,
          errc::object_changing, errc::invalid_service_name}) {
        EXPECT_EQ(describe(static_cast<errc>(static_cast<int>(last) + 1)), "unknown error")
            << describe(last);
    }
}

TEST(error, numbers_that_are_no_codes_have_a_text_too) {
    for (const int value : {0, 99, 199, 299, 399, 999, 65535})
        EXPECT_EQ(describe(static_cast<errc>(value)), "unknown error");
}

TEST(error, codes_are_std_error_codes) {
    const std::error_code code = errc::no_responders;
    EXPECT_STREQ(code.category().name(), "nats");
    EXPECT_EQ(code.message(), describe(errc::no_responders));
    EXPECT_EQ(code, errc::no_responders);
    EXPECT_NE(code, errc::timeout);
    EXPECT_EQ(make_error_code(errc::eof).value(), 400);
    EXPECT_EQ(&error_category(), &code.category());
}

TEST(error, the_message_has_code_status_and_detail) {
    EXPECT_EQ(error(errc::timeout).message(), "timeout");
    EXPECT_EQ(error(errc::connect_failed, "localhost:4222").message(),
              "cannot connect: localhost:4222");
    EXPECT_EQ(error(errc::no_responders, 503, "greet").message(),
              "no responders (status 503): greet");
    EXPECT_EQ(error(errc::no_responders, 503, "").message(), "no responders (status 503)");
}

TEST(error, the_message_escapes_control_characters) {
    EXPECT_EQ(error(errc::server_error, "a\r\n\0\x1b[2J\x7f"s).message(),
              "the server reported an error: a\\x0d\\x0a\\x00\\x1b[2J\\x7f");
    EXPECT_EQ(error(errc::server_error, "a\r\n").detail(), "a\r\n"); // as it came
}

TEST(error, comparison) {
    EXPECT_EQ(error(errc::timeout, "a"), errc::timeout); // the code alone
    EXPECT_NE(error(errc::timeout, "a"), errc::eof);
    EXPECT_EQ(error(errc::timeout, "a"), error(errc::timeout, "a"));
    EXPECT_NE(error(errc::timeout, "a"), error(errc::timeout, "b"));
    EXPECT_NE(error(errc::timeout, 503, "a"), error(errc::timeout, 404, "a"));
    EXPECT_NE(error(errc::timeout, "a"), error(errc::eof, "a"));
}

TEST(error, printable_escapes_every_control_character_and_nothing_else) {
    for (int b = 0; b < 128; ++b) {
        const char c = static_cast<char>(b);
        const std::string out = printable(std::string(1, c));
        if (b >= 0x20 && b != 0x7f) {
            EXPECT_EQ(out, std::string(1, c));
        } else {
            constexpr std::string_view hex = "0123456789abcdef";
            EXPECT_EQ(out, std::string("\\x") + hex[static_cast<unsigned>(b) >> 4U] +
                               hex[static_cast<unsigned>(b) & 15U]);
        }
    }
    EXPECT_EQ(printable(""), "");
    EXPECT_EQ(printable("say \"hi\" \\ it's"), "say \"hi\" \\ it's");
}

TEST(error, printable_leaves_utf8_alone) {
    const std::string text = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80";
    EXPECT_EQ(printable(text), text);
}

TEST(error, printable_escapes_the_control_characters_of_utf8) {
    EXPECT_EQ(printable("a\xc2\x9b"
                        "31m"),
              "a\\xc2\\x9b31m"); // CSI: colours, and worse
    EXPECT_EQ(printable("\xc2\x80\xc2\xa0"), "\\xc2\\x80\xc2\xa0");
    EXPECT_EQ(printable("\xc2"), "\xc2");
}

TEST(error, value_throws_an_exception_that_says_why) {
    const result<int> good = 5;
    EXPECT_EQ(good.value(), 5);
    const result<int> bad = error{errc::connect_failed, "localhost:4222\n"};
    try {
        (void)bad.value();
        FAIL() << "nothing was thrown";
    } catch (const exception& e) {
        EXPECT_EQ(e.why(), errc::connect_failed);
        EXPECT_EQ(e.why().detail(), "localhost:4222\n");
        EXPECT_STREQ(e.what(), "cannot connect: localhost:4222\\x0a");
    }
    const result<void> nothing = error{errc::timeout};
    EXPECT_THROW(nothing.value(), exception);
    EXPECT_THROW(nothing.value(), std::runtime_error);
}

} // namespace nats::test
