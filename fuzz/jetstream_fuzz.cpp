// SPDX-License-Identifier: Apache-2.0
// Invariant: any bytes are a value or an error that says so, and a value that was read is written
// as JSON that reads the same.

#include <natsproto/jetstream/account_info.hpp>
#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/consumer_info.hpp>
#include <natsproto/jetstream/consumer_requests.hpp>
#include <natsproto/jetstream/pub_ack.hpp>
#include <natsproto/jetstream/stored_message.hpp>
#include <natsproto/jetstream/stream_info.hpp>
#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/jetstream/wall_time.hpp>

#include "support/fuzz_input.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace nats;
using test::require;

template <class T>
bool read(std::string_view json, T& into) {
    const result<void> r = js::decode(json, into);
    require(r || r.error() == errc::invalid_response || r.error() == errc::jetstream_error ||
                r.error() == errc::jetstream_not_enabled,
            "what an answer may be");
    return r.has_value();
}

template <class T>
void check(std::string_view json) {
    T into;
    (void)read(json, into);
}

template <class T>
void check_both_ways(std::string_view json) {
    T first;
    if (!read(json, first)) return;
    const result<std::string> written = js::to_json(first);
    require(written.has_value(), "what was read can be written");
    T second;
    require(read(*written, second), "what was written can be read");
    const result<std::string> again = js::to_json(second);
    require(again.has_value(), "and written again");
    test::require_same(*written, *again, "again");
}

void check_time(std::string_view text) {
    const std::optional<js::wall_time> t = js::parse_wall_time(text);
    if (t) require(js::parse_wall_time(js::format_wall_time(*t)) == t, "a time");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_both_ways<js::stream_config>(bytes);
    check_both_ways<js::stream_info>(bytes);
    check_both_ways<js::consumer_config>(bytes);
    check_both_ways<js::consumer_info>(bytes);
    check_both_ways<js::account_info>(bytes);
    check_both_ways<js::pub_ack>(bytes);
    check<js::stored_message>(bytes);
    check<js::purge_count>(bytes);
    check<js::pause_state>(bytes);
    check<js::done>(bytes);
    check_time(bytes);
    return 0;
}
