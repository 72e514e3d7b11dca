// SPDX-License-Identifier: Apache-2.0
//
// A bucket, on any client: thin templates, a line for each call. `nats::kv_bucket` is this on the
// blocking client, where calls return `result<T>`; `nats::aio::kv_bucket` on the Asio client, where
// they are initiating functions as those of `basic_jetstream`. `kv_reader` is the part of it that
// only reads, for code that is not to write.
//
// Both are got from `key_value`, are copyable, and share the client's connection. What bucket they
// are of, and how it is reached, is as it was found then: after a change of its mirror or its
// settings for direct reads or expiry, bind it anew. Arguments are copied. Threads: as the client.
//
// Errors of every call: what is wrong with its arguments, before anything is sent, such as
// `invalid_key`; `timeout` after the context's; those that the call names; and those of JetStream.
// An error of a call that writes leaves open whether it was done if it is `timeout` or about the
// connection.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/basic_watch.hpp>
#include <natsproto/key_value/bucket_config.hpp>
#include <natsproto/key_value/bucket_ops.hpp>
#include <natsproto/key_value/location.hpp>
#include <natsproto/key_value/names.hpp>
#include <natsproto/key_value/requests.hpp>
#include <natsproto/key_value/sequences.hpp>
#include <natsproto/key_value/watch.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats {

namespace kv {

using watch_handler = std::function<void(const watch_event_view&)>;

} // namespace kv

template <class Jetstream>
class basic_kv_reader {
public:
    using handle_type = typename Jetstream::handle_type;
    using watch_type = basic_watch<handle_type, kv::watch_reader>;

    basic_kv_reader() noexcept = default; ///< of no bucket: only to be assigned to
    /// For `key_value`.
    basic_kv_reader(const Jetstream& js, kv::location at)
        : js_(js), at_(std::make_shared<kv::location>(std::move(at))) {}

    /// The bucket's name.
    [[nodiscard]] const std::string& name() const noexcept { return at_->bucket; }
    [[nodiscard]] const kv::location& location() const noexcept { return *at_; }

    /// The newest value of a key: `kv::entry`. Errors: `key_not_found`, also when it was deleted.
    template <class... Token>
    auto get(std::string_view key, const kv::get_options& o = {}, Token&&... token) {
        return client().run([r = kv::encode_get(*at_, key, o)](
                                runtime& rt) mutable { return kv::get(rt, std::move(r)); },
                            std::forward<Token>(token)...);
    }
    /// The newest value of each of these keys that has one: `std::vector<kv::entry>`, in their
    /// order. One request for up to 1024 keys where the server can do that (2.11).
    template <class... Token>
    auto get_many(std::vector<std::string> keys, Token&&... token) {
        return client().run(
            [at = *at_, keys = std::move(keys)](runtime& rt) mutable {
                return kv::get_many(rt, std::move(at), std::move(keys));
            },
            std::forward<Token>(token)...);
    }
    /// The keys that have a value, in the order of their bytes: `std::vector<std::string>`. For
    /// more of them than should be in memory: a `watch` with `ignore_deletes`, `meta_only` and
    /// `initial_only`.
    template <class... Token>
    auto keys(kv::key_filters filters = {}, Token&&... token) {
        return client().run(
            [at = *at_, filters = std::move(filters)](runtime& rt) mutable {
                return kv::list_keys(rt, std::move(at), std::move(filters));
            },
            std::forward<Token>(token)...);
    }
    /// All that is kept of a key, markers too, the oldest first: `std::vector<kv::entry>`. Errors:
    /// `key_not_found`.
    template <class... Token>
    auto history(kv::key_filters key, Token&&... token) {
        return client().run(
            [at = *at_, key = std::move(key)](runtime& rt) mutable {
                return kv::history(rt, std::move(at), std::move(key));
            },
            std::forward<Token>(token)...);
    }
    /// `kv::bucket_status`. Errors: `bucket_not_found`.
    template <class... Token>
    auto status(Token&&... token) {
        return client().run(
            [c = js_->settings(), name = at_->bucket](runtime& rt) mutable {
                return kv::find_bucket(rt, std::move(c), std::move(name));
            },
            std::forward<Token>(token)...);
    }

