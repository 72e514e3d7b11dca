// SPDX-License-Identifier: Apache-2.0
//
// What nearly every test includes, compiled once a program: it halves the time that tests take to
// compile. Each test still includes what it uses.

#pragma once

#include <natsproto/blocking/client.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
