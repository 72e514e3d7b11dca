// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the loop is in server.cpp; here is what other threads may ask of it. `stop`
// and `retire` set a flag and wake the loop. `with` puts a visit on a list that the loop goes
// through between the halves of a round; while nothing serves, it runs at once, and the lock keeps
// the loop from beginning. One lock guards the list and the word on who is inside.

#include <natsproto/tcp/tcp_broker.hpp>

#include <natsproto/blocking/os_random.hpp>

#include "openssl/default_crypto.hpp"
#include "tcp/server.hpp"
#include "tcp/sockets.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace nats {

class tcp_broker::impl {
public:
    impl() = default;
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;
    ~impl() = default;

    result<void> start(broker_options o, const tcp_broker_options& where);
    result<bool> round(time_point deadline, duration grace);
    result<void> visit(const std::function<void(nats::broker&, time_point)>& f);
    void ask(std::atomic<bool>& flag) noexcept {
        flag = true;
        server_->wake();
    }

    /// Who calls is the thread that serves, while this lives.
    class serving {
    public:
        explicit serving(impl& i) : impl_(i) {
            const std::lock_guard lock(impl_.mutex_);
            impl_.serving_ = true;
            impl_.inside_ = std::this_thread::get_id();
        }
        serving(const serving&) = delete;
        serving& operator=(const serving&) = delete;
        ~serving() {
            std::unique_lock lock(impl_.mutex_);
            impl_.receive(lock); // whoever came in the last round
            impl_.serving_ = false;
            impl_.inside_ = std::thread::id();
        }

    private:
        impl& impl_;
    };

    [[nodiscard]] nats::broker& broker() noexcept { return *broker_; }

    std::uint16_t port_ = 0;
    std::string url_;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> retire_ = false;

private:
    struct visit_state {
        const std::function<void(nats::broker&, time_point)>& what;
        std::exception_ptr thrown = nullptr;
        bool done = false;
    };
    static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers set them");

    void run(visit_state& v) noexcept;
    void receive(std::unique_lock<std::mutex>& lock);
    void obey(duration grace);
    [[nodiscard]] bool has_finished() noexcept;

    blocking::os_random random_;
    std::unique_ptr<crypto_provider> own_crypto_;
    std::unique_ptr<nats::broker> broker_;
    std::unique_ptr<tcp::server> server_; ///< ends first: its sockets are closed at once

    std::mutex mutex_;
    std::condition_variable visited_;
    std::vector<visit_state*> visitors_;
    bool serving_ = false;
    std::atomic<std::thread::id> inside_; ///< who must not wait for the loop
};

namespace {

/// `host` for a client on this machine.
std::string url_of(const std::string& host, std::uint16_t port, const broker_options& o) {
    const bool tls = o.tls && o.tls->how != broker_tls::mode::available;
    std::string reachable = host;
    if (host == "0.0.0.0") reachable = "127.0.0.1";
    if (host.find(':') != std::string::npos) reachable = host == "::" ? "[::1]" : '[' + host + ']';
    return (tls ? "tls://" : "nats://") + reachable + ':' + std::to_string(port);
}

} // namespace

result<void> tcp_broker::impl::start(broker_options o, const tcp_broker_options& where) {
    result<tcp::descriptor> listener = tcp::listen_on(where.host, where.port, where.backlog);
    if (!listener) return listener.error();
    port_ = tcp::port_of(*listener);
    url_ = url_of(where.host, port_, o);
    environment world;
    world.random = &random_;
    world.crypto = where.crypto;
    if (world.crypto == nullptr) {
        own_crypto_ = default_crypto();
        world.crypto = own_crypto_.get();
    }
    o.host = where.host;
    o.port = port_;
    result<std::unique_ptr<nats::broker>> made =
        nats::broker::create(std::move(o), world, clock::now());
    if (!made) return made.error();
    result<std::unique_ptr<tcp::server>> loop = tcp::server::create(std::move(*listener));
    if (!loop) return loop.error();
    broker_ = std::move(*made);
    server_ = std::move(*loop);
    server_->attach(*broker_);
    return {};
}

