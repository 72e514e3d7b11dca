// SPDX-License-Identifier: Apache-2.0
//
// One seed of the sweep: options, servers, what the user does and what goes wrong, all at random
// but always the same for a seed, and what must hold in spite of it.

#pragma once

#include <natsproto/client/ops.hpp>
#include <natsproto/mailbox.hpp>

#include "support/net_client.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace nats::test {

class random_scenario {
public:
    explicit random_scenario(std::uint64_t seed);

    /// What did not hold, a line each.
    std::vector<std::string> run();
    /// All that happened, on both sides.
    [[nodiscard]] std::string transcript();

private:
    struct sub {
        std::string subject, queue;
        std::uint64_t max = 0;
        std::uint64_t delivered = 0;
        std::uint64_t last_id = 0; ///< of what other clients published
    };
    struct sent {
        std::string subject;
        bool kept = false; ///< accepted while there was no connection
        std::size_t filler = 0;
    };

    [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_.below(n); }
    [[nodiscard]] bool chance(std::uint64_t of_100) { return below(100) < of_100; }
    template <class T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[below(values.size())];
    }
    static options make_options(seeded_random& random, std::string& servers);
    void make_places();

    // what happens
    void user();
    void subscribe();
    void unsubscribe();
    void publish(bool lent);
    void wait_for_something();
    void world();
    void server_says(place& p);
    void trouble(place& p);
    void heal();
    void pass_time();

    // what must hold
    void seen(const event& e);
    void message(const ev::message& m);
    void step_checks();
    [[nodiscard]] bool recover();
    void check_publishes(bool recovered);
    void check_table();
    void end();
    void fail(std::string what);
    [[nodiscard]] bool waiters_done() const;
    void drop_done();

    seeded_random random_;
    network net_;
    std::string servers_;
    options options_;
    net_client client_;
    std::map<sub_id, sub> live_;
    std::map<std::uint64_t, sent> sent_; ///< by the number in the payload
    std::uint64_t next_id_ = 0;
    std::uint64_t next_outside_ = 0; ///< of what other clients publish
    std::vector<op<result<message_view>>> views_;
    std::vector<op<result<duration>>> flushes_;
    std::vector<op<result<void>>> waits_;
    std::deque<mailbox> boxes_;
    std::deque<std::string> lent_;
    std::uint64_t restored_ = 0;
    bool drained_ = false;
    bool dropped_ = false; ///< a server did not take what was kept
    std::vector<std::string> failures_;
};

} // namespace nats::test
