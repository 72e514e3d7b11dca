// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: an entry is a message. Its subject has the key, its reply subject the rest,
// and its headers say whether it is a value. Other subjects in the stream are passed over. A key
// that this library would not write is shown all the same: it is there.

#include <natsproto/key_value/entry.hpp>

#include <natsproto/jetstream/metadata.hpp>

#include "core/text/ascii.hpp"

namespace nats::kv {

std::string_view to_string(operation o) noexcept {
    switch (o) {
    case operation::put: return "PUT";
    case operation::del: return "DEL";
    case operation::purge: return "PURGE";
    }
    return "";
}

operation read_operation(header_view h) noexcept {
    if (h.empty()) return operation::put;
    if (const std::optional<std::string_view> said = h.get("KV-Operation")) {
        if (*said == "PUT") return operation::put;
        return *said == "PURGE" ? operation::purge : operation::del;
    }
    if (const std::optional<std::string_view> reason = h.get("Nats-Marker-Reason"))
        return *reason == "MaxAge" || *reason == "Purge" ? operation::purge : operation::del;
    return operation::put;
}

std::optional<entry_view> read_entry(const nats::message_view& m, std::string_view bucket,
                                     std::string_view prefix, bool without_values) {
    if (!m.subject.starts_with(prefix)) return std::nullopt;
    const std::string_view key = m.subject.substr(prefix.size());
    const result<js::metadata> of = js::parse_metadata(m.reply);
    if (!of || key.empty()) return std::nullopt;
    entry_view e;
    e.bucket = bucket;
    e.key = key;
    e.value = m.payload;
    e.revision = of->stream_sequence;
    e.created = of->timestamp;
    e.delta = of->pending;
    e.operation = read_operation(m.headers);
    e.size = m.payload.size();
    if (without_values) { // the server's word is the last one
        std::uint64_t size = 0;
        if (text::parse_decimal(m.headers.last("Nats-Msg-Size").value_or(""), size)) e.size = size;
    }
    return e;
}

} // namespace nats::kv
