// SPDX-License-Identifier: Apache-2.0
//
// The loop of the broker on TCP: moves bytes and time between sockets and a broker, in one thread.
// No protocol logic.

#pragma once

#include <natsproto/broker/broker.hpp>
#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include "tcp/sockets.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace nats::tcp {

class server {
public:
    [[nodiscard]] static result<std::unique_ptr<server>> create(descriptor listener);
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() = default;

    /// What it serves, from now on.
    void attach(broker& b) noexcept { broker_ = &b; }

    /// The first half of a round: waits until something can be read or written, `wake` was called,
    /// or the time has come; then accepts and reads.
    result<void> wait(time_point deadline);
    /// The second half: time, then all that the broker wants written and closed.
    void settle();
    /// After the last round.
    void finish() noexcept;
    /// Ends `wait`. Any thread, also a signal handler.
    void wake() const noexcept;

private:
    struct connection : detail::list_node {
        descriptor socket;
        broker_peer* peer = nullptr; ///< null: only waiting for the client's FIN
        std::size_t slot = 0;
        std::uint32_t interest = 0; ///< what epoll watches for
        bool blocked = false;       ///< the kernel takes no more now
        bool ended = false;         ///< the client will send no more
        bool broken = false;        ///< the client will get no more
        time_point linger_until{};
    };

    server(descriptor listener, descriptor epoll, descriptor event) noexcept;
    [[nodiscard]] int wait_milliseconds(time_point deadline) const noexcept;
    void watch(int fd, std::uint32_t& watched, std::uint32_t wanted, void* owner) noexcept;
    void watch(connection& c) noexcept;
    void listen_or_not() noexcept;
    void accept_some();
    void on_event(connection& c, std::uint32_t what);
    void read(connection& c);
    void write(connection& c);
    void close(connection& c);
    [[nodiscard]] bool has_ended(connection& c) noexcept;
    void end(connection& c) noexcept;

    descriptor listener_;
    descriptor epoll_;
    descriptor event_;
    broker* broker_ = nullptr;
    time_point now_;
    std::uint32_t listener_watched_ = 0;
    time_point accept_again_{}; ///< until then no descriptor is left for another connection
    std::vector<std::unique_ptr<connection>> connections_;
    detail::intrusive_list<connection> lingering_; ///< the first to give up is the front
    std::size_t lingering_count_ = 0;
};

} // namespace nats::tcp
