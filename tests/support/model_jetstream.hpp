// SPDX-License-Identifier: Apache-2.0
//
// JetStream without disks, for the simulator: one stream and its consumers in virtual time, behind
// all servers of the cluster. It knows what clients rely on (sequences, duplicates, expected
// sequences, rollup, history, purges, reads, pulls that expire, heartbeats, redelivery) and can
// lose, repeat and forget like a real one in trouble.

#pragma once

#include "support/network.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

class model_jetstream {
public:
    struct stored {
        std::uint64_t sequence;
        std::string subject, header, payload;
        bool removed = false;
    };

    /// A stream of what is published to `subjects`.
    model_jetstream(network& net, std::string stream, std::string subjects);
    model_jetstream(const model_jetstream&) = delete;
    model_jetstream& operator=(const model_jetstream&) = delete;

    /// Subjects that it stores too.
    void listen(std::string subjects);
    /// How many messages of each subject it keeps; 0: all.
    std::uint64_t history = 0;

    /// All that it ever stored, by their sequences from 1.
    [[nodiscard]] const std::vector<stored>& messages() const noexcept { return messages_; }
    /// The sequence of the last one of a subject that is there; 0: none.
    [[nodiscard]] std::uint64_t last_of(std::string_view subject) const noexcept;
    /// Removes what matches `filter` (empty: all) and comes before `before` (0: all), but for the
    /// newest `keep` of that. How many.
    std::uint64_t purge(std::string_view filter, std::uint64_t before = 0, std::uint64_t keep = 0);
    /// Of a consumer that exists; throws otherwise.
    [[nodiscard]] std::size_t unacknowledged(std::string_view consumer) const;
    [[nodiscard]] std::uint64_t acknowledged(std::string_view consumer) const;
    [[nodiscard]] std::size_t consumers() const noexcept { return consumers_.size(); }
    /// How many consumers have been made.
    [[nodiscard]] int made() const noexcept { return made_; }
    /// How many messages the pulls that wait may still get.
    [[nodiscard]] std::uint64_t wanted(std::string_view consumer) const;
    /// The most that one consumer's pulls have ever wanted at a time.
    [[nodiscard]] std::uint64_t most_wanted() const noexcept { return most_wanted_; }

    /// Ends a consumer as a delete does: its pulls are told.
    void delete_consumer(std::string_view name);
    void delete_consumers();
    /// The same without a word: their server has crashed.
    void forget_consumers() { consumers_.clear(); }
    /// All pulls are told that the leader has changed, and forgotten.
    void change_leader();

    /// Called for each message that is about to be delivered: how often it is (0: it is lost).
    std::function<int()> copies{};
    /// Called for each answer: whether it is sent.
    std::function<bool()> answers{};

private:
    struct pull {
        std::string reply;
        std::uint64_t left;
        std::uint64_t id;
        bool no_wait;
        bool ends = false; ///< it has a time at which it ends
    };
    struct delivered {
        std::uint64_t deliveries;
        time_point due; ///< when it is delivered again
    };
    struct consumer {
        std::string name, config;
        std::vector<std::string> filters{};
        std::uint64_t until = 0;          ///< up to here only the newest of each subject
        std::set<std::uint64_t> newest{}; ///< which are these
        bool headers_only = false;
        bool acks = true;
        duration ack_wait = std::chrono::seconds(30);
        std::uint64_t next = 1; ///< in the stream
        std::uint64_t sequence = 0;
        std::map<std::uint64_t, delivered> pending{};
        std::set<std::uint64_t> done{};
        std::deque<pull> pulls{};
    };

    void publish(const publication& p);
    [[nodiscard]] bool expected(const publication& p);
    void make_room(const stored& m, std::string_view rollup);
    void call(const publication& p);
    void call_stream(const publication& p, const std::vector<std::string>& tokens);
    void read(const publication& p, bool direct, std::string_view subject);
    void answer_direct(const publication& p, const stored& m);
    void answer_purge(const publication& p);
    [[nodiscard]] std::string stream_info(std::string_view subjects_filter) const;
    [[nodiscard]] const stored* find_stored(std::string_view subject, std::uint64_t from,
                                            bool last) const;
    void create(const publication& p, std::string_view name);
    void take_pull(const publication& p, consumer& c);
    void beat(const std::string& consumer, std::uint64_t id, duration every);
    void expire(const std::string& consumer, std::uint64_t id);
    void end_pull(const pull& p, std::string_view status);
    void acknowledge(const publication& p);
    void deliver_all();
    bool deliver_one(consumer& c);
    void deliver(consumer& c, const stored& m, std::uint64_t deliveries);
    void redeliver_later(const std::string& consumer, std::uint64_t sequence);
    void answer(const publication& p, std::string_view json);
    [[nodiscard]] const consumer& find(std::string_view name) const;
    [[nodiscard]] std::string info(const consumer& c) const;
    [[nodiscard]] static bool wants(const consumer& c, const stored& m);
    [[nodiscard]] std::uint64_t pending(const consumer& c) const;
    void begin_at(consumer& c, std::string_view policy) const;

    network* net_;
    std::string stream_;
    std::vector<std::string> subjects_;
    std::vector<stored> messages_;
    std::map<std::string, std::uint64_t> ids_; ///< of messages
    std::map<std::string, consumer> consumers_;
    std::uint64_t next_pull_ = 0;
    std::uint64_t most_wanted_ = 0;
    int made_ = 0;
};

} // namespace nats::test
