// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// pump() is the whole of it: write what is queued, do the session's actions, wait until the socket,
// the event or a deadline has something, read once, and tell the time. Everything that waits is a
// loop around pump(): drive() until an op is done, next_view() until a message for one subscription
// was parsed, poll() until anything happened.
//
// Events are parsed only as far as somebody wants them: what follows a message that was returned
// stays in the input buffer, and behind that in the socket, so a reader that stops reading slows
// the server down instead of filling memory.
//
// A write that fails does not end the connection at once: the server may have said why before it
// closed, so what can be read is read first.

#include <natsproto/client/ops.hpp>
#include <natsproto/wire/encoder.hpp>

#include "blocking/driver.hpp"
#include "core/outgoing.hpp"
#include "core/output_ahead.hpp"
#include "openssl/default_crypto.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace nats::blocking {

namespace {

/// How much a burst collects before it is written.
constexpr std::size_t burst_bytes = 64 * 1024;
/// In a burst, a payload of this size is sent from where it is.
constexpr std::size_t burst_borrow = 32 * 1024;
/// How often reading may go on without looking at deadlines of the caller and the interrupt event.
constexpr int max_reads_without_wait = 16;
/// How long a write waits for a socket that is full when much is queued behind it.
constexpr auto write_patience = std::chrono::milliseconds(1);
/// How long closing waits for the server's side of the end.
constexpr auto gentle_close = std::chrono::milliseconds(250);

} // namespace

driver::driver(const options& o, const blocking_options& b)
    : log_(b.log, {b.trace, b.trace_context}),
      own_crypto_(b.crypto == nullptr ? default_crypto() : nullptr),
      session_(o,
               environment{&random_, b.crypto != nullptr ? b.crypto : own_crypto_.get(), &files_}),
      runtime_(session_, random_),
      settings_(b),
      reconnects_(o.reconnect),
      randomize_(o.randomize),
      hand_over_(o.tls.hand_over) {
    settings_.local_address = {}; // a view that ends with this call
    if (result<local_end> from = parse_local_end(b.local_address); from)
        local_end_ = *from;
    else
        settings_ok_ = from.error();
    if (b.on_event != nullptr) {
        observer_ = [call = b.on_event, context = b.on_event_context](const event& e) {
            call(context, e);
        };
    }
    runtime_.observe([](void* self, const event& e) { static_cast<driver*>(self)->on_event(e); },
                     this);
    log_.watch(session_);
}

driver::~driver() = default;

void driver::let_go(driver* d) noexcept {
    if (d->busy_ == 0)
        delete d;
    else
        d->let_go_ = true;
}

result<void> driver::check() const {
    if (settings_.write_timeout <= duration::zero())
        return error{errc::invalid_argument, "write_timeout must be positive"};
    if (hand_over_)
        return error{errc::invalid_argument,
                     "tls.hand_over is for drivers that can do TLS; give blocking_options::crypto "
                     "to use another TLS library"};
    return settings_ok_;
}

void driver::on_event(const event& e) {
    log_.tell(e);
    if (observer_) observer_(e);
}

// --- output

result<void> driver::write() {
    while (session_.untransmitted() != 0 && !write_error_ && !transport_.connecting()) {
        std::array<const_buffer, 64> pieces;
        const std::size_t count = session_.poll_transmit(pieces);
        if (count == 0) break;
        std::size_t offered = 0;
        for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size;
        const transport::moved m = transport_.write({pieces.data(), count});
        if (m.how == transport::outcome::failed) write_error_ = m.why;
        if (m.how == transport::outcome::done) runtime_.transmitted(m.bytes);
        if (m.how == transport::outcome::done && m.bytes == offered) continue;
        if (write_error_) break;
        session_.handle_write_blocked(clock::now());
        // A little patience instead of a queue that goes through all of memory. It reads nothing,
        // and a server that does not read at all cannot hold up the program by it.
        if (m.how == transport::outcome::failed || session_.untransmitted() < output_ahead ||
            !transport_.wait_writable(clock::now() + write_patience))
            break;
    }
    write_at_ = session_.untransmitted() + burst_bytes;
    // With reconnecting this is not the caller's: the next waiting call deals with it.
    if (write_error_ && !reconnects_) return error{errc::io_error, write_error_.message()};
    return {};
}

