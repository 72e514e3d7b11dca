// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Without TLS, the driver's bytes are the connection's. With it there is a link between them. INFO
// goes out in clear before the link's first byte, unless the handshake comes first; where a client
// may choose, its first byte tells: a TLS record begins with 0x16, no operation does. The output
// stays in the connection until the link says that its records are sent.
//
// pump() acts upon what was received, one operation at a time, until more is needed or this client
// must wait for slower ones; what it has sent then stays in the input buffer.
//
// The end has two steps. end() marks, says who needs to know, and leaves all memory in place, since
// a message of this very client may be being routed. put_to_rest() closes the connection when
// that is done.

#include "broker/hub.hpp"
#include "broker/peer.hpp"
#include "core/text/base64.hpp"
#include "core/text/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace nats::embedded {

namespace {

constexpr char tls_record = 0x16;

wire::server_connection_options options_of(const broker_options& o) {
    wire::server_connection_options c;
    c.max_control_line = o.max_control_line;
    c.auth_timeout = o.auth_timeout;
    // Counted from INFO, but the login comes after the handshake.
    if (o.tls && o.tls->how != broker_tls::mode::first) c.auth_timeout += o.tls->timeout;
    return c;
}

/// 15 characters, as nats-server's.
std::string new_nonce(random_source& random) {
    std::array<unsigned char, 11> raw{};
    random.fill(std::as_writable_bytes(std::span(raw)));
    std::string text(text::base64url_size(raw.size()), '\0');
    text::encode_base64url(raw, text);
    return text;
}

/// `address` without its port.
std::string ip_of(std::string_view address) {
    if (!text::is_utf8(address)) return {};
    if (address.starts_with('[')) {
        const std::size_t end = address.find(']');
        return end == std::string_view::npos ? std::string()
                                             : std::string(address.substr(1, end - 1));
    }
    const std::size_t colon = address.find(':');
    if (colon != address.rfind(':')) return std::string(address); // IPv6 without brackets
    return std::string(address.substr(0, colon));
}

} // namespace

peer::peer(hub& h, client_id id, std::string_view address)
    : hub_(h), id_(id), connection_(options_of(h.options_)), address_(address) {
    if (!h.logins_.required()) who_ = h.logins_.anybody();
    if (h.logins_.has_nkeys()) nonce_ = new_nonce(h.system_random_);
    last_in_ = last_active_ = h.now_;
}

peer::~peer() {
    hub_.reset_alarm(*this, no_deadline);
}

server_info peer::own_info() const {
    server_info info = hub_.info_;
    info.client_id = static_cast<std::uint64_t>(id_);
    info.client_ip = ip_of(address_);
    info.nonce = nonce_;
    return info;
}

void peer::start(std::string_view refusal) {
    const auto mode = hub_.options_.tls ? std::optional(hub_.options_.tls->how) : std::nullopt;
    if (mode == broker_tls::mode::first) {
        if (!refusal.empty()) return cut(); // nothing can be said before the handshake
        clear_left_ = 0;
        begin_tls();
    } else {
        (void)connection_.start(own_info(), hub_.now_);
        if (!refusal.empty()) fail(refusal);
        if (mode) tls_undecided_ = true;
        if (mode == broker_tls::mode::required) {
            if (!refusal.empty()) return; // in clear, as nats-server
            clear_left_ = connection_.untransmitted();
            arm(tls_at_, deadline_after(hub_.now_, hub_.options_.tls->timeout));
        }
    }
    arm(ping_at_, deadline_after(hub_.now_, hub_.options_.ping_interval)); // until CONNECT
    if (connection_.poll_timeout()) hub_.set_alarm(*this, *connection_.poll_timeout());
    note_activity();
    output_changed();
}

// --- TLS

void peer::begin_tls() {
    tls_undecided_ = false;
    if (clear_left_ == unlimited) clear_left_ = connection_.untransmitted();
    result<std::unique_ptr<link>> made = hub_.tls_->accept();
    if (!made) return cut();
    link_ = std::move(*made);
    arm(tls_at_, deadline_after(hub_.now_, hub_.options_.tls->timeout));
}

