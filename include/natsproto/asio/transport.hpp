// SPDX-License-Identifier: Apache-2.0
//
// What the Asio client needs of a connection, and who opens one. The library has both for TCP
// (tcp_connector.hpp) and a template for any stream of Asio's (stream_transport.hpp), so few users
// implement these.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/error.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_url.hpp>
#include <natsproto/time.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nats::aio {

namespace detail {
class driver;
}

/// Called once when an operation of a transport has ended. A handler for Asio: copyable, with the
/// client's executor associated, so that a stream that honours it needs nothing else. Whoever calls
/// it by himself calls it on that executor, and never from inside the call that got it. It keeps
/// the transport alive.
class transport_handler {
public:
    using executor_type = boost::asio::any_io_executor;
    enum class what : std::uint8_t { read, write, handshake };

    transport_handler(std::shared_ptr<detail::driver> d, what w) noexcept
        : driver_(std::move(d)), what_(w) {}
    [[nodiscard]] const executor_type& get_executor() const noexcept;
    void operator()(boost::system::error_code ec, std::size_t n = 0) const;

private:
    std::shared_ptr<detail::driver> driver_;
    what what_;
};

/// A connection that is open. At most one read and one write are going on at a time. All members
/// are called on the client's executor.
class transport {
public:
    transport() = default;
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;
    virtual ~transport() = default;

    /// Reads at least a byte; `into` stays valid until `done` was called or destroyed. The end of
    /// the stream is `boost::asio::error::eof`.
    virtual void read_some(boost::asio::mutable_buffer into, transport_handler done) = 0;
    /// Writes at least a byte. The pieces, and the array of them, stay valid until then.
    virtual void write_some(std::span<const boost::asio::const_buffer> pieces,
                            transport_handler done) = 0;
    /// Writes what can be written without waiting: how much. A `would_block` or 0 means none, and
    /// then `write_some` waits. Saves a trip through the executor where it can be done.
    virtual std::size_t try_write(std::span<const boost::asio::const_buffer> pieces,
                                  boost::system::error_code& ec);
    /// Only with `tls_options::hand_over`: the TLS handshake; what is read and written from then on
    /// is inside of it. The default completes with `operation_not_supported`.
    virtual void handshake(std::string_view server_name, transport_handler done);
    /// Says that nothing more will be written; the peer still may. False: it cannot say that, which
    /// is the default.
    [[nodiscard]] virtual bool shutdown() noexcept { return false; }
    /// Ends what goes on: those handlers are called with an error. Idempotent.
    virtual void close() noexcept = 0;
    /// `address:port` of this end, if there is such a thing.
    [[nodiscard]] virtual std::string local_address() const { return {}; }
};

/// Called once with the transport, or with why there is none. From any thread, but not from inside
/// of `connector::open`.
class connect_handler {
public:
    connect_handler(std::shared_ptr<detail::driver> d, std::uint64_t attempt) noexcept
        : driver_(std::move(d)), attempt_(attempt) {}
    /// `why`: resolve_failed, connect_failed or timeout; its detail should name the endpoint.
    void operator()(result<std::unique_ptr<transport>> opened) const;

private:
    std::shared_ptr<detail::driver> driver_;
    std::uint64_t attempt_;
};

/// Opens transports: for proxies, other kinds of sockets, TLS of one's own. One connector serves
/// one client.
class connector {
public:
    connector() = default;
    connector(const connector&) = delete;
    connector& operator=(const connector&) = delete;
    virtual ~connector() = default;

    /// Opens a transport to `to`, which is valid during the call, and calls `done`. Called on the
    /// client's executor `ex`, once at a time. It should be done by the deadline; `cancel` comes
    /// when it has passed.
    virtual void open(const boost::asio::any_io_executor& ex, const endpoint& to,
                      time_point deadline, connect_handler done) = 0;
    /// Gives up: `done` need not be called any more, but may be.
    virtual void cancel() noexcept = 0;
};

} // namespace nats::aio
