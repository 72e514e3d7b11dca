// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation (ADR-14): header.claims.signature, each base64 for URLs without padding. The
// claims are JSON with an id that is the base32 of their SHA-256 while the id is empty; the
// signature is the issuer's Ed25519 of the first two parts.

#include <natsproto/blocking/os_random.hpp>
#include <natsproto/openssl/provider.hpp>

#include "core/text/base32.hpp"
#include "core/text/base64.hpp"
#include "support/jwt.hpp"

#include <array>
#include <span>

#include <openssl/sha.h>

namespace nats::test {

namespace {

std::span<const unsigned char> octets(std::string_view text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

std::string base64(std::span<const unsigned char> in) {
    std::string out(text::base64url_size(in.size()), '\0');
    text::encode_base64url(in, out);
    return out;
}

std::string id_of(std::string_view claims) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    ::SHA256(octets(claims).data(), claims.size(), digest.data());
    std::string out(text::base32_size(digest.size()), '\0');
    text::encode_base32(digest, out);
    return out;
}

struct claims {
    std::string_view name;
    std::string_view subject;
    std::string_view nats; ///< a JSON object
    std::int64_t issued;
    std::int64_t expires; ///< 0: never
};

std::int64_t unix_time() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string issue(const named_key& issuer, const claims& c) {
    const auto body = [&](const std::string& id) {
        std::string out = "{\"jti\":\"" + id + "\",\"iat\":" + std::to_string(c.issued) +
                          ",\"iss\":\"" + issuer.id() + "\",\"name\":\"" + std::string(c.name) +
                          "\",\"sub\":\"" + std::string(c.subject) + '"';
        if (c.expires != 0) out += ",\"exp\":" + std::to_string(c.expires);
        return out + ",\"nats\":" + std::string(c.nats) + '}';
    };
    const std::string text = base64(octets(R"({"typ":"JWT","alg":"ed25519-nkey"})")) + '.' +
                             base64(octets(body(id_of(body("")))));
    return text + '.' + base64(issuer.sign(text));
}

nkey_pair create(nkey_kind kind) {
    blocking::os_random random;
    return nkey_pair::create(kind, random);
}

} // namespace

named_key::named_key(nkey_kind kind) : pair_(create(kind)) {
    id_ = encode_nkey(pair_.public_key(openssl::provider()).value());
}

ed25519_signature named_key::sign(std::string_view message) const {
    return pair_.sign(message, openssl::provider()).value();
}

std::string jwt_user::creds() const {
    return "-----BEGIN NATS USER JWT-----\n" + jwt +
           "\n------END NATS USER JWT------\n\n"
           "************************* IMPORTANT *************************\n"
           "NKEY Seed printed below can be used to sign and prove identity.\n\n"
           "-----BEGIN USER NKEY SEED-----\n" +
           key.seed() + "\n------END USER NKEY SEED------\n";
}

jwt_operator::jwt_operator() = default;

std::string jwt_operator::account_jwt(const named_key& account, std::string_view name,
                                      std::string_view more) const {
    const std::string nats =
        R"({"limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,)"
        R"("wildcards":true,"conn":-1,"leaf":-1},"default_permissions":{"pub":{},"sub":{}},)" +
        std::string(more) + R"("type":"account","version":2})";
    return issue(operator_, {name, account.id(), nats, unix_time(), 0});
}

std::string jwt_operator::config(const std::vector<std::string>& revoked) const {
    std::string taken_back;
    for (const std::string& key : revoked) {
        taken_back += taken_back.empty() ? "\"revocations\":{" : ",";
        taken_back += '"' + key + "\":" + std::to_string(unix_time() + 1);
    }
    if (!taken_back.empty()) taken_back += "},";
    const std::string own = issue(
        operator_, {"op", operator_.id(), R"({"type":"operator","version":2})", unix_time(), 0});
    return "operator: " + own + "\nsystem_account: " + system_.id() +
           "\nresolver: MEMORY\nresolver_preload: {\n  " + system_.id() + ": " +
           account_jwt(system_, "SYS", {}) + "\n  " + account_.id() + ": " +
           account_jwt(account_, "A", taken_back) + "\n}\n";
}

jwt_user jwt_operator::user(std::string_view name, std::chrono::seconds lifetime,
                            std::string_view denied) const {
    jwt_user out;
    const std::string deny =
        denied.empty() ? std::string() : "\"deny\":[\"" + std::string(denied) + "\"]";
    const std::string nats = "{\"pub\":{" + deny +
                             R"(},"sub":{},"subs":-1,"data":-1,"payload":-1,)"
                             R"("type":"user","version":2})";
    const std::int64_t now = unix_time();
    out.jwt = issue(account_, {name, out.key.id(), nats, now,
                               lifetime.count() == 0 ? 0 : now + lifetime.count()});
    return out;
}

} // namespace nats::test
