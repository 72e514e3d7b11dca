// SPDX-License-Identifier: Apache-2.0
//
// A connection of any client class that has the calls of the blocking client.

#pragma once

#include <natsproto/client/ops.hpp>

#include "driver/connection.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nats::test {

template <class Subscription>
class reader_over final : public reader {
public:
    explicit reader_over(Subscription s) : sub_(std::move(s)) {}

    [[nodiscard]] result<message> next(duration timeout) override { return sub_.next(timeout); }
    result<void> unsubscribe(std::optional<std::uint64_t> after) override {
        return sub_.unsubscribe(after);
    }
    result<void> drain() override { return sub_.drain(); }
    [[nodiscard]] subscription_status status() const override { return sub_.status(); }
    void on_end(std::function<void(const error&)> f) override { sub_.on_end(std::move(f)); }
    [[nodiscard]] const mailbox& queue() const override { return sub_.queue(); }
    result<void> set_pending_limits(const pending_limits& l) override {
        return sub_.set_pending_limits(l);
    }

private:
    Subscription sub_;
};

template <class Replies>
class reply_reader_over final : public reply_reader {
public:
    explicit reply_reader_over(Replies r) : replies_(std::move(r)) {}
    [[nodiscard]] result<std::optional<message>> next() override { return replies_.next(); }

private:
    Replies replies_;
};

template <class Client>
class connection_over final : public connection {
public:
    explicit connection_over(Client c) : nc_(std::move(c)) {}

    result<void> publish(std::string_view subject, bytes payload,
                         const publish_options& o) override {
        return nc_.publish(subject, payload, o);
    }
    result<void> respond(const message_view& to, bytes payload, header_view headers) override {
        return nc_.respond(to, payload, headers);
    }
    result<std::unique_ptr<reader>> subscribe(std::string_view subject,
                                              const subscribe_options& o) override {
        return wrapped(nc_.subscribe(subject, o));
    }
    result<std::unique_ptr<reader>> subscribe(std::string_view subject, message_handler h,
                                              const subscribe_options& o) override {
        return wrapped(nc_.subscribe(subject, std::move(h), o));
    }

    result<duration> flush(duration timeout) override { return nc_.flush(timeout); }
    result<duration> rtt(duration timeout) override { return nc_.rtt(timeout); }
    result<void> wait_connected(duration timeout) override { return nc_.wait_connected(timeout); }
    result<void> barrier(duration timeout) override { return nc_.barrier(timeout); }
    result<std::size_t> poll(duration timeout) override { return nc_.poll(timeout); }

    result<message> request(std::string_view subject, bytes payload, duration timeout,
                            header_view headers) override {
        return nc_.request(subject, payload, timeout, headers);
    }
    result<message> request_by_inbox(std::string_view subject, bytes payload,
                                     duration timeout) override {
        return nc_.request_by_inbox(subject, payload, timeout);
    }
    std::vector<result<message>> request_all(std::string_view subject,
                                             const std::vector<std::string>& payloads,
                                             duration timeout) override {
        if constexpr (requires { nc_.request_all(subject, payloads, timeout); }) {
            return nc_.request_all(subject, payloads, timeout);
        } else {
            std::vector<op<result<message>>> running;
            for (const std::string& p : payloads) {
                runtime& rt = nc_.rt();
                running.push_back(
                    ops::request_message(rt, subject, p, {}, deadline_after(rt.now(), timeout)));
                running.back().start();
            }
            std::vector<result<message>> out;
            for (op<result<message>>& o : running) {
                while (!o.done()) {
                    if (!nc_.poll(timeout) && !o.done()) break;
                }
                out.push_back(o.done() ? o.take() : result<message>(nc_.close_reason()));
            }
            return out;
        }
    }
    result<std::unique_ptr<reply_reader>> request_many(std::string_view subject, bytes payload,
                                                       const request_many_options& o) override {
        auto made = nc_.request_many(subject, payload, o);
        if (!made) return made.error();
        using type = reply_reader_over<std::decay_t<decltype(*made)>>;
        return std::unique_ptr<reply_reader>(std::make_unique<type>(std::move(*made)));
    }

    result<std::string> run(op<result<std::string>> o) override { return nc_.run(std::move(o)); }
    [[nodiscard]] runtime& rt() override { return nc_.rt(); }

    void close() override { nc_.close(); }
    result<void> drain() override { return nc_.drain(); }
    result<void> start_drain() override { return nc_.start_drain(); }
    result<void> force_reconnect() override { return nc_.force_reconnect(); }
    result<void> set_servers(std::string_view list) override { return nc_.set_servers(list); }

    [[nodiscard]] session_status status() const override { return nc_.status(); }
    [[nodiscard]] const server_info& info() const override { return nc_.info(); }
    [[nodiscard]] const endpoint& server() const override { return nc_.server(); }
    [[nodiscard]] const statistics& stats() const override { return nc_.stats(); }
    [[nodiscard]] const error& close_reason() const override { return nc_.close_reason(); }
    [[nodiscard]] std::size_t kept() const override { return nc_.kept(); }

private:
    template <class Subscription>
    static result<std::unique_ptr<reader>> wrapped(result<Subscription> made) {
        if (!made) return made.error();
        return std::unique_ptr<reader>(
            std::make_unique<reader_over<Subscription>>(std::move(*made)));
    }

    Client nc_;
};

} // namespace nats::test
