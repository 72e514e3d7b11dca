// SPDX-License-Identifier: Apache-2.0
//
// Headers by ADR-4: case-sensitive names, several values to a name, order kept.
//
// `header_view` looks into a block as it came from the wire and parses nothing until it is asked.
// It never fails: whatever a stranger put into a block, the message is still delivered, lines that
// are not headers are skipped, and `well_formed()` tells. `headers` is the builder: it refuses what
// must not go on the wire.

#pragma once

#include <natsproto/result.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats {

struct header_field {
    std::string_view name;
    /// Without leading blanks. A value that was folded over several lines keeps its line breaks
    /// here: see `unfold`.
    std::string_view value;
};

/// A header block (`NATS/1.0[ status[ description]]`, fields, an empty line), borrowed and
/// unparsed.
class header_view {
public:
    class iterator;

    constexpr header_view() noexcept = default;
    /// Any bytes; usually a message's header block.
    constexpr explicit header_view(std::string_view block) noexcept : block_(block) {}

    /// The block's bytes as they were received or built; publishing them again forwards them
    /// unchanged.
    [[nodiscard]] constexpr std::string_view raw() const noexcept { return block_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return block_.empty(); }

    /// The three digits of the status line, or 0. A status line that is not three digits is no
    /// status.
    [[nodiscard]] std::uint16_t status() const noexcept;
    /// The text after the status, without surrounding blanks.
    [[nodiscard]] std::string_view description() const noexcept;

    /// The first value of `name`, exactly as written (names are case-sensitive).
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
    /// The last value of `name`: the one a server appended, where a stored header has the same
    /// name.
    [[nodiscard]] std::optional<std::string_view> last(std::string_view name) const noexcept;
    /// All values of `name`, in order.
    [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;

    [[nodiscard]] iterator begin() const noexcept;
    [[nodiscard]] iterator end() const noexcept;

    /// Whether the version line, every field and the empty line at the end are as ADR-4 wants them.
    [[nodiscard]] bool well_formed() const noexcept;

private:
    [[nodiscard]] std::string_view first_line() const noexcept;

    std::string_view block_;
};

/// Goes over the fields of a block in order; lines without a name are skipped.
class header_view::iterator {
public:
    using value_type = header_field;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using reference = const header_field&;
    using pointer = const header_field*;

    iterator() noexcept = default;
    reference operator*() const noexcept { return field_; }
    pointer operator->() const noexcept { return &field_; }
    iterator& operator++() noexcept {
        advance();
        return *this;
    }
    iterator operator++(int) noexcept {
        iterator before = *this;
        advance();
        return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

private:
    friend class header_view;
    explicit iterator(std::string_view rest) noexcept;
    void advance() noexcept;

    std::string_view rest_;    ///< what follows the current field
    const char* at_ = nullptr; ///< where the current field starts; null at the end
    header_field field_;
    bool malformed_ = false; ///< a line was skipped on the way here
};

/// A header block under construction. Always a valid block, so that sending it is one copy.
class headers {
public:
    headers() noexcept = default;

    /// Replaces all values of `name` by one. Names: bytes 33..126 but for ':'. Values: anything but
    /// CR, LF and NUL.
    result<void> set(std::string_view name, std::string_view value);
    /// Adds a value after those that `name` has.
    result<void> add(std::string_view name, std::string_view value);
    /// Removes all values of `name`; how many there were.
    std::size_t erase(std::string_view name);
    void clear() noexcept { block_.clear(); }

    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept {
        return view().get(name);
    }
    [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const {
        return view().values(name);
    }
    [[nodiscard]] bool empty() const noexcept { return block_.empty(); }

    /// Valid until this object changes. Empty when there are no fields: then there is nothing to
    /// send.
    [[nodiscard]] header_view view() const noexcept { return header_view(block_); }
    operator header_view() const noexcept { return view(); }

    /// A copy of received headers that can be changed: folded values become one line, malformed
    /// lines and the status are left out.
    [[nodiscard]] static headers copy_of(header_view received);

private:
    std::string block_;
};

[[nodiscard]] bool is_header_name(std::string_view name) noexcept;
[[nodiscard]] bool is_header_value(std::string_view value) noexcept;

/// The value of a field with each line break and the blanks around it replaced by one space.
[[nodiscard]] std::string unfold(std::string_view value);

} // namespace nats
