// SPDX-License-Identifier: Apache-2.0
//
// Lists that come in pages.

#pragma once

#include <natsproto/jetstream/api.hpp>

#include "core/jetstream/reader.hpp"
#include "core/jetstream/requests.hpp"

#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

namespace nats::js {

/// Where an answer stands in a list. It has all of what `items` and `missing` count.
struct page_position {
    std::uint64_t total = 0;
    std::uint64_t offset = 0;
    std::uint64_t limit = 0;
};

template <class V, codec::is<page_position> S>
void fields(V& v, S& s) {
    v.always("total", s.total);
    v.always("offset", s.offset);
    v.always("limit", s.limit);
}

/// More than anybody has: a server that always has one more page ends here.
inline constexpr std::size_t most_listed = 1'000'000;
inline constexpr std::size_t most_subjects = 50'000'000;
inline constexpr int most_pages = 4096;

[[nodiscard]] inline error too_long() {
    return {errc::invalid_response, "a list without an end"};
}

/// One page of a list of `Item`s, which are the member `List::name` of the answer.
template <class Item, class List>
struct page {
    page_position position;
    std::vector<Item> items;
    /// Names: a server that knows them did not answer in time. None in a list of names.
    std::vector<std::string> missing;
};

template <class V, class Item, class List>
void fields(V& v, page<Item, List>& p) {
    fields(v, p.position);
    v(List::name, p.items);
    v("missing", p.missing);
}

template <class Item, class List>
result<void> decode(std::string_view json, page<Item, List>& into) {
    return codec::decode_answer(json, into);
}

struct streams_list {
    static constexpr std::string_view name = "streams";
};
struct consumers_list {
    static constexpr std::string_view name = "consumers";
};

template <class Item, class List>
op<result<std::vector<Item>>> list_all(runtime& rt, context c, std::string name,
                                       std::string subject) {
    std::vector<Item> all;
    std::uint64_t offset = 0;
    for (int pages = 0; pages < most_pages; ++pages) {
        result<api_request> r = make_request(c, name, [&](codec::writer& w) {
            w("offset", offset);
            w("subject", subject);
        });
        result<page<Item, List>> some = co_await call<page<Item, List>>(rt, std::move(r));
        if (!some) co_return some.error();
        const std::size_t count = some->items.size() + some->missing.size();
        if (count > most_listed - all.size()) co_return too_long();
        std::move(some->items.begin(), some->items.end(), std::back_inserter(all));
        offset += count;
        if (count == 0 || offset >= some->position.total) co_return std::move(all);
    }
    co_return too_long();
}

} // namespace nats::js
