// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the first node chooses its route port itself, the others are told of it and
// find each other by gossip. Routes are there when each node's monitoring counts them.

#include "integration/cluster.hpp"
#include "integration/waiting.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace nats::test {

cluster::cluster(const std::filesystem::path& program, std::string config)
    : config_(std::move(config)) {
    for (std::size_t i = 0; i < size; ++i)
        nodes_[i] = std::make_unique<nats_server>(program, config_of(i));
    wait_for_routes();
}

std::string cluster::config_of(std::size_t i) const {
    // JetStream wants to know how many it will be; nobody listens on ports 1 to 3.
    const bool counts = config_.find("jetstream") != std::string::npos;
    std::string routes;
    for (std::size_t other = 0; other < size; ++other) {
        if (other == i || (!nodes_[other] && !counts)) continue;
        if (!routes.empty()) routes += ", ";
        const std::size_t port = nodes_[other] ? nodes_[other]->route_port() : 1 + other;
        routes += "\"nats://127.0.0.1:" + std::to_string(port) + '"';
    }
    const std::string name = 'n' + std::to_string(i);
    std::string config = config_;
    constexpr std::string_view placeholder = "${NODE}";
    for (std::size_t at = 0; (at = config.find(placeholder)) != std::string::npos;)
        config.replace(at, placeholder.size(), name);
    return "server_name: \"" + name +
           "\"\ncluster { name: \"c\", listen: \"127.0.0.1:${ROUTE_PORT}\", routes: [" + routes +
           "] }\n" + config;
}

std::string cluster::urls() const {
    std::string out;
    for (const auto& node : nodes_) out += (out.empty() ? "" : ",") + node->url();
    return out;
}

std::size_t cluster::index_of(const std::string& address) const {
    const auto found = std::ranges::find_if(
        nodes_, [&address](const auto& node) { return node->address() == address; });
    if (found == nodes_.end()) throw std::logic_error("no node has the address " + address);
    return static_cast<std::size_t>(found - nodes_.begin());
}

std::size_t cluster::index_of_name(std::string_view name) {
    for (std::size_t i = 0; i < size; ++i) {
        if (name == 'n' + std::to_string(i)) return i;
    }
    throw std::logic_error("no node has the name " + std::string(name));
}

void cluster::restart_all(std::string config) {
    config_ = std::move(config);
    for (const auto& node : nodes_) node->kill();
    for (std::size_t i = 0; i < size; ++i) nodes_[i]->restart(config_of(i));
    wait_for_routes();
}

void cluster::restart(std::size_t i) {
    nodes_[i]->restart(config_of(i));
    wait_for_routes();
}

void cluster::wait_for_routes() const {
    const auto complete = [](const nats_server& node) {
        // Since 2.10 there are several routes to each.
        const std::string routes = node.monitor("/routez");
        std::set<std::string> others;
        constexpr std::string_view key = "\"remote_id\": \"";
        for (std::size_t at = 0; (at = routes.find(key, at)) != std::string::npos;) {
            at += key.size();
            others.insert(routes.substr(at, routes.find('"', at) - at));
        }
        return others.size() == size - 1;
    };
    const auto all = [&] {
        return std::ranges::all_of(nodes_, [&](const auto& node) { return complete(*node); });
    };
    if (!wait_until(all, std::chrono::seconds(20)))
        throw std::runtime_error("the cluster does not come together:\n" + nodes_[0]->log());
}

} // namespace nats::test
