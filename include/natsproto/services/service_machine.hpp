// SPDX-License-Identifier: Apache-2.0
//
// What a service knows and says of itself, as a machine: no session, no clock. Its endpoints, their
// statistics, and the answers to those who ask.

#pragma once

#include <natsproto/result.hpp>
#include <natsproto/services/responses.hpp>
#include <natsproto/services/service_config.hpp>
#include <natsproto/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nats::services {

/// What can be asked.
enum class verb : std::uint8_t { ping, info, stats };
inline constexpr std::array verbs{verb::ping, verb::info, verb::stats};

/// `PING`, `INFO`, `STATS`
[[nodiscard]] std::string_view name_of(verb v) noexcept;

/// Where a question is asked: `$SRV.PING`, `$SRV.PING.name` or `$SRV.PING.name.id`.
[[nodiscard]] std::string monitoring_subject(std::string_view prefix, verb v,
                                             std::string_view name = {}, std::string_view id = {});

class service_machine {
public:
    /// Both were checked.
    service_machine(service_config c, std::string_view id, wall_time started);

    /// Adds an endpoint, whose number is how many there were before. Errors: those of
    /// `check(endpoint_config)`; `invalid_subject`.
    [[nodiscard]] result<std::size_t> add_endpoint(const endpoint_config& e, const scope& in);
    /// Takes back the last one.
    void drop_last_endpoint() { endpoints_.pop_back(); }

    /// A request was dealt with. `failure`: `code:description` of an error response, or a text;
    /// empty if all was well.
    void handle_request(std::size_t endpoint, duration took, std::string_view failure);
    /// Something went wrong with an endpoint that is not one request.
    void handle_error(std::size_t endpoint, std::string_view text);
    /// All counters begin again.
    void reset(wall_time now);

    /// A user's part of the statistics: JSON, or empty for none.
    using data_source = std::string (*)(void* context, const endpoint_stats& of);

    [[nodiscard]] ping_response ping() const { return ping_response(who_); }
    [[nodiscard]] info_response info() const;
    /// What `source` says that is no JSON is left out.
    [[nodiscard]] stats_response stats(data_source source = nullptr, void* context = nullptr) const;
    /// The answer to a question: JSON.
    [[nodiscard]] result<std::string> answer(verb v, data_source source = nullptr,
                                             void* context = nullptr) const;

    [[nodiscard]] const service_config& config() const noexcept { return config_; }
    [[nodiscard]] const std::string& id() const noexcept { return who_.id; }
    [[nodiscard]] std::size_t endpoints() const noexcept { return endpoints_.size(); }
    [[nodiscard]] const endpoint_info& endpoint(std::size_t number) const {
        return endpoints_[number].info;
    }

private:
    struct counted {
        explicit counted(endpoint_info i) : info(std::move(i)) {}
        endpoint_info info;
        std::uint64_t requests = 0;
        std::uint64_t errors = 0;
        duration time{};
        std::string last_error;
    };
    [[nodiscard]] static endpoint_stats stats_of(const counted& e);

    service_config config_;
    identity who_;
    wall_time started_;
    std::vector<counted> endpoints_;
};

} // namespace nats::services
