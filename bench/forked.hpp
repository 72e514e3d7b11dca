// SPDX-License-Identifier: Apache-2.0
//
// A child process that goes with this object, and with this process however that ends.

#pragma once

#include "harness.hpp"

#include <csignal>
#include <cstdlib>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nats::bench {

class forked {
public:
    /// `run()` is all that the child does.
    template <class Run>
    explicit forked(Run run) : pid_(::fork()) {
        if (pid_ < 0) die("fork");
        if (pid_ != 0) return;
        ::signal(SIGPIPE, SIG_IGN);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // `die` runs no destructor
        run();
        std::_Exit(1);
    }
    forked(const forked&) = delete;
    forked& operator=(const forked&) = delete;
    ~forked() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_;
};

} // namespace nats::bench
