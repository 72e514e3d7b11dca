// SPDX-License-Identifier: Apache-2.0
//
// A log sink that keeps what it gets.

#pragma once

#include <natsproto/log.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

struct log_lines {
    struct entry {
        log_level level;
        std::string text;
    };
    std::vector<entry> all;

    static void write(void* context, log_level level, std::string_view line) {
        static_cast<log_lines*>(context)->all.push_back({level, std::string(line)});
    }
    [[nodiscard]] log_sink sink(log_level most = log_level::info) { return {&write, this, most}; }
    [[nodiscard]] std::size_t count(log_level level, std::string_view begin) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            all, [&](const entry& e) { return e.level == level && e.text.starts_with(begin); }));
    }
    [[nodiscard]] std::string text() const {
        std::string out;
        for (const entry& e : all) out.append(name_of(e.level)).append(": ").append(e.text) += '\n';
        return out;
    }
};

} // namespace nats::test
