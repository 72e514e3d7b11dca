// SPDX-License-Identifier: Apache-2.0
//
// How options that name files are read: the core does no I/O, so a driver gives it something that
// does. Files are read anew for each connection, so that what was renewed is used.

#pragma once

#include <natsproto/result.hpp>
#include <natsproto/secret.hpp>

#include <cstddef>
#include <string_view>

namespace nats {

class file_reader {
public:
    file_reader() = default;
    file_reader(const file_reader&) = delete;
    file_reader& operator=(const file_reader&) = delete;
    virtual ~file_reader() = default;

    /// Reads all of a file of at most `max_size` bytes. `others_can_read`: its mode lets its group
    /// or others read it. Errors: `file_unreadable`, which names the file and says why.
    virtual result<void> read(std::string_view path, std::size_t max_size, secret& content,
                              bool& others_can_read) = 0;
};

/// The most that a file of credentials, keys or certificates may hold.
inline constexpr std::size_t max_option_file = 4 * 1024 * 1024;

} // namespace nats
