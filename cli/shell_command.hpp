// SPDX-License-Identifier: Apache-2.0
//
// Answers a request by a shell command. Nothing of the request becomes part of the command's text.

#pragma once

#include <natsproto/message.hpp>

#include <string>
#include <string_view>

namespace nats::cli {

/// `{{Request}}` and `{{1}}` (a token of the subject, counted from 0) in the text of a command, as
/// references to the variables that hold them, quoted to suit the place. The shell expands those
/// after it has parsed the command, so what a request holds is never run.
[[nodiscard]] std::string with_variables(std::string_view command);

struct command_result {
    std::string output;
    std::string failure; ///< why there is no good answer; empty: there is one
};

/// Runs `sh -c command` with the payload on stdin, and in the environment NATS_REQUEST_SUBJECT,
/// NATS_REQUEST_TOKEN_0, ... and, where a variable can hold it (no NUL, not too long),
/// NATS_REQUEST_BODY. Waits for its end.
[[nodiscard]] command_result run_command(const std::string& command, const message_view& request);

} // namespace nats::cli
