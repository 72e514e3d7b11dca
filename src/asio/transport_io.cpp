// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// At most one read, one write and one handshake are under way. After `action::close` the transport
// is closed, but it and the session's buffers stay until the last of them has come back; only then
// is the session told `handle_closed`.
//
// A write that fails does not end the connection at once: the server may have said why before it
// closed, and the read that is under way brings that. Only when it brings nothing for a while is
// the failure of the write what the session is told.
//
// When the user closes, what was written is to arrive: closing a socket with unread input would
// make the kernel cut off what the peer has not read yet. So the end of our side is told, and input
// is dropped until the peer has ended too, or a short time has passed.

#include <natsproto/asio/tcp_connector.hpp>

#include "asio/driver.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <new>

namespace nats::aio {

const transport_handler::executor_type& transport_handler::get_executor() const noexcept {
    return driver_->executor();
}

void transport_handler::operator()(boost::system::error_code ec, std::size_t n) const {
    driver_->on_transport(what_, ec, n);
}

void connect_handler::operator()(result<std::unique_ptr<transport>> opened) const {
    boost::asio::post(driver_->executor(),
                      [d = driver_, id = attempt_id{attempt_}, o = std::move(opened)]() mutable {
                          d->on_opened(id, std::move(o));
                      });
}

} // namespace nats::aio

