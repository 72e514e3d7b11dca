// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// The answer is the message as it was published, with what the server knows about it in headers
// behind those that were stored: so of each of these names the last one counts. A status without
// them is an error, or the end of a batch.
//
// A batch is one request on an inbox of its own, and answers until the server says that it was all
// (204). A server before 2.11 knows no batches: it sends one message without saying how many more
// there are. What is kept of answers is bounded by what was asked for, and by a number of bytes.

#include <natsproto/jetstream/direct_get.hpp>

#include <natsproto/client/ops.hpp>
#include <natsproto/subject.hpp>

#include "core/jetstream/requests.hpp"
#include "core/text/ascii.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace nats::js {

namespace {

constexpr std::uint32_t most_in_batch = 100'000;
constexpr std::uint32_t most_direct = 1024; ///< that a server looks at for one request
constexpr std::size_t most_bytes = std::size_t{256} << 20U;

error not_possible(std::string_view what) {
    return {errc::invalid_argument, std::string(what)};
}

// --- requests

result<void> check_filter(std::string_view subject) {
    if (subject.empty() || is_subscribe_subject(subject)) return {};
    return error{errc::invalid_subject, '"' + printable(subject) + '"'};
}

template <class Options>
result<void> check_start(const Options& o) {
    if (o.sequence != 0 && o.start_time) return not_possible("a sequence and a time to start");
    return check_filter(o.subject);
}

/// Where to begin, and with which subject.
template <class Options>
void write_start(codec::writer& w, const Options& o) {
    if (o.start_time)
        w("start_time", format_wall_time(*o.start_time));
    else
        w.always("seq", std::max<std::uint64_t>(o.sequence, 1)); // servers want one of the two
    w("next_by_subj", o.subject);
}

} // namespace

result<api_request> encode_direct_get(const context& c, std::string_view stream,
                                      std::uint64_t sequence, const direct_get_options& o) {
    if (sequence == 0) return not_possible("sequence 0");
    return make_stream_request(c, "DIRECT.GET.", stream, [&](codec::writer& w) {
        w("seq", sequence);
        w("no_hdr", o.payload_only);
    });
}

result<api_request> encode_direct_last(const context& c, std::string_view stream,
                                       std::string_view subject, const direct_get_options& o) {
    if (!is_subscribe_subject(subject))
        return error{errc::invalid_subject, '"' + printable(subject) + '"'};
    if (is_publish_subject(subject) && !o.payload_only) { // this one can be permitted by subject
        if (result<void> ok = check_name("stream", stream); !ok) return ok.error();
        return api_request(c, "DIRECT.GET." + std::string(stream) + '.' + std::string(subject));
    }
    return make_stream_request(c, "DIRECT.GET.", stream, [&](codec::writer& w) {
        w("last_by_subj", subject);
        w("no_hdr", o.payload_only);
    });
}

result<api_request> encode_direct_next(const context& c, std::string_view stream,
                                       const direct_next_options& o) {
    if (result<void> ok = check_start(o); !ok) return ok.error();
    return make_stream_request(c, "DIRECT.GET.", stream,
                               [&](codec::writer& w) { write_start(w, o); });
}

result<api_request> encode_direct_batch(const context& c, std::string_view stream,
                                        const direct_batch_options& o) {
    if (o.batch == 0 || o.batch > most_in_batch) return not_possible("batch");
    if (result<void> ok = check_start(o); !ok) return ok.error();
    return make_stream_request(c, "DIRECT.GET.", stream, [&](codec::writer& w) {
        w("batch", o.batch);
        w("max_bytes", o.max_bytes);
        write_start(w, o);
    });
}

result<api_request> encode_direct_last_for(const context& c, std::string_view stream,
                                           const std::vector<std::string>& subjects,
                                           const direct_last_options& o, std::uint64_t sequence) {
    if (o.batch == 0 || o.batch > most_direct) return not_possible("batch");
    if (o.up_to_sequence != 0 && o.up_to_time) return not_possible("a sequence and a time to end");
    if (subjects.empty()) return not_possible("no subjects");
    for (const std::string& s : subjects) {
        if (!is_subscribe_subject(s)) return error{errc::invalid_subject, '"' + printable(s) + '"'};
    }
    return make_stream_request(c, "DIRECT.GET.", stream, [&](codec::writer& w) {
        w("multi_last", subjects);
        w("batch", o.batch);
        w("seq", sequence);
        w("up_to_seq", o.up_to_sequence);
        if (o.up_to_time) w("up_to_time", format_wall_time(*o.up_to_time));
    });
}

