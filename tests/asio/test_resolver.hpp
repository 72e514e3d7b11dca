// SPDX-License-Identifier: Apache-2.0
//
// A resolver that does what the test says.

#pragma once

#include <natsproto/asio/tcp_connector.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {

using tcp_addresses = std::vector<boost::asio::ip::tcp::endpoint>;

class test_resolver : public aio::resolver {
public:
    using answerer = std::function<void(std::uint16_t port, const handler& done)>;

    explicit test_resolver(answerer f) : answer_(std::move(f)) {}
    /// Answers at once.
    explicit test_resolver(tcp_addresses all)
        : answer_([all = std::move(all)](std::uint16_t, const handler& done) { done({}, all); }) {}

    void resolve(const boost::asio::any_io_executor& /*ex*/, const std::string& host,
                 std::uint16_t port, handler done) override {
        asked.push_back(host);
        answer_(port, done);
    }
    void cancel() noexcept override { ++cancelled; }

    std::vector<std::string> asked;
    int cancelled = 0;

private:
    answerer answer_;
};

[[nodiscard]] inline boost::asio::ip::tcp::endpoint address_at(std::string_view ip,
                                                               std::uint16_t port) {
    return {boost::asio::ip::make_address(ip), port};
}

} // namespace nats::test
