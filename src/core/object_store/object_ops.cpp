// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// What describes an object is the only message of its subject. Whoever replaces it says which
// message it has seen there, so that of two that change an object at a time one has to look again:
// that is why the chunks that a put replaces are always those that go.
//
// The answer to such a publish may be lost. Then it is sent again with the same id, which the
// server stores once; and if somebody is found to have been faster, that may have been ourselves.
//
// A rename makes the new name first. Then a mark takes the place of the old one, if nobody has
// replaced that meanwhile, and goes too.

#include <natsproto/object_store/object_ops.hpp>

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/direct_get.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/object_store/bucket_config.hpp>

#include "core/jetstream/bucket_streams.hpp"

#include <utility>

namespace nats::obj {

namespace {

constexpr int most_attempts = 100; ///< to change what others change too
constexpr int most_publishes = 4;  ///< of one message whose answers are lost
constexpr int longest_chain = 16;  ///< of links

error about(errc code, const std::string& name) {
    return {code, '"' + name + '"'};
}

bool is_wrong_sequence(const error& e) noexcept {
    return e == js::api_code::wrong_last_sequence ||
           e == js::api_code::wrong_last_sequence_constant;
}

result<found_object> found_in(js::stored_message m) {
    result<object_info> i = info_of(m);
    if (!i) return i.error();
    found_object f;
    f.info = std::move(*i);
    f.sequence = m.sequence;
    f.json = std::move(m.payload);
    return f;
}

/// Whether a link may take its place.
bool is_free(const found_object& f) noexcept {
    return f.sequence == 0 || f.info.deleted || f.info.link() != nullptr;
}

object_info deleted(object_info i) {
    i.deleted = true;
    i.size = 0;
    i.chunks = 0;
    i.digest.clear();
    return i;
}

} // namespace

// --- what is there

op<result<found_object>> find_object(runtime& rt, bucket b, std::string name, bool from_leader) {
    if (name.empty()) co_return error(errc::invalid_argument, "an object without a name");
    const std::string subject = b.meta_subject(name);
    result<js::stored_message> m = error{errc::object_not_found};
    if (b.direct() && !from_leader) {
        result<js::api_request> r = js::encode_direct_last(b.settings(), b.stream(), subject);
        m = co_await js::direct_get(rt, std::move(r));
    } else {
        result<js::api_request> r = js::encode_get_last_message(b.settings(), b.stream(), subject);
        m = co_await js::call<js::stored_message>(rt, std::move(r));
    }
    if (m) co_return found_in(std::move(*m));
    if (m.error() == errc::message_not_found || m.error() == js::api_code::message_not_found)
        co_return about(errc::object_not_found, name);
    co_return js::bucket_error(m.error(), b.name());
}

op<result<found_object>> find_current(runtime& rt, bucket b, std::string name) {
    result<found_object> f = co_await find_object(rt, std::move(b), std::move(name), true);
    if (!f && f.error() == errc::object_not_found) co_return found_object();
    co_return std::move(f);
}

namespace {

op<result<object_info>> look_up(runtime& rt, bucket b, std::string name, bool show_deleted,
                                bool from_leader) {
    result<found_object> f = co_await find_object(rt, std::move(b), name, from_leader);
    if (!f) co_return f.error();
    if (f->info.deleted && !show_deleted) co_return about(errc::object_not_found, name);
    co_return std::move(f->info);
}

} // namespace

op<result<object_info>> get_info(runtime& rt, bucket b, std::string name, bool show_deleted) {
    result<object_info> i =
        co_await look_up(rt, std::move(b), std::move(name), show_deleted, false);
    co_return std::move(i);
}

op<result<resolved_object>> resolve_object(runtime& rt, bucket b, std::string name,
                                           bool show_deleted) {
    for (int hops = 0; hops <= longest_chain; ++hops) {
        // By the leader: any other may still tell of an object whose chunks have been replaced.
        result<object_info> i = co_await look_up(rt, b, name, show_deleted, true);
        if (!i) co_return i.error();
        const object_link* const to = i->link();
        if (to == nullptr) co_return resolved_object(std::move(b), std::move(*i));
        if (to->name.empty()) co_return about(errc::object_is_link, name);
        if (result<void> ok = check_bucket(to->bucket); !ok)
            co_return error(errc::invalid_response, "a link to " + ok.error().detail());
        if (to->bucket != b.name()) b = bucket(b.settings(), to->bucket, false);
        std::string next = to->name;
        name = std::move(next);
    }
    co_return about(errc::object_link_loop, name);
}

// --- changing it

bool leaves_open(const error& e) noexcept {
    const auto n = static_cast<int>(e.code());
    const bool transport = n >= static_cast<int>(errc::eof) && n < 600;
    return transport || e == errc::timeout || e == errc::stale_connection ||
           e == errc::connection_closed || e == errc::reconnect_forced || e == errc::lame_duck;
}

op<result<std::uint64_t>> commit_info(runtime& rt, bucket b, object_info i,
                                      std::uint64_t expected) {
    i.bucket = b.name();
    i.mtime.reset();
    result<std::string> json = to_json(i);
    if (!json) co_return json.error();
    const std::string subject = b.meta_subject(i.name);
    const std::string id = rt.new_id();
    js::publish_options o;
    o.message_id = id;
    o.expected_last_subject_sequence = expected;
    o.rollup = js::rollup::subject;
    o.retry_attempts = -1;
    o.timeout = b.settings().timeout();
    for (int attempt = 1;; ++attempt) {
        result<js::publish_request> r = js::publish_request::make(subject, *json, o);
        result<js::pub_ack> stored = co_await js::publish(rt, std::move(r));
        if (stored) co_return stored->seq;
        const error why = stored.error();
        if (is_wrong_sequence(why)) {
            result<found_object> now = co_await find_current(rt, b, i.name);
            if (!now) co_return now.error();
            if (now->json == *json && now->sequence > expected) co_return now->sequence;
            co_return about(errc::object_changing, i.name);
        }
        const bool again = leaves_open(why) && why != errc::connection_closed;
        if (!again || attempt == most_publishes) co_return why;
    }
}

op<result<void>> purge_chunks(runtime& rt, bucket b, std::string nuid) {
    const std::string subject = b.chunk_subject(nuid);
    js::purge_options o;
    o.filter = subject;
    for (int attempt = 1;; ++attempt) {
        result<js::api_request> r = js::encode_purge_stream(b.settings(), b.stream(), o);
        result<js::purge_count> gone = co_await js::call<js::purge_count>(rt, std::move(r));
        if (gone) co_return result<void>();
        if (gone.error() != errc::timeout || attempt == most_publishes) co_return gone.error();
    }
}

op<result<void>> remove_object(runtime& rt, bucket b, std::string name) {
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        result<found_object> f = co_await find_object(rt, b, name, true);
        if (!f) co_return f.error();
        const std::string nuid = f->info.nuid;
        if (!f->info.deleted) {
            object_info mark = deleted(std::move(f->info));
            result<std::uint64_t> done = co_await commit_info(rt, b, std::move(mark), f->sequence);
            if (!done && done.error() == errc::object_changing) continue;
            if (!done) co_return done.error();
        }
        if (nuid.empty()) co_return result<void>();
        // Also of one that was deleted already: whoever did that may not have got so far.
        result<void> purged = co_await purge_chunks(rt, b, nuid);
        co_return purged;
    }
    co_return about(errc::object_changing, name);
}

