// SPDX-License-Identifier: Apache-2.0
//
// natsproto stream purge, get, view and rmm: the messages that are in a stream.
//
// Theory of operation: view asks for one message after the other, each time for the next that
// matches, so that nothing has to be made in the server for it.

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/stored_message.hpp>

#include "js.hpp"
#include "js_flags.hpp"
#include "js_text.hpp"
#include "output.hpp"
#include "stream.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace nats::cli {

namespace {

struct stream_message_options {
    std::string name;
    std::optional<std::uint64_t> seq;
    std::uint64_t count = 10;
    std::string subject;
    CLI::Option* subject_option = nullptr;
    std::optional<std::uint64_t> keep;
    bool erase = true;
    bool force = false;
    bool json = false;
    bool raw = false;
};

// --- purge

int run_purge(const global_options& g, const stream_message_options& o) {
    check_stream_name(o.name);
    if (*o.subject_option) check_filter(o.subject);
    if (o.seq && o.keep) throw usage_error("--seq and --keep exclude each other");
    require_force(o.force, "stream purge removes messages");
    js_connection j(g);
    js::purge_options p;
    p.filter = o.subject;
    p.seq = o.seq.value_or(0);
    p.keep = o.keep.value_or(0);
    const js::purge_count removed = j.take(j->purge_stream(o.name, p));
    if (o.json) {
        print(indented(fmt::format("{{\"success\":true,\"purged\":{}}}", removed.purged)));
    } else {
        tell(fmt::format("Removed {} messages from stream {}", removed.purged, o.name));
    }
    return j.nats().outcome();
}

// --- get and view

void print(output& out, const js::stored_message& m, const stream_message_options& o) {
    if (o.json) {
        out.write(indented(js::to_json(m).value()));
        return;
    }
    message_view v;
    v.subject = m.subject;
    v.headers = m.headers();
    v.payload = m.payload;
    message_format f;
    f.raw = o.raw;
    if (f.raw) {
        print_message(out, v, 0, f);
        return;
    }
    out.write(fmt::format("[#{}] Stored on \"{}\"{}\n", m.sequence, printable(m.subject),
                          m.time ? " at " + js::format_wall_time(*m.time) : ""));
    print_content(out, v, f);
}

int run_get(const global_options& g, const stream_message_options& o) {
    check_stream_name(o.name);
    const bool last = static_cast<bool>(*o.subject_option);
    if (o.seq.has_value() == last)
        throw usage_error("stream get takes one of these: a sequence, --last-for");
    if (last) check_filter(o.subject);
    js_connection j(g);
    const js::stored_message m =
        j.take(last ? j->get_last_message(o.name, o.subject) : j->get_message(o.name, *o.seq));
    output out;
    print(out, m, o);
    out.flush();
    return j.nats().outcome();
}

int run_view(const global_options& g, const stream_message_options& o) {
    check_stream_name(o.name);
    const std::string subject = *o.subject_option ? o.subject : ">";
    check_filter(subject);
    js_connection j(g);
    output out;
    std::uint64_t seq = o.seq.value_or(1);
    for (std::uint64_t n = 0; n < o.count; ++n) {
        result<js::stored_message> m = j->get_next_message(o.name, subject, seq);
        if (!m && m.error() == js::api_code::message_not_found) {
            if (n == 0) tell("No messages");
            break;
        }
        const js::stored_message found = j.take(std::move(m));
        print(out, found, o);
        seq = found.sequence + 1;
    }
    out.flush();
    return j.nats().outcome();
}

// --- rmm

int run_rmm(const global_options& g, const stream_message_options& o) {
    check_stream_name(o.name);
    require_force(o.force, "stream rmm deletes a message");
    js_connection j(g);
    j.take(o.erase ? j->erase_message(o.name, *o.seq) : j->delete_message(o.name, *o.seq));
    tell(fmt::format("Deleted message {} of stream {}", *o.seq, o.name));
    return j.nats().outcome();
}

CLI::Option* add_sequence(CLI::App& app, const std::string& names, const std::string& help,
                          std::optional<std::uint64_t>& target) {
    return app.add_option(names, target, help)->check(at_least_one());
}

} // namespace

command add_stream_purge(CLI::App& group) {
    const auto o = std::make_shared<stream_message_options>();
    CLI::App* const c = group.add_subcommand("purge", "Remove messages, all unless told");
    add_stream_name(*c, o->name)->required();
    o->subject_option =
        c->add_option("--subject", o->subject, "Only those of subjects that this matches")
            ->type_name("SUBJECT");
    add_sequence(*c, "--seq", "Only those before this sequence", o->seq)->type_name("SEQUENCE");
    c->add_option("--keep", o->keep, "All but so many, the newest")
        ->check(at_least_one())
        ->type_name("N");
    add_force(*c, o->force);
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_purge(g, *o); }};
}

command add_stream_get(CLI::App& group) {
    const auto o = std::make_shared<stream_message_options>();
    CLI::App* const c = group.add_subcommand("get", "Show a message");
    add_stream_name(*c, o->name)->required();
    add_sequence(*c, "id", "Its sequence in the stream", o->seq)->type_name("");
    o->subject_option =
        c->add_option("-S,--last-for", o->subject, "The last one of this subject instead")
            ->type_name("SUBJECT");
    c->add_flag("-r,--raw", o->raw, "Print the payload only, byte for byte, and a line break");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_get(g, *o); }};
}

command add_stream_view(CLI::App& group) {
    const auto o = std::make_shared<stream_message_options>();
    CLI::App* const c = group.add_subcommand("view", "Show messages");
    add_stream_name(*c, o->name)->required();
    c->add_option("size", o->count, "How many at most")
        ->check(at_least_one())
        ->capture_default_str()
        ->type_name("");
    add_sequence(*c, "--id", "Begin at this sequence", o->seq)->type_name("SEQUENCE");
    o->subject_option = c->add_option("--subject", o->subject, "Only of subjects that this matches")
                            ->type_name("SUBJECT");
    c->add_flag("-r,--raw", o->raw, "Print payloads only, byte for byte, a line break after each");
    return {c, [o](const global_options& g) { return run_view(g, *o); }};
}

command add_stream_rmm(CLI::App& group) {
    const auto o = std::make_shared<stream_message_options>();
    CLI::App* const c = group.add_subcommand("rmm", "Delete a message");
    add_stream_name(*c, o->name)->required();
    add_sequence(*c, "id", "Its sequence in the stream", o->seq)->required()->type_name("");
    c->add_flag_function(
        "--erase,!--no-erase", [o](std::int64_t n) { o->erase = n > 0; },
        "Overwrite its bytes where it was stored; so unless told");
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_rmm(g, *o); }};
}

} // namespace nats::cli
