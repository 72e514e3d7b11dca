// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the handler takes itself away (sigaction(2) is allowed there), notes the
// signal and calls client::interrupt, which is one write(2); the waiting call that runs then, or
// the next one, returns `interrupted`.

#include "signals.hpp"

#include <atomic>
#include <csignal>

namespace nats::cli {

namespace {

std::atomic<client*> live{nullptr};
std::atomic<int> seen{0};
static_assert(std::atomic<client*>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void install(void (*handler)(int), int flags) {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = flags;
    (void)sigemptyset(&action.sa_mask);
    // Also where SIGINT was ignored: a shell does that to what a script starts with `&`, and the
    // script may still want to end it in order.
    (void)sigaction(SIGINT, &action, nullptr);
    (void)sigaction(SIGTERM, &action, nullptr);
}

extern "C" void on_signal(int number) {
    install(SIG_DFL, 0);
    seen = number;
    if (client* const c = live.load()) c->interrupt();
}

} // namespace

stop_signals::stop_signals(client& c) {
    live = &c;
    install(on_signal, SA_RESTART);
}

stop_signals::~stop_signals() {
    install(SIG_DFL, 0);
    live = nullptr;
}

int stop_signals::received() noexcept {
    return seen;
}

} // namespace nats::cli
