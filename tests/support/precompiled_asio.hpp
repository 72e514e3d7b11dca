// SPDX-License-Identifier: Apache-2.0
//
// The same for tests of the Asio client.

#pragma once

#include "support/precompiled.hpp"

#include <natsproto/asio/client.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