/// The first bytes of a client, that may be TLS.
void peer::take_raw(std::size_t n) {
    if (read_space_[0] == tls_record) {
        begin_tls();
        if (link_ == nullptr) return;
        const std::span<char> space = link_->prepare(n);
        std::memcpy(space.data(), read_space_, n);
        link_->commit(n);
        connection_.commit(0);
    } else if (clear_left_ != unlimited) { // TLS is required
        cut();
    } else {
        tls_undecided_ = false;
        connection_.commit(n);
    }
}

void peer::link_is_open() {
    link_open_ = true;
    tls_at_ = no_deadline;
    if (hub_.options_.tls->how != broker_tls::mode::first) return;
    (void)connection_.start(own_info(), hub_.now_);
    if (connection_.poll_timeout()) hub_.set_alarm(*this, *connection_.poll_timeout());
}

/// Moves NATS bytes from the link to the connection. False: there were none.
bool peer::pull_link() {
    if (link_ == nullptr) return false;
    const std::size_t n = link_->read(connection_.prepare());
    connection_.commit(n);
    if (!link_open_ && link_->state() == link_state::open) link_is_open();
    if (n != 0) return true;
    const link_state state = link_->state();
    if (state == link_state::ended || state == link_state::failed) end(false);
    return false;
}

/// Gives the link what it takes of the output.
void peer::push_link() {
    while (true) {
        std::array<const_buffer, 32> pieces;
        const std::size_t count = connection_.poll_transmit(pieces, in_link_);
        if (count == 0) break;
        const std::size_t taken = link_->write({pieces.data(), count});
        if (taken == 0) return;
        in_link_ += taken;
    }
    if (stage_ != stage::active && link_open_ && !std::exchange(link_ended_, true)) link_->end();
}

// --- input

bool peer::wants_read() const noexcept {
    return stage_ == stage::active && !eof_ && !waiting.linked() && !held();
}

std::span<char> peer::prepare(std::size_t at_least) {
    if (link_ != nullptr) return link_->prepare(at_least);
    const std::span<char> space = connection_.prepare(at_least);
    read_space_ = space.data();
    return space;
}

void peer::commit(std::size_t n, time_point now) {
    hub_.tell(now);
    if (n != 0 && stage_ == stage::active) {
        note_activity();
        if (link_ != nullptr)
            link_->commit(n);
        else if (tls_undecided_)
            take_raw(n);
        else
            connection_.commit(n);
        if (link_ != nullptr && !link_open_) named_ = false; // the handshake may go on
        hub_.has_work(*this);
    }
    hub_.run();
}

void peer::handle_eof(time_point now) {
    hub_.tell(now);
    note_eof();
    hub_.run(); // may destroy a peer in memory
}

void peer::note_eof() {
    if (std::exchange(eof_, true) || held()) return;
    if (link_ != nullptr)
        link_->handle_eof();
    else
        connection_.handle_eof();
    hub_.has_work(*this);
}

void peer::pump() {
    using step = wire::server_connection::step;
    bool more = true;
    while (more && stage_ == stage::active && !waiting.linked() && !held()) {
        switch (connection_.advance()) {
        case step::need_more: more = pull_link(); break;
        case step::published: on_publish(); break;
        case step::connect: on_connect(); break;
        case step::subscribed: on_subscribe(); break;
        case step::unsubscribed: on_unsubscribe(); break;
        case step::ping: on_ping(); break;
        case step::pong: pings_out_ = 0; break;
        case step::closed: end(false); break;
        }
        if (connection_.untransmitted() > hub_.options_.max_pending) overfull(nullptr, 0);
    }
    output_changed();
}

// --- output

std::size_t peer::untransmitted() const noexcept {
    if (output_lost_) return 0;
    const std::size_t all = connection_.untransmitted();
    return link_ == nullptr ? all : all - in_link_ + link_->untransmitted();
}

