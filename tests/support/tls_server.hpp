// SPDX-License-Identifier: Apache-2.0
//
// The server's side of a TLS connection for tests: bytes in, bytes out, and what it has seen. It
// stands on OpenSSL's memory BIOs, so it shares no code with the link that it tests.

#pragma once

#include "support/certificates.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nats::test {

enum class tls_range : std::uint8_t { any, only_1_2, only_1_3, only_1_1 };
enum class client_certificate : std::uint8_t { unwanted, wanted, required };

struct tls_server_options {
    identity self{}; ///< none: anonymous
    client_certificate clients = client_certificate::unwanted;
    std::string client_ca{}; ///< that signs the certificates of clients
    tls_range versions = tls_range::any;
    std::string ciphers{};       ///< of TLS 1.2
    std::string cipher_suites{}; ///< of TLS 1.3
};

/// Throws std::runtime_error when its options cannot be used.
class tls_server {
public:
    explicit tls_server(const tls_server_options& options);
    ~tls_server();
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;

    /// Wire bytes from the client. They are worked on at once.
    void receive(std::string_view wire);
    /// Wire bytes for the client, at most `limit`.
    [[nodiscard]] std::string take_output(std::size_t limit = SIZE_MAX);
    /// What the client has said, decrypted.
    [[nodiscard]] std::string take_plain();

    /// Only when open.
    void send(std::string_view plain);
    /// close_notify.
    void close();
    /// TLS 1.3: changes its keys and demands that the client does so too.
    void update_keys();
    /// TLS 1.2: asks for a new handshake.
    void renegotiate();

    [[nodiscard]] bool open() const noexcept; ///< the handshake is done, and nothing is wrong
    [[nodiscard]] bool client_closed() const noexcept; ///< close_notify has come
    /// What is wrong, in OpenSSL's words; empty: nothing.
    [[nodiscard]] const std::string& problem() const noexcept;
    [[nodiscard]] std::string sni() const;         ///< the name that the client asked for
    [[nodiscard]] std::string version() const;     ///< such as TLSv1.3
    [[nodiscard]] std::string cipher() const;      ///< OpenSSL's name
    [[nodiscard]] std::string client_name() const; ///< the common name in its certificate
    [[nodiscard]] int client_chain() const;        ///< how many certificates it sent

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace nats::test
