// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/blocking/jetstream.hpp>
#include <natsproto/key_value/basic_key_value.hpp>

namespace nats {

/// Key-value buckets on the blocking client.
using key_value = basic_key_value<jetstream>;
using kv_bucket = basic_kv_bucket<jetstream>;
using kv_reader = basic_kv_reader<jetstream>;
using kv_watch = basic_watch<client_handle, kv::watch_reader>;

} // namespace nats
