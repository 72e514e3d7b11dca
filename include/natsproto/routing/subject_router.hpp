// SPDX-License-Identifier: Apache-2.0
//
// Which subscriptions a subject matches: `*` for one token, `>` for one or more at the end, queue
// groups apart. In time that depends on the tokens of the subject (and on the branches that
// wildcards open), not on how many subscriptions there are. No I/O.

#pragma once

#include <natsproto/random.hpp>
#include <natsproto/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace nats {

/// The subjects that `subject_router` takes are those of nats-server (specification 2.1, 2.4): any
/// bytes but space, tab, CR and LF, so also control characters; no empty token, `>` only at the
/// end. A pattern that repeats is stored once.
///
/// Tokens are strangers' data: they are hashed with a key from the random source, so that nobody
/// can choose them to collide.
///
/// Not thread-safe. Routes must be erased before they or the router are destroyed.
class subject_router {
    struct node;
    struct group;

public:
    /// One subscription's place, a member of whatever stands for the subscription. It stays at its
    /// address while it is inserted.
    class route {
    public:
        explicit route(void* owner = nullptr) noexcept : owner_(owner) {}
        route(const route&) = delete;
        route& operator=(const route&) = delete;
        /// Whatever the user wants back from a match.
        [[nodiscard]] void* owner() const noexcept { return owner_; }
        [[nodiscard]] bool inserted() const noexcept { return node_ != nullptr; }

    private:
        friend class subject_router;
        void* owner_;
        node* node_ = nullptr;
        group* group_ = nullptr;
        std::size_t at_ = 0; ///< where it stands in the list of its node or group
    };

    /// A queue group of one pattern. A subject may match several patterns of one group: those stand
    /// side by side in `matches::queues`, and one member of them all is to get the message.
    struct queue_match {
        std::string_view name;
        std::span<route* const> members;
    };
    /// What a subject matches. Spans and views live until the router is changed. Using one object
    /// again saves the allocations.
    struct matches {
        std::vector<std::span<route* const>> plain;
        std::vector<queue_match> queues; ///< parts of one group are neighbours
        void clear() noexcept {
            plain.clear();
            queues.clear();
        }
        [[nodiscard]] bool empty() const noexcept { return plain.empty() && queues.empty(); }
    };

    /// Takes a key from `random`, and keeps no reference to it.
    explicit subject_router(random_source& random);
    ~subject_router();
    subject_router(const subject_router&) = delete;
    subject_router& operator=(const subject_router&) = delete;

    /// Copies what it keeps of `pattern` and `queue` (empty: none). Errors: `invalid_subject`;
    /// `in_use` when the route is inserted already.
    result<void> insert(route& r, std::string_view pattern, std::string_view queue = {});
    /// Nothing when it is not inserted.
    void erase(route& r) noexcept;
    /// Replaces `out` by what `subject` matches. A wildcard token in it is a token like any other;
    /// a subject with an empty token matches nothing.
    void match(std::string_view subject, matches& out) const;

    /// Routes that are inserted.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    struct storage;
    struct collector;
    std::unique_ptr<storage> storage_;
    std::size_t size_ = 0;
};

/// Whether `pattern` is a subject that nats-server lets one subscribe to.
[[nodiscard]] bool is_server_subject(std::string_view pattern) noexcept;

/// Whether every subject that `inner` matches is matched by `outer` too; both may have wildcards.
[[nodiscard]] bool subject_contains(std::string_view outer, std::string_view inner) noexcept;
/// Whether there is a subject that both match; both may have wildcards.
[[nodiscard]] bool subjects_overlap(std::string_view a, std::string_view b) noexcept;

} // namespace nats
