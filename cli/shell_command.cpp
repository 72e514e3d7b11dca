// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: posix_spawn with two pipes, and a poll(2) loop that writes the payload and
// reads the output at once, so that neither side waits for the other. Placeholders become
// references like "${NATS_REQUEST_BODY}"; a scanner that knows the shell's quotes decides which
// form keeps the value one word. A mistake of it could at worst split a word.

#include "shell_command.hpp"
#include "stdin_body.hpp"
#include "templates.hpp"

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nats::cli {

namespace {

constexpr std::string_view body_variable = "NATS_REQUEST_BODY";
/// Linux allows 128 KiB for one variable with its name.
constexpr std::size_t longest_variable = 100'000;

/// The variable that a placeholder stands for; empty for an unknown one.
std::string variable_of(std::string_view placeholder) {
    if (placeholder == "Request") return std::string(body_variable);
    const bool number = !placeholder.empty() && placeholder.size() <= 4 &&
                        placeholder.find_first_not_of("0123456789") == std::string_view::npos;
    return number ? "NATS_REQUEST_TOKEN_" + std::string(placeholder) : std::string();
}

/// Follows the quotes of a command; `quote` is the open one, or 0.
char after(char quote, char c) noexcept {
    if (quote != 0) return c == quote ? '\0' : quote;
    return c == '\'' || c == '"' ? c : '\0';
}

std::string reference(const std::string& variable, char quote) {
    switch (quote) {
    case '"': return fmt::format("${{{}}}", variable);
    case '\'': return fmt::format("'\"${{{}}}\"'", variable);
    default: return fmt::format("\"${{{}}}\"", variable);
    }
}

// --- environment

bool fits_variable(std::string_view text) noexcept {
    return text.size() <= longest_variable && text.find('\0') == std::string_view::npos;
}

std::vector<std::string> environment_for(const message_view& request) {
    std::vector<std::string> all;
    for (char** v = environ; *v != nullptr; ++v) {
        if (!std::string_view(*v).starts_with("NATS_REQUEST_")) all.emplace_back(*v);
    }
    all.push_back(fmt::format("NATS_REQUEST_SUBJECT={}", request.subject));
    if (fits_variable(request.payload))
        all.push_back(fmt::format("{}={}", body_variable, request.payload));
    std::string_view rest = request.subject;
    for (int n = 0; !rest.empty(); ++n) {
        const std::size_t dot = rest.find('.');
        all.push_back(fmt::format("NATS_REQUEST_TOKEN_{}={}", n, rest.substr(0, dot)));
        rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
    }
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> all;
    for (std::string& s : strings) all.push_back(s.data());
    all.push_back(nullptr);
    return all;
}

// --- process

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        close();
        fd_ = std::exchange(other.fd_, -1);
        return *this;
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { close(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    void close() noexcept {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

std::pair<descriptor, descriptor> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::system_category(), "pipe");
    return {descriptor(ends[0]), descriptor(ends[1])};
}

pid_t spawn_shell(const std::string& command, const message_view& request, int in, int out) {
    std::vector<std::string> words{"sh", "-c", command};
    std::vector<std::string> variables = environment_for(request);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    sigset_t restored; // we ignore SIGPIPE, and ignoring is inherited
    sigemptyset(&restored);
    sigaddset(&restored, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &restored);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, "/bin/sh", &files, &attributes, pointers(words).data(),
                                     pointers(variables).data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::system_error(failed, std::system_category(), "cannot run sh");
    return child;
}

/// Writes `input` to the command and returns what it says, up to the longest body.
std::string converse(descriptor to, descriptor from, std::string_view input) {
    (void)::fcntl(to.get(), F_SETFL, O_NONBLOCK);
    std::string output;
    std::array<char, 64 * 1024> block; // NOLINT(cppcoreguidelines-pro-type-member-init): read fills
    while (output.size() <= longest_body) {
        if (input.empty()) to.close();
        std::array<pollfd, 2> fds{pollfd{from.get(), POLLIN, 0}, pollfd{to.get(), POLLOUT, 0}};
        (void)::poll(fds.data(), fds.size(), -1);
        if (fds[1].revents != 0) {
            const ssize_t n = ::write(to.get(), input.data(), input.size());
            if (n >= 0) input.remove_prefix(static_cast<std::size_t>(n));
            if (n < 0 && errno != EAGAIN && errno != EINTR) input = {}; // it does not want it all
        }
        if (fds[0].revents == 0) continue;
        const ssize_t n = ::read(from.get(), block.data(), block.size());
        if (n == 0 || (n < 0 && errno != EINTR)) break;
        if (n > 0) output.append(block.data(), static_cast<std::size_t>(n));
    }
    return output;
}

std::string failure_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) return fmt::format("the command died of signal {}", WTERMSIG(status));
    const int code = WEXITSTATUS(status);
    return code == 0 ? std::string() : fmt::format("the command exited with status {}", code);
}

} // namespace

std::string with_variables(std::string_view command) {
    std::string out;
    char quote = 0;
    for (std::size_t at = 0; at < command.size();) {
        std::size_t end = 0;
        const std::string variable = variable_of(placeholder_at(command, at, end));
        if (!variable.empty()) {
            out += reference(variable, quote);
            at = end;
            continue;
        }
        const bool escape = command[at] == '\\' && quote != '\'' && at + 1 < command.size();
        if (!escape) quote = after(quote, command[at]);
        out += command.substr(at, escape ? 2 : 1);
        at += escape ? 2 : 1;
    }
    return out;
}

command_result run_command(const std::string& command, const message_view& request) {
    if (!fits_variable(request.payload) && command.find(body_variable) != std::string::npos)
        return {"", "the request does not fit a variable: the command has to read it on stdin"};
    auto [in_read, in_write] = make_pipe();
    auto [out_read, out_write] = make_pipe();
    const pid_t child = spawn_shell(command, request, in_read.get(), out_write.get());
    in_read.close();
    out_write.close();
    command_result result;
    result.output = converse(std::move(in_write), std::move(out_read), request.payload);
    result.failure = failure_of(child);
    if (result.output.size() > longest_body)
        result.failure = "the command's output is longer than any message";
    return result;
}

} // namespace nats::cli
