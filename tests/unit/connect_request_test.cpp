// SPDX-License-Identifier: Apache-2.0
//
// CONNECT as a server reads it: every member, what nats-server takes and refuses, what a second one
// changes; and that no credential is left in memory that was given back.

#include <natsproto/wire/connect_request.hpp>

#include <natsproto/wire/connect_fields.hpp>

#include "support/server_transcript.hpp"
#include "unit/freed_memory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {

namespace {

using wire::connect_request;
using wire::parse_connect_request;

connect_request read(std::string_view json) {
    connect_request r;
    const exact_copy exact(json);
    const result<void> ok = parse_connect_request(exact.view(), r);
    EXPECT_TRUE(ok) << json << ": " << (ok ? "" : ok.error().message());
    return r;
}

void expect_bad(std::string_view json, const limits& bounds = {}) {
    connect_request r;
    const exact_copy exact(json);
    const result<void> ok = parse_connect_request(exact.view(), r, bounds);
    ASSERT_FALSE(ok) << json;
    EXPECT_EQ(ok.error(), errc::bad_arguments);
}

} // namespace

TEST(connect_request, defaults_are_those_of_nats_server) {
    for (const std::string_view json : {"{}", "null", " { } ", R"({"x":1})"}) {
        const connect_request r = read(json);
        EXPECT_EQ(to_text(r), " verbose pedantic echo protocol 0 name \"\" user \"\"");
        EXPECT_FALSE(r.tls_required);
        EXPECT_TRUE(r.password.empty() && r.token.empty() && r.jwt.empty() && r.nkey.empty() &&
                    r.signature.empty() && r.account.empty());
    }
}

TEST(connect_request, every_member) {
    const connect_request r = read(
        R"({"verbose":false,"pedantic":false,"echo":false,"headers":true,"no_responders":true,)"
        R"("tls_required":true,"new_account":true,"protocol":1,"name":"n","lang":"l",)"
        R"("version":"v","account":"a","user":"u","pass":"p","auth_token":"t","jwt":"j",)"
        R"("nkey":"k","sig":"s"})");
    EXPECT_FALSE(r.verbose || r.pedantic || r.echo);
    EXPECT_TRUE(r.headers && r.no_responders && r.tls_required && r.new_account);
    EXPECT_EQ(r.protocol, 1);
    EXPECT_EQ(r.name + r.lang + r.version + r.account, "nlva");
    EXPECT_EQ(r.user.view(), "u");
    EXPECT_EQ(r.password.view(), "p");
    EXPECT_EQ(r.token.view(), "t");
    EXPECT_EQ(r.jwt.view(), "j");
    EXPECT_EQ(r.nkey.view(), "k");
    EXPECT_EQ(r.signature.view(), "s");
}

TEST(connect_request, reads_what_a_client_writes) {
    wire::connect_fields f;
    f.verbose = true;
    f.echo = false;
    f.name = "quotes \" \\ \n \x01 and \xc3\xa9";
    f.user = "\tu";
    f.password = "p\"";
    f.token = "t";
    f.jwt = "j";
    f.nkey = "k";
    f.signature = "s";
    f.library_version = "1.2";
    const result<secret> json = write_connect_json(f);
    ASSERT_TRUE(json);
    const connect_request r = read(json->view());
    EXPECT_EQ(r.verbose, f.verbose);
    EXPECT_EQ(r.pedantic, f.pedantic);
    EXPECT_EQ(r.echo, f.echo);
    EXPECT_EQ(r.headers, f.headers);
    EXPECT_EQ(r.no_responders, f.no_responders);
    EXPECT_EQ(r.protocol, f.protocol);
    EXPECT_EQ(r.name, f.name);
    EXPECT_EQ(r.lang, f.lang);
    EXPECT_EQ(r.version, f.library_version);
    EXPECT_EQ(r.user.view(), f.user);
    EXPECT_EQ(r.password.view(), f.password);
    EXPECT_EQ(r.token.view(), f.token);
    EXPECT_EQ(r.jwt.view(), f.jwt);
    EXPECT_EQ(r.nkey.view(), f.nkey);
    EXPECT_EQ(r.signature.view(), f.signature);
}

TEST(connect_request, names_are_compared_without_case) {
    const connect_request r = read(R"({"VERBOSE":false,"Auth_Token":"t","pa\u0053s":"p"})");
    EXPECT_FALSE(r.verbose);
    EXPECT_EQ(r.token.view(), "t");
    EXPECT_EQ(r.password.view(), "p");
    EXPECT_TRUE(read(R"({"verbos":false,"verbosee":false,"":false})").verbose);
}

