// SPDX-License-Identifier: Apache-2.0
//
// A connector that does what the test says.

#pragma once

#include <natsproto/asio/transport.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {

class test_connector : public aio::connector {
public:
    using opener = std::function<void(const boost::asio::any_io_executor& ex, const endpoint& to,
                                      aio::connect_handler done)>;

    explicit test_connector(opener f) : open_(std::move(f)) {}

    void open(const boost::asio::any_io_executor& ex, const endpoint& to, time_point deadline,
              aio::connect_handler done) override {
        asked.push_back(to.text());
        last_deadline = deadline;
        open_(ex, to, std::move(done));
    }
    void cancel() noexcept override { ++cancelled; }

    std::vector<std::string> asked;
    time_point last_deadline{};
    int cancelled = 0;

private:
    opener open_;
};

} // namespace nats::test
