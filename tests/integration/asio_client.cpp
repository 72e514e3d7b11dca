// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a waiting call starts an operation whose handler notes the result, and runs
// the context until it has been called. The state of that is shared with the handler, since what a
// handler of the test's throws leaves the call before that. A context that has nothing to do while
// an operation waits is a mistake of the library.
//
// An immediate call queues output, which the client writes when its context runs next: that is let
// run until it is written, and no longer. Every second client is told that its executor is serial,
// so that both ways of the library are gone.

#include <natsproto/asio/tcp_connector.hpp>

#include "integration/asio_client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <type_traits>

namespace nats::test::on_asio {

namespace {

/// What an operation has ended with.
template <class T>
struct outcome {
    using stored = std::conditional_t<std::is_void_v<T>, char, std::optional<T>>;
    error why{errc::invalid_argument, "the operation did not say why"};
    boost::system::error_code ec;
    stored value{};
    bool done = false;
    boost::asio::cancellation_signal cancel;

    [[nodiscard]] result<T> take() {
        if (ec) {
            const std::error_code plain = ec; // Boost's has a value of its own
            if (plain.category() != error_category()) return error{errc::io_error, ec.message()};
            const auto code = static_cast<errc>(plain.value());
            return why == code ? why : error{code};
        }
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return std::move(*value);
    }
};

/// blocking_options::dial as a connector.
class dialing final : public aio::connector {
public:
    dialing(const blocking_options& b) : dial_(b.dial), context_(b.dial_context) {}

    void open(const boost::asio::any_io_executor& ex, const endpoint& to, time_point deadline,
              aio::connect_handler done) override {
        const result<int> fd = dial_(context_, to, deadline);
        result<std::unique_ptr<aio::transport>> opened = error{errc::connect_failed};
        if (fd) {
            using boost::asio::ip::tcp;
            opened = aio::make_tcp_transport(tcp::socket(ex, tcp::v4(), *fd));
        } else {
            opened = fd.error();
        }
        auto told = std::make_shared<result<std::unique_ptr<aio::transport>>>(std::move(opened));
        boost::asio::post(ex, [done = std::move(done), told] { done(std::move(*told)); });
    }
    void cancel() noexcept override {}

private:
    result<int> (*dial_)(void*, const endpoint&, time_point);
    void* context_;
};

/// blocking_options::trace as a part of the log.
struct lines {
    explicit lines(const blocking_options& b)
        : trace(b.trace), trace_context(b.trace_context), log(b.log) {}

    [[nodiscard]] log_sink sink() {
        if (trace == nullptr && log.write == nullptr) return {};
        return {[](void* self, log_level level, std::string_view line) {
                    static_cast<lines*>(self)->write(level, line);
                },
                this, trace != nullptr ? log_level::trace : log.most};
    }
    void write(log_level level, std::string_view line) const {
        if (level == log_level::trace && trace != nullptr) trace(trace_context, line);
        if (log.wants(level)) log.write(log.context, level, line);
    }

    void (*trace)(void* context, std::string_view line);
    void* trace_context;
    log_sink log;
};

[[nodiscard]] bool every_second() {
    static std::atomic<unsigned> made = 0;
    return made++ % 2 == 1;
}

} // namespace

class home {
public:
    explicit home(const blocking_options& b)
        : lines_(b), first_observer_(b.on_event), first_context_(b.on_event_context) {
        if (b.dial != nullptr) dialing_ = std::make_unique<dialing>(b);
        const aio::client_options o{.serial = every_second(),
                                    .write_timeout = b.write_timeout,
                                    .crypto = b.crypto,
                                    .addresses = b.addresses,
                                    .local_address = b.local_address,
                                    .via = dialing_.get(),
                                    .log = lines_.sink(),
                                    .on_event = &home::see,
                                    .on_event_context = this};
        nc_.emplace(context_, o);
    }
    home(const home&) = delete;
    home& operator=(const home&) = delete;
    ~home() = default;

    [[nodiscard]] aio::client& nc() noexcept { return *nc_; }
    [[nodiscard]] bool has_client() const noexcept { return nc_.has_value(); }
    [[nodiscard]] bool in_handler() const noexcept { return running_; }

