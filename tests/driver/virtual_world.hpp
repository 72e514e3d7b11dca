// SPDX-License-Identifier: Apache-2.0
//
// Virtual time: the embedded broker without I/O, a session with its runtime for each client, bytes
// that are copied, and a clock that moves when nothing else can happen.

#pragma once

#include <natsproto/broker/broker.hpp>
#include <natsproto/random.hpp>
#include <natsproto/time.hpp>

#include "driver/world.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

/// A client's end of a transport. Nothing of it waits.
class virtual_link {
public:
    virtual_link() = default;
    virtual_link(const virtual_link&) = delete;
    virtual_link& operator=(const virtual_link&) = delete;
    virtual ~virtual_link() = default;

    /// How much was taken.
    [[nodiscard]] virtual std::size_t write(bytes b, time_point now) = 0;
    [[nodiscard]] virtual std::size_t read(std::span<char> into, time_point now) = 0;
    /// Nothing more will come.
    [[nodiscard]] virtual bool ended() const = 0;
};

class broker_link;

class virtual_world final : public world {
public:
    virtual_world();
    ~virtual_world() override;

    [[nodiscard]] std::string name() const override { return "virtual time"; }
    [[nodiscard]] std::string address(std::size_t server) override;
    [[nodiscard]] std::map<std::size_t, std::string> addresses() const override;
    void start(std::size_t server, std::string_view config) override;
    void start(std::size_t server, const script& s) override;
    void stop(std::size_t server) override;
    void retire(std::size_t server) override;
    [[nodiscard]] result<std::unique_ptr<connection>> connect(const options& o,
                                                              event_handler on_event) override;

    // --- for clients
    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// The next thing that a server does by itself.
    [[nodiscard]] time_point next() const;
    void advance_to(time_point t);
    /// Null: refused.
    [[nodiscard]] std::shared_ptr<virtual_link> open(const std::string& address);
    [[nodiscard]] random_source& random() noexcept { return random_; }

private:
    struct place {
        std::unique_ptr<broker> served;
        std::vector<std::weak_ptr<broker_link>> links;
        std::optional<script> scripted;
        std::shared_ptr<bool> up; ///< false when the script's server was stopped
    };
    place& at(std::size_t server);

    seeded_random random_{1};
    time_point now_;
    std::map<std::size_t, place> places_;
};

} // namespace nats::test
