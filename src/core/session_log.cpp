// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: events are described as they come; bytes go through a tracer for each
// direction, which finds the operations in them.

#include "core/session_log.hpp"

#include <string>

namespace nats {

void session_log::watch(session& s) {
    if (also_.write == nullptr && !sink_.wants(log_level::trace)) return;
    s.set_tap({[](void* self, bool sent, bool reset, std::string_view bytes) {
                   static_cast<session_log*>(self)->see(sent, reset, bytes);
               },
               this});
}

void session_log::tell(const event& e) const {
    const log_level level = level_of(e);
    if (muted_ || !sink_.wants(level)) return;
    if (const std::string line = describe(e); !line.empty())
        sink_.write(sink_.context, level, line);
}

void session_log::see(bool sent, bool reset, std::string_view bytes) {
    if (reset) {
        sent_.reset();
        received_.reset();
        return;
    }
    if (muted_) return;
    wire::tracer& t = sent ? sent_ : received_;
    t.feed(bytes);
    std::string line;
    while (t.next(line)) {
        line.insert(0, sent ? "-> " : "<- ");
        if (also_.write != nullptr) also_.write(also_.context, line);
        if (sink_.wants(log_level::trace)) sink_.write(sink_.context, log_level::trace, line);
    }
}

} // namespace nats
