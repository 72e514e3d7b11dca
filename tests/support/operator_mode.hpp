// SPDX-License-Identifier: Apache-2.0
//
// NKEYs, JWTs and the files that hold them, made for one test.

#pragma once

#include <natsproto/auth/nkey.hpp>
#include <natsproto/blocking/os_random.hpp>
#include <natsproto/openssl/provider.hpp>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace nats::test {

/// Gone with the object.
class temporary_directory {
public:
    temporary_directory() {
        std::string name =
            (std::filesystem::temp_directory_path() / "natsproto-files-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    /// The path of a new file that nobody else can read.
    [[nodiscard]] std::string file(std::string_view name, std::string_view content) const {
        const std::filesystem::path file = path_ / name;
        std::ofstream(file) << content;
        std::filesystem::permissions(
            file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        return file.string();
    }

private:
    std::filesystem::path path_;
};

/// A key pair as texts.
class key_pair {
public:
    explicit key_pair(nkey_kind kind) : pair_(make(kind)) {}

    [[nodiscard]] std::string id() const {
        return encode_nkey(pair_.public_key(openssl::provider()).value());
    }
    [[nodiscard]] std::string seed() const { return std::string(pair_.seed().view()); }
    /// A JWT by this key: `claims` are the members of "nats".
    [[nodiscard]] std::string issue(std::string_view subject, std::string_view claims) const {
        const std::string text =
            base64(R"({"typ":"JWT","alg":"ed25519-nkey"})") + '.' +
            base64(R"({"jti":"TEST","iat":1700000000,"iss":")" + id() +
                   R"(","name":"test","sub":")" + std::string(subject) + R"(","nats":{)" +
                   std::string(claims) + R"(,"version":2}})");
        return text + '.' + encode_signature(pair_.sign(text, openssl::provider()).value());
    }

private:
    static nkey_pair make(nkey_kind kind) {
        blocking::os_random random;
        return nkey_pair::create(kind, random);
    }
    /// For URLs, without padding.
    static std::string base64(std::string_view text) {
        constexpr std::string_view digits =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        std::string out;
        std::uint32_t bits = 0;
        int count = 0;
        for (const char c : text) {
            bits = bits << 8 | static_cast<unsigned char>(c);
            for (count += 8; count >= 6; count -= 6) out += digits[bits >> (count - 6) & 63];
        }
        if (count != 0) out += digits[bits << (6 - count) & 63];
        return out;
    }

    nkey_pair pair_;
};

/// An operator with one account, which has one user.
struct operator_mode {
    key_pair op{nkey_kind::operator_};
    key_pair account{nkey_kind::account};
    key_pair user{nkey_kind::user};
    std::string user_jwt = account.issue(
        user.id(), R"("pub":{},"sub":{},"subs":-1,"data":-1,"payload":-1,"type":"user")");

    /// For the server's configuration.
    [[nodiscard]] std::string config() const {
        const std::string account_jwt = op.issue(
            account.id(), R"("limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,)"
                          R"("wildcards":true,"conn":-1,"leaf":-1},)"
                          R"("default_permissions":{"pub":{},"sub":{}},"type":"account")");
        return "operator: \"" + op.issue(op.id(), R"("type":"operator")") +
               "\"\nresolver: MEMORY\nresolver_preload: { " + account.id() + ": \"" + account_jwt +
               "\" }\n";
    }
    /// The user's .creds file.
    [[nodiscard]] std::string credentials() const {
        return "-----BEGIN NATS USER JWT-----\n" + user_jwt +
               "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n" + user.seed() +
               "\n------END USER NKEY SEED------\n";
    }
};

} // namespace nats::test
