// SPDX-License-Identifier: Apache-2.0
//
// Completion handlers that are counted: each is called once or destroyed, and nothing is left.

#pragma once

#include <natsproto/message.hpp>
#include <natsproto/time.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace nats::test {

/// What has become of one operation. Its address must not change.
struct record {
    explicit record(std::string n) : name(std::move(n)) {}

    std::string name;
    int called = 0;
    int alive = 0;             ///< handlers: it is moved about, so there may be two for a moment
    std::size_t blocks = 0;    ///< of its memory, that are not given back
    std::size_t allocated = 0; ///< blocks so far
    std::size_t blocks_when_called = 0;
    bool inside = false;        ///< the call that starts it goes on
    bool called_inside = false; ///< and its handler was called meanwhile
    bool cancelled = false;     ///< it was told, before it was called
    boost::system::error_code ec;
    std::string value; ///< the result, as text
    boost::asio::cancellation_signal signal;

    [[nodiscard]] bool waits() const noexcept { return called == 0 && alive != 0; }
};

/// Memory that is counted for one operation.
template <class T>
class counting_allocator {
public:
    using value_type = T;
    explicit counting_allocator(record& r) noexcept : record_(&r) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept // NOLINT: as allocators do
        : record_(other.of()) {}
    [[nodiscard]] T* allocate(std::size_t n) {
        ++record_->blocks;
        ++record_->allocated;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept {
        --record_->blocks;
        std::allocator<T>().deallocate(p, n);
    }
    [[nodiscard]] record* of() const noexcept { return record_; }
    template <class U>
    bool operator==(const counting_allocator<U>& other) const noexcept {
        return record_ == other.of();
    }

private:
    record* record_;
};

/// A handler for every signature of the client. Movable only, as handlers may be.
class counted {
public:
    using executor_type = boost::asio::any_io_executor;
    using allocator_type = counting_allocator<void>;
    using cancellation_slot_type = boost::asio::cancellation_slot;
    using continuation = std::function<void(record&)>;

    /// `owns`: anything that is to live as long as the operation.
    counted(record& r, executor_type ex, continuation then, std::shared_ptr<void> owns = nullptr)
        : record_(&r), ex_(std::move(ex)), then_(std::move(then)), owns_(std::move(owns)) {
        ++record_->alive;
    }
    counted(counted&& other) noexcept
        : record_(std::exchange(other.record_, nullptr)),
          ex_(std::move(other.ex_)),
          then_(std::move(other.then_)),
          owns_(std::move(other.owns_)) {}
    counted& operator=(counted&&) = delete;
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() {
        if (record_ != nullptr) --record_->alive;
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return ex_; }
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(*record_); }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
        return record_->signal.slot();
    }

    void operator()(boost::system::error_code ec) { ended(ec, {}); }
    void operator()(boost::system::error_code ec, duration /*rtt*/) { ended(ec, {}); }
    void operator()(boost::system::error_code ec, const message& m) {
        ended(ec, ec ? std::string() : std::string(m.payload()));
    }
    void operator()(boost::system::error_code ec, const std::optional<message>& m) {
        ended(ec, ec || !m ? std::string("none") : std::string(m->payload()));
    }

private:
    void ended(boost::system::error_code ec, std::string value) {
        ++record_->called;
        record_->ec = ec;
        record_->value = std::move(value);
        record_->called_inside |= record_->inside;
        record_->blocks_when_called = record_->blocks;
        then_(*record_);
    }

    record* record_;
    executor_type ex_;
    continuation then_;
    std::shared_ptr<void> owns_;
};

} // namespace nats::test
