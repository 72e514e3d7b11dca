// SPDX-License-Identifier: Apache-2.0
//
// A script of operations against a server in memory, run again and again with a disturbance at
// another place each time: after the n-th handler of the `io_context`, or inside of the n-th call
// of something of the user's. What must hold whatever the disturbance was is checked here.

#pragma once

#include <natsproto/asio/client.hpp>

#include "asio/counted.hpp"
#include "asio/memory_server.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

class stage;

/// One operation of a script, or something that is done at once.
struct step {
    std::string name;
    /// Starts it by `stage::handler(name)`; without that the script goes on at once.
    std::function<void(stage&)> start;
};

struct script {
    std::string name;
    options connect{};
    memory_manners manners{};
    server_rules rules{};
    std::function<std::unique_ptr<server_layer>()> make_layer{};
    /// What other clients of the server do; called before anything else.
    std::function<void(stage&)> prepare{};
    std::vector<step> steps{};
    /// Operations that wait for something, so that they can be cancelled meanwhile.
    std::set<std::string> waits{};
};

inline void PrintTo(const script& s, std::ostream* out) {
    *out << s.name;
}

/// Which executor the handlers have.
enum class handler_place : std::uint8_t { client, other_strand, context };

struct staging {
    bool serial = false;
    handler_place handlers = handler_place::client;
    /// Steps are started by handlers of the bare context, and not inside of completion handlers.
    bool start_outside = false;
    /// Only operations that go on own the client.
    bool owned = false;
};
/// Each of the three with each of the others.
[[nodiscard]] std::vector<staging> usual_stagings();
[[nodiscard]] std::string name_of(const staging& s);

enum class disturbance : std::uint8_t {
    none,
    cancel_terminal,
    cancel_partial,
    cancel_total,
    destroy_client,
    destroy_subscriptions,
    destroy_context,
    throw_something, ///< only inside of a call
};

struct cut {
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
    disturbance what = disturbance::none;
    std::size_t after_handlers = never;
    std::size_t in_call = never; ///< from 0
};

/// What a run has shown.
struct outcome {
    std::size_t handlers = 0;
    std::size_t calls = 0; ///< of something of the user's
    bool disturbed = false;
    std::set<std::string> aborted;      ///< names of operations that ended so
    std::vector<std::string> completed; ///< `name: result`, in order
    std::vector<std::string> happened;  ///< what handlers of messages and events got, in order
    std::vector<std::string> published; ///< what the server was sent
};

class stage {
public:
    stage(const script& s, const staging& how);
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;
    ~stage();

    /// Runs the script with one disturbance. Failures are those of the test.
    outcome run(const cut& c);

    // --- for scripts
    memory_server server;
    /// Null when it is gone.
    [[nodiscard]] std::shared_ptr<aio::client> client() const {
        return nc_ ? nc_ : borrowed_.lock();
    }
    /// A handler for the step; its end is the step's. `check` looks at a result that was neither
    /// cancelled nor met the client's end: true repeats the step.
    using checker = std::function<bool(record&)>;
    [[nodiscard]] counted handler(const std::string& name, checker check = nullptr);
    /// One that the script does not wait for.
    [[nodiscard]] counted aside(const std::string& name, checker check = nullptr);
    /// Calls `f` after so many handlers.
    void later(int hops, std::function<void()> f);
    /// Messages `1`, `2`, ... to the subject, as many as told.
    void send_numbers(const std::string& subject, int count);
    /// A number that was read from the subject.
    void got(const std::string& subject, const std::string& number);
    /// Subscriptions of the script, which can be destroyed.
    aio::subscription& keep(const std::string& name, aio::subscription s);
    aio::subscription& kept(const std::string& name);
    [[nodiscard]] bool all_got(const std::string& subject) const;
    aio::replies replies;
    /// A handler that the user has given, of messages or events, is running.
    void happens(const std::string& what);

private:
    struct thrown {};

    void begin();
    void next();
    void start_step();
    void completed(record& r, bool of_step, const checker& check);
    [[nodiscard]] counted make(const std::string& name, bool of_step, checker check);
    void call();
    void disturb();
    [[nodiscard]] bool is_silent() const;
    void logs(std::string_view line) const;
    void cancel_current(boost::asio::cancellation_type type);
    void destroy_context();
    void use_after_context();
    [[nodiscard]] bool may_fail(const record& r) const;
    [[nodiscard]] bool over() const;
    void finish();
    void check_end();
    [[nodiscard]] std::string where() const;

    const script* script_;
    staging how_;
    cut cut_;
    outcome result_;

    std::deque<record> records_;
    record* current_ = nullptr; ///< of the step
    std::size_t at_ = 0;
    bool ended_ = false;  ///< the script
    bool silent_ = false; ///< nothing of the user's may be called any more
    bool client_destroyed_ = false;
    bool subscriptions_destroyed_ = false;
    bool client_closed_ = false; ///< by the cancellation of connect or close
    std::map<std::string, int> sent_, got_;

    std::unique_ptr<boost::asio::io_context> context_;
    boost::asio::any_io_executor handlers_;
    std::shared_ptr<aio::client> nc_;
    std::weak_ptr<aio::client> borrowed_;
    std::map<std::string, aio::subscription> subscriptions_;
};

/// Runs the script once undisturbed, then with the disturbance at each place.
struct places {
    bool between_handlers = true;
    bool inside_of_calls = true;
};
[[nodiscard]] std::set<std::string> disturb_everywhere(const script& s, const staging& how,
                                                       disturbance what, places p = {});

} // namespace nats::test
