// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A write is a publish into the bucket's stream. What it depends on is a number that the server
// compares: the sequence of the last message of its subject, which is the key's revision.
//
// To create is to expect 0. A key that was deleted has a marker there, though, whose revision is
// expected then. Meanwhile others may do the same, so this goes round a few times: each round ends
// because somebody else has written in between. What any replica may answer can be old; before it
// is believed that a key exists, the leader is asked, if there is more than one server.

#include <natsproto/key_value/requests.hpp>

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/direct_get.hpp>
#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/key_value/names.hpp>

#include "core/jetstream/bucket_streams.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace nats::kv {

namespace {

constexpr std::size_t most_keys = 1024; ///< that a server looks at for one request
constexpr int most_rounds = 8;

error no_such_key(const std::string& key) {
    return {errc::key_not_found, '"' + key + '"'};
}

error in_words_of_keys(const error& e, const std::string& bucket, const std::string& key) {
    if (e == errc::message_not_found || e == js::api_code::message_not_found)
        return no_such_key(key);
    return js::bucket_error(e, bucket);
}

/// `to` is where the messages of `r` go.
error in_words_of_writes(const error& e, std::string_view to) {
    const auto about = [&] { return '"' + printable(to) + "\": " + e.detail(); };
    if (e == js::api_code::wrong_last_sequence || e == js::api_code::wrong_last_sequence_constant)
        return {errc::wrong_revision, about()};
    if (e == js::api_code::ttl_disabled) return {errc::ttl_not_supported, about()};
    return e;
}

js::publish_options options_of_write(const location& at) {
    js::publish_options o;
    o.timeout = at.settings.timeout();
    return o;
}

result<js::publish_request> encode_write(const location& at, std::string_view key, bytes value,
                                         const js::publish_options& o) {
    if (result<void> ok = check_new_key(key); !ok) return ok.error();
    if (o.ttl && !at.expiring) return error{errc::ttl_not_supported, "bucket \"" + at.bucket + '"'};
    return js::publish_request::make(at.write_prefix + std::string(key), value, o);
}

entry to_entry(js::stored_message&& m, std::string_view bucket, std::string_view key) {
    entry e;
    e.bucket = bucket;
    e.key = key;
    e.revision = m.sequence;
    e.created = m.time.value_or(js::wall_time());
    e.operation = read_operation(m.headers());
    e.size = m.payload.size();
    e.value = std::move(m.payload);
    return e;
}

} // namespace

// --- reading

result<read_request> encode_get(const location& at, std::string_view key, const get_options& o) {
    if (result<void> ok = check_key(key); !ok) return ok.error();
    const bool direct = at.direct && !o.from_leader;
    const std::string subject = at.subject(key);
    result<js::api_request> ask =
        direct ? (o.revision != 0 ? js::encode_direct_get(at.settings, at.stream, o.revision)
                                  : js::encode_direct_last(at.settings, at.stream, subject))
               : (o.revision != 0 ? js::encode_get_message(at.settings, at.stream, o.revision)
                                  : js::encode_get_last_message(at.settings, at.stream, subject));
    if (!ask) return ask.error();
    read_request r(std::move(*ask));
    r.direct = direct;
    r.markers = o.markers;
    r.bucket = at.bucket;
    r.key = key;
    r.subject = subject;
    return r;
}

op<result<entry>> get(runtime& rt, result<read_request> given) {
    if (!given) co_return given.error();
    const read_request r = std::move(*given);
    result<js::api_request> ask = r.ask;
    result<js::stored_message> m = error{};
    if (r.direct) {
        const js::direct_get_options all;
        m = co_await js::direct_get(rt, std::move(ask), all);
    } else {
        m = co_await js::call<js::stored_message>(rt, std::move(ask));
    }
    if (!m) co_return in_words_of_keys(m.error(), r.bucket, r.key);
    if (m->subject != r.subject) co_return no_such_key(r.key); // a revision of another key
    entry e = to_entry(std::move(*m), r.bucket, r.key);
    if (e.is_marker() && !r.markers) {
        co_return error(errc::key_not_found,
                        '"' + r.key + "\" was deleted at revision " + std::to_string(e.revision));
    }
    co_return std::move(e);
}

namespace {

/// What has come, by its key.
using found_entries = std::unordered_map<std::string, entry>;

/// One request for as many keys as a server looks at. False: this server cannot do that.
op<result<bool>> get_page(runtime& rt, const location& at, std::vector<std::string> subjects,
                          found_entries& into) {
    js::context c = at.settings;
    std::string stream = at.stream;
    const js::direct_last_options usual;
    result<js::direct_batch> page = co_await js::get_direct_last_for(
        rt, std::move(c), std::move(stream), std::move(subjects), usual);
    if (!page) {
        const errc why = page.error().code();
        if (why == errc::message_not_found) co_return true; // none of them
        // A server before 2.11 looks for a member that it knows, or answers with one message.
        if (why == errc::invalid_argument || why == errc::invalid_response) co_return false;
        co_return in_words_of_keys(page.error(), at.bucket, {});
    }
    for (js::stored_message& m : page->messages) {
        if (!m.subject.starts_with(at.read_prefix)) continue;
        const std::string key = m.subject.substr(at.read_prefix.size());
        into.insert_or_assign(key, to_entry(std::move(m), at.bucket, key));
    }
    co_return true;
}

op<result<void>> get_each(runtime& rt, const location& at, const std::vector<std::string>& keys,
                          found_entries& into) {
    for (const std::string& key : keys) {
        result<read_request> r = encode_get(at, key);
        result<entry> e = co_await get(rt, std::move(r));
        if (e)
            into.insert_or_assign(key, std::move(*e));
        else if (e.error() != errc::key_not_found)
            co_return e.error();
    }
    co_return result<void>();
}

} // namespace

