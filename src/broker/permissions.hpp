// SPDX-License-Identifier: Apache-2.0
//
// `permissions`, compiled: what one user may publish and subscribe to.

#pragma once

#include <natsproto/broker/broker_options.hpp>
#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/random.hpp>
#include <natsproto/result.hpp>
#include <natsproto/routing/subject_router.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::embedded {

/// Whether one of a list of patterns matches a subject.
class pattern_set {
public:
    explicit pattern_set(random_source& random) : router_(random) {}
    pattern_set(const pattern_set&) = delete;
    pattern_set& operator=(const pattern_set&) = delete;
    ~pattern_set();

    result<void> add(std::string_view pattern);
    [[nodiscard]] bool empty() const noexcept { return routes_.empty(); }
    [[nodiscard]] bool matches(std::string_view subject) const;

private:
    subject_router router_;
    std::deque<subject_router::route> routes_;
    mutable subject_router::matches found_;
};

class permission_set {
public:
    permission_set(const permissions& p, random_source& random);
    /// What is wrong with them; to be asked before they are compiled.
    [[nodiscard]] static result<void> check(const permissions& p, std::string_view of);

    [[nodiscard]] bool may_publish(std::string_view subject) const;
    /// `queue`: empty for none.
    [[nodiscard]] bool may_subscribe(std::string_view subject, std::string_view queue) const;
    /// Whether messages for a subscription that is allowed must be asked about one by one.
    [[nodiscard]] bool filters(std::string_view pattern, std::string_view queue) const;
    [[nodiscard]] bool may_receive(std::string_view subject, std::string_view queue) const;
    [[nodiscard]] const std::optional<response_permission>& responses() const noexcept {
        return responses_;
    }

private:
    struct entry {
        std::string subject;
        std::string queue; ///< empty: it is about all subscriptions
    };
    struct verdict {
        bool plain = false;  ///< an entry without a queue group is about this subject
        bool groups = false; ///< an entry with one is
        bool group = false;  ///< and with this one
    };
    [[nodiscard]] static entry split(std::string_view text);
    /// Whether it counts for a subscription of this queue group (empty: of none).
    [[nodiscard]] static bool is_about(const entry& e, std::string_view queue);
    [[nodiscard]] static verdict look_up(const std::vector<entry>& list, std::string_view subject,
                                         std::string_view queue);

    bool publish_all_ = true; ///< there is no list of what is allowed
    pattern_set publish_allow_;
    pattern_set publish_deny_;
    std::vector<entry> subscribe_allow_;
    std::vector<entry> subscribe_deny_;
    // the same entries as `subscribe_deny_`, for messages
    pattern_set receive_deny_;
    std::vector<entry> group_deny_; ///< those for queue groups
    std::optional<response_permission> responses_;
};

/// The reply subjects that one client was sent, and may answer on. Bounded: the oldest go first.
class reply_permits {
public:
    void note(std::string_view reply, time_point now);
    /// Whether it may publish to `subject` now; that is counted.
    [[nodiscard]] bool take(std::string_view subject, const response_permission& p, time_point now);

private:
    struct permit : detail::list_node {
        std::string_view reply; ///< the key in the map
        time_point since;
        std::uint64_t used = 0;
    };
    static constexpr std::size_t most_bytes = 16 * 1024 * 1024;
    static constexpr std::size_t overhead = 160; ///< of an entry, about

    void drop(permit& p);

    /// Ordered, not hashed: strangers choose the keys.
    std::map<std::string, permit, std::less<>> permits_;
    detail::intrusive_list<permit> oldest_first_;
    std::size_t bytes_ = 0;
};

} // namespace nats::embedded
