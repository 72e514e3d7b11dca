// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// The queue holds its pieces from the first byte of a frame on, and our own parser cuts them into
// frames again; how much of each piece was transmitted says which frames are complete. A frame with
// a lent payload lies in several pieces. The parser sees its control line at the end of the first
// and says how large the whole is; it is put together in a queue of its own, and judged when its
// last byte is there.
//
// Secrets are not looked at: they are never publishes. Bytes that are no frame cannot be there, but
// if they are, they and the rest of their piece are dropped, and the frames behind are still found.

#include <natsproto/wire/kept_frames.hpp>

#include <natsproto/limits.hpp>

#include <array>
#include <limits>
#include <utility>

namespace nats::wire {

namespace {

/// None of our own frames is refused: the checks were made when they were published.
limits no_limits() noexcept {
    limits l;
    l.max_line = l.max_info = l.max_message = l.max_header_block =
        std::numeric_limits<std::size_t>::max();
    return l;
}

class collector {
public:
    collector(output_queue& kept, frame_filter filter, void* context) noexcept
        : kept_(kept), filter_(filter), context_(context) {}

    void add(const output_queue::piece& p) {
        end_split_frame(p);
        if (p.secret) return;
        frame f;
        std::size_t at = p.continued;
        while (parser_.next(p.data.substr(at), f) == parser::status::frame) {
            const std::string_view whole = p.data.substr(at, f.size);
            at += f.size;
            if (at > p.transmitted && wanted(f)) {
                kept_.append(whole);
                count(f);
            }
        }
        if (parser_.wanted() != 0) begin_split_frame(p.data.substr(at));
        parser_.reset();
    }

    [[nodiscard]] const kept_frames& result() const noexcept { return result_; }

private:
    /// Smaller ones are copied to where others are, since a chunk has room for more than one.
    static constexpr std::size_t worth_a_chunk = output_queue::chunk_size / 4;

    [[nodiscard]] bool wanted(const frame& f) {
        if (f.kind != op::pub) return false;
        if (filter_ == nullptr || filter_(context_, f)) return true;
        ++result_.refused;
        return false;
    }

    void count(const frame& f) noexcept {
        ++result_.frames;
        result_.bytes += f.size;
    }

    void begin_split_frame(std::string_view first_part) {
        split_size_ = parser_.wanted();
        (void)split_.reserve(split_size_); // in one piece, for the parser
        split_.append(first_part);
    }

    /// `p` begins with the rest of the frame, or with a part of it.
    void end_split_frame(const output_queue::piece& p) {
        if (split_size_ == 0) return;
        split_.append(p.data.substr(0, p.continued));
        if (split_.size() == split_size_) {
            keep_split_frame(); // its first piece would not be held if all were transmitted
        } else if (p.continued == p.data.size()) {
            return; // the next piece has more of it
        }
        split_.clear();
        split_size_ = 0;
    }

    void keep_split_frame() {
        std::array<const_buffer, 1> whole;
        (void)split_.gather(whole);
        frame f;
        const bool found = parser_.next({whole[0].data, whole[0].size}, f) == parser::status::frame;
        if (found && wanted(f)) {
            count(f);
            if (f.size < worth_a_chunk) {
                kept_.append({whole[0].data, whole[0].size});
            } else {
                kept_.append(std::move(split_));
                split_ = output_queue();
            }
        }
        parser_.reset();
    }

    output_queue& kept_;
    frame_filter filter_;
    void* context_;
    parser parser_{sender::client, no_limits()};
    output_queue split_;         ///< a frame of several pieces, as far as they were seen
    std::size_t split_size_ = 0; ///< what it will be; 0 when there is none
    kept_frames result_;
};

} // namespace

kept_frames keep_unsent(output_queue& ended, output_queue& kept, frame_filter filter,
                        void* context) {
    collector c(kept, filter, context);
    for (output_queue::piece p; ended.oldest(p); ended.drop_oldest()) c.add(p);
    return c.result();
}

} // namespace nats::wire
