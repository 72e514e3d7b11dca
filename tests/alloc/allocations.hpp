// SPDX-License-Identifier: Apache-2.0
//
// How many allocations something makes. steady_state_test.cpp counts them.

#pragma once

#include <cstddef>

namespace nats::test {

extern bool counting_allocations;
extern std::size_t allocations;

inline constexpr int warm_up = 200;
inline constexpr int rounds = 1000;

/// How many allocations `rounds` calls of `step` make, after some that do not count.
template <class Step>
std::size_t allocations_of(Step step) {
    for (int i = 0; i < warm_up; ++i) step();
    allocations = 0;
    counting_allocations = true;
    for (int i = 0; i < rounds; ++i) step();
    counting_allocations = false;
    return allocations;
}

} // namespace nats::test
