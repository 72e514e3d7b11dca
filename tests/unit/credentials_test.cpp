// SPDX-License-Identifier: Apache-2.0
//
// The text of a .creds file: the forms that are accepted, and that all others are an error which
// shows nothing of the text (AUT-08).

#include <natsproto/auth/credentials.hpp>

#include <natsproto/random.hpp>

#include "core/auth/decorated.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace std::string_literals;

namespace nats::test {

namespace {

const std::string jwt = "eyJ0eXAi.eyJqdGki.c2ln-_a=";
const std::string seed = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y";

/// As nsc writes it.
std::string creds_file() {
    return "-----BEGIN NATS USER JWT-----\n" + jwt +
           "\n------END NATS USER JWT------\n\n"
           "************************* IMPORTANT *************************\n"
           "NKEY Seed printed below can be used to sign and prove identity.\n"
           "NKEYs are sensitive and should be treated as secrets.\n\n"
           "-----BEGIN USER NKEY SEED-----\n" +
           seed +
           "\n------END USER NKEY SEED------\n\n"
           "*************************************************************\n";
}
std::string short_file() {
    return "---j---\n" + jwt + "\n---j---\n---s---\n" + seed + "\n---s---\n";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

/// `form` with the JWT for $J and the seed for $S.
std::string filled(const char* form) {
    return replaced(replaced(form, "$J", jwt), "$S", seed);
}

void expect_parsed(const std::string& text) {
    const result<credentials> c = parse_credentials(text);
    ASSERT_TRUE(c) << c.error().message();
    EXPECT_EQ(c->jwt, jwt);
    EXPECT_EQ(c->seed, seed);
    // Views into the text.
    EXPECT_GE(c->jwt.data(), text.data());
    EXPECT_LE(c->seed.data() + c->seed.size(), text.data() + text.size());
}

void expect_refused(const std::string& text, std::string_view why) {
    const result<credentials> c = parse_credentials(text);
    ASSERT_FALSE(c) << why;
    EXPECT_EQ(c.error(), errc::invalid_credentials);
    EXPECT_EQ(c.error().detail(), why);
}

TEST(credentials, as_nsc_writes_them) {
    expect_parsed(creds_file());
}

TEST(credentials, forms_that_are_accepted) {
    expect_parsed(short_file());
    expect_parsed(replaced(creds_file(), "\n", "\r\n"));
    expect_parsed(replaced(creds_file(), "\n", "\n  \t"));  // blanks before lines
    expect_parsed(replaced(creds_file(), "\n", " \t\r\n")); // and behind them
    expect_parsed(replaced(creds_file(), "\n", "\n\n\r\n"));
    expect_parsed("any text\n- - -\n--\n-----\nmore of it\n" + creds_file());
    expect_parsed("\xef\xbb\xbf" + creds_file()); // a byte order mark
    expect_parsed("\n\n\n" + creds_file());
    expect_parsed("------\n" + short_file()); // a rule before the first marker
    expect_parsed(replaced(short_file(), "---", "------------"));
    expect_parsed(replaced(short_file(), "---j---", "------")); // nothing between the dashes
    std::string no_end = short_file();
    no_end.pop_back();
    expect_parsed(no_end);
    no_end.push_back('\r');
    expect_parsed(no_end);
    expect_parsed(creds_file() + short_file() + "---x---\nthird\n---x---\n"); // the first two count
}

TEST(credentials, a_jwt_with_dashes_is_no_marker) {
    const std::string dashed = "eyJ0---eXAi.eyJqdGki.c2ln---";
    const std::string text = replaced(creds_file(), jwt, dashed);
    const result<credentials> c = parse_credentials(text);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->jwt, dashed);
}

TEST(credentials, without_blocks) {
    for (const char* form : {"",
                             "\n",
                             "$J",
                             "$S",
                             "$J\n$S\n",
                             "---",
                             "------",
                             "------\n",
                             "---j---\n---j---\n",
                             "---j---\n\n---j---\n",
                             "---j---\n$J\n",
                             "---j---\n$J\n--j--\n",
                             "--j--\n$J\n---j---\n",
                             "---j--\n$J\n---j---\n",
                             "-----\n$J\n-----\n",
                             "---j--- x\n$J\n---j---\n",
                             "---j---\n$J\nx ---j---\n",
                             "---j---\n$J\n$J\n---j---\n",
                             "---j---\n a b \n---j---\n",
                             "---j---\na,b\n---j---\n",
                             "---j---\n\xc3\xa9\n---j---\n",
                             "---j---\r$J\r---j---\r"})
        expect_refused(filled(form), "no block with a JWT");
    expect_refused(std::string(100'000, '-'), "no block with a JWT");
}

TEST(credentials, a_marker_serves_one_block) {
    expect_refused("---j---\n" + jwt + "\n---x---\n" + seed + "\n---s---\n",
                   "no block with a seed");
}

TEST(credentials, without_a_seed) {
    expect_refused("---j---\n" + jwt + "\n---j---\n", "no block with a seed");
    expect_refused("---j---\n" + jwt + "\n---j---\n" + seed + '\n', "no block with a seed");
    expect_refused(replaced(creds_file(), "------END USER NKEY SEED------", ""),
                   "no block with a seed");
    expect_refused(replaced(creds_file(), "-----BEGIN USER NKEY SEED-----", ""),
                   "no block with a seed");
}

TEST(credentials, a_seed_is_never_taken_for_a_jwt) {
    const std::string no_jwt = replaced(creds_file(), jwt, "broken, by hand");
    expect_refused(no_jwt, "the first block is not a JWT");
    expect_refused(replaced(creds_file(), jwt, seed), "the first block is not a JWT");
}

TEST(credentials, jwts_have_three_parts) {
    for (const char* good : {"a.b.c", "aZ09-_=.b.c", "eyJ.eyJ.sig"}) EXPECT_TRUE(is_jwt(good));
    for (const std::string& bad :
         {""s, "."s, ".."s, "a"s, "a.b"s, "a.b."s, ".b.c"s, "a..c"s, "a.b.c.d"s, "a.b.c."s,
          "a.b.c\n"s, " a.b.c"s, "a.b.c d"s, "a.b.\xff"s, "a.b.c/"s, "a.b.c+"s, "a.b.\0"s, seed})
        EXPECT_FALSE(is_jwt(bad)) << bad;
}

TEST(credentials, finds_jwts) {
    for (const char* form : {"$J", "$J\n", " \r\n$J \r\n", "---j---\n$J\n---j---\n",
                             "---j---\n$J\n---j---\n---s---\n$S\n---s---\n"})
        EXPECT_EQ(find_jwt(filled(form)), jwt);
    EXPECT_EQ(find_jwt(""), "");
    EXPECT_EQ(find_jwt("a b\nc"), "a b\nc"); // which is_jwt refuses
}

TEST(credentials, finds_seeds) {
    for (const char* form :
         {"$S", "$S\n", " \r\n$S \r\n", "---s---\n$S\n---s---\n",
          "---j---\n$J\n---j---\n---s---\n$S\n---s---\n", "# a note\n\tSOME words\n$S\n# more\n",
          "SHORT\n$S\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n$S\n",
          "SOMETHING-of-as-many-characters-as-a-seed-has,-but-no-word\n$S\n$J"})
        EXPECT_EQ(find_seed(filled(form)), seed);
    // The second block counts, whatever the lines look like.
    EXPECT_EQ(find_seed(filled("$S\n---j---\n$J\n---j---\n---s---\nother\n---s---\n")), "other");
    EXPECT_EQ(find_seed(""), "");
    EXPECT_EQ(find_seed("  short\n"), "short"); // which from_seed refuses
}

TEST(credentials, mutated_files_never_mix_the_two_up) {
    seeded_random random(7);
    const std::string pieces[] = {"-", "---", "\n",   "\r\n", "------\n",
                                  ".", " ",   "\xff", seed,   jwt};
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text = round % 2 == 0 ? creds_file() : short_file();
        for (std::uint64_t n = random.below(6); n-- > 0;) {
            const std::size_t at = random.below(text.size() + 1);
            if (random.below(2) == 0) {
                text.insert(at, pieces[random.below(std::size(pieces))]);
            } else {
                text.erase(at, random.below(40));
            }
        }
        (void)find_seed(text);
        const result<credentials> c = parse_credentials(text);
        if (!c) continue;
        ++accepted;
        ASSERT_TRUE(is_jwt(c->jwt));
        ASSERT_NE(c->jwt, seed);
        ASSERT_FALSE(c->seed.empty());
        ASSERT_EQ(c->seed.find_first_of("\r\n "), std::string_view::npos);
    }
    EXPECT_GT(accepted, 3000);
}

} // namespace

} // namespace nats::test