    /// What is there, and each change as it comes, to be asked for by `next`. Errors: of the
    /// arguments; `not_connected` before the first connection. Those of the server end the watch.
    [[nodiscard]] result<watch_type> watch(const kv::key_filters& keys = {},
                                           const kv::watch_options& o = {}) {
        return watch_type::begin(client(), kv::encode_watch(*at_, keys, o), {});
    }
    /// The same with a handler, called as that of a subscription. It may stop or destroy the watch.
    [[nodiscard]] result<watch_type> watch(kv::watch_handler handler,
                                           const kv::key_filters& keys = {},
                                           const kv::watch_options& o = {}) {
        if (!handler) return error{errc::invalid_argument, "no handler"};
        return watch_type::begin(client(), kv::encode_watch(*at_, keys, o), std::move(handler));
    }

protected:
    [[nodiscard]] handle_type& client() noexcept { return js_->client(); }

    std::optional<Jetstream> js_;
    std::shared_ptr<const kv::location> at_;
};

template <class Jetstream>
class basic_kv_bucket : public basic_kv_reader<Jetstream> {
public:
    using basic_kv_reader<Jetstream>::basic_kv_reader;

    /// Writes a value: `std::uint64_t`, its revision.
    template <class... Token>
    auto put(std::string_view key, bytes value, Token&&... token) {
        return write(kv::encode_put(*this->at_, key, value), std::forward<Token>(token)...);
    }
    /// Writes a value if the key has none: its revision. Errors: `key_exists`; `ttl_not_supported`.
    template <class... Token>
    auto create(std::string_view key, bytes value, const kv::create_options& o = {},
                Token&&... token) {
        return this->client().run([r = kv::create_request::make(*this->at_, key, value, o)](
                                      runtime& rt) mutable { return kv::create(rt, std::move(r)); },
                                  std::forward<Token>(token)...);
    }
    /// Writes a value if the key's newest revision is this one (0: the key was never there): its
    /// new revision. Errors: `wrong_revision`.
    template <class... Token>
    auto update(std::string_view key, bytes value, std::uint64_t revision, Token&&... token) {
        return write(kv::encode_update(*this->at_, key, value, revision),
                     std::forward<Token>(token)...);
    }
    /// Deletes a key: the revision of the marker, which is written whether the key is there or not.
    /// What the history has of it stays. Errors: `wrong_revision`, if one is expected.
    template <class... Token>
    auto remove(std::string_view key, const kv::delete_options& o = {}, Token&&... token) {
        return write(kv::encode_delete(*this->at_, key, o), std::forward<Token>(token)...);
    }
    /// The same, and all older revisions go. Errors: also `ttl_not_supported`.
    template <class... Token>
    auto purge(std::string_view key, const kv::purge_options& o = {}, Token&&... token) {
        return write(kv::encode_purge(*this->at_, key, o), std::forward<Token>(token)...);
    }
    /// Removes what deleted keys have left behind: `std::uint64_t`, how many messages. What is
    /// written meanwhile stays.
    template <class... Token>
    auto purge_deletes(kv::purge_deletes_options o = {}, Token&&... token) {
        if (!o.now) o.now = std::chrono::system_clock::now();
        return this->client().run(
            [at = *this->at_, o](runtime& rt) mutable {
                return kv::purge_deletes(rt, std::move(at), o);
            },
            std::forward<Token>(token)...);
    }
    /// The part that only reads.
    [[nodiscard]] basic_kv_reader<Jetstream> reader() const { return *this; }

private:
    template <class... Token>
    auto write(result<js::publish_request> r, Token&&... token) {
        return this->client().run(
            [r = std::move(r)](runtime& rt) mutable { return kv::write(rt, std::move(r)); },
            std::forward<Token>(token)...);
    }
};

} // namespace nats
