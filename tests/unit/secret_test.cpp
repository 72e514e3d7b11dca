// SPDX-License-Identifier: Apache-2.0
//
// secret: it behaves as a move-only string, and no memory that it gives up still has the text. The
// operator delete that looks for it serves all tests of the program, see freed_memory.hpp.

#include <natsproto/secret.hpp>

#include "unit/freed_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include <malloc.h>

namespace {

struct search {
    std::string_view text;
    std::size_t blocks = 0;
    std::size_t found = 0;
};
search current;

void look_into(void* p) noexcept {
    if (p == nullptr || current.text.empty()) return;
    ++current.blocks;
    const std::string_view block(static_cast<const char*>(p), malloc_usable_size(p));
    if (block.find(current.text) != std::string_view::npos) ++current.found;
}

} // namespace

void* operator new(std::size_t size) {
    // Zeroed, so that nothing is found that another test has left behind.
    if (void* p = std::calloc(1, size == 0 ? 1 : size)) return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
    look_into(p);
    std::free(p);
}
void operator delete(void* p, std::size_t /*size*/) noexcept {
    look_into(p);
    std::free(p);
}

namespace nats::test {

freed_memory::freed_memory(std::string_view text) noexcept {
    current = {text};
}
freed_memory::~freed_memory() {
    current = {};
}
std::size_t freed_memory::found() const noexcept {
    return current.found;
}
std::size_t freed_memory::blocks() const noexcept {
    return current.blocks;
}

namespace {

static_assert(!std::is_copy_constructible_v<secret> && !std::is_copy_assignable_v<secret>);
static_assert(std::is_nothrow_move_constructible_v<secret> &&
              std::is_nothrow_move_assignable_v<secret>);
static_assert(!std::is_convertible_v<std::string_view, secret>);
static_assert(!std::is_convertible_v<secret, std::string_view>);

constexpr std::string_view needle = "the needle of these tests";

std::string long_text(std::size_t size = 1000) {
    std::string text;
    text.assign(size, 'x');
    return text;
}

/// A secret with the needle in it, in a block that is searched whole.
secret with_needle() {
    secret s(needle);
    s.append(long_text());
    return s;
}

/// What `act` does frees memory, and none that still has the needle.
template <class Act>
void expect_wiped(Act act) {
    const freed_memory memory(needle);
    act();
    EXPECT_GT(memory.blocks(), 0U);
    EXPECT_EQ(memory.found(), 0U);
}

TEST(secret, the_search_finds_what_a_string_leaves) {
    const freed_memory memory(needle);
    {
        const std::string careless(needle);
        EXPECT_EQ(careless, needle);
    }
    EXPECT_EQ(memory.found(), 1U);
    EXPECT_EQ(memory.blocks(), 1U);
}

TEST(secret, wipe_overwrites_all_and_nothing_else) {
    std::array<char, 6> memory{'a', 'b', 'c', 'd', 'e', 'f'};
    wipe(std::span(memory).subspan(1, 4));
    EXPECT_EQ(memory, (std::array<char, 6>{'a', 0, 0, 0, 0, 'f'}));
    std::array<unsigned char, 3> bytes{1, 2, 3};
    wipe(bytes);
    EXPECT_EQ(bytes, (std::array<unsigned char, 3>{}));
    wipe(std::span<char>()); // null is fine
}

TEST(secret, holds_the_text) {
    const secret s("s3cret");
    EXPECT_EQ(s.view(), "s3cret");
    EXPECT_EQ(s.size(), 6U);
    EXPECT_FALSE(s.empty());
    EXPECT_TRUE(secret().empty());
    EXPECT_EQ(secret().view(), "");
    EXPECT_EQ(secret("").view(), "");
}

TEST(secret, is_wiped_at_its_end) {
    expect_wiped([] { const secret s = with_needle(); });
}

TEST(secret, wipes_what_it_outgrows) {
    secret s = with_needle();
    const std::string before(s.view());
    const std::string more = long_text(5000);
    expect_wiped([&] { s.append(more); });
    EXPECT_EQ(s.view(), before + more);
    expect_wiped([&] { (void)s.resize(50'000); });
    EXPECT_EQ(s.view().substr(0, before.size()), before);
    const std::string other = long_text(200'000);
    expect_wiped([&] { s.assign(other); });
    EXPECT_EQ(s.view(), other);
}

TEST(secret, wipes_what_an_assignment_replaces) {
    secret s = with_needle();
    secret other("other");
    expect_wiped([&] { s = std::move(other); });
    EXPECT_EQ(s.view(), "other");
}

TEST(secret, wipes_what_it_no_longer_holds_in_memory_that_it_keeps) {
    const auto rest_is_wiped = [](const secret& s, std::size_t was) {
        const char* data = s.view().data();
        return std::all_of(data + s.size(), data + was, [](char c) { return c == '\0'; });
    };
    const std::string filler = long_text();
    secret s(filler);
    s.assign("abc");
    EXPECT_TRUE(rest_is_wiped(s, filler.size()));
    s.assign(filler);
    (void)s.resize(4);
    EXPECT_EQ(s.view(), "xxxx");
    EXPECT_TRUE(rest_is_wiped(s, filler.size()));
    s.assign(filler);
    s.clear();
    EXPECT_TRUE(s.empty());
    EXPECT_TRUE(rest_is_wiped(s, filler.size()));
}

TEST(secret, moves_without_leaving_a_copy) {
    secret a("text");
    const char* const memory = a.view().data();
    secret b(std::move(a));
    EXPECT_EQ(b.view().data(), memory);
    EXPECT_TRUE(a.empty()); // NOLINT(bugprone-use-after-move): what is left is documented
    EXPECT_EQ(a.view().data(), nullptr);
    a.assign("again");
    EXPECT_EQ(a.view(), "again");
    a = std::move(b);
    EXPECT_EQ(a.view().data(), memory);
    secret& self = a;
    a = std::move(self);
    EXPECT_EQ(a.view(), "text");
}

TEST(secret, takes_parts_of_itself) {
    secret s("0123456789");
    s.assign(s.view().substr(3, 4));
    EXPECT_EQ(s.view(), "3456");
    for (int i = 0; i < 8; ++i) s.append(s.view()); // grows on the way
    EXPECT_EQ(s.size(), 4U << 8U);
    EXPECT_EQ(s.view().substr(0, 8), "34563456");
    EXPECT_EQ(s.view().substr(s.size() - 5), "63456");
    s.assign(s.view());
    EXPECT_EQ(s.size(), 4U << 8U);
}

TEST(secret, grows_with_zeros) {
    secret s("ab");
    std::span<char> memory = s.resize(5);
    EXPECT_EQ(memory.data(), s.view().data());
    EXPECT_EQ(s.view(), std::string_view("ab\0\0\0", 5));
    std::ranges::fill(memory, 'z');
    (void)s.resize(2);
    (void)s.resize(4);
    EXPECT_EQ(s.view(), std::string_view("zz\0\0", 4));
    (void)s.resize(3000);
    EXPECT_EQ(s.view(), "zz" + std::string(2998, '\0'));
}

TEST(secret, clones_are_apart) {
    secret a("one");
    secret b = a.clone();
    a.assign("two");
    EXPECT_EQ(b.view(), "one");
}

} // namespace

} // namespace nats::test