result<void> driver::write_soon() {
    if (in_burst()) return {};
    return write();
}

void driver::end_burst() noexcept {
    --bursts_;
    try {
        (void)write_soon(); // an error shows at the next call
    } catch (...) {
        // Only lack of memory in a trace can come here; the bytes stay queued.
        return;
    }
}

/// There is no connection, or it is broken and nobody has looked.
bool driver::is_down() const noexcept {
    return reconnects_ && (write_error_ || session_.status() == session_status::reconnecting);
}

result<void> driver::publish(std::string_view subject, bytes payload, const publish_options& o) {
    const bool burst = in_burst();
    const bool borrow = payload.size() >= (burst ? burst_borrow : wire::borrow_threshold);
    if (!borrow && !write_error_ && session_.try_publish(subject, payload, o.reply, o.headers))
        return burst && session_.untransmitted() < write_at_ ? result<void>() : write();
    return publish_unusual(subject, payload, o, borrow);
}

result<void> driver::publish_unusual(std::string_view subject, bytes payload,
                                     const publish_options& o, bool borrow) {
    // A program that does nothing but publish has to get connected again too.
    if (is_down() && busy_ == 0 && !runtime_.in_handler()) return publish_down(subject, payload, o);
    result<void> queued = borrow ? session_.publish_borrowed(subject, payload, o.reply, o.headers)
                                 : session_.publish(subject, payload, o.reply, o.headers);
    if (!queued) {
        return queued.error() == errc::output_full ? publish_later(subject, payload, o) : queued;
    }
    if (!borrow)
        return in_burst() && session_.untransmitted() < write_at_ ? result<void>() : write();
    result<void> written = write();
    session_.own_borrowed(); // what the kernel did not take
    return written;
}

/// Waits for room, which reads.
result<void> driver::publish_later(std::string_view subject, bytes payload,
                                   const publish_options& o) {
    const time_point deadline = deadline_after(clock::now(), settings_.write_timeout);
    result<void> queued =
        run(ops::publish(runtime_, subject, payload, o.reply, o.headers, deadline));
    return queued ? write() : queued;
}

/// Polling reads, and reading ends views of messages. The arguments may be such views.
result<void> driver::publish_down(std::string_view subject, bytes payload,
                                  const publish_options& o) {
    const kept_outgoing kept({subject, payload, o.reply, o.headers});
    result<std::size_t> polled = poll(duration::zero());
    if (!polled && polled.error() != errc::interrupted) return polled.error();
    if (!polled) transport_.interrupt(); // it is for a call that waits
    const outgoing m = kept.view();
    result<void> queued = session_.publish(m.subject, m.payload, m.reply, m.headers);
    return queued ? write() : queued;
}

bool driver::full() const noexcept {
    return session_.is_up() && session_.untransmitted() >= session_.bounds().max_output_bytes;
}

result<void> driver::wait_room(time_point deadline) {
    return run(ops::wait_room(runtime_, deadline));
}

// --- input and time

void driver::read_once() {
    const std::span<char> space = session_.prepare();
    const transport::moved m = transport_.read(space);
    const time_point now = clock::now();
    runtime_.advance(now);
    read_again_ = false;
    switch (m.how) {
    case transport::outcome::done:
        read_again_ = m.bytes == space.size();
        session_.commit(m.bytes, now);
        break;
    case transport::outcome::would_block:
        if (write_error_) session_.handle_io_error(attempt_, write_error_, now);
        break;
    case transport::outcome::eof:
        // A reset that a write has met leaves an end of the stream to reads.
        if (write_error_ && write_error_ != std::errc::broken_pipe)
            session_.handle_io_error(attempt_, write_error_, now);
        else
            session_.handle_eof(attempt_, now);
        break;
    case transport::outcome::failed: session_.handle_io_error(attempt_, m.why, now); break;
    }
}

