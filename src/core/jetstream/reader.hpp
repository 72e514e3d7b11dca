// SPDX-License-Identifier: Apache-2.0
//
// Reads a structure out of JSON, by its `fields` (see codec.hpp). Null is as good as absent, and a
// member of another type makes the whole answer invalid. Values come from the parsed tree; the text
// goes along with it, for what is kept as it is.

#pragma once

#include "core/jetstream/codec.hpp"
#include "core/jetstream/raw_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <utility>

namespace nats::js::codec {

/// Of one answer.
struct reading {
    std::size_t structures = 0;
    std::string_view wrong; ///< the member that is not what it should be; a literal
};

/// Whether there may be an `extra` inside, which needs the text.
template <class T>
struct needs_text : std::is_class<T> {};
template <class T>
struct needs_text<std::optional<T>> : needs_text<T> {};
template <class T>
struct needs_text<std::vector<T>> : needs_text<T> {};
template <class T>
struct needs_text<std::map<std::string, T, std::less<>>> : std::false_type {};
template <>
struct needs_text<std::string> : std::false_type {};
template <>
struct needs_text<std::chrono::nanoseconds> : std::false_type {};
template <>
struct needs_text<wall_time> : std::false_type {};

class reader {
public:
    reader(const boost::json::object& from, std::string_view text, reading& whole) noexcept
        : from_(from), text_(text), whole_(whole) {}

    /// Reads all of `into`, and whether it is complete where there is a rule for that.
    template <class T>
    static bool read_fields(const boost::json::object& o, std::string_view text, reading& whole,
                            T& into) {
        reader r(o, text, whole);
        fields(r, into);
        if constexpr (keeps_extra<T>) into.extra = r.rest();
        if constexpr (requires { is_complete(std::as_const(into)); })
            return r.ok_ && is_complete(std::as_const(into));
        return r.ok_;
    }

    template <class T>
    void operator()(std::string_view name, T& into) {
        const boost::json::value* v = from_.if_contains(name);
        if (v == nullptr) return;
        if (!v->is_null() && !read({*v, text_of<T>(name)}, into)) {
            ok_ = false;
            if (whole_.wrong.empty()) whole_.wrong = name;
        }
        if constexpr (enumeration<T>) {
            if (into == T::other) return; // the word stays among what is not known
        }
        known_.push_back(name);
    }
    template <class T>
    void always(std::string_view name, T& into) {
        (*this)(name, into);
    }

private:
    struct node {
        const boost::json::value& value;
        std::string_view text; ///< only if `needs_text`
    };

    template <class T>
    [[nodiscard]] std::string_view text_of(std::string_view member) const {
        return needs_text<T>::value ? raw_member(text_, member) : std::string_view();
    }
    /// What was not read.
    [[nodiscard]] std::string rest() const {
        std::string out;
        raw_reader members(text_);
        std::string_view key;
        std::string_view value;
        const auto is_known = [&](std::string_view name) { return is_key(key, name); };
        while (members.member(key, value)) {
            if (std::ranges::none_of(known_, is_known)) append_raw(out, key, value);
        }
        return out;
    }

    bool read(const node& v, bool& into) {
        const bool* b = v.value.if_bool();
        if (b != nullptr) into = *b;
        return b != nullptr;
    }
    template <number T>
    bool read(const node& v, T& into) {
        return store(v.value.if_int64(), into) || store(v.value.if_uint64(), into);
    }
    template <class From, number T>
    static bool store(const From* n, T& into) {
        if (n == nullptr || !std::in_range<T>(*n)) return false;
        into = static_cast<T>(*n);
        return true;
    }
    bool read(const node& v, std::string& into) {
        const boost::json::string* s = v.value.if_string();
        if (s != nullptr) into.assign(s->data(), s->size());
        return s != nullptr;
    }
    bool read(const node& v, std::chrono::nanoseconds& into) {
        std::int64_t n = 0;
        if (!read(v, n)) return false;
        into = std::chrono::nanoseconds(n);
        return true;
    }
    bool read(const node& v, std::optional<wall_time>& into) {
        const boost::json::string* s = v.value.if_string();
        return s != nullptr && read_time({s->data(), s->size()}, into);
    }
    template <enumeration E>
    bool read(const node& v, E& into) {
        const boost::json::string* s = v.value.if_string();
        if (s == nullptr) return false;
        into = E::other;
        for (const word<E>& w : words_of(E{})) {
            if (w.text == std::string_view(s->data(), s->size())) into = w.value;
        }
        return true;
    }
    template <class T>
    bool read(const node& v, std::optional<T>& into) {
        return read(v, into.emplace());
    }
    template <class T>
    bool read(const node& v, std::vector<T>& into) {
        const boost::json::array* a = v.value.if_array();
        if (a == nullptr) return false;
        raw_reader texts(v.text);
        for (const boost::json::value& element : *a) {
            std::string_view text;
            if (needs_text<T>::value) (void)texts.element(text);
            if (!read({element, text}, into.emplace_back())) return false;
        }
        return true;
    }
    template <class T>
    bool read(const node& v, std::map<std::string, T, std::less<>>& into) {
        const boost::json::object* o = v.value.if_object();
        if (o == nullptr) return false;
        for (const auto& [key, element] : *o) {
            if (!read({element, {}}, into[std::string(key.data(), key.size())])) return false;
        }
        return true;
    }
    template <class T>
        requires std::is_class_v<T>
    bool read(const node& v, T& into) {
        const boost::json::object* o = v.value.if_object();
        if (o == nullptr || ++whole_.structures > max_structures) return false;
        return read_fields(*o, v.text, whole_, into);
    }

    const boost::json::object& from_;
    std::string_view text_;
    reading& whole_;
    std::vector<std::string_view> known_;
    bool ok_ = true;
};

/// A whole answer. `into` is as it was unless this succeeds.
template <class T>
result<void> decode_answer(std::string_view text, T& into) {
    const result<boost::json::object> o = parse_object(text);
    if (!o) return o.error();
    if (std::optional<error> e = error_in(*o)) return std::move(*e);
    reading whole;
    T fresh;
    if (!reader::read_fields(*o, text, whole, fresh)) return invalid(whole.wrong);
    into = std::move(fresh);
    return {};
}

} // namespace nats::js::codec
