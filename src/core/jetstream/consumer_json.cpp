// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one table of fields, read and written.

#include "core/jetstream/consumer_fields.hpp"
#include "core/jetstream/reader.hpp"
#include "core/jetstream/writer.hpp"

namespace nats::js {

result<void> decode(std::string_view json, consumer_config& into) {
    return codec::decode_answer(json, into);
}

result<void> decode(std::string_view json, consumer_info& into) {
    return codec::decode_answer(json, into);
}

result<std::string> to_json(const consumer_config& c) {
    return codec::encode(c);
}

result<std::string> to_json(const consumer_info& i) {
    return codec::encode(i);
}

} // namespace nats::js
