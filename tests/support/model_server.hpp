// SPDX-License-Identifier: Apache-2.0
//
// Servers of a cluster without I/O, for the simulator: many connections each, logins, subscription
// tables, routing between the clients of all of them, and a record of what they were sent.

#pragma once

#include <natsproto/wire/parser.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

class model_server;

/// What INFO says.
struct model_info {
    std::string server_id = "S";
    std::int64_t max_payload = 1048576;
    int proto = 1;
    bool headers = true;
    bool auth_required = false;
    bool tls_required = false;
    bool tls_available = false;
    bool lame_duck = false;
    std::string nonce{};
    std::vector<std::string> connect_urls{};

    [[nodiscard]] std::string line() const;
};

struct model_rules {
    model_info info{};
    bool say_info = true;
    bool answer_ping = true; ///< off: they wait until it is on again
    /// The text of the `-ERR` that refuses a CONNECT, behind which the server closes; empty: it is
    /// accepted.
    std::function<std::string(std::string_view connect_json)> refuse{};
    /// INFO again behind the first PONG, as servers since 2.12 do.
    bool info_after_pong = false;
};

/// One PUB or HPUB, as a server got it.
struct publication {
    int connection = 0; ///< of that server, from 1
    std::string subject, reply, header, payload;
    std::string via{}; ///< the subject that it is routed by, when that is another one
};

/// One row of a connection's table of subscriptions.
struct model_subscription {
    std::string sid, subject, queue;
    std::uint64_t delivered = 0;
    std::uint64_t max = 0; ///< 0: no maximum
};

/// A layer under the protocol on the server's side: TLS.
class server_layer {
public:
    server_layer() = default;
    server_layer(const server_layer&) = delete;
    server_layer& operator=(const server_layer&) = delete;
    virtual ~server_layer() = default;
    virtual void receive(std::string_view wire) = 0;
    virtual std::string take_plain() = 0;
    virtual void send(std::string_view plain) = 0;
    virtual std::string take_output() = 0;
    [[nodiscard]] virtual bool failed() const = 0;
};

/// The server's side of one connection.
class model_peer {
public:
    model_peer(model_server& owner, int number);

    void receive(std::string_view bytes);
    [[nodiscard]] std::string take_output();
    /// The server closes behind what it has said.
    void hang_up() noexcept { hung_up_ = true; }
    [[nodiscard]] bool hung_up() const noexcept { return hung_up_; }
    /// Bytes for the client, inside of TLS where there is TLS.
    void send(std::string_view bytes);
    /// `-ERR`, and the end where servers close.
    void refuse(std::string_view text, bool then_close);
    void send_message(const model_subscription& s, const publication& p);

    [[nodiscard]] int number() const noexcept { return number_; }
    [[nodiscard]] bool logged_in() const noexcept { return logged_in_; }
    [[nodiscard]] bool echo() const noexcept { return echo_; }
    [[nodiscard]] std::vector<model_subscription>& table() noexcept { return table_; }
    [[nodiscard]] const std::string& connect_json() const noexcept { return connect_json_; }
    /// Operations that came, by their line.
    [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }

private:
    void parse(std::string_view plain);
    void answer(const wire::frame& f);
    void connect(std::string_view json);
    void unsubscribe(const wire::frame& f);
    void start_layer();
    void pay_pongs();

    model_server* owner_;
    int number_;
    wire::parser parser_{wire::sender::client};
    std::unique_ptr<server_layer> layer_;
    std::string input_;
    std::string output_;
    std::string connect_json_;
    std::vector<std::string> lines_;
    std::vector<model_subscription> table_;
    std::uint64_t owed_pongs_ = 0;
    bool hung_up_ = false;
    bool logged_in_ = false;
    bool verbose_ = true; ///< what nats-server assumes before CONNECT
    bool echo_ = true;
    bool no_responders_ = false;
    bool told_again_ = false;
};

/// All servers that route to each other.
class model_cluster {
public:
    /// Delivers to all clients of all of its servers; how many got it.
    std::size_t route(const publication& p, const model_peer* from = nullptr);
    /// Answers what is published to a pattern, as another client would: with the subject to publish
    /// to, which is the reply, and this payload.
    void serve(std::string pattern, std::function<std::string(const publication&)> answer);
    /// Gets what is published to a pattern, and answers as it likes.
    void listen(std::string pattern, std::function<void(const publication&)> f);

private:
    friend class model_server;
    struct service {
        std::string pattern;
        std::function<void(const publication&)> call;
    };
    std::vector<model_server*> servers_;
    std::vector<service> services_;
    std::uint64_t routed_ = 0;
};

class model_server {
public:
    model_server(model_cluster& c, model_rules r);
    model_server(const model_server&) = delete;
    model_server& operator=(const model_server&) = delete;
    ~model_server();

    std::shared_ptr<model_peer> accept();
    /// The connections that stand, the oldest first.
    [[nodiscard]] std::vector<std::shared_ptr<model_peer>> peers() const;
    /// The newest one that stands; throws when there is none.
    [[nodiscard]] model_peer& peer() const;
    /// INFO as it is now, to all clients.
    void tell_info();

    [[nodiscard]] int connections() const noexcept { return connections_; }
    [[nodiscard]] const std::vector<publication>& published() const noexcept { return published_; }
    /// `subject payload` of each.
    [[nodiscard]] std::vector<std::string> published_lines() const;
    /// Operations of all connections, in the order in which they came.
    [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }
    [[nodiscard]] std::size_t count(std::string_view line_start) const;
    /// What a client sent that is not the protocol; stays empty.
    [[nodiscard]] const std::vector<std::string>& broken() const noexcept { return broken_; }

    model_rules rules;
    /// Makes the layer under a new connection, when the server does TLS.
    std::function<std::unique_ptr<server_layer>()> make_layer{};
    bool tls_first = false;

private:
    friend class model_peer;
    friend class model_cluster;
    model_cluster* cluster_;
    std::vector<std::weak_ptr<model_peer>> peers_;
    std::vector<publication> published_;
    std::vector<std::string> lines_;
    std::vector<std::string> broken_;
    int connections_ = 0;
};

} // namespace nats::test
