// SPDX-License-Identifier: Apache-2.0
//
// A program that a test runs: with pipes to its stdin, stdout and stderr, and gone when the object
// is.
//
// Theory of operation: one poll(2) loop moves whatever the pipes have until a condition holds; a
// deadline turns a program that hangs into a failed test.

#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nats::test {

inline constexpr auto patience = std::chrono::seconds(30);

/// How a program has ended.
struct finished {
    int code; ///< the exit code, or minus the number of the signal that killed it
    std::string out;
    std::string err;
};

class program {
public:
    using arguments = std::vector<std::string>;

    /// `command`: a path and arguments. `variables`: `NAME=value`, instead of all NATS_ ones that
    /// the test has.
    explicit program(arguments command, arguments variables = {}) {
        std::array<pipe_ends, 3> pipes{make_pipe(), make_pipe(), make_pipe()};
        for (char** v = environ; *v != nullptr; ++v) {
            if (!std::string_view(*v).starts_with("NATS_")) variables.emplace_back(*v);
        }
        const std::vector<char*> words = pointers(command);
        const std::vector<char*> environment = pointers(variables);
        const std::array<int, 3> inside{pipes[0].read, pipes[1].write, pipes[2].write};
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ == 0) become(words.data(), environment.data(), inside, parent);
        for (const int fd : inside) ::close(fd);
        fds_ = {pipes[0].write, pipes[1].read, pipes[2].read};
        (void)::fcntl(fds_[0], F_SETFL, O_NONBLOCK);
        if (pid_ < 0) throw std::system_error(errno, std::system_category(), "fork");
    }
    program(const program&) = delete;
    program& operator=(const program&) = delete;
    ~program() {
        if (pid_ > 0) {
            (void)::kill(pid_, SIGKILL);
            (void)::waitpid(pid_, nullptr, 0);
        }
        for (int& fd : fds_) close(fd);
    }

    [[nodiscard]] const std::string& out() const noexcept { return text_[1]; }
    [[nodiscard]] const std::string& err() const noexcept { return text_[2]; }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    void write(std::string_view text) { text_[0] += text; }
    /// Until it has taken all of that.
    void write_out() {
        while (!text_[0].empty() && move()) {
        }
    }
    /// After what was written: the end of stdin.
    void end_input() { input_ended_ = true; }
    /// Nobody reads its stdout any more.
    void close_output() { close(fds_[1]); }
    void signal(int number) const { (void)::kill(pid_, number); }

    /// Until the text stands in stdout or stderr; throws when it does not come.
    void wait_for(std::string_view text) {
        const auto there = [&] {
            return out().find(text) != std::string::npos || err().find(text) != std::string::npos;
        };
        while (!there()) {
            if (!move()) throw std::runtime_error("ended without: " + std::string(text) + shown());
        }
    }

    /// Moves what there is to be moved, waiting for at most so long.
    void pump(std::chrono::milliseconds most) { (void)move(most); }

    /// Waits for its end.
    finished wait() {
        end_input();
        while (move()) {
        }
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), out(), err()};
    }

private:
    struct pipe_ends {
        int read;
        int write;
    };
    static pipe_ends make_pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw std::system_error(errno, std::system_category(), "pipe");
        return {ends[0], ends[1]};
    }
    static std::vector<char*> pointers(arguments& strings) {
        std::vector<char*> all;
        for (std::string& s : strings) all.push_back(s.data());
        all.push_back(nullptr);
        return all;
    }
    /// In the child: only calls that are safe between fork and exec.
    [[noreturn]] static void become(char* const* words, char* const* environment,
                                    const std::array<int, 3>& fds, pid_t parent) {
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(127);
        for (int fd = 0; fd < 3; ++fd) (void)::dup2(fds[static_cast<std::size_t>(fd)], fd);
        ::execve(words[0], words, environment);
        ::_exit(127);
    }
    static void close(int& fd) noexcept {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }
    [[nodiscard]] std::string shown() const { return "\nstdout: " + out() + "\nstderr: " + err(); }

    /// Waits for the pipes once, and moves what they take and have. False: both outputs have ended.
    bool move(std::chrono::milliseconds most = std::chrono::hours(1)) {
        if (text_[0].empty() && input_ended_) close(fds_[0]);
        if (fds_[1] < 0 && fds_[2] < 0) return false;
        const int to = text_[0].empty() ? -1 : fds_[0];
        std::array<pollfd, 3> ready{pollfd{to, POLLOUT, 0}, pollfd{fds_[1], POLLIN, 0},
                                    pollfd{fds_[2], POLLIN, 0}};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline_ - std::chrono::steady_clock::now());
        if (left.count() <= 0) throw std::runtime_error("the program does not end" + shown());
        const int timeout = static_cast<int>(std::min(left, most).count());
        if (::poll(ready.data(), ready.size(), timeout) <= 0) return true;
        if (ready[0].revents != 0) feed();
        for (const std::size_t i : {1U, 2U}) {
            if (ready[i].revents != 0) read(i);
        }
        return true;
    }
    void feed() {
        const ssize_t n = ::write(fds_[0], text_[0].data(), text_[0].size());
        if (n > 0) text_[0].erase(0, static_cast<std::size_t>(n));
        if (n < 0 && errno != EAGAIN) text_[0].clear(); // it does not want it
    }
    void read(std::size_t i) {
        std::array<char, 65536> block{};
        const ssize_t n = ::read(fds_[i], block.data(), block.size());
        if (n > 0) text_[i].append(block.data(), static_cast<std::size_t>(n));
        if (n == 0) close(fds_[i]);
    }

    pid_t pid_ = -1;
    std::array<int, 3> fds_{-1, -1, -1};
    std::array<std::string, 3> text_; ///< to be written to stdin; stdout and stderr so far
    bool input_ended_ = false;
    std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + patience;
};

} // namespace nats::test
