// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A round is: wait, accept, read at most 64 KiB of each connection that is readable, then write for
// each peer that the broker names. Reading all before writing makes large writes of many small
// messages, and nobody waits for more than one round of the others. epoll is level-triggered, and
// tells of at most 256 sockets in turn; no step looks at connections that have nothing to do.
//
// A connection ends by FIN, and what the client still sends is dropped for a while: closing with
// unread input would make the kernel cut off what the client has not read yet, such as a last -ERR.

#include "tcp/server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace nats::tcp {

namespace {

constexpr std::size_t round_size = 64 * 1024;     ///< read of one connection in one round
constexpr std::size_t write_size = 1024 * 1024;   ///< written to one connection at a time
constexpr std::size_t most_accepted = 256;        ///< in one round
constexpr std::size_t most_lingering = 256;       ///< at a time
constexpr std::size_t most_dropped = 1024 * 1024; ///< read of one that lingers, in one round
constexpr duration linger = std::chrono::seconds(1);
/// How long to wait for a free descriptor, if no connection ends.
constexpr duration accept_pause = std::chrono::milliseconds(100);

} // namespace

server::server(descriptor listener, descriptor epoll, descriptor event) noexcept
    : listener_(std::move(listener)),
      epoll_(std::move(epoll)),
      event_(std::move(event)),
      now_(clock::now()) {}

result<std::unique_ptr<server>> server::create(descriptor listener) {
    descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return failure("epoll_create1");
    descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) return failure("eventfd");
    std::unique_ptr<server> s(
        new server(std::move(listener), std::move(epoll), std::move(event))); // NOLINT: private
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = &s->event_;
    if (::epoll_ctl(s->epoll_.get(), EPOLL_CTL_ADD, s->event_.get(), &wanted) != 0)
        return failure("epoll_ctl");
    return s;
}

void server::wake() const noexcept {
    const int before = errno; // a signal handler must leave it alone
    const std::uint64_t one = 1;
    (void)!::write(event_.get(), &one, sizeof one);
    errno = before;
}

// --- waiting

int server::wait_milliseconds(time_point deadline) const noexcept {
    deadline = std::min(deadline, broker_->poll_timeout().value_or(no_deadline));
    if (listener_ && listener_watched_ == 0) deadline = std::min(deadline, accept_again_);
    if (deadline == no_deadline && lingering_count_ == 0) return -1;
    // Those that linger are looked at once in a while: nobody waits for their end.
    if (lingering_count_ != 0) deadline = std::min(deadline, deadline_after(now_, linger));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    constexpr std::chrono::milliseconds::rep most = std::numeric_limits<int>::max();
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, most));
}

/// Sets what epoll watches a descriptor for; 0: nothing, not even that it is broken.
void server::watch(int fd, std::uint32_t& watched, std::uint32_t wanted, void* owner) noexcept {
    if (watched == wanted) return;
    epoll_event e{};
    e.events = wanted;
    e.data.ptr = owner;
    const int how = watched == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_.get(), how, fd, &e) == 0) watched = wanted;
}

void server::watch(connection& c) noexcept {
    std::uint32_t wanted = 0;
    if (!c.ended && (c.peer == nullptr || c.peer->wants_read())) wanted |= EPOLLIN;
    if (c.blocked) wanted |= EPOLLOUT;
    watch(c.socket.get(), c.interest, wanted, &c);
}

void server::listen_or_not() noexcept {
    if (!listener_) return;
    if (broker_->stopping()) {
        watch(listener_.get(), listener_watched_, 0, &listener_);
        listener_ = descriptor();
        return;
    }
    watch(listener_.get(), listener_watched_, now_ < accept_again_ ? 0U : EPOLLIN, &listener_);
}

result<void> server::wait(time_point deadline) {
    std::array<epoll_event, 256> events; // NOLINT: the kernel fills what is used
    listen_or_not();
    const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                               wait_milliseconds(deadline));
    if (n < 0 && errno != EINTR) return failure("epoll_wait");
    now_ = clock::now();
    for (int i = 0; i < n; ++i) {
        const epoll_event& e = events[static_cast<std::size_t>(i)];
        if (e.data.ptr == &event_) {
            std::uint64_t count = 0;
            (void)!::read(event_.get(), &count, sizeof count);
        } else if (e.data.ptr == &listener_) {
            accept_some();
        } else {
            on_event(*static_cast<connection*>(e.data.ptr), e.events);
        }
    }
    return {};
}