TEST(connect_request, what_is_unknown_goes_by) {
    const connect_request r = read(
        R"({"x":{"verbose":false,"user":["u"],"y":{}},"user":"u","z":[[null,1.5,"s"],{"a":1}],)"
        R"("w":1e999,"v":18446744073709551615,"b":true,"name":"n"})");
    EXPECT_TRUE(r.verbose);
    EXPECT_EQ(r.user.view(), "u");
    EXPECT_EQ(r.name, "n");
}

TEST(connect_request, null_changes_nothing_and_the_last_of_repeated_members_counts) {
    const connect_request r = read(
        R"({"verbose":false,"verbose":null,"user":"first","user":"u","user":null,"protocol":null})");
    EXPECT_FALSE(r.verbose);
    EXPECT_EQ(r.user.view(), "u");
    EXPECT_EQ(r.protocol, 0);
}

TEST(connect_request, a_second_one_changes_what_it_names) {
    connect_request r = read(R"({"verbose":false,"user":"u","pass":"longer","name":"n"})");
    ASSERT_TRUE(parse_connect_request(R"({"pass":"q","name":"","echo":false})", r));
    EXPECT_FALSE(r.verbose || r.echo);
    EXPECT_EQ(r.user.view(), "u");
    EXPECT_EQ(r.password.view(), "q");
    EXPECT_EQ(r.name, "");
    ASSERT_TRUE(parse_connect_request("{}", r));
    EXPECT_EQ(r.password.view(), "q");
}

TEST(connect_request, a_wrong_type_is_an_error) {
    for (const std::string_view name : {"verbose", "pedantic", "echo", "headers", "no_responders",
                                        "tls_required", "new_account"}) {
        for (const std::string_view value : {"1", "0", "\"true\"", "1.5", "[]", "{}"})
            expect_bad("{\"" + std::string(name) + "\":" + std::string(value) + '}');
    }
    for (const std::string_view name : {"name", "lang", "version", "account", "user", "pass",
                                        "auth_token", "jwt", "nkey", "sig"}) {
        for (const std::string_view value : {"1", "-1", "18446744073709551615", "1.5", "true", "[]",
                                             R"(["x"])", "{}", R"({"x":"y"})"})
            expect_bad("{\"" + std::string(name) + "\":" + std::string(value) + '}');
    }
    for (const std::string_view value :
         {"1.0", "1e0", "9223372036854775808", "\"1\"", "true", "[]", "{}", "99999999999999999999"})
        expect_bad("{\"protocol\":" + std::string(value) + '}');
    EXPECT_EQ(read(R"({"protocol":-9223372036854775808})").protocol, INT64_MIN);
}

TEST(connect_request, what_is_no_json_object_is_an_error) {
    for (const std::string_view json : {"",
                                        " ",
                                        "{",
                                        "[]",
                                        "[{}]",
                                        "1",
                                        "-1",
                                        "1.5",
                                        "true",
                                        "\"x\"",
                                        "{} {}",
                                        "{}x",
                                        "{,}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "nul",
                                        "{'a':1}",
                                        "{\"name\":\"\xff\"}",
                                        "{\"name\":\"a\x01\"}",
                                        R"({"name":"\ud800"})",
                                        R"({"user":"u")",
                                        R"({"user":"u)"})
        expect_bad(json);
}

TEST(connect_request, nesting_is_bounded) {
    limits l;
    l.max_json_depth = 3;
    connect_request r;
    EXPECT_TRUE(parse_connect_request(R"({"x":[[1]]})", r, l));
    expect_bad(R"({"x":[[[1]]]})", l);
    expect_bad(R"({"x":)" + std::string(100'000, '['));
}

TEST(connect_request, leaves_no_credential_in_freed_memory) {
    static constexpr std::string_view needle = "a needle of a CONNECT";
    const std::string filler(3000, 'x'); // so that it has to grow
    // Escapes, so that the strings come in parts.
    const secret json(R"({"user":"a needle of a CONN\u0045CT","pass":"a needle of a CONNECT\n)" +
                      filler + R"(","auth_token":"a needle of a CONNECT","jwt":"\t)" + filler +
                      R"(","sig":"a needle of a CONNECT","nkey":"a needle of a CONNECT")");
    secret whole = json.clone();
    whole.append("}");
    const freed_memory memory(needle);
    {
        connect_request r;
        ASSERT_TRUE(parse_connect_request(whole.view(), r));
        EXPECT_EQ(r.user.view(), needle);
        ASSERT_TRUE(parse_connect_request(R"({"pass":"short"})", r));
        EXPECT_FALSE(parse_connect_request(json.view(), r)) << "it breaks off";
    }
    EXPECT_GT(memory.blocks(), 5U);
    EXPECT_EQ(memory.found(), 0U);
}

} // namespace nats::test
