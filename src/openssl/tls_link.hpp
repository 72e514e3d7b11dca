// SPDX-License-Identifier: Apache-2.0
//
// One side of a TLS connection as a link: OpenSSL between two buffers, without a socket.

#pragma once

#include <natsproto/crypto.hpp>
#include <natsproto/detail/ring.hpp>
#include <natsproto/link/link.hpp>
#include <natsproto/result.hpp>

#include "openssl/certificate_check.hpp"
#include "openssl/handles.hpp"
#include "openssl/wire_bio.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace nats::openssl {

class tls_link final : public link {
public:
    /// What a TLS record can hold.
    static constexpr std::size_t record_size = SSL3_RT_MAX_PLAIN_LENGTH;
    /// With this many wire bytes waiting, no more is taken. That is four full records and something
    /// over, so that the end of 64 KiB is sent with its beginning, and not in a call of its own.
    static constexpr std::size_t write_limit = std::size_t{65} * 1024;
    /// A peer that makes us answer (to KeyUpdate, for one) and does not read the answers is at its
    /// end here.
    static constexpr std::size_t answer_limit = std::size_t{128} * 1024;

    /// The client's side: its hello waits to be sent. Errors: `tls_configuration`.
    [[nodiscard]] static result<std::unique_ptr<link>> make(const tls_parameters& p);
    /// The server's side: it waits for the client's hello.
    [[nodiscard]] static std::unique_ptr<link> accept(SSL_CTX* context);

    explicit tls_link(const tls_parameters& p) : check_(p) {}
    tls_link() : server_(true) {}
    ~tls_link() override;

    [[nodiscard]] link_state state() const noexcept override { return state_; }
    [[nodiscard]] const error& failure() const noexcept override { return failure_; }
    [[nodiscard]] std::span<char> prepare(std::size_t at_least) override;
    void commit(std::size_t n) override;
    void handle_eof() override;
    [[nodiscard]] std::size_t read(std::span<char> into) override;
    [[nodiscard]] std::size_t write(std::span<const const_buffer> pieces) override;
    void end() override;
    [[nodiscard]] std::size_t poll_transmit(std::span<const_buffer> out) const noexcept override;
    [[nodiscard]] std::size_t transmitted(std::size_t n) override;
    [[nodiscard]] std::size_t untransmitted() const noexcept override;

private:
    /// A record of NATS bytes that is not completely sent.
    struct record {
        std::uint64_t wire_end = 0; ///< counted from the first wire byte ever
        std::size_t size = 0;       ///< its NATS bytes
    };

    [[nodiscard]] result<void> start(const tls_parameters& p);
    void make_ssl(SSL_CTX* context);
    void shake_hands();
    [[nodiscard]] bool write_record(const char* data, std::size_t size);
    void keep_buffer(bool yes) noexcept;
    void settle(int outcome);
    void fail(error why);
    void require_memory() const;
    [[nodiscard]] error why_it_failed() const;
    static int on_certificate_wanted(SSL* ssl, void* self) noexcept;

    certificate_check check_;
    wire_buffers wire_;
    ssl_ptr ssl_; // after what its callbacks use
    detail::ring<record> records_;
    std::uint64_t sent_ = 0;          ///< wire bytes that were transmitted
    std::unique_ptr<char[]> staging_; ///< of one record: where small pieces come together
    error failure_;
    link_state state_ = link_state::handshaking;
    bool server_ = false;
    bool eof_ = false;
    bool dry_ = false;      ///< nothing can be read before more wire bytes come
    bool finished_ = false; ///< by `end`
    bool buffer_kept_ = false;
    bool certificate_given_ = false;
    bool certificate_wanted_ = false;
};

} // namespace nats::openssl
