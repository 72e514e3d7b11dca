// SPDX-License-Identifier: Apache-2.0
//
// A scripted server and the way to it, all in one `io_context`: a connector whose transports are
// two strings. Each step is a handler of the context, so that a run can be cut between any two.

#pragma once

#include <natsproto/asio/transport.hpp>

#include "support/model_server.hpp"
#include "support/scripted_server.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace nats::test {

/// How the way to the server behaves.
struct memory_manners {
    int hops = 3;               ///< handlers between `open` and its answer
    std::size_t most = 1 << 16; ///< bytes that one read or write takes
    bool writes_at_once = true; ///< `try_write` takes something
    bool writes_wait = false;   ///< writes complete only by `memory_server::let_write`
    int refusals = 0;           ///< of the next attempts
    bool answers_open = true;   ///< false: `open` goes on for ever
    bool hears_the_end = true;  ///< false: goes on when the client has said its last
};

/// One server; its transports are used one after the other. Must outlive the execution context.
class memory_server final : public aio::connector {
public:
    explicit memory_server(memory_manners m = {}, server_rules r = {})
        : manners(m), state_(std::make_shared<state>(std::move(r))) {}

    /// Has a layer, which is TLS, between them.
    std::function<std::unique_ptr<server_layer>()> make_layer{};
    /// Called when a client has connected.
    std::function<void()> on_accept{};
    memory_manners manners;

    [[nodiscard]] scripted_server& script() noexcept { return state_->server; }
    [[nodiscard]] bool opening() const noexcept { return opening_ != nullptr; }

    /// As another client; what it says is on the way then.
    void publish(std::string_view subject, std::string_view payload, std::string_view reply = {}) {
        state_->server.publish(subject, payload, reply);
        state_->pump();
    }
    void hang_up() {
        state_->server.hang_up();
        state_->pump();
    }
    /// Sends what was given to `script()` from outside.
    void pump() { state_->pump(); }
    /// A write that waits goes on, and later ones do not wait.
    void let_write() {
        manners.writes_wait = false;
        if (state_->write) std::exchange(state_->write, nullptr)();
    }

    // connector
    void open(const boost::asio::any_io_executor& ex, const endpoint& /*to*/,
              time_point /*deadline*/, aio::connect_handler done) override {
        opening_ = std::make_shared<bool>(true);
        if (manners.answers_open) hop(ex, manners.hops, std::move(done), opening_);
    }
    void cancel() noexcept override { opening_.reset(); }

private:
    struct state {
        explicit state(server_rules r) : server(std::move(r)) {}

        /// Bytes of the client.
        void receive(std::string_view bytes) {
            if (layer) layer->receive(bytes);
            const std::string plain = layer ? layer->take_plain() : std::string(bytes);
            if (!plain.empty()) server.receive(plain);
            pump();
        }
        /// Has a read that waits end, if there is something.
        void pump() {
            std::string said = server.take_output();
            if (layer) {
                layer->send(said);
                said = layer->take_output();
            }
            output += said;
            if (read && (!output.empty() || server.hung_up())) std::exchange(read, nullptr)();
        }

        scripted_server server;
        std::unique_ptr<server_layer> layer;
        std::string output;         ///< for the client
        std::function<void()> read; ///< ends the read that waits
        std::function<void()> write;
        const void* current = nullptr; ///< the transport that is connected
    };

    class pipe final : public aio::transport {
    public:
        pipe(memory_server& owner, std::shared_ptr<state> s)
            : owner_(&owner), state_(std::move(s)) {
            state_->current = this;
        }
        ~pipe() override { leave(); }

        void read_some(boost::asio::mutable_buffer into, aio::transport_handler done) override {
            read_.emplace(std::move(done));
            state_->read = [this, into] { end_read(into); };
            if (closed_) return std::exchange(state_->read, nullptr)();
            state_->pump();
        }
        void write_some(std::span<const boost::asio::const_buffer> pieces,
                        aio::transport_handler done) override {
            write_.emplace(std::move(done));
            state_->write = [this, pieces] { end_write(pieces); };
            if (closed_ || !owner_->manners.writes_wait)
                return std::exchange(state_->write, nullptr)();
        }
        std::size_t try_write(std::span<const boost::asio::const_buffer> pieces,
                              boost::system::error_code& ec) override {
            if (!owner_->manners.writes_at_once || owner_->manners.writes_wait)
                return transport::try_write(pieces, ec);
            return take(pieces);
        }
        void close() noexcept override {
            if (std::exchange(closed_, true)) return;
            if (state_->read) std::exchange(state_->read, nullptr)();
            if (state_->write) std::exchange(state_->write, nullptr)();
        }
        [[nodiscard]] bool shutdown() noexcept override {
            if (owner_->manners.hears_the_end) {
                state_->server.hang_up();
                state_->pump();
            }
            return true;
        }
        [[nodiscard]] std::string local_address() const override { return "memory:1"; }

    private:
        void leave() noexcept {
            if (state_->current != this) return;
            state_->current = nullptr;
            state_->read = state_->write = nullptr;
        }
        std::size_t take(std::span<const boost::asio::const_buffer> pieces) {
            std::string bytes;
            for (const auto& p : pieces) bytes.append(static_cast<const char*>(p.data()), p.size());
            bytes.resize(std::min(bytes.size(), owner_->manners.most));
            if (!state_->server.hung_up()) state_->receive(bytes);
            return bytes.size();
        }
        void end_read(boost::asio::mutable_buffer into) {
            if (closed_) return answer(read_, boost::asio::error::operation_aborted, 0);
            std::string& from = state_->output;
            const std::size_t n = std::min({from.size(), into.size(), owner_->manners.most});
            std::copy_n(from.data(), n, static_cast<char*>(into.data()));
            from.erase(0, n);
            if (n == 0) return answer(read_, boost::asio::error::eof, 0);
            answer(read_, {}, n);
        }
        void end_write(std::span<const boost::asio::const_buffer> pieces) {
            if (closed_) return answer(write_, boost::asio::error::operation_aborted, 0);
            answer(write_, {}, take(pieces));
        }
        static void answer(std::optional<aio::transport_handler>& h, boost::system::error_code ec,
                           std::size_t n) {
            aio::transport_handler done = std::move(*h);
            h.reset();
            const auto ex = done.get_executor();
            boost::asio::post(ex, [done = std::move(done), ec, n] { done(ec, n); });
        }

        memory_server* owner_;
        std::shared_ptr<state> state_;
        std::optional<aio::transport_handler> read_, write_;
        bool closed_ = false;
    };

    void hop(const boost::asio::any_io_executor& ex, int left, aio::connect_handler done,
             const std::weak_ptr<bool>& attempt) {
        boost::asio::post(ex, [this, ex, left, attempt, done = std::move(done)]() mutable {
            if (attempt.expired()) return;
            if (left > 0) return hop(ex, left - 1, std::move(done), attempt);
            opening_.reset();
            if (manners.refusals > 0) {
                --manners.refusals;
                return done(error{errc::connect_failed, "refused"});
            }
            state_->output.clear();
            state_->layer = make_layer ? make_layer() : nullptr;
            state_->server.accept();
            if (on_accept) on_accept();
            done(std::unique_ptr<aio::transport>(std::make_unique<pipe>(*this, state_)));
        });
    }

    std::shared_ptr<state> state_;
    std::shared_ptr<bool> opening_; ///< the attempt that goes on
};

} // namespace nats::test
