// SPDX-License-Identifier: Apache-2.0
//
// Making, finding and removing buckets, as ops.
//
// Errors of all: `invalid_name`, before anything is sent; `bucket_not_found`; `not_a_bucket` for a
// stream that only has the name of one; those of JetStream's API.

#pragma once

#include <natsproto/jetstream/context.hpp>
#include <natsproto/key_value/bucket_config.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <string>
#include <vector>

namespace nats::kv {

/// Errors also: `bucket_exists`, with another configuration; `ttl_not_supported` for markers that
/// the server does not know; `invalid_argument`; `filters_not_taken` when a server before 2.10 has
/// left out what makes the keys of sources the bucket's own: then the bucket is there.
[[nodiscard]] op<result<bucket_status>> create_bucket(runtime& rt, js::context c, bucket_config b);
/// Has the bucket be what `b` says as a whole: begin with the `config()` of its status.
[[nodiscard]] op<result<bucket_status>> update_bucket(runtime& rt, js::context c, bucket_config b);
[[nodiscard]] op<result<bucket_status>> create_or_update_bucket(runtime& rt, js::context c,
                                                                bucket_config b);
[[nodiscard]] op<result<bucket_status>> find_bucket(runtime& rt, js::context c, std::string name);
[[nodiscard]] op<result<void>> remove_bucket(runtime& rt, js::context c, std::string name);

/// All buckets. `mirrors`: also those that are copies, for which the names of all streams have to
/// be looked at, since they have no subjects of their own.
[[nodiscard]] op<result<std::vector<bucket_status>>> list_buckets(runtime& rt, js::context c,
                                                                  bool mirrors);
[[nodiscard]] op<result<std::vector<std::string>>> list_bucket_names(runtime& rt, js::context c,
                                                                     bool mirrors);

} // namespace nats::kv
