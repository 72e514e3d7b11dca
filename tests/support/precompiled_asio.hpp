// SPDX-License-Identifier: Apache-2.0
//
// The same for tests of the Asio client.

#pragma once

#include <natsproto/asio/client.hpp>

#include "support/precompiled.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
