// SPDX-License-Identifier: Apache-2.0
//
// Scripted conversations of raw clients with a server, as data: what is sent, and a transcript of
// what comes back. See conversations.txt for their form.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

/// A client's socket, or what stands for one.
class raw_client {
public:
    virtual ~raw_client() = default;
    /// A server that has closed is not told from one that has not.
    virtual void send(std::string_view bytes) = 0;
    /// Appends what comes next, at least a byte; false at the end of the stream. Throws when
    /// nothing comes for long.
    virtual bool receive(std::string& into) = 0;
    /// Says that it will send nothing more, waits for the server's end, and goes.
    virtual void leave() = 0;

protected:
    raw_client() = default;
    raw_client(const raw_client&) = default;
    raw_client& operator=(const raw_client&) = default;
};

/// A server that conversations are held with.
class party {
public:
    virtual ~party() = default;
    [[nodiscard]] virtual std::unique_ptr<raw_client> connect() = 0;
    virtual void retire() = 0; ///< lame duck mode

protected:
    party() = default;
    party(const party&) = default;
    party& operator=(const party&) = default;
};

struct conversation {
    struct step {
        char client = 0; ///< which of them
        char kind = 0;   ///< as in the file
        std::string text;
    };
    std::string name;
    int line = 0;         ///< of the file
    bool any_sid = false; ///< whose queue member it is, is the server's choice
    std::vector<step> steps;
};

/// The part of the file with this title. Throws when the file is not as it should be.
[[nodiscard]] std::vector<conversation> read_conversations(const std::filesystem::path& file,
                                                           std::string_view part);

/// What the server says, a line each: who gets it, and what; `! ...` where it failed. CR LF is the
/// end of a line, other control characters are escaped; of INFO only what clients decide by.
/// `sign`: what `{sign}` stands for, given the nonce of INFO.
using signer_function = std::string (*)(std::string_view nonce);
[[nodiscard]] std::vector<std::string> hold(const conversation& c, party& server,
                                            signer_function sign = nullptr);

/// A socket to this port of 127.0.0.1.
[[nodiscard]] std::unique_ptr<raw_client> connect_to(std::uint16_t port);

} // namespace nats::test
