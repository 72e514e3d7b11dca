// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Everything happens in turns. A turn takes all events that the session has, and after each one
// calls the handlers of the operations that it has ended; then it does what the session asks for,
// writes what is queued, and repeats until nothing is left. It ends with a read under way and the
// timer set. What begins a turn: a read, a write or a connect that has ended, the timer, and a
// handler of the user's that has used the client, which posts one, so that all that it queued is
// written at once.
//
//   driver.cpp         turns, time, events to the observer and the log
//   transport_io.cpp   opening, reading, writing, closing
//   operations.cpp     operations from their start to their handler
//   start.cpp          what each operation of the client is: which op, with which arguments
//
// A handler may do anything: use the client, destroy it, throw. So a turn keeps its driver alive,
// holds no reference across a call, and when it is left by an exception another one is posted.
//
// The read is under way between turns, into the session's own buffer. The session allows commands,
// and `next`, while that is so.

#include "asio/driver.hpp"
#include "openssl/default_crypto.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace nats::aio::detail {

namespace {

/// How many operations a turn delivers that ended as they began. With more, the context would not
/// get to anything else while a handler starts one after the other.
constexpr int most_at_once = 128;

} // namespace

driver::driver(boost::asio::any_io_executor given, const client_options& o)
    : registered_driver(given),
      settings_(o),
      log_(o.log, {}),
      local_text_(o.local_address),
      own_crypto_(o.crypto == nullptr ? default_crypto() : nullptr),
      connector_(o.via) {
    settings_.local_address = local_text_;
    if (o.serial) {
        ex_ = std::move(given);
    } else {
        strand_.emplace(client_executor::over(given));
        ex_ = *strand_;
    }
    timer_.emplace(ex_);
    if (o.on_event != nullptr) {
        observe([call = o.on_event, context = o.on_event_context](const event& e) {
            call(context, e);
        });
    }
}

std::shared_ptr<driver> driver::make(boost::asio::any_io_executor given, const client_options& o) {
    auto made = std::make_shared<driver>(std::move(given), o);
    made->published_ = std::make_shared<shared_output>(made);
    return made;
}

driver::~driver() {
    discard_all();
}

driver::core::core(driver& d, const options& o)
    : randomize(o.randomize),
      connection(
          o, environment{&d.random_,
                         d.settings_.crypto != nullptr ? d.settings_.crypto : d.own_crypto_.get(),
                         &d.files_}),
      rt(connection, d.random_) {
    rt.observe([](void* self, const event& e) { static_cast<driver*>(self)->tell(e); }, &d);
    d.log_.watch(connection);
}

const error& driver::failure() const noexcept {
    return core_ && core_->connection.status() != session_status::idle
               ? core_->connection.close_reason()
               : failure_;
}

// --- turns

/// Marks a turn, and posts another one when this one is left by an exception.
class driver::turning {
public:
    explicit turning(driver& d) noexcept : driver_(d) {
        d.in_turn_ = true;
        d.at_once_ = most_at_once;
    }
    turning(const turning&) = delete;
    turning& operator=(const turning&) = delete;
    ~turning() { // NOLINT(*-exception-escape): who cannot even post has no memory left
        driver_.in_turn_ = driver_.dispatching_ = false;
        if (!finished_) driver_.post_turn();
    }
    void finished() noexcept { finished_ = true; }

private:
    driver& driver_;
    bool finished_ = false;
};

result<void> driver::publish(std::string_view subject, bytes payload, const publish_options& o) {
    if (!core_) return error{errc::not_connected};
    result<void> queued = core_->connection.publish(subject, payload, o.reply, o.headers);
    touched();
    return queued;
}

void driver::touched() {
    if (in_turn_)
        again_ = true;
    else
        post_turn();
}

void driver::post_turn() {
    if (turn_posted_ || ended_) return;
    turn_posted_ = true;
    BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, "nats::aio::client turn"));
    boost::asio::post(ex_, [self = shared_from_this()] {
        self->turn_posted_ = false;
        self->turn(delivery::direct);
    });
}

void driver::turn(delivery how) {
    if (ended_) return;
    if (in_turn_) {
        again_ = true;
        return;
    }
    const std::shared_ptr<driver> self = shared_from_this();
    turning mark(*this);
    // Before what this turn's events end, whatever has begun the turn.
    while (!later_.empty()) ready_.push_back(later_.front());
    do {
        again_ = false;
        follow_up(how); // what was begun outside of a turn, or an exception has left
        if (core_) {
            core_->rt.advance(clock::now());
            take_published();
            say_dropped();
            if (std::exchange(timer_due_, false)) take_time();
            catch_up();
            follow_up(how);
            take_events(how);
            do_actions();
            write();
        }
    } while (again_ || !ready_.empty());
    if (core_) {
        start_tls();
        read();
        arm_timer();
    }
    mark.finished();
    if (again_) post_turn(); // a transport has called back from inside of its call
}

void driver::take_events(delivery how) {
    while (!ended_) {
        dispatching_ = true;
        const bool any = core_->rt.dispatch_next();
        dispatching_ = false;
        if (!any) return;
        follow_up(how);
    }
}

/// What the runtime's work has brought about for the user. The last message of a subscription comes
/// before its end.
void driver::follow_up(delivery how) {
    rest();
    deliver(how);
    tell_ends();
}

/// What readers and exceptions have left to be done.
void driver::catch_up() {
    dispatching_ = true; // it resumes ops, and calls handlers
    core_->rt.settle();
    dispatching_ = false;
}

