// SPDX-License-Identifier: Apache-2.0
//
// The table, by subjects; a file for each.

#pragma once

#include "driver/stage.hpp"

#include <span>
#include <vector>

namespace nats::test {

[[nodiscard]] std::span<const scenario> connecting();
[[nodiscard]] std::span<const scenario> publishing();
[[nodiscard]] std::span<const scenario> subscribing();
[[nodiscard]] std::span<const scenario> handling();
[[nodiscard]] std::span<const scenario> requesting();
[[nodiscard]] std::span<const scenario> waiting();
[[nodiscard]] std::span<const scenario> draining();
[[nodiscard]] std::span<const scenario> limiting();
[[nodiscard]] std::span<const scenario> reconnecting();
[[nodiscard]] std::span<const scenario> ending();

/// All of them.
[[nodiscard]] inline std::vector<scenario> all_scenarios() {
    std::vector<scenario> out;
    for (const auto part : {connecting(), publishing(), subscribing(), handling(), requesting(),
                            waiting(), draining(), limiting(), reconnecting(), ending()})
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

} // namespace nats::test
