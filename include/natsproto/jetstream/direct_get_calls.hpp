// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for reading stored messages without a consumer.

#pragma once

namespace nats::js {

template <class Jetstream>
class direct_get_calls {
private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
};

} // namespace nats::js
