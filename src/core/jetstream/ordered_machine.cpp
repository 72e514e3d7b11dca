// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Each message says which consumer has delivered it and as which of its deliveries. The next one
// of the current consumer is for the user; any other number is a loss or a repetition, and the
// consumer is given up. Messages of consumers that were given up are told by the name in them, and
// statuses by the subject, which ends in the consumer's number.
//
// A consumer is given up too when it is silent, gone, or its connection was lost. The next one
// begins behind the last message that was delivered. If nothing was, it begins as the first one
// did; but where that means "from now on", as far as the server has said where that was.
//
// The first replacement comes at once. One that brings nothing either is followed by pauses.

#include <natsproto/jetstream/ordered_machine.hpp>

#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/metadata.hpp>
#include <natsproto/subject.hpp>

#include "core/text/ascii.hpp"

#include <algorithm>
#include <utility>

namespace nats::js {

namespace {

using namespace std::chrono_literals;

constexpr duration first_pause = 1s;
constexpr duration longest_pause = 10s;

/// The server will say the same next time.
bool is_final(const error& why) noexcept {
    if (why == errc::filters_not_taken || why == errc::invalid_argument ||
        why == errc::invalid_name || why == errc::invalid_subject)
        return true;
    return why == errc::jetstream_error && why.status() >= 400 && why.status() < 500 &&
           why.status() != 408 && why.status() != 429;
}

} // namespace

result<consumer_config> ordered_config(const ordered_options& o) {
    if (!o.name_prefix.empty()) {
        if (result<void> ok = check_name("consumer", o.name_prefix); !ok) return ok.error();
    }
    if (o.inactive_threshold <= duration::zero())
        return error{errc::invalid_argument, "inactive_threshold must be positive"};
    consumer_config c;
    for (const std::string_view filter : o.filter_subjects) {
        if (!is_subscribe_subject(filter))
            return error{errc::invalid_subject, '"' + printable(filter) + '"'};
    }
    if (o.filter_subjects.size() == 1) c.filter_subject = o.filter_subjects.front();
    if (o.filter_subjects.size() > 1)
        c.filter_subjects.assign(o.filter_subjects.begin(), o.filter_subjects.end());
    c.deliver_policy = o.deliver_policy;
    if (o.deliver_policy == deliver_policy::last_per_subject && o.filter_subjects.empty())
        c.filter_subject = ">"; // the server wants one
    c.opt_start_seq = o.opt_start_seq;
    c.opt_start_time = o.opt_start_time;
    c.ack_policy = ack_policy::none;
    c.max_deliver = 1;
    c.replay_policy = o.replay_policy;
    c.headers_only = o.headers_only;
    c.inactive_threshold = o.inactive_threshold;
    c.num_replicas = 1;
    c.mem_storage = true;
    return c;
}

ordered_machine::ordered_machine(std::string prefix, std::string inbox, consumer_config first,
                                 pull_rules rules)
    : prefix_(std::move(prefix)),
      inbox_(std::move(inbox)),
      config_(std::move(first)),
      rules_(std::move(rules)),
      new_only_(config_.deliver_policy == deliver_policy::new_) {}

// --- what comes

bool ordered_machine::handle_message(const nats::message_view& m, time_point now) {
    if (finished_ || !pull_) return false;
    if (!is_status(m)) {
        if (!in_order(m, now)) return false;
        (void)pull_->handle_message(m, now);
        follow_pull(now);
        return true;
    }
    if (m.subject != reply_) return false;
    (void)pull_->handle_message(m, now);
    if (m.status() == 100) follow_heartbeat(m.headers);
    if (m.status() == 404)
        reset(now); // of a pull that waits: it is the consumer that was not found
    else
        follow_pull(now);
    return false;
}

bool ordered_machine::in_order(const nats::message_view& m, time_point now) {
    const result<metadata> of = parse_metadata(m.reply);
    if (!of || of->consumer != name_) return false; // of an older one, or a stranger's
    if (of->consumer_sequence != last_delivery_ + 1 || of->stream_sequence <= last_) {
        reset(now);
        return false;
    }
    last_delivery_ = of->consumer_sequence;
    last_ = of->stream_sequence;
    ++delivered_;
    backoff_ = duration::zero();
    initial_.handle_message(of->pending);
    return true;
}

/// One that has come behind all that the consumer has delivered: it has nothing more now.
void ordered_machine::follow_heartbeat(header_view h) {
    std::uint64_t delivered = 0;
    const std::optional<std::string_view> said = h.get("Nats-Last-Consumer");
    if (!said || !text::parse_decimal(*said, delivered) || delivered != last_delivery_) return;
    initial_.handle_idle();
}

/// What the pull has come to is about the consumer, or about all.
void ordered_machine::follow_pull(time_point now) {
    while (std::optional<error> w = pull_->poll_warning()) warnings_.push(std::move(*w));
    if (pull_->poll_doubt()) return reset(now);
    if (!pull_->finished()) return;
    if (pull_->outcome() == errc::consumer_deleted) return reset(now);
    finish(pull_->outcome());
}

void ordered_machine::handle_timeout(time_point now) {
    if (finished_ || !pull_) return;
    pull_->handle_timeout(now);
    if (rules_.heartbeat > duration::zero() || pull_->finished()) follow_pull(now);
}

void ordered_machine::handle_connected(time_point now) {
    connected_ = true;
    backoff_ = duration::zero();
    if (pull_) reset(now);
    if (!creating_) create_at_ = now;
}

void ordered_machine::handle_disconnected() {
    connected_ = false;
    doubtful_ = creating_;
    if (pull_) pull_->handle_disconnected();
}

void ordered_machine::reset(time_point now) {
    if (pull_) obsolete_ = name_;
    pull_.reset();
    create_at_ = now + backoff_;
    backoff_ = std::clamp(2 * backoff_, first_pause, longest_pause);
}

// --- consumers

time_point ordered_machine::creation_at() const noexcept {
    if (finished_ || !connected_ || creating_ || pull_) return no_deadline;
    return create_at_;
}

consumer_config ordered_machine::begin_creation() {
    creating_ = true;
    doubtful_ = false;
    ++serial_;
    name_ = prefix_ + '_' + std::to_string(serial_);
    reply_ = inbox_ + '.' + std::to_string(serial_);
    last_delivery_ = 0;
    if (last_ != 0) {
        config_.deliver_policy = deliver_policy::by_start_sequence;
        config_.opt_start_seq = last_ + 1;
        config_.opt_start_time.reset();
    }
    config_.name = name_;
    return config_;
}

void ordered_machine::handle_created(const consumer_info& i, time_point now) {
    creating_ = false;
    if (finished_) {
        obsolete_ = name_;
        return;
    }
    const bool from_now_on = config_.deliver_policy == deliver_policy::new_;
    if (from_now_on && delivered_ == 0) {
        // Another consumer must not begin later. At 0 the stream was empty: everything is new.
        config_.deliver_policy = deliver_policy::by_start_sequence;
        config_.opt_start_seq = i.delivered.stream_seq + 1;
    }
    if (!connected_ || doubtful_) {
        obsolete_ = name_;
        return reset(now);
    }
    initial_.handle_consumer(new_only_ ? 0 : i.num_pending);
    pull_rules rules = rules_;
    if (rules.stop_after) *rules.stop_after -= std::min(*rules.stop_after, delivered_);
    pull_.emplace(std::move(rules), now);
    pull_->handle_connected(now);
}

void ordered_machine::handle_not_created(const error& why, time_point now) {
    creating_ = false;
    if (finished_) return;
    if (is_final(why)) return finish(why);
    if (connected_ && !doubtful_) warnings_.push(why);
    if (backoff_ == duration::zero()) backoff_ = first_pause;
    obsolete_ = name_; // it may have been made all the same
    reset(now);
}

std::optional<std::string> ordered_machine::poll_obsolete() {
    if (obsolete_.empty()) return std::nullopt;
    return std::exchange(obsolete_, {});
}

// --- what goes out

std::optional<std::string> ordered_machine::poll_pull(time_point now) {
    if (finished_ || !pull_) return std::nullopt;
    return pull_->poll_pull(now);
}

void ordered_machine::handle_not_sent(time_point now) {
    if (pull_) pull_->handle_not_sent(now);
}

time_point ordered_machine::deadline() const noexcept {
    return pull_ && !finished_ ? pull_->deadline() : no_deadline;
}

void ordered_machine::finish(error why) {
    if (finished_) return;
    finished_ = true;
    outcome_ = std::move(why);
    if (pull_) obsolete_ = name_;
    pull_.reset();
}

} // namespace nats::js