namespace {

/// The old name goes, if nobody has replaced it; otherwise the new one does.
op<result<void>> end_rename(runtime& rt, bucket b, found_object from, object_info to,
                            std::uint64_t to_sequence) {
    const std::string old = b.meta_subject(from.info.name);
    const std::string name = from.info.name;
    object_info mark = deleted(std::move(from.info));
    result<std::uint64_t> marked = co_await commit_info(rt, b, std::move(mark), from.sequence);
    if (!marked) {
        const error why = marked.error();
        object_info undone = deleted(std::move(to));
        if (why == errc::object_changing)
            marked = co_await commit_info(rt, b, std::move(undone), to_sequence);
        co_return why;
    }
    js::purge_options o;
    o.filter = old;
    o.seq = *marked + 1;
    result<js::api_request> r = js::encode_purge_stream(b.settings(), b.stream(), o);
    result<js::purge_count> gone = co_await js::call<js::purge_count>(rt, std::move(r));
    // If it stays, it says that there is no such object.
    co_return result<void>();
}

op<result<object_info>> rename_object(runtime& rt, bucket b, found_object from, object_info to) {
    result<found_object> there = co_await find_current(rt, b, to.name);
    if (!there) co_return there.error();
    if (there->sequence != 0 && !there->info.deleted) co_return about(errc::object_exists, to.name);
    result<std::uint64_t> made = co_await commit_info(rt, b, to, there->sequence);
    if (!made) co_return made.error();
    result<void> ended = co_await end_rename(rt, std::move(b), std::move(from), to, *made);
    if (!ended) co_return ended.error();
    co_return std::move(to);
}

} // namespace

