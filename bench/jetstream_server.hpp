// SPDX-License-Identifier: Apache-2.0
//
// A nats-server 2.10 with JetStream. Streams are to be in memory: its directory is for the rest.

#pragma once

#include "harness.hpp"
#include "nats_server.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace nats::bench {

class jetstream_server {
public:
    [[nodiscard]] const std::string& url() const noexcept { return server_.url(); }
    [[nodiscard]] std::uint16_t port() const { return port_of(url()); }

private:
    /// A directory that goes with this.
    struct directory {
        directory() {
            if (::mkdtemp(path.data()) == nullptr) die("mkdtemp");
        }
        directory(const directory&) = delete;
        directory& operator=(const directory&) = delete;
        ~directory() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
        std::string path =
            (std::filesystem::temp_directory_path() / "natsproto-bench-XXXXXX").string();
    };

    directory store_; // before the server, which uses it
    test::server server_ = nats_server("jetstream { store_dir: \"" + store_.path + "\" }\n");
};

/// What contenders share: made when the first of them needs it. Copies share it.
template <class T>
class on_demand {
public:
    T* operator->() const {
        if (!*shared_) shared_->emplace();
        return &**shared_;
    }

private:
    std::shared_ptr<std::optional<T>> shared_ = std::make_shared<std::optional<T>>();
};

} // namespace nats::bench
