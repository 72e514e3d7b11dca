// SPDX-License-Identifier: Apache-2.0
//
// Logging in by an NKEY whose seed the client never sees: a callback signs what the server sent.
// Here the vault is a class; it could be a hardware module or another process.
// Usage: 10_own_signer nats://host:port SEED_FILE

#include <natsproto/auth/login.hpp>
#include <natsproto/auth/nkey.hpp>
#include <natsproto/blocking/client.hpp>
#include <natsproto/blocking/os_random.hpp>
#include <natsproto/openssl/provider.hpp>

#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace {

// [signer]
/// Has the key, and gives away signatures only.
class vault {
public:
    explicit vault(nats::nkey_pair key) : key_(std::move(key)) {}

    [[nodiscard]] std::string public_key() const {
        return nats::encode_nkey(key_.public_key(crypto_).value());
    }

    /// For `login_handlers::sign`. Called at every connect and reconnect.
    static nats::result<void> sign(void* self, const nats::login_request& r,
                                   nats::ed25519_signature& signature) {
        const vault& v = *static_cast<vault*>(self);
        const nats::result<nats::ed25519_signature> made = v.key_.sign(r.nonce, v.crypto_);
        if (!made) return nats::error{nats::errc::signing_failed, made.error().message()};
        signature = *made;
        return {};
    }

private:
    nats::openssl::provider crypto_;
    nats::nkey_pair key_;
};
// [signer]

/// Makes a key, signs with it, and checks the signature as anybody can who knows the public half.
bool keys() {
    // [keys]
    const nats::openssl::provider crypto;
    nats::blocking::os_random random;
    const nats::nkey_pair pair = nats::nkey_pair::create(nats::nkey_kind::user, random);
    const nats::nkey_public id = pair.public_key(crypto).value();
    std::cout << "a new user: " << nats::encode_nkey(id) << '\n'; // U and 55 more characters
    const nats::ed25519_signature signature = pair.sign("a text", crypto).value();
    const bool good = nats::verify(id, "a text", signature, crypto);
    // [keys]
    return good && !nats::verify(id, "another text", signature, crypto);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: 10_own_signer nats://host:port SEED_FILE\n";
        return 2;
    }
    std::string seed;
    std::ifstream(argv[2]) >> seed;
    vault v(nats::nkey_pair::from_seed(seed).value());
    nats::wipe(seed);

    // [connect]
    const std::string user = v.public_key();
    nats::options o;
    o.servers = argv[1];
    o.nkey = user;
    o.login.sign = vault::sign;
    o.login.context = &v; // must outlive the client
    nats::client nc = nats::client::connect(o).value();
    // [connect]
    nc.flush().value();
    std::cout << "logged in by a signature\n";
    return keys() ? 0 : 1;
}