op<result<object_info>> update_meta(runtime& rt, bucket b, std::string name, object_meta m) {
    if (m.name.empty()) m.name = name;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        result<found_object> f = co_await find_object(rt, b, name, true);
        if (!f) co_return f.error();
        if (f->info.deleted) co_return about(errc::object_not_found, name);
        object_info changed = f->info;
        static_cast<object_meta&>(changed) = m;
        if (m.name != name) {
            result<object_info> r =
                co_await rename_object(rt, b, std::move(*f), std::move(changed));
            if (!r && r.error() == errc::object_changing) continue;
            co_return std::move(r);
        }
        result<std::uint64_t> done = co_await commit_info(rt, b, changed, f->sequence);
        if (done) co_return std::move(changed);
        if (done.error() != errc::object_changing) co_return done.error();
    }
    co_return about(errc::object_changing, name);
}

// --- links

namespace {

op<result<object_info>> put_link(runtime& rt, bucket b, std::string name, object_link to) {
    object_info i{object_meta(name)};
    i.bucket = b.name();
    i.nuid = rt.new_id();
    i.options.emplace().link = std::move(to);
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        result<found_object> there = co_await find_current(rt, b, name);
        if (!there) co_return there.error();
        if (!is_free(*there)) co_return about(errc::object_exists, name);
        result<std::uint64_t> done = co_await commit_info(rt, b, i, there->sequence);
        if (done) co_return std::move(i);
        if (done.error() != errc::object_changing) co_return done.error();
    }
    co_return about(errc::object_changing, name);
}

} // namespace

op<result<object_info>> add_link(runtime& rt, bucket b, std::string name, object_info target) {
    if (name.empty() || target.name.empty())
        co_return error(errc::invalid_argument, "an object without a name");
    if (target.deleted) co_return about(errc::object_not_found, target.name);
    if (target.link() != nullptr) co_return about(errc::object_is_link, target.name);
    if (target.bucket.empty()) target.bucket = b.name();
    if (result<void> ok = check_bucket(target.bucket); !ok) co_return ok.error();
    object_link to(std::move(target.bucket), std::move(target.name));
    result<object_info> made = co_await put_link(rt, std::move(b), std::move(name), std::move(to));
    co_return std::move(made);
}

op<result<object_info>> add_bucket_link(runtime& rt, bucket b, std::string name,
                                        std::string target) {
    if (name.empty()) co_return error(errc::invalid_argument, "an object without a name");
    if (result<void> ok = check_bucket(target); !ok) co_return ok.error();
    object_link to(std::move(target), {});
    result<object_info> made = co_await put_link(rt, std::move(b), std::move(name), std::move(to));
    co_return std::move(made);
}

} // namespace nats::obj
