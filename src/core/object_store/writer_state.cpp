// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Chunks are published without waiting for each, up to a number of bytes, and the answers are
// looked at in their order. The order of the messages in the stream is that of the bytes, so a
// chunk that has failed is not sent again: those behind it may be there already. It ends the whole.
//
// What describes the object is published when the server has all chunks. Its answer may be lost, so
// from then on nothing is removed: chunks without an object cost room, an object without chunks is
// damage.
//
// What was not finished is removed. That may overtake chunks that are still on their way, since the
// server has a queue for them and none for requests; so `abort` waits for their answers. The
// destructor cannot. It sends an empty message behind the chunks that takes the place of all of
// them, so that whoever is first, not more than that one stays.

#include <natsproto/object_store/writer_state.hpp>

#include <natsproto/client/ops.hpp>
#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/object_store/object_ops.hpp>

#include <algorithm>
#include <utility>

namespace nats::obj {

namespace {

constexpr int most_commits = 100; ///< while others replace the object too

std::uint32_t chunk_size_of(const put_options& o) noexcept {
    return o.chunk_size == 0 ? default_chunk_size : o.chunk_size;
}

js::publisher_options publisher_options_of(const put_options& o) noexcept {
    constexpr std::uint64_t most = 4096;
    js::publisher_options p;
    p.max_pending =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(o.window / chunk_size_of(o), 1, most));
    p.keep_results = p.max_pending;
    p.stall_wait = duration::zero();
    p.ack_timeout = o.timeout;
    return p;
}

/// As many bytes as the server takes in one message, headers included.
std::uint64_t most_in_message(runtime& rt) noexcept {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(rt.connection().info().max_payload, 0));
}

} // namespace

result<std::unique_ptr<writer_state>> open_writer(runtime& rt, const bucket& b, object_meta m,
                                                  const put_options& o) {
    if (m.name.empty()) return error{errc::invalid_argument, "an object without a name"};
    if (result<void> ok = check(o); !ok) return ok.error();
    if (result<std::string> json = to_json(object_info(m)); !json) return json.error();
    const std::uint64_t most = most_in_message(rt);
    if (most != 0 && chunk_size_of(o) > most)
        return error{errc::payload_too_large, "chunk_size is more than max_payload"};
    const crypto_provider* const crypto = rt.connection().crypto();
    if (crypto == nullptr) return error{errc::crypto_unavailable, "for the digest of an object"};
    result<std::unique_ptr<sha256_hash>> hash = crypto->sha256();
    if (!hash) return hash.error();
    return std::make_unique<writer_state>(rt, b, std::move(m), o, std::move(*hash));
}

writer_state::writer_state(runtime& rt, bucket b, object_meta m, const put_options& o,
                           std::unique_ptr<sha256_hash> hash)
    : runtime_(&rt),
      bucket_(std::move(b)),
      info_(std::move(m)),
      options_(o),
      cutter_(chunk_size_of(o)),
      hash_(std::move(hash)),
      publisher_(publisher_options_of(o)) {
    info_.bucket = bucket_.name();
    info_.nuid = rt.new_id();
    info_.options.emplace().max_chunk_size = chunk_size_of(o);
    subject_ = bucket_.chunk_subject(info_.nuid);
}

writer_state::~writer_state() {
    if (!unfinished()) return;
    try {
        abandon();
    } catch (...) {
        return; // no memory; the chunks stay
    }
}

void writer_state::abandon() {
    session& s = runtime_->connection();
    if (publisher_.pending() != 0) {
        headers h;
        (void)h.set("Nats-Rollup", "sub");
        (void)s.publish(subject_, {}, {}, h);
    }
    js::purge_options o;
    o.filter = subject_;
    const result<js::api_request> r =
        js::encode_purge_stream(bucket_.settings(), bucket_.stream(), o);
    if (r) (void)s.publish(r->subject, r->body, runtime_->new_inbox(), r->fields);
}

result<void> writer_state::check_use() const {
    if (busy_) return error{errc::in_use};
    if (failure_) return *failure_;
    if (phase_ != phase::uploading) return error{errc::invalid_argument, "the object was finished"};
    return {};
}

error writer_state::fail(error why) {
    failure_ = why;
    return why;
}

// --- chunks

op<result<void>> writer_state::settle_one(runtime& rt, writer_state& s) {
    const sent_chunk first = s.on_the_way_.front();
    result<js::pub_ack> ack = co_await js::wait(rt, s.publisher_, first.ticket);
    if (s.failure_) co_return *s.failure_;
    s.on_the_way_.pop_front();
    s.bytes_on_the_way_ -= first.size;
    if (!ack) co_return s.fail(ack.error());
    s.stored_ += first.size;
    co_return result<void>();
}

op<result<void>> writer_state::settle_all(runtime& rt, writer_state& s) {
    while (!s.on_the_way_.empty()) {
        result<void> ok = co_await settle_one(rt, s);
        if (!ok) co_return ok;
    }
    co_return result<void>();
}

