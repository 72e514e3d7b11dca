// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: read(2) into a growing string with a bound, so that an endless input is an
// error and not the end of memory.

#include "common.hpp"
#include "stdin_body.hpp"

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <unistd.h>

namespace nats::cli {

namespace {

/// Appends one read to `to`; false at the end of input.
bool read_some(std::string& to) {
    std::array<char, 64 * 1024> block; // NOLINT(cppcoreguidelines-pro-type-member-init): read fills
    ssize_t n = -1;
    do {
        n = ::read(STDIN_FILENO, block.data(), block.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) throw std::system_error(errno, std::system_category(), "cannot read stdin");
    to.append(block.data(), static_cast<std::size_t>(n));
    return n != 0;
}

void check_length(std::size_t size, const char* what) {
    if (size > longest_body) {
        throw std::runtime_error(
            fmt::format("{} is longer than {} bytes, which no server takes", what, longest_body));
    }
}

} // namespace

std::string read_stdin() {
    if (::isatty(STDIN_FILENO) != 0) tell("Reading payload from STDIN");
    std::string body;
    while (read_some(body)) check_length(body.size(), "the body on stdin");
    return body;
}

bool stdin_lines::read() {
    waiting_.erase(0, taken_);
    searched_ -= taken_;
    taken_ = 0;
    if (!read_some(waiting_)) ended_ = true;
    return !ended_;
}

std::optional<std::string_view> stdin_lines::next() {
    const std::size_t found = waiting_.find('\n', searched_);
    const bool rest = found == std::string::npos;
    if (rest && (!ended_ || taken_ == waiting_.size())) {
        searched_ = waiting_.size();
        check_length(waiting_.size() - taken_, "a line on stdin");
        return std::nullopt;
    }
    const std::string_view line = std::string_view(waiting_).substr(taken_, found - taken_);
    taken_ = rest ? waiting_.size() : found + 1;
    searched_ = taken_;
    return line;
}

} // namespace nats::cli
