// SPDX-License-Identifier: Apache-2.0
//
// Certificates for tests, made in memory: authorities, servers, clients, and broken ones. All keys
// are ECDSA P-256, because they are quick to make.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

/// A certificate with its chain, and its key, PEM.
struct identity {
    std::string certificate;
    std::string key;
};

/// What a certificate says. Days count from now.
struct certificate_wish {
    std::string common_name = "test";
    std::vector<std::string> dns{}; ///< subject alternative names
    std::vector<std::string> ips{};
    int first_day = -1;
    int last_day = 30;
    bool client = false;    ///< for clients, instead of for servers
    bool authority = false; ///< may sign others
};

/// Signs certificates. Throws std::runtime_error if OpenSSL fails.
class certificate_authority {
public:
    explicit certificate_authority(std::string_view name = "test CA");

    /// The trusted root: what goes into `tls_options::ca`.
    [[nodiscard]] const std::string& root() const noexcept { return root_; }

    [[nodiscard]] identity issue(const certificate_wish& wish) const;
    [[nodiscard]] identity server(const std::string& dns) const { return issue({.dns = {dns}}); }
    [[nodiscard]] identity client(const std::string& name) const {
        return issue({.common_name = name, .client = true});
    }

    /// An authority that this one has signed. What it issues has its certificate in the chain.
    [[nodiscard]] certificate_authority intermediate(std::string_view name) const;
    /// Its own certificate: of a root the same as `root()`.
    [[nodiscard]] const std::string& certificate() const noexcept { return own_.certificate; }

private:
    certificate_authority(identity own, std::string root, std::string chain)
        : own_(std::move(own)), root_(std::move(root)), chain_(std::move(chain)) {}

    identity own_;
    std::string root_;
    std::string chain_; ///< appended to what it issues; empty for a root
};

[[nodiscard]] identity self_signed(const certificate_wish& wish);

/// The same key under a password.
[[nodiscard]] std::string encrypted_key(const std::string& key, const std::string& password);

/// The DER of the first certificate of a PEM text.
[[nodiscard]] std::string der_of(const std::string& certificate);

} // namespace nats::test
