// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: an attempt is an object of its own, shared by the connector and by the
// handlers of what goes on. Whoever cancels takes the user's handler and the connector out of it;
// what comes back later finds an attempt that has ended, and lets go of it.
//
// An attempt begins behind the call that asks for it, so that nothing is answered from inside of
// that. Then there is one step after the other: an address as it is, or a name's addresses from the
// resolver; they are shuffled and ordered as the options say; then each is connected to, with its
// share of the time that is left, so that one that never answers leaves some for the rest. A step
// has a number, and a handler that brings another one is late: its socket or timer is of a step
// that is over.
//
// Nothing is resolved that is an address already: Asio's resolver has a thread, and a program that
// gives addresses has none but its own.

#include <natsproto/asio/tcp_connector.hpp>

#include <natsproto/blocking/os_random.hpp>

#include "asio/system_resolver.hpp"
#include "blocking/addresses.hpp"

#include <boost/asio/detail/handler_tracking.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::aio {

using boost::asio::ip::tcp;
using addresses = std::vector<tcp::endpoint>;

namespace {

/// An IP address as it is written, with or without the brackets of URLs.
std::optional<tcp::endpoint> numeric(std::string_view host, std::uint16_t port) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    boost::system::error_code ec;
    const boost::asio::ip::address a = boost::asio::ip::make_address(std::string(host), ec);
    if (ec) return std::nullopt;
    return tcp::endpoint(a, port);
}

bool is_wanted(const tcp::endpoint& a, address_order order) noexcept {
    if (order == address_order::v4_only) return a.protocol() == tcp::v4();
    if (order == address_order::v6_only) return a.protocol() == tcp::v6();
    return true;
}

/// Those that are wanted, in the order in which they are to be tried.
addresses arrange(addresses found, address_order order, random_source* shuffle) {
    std::erase_if(found, [order](const tcp::endpoint& a) { return !is_wanted(a, order); });
    for (std::size_t i = found.size(); shuffle != nullptr && i > 1; --i)
        std::swap(found[i - 1], found[static_cast<std::size_t>(shuffle->below(i))]);
    if (order != address_order::v4_first && order != address_order::v6_first) return found;
    const tcp first = order == address_order::v4_first ? tcp::v4() : tcp::v6();
    addresses ordered;
    ordered.reserve(found.size());
    for (const bool wanted : {true, false}) {
        for (const tcp::endpoint& a : found) {
            if ((a.protocol() == first) == wanted) ordered.push_back(a);
        }
    }
    return ordered;
}

std::optional<tcp::endpoint> endpoint_of(const blocking::address& a) {
    if (a.size == 0) return std::nullopt;
    tcp::endpoint out;
    std::memcpy(out.data(), a.get(), a.size);
    out.resize(a.size);
    return out;
}

/// Not by Asio: a socket of its making would live on in child processes.
boost::system::error_code open_socket(tcp::socket& s, const tcp& protocol) {
    const int fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return {errno, boost::system::system_category()};
    boost::system::error_code ec;
    (void)s.assign(protocol, fd, ec);
    if (ec) (void)::close(fd);
    return ec;
}

} // namespace

struct tcp_connector::settings {
    explicit settings(const tcp_options& o)
        : order(o.addresses),
          randomize(o.randomize),
          given(o.names),
          system(o.names == nullptr ? std::make_unique<system_resolver>(o.addresses) : nullptr) {
        const result<blocking::local_end> from = blocking::parse_local_end(o.local_address);
        if (!from) {
            local_ok = from.error();
            return;
        }
        local_v4 = endpoint_of(from->v4);
        local_v6 = endpoint_of(from->v6);
    }

    [[nodiscard]] resolver& names() const noexcept { return given != nullptr ? *given : *system; }
    [[nodiscard]] bool bound() const noexcept { return local_v4 || local_v6; }

    address_order order;
    bool randomize;
    std::optional<tcp::endpoint> local_v4, local_v6;
    result<void> local_ok;
    resolver* given;
    std::unique_ptr<resolver> system;
    blocking::os_random random;
};

