// SPDX-License-Identifier: Apache-2.0
//
// Proves the two machines of objects: bytes in any pieces become chunks of one size, and chunks are
// believed only if they are all, and as they were written.

#include <natsproto/object_store/chunk_cutter.hpp>
#include <natsproto/object_store/download.hpp>

#include "support/fake_crypto.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

// --- cutting

std::string letters(std::size_t n) {
    std::string s;
    for (std::size_t i = 0; i < n; ++i) s += static_cast<char>('a' + i % 26);
    return s;
}

/// All chunks, each with a bar behind it.
std::string cut(std::string_view text, std::size_t chunk, std::size_t piece) {
    obj::chunk_cutter c(chunk);
    std::string out;
    while (!text.empty()) {
        std::string_view some = text.substr(0, piece);
        text.remove_prefix(some.size());
        while (const std::optional<std::string_view> whole = c.cut(some))
            out += std::string(*whole) + '|';
        EXPECT_TRUE(some.empty());
    }
    return out + std::string(c.last());
}

TEST(obj_chunk_cutter, any_pieces) {
    for (std::size_t piece = 1; piece <= 12; ++piece) {
        EXPECT_EQ(cut(letters(10), 4, piece), "abcd|efgh|ij") << piece;
        EXPECT_EQ(cut(letters(8), 4, piece), "abcd|efgh|") << piece;
        EXPECT_EQ(cut(letters(3), 4, piece), "abc") << piece;
        EXPECT_EQ(cut(letters(3), 1, piece), "a|b|c|") << piece;
        EXPECT_EQ(cut("", 4, piece), "") << piece;
    }
}

TEST(obj_chunk_cutter, large_pieces_are_not_copied) {
    obj::chunk_cutter c(4);
    const std::string text = letters(9);
    std::string_view rest = text;
    EXPECT_EQ(c.cut(rest).value().data(), text.data());
    EXPECT_EQ(c.cut(rest).value().data(), text.data() + 4);
    EXPECT_FALSE(c.cut(rest));
    EXPECT_EQ(c.last(), "i");
}

TEST(obj_chunk_cutter, bytes_that_are_put_there) {
    obj::chunk_cutter c(4);
    EXPECT_EQ(c.room().size(), 4U);
    c.room()[0] = 'x';
    EXPECT_FALSE(c.commit(1));
    EXPECT_EQ(c.room().size(), 3U);
    std::copy_n("yzw", 3, c.room().data());
    EXPECT_EQ(c.commit(3).value(), "xyzw");
    EXPECT_EQ(c.room().size(), 4U) << "a new one";
    EXPECT_EQ(c.last(), "");
}

// --- reading

std::string digest_of(std::string_view text) {
    fake_hash h;
    (void)h.update(text);
    return obj::digest_text(h.finish().value());
}

obj::object_info object(std::string_view text, std::uint64_t chunks) {
    obj::object_info i{obj::object_meta("o")};
    i.nuid = "n";
    i.size = text.size();
    i.chunks = chunks;
    i.digest = digest_of(text);
    return i;
}

obj::download reading(const obj::object_info& i, const obj::read_position& from = {}) {
    return obj::download(i, from, std::make_unique<fake_hash>());
}

TEST(obj_download, a_whole_object) {
    obj::download d = reading(object("hello world", 3));
    EXPECT_TRUE(d.check_empty());
    EXPECT_TRUE(d.handle_chunk("hello", 4, 2).value());
    EXPECT_TRUE(d.handle_chunk("", 6, 1).value()) << "of any size";
    EXPECT_FALSE(d.complete());
    EXPECT_EQ(d.position().chunks, 2U);
    EXPECT_EQ(d.position().size, 5U);
    EXPECT_EQ(d.position().last_sequence, 6U);
    EXPECT_TRUE(d.handle_chunk(" world", 9, 0).value());
    EXPECT_TRUE(d.complete());
}

TEST(obj_download, nothing) {
    obj::download d = reading(object("", 0));
    EXPECT_TRUE(d.check_empty());
    EXPECT_TRUE(d.complete());
    obj::object_info without = object("", 0);
    without.digest.clear();
    EXPECT_TRUE(reading(without).check_empty());
    obj::object_info wrong = object("", 0);
    wrong.digest = digest_of("x");
    EXPECT_EQ(reading(wrong).check_empty().error(), errc::object_digest_mismatch);
    wrong.size = 1;
    EXPECT_EQ(reading(wrong).check_empty().error(), errc::object_incomplete);
}