result<bool> driver::pump(time_point deadline) {
    (void)write(); // an error is dealt with by reading
    return read_or_wait(deadline);
}

result<bool> driver::read_or_wait(time_point deadline) {
    do_actions();
    if (session_.status() == session_status::closed)
        return true; // there are events to take, or nothing to wait for
    bool something = true;
    if (transport_.fd() >= 0 && !transport_.connecting() &&
        ((read_again_ && ++reads_without_wait_ < max_reads_without_wait) || write_error_)) {
        read_once();
    } else {
        reads_without_wait_ = 0;
        const time_point until =
            read_again_ ? time_point{} // long past: only look
                        : std::min(deadline, runtime_.poll_timeout().value_or(no_deadline));
        const bool connecting = transport_.connecting();
        const transport::ready ready = transport_.wait(session_.untransmitted() != 0, until);
        if (ready.interrupted && transport_.take_interrupt()) return error{errc::interrupted};
        runtime_.advance(clock::now());
        if (connecting) {
            go_on_connecting();
        } else {
            if (ready.writable) (void)write();
            if (ready.readable || read_again_) read_once();
        }
        something = ready.readable || ready.writable || runtime_.now() < deadline;
    }
    if (const auto due = runtime_.poll_timeout(); due && *due <= runtime_.now()) {
        runtime_.handle_timeout(runtime_.now());
    }
    do_actions();
    return something;
}

void driver::connect(const action::connect& c) {
    attempt_ = c.id;
    write_error_ = {};
    read_again_ = false;
    error why;
    if (settings_.dial != nullptr) {
        result<int> fd = settings_.dial(settings_.dial_context, *c.to, c.deadline);
        if (fd) return transport_.adopt(*fd);
        why = fd.error();
    } else {
        result<std::vector<address>> to =
            resolve(*c.to, settings_.addresses, randomize_ ? &random_ : nullptr);
        if (to) return transport_.begin(c.to->text(), std::move(*to), local_end_, c.deadline);
        why = to.error();
    }
    const time_point now = clock::now();
    runtime_.advance(now);
    session_.handle_connect_failed(c.id, std::move(why), now);
}

void driver::go_on_connecting() {
    const time_point now = runtime_.now();
    switch (transport_.go_on(now)) {
    case transport::progress::pending: break;
    case transport::progress::connected: session_.handle_connected(attempt_, now); break;
    case transport::progress::failed:
        transport_.close();
        session_.handle_connect_failed(attempt_, transport_.failure(), now);
        break;
    }
}

void driver::do_actions() {
    while (std::optional<session_action> next = session_.poll_action()) {
        if (const auto* c = std::get_if<action::connect>(&*next)) {
            connect(*c);
        } else if (const auto* end = std::get_if<action::close>(&*next)) {
            (void)write(); // the end of TLS, or why it failed
            transport_.close();
            write_error_ = {};
            session_.handle_closed(end->id, clock::now());
        }
    }
}

std::size_t driver::dispatch_all() {
    std::size_t n = 0;
    while (runtime_.dispatch_next()) ++n;
    do_actions();
    return n;
}

// --- waiting

/// What handlers published, and PONGs, leave with the call that brought them about and not with the
/// next one; and the socket of a connection that ended is closed by the call that says so.
void driver::settle() noexcept {
    try {
        if (session_.status() == session_status::closed) do_actions();
        if (session_.untransmitted() != 0) (void)write_soon();
    } catch (...) {
        return; // no memory, or a trace that throws: the next call does it
    }
}

/// Settles at the end of a scope, also when a handler throws.
class driver::settling {
public:
    explicit settling(driver& d) noexcept : driver_(d) { ++d.busy_; }
    settling(const settling&) = delete;
    settling& operator=(const settling&) = delete;
    ~settling() {
        --driver_.busy_;
        driver_.settle();
        if (driver_.let_go_ && driver_.busy_ == 0) delete &driver_;
    }

private:
    driver& driver_;
};

