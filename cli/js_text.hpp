// SPDX-License-Identifier: Apache-2.0
//
// What the JetStream commands print for people, and for programs.

#pragma once

#include <natsproto/jetstream/cluster_info.hpp>
#include <natsproto/jetstream/wall_time.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::cli {

/// A time to the second; `none` if there is none.
[[nodiscard]] std::string text_of_second(const std::optional<js::wall_time>& t, const char* none);

/// Rows under a line of headings. Cells are made printable.
class table {
public:
    /// A heading that begins with '>' is that of a column of numbers.
    explicit table(std::vector<std::string> headings);
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] std::string text() const;

private:
    [[nodiscard]] std::string line(const std::vector<std::string>& cells,
                                   const std::vector<std::size_t>& widths) const;

    std::vector<bool> is_number_;
    std::vector<std::string> headings_;
    std::vector<std::vector<std::string>> rows_;
};

/// Lines of `label: value`, in sections. Values are made printable.
class facts {
public:
    void section(std::string_view title);
    void add(std::string_view label, std::string_view value);
    void add(std::string_view label, std::uint64_t value);
    /// Only if there is something to tell.
    void add_text(std::string_view label, std::string_view value);
    void add_time(std::string_view label, std::optional<js::wall_time> t);
    /// -1 and 0: unlimited.
    void add_limit(std::string_view label, std::int64_t n);
    void add_limit_of_bytes(std::string_view label, std::int64_t n);
    void add_limit(std::string_view label, std::chrono::nanoseconds d);
    /// Only if it is so.
    void add_flag(std::string_view label, bool yes);
    void add_list(std::string_view label, const std::vector<std::string>& values);
    void add_metadata(const std::map<std::string, std::string, std::less<>>& m);
    void add_cluster(const std::optional<js::cluster_info>& c);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

/// `1.5 KiB`
[[nodiscard]] std::string text_of_bytes(std::uint64_t n);
/// Exactly, as it may be typed: `1h30m`.
[[nodiscard]] std::string exact(std::chrono::nanoseconds d);

/// A JSON string.
[[nodiscard]] std::string json_string(std::string_view text);
[[nodiscard]] std::string json_array(const std::vector<std::string>& items);
/// Prints names in their order, one a line or as a list.
void print_names(std::vector<std::string> names, bool json);
/// A list of what has `js::to_json`, indented.
template <class T>
[[nodiscard]] std::string json_of(const std::vector<T>& all);
/// JSON with line breaks and indentation, and one at the end.
[[nodiscard]] std::string indented(std::string_view json);

template <class T>
std::string json_of(const std::vector<T>& all) {
    std::vector<std::string> items;
    for (const T& one : all) items.push_back(to_json(one).value());
    return indented(json_array(items));
}

} // namespace nats::cli
