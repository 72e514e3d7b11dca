// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: /proc tells the rest; write calls are counted by the linker's --wrap, which
// puts the function below in place of sendmsg(2).

#include "integration/process.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

namespace {

std::atomic<std::size_t> calls{0};

} // namespace

// The names are the linker's.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
extern "C" ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags);
extern "C" ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
    ++calls;
    return __real_sendmsg(fd, message, flags);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace nats::test {

namespace {

/// The number behind `name` in /proc/self/status.
std::size_t status_number(std::string_view name) {
    std::ifstream in("/proc/self/status");
    for (std::string word; in >> word;) {
        std::size_t value = 0;
        if (word == name && in >> value) return value;
    }
    return 0;
}

} // namespace

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t threads() {
    return status_number("Threads:");
}

std::size_t virtual_bytes() {
    return status_number("VmSize:") * 1024;
}

bool is_asleep(pid_t thread) {
    std::ifstream in("/proc/self/task/" + std::to_string(thread) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const std::size_t name_end = text.rfind(") ");
    return name_end != std::string::npos && text[name_end + 2] == 'S';
}

pid_t this_thread() {
    return ::gettid();
}

std::size_t write_calls() noexcept {
    return calls;
}

} // namespace nats::test