class tcp_connector::attempt : public std::enable_shared_from_this<attempt> {
public:
    attempt(tcp_connector& owner, const boost::asio::any_io_executor& ex, const endpoint& to,
            time_point deadline, connect_handler done)
        : owner_(&owner),
          work_(ex),
          timer_(ex),
          socket_(ex),
          to_(to),
          name_(to.text()),
          deadline_(deadline),
          done_(std::move(done)) {}

    void start();
    /// The user's handler is not called any more, and nothing of the connector is used.
    void stop() noexcept;

private:
    void begin();
    void resolve();
    void resolved(const boost::system::error_code& ec, addresses found);
    void try_addresses(addresses found);
    void try_address();
    [[nodiscard]] std::optional<error> bind_local(const tcp::endpoint& to);
    void connect_socket(const tcp::endpoint& to);
    void connected(const boost::system::error_code& ec);
    void address_failed(errc code, const std::string& why);
    void address_timed_out();

    void expect_until(time_point when, void (attempt::*late)());
    void resolving_timed_out();
    [[nodiscard]] bool over(std::uint64_t step) const noexcept { return !done_ || step != step_; }
    void fail(errc code, const std::string& why) { finish(error{code, name_ + ": " + why}); }
    void finish(result<std::unique_ptr<transport>> r);

    tcp_connector* owner_; ///< null when it is over
    boost::asio::executor_work_guard<boost::asio::any_io_executor> work_;
    boost::asio::steady_timer timer_;
    tcp::socket socket_;
    endpoint to_;
    std::string name_;
    time_point deadline_;
    std::optional<connect_handler> done_; ///< none when it is over
    addresses found_;
    std::size_t at_ = 0;     ///< of the address that is tried
    std::uint64_t step_ = 0; ///< what goes on now
    bool resolving_ = false;
    error failure_;
};

// --- beginning and end

void tcp_connector::attempt::start() {
    BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
    boost::asio::post(work_.get_executor(), [self = shared_from_this()] {
        if (self->done_) self->begin();
    });
}

void tcp_connector::attempt::begin() {
    const settings& s = *owner_->settings_;
    if (!s.local_ok) return finish(s.local_ok.error());
    if (const std::optional<tcp::endpoint> address = numeric(to_.host, to_.port))
        return try_addresses({*address});
    resolve();
}

void tcp_connector::attempt::stop() noexcept { // NOLINT(bugprone-exception-escape): Asio's cancel
    ++step_;
    if (std::exchange(resolving_, false)) owner_->settings_->names().cancel();
    owner_ = nullptr;
    timer_.cancel();
    boost::system::error_code ignored;
    (void)socket_.close(ignored);
    work_.reset();
    done_.reset();
}

void tcp_connector::attempt::finish(result<std::unique_ptr<transport>> r) {
    const std::shared_ptr<attempt> self = std::exchange(owner_->attempt_, nullptr);
    const connect_handler done = std::move(*done_);
    stop();
    done(std::move(r));
}

void tcp_connector::attempt::expect_until(time_point when, void (attempt::*late)()) {
    if (when == no_deadline) return;
    timer_.expires_at(when);
    BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
    timer_.async_wait(
        [self = shared_from_this(), step = step_, late](const boost::system::error_code& ec) {
            if (!ec && !self->over(step)) (self.get()->*late)();
        });
}

// --- names

/// The resolver may answer from any thread, from inside of the call, or never: what it is given
/// does not keep the attempt alive, and goes through the executor.
void tcp_connector::attempt::resolve() {
    ++step_;
    resolving_ = true;
    expect_until(deadline_, &attempt::resolving_timed_out);
    auto answered = [self = weak_from_this(), step = step_, ex = work_.get_executor()](
                        const boost::system::error_code& ec, addresses found) {
        BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, "resolved"));
        boost::asio::post(ex, [self, step, ec, found = std::move(found)]() mutable {
            const std::shared_ptr<attempt> a = self.lock();
            if (a && !a->over(step)) a->resolved(ec, std::move(found));
        });
    };
    try {
        BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
        owner_->settings_->names().resolve(work_.get_executor(), to_.host, to_.port,
                                           std::move(answered));
    } catch (const std::exception& e) {
        fail(errc::resolve_failed, e.what());
    }
}

