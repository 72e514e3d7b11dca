// SPDX-License-Identifier: Apache-2.0
//
// A contender's client in a process of its own: the program itself never has a client, and so has
// one thread when it forks. A child gets ready, says so, begins when it is told to, and reports
// what it has seen and what CPU it took.

#pragma once

#include "forked.hpp"
#include "harness.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>

#include <unistd.h>

namespace nats::bench {

struct report {
    double cpu = 0; ///< seconds between `begin` and `end`
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0; ///< of payloads, or what else was agreed upon
};

/// The child's side.
class race {
public:
    race(int in, int out) : in_(in), out_(out) {}

    /// Ready: returns when everybody is.
    void begin() {
        char go = 'r';
        if (::write(out_, &go, 1) != 1 || ::read(in_, &go, 1) != 1) die("begin");
        cpu_ = cpu_seconds();
    }
    void end(std::uint64_t messages, std::uint64_t bytes) const {
        const report r{cpu_seconds() - cpu_, messages, bytes};
        if (::write(out_, &r, sizeof r) != sizeof r) die("end");
    }

private:
    int in_;
    int out_;
    double cpu_ = 0;
};

class child {
public:
    /// Forks, and waits until `work(race&)` has called `begin`.
    template <class Work>
    explicit child(Work work) {
        std::array<int, 2> to{};
        std::array<int, 2> from{};
        if (::pipe(to.data()) != 0 || ::pipe(from.data()) != 0) die("pipe");
        process_.emplace([&] {
            ::close(to[1]);
            ::close(from[0]);
            live(work, race(to[0], from[1]));
        });
        ::close(to[0]);
        ::close(from[1]);
        to_ = to[1];
        from_ = from[0];
        char ready = 0;
        receive(&ready, 1);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child() {
        process_.reset();
        ::close(to_);
        ::close(from_);
    }

    void start() const {
        if (::write(to_, "g", 1) != 1) die("start");
    }
    [[nodiscard]] report result() const {
        report r;
        receive(&r, sizeof r);
        return r;
    }

private:
    template <class Work>
    [[noreturn]] static void live(Work& work, race r) {
        constexpr unsigned longest = 60;
        ::alarm(longest); // whatever it waits for does not come
        try {
            work(r);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "in a child: %s\n", e.what());
            std::_Exit(1);
        }
        ::pause(); // with its connections, until the parent has measured
        std::_Exit(0);
    }
    void receive(void* to, std::size_t size) const {
        if (::read(from_, to, size) != static_cast<ssize_t>(size))
            throw std::runtime_error("a client has failed");
    }

    std::optional<forked> process_;
    int to_ = -1;
    int from_ = -1;
};

} // namespace nats::bench
