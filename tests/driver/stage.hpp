// SPDX-License-Identifier: Apache-2.0
//
// The run of one scenario in one world. Whatever the scenario does is written down, a line each,
// with what came of it: that is the transcript, and it has to be the same in every world. So it has
// no addresses, inboxes, ids or times in it.

#pragma once

#include "driver/connection.hpp"
#include "driver/world.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

using namespace std::chrono_literals;

class stage;
class actor;

/// Long enough for anything that must happen.
inline constexpr duration patience = std::chrono::seconds(10);
/// For what must not happen.
inline constexpr duration shortly = std::chrono::milliseconds(40);

/// A subscription, as scenarios see it.
class listener {
public:
    listener(actor& owner, std::string name, result<std::unique_ptr<reader>> made);

    /// The next message; without one, an empty message.
    message next(duration timeout = patience);
    /// What is there now.
    message take() { return next(0s); }
    /// All that comes, up to an error: in one line, how many and how it ended.
    void rest(duration timeout = patience);
    void unsubscribe(std::optional<std::uint64_t> after = {});
    void drain();
    void status();
    /// Notes the end when it comes.
    void note_end();
    [[nodiscard]] reader& get() noexcept { return *reader_; }
    /// Pending messages and bytes, delivered and dropped ones.
    void counters();
    void limit(const pending_limits& l);
    void destroy();

private:
    void note(std::string_view what, std::string_view outcome);
    void note_wait(std::string_view what, std::string_view outcome);

    actor* owner_;
    std::string name_;
    std::unique_ptr<reader> reader_;
};

/// The replies to a request for many, as scenarios see them.
class asker {
public:
    asker(actor& owner, std::string name, result<std::unique_ptr<reply_reader>> made);

    void next();
    /// All replies in one line, and how they ended.
    void rest();
    void destroy() { replies_.reset(); }

private:
    actor* owner_;
    std::string name_;
    std::unique_ptr<reply_reader> replies_;
};

/// A client with a name, as scenarios see it. Without a connection, all that is asked of it is
/// written down as impossible.
class actor {
public:
    actor(stage& s, std::string name, const options& o);

    void publish(std::string_view subject, bytes payload = {}, const publish_options& o = {});
    /// The same without a line, unless it fails.
    void send(std::string_view subject, bytes payload = {});
    void respond(const message_view& to, bytes payload = {});
    listener& subscribe(std::string_view subject, const subscribe_options& o = {});
    /// With a handler that notes each message, and calls `then`.
    listener& handle(std::string_view subject, message_handler then = {},
                     const subscribe_options& o = {});
    /// With a handler that notes nothing.
    listener& serve(std::string_view subject, message_handler h, const subscribe_options& o = {});

    void flush(duration timeout = patience);
    void rtt(duration timeout = patience);
    void wait_connected(duration timeout = patience);
    void barrier(duration timeout = patience);
    /// Works until it holds.
    void until(std::string_view what, const std::function<bool()>& holds);
    /// Works until there is an event whose line starts so.
    void until_event(std::string_view line_start);
    void until_status(session_status s);

    void request(std::string_view subject, bytes payload = {}, duration timeout = patience,
                 header_view headers = {});
    void request_by_inbox(std::string_view subject, bytes payload = {},
                          duration timeout = patience);
    void request_all(std::string_view subject, const std::vector<std::string>& payloads,
                     duration timeout = patience);
    asker& request_many(std::string_view subject, bytes payload, const request_many_options& o);
    void run(const std::function<op<result<std::string>>(runtime&)>& make);

    void close();
    void drain();
    void start_drain();
    void force_reconnect();
    void set_servers(std::string_view list);
    /// Ends the client, not its subscriptions.
    void destroy();

    void status();
    void stats();
    void server();
    void kept();
    void close_reason();
    /// What has happened since it was asked for last; the same again in a row is told once.
    void events();
    [[nodiscard]] std::size_t count(std::string_view line_start) const;

    [[nodiscard]] connection* get() noexcept { return connection_.get(); }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] stage& on() noexcept { return *stage_; }

private:
    friend class listener;
    friend class asker;
    friend class stage;
    void note(std::string_view what, std::string_view outcome);
    /// The line of a waiting call, behind those of the handlers that ran meanwhile.
    void note_wait(std::string_view what, std::string_view outcome);
    /// False, with a line, when there is no connection.
    [[nodiscard]] bool has(std::string_view what);

    stage* stage_;
    std::string name_;
    std::shared_ptr<std::vector<std::string>> events_;
    std::size_t told_ = 0; ///< of the events
    std::string handled_;  ///< lines that handlers wrote since the last waiting call
    std::unique_ptr<connection> connection_;
};

class stage {
public:
    explicit stage(world& w) noexcept : world_(&w) {}
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;
    ~stage();

    /// Starts, or starts again.
    void start(std::string_view config = {}) { world_->start(0, config); }
    [[nodiscard]] world& net() noexcept { return *world_; }
    [[nodiscard]] std::string url(std::size_t server = 0, std::string_view user_info = {});
    /// Without servers among the options: to the first.
    actor& connect(std::string_view name, options o = {});
    /// Options of one that reconnects soon, and in an order that is known.
    [[nodiscard]] static options quick();

    void note(std::string_view line);
    /// Ends with what handlers wrote and no waiting call came after.
    [[nodiscard]] std::string transcript() const;
    /// Without addresses.
    [[nodiscard]] std::string masked(std::string text) const;
    [[nodiscard]] std::string text_of(const error& e) const;
    [[nodiscard]] std::string text_of(const message_view& m) const;
    [[nodiscard]] std::string text_of(const event& e) const; ///< empty: not written down
    template <class T>
    [[nodiscard]] std::string outcome(const result<T>& r) const {
        return r ? "ok" : text_of(r.error());
    }

private:
    friend class actor;
    friend class listener;
    /// Keeps the lines of a handler apart: a driver may call it as soon as there is something, also
    /// while something is published.
    class aside;

    world* world_;
    std::string* lines_ = &transcript_;
    std::string transcript_ = "\n";
    std::deque<actor> actors_;
    std::deque<listener> listeners_;
    std::deque<asker> askers_;
};

/// One row of the table.
struct scenario {
    const char* name;
    void (*play)(stage&);
    const char* transcript; ///< begins with a line break, as raw strings are written
};

} // namespace nats::test