// --- answers

namespace {

/// What the server adds. The first four are with every message.
struct added {
    enum name : std::size_t {
        stream,
        subject,
        sequence,
        time_stamp,
        pending,
        last_sequence,
        up_to
    };
};
constexpr std::array<std::string_view, 7> added_names{
    "Nats-Stream",      "Nats-Subject",       "Nats-Sequence",     "Nats-Time-Stamp",
    "Nats-Num-Pending", "Nats-Last-Sequence", "Nats-UpTo-Sequence"};
constexpr std::size_t with_every_message = 4;

struct additions {
    std::array<std::optional<std::string_view>, added_names.size()> values;
    [[nodiscard]] bool is_message() const noexcept {
        return std::all_of(values.begin(), values.begin() + with_every_message,
                           [](const auto& v) { return v.has_value(); });
    }
    /// 0 for one that is not there, or is no number.
    [[nodiscard]] std::uint64_t number(added::name which) const noexcept {
        std::uint64_t n = 0;
        return text::parse_decimal(values[which].value_or(""), n) ? n : 0;
    }
};

additions find_additions(header_view h) noexcept {
    additions found;
    for (const header_field& f : h) {
        const auto at = std::ranges::find(added_names, f.name);
        if (at != added_names.end())
            found.values[static_cast<std::size_t>(at - added_names.begin())] = f.value;
    }
    return found;
}

/// The block without what was added.
std::string without(header_view h, const additions& added, std::size_t how_many) {
    std::string block;
    for (const header_field& f : h) {
        const bool is_added = std::any_of(
            added.values.begin(), added.values.begin() + static_cast<std::ptrdiff_t>(how_many),
            [&](const auto& v) { return v && v->data() == f.value.data(); });
        if (is_added) continue;
        if (block.empty()) block = "NATS/1.0\r\n";
        block.append(f.name).append(": ").append(f.value).append("\r\n");
    }
    if (!block.empty()) block += "\r\n";
    return block;
}

error error_of(const nats::message_view& m) {
    const std::uint16_t status = m.status();
    const std::string text(m.headers.description());
    switch (status) {
    case 0: return {errc::invalid_response, "no message, and no status"};
    case 404: return {errc::message_not_found, status, text};
    case 408: return {errc::invalid_argument, status, text};
    case 503: return {errc::no_responders, status, text};
    default: return {errc::jetstream_error, status, text};
    }
}

result<void> read_message(const nats::message_view& m, const additions& found, bool of_batch,
                          stored_message& into) {
    const std::uint64_t seq = found.number(added::sequence);
    if (seq == 0) return error{errc::invalid_response, "Nats-Sequence"};
    const std::optional<wall_time> t = parse_wall_time(*found.values[added::time_stamp]);
    if (!t) return error{errc::invalid_response, "Nats-Time-Stamp"};
    into.stream = *found.values[added::stream];
    into.subject = *found.values[added::subject];
    into.sequence = seq;
    into.time = t;
    into.header_block =
        without(m.headers, found, of_batch ? added_names.size() : with_every_message);
    into.payload = m.payload;
    return {};
}

} // namespace

result<void> read_direct(const nats::message_view& answer, stored_message& into) {
    const additions found = find_additions(answer.headers);
    if (!found.is_message()) return error_of(answer);
    return read_message(answer, found, false, into);
}

direct_batch_machine::verdict direct_batch_machine::fail(error why) {
    failure_ = std::move(why);
    return verdict::failed;
}

direct_batch_machine::verdict direct_batch_machine::handle_message(const nats::message_view& m,
                                                                   direct_batch& into) {
    const additions found = find_additions(m.headers);
    if (!found.is_message()) {
        if (m.status() != 204) return fail(error_of(m));
        into.pending = found.number(added::pending);
        if (found.values[added::last_sequence])
            into.last_sequence = found.number(added::last_sequence);
        into.up_to_sequence = found.number(added::up_to);
        return verdict::done;
    }
    bytes_ += m.size();
    if (++messages_ > most_ || bytes_ > most_bytes)
        return fail({errc::invalid_response, "more than was asked for"});
    stored_message one;
    const bool of_batch = found.values[added::pending].has_value();
    if (result<void> ok = read_message(m, found, of_batch, one); !ok) return fail(ok.error());
    into.last_sequence = one.sequence;
    into.pending = found.number(added::pending);
    into.messages.push_back(std::move(one));
    if (of_batch) return verdict::more;
    into.single = true;
    return verdict::done;
}

