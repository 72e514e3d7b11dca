// SPDX-License-Identifier: Apache-2.0
//
// URLs and lists of them: every form that is taken, every one that is refused and how it is named,
// and that a password is seen by nobody: not in errors, not by streams, not in memory that is left.

#include <natsproto/server_url.hpp>

#include <natsproto/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

/// `where`, with what else was said: "h:4222 tls user=u password=p token=t".
std::string shown(const server_url& u) {
    std::string out = u.where.text();
    if (u.tls) out += " tls";
    if (!u.user.empty()) out += " user=" + u.user;
    if (!u.password.empty()) out += " password=" + u.password;
    if (!u.token.empty()) out += " token=" + u.token;
    return out;
}

std::string shown(const result<server_url>& r) {
    return r ? shown(*r) : r.error().message();
}

std::string shown(const result<std::vector<server_url>>& r) {
    if (!r) return r.error().message();
    std::string out;
    for (const server_url& u : *r) out += (out.empty() ? "" : ", ") + shown(u);
    return out;
}

struct form {
    const char* text;
    const char* means;
};

TEST(server_url, forms) {
    for (const form& f : {
             // places
             form{"h", "h:4222"},
             form{"h:", "h:4222"},
             form{"h:1", "h:1"},
             form{"h:65535", "h:65535"},
             form{"h:04222", "h:4222"},
             form{"10.0.0.1:6", "10.0.0.1:6"},
             form{"a.b-c_d.example", "a.b-c_d.example:4222"},
             form{"[::1]", "[::1]:4222"},
             form{"[::1]:", "[::1]:4222"},
             form{"[::1]:5", "[::1]:5"},
             form{"[::ffff:10.0.0.1]:5", "[::ffff:10.0.0.1]:5"},
             form{"localhost:4223", "localhost:4223"},
             // schemes
             form{"nats://h", "h:4222"},
             form{"tcp://h:65535", "h:65535"},
             form{"tls://h", "h:4222 tls"},
             form{"NATS://H", "H:4222"},
             form{"Tls://h:1", "h:1 tls"},
             form{"nats://[fe80::1]", "[fe80::1]:4222"},
             form{"tls://[::1]:7", "[::1]:7 tls"},
             // what is around
             form{" \th \t", "h:4222"},
             form{"h/", "h:4222"},
             form{"nats://h:5/", "h:5"},
             form{" nats://[::1]/ ", "[::1]:4222"},
             // user info
             form{"t@h", "h:4222 token=t"},
             form{"u:p@h:5", "h:5 user=u password=p"},
             form{"tls://u:p@[::1]:5/", "[::1]:5 tls user=u password=p"},
             form{"u:@h", "h:4222 user=u"},
             form{"@h", "h:4222"},
             form{"u:p:q@h", "h:4222 user=u password=p:q"},
             form{"nats://us%40er:p%3aw%2F@h", "h:4222 user=us@er password=p:w/"},
             form{"t%20k@h", "h:4222 token=t k"},
             form{"u:%2C%25%3F%23%5b@h", "h:4222 user=u password=,%?#["},
             form{"u:a+b!$&'()*;=~@h", "h:4222 user=u password=a+b!$&'()*;=~"},
             form{"u:%C3%A9@h", "h:4222 user=u password=\xC3\xA9"},
         }) {
        EXPECT_EQ(shown(parse_server_url(f.text)), f.means) << f.text;
    }
}

TEST(server_url, an_ipv6_host_has_no_brackets) {
    const result<server_url> u = parse_server_url("nats://[2001:db8::7]:1");
    ASSERT_TRUE(u.has_value());
    EXPECT_EQ(u->where, (endpoint{"2001:db8::7", 1}));
    EXPECT_EQ(u->where.text(), "[2001:db8::7]:1");
}

