// SPDX-License-Identifier: Apache-2.0
//
// Where a bucket is: which stream has it, and under which subjects it is read and written. Found
// out once, when it is bound.

#pragma once

#include <natsproto/jetstream/context.hpp>
#include <natsproto/key_value/bucket_config.hpp>
#include <natsproto/result.hpp>

#include <string>
#include <string_view>

namespace nats::kv {

struct location {
    location() = default; ///< of no bucket

    std::string bucket;
    std::string stream;
    js::context settings;
    std::string read_prefix;  ///< of its subjects in the stream, with the final dot
    std::string write_prefix; ///< where messages for it go, with the final dot
    bool direct = false;      ///< any replica may answer reads
    bool replicated = false;  ///< and some may be behind
    bool expiring = false;    ///< single keys may have a time to live, as far as is known

    // What is written to: another bucket, if this one is a mirror.
    std::string origin_stream;
    js::context origin_settings;
    std::string origin_prefix; ///< of its subjects in that stream

    [[nodiscard]] std::string subject(std::string_view key) const {
        return read_prefix + std::string(key);
    }
};

/// Errors: `not_a_bucket`; `invalid_argument` for an origin that cannot be addressed.
[[nodiscard]] result<location> locate(const js::context& c, const bucket_status& s);

} // namespace nats::kv
