// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a message is acknowledged when it was written to standard output and not
// before: if nobody reads that any more, it stays unacknowledged, and the server delivers it to
// somebody else.

#include "consumer_messages.hpp"

#include <fmt/core.h>

namespace nats::cli {

void add_delivered(CLI::App& app, delivered_options& o) {
    add_stream_name(app, o.stream)->required();
    add_consumer_name(app, o.consumer)->required();
    app.add_flag_function(
        "--ack,!--no-ack", [&o](std::int64_t n) { o.ack = n > 0; },
        "Acknowledge messages when they are printed; so unless told");
    app.add_flag("-r,--raw", o.raw, "Print payloads only, byte for byte, a line break after each");
    app.add_option("--group", o.group, "The priority group, for consumers that have one")
        ->type_name("GROUP");
}

void check_delivered(const delivered_options& o) {
    check_stream_name(o.stream);
    check_consumer_name(o.consumer);
    if (o.nak && o.term) throw usage_error("--nak and --term exclude each other");
    if (o.ack == true && (o.nak || o.term))
        throw usage_error("--ack does not go with --nak and --term");
}

deliverer::deliverer(js_connection& j, const delivered_options& o)
    : js_(j), options_(o), info_(j.take(j->consumer_info(o.stream, o.consumer))) {
    acks_ = o.ack.value_or(info_.config.ack_policy != js::ack_policy::none);
}

void deliverer::handle(js::message& m) {
    ++received_;
    print(m);
    out_.flush();
    answer(m);
}

void deliverer::print(const js::message& m) {
    message_format f;
    f.raw = options_.raw;
    if (f.raw) {
        print_message(out_, m.view(), received_, f);
        return;
    }
    std::string where;
    if (const result<js::metadata> d = m.metadata()) {
        where = fmt::format(", stream sequence {}, consumer sequence {}, delivery {}, {} pending",
                            d->stream_sequence, d->consumer_sequence, d->delivered, d->pending);
    }
    out_.write(
        fmt::format("[#{}] Received on \"{}\"{}\n", received_, printable(m.subject()), where));
    print_content(out_, m.view(), f);
}

void deliverer::answer(js::message& m) {
    if (options_.nak)
        js_.take(js_->nak(m));
    else if (options_.term)
        js_.take(js_->terminate(m));
    else if (acks_)
        js_.take(js_->ack(m));
}

} // namespace nats::cli
