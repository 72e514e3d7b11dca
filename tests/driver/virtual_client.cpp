// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: step() does one thing of the session's contract: an event, an action, a
// write, a read. Everything that waits is wait(): steps until the condition holds; when there is no
// step to do, the clock moves to the next deadline, whoever's it is. Unlike the blocking client it
// parses all that has come, whether somebody waits for it or not.

#include <natsproto/client/ops.hpp>

#include "driver/connection_over.hpp"
#include "driver/virtual_client.hpp"
#include "driver/virtual_world.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <variant>

namespace nats::test {

namespace {

/// More than any scenario needs at one point of time.
constexpr int most_steps = 1'000'000;

class driver {
public:
    driver(virtual_world& world, const options& o, event_handler on_event)
        : world_(world),
          on_event_(std::move(on_event)),
          session_(o, {&world.random(), nullptr, nullptr}),
          runtime_(session_, world.random()) {
        runtime_.observe(
            [](void* self, const event& e) { static_cast<driver*>(self)->on_event_(e); }, this);
    }

    [[nodiscard]] nats::session& session() noexcept { return session_; }
    [[nodiscard]] runtime& rt() {
        runtime_.advance(world_.now());
        return runtime_;
    }
    [[nodiscard]] time_point deadline(duration d) const {
        return deadline_after(world_.now(), std::max(d, duration::zero()));
    }

    /// After a command: what it has queued leaves, unless a handler runs, which others follow.
    void write_soon() {
        if (!runtime_.in_handler()) (void)write();
    }
    void settle() {
        for (int n = 0; step(); ++n) {
            if (n == most_steps) throw std::logic_error("it never comes to rest");
        }
    }
    template <class Done>
    void wait(Done done, time_point until) {
        while (true) {
            settle();
            if (done() || session_.status() == session_status::closed) return;
            if (world_.now() >= until) return;
            const time_point next =
                std::min({until, world_.next(), runtime_.poll_timeout().value_or(no_deadline)});
            if (next == no_deadline) throw std::logic_error("nothing can happen any more");
            world_.advance_to(next);
            runtime_.advance(world_.now());
            runtime_.handle_timeout(world_.now());
        }
    }
    template <class T>
    T run(op<T> o) {
        (void)rt();
        o.start();
        wait([&o] { return o.done(); }, no_deadline);
        if (!o.done()) return session_.close_reason();
        return o.take();
    }
    result<std::size_t> poll(duration timeout) {
        const std::size_t before = events_;
        wait([&] { return events_ != before; }, deadline(timeout));
        if (events_ == before && session_.status() == session_status::closed)
            return session_.close_reason();
        return events_ - before;
    }
    result<void> start_drain(bool readers) {
        result<void> begun = rt().drain_connection(readers);
        if (!begun) settle(); // it has closed
        write_soon();
        return begun;
    }
    result<void> drain() {
        if (result<void> begun = start_drain(false); !begun) return begun;
        wait([] { return false; }, no_deadline);
        if (session_.close_reason() == errc::connection_closed) return {};
        return session_.close_reason();
    }
    void close() {
        if (session_.status() == session_status::closed) return settle();
        (void)write();
        (void)rt();
        session_.close(world_.now());
        if (!runtime_.in_handler()) settle();
    }

private:
    bool step() {
        runtime_.advance(world_.now());
        event e;
        if (session_.next(e)) {
            ++events_;
            runtime_.dispatch(e);
            return true;
        }
        if (const std::optional<session_action> a = session_.poll_action()) {
            std::visit([this](const auto& what) { this->perform(what); }, *a);
            return true;
        }
        return write() || read();
    }
    void perform(const action::connect& c) {
        attempt_ = c.id;
        end_told_ = false;
        link_ = world_.open(c.to->text());
        if (link_)
            session_.handle_connected(c.id, world_.now());
        else
            session_.handle_connect_failed(c.id, {errc::connect_failed, c.to->text()},
                                           world_.now());
    }
    static void perform(const action::start_tls& /*t*/) { throw std::logic_error("no TLS here"); }
    void perform(const action::close& c) {
        (void)write();
        link_.reset();
        session_.handle_closed(c.id, world_.now());
    }
    bool write() {
        std::array<const_buffer, 8> pieces;
        std::size_t total = 0;
        while (link_) {
            const std::size_t count = session_.poll_transmit(pieces);
            std::size_t taken = 0;
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t n = link_->write({pieces[i].data, pieces[i].size}, world_.now());
                taken += n;
                if (n != pieces[i].size) break;
            }
            if (taken == 0) break;
            runtime_.transmitted(taken);
            total += taken;
        }
        return total != 0;
    }
    bool read() {
        if (!link_) return false;
        const std::span<char> space = session_.prepare();
        const std::size_t n = link_->read(space, world_.now());
        if (n != 0) {
            session_.commit(n, world_.now());
            return true;
        }
        if (!link_->ended() || end_told_) return false;
        end_told_ = true;
        session_.handle_eof(attempt_, world_.now());
        return true;
    }