op<result<void>> writer_state::send(runtime& rt, writer_state& s, std::string_view chunk) {
    if (result<void> ok = s.hash_->update(chunk); !ok) co_return s.fail(ok.error());
    const time_point deadline = deadline_after(rt.now(), s.options_.timeout);
    while (true) {
        const bool full = s.bytes_on_the_way_ + chunk.size() > s.options_.window;
        if (full && !s.on_the_way_.empty()) {
            result<void> ok = co_await settle_one(rt, s);
            if (!ok) co_return ok;
            continue;
        }
        const js::publish_options plain;
        result<js::publish_ticket> t = s.publisher_.try_publish(rt, s.subject_, chunk, plain);
        if (t) {
            s.on_the_way_.push_back({*t, chunk.size()});
            s.bytes_on_the_way_ += chunk.size();
            ++s.sent_;
            s.written_ += chunk.size();
            co_return result<void>();
        }
        result<void> ok = t.error();
        if (t.error() == errc::output_full)
            ok = co_await ops::make_room(rt, deadline);
        else if (t.error() == errc::reconnect_buffer_full)
            ok = co_await ops::wait_connected(rt, deadline);
        else if (t.error() == errc::acks_overdue && !s.on_the_way_.empty())
            ok = co_await settle_one(rt, s);
        if (!ok) co_return s.fail(ok.error());
    }
}

op<result<void>> write(runtime& rt, writer_state& s, bytes data) {
    if (result<void> ok = s.check_use(); !ok) co_return ok;
    const writer_state::running now(s);
    std::string_view rest = data.text();
    while (const std::optional<std::string_view> chunk = s.cutter_.cut(rest)) {
        result<void> ok = co_await writer_state::send(rt, s, *chunk);
        if (!ok) co_return ok;
    }
    co_return result<void>();
}

op<result<void>> write_from(runtime& rt, writer_state& s, source from) {
    if (result<void> ok = s.check_use(); !ok) co_return ok;
    const writer_state::running now(s);
    while (true) {
        const std::span<char> room = s.cutter_.room();
        const result<std::size_t> n = from.read(from.context, room);
        if (!n) co_return n.error();
        if (*n == 0) co_return result<void>();
        if (*n > room.size())
            co_return error(errc::invalid_argument, "a source gave more than it was asked for");
        const std::optional<std::string_view> chunk = s.cutter_.commit(*n);
        if (!chunk) continue;
        result<void> ok = co_await writer_state::send(rt, s, *chunk);
        if (!ok) co_return ok;
    }
}

// --- the end

op<result<object_info>> writer_state::commit(runtime& rt, writer_state& s) {
    for (int attempt = 0; attempt < most_commits; ++attempt) {
        std::string name = s.info_.name;
        result<found_object> there = co_await find_current(rt, s.bucket_, std::move(name));
        if (!there) co_return there.error();
        s.phase_ = phase::committing;
        result<std::uint64_t> done = co_await commit_info(rt, s.bucket_, s.info_, there->sequence);
        if (!done && leaves_open(done.error())) co_return done.error();
        if (!done) {
            s.phase_ = phase::uploading;
            if (done.error() == errc::object_changing) continue;
            co_return done.error();
        }
        s.phase_ = phase::ended;
        // What it replaces is out of sight now; that its chunks go is all that is left to do.
        std::string old = there->info.nuid;
        if (there->sequence != 0 && !old.empty() && old != s.info_.nuid) {
            result<void> purged = co_await purge_chunks(rt, s.bucket_, std::move(old));
            (void)purged;
        }
        co_return s.info_;
    }
    co_return error(errc::object_changing, '"' + s.info_.name + '"');
}

op<result<object_info>> finish(runtime& rt, writer_state& s) {
    if (result<void> ok = s.check_use(); !ok) co_return ok.error();
    const writer_state::running now(s);
    const std::string_view rest = s.cutter_.last();
    if (!rest.empty()) {
        result<void> ok = co_await writer_state::send(rt, s, rest);
        if (!ok) co_return ok.error();
    }
    result<void> all = co_await writer_state::settle_all(rt, s);
    if (!all) co_return all.error();
    const result<sha256_digest> sum = s.hash_->finish();
    if (!sum) co_return s.fail(sum.error());
    s.info_.size = s.written_;
    s.info_.chunks = s.sent_;
    s.info_.digest = digest_text(*sum);
    result<object_info> done = co_await writer_state::commit(rt, s);
    if (!done) co_return s.fail(done.error());
    co_return std::move(done);
}

op<result<void>> abort(runtime& rt, writer_state& s) {
    if (s.busy_) co_return error(errc::in_use);
    if (!s.failure_) s.failure_ = error(errc::invalid_argument, "the object was given up");
    if (!s.unfinished()) co_return result<void>();
    const writer_state::running now(s);
    if (s.publisher_.pending() != 0) {
        const duration patience = s.options_.timeout;
        result<js::publish_counts> settled = co_await js::complete(rt, s.publisher_, patience);
        (void)settled;
    }
    std::string nuid = s.info_.nuid;
    result<void> purged = co_await purge_chunks(rt, s.bucket_, std::move(nuid));
    if (purged) s.phase_ = writer_state::phase::ended;
    co_return purged;
}

// --- all of it

namespace {

/// A source that tells how much was taken from it.
struct told_source {
    source from;
    progress_listener listener;
    std::uint64_t bytes = 0;

    static result<std::size_t> read(void* context, std::span<char> into) {
        auto& self = *static_cast<told_source*>(context);
        self.listener({.bytes = self.bytes});
        result<std::size_t> n = self.from.read(self.from.context, into);
        if (n) self.bytes += *n;
        return n;
    }
};

} // namespace

op<result<object_info>> put_object(runtime& rt, writer_state& s, source from) {
    told_source told{from, s.options().progress};
    const source all{&told_source::read, &told};
    result<void> written = co_await write_from(rt, s, all);
    result<object_info> done = error{errc::object_not_found};
    if (written) {
        done = co_await finish(rt, s);
        if (done) co_return std::move(done);
    } else {
        done = written.error();
    }
    result<void> gone = co_await abort(rt, s);
    (void)gone; // what was wrong first is what counts
    co_return std::move(done);
}

} // namespace nats::obj
