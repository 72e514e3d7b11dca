// SPDX-License-Identifier: Apache-2.0
//
// Key-value buckets on any client (ADR-8): what makes, finds and removes them. `nats::key_value` is
// this on the blocking client, `nats::aio::key_value` on the Asio client; made from a `jetstream`,
// whose context it uses, and which it may outlive. Copyable. Threads: as the client.
//
// Errors of every call: `invalid_name` before anything is sent; `bucket_not_found`; `not_a_bucket`
// for a stream that only has the name of one; those of JetStream's management.

#pragma once

#include <natsproto/key_value/basic_kv_bucket.hpp>
#include <natsproto/key_value/bucket_config.hpp>
#include <natsproto/key_value/bucket_ops.hpp>
#include <natsproto/key_value/location.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace nats {

namespace kv::detail {

/// The handle of the bucket that `inner` finds.
template <class Bucket, class Jetstream>
[[nodiscard]] op<result<Bucket>> open(runtime& /*rt*/, Jetstream js,
                                      op<result<bucket_status>> inner) {
    result<bucket_status> s = co_await std::move(inner);
    if (!s) co_return s.error();
    result<location> at = locate(js.settings(), *s);
    if (!at) co_return at.error();
    co_return Bucket(js, std::move(*at));
}

} // namespace kv::detail

template <class Jetstream>
class basic_key_value {
public:
    using bucket_type = basic_kv_bucket<Jetstream>;
    using reader_type = basic_kv_reader<Jetstream>;

    explicit basic_key_value(Jetstream js) : js_(std::move(js)) {}

    /// Makes a bucket; one that is there with the same configuration is as good. `kv_bucket`.
    /// Errors: `bucket_exists`; `ttl_not_supported` for a `limit_marker_ttl` before server 2.11;
    /// `invalid_argument`.
    template <class... Token>
    auto create(kv::bucket_config config, Token&&... token) {
        return open<bucket_type>(&kv::create_bucket, std::move(config),
                                 std::forward<Token>(token)...);
    }
    /// Has a bucket be what this says as a whole: begin with the `config()` of its status.
    /// `kv_bucket`.
    template <class... Token>
    auto update(kv::bucket_config config, Token&&... token) {
        return open<bucket_type>(&kv::update_bucket, std::move(config),
                                 std::forward<Token>(token)...);
    }
    template <class... Token>
    auto create_or_update(kv::bucket_config config, Token&&... token) {
        return open<bucket_type>(&kv::create_or_update_bucket, std::move(config),
                                 std::forward<Token>(token)...);
    }
    /// A bucket that is there: `kv_bucket`.
    template <class... Token>
    auto bind(std::string_view bucket, Token&&... token) {
        return open<bucket_type>(&kv::find_bucket, std::string(bucket),
                                 std::forward<Token>(token)...);
    }
    /// The same for reading only: `kv_reader`.
    template <class... Token>
    auto bind_reader(std::string_view bucket, Token&&... token) {
        return open<reader_type>(&kv::find_bucket, std::string(bucket),
                                 std::forward<Token>(token)...);
    }
    /// Deletes a bucket, and all that is in it: `void`.
    template <class... Token>
    auto remove(std::string_view bucket, Token&&... token) {
        return run(&kv::remove_bucket, std::string(bucket), std::forward<Token>(token)...);
    }
    /// `kv::bucket_status`
    template <class... Token>
    auto status(std::string_view bucket, Token&&... token) {
        return run(&kv::find_bucket, std::string(bucket), std::forward<Token>(token)...);
    }
    /// What buckets there are: `std::vector<std::string>`. `mirrors`: also those that are copies,
    /// for which the names of all streams have to be looked at.
    template <class... Token>
    auto names(bool mirrors = false, Token&&... token) {
        return run(&kv::list_bucket_names, mirrors, std::forward<Token>(token)...);
    }
    /// The same with what is in them: `std::vector<kv::bucket_status>`.
    template <class... Token>
    auto list(bool mirrors = false, Token&&... token) {
        return run(&kv::list_buckets, mirrors, std::forward<Token>(token)...);
    }

    [[nodiscard]] Jetstream& jetstream() noexcept { return js_; }

private:
    template <class Result, class Argument, class... Token>
    auto run(op<Result> (*f)(runtime&, js::context, Argument), Argument a, Token&&... token) {
        return js_.client().run(
            [f, c = js_.settings(), a = std::move(a)](runtime& rt) mutable {
                return f(rt, std::move(c), std::move(a));
            },
            std::forward<Token>(token)...);
    }
    template <class Bucket, class Argument, class... Token>
    auto open(op<result<kv::bucket_status>> (*f)(runtime&, js::context, Argument), Argument a,
              Token&&... token) {
        return js_.client().run(
            [f, on = js_, a = std::move(a)](runtime& rt) mutable {
                js::context c = on.settings();
                return kv::detail::open<Bucket>(rt, std::move(on),
                                                f(rt, std::move(c), std::move(a)));
            },
            std::forward<Token>(token)...);
    }

    Jetstream js_;
};

} // namespace nats
