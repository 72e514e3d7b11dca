// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: there are two parts of a login that do not know of each other. The first is
// a token, or a user with a password: of the URL, else of a handler, else of the options. The
// second is a signature of the server's nonce, by a key pair or by the user's signer, with a JWT
// or a public key that says whose it is. `check` makes sure that each part has one source only, so
// that `log_in` need not choose.
//
// Key pairs exist only while one login is assembled.

#include <natsproto/auth/credentials.hpp>

#include "core/auth/authenticator.hpp"
#include "core/auth/decorated.hpp"
#include "core/text/base64.hpp"
#include "core/text/utf8.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace nats {

namespace {

error misuse(std::string why) {
    return {errc::invalid_argument, std::move(why)};
}

std::ptrdiff_t count_set(std::initializer_list<bool> set) {
    return std::ranges::count(set, true);
}

/// `e`, which speaks of what `name` is or names.
error about(std::string_view name, const error& e) {
    return {e.code(), std::string(name) + ": " + e.detail()};
}

result<nkey_pair> user_pair(std::string_view seed) {
    result<nkey_pair> pair = nkey_pair::from_seed(find_seed(seed));
    if (pair && pair->kind() != nkey_kind::user)
        return error{errc::invalid_nkey, "a seed that is not a user's"};
    return pair;
}

error not_a_jwt(std::string_view name) {
    return {errc::invalid_credentials, std::string(name) + ": not a JWT"};
}

/// Both parts of credentials, ready for use.
struct user_credentials {
    std::string_view jwt;
    nkey_pair pair;
};
result<user_credentials> parse_user_credentials(std::string_view text) {
    const result<credentials> parts = parse_credentials(text);
    if (!parts) return parts.error();
    result<nkey_pair> pair = user_pair(parts->seed);
    if (!pair) return error{errc::invalid_credentials, pair.error().detail()};
    return user_credentials{parts->jwt, std::move(*pair)};
}

} // namespace

authenticator::authenticator(const login_settings& s)
    : user_(s.user),
      password_(s.password),
      token_(s.token),
      nkey_(s.nkey),
      nkey_seed_(s.nkey_seed),
      nkey_seed_file_(s.nkey_seed_file),
      jwt_(find_jwt(s.jwt)),
      jwt_file_(s.jwt_file),
      credentials_(s.credentials),
      credentials_file_(s.credentials_file),
      handlers_(s.handlers) {}

bool authenticator::has_credentials() const noexcept {
    return !credentials_.empty() || !credentials_file_.empty();
}
bool authenticator::has_jwt() const noexcept {
    return has_credentials() || !jwt_.empty() || !jwt_file_.empty() || handlers_.jwt != nullptr;
}
bool authenticator::has_seed() const noexcept {
    return !nkey_seed_.empty() || !nkey_seed_file_.empty();
}
bool authenticator::signs() const noexcept {
    return has_jwt() || has_seed() || !nkey_.empty();
}

// --- checks

result<void> authenticator::check(const crypto_provider* crypto, const file_reader* files) const {
    if (result<void> ok = check_conflicts(); !ok) return ok;
    if (result<void> ok = check_halves(); !ok) return ok;
    if (result<void> ok = check_texts(); !ok) return ok;
    return check_needs(crypto, files);
}

/// One source for each thing.
result<void> authenticator::check_conflicts() const {
    const bool user = !user_.empty() || !password_.empty();
    if (!token_.empty() && handlers_.token != nullptr)
        return misuse("both a token and a token handler");
    if (user && handlers_.user != nullptr) return misuse("both a user and a user handler");
    if ((!token_.empty() || handlers_.token != nullptr) && (user || handlers_.user != nullptr))
        return misuse("both a token and a user");
    if (count_set({!jwt_.empty(), !jwt_file_.empty(), !credentials_.empty(),
                   !credentials_file_.empty(), handlers_.jwt != nullptr}) > 1)
        return misuse(
            "more than one of jwt, jwt_file, credentials, credentials_file and a JWT handler");
    if (count_set({!nkey_.empty(), !nkey_seed_.empty(), !nkey_seed_file_.empty()}) > 1)
        return misuse("more than one of nkey, nkey_seed and nkey_seed_file");
    if (!nkey_.empty() && has_jwt()) return misuse("both an nkey and a JWT");
    if (has_credentials() && (has_seed() || handlers_.sign != nullptr))
        return misuse("credentials, which have a seed, and another way to sign");
    if (has_seed() && handlers_.sign != nullptr) return misuse("both a seed and a signing handler");
    return {};
}

