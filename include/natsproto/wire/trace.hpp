// SPDX-License-Identifier: Apache-2.0
//
// Turns the bytes of a conversation into lines for people. Secrets of CONNECT are left out, control
// characters are escaped.

#pragma once

#include <natsproto/wire/input_buffer.hpp>
#include <natsproto/wire/parser.hpp>

#include <string>
#include <string_view>

namespace nats::wire {

/// One operation as one line, such as `PUB greet 5 | hello`. At most `max_payload` bytes of a
/// payload are shown.
[[nodiscard]] std::string describe(const frame& f, std::size_t max_payload = 64);

/// Follows one direction of a connection, however its bytes are cut.
class tracer {
public:
    explicit tracer(sender from) : parser_(from) {}

    /// Takes bytes as they went by.
    void feed(std::string_view bytes);
    /// The next line; false when there is none until more is fed.
    [[nodiscard]] bool next(std::string& line);
    /// For the next connection.
    void reset();

private:
    input_buffer input_;
    parser parser_;
};

} // namespace nats::wire
