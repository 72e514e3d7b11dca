// SPDX-License-Identifier: Apache-2.0
//
// `result<T>`: a value or an `error`. Test it like a pointer; `value()` throws `nats::exception` on
// an error.

#pragma once

#include <natsproto/error.hpp>

#include <boost/system/result.hpp>

namespace nats {

template <class T>
using result = boost::system::result<T, error>;

} // namespace nats
