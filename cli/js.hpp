// SPDX-License-Identifier: Apache-2.0
//
// What the JetStream commands share: the connection, and arguments that several have.

#pragma once

#include <natsproto/blocking/jetstream.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/result.hpp>

#include "common.hpp"

#include <CLI/App.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nats::cli {

/// Throws nats::exception for a prefix or a domain that is none.
[[nodiscard]] js::context context_of(const global_options& g);

/// A result, or why there is none: a refusal of the server, which was told already, ends the call
/// of a connection that `interrupt_when_refused`.
template <class T>
T unless_refused(const connection& nc, result<T> r) {
    if (!r) {
        if (r.error() == errc::interrupted) nc.check();
        throw exception(r.error());
    }
    if constexpr (!std::is_void_v<T>) return std::move(*r);
}

/// JetStream on a connection of its own.
class js_connection {
public:
    explicit js_connection(const global_options& g, lifetime l = lifetime::task);

    [[nodiscard]] jetstream* operator->() noexcept { return &js_; }
    [[nodiscard]] jetstream& operator*() noexcept { return js_; }
    [[nodiscard]] connection& nats() noexcept { return nc_; }
    template <class T>
    T take(result<T> r) const {
        return unless_refused(nc_, std::move(r));
    }

private:
    connection nc_;
    jetstream js_;
};

/// Buckets on a connection of their own: of keys or of objects.
template <class Buckets>
class bucket_connection {
public:
    explicit bucket_connection(const global_options& g, lifetime l = lifetime::task)
        : js_(g, l), buckets_(*js_) {}

    [[nodiscard]] Buckets* operator->() noexcept { return &buckets_; }
    [[nodiscard]] connection& nats() noexcept { return js_.nats(); }
    [[nodiscard]] auto bind(const std::string& bucket) { return take(buckets_.bind(bucket)); }
    template <class T>
    T take(result<T> r) const {
        return js_.take(std::move(r));
    }

private:
    js_connection js_;
    Buckets buckets_;
};

/// --json
void add_json(CLI::App& app, bool& target);
/// The name of a stream, the first argument of a command.
CLI::Option* add_stream_name(CLI::App& app, std::string& target);
/// The name of a consumer, behind that of its stream.
CLI::Option* add_consumer_name(CLI::App& app, std::string& target);
/// -f, for what nothing brings back; `require_force` throws usage_error if it was not given.
void add_force(CLI::App& app, bool& target);
void require_force(bool given, std::string_view what);
/// -f for commands that do without: whoever knows natscli may give it.
void accept_force(CLI::App& app);

/// Throw nats::exception.
void check_stream_name(std::string_view name);
void check_consumer_name(std::string_view name);
void check_filter(std::string_view subject);

/// What a configuration file has. Throws nats::exception.
[[nodiscard]] std::string read_config(const std::string& file);
/// The configuration in it. Throws usage_error too.
template <class Config>
[[nodiscard]] Config config_from(const std::string& file) {
    Config c;
    if (const result<void> read = js::decode(read_config(file), c); !read)
        throw usage_error(file + ": no configuration: " + printable(read.error().detail()));
    return c;
}

} // namespace nats::cli
