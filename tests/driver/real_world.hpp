// SPDX-License-Identifier: Apache-2.0
//
// Sockets and the real clock: the embedded broker in threads, or nats-servers, and clients of a
// driver.

#pragma once

#include "driver/world.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace nats::test {

/// Connects a client of some driver.
using connect_function = result<std::unique_ptr<connection>> (*)(const options& o,
                                                                 event_handler on_event);

[[nodiscard]] result<std::unique_ptr<connection>> connect_blocking(const options& o,
                                                                   event_handler on_event);
[[nodiscard]] result<std::unique_ptr<connection>> connect_on_asio(const options& o,
                                                                  event_handler on_event);

/// A server that runs.
class running_server {
public:
    running_server() = default;
    running_server(const running_server&) = delete;
    running_server& operator=(const running_server&) = delete;
    virtual ~running_server() = default; ///< stops it at once

    [[nodiscard]] virtual std::string address() const = 0;
    virtual void retire() = 0;
};

class real_world final : public world {
public:
    /// Without a program: the embedded broker.
    real_world(std::string name, connect_function how,
               std::optional<std::filesystem::path> program = {});
    ~real_world() override;

    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] std::string address(std::size_t server) override;
    [[nodiscard]] std::map<std::size_t, std::string> addresses() const override;
    void start(std::size_t server, std::string_view config) override;
    void start(std::size_t server, const script& s) override;
    void stop(std::size_t server) override;
    void retire(std::size_t server) override;
    [[nodiscard]] result<std::unique_ptr<connection>> connect(const options& o,
                                                              event_handler on_event) override {
        return connect_(o, std::move(on_event));
    }

private:
    struct place {
        std::string address;
        std::unique_ptr<running_server> served;
    };

    std::string name_;
    connect_function connect_;
    std::optional<std::filesystem::path> program_;
    std::map<std::size_t, place> places_;
};

} // namespace nats::test