TEST(obj_download, other_bytes) {
    obj::download d = reading(object("hello", 1));
    EXPECT_EQ(d.handle_chunk("hallo", 1, 0).error(), errc::object_digest_mismatch);
    obj::object_info none = object("hello", 1);
    none.digest.clear();
    EXPECT_EQ(reading(none).handle_chunk("hello", 1, 0).error(), errc::object_digest_mismatch);
    none.digest = "SHA-1=abc";
    EXPECT_EQ(reading(none).handle_chunk("hello", 1, 0).error(), errc::object_digest_mismatch);
}

TEST(obj_download, too_much_or_too_little) {
    EXPECT_EQ(reading(object("hello", 1)).handle_chunk("hello!", 1, 0).error(),
              errc::object_incomplete);
    EXPECT_EQ(reading(object("hello", 1)).handle_chunk("hell", 1, 0).error(),
              errc::object_incomplete);
    EXPECT_EQ(reading(object("hello", 1)).handle_chunk("hello", 1, 1).error(),
              errc::object_incomplete)
        << "another chunk follows";
    obj::object_info huge = object("hello", 2);
    huge.size = ~std::uint64_t{0};
    obj::download d = reading(huge);
    EXPECT_TRUE(d.handle_chunk("hello", 1, 1));
    EXPECT_EQ(d.handle_chunk("hello", 2, 0).error(), errc::object_incomplete);
}

TEST(obj_download, going_on) {
    obj::read_position at;
    at.chunks = 1;
    at.size = 5;
    at.last_sequence = 4;
    obj::download blind = reading(object("hello world", 2), at);
    EXPECT_TRUE(blind.check_empty());
    EXPECT_TRUE(blind.handle_chunk(" wurld", 6, 0).value()) << "nobody can know";
    obj::download d = reading(object("hello world", 2), at);
    EXPECT_TRUE(d.hash_before("hel"));
    EXPECT_TRUE(d.hash_before("lo"));
    EXPECT_EQ(d.hash_before("x").error(), errc::invalid_argument);
    EXPECT_TRUE(d.handle_chunk(" world", 6, 0).value());
    EXPECT_TRUE(d.complete());
    obj::download wrong = reading(object("hello world", 2), at);
    EXPECT_TRUE(wrong.hash_before("hallo"));
    EXPECT_EQ(wrong.handle_chunk(" world", 6, 0).error(), errc::object_digest_mismatch);
}

TEST(obj_download, going_on_without_a_sequence) {
    obj::read_position at;
    at.chunks = 2;
    at.size = 5;
    obj::download d = reading(object("hello world", 3), at);
    EXPECT_TRUE(d.hash_before("hello"));
    EXPECT_FALSE(d.handle_chunk("hel", 1, 2).value());
    EXPECT_EQ(d.position().chunks, 2U) << "still where it was";
    EXPECT_FALSE(d.handle_chunk("lo", 2, 1).value());
    EXPECT_EQ(d.position().last_sequence, 2U);
    EXPECT_TRUE(d.handle_chunk(" world", 3, 0).value());
    EXPECT_TRUE(d.complete());
    obj::download other = reading(object("hello world", 3), at);
    EXPECT_FALSE(other.handle_chunk("hel", 1, 2).value());
    EXPECT_EQ(other.handle_chunk("lo ", 2, 1).error(), errc::object_incomplete);
}

TEST(obj_download, going_on_where_it_cannot_be) {
    obj::read_position at;
    at.chunks = 3;
    at.size = 5;
    EXPECT_EQ(reading(object("hello", 2), at).check_empty().error(), errc::object_replaced);
    at.chunks = 2;
    EXPECT_TRUE(reading(object("hello", 2), at).check_empty()) << "all of it was read";
    at.size = 4;
    EXPECT_EQ(reading(object("hello", 2), at).check_empty().error(), errc::object_replaced);
    at.chunks = 1;
    at.size = 6;
    EXPECT_EQ(reading(object("hello", 2), at).check_empty().error(), errc::object_replaced);
}

} // namespace
} // namespace nats::test
