// SPDX-License-Identifier: Apache-2.0
//
// The Asio client with the calls of the blocking one, so that tests of that run over it: each
// client has a context of its own, which runs inside of its waiting calls and at no other time.
//
// What is about the blocking client itself is not here: interrupt, the calls for other loops.
// Waiting calls inside of handlers are a mistake, and throw.

#pragma once

#include <natsproto/asio/client.hpp>
#include <natsproto/blocking/client.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::test::on_asio {

class home;
class facade_handle;

/// As nats::subscription.
class subscription {
public:
    subscription(aio::subscription s, std::shared_ptr<home> h);

    result<message> next(duration timeout);
    /// The view lives until the next call of the client or one of its subscriptions.
    result<message_view> next_view(duration timeout);
    class range;
    [[nodiscard]] range messages(duration each = duration::max());
    result<void> unsubscribe(std::optional<std::uint64_t> after = {});
    result<void> drain();
    [[nodiscard]] subscription_status status() const noexcept { return sub_.status(); }
    /// As the blocking client's, it is not called between the end of a waiting call's operation
    /// and the call's return, but by the next one.
    void on_end(std::function<void(const error& why)> handler);
    [[nodiscard]] bool valid() const noexcept { return sub_.valid(); }
    [[nodiscard]] std::optional<sub_id> id() const noexcept { return sub_.id(); }
    [[nodiscard]] const mailbox& queue() const noexcept { return sub_.queue(); }
    result<void> set_pending_limits(const pending_limits& l) { return sub_.set_pending_limits(l); }
    void clear_max_pending() noexcept { sub_.clear_max_pending(); }

    subscription(subscription&&) noexcept = default;
    subscription& operator=(subscription&& other) noexcept;
    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;
    ~subscription(); ///< the UNSUB is written, as by the blocking client

private:
    std::shared_ptr<home> home_; // before the subscription, which ends in its context
    aio::subscription sub_;
    /// Came while a call was left by what a handler had thrown.
    std::shared_ptr<std::optional<message>> left_ = std::make_shared<std::optional<message>>();
};

class subscription::range {
public:
    class iterator {
    public:
        using value_type = message;
        using difference_type = std::ptrdiff_t;

        iterator() noexcept = default;
        message& operator*() const noexcept { return range_->current_; }
        message* operator->() const noexcept { return &range_->current_; }
        iterator& operator++() {
            if (!range_->advance()) range_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator&, const iterator&) = default;

    private:
        friend class range;
        explicit iterator(range* r) noexcept : range_(r) {}
        range* range_ = nullptr;
    };

    [[nodiscard]] iterator begin() { return advance() ? iterator(this) : iterator(); }
    [[nodiscard]] iterator end() noexcept { return {}; }
    [[nodiscard]] const std::optional<error>& why() const noexcept { return why_; }

private:
    friend class subscription;
    range(subscription& s, duration each) noexcept : subscription_(&s), each_(each) {}
    bool advance();

    subscription* subscription_;
    duration each_;
    message current_;
    std::optional<error> why_;
};

/// As nats::replies.
class replies {
public:
    replies(aio::replies r, std::shared_ptr<home> h);
    replies(replies&&) noexcept = default;
    replies& operator=(replies&& other) noexcept;
    replies(const replies&) = delete;
    replies& operator=(const replies&) = delete;
    ~replies();

    result<std::optional<message>> next();
    result<std::optional<message_view>> next_view();

private:
    std::shared_ptr<home> home_;
    aio::replies replies_;
};

/// As nats::client.
class client {
public:
    [[nodiscard]] static result<client> connect(const options& o = {},
                                                const blocking_options& b = {});
    [[nodiscard]] static result<client> connect(std::string_view servers,
                                                const blocking_options& b = {});

    client(client&&) noexcept = default;
    client& operator=(client&& other) noexcept;
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client(); ///< writes what is queued, and closes

    result<void> publish(std::string_view subject, bytes payload = {},
                         const publish_options& o = {});
    result<void> respond(const message_view& to, bytes payload = {}, header_view headers = {});
    class burst_scope;
    [[nodiscard]] burst_scope burst() noexcept;
    result<void> write();

    result<duration> flush(duration timeout = std::chrono::seconds(10));
    result<duration> rtt(duration timeout = std::chrono::seconds(10));
    result<void> wait_connected(duration timeout = std::chrono::seconds(10));
    result<void> barrier(duration timeout = std::chrono::seconds(10));
    result<message> request(std::string_view subject, bytes payload = {},
                            duration timeout = std::chrono::seconds(5), header_view headers = {});
    result<message_view> request_view(std::string_view subject, bytes payload = {},
                                      duration timeout = std::chrono::seconds(5),
                                      header_view headers = {});
    result<message> request_by_inbox(std::string_view subject, bytes payload = {},
                                     duration timeout = std::chrono::seconds(5),
                                     header_view headers = {});
    /// All at once; the replies in the order of the requests.
    std::vector<result<message>> request_all(std::string_view subject,
                                             const std::vector<std::string>& payloads,
                                             duration timeout);
    result<replies> request_many(std::string_view subject, bytes payload = {},
                                 const request_many_options& o = {}, header_view headers = {});
    result<subscription> subscribe(std::string_view subject, const subscribe_options& o = {});
    result<subscription> subscribe(std::string_view subject,
                                   std::function<void(const message_view&)> handler,
                                   const subscribe_options& o = {});
    result<std::size_t> poll(duration timeout = duration::zero());
    result<void> run_for(duration timeout);

    void on_event(std::function<void(const event&)> observer);
    void close();
    result<void> drain();
    result<void> start_drain();
    result<void> force_reconnect();
    result<void> set_servers(std::string_view list);

    [[nodiscard]] std::vector<server_status> servers() const;
    [[nodiscard]] session_status status() const noexcept;
    [[nodiscard]] const server_info& info() const noexcept;
    [[nodiscard]] const endpoint& server() const noexcept;
    [[nodiscard]] const statistics& stats() const noexcept;
    [[nodiscard]] bool secure() const noexcept;
    [[nodiscard]] duration last_rtt() const noexcept;
    [[nodiscard]] std::string local_address() const;
    [[nodiscard]] const error& close_reason() const noexcept;
    [[nodiscard]] std::size_t kept() const noexcept;
    [[nodiscard]] std::size_t buffered() const noexcept;
    /// -1 when there is no transport, else some other number.
    [[nodiscard]] int fd() const noexcept;

    result<std::string> run(op<result<std::string>> o);
    [[nodiscard]] runtime& rt() noexcept;
    /// For facades; see asio_facade.hpp.
    using handle_type = facade_handle;
    [[nodiscard]] facade_handle handle() const;

private:
    explicit client(std::shared_ptr<home> h) noexcept;
    void end() noexcept;
    [[nodiscard]] aio::client& aio() const noexcept;

    std::shared_ptr<home> home_;
};

/// While it lives, nothing is written but by waiting calls.
class client::burst_scope {
public:
    burst_scope(burst_scope&& other) noexcept;
    burst_scope& operator=(burst_scope&&) = delete;
    burst_scope(const burst_scope&) = delete;
    burst_scope& operator=(const burst_scope&) = delete;
    ~burst_scope();

private:
    friend class client;
    explicit burst_scope(std::shared_ptr<home> h) noexcept;
    std::shared_ptr<home> home_;
};

} // namespace nats::test::on_asio
