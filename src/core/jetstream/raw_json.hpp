// SPDX-License-Identifier: Apache-2.0
//
// The pieces of JSON as they stand in its text: what is kept for others goes back to the last byte,
// numbers of any size included.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nats::js::codec {

/// Goes over the text of one object or list, which is known to be JSON.
class raw_reader {
public:
    explicit raw_reader(std::string_view text) noexcept;

    /// False at the end. `key` has its quotes.
    [[nodiscard]] bool member(std::string_view& key, std::string_view& value) noexcept {
        return element(key) && element(value);
    }
    [[nodiscard]] bool element(std::string_view& value) noexcept;

private:
    std::string_view rest_;
};

/// Whether a key, with its quotes and maybe escapes, is `name`.
[[nodiscard]] bool is_key(std::string_view key, std::string_view name);

/// The text of a member's value, of the last one of that name; empty when there is none.
[[nodiscard]] std::string_view raw_member(std::string_view object, std::string_view name);

/// Adds a member to the text of an object; empty text is an object without any.
void append_raw(std::string& object, std::string_view key, std::string_view value);

} // namespace nats::js::codec