    virtual_world& world_;
    event_handler on_event_;
    nats::session session_;
    runtime runtime_;
    std::shared_ptr<virtual_link> link_;
    attempt_id attempt_{};
    bool end_told_ = false;
    std::size_t events_ = 0; ///< so far
};

class virtual_reader final : public reader {
public:
    explicit virtual_reader(std::shared_ptr<driver> d) : driver_(std::move(d)) {}
    ~virtual_reader() override {
        box.reset();
        driver_->write_soon();
    }

    [[nodiscard]] result<message> next(duration timeout) override {
        if (handler) return error{errc::invalid_argument, "this subscription has a handler"};
        driver_->settle();
        return driver_->run(ops::next_message(driver_->rt(), *box, driver_->deadline(timeout)));
    }
    result<void> unsubscribe(std::optional<std::uint64_t> after) override {
        result<void> done = driver_->rt().unsubscribe(*box, after);
        driver_->write_soon();
        return done;
    }
    result<void> drain() override {
        result<void> begun = driver_->rt().drain(*box);
        driver_->write_soon();
        return begun;
    }
    [[nodiscard]] subscription_status status() const override { return box->status(); }
    void on_end(std::function<void(const error&)> f) override {
        on_end_ = std::move(f);
        box->on_end(
            [](void* self, const error& why) {
                const auto keep = static_cast<virtual_reader*>(self)->on_end_;
                keep(why);
            },
            this);
    }
    [[nodiscard]] const mailbox& queue() const override { return *box; }
    result<void> set_pending_limits(const pending_limits& l) override { return box->set_limits(l); }

    std::shared_ptr<message_handler> handler;
    std::optional<mailbox> box{std::in_place};

private:
    std::shared_ptr<driver> driver_;
    std::function<void(const error&)> on_end_;
};

class virtual_reply_reader final : public reply_reader {
public:
    virtual_reply_reader(std::shared_ptr<driver> d, const request_many_options& o)
        : many(std::in_place, o, d->rt().now()), driver_(std::move(d)) {}
    ~virtual_reply_reader() override {
        many.reset();
        driver_->write_soon();
    }
    [[nodiscard]] result<std::optional<message>> next() override {
        return driver_->run(ops::next_reply_message(driver_->rt(), *many));
    }

    std::optional<request_many_state> many;

private:
    std::shared_ptr<driver> driver_;
};

result<void> positive(duration d) {
    if (d <= duration::zero()) return error{errc::invalid_argument, "timeout must be positive"};
    return {};
}

class virtual_connection final : public connection {
public:
    explicit virtual_connection(std::shared_ptr<driver> d) : driver_(std::move(d)) {}
    ~virtual_connection() override { driver_->close(); }

    result<void> publish(std::string_view subject, bytes payload,
                         const publish_options& o) override {
        result<void> queued = session().publish(subject, payload, o.reply, o.headers);
        driver_->write_soon();
        return queued;
    }
    result<void> respond(const message_view& to, bytes payload, header_view headers) override {
        if (to.reply.empty()) return error{errc::no_reply, '"' + printable(to.subject) + '"'};
        return publish(to.reply, payload, {.reply = {}, .headers = headers});
    }
    result<std::unique_ptr<reader>> subscribe(std::string_view subject,
                                              const subscribe_options& o) override {
        auto made = std::make_unique<virtual_reader>(driver_);
        if (result<void> ok = driver_->rt().subscribe(*made->box, subject, o); !ok)
            return ok.error();
        driver_->write_soon();
        return std::unique_ptr<reader>(std::move(made));
    }
    result<std::unique_ptr<reader>> subscribe(std::string_view subject, message_handler h,
                                              const subscribe_options& o) override {
        if (!h) return error{errc::invalid_argument, "an empty handler"};
        auto made = std::make_unique<virtual_reader>(driver_);
        made->handler = std::make_shared<message_handler>(std::move(h));
        const auto call = [](void* self, const message_view& m) {
            const auto keep = static_cast<virtual_reader*>(self)->handler;
            (*keep)(m);
        };
        if (result<void> ok = driver_->rt().subscribe(*made->box, subject, o, call, made.get());
            !ok)
            return ok.error();
        driver_->write_soon();
        return std::unique_ptr<reader>(std::move(made));
    }

