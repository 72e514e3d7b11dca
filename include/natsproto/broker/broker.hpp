// SPDX-License-Identifier: Apache-2.0
//
// A NATS server for tests, demos and messages within one process. Production and clusters are
// nats-server's: this has no persistence, no cluster, no JetStream, no accounts, and never will.
//
// It does no I/O: transports are driven by whoever owns them. `tcp_broker` listens on TCP;
// `connect` gives the client's end of a transport in memory, for tests in virtual time.

#pragma once

#include <natsproto/broker/broker_options.hpp>
#include <natsproto/broker/memory_transport.hpp>
#include <natsproto/bytes.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_info.hpp>
#include <natsproto/session.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace nats {

/// Names a connection, as `client_id` of INFO does. Never reused.
enum class client_id : std::uint64_t {};
/// Names a subscription of the program itself.
enum class local_sub_id : std::uint64_t {};

struct broker_statistics {
    std::uint64_t in_messages = 0;  ///< published to the broker
    std::uint64_t out_messages = 0; ///< delivered by it
    std::uint64_t in_bytes = 0;     ///< headers and payloads
    std::uint64_t out_bytes = 0;    ///< headers and payloads
    std::uint64_t total_connections = 0;
    std::uint64_t slow_consumers = 0; ///< cut off
    std::uint64_t stale_connections = 0;
    std::uint64_t refused_logins = 0;
    std::size_t connections = 0;   ///< now
    std::size_t subscriptions = 0; ///< now
};

/// What is known of a connection.
struct client_status {
    client_id id{};
    std::string_view name;    ///< what CONNECT said
    std::string_view user;    ///< who logged in; empty: nobody in particular
    std::string_view address; ///< what `accept` was told
    std::size_t subscriptions = 0;
    std::size_t pending = 0; ///< bytes that wait for it
    std::uint64_t in_messages = 0;
    std::uint64_t out_messages = 0;
    bool logged_in = false;
};

/// One connection as its transport's driver sees it. It lives until `closed` was called.
class broker_peer {
public:
    virtual ~broker_peer() = default;
    broker_peer(const broker_peer&) = delete;
    broker_peer& operator=(const broker_peer&) = delete;

    [[nodiscard]] virtual client_id id() const noexcept = 0;
    /// Whether the driver should read: not while what this client publishes cannot be passed on
    /// fast enough, or while it is held. May change with any call to the broker or its peers.
    [[nodiscard]] virtual bool wants_read() const noexcept = 0;
    /// Space to read into; it stays put until `commit`.
    [[nodiscard]] virtual std::span<char> prepare(std::size_t at_least = 1) = 0;
    /// `n` bytes were read: they are acted upon before this returns.
    virtual void commit(std::size_t n, time_point now) = 0;
    /// The transport ended or failed.
    virtual void handle_eof(time_point now) = 0;

    /// Fills `out` with bytes to write; how many pieces. They stay valid and in place until
    /// `transmitted` covers them.
    [[nodiscard]] virtual std::size_t poll_transmit(std::span<const_buffer> out) = 0;
    virtual void transmitted(std::size_t n, time_point now) = 0;
    /// The transport is to be closed now; what `poll_transmit` offers still is worth one attempt
    /// to write.
    [[nodiscard]] virtual bool wants_close() const noexcept = 0;
    /// The transport is closed. Ends this object.
    virtual void closed(time_point now) = 0;

    void* cookie = nullptr; ///< the driver's

protected:
    broker_peer() = default;
};

/// Contract as everywhere: after any input or command, drain the outputs: `next_ready` until null
/// (each peer that it names: write, then close if it wants that), and sleep until input or
/// `poll_timeout`. Not thread-safe.
class broker {
public:
    /// Gets a message; views end with the call. It may publish, but not add or remove
    /// subscriptions or connections.
    using handler = void (*)(void* context, broker& b, const message_view& m);

    /// Errors of the options: `invalid_argument`, `invalid_subject`, `invalid_nkey`,
    /// `crypto_unavailable`, `tls_configuration`, `tls_unavailable`.
    [[nodiscard]] static result<std::unique_ptr<broker>> create(broker_options o,
                                                                const environment& world,
                                                                time_point now);
    broker(const broker&) = delete;
    broker& operator=(const broker&) = delete;
    ~broker();

    // --- transports
    /// A client has connected. The peer is the broker's; INFO waits in it.
    [[nodiscard]] broker_peer& accept(std::string_view address, time_point now);
    /// The client's end of a new transport in memory.
    [[nodiscard]] memory_transport connect(time_point now);
    /// A peer that has something to write, wants to be closed, or whose `wants_read` has changed;
    /// each is named once until that is so again. Transports in memory are never named.
    [[nodiscard]] broker_peer* next_ready();

    // --- time
    [[nodiscard]] std::optional<time_point> poll_timeout() const noexcept;
    void handle_timeout(time_point now);

    // --- the program's own part
    /// To whoever subscribed; true if anybody did. Subjects as of `is_publish_subject`.
    result<bool> publish(std::string_view subject, bytes payload, std::string_view reply = {},
                         header_view headers = {});
    /// Answers requests, or watches, from inside of the process. `queue`: empty for none.
    result<local_sub_id> subscribe(std::string_view subject, std::string_view queue, handler h,
                                   void* context);
    void unsubscribe(local_sub_id id);

    // --- for tests: all of these do nothing for a client that has gone
    [[nodiscard]] std::vector<client_status> clients() const;
    /// Ends the connection as a broken network does: what waits for it is lost.
    void cut(client_id id);
    void cut_all();
    /// Nothing goes in or out before `until`; then everything does, in order.
    void hold(client_id id, time_point until);
    void send_err(client_id id, std::string_view text);
    /// `-ERR` and the end.
    void fail(client_id id, std::string_view text);
    /// INFO changes as told, for all who are here and who come: lame duck, URLs, max_payload.
    /// `client_id`, `client_ip` and `nonce` stay each client's own. Errors: `invalid_argument`.
    result<void> announce(const server_info& info);
    [[nodiscard]] const server_info& info() const noexcept;

    // --- the end
    /// No new connections; the others are told, and closed one by one after a while (see
    /// `broker_options`). `finished` when all are.
    void lame_duck(time_point now);
    /// No new connections; the others are closed as soon as what waits for them is written, at
    /// `deadline` in any case.
    void stop(time_point now, time_point deadline);
    [[nodiscard]] bool stopping() const noexcept;
    /// Stopping, and no connection is left.
    [[nodiscard]] bool finished() const noexcept;

    [[nodiscard]] const broker_statistics& stats() const noexcept;

private:
    friend class memory_transport;
    class impl;
    explicit broker(std::unique_ptr<impl> i) noexcept;
    std::unique_ptr<impl> impl_;
};

} // namespace nats
