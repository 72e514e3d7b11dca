// SPDX-License-Identifier: Apache-2.0
//
// What can be done with buckets of objects as a whole: what `basic_object_store` runs.
//
// Errors of all of them: `invalid_name`, before anything is sent; `bucket_not_found`; those
// of requests to JetStream's API.

#pragma once

#include <natsproto/jetstream/context.hpp>
#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/bucket_config.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <string>
#include <vector>

namespace nats::obj {

/// One that is there with the same configuration is as good. Errors: `bucket_exists`.
[[nodiscard]] op<result<bucket>> create_bucket(runtime& rt, js::context c, bucket_config config);
[[nodiscard]] op<result<bucket>> update_bucket(runtime& rt, js::context c, bucket_config config);
[[nodiscard]] op<result<bucket>> create_or_update_bucket(runtime& rt, js::context c,
                                                         bucket_config config);
/// Errors: `not_a_bucket`.
[[nodiscard]] op<result<bucket>> bind_bucket(runtime& rt, js::context c, std::string name);
/// With all that is in it.
[[nodiscard]] op<result<void>> remove_bucket(runtime& rt, js::context c, std::string name);
[[nodiscard]] op<result<std::vector<std::string>>> bucket_names(runtime& rt, js::context c);
[[nodiscard]] op<result<std::vector<bucket_status>>> list_buckets(runtime& rt, js::context c);
[[nodiscard]] op<result<bucket_status>> get_status(runtime& rt, js::context c, std::string name);
/// Nothing can be changed in it any more, for good.
[[nodiscard]] op<result<bucket_status>> seal_bucket(runtime& rt, js::context c, std::string name);

} // namespace nats::obj
