// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one table of fields, read and written.

#include "core/jetstream/reader.hpp"
#include "core/jetstream/stream_fields.hpp"
#include "core/jetstream/writer.hpp"

namespace nats::js {

result<void> decode(std::string_view json, stream_config& into) {
    return codec::decode_answer(json, into);
}

result<void> decode(std::string_view json, stream_info& into) {
    return codec::decode_answer(json, into);
}

result<std::string> to_json(const stream_config& c) {
    return codec::encode(c);
}

result<std::string> to_json(const stream_info& i) {
    return codec::encode(i);
}

} // namespace nats::js
