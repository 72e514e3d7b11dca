// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the JetStream commands share: a server that stores.

#pragma once

#include "cli/cli_fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace nats::test {

/// A directory that is gone when the object is.
class scratch_directory {
public:
    scratch_directory() {
        std::string name =
            (std::filesystem::temp_directory_path() / "natsproto-cli-js-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
    ~scratch_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
    /// Writes a file; its name.
    [[nodiscard]] std::string write(std::string_view name, std::string_view text) const {
        std::ofstream(path_ / name) << text;
        return file(name);
    }

private:
    std::filesystem::path path_;
};

/// A base before the test's, so that it goes after the server.
struct scratch_home {
    scratch_directory directory;
};

class jetstream_cli_test : private scratch_home, public cli_test {
protected:
    void SetUp() override {
        cli_test::SetUp();
        if (IsSkipped() || HasFailure()) return;
        start_storing();
    }
    void start_storing(std::string_view config = {}, std::string_view jetstream = {}) {
        start(storing(jetstream) + std::string(config));
    }
    /// Ends it, and starts it again with what it has stored.
    void restart_storing() { restart(storing({})); }
    [[nodiscard]] const scratch_directory& files() const noexcept { return directory; }
    [[nodiscard]] bool is_before(int minor) const { return GetParam().first < minor; }

    /// Runs what must go well; what it printed.
    std::string run(arguments args, std::string_view input = {}) {
        const finished f = cli(args, input);
        std::string line;
        for (const std::string& word : args) line += ' ' + word;
        EXPECT_EQ(f.code, 0) << line << '\n' << f.err;
        return f.out;
    }
    /// The stream ORDERS, which listens to orders.>, with messages `1`, `2`, ... on orders.new.
    void make_orders(int messages = 0, arguments flags = {}) {
        arguments line{"stream", "add", "ORDERS", "--subjects", "orders.>"};
        line.insert(line.end(), flags.begin(), flags.end());
        (void)run(line);
        if (messages == 0) return;
        (void)run({"pub", "-J", "orders.new", "{{Count}}", "--templates", "--count",
                   std::to_string(messages)});
    }

private:
    [[nodiscard]] std::string storing(std::string_view more) const {
        return "jetstream { store_dir: \"" + directory.file("store") + "\"\n" + std::string(more) +
               "}\n";
    }
};

/// Runs the tool where no server is: what it says is told before it connects.
inline finished run_alone(arguments args) {
    return run_cli(std::move(args), "", {"NATS_URL=nats://127.0.0.1:1"});
}

} // namespace nats::test
