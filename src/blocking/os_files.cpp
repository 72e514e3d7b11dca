// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: open, look at what it is, read to the end. Opening does not wait, so that a
// pipe in the place of a file cannot hang a connect.

#include <natsproto/blocking/os_files.hpp>

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nats::blocking {

namespace {

class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

error unreadable(std::string_view path, const std::string& why) {
    return {errc::file_unreadable, std::string(path) + ": " + why};
}

error failed(std::string_view path) {
    return unreadable(path, std::error_code(errno, std::generic_category()).message());
}

result<void> read_all(int fd, std::string_view path, std::size_t max_size, secret& content) {
    std::size_t size = 0;
    while (true) {
        constexpr std::size_t step = 4096;
        const std::span<char> all = content.resize(size + step);
        const ssize_t n = ::read(fd, all.data() + size, step);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const error why = failed(path);
            content.clear();
            return why;
        }
        size += static_cast<std::size_t>(n);
        (void)content.resize(size);
        if (n == 0) return {};
        if (size > max_size) {
            content.clear();
            return unreadable(path, "larger than " + std::to_string(max_size) + " bytes");
        }
    }
}

} // namespace

result<void> os_files::read(std::string_view path, std::size_t max_size, secret& content,
                            bool& others_can_read) {
    content.clear();
    others_can_read = false;
    const descriptor fd(::open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) return failed(path);
    struct stat about{};
    if (::fstat(fd.get(), &about) != 0) return failed(path);
    if (!S_ISREG(about.st_mode)) return unreadable(path, "not a regular file");
    others_can_read = (about.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    return read_all(fd.get(), path, max_size, content);
}

} // namespace nats::blocking
