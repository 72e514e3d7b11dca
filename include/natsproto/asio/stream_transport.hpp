// SPDX-License-Identifier: Apache-2.0
//
// Any AsyncStream as a transport: a Unix socket, a pipe, a stream of one's own.
//
//     boost::asio::local::stream_protocol::socket s(...);
//     return nats::aio::make_transport(std::move(s));

#pragma once

#include <natsproto/asio/transport.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nats::aio {

namespace detail {

/// A buffer sequence that refers to an array of buffers, so that streams copy two pointers.
class buffer_range {
public:
    using value_type = boost::asio::const_buffer;
    using const_iterator = const boost::asio::const_buffer*;
    explicit buffer_range(std::span<const boost::asio::const_buffer> pieces) noexcept
        : first_(pieces.data()), last_(pieces.data() + pieces.size()) {}
    [[nodiscard]] const_iterator begin() const noexcept { return first_; }
    [[nodiscard]] const_iterator end() const noexcept { return last_; }

private:
    const_iterator first_;
    const_iterator last_;
};

template <class Stream>
void close_stream(Stream& s) noexcept {
    boost::system::error_code ignored;
    if constexpr (requires { s.lowest_layer().close(ignored); })
        s.lowest_layer().close(ignored);
    else if constexpr (requires { s.close(ignored); })
        s.close(ignored);
    else
        s.close();
}

/// False for streams that have no such thing; those on a socket do.
template <class Stream>
[[nodiscard]] bool end_writing(Stream& s) noexcept {
    if constexpr (requires {
                      s.lowest_layer().shutdown(Stream::lowest_layer_type::shutdown_send);
                  }) {
        boost::system::error_code ec;
        s.lowest_layer().shutdown(Stream::lowest_layer_type::shutdown_send, ec);
        return !ec;
    } else {
        return false;
    }
}

} // namespace detail

/// Owns the stream. It must honour the handler's associated executor, as all of Asio's do.
template <class Stream>
class stream_transport : public transport {
public:
    explicit stream_transport(Stream s) : stream_(std::move(s)) {}

    void read_some(boost::asio::mutable_buffer into, transport_handler done) override {
        stream_.async_read_some(into, std::move(done));
    }
    void write_some(std::span<const boost::asio::const_buffer> pieces,
                    transport_handler done) override {
        stream_.async_write_some(detail::buffer_range(pieces), std::move(done));
    }
    [[nodiscard]] bool shutdown() noexcept override { return detail::end_writing(stream_); }
    void close() noexcept override { detail::close_stream(stream_); }

    [[nodiscard]] Stream& stream() noexcept { return stream_; }

private:
    Stream stream_;
};

template <class Stream>
[[nodiscard]] std::unique_ptr<transport> make_transport(Stream s) {
    return std::make_unique<stream_transport<Stream>>(std::move(s));
}

} // namespace nats::aio
