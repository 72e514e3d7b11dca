// SPDX-License-Identifier: Apache-2.0
//
// Files of the operating system, for options that name some. For drivers.

#pragma once

#include <natsproto/file_reader.hpp>

namespace nats::blocking {

/// Reads regular files. Stateless.
class os_files final : public file_reader {
public:
    result<void> read(std::string_view path, std::size_t max_size, secret& content,
                      bool& others_can_read) override;
};

} // namespace nats::blocking
