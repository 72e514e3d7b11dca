// SPDX-License-Identifier: Apache-2.0
//
// TLS by `boost::asio::ssl` instead of the library's own, for programs that have an `ssl::context`
// already: `tls_options::hand_over` with an `ssl_connector`. It is the one header that includes
// Asio's SSL and needs OpenSSL linked.

#pragma once

#include <natsproto/asio/stream_transport.hpp>
#include <natsproto/asio/tcp_connector.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nats::aio {

/// In plain text until `handshake`; from then on inside of TLS. `Next`: a stream with
/// `lowest_layer()`, such as `ip::tcp::socket`.
template <class Next>
class ssl_transport : public transport {
public:
    /// The context must outlive the client. The server's certificate has to be good and for its
    /// name, whatever the context says; without `verify_name` it is as the context says.
    ssl_transport(Next s, boost::asio::ssl::context& c, bool verify_name = true)
        : stream_(std::move(s), c), verify_name_(verify_name) {}

    void read_some(boost::asio::mutable_buffer into, transport_handler done) override {
        if (secure_)
            stream_.async_read_some(into, std::move(done));
        else
            stream_.next_layer().async_read_some(into, std::move(done));
    }
    void write_some(std::span<const boost::asio::const_buffer> pieces,
                    transport_handler done) override {
        const detail::buffer_range all(pieces);
        if (secure_)
            stream_.async_write_some(all, std::move(done));
        else
            stream_.next_layer().async_write_some(all, std::move(done));
    }
    void handshake(std::string_view server_name, transport_handler done) override {
        const std::string name(server_name);
        boost::system::error_code no_address;
        boost::asio::ip::make_address(name, no_address);
        if (no_address) // which SNI is not for
            (void)SSL_ctrl(stream_.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                           TLSEXT_NAMETYPE_host_name, const_cast<char*>(name.c_str()));
        if (verify_name_) {
            stream_.set_verify_mode(boost::asio::ssl::verify_peer);
            stream_.set_verify_callback(boost::asio::ssl::host_name_verification(name));
        }
        secure_ = true;
        stream_.async_handshake(boost::asio::ssl::stream_base::client, std::move(done));
    }
    /// Without TLS's own end, which would have to be waited for: NATS says where a message ends.
    [[nodiscard]] bool shutdown() noexcept override { return detail::end_writing(stream_); }
    void close() noexcept override { detail::close_stream(stream_); }

    [[nodiscard]] boost::asio::ssl::stream<Next>& stream() noexcept { return stream_; }

private:
    boost::asio::ssl::stream<Next> stream_;
    bool verify_name_;
    bool secure_ = false;
};

/// TCP with `ssl_transport` on it.
class ssl_connector : public tcp_connector {
public:
    explicit ssl_connector(boost::asio::ssl::context& c, const tcp_options& o = {},
                           bool verify_name = true)
        : tcp_connector(o), context_(&c), verify_name_(verify_name) {}

protected:
    std::unique_ptr<transport> adopt(boost::asio::ip::tcp::socket s) override {
        return std::make_unique<ssl_transport<boost::asio::ip::tcp::socket>>(
            std::move(s), *context_, verify_name_);
    }

private:
    boost::asio::ssl::context* context_;
    bool verify_name_;
};

} // namespace nats::aio