/// What can be written, whether it is held or not.
std::size_t peer::gather(std::span<const_buffer> out) {
    if (output_lost_) return 0;
    if (clear_left_ != 0) {
        const std::size_t count = connection_.poll_transmit(out);
        if (clear_left_ == unlimited) return count;
        std::size_t left = clear_left_;
        for (std::size_t i = 0; i < count; ++i) {
            out[i].size = std::min(out[i].size, left);
            left -= out[i].size;
            if (left == 0) return i + 1;
        }
        return count;
    }
    if (link_ == nullptr) return 0; // before the handshake
    push_link();
    return link_->poll_transmit(out);
}

void peer::drop_sent(std::size_t n) {
    if (clear_left_ == 0) {
        n = link_->transmitted(n);
        in_link_ -= n;
    } else if (clear_left_ != unlimited) {
        clear_left_ -= n;
    }
    connection_.transmitted(n);
}

std::size_t peer::poll_transmit(std::span<const_buffer> out) {
    return held() ? 0 : gather(out);
}

void peer::transmitted(std::size_t n, time_point now) {
    hub_.tell(now);
    if (n == 0) return;
    drop_sent(n);
    if (stage_ == stage::active) note_activity();
    const std::size_t left = untransmitted();
    write_at_ = no_deadline;
    named_ = left != 0;
    if (named_) arm(write_at_, deadline_after(hub_.now_, hub_.options_.write_deadline));
    if (left == 0 && stage_ == stage::leaving) end(false);
    if (connection_.untransmitted() <= hub_.stall_mark()) has_caught_up();
    hub_.run();
}

void peer::output_changed() {
    if (named_ || untransmitted() == 0) return;
    named_ = true;
    arm(write_at_, deadline_after(hub_.now_, hub_.options_.write_deadline));
    hub_.name(*this);
}

// --- the end

void peer::end(bool lose_output) {
    if (lose_output) output_lost_ = true;
    if (stage_ == stage::ended) return;
    stage_ = stage::ended;
    --hub_.stats_.connections;
    waiting.unlink();
    let_others_go_on();
    hub_.reset_alarm(*this, no_deadline);
    hub_.has_ended(*this);
    hub_.name(*this);
}

void peer::cut() {
    end(true);
}

void peer::fail(std::string_view text) {
    if (stage_ == stage::ended) return;
    last_words_ = text;
    end(false);
}

void peer::leave() {
    if (stage_ != stage::active) return;
    stage_ = stage::leaving;
    waiting.unlink();
    if (untransmitted() == 0 && !held()) return end(false);
    hub_.has_ended(*this);
    hub_.name(*this);
}

void peer::put_to_rest() {
    if (std::exchange(at_rest_, true)) return;
    if (last_words_.empty())
        connection_.close();
    else
        connection_.fail(last_words_);
    last_words_.clear();
}

void peer::closed(time_point now) {
    hub_.tell(now);
    gone = true;
    end(true);
    hub_.has_ended(*this);
    hub_.run();
}

/// The client's end of a transport in memory is closed. Nobody will read.
void peer::abandon(time_point now) {
    if (stage_ == stage::leaving) cut();
    handle_eof(now);
}

// --- for tests

void peer::hold(time_point until) {
    if (until <= hub_.now_) return;
    arm(hold_until_, until);
    hub_.name(*this);
}

void peer::release_if_due(time_point now) {
    hub_.tell(now);
    if (!held() || hub_.now_ < hold_until_) return;
    hold_until_ = no_deadline;
    if (std::exchange(eof_, false)) note_eof();
    if (stage_ == stage::leaving && untransmitted() == 0) end(false);
    hub_.has_work(*this);
    hub_.name(*this);
    hub_.run();
}

void peer::send_err(std::string_view text) {
    if (stage_ != stage::active) return;
    (void)connection_.send_err(text.substr(0, text.find_first_of("\r\n")));
    output_changed();
}

client_status peer::status() const {
    const wire::connect_request& r = connection_.request();
    client_status s;
    s.id = id_;
    s.name = r.name;
    s.user = who_.name;
    s.address = address_;
    s.subscriptions = subscriptions.size();
    s.pending = untransmitted();
    s.in_messages = in_messages_;
    s.out_messages = out_messages_;
    s.logged_in = logged_in_;
    return s;
}

} // namespace nats::embedded
