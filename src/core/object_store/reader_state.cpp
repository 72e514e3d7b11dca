// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// The chunks of an object never change, so they are read with an ordered consumer, whatever happens
// to it. Whether all are there is another question: the object may be replaced or deleted at any
// moment, a chunk may have expired, and the server that the consumer is on may be a little behind.
// So when what was there has ended too early, or nothing has come for a while, the stream's leader
// is asked how many chunks there are. Fewer than there should be is the end; otherwise it waits.
//
// A server stops before a message that does not fit into what a pull has room for, so the window is
// never less than two of the largest chunks.

#include <natsproto/object_store/reader_state.hpp>

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/object_store/object_ops.hpp>

#include "core/jetstream/bucket_streams.hpp"

#include <algorithm>
#include <utility>

namespace nats::obj {

namespace {

using namespace std::chrono_literals;

constexpr duration suspicious_silence = 2s;
constexpr duration chunk_heartbeat = 1s;
constexpr std::uint64_t beside_payload = 8 * 1024; ///< subjects and headers of a chunk's message

js::consume_options flow_of(std::uint64_t window) {
    js::consume_options o;
    o.max_bytes = window;
    o.idle_heartbeat = chunk_heartbeat;
    return o;
}

} // namespace

reader_state::reader_state(runtime& rt, bucket b, object_info i, const read_position& from,
                           const get_options& o, std::unique_ptr<sha256_hash> hash)
    : runtime_(&rt),
      bucket_(std::move(b)),
      info_(std::move(i)),
      timeout_(o.timeout),
      machine_(info_, from, std::move(hash)) {
    const auto most =
        static_cast<std::uint64_t>(std::max<std::int64_t>(rt.connection().info().max_payload, 0));
    const std::uint64_t usual = info_.options ? info_.options->max_chunk_size : 0;
    // What it says is another's word: a chunk may be larger, but no message.
    const std::uint64_t largest = std::min(most, std::max<std::uint64_t>(usual, 1U << 20U));
    window_ = std::max(o.window, 2 * (largest + beside_payload));
}

reader_state::~reader_state() {
    try {
        end();
    } catch (...) {
        return; // no memory; the server forgets the consumer by itself
    }
}

result<void> reader_state::start(runtime& rt) {
    started_ = true;
    if (machine_.complete()) return {};
    const std::string subject = bucket_.chunk_subject(info_.nuid);
    const std::string_view filter[] = {subject};
    js::ordered_options o;
    o.filter_subjects = filter;
    if (machine_.position().last_sequence != 0) {
        o.deliver_policy = js::deliver_policy::by_start_sequence;
        o.opt_start_seq = machine_.position().last_sequence + 1;
    }
    result<js::ordered_request> r =
        js::encode_ordered(bucket_.settings(), bucket_.stream(), o, flow_of(window_));
    if (!r) return r.error();
    source_ = std::make_unique<js::ordered_subscription>(rt, std::move(*r));
    source_->watch_initial(nullptr, nullptr);
    return source_->start(rt);
}

error reader_state::fail(error why) {
    failure_ = why;
    end();
    return why;
}

void reader_state::end() {
    if (source_ && !source_->ended()) source_->stop(*runtime_);
}

/// Whether it is a piece for the user, which is `left_` then.
result<bool> reader_state::take(js::message m) {
    const result<js::metadata> of = m.metadata();
    if (!of) return of.error(); // the source would not have let it through
    current_ = std::move(m);
    const result<bool> wanted =
        machine_.handle_chunk(current_.payload(), of->stream_sequence, of->pending);
    if (!wanted) return wanted.error();
    if (machine_.complete()) end();
    if (*wanted) left_ = current_.payload();
    return *wanted && !left_.empty();
}

op<result<void>> reader_state::look_for_chunks(runtime& rt, reader_state& s, time_point deadline) {
    if (!rt.connection().is_up()) co_return result<void>();
    const std::string subject = s.bucket_.chunk_subject(s.info_.nuid);
    js::stream_info_options o;
    o.subjects_filter = subject;
    result<js::api_request> r = js::encode_stream_info(s.bucket_.settings(), s.bucket_.stream(), o);
    if (!r) co_return r.error();
    r->timeout = std::clamp<duration>(deadline - rt.now(), 1ms, r->timeout);
    result<js::stream_info> i = co_await js::call<js::stream_info>(rt, std::move(r));
    if (!i && i.error() == js::api_code::stream_not_found)
        co_return js::bucket_error(i.error(), s.bucket_.name());
    if (!i) co_return result<void>(); // nobody knows
    const auto found = i->state.subjects.find(subject);
    const std::uint64_t there = found == i->state.subjects.end() ? 0 : found->second;
    if (there >= s.info_.chunks) co_return result<void>();
    co_return error(errc::object_incomplete, '"' + s.info_.name + "\": " + std::to_string(there) +
                                                 " chunks of " + std::to_string(s.info_.chunks));
}

op<result<std::optional<std::string_view>>> next_piece(runtime& rt, reader_state& s) {
    using piece = std::optional<std::string_view>;
    if (s.busy_) co_return error(errc::in_use);
    if (s.failure_) co_return *s.failure_;
    struct running {
        explicit running(bool& b) noexcept : busy(b) { busy = true; }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() { busy = false; }
        bool& busy;
    } const now(s.busy_);
    if (!s.left_.empty()) co_return piece(std::exchange(s.left_, {}));
    if (!s.started_) {
        if (result<void> ok = s.start(rt); !ok) co_return s.fail(ok.error());
    }
    const time_point deadline = deadline_after(rt.now(), s.timeout_);
    while (!s.machine_.complete()) {
        const time_point look = std::min(deadline, rt.now() + suspicious_silence);
        bool doubt = s.source_->initial().poll_end();
        if (!doubt) {
            result<std::optional<js::message>> m = co_await js::next(rt, *s.source_, look);
            if (!m && m.error() != errc::timeout) co_return m.error();
            if (m && !*m) co_return s.fail(s.source_->why());
            if (m && !(*m)->subject().empty()) {
                const result<bool> wanted = s.take(std::move(**m));
                if (!wanted) co_return s.fail(wanted.error());
                if (*wanted) co_return piece(std::exchange(s.left_, {}));
                continue;
            }
            if (m) continue; // the end of what was there, which is polled above
            if (rt.now() >= deadline) co_return m.error();
            doubt = true;
        }
        result<void> there = co_await reader_state::look_for_chunks(rt, s, deadline);
        if (!there) co_return s.fail(there.error());
    }
    s.end();
    co_return piece();
}

op<result<std::size_t>> read_some(runtime& rt, reader_state& s, std::span<char> into) {
    if (into.empty()) co_return std::size_t{0};
    result<std::optional<std::string_view>> p = co_await next_piece(rt, s);
    if (!p) co_return p.error();
    if (!*p) co_return std::size_t{0};
    std::string_view bytes_left = **p;
    const std::size_t n = std::min(into.size(), bytes_left.size());
    std::copy_n(bytes_left.data(), n, into.data());
    bytes_left.remove_prefix(n);
    s.left_ = bytes_left;
    co_return n;
}

op<result<std::unique_ptr<reader_state>>> open_reader(runtime& rt, bucket b, std::string name,
                                                      get_request how) {
    if (result<void> ok = check(how.options); !ok) co_return ok.error();
    const crypto_provider* const crypto = rt.connection().crypto();
    if (crypto == nullptr) co_return error(errc::crypto_unavailable, "for the digest of an object");
    result<std::unique_ptr<sha256_hash>> hash = crypto->sha256();
    if (!hash) co_return hash.error();
    result<resolved_object> found =
        co_await resolve_object(rt, std::move(b), name, how.options.show_deleted);
    if (!found) co_return found.error();
    const read_position from = how.from.value_or(read_position());
    if (!from.nuid.empty() && from.nuid != found->info.nuid)
        co_return error(errc::object_replaced, '"' + name + '"');
    if (found->info.deleted) found->info.chunks = found->info.size = 0;
    auto made = std::make_unique<reader_state>(rt, std::move(found->in), std::move(found->info),
                                               from, how.options, std::move(*hash));
    result<void> possible = made->check_start();
    if (!possible) co_return possible.error();
    co_return std::move(made);
}

// --- all of it

op<result<object_info>> get_object(runtime& rt, bucket b, std::string name, get_request how,
                                   sink to) {
    const progress_listener progress = how.options.progress;
    result<std::unique_ptr<reader_state>> r =
        co_await open_reader(rt, std::move(b), std::move(name), std::move(how));
    if (!r) co_return r.error();
    reader_state& s = **r;
    transfer_progress p{.bytes = s.position().size, .total = s.info().size};
    while (true) {
        progress(p);
        result<std::optional<std::string_view>> piece = co_await next_piece(rt, s);
        if (!piece) co_return piece.error();
        if (!*piece) co_return s.info();
        if (result<void> ok = to.write(to.context, **piece); !ok) co_return ok.error();
        p.bytes += (*piece)->size();
    }
}

namespace {

struct bytes_sink {
    std::string all;
    std::uint64_t most;

    static result<void> write(void* context, bytes piece) {
        auto& self = *static_cast<bytes_sink*>(context);
        if (piece.size() > self.most - self.all.size())
            return error{errc::payload_too_large,
                         "the object has more than " + std::to_string(self.most) + " bytes"};
        self.all.append(piece.text());
        return {};
    }
};

} // namespace

op<result<std::string>> get_object_bytes(runtime& rt, bucket b, std::string name, get_request how) {
    bytes_sink all{{}, how.options.max_size};
    const sink to{&bytes_sink::write, &all};
    result<object_info> i =
        co_await get_object(rt, std::move(b), std::move(name), std::move(how), to);
    if (!i) co_return i.error();
    co_return std::move(all.all);
}

} // namespace nats::obj
