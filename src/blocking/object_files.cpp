// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: open, read or write, close. What is read into a file goes into one beside it
// until all of it is right, so that whoever looks at the file sees what it was, or all of what it
// is now.

#include <natsproto/blocking/object_files.hpp>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdio.h> // NOLINT(modernize-deprecated-headers): POSIX rename
#include <unistd.h>

namespace nats::blocking {

namespace {

class owned_file {
public:
    explicit owned_file(int fd) noexcept : fd_(fd) {}
    owned_file(const owned_file&) = delete;
    owned_file& operator=(const owned_file&) = delete;
    ~owned_file() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    /// Whether all that was written was taken.
    [[nodiscard]] bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

private:
    int fd_;
};

error file_error(errc code, const std::string& path) {
    return {code, path + ": " + std::error_code(errno, std::generic_category()).message()};
}

result<std::size_t> read_file(int fd, const std::string& path, std::span<char> into) {
    while (true) {
        const ssize_t n = ::read(fd, into.data(), into.size());
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) return file_error(errc::file_unreadable, path);
    }
}

/// A file that takes the place of another one at the end; if it does not come to that, it goes.
class file_to_be {
public:
    file_to_be(std::string path, const std::string& id)
        : path_(std::move(path)), beside_(path_ + '.' + id + ".part") {}
    file_to_be(const file_to_be&) = delete;
    file_to_be& operator=(const file_to_be&) = delete;
    ~file_to_be() {
        if (!there_) return;
        file_.reset();
        ::unlink(beside_.c_str());
    }

    result<void> open() {
        constexpr mode_t usual = 0666;
        const int fd = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, usual);
        if (fd < 0) return file_error(errc::io_error, beside_);
        file_ = std::make_unique<owned_file>(fd);
        there_ = true;
        return {};
    }
    result<void> write(std::string_view rest) {
        while (!rest.empty()) {
            const ssize_t n = ::write(file_->get(), rest.data(), rest.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return file_error(errc::io_error, beside_);
            rest.remove_prefix(static_cast<std::size_t>(n));
        }
        return {};
    }
    result<void> finish() {
        if (!file_->close()) return file_error(errc::io_error, beside_);
        if (::rename(beside_.c_str(), path_.c_str()) != 0) return file_error(errc::io_error, path_);
        there_ = false;
        return {};
    }

private:
    std::string path_;
    std::string beside_;
    std::unique_ptr<owned_file> file_;
    bool there_ = false;
};

} // namespace

obj::detail::any_source file_source(std::string path) {
    return [path = std::move(path),
            file = std::shared_ptr<owned_file>()](std::span<char> into) mutable {
        if (!file) {
            const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
            if (fd < 0) return result<std::size_t>(file_error(errc::file_unreadable, path));
            file = std::make_shared<owned_file>(fd);
        }
        return read_file(file->get(), path, into);
    };
}

std::string file_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

op<result<obj::object_info>> get_object_file(runtime& rt, obj::bucket b, std::string name,
                                             obj::get_request how, std::string path) {
    file_to_be file(std::move(path), rt.new_id());
    if (result<void> ok = file.open(); !ok) co_return ok.error();
    const auto write = [](void* f, bytes piece) {
        return static_cast<file_to_be*>(f)->write(piece.text());
    };
    const obj::sink to{write, &file};
    result<obj::object_info> got =
        co_await obj::get_object(rt, std::move(b), std::move(name), std::move(how), to);
    if (!got) co_return got.error();
    if (result<void> ok = file.finish(); !ok) co_return ok.error();
    co_return std::move(got);
}

} // namespace nats::blocking
