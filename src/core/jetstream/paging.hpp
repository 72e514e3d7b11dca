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

/// `Page` has a `position`, `items`, and the names of those that are `missing`: a server that knows
/// them did not answer in time.
template <class Page>
op<result<std::vector<typename Page::item>>> list_all(runtime& rt, context c, std::string name,
                                                      std::string subject) {
    std::vector<typename Page::item> all;
    std::uint64_t offset = 0;
    for (int pages = 0; pages < most_pages; ++pages) {
        result<api_request> r = make_request(c, name, [&](codec::writer& w) {
            w("offset", offset);
            w("subject", subject);
        });
        result<Page> page = co_await call<Page>(rt, std::move(r));
        if (!page) co_return page.error();
        const std::size_t count = page->items.size() + page->missing.size();
        if (count > most_listed - all.size()) co_return too_long();
        std::move(page->items.begin(), page->items.end(), std::back_inserter(all));
        offset += count;
        if (count == 0 || offset >= page->position.total) co_return std::move(all);
    }
    co_return too_long();
}

} // namespace nats::js
