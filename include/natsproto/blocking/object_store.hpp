// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/blocking/jetstream.hpp>
#include <natsproto/blocking/object_files.hpp>
#include <natsproto/object_store/basic_object_store.hpp>

namespace nats {

/// Buckets of objects on the blocking client.
using object_store = basic_object_store<jetstream>;
/// One of them.
using object_bucket = basic_object_bucket<client_handle>;
/// What its `open_reader`, `open_writer` and `watch` make.
using object_reader = basic_object_reader<client_handle>;
using object_writer = basic_object_writer<client_handle>;
using object_watch = basic_watch<client_handle, obj::watch_reader>;

} // namespace nats