void tcp_connector::attempt::resolved(const boost::system::error_code& ec, addresses found) {
    resolving_ = false;
    timer_.cancel();
    if (ec) return fail(errc::resolve_failed, ec.message());
    if (found.empty()) return fail(errc::resolve_failed, "no address");
    try_addresses(std::move(found));
}

void tcp_connector::attempt::resolving_timed_out() {
    fail(errc::timeout, "its name was not resolved in time");
}

// --- addresses

void tcp_connector::attempt::try_addresses(addresses found) {
    settings& s = *owner_->settings_;
    found_ = arrange(std::move(found), s.order, s.randomize ? &s.random : nullptr);
    if (found_.empty())
        return fail(errc::resolve_failed, "no address of the family that is wanted");
    try_address();
}

void tcp_connector::attempt::try_address() {
    if (at_ >= found_.size()) return finish(failure_);
    ++step_;
    const time_point now = clock::now();
    const auto left = static_cast<long>(found_.size() - at_);
    const time_point share = deadline_ == no_deadline
                                 ? no_deadline
                                 : now + std::max(deadline_ - now, duration::zero()) / left;
    const tcp::endpoint& to = found_[at_];
    if (const boost::system::error_code ec = open_socket(socket_, to.protocol()))
        return address_failed(errc::connect_failed, ec.message());
    if (const std::optional<error> why = bind_local(to))
        return address_failed(why->code(), why->detail());
    expect_until(share, &attempt::address_timed_out);
    connect_socket(to);
}

std::optional<error> tcp_connector::attempt::bind_local(const tcp::endpoint& to) {
    const settings& s = *owner_->settings_;
    if (!s.bound()) return std::nullopt;
    const std::optional<tcp::endpoint>& from = to.protocol() == tcp::v6() ? s.local_v6 : s.local_v4;
    std::string why = "the local address is of another family";
    if (from) {
        boost::system::error_code ec;
        (void)socket_.bind(*from, ec);
        if (!ec) return std::nullopt;
        why = ec.message();
    }
    return error{errc::connect_failed, "cannot bind: " + why};
}

void tcp_connector::attempt::connect_socket(const tcp::endpoint& to) {
    BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, __func__));
    socket_.async_connect(
        to, [self = shared_from_this(), step = step_](const boost::system::error_code& ec) {
            if (!self->over(step)) self->connected(ec);
        });
}

void tcp_connector::attempt::connected(const boost::system::error_code& ec) {
    if (ec) return address_failed(errc::connect_failed, ec.message());
    result<std::unique_ptr<transport>> made = error{errc::connect_failed, name_};
    try {
        std::unique_ptr<transport> t = owner_->adopt(std::move(socket_));
        if (t != nullptr) made = std::move(t);
    } catch (const std::exception& e) { // of a layer that the user puts on it
        made = error{errc::connect_failed, name_ + ": " + e.what()};
    }
    finish(std::move(made));
}

void tcp_connector::attempt::address_timed_out() {
    address_failed(errc::timeout, "no answer");
}

/// As deep as there are addresses, which the resolver bounds.
void tcp_connector::attempt::address_failed(errc code, const std::string& why) {
    failure_ = error{code, name_ + ": " + why};
    boost::system::error_code ignored;
    (void)socket_.close(ignored);
    timer_.cancel();
    ++at_;
    try_address();
}

// --- the connector

tcp_connector::tcp_connector(const tcp_options& o) : settings_(std::make_unique<settings>(o)) {}

tcp_connector::~tcp_connector() {
    tcp_connector::cancel();
}

result<void> tcp_connector::check() const {
    return settings_->local_ok;
}

void tcp_connector::open(const boost::asio::any_io_executor& ex, const endpoint& to,
                         time_point deadline, connect_handler done) {
    cancel();
    attempt_ = std::make_shared<attempt>(*this, ex, to, deadline, std::move(done));
    attempt_->start();
}

void tcp_connector::cancel() noexcept {
    if (const std::shared_ptr<attempt> a = std::exchange(attempt_, nullptr)) a->stop();
}

std::unique_ptr<transport> tcp_connector::adopt(tcp::socket s) {
    return make_tcp_transport(std::move(s));
}

} // namespace nats::aio