void server::accept_some() {
    for (std::size_t i = 0; i < most_accepted; ++i) {
        auto c = std::make_unique<connection>();
        blocking::address from;
        const outcome how = accept_one(listener_, c->socket, from);
        if (how == outcome::exhausted) accept_again_ = now_ + accept_pause;
        if (how != outcome::done) return;
        connection& added = *c;
        added.slot = connections_.size();
        connections_.push_back(std::move(c));
        added.peer = &broker_->accept(blocking::text_of(from), now_);
        added.peer->cookie = &added;
        watch(added);
    }
}

// --- the first half: input

void server::on_event(connection& c, std::uint32_t what) {
    // Of a connection that is broken, reading or writing tells.
    const std::uint32_t broken = what & (EPOLLHUP | EPOLLERR);
    if (c.peer == nullptr) {
        if (has_ended(c)) end(c);
        return;
    }
    if ((c.interest & EPOLLOUT) != 0 && ((what & EPOLLOUT) | broken) != 0) {
        c.blocked = false;
        write(c);
        watch(c);
    }
    if ((c.interest & EPOLLIN) != 0 && ((what & EPOLLIN) | broken) != 0) read(c);
}

void server::read(connection& c) {
    std::size_t left = round_size;
    while (left != 0 && c.peer->wants_read()) {
        const std::span<char> space = c.peer->prepare();
        const moved m = read_some(c.socket, space.first(std::min(space.size(), left)));
        if (m.how == outcome::done) {
            left -= m.bytes;
            c.peer->commit(m.bytes, now_);
            if (m.bytes < space.size()) return; // that was all
        } else if (m.how == outcome::would_block) {
            return;
        } else {
            c.ended = true;
            c.peer->handle_eof(now_);
            return watch(c);
        }
    }
}

// --- the second half: output

void server::settle() {
    const std::optional<time_point> due = broker_->poll_timeout();
    if (due && *due <= now_) broker_->handle_timeout(now_);
    listen_or_not(); // who is told of an end finds nobody here any more
    while (broker_peer* const peer = broker_->next_ready()) {
        connection& c = *static_cast<connection*>(peer->cookie);
        write(c);
        if (peer->wants_close())
            close(c);
        else
            watch(c);
    }
    while (!lingering_.empty() &&
           (lingering_.front().linger_until <= now_ || lingering_count_ > most_lingering ||
            accept_again_ > now_)) // somebody else needs the descriptor
        end(lingering_.front());
}

void server::finish() noexcept {
    while (!lingering_.empty()) {
        (void)has_ended(lingering_.front());
        end(lingering_.front());
    }
}

void server::write(connection& c) {
    std::array<const_buffer, 64> pieces; // NOLINT: poll_transmit fills what is used
    std::size_t left = write_size;
    while (!c.blocked && !c.broken) {
        const std::size_t count = c.peer->poll_transmit(pieces);
        if (count == 0) break;
        if (left == 0) { // the others come first; epoll names it in the next round
            c.blocked = true;
            break;
        }
        std::size_t offered = 0;
        for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size;
        const moved m = write_some(c.socket, std::span(pieces).first(count));
        if (m.how == outcome::ended) { // it ends when what it has sent is read
            c.broken = true;
            end_both(c.socket);
            return;
        }
        c.blocked = m.bytes < offered;
        if (m.bytes != 0) c.peer->transmitted(m.bytes, now_);
        left -= std::min(left, m.bytes);
    }
}

void server::close(connection& c) {
    std::exchange(c.peer, nullptr)->closed(now_);
    c.blocked = false;
    if (c.ended || c.broken) return end(c);
    end_writing(c.socket);
    if (has_ended(c)) return end(c);
    c.linger_until = now_ + linger;
    lingering_.push_back(c);
    ++lingering_count_;
    watch(c);
}

/// Drops what a client sends that is closed already; true when that has come to its end.
bool server::has_ended(connection& c) noexcept {
    std::array<char, 16 * 1024> dropped; // NOLINT: only written to
    for (std::size_t total = 0; total < most_dropped;) {
        const moved m = read_some(c.socket, dropped);
        if (m.how != outcome::done) return m.how == outcome::ended;
        total += m.bytes;
    }
    return false;
}

void server::end(connection& c) noexcept {
    // Closing is not enough: a child between fork and exec may have the socket too, and as long as
    // it has, epoll would go on to tell of it.
    watch(c.socket.get(), c.interest, 0, &c);
    if (c.linked()) --lingering_count_;
    accept_again_ = time_point{}; // a descriptor gets free
    const std::size_t slot = c.slot;
    if (slot + 1 != connections_.size()) {
        connections_[slot] = std::move(connections_.back());
        connections_[slot]->slot = slot;
    }
    connections_.pop_back();
}

} // namespace nats::tcp
