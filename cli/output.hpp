// SPDX-License-Identifier: Apache-2.0
//
// Standard output, and what a message looks like there.

#pragma once

#include <natsproto/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nats::cli {

/// Nobody reads standard output any more.
class output_closed {};

/// Collects until `flush`, or 64 KiB. Throws `output_closed`, or std::system_error when it cannot
/// write.
class output {
public:
    void write(std::string_view text);
    void flush();

private:
    std::string waiting_;
};

/// All of it at once.
void print(std::string_view text);

struct message_format {
    bool raw = false;           ///< the payload and a line break, byte for byte
    bool headers_only = false;  ///< no payload
    bool subjects_only = false; ///< a subject a line
    bool timestamp = false;
};

/// For the terminal: control characters of strangers are escaped, but for raw.
void print_message(output& out, const message_view& m, std::uint64_t number,
                   const message_format& f);
/// The headers and the payload alone, the same way.
void print_content(output& out, const message_view& m, const message_format& f);

} // namespace nats::cli
