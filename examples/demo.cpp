// SPDX-License-Identifier: Apache-2.0
//
// A tour of the blocking client, with every line that goes over the wire. It checks what arrives,
// and fails when something is not as it should be.
// Usage: demo                    against a broker in this process
//        demo nats://host:port   against a server; `scripts/demo --nats-server` starts one
//
// Theory of operation: one connection for all steps, each of which is a function. The client's
// trace hook prints the wire ("->" is sent, "<-" is received) below the step's heading; lines
// without an arrow are what the program sees. All servers give the same but for ids, addresses and
// times; who gets which job is a server's choice.

#include <natsproto/blocking/client.hpp>
#include <natsproto/blocking/service.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

// --- printing and checking

void heading(std::string_view title) {
    static int step = 0;
    std::cout << '\n' << ++step << ". " << title << '\n';
}

void say(const std::string& line) {
    std::cout << "   " << line << '\n';
}

/// The trace hook. INFO and CONNECT are long: their first members are enough here.
void show_wire(void*, std::string_view traced) {
    constexpr std::size_t width = 120;
    constexpr std::string_view line_break = "\\x0d\\x0a"; // as the trace shows those of headers
    std::string line(traced);
    for (std::size_t at = 0; (at = line.find(line_break, at)) != std::string::npos;)
        line.replace(at, line_break.size(), "\\r\\n");
    std::cout << "      " << line.substr(0, width) << (line.size() > width ? "..." : "") << '\n';
}

void expect(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error("expected " + what);
}

std::string quoted(std::string_view text) {
    return '"' + nats::printable(text) + '"';
}

/// Takes the next message, and checks what it says.
nats::message receive(nats::subscription& sub, std::string_view subject, std::string_view payload) {
    nats::message m = sub.next(2s).value();
    say("received " + quoted(m.payload()) + " on " + std::string(m.subject()));
    expect(m.subject() == subject && m.payload() == payload,
           quoted(payload) + " on " + std::string(subject));
    return m;
}

std::string microseconds(nats::duration d) {
    return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(d).count()) + " us";
}

/// The embedded broker on a free port, in a thread of its own.
class own_server {
public:
    own_server()
        : server_(nats::tcp_broker::listen().value()),
          thread_([this] { server_->run().value(); }) {}
    own_server(const own_server&) = delete;
    own_server& operator=(const own_server&) = delete;
    ~own_server() {
        server_->stop();
        thread_.join();
    }
    [[nodiscard]] std::string url() const { return server_->url(); }

private:
    std::unique_ptr<nats::tcp_broker> server_; // before the thread, which uses it
    std::thread thread_;
};

// --- the steps

nats::client connect(const std::string& url) {
    heading("Connect: the server says INFO, we say CONNECT, and PONG means that we are in");
    nats::options o;
    o.servers = url;
    o.name = "natsproto demo";
    nats::blocking_options b;
    b.trace = show_wire;
    nats::client nc = nats::client::connect(o, b).value();
    say("connected to a server of version " + nc.info().version + " at " + nc.server().text());
    return nc;
}

void publish_and_subscribe(nats::client& nc) {
    heading("Publish and subscribe: who subscribed to the subject gets the message");
    nats::subscription sub = nc.subscribe("greet").value();
    nc.publish("greet", "hello, world").value();
    (void)receive(sub, "greet", "hello, world");
}

void wildcards(nats::client& nc) {
    heading("Wildcards: * stands for one token of a subject, > for all that follow");
    nats::subscription room = nc.subscribe("temperature.*").value();
    nats::subscription all = nc.subscribe("temperature.>").value();
    nc.publish("temperature.kitchen", "21").value();
    nc.publish("temperature.attic.north", "17").value();
    say("temperature.*:");
    (void)receive(room, "temperature.kitchen", "21");
    say("temperature.>:");
    (void)receive(all, "temperature.kitchen", "21");
    (void)receive(all, "temperature.attic.north", "17");
    nc.flush().value();
    const auto extra = room.next(0s);
    expect(!extra && extra.error() == nats::errc::timeout, "no second message for temperature.*");
}