/// Something to be named and something to sign with need each other.
result<void> authenticator::check_halves() const {
    const bool can_sign = has_credentials() || has_seed() || handlers_.sign != nullptr;
    if (!nkey_.empty() && !can_sign) return misuse("an nkey without a signing handler");
    if (has_jwt() && !can_sign) return misuse("a JWT without a seed or a signing handler");
    if (handlers_.sign != nullptr && !signs())
        return misuse("a signing handler without an nkey or a JWT");
    return {};
}

result<void> authenticator::check_texts() const {
    const std::pair<const char*, const secret*> texts[] = {
        {"user", &user_}, {"password", &password_}, {"token", &token_}};
    for (const auto& [name, value] : texts) {
        if (!text::is_utf8(value->view())) return misuse(std::string(name) + ": not UTF-8");
    }
    if (!nkey_.empty()) {
        const result<nkey_public> key = decode_nkey(nkey_);
        if (!key) return about("nkey", key.error());
        if (key->kind != nkey_kind::user)
            return error{errc::invalid_nkey, "nkey: a key that is not a user's"};
    }
    if (!nkey_seed_.empty()) {
        if (const result<nkey_pair> pair = user_pair(nkey_seed_.view()); !pair)
            return about("nkey_seed", pair.error());
    }
    if (!jwt_.empty() && !is_jwt(jwt_.view())) return not_a_jwt("jwt");
    if (!credentials_.empty()) {
        if (const result<user_credentials> parts = parse_user_credentials(credentials_.view());
            !parts)
            return about("credentials", parts.error());
    }
    return {};
}

result<void> authenticator::check_needs(const crypto_provider* crypto,
                                        const file_reader* files) const {
    const std::pair<const char*, const std::string*> named[] = {
        {"nkey_seed_file", &nkey_seed_file_},
        {"jwt_file", &jwt_file_},
        {"credentials_file", &credentials_file_}};
    for (const auto& [name, path] : named) {
        if (!path->empty() && files == nullptr)
            return misuse(std::string(name) + ": nothing here can read files");
    }
    if ((has_credentials() || has_seed()) && crypto == nullptr)
        return error{errc::crypto_unavailable, "to sign with a seed"};
    return {};
}

// --- one login

class authenticator::option_files {
public:
    option_files(file_reader* files, std::vector<std::string>& exposed) noexcept
        : files_(files), exposed_(exposed) {}

    result<secret> read(const std::string& path) {
        secret content;
        bool others_can_read = false;
        if (result<void> ok = files_->read(path, max_option_file, content, others_can_read); !ok)
            return std::move(ok).error();
        if (others_can_read && std::ranges::find(exposed_, path) == exposed_.end())
            exposed_.push_back(path);
        return content;
    }

private:
    file_reader* files_; ///< `check` has made sure that it is there if it is needed
    std::vector<std::string>& exposed_;
};

result<login> authenticator::log_in(const server_url& server, const server_info& info,
                                    const crypto_provider* crypto, file_reader* files,
                                    std::vector<std::string>& exposed) const {
    if (result<void> ok = check(crypto, files); !ok) return std::move(ok).error();
    if (signs() && info.nonce.empty()) return error{errc::nkeys_not_supported, server.where.text()};
    const login_request request{server.where, info, info.nonce};
    option_files reader(files, exposed);
    login out;
    if (result<void> ok = add_user(server, request, out); !ok) return std::move(ok).error();
    if (!signs()) return out;

    std::optional<nkey_pair> pair;
    if (has_credentials()) {
        if (result<void> ok = add_credentials(reader, out, pair); !ok) return std::move(ok).error();
    } else {
        if (result<void> ok = add_jwt(request, reader, out); !ok) return std::move(ok).error();
        if (result<void> ok = find_pair(reader, pair); !ok) return std::move(ok).error();
    }
    if (result<void> ok = add_signature(request, crypto, pair, out); !ok)
        return std::move(ok).error();
    return out;
}

