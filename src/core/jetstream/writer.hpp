// SPDX-License-Identifier: Apache-2.0
//
// Writes a structure as JSON, by its `fields` (see codec.hpp): straight into the text. What is
// empty, zero or false is left out, so that a server never hears of a member that it may not know,
// unless somebody asked for it.

#pragma once

#include "core/jetstream/codec.hpp"
#include "core/json/object_writer.hpp"
#include "core/text/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace nats::js::codec {

class writer {
public:
    template <class T>
    void operator()(std::string_view name, const T& value) {
        if (!is_empty(value)) always(name, value);
    }
    template <class T>
    void always(std::string_view name, const T& value) {
        if constexpr (enumeration<T>) {
            if (value == T::other) return; // the word is in `extra`, if it is anywhere
        }
        begin(name);
        write(value);
    }
    /// The members of a structure, into the object that is open.
    template <class T>
    void members(const T& s) {
        const std::size_t before = names_.size();
        fields(*this, s);
        if constexpr (keeps_extra<T>) add_extra(s.extra, before);
        names_.resize(before);
    }
    template <class T>
    void object(const T& s) {
        open();
        members(s);
        end();
    }
    /// For requests that are no structure: an object is open.
    void open() {
        out_ += '{';
        first_ = true;
    }
    void open(std::string_view name) {
        begin(name);
        open();
    }
    void end() {
        out_ += '}';
        first_ = false;
    }
    /// The text, or what was wrong with what was to be written.
    [[nodiscard]] result<std::string> take() {
        if (failure_) return std::move(*failure_);
        return std::move(out_);
    }

private:
    void begin(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        names_.push_back(name);
        json_text::append_string(out_, name);
        out_ += ':';
    }
    /// `names_` from `before` on are the members that the object has.
    void add_extra(const std::string& extra, std::size_t before);

    template <class T>
    static bool is_empty(const T& value) noexcept {
        if constexpr (requires { value.empty(); })
            return value.empty();
        else if constexpr (requires { value.has_value(); })
            return !value.has_value();
        else
            return value == T{};
    }

    void write(bool b) { out_ += b ? "true" : "false"; }
    template <number T>
    void write(T n) {
        char digits[24];
        const char* end = std::to_chars(digits, digits + sizeof digits, n).ptr;
        out_.append(digits, static_cast<std::size_t>(end - digits));
    }
    void write(std::string_view s);
    void write(std::chrono::nanoseconds d) { write(d.count()); }
    void write(wall_time t) { write(std::string_view(format_wall_time(t))); }
    template <enumeration E>
    void write(E e) {
        for (const word<E>& w : words_of(E{})) {
            if (w.value == e) return write(w.text);
        }
        write(std::string_view()); // no enumerator at all: the server will say so
    }
    template <class T>
    void write(const std::optional<T>& o) {
        if (o)
            write(*o);
        else
            out_ += "null";
    }
    template <class T>
    void write(const std::vector<T>& v) {
        out_ += '[';
        for (std::size_t i = 0; i < v.size(); ++i) {
            if (i != 0) out_ += ',';
            write(v[i]);
        }
        out_ += ']';
    }
    template <class T>
    void write(const std::map<std::string, T, std::less<>>& m) {
        out_ += '{';
        bool first = true;
        for (const auto& [key, value] : m) {
            if (!first) out_ += ',';
            first = false;
            write(std::string_view(key));
            out_ += ':';
            write(value);
        }
        out_ += '}';
    }
    template <class T>
        requires(std::is_class_v<T> && !std::is_convertible_v<T, std::string_view>)
    void write(const T& s) {
        object(s);
    }

    std::string out_;
    std::vector<std::string_view> names_;
    bool first_ = true;
    std::optional<error> failure_;
};

/// A structure alone.
template <class T>
result<std::string> encode(const T& s) {
    writer w;
    w.object(s);
    return w.take();
}

} // namespace nats::js::codec