void driver::do_actions() {
    while (!ended_) {
        std::optional<session_action> next = core_->connection.poll_action();
        if (!next) return;
        again_ = true; // what it does may be an input
        if (const auto* c = std::get_if<action::connect>(&*next))
            connect(*c);
        else if (const auto* tls = std::get_if<action::start_tls>(&*next))
            tls_name_ = std::string(tls->server_name);
        else
            close(std::get<action::close>(*next).id);
    }
}

// --- events

void driver::observe(std::function<void(const event&)> observer) {
    observer_ = std::make_shared<std::function<void(const event&)>>(std::move(observer));
}

void driver::tell(const event& e) {
    tell_publishers();
    if (muted_) return;
    log_.tell(e);
    const std::shared_ptr<std::function<void(const event&)>> keep = observer_; // it may be replaced
    if (keep && *keep) (*keep)(e);
}

/// Not at once: the handler of the `next` that has read the last message comes first, and the
/// runtime may have found the end inside of the call that starts another one.
void driver::note_end(subscription_state& s, const error& why) {
    if (!muted_) ends_.push_back({s.weak_from_this(), why});
}

void driver::tell_ends() {
    while (!ends_.empty()) {
        const auto [who, why] = ends_.pop_front();
        const std::shared_ptr<subscription_state> s = who.lock();
        if (muted_ || !s || !s->on_end) continue;
        const auto keep = s->on_end; // it may be replaced
        if (*keep) (*keep)(why);
    }
}

/// Not inside of the call that starts an operation.
void driver::say_dropped() {
    while (!dropped_publishes_.empty()) {
        const error why = dropped_publishes_.pop_front();
        tell(ev::warning{&why});
    }
}

/// What a publish would be told from now on.
void driver::tell_publishers() noexcept {
    const session& s = core_->connection;
    switch (s.status()) {
    case session_status::closed: return published_->refuse(s.close_reason());
    case session_status::draining_pubs: return published_->refuse(errc::draining);
    case session_status::idle: return published_->refuse(errc::not_connected);
    default: return published_->allow(s);
    }
}

/// What comes too late for the session's end is lost as what it had queued; that is no news.
void driver::take_published() {
    const auto dropped = [](void* self, const error& why) {
        auto& d = *static_cast<driver*>(self);
        if (d.core_->connection.status() != session_status::closed)
            d.dropped_publishes_.push_back(why);
    };
    // Behind what was left over may be more, which also comes before an operation that begins now.
    while (core_ && published_->pending() &&
           published_->hand_over(core_->connection, dropped, this)) {
    }
}

/// The transport has taken `n` bytes. What other threads have published comes into the room that
/// makes first: operations that wait for it were started after that.
void driver::transmitted(std::size_t n) {
    core_->connection.transmitted(n);
    take_published();
    core_->rt.transmitted(0);
}

// --- time

time_point driver::next_deadline() const noexcept {
    const bool over = core_->connection.status() == session_status::closed && !has_transport();
    const time_point due = over ? no_deadline : core_->rt.poll_timeout().value_or(no_deadline);
    return std::min({due, linger_, write_error_due_});
}

/// A timer that is set for an earlier time stays: then it finds nothing to do, and is set again.
/// Requests that are answered in time would else move it twice each.
void driver::arm_timer() {
    const time_point due = next_deadline();
    if (due == no_deadline) {
        if (std::exchange(armed_, no_deadline) != no_deadline) timer_->cancel();
        return;
    }
    if (armed_ <= due) return;
    armed_ = due;
    timer_->expires_at(due);
    BOOST_ASIO_HANDLER_LOCATION((__FILE__, __LINE__, "nats::aio::client timer"));
    timer_->async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
        if (ec != boost::asio::error::operation_aborted) self->on_timer();
    });
}

void driver::on_timer() {
    armed_ = no_deadline;
    timer_due_ = true;
    turn(delivery::direct);
}

void driver::take_time() {
    const time_point now = core_->rt.now();
    dispatching_ = true; // it resumes ops, and calls handlers
    core_->rt.handle_timeout(now);
    dispatching_ = false;
    if (write_error_due_ <= now) {
        write_error_due_ = no_deadline;
        core_->connection.handle_io_error(attempt_, write_error_, now);
    }
    if (linger_ <= now) close_now();
}

// --- the end

/// The client is gone. What is left of the connection goes too; what waits ends with
/// `operation_aborted`, and nothing else of the user's is called.
void driver::abandon() noexcept {
    if (ended_ || std::exchange(muted_, true)) return;
    log_.mute();
    published_->refuse(errc::connection_closed);
    if (dispatching_)
        abort_later_ = true; // an op that would go may be the one that is running
    else
        give_up();
}

void driver::give_up() noexcept {
    try {
        abort_all();
        if (core_) {
            core_->rt.advance(clock::now());
            take_published();
            write();
            core_->connection.close(clock::now());
        }
        if (in_turn_)
            again_ = true;
        else
            turn(delivery::posted);
    } catch (...) {
        // No memory: what was posted, or the context's end, has the rest.
        return;
    }
}

void driver::context_ends() noexcept {
    ended_ = muted_ = true;
    log_.mute();
    published_->refuse(errc::connection_closed);
    discard_all();
    if (connecting_ && connector_ != nullptr) connector_->cancel();
    transport_.reset();
    own_connector_.reset();
    connector_ = nullptr;
    timer_.reset();
    strand_.reset();
    ex_ = boost::asio::any_io_executor();
}

} // namespace nats::aio::detail
