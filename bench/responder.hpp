// SPDX-License-Identifier: Apache-2.0
//
// A child process that answers each request with its payload, through a server, on a raw socket.

#pragma once

#include "forked.hpp"
#include "loopback_server.hpp"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

class responder {
public:
    responder(std::uint16_t port, const std::string& subject) {
        const int fd = connect_raw_to(port);
        send_all(fd, "SUB " + subject + " 1\r\nPING\r\n");
        std::string in;
        read_until(fd, in, "PONG\r\n");
        child_.emplace([fd] { serve(fd); });
        ::close(fd);
    }

private:
    static void serve(int fd) {
        std::vector<char> buffer(64 * 1024);
        std::string out;
        std::size_t held = 0;
        while (true) {
            const ssize_t n = ::recv(fd, buffer.data() + held, buffer.size() - held, 0);
            if (n <= 0) return;
            std::string_view in(buffer.data(), held + static_cast<std::size_t>(n));
            out.clear();
            while (const std::size_t used = answer(in, out)) in.remove_prefix(used);
            held = in.size();
            in.copy(buffer.data(), held);
            send_all(fd, out);
        }
    }

    /// The whole frame at the front of `in`: how long it is; 0 if it is not there.
    static std::size_t answer(std::string_view in, std::string& out) {
        const std::size_t end = in.find("\r\n");
        if (end == std::string_view::npos) return 0;
        const std::string_view line = in.substr(0, end);
        if (line == "PING") out += "PONG\r\n";
        if (!line.starts_with("MSG ")) return end + 2;
        const std::size_t last = line.rfind(' ');
        const std::size_t before = line.rfind(' ', last - 1);
        const std::size_t size = static_cast<std::size_t>(std::atoi(line.data() + last)) + 2;
        if (in.size() < end + 2 + size) return 0;
        out += "PUB ";
        out += line.substr(before + 1);
        out += "\r\n";
        out += in.substr(end + 2, size);
        return end + 2 + size;
    }

    std::optional<forked> child_;
};

} // namespace nats::bench
