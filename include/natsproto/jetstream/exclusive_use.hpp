// SPDX-License-Identifier: Apache-2.0
//
// For states that one op at a time may use, and that may be destroyed while it waits: a batch, an
// ingest.

#pragma once

namespace nats::js {

template <class State>
class exclusive_use;

/// A member of the state.
template <class State>
class use_slot {
public:
    use_slot() = default;
    use_slot(const use_slot&) = delete;
    use_slot& operator=(const use_slot&) = delete;
    ~use_slot() {
        if (user_ != nullptr) user_->state = nullptr;
    }
    [[nodiscard]] bool taken() const noexcept { return user_ != nullptr; }

private:
    friend class exclusive_use<State>;
    exclusive_use<State>* user_ = nullptr;
};

/// An op that uses it; a member of its frame.
template <class State>
class exclusive_use {
public:
    exclusive_use(State& s, use_slot<State>& slot) noexcept : state(&s), slot_(&slot) {
        slot.user_ = this;
    }
    exclusive_use(const exclusive_use&) = delete;
    exclusive_use& operator=(const exclusive_use&) = delete;
    ~exclusive_use() {
        if (state != nullptr) slot_->user_ = nullptr;
    }
    State* state; ///< null when it was destroyed

private:
    use_slot<State>* slot_;
};

} // namespace nats::js
