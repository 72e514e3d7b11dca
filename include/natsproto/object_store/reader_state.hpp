// SPDX-License-Identifier: Apache-2.0
//
// An object that is being read: its chunks in order, by an ordered consumer that goes on over
// whatever happens to connections and servers, and the machine that says whether they are all.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/delivery.hpp>
#include <natsproto/jetstream/ordered_subscription.hpp>
#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/download.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/object_store/transfer_options.hpp>
#include <natsproto/object_store/writer_state.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nats::obj {

/// Its address must not change. It must not outlive its runtime. One op at a time.
class reader_state {
public:
    reader_state(runtime& rt, bucket b, object_info i, const read_position& from,
                 const get_options& o, std::unique_ptr<sha256_hash> hash);
    reader_state(const reader_state&) = delete;
    reader_state& operator=(const reader_state&) = delete;
    ~reader_state();

    [[nodiscard]] const object_info& info() const noexcept { return info_; }
    /// Behind the last piece that was read whole.
    [[nodiscard]] const read_position& position() const noexcept { return machine_.position(); }
    /// Whether there is nothing more to read.
    [[nodiscard]] bool at_end() const noexcept { return machine_.complete() && left_.empty(); }
    /// See `download::check_empty`; before the first piece.
    [[nodiscard]] result<void> check_start() { return machine_.check_empty(); }
    /// See `download::hash_before`.
    [[nodiscard]] result<void> hash_before(bytes piece) { return machine_.hash_before(piece); }

private:
    friend op<result<std::optional<std::string_view>>> next_piece(runtime& rt, reader_state& s);
    friend op<result<std::size_t>> read_some(runtime& rt, reader_state& s, std::span<char> into);

    [[nodiscard]] result<void> start(runtime& rt);
    [[nodiscard]] error fail(error why);
    void end();
    [[nodiscard]] result<bool> take(js::message m);
    [[nodiscard]] static op<result<void>> look_for_chunks(runtime& rt, reader_state& s,
                                                          time_point deadline);

    runtime* runtime_;
    bucket bucket_;
    object_info info_;
    duration timeout_;
    std::uint64_t window_;
    download machine_;
    std::unique_ptr<js::ordered_subscription> source_; ///< null before the first piece, and after
    js::message current_;                              ///< whose payload the newest piece is
    std::string_view left_;                            ///< of it
    std::optional<error> failure_;
    bool started_ = false;
    bool busy_ = false;
};

/// What `get_options` say, with what they point to.
struct get_request {
    explicit get_request(const get_options& o) : options(o) {
        if (o.from != nullptr) from = *o.from;
        options.from = nullptr;
    }
    get_options options;
    std::optional<read_position> from;
};

/// Errors: `object_not_found`, `bucket_not_found`, those of `resolve_object`;
/// `object_incomplete` for one that cannot be whole; `object_replaced`; `crypto_unavailable`.
[[nodiscard]] op<result<std::unique_ptr<reader_state>>> open_reader(runtime& rt, bucket b,
                                                                    std::string name,
                                                                    get_request how);
/// The next piece, which lives until the next call; empty at the end. The last one comes only when
/// all of the object is right. Errors: `timeout`, after which it can be called again; `in_use`; and
/// for good `object_incomplete`, `object_digest_mismatch`, and those of JetStream's API.
[[nodiscard]] op<result<std::optional<std::string_view>>> next_piece(runtime& rt, reader_state& s);
/// The same by copying: how many bytes; 0 at the end, or for no room.
[[nodiscard]] op<result<std::size_t>> read_some(runtime& rt, reader_state& s, std::span<char> into);

/// All of it into `to`, which must live until it is done.
[[nodiscard]] op<result<object_info>> get_object(runtime& rt, bucket b, std::string name,
                                                 get_request how, sink to);
/// The same into memory. Errors: `payload_too_large` for more than `get_options::max_size`.
[[nodiscard]] op<result<std::string>> get_object_bytes(runtime& rt, bucket b, std::string name,
                                                       get_request how);

} // namespace nats::obj
