// SPDX-License-Identifier: Apache-2.0
//
// Buckets of objects (ADR-20), made and found on any client: `nats::object_store` on the blocking
// client, where calls return `result<T>`; `nats::aio::object_store` on the Asio client, where they
// are initiating functions with a completion token as their last argument. Needs nats-server 2.9.
//
// Errors of every call: `invalid_name` for a name that no bucket can have, before anything is sent;
// those of JetStream's API.

#pragma once

#include <natsproto/object_store/basic_object_bucket.hpp>
#include <natsproto/object_store/bucket_config.hpp>
#include <natsproto/object_store/bucket_ops.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace nats {

namespace obj::detail {

template <class Bucket, class Handle>
[[nodiscard]] op<result<Bucket>> bound(runtime& /*rt*/, Handle client, op<result<bucket>> inner) {
    result<bucket> b = co_await std::move(inner);
    if (!b) co_return b.error();
    co_return Bucket(std::move(client), std::move(*b));
}

} // namespace obj::detail

/// It shares the connection of the JetStream that it was made from. Copyable. Threads: as the
/// client.
template <class Jetstream>
class basic_object_store {
public:
    using handle_type = typename Jetstream::handle_type;
    using bucket_type = basic_object_bucket<handle_type>;

    explicit basic_object_store(Jetstream js) : js_(std::move(js)) {}

    /// Makes a bucket: a `basic_object_bucket`. One that is there with the same configuration is as
    /// good. Errors: `bucket_exists`.
    template <class... Token>
    auto create(obj::bucket_config c, Token&&... token) {
        return open(
            [c = std::move(c)](runtime& rt, js::context s) mutable {
                return obj::create_bucket(rt, std::move(s), std::move(c));
            },
            std::forward<Token>(token)...);
    }
    /// Changes a bucket to this configuration as a whole: begin with `config_of` its status.
    /// Errors: `bucket_not_found`.
    template <class... Token>
    auto update(obj::bucket_config c, Token&&... token) {
        return open(
            [c = std::move(c)](runtime& rt, js::context s) mutable {
                return obj::update_bucket(rt, std::move(s), std::move(c));
            },
            std::forward<Token>(token)...);
    }
    template <class... Token>
    auto create_or_update(obj::bucket_config c, Token&&... token) {
        return open(
            [c = std::move(c)](runtime& rt, js::context s) mutable {
                return obj::create_or_update_bucket(rt, std::move(s), std::move(c));
            },
            std::forward<Token>(token)...);
    }
    /// A bucket that is there. Errors: `bucket_not_found`; `not_a_bucket`.
    template <class... Token>
    auto bind(std::string_view bucket, Token&&... token) {
        return open(
            [n = std::string(bucket)](runtime& rt, js::context s) mutable {
                return obj::bind_bucket(rt, std::move(s), std::move(n));
            },
            std::forward<Token>(token)...);
    }
    /// Deletes a bucket and all that is in it: `void`. Errors: `bucket_not_found`.
    template <class... Token>
    auto remove(std::string_view bucket, Token&&... token) {
        return run(
            [n = std::string(bucket)](runtime& rt, js::context s) mutable {
                return obj::remove_bucket(rt, std::move(s), std::move(n));
            },
            std::forward<Token>(token)...);
    }
    /// A `bucket_status`. Errors: as `bind`.
    template <class... Token>
    auto status(std::string_view bucket, Token&&... token) {
        return run(
            [n = std::string(bucket)](runtime& rt, js::context s) mutable {
                return obj::get_status(rt, std::move(s), std::move(n));
            },
            std::forward<Token>(token)...);
    }
    /// The names of all buckets: `std::vector<std::string>`.
    template <class... Token>
    auto names(Token&&... token) {
        return run([](runtime& rt, js::context s) { return obj::bucket_names(rt, std::move(s)); },
                   std::forward<Token>(token)...);
    }
    /// All buckets: `std::vector<bucket_status>`.
    template <class... Token>
    auto list(Token&&... token) {
        return run([](runtime& rt, js::context s) { return obj::list_buckets(rt, std::move(s)); },
                   std::forward<Token>(token)...);
    }

private:
    template <class Make, class... Token>
    auto run(Make make, Token&&... token) {
        return js_.client().run([s = js_.settings(), make = std::move(make)](
                                    runtime& rt) mutable { return make(rt, std::move(s)); },
                                std::forward<Token>(token)...);
    }
    template <class Make, class... Token>
    auto open(Make make, Token&&... token) {
        return js_.client().run(
            [h = js_.client(), s = js_.settings(), make = std::move(make)](runtime& rt) mutable {
                return obj::detail::bound<bucket_type>(rt, std::move(h), make(rt, std::move(s)));
            },
            std::forward<Token>(token)...);
    }

    Jetstream js_;
};

} // namespace nats
