// SPDX-License-Identifier: Apache-2.0
//
// NATS in libuv's loop, by a driver of one's own for `session` and `runtime`. libuv calls back when
// something is done, so the driver tells the session that, and then does what there is to do: the
// same as in 23_epoll_session, turned inside out. A ticker shares the loop with it.
// Usage: 24_libuv_session [nats://host:port[,nats://host:port...]]

#include <natsproto/blocking/os_random.hpp>
#include <natsproto/op.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <uv.h>

using namespace std::chrono_literals;
namespace action = nats::action;

namespace {

/// It must outlive `uv_run`, which returns when the session is closed and the program has nothing
/// else in the loop.
class driver {
public:
    driver(uv_loop_t* loop, const nats::options& o)
        : loop_(loop), session_(o, {&random_, nullptr, nullptr}) {
        uv_timer_init(loop_, &timer_);
        timer_.data = this;
    }
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    ~driver() = default;

    [[nodiscard]] nats::runtime& rt() noexcept { return runtime_; }
    [[nodiscard]] nats::session& session() noexcept { return session_; }

    // [go_on]
    /// What there is to do after anything was told to the session or the runtime: by the driver
    /// below, or by other code of the program, which calls this after commands and started ops.
    void go_on() {
        runtime_.advance(nats::clock::now());
        do {
            nats::event e;
            while (session_.next(e)) runtime_.dispatch(e);
        } while (!do_actions()); // that was an input: events come first
        if (socket_ != nullptr && socket_->connected) write_some();
        set_timer(runtime_.poll_timeout());
    }
    // [go_on]

private:
    // [socket]
    /// One try to reach one address. libuv uses it until the callback of `uv_close`.
    struct socket {
        explicit socket(driver* d) : owner(d) {
            uv_tcp_init(d->loop_, &handle);
            handle.data = this;
            uv_tcp_nodelay(&handle, 1); // requests are small, and somebody waits for the answer
        }
        [[nodiscard]] uv_stream_t* stream() noexcept {
            return reinterpret_cast<uv_stream_t*>(&handle); // so libuv derives types
        }

        driver* owner;
        uv_tcp_t handle{};
        uv_connect_t connecting{};
        uv_write_t writing{};
        bool connected = false;
        std::size_t waiting = 0;                ///< bytes of `writing`, which waits for room
        std::optional<nats::attempt_id> ending; ///< the session wants to know when it is closed
    };

    /// Only now nothing reads into the session's buffers any more, or writes from them.
    void close_socket(std::optional<nats::attempt_id> ending) {
        socket* const s = std::exchange(socket_, nullptr);
        s->ending = ending;
        uv_close(reinterpret_cast<uv_handle_t*>(&s->handle), [](uv_handle_t* h) {
            const std::unique_ptr<socket> closed(static_cast<socket*>(h->data));
            if (!closed->ending) return;
            closed->owner->session_.handle_closed(*closed->ending, nats::clock::now());
            closed->owner->go_on();
        });
    }
    // [socket]

    /// False: that was an input.
    bool do_actions() {
        while (const std::optional<nats::session_action> a = session_.poll_action()) {
            if (const auto* c = std::get_if<action::connect>(&*a)) {
                attempt_ = c->id;
                to_ = c->to->text();
                if (!look_up(*c->to)) return false;
            } else if (const auto* end = std::get_if<action::close>(&*a)) {
                attempt_.reset();
                if (socket_ == nullptr) { // the name is still being looked up
                    session_.handle_closed(end->id, nats::clock::now());
                    return false;
                }
                if (socket_->connected) write_some(); // with TLS: its end
                close_socket(end->id);
            } // start_tls: only when options ask for it
        }
        return true;
    }

    // [look_up]
    struct name_query {
        name_query(driver* d, nats::attempt_id id) : owner(d), attempt(id) { request.data = this; }
        uv_getaddrinfo_t request{};
        driver* owner;
        nats::attempt_id attempt;
    };

    /// libuv does it in a thread of its own. The answer may come when the attempt is over.
    bool look_up(const nats::endpoint& to) {
        auto* const query = new name_query(this, *attempt_); // the callback deletes it
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        const auto found = [](uv_getaddrinfo_t* request, int status, addrinfo* answer) {
            const std::unique_ptr<name_query> q(static_cast<name_query*>(request->data));
            addresses all(answer);
            driver& self = *q->owner;
            if (self.attempt_ != q->attempt) return;
            self.found_ = std::move(all);
            self.next_address_ = self.found_.get();
            if (status != 0)
                self.fail_attempt(nats::errc::resolve_failed);
            else
                self.connect_to_next();
            self.go_on();
        };
        if (uv_getaddrinfo(loop_, &query->request, found, to.host.c_str(),
                           std::to_string(to.port).c_str(), &hints) != 0) {
            delete query;
            fail_attempt(nats::errc::resolve_failed);
            return false;
        }
        return true;
    }
    // [look_up]

