// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what a client asks for, in nats-server's order of checks. A refusal is an
// `-ERR` in place of the `+OK`. A client that says CONNECT again is asked for its login again, with
// what it leaves out taken from before (servers 2.9 to 2.15). A SUB whose sid is taken is ignored,
// but only after the checks.

#include "broker/hub.hpp"
#include "broker/peer.hpp"

#include <string>
#include <utility>

namespace nats::embedded {

namespace {

constexpr std::string_view gateway_prefix = "_GR_.";
constexpr std::string_view service_prefix = "_R_.";

/// As Go quotes a text, which is what nats-server does; UTF-8 is left as it is.
std::string quoted(std::string_view text) {
    constexpr std::string_view named = "\a\b\t\n\v\f\r";
    constexpr std::string_view names = "abtnvfr";
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (const std::size_t at = named.find(c); at != std::string_view::npos) {
            out += {'\\', names[at]};
        } else if (byte < 0x20 || byte == 0x7f) {
            out += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
        } else {
            out += c;
        }
    }
    return out += '"';
}

} // namespace

void peer::note_activity() {
    last_active_ = hub_.now_;
    if (idle_at_ == no_deadline) arm(idle_at_, deadline_after(hub_.now_, idle_time));
}

void peer::on_connect() {
    identity who;
    if (!hub_.logins_.log_in(connection_.request(), nonce_, who)) {
        ++hub_.stats_.refused_logins;
        connection_.refuse("Authorization Violation");
        return;
    }
    who_ = who;
    if (who_.allowed == nullptr || !who_.allowed->responses())
        replies_.reset();
    else if (replies_ == nullptr)
        replies_ = std::make_unique<reply_permits>();
    const bool first = !std::exchange(logged_in_, true);
    (void)connection_.accept(); // may end it; then that is the next event
    if (first) arm(ping_at_, deadline_after(hub_.now_, hub_.options_.first_ping));
}

void peer::on_publish() {
    const wire::frame& f = connection_.current();
    const outgoing m{this, f.subject, f.reply, f.headers.raw(), f.payload};
    last_in_ = hub_.now_;
    ++in_messages_;
    ++hub_.stats_.in_messages;
    hub_.stats_.in_bytes += m.size();
    const permission_set* const allowed = who_.allowed;
    const bool may =
        allowed == nullptr || allowed->may_publish(f.subject) ||
        (replies_ != nullptr && replies_->take(f.subject, *allowed->responses(), hub_.now_));
    if (!may || f.subject.starts_with(gateway_prefix)) {
        connection_.refuse("Permissions Violation for Publish to " + quoted(f.subject));
        return;
    }
    if (f.reply.starts_with(service_prefix) || f.reply.starts_with(gateway_prefix)) {
        connection_.refuse("Permissions Violation for Publish with Reply of " + quoted(f.reply));
        return;
    }
    connection_.ok();
    hub_.publish(*this, m);
}

void peer::on_subscribe() {
    const wire::frame& f = connection_.current();
    last_in_ = hub_.now_;
    if (who_.allowed != nullptr && !who_.allowed->may_subscribe(f.subject, f.queue)) {
        std::string text = "Permissions Violation for Subscription to " + quoted(f.subject);
        if (!f.queue.empty()) text += " using queue " + quoted(f.queue);
        connection_.refuse(text);
        return;
    }
    const std::size_t most = hub_.options_.max_subscriptions;
    if (most != 0 && subscriptions.size() >= most) {
        connection_.refuse("maximum subscriptions exceeded");
        return;
    }
    const auto [at, is_new] = subscriptions.try_emplace(std::string(f.sid_text), this);
    if (!is_new) return;
    subscription& s = at->second;
    s.sid = at->first;
    if (who_.allowed != nullptr && who_.allowed->filters(f.subject, f.queue))
        s.filter = std::make_unique<const std::string>(f.queue);
    if (!hub_.insert(s, f.subject, f.queue)) {
        subscriptions.erase(at);
        connection_.refuse("Invalid Subject");
    }
}

void peer::on_unsubscribe() {
    const wire::frame& f = connection_.current();
    last_in_ = hub_.now_;
    const auto found = subscriptions.find(f.sid_text);
    if (found == subscriptions.end()) return;
    subscription& s = found->second;
    if (f.has_max && f.max > s.delivered) {
        s.max = f.max;
    } else {
        hub_.erase(s);
        subscriptions.erase(found);
    }
}

void peer::on_ping() {
    last_in_ = hub_.now_;
    answered_ = true;
    if (std::exchange(info_is_new_, false)) tell_info();
}

/// INFO has changed. Clients are told that know such INFOs, after their first PING.
void peer::tell_info() {
    if (stage_ != stage::active) return;
    if (connection_.request().protocol < 1 || !answered_) {
        info_is_new_ = true;
        return;
    }
    (void)connection_.send_info(own_info());
    output_changed();
}

} // namespace nats::embedded
