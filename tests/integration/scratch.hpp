// SPDX-License-Identifier: Apache-2.0
//
// Files of one test, which only their owner can read, and which are gone with it.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace nats::test {

class scratch {
public:
    scratch();
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch();

    /// Writes a file, in place of one of that name, as one step. Its path.
    std::string write(std::string_view name, std::string_view content) const;
    [[nodiscard]] std::string path(std::string_view name) const {
        return (directory_ / name).string();
    }
    /// Lets everybody read it.
    void expose(std::string_view name) const;
    void remove(std::string_view name) const;

private:
    std::filesystem::path directory_;
};

} // namespace nats::test
