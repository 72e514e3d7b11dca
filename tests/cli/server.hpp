// SPDX-License-Identifier: Apache-2.0
//
// A nats-server for one test: on a free loopback port, in a directory of its own, gone when the
// object is.

#pragma once

#include "cli/program.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace nats::test {

/// A range of minor versions of nats-server 2.
struct generation {
    const char* name;
    int first;
    int last;
};

inline std::filesystem::path servers_directory() {
    if (const char* set = std::getenv("NATSPROTO_SERVERS_DIR")) return set;
    if (const char* cache = std::getenv("XDG_CACHE_HOME"))
        return std::filesystem::path(cache) / "natsproto/servers";
    const char* home = std::getenv("HOME");
    return std::filesystem::path(home != nullptr ? home : "/") / ".cache/natsproto/servers";
}

/// The newest nats-server-2.N of a generation that scripts/servers has fetched. For the oldest,
/// also the one that is installed.
inline std::optional<std::filesystem::path> find_server(const generation& g) {
    constexpr std::string_view prefix = "nats-server-2.";
    std::optional<std::filesystem::path> best;
    int best_minor = -1;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(servers_directory(), none)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(prefix)) continue;
        int minor = -1;
        (void)std::from_chars(name.data() + prefix.size(), name.data() + name.size(), minor);
        if (minor < g.first || minor > g.last || minor <= best_minor) continue;
        best = entry.path();
        best_minor = minor;
    }
    for (const char* installed : {"/usr/sbin/nats-server", "/usr/bin/nats-server"}) {
        if (!best && g.first == 0 && std::filesystem::exists(installed)) best = installed;
    }
    return best;
}

class server {
public:
    /// `config`: text for its configuration file; the address is added.
    explicit server(const std::filesystem::path& binary, std::string_view config = {},
                    std::string_view address = "127.0.0.1:-1")
        : process_({binary.string(), "-c", write_config(config, address)}) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!read_url()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("nats-server does not start: " + log());
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    /// `host:port`
    [[nodiscard]] std::string address() const { return url_.substr(url_.find("//") + 2); }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
    void signal(int number) const { process_.signal(number); }
    /// Shuts it down, and waits for its end.
    void stop() {
        process_.signal(SIGINT);
        (void)process_.wait();
    }
    [[nodiscard]] std::string log() const { return read(directory_ / "log"); }

private:
    std::string write_config(std::string_view config, std::string_view address) {
        std::string name =
            (std::filesystem::temp_directory_path() / "natsproto-cli-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        directory_ = name;
        const std::filesystem::path file = directory_ / "server.conf";
        std::ofstream(file) << "listen: \"" << address << "\"\nports_file_dir: \"" << name
                            << "\"\nlog_file: \"" << name << "/log\"\n"
                            << config << '\n';
        return file.string();
    }
    static std::string read(const std::filesystem::path& file) {
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    /// From the file that the server writes when it listens.
    bool read_url() {
        for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
            if (entry.path().extension() != ".ports") continue;
            const std::string text = read(entry.path());
            const std::size_t scheme = text.find("://");
            const std::size_t end = text.find('"', scheme);
            if (scheme == std::string::npos || end == std::string::npos) continue;
            const std::size_t begin = text.rfind('"', scheme) + 1;
            url_ = text.substr(begin, end - begin);
            return true;
        }
        return false;
    }

    std::filesystem::path directory_; // before the process, which needs it
    program process_;
    std::string url_;
};

} // namespace nats::test