    /// Starts an operation by `start(outcome&, handler)`, and runs until it has ended.
    template <class T, class Start>
    result<T> wait(Start start) {
        return wait(std::make_shared<outcome<T>>(), std::move(start));
    }
    /// The same with an outcome that stays when what a handler throws leaves this.
    template <class T, class Start>
    result<T> wait(const std::shared_ptr<outcome<T>>& out, Start start) {
        rethrow();
        tell_left();
        begin(out, std::move(start));
        const auto done = [&out] { return out->done; };
        try {
            run_until(done);
        } catch (...) { // nobody waits any more
            out->cancel.emit(boost::asio::cancellation_type::terminal);
            run_quietly_until(done);
            throw;
        }
        return out->take();
    }
    template <class T, class Start>
    static void begin(const std::shared_ptr<outcome<T>>& out, Start start) {
        const auto end = [out](boost::system::error_code ec, auto... value) {
            out->ec = ec;
            if constexpr (!std::is_void_v<T>) out->value.emplace(std::move(value)...);
            out->done = true;
        };
        start(*out, boost::asio::bind_cancellation_slot(out->cancel.slot(), end));
    }
    template <class Done>
    void run_until(Done done) {
        const running now(*this);
        const std::function<bool()> over(done);
        over_ = &over;
        while (!done()) {
            if (context_.run_one() == 0)
                throw std::logic_error("an operation waits, and the context has nothing to do");
        }
    }
    /// Tells it now, or when what is waited for has come already, in the next waiting call.
    void tell(std::function<void()> f) {
        if (over_ != nullptr && (*over_)())
            left_.push_back(std::move(f));
        else
            f();
    }
    /// What handlers throw meanwhile comes out of the next waiting call.
    template <class Done>
    void run_quietly_until(Done done) {
        const running now(*this);
        while (!done()) {
            try {
                if (context_.run_one() == 0) return;
            } catch (...) {
                thrown_.push_back(std::current_exception());
            }
        }
    }
    /// Until something has happened; false when the deadline came first.
    bool run_until_progress(time_point deadline) {
        rethrow();
        tell_left();
        const running now(*this);
        const std::uint64_t before = progress();
        (void)context_.poll();
        while (progress() == before && status() != session_status::closed) {
            if (clock::now() >= deadline) return false;
            // A context can wait until a time only if the clock can tell it.
            const time_point until = std::min(deadline, clock::now() + std::chrono::hours(1));
            (void)context_.run_one_until(until);
        }
        (void)context_.poll();
        return progress() != before;
    }
    /// Everything that needs no waiting.
    void poll() {
        if (running_) return;
        const running now(*this);
        (void)context_.poll();
    }
    /// After an immediate call: what it queued is written, as far as that needs no waiting.
    void write_soon() {
        if (running_ || bursts != 0) return;
        write();
    }
    /// Handlers may run in it; what they throw comes out of the next waiting call.
    void write() {
        const running now(*this);
        while (nc_ && nc_->buffered() != 0) {
            try {
                if (context_.poll_one() == 0) return;
            } catch (...) {
                thrown_.push_back(std::current_exception());
            }
        }
    }
    /// The client goes; its subscriptions may stay.
    void end_client() {
        if (!nc_) return;
        if (running_) return nc_.reset();
        if (status() != session_status::idle) (void)close();
        nc_.reset();
        poll();
    }
    result<void> close() {
        return wait<void>([this](outcome<void>&, auto handler) { nc_->close(handler); });
    }

    [[nodiscard]] session_status status() const noexcept {
        return nc_ ? nc_->status() : session_status::closed;
    }

    std::function<void(const event&)> observer;
    message kept; ///< what the newest view is of
    int bursts = 0;

private:
    /// A part of a waiting call, in which handlers run.
    class running {
    public:
        explicit running(home& h) : home_(h) {
            if (h.running_) throw std::logic_error("a waiting call inside of a handler");
            h.running_ = true;
            h.context_.restart();
        }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() {
            home_.running_ = false;
            home_.over_ = nullptr;
        }