result<void> authenticator::add_user(const server_url& server, const login_request& r,
                                     login& out) const {
    if (!server.user.empty() || !server.password.empty() || !server.token.empty()) {
        out.user.assign(server.user);
        out.password.assign(server.password);
        out.token.assign(server.token);
    } else if (handlers_.user != nullptr) {
        if (result<void> ok = handlers_.user(handlers_.context, r, out.user, out.password); !ok)
            return ok;
    } else if (handlers_.token != nullptr) {
        if (result<void> ok = handlers_.token(handlers_.context, r, out.token); !ok) return ok;
    } else {
        out.user = user_.clone();
        out.password = password_.clone();
        out.token = token_.clone();
    }
    for (const secret* text : {&out.user, &out.password, &out.token}) {
        if (!text::is_utf8(text->view())) return misuse("a user, password or token: not UTF-8");
    }
    return {};
}

/// Of all sources but credentials.
result<void> authenticator::add_jwt(const login_request& r, option_files& files, login& out) const {
    if (handlers_.jwt != nullptr) {
        secret said;
        if (result<void> ok = handlers_.jwt(handlers_.context, r, said); !ok) return ok;
        out.jwt.assign(find_jwt(said.view()));
        if (!is_jwt(out.jwt.view())) return not_a_jwt("the JWT handler's answer");
    } else if (!jwt_file_.empty()) {
        const result<secret> content = files.read(jwt_file_);
        if (!content) return content.error();
        out.jwt.assign(find_jwt(content->view()));
        if (!is_jwt(out.jwt.view())) return not_a_jwt(jwt_file_);
    } else {
        out.jwt = jwt_.clone();
    }
    return {};
}

result<void> authenticator::add_credentials(option_files& files, login& out,
                                            std::optional<nkey_pair>& pair) const {
    result<secret> content =
        credentials_.empty() ? files.read(credentials_file_) : credentials_.clone();
    if (!content) return std::move(content).error();
    result<user_credentials> parts = parse_user_credentials(content->view());
    if (!parts)
        return about(credentials_.empty() ? credentials_file_ : "credentials", parts.error());
    out.jwt.assign(parts->jwt);
    pair.emplace(std::move(parts->pair));
    return {};
}

/// Of a seed outside of credentials; none if the user's handler signs.
result<void> authenticator::find_pair(option_files& files, std::optional<nkey_pair>& pair) const {
    if (!has_seed()) return {};
    result<secret> seed = nkey_seed_.empty() ? files.read(nkey_seed_file_) : nkey_seed_.clone();
    if (!seed) return std::move(seed).error();
    result<nkey_pair> found = user_pair(seed->view());
    if (!found) return about(nkey_seed_.empty() ? nkey_seed_file_ : "nkey_seed", found.error());
    pair.emplace(std::move(*found));
    return {};
}

result<void> authenticator::add_signature(const login_request& r, const crypto_provider* crypto,
                                          const std::optional<nkey_pair>& pair, login& out) const {
    ed25519_signature signature{};
    if (pair) {
        const result<ed25519_signature> made = pair->sign(r.nonce, *crypto);
        if (!made) return error{errc::signing_failed, made.error().message()};
        signature = *made;
    } else if (result<void> ok = handlers_.sign(handlers_.context, r, signature); !ok) {
        return ok;
    }
    if (pair && out.jwt.empty()) {
        const result<nkey_public> key = pair->public_key(*crypto);
        if (!key) return error{errc::signing_failed, key.error().message()};
        out.nkey.assign(encode_nkey(*key));
    } else {
        out.nkey.assign(nkey_); // there is none beside a JWT
    }
    text::encode_base64url(signature, out.signature.resize(text::base64url_size(signature.size())));
    return {};
}

} // namespace nats
