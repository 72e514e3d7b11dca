// SPDX-License-Identifier: Apache-2.0
//
// Deadlines of many objects, the earliest first: one for each object, which is a member of it.

#pragma once

#include <natsproto/time.hpp>

#include <cstddef>
#include <vector>

namespace nats::embedded {

/// A heap that its elements know their place in. Deadlines that are put off need not be told: the
/// element is then woken early and says its next one, so a deadline that each message puts off
/// costs nothing.
template <class T>
class timer_heap {
public:
    class timer {
    public:
        explicit timer(T& owner) noexcept : owner_(&owner) {}
        timer(const timer&) = delete;
        timer& operator=(const timer&) = delete;

    private:
        friend class timer_heap;
        static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
        T* owner_;
        time_point due_ = no_deadline;
        std::size_t at_ = nowhere;
    };

    /// The earliest deadline; `no_deadline` if there is none.
    [[nodiscard]] time_point earliest() const noexcept {
        return heap_.empty() ? no_deadline : heap_.front()->due_;
    }
    [[nodiscard]] T& first() const noexcept { return *heap_.front()->owner_; }

    /// `no_deadline` takes it out.
    void set(timer& t, time_point due) {
        if (due == no_deadline) return remove(t);
        if (t.at_ == timer::nowhere) {
            t.at_ = heap_.size();
            heap_.push_back(&t);
        }
        t.due_ = due;
        rise(t.at_);
        sink(t.at_);
    }
    /// Wakes it at `due` at the latest.
    void at_most(timer& t, time_point due) {
        if (due < t.due_) set(t, due);
    }
    void remove(timer& t) noexcept {
        if (t.at_ == timer::nowhere) return;
        const std::size_t at = t.at_;
        timer* const last = heap_.back();
        heap_.pop_back();
        t.at_ = timer::nowhere;
        t.due_ = no_deadline;
        if (last == &t) return;
        place(at, last);
        rise(at);
        sink(last->at_);
    }

private:
    void place(std::size_t at, timer* t) noexcept {
        heap_[at] = t;
        t->at_ = at;
    }
    void rise(std::size_t at) noexcept {
        timer* const t = heap_[at];
        while (at != 0 && t->due_ < heap_[(at - 1) / 2]->due_) {
            place(at, heap_[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        place(at, t);
    }
    void sink(std::size_t at) noexcept {
        timer* const t = heap_[at];
        while (true) {
            std::size_t child = 2 * at + 1;
            if (child >= heap_.size()) break;
            if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) ++child;
            if (t->due_ <= heap_[child]->due_) break;
            place(at, heap_[child]);
            at = child;
        }
        place(at, t);
    }

    std::vector<timer*> heap_;
};

} // namespace nats::embedded
