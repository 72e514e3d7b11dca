// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with JetStream: a server that has it, and a client's JetStream.

#pragma once

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/pub_ack.hpp>

#include "integration/jetstream_under_test.hpp"
#include "integration/scratch.hpp"
#include "integration/server_test.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace nats::test {

class jetstream_test : public server_test {
protected:
    void SetUp() override {
        server_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        (void)start_jetstream();
    }
    /// Whether the server is of that generation or a later one.
    [[nodiscard]] static bool since(generation g) { return GetParam() >= g; }

    [[nodiscard]] bool at_least(int major, int minor) {
        return nc().info().version_at_least(major, minor, 0);
    }

    /// Another server in its place, with this in the `jetstream` of its configuration.
    nats_server& start_jetstream(const std::string& settings = {}) {
        js_.reset();
        nc_.reset();
        nats_server& s = start("jetstream { store_dir: \"" + files_.path("jetstream") + "\"\n" +
                               settings + " }\n");
        nc_.emplace(connect());
        js_.emplace(*nc_);
        return s;
    }
    js::stream_info make(const js::stream_config& c) { return js().create_stream(c).value(); }
    /// Stores it, and waits until it is.
    void store(std::string_view subject, std::string_view payload, header_view h = {}) {
        js::pub_ack ack;
        const message reply = nc().request(subject, payload, long_enough, h).value();
        const result<void> stored = js::decode(reply.payload(), ack);
        ASSERT_TRUE(stored) << stored.error().message();
    }
    [[nodiscard]] client& nc() { return *nc_; }
    [[nodiscard]] jetstream& js() { return *js_; }

private:
    scratch files_;
    std::optional<client> nc_;
    std::optional<jetstream> js_;
};

/// The server's number of an error; fails the test when there is none.
template <class T>
[[nodiscard]] std::uint16_t api_code_of(const result<T>& r) {
    if (r) {
        ADD_FAILURE() << "no error";
        return 0;
    }
    EXPECT_EQ(r.error().code(), errc::jetstream_error) << r.error().message();
    return r.error().api_code();
}

[[nodiscard]] constexpr std::uint16_t number(js::api_code c) noexcept {
    return static_cast<std::uint16_t>(c);
}

} // namespace nats::test
