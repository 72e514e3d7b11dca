// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for publishing into streams.

#pragma once

namespace nats::js {

template <class Jetstream>
class publish_calls {
private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
};

} // namespace nats::js
