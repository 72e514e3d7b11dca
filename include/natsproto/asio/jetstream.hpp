// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/asio/client.hpp>
#include <natsproto/jetstream/basic_batch.hpp>
#include <natsproto/jetstream/basic_ingest.hpp>
#include <natsproto/jetstream/basic_jetstream.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>

namespace nats::aio {

/// JetStream on the Asio client.
using jetstream = basic_jetstream<client>;
/// What its `make_publisher` makes.
using js_publisher = basic_js_publisher<client_handle>;
/// And its `make_batch`.
using js_batch = basic_js_batch<client_handle>;
/// And its `make_ingest`.
using js_ingest = basic_js_ingest<client_handle>;

} // namespace nats::aio
