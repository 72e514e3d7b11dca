// SPDX-License-Identifier: Apache-2.0
//
// The part of `basic_jetstream` for streams, consumers and the account.

#pragma once

namespace nats::js {

template <class Jetstream>
class management_calls {
private:
    [[nodiscard]] Jetstream& self() noexcept { return static_cast<Jetstream&>(*this); }
};

} // namespace nats::js
