// SPDX-License-Identifier: Apache-2.0
//
// What the cases of the guard of counts share, see counts.cpp.

#pragma once

#include "child_server.hpp"
#include "harness.hpp"
#include "loopback_server.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace nats::test {

inline constexpr std::size_t many = 20'000;
inline constexpr std::size_t few = 3'000; ///< of what takes a millisecond each

/// The server of a case. `answers_late`: a millisecond after the request, when the client, slow as
/// it is under callgrind, has looked and found nothing: so it always makes all the system calls
/// that a request may need. Load on the machine can only make them fewer.
enum class peer { discards, floods, answers_late };

inline void answer_late(int listener) {
    bench::accept_each(listener, [](int fd) {
        bench::greet(fd);
        std::vector<char> buffer(64 * 1024);
        bench::echo_all(fd, buffer, [] { ::usleep(1000); });
    });
}

inline std::shared_ptr<bench::child_server> start(peer p, const bench::shape& s) {
    using role = bench::server::role;
    if (p == peer::discards) return std::make_shared<bench::server>(role::discard, std::string());
    if (p == peer::floods) return std::make_shared<bench::server>(role::flood, bench::flood_of(s));
    return std::make_shared<bench::child_server>(answer_late);
}

void add_asio_cases(bench::suite& all);

} // namespace nats::test