void queue_group(nats::client& nc) {
    heading("Queue group: three workers share nine jobs, and each job goes to one of them");
    std::array<int, 3> done{};
    nats::subscribe_options in_group;
    in_group.queue = "workers";
    const auto worker = [&](int& counter) {
        return nc.subscribe(
                     "jobs", [&counter](const nats::message_view&) { ++counter; }, in_group)
            .value();
    };
    const std::array subs{worker(done[0]), worker(done[1]), worker(done[2])};
    {
        const auto burst = nc.burst(); // nine messages, one write
        for (int i = 1; i <= 9; ++i) nc.publish("jobs", "job " + std::to_string(i)).value();
    }
    nc.flush().value(); // handlers run in calls that wait, as this one does
    for (std::size_t i = 0; i < done.size(); ++i)
        say("jobs done by worker " + std::to_string(i + 1) + ": " + std::to_string(done[i]));
    expect(done[0] + done[1] + done[2] == 9, "that the workers did nine jobs together");
}

void headers(nats::client& nc) {
    heading("Headers: names with values next to the payload, and a name may have several");
    nats::subscription sub = nc.subscribe("orders").value();
    nats::headers h;
    h.set("Content-Type", "text/plain").value();
    h.add("Tag", "hot").value();
    h.add("Tag", "large").value();
    nats::publish_options with_headers;
    with_headers.headers = h;
    nc.publish("orders", "one coffee", with_headers).value();
    const nats::message m = receive(sub, "orders", "one coffee");
    for (const nats::header_field& f : m.headers())
        say("  " + std::string(f.name) + ": " + std::string(f.value));
    const auto tags = m.headers().values("Tag");
    expect(tags.size() == 2 && tags[0] == "hot" && tags[1] == "large", "both values of Tag");
}

void request_and_reply(nats::client& nc) {
    heading("Request and reply: the answer goes to an inbox that only the asker knows");
    const nats::subscription service = nc.subscribe("upper", [&nc](const nats::message_view& m) {
                                             std::string answer(m.payload);
                                             for (char& c : answer) {
                                                 if (c >= 'a' && c <= 'z')
                                                     c = static_cast<char>(c - 'a' + 'A');
                                             }
                                             nc.respond(m, answer).value();
                                         }).value();
    const nats::message reply = nc.request("upper", "shout", 2s).value();
    say("the service answered " + quoted(reply.payload()));
    expect(reply.payload() == "SHOUT", "the answer \"SHOUT\"");
}

void request_many(nats::client& nc) {
    heading("Request many: everybody who listens answers the same request");
    const auto answer_with = [&nc](const char* name) {
        return nc
            .subscribe("who.is.there",
                       [&nc, name](const nats::message_view& m) { nc.respond(m, name).value(); })
            .value();
    };
    const std::array services{answer_with("Ada"), answer_with("Grace")};
    nats::request_many_options o;
    o.timeout = 2s;
    o.max_messages = 2;
    nats::replies replies = nc.request_many("who.is.there", "", o).value();
    std::vector<std::string> here; // the server chooses who is asked first
    while (const std::optional<nats::message> m = replies.next().value())
        here.emplace_back(m->payload());
    std::sort(here.begin(), here.end());
    for (const std::string& name : here) say(name + " is here");
    expect(here == std::vector<std::string>{"Ada", "Grace"}, "two replies");
}

void no_responders(nats::client& nc) {
    heading("No responders: a request that nobody listens to fails at once, without a timeout");
    const auto reply = nc.request("nobody.home", "hello?", 2s);
    expect(!reply && reply.error() == nats::errc::no_responders, "the error no_responders");
    say("refused: " + reply.error().message());
}

