// SPDX-License-Identifier: Apache-2.0
//
// Three real servers that know each other.

#pragma once

#include <natsproto/time.hpp>

#include "integration/nats_server.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace nats::test {

/// For what a cluster of JetStream has to agree on: a server that has missed what another one says
/// of itself hears it again after half a minute.
inline constexpr duration cluster_patience = std::chrono::minutes(1);

class cluster {
public:
    static constexpr std::size_t size = 3;

    /// Returns when each has routes to the others and tells clients of them. `${NODE}` in `config`
    /// is the node's name: n0, n1 or n2.
    explicit cluster(const std::filesystem::path& program, std::string config = {});

    [[nodiscard]] nats_server& operator[](std::size_t i) { return *nodes_[i]; }
    /// All of them, as a list.
    [[nodiscard]] std::string urls() const;
    /// The index of the node with this address.
    [[nodiscard]] std::size_t index_of(const std::string& address) const;
    /// Of the node with this name.
    [[nodiscard]] static std::size_t index_of_name(std::string_view name);

    /// Starts a node again; returns when all routes are there.
    void restart(std::size_t i);
    /// The same with all of them at once and another configuration. Now each knows all others
    /// from the start, as JetStream wants it.
    void restart_all(std::string config);
    void wait_for_routes() const;

private:
    [[nodiscard]] std::string config_of(std::size_t i) const;

    std::string config_;
    std::array<std::unique_ptr<nats_server>, size> nodes_;
};

} // namespace nats::test
