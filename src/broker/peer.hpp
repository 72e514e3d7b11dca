// SPDX-License-Identifier: Apache-2.0
//
// One connection of a broker: `broker_peer` for its driver, a receiver and a source of messages for
// the hub.

#pragma once

#include <natsproto/broker/broker.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/wire/server_connection.hpp>

#include "broker/login.hpp"
#include "broker/timer_heap.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace nats::embedded {

class hub;
class peer;
class memory_end;

/// One subscription, of a peer or (with `receiver` null) of the program itself.
struct subscription {
    explicit subscription(peer* p) noexcept : route(this), receiver(p) {}
    subject_router::route route;
    peer* receiver;
    std::string_view sid; ///< the key in the table of its peer
    std::uint64_t delivered = 0;
    std::uint64_t max = 0; ///< 0: no maximum
    /// Its queue group, or an empty text; only when its peer may not get all that it matches.
    std::unique_ptr<const std::string> filter;
};

/// A message on its way.
struct outgoing {
    peer* from; ///< null: the program
    std::string_view subject;
    std::string_view reply;
    std::string_view header;
    std::string_view payload;
    [[nodiscard]] std::size_t size() const noexcept { return header.size() + payload.size(); }
};

/// An object in a list of the hub's, as which a peer stands in several.
struct peer_hook : detail::list_node {
    explicit peer_hook(peer& p) noexcept : owner(&p) {}
    peer* owner;
};
using peer_list = detail::intrusive_list<peer_hook>;

class peer final : public broker_peer {
public:
    peer(hub& h, client_id id, std::string_view address);
    ~peer() override;

    // --- for the driver
    [[nodiscard]] client_id id() const noexcept override { return id_; }
    [[nodiscard]] bool wants_read() const noexcept override;
    [[nodiscard]] std::span<char> prepare(std::size_t at_least) override;
    void commit(std::size_t n, time_point now) override;
    void handle_eof(time_point now) override;
    [[nodiscard]] std::size_t poll_transmit(std::span<const_buffer> out) override;
    void transmitted(std::size_t n, time_point now) override;
    [[nodiscard]] bool wants_close() const noexcept override { return stage_ == stage::ended; }
    void closed(time_point now) override;

    // --- for the hub: peer.cpp
    /// Begins: INFO, or TLS. `refusal` not empty: there is no room, and that is why.
    void start(std::string_view refusal);
    /// Acts upon what was received, as far as it may.
    void pump();
    /// The end, at once; `text` is said before it.
    void fail(std::string_view text);
    /// The end, at once; what waits is lost.
    void cut();
    /// The end, when what waits is written.
    void leave();
    /// Ends the connection below, after nobody looks at its input any more.
    void put_to_rest();
    [[nodiscard]] bool active() const noexcept { return stage_ == stage::active; }
    [[nodiscard]] bool ended() const noexcept { return stage_ == stage::ended; }
    /// The client's end of a transport in memory is closed.
    void abandon(time_point now);
    [[nodiscard]] std::size_t gather(std::span<const_buffer> out);
    void drop_sent(std::size_t n);
    /// Bytes that wait, also those of a link.
    [[nodiscard]] std::size_t untransmitted() const noexcept;
    /// Its output has grown.
    void output_changed();
    [[nodiscard]] bool held() const noexcept { return hold_until_ != no_deadline; }
    [[nodiscard]] time_point held_until() const noexcept { return hold_until_; }
    void hold(time_point until);
    /// Ends a hold, if its time is over.
    void release_if_due(time_point now);
    void send_err(std::string_view text);
    void tell_info();
    [[nodiscard]] client_status status() const;

    // --- delivery.cpp
    [[nodiscard]] bool deliver(subscription& s, const outgoing& m);

    // --- keep_alive.cpp
    void handle_timeout(time_point now);
    /// Goes on after a wait for slower clients.
    void resume();

