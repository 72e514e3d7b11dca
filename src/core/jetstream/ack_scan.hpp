// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/jetstream/pub_ack.hpp>

#include <string_view>

namespace nats::js {

/// Reads the answer to a publish if it is a plain one: a flat object with a stream and a sequence,
/// of known members, texts of ASCII without escapes and whole numbers. False for anything else,
/// whether it is right or wrong; then `into` may hold a part. It allocates nothing but what the
/// texts need that `into` has no room for.
[[nodiscard]] bool scan_ack(std::string_view json, pub_ack& into);

} // namespace nats::js