void service(nats::client& nc) {
    heading("Service: it is found by its name, answers or fails, and counts what it does");
    nats::service adder = nats::service::start(nc, {"adder", "1.0.0"}).value();
    adder
        .add_endpoint("count",
                      [](nats::service_request& request) {
                          if (request.payload().empty())
                              request.respond_error(400, "nothing to count").value();
                          else
                              request.respond(std::to_string(request.payload().size())).value();
                      })
        .value();
    nats::service_client client(nc);
    const auto found = client.discover({.name = "adder", .stall = 100ms}).value();
    expect(found.size() == 1 && found[0].instances.size() == 1, "one instance of the service");
    say("found " + found[0].name + ' ' + found[0].instances[0].version);
    const nats::message reply = client.request("count", "letters").value();
    say("the service answered " + quoted(reply.payload()));
    expect(reply.payload() == "7", "the answer \"7\"");
    const auto refused = client.request("count");
    expect(!refused && refused.error() == nats::errc::service_error, "the error service_error");
    say("refused: " + refused.error().message());
    const nats::services::stats_response stats = adder.stats();
    say(std::to_string(stats.endpoints[0].num_requests) + " requests, " +
        std::to_string(stats.endpoints[0].num_errors) + " error");
    expect(stats.endpoints[0].num_requests == 2, "two requests");
    adder.stop(2s).value();
}

void bad_input(nats::client& nc) {
    heading("Bad input: what the protocol cannot carry is refused by the call, nothing is sent");
    const auto sent = nc.publish("two words", "x");
    expect(!sent && sent.error() == nats::errc::invalid_subject, "the error invalid_subject");
    say("refused: " + sent.error().message());
    nats::headers h;
    const auto set = h.set("Colour", "red\r\nInjected: yes");
    expect(!set && set.error() == nats::errc::invalid_header, "the error invalid_header");
    say("refused: " + set.error().message());
    expect(nc.buffered() == 0, "nothing to be sent");
}

void round_trip(nats::client& nc) {
    heading("Round trip: how long the server takes for a PONG");
    const nats::duration rtt = nc.rtt(2s).value();
    say("rtt " + microseconds(rtt));
    expect(rtt > 0s, "a positive round trip time");
}

void reconnect(nats::client& nc) {
    heading("Reconnect: the connection breaks, and nothing has to be done about it");
    nats::subscription sub = nc.subscribe("news").value();
    nc.flush().value();
    nc.force_reconnect().value(); // as if the server had gone
    nc.publish("news", "published while there was no connection").value();
    say(std::to_string(nc.kept()) + " bytes are kept");
    nc.wait_connected(5s).value();
    (void)receive(sub, "news", "published while there was no connection");
    expect(nc.stats().reconnects == 1, "one reconnect");
}

void close(nats::client& nc) {
    heading("Drain and close: what the server has sent still comes, then it ends");
    nc.drain().value();
    const nats::statistics& s = nc.stats();
    say("sent " + std::to_string(s.out_messages) + " messages, received " +
        std::to_string(s.in_messages));
    const auto late = nc.publish("greet", "too late");
    expect(!late && late.error() == nats::errc::connection_closed, "the error connection_closed");
    say("a later publish is refused: " + late.error().message());
}

} // namespace

int main(int argc, char** argv) {
    try {
        std::optional<own_server> broker;
        if (argc < 2)
            std::cout << "a broker in this process, at " << broker.emplace().url() << '\n';
        nats::client nc = connect(broker ? broker->url() : argv[1]);
        publish_and_subscribe(nc);
        wildcards(nc);
        queue_group(nc);
        headers(nc);
        request_and_reply(nc);
        request_many(nc);
        no_responders(nc);
        service(nc);
        bad_input(nc);
        round_trip(nc);
        reconnect(nc);
        close(nc);
    } catch (const std::exception& e) {
        std::cout << std::flush;
        std::cerr << "demo: " << e.what() << '\n';
        return 1;
    }
    std::cout << "\nEverything arrived as it should.\n";
    return 0;
}