    wire::server_connection& connection() noexcept { return connection_; }

    // lists of the hub's that it stands in
    peer_hook ready{*this};
    peer_hook work{*this};
    peer_hook ending{*this};
    peer_hook waiting{*this}; ///< for another peer to read
    peer_list those_waiting;  ///< for this one to read
    timer_heap<peer>::timer alarm{*this};
    memory_end* memory = nullptr; ///< the client's end, of a transport in memory
    bool in_memory = false;
    bool gone = false; ///< the transport is closed: it can be destroyed

    std::map<std::string, subscription, std::less<>> subscriptions;

private:
    enum class stage : std::uint8_t {
        active,
        leaving, ///< nothing more is read; what waits is written
        ended,
    };
    /// After it an idle client's buffers are given back.
    static constexpr duration idle_time = std::chrono::seconds(1);
    /// Clients wait so long for a slower one that cannot take their messages.
    static constexpr duration longest_wait = std::chrono::milliseconds(10);
    /// Then so much may be published to it before anybody waits again.
    static constexpr std::size_t bytes_between_waits = 64 * 1024;
    static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

    // peer.cpp
    [[nodiscard]] server_info own_info() const;
    void end(bool lose_output);
    void note_eof();
    void begin_tls();
    void take_raw(std::size_t n);
    [[nodiscard]] bool pull_link();
    void push_link();
    void link_is_open();
    // client_ops.cpp
    void on_connect();
    void on_publish();
    void on_subscribe();
    void on_unsubscribe();
    void on_ping();
    void note_activity();
    // delivery.cpp
    [[nodiscard]] bool may_receive(const subscription& s, std::string_view subject) const;
    void overfull(peer* from, std::size_t size);
    void wait_for(peer& slower, time_point end);
    void has_caught_up();
    void let_others_go_on();
    // keep_alive.cpp
    void arm(time_point& which, time_point when);
    [[nodiscard]] time_point next_deadline() const noexcept;
    void keep_alive(time_point now);
    void give_back_memory(time_point now);

    hub& hub_;
    client_id id_;
    wire::server_connection connection_;
    std::string address_;
    std::string nonce_;
    identity who_;
    std::unique_ptr<reply_permits> replies_;
    std::string last_words_; ///< an `-ERR` to end with

    std::unique_ptr<link> link_;
    char* read_space_ = nullptr; ///< where the driver reads to before it is known if that is TLS
    std::size_t clear_left_ = unlimited; ///< bytes of the output that go out before the link's
    std::size_t in_link_ = 0;            ///< bytes of the output that the link has taken
    bool tls_undecided_ = false;         ///< the first byte tells whether this is TLS
    bool link_open_ = false;
    bool link_ended_ = false; ///< the link was told that this side has ended

    stage stage_ = stage::active;
    bool at_rest_ = false;
    bool output_lost_ = false;
    bool named_ = false; ///< there is output, and the driver was told
    bool eof_ = false;
    bool logged_in_ = false;
    bool answered_ = false;    ///< its first PING: from then on it may get INFO
    bool info_is_new_ = false; ///< and has not been sent

    std::uint64_t in_messages_ = 0;
    std::uint64_t out_messages_ = 0;
    std::size_t excused_ = 0; ///< bytes that nobody waits for, since that was of no use

    // deadlines
    time_point ping_at_ = no_deadline;
    time_point write_at_ = no_deadline;
    time_point tls_at_ = no_deadline;
    time_point resume_at_ = no_deadline;
    time_point slow_since_ = no_deadline; ///< others wait for this client to read
    time_point hold_until_ = no_deadline;
    time_point idle_at_ = no_deadline;
    time_point last_active_{};
    time_point last_in_{};   ///< a message, a change of subscriptions or a PING came
    time_point last_ping_{}; ///< was sent
    int pings_out_ = 0;
    bool pinged_ = false;
};

} // namespace nats::embedded
