// SPDX-License-Identifier: Apache-2.0
//
// What can be done with objects besides reading and writing their bytes: what
// `basic_object_bucket` runs. Whatever changes an object asks the stream's leader what is there,
// and changes nothing that somebody else has changed since.
//
// Errors of all of them: `invalid_argument` for an empty name; `object_not_found`;
// `bucket_not_found`; `object_changing`; those of JetStream's API and of publishes.

#pragma once

#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstdint>
#include <string>

namespace nats::obj {

/// What a bucket says of an object, deleted ones included.
struct found_object {
    found_object() = default;

    object_info info;
    std::uint64_t sequence = 0; ///< of its message; 0: there is none
    std::string json;           ///< what that says
};

/// `from_leader`: what counts now. Otherwise from any server that has it, if the bucket allows
/// that, which may be a little behind. Errors: `object_not_found` when there is no message.
[[nodiscard]] op<result<found_object>> find_object(runtime& rt, bucket b, std::string name,
                                                   bool from_leader);
/// The same, but with sequence 0 for one that is not there.
[[nodiscard]] op<result<found_object>> find_current(runtime& rt, bucket b, std::string name);
[[nodiscard]] op<result<object_info>> get_info(runtime& rt, bucket b, std::string name,
                                               bool show_deleted);

/// Stores what describes an object, in the place of message `expected` (0: of none): the new
/// sequence. Errors: `object_changing` when there is another one.
[[nodiscard]] op<result<std::uint64_t>> commit_info(runtime& rt, bucket b, object_info i,
                                                    std::uint64_t expected);
/// Whether an error of `commit_info` leaves open if it was stored.
[[nodiscard]] bool leaves_open(const error& e) noexcept;
/// Removes chunks.
[[nodiscard]] op<result<void>> purge_chunks(runtime& rt, bucket b, std::string nuid);

/// One that is deleted already is as good.
[[nodiscard]] op<result<void>> remove_object(runtime& rt, bucket b, std::string name);
/// Changes what `m` says, its name too (an empty one stays as it is). Errors: `object_exists` when
/// the new name is taken.
[[nodiscard]] op<result<object_info>> update_meta(runtime& rt, bucket b, std::string name,
                                                  object_meta m);
/// A name for another object, in this bucket or another one. Errors: `object_is_link` when that is
/// one, `object_not_found` when it is deleted, `object_exists` when there is an object of that name
/// which is not a link.
[[nodiscard]] op<result<object_info>> add_link(runtime& rt, bucket b, std::string name,
                                               object_info target);
/// A name for a whole bucket.
[[nodiscard]] op<result<object_info>> add_bucket_link(runtime& rt, bucket b, std::string name,
                                                      std::string target);

/// Where an object is, behind all links: its bucket, and what that says of it. Errors:
/// `object_link_loop`; `object_is_link` for a link to a bucket.
struct resolved_object {
    resolved_object(bucket b, object_info i) : in(std::move(b)), info(std::move(i)) {}
    bucket in;
    object_info info;
};
[[nodiscard]] op<result<resolved_object>> resolve_object(runtime& rt, bucket b, std::string name,
                                                         bool show_deleted);

} // namespace nats::obj
