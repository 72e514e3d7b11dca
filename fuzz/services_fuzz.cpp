// SPDX-License-Identifier: Apache-2.0
// Invariant: an answer of a service is read or refused, what was read can be written and read again
// to the same, and an error response that is made of one that was read has the same code.

#include <natsproto/services/responses.hpp>
#include <natsproto/services/service_error.hpp>

#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace nats;
using test::require;

template <class T>
void read_and_write(std::string_view text) {
    T first;
    if (!services::decode(text, first)) return;
    const result<std::string> written = services::to_json(first);
    require(written.has_value(), "what was read cannot be written");
    T second;
    require(services::decode(*written, second).has_value(), "what was written cannot be read");
    test::require_same(*written, services::to_json(second).value(), "read again");
}

void check_error(std::string_view block) {
    message_view m;
    m.headers = header_view(block);
    const std::optional<error> e = services::error_of(m);
    if (!e) return;
    require(*e == errc::service_error, "another error");
    const result<headers> again = services::error_headers(e->status(), e->detail());
    if (!again) return; // no code, no text, or bytes that no header may have
    message_view made;
    made.headers = again->view();
    const std::optional<error> told = services::error_of(made);
    require(told && told->status() == e->status(), "another code");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const test::exact_copy exact(bytes);
    read_and_write<services::ping_response>(exact.view());
    read_and_write<services::info_response>(exact.view());
    read_and_write<services::stats_response>(exact.view());
    (void)services::is_semantic_version(exact.view());
    check_error(exact.view());
    return 0;
}
