// SPDX-License-Identifier: Apache-2.0
//
// An object that is being written: its chunks, in a window of publishes, and at the end what
// describes it. Nobody sees the object before that, and then all of it.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/jetstream/publisher_state.hpp>
#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/chunk_cutter.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/object_store/transfer_options.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nats::obj {

/// Gives bytes: how many, of at most `into.size()`; 0 at the end.
struct source {
    using function = result<std::size_t> (*)(void* context, std::span<char> into);
    function read = nullptr;
    void* context = nullptr;
};
/// Takes bytes.
struct sink {
    using function = result<void> (*)(void* context, bytes piece);
    function write = nullptr;
    void* context = nullptr;
};
/// Its address must not change. It must not outlive its runtime. One op at a time.
class writer_state {
public:
    /// `o` must have been checked, and `hash` be new.
    writer_state(runtime& rt, bucket b, object_meta m, const put_options& o,
                 std::unique_ptr<sha256_hash> hash);
    writer_state(const writer_state&) = delete;
    writer_state& operator=(const writer_state&) = delete;
    /// Aborts what was not finished: what may be there of it is removed by a request that nobody
    /// waits for.
    ~writer_state();

    /// Bytes that were written, and that the server has.
    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] std::uint64_t stored() const noexcept { return stored_; }
    [[nodiscard]] const put_options& options() const noexcept { return options_; }
    /// Whether there may be something to remove.
    [[nodiscard]] bool unfinished() const noexcept {
        return phase_ == phase::uploading && sent_ != 0;
    }

private:
    friend op<result<void>> write(runtime& rt, writer_state& s, bytes data);
    friend op<result<void>> write_from(runtime& rt, writer_state& s, source from);
    friend op<result<object_info>> finish(runtime& rt, writer_state& s);
    friend op<result<void>> abort(runtime& rt, writer_state& s);

    enum class phase : std::uint8_t {
        uploading,
        committing, ///< from here on nothing is removed: the object may be there
        ended,
    };
    struct sent_chunk {
        js::publish_ticket ticket;
        std::size_t size;
    };
    /// An op that runs.
    class running {
    public:
        explicit running(writer_state& s) noexcept : of_(s) { of_.busy_ = true; }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() { of_.busy_ = false; }

    private:
        writer_state& of_;
    };

    [[nodiscard]] result<void> check_use() const;
    [[nodiscard]] error fail(error why);
    [[nodiscard]] static op<result<void>> send(runtime& rt, writer_state& s,
                                               std::string_view chunk);
    [[nodiscard]] static op<result<void>> settle_one(runtime& rt, writer_state& s);
    [[nodiscard]] static op<result<void>> settle_all(runtime& rt, writer_state& s);
    [[nodiscard]] static op<result<object_info>> commit(runtime& rt, writer_state& s);
    void abandon();

    runtime* runtime_;
    bucket bucket_;
    object_info info_;
    put_options options_;
    std::string subject_; ///< of the chunks
    chunk_cutter cutter_;
    std::unique_ptr<sha256_hash> hash_;
    js::publisher_state publisher_;
    std::deque<sent_chunk> on_the_way_;
    std::uint64_t bytes_on_the_way_ = 0;
    std::uint64_t sent_ = 0; ///< chunks
    std::uint64_t written_ = 0;
    std::uint64_t stored_ = 0;
    phase phase_ = phase::uploading;
    std::optional<error> failure_;
    bool busy_ = false;
};

/// Begins an object. Errors: `invalid_argument` for an empty name, text that is not UTF-8, or
/// options; `payload_too_large` for a chunk size that the server does not take;
/// `crypto_unavailable`.
[[nodiscard]] result<std::unique_ptr<writer_state>> open_writer(runtime& rt, const bucket& b,
                                                                object_meta m,
                                                                const put_options& o);
/// Writes bytes, which must stay as they are until it is done. Errors: those of a publish into a
/// stream; any of them is the end, and only `abort` is left. `in_use`, `invalid_argument` after
/// the end.
[[nodiscard]] op<result<void>> write(runtime& rt, writer_state& s, bytes data);
/// Writes all that there is. Errors: also those of `from`.
[[nodiscard]] op<result<void>> write_from(runtime& rt, writer_state& s, source from);
/// The rest, and what describes it: from then on the object is there, and one of that name that was
/// there before is not. Errors: as `write`; after a `timeout` and one that is about the connection
/// it may be there or not.
[[nodiscard]] op<result<object_info>> finish(runtime& rt, writer_state& s);
/// Removes what was written, and waits for that.
[[nodiscard]] op<result<void>> abort(runtime& rt, writer_state& s);

/// All of it, into a writer that is new. After an error nothing is left behind, but see `finish`.
/// `s` and `from` must live until it is done.
[[nodiscard]] op<result<object_info>> put_object(runtime& rt, writer_state& s, source from);

} // namespace nats::obj