// --- sequences

namespace {

/// What nobody, or silence, may mean here.
error explain(const error& e, const std::string& subject) {
    if (e != errc::no_responders && e != errc::timeout) return e;
    return {e.code(), e.status(),
            '"' + subject + "\": no such stream, or one without allow_direct" +
                (e == errc::timeout ? ", or nobody has answered" : "")};
}

/// One request and its answers, added to `into`, which the caller keeps.
op<result<void>> collect(runtime& rt, const api_request& r, std::size_t most, direct_batch& into) {
    mailbox box;
    direct_batch_machine machine(most);
    const std::string inbox = rt.new_inbox();
    if (rt.output_full()) {
        result<void> room = co_await ops::make_room(rt, deadline_after(rt.now(), r.timeout));
        if (!room) co_return room.error();
    }
    if (result<void> ok = rt.subscribe(box, inbox); !ok) co_return ok.error();
    result<void> sent = rt.connection().publish(r.subject, r.body, inbox, r.fields);
    if (!sent) co_return sent.error();
    while (true) { // each answer has the whole timeout
        result<nats::message_view> m = co_await rt.next(box, deadline_after(rt.now(), r.timeout));
        if (!m) co_return explain(m.error(), r.subject);
        switch (machine.handle_message(*m, into)) {
        case direct_batch_machine::verdict::more: break;
        case direct_batch_machine::verdict::done: co_return result<void>();
        case direct_batch_machine::verdict::failed: co_return explain(machine.failure(), r.subject);
        }
    }
}

} // namespace

op<result<stored_message>> direct_get(runtime& rt, result<api_request> given,
                                      const direct_get_options& o) {
    if (!given) co_return given.error();
    const bool payload_only = o.payload_only;
    const api_request r = std::move(*given);
    const time_point deadline = deadline_after(rt.now(), r.timeout);
    if (rt.output_full()) {
        result<void> room = co_await ops::make_room(rt, deadline);
        if (!room) co_return room.error();
    }
    const header_view fields = r.fields;
    const bytes body(r.body);
    result<nats::message_view> reply = co_await rt.request(r.subject, body, fields, deadline);
    if (!reply) co_return explain(reply.error(), r.subject);
    stored_message m;
    if (payload_only && reply->headers.empty()) {
        m.payload = reply->payload;
        co_return std::move(m);
    }
    result<void> read = read_direct(*reply, m);
    if (!read) co_return read.error();
    co_return std::move(m);
}

op<result<direct_batch>> get_direct_batch(runtime& rt, result<api_request> given,
                                          std::uint32_t most) {
    if (!given) co_return given.error();
    const api_request r = std::move(*given);
    direct_batch all;
    result<void> got = co_await collect(rt, r, most, all);
    if (!got) co_return got.error();
    co_return std::move(all);
}

op<result<direct_batch>> get_direct_last_for(runtime& rt, context c, std::string stream_name,
                                             std::vector<std::string> subjects,
                                             direct_last_options o) {
    direct_batch all;
    std::uint64_t from = 0;
    while (true) {
        const std::size_t before = all.messages.size();
        result<api_request> r = encode_direct_last_for(c, stream_name, subjects, o, from);
        if (!r) co_return r.error();
        result<void> got = co_await collect(rt, *r, o.batch, all);
        if (!got) co_return got.error();
        if (all.single) co_return error(errc::invalid_response, "the server is older than 2.11");
        const bool goes_on = all.messages.size() > before && all.last_sequence >= from;
        if (all.pending == 0 || !goes_on) co_return std::move(all);
        if (all.messages.size() >= most_direct)
            co_return error(errc::invalid_response, "more than was asked for");
        from = all.last_sequence + 1;
        o.up_to_time.reset(); // the same moment for all pages
        if (all.up_to_sequence != 0) o.up_to_sequence = all.up_to_sequence;
    }
}

} // namespace nats::js
