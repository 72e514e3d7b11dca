// SPDX-License-Identifier: Apache-2.0
//
// What reading and writing JSON share: the tables of words, and which types have fields.
//
// For each structure there is one function `fields(v, s)`, that calls `v(name, s.member)` for what
// is left out when it is empty, and `v.always(name, s.member)` for the rest. With a reader it
// reads, with a writer it writes. A structure that has a member `extra` keeps there what `fields`
// does not name.

#pragma once

#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/result.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nats::js::codec {

/// Real answers nest eight times.
inline constexpr std::size_t max_depth = 32;

/// Of all structures in one answer: a few bytes of JSON make a large one in memory. A page of 256
/// streams may have 390 parts each.
inline constexpr std::size_t max_structures = 100'000;

/// Also without `const`.
template <class C, class T>
concept is = std::same_as<std::remove_const_t<C>, T>;

/// A word of an enumeration. They are found by `words_of(E)`; what a table does not have is
/// `E::other`.
template <class E>
struct word {
    E value;
    std::string_view text;
};

template <class E>
concept enumeration = std::is_enum_v<E>;

template <class T>
concept number = std::integral<T> && !std::same_as<T, bool>;

template <class T>
concept keeps_extra = requires(T& s) { s.extra; };

/// False for what is no time. Empties `into` for the server's "never".
[[nodiscard]] bool read_time(std::string_view text, std::optional<wall_time>& into) noexcept;

/// A JSON object; `invalid_response` for anything else.
[[nodiscard]] result<boost::json::object> parse_object(std::string_view text);

/// The error that an answer is, if it is one.
[[nodiscard]] std::optional<error> error_in(const boost::json::object& answer);

/// `invalid_response` about `member`, if there is one to name.
[[nodiscard]] error invalid(std::string_view member);

} // namespace nats::js::codec