std::optional<error> driver::drive(bool (*done)(const void*), const void* o) {
    const settling at_end(*this);
    return wait_until(done, o);
}

result<message_view> driver::next_view(mailbox& box, duration timeout) {
    const settling at_end(*this);
    return wait_for(box, timeout);
}

std::optional<error> driver::wait_until(bool (*done)(const void*), const void* o) {
    while (!done(o)) {
        if (runtime_.dispatch_next()) continue;
        do_actions();
        if (session_.status() == session_status::closed) return session_.close_reason();
        (void)write();
        if (done(o)) break; // room was all that it waited for
        if (result<bool> pumped = read_or_wait(no_deadline); !pumped) return pumped.error();
    }
    return std::nullopt;
}

result<message_view> driver::wait_for(mailbox& box, duration timeout) {
    result<const message_view*> m = runtime_.next_for(box);
    if (m && *m != nullptr) return **m; // the usual case of a busy subscription: no clock is read
    const time_point deadline = deadline_after(clock::now(), std::max(timeout, duration::zero()));
    while (m && *m == nullptr) {
        result<bool> pumped = pump(deadline);
        if (!pumped) return pumped.error();
        m = runtime_.next_for(box);
        if (m && *m == nullptr && (!*pumped || runtime_.now() >= deadline))
            return error{errc::timeout};
    }
    if (!m) return m.error();
    return **m;
}

result<std::size_t> driver::poll(duration timeout) {
    const settling at_end(*this);
    const time_point start = clock::now();
    runtime_.advance(start);
    std::size_t n = dispatch_all();
    const time_point deadline =
        n != 0 ? start : deadline_after(start, std::max(timeout, duration::zero()));
    do {
        if (session_.status() == session_status::closed) {
            if (n != 0) return n;
            return session_.close_reason();
        }
        result<bool> pumped = pump(deadline);
        if (!pumped) return pumped.error();
        n += dispatch_all();
    } while (n == 0 && runtime_.now() < deadline);
    (void)write(); // what handlers published
    return n;
}

result<void> driver::start_drain(bool readers) {
    runtime_.advance(clock::now());
    result<void> begun = runtime_.drain_connection(readers);
    if (!begun) dispatch_all(); // it has closed
    if (begun) (void)write_soon();
    return begun;
}

result<void> driver::drain() {
    if (result<void> begun = start_drain(false); !begun) return begun;
    while (session_.status() != session_status::closed) {
        result<std::size_t> polled = poll(clock::duration::max());
        if (!polled && session_.status() != session_status::closed) return polled.error();
    }
    (void)poll(duration::zero()); // the end's own events
    if (session_.close_reason() == errc::connection_closed) return {};
    return session_.close_reason();
}

void driver::close() {
    if (session_.status() == session_status::idle) return; // it never began
    if (session_.status() == session_status::closed) {
        dispatch_all();
        return;
    }
    const time_point deadline = deadline_after(clock::now(), settings_.write_timeout);
    std::array<char, 4096> dropped{};
    while (session_.is_up() && write() && !write_error_ && session_.untransmitted() != 0) {
        const transport::ready ready = transport_.wait(true, deadline);
        // A server that cannot write to us may not read either: take what it has, nobody wants it
        // any more. Inside of TLS it has to be looked at for TLS's own sake, so it stays.
        if (ready.readable && !session_.secure() &&
            transport_.read(dropped).how != transport::outcome::done)
            break;
        if (ready.interrupted) (void)transport_.take_interrupt(); // it is about calls that wait
        if (clock::now() >= deadline) break;
        if (!ready.readable && !ready.writable && !ready.interrupted) break;
        if (ready.readable && !ready.writable && session_.secure()) break;
    }
    const bool clean = session_.is_up() && !write_error_;
    const time_point now = clock::now();
    runtime_.advance(now);
    session_.close(now);
    (void)write(); // the end of TLS
    if (clean) transport_.close_gently(deadline_after(now, gentle_close));
    dispatch_all();
}

} // namespace nats::blocking
