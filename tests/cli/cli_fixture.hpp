// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the command line tool share: running it, and a server for it.

#pragma once

#include <natsproto/blocking/client.hpp>

#include "cli/program.hpp"
#include "cli/server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace nats::test {

using arguments = program::arguments;

inline arguments natsproto(arguments args) {
    args.insert(args.begin(), NATSPROTO_CLI_PATH);
    return args;
}

/// Runs the tool to its end, with `input` on stdin.
inline finished run_cli(arguments args, std::string_view input = {}, arguments variables = {}) {
    program p(natsproto(std::move(args)), std::move(variables));
    p.write(input);
    return p.wait();
}

[[nodiscard]] inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}
[[nodiscard]] inline std::ptrdiff_t lines_of(std::string_view text) {
    return std::count(text.begin(), text.end(), '\n');
}

inline void PrintTo(const finished& f, std::ostream* out) {
    *out << "exit code " << f.code << "\nstdout: " << f.out << "\nstderr: " << f.err;
}
inline void PrintTo(const generation& g, std::ostream* out) {
    *out << g.name;
}

/// Against a real server, of each generation.
class cli_test : public testing::TestWithParam<generation> {
protected:
    void SetUp() override {
        binary_ = find_server(GetParam()).value_or("");
        if (!binary_.empty()) return;
        const std::string text =
            std::string("no nats-server ") + GetParam().name + ": run scripts/servers";
        if (GetParam().first == 0) FAIL() << text;
        GTEST_SKIP() << text;
    }
    void TearDown() override {
        if (HasFailure() && server_) std::cerr << "the server's log:\n" << server_->log();
    }

    nats::test::server& start(std::string_view config = {}) {
        server_ = std::make_unique<nats::test::server>(binary_, config);
        return *server_;
    }
    nats::test::server& server() {
        if (!server_) start();
        return *server_;
    }
    /// Ends the server, and starts one in its place.
    void restart(std::string_view config = {}) {
        const std::string address = server().address();
        server_->stop();
        server_ = std::make_unique<nats::test::server>(binary_, config, address);
    }
    [[nodiscard]] arguments variables() { return {"NATS_URL=" + server().url()}; }

    /// Runs the tool to its end.
    finished cli(arguments args, std::string_view input = {}) {
        return run_cli(std::move(args), input, variables());
    }
    /// Starts the tool and waits until it has said that it listens.
    std::unique_ptr<program> listening(arguments args) {
        auto p = std::make_unique<program>(natsproto(std::move(args)), variables());
        p->wait_for("ing on ");
        return p;
    }
    /// Runs a line of sh, in which $CLI is the tool.
    finished shell(const std::string& line) {
        return program({"/bin/sh", "-c", line}, shell_variables()).wait();
    }
    [[nodiscard]] arguments shell_variables() {
        arguments v = variables();
        v.push_back(std::string("CLI=") + NATSPROTO_CLI_PATH);
        return v;
    }
    /// The other side of what is tested.
    [[nodiscard]] client peer() { return client::connect(server().url()).value(); }

private:
    std::filesystem::path binary_;
    std::unique_ptr<nats::test::server> server_;
};

/// Subscribes, and makes sure that the server knows.
[[nodiscard]] inline subscription subscribed(client& nc, std::string_view subject) {
    subscription sub = nc.subscribe(subject).value();
    (void)nc.flush().value();
    return sub;
}
[[nodiscard]] inline message next(subscription& sub) {
    return sub.next(patience).value();
}

} // namespace nats::test

/// Instantiates a suite for the generations that scripts/servers fetches.
#define NATSPROTO_ON_EVERY_SERVER(suite)                                                 \
    INSTANTIATE_TEST_SUITE_P(servers, suite,                                             \
                             testing::Values(nats::test::generation{"v2_9", 0, 9},       \
                                             nats::test::generation{"v2_10", 10, 14},    \
                                             nats::test::generation{"newest", 15, 999}), \
                             [](const auto& g) { return std::string(g.param.name); })
