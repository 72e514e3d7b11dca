// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what came in `extra` goes back as it came, unless the structure has a value
// of its own for the same member. It is parsed, since whoever fills it may write anything.

#include "core/jetstream/raw_json.hpp"
#include "core/jetstream/writer.hpp"

namespace nats::js::codec {

void writer::write(std::string_view s) {
    if (!failure_ && !text::is_utf8(s))
        failure_ = error(errc::invalid_argument, '"' + printable(s) + "\" is not UTF-8");
    json_text::append_string(out_, s);
}

void writer::add_extra(const std::string& extra, std::size_t before) {
    if (extra.empty()) return;
    const result<boost::json::object> o = parse_object(extra);
    if (!o) {
        if (!failure_) failure_ = error(errc::invalid_argument, "`extra` is not a JSON object");
        return;
    }
    const auto from = names_.begin() + static_cast<std::ptrdiff_t>(before);
    raw_reader members(extra);
    std::string_view key;
    std::string_view value;
    while (members.member(key, value)) {
        if (std::any_of(from, names_.end(), [&](std::string_view n) { return is_key(key, n); }))
            continue;
        if (!first_) out_ += ',';
        first_ = false;
        out_.append(key).append(1, ':').append(value);
    }
}

} // namespace nats::js::codec
