// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/blocking/client.hpp>
#include <natsproto/services/basic_service.hpp>
#include <natsproto/services/basic_service_client.hpp>

namespace nats {

/// A service on the blocking client: its handlers run during waiting calls.
using service = basic_service<client>;
using service_group = basic_service_group<client_handle>;
/// What its handlers get.
using service_request = basic_service_request<client_handle>;
/// Finds services, and asks them.
using service_client = basic_service_client<client>;

} // namespace nats
