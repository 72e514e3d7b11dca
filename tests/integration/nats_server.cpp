// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the server chooses free ports itself and writes them into a file, which
// appears when it is ready. It gets SIGKILL when the test dies first.

#include "integration/nats_server.hpp"
#include "integration/waiting.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ostream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nats::test {

namespace {

namespace fs = std::filesystem;

constexpr auto patience = std::chrono::seconds(20);

std::string read_all(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

fs::path servers_directory() {
    if (const char* set = std::getenv("NATSPROTO_SERVERS_DIR")) return set;
    if (const char* cache = std::getenv("XDG_CACHE_HOME"))
        return fs::path(cache) / "natsproto/servers";
    const char* home = std::getenv("HOME");
    return fs::path(home != nullptr ? home : "/") / ".cache/natsproto/servers";
}

/// The N of nats-server-2.N; 0 for other names.
int minor_of(const std::string& name) {
    constexpr std::string_view prefix = "nats-server-2.";
    int minor = 0;
    if (!name.starts_with(prefix)) return 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + prefix.size(), end, minor);
    return parsed.ec == std::errc() && parsed.ptr == end ? minor : 0;
}

bool belongs_to(generation g, int minor) {
    switch (g) {
    case generation::v2_9: return minor == 9;
    case generation::v2_10: return minor == 10;
    case generation::newest: return minor >= 15;
    case generation::broker: break;
    }
    return false;
}

/// The port behind `"name":["scheme://host:` in the ports file; 0 when it is not there.
std::uint16_t port_in(const std::string& text, std::string_view name) {
    const std::size_t key = text.find('"' + std::string(name) + '"');
    const std::size_t colon = key == std::string::npos ? key : text.find("127.0.0.1:", key);
    if (colon == std::string::npos) return 0;
    const char* const digits = text.data() + colon + std::string_view("127.0.0.1:").size();
    std::uint16_t port = 0;
    (void)std::from_chars(digits, text.data() + text.size(), port);
    return port;
}

/// In the child: only calls that are safe between fork and exec.
[[noreturn]] void become(const char* program, char* const* arguments, pid_t parent) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) (void)::dup2(null, fd);
    ::execv(program, arguments);
    ::_exit(127);
}

pid_t spawn(const std::vector<std::string>& command) {
    std::vector<std::string> text = command;
    std::vector<char*> arguments;
    for (std::string& t : text) arguments.push_back(t.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::system_category(), "fork");
    if (child == 0) become(arguments[0], arguments.data(), parent);
    return child;
}

} // namespace

std::string name_of(generation g) {
    switch (g) {
    case generation::v2_9: return "v2_9";
    case generation::v2_10: return "v2_10";
    case generation::newest: return "newest";
    case generation::broker: return "broker";
    }
    return "unknown";
}

void PrintTo(generation g, std::ostream* out) {
    *out << name_of(g);
}

std::optional<fs::path> find_server(generation g) {
    if (g == generation::broker) return NATSPROTO_EMBEDDED_SERVER_PATH;
    std::optional<fs::path> best;
    int best_minor = 0;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(servers_directory(), ignored)) {
        const int minor = minor_of(entry.path().filename().string());
        if (!belongs_to(g, minor) || minor <= best_minor) continue;
        best = entry.path();
        best_minor = minor;
    }
    return best;
}

nats_server::nats_server(const fs::path& program, std::string_view config)
    : program_(program), config_(config) {
    std::string name = (fs::temp_directory_path() / "natsproto-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::system_error(errno, std::system_category(), "mkdtemp");
    directory_ = name;
    try {
        launch();
    } catch (...) {
        kill();
        fs::remove_all(directory_);
        throw;
    }
}

/// The first time all ports are the server's choice; afterwards they stay.
void nats_server::launch() {
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_)) {
        if (entry.path().extension() == ".ports") fs::remove(entry.path());
    }
    const auto number = [](std::uint16_t port) {
        return port == 0 ? std::string("-1") : std::to_string(port);
    };
    std::string config = config_;
    constexpr std::string_view placeholder = "${ROUTE_PORT}";
    for (std::size_t at = 0; (at = config.find(placeholder)) != std::string::npos;)
        config.replace(at, placeholder.size(), number(route_port_));
    const std::string name = directory_.string();
    std::ofstream(directory_ / "server.conf")
        << "listen: \"127.0.0.1:" << number(port_)
        << "\"\nhttp: \"127.0.0.1:" << number(monitor_port_) << "\"\nports_file_dir: \"" << name
        << "\"\nlog_file: \"" << name << "/log\"\n"
        << config << '\n';
    // While it was away somebody else may have got one of its ports, usually for a connection.
    const auto started = [&] {
        const std::size_t logged = log().size();
        pid_ = spawn({program_.string(), "-c", name + "/server.conf"});
        if (wait_for_ports()) return true;
        const std::string why = log().substr(logged);
        if (why.find("ddress already in use") == std::string::npos)
            throw std::runtime_error("nats-server ended at once:\n" + why);
        return false;
    };
    if (!wait_until(started, patience))
        throw std::runtime_error("a port of nats-server stays taken:\n" + log());
}

void nats_server::restart() {
    kill();
    launch();
}

void nats_server::restart(std::string_view config) {
    config_ = config;
    restart();
}

nats_server::~nats_server() {
    kill();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

bool nats_server::wait_for_ports() {
    bool complete = false;
    const auto ready = [&] {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            return true;
        }
        for (const fs::directory_entry& entry : fs::directory_iterator(directory_)) {
            if (entry.path().extension() != ".ports") continue;
            const std::string text = read_all(entry.path());
            if (!text.ends_with('}')) continue; // not complete yet
            port_ = port_in(text, "nats");
            monitor_port_ = port_in(text, "monitoring");
            route_port_ = port_in(text, "cluster");
            complete = true;
        }
        return complete && port_ != 0;
    };
    if (!wait_until(ready, patience))
        throw std::runtime_error("nats-server did not become ready:\n" + log());
    return pid_ > 0;
}

std::string nats_server::url(std::string_view user_info) const {
    std::string out = "nats://";
    if (!user_info.empty()) out += std::string(user_info) + '@';
    return out + address();
}

void nats_server::signal(int number) const {
    if (pid_ <= 0) throw std::logic_error("the server was stopped before");
    if (::kill(pid_, number) != 0) throw std::system_error(errno, std::system_category(), "kill");
}

void nats_server::wait_for_end() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
}

void nats_server::stop() {
    signal(SIGINT);
    wait_for_end();
}

void nats_server::kill() {
    if (pid_ <= 0) return;
    signal(SIGKILL);
    wait_for_end();
}

void nats_server::suspend() {
    signal(SIGSTOP);
    int status = 0;
    while (::waitpid(pid_, &status, WUNTRACED) < 0 && errno == EINTR) continue;
    if (!WIFSTOPPED(status)) throw std::runtime_error("nats-server ended instead of stopping");
}

void nats_server::resume() {
    signal(SIGCONT);
}

void nats_server::retire() {
    signal(SIGUSR2);
}

std::string nats_server::monitor(std::string_view path) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(monitor_port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string request = "GET " + std::string(path) + " HTTP/1.0\r\n\r\n";
    std::string answer;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = ::recv(fd, part.data(), part.size(), 0)) > 0;)
            answer.append(part.data(), static_cast<std::size_t>(n));
    }
    ::close(fd);
    return answer;
}

std::string nats_server::log() const {
    return read_all(directory_ / "log");
}

} // namespace nats::test