    void fail_attempt(nats::errc why) {
        session_.handle_connect_failed(*attempt_, {why, to_}, nats::clock::now());
    }

    /// Begins to connect to the next address that lets it; if there is none, the attempt failed.
    /// Here each address has all of the time that is left; it should have a share.
    void connect_to_next() {
        const auto done = [](uv_connect_t* r, int status) {
            auto* const s = static_cast<socket*>(r->handle->data);
            if (s == s->owner->socket_) s->owner->on_connected(status); // else it is being closed
        };
        while (next_address_ != nullptr) {
            const addrinfo& a = *std::exchange(next_address_, next_address_->ai_next);
            socket_ = new socket(this); // until it is closed
            if (uv_tcp_connect(&socket_->connecting, &socket_->handle, a.ai_addr, done) == 0)
                return;
            close_socket({});
        }
        fail_attempt(nats::errc::connect_failed);
    }

    void on_connected(int status) {
        if (status == 0) {
            socket_->connected = true;
            start_reading();
            session_.handle_connected(*attempt_, nats::clock::now());
        } else {
            close_socket({});
            connect_to_next();
        }
        go_on();
    }

    // [read]
    /// libuv asks for memory right before each read: it reads into the session's input buffer.
    void start_reading() {
        const auto give_memory = [](uv_handle_t* h, std::size_t /*suggested*/, uv_buf_t* into) {
            driver& self = *static_cast<socket*>(h->data)->owner;
            const std::span<char> space = self.session_.prepare();
            *into = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
        };
        uv_read_start(socket_->stream(), give_memory,
                      [](uv_stream_t* h, ssize_t n, const uv_buf_t*) {
                          static_cast<socket*>(h->data)->owner->on_read(n);
                      });
    }

    void on_read(ssize_t n) {
        const nats::time_point now = nats::clock::now();
        runtime_.advance(now);
        if (n > 0)
            session_.commit(static_cast<std::size_t>(n), now);
        else if (n == UV_EOF)
            session_.handle_eof(*attempt_, now);
        else if (n < 0)
            session_.handle_io_error(*attempt_, {static_cast<int>(-n), std::system_category()},
                                     now);
        go_on();
    }
    // [read]

    // [write]
    /// Writes what the kernel takes now. Then one piece waits in libuv, to say when there is room:
    /// it stays where it is, and is offered again, until `transmitted` covers it.
    void write_some() {
        std::array<nats::const_buffer, 64> pieces;
        std::array<uv_buf_t, 64> out{};
        while (socket_->waiting == 0) {
            const std::size_t count = session_.poll_transmit(pieces);
            if (count == 0) return;
            for (std::size_t i = 0; i < count; ++i)
                out[i] = uv_buf_init(const_cast<char*>(pieces[i].data), // NOLINT: only read
                                     static_cast<unsigned>(pieces[i].size));
            const int n = uv_try_write(socket_->stream(), out.data(), static_cast<unsigned>(count));
            if (n >= 0) {
                runtime_.transmitted(static_cast<std::size_t>(n));
                continue;
            }
            session_.handle_write_blocked(nats::clock::now());
            if (n != UV_EAGAIN) return; // an error: reading finds it
            wait_for_room(out[0]);
        }
    }

    void wait_for_room(const uv_buf_t& piece) {
        socket_->waiting = piece.len;
        uv_write(&socket_->writing, socket_->stream(), &piece, 1, [](uv_write_t* w, int status) {
            auto* const s = static_cast<socket*>(w->handle->data);
            if (status != 0 || s != s->owner->socket_) return; // an error, or being closed
            s->owner->runtime_.transmitted(std::exchange(s->waiting, 0));
            s->owner->go_on();
        });
    }
    // [write]

    // [timer]
    void set_timer(std::optional<nats::time_point> deadline) {
        if (session_.status() == nats::session_status::closed && socket_ == nullptr) {
            auto* const handle = reinterpret_cast<uv_handle_t*>(&timer_);
            if (uv_is_closing(handle) == 0) uv_close(handle, nullptr); // lets uv_run return
            return;
        }
        if (!deadline) {
            uv_timer_stop(&timer_);
            return;
        }
        uv_update_time(loop_); // libuv remembers the time at which it woke
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*deadline - nats::clock::now());
        const auto ms = std::clamp<std::int64_t>(left.count(), 0, 60'000); // early is fine
        const auto fire = [](uv_timer_t* t) {
            driver& self = *static_cast<driver*>(t->data);
            self.runtime_.handle_timeout(nats::clock::now());
            self.go_on();
        };
        uv_timer_start(&timer_, fire, static_cast<std::uint64_t>(ms), 0);
    }
    // [timer]