TEST(server_url, what_is_refused_is_named) {
    constexpr const char* brackets = "must be in brackets";
    constexpr const char* range = "the port must be 1 to 65535";
    constexpr const char* path = "a path, query or fragment";
    for (const form& f : {
             form{"", "\"\": empty"},
             form{" \t ", ": empty"},
             form{"/", "\"/\": no host"},
             form{"nats://", "\"nats://\": no host"},
             form{"tls:///", "no host"},
             form{":4222", "\":4222\": no host"},
             form{"nats://:4222", "no host"},
             form{"u:p@", "\"\": no host"},
             form{"u:p@:5", "\":5\": no host"},
             form{"[]", "\"[]\""},
             form{"http://a", "\"http://a\": unknown scheme"},
             form{"://a", "unknown scheme"},
             form{" nats ://a", "unknown scheme"},
             form{"ws://a", "WebSocket"},
             form{"WSS://a", "WebSocket"},
             form{"a:0", range},
             form{"a:00000", range},
             form{"a:65536", range},
             form{"a:99999999999999999999", range},
             form{"[::1]:0", range},
             form{"a:x", "\"a:x\""},
             form{"a:4x", "\"a:4x\""},
             form{"a:-1", "\"a:-1\""},
             form{"a:+1", "\"a:+1\""},
             form{"a: 1", "\"a: 1\""},
             form{"::1", brackets},
             form{"nats://::1", brackets},
             form{"u:p@2001:db8::7", brackets},
             form{"fe80::1/", brackets},
             form{"a:1:2", brackets},
             form{"[::1", "\"[::1\""},
             form{"[::1]5", "\"[::1]5\""},
             form{"[::g]", "\"[::g]\""},
             form{"[h]", "\"[h]\""},
             form{"[v7.x]:1", "\"[v7.x]:1\": unknown kind"},
             form{"a/b", path},
             form{"a//", path},
             form{"a/b:c:d", path},
             form{"a?x=1", path},
             form{"a#f", path},
             form{"a b", "\"a b\""},
             form{"a\r\nb", "\\x0d\\x0a"},
             form{"a%00b", "\"a%00b\": a character"},
             form{"a%3Ab", "a character"},
             form{"a,b", "\"a,b\": a character"},
             form{"a!", "a character"},
             form{"*", "a character"},
             form{"[fe80::1%25eth0]", "%25eth0"},
             form{"\xC3\xA9", "not a URL"},
             form{"u:p%4@a", "\"a\""},
             form{"u:p@q@a", "\"a\""},
             form{":p@a", "\"a\": a password without a user"},
         }) {
        const result<server_url> u = parse_server_url(f.text);
        ASSERT_TRUE(u.has_error()) << f.text << ": " << shown(u);
        EXPECT_EQ(u.error(), errc::invalid_url) << f.text;
        EXPECT_NE(u.error().detail().find(f.means), std::string::npos)
            << f.text << ": " << u.error().detail();
    }
}

TEST(server_url, lists) {
    for (const form& f : {
             form{"a", "a:4222"},
             form{"b, a:4222 ,nats://b:4222,a:1", "b:4222, a:4222, a:1"},
             form{"u:p@a, t@b", "a:4222 user=u password=p, b:4222 token=t"},
             // The first of two equal places stays, and TLS is not lost with the second.
             form{"u:p@a,v:q@a", "a:4222 user=u password=p"},
             form{"a,b,tls://a", "a:4222 tls, b:4222"},
             form{"tls://a,a", "a:4222 tls"},
             // Blank entries are skipped.
             form{"a,", "a:4222"},
             form{",a", "a:4222"},
             form{"a,,b", "a:4222, b:4222"},
             form{" ,\t, a , ,", "a:4222"},
         }) {
        EXPECT_EQ(shown(parse_server_list(f.text)), f.means) << f.text;
    }
}

TEST(server_url, lists_that_are_refused) {
    for (const form& f : {
             form{"", "empty: no server"},
             form{"  ", "empty: no server"},
             form{",", "empty: no server"},
             form{" , ,\t", "empty: no server"},
             form{"good,a:x", "\"a:x\""},
             form{"a:x,good", "\"a:x\""},
             form{"u:p@good,a:0", "\"a:0\""},
             form{"a,/,b", "\"/\": no host"},
             form{"a,,b:0,u:p@c", "entry 3 of the list: the port must be"},
         }) {
        const auto list = parse_server_list(f.text);
        ASSERT_TRUE(list.has_error()) << f.text << ": " << shown(list);
        EXPECT_EQ(list.error(), errc::invalid_url) << f.text;
        EXPECT_NE(list.error().detail().find(f.means), std::string::npos)
            << f.text << ": " << list.error().detail();
    }
}

TEST(server_url, no_error_shows_user_info) {
    // "hunter2" and "hunt" are in the password each time, also where a comma or '@' splits it.
    for (const char* text :
         {"nats://user:hunter2@h:x", "user:hunter2@", "nats://user:hunter2@h/path", "hunter2@h:0",
          "ftp://user:hunter2@h", "nats://user:hunter2@a@b:x", "user:hunt,er2@h",
          "a,nats://user:hunt,er2@h", "user:x@hunt:y,er2@h", "user:hunter2://x@h", "u:hunt@::1"}) {
        const auto list = parse_server_list(text);
        ASSERT_TRUE(list.has_error()) << text;
        EXPECT_EQ(list.error().message().find("hunt"), std::string::npos) << list.error().message();
    }
}

template <class T>
concept streamable = requires(std::ostream& out, const T& value) { out << value; };

TEST(server_url, is_not_printed) {
    static_assert(!streamable<server_url>);
    static_assert(streamable<std::string>, "the concept works");
    const result<server_url> u = parse_server_url("me:hunter2@h");
    ASSERT_TRUE(u.has_value());
    EXPECT_EQ(testing::PrintToString(*u), "h:4222");
    EXPECT_EQ(testing::PrintToString(std::vector<server_url>{*u}), "{ h:4222 }");
}

void copy_into(server_url& to, const server_url& from) {
    to = from;
}

void move_into(server_url& to, server_url& from) {
    to = std::move(from);
}

