// SPDX-License-Identifier: Apache-2.0
//
// How the Asio client opens TCP connections unless it is told otherwise: names to addresses, each
// tried with its share of the time.

#pragma once

#include <natsproto/asio/transport.hpp>
#include <natsproto/blocking/address_options.hpp>
#include <natsproto/random.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nats::aio {

/// Finds the addresses of a name; numeric addresses never come here. `done` may be called from any
/// thread, also from inside of `resolve`. `cancel`: it need not be called any more.
///
/// The default is `boost::asio::ip::tcp::resolver`. **Asio resolves names in a thread of its own**,
/// which it starts with the first name; a program that wants no thread at all gives addresses, or a
/// resolver.
class resolver {
public:
    using handler =
        std::function<void(boost::system::error_code, std::vector<boost::asio::ip::tcp::endpoint>)>;
    resolver() = default;
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;
    virtual ~resolver() = default;
    virtual void resolve(const boost::asio::any_io_executor& ex, const std::string& host,
                         std::uint16_t port, handler done) = 0;
    virtual void cancel() noexcept = 0;
};

struct tcp_options {
    address_order addresses = address_order::any;
    /// The IP address that outgoing sockets are bound to; empty: the system's choice.
    std::string_view local_address{};
    /// Shuffle the addresses of a name.
    bool randomize = true;
    /// Null: Asio's. Must outlive the connector.
    resolver* names = nullptr;
};
static_assert(std::is_trivially_destructible_v<tcp_options>);

class tcp_connector : public connector {
public:
    /// `invalid_argument` for a local address that is none comes with each attempt; `check` tells
    /// it before.
    explicit tcp_connector(const tcp_options& o = {});
    ~tcp_connector() override;

    [[nodiscard]] result<void> check() const;
    void open(const boost::asio::any_io_executor& ex, const endpoint& to, time_point deadline,
              connect_handler done) override;
    void cancel() noexcept override;

protected:
    /// Makes a transport of a connected socket, whose executor is the client's. To be replaced by
    /// who wants a layer of his own on it.
    [[nodiscard]] virtual std::unique_ptr<transport> adopt(boost::asio::ip::tcp::socket s);

private:
    class attempt;
    friend class attempt;
    struct settings;
    std::unique_ptr<settings> settings_;
    std::shared_ptr<attempt> attempt_;
};

/// The transport that `adopt` makes: a non-blocking socket with Nagle's algorithm off.
[[nodiscard]] std::unique_ptr<transport> make_tcp_transport(boost::asio::ip::tcp::socket s);

} // namespace nats::aio