    using addresses = std::unique_ptr<addrinfo, decltype([](addrinfo* a) { uv_freeaddrinfo(a); })>;

    uv_loop_t* loop_;
    nats::blocking::os_random random_; // inbox names must not be guessed
    nats::session session_;
    nats::runtime runtime_{session_, random_};
    uv_timer_t timer_{};

    std::optional<nats::attempt_id> attempt_; ///< empty when the session has ended it
    std::string to_;                          ///< its server
    addresses found_;
    addrinfo* next_address_ = nullptr;
    socket* socket_ = nullptr;
};

// [ticker]
/// Something else in the same loop: every 5 ms it publishes, until the session is closed.
struct ticker {
    ticker(uv_loop_t* loop, driver& d) : nats(&d) {
        uv_timer_init(loop, &timer);
        timer.data = this;
        uv_timer_start(&timer, [](uv_timer_t* t) { static_cast<ticker*>(t->data)->tick(); }, 5, 5);
    }
    void tick() {
        if (nats->session().status() == nats::session_status::closed) {
            uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
            return;
        }
        (void)nats->session().publish("ticks", std::to_string(++count)); // fails while connecting
        nats->go_on();
    }

    driver* nats;
    uv_timer_t timer{};
    int count = 0;
};
// [ticker]

/// Answers a request with the length of its payload. Nothing may be thrown here: libuv is C. Ops
/// may throw; it comes out of `take()`.
void answer(void* rt, const nats::message_view& m) {
    nats::session& s = static_cast<nats::runtime*>(rt)->connection();
    if (!m.reply.empty()) (void)s.publish(m.reply, std::to_string(m.payload.size()));
}

/// Asks the service.
nats::op<std::string> ask(nats::runtime& rt, std::string question) {
    const nats::header_view no_headers;
    const nats::time_point deadline = nats::deadline_after(rt.now(), 5s);
    const nats::result<nats::message_view> reply =
        co_await rt.request("length", question, no_headers, deadline);
    co_return std::string(reply.value().payload);
}

/// What the program does, step by step: the driver resumes it. `value()` throws what went wrong.
nats::op<bool> talk(nats::runtime& rt) {
    const nats::result<void> up = co_await rt.connected(nats::no_deadline);
    up.value();

    nats::mailbox service;
    rt.subscribe(service, "length", {}, answer, &rt).value();
    const std::string first = co_await ask(rt, "twelve bytes");
    std::cout << "length: " << first << '\n';

    nats::mailbox ticks;
    rt.subscribe(ticks, "ticks").value();
    for (int i = 0; i < 3; ++i) {
        const nats::result<nats::message_view> tick =
            co_await rt.next(ticks, nats::deadline_after(rt.now(), 5s));
        std::cout << "tick " << tick.value().payload << '\n';
    }

    rt.connection().force_reconnect(rt.now()).value(); // as if the server had gone
    const nats::result<void> again = co_await rt.connected(nats::no_deadline);
    again.value();
    const std::string second = co_await ask(rt, "six more bytes"); // subscriptions came back
    std::cout << "length: " << second << ", after " << rt.connection().stats().reconnects
              << " reconnect\n";
    co_return first == "12" && second == "14";
}

// [whole]
/// There is nobody who looks whether it is done, so it ends the session itself.
nats::op<bool> talk_and_close(nats::runtime& rt) {
    bool good = false;
    try {
        good = co_await talk(rt);
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
    }
    (void)rt.drain_connection(false); // an error: it is closed already
    co_return good;
}
// [whole]

} // namespace

int main(int argc, char** argv) {
    // [main]
    uv_loop_t loop;
    uv_loop_init(&loop);
    driver d(&loop,
             {.servers = argc > 1 ? argv[1] : "nats://127.0.0.1:4222", .name = "example 24"});
    const ticker ticking(&loop, d);

    d.session().start(nats::clock::now()).value();
    nats::op<bool> conversation = talk_and_close(d.rt());
    conversation.start();
    d.go_on();
    uv_run(&loop, UV_RUN_DEFAULT); // until nothing is left in it
    const bool all_closed = uv_loop_close(&loop) == 0;
    // [main]
    return all_closed && conversation.done() && conversation.take() ? 0 : 1;
}
