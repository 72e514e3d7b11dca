// SPDX-License-Identifier: Apache-2.0
//
// A hash set of objects that are found by their parent and a text, hashed with a key that nobody
// outside knows. It gives memory back as it empties.

#pragma once

#include "core/routing/siphash.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>

namespace nats::routing {

/// `T::place()` says under what an object is found, and `T::is_at()` whether it is. It must not
/// change while the object is in the set.
struct place {
    const void* parent = nullptr;
    std::string_view text;
    friend bool operator==(const place&, const place&) = default;
};

template <class T>
class keyed_set {
public:
    explicit keyed_set(const siphash_key& key) : slots_(0, hash{key}) {}

    [[nodiscard]] T* find(const place& where) const noexcept {
        const auto at = slots_.find(where);
        return at != slots_.end() ? at->object : nullptr;
    }
    /// Nothing has changed if it throws.
    void insert(T* object) { slots_.insert(slot{object}); }
    void erase(const place& where) noexcept {
        slots_.erase(slots_.find(where));
        shrink();
    }
    /// Puts `with`, whose place must be the same, where `object` is.
    void replace(const T* object, T* with) noexcept { slots_.find(object->place())->object = with; }

private:
    struct slot {
        mutable T* object; ///< `replace` keeps the place, which is all that the set knows
    };
    struct hash {
        using is_transparent = void;
        using is_avalanching = void;
        siphash_key key;
        std::size_t operator()(const place& p) const noexcept {
            siphash<> h(key);
            h.word(reinterpret_cast<std::uintptr_t>(p.parent));
            return static_cast<std::size_t>(h.finish(p.text));
        }
        std::size_t operator()(const slot& s) const noexcept { return (*this)(s.object->place()); }
    };
    struct same {
        using is_transparent = void;
        bool operator()(const slot& a, const slot& b) const noexcept {
            return a.object == b.object;
        }
        bool operator()(const place& p, const slot& s) const noexcept { return s.object->is_at(p); }
        bool operator()(const slot& s, const place& p) const noexcept { return s.object->is_at(p); }
    };
    static constexpr std::size_t worth_shrinking = 64;

    void shrink() noexcept {
        if (slots_.bucket_count() <= worth_shrinking || slots_.size() > slots_.bucket_count() / 8)
            return;
        try {
            slots_.rehash(2 * slots_.size());
        } catch (const std::bad_alloc&) {
            return; // it stays as large as it is
        }
    }

    boost::unordered_flat_set<slot, hash, same> slots_;
};

} // namespace nats::routing
