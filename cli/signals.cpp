// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the handler takes itself away (sigaction(2) is allowed there), notes the
// signal and calls client::interrupt, which is one write(2); the waiting call that runs then, or
// the next one, returns `interrupted`. For a broker, tcp_broker::stop is as short.

#include "signals.hpp"

#include <atomic>
#include <csignal>

namespace nats::cli {

namespace {

std::atomic<client*> live{nullptr};
std::atomic<tcp_broker*> serving{nullptr};
std::atomic<int> seen{0};
static_assert(std::atomic<client*>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void set_handler(int number, void (*handler)(int), int flags) {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = flags;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, nullptr);
}

void install(void (*handler)(int), int flags) {
    // Also where SIGINT was ignored: a shell does that to what a script starts with `&`, and the
    // script may still want to end it in order.
    for (const int number : {SIGINT, SIGTERM}) set_handler(number, handler, flags);
}

extern "C" void on_signal(int number) {
    install(SIG_DFL, 0);
    seen = number;
    if (client* const c = live.load()) c->interrupt();
    if (tcp_broker* const b = serving.load()) b->stop();
}

extern "C" void on_retire(int) {
    if (tcp_broker* const b = serving.load()) b->retire();
}

} // namespace

stop_signals::stop_signals(client& c) {
    live = &c;
    install(on_signal, SA_RESTART);
}

stop_signals::stop_signals(tcp_broker& b) {
    serving = &b;
    install(on_signal, SA_RESTART);
    set_handler(SIGUSR2, on_retire, SA_RESTART);
}

stop_signals::~stop_signals() {
    install(SIG_DFL, 0);
    live = nullptr;
    if (serving.exchange(nullptr) != nullptr) set_handler(SIGUSR2, SIG_DFL, 0);
}

int stop_signals::received() noexcept {
    return seen;
}

} // namespace nats::cli
