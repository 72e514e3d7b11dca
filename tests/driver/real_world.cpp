// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a server chooses a free port when it starts first, and gets the same one
// whenever it starts again.

#include <natsproto/blocking/client.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include "driver/connection_over.hpp"
#include "driver/real_world.hpp"
#include "integration/embedded/config.hpp"
#include "integration/nats_server.hpp"
#include "integration/raw_server.hpp"

#include <charconv>
#include <stdexcept>
#include <thread>
#include <utility>

namespace nats::test {

namespace {

std::uint16_t port_of(const std::string& address) {
    std::uint16_t port = 0;
    const std::size_t colon = address.rfind(':');
    if (colon != std::string::npos)
        (void)std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
    return port;
}

class broker_in_a_thread final : public running_server {
public:
    broker_in_a_thread(std::string_view config, std::uint16_t port)
        : broker_(listen(config, port)), thread_([this] { (void)broker_->run(); }) {}
    ~broker_in_a_thread() override {
        broker_->stop();
        thread_.join();
    }
    [[nodiscard]] std::string address() const override {
        return "127.0.0.1:" + std::to_string(broker_->port());
    }
    void retire() override { broker_->retire(); }

private:
    static std::unique_ptr<tcp_broker> listen(std::string_view config, std::uint16_t port) {
        broker_options o = read_config(config).options;
        o.port = port;
        tcp_broker_options where;
        where.port = port;
        std::unique_ptr<tcp_broker> made = tcp_broker::listen(std::move(o), where).value();
        made->stop_grace = duration::zero();
        return made;
    }

    std::unique_ptr<tcp_broker> broker_;
    std::thread thread_;
};

/// nats-server keeps its own ports, so this object is kept while it is stopped.
class process final : public running_server {
public:
    process(const std::filesystem::path& program, std::string_view config)
        : server_(program, config) {}
    [[nodiscard]] std::string address() const override { return server_.address(); }
    void retire() override { server_.retire(); }
    [[nodiscard]] nats_server& server() { return server_; }

private:
    nats_server server_;
};

class scripted final : public running_server {
public:
    explicit scripted(const script& s)
        : server_([s](raw_peer& peer) {
              peer.send(s.greeting);
              if (!s.answer.empty()) {
                  while (peer.read_line() != "PING") continue;
                  peer.send(s.answer);
              }
              if (!s.closes) peer.wait_for_close();
          }) {}
    [[nodiscard]] std::string address() const override { return server_.address(); }
    void retire() override { throw std::logic_error("a script does not retire"); }

private:
    raw_server server_;
};

} // namespace

real_world::real_world(std::string name, connect_function how,
                       std::optional<std::filesystem::path> program)
    : name_(std::move(name)), connect_(how), program_(std::move(program)) {}
real_world::~real_world() = default;

std::string real_world::address(std::size_t server) {
    place& p = places_[server];
    if (p.address.empty()) p.address = "127.0.0.1:" + std::to_string(closed_port());
    return p.address;
}

std::map<std::size_t, std::string> real_world::addresses() const {
    std::map<std::size_t, std::string> out;
    for (const auto& [number, p] : places_) out.emplace(number, p.address);
    return out;
}

void real_world::start(std::size_t server, std::string_view config) {
    place& p = places_[server];
    if (auto* before = dynamic_cast<process*>(p.served.get()); before != nullptr) {
        before->server().restart(config);
        return;
    }
    p.served.reset();
    if (program_)
        p.served = std::make_unique<process>(*program_, config);
    else
        p.served = std::make_unique<broker_in_a_thread>(config, port_of(p.address));
    p.address = p.served->address();
}

void real_world::start(std::size_t server, const script& s) {
    place& p = places_[server];
    p.served = std::make_unique<scripted>(s);
    p.address = p.served->address();
}

void real_world::stop(std::size_t server) {
    place& p = places_[server];
    if (auto* running = dynamic_cast<process*>(p.served.get()); running != nullptr)
        running->server().stop();
    else
        p.served.reset();
}

void real_world::retire(std::size_t server) {
    places_[server].served->retire();
}

result<std::unique_ptr<connection>> connect_blocking(const options& o, event_handler on_event) {
    const blocking_options b{
        .on_event = [](void* f, const event& e) { (*static_cast<event_handler*>(f))(e); },
        .on_event_context = &on_event};
    result<client> made = client::connect(o, b);
    if (!made) return made.error();
    made->on_event(std::move(on_event));
    return std::unique_ptr<connection>(std::make_unique<connection_over<client>>(std::move(*made)));
}

} // namespace nats::test