    private:
        home& home_;
    };

    static void see(void* self, const event& e) {
        auto& h = *static_cast<home*>(self);
        ++h.events_;
        if (h.first_observer_ != nullptr) h.first_observer_(h.first_context_, e);
        if (h.observer) h.observer(e);
    }

public:
    /// `observer` replaces the first one.
    void observe(std::function<void(const event&)> f) {
        first_observer_ = nullptr;
        observer = std::move(f);
    }

private:
    void tell_left() {
        for (const std::function<void()>& f : std::exchange(left_, {})) f();
    }
    void rethrow() {
        if (thrown_.empty()) return;
        const std::exception_ptr first = thrown_.front();
        thrown_.pop_front();
        std::rethrow_exception(first);
    }
    [[nodiscard]] std::uint64_t progress() const {
        return events_ + (nc_ ? nc_->stats().socket_in : 0);
    }

    boost::asio::io_context context_{1};
    std::unique_ptr<dialing> dialing_;
    lines lines_;
    void (*first_observer_)(void* context, const event& e);
    void* first_context_;
    std::uint64_t events_ = 0;
    bool running_ = false;
    const std::function<bool()>* over_ = nullptr; ///< of the call that waits
    std::vector<std::function<void()>> left_;
    std::deque<std::exception_ptr> thrown_; ///< by handlers, outside of waiting calls
    std::optional<aio::client> nc_;
};

// --- subscription

subscription::subscription(aio::subscription s, std::shared_ptr<home> h)
    : home_(std::move(h)), sub_(std::move(s)) {}

subscription& subscription::operator=(subscription&& other) noexcept {
    subscription old(std::move(*this));
    home_ = std::move(other.home_);
    sub_ = std::move(other.sub_);
    left_ = std::move(other.left_);
    return *this;
}

subscription::~subscription() {
    if (!home_) return;
    sub_ = aio::subscription();
    home_->write_soon();
}

result<message> subscription::next(duration timeout) {
    if (!home_) return error{errc::invalid_subscription};
    const std::shared_ptr<home> keep = home_; // a handler may destroy this
    const std::shared_ptr<std::optional<message>> left = left_;
    if (*left) return *std::exchange(*left, std::nullopt);
    if (timeout <= duration::zero()) keep->poll(); // what is there is in the socket
    const auto out = std::make_shared<outcome<message>>();
    try {
        return keep->wait<message>(out, [&](outcome<message>& o, auto handler) {
            sub_.next({.timeout = timeout, .why = &o.why}, handler);
        });
    } catch (...) {
        if (out->done && !out->ec) *left = std::move(out->value);
        throw;
    }
}

result<message_view> subscription::next_view(duration timeout) {
    result<message> m = next(timeout);
    if (!m) return m.error();
    home_->kept = std::move(*m);
    return home_->kept.view();
}

void subscription::on_end(std::function<void(const error& why)> handler) {
    sub_.on_end([h = home_.get(), f = std::move(handler)](const error& why) {
        h->tell([f, why] { f(why); });
    });
}

subscription::range subscription::messages(duration each) {
    return {*this, each};
}

bool subscription::range::advance() {
    result<message> m = subscription_->next(each_);
    if (!m) {
        why_ = m.error();
        return false;
    }
    current_ = std::move(*m);
    return true;
}

result<void> subscription::unsubscribe(std::optional<std::uint64_t> after) {
    result<void> done = sub_.unsubscribe(after);
    if (home_) home_->write_soon();
    return done;
}

result<void> subscription::drain() {
    result<void> begun = sub_.drain();
    if (home_) home_->write_soon();
    return begun;
}

// --- replies

replies::replies(aio::replies r, std::shared_ptr<home> h)
    : home_(std::move(h)), replies_(std::move(r)) {}

replies& replies::operator=(replies&& other) noexcept {
    replies old(std::move(*this));
    home_ = std::move(other.home_);
    replies_ = std::move(other.replies_);
    return *this;
}

replies::~replies() {
    if (!home_) return;
    replies_ = aio::replies();
    home_->write_soon();
}

result<std::optional<message>> replies::next() {
    if (!home_) return std::optional<message>();
    using type = std::optional<message>;
    return home_->wait<type>(
        [this](outcome<type>& out, auto handler) { replies_.next(&out.why, handler); });
}

result<std::optional<message_view>> replies::next_view() {
    result<std::optional<message>> m = next();
    if (!m) return m.error();
    if (!*m) return std::optional<message_view>();
    home_->kept = std::move(**m);
    return std::optional<message_view>(home_->kept.view());
}

// --- client

result<client> client::connect(std::string_view servers, const blocking_options& b) {
    options o;
    o.servers = servers;
    return connect(o, b);
}

result<client> client::connect(const options& o, const blocking_options& b) {
    client made(std::make_shared<home>(b));
    home& h = *made.home_;
    const result<void> up =
        h.wait<void>([&](outcome<void>&, auto handler) { h.nc().connect(o, handler); });
    if (!up) return up.error() == h.nc().close_reason().code() ? h.nc().close_reason() : up.error();
    return made;
}

client::client(std::shared_ptr<home> h) noexcept : home_(std::move(h)) {}

client& client::operator=(client&& other) noexcept {
    end();
    home_ = std::move(other.home_);
    return *this;
}

client::~client() {
    end();
}

void client::end() noexcept {
    if (!home_) return;
    try {
        home_->end_client();
    } catch (...) {
        return; // an observer that throws: a destructor can tell nobody
    }
    home_.reset();
}

aio::client& client::aio() const noexcept {
    return home_->nc();
}

result<void> client::publish(std::string_view subject, bytes payload, const publish_options& o) {
    result<void> queued = aio().publish(subject, payload, o);
    if (!queued && queued.error() == errc::output_full && !home_->in_handler()) {
        return home_->wait<void>([&](outcome<void>& out, auto handler) {
            aio().publish_when_room(subject, payload, o, handler, &out.why);
        });
    }
    home_->write_soon();
    return queued;
}

result<void> client::respond(const message_view& to, bytes payload, header_view headers) {
    if (to.reply.empty()) return aio().respond(to, payload, headers);
    return publish(to.reply, payload, {.reply = {}, .headers = headers});
}

client::burst_scope client::burst() noexcept {
    return burst_scope(home_);
}

result<void> client::write() {
    home_->write();
    return {};
}

result<duration> client::flush(duration timeout) {
    return home_->wait<duration>([&](outcome<duration>& out, auto handler) {
        aio().flush({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<duration> client::rtt(duration timeout) {
    return home_->wait<duration>([&](outcome<duration>& out, auto handler) {
        aio().rtt({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<void> client::wait_connected(duration timeout) {
    return home_->wait<void>([&](outcome<void>& out, auto handler) {
        aio().wait_connected({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<void> client::barrier(duration timeout) {
    return home_->wait<void>([&](outcome<void>& out, auto handler) {
        aio().barrier({.timeout = timeout, .why = &out.why}, handler);
    });
}

result<message> client::request(std::string_view subject, bytes payload, duration timeout,
                                header_view headers) {
    return home_->wait<message>([&](outcome<message>& out, auto handler) {
        aio().request(subject, payload, {.timeout = timeout, .headers = headers, .why = &out.why},
                      handler);
    });
}

result<message_view> client::request_view(std::string_view subject, bytes payload, duration timeout,
                                          header_view headers) {
    result<message> m = request(subject, payload, timeout, headers);
    if (!m) return m.error();
    home_->kept = std::move(*m);
    return home_->kept.view();
}

result<message> client::request_by_inbox(std::string_view subject, bytes payload, duration timeout,
                                         header_view headers) {
    return home_->wait<message>([&](outcome<message>& out, auto handler) {
        aio().request_by_inbox(subject, payload,
                               {.timeout = timeout, .headers = headers, .why = &out.why}, handler);
    });
}

std::vector<result<message>> client::request_all(std::string_view subject,
                                                 const std::vector<std::string>& payloads,
                                                 duration timeout) {
    std::vector<std::shared_ptr<outcome<message>>> waiting;
    for (const std::string& p : payloads) {
        waiting.push_back(std::make_shared<outcome<message>>());
        home::begin(waiting.back(), [&](outcome<message>& out, auto handler) {
            aio().request(subject, p, {.timeout = timeout, .headers = {}, .why = &out.why},
                          handler);
        });
    }
    home_->run_until(
        [&] { return std::ranges::all_of(waiting, [](const auto& w) { return w->done; }); });
    std::vector<result<message>> out;
    for (const auto& w : waiting) out.push_back(w->take());
    return out;
}

result<replies> client::request_many(std::string_view subject, bytes payload,
                                     const request_many_options& o, header_view headers) {
    result<aio::replies> made = aio().request_many(subject, payload, o, headers);
    home_->write_soon();
    if (!made) return made.error();
    return replies(std::move(*made), home_);
}

result<subscription> client::subscribe(std::string_view subject, const subscribe_options& o) {
    result<aio::subscription> made = aio().subscribe(subject, o);
    home_->write_soon();
    if (!made) return made.error();
    return subscription(std::move(*made), home_);
}

result<subscription> client::subscribe(std::string_view subject,
                                       std::function<void(const message_view&)> handler,
                                       const subscribe_options& o) {
    result<aio::subscription> made = aio().subscribe(subject, std::move(handler), o);
    home_->write_soon();
    if (!made) return made.error();
    return subscription(std::move(*made), home_);
}

result<std::size_t> client::poll(duration timeout) {
    const time_point deadline = deadline_after(clock::now(), std::max(timeout, duration::zero()));
    if (home_->run_until_progress(deadline)) return std::size_t{1};
    if (status() == session_status::closed) return close_reason();
    return std::size_t{0};
}

result<void> client::run_for(duration timeout) {
    const time_point deadline = deadline_after(clock::now(), std::max(timeout, duration::zero()));
    while (clock::now() < deadline) {
        if (result<std::size_t> n = poll(deadline - clock::now()); !n) return n.error();
    }
    return {};
}

void client::on_event(std::function<void(const event&)> observer) {
    home_->observe(std::move(observer));
}

void client::close() {
    if (home_->in_handler())
        aio().close([](boost::system::error_code) {});
    else
        (void)home_->close();
}

result<void> client::drain() {
    return home_->wait<void>(
        [&](outcome<void>& out, auto handler) { aio().drain(&out.why, handler); });
}

result<void> client::start_drain() {
    result<void> begun = aio().start_drain();
    home_->write_soon();
    return begun;
}

result<void> client::force_reconnect() {
    home_->write_soon();
    return aio().force_reconnect();
}

result<void> client::set_servers(std::string_view list) {
    return aio().set_servers(list);
}

result<std::string> client::run(op<result<std::string>> o) {
    return home_->wait<std::string>([&](outcome<std::string>& out, auto handler) {
        aio().run(std::move(o), handler, &out.why);
    });
}

runtime& client::rt() noexcept {
    return *aio().rt();
}

std::vector<server_status> client::servers() const {
    return aio().servers();
}
session_status client::status() const noexcept {
    return home_->status();
}
const server_info& client::info() const noexcept {
    return aio().info();
}
const endpoint& client::server() const noexcept {
    return aio().server();
}
const statistics& client::stats() const noexcept {
    return aio().stats();
}
bool client::secure() const noexcept {
    return aio().secure();
}
duration client::last_rtt() const noexcept {
    return aio().last_rtt();
}
std::string client::local_address() const {
    return aio().local_address();
}
const error& client::close_reason() const noexcept {
    return aio().close_reason();
}
std::size_t client::kept() const noexcept {
    return aio().kept();
}
std::size_t client::buffered() const noexcept {
    return aio().buffered();
}
int client::fd() const noexcept {
    return local_address().empty() ? -1 : 0;
}

client::burst_scope::burst_scope(std::shared_ptr<home> h) noexcept : home_(std::move(h)) {
    ++home_->bursts;
}
client::burst_scope::burst_scope(burst_scope&& other) noexcept = default;
client::burst_scope::~burst_scope() {
    if (!home_) return;
    --home_->bursts;
    home_->write_soon();
}

} // namespace nats::test::on_asio