namespace nats::aio::detail {

namespace {

constexpr auto linger_time = std::chrono::milliseconds(250);
constexpr auto write_error_patience = std::chrono::milliseconds(100);

} // namespace

// --- opening

void driver::connect(const action::connect& c) {
    attempt_ = c.id;
    write_error_ = {};
    write_error_due_ = linger_ = no_deadline;
    shut_ = closed_ = false;
    tls_name_.reset();
    connecting_ = true;
    connector_->open(ex_, *c.to, c.deadline,
                     connect_handler(shared_from_this(), static_cast<std::uint64_t>(c.id)));
}

void driver::on_opened(attempt_id id, result<std::unique_ptr<transport>> opened) {
    if (ended_ || !connecting_ || id != attempt_) {
        if (opened && *opened) (*opened)->close(); // too late: nobody waits for it
        return;
    }
    connecting_ = false;
    const time_point now = clock::now();
    core_->rt.advance(now);
    if (opened && *opened) {
        transport_ = std::move(*opened);
        core_->connection.handle_connected(id, now);
    } else {
        core_->connection.handle_connect_failed(
            id, opened ? error{errc::connect_failed, "no transport"} : opened.error(), now);
    }
    turn(delivery::direct);
}

// --- closing

void driver::close(attempt_id id) {
    closing_ = id;
    tls_name_.reset();
    if (std::exchange(connecting_, false)) {
        connector_->cancel();
        return transport_is_gone();
    }
    if (!transport_) return transport_is_gone();
    if (gentle_ && !write_error_) {
        linger_ = deadline_after(clock::now(), linger_time);
        return step_linger();
    }
    write(); // the end of TLS, or why it failed
    close_now();
}

/// Once all is written, says so, and drops what still comes.
void driver::step_linger() {
    if (linger_ == no_deadline || closed_) return;
    write();
    if (write_error_) return close_now();
    if (writing_ || core_->connection.untransmitted() != 0) return;
    if (!std::exchange(shut_, true) && !transport_->shutdown()) return close_now();
    if (reading_) return;
    if (!dropped_) dropped_.reset(new (std::nothrow) std::array<char, 4096>);
    if (!dropped_) return close_now();
    reading_ = true;
    transport_->read_some(boost::asio::buffer(*dropped_),
                          transport_handler(shared_from_this(), transport_handler::what::read));
}

void driver::close_now() {
    linger_ = write_error_due_ = no_deadline;
    if (!std::exchange(closed_, true)) transport_->close();
    if (!io_going_on()) transport_is_gone();
}

void driver::transport_is_gone() {
    transport_.reset();
    write_error_ = {};
    const std::optional<attempt_id> id = std::exchange(closing_, std::nullopt);
    if (id) core_->connection.handle_closed(*id, clock::now());
    while (!held_.empty()) ready_.push_back(held_.front());
    again_ = true;
}

std::string driver::local_address() const {
    return transport_ && !closed_ ? transport_->local_address() : std::string();
}

// --- what has come back

void driver::on_transport(transport_handler::what w, boost::system::error_code ec, std::size_t n) {
    if (ended_ || !transport_) return;
    switch (w) {
    case transport_handler::what::read:
        reading_ = false;
        if (!closed_) on_read(ec, n);
        break;
    case transport_handler::what::write:
        writing_ = false;
        if (!closed_) on_written(ec, n);
        break;
    case transport_handler::what::handshake:
        shaking_hands_ = false;
        if (!closed_) on_handshake(ec);
        break;
    }
    if (closed_ && !io_going_on()) transport_is_gone();
    turn(delivery::direct);
}

void driver::on_read(const boost::system::error_code& ec, std::size_t n) {
    if (linger_ != no_deadline) { // nobody wants it any more
        if (ec) return close_now();
        return step_linger();
    }
    const time_point now = clock::now();
    core_->rt.advance(now);
    if (n != 0) core_->connection.commit(n, now);
    if (!ec) return;
    write_error_due_ = no_deadline;
    // A reset that a write has met leaves an end of the stream to reads.
    if (ec == boost::asio::error::eof && write_error_ &&
        write_error_ != boost::asio::error::broken_pipe)
        core_->connection.handle_io_error(attempt_, write_error_, now);
    else if (ec == boost::asio::error::eof)
        core_->connection.handle_eof(attempt_, now);
    else
        core_->connection.handle_io_error(attempt_, ec, now);
}

void driver::on_written(const boost::system::error_code& ec, std::size_t n) {
    if (n != 0) transmitted(n);
    if (ec) write_failed(ec);
    if (linger_ != no_deadline) step_linger();
}

void driver::on_handshake(const boost::system::error_code& ec) {
    const time_point now = clock::now();
    core_->rt.advance(now);
    if (!ec)
        core_->connection.handle_tls_started(attempt_, now);
    else
        core_->connection.handle_tls_failed(
            attempt_, error{errc::tls_failed, std::error_code(ec).message()}, now);
}

// --- under way

void driver::start_tls() {
    if (!tls_name_ || !transport_ || closed_ || io_going_on()) return;
    if (core_->connection.untransmitted() != 0) return; // that comes first, in plain text
    const std::string name = std::move(*tls_name_);
    tls_name_.reset();
    shaking_hands_ = true;
    transport_->handshake(
        name, transport_handler(shared_from_this(), transport_handler::what::handshake));
}

void driver::read() {
    if (!transport_ || reading_ || closing_ || tls_name_ || shaking_hands_) return;
    const std::span<char> space = core_->connection.prepare();
    reading_ = true;
    transport_->read_some(boost::asio::buffer(space.data(), space.size()),
                          transport_handler(shared_from_this(), transport_handler::what::read));
}

/// The session's next pieces, into `pieces_`: how many.
std::size_t driver::offer() {
    std::array<const_buffer, 64> offered;
    const std::size_t count = core_->connection.poll_transmit(offered);
    for (std::size_t i = 0; i < count; ++i)
        pieces_[i] = boost::asio::const_buffer(offered[i].data, offered[i].size);
    return count;
}

void driver::write_failed(const boost::system::error_code& ec) {
    if (write_error_) return;
    write_error_ = ec;
    write_error_due_ = deadline_after(clock::now(), write_error_patience);
}

void driver::write() {
    while (transport_ && !writing_ && !closed_ && !write_error_ && !shaking_hands_ &&
           core_->connection.untransmitted() != 0) {
        const std::size_t count = offer();
        if (count == 0) return;
        const std::span<const boost::asio::const_buffer> all(pieces_.data(), count);
        boost::system::error_code ec;
        const std::size_t n = transport_->try_write(all, ec);
        const bool whole = n == boost::asio::buffer_size(all);
        if (n != 0) transmitted(n);
        if (ec && ec != boost::asio::error::would_block && ec != boost::asio::error::try_again)
            return write_failed(ec);
        if (whole) continue;
        core_->connection.handle_write_blocked(clock::now());
        if (n != 0) continue; // the pieces have moved
        writing_ = true;
        transport_->write_some(
            all, transport_handler(shared_from_this(), transport_handler::what::write));
    }
}

} // namespace nats::aio::detail
