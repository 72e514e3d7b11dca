// SPDX-License-Identifier: Apache-2.0
//
// TLS on a blocking socket by OpenSSL's own calls: the limit for those that have TLS in memory, and
// what the server is made of. Certificates are made when the program starts.

#pragma once

#include "child_server.hpp"
#include "harness.hpp"
#include "loopback_server.hpp"
#include "support/certificates.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

[[noreturn]] inline void tls_die(const char* what) {
    std::fprintf(stderr, "%s:\n", what);
    ERR_print_errors_fp(stderr);
    std::exit(1);
}

/// An authority in a file, and a server of 127.0.0.1 that it vouches for.
class tls_identity {
public:
    tls_identity() {
        const test::certificate_authority authority("bench");
        server_ = authority.issue({.ips = {"127.0.0.1"}});
        std::string name =
            (std::filesystem::temp_directory_path() / "natsproto-bench-XXXXXX").string();
        const int fd = ::mkstemp(name.data());
        if (fd < 0) die("mkstemp");
        ::close(fd);
        file_ = name;
        std::ofstream(file_) << authority.root();
    }
    tls_identity(const tls_identity&) = delete;
    tls_identity& operator=(const tls_identity&) = delete;
    ~tls_identity() {
        std::error_code ignored;
        std::filesystem::remove(file_, ignored);
    }
    [[nodiscard]] const test::identity& server() const noexcept { return server_; }
    [[nodiscard]] const std::string& authority_file() const noexcept { return file_; }

private:
    test::identity server_;
    std::string file_;
};

/// One side of a connection inside of TLS. Closes the socket, unless it is the server's.
class tls_stream {
public:
    /// The client's side, on a socket where INFO has come.
    tls_stream(int fd, const tls_identity& i)
        : fd_(fd), context_(SSL_CTX_new(TLS_client_method())) {
        if (SSL_CTX_load_verify_locations(context_, i.authority_file().c_str(), nullptr) != 1)
            tls_die("authority");
        SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
        // Several records in one recv(2), as everybody can have it who asks for it.
        SSL_CTX_set_read_ahead(context_, 1);
        SSL_CTX_set_default_read_buffer_len(context_, block);
        shake_hands(SSL_connect);
    }
    /// The server's side.
    tls_stream(int fd, const test::identity& self)
        : fd_(fd), context_(SSL_CTX_new(TLS_server_method())) {
        use(self);
        shake_hands(SSL_accept);
    }
    tls_stream(const tls_stream&) = delete;
    tls_stream& operator=(const tls_stream&) = delete;
    ~tls_stream() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }

    /// 0: the end, or an error.
    [[nodiscard]] std::size_t read(char* into, std::size_t size) {
        std::size_t n = 0;
        return SSL_read_ex(ssl_, into, size, &n) == 1 ? n : 0;
    }
    /// Records of 16 KiB, and one for the rest. False: the peer has gone.
    [[nodiscard]] bool write(std::string_view bytes) {
        std::size_t n = 0;
        return SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n) == 1;
    }
    void read_until(std::string& in, std::string_view what) {
        std::array<char, 4096> buffer{};
        while (in.find(what) == std::string::npos) {
            const std::size_t n = read(buffer.data(), buffer.size());
            if (n == 0) return;
            in.append(buffer.data(), n);
        }
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    void use(const test::identity& self) {
        BIO* const text = BIO_new_mem_buf(self.certificate.data(), -1);
        X509* const certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
        BIO* const key_text = BIO_new_mem_buf(self.key.data(), -1);
        EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
        if (SSL_CTX_use_certificate(context_, certificate) != 1 ||
            SSL_CTX_use_PrivateKey(context_, key) != 1)
            tls_die("certificate");
        X509_free(certificate);
        EVP_PKEY_free(key);
        BIO_free(text);
        BIO_free(key_text);
    }
    void shake_hands(int (*how)(SSL*)) {
        ssl_ = SSL_new(context_);
        SSL_set_fd(ssl_, fd_);
        if (how(ssl_) != 1) tls_die("handshake");
    }

    int fd_;
    SSL_CTX* context_;
    SSL* ssl_ = nullptr;
};

/// A raw connection to a TLS server, after the handshakes.
class tls_client_stream : public tls_stream {
public:
    tls_client_stream(std::uint16_t port, const tls_identity& i) : tls_stream(open(port), i) {
        if (!write("CONNECT {\"verbose\":false}\r\nPING\r\n")) tls_die("CONNECT");
        std::string in;
        read_until(in, "PONG\r\n");
    }
    tls_client_stream(const tls_client_stream&) = delete;
    tls_client_stream& operator=(const tls_client_stream&) = delete;
    ~tls_client_stream() { ::close(fd()); }

private:
    static int open(std::uint16_t port) {
        const int fd = connect_socket_to(port);
        std::string in;
        bench::read_until(fd, in, "\r\n");
        return fd;
    }
};

/// As `server`, inside of TLS.
class tls_server : public child_server {
public:
    using role = server::role;

    tls_server(role r, const tls_identity& i, const std::string& flood_block)
        : child_server([&](int listener) {
              accept_each(listener, [&](int fd) {
                  send_all(fd, tls_info);
                  serve(tls_stream(fd, i.server()), r, flood_block);
              });
          }) {}

    /// For clients that know nothing else of TLS than SSL_CERT_FILE.
    [[nodiscard]] std::string url() const { return "tls://127.0.0.1:" + std::to_string(port()); }

private:
    static constexpr std::string_view tls_info =
        R"(INFO {"server_id":"B","version":"2.10.27","proto":1,"headers":true,)"
        R"("max_payload":1048576,"tls_required":true})"
        "\r\n";

    static void serve(tls_stream&& s, role r, const std::string& flood_block) {
        std::string in;
        s.read_until(in, "PING\r\n");
        if (!s.write("PONG\r\n")) return;
        if (r == role::flood) {
            in.clear();
            s.read_until(in, "SUB");
            while (s.write(flood_block)) {
            }
            return;
        }
        std::vector<char> buffer(block);
        std::string sid = "1";
        std::string out;
        while (const std::size_t n = s.read(buffer.data(), buffer.size())) {
            const std::string_view got(buffer.data(), n);
            out.clear();
            if (r == role::echo)
                echo_frames(got, sid, out);
            else if (got.ends_with("PING\r\n"))
                out = "PONG\r\n";
            if (!out.empty() && !s.write(out)) return;
        }
    }
};

} // namespace nats::bench
