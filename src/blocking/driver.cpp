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
/// How long closing waits for the server's side of the end.
constexpr auto gentle_close = std::chrono::milliseconds(250);

} // namespace

driver::driver(const options& o, const blocking_options& b)
    : session_(o), runtime_(session_, random_), settings_(b) {
    runtime_.observe(
        [](void* self, const event& e) {
            const auto& observer = static_cast<driver*>(self)->observer_;
            if (observer) observer(e);
        },
        this);
    if (settings_.trace != nullptr) {
        tracers_.emplace(wire::tracer(wire::sender::client), wire::tracer(wire::sender::server));
    }
}

driver::~driver() = default;

void driver::trace(wire::tracer& t, std::string_view prefix, std::string_view bytes) const {
    t.feed(bytes);
    std::string line;
    while (t.next(line)) settings_.trace(settings_.trace_context, std::string(prefix) + line);
}

// --- output

result<void> driver::write() {
    while (session_.untransmitted() != 0 && !write_error_) {
        std::array<const_buffer, 64> pieces;
        const std::size_t count = session_.poll_transmit(pieces);
        if (count == 0) break;
        std::size_t offered = 0;
        for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size;
        const transport::moved m = transport_.write({pieces.data(), count});
        if (m.how == transport::outcome::failed) write_error_ = m.why;
        if (m.how != transport::outcome::done) break;
        if (tracers_) {
            std::size_t left = m.bytes;
            for (std::size_t i = 0; i < count && left != 0; ++i) {
                const std::size_t part = std::min(left, pieces[i].size);
                trace(tracers_->first, "-> ", {pieces[i].data, part});
                left -= part;
            }
        }
        runtime_.transmitted(m.bytes);
        if (m.bytes < offered) break;
    }
    write_at_ = session_.untransmitted() + burst_bytes;
    if (write_error_) return error{errc::io_error, write_error_.message()};
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

result<void> driver::publish(std::string_view subject, bytes payload, const publish_options& o) {
    const bool burst = in_burst();
    const bool borrow = payload.size() >= (burst ? burst_borrow : wire::borrow_threshold);
    result<void> queued = borrow ? session_.publish_borrowed(subject, payload, o.reply, o.headers)
                                 : session_.publish(subject, payload, o.reply, o.headers);
    if (!queued) {
        return queued.error() == errc::output_full ? publish_later(subject, payload, o) : queued;
    }
    if (!borrow) return burst && session_.untransmitted() < write_at_ ? result<void>() : write();
    result<void> written = write();
    session_.own_borrowed(); // what the kernel did not take
    return written;
}

/// Waiting for room reads, and reading ends views of messages. The arguments may be such views.
result<void> driver::publish_later(std::string_view subject, bytes payload,
                                   const publish_options& o) {
    const std::string kept_subject(subject);
    const std::string kept_payload(payload.text());
    const std::string kept_reply(o.reply);
    const std::string kept_headers(o.headers.raw());
    const time_point deadline = deadline_after(clock::now(), settings_.write_timeout);
    while (true) {
        if (result<void> room = wait_room(deadline); !room) return room;
        result<void> queued =
            session_.publish(kept_subject, kept_payload, kept_reply, header_view(kept_headers));
        if (queued) return write();
        if (queued.error() != errc::output_full) return queued;
    }
}

bool driver::full() const noexcept {
    return session_.status() == session_status::connected &&
           session_.untransmitted() >= session_.bounds().max_output_bytes;
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
        if (tracers_) trace(tracers_->second, "<- ", {space.data(), m.bytes});
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
            session_.handle_eof(now);
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
    if ((read_again_ && ++reads_without_wait_ < max_reads_without_wait) || write_error_) {
        read_once();
    } else {
        reads_without_wait_ = 0;
        const time_point until =
            read_again_ ? time_point{} // long past: only look
                        : std::min(deadline, runtime_.poll_timeout().value_or(no_deadline));
        const transport::ready ready = transport_.wait(session_.untransmitted() != 0, until);
        if (ready.interrupted && transport_.take_interrupt()) return error{errc::interrupted};
        runtime_.advance(clock::now());
        if (ready.writable) (void)write();
        if (ready.readable || read_again_) read_once();
        something = ready.readable || ready.writable || runtime_.now() < deadline;
    }
    if (const auto due = runtime_.poll_timeout(); due && *due <= runtime_.now()) {
        runtime_.handle_timeout(runtime_.now());
    }
    do_actions();
    return something;
}

void driver::do_actions() {
    while (std::optional<session_action> next = session_.poll_action()) {
        if (std::holds_alternative<action::close>(*next)) {
            transport_.close();
            continue;
        }
        const auto& connect = std::get<action::connect>(*next);
        attempt_ = connect.id;
        write_error_ = {};
        read_again_ = false;
        if (tracers_) {
            tracers_->first.reset();
            tracers_->second.reset();
        }
        result<void> opened = transport_.open(*connect.to, connect.deadline);
        const time_point now = clock::now();
        runtime_.advance(now);
        if (opened)
            session_.handle_connected(connect.id, now);
        else
            session_.handle_connect_failed(connect.id, opened.error(), now);
    }
}

std::size_t driver::dispatch_all() {
    std::size_t n = 0;
    event e;
    while (session_.next(e)) {
        runtime_.dispatch(e);
        ++n;
    }
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
    explicit settling(driver& d) noexcept : driver_(d) {}
    settling(const settling&) = delete;
    settling& operator=(const settling&) = delete;
    ~settling() { driver_.settle(); }

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
    event e;
    while (!done(o)) {
        if (session_.next(e)) {
            runtime_.dispatch(e);
            continue;
        }
        do_actions();
        if (session_.status() == session_status::closed) return session_.close_reason();
        (void)write();
        if (done(o)) break; // room was all that it waited for
        if (result<bool> pumped = read_or_wait(no_deadline); !pumped) return pumped.error();
    }
    return std::nullopt;
}

result<message_view> driver::wait_for(mailbox& box, duration timeout) {
    result<std::optional<message_view>> m = runtime_.next_for(box);
    if (m && *m) return **m; // the usual case of a busy subscription: no clock is read
    const time_point deadline = deadline_after(clock::now(), std::max(timeout, duration::zero()));
    while (m && !*m) {
        result<bool> pumped = pump(deadline);
        if (!pumped) return pumped.error();
        m = runtime_.next_for(box);
        if (m && !*m && (!*pumped || runtime_.now() >= deadline)) return error{errc::timeout};
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

void driver::close() {
    if (session_.status() == session_status::closed) {
        dispatch_all();
        return;
    }
    const time_point deadline = deadline_after(clock::now(), settings_.write_timeout);
    std::array<char, 4096> dropped{};
    while (session_.status() == session_status::connected && write() &&
           session_.untransmitted() != 0) {
        const transport::ready ready = transport_.wait(true, deadline);
        // A server that cannot write to us may not read either: take what it has, nobody wants it
        // any more.
        if (ready.readable && transport_.read(dropped).how != transport::outcome::done) break;
        if (ready.interrupted) (void)transport_.take_interrupt(); // it is about calls that wait
        if (!ready.readable && !ready.writable && !ready.interrupted) break;
    }
    const bool clean = session_.status() == session_status::connected && !write_error_;
    const time_point now = clock::now();
    runtime_.advance(now);
    session_.close(now);
    if (clean) transport_.close_gently(deadline_after(now, gentle_close));
    dispatch_all();
}

} // namespace nats::blocking