op<result<std::vector<entry>>> get_many(runtime& rt, location at, std::vector<std::string> keys) {
    for (const std::string& key : keys) {
        if (result<void> ok = check_key(key); !ok) co_return ok.error();
    }
    found_entries found;
    bool batches = at.direct && rt.connection().info().version_at_least(2, 11, 0);
    for (std::size_t from = 0; batches && from < keys.size(); from += most_keys) {
        std::vector<std::string> subjects;
        for (std::size_t i = from; i < std::min(from + most_keys, keys.size()); ++i)
            subjects.push_back(at.subject(keys[i]));
        result<bool> done = co_await get_page(rt, at, std::move(subjects), found);
        if (!done) co_return done.error();
        batches = *done;
    }
    if (!batches) {
        result<void> done = co_await get_each(rt, at, keys, found);
        if (!done) co_return done.error();
    }
    std::vector<entry> all;
    for (const std::string& key : keys) {
        const auto it = found.find(key);
        if (it == found.end()) continue; // or it was asked for twice
        if (!it->second.is_marker()) all.push_back(std::move(it->second));
        found.erase(it);
    }
    co_return std::move(all);
}

// --- writing

result<js::publish_request> encode_put(const location& at, std::string_view key, bytes value) {
    return encode_write(at, key, value, options_of_write(at));
}

result<js::publish_request> encode_update(const location& at, std::string_view key, bytes value,
                                          std::uint64_t revision) {
    js::publish_options o = options_of_write(at);
    o.expected_last_subject_sequence = revision;
    return encode_write(at, key, value, o);
}

result<js::publish_request> encode_delete(const location& at, std::string_view key,
                                          const delete_options& given) {
    headers h;
    (void)h.set("KV-Operation", "DEL");
    js::publish_options o = options_of_write(at);
    o.headers = h;
    o.expected_last_subject_sequence = given.revision;
    return encode_write(at, key, {}, o);
}

result<js::publish_request> encode_purge(const location& at, std::string_view key,
                                         const purge_options& given) {
    headers h;
    (void)h.set("KV-Operation", "PURGE");
    js::publish_options o = options_of_write(at);
    o.headers = h;
    o.rollup = js::rollup::subject;
    o.expected_last_subject_sequence = given.revision;
    o.ttl = given.ttl;
    return encode_write(at, key, {}, o);
}

op<result<std::uint64_t>> write(runtime& rt, result<js::publish_request> r) {
    if (!r) co_return r.error();
    const std::string to(r->subject());
    result<js::pub_ack> ack = co_await js::publish(rt, std::move(r));
    if (!ack) co_return in_words_of_writes(ack.error(), to);
    co_return ack->seq;
}

// --- creating

namespace {

/// As the stream has it that is written to.
location origin_of(const location& at) {
    location origin = at;
    origin.stream = at.origin_stream;
    origin.settings = at.origin_settings;
    origin.read_prefix = at.origin_prefix;
    return origin;
}

result<js::publish_request> encode_create(const location& at, std::string_view key, bytes value,
                                          const create_options& given) {
    js::publish_options o = options_of_write(at);
    o.expected_last_subject_sequence = 0;
    o.ttl = given.ttl;
    return encode_write(at, key, value, o);
}

} // namespace

result<create_request> create_request::make(const location& at, std::string_view key, bytes value,
                                            const create_options& o) {
    result<js::publish_request> first = encode_create(at, key, value, o);
    if (!first) return first.error();
    result<read_request> look = encode_get(at, key, {.markers = true});
    if (!look) return look.error();
    create_request r(std::move(*first), std::move(*look));
    r.ttl_ = o.ttl;
    if (at.direct && at.replicated) {
        result<read_request> closely =
            encode_get(origin_of(at), key, {.markers = true, .from_leader = true});
        if (!closely) return closely.error();
        r.look_closely_ = std::move(*closely);
    }
    return r;
}

result<js::publish_request> create_request::publish(std::uint64_t expected) const {
    js::publish_options o;
    o.timeout = first_.timeout();
    o.expected_last_subject_sequence = expected;
    o.ttl = ttl_;
    return js::publish_request::make(first_.subject(), first_.payload(), o);
}

op<result<std::uint64_t>> create(runtime& rt, result<create_request> given) {
    if (!given) co_return given.error();
    const create_request r = std::move(*given);
    std::uint64_t expected = 0;
    for (int round = 1;; ++round) {
        result<js::publish_request> p = r.publish(expected);
        result<std::uint64_t> written = co_await write(rt, std::move(p));
        if (written || written.error() != errc::wrong_revision || round == most_rounds)
            co_return std::move(written);
        result<read_request> look = r.look();
        result<entry> there = co_await get(rt, std::move(look));
        const bool doubtful = !there || !there->is_marker() || there->revision == expected;
        if (doubtful && r.look_closely()) { // unless the user may not ask there
            result<read_request> closely = *r.look_closely();
            result<entry> surely = co_await get(rt, std::move(closely));
            if (surely || surely.error() == errc::key_not_found) there = std::move(surely);
        }
        if (!there && there.error() != errc::key_not_found) co_return there.error();
        if (there && !there->is_marker()) {
            co_return error(errc::key_exists, '"' + there->key + "\" has revision " +
                                                  std::to_string(there->revision));
        }
        expected = there ? there->revision : 0;
    }
}

} // namespace nats::kv
