// SPDX-License-Identifier: Apache-2.0
//
// A server without I/O for tests: bytes of a client in, bytes for it out, a line for each operation
// it received. It answers by default rules, and where a test wants something else, by a script.

#pragma once

#include <natsproto/wire/output_queue.hpp>
#include <natsproto/wire/parser.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

/// What a server does without being asked.
struct server_rules {
    /// The JSON of INFO, sent when a client connects; empty: it says nothing.
    std::string info =
        R"({"server_id":"S","version":"2.10.27","proto":1,"headers":true,"max_payload":1048576})";
    bool answer_ping = true;
    /// Deliver what is published to whom it concerns, as nats-server does without pedantic.
    bool routing = true;
};

/// One operation as a line: its name, its arguments, and a payload behind them. Not printable bytes
/// are escaped.
[[nodiscard]] std::string line_of(const wire::frame& f);

class scripted_server {
public:
    using service = std::function<void(scripted_server&, const wire::frame& published)>;

    explicit scripted_server(server_rules r = {}) : rules(std::move(r)) {}

    /// A client connects: what was said on the connection before is forgotten.
    void accept();
    /// Bytes from the client. Bytes that are not the protocol are recorded as a line and answered
    /// as nats-server does.
    void receive(std::string_view bytes);
    /// Bytes for the client, once.
    [[nodiscard]] std::string take_output();

    /// When a line that starts so is received, sends `answer` instead of what the rules say. Once
    /// for each call; the calls for one start are used in their order.
    void script(std::string line_start, std::string answer, bool then_close = false);
    /// Calls `s` for what is published to a subject: another client that is subscribed to
    /// `pattern`.
    void serve(std::string pattern, service s);

    /// Bytes for the client, as they are.
    void send(std::string_view bytes) { output_ += bytes; }
    /// Publishes as another client would; how many subscriptions of the client get it.
    std::size_t publish(std::string_view subject, std::string_view payload,
                        std::string_view reply = {}, std::string_view header = {});
    /// MSG or HMSG, whatever the client is subscribed to.
    void send_message(std::string_view subject, std::uint64_t sid, std::string_view payload,
                      std::string_view reply = {}, std::string_view header = {});
    /// Closes the connection behind what was sent.
    void hang_up() noexcept { hung_up_ = true; }
    [[nodiscard]] bool hung_up() const noexcept { return hung_up_; }

    /// What all connections received, a line for each operation.
    [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }
    /// How many lines start so.
    [[nodiscard]] std::size_t count(std::string_view line_start) const;
    /// What all connections received, byte for byte.
    [[nodiscard]] const std::string& received() const noexcept { return received_; }
    [[nodiscard]] int connections() const noexcept { return connections_; }
    [[nodiscard]] std::size_t subscriptions() const noexcept { return subs_.size(); }

    server_rules rules;

private:
    struct subscription {
        std::string subject;
        std::string queue;
        std::string sid;
        std::uint64_t delivered = 0;
        std::uint64_t max = 0; ///< 0: no maximum
    };
    struct scripted {
        std::string answer;
        bool then_close;
    };

    void answer(const wire::frame& f);
    bool answer_by_script(const std::string& line);
    void connect(std::string_view json);
    void unsubscribe(const wire::frame& f);
    void route(const wire::frame& f);
    std::size_t deliver(std::string_view subject, std::string_view payload, std::string_view reply,
                        std::string_view header);
    void deliver_to(subscription& s, std::string_view subject, std::string_view payload,
                    std::string_view reply, std::string_view header);

    wire::parser parser_{wire::sender::client};
    std::string input_;
    std::string output_;
    std::string received_;
    std::vector<std::string> lines_;
    std::deque<subscription> subs_;
    std::map<std::string, std::deque<scripted>> script_;
    std::vector<std::pair<std::string, service>> services_;
    std::uint64_t published_ = 0; ///< whose turn it is in a queue group
    int connections_ = 0;
    bool hung_up_ = false;
    bool verbose_ = true; ///< what nats-server assumes before CONNECT
    bool echo_ = true;
    bool no_responders_ = false;
};

} // namespace nats::test
