// SPDX-License-Identifier: Apache-2.0
//
// Reading stored messages from any server that has them (ADR-31): streams with `allow_direct`, and
// mirrors with `mirror_direct`, answer without asking their leader. What is read may therefore be a
// little behind what was just written.

#pragma once

#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/stored_message.hpp>
#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nats::js {

struct direct_get_options {
    /// Only the payload: all else of the `stored_message` is empty (2.12; older servers send all).
    bool payload_only = false;
};
static_assert(std::is_trivially_destructible_v<direct_get_options>);

/// For "the next message".
struct direct_next_options {
    std::string_view subject{}; ///< which may have wildcards; empty: any
    std::uint64_t sequence = 0; ///< at least this; 0: from the first one on. Not with `start_time`
    std::optional<wall_time> start_time{}; ///< not stored before this (2.11)
};
static_assert(std::is_trivially_destructible_v<direct_next_options>);

struct direct_batch_options {
    std::string_view subject{}; ///< which may have wildcards; empty: any
    std::uint64_t sequence = 0; ///< at least this; 0: from the first one on. Not with `start_time`
    std::optional<wall_time> start_time{}; ///< not stored before this
    std::uint32_t batch = 100;             ///< how many at most, from 1 to 100,000
    std::uint64_t max_bytes = 0; ///< and how large together, about; 0: as the server likes
};
static_assert(std::is_trivially_destructible_v<direct_batch_options>);

/// For the last message of each of many subjects.
struct direct_last_options {
    /// As they were at this sequence, or time: not both.
    std::uint64_t up_to_sequence = 0;
    std::optional<wall_time> up_to_time{};
    std::uint32_t batch = 256; ///< how many with each request, from 1 to 1024
};
static_assert(std::is_trivially_destructible_v<direct_last_options>);

struct direct_batch {
    direct_batch() = default;

    std::vector<stored_message> messages; ///< by rising sequences
    std::uint64_t pending = 0;            ///< how many more there were
    std::uint64_t last_sequence = 0;      ///< of the last message here: go on behind it
    std::uint64_t up_to_sequence = 0;     ///< what the last messages of subjects are about
    /// The server is older than 2.11 and sent one message only, whatever was asked for.
    bool single = false;
};

// --- the requests. Errors: `invalid_name`, `invalid_subject`, `invalid_argument`.

[[nodiscard]] result<api_request> encode_direct_get(const context& c, std::string_view stream,
                                                    std::uint64_t sequence,
                                                    const direct_get_options& o = {});
[[nodiscard]] result<api_request> encode_direct_last(const context& c, std::string_view stream,
                                                     std::string_view subject,
                                                     const direct_get_options& o = {});
[[nodiscard]] result<api_request> encode_direct_next(const context& c, std::string_view stream,
                                                     const direct_next_options& o);
[[nodiscard]] result<api_request> encode_direct_batch(const context& c, std::string_view stream,
                                                      const direct_batch_options& o);
/// One page, from `sequence` on.
[[nodiscard]] result<api_request> encode_direct_last_for(const context& c, std::string_view stream,
                                                         const std::vector<std::string>& subjects,
                                                         const direct_last_options& o,
                                                         std::uint64_t sequence);

// --- the answers

/// Reads a message out of an answer. What the server says about it is in the last headers of their
/// names, and is taken out; what was stored under such a name stays. Errors: `message_not_found`
/// (404); `invalid_argument` for a request that the server does not understand (408);
/// `no_responders` (503); `jetstream_error` with the status for the rest; `invalid_response`.
[[nodiscard]] result<void> read_direct(const nats::message_view& answer, stored_message& into);

/// The answers to a request for many.
class direct_batch_machine {
public:
    enum class verdict : std::uint8_t { more, done, failed };

    /// Not more than `most` messages are taken.
    explicit direct_batch_machine(std::size_t most) noexcept : most_(most) {}
    [[nodiscard]] verdict handle_message(const nats::message_view& m, direct_batch& into);
    [[nodiscard]] const error& failure() const noexcept { return failure_; }

private:
    [[nodiscard]] verdict fail(error why);

    std::size_t most_;
    std::size_t messages_ = 0; ///< of this request
    std::size_t bytes_ = 0;
    error failure_;
};

// --- the sequences

/// Errors: `no_responders` and `timeout` also say what a stream without `allow_direct` does.
[[nodiscard]] op<result<stored_message>> direct_get(runtime& rt, result<api_request> r,
                                                    const direct_get_options& o = {});
/// An empty one where nothing was found is `message_not_found`.
[[nodiscard]] op<result<direct_batch>> get_direct_batch(runtime& rt, result<api_request> r,
                                                        std::uint32_t most);

/// All pages: the last message of each subject that one of `subjects` matches, of at most 1024.
[[nodiscard]] op<result<direct_batch>> get_direct_last_for(runtime& rt, context c,
                                                           std::string stream,
                                                           std::vector<std::string> subjects,
                                                           direct_last_options o);

} // namespace nats::js
