// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: publishers append to one buffer under a lock, and the first of them wakes
// the driver. The driver swaps that buffer for its own empty one, so that the lock is short and
// both keep their memory, and gives the publishes to the session one by one.

#include <natsproto/wire/client_connection.hpp>

#include "asio/driver.hpp"
#include "asio/shared_output.hpp"

#include <boost/asio/post.hpp>

#include <cstring>
#include <string>
#include <utility>

namespace nats::aio {

result<void> publisher::publish(std::string_view subject, bytes payload,
                                const publish_options& o) const {
    return shared_->publish(subject, payload, o);
}

std::size_t publisher::waiting() const noexcept {
    return shared_->waiting();
}

} // namespace nats::aio

namespace nats::aio::detail {

result<void> shared_output::check(std::string_view subject, bytes payload,
                                  const publish_options& o) const {
    if (refusal_) return *refusal_;
    const std::size_t header = o.headers.raw().size();
    if (header != 0 && !headers_) return error{errc::headers_not_supported};
    if (result<void> ok = wire::check_publish(subject, payload.size(), o.reply, header,
                                              max_payload_, max_control_line_);
        !ok)
        return ok;
    if (queue_.size() + left_ >= max_bytes_) return error{errc::output_full};
    return {};
}

result<void> shared_output::publish(std::string_view subject, bytes payload,
                                    const publish_options& o) {
    {
        const std::lock_guard lock(mutex_);
        if (result<void> ok = check(subject, payload, o); !ok) return ok;
        const sizes s{subject.size(), o.reply.size(), o.headers.raw().size(), payload.size()};
        const auto* raw = reinterpret_cast<const char*>(&s);
        queue_.reserve(queue_.size() + sizeof s + s.subject + s.reply + s.headers + s.payload);
        queue_.insert(queue_.end(), raw, raw + sizeof s);
        for (const std::string_view text : {subject, o.reply, o.headers.raw(), payload.text()})
            queue_.insert(queue_.end(), text.begin(), text.end());
        if (woken_.exchange(true, std::memory_order_release)) return {};
    }
    if (const std::shared_ptr<driver> d = driver_.lock())
        boost::asio::post(d->executor(), [d] { d->woken(); });
    return {};
}

std::size_t shared_output::waiting() const noexcept {
    const std::lock_guard lock(mutex_);
    return queue_.size() + left_;
}

void shared_output::allow(const session& s) noexcept {
    const std::lock_guard lock(mutex_);
    refusal_.reset();
    max_bytes_ = s.bounds().max_output_bytes;
    max_control_line_ = s.bounds().max_control_line;
    max_payload_ = s.info().max_payload;
    headers_ = !s.is_up() || s.headers_enabled();
}

void shared_output::refuse(error why) noexcept {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(why);
}

bool shared_output::hand_over(session& s, void (*warn)(void* context, const error& why),
                              void* context) {
    if (at_ == taken_.size()) {
        const std::lock_guard lock(mutex_);
        woken_.store(false, std::memory_order_relaxed);
        if (queue_.empty()) return true;
        taken_.clear();
        at_ = 0;
        taken_.swap(queue_);
        left_ = taken_.size();
    }
    while (at_ != taken_.size()) {
        sizes n{};
        std::memcpy(&n, taken_.data() + at_, sizeof n);
        const char* from = taken_.data() + at_ + sizeof n;
        const auto take = [&from](std::size_t size) {
            return std::string_view(std::exchange(from, from + size), size);
        };
        const std::string_view subject = take(n.subject);
        const std::string_view reply = take(n.reply);
        const header_view headers(take(n.headers));
        const std::string_view payload = take(n.payload);
        result<void> queued = s.publish(subject, payload, reply, headers);
        if (!queued && queued.error() == errc::output_full) break;
        at_ += sizeof n + n.subject + n.reply + n.headers + n.payload;
        if (!queued)
            warn(context, error{errc::publish_dropped,
                                '"' + printable(subject) + "\": " + queued.error().message()});
    }
    const std::lock_guard lock(mutex_);
    left_ = taken_.size() - at_;
    return left_ == 0;
}

} // namespace nats::aio::detail
