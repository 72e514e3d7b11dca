// SPDX-License-Identifier: Apache-2.0
//
// Requests to JetStream's API about the account, streams, and messages in them: what
// `basic_jetstream` runs. `encode_...` checks its arguments and makes a request, for `call` with
// the type that its comment names; what takes several requests is an op.
//
// Errors of all of them: `invalid_name` and other arguments, before anything is sent; those of
// `call_api`; `jetstream_error` with the server's number, and `invalid_response`.

#pragma once

#include <natsproto/jetstream/account_info.hpp>
#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/stored_message.hpp>
#include <natsproto/jetstream/stream_config.hpp>
#include <natsproto/jetstream/stream_info.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nats::js {

struct stream_info_options {
    bool deleted_details = false; ///< which messages were deleted
    /// How many messages each subject has that matches; empty: none. However many there are: they
    /// come in as many answers as it takes, and so not all from one moment.
    std::string_view subjects_filter{};
};
static_assert(std::is_trivially_destructible_v<stream_info_options>);

/// At most one of `seq` and `keep`. All defaults: everything.
struct purge_options {
    std::string_view filter{}; ///< only subjects that match
    std::uint64_t seq = 0;     ///< only messages before this one; 0: all
    std::uint64_t keep = 0;    ///< all but this many, the newest; 0: all
};
static_assert(std::is_trivially_destructible_v<purge_options>);

/// How many messages a purge has removed.
struct purge_count {
    std::uint64_t purged = 0;
};
[[nodiscard]] result<void> decode(std::string_view json, purge_count& into);

// --- one request

/// `account_info`
[[nodiscard]] result<api_request> encode_account_info(const context& c);
/// `stream_info`, of a stream that is new or has this configuration already.
[[nodiscard]] result<api_request> encode_create_stream(const context& c, const stream_config& s);
/// `stream_info`
[[nodiscard]] result<api_request> encode_update_stream(const context& c, const stream_config& s);
/// `stream_info`. Of subjects the page that begins with the one number `offset`.
[[nodiscard]] result<api_request> encode_stream_info(const context& c, std::string_view stream,
                                                     const stream_info_options& o = {},
                                                     std::uint64_t offset = 0);
/// `done`
[[nodiscard]] result<api_request> encode_delete_stream(const context& c, std::string_view stream);
/// `purge_count`
[[nodiscard]] result<api_request> encode_purge_stream(const context& c, std::string_view stream,
                                                      const purge_options& o = {});
/// `stored_message`
[[nodiscard]] result<api_request> encode_get_message(const context& c, std::string_view stream,
                                                     std::uint64_t seq);
/// `stored_message`: the last one of a subject, which may hold wildcards.
[[nodiscard]] result<api_request> encode_get_last_message(const context& c, std::string_view stream,
                                                          std::string_view subject);
/// `stored_message`: the first one of a subject, which may hold wildcards, from `seq` on.
[[nodiscard]] result<api_request> encode_get_next_message(const context& c, std::string_view stream,
                                                          std::string_view subject,
                                                          std::uint64_t seq);
/// `done`. `erase`: the data is overwritten, which takes longer.
[[nodiscard]] result<api_request> encode_delete_message(const context& c, std::string_view stream,
                                                        std::uint64_t seq, bool erase);
/// `done`. `preferred`: the server that is to lead then (2.11); empty: whoever is elected.
[[nodiscard]] result<api_request> encode_step_down_stream(const context& c, std::string_view stream,
                                                          std::string_view preferred = {});
/// `done`. `peer`: a server's name.
[[nodiscard]] result<api_request> encode_remove_peer(const context& c, std::string_view stream,
                                                     std::string_view peer);

// --- sequences

/// Errors: also `filters_not_taken` when the server, older than 2.10, has left out a transform; the
/// stream is there then.
[[nodiscard]] op<result<stream_info>> create_stream(runtime& rt, context c, stream_config s);
[[nodiscard]] op<result<stream_info>> update_stream(runtime& rt, context c, stream_config s);
/// Updates it, or creates it if it is not there.
[[nodiscard]] op<result<stream_info>> create_or_update_stream(runtime& rt, context c,
                                                              stream_config s);
/// Everything, however many answers it takes.
[[nodiscard]] op<result<stream_info>> get_stream_info(runtime& rt, context c, std::string stream,
                                                      bool deleted_details,
                                                      std::string subjects_filter);
/// Those that listen to a subject that `subject` matches; empty: all.
[[nodiscard]] op<result<std::vector<stream_info>>> list_streams(runtime& rt, context c,
                                                                std::string subject);
[[nodiscard]] op<result<std::vector<std::string>>> list_stream_names(runtime& rt, context c,
                                                                     std::string subject);
/// The stream that listens to `subject`; the API's error "stream not found" when there is none.
[[nodiscard]] op<result<std::string>> find_stream_name(runtime& rt, context c, std::string subject);
/// Nothing can be added or removed any more. For good.
[[nodiscard]] op<result<stream_info>> seal_stream(runtime& rt, context c, std::string stream);

} // namespace nats::js
