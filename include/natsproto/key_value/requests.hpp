// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing single keys: what is sent, and the ops that wait for what comes of it.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/publish_options.hpp>
#include <natsproto/key_value/entry.hpp>
#include <natsproto/key_value/location.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nats::kv {

struct get_options {
    std::uint64_t revision = 0; ///< this one; 0: the newest
    bool markers = false;       ///< a marker is an entry too, and not `key_not_found`
    /// Asks the server that leads, which knows of every write that was acknowledged. By default any
    /// replica or mirror may answer, and be a little behind.
    bool from_leader = false;
};
static_assert(std::is_trivially_destructible_v<get_options>);

struct create_options {
    /// How long the key lives: at least a second, in whole seconds (what is left is rounded up).
    /// The bucket must have a `limit_marker_ttl` (2.11).
    std::optional<duration> ttl{};
};
static_assert(std::is_trivially_destructible_v<create_options>);

struct delete_options {
    std::optional<std::uint64_t> revision{}; ///< only if this is the key's newest
};
static_assert(std::is_trivially_destructible_v<delete_options>);

struct purge_options {
    std::optional<std::uint64_t> revision{}; ///< only if this is the key's newest
    std::optional<duration> ttl{};           ///< of the marker; as in `create_options`
};
static_assert(std::is_trivially_destructible_v<purge_options>);

// --- reading

struct read_request {
    explicit read_request(js::api_request r) : ask(std::move(r)) {}
    js::api_request ask;
    bool direct = false;
    bool markers = false;
    std::string bucket;
    std::string key;
    std::string subject; ///< that the answer must have
};

/// Errors: `invalid_key`.
[[nodiscard]] result<read_request> encode_get(const location& at, std::string_view key,
                                              const get_options& o = {});
/// Errors: `key_not_found`, also for a key that was deleted (the detail says so);
/// `bucket_not_found` and, for direct reads, `no_responders`; those of a request.
[[nodiscard]] op<result<entry>> get(runtime& rt, result<read_request> r);
/// The newest value of each key that has one, in the order of `keys`, with one request for up to
/// 1024 keys; from a server before 2.11, or a bucket without direct reads, with one each. Not all
/// of them need to be from the same moment. Errors: `invalid_key`; those of `get`, but
/// `key_not_found`.
[[nodiscard]] op<result<std::vector<entry>>> get_many(runtime& rt, location at,
                                                      std::vector<std::string> keys);

// --- writing. Errors: `invalid_key`, `ttl_not_supported`, `invalid_argument`.

[[nodiscard]] result<js::publish_request> encode_put(const location& at, std::string_view key,
                                                     bytes value);
[[nodiscard]] result<js::publish_request> encode_update(const location& at, std::string_view key,
                                                        bytes value, std::uint64_t revision);
[[nodiscard]] result<js::publish_request> encode_delete(const location& at, std::string_view key,
                                                        const delete_options& o = {});
[[nodiscard]] result<js::publish_request> encode_purge(const location& at, std::string_view key,
                                                       const purge_options& o = {});
/// The new revision. Errors: `wrong_revision`; `ttl_not_supported`; those of `js::publish`.
[[nodiscard]] op<result<std::uint64_t>> write(runtime& rt, result<js::publish_request> r);

/// A key that is not there, or only as a marker, whose revision then is expected.
class create_request {
public:
    [[nodiscard]] static result<create_request> make(const location& at, std::string_view key,
                                                     bytes value, const create_options& o);
    [[nodiscard]] result<js::publish_request> publish(std::uint64_t expected) const;
    /// What is there.
    [[nodiscard]] const read_request& look() const noexcept { return look_; }
    /// The same, asked of who must know; empty if the first one asks it already.
    [[nodiscard]] const std::optional<read_request>& look_closely() const noexcept {
        return look_closely_;
    }

private:
    create_request(js::publish_request first, read_request look)
        : first_(std::move(first)), look_(std::move(look)) {}

    js::publish_request first_;
    read_request look_;
    std::optional<read_request> look_closely_;
    std::optional<duration> ttl_;
};

/// The new revision. Errors: `key_exists`; else as `write`.
[[nodiscard]] op<result<std::uint64_t>> create(runtime& rt, result<create_request> r);

} // namespace nats::kv
