// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: either of the two headers makes a reply an error, whatever its body is.

#include <natsproto/services/service_error.hpp>

#include "core/text/ascii.hpp"

#include <limits>
#include <string>
#include <utility>

namespace nats::services {

result<headers> error_headers(std::uint16_t code, std::string_view description,
                              header_view others) {
    if (code == 0 || description.empty())
        return error{errc::invalid_argument, "an error needs a code and a description"};
    headers h = headers::copy_of(others);
    if (result<void> ok = h.set(error_header, description); !ok) return ok.error();
    if (result<void> ok = h.set(error_code_header, std::to_string(code)); !ok) return ok.error();
    return h;
}

std::optional<error> error_of(const message_view& reply) {
    const std::optional<std::string_view> code = reply.headers.get(error_code_header);
    const std::optional<std::string_view> description = reply.headers.get(error_header);
    if (!code && !description) return std::nullopt;
    const std::string_view number = text::trim(code.value_or(""));
    std::string told = unfold(description.value_or(""));
    std::uint64_t n = 0;
    if (text::parse_decimal(number, n) && n <= std::numeric_limits<std::uint16_t>::max())
        return error(errc::service_error, static_cast<std::uint16_t>(n), std::move(told));
    if (!number.empty()) told = std::string(number) + ": " + told;
    return error(errc::service_error, std::move(told));
}

result<message> unless_error(result<message> reply) {
    if (!reply) return reply;
    if (std::optional<error> e = error_of(*reply)) return std::move(*e);
    return reply;
}

} // namespace nats::services
