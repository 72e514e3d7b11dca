// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for consuming and acknowledging.

#pragma once

namespace nats::js {

template <class Jetstream>
class consume_calls {
private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
};

} // namespace nats::js
