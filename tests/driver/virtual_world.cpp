// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a server's place is a number, and its address follows from that. Brokers
// act upon bytes when they are written; scripts do too. So the world itself has nothing to do but
// to say what time it is.

#include "driver/virtual_client.hpp"
#include "driver/virtual_world.hpp"
#include "integration/embedded/config.hpp"
#include "support/session_steps.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace nats::test {

namespace {

constexpr std::size_t first_port = 4222;
constexpr std::string_view host = "127.0.0.1:";

} // namespace

/// What the broker has sent is under way, as if in a socket: it comes also when the broker is gone.
class broker_link final : public virtual_link {
public:
    explicit broker_link(memory_transport t) noexcept : end_(std::move(t)) {}

    [[nodiscard]] std::size_t write(bytes b, time_point now) override {
        std::size_t taken = 0;
        return end_.write(b, taken, now) ? taken : b.size(); // a socket takes it for a while, too
    }
    [[nodiscard]] std::size_t read(std::span<char> into, time_point now) override {
        fetch(now);
        const std::size_t n = std::min(into.size(), under_way_.size());
        std::copy_n(under_way_.begin(), n, into.begin());
        under_way_.erase(0, n);
        return n;
    }
    [[nodiscard]] bool ended() const override { return end_.ended() && under_way_.empty(); }
    void fetch(time_point now) {
        std::array<char, 4096> part;
        while (const std::size_t n = end_.read(part, now)) under_way_.append(part.data(), n);
    }

private:
    memory_transport end_;
    std::string under_way_;
};

namespace {

class script_link final : public virtual_link {
public:
    script_link(script s, std::shared_ptr<bool> up)
        : script_(std::move(s)), up_(std::move(up)), out_(script_.greeting) {}

    [[nodiscard]] std::size_t write(bytes b, time_point /*now*/) override {
        got_ += b.text();
        if (!answered_ && !script_.answer.empty() && got_.find("PING\r\n") != std::string::npos) {
            answered_ = true;
            out_ += script_.answer;
        }
        return b.size();
    }
    [[nodiscard]] std::size_t read(std::span<char> into, time_point /*now*/) override {
        const std::size_t n = std::min(into.size(), out_.size());
        std::copy_n(out_.begin(), n, into.begin());
        out_.erase(0, n);
        return n;
    }
    [[nodiscard]] bool ended() const override {
        const bool said_all = answered_ || script_.answer.empty();
        return out_.empty() && ((script_.closes && said_all) || !*up_);
    }

private:
    script script_;
    std::shared_ptr<bool> up_;
    std::string out_;
    std::string got_;
    bool answered_ = false;
};

} // namespace

virtual_world::virtual_world() : now_(start_of_time) {}
virtual_world::~virtual_world() = default;

virtual_world::place& virtual_world::at(std::size_t server) {
    return places_[server];
}

std::string virtual_world::address(std::size_t server) {
    (void)at(server);
    return std::string(host) + std::to_string(first_port + server);
}

std::map<std::size_t, std::string> virtual_world::addresses() const {
    std::map<std::size_t, std::string> out;
    for (const auto& [number, p] : places_)
        out.emplace(number, std::string(host) + std::to_string(first_port + number));
    return out;
}

void virtual_world::start(std::size_t server, std::string_view config) {
    stop(server);
    broker_options o = read_config(config).options;
    o.port = static_cast<std::uint16_t>(first_port + server);
    at(server).served = broker::create(std::move(o), {&random_, nullptr, nullptr}, now_).value();
}

void virtual_world::start(std::size_t server, const script& s) {
    stop(server);
    at(server).scripted = s;
    at(server).up = std::make_shared<bool>(true);
}

void virtual_world::stop(std::size_t server) {
    place& p = at(server);
    if (p.served) {
        for (const std::weak_ptr<broker_link>& l : p.links) {
            if (const std::shared_ptr<broker_link> link = l.lock()) link->fetch(now_);
        }
        p.served->stop(now_, now_);
        p.served->handle_timeout(now_);
    }
    if (p.up) *p.up = false;
    p = {};
}

void virtual_world::retire(std::size_t server) {
    at(server).served->lame_duck(now_);
}

time_point virtual_world::next() const {
    time_point out = no_deadline;
    for (const auto& [number, p] : places_) {
        if (p.served) out = std::min(out, p.served->poll_timeout().value_or(no_deadline));
    }
    return out;
}

void virtual_world::advance_to(time_point t) {
    now_ = std::max(now_, t);
    for (auto& [number, p] : places_) {
        if (p.served) p.served->handle_timeout(now_);
    }
}

std::shared_ptr<virtual_link> virtual_world::open(const std::string& address) {
    std::size_t port = 0;
    if (!address.starts_with(host)) return nullptr;
    (void)std::from_chars(address.data() + host.size(), address.data() + address.size(), port);
    const auto found = places_.find(port - first_port);
    if (found == places_.end()) return nullptr;
    place& p = found->second;
    if (p.served && !p.served->stopping()) {
        auto made = std::make_shared<broker_link>(p.served->connect(now_));
        p.links.push_back(made);
        return made;
    }
    if (p.scripted) return std::make_shared<script_link>(*p.scripted, p.up);
    return nullptr;
}

result<std::unique_ptr<connection>> virtual_world::connect(const options& o,
                                                           event_handler on_event) {
    return connect_virtually(*this, o, std::move(on_event));
}

} // namespace nats::test