TEST(server_url, copies_and_moves) {
    static_assert(std::is_nothrow_move_constructible_v<server_url>);
    static_assert(std::is_nothrow_move_assignable_v<server_url>);
    const std::string long_text(100, 'x');
    for (const std::string& text :
         {std::string("tls://u:p@h:1"), std::string("t@h"), "u:" + long_text + "@h"}) {
        server_url a = parse_server_url(text).value();
        const std::string want = shown(a);
        server_url b = a;
        EXPECT_EQ(shown(b), want);
        server_url c = std::move(b);
        EXPECT_EQ(shown(c), want);
        server_url d = parse_server_url("tls://other:secret@elsewhere:9").value();
        d = c;
        EXPECT_EQ(shown(d), want);
        server_url e = parse_server_url("other@elsewhere:9").value();
        e = std::move(d);
        EXPECT_EQ(shown(e), want);
        copy_into(e, e);
        EXPECT_EQ(shown(e), want);
        move_into(e, e);
        EXPECT_EQ(shown(e), want);
        e.set_login(e);
        EXPECT_EQ(shown(e), want);
        EXPECT_EQ(shown(a), want) << "copied from only";
    }
}

TEST(server_url, a_login_is_taken_without_the_place) {
    server_url a = parse_server_url("tls://a:1").value();
    EXPECT_FALSE(a.has_login());
    a.set_login(parse_server_url("u:p@b:2").value());
    EXPECT_EQ(shown(a), "a:1 tls user=u password=p");
    EXPECT_TRUE(a.has_login());
    a.set_login(parse_server_url("t@b:2").value());
    EXPECT_EQ(shown(a), "a:1 tls token=t");
    EXPECT_TRUE(a.has_login());
    a.set_login(parse_server_url("tls://b:2").value());
    EXPECT_EQ(shown(a), "a:1 tls");
}

/// The memory of a `server_url`, to be looked at when there is none in it. Not on the stack, where
/// temporaries of the test leave their text.
class raw_url {
public:
    raw_url() : object_(new(storage_.get()) server_url) {}
    raw_url(const raw_url&) = delete;
    raw_url& operator=(const raw_url&) = delete;
    ~raw_url() { destroy(); }

    server_url& operator*() { return *object_; }
    void destroy() {
        if (object_ != nullptr) object_->~server_url();
        object_ = nullptr;
    }
    [[nodiscard]] bool holds(std::string_view text) const {
        const std::byte* const begin = storage_.get();
        const std::byte* const end = begin + sizeof(server_url);
        const auto same = [](std::byte b, char c) { return b == static_cast<std::byte>(c); };
        return std::search(begin, end, text.begin(), text.end(), same) != end;
    }

private:
    static_assert(alignof(server_url) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    std::unique_ptr<std::byte[]> storage_ = std::make_unique<std::byte[]>(sizeof(server_url));
    server_url* object_;
};

TEST(server_url, secrets_are_wiped_at_the_end) {
    raw_url u;
    (*u).password = "hunter2";
    (*u).token = "s3cr3t";
    ASSERT_TRUE(u.holds("hunter2") && u.holds("s3cr3t")) << "short strings are within the object";
    u.destroy();
    EXPECT_FALSE(u.holds("hunter2"));
    EXPECT_FALSE(u.holds("s3cr3t"));
}

TEST(server_url, what_a_secret_has_outgrown_is_wiped_too) {
    raw_url u;
    (*u).password = "..hunter2";
    (*u).password = "x";
    ASSERT_TRUE(u.holds("hunter2"));
    u.destroy();
    EXPECT_FALSE(u.holds("hunter2"));
}

TEST(server_url, secrets_are_wiped_when_they_move_on) {
    raw_url u;
    (*u).password = "hunter2";
    (*u).token = "s3cr3t";
    server_url taken(std::move(*u));
    EXPECT_EQ(taken.password, "hunter2");
    EXPECT_EQ(taken.token, "s3cr3t");
    EXPECT_FALSE(u.holds("unter2") || u.holds("3cr3t"));

    raw_url v;
    (*v).password = "hunter2";
    (*v).token = "s3cr3t";
    taken = std::move(*v);
    EXPECT_EQ(taken.password, "hunter2");
    EXPECT_EQ(taken.token, "s3cr3t");
    EXPECT_FALSE(v.holds("unter2") || v.holds("3cr3t"));
}

TEST(server_url, secrets_are_wiped_when_others_take_their_place) {
    const server_url other = parse_server_url("a:b@h").value();
    for (int how = 0; how < 3; ++how) {
        raw_url u;
        (*u).password = "hunter2";
        (*u).token = "s3cr3t";
        if (how == 0)
            *u = other;
        else if (how == 1)
            *u = server_url(other);
        else
            (*u).set_login(other);
        EXPECT_FALSE(u.holds("unter2") || u.holds("3cr3t")) << how;
        EXPECT_EQ((*u).password, "b");
    }
}

} // namespace
} // namespace nats::test