// --- the loop

result<bool> tcp_broker::impl::round(time_point deadline, duration grace) {
    obey(grace);
    server_->settle(); // what was done to the broker while nothing served
    if (has_finished()) return false;
    if (result<void> waited = server_->wait(deadline); !waited) return waited.error();
    {
        std::unique_lock lock(mutex_);
        receive(lock);
    }
    obey(grace);
    server_->settle();
    return !has_finished();
}

bool tcp_broker::impl::has_finished() noexcept {
    if (!broker_->finished()) return false;
    server_->finish();
    return true;
}

/// What `stop` and `retire` have asked for.
void tcp_broker::impl::obey(duration grace) {
    const time_point now = clock::now();
    if (retire_.exchange(false)) broker_->lame_duck(now);
    if (stop_.exchange(false)) broker_->stop(now, deadline_after(now, grace));
}

void tcp_broker::impl::run(visit_state& v) noexcept {
    try {
        v.what(*broker_, clock::now());
    } catch (...) { // it is the caller's
        v.thrown = std::current_exception();
    }
}

/// Runs what visitors want done. Without the lock, since it may take time.
void tcp_broker::impl::receive(std::unique_lock<std::mutex>& lock) {
    while (!visitors_.empty()) {
        const std::vector<visit_state*> all = std::exchange(visitors_, {});
        lock.unlock();
        for (visit_state* const v : all) run(*v);
        lock.lock();
        for (visit_state* const v : all) v->done = true;
        visited_.notify_all();
    }
}

result<void> tcp_broker::impl::visit(const std::function<void(nats::broker&, time_point)>& f) {
    if (inside_ == std::this_thread::get_id())
        return error{errc::in_use, "with: called by the thread that serves"};
    std::unique_lock lock(mutex_);
    visit_state v{f};
    if (serving_) {
        visitors_.push_back(&v);
        server_->wake();
        visited_.wait(lock, [&v] { return v.done; });
    } else {
        inside_ = std::this_thread::get_id();
        run(v);
        inside_ = std::thread::id();
    }
    if (v.thrown) std::rethrow_exception(v.thrown);
    return {};
}

// --- the public face

tcp_broker::tcp_broker(std::unique_ptr<impl> i) noexcept : impl_(std::move(i)) {}
tcp_broker::~tcp_broker() = default;

result<std::unique_ptr<tcp_broker>> tcp_broker::listen(broker_options o,
                                                       const tcp_broker_options& where) {
    auto i = std::make_unique<impl>();
    if (result<void> started = i->start(std::move(o), where); !started) return started.error();
    return std::unique_ptr<tcp_broker>(new tcp_broker(std::move(i))); // NOLINT: private
}

std::uint16_t tcp_broker::port() const noexcept {
    return impl_->port_;
}
std::string tcp_broker::url() const {
    return impl_->url_;
}
nats::broker& tcp_broker::broker() noexcept {
    return impl_->broker();
}

result<void> tcp_broker::run() {
    const impl::serving here(*impl_);
    while (true) {
        const result<bool> more = impl_->round(no_deadline, stop_grace);
        if (!more) return more.error();
        if (!*more) return {};
    }
}

result<bool> tcp_broker::poll(duration timeout) {
    const impl::serving here(*impl_);
    return impl_->round(deadline_after(clock::now(), timeout), stop_grace);
}

void tcp_broker::stop() noexcept {
    impl_->ask(impl_->stop_);
}
void tcp_broker::retire() noexcept {
    impl_->ask(impl_->retire_);
}

result<void> tcp_broker::with(const std::function<void(nats::broker&, time_point now)>& f) {
    return impl_->visit(f);
}

} // namespace nats
