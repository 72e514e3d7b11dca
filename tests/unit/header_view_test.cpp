// SPDX-License-Identifier: Apache-2.0
//
// Received header blocks (ADR-4, HDR-06, HDR-07, HDR-09, SEC-M11): any bytes are survived, what can
// be read is read, and well_formed() tells what is not as it should be.

#include <natsproto/headers.hpp>
#include <natsproto/random.hpp>

#include "support/transcript.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <vector>

using namespace std::string_literals;

namespace nats::test {

namespace {

using strings = std::vector<std::string_view>;

/// Every field as `name=value;`.
std::string fields_of(header_view h) {
    std::string out;
    for (const header_field& f : h) out.append(f.name).append("=").append(f.value).append(";");
    return out;
}

/// Asks a block everything that can be asked.
std::size_t ask_all(std::string_view bytes) {
    const exact_copy exact(bytes);
    const header_view h(exact.view());
    std::size_t n = h.status() + h.description().size() + (h.well_formed() ? 1U : 0U);
    for (const header_field& f : h) n += f.name.size() + f.value.size() + unfold(f.value).size();
    n += h.values("A").size() + (h.get("A") ? 1U : 0U) + (h.last("A") ? 1U : 0U);
    return n + headers::copy_of(h).view().raw().size();
}

} // namespace

TEST(header_view, reads_fields_in_order) {
    const header_view h(
        "NATS/1.0\r\nA: 1\r\nB:2\r\nA: \t 3 \r\nEmpty:\r\nBlank: \r\nTime: 10:20:30\r\n\r\n");
    EXPECT_EQ(fields_of(h), "A=1;B=2;A=3 ;Empty=;Blank=;Time=10:20:30;");
    EXPECT_EQ(h.get("A"), "1");
    EXPECT_EQ(h.last("A"), "3 ");
    EXPECT_EQ(h.values("A"), (strings{"1", "3 "}));
    EXPECT_EQ(h.get("Empty"), "");
    EXPECT_EQ(h.get("a"), std::nullopt);
    EXPECT_EQ(h.last("X"), std::nullopt);
    EXPECT_TRUE(h.values("X").empty());
    EXPECT_EQ(h.status(), 0);
    EXPECT_EQ(h.description(), "");
    EXPECT_TRUE(h.well_formed());
}

TEST(header_view, the_last_value_is_the_servers) {
    const header_view h("NATS/1.0\r\nNats-Stream: USER\r\nNats-Stream: KV_A\r\n\r\n");
    EXPECT_EQ(h.last("Nats-Stream"), "KV_A");
}

TEST(header_view, is_a_range_that_can_be_gone_over_twice) {
    const header_view h("NATS/1.0\r\nA: 1\r\nB: 2\r\n\r\n");
    EXPECT_EQ(std::distance(h.begin(), h.end()), 2);
    auto it = h.begin();
    const auto before = it++;
    EXPECT_EQ(before->name, "A");
    EXPECT_EQ(it->name, "B");
    EXPECT_EQ((*++h.begin()).value, "2");
    EXPECT_EQ(++it, h.end());
    EXPECT_EQ(header_view().begin(), header_view().end());
}

TEST(header_view, raw_bytes_are_unchanged) {
    const std::string block = "NATS/1.0 \r\n\0bad\rA :  x\n\xff\r\n"s;
    const header_view h(block);
    (void)ask_all(block);
    EXPECT_EQ(h.raw(), block);
    EXPECT_EQ(h.raw().data(), block.data());
}

TEST(header_view, status_lines) {
    const struct {
        std::string line;
        int status;
        std::string description;
    } cases[] = {
        {"NATS/1.0 503", 503, ""},
        {"NATS/1.0 503 ", 503, ""},
        {"NATS/1.0 503 No Responders", 503, "No Responders"},
        {"NATS/1.0 404 \t No  Messages \t", 404, "No  Messages"},
        {"NATS/1.0   100\tIdle Heartbeat", 100, "Idle Heartbeat"},
        {"NATS/1.0\t408 x", 408, "x"},
        {"NATS/1.0 100 100", 100, "100"},
        {"NATS/1.0", 0, ""},
        {"NATS/1.0 ", 0, ""},
        {"NATS/1.0 5", 0, ""}, // D1
        {"NATS/1.0 50", 0, ""},
        {"NATS/1.0 5 3", 0, ""},
        {"NATS/1.0 1000", 0, ""},
        {"NATS/1.0 100-", 0, ""},
        {"NATS/1.0 100x y", 0, ""},
        {"NATS/1.0 abc", 0, ""},
        {"NATS/1.0 +12", 0, ""},
        {"NATS/1.0 -12", 0, ""},
        {"NATS/1.0 1 23", 0, ""},
        {"NATS/1.0 000", 0, ""},
        {"NATS/1.0503", 0, ""},
        {"NATS/1.1 503", 0, ""},
        {"nats/1.0 503", 0, ""},
        {"HTTP/1.1 503 x", 0, ""},
        {" NATS/1.0 503", 0, ""},
        {"503", 0, ""},
        {"", 0, ""},
    };
    for (const auto& x : cases) {
        for (const std::string end : {"\r\n\r\n", "\r\n", "\n", "", "\r"}) {
            const std::string block = x.line + end;
            EXPECT_EQ(header_view(block).status(), x.status) << in_quotes(block);
            EXPECT_EQ(header_view(block).description(), x.description) << in_quotes(block);
        }
    }
}

TEST(header_view, a_status_can_have_fields_behind_it) {
    const header_view h(
        "NATS/1.0 409 Message Size Exceeds MaxBytes\r\nNats-Pending-Messages: 1\r\n\r\n");
    EXPECT_EQ(h.status(), 409);
    EXPECT_EQ(h.description(), "Message Size Exceeds MaxBytes");
    EXPECT_EQ(h.get("Nats-Pending-Messages"), "1");
    EXPECT_TRUE(h.well_formed());
}

TEST(header_view, folded_lines_belong_to_the_field_before) {
    const header_view h("NATS/1.0\r\nA: one\r\n two\r\n\tthree: x\r\nB: y\r\n\r\n");
    EXPECT_EQ(fields_of(h), "A=one\r\n two\r\n\tthree: x;B=y;");
    EXPECT_EQ(unfold(*h.get("A")), "one two three: x");
    EXPECT_FALSE(h.well_formed()); // accepted, but ADR-4 does not know it
}

TEST(header_view, what_is_not_as_it_should_be) {
    const struct {
        std::string block;
        std::string fields;
    } cases[] = {
        {"", ""},
        {"\r\n", ""},
        {"\r\n\r\n", ""},
        {"NATS/1.0", ""},
        {"NATS/1.0\r\n", ""},
        {"NATS/1.0\n\n", ""},
        {"NATS/1.0 5\r\n\r\n", ""}, // D1
        {"NATS/1.0 \r\n\r\n", ""},
        {"NATS/1.0x\r\n\r\n", ""},
        {"NATS/2.0\r\nA: 1\r\n\r\n", "A=1;"},
        {"A: 1\r\nB: 2\r\n\r\n", "B=2;"}, // the first line is never a field
        {"NATS/1.0\r\nA: 1", "A=1;"},
        {"NATS/1.0\r\nA: 1\r\n", "A=1;"},
        {"NATS/1.0\r\nA: 1\n\r\n", "A=1;"},
        {"NATS/1.0\nA: 1\r\n\r\n", "A=1;"},
        {"NATS/1.0\r\nA: 1\nB: 2\r\n\r\n", "A=1;B=2;"},
        {"NATS/1.0\r\nA: 1\r\n\r\nB: 2\r\n\r\n", "A=1;"}, // nothing counts behind the empty line
        {"NATS/1.0\r\n\r\n\r\n", ""},
        {"NATS/1.0\r\nno colon\r\nA: 1\r\n\r\n", "A=1;"},
        {"NATS/1.0\r\nA: 1\r\nno colon\r\n\r\n", "A=1;"},
        {"NATS/1.0\r\n: no name\r\nA: 1\r\n\r\n", "A=1;"},
        {"NATS/1.0\r\n folded: onto nothing\r\nA: 1\r\n\r\n", " folded=onto nothing;A=1;"},
        {"NATS/1.0\r\nA : 1\r\n\r\n", "A =1;"},
        {"NATS/1.0\r\nA b: 1\r\n\r\n", "A b=1;"},
        {"NATS/1.0\r\n\xc3\xa9: 1\r\n\r\n", "\xc3\xa9=1;"},
        {"NATS/1.0\r\nA: a\rb\r\n\r\n", "A=a\rb;"}, // D9: a lone CR
        {"NATS/1.0\r\nA: \r\r\n\r\n", "A=\r;"},
        {"NATS/1.0\r\r\nA: 1\r\n\r\n", "A=1;"},
        {"NATS/1.0\r\nA\0: 1\r\n\r\n"s, "A\0=1;"s},
    };
    for (const auto& x : cases) {
        SCOPED_TRACE(in_quotes(x.block));
        const header_view h(x.block);
        EXPECT_EQ(in_quotes(fields_of(h)), in_quotes(x.fields));
        EXPECT_FALSE(h.well_formed());
        (void)ask_all(x.block);
    }
}

TEST(header_view, what_is_as_it_should_be) {
    for (const std::string& block :
         {"NATS/1.0\r\n\r\n"s, "NATS/1.0 503\r\n\r\n"s, "NATS/1.0 503 x y\r\nA:1\r\n\r\n"s,
          "NATS/1.0\r\nA:\r\nA:\t\xff b:c \r\n!#$%~:\x01\r\n\r\n"s}) {
        EXPECT_TRUE(header_view(block).well_formed()) << in_quotes(block);
    }
}

TEST(header_view, every_beginning_of_a_block_is_survived) {
    const std::string block = "NATS/1.0 503 No Responders\r\nA: one\r\n two\r\nB:\r\n\r\n";
    for (std::size_t n = 0; n <= block.size(); ++n) {
        (void)ask_all(block.substr(0, n));
        EXPECT_EQ(header_view(std::string_view(block).substr(0, n)).well_formed(), false)
            << n; // the folded line
        EXPECT_EQ(header_view(std::string_view(block).substr(0, n)).status(), n < 12 ? 0 : 503)
            << n;
    }
}

TEST(header_view, any_bytes_are_survived) {
    constexpr std::string_view alphabet = "NATS/1.0\r\n\r\n: \tAb5\0\xff\r\n";
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        seeded_random random(seed);
        std::string block = random.below(2) == 0 ? "" : "NATS/1.0";
        for (std::uint64_t i = random.below(40); i > 0; --i)
            block += alphabet[random.below(alphabet.size())];
        (void)ask_all(block);
        const headers copy = headers::copy_of(header_view(block));
        EXPECT_TRUE(copy.empty() || copy.view().well_formed()) << in_quotes(block);
        std::size_t behind = 0; // fields come in order and lie in the block
        for (const header_field& f : header_view(block)) {
            const auto at = static_cast<std::size_t>(f.name.data() - block.data());
            ASSERT_GE(at, behind) << in_quotes(block);
            behind = static_cast<std::size_t>(f.value.data() - block.data()) + f.value.size();
            ASSERT_LE(behind, block.size()) << in_quotes(block);
        }
    }
}

TEST(header_view, a_large_block_is_read) {
    std::string block = "NATS/1.0\r\n";
    for (int i = 0; i < 1000; ++i)
        block += "Key-" + std::to_string(i) + ": " + std::string(900, 'v') + "\r\n";
    block += "\r\n";
    const header_view h(block);
    EXPECT_EQ(std::distance(h.begin(), h.end()), 1000);
    EXPECT_EQ(h.get("Key-999"), std::string(900, 'v'));
    EXPECT_TRUE(h.well_formed());
}

} // namespace nats::test