    result<duration> flush(duration timeout) override {
        if (result<void> ok = positive(timeout); !ok) return ok.error();
        return driver_->run(ops::flush(rt(), driver_->deadline(timeout)));
    }
    result<duration> rtt(duration timeout) override {
        if (result<void> ok = positive(timeout); !ok) return ok.error();
        return driver_->run(ops::measure_rtt(rt(), driver_->deadline(timeout)));
    }
    result<void> wait_connected(duration timeout) override {
        if (result<void> ok = positive(timeout); !ok) return ok;
        return driver_->run(ops::wait_connected(rt(), driver_->deadline(timeout)));
    }
    result<void> barrier(duration timeout) override {
        if (result<void> ok = positive(timeout); !ok) return ok;
        return driver_->run(ops::barrier(rt(), driver_->deadline(timeout)));
    }
    result<std::size_t> poll(duration timeout) override { return driver_->poll(timeout); }

    result<message> request(std::string_view subject, bytes payload, duration timeout,
                            header_view headers) override {
        if (result<void> ok = positive(timeout); !ok) return ok.error();
        return driver_->run(
            ops::request_message(rt(), subject, payload, headers, driver_->deadline(timeout)));
    }
    result<message> request_by_inbox(std::string_view subject, bytes payload,
                                     duration timeout) override {
        if (result<void> ok = positive(timeout); !ok) return ok.error();
        return driver_->run(
            ops::request_by_inbox(rt(), subject, payload, {}, driver_->deadline(timeout)));
    }
    std::vector<result<message>> request_all(std::string_view subject,
                                             const std::vector<std::string>& payloads,
                                             duration timeout) override {
        std::vector<op<result<message>>> running;
        for (const std::string& p : payloads) {
            running.push_back(
                ops::request_message(rt(), subject, p, {}, driver_->deadline(timeout)));
            running.back().start();
        }
        const auto all_done = [&running] {
            return std::ranges::all_of(running, [](const auto& o) { return o.done(); });
        };
        driver_->wait(all_done, no_deadline);
        std::vector<result<message>> out;
        for (op<result<message>>& o : running) out.push_back(o.take());
        return out;
    }
    result<std::unique_ptr<reply_reader>> request_many(std::string_view subject, bytes payload,
                                                       const request_many_options& o) override {
        auto made = std::make_unique<virtual_reply_reader>(driver_, o);
        if (result<void> sent = start_request_many(rt(), *made->many, subject, payload, {}, o);
            !sent)
            return sent.error();
        driver_->write_soon();
        return std::unique_ptr<reply_reader>(std::move(made));
    }

    result<std::string> run(op<result<std::string>> o) override {
        return driver_->run(std::move(o));
    }
    [[nodiscard]] runtime& rt() override { return driver_->rt(); }

    void close() override { driver_->close(); }
    result<void> drain() override { return driver_->drain(); }
    result<void> start_drain() override { return driver_->start_drain(true); }
    result<void> force_reconnect() override {
        return session().force_reconnect(driver_->rt().now());
    }
    result<void> set_servers(std::string_view list) override { return session().set_servers(list); }

    [[nodiscard]] session_status status() const override { return session().status(); }
    [[nodiscard]] const server_info& info() const override { return session().info(); }
    [[nodiscard]] const endpoint& server() const override { return *session().server(); }
    [[nodiscard]] const statistics& stats() const override { return session().stats(); }
    [[nodiscard]] const error& close_reason() const override { return session().close_reason(); }
    [[nodiscard]] std::size_t kept() const override { return session().kept(); }

private:
    [[nodiscard]] nats::session& session() const { return driver_->session(); }

    std::shared_ptr<driver> driver_;
};

} // namespace

result<std::unique_ptr<connection>> connect_virtually(virtual_world& world, const options& o,
                                                      event_handler on_event) {
    const auto d = std::make_shared<driver>(world, o, std::move(on_event));
    if (result<void> started = d->session().start(world.now()); !started) return started.error();
    if (result<void> up = d->run(ops::wait_settled(d->rt())); !up) return up.error();
    return std::unique_ptr<connection>(std::make_unique<virtual_connection>(d));
}

} // namespace nats::test
